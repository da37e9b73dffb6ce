//! Taps: from what the browser tells of sockets and responses to values of topics, and through the page's own decoder.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use pagewire_cdp::command::NetworkGetResponseBody;
use pagewire_cdp::event::{FrameNavigated, ResponseBody};
use pagewire_cdp::{
    CommandError, Error, NetworkId, RawEvent, SessionId, TapPayload, TapRules, TapValue, Tapped,
    Taps, TargetId,
};
use pagewire_rpc::{JsonText, PageId, Payload, TopicName};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use super::carrier::LinkKey;
use super::links::Messages;
use super::page::PageKey;
use super::report::Report;
use super::state::{Asked, Effect, Session, State, read, read_answer};

/// Frames of one page that wait for its decoder. One more is not decoded, which is told in its place.
pub(super) const DECODES_MAX: usize = 4_096;

/// The taps of one page.
#[derive(Debug)]
pub(super) struct PageTaps {
    page: PageId,
    taps: Taps,
    /// By connection.
    topics: HashMap<String, TopicName>,
    last_decode: u64,
    /// Frames that were given to the decoder, by connection.
    frames: HashMap<TopicName, u64>,
    /// What the decoder works on, in its order.
    decoding: VecDeque<Decoding>,
}

#[derive(Debug)]
struct Decoding {
    id: u64,
    topic: TopicName,
    frame: u64,
}

/// What the page's decoder made of a frame.
#[derive(Deserialize)]
struct Decoded<'a> {
    id: u64,
    #[serde(borrow, default)]
    value: Option<&'a RawValue>,
    #[serde(borrow, default)]
    base64: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

/// The value of a topic of decoded frames.
#[derive(Serialize)]
struct DecodedValue<'a> {
    kind: &'static str,
    /// The number of the frame among those of its connection that have content, from 1.
    frame: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a RawValue>,
}

impl PageTaps {
    fn new(page: PageId, rules: Arc<TapRules>) -> Self {
        Self {
            page,
            taps: Taps::new(rules),
            topics: HashMap::new(),
            last_decode: 0,
            frames: HashMap::new(),
            decoding: VecDeque::new(),
        }
    }

    /// The topic of a connection, and whether it is new.
    fn topic(&mut self, value: &TapValue) -> Option<(TopicName, bool)> {
        let name = value.connection.as_str();
        if let Some(topic) = self.topics.get(name) {
            return Some((topic.clone(), false));
        }
        let topic = TopicName::of_tap(&self.page, name).ok()?;
        self.topics.insert(name.to_owned(), topic.clone());
        Some((topic, true))
    }

    fn publish(&mut self, value: TapValue, effects: &mut VecDeque<Effect>) -> Option<TopicName> {
        let (topic, new) = self.topic(&value)?;
        if new {
            effects.push_back(Effect::Report(Report::TapOpened {
                topic: topic.clone(),
            }));
        }
        let payload = Payload::Json(JsonText::of_checked(value.json));
        effects.push_back(Effect::Publish(topic.clone(), payload));
        Some(topic)
    }
}

impl State {
    pub(super) fn network_event(
        &mut self,
        now: Instant,
        wall_ms: u64,
        id: &SessionId,
        event: &RawEvent<'_>,
    ) {
        let Some((kind, owner)) = self
            .sessions
            .get(id)
            .map(|session| (session.target.kind, session.owner.clone()))
        else {
            return;
        };
        if !self.taps.contains_key(&owner) {
            let key = PageKey {
                target: owner.clone(),
                frame: None,
            };
            let page = self.identity(&key).page.clone();
            let taps = PageTaps::new(page, self.options.taps.clone());
            self.taps.insert(owner.clone(), taps);
        }
        let Some(page) = self.taps.get_mut(&owner) else {
            return;
        };
        match page.taps.handle_event(id, kind, event, wall_ms) {
            Ok(()) => {}
            Err(error @ Error::Limit { .. }) => {
                let text = format!("{error}; what is over it is not tapped");
                self.report(Report::Problem { text });
            }
            Err(error) => {
                tracing::warn!(method = %event.method, %error, "an event was not tapped");
            }
        }
        self.take_tapped(now, &owner);
    }

    /// Carries out what came of the last call.
    fn take_tapped(&mut self, now: Instant, owner: &TargetId) {
        while let Some(page) = self.taps.get_mut(owner)
            && let Some(tapped) = page.taps.poll_tapped()
        {
            match tapped {
                Tapped::Value(value) => {
                    let payload = self.options.decode.is_some().then(|| value.payload());
                    let topic = page.publish(value, &mut self.effects);
                    if let (Some(topic), Some(Some(payload))) = (topic, payload) {
                        self.decode(now, owner, &topic, &payload);
                    }
                }
                Tapped::WantBody { session, request } => {
                    let get = NetworkGetResponseBody {
                        request_id: &request,
                    };
                    let asked = Asked::Body(session.clone(), request.clone());
                    self.command(now, Some(&session), &get, asked);
                }
                Tapped::Unseen { session, .. } => self.note_unseen_sockets(&session),
            }
        }
    }

