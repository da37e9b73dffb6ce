//! Pings of ours and their answers.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

use super::payload::Payload;

/// A server that answers none of so many pings is not waited for with the oldest of them.
const PINGS_WAITING_MAX: usize = 64;

/// Pings at an interval. A number tells them apart.
#[derive(Debug)]
pub(super) struct Pings {
    every: Option<Duration>,
    due: Option<Instant>,
    count: u32,
    waiting: VecDeque<(Bytes, Instant)>,
}

impl Pings {
    /// None are sent without an interval.
    pub(super) fn new(every: Option<Duration>) -> Self {
        Self {
            every,
            due: every.map(|every| Instant::now() + every),
            count: 0,
            waiting: VecDeque::new(),
        }
    }

    /// When to send the next one.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// The ping to send now.
    pub(super) fn next(&mut self) -> Message {
        let now = Instant::now();
        self.count = self.count.wrapping_add(1);
        let bytes = Bytes::from(self.count.to_string());
        self.waiting.truncate(PINGS_WAITING_MAX - 1);
        self.waiting.push_front((bytes.clone(), now));
        self.due = self.every.map(|every| now + every);
        Message::Ping(bytes)
    }

    /// How long ago the ping was sent that this pong answers. It may stand for older pings too (RFC 6455 §5.5.3).
    pub(super) fn answered_by(&mut self, pong: &Payload) -> Option<Duration> {
        let Payload::Binary(bytes) = pong else {
            return None;
        };
        let place = self.waiting.iter().position(|(ping, _)| ping == bytes)?;
        let answered = self.waiting.split_off(place);
        answered.front().map(|(_, sent)| sent.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn send(pings: &mut Pings) -> Payload {
        Payload::of(&pings.next()).expect("a ping holds bytes")
    }

    #[test]
    fn a_pong_answers_its_ping_and_older_ones_once() {
        let mut pings = Pings::new(None);
        let sent: Vec<_> = (0..3).map(|_| send(&mut pings)).collect();
        assert!(pings.answered_by(&sent[1]).is_some());
        assert!(pings.answered_by(&sent[1]).is_none(), "answered");
        assert!(pings.answered_by(&sent[0]).is_none(), "stood for");
        assert!(pings.answered_by(&sent[2]).is_some());
        assert!(
            pings
                .answered_by(&Payload::Binary("never sent".into()))
                .is_none()
        );
    }

    #[test]
    fn the_oldest_of_too_many_pings_is_forgotten() {
        for (count, is_known) in [(PINGS_WAITING_MAX, true), (PINGS_WAITING_MAX + 1, false)] {
            let mut pings = Pings::new(None);
            let sent: Vec<_> = (0..count).map(|_| send(&mut pings)).collect();
            assert_eq!(pings.answered_by(&sent[0]).is_some(), is_known, "{count}");
        }
    }
}
