//! A socket of one's own.

use super::dialect::{Says, enter, heartbeat};
use super::followed::Asks;
use super::options::{AfterEnd, Fallback};
use super::polling::SOCKET_AGAIN_MS;
use super::reason::{Failure, FailureKind, Handshake, Reason, cut};
use super::status::State;
use super::{Action, ConnectionId, Do, Input, Phase, RoomConnection, Then};

/// The site wants nothing for so long after these codes (RFC 6455 §7.4.1): it goes away, it starts anew, it has too much to do.
const CODES_TO_WAIT: [(u16, u64); 3] = [(1_001, 2_000), (1_012, 3_000), (1_013, 5_000)];
/// With these codes it says that what we sent is wrong, so the same once more does not do: malformed, against its rules, too large.
const CODES_OF_REFUSAL: [u16; 3] = [1_007, 1_008, 1_009];
/// Nothing more is to come: the broadcast may be over, so the site is asked.
const CODE_NORMAL: u16 = 1_000;
/// So many drops in a row, and the room may be another one than when it was asked for.
const DROPS_TO_ASK: u32 = 3;

impl RoomConnection {
    pub(super) fn handle_direct(&mut self, input: Input<'_>, act: Do<'_>) {
        match input {
            Input::Start => {}
            Input::Answered(answer) => self.answered(answer, act),
            Input::AskFailed(failure) => self.ask_failed(failure, act),
            Input::Opened { connection } if self.opens(connection) => self.entered(connection, act),
            Input::Refused {
                connection,
                status,
                headers,
            } if self.opens(connection) => {
                let handshake = Handshake::read(status, headers);
                let wait_ms = handshake.retry_after_ms.unwrap_or_default();
                self.refused(Reason::Handshake(handshake), wait_ms, act);
            }
            Input::Failed {
                connection,
                failure,
            } if self.opens(connection) => self.failed(failure, act),
            Input::Closed {
                connection,
                code,
                reason,
            } if self.opens(connection) => {
                let text = cut(reason);
                self.refused(Reason::ClosedEarly { code, text }, 0, act);
            }
            Input::Frame { connection, bytes } => self.frame(connection, bytes, act),
            Input::Closed {
                connection,
                code,
                reason,
            } => self.closed(connection, code, reason, act),
            Input::Polled(bytes) => self.polled(bytes, act),
            Input::PollFailed(failure) => self.poll_failed(failure, act),
            Input::Event(event) => match self.follow(event, act) {
                Asks::End(text) => self.end_said(text, act),
                Asks::Move => self.moved(act),
                Asks::Nothing | Asks::Live => {}
            },
            Input::Time => self.time(act),
            // Of a socket that was given up.
            Input::Opened { .. } | Input::Refused { .. } | Input::Failed { .. } => {}
            // There is none.
            Input::TabAt(_) | Input::TabLost(_) => {}
        }
    }

    fn opens(&self, id: ConnectionId) -> bool {
        matches!(self.phase, Phase::Opening { connection, .. } if connection == id)
    }

    fn time(&mut self, act: Do<'_>) {
        if self.next_ms().is_none_or(|next_ms| next_ms > self.now_ms) {
            return;
        }
        let timed_out = || Failure {
            kind: FailureKind::TimedOut,
            text: String::new(),
        };
        match self.phase {
            Phase::Idle | Phase::Watching { .. } => {}
            Phase::Asking { .. } => self.ask_failed(timed_out(), act),
            Phase::Resting {
                then: Then::Ask, ..
            } => self.ask(act),
            Phase::Resting {
                then: Then::Connect,
                ..
            } => self.connect(act),
            Phase::Resting {
                then: Then::Poll, ..
            } => self.poll(act),
            Phase::Opening { connection, .. } => {
                act(Action::Close { connection });
                self.failed(timed_out(), act);
            }
            Phase::Open => self.open_time(act),
            Phase::Polling { .. } => self.poll_failed(timed_out(), act),
        }
    }

    pub(super) fn rest(&mut self, ms: u64, then: Then) {
        self.phase = Phase::Resting {
            until_ms: self.after(ms.max(1)),
            then,
        };
    }

