//! Whether a page lives, and whether its JavaScript runs (`docs/protocol.md` §1.9).

use std::time::{Duration, Instant};

use super::plain::Dialect;
use super::{Event, Link, Output, PING_ID, Phase, later};
use crate::message::Outgoing;

/// The page's JavaScript is not asked sooner than this before a call times out: the answer would not be there by then.
pub(super) const LOOK_WAIT_MIN: Duration = Duration::from_millis(250);

#[derive(Debug)]
pub(super) struct Heartbeat {
    /// When the carrier and the page's JavaScript are asked.
    next: Instant,
    /// When its JavaScript is asked before that, for a call that may time out.
    look: Option<Instant>,
    ping: Ping,
    /// When the page's JavaScript last sent anything.
    last_frame: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ping {
    Answered,
    /// Sent then and not answered.
    UnderWay(Instant),
    /// The same, for so long that the page counts as unresponsive.
    Overdue(Instant),
}

impl Heartbeat {
    pub(super) fn new(now: Instant, every: Duration) -> Self {
        Self {
            next: later(now, every),
            look: None,
            ping: Ping::Answered,
            last_frame: now,
        }
    }

    /// The page's JavaScript sent something.
    pub(super) fn heard(&mut self, now: Instant) {
        self.last_frame = self.last_frame.max(now);
    }

    /// True when a ping waited for this answer.
    pub(super) fn answered(&mut self) -> bool {
        std::mem::replace(&mut self.ping, Ping::Answered) != Ping::Answered
    }

    pub(super) fn due(&self) -> Instant {
        self.look.map_or(self.next, |look| look.min(self.next))
    }

    /// A call that times out is to say why. So the page's JavaScript is asked half-way to the deadline, where that comes before the next
    /// heartbeat; for a call that is answered sooner this is a comparison and no more.
    pub(super) fn look_before(&mut self, now: Instant, deadline: Instant) {
        let left = deadline.saturating_duration_since(now);
        let wait = left.checked_div(2).unwrap_or_default();
        let look = later(now, wait);
        if wait >= LOOK_WAIT_MIN && look < self.due() {
            self.look = Some(look);
        }
    }
}

impl Link {
    /// Since when the page's JavaScript has not run, as far as that is known: a ping waits for its answer, and nothing else came since then.
    pub fn silent_since(&self) -> Option<Instant> {
        let Phase::Open(heartbeat) = &self.phase else {
            return None;
        };
        match heartbeat.ping {
            Ping::Answered => None,
            Ping::UnderWay(since) | Ping::Overdue(since) => Some(since.max(heartbeat.last_frame)),
        }
    }

    /// Asks the carrier, the page's JavaScript or both, whatever is due.
    pub(super) fn beat(&mut self, now: Instant) {
        let Phase::Open(heartbeat) = &mut self.phase else {
            return;
        };
        if heartbeat.due() > now {
            return;
        }
        let every = self.options.heartbeat;
        let is_beat = heartbeat.next <= now;
        if is_beat {
            heartbeat.next = later(now, every);
            self.outputs.push_back(Output::Ping);
        }
        heartbeat.look = None;
        match self.calls.next_deadline() {
            Some(deadline) => heartbeat.look_before(now, deadline),
            // The call that it was for has been answered.
            None if !is_beat => return,
            None => {}
        }
        match heartbeat.ping {
            // A plain page has nothing that could answer for its JavaScript.
            _ if matches!(self.dialect, Dialect::Plain(_)) => {}
            Ping::Answered => {
                heartbeat.ping = Ping::UnderWay(now);
                self.send(Outgoing::request(PING_ID, "$/ping").end());
            }
            Ping::UnderWay(since) if later(since, every) <= now => {
                heartbeat.ping = Ping::Overdue(since);
                self.outputs.push_back(Output::Event(Event::Unresponsive));
            }
            Ping::UnderWay(_) | Ping::Overdue(_) => {}
        }
    }
}
