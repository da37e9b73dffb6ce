//! Tapped frames through the page's own decoder. What it makes of them goes to topics beside the frames'.

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use bytes::Bytes;
use pagewire_cdp::{SessionId, TapPayload, TargetId};
use pagewire_rpc::{FunctionName, JsonText, Payload, TopicName};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use super::carrier::LinkKey;
use super::links::{EVALUATIONS_MAX, Lane};
use super::messages::Messages;
use super::page::OpenLink;
use super::state::{Effect, Session, State};
use super::taps::PageTaps;

/// Frames of one page that wait for its decoder. One more is not decoded, which is told in its place.
pub(super) const DECODES_MAX: usize = 4_096;
/// Bytes of the payloads of these, as JSON writes them.
pub(super) const DECODES_BYTES_MAX: usize = 64 << 20;
/// Bytes of one payload, as JSON writes it. Written as JSON a second time it may be twice as long, and still fits into one message to the browser.
pub(super) const DECODE_BYTES_MAX: usize = 32 << 20;
/// A page gets no more frames at once than begin within so many bytes.
const BATCH_BYTES: usize = 1 << 20;

/// The frames of one page on their way through its decoder.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    last_id: u64,
    /// Frames so far, by connection.
    frames: HashMap<TopicName, u64>,
    /// Those that the page has, and then those that wait for it.
    pending: VecDeque<Pending>,
    /// How many the page has.
    given: usize,
    /// Of all payloads.
    bytes: usize,
}

#[derive(Debug)]
struct Pending {
    id: u64,
    of: Frame,
    bytes: usize,
    /// Until the page has it.
    payload: Option<TapPayload>,
}

/// A frame that has content.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Frame {
    /// Where the decoded one goes.
    topic: TopicName,
    /// Its number among those of its connection, from 1.
    number: u64,
}

/// What the page's decoder made of a frame: one of the three.
#[derive(Debug, Deserialize)]
struct Told<'a> {
    id: u64,
    #[serde(borrow, default)]
    value: Option<&'a RawValue>,
    #[serde(borrow, default)]
    base64: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

/// The value of a topic of decoded frames.
#[derive(Debug, Serialize)]
struct Decoded<'a> {
    kind: &'static str,
    frame: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a RawValue>,
}

impl Decoder {
    /// Numbers a frame of a connection; none where its topic would have no name.
    fn number(&mut self, connection: &TopicName) -> Option<Frame> {
        let topic = connection.below("decoded").ok()?;
        let number = self.frames.entry(connection.clone()).or_default();
        *number += 1;
        Some(Frame {
            topic,
            number: *number,
        })
    }

    /// Takes a frame in, or gives it back with the reason why not.
    fn add(&mut self, of: Frame, payload: TapPayload) -> Result<(), (Frame, &'static str)> {
        let bytes = length(&payload);
        if bytes > DECODE_BYTES_MAX {
            return Err((of, "the frame is too long for the page's decoder"));
        }
        if self.pending.len() >= DECODES_MAX || self.bytes + bytes > DECODES_BYTES_MAX {
            return Err((of, "the page's decoder does not keep up"));
        }
        self.last_id += 1;
        self.bytes += bytes;
        self.pending.push_back(Pending {
            id: self.last_id,
            of,
            bytes,
            payload: Some(payload),
        });
        Ok(())
    }

    /// The next frames for the page.
    fn batch(&mut self, binding: &str, function: &FunctionName) -> Messages {
        let mut messages = Messages::new(binding);
        let mut begun = 0;
        while begun < BATCH_BYTES
            && let Some(next) = self.pending.get_mut(self.given)
            && let Some(payload) = next.payload.take()
        {
            begun += next.bytes;
            self.given += 1;
            messages.push("d", &format!("{} {function}", next.id));
            match payload {
                TapPayload::Text(text) => messages.push_raw('s', &text),
                TapPayload::Base64(text) => messages.push_raw('b', &text),
            }
        }
        messages
    }