    pub(super) fn connect(&mut self, act: Do<'_>) {
        if let Err(what) = enter(self.format, &self.facts, &self.options.credentials) {
            return self.over(State::Refused, Reason::NoFact { what }, act);
        }
        let addresses = &self.options.addresses;
        let Some(address) = addresses.iter().cycle().nth(self.address).cloned() else {
            return self.over(State::Refused, Reason::NoAddress, act);
        };
        self.last_connection = self.last_connection.saturating_add(1);
        let connection = ConnectionId(self.last_connection);
        self.phase = Phase::Opening {
            connection,
            until_ms: self.after(self.timing.open_within_ms),
        };
        if self.status.state != State::Polling {
            self.set(State::Connecting, Reason::Opening, None, act);
        }
        act(Action::Connect {
            connection,
            address,
            resume: self.resume.clone(),
            facts: self.facts.clone(),
        });
    }

    fn entered(&mut self, connection: ConnectionId, act: Do<'_>) {
        self.phase = Phase::Open;
        self.opened(connection);
        self.set(State::Connecting, Reason::Entered, None, act);
        let packets =
            enter(self.format, &self.facts, &self.options.credentials).unwrap_or_default();
        for bytes in packets {
            act(Action::Send { connection, bytes });
        }
    }

    fn frame(&mut self, id: ConnectionId, bytes: &[u8], act: Do<'_>) {
        if self.phase != Phase::Open || self.sockets.of(id).is_none() {
            return;
        }
        match self.hear(Some(id), bytes, act) {
            Says::Lives | Says::Damaged => {
                self.become_state(State::Live, Reason::Messages, act);
                let steady_ms = self.timing.steady_ms;
                let opened_ms = self
                    .sockets
                    .first()
                    .map_or(self.now_ms, |socket| socket.opened_ms);
                if self.now_ms.saturating_sub(opened_ms) >= steady_ms {
                    (self.drops, self.refusals) = (0, 0);
                }
            }
            Says::Closes => {
                self.close(act);
                self.dropped(Reason::SiteCloses, 0, act);
            }
            Says::Denies(code) => {
                self.close(act);
                self.refused(Reason::Denied { code: cut(&code) }, 0, act);
            }
        }
    }

    fn closed(&mut self, id: ConnectionId, code: Option<u16>, text: &str, act: Do<'_>) {
        let Some(socket) = self.sockets.remove(id) else {
            return;
        };
        let text = cut(text);
        let waits = CODES_TO_WAIT.iter().find(|(known, _)| code == Some(*known));
        let wait_ms = waits.map_or(0, |(_, wait_ms)| *wait_ms);
        if socket.heard_ms.is_none() {
            return self.refused(Reason::ClosedEarly { code, text }, wait_ms, act);
        }
        let is_refusal = code.is_some_and(|code| CODES_OF_REFUSAL.contains(&code));
        let reason = Reason::Dropped { code, text };
        if is_refusal {
            return self.refused(reason, wait_ms, act);
        }
        self.dropped(reason, wait_ms, act);
        if let Phase::Resting { until_ms, .. } = self.phase
            && code == Some(CODE_NORMAL)
        {
            self.phase = Phase::Resting {
                until_ms,
                then: Then::Ask,
            };
        }
    }

    /// Connects again after a while, and goes on where it was.
    fn dropped(&mut self, reason: Reason, wait_ms: u64, act: Do<'_>) {
        self.drops = self.drops.saturating_add(1);
        let then = if self.drops > DROPS_TO_ASK {
            Then::Ask
        } else {
            Then::Connect
        };
        let wait_ms = self.backoff_ms().max(wait_ms);
        self.rest(wait_ms, then);
        let is_silence = matches!(reason, Reason::Silent { .. });
        let state = if is_silence {
            State::Stalled
        } else {
            State::Connecting
        };
        self.set(state, reason, Some(wait_ms), act);
    }

    fn failed(&mut self, failure: Failure, act: Do<'_>) {
        let reason = Reason::Unreachable(failure.cut());
        // Who can poll needs no socket, so there is an end to trying.
        if self.options.fallback == Fallback::Poll {
            return self.refused(reason, 0, act);
        }
        self.address = self.address.wrapping_add(1);
        self.dropped(reason, 0, act);
    }

    fn moved(&mut self, act: Do<'_>) {
        if self.phase == Phase::Open {
            self.close(act);
            self.address = self.address.wrapping_add(1);
            self.dropped(Reason::Moved, 0, act);
        }
    }

