//! Pings of ours and their answers.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

use super::payload::Payload;

/// Pings at an interval. A number tells them apart; only the newest one is waited for.
#[derive(Debug)]
pub(super) struct Pings {
    every: Option<Duration>,
    due: Option<Instant>,
    count: u32,
    waiting: Option<(Bytes, Instant)>,
}

impl Pings {
    /// None are sent without an interval.
    pub(super) fn new(every: Option<Duration>) -> Self {
        Self {
            every,
            due: every.map(|every| Instant::now() + every),
            count: 0,
            waiting: None,
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
        self.waiting = Some((bytes.clone(), now));
        self.due = self.every.map(|every| now + every);
        Message::Ping(bytes)
    }

    /// How long ago the ping was sent that this pong answers.
    pub(super) fn answered_by(&mut self, pong: &Payload) -> Option<Duration> {
        let Payload::Binary(bytes) = pong else {
            return None;
        };
        let (_, sent) = self.waiting.take_if(|(waiting, _)| waiting == bytes)?;
        Some(sent.elapsed())
    }
}
