//! Whether a room is live, asked by ourselves.

use super::reason::{Failure, Reason};
use super::status::State;
use super::{Action, Do, Phase, RoomConnection, Then};
use crate::signing::Resume;
use crate::sites::{RoomAnswer, RoomFacts};

impl RoomConnection {
    /// Asks, and where nobody can be asked, enters.
    pub(super) fn ask(&mut self, act: Do<'_>) {
        if !self.can_ask {
            return self.connect(act);
        }
        self.phase = Phase::Asking {
            until_ms: self.after(self.timing.open_within_ms),
        };
        // Of a room that is waited for it is not told each time.
        if !matches!(self.status.state, State::Waiting | State::Connecting) {
            self.set(State::Connecting, Reason::Asking, None, act);
        }
        act(Action::Ask);
    }

    pub(super) fn answered(&mut self, answer: RoomAnswer, act: Do<'_>) {
        if !matches!(self.phase, Phase::Asking { .. }) {
            return;
        }
        match answer {
            RoomAnswer::Live(facts) => {
                (self.unclear, self.fetches_rest) = (0, false);
                self.learn(facts);
                self.connect(act);
            }
            RoomAnswer::NotLive => {
                self.unclear = 0;
                self.not_live(act);
            }
            RoomAnswer::Missing => self.over(State::Refused, Reason::Missing, act),
            RoomAnswer::LogIn => self.over(State::Refused, Reason::LogIn, act),
            RoomAnswer::TooOften => self.wait_longer(Reason::TooOften, act),
            RoomAnswer::Captcha => self.unknown(Reason::Captcha, act),
            RoomAnswer::Unknown { status } => self.unknown(Reason::Unclear { status }, act),
        }
    }

    pub(super) fn ask_failed(&mut self, failure: Failure, act: Do<'_>) {
        if matches!(self.phase, Phase::Asking { .. }) {
            self.unknown(Reason::NoAnswer(failure.cut()), act);
        }
    }

    /// A broadcast that the site told of is over now, without a message that said so: what came of it since the last connection, its end too, can be had
    /// from where that was. Where it says nothing of its end, it is not live the second time.
    fn not_live(&mut self, act: Do<'_>) {
        if !self.is_told {
            self.forget_broadcast();
            return self.wait(Reason::NotLive, act);
        }
        let can_resume = self.resume != Resume::default();
        if can_resume && !std::mem::replace(&mut self.fetches_rest, true) {
            return self.connect(act);
        }
        self.ended(String::new(), act);
    }

    /// The site did not say that the broadcast is over. So where it was entered before, or could have been, that is tried with what was known then.
    fn unknown(&mut self, reason: Reason, act: Do<'_>) {
        if self.is_told {
            return self.connect(act);
        }
        self.wait_longer(reason, act);
    }

    /// What an answer does not tell stays as it was.
    pub(super) fn learn(&mut self, new: RoomFacts) {
        let put = |old: &mut String, new: String| {
            if !new.is_empty() {
                *old = new;
            }
        };
        put(&mut self.facts.room_id, new.room_id);
        put(&mut self.facts.presenter, new.presenter);
        put(&mut self.facts.host, new.host);
        put(&mut self.facts.title, new.title);
        put(&mut self.facts.viewer, new.viewer);
        self.is_told = true;
    }

    fn wait_longer(&mut self, reason: Reason, act: Do<'_>) {
        self.wait(reason, act);
        self.unclear = self.unclear.saturating_add(1);
    }

    fn wait(&mut self, reason: Reason, act: Do<'_>) {
        let wait_ms = self.ask_wait_ms();
        self.rest(wait_ms, Then::Ask);
        if self.status.state != State::Waiting || self.status.reason != reason {
            self.set(State::Waiting, reason, Some(wait_ms), act);
        }
    }
}