    pub(super) fn body_came(
        &mut self,
        now: Instant,
        id: &SessionId,
        request: &NetworkId,
        result: Result<&RawValue, CommandError>,
    ) {
        let Some(owner) = self.sessions.get(id).map(|session| session.owner.clone()) else {
            return;
        };
        let Some(page) = self.taps.get_mut(&owner) else {
            return;
        };
        let body = read_answer::<ResponseBody<'_>>(result);
        let body = body.as_ref().map_err(String::as_str);
        page.taps.handle_body(id, request, body);
        self.take_tapped(now, &owner);
    }

    /// The main frame of a session has a new document; the browser does not tell that the sockets of the old one ended.
    pub(super) fn frame_navigated(
        &mut self,
        now: Instant,
        wall_ms: u64,
        id: &SessionId,
        event: &RawEvent<'_>,
    ) {
        let Some(FrameNavigated { frame }) = read(event) else {
            return;
        };
        let Some(session) = self.sessions.get(id) else {
            return;
        };
        let owner = session.owner.clone();
        // The frame of another site is a target of its own, with a frame around it.
        let is_main =
            frame.parent_id.is_none() || frame.id.as_str() == session.target.target_id.as_str();
        if is_main && let Some(page) = self.taps.get_mut(&owner) {
            let document = frame.loader_id.as_ref();
            page.taps
                .handle_navigation(id, document, "the page navigated", wall_ms);
            self.take_tapped(now, &owner);
        }
    }

    /// A session ended: so did its sockets.
    pub(super) fn forget_taps(
        &mut self,
        now: Instant,
        wall_ms: u64,
        id: &SessionId,
        gone: &Session,
        why: &str,
    ) {
        let Some(page) = self.taps.get_mut(&gone.owner) else {
            return;
        };
        page.taps.forget_session(id, why, wall_ms);
        self.take_tapped(now, &gone.owner);
        if gone.owner == gone.target.target_id {
            self.taps.remove(&gone.owner);
        }
    }

    /// Gives a frame to the page's own decoder. What it makes of it goes to a topic beside the frames.
    fn decode(&mut self, now: Instant, owner: &TargetId, topic: &TopicName, payload: &TapPayload) {
        let Some(function) = self.options.decode.clone() else {
            return;
        };
        let Some(key) = self.main_link(owner) else {
            return;
        };
        let Some(page) = self.taps.get_mut(owner) else {
            return;
        };
        let Ok(topic) = topic.below("decoded") else {
            return;
        };
        let frame = page.frames.entry(topic.clone()).or_default();
        *frame += 1;
        let frame = *frame;
        if page.decoding.len() >= DECODES_MAX {
            let why = to_raw_value("the page's decoder does not keep up");
            let lost = decoded_value(frame, None, None, why.ok().as_deref());
            return self.effects.push_back(Effect::Publish(topic, lost));
        }
        page.last_decode += 1;
        let id = page.last_decode;
        page.decoding.push_back(Decoding { id, topic, frame });
        let mut messages = Messages::new(&self.binding);
        messages.push("d", &format!("{id} {function}"));
        match payload {
            TapPayload::Text(text) => messages.push_raw('s', text),
            TapPayload::Base64(text) => messages.push_raw('b', text),
        }
        self.evaluate(now, key, messages);
    }

    /// The link of a target's own document.
    fn main_link(&self, owner: &TargetId) -> Option<LinkKey> {
        let session = self.sessions.get(self.targets.get(owner)?)?;
        session.contexts.values().filter_map(|it| it.link).min()
    }

    pub(super) fn decoded(&mut self, id: &SessionId, line: &Bytes) {
        let Some(owner) = self.sessions.get(id).map(|session| &session.owner) else {
            return;
        };
        let Some(page) = self.taps.get_mut(owner) else {
            return;
        };
        let told: Decoded<'_> = match serde_json::from_slice(line) {
            Ok(told) => told,
            Err(error) => return tracing::debug!(%error, "a page sent something unknown"),
        };
        let place = page.decoding.iter().position(|one| one.id == told.id);
        if let Some(one) = place.and_then(|at| page.decoding.remove(at)) {
            let value = decoded_value(one.frame, told.value, told.base64, told.error);
            self.effects.push_back(Effect::Publish(one.topic, value));
        }
    }
}

fn decoded_value(
    frame: u64,
    value: Option<&RawValue>,
    base64: Option<&RawValue>,
    error: Option<&RawValue>,
) -> Payload {
    let value = DecodedValue {
        kind: "decoded",
        frame,
        value,
        base64,
        error,
    };
    Payload::Json(JsonText::of(&value).expect("it is JSON"))
}