    /// Tries with what the site says anew and at the next address; after so many times not any more.
    fn refused(&mut self, reason: Reason, wait_ms: u64, act: Do<'_>) {
        // The socket is gone, so there is none to close.
        self.rest(0, Then::Ask);
        self.address = self.address.wrapping_add(1);
        self.refusals = self.refusals.saturating_add(1);
        self.drops = self.drops.saturating_add(1);
        let needs_log_in =
            matches!(&reason, Reason::Handshake(handshake) if handshake.status == 401);
        if needs_log_in && self.options.fallback == Fallback::None {
            return self.over(State::Refused, reason, act);
        }
        if self.refusals > self.timing.refusals_max {
            if self.options.fallback == Fallback::Poll {
                self.socket_again_ms = self.after(SOCKET_AGAIN_MS);
                self.refusals = 0;
                act(Action::Note(reason));
                return self.poll(act);
            }
            let (tries, last) = (self.refusals, Box::new(reason));
            return self.over(State::Refused, Reason::GivenUp { tries, last }, act);
        }
        let wait_ms = self.backoff_ms().max(wait_ms);
        self.rest(wait_ms, Then::Ask);
        self.set(State::Connecting, reason, Some(wait_ms), act);
    }

    pub(super) fn close(&mut self, act: Do<'_>) {
        let opening = match self.phase {
            Phase::Opening { connection, .. } => Some(connection),
            Phase::Idle
            | Phase::Asking { .. }
            | Phase::Resting { .. }
            | Phase::Open
            | Phase::Polling { .. }
            | Phase::Watching { .. } => None,
        };
        let open = self.sockets.first().map(|socket| socket.id);
        self.sockets.clear();
        if let (Some(connection), super::Role::Direct) = (opening.or(open), self.role) {
            act(Action::Close { connection });
        }
    }

    fn end_said(&mut self, text: String, act: Do<'_>) {
        let is_known = matches!(self.status.state, State::Ended | State::Waiting);
        if self.options.after_end == AfterEnd::Stop || !is_known {
            self.ended(text, act);
        }
    }

    pub(super) fn ended(&mut self, text: String, act: Do<'_>) {
        let reason = Reason::Ended { text };
        if self.options.after_end == AfterEnd::Stop {
            self.forget_broadcast();
            return self.over(State::Ended, reason, act);
        }
        self.close(act);
        self.forget_broadcast();
        let wait_ms = self.ask_wait_ms();
        self.rest(wait_ms, Then::Ask);
        self.set(State::Ended, reason, Some(wait_ms), act);
    }

    /// When an open socket has to be looked at.
    pub(super) fn open_until_ms(&self) -> u64 {
        self.sockets.first().map_or(self.now_ms, |socket| {
            let heard_ms = socket.heard_ms.unwrap_or(socket.opened_ms);
            let silent_ms = heard_ms.saturating_add(self.timing.silence_ms);
            silent_ms.min(socket.heartbeat_due_ms)
        })
    }

    fn open_time(&mut self, act: Do<'_>) {
        let (now_ms, timing) = (self.now_ms, self.timing);
        let next_ms = self.after(self.heartbeat_ms);
        let Some(socket) = self.sockets.one() else {
            return;
        };
        let connection = socket.id;
        let silent_ms = now_ms.saturating_sub(socket.heard_ms.unwrap_or(socket.opened_ms));
        let is_unanswered = self.status.unanswered_heartbeats >= timing.unanswered_heartbeats_max
            && silent_ms >= self.heartbeat_ms;
        let beats = now_ms >= socket.heartbeat_due_ms;
        if silent_ms >= timing.silence_ms || (beats && is_unanswered) {
            let came = socket.heard_ms.is_some();
            self.close(act);
            let reason = Reason::Silent { ms: silent_ms };
            return if came {
                self.dropped(reason, 0, act)
            } else {
                self.refused(reason, 0, act)
            };
        }
        socket.heartbeat_due_ms = next_ms;
        self.status.unanswered_heartbeats = self.status.unanswered_heartbeats.saturating_add(1);
        act(Action::Send {
            connection,
            bytes: heartbeat(self.format),
        });
    }
}