    /// Takes a frame out that the page is done with.
    fn take(&mut self, id: u64) -> Option<Frame> {
        let place = self
            .pending
            .iter()
            .take(self.given)
            .position(|one| one.id == id)?;
        let done = self.pending.remove(place)?;
        self.given -= 1;
        self.bytes -= done.bytes;
        Some(done.of)
    }

    /// Takes all frames out, as the page is gone.
    fn clear(&mut self) -> impl Iterator<Item = Frame> {
        self.given = 0;
        self.bytes = 0;
        std::mem::take(&mut self.pending)
            .into_iter()
            .map(|one| one.of)
    }

    /// A connection is closed: no more frames come.
    pub(super) fn forget(&mut self, connection: &TopicName) {
        self.frames.remove(connection);
    }
}

impl State {
    /// Gives a frame to the page's own decoder.
    pub(super) fn decode(
        &mut self,
        now: Instant,
        owner: &TargetId,
        connection: &TopicName,
        payload: TapPayload,
    ) {
        let link = self.main_link(owner);
        let Some(page) = self.taps.get_mut(owner) else {
            return;
        };
        let Some(frame) = page.decoder.number(connection) else {
            return;
        };
        let Some(link) = link else {
            return self.tell_not_decoded(
                frame,
                "the page is not attached, so that nothing can decode it",
            );
        };
        match page.decoder.add(frame, payload) {
            Ok(()) => self.deliver_frames(now, link),
            Err((frame, why)) => self.tell_not_decoded(frame, why),
        }
    }

    /// The link of a target's own document.
    fn main_link(&self, owner: &TargetId) -> Option<LinkKey> {
        let page = &self.taps.get(owner)?.page;
        let session = self.sessions.get(self.targets.get(owner)?)?;
        let mut links = session.contexts.values().filter_map(|it| it.link);
        links.find(|key| self.links.get(key).is_some_and(|link| link.page == *page))
    }

    /// Gives the page the frames that wait for its decoder, as far as it keeps up.
    pub(super) fn deliver_frames(&mut self, now: Instant, key: LinkKey) {
        let Some(function) = &self.options.decode else {
            return;
        };
        let Some(link) = self.links.get(&key) else {
            return;
        };
        let Some(decoder) = decoder_of(&self.sessions, &mut self.taps, link) else {
            return;
        };
        if link.under_way.frames >= EVALUATIONS_MAX {
            return;
        }
        let messages = decoder.batch(&self.binding, function);
        if !messages.is_empty() {
            self.evaluate(now, key, messages, Lane::Frames);
        }
    }

    /// What a page's decoder made of a frame.
    pub(super) fn decoded(&mut self, key: LinkKey, line: &Bytes) {
        let Some(link) = self.links.get(&key) else {
            return;
        };
        let Some(decoder) = decoder_of(&self.sessions, &mut self.taps, link) else {
            return;
        };
        let told: Told<'_> = match serde_json::from_slice(line) {
            Ok(told) => told,
            Err(error) => return tracing::debug!(%error, "a page sent something unknown"),
        };
        if let Some(frame) = decoder.take(told.id) {
            let decoded = Decoded {
                kind: "decoded",
                frame: frame.number,
                value: told.value,
                base64: told.base64,
                error: told.error,
            };
            self.tell_decoded(frame.topic, &decoded);
        }
    }

    /// The document of a link is gone, and with it its decoder.
    pub(super) fn end_decoder(&mut self, link: &OpenLink) {
        let Some(decoder) = decoder_of(&self.sessions, &mut self.taps, link) else {
            return;
        };
        for frame in decoder.clear().collect::<Vec<_>>() {
            self.tell_not_decoded(frame, "the document that was to decode it is gone");
        }
    }

    fn tell_not_decoded(&mut self, frame: Frame, why: &str) {
        let why = to_raw_value(why).expect("a text is JSON");
        let decoded = Decoded {
            kind: "decoded",
            frame: frame.number,
            value: None,
            base64: None,
            error: Some(&why),
        };
        self.tell_decoded(frame.topic, &decoded);
    }

    fn tell_decoded(&mut self, topic: TopicName, decoded: &Decoded<'_>) {
        let json = JsonText::of(decoded).expect("it is JSON");
        self.effects
            .push_back(Effect::Publish(topic, Payload::Json(json)));
    }
}

