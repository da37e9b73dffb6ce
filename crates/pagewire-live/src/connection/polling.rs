//! Messages without a socket of our own: one answer after the other.

use super::dialect::Says;
use super::reason::{Failure, FailureKind, Reason};
use super::status::State;
use super::{Action, Do, Phase, RoomConnection, Then};

/// A connection that polls tries a socket again after so long.
pub(super) const SOCKET_AGAIN_MS: u64 = 5 * 60 * 1_000;
/// As there is nothing else to try, so many times the refusals of a socket are taken of polling.
const POLLS_TO_GIVE_UP: u32 = 2;

impl RoomConnection {
    pub(super) fn poll(&mut self, act: Do<'_>) {
        if self.now_ms >= self.socket_again_ms {
            // One more refusal, and it is polled again.
            self.refusals = self.timing.refusals_max;
            return self.connect(act);
        }
        self.phase = Phase::Polling {
            until_ms: self.after(self.timing.open_within_ms),
        };
        act(Action::Poll {
            resume: self.resume.clone(),
        });
    }

    pub(super) fn polled(&mut self, bytes: &[u8], act: Do<'_>) {
        if !matches!(self.phase, Phase::Polling { .. }) {
            return;
        }
        match self.hear(None, bytes, act) {
            Says::Damaged => {
                let kind = FailureKind::Other;
                let text = "the answer cannot be read".to_owned();
                self.poll_failed(Failure { kind, text }, act);
            }
            Says::Lives | Says::Closes | Says::Denies(_) => {
                self.drops = 0;
                self.refusals = 0;
                self.rest(self.poll_every_ms, Then::Poll);
                self.become_state(State::Polling, Reason::Polling, act);
            }
        }
    }

    pub(super) fn poll_failed(&mut self, failure: Failure, act: Do<'_>) {
        if !matches!(self.phase, Phase::Polling { .. }) {
            return;
        }
        self.drops = self.drops.saturating_add(1);
        self.refusals = self.refusals.saturating_add(u32::from(failure.is_answer()));
        let reason = Reason::Unreachable(failure.cut());
        let most = self.timing.refusals_max.saturating_mul(POLLS_TO_GIVE_UP);
        if self.refusals >= most {
            let (tries, last) = (self.refusals, Box::new(reason));
            return self.over(State::Refused, Reason::GivenUp { tries, last }, act);
        }
        let wait_ms = self.backoff_ms();
        self.rest(wait_ms, Then::Poll);
        self.set(State::Connecting, reason, Some(wait_ms), act);
    }
}