/// The decoder that runs on a link: only a target's own document has one.
fn decoder_of<'a>(
    sessions: &HashMap<SessionId, Session>,
    taps: &'a mut HashMap<TargetId, PageTaps>,
    link: &OpenLink,
) -> Option<&'a mut Decoder> {
    let session = sessions.get(&link.session)?;
    let page = taps.get_mut(&session.owner)?;
    (page.page == link.page).then_some(&mut page.decoder)
}

/// Without the quotes.
fn length(payload: &TapPayload) -> usize {
    let (TapPayload::Text(json) | TapPayload::Base64(json)) = payload;
    json.len().saturating_sub(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(number: u64) -> Frame {
        Frame {
            topic: TopicName::new("taps/p/1-x/decoded").unwrap(),
            number,
        }
    }

    fn payload(bytes: usize) -> TapPayload {
        TapPayload::Base64(format!("\"{}\"", "A".repeat(bytes)).into())
    }

    /// Adds frames of so many bytes until one is refused; how many were taken, and why no more.
    fn fill(decoder: &mut Decoder, bytes: usize) -> (usize, &'static str) {
        let mut taken = 0;
        loop {
            match decoder.add(frame(1), payload(bytes)) {
                Ok(()) => taken += 1,
                Err((_, why)) => return (taken, why),
            }
        }
    }

    #[test]
    fn frames_wait_up_to_their_number_and_their_bytes() {
        let behind = "the page's decoder does not keep up";
        assert_eq!(fill(&mut Decoder::default(), 4), (DECODES_MAX, behind));
        let large = DECODES_BYTES_MAX / 4;
        assert_eq!(fill(&mut Decoder::default(), large), (4, behind));
        assert_eq!(fill(&mut Decoder::default(), large + 1), (3, behind));
        let mut decoder = Decoder::default();
        assert!(decoder.add(frame(1), payload(DECODE_BYTES_MAX)).is_ok());
        let too_long = decoder.add(frame(2), payload(DECODE_BYTES_MAX + 1));
        assert_eq!(
            too_long.unwrap_err().1,
            "the frame is too long for the page's decoder"
        );
    }

    #[test]
    fn a_frame_that_is_done_makes_room_and_only_those_that_the_page_has_can_be_done() {
        let function = FunctionName::new("decode").unwrap();
        let mut decoder = Decoder::default();
        fill(&mut decoder, BATCH_BYTES);
        assert_eq!(decoder.take(1), None, "the page has nothing");
        assert!(!decoder.batch("b", &function).is_empty());
        assert!(!decoder.batch("b", &function).is_empty());
        assert_eq!((decoder.take(3), decoder.take(2)), (None, Some(frame(1))));
        assert_eq!(decoder.take(2), None, "once");
        assert!(decoder.add(frame(9), payload(BATCH_BYTES)).is_ok());
        assert!(decoder.add(frame(10), payload(1)).is_err());
        assert_eq!(decoder.clear().count(), DECODES_BYTES_MAX / BATCH_BYTES);
        assert!(decoder.batch("b", &function).is_empty());
        assert_eq!(
            fill(&mut decoder, BATCH_BYTES).0,
            DECODES_BYTES_MAX / BATCH_BYTES
        );
    }

    #[test]
    fn small_frames_go_to_the_page_together() {
        let function = FunctionName::new("decode").unwrap();
        let mut decoder = Decoder::default();
        for text in ["\"a\"", "\"\\n\""] {
            let payload = TapPayload::Text(text.to_owned().into());
            decoder.add(frame(1), payload).unwrap();
        }
        decoder.add(frame(1), payload(4)).unwrap();
        let expression = decoder.batch("b", &function).into_expression();
        assert_eq!(
            expression,
            r#"b('d1 decode',"sa",'d2 decode',"s\n",'d3 decode',"bAAAA")"#
        );
    }
}
