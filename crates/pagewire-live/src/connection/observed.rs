//! Sockets of a page of the user, which does everything itself: it is only followed.

use super::dialect::Says;
use super::followed::Asks;
use super::options::AfterEnd;
use super::reason::{Handshake, Reason, cut};
use super::status::State;
use super::{Action, ConnectionId, Do, Input, Phase, RoomConnection};
use crate::sites::RoomAnswer;

/// Pages fetch what was said before, and then open their socket: so many answers are no polling yet.
const POLLS_BEFORE_SOCKET: u32 = 1;

impl RoomConnection {
    pub(super) fn watch_page(&mut self, act: Do<'_>) {
        self.is_at_room = false;
        self.look_again_in(self.timing.open_within_ms);
        self.set(State::Connecting, Reason::PageLoads, None, act);
    }

    pub(super) fn handle_observed(&mut self, input: Input<'_>, act: Do<'_>) {
        match input {
            Input::Start => {}
            Input::Answered(answer) => self.page_answered(answer, act),
            Input::AskFailed(failure) => act(Action::Note(Reason::NoAnswer(failure.cut()))),
            Input::Opened { connection } => self.page_opened(connection, act),
            Input::Refused {
                status, headers, ..
            } => {
                act(Action::Note(Reason::Handshake(Handshake::read(
                    status, headers,
                ))));
            }
            Input::Failed { failure, .. } => act(Action::Note(Reason::Unreachable(failure.cut()))),
            Input::Frame { connection, bytes } => {
                // A tap may begin after the page did.
                if self.sockets.of(connection).is_none() {
                    self.opened(connection);
                }
                let says = self.hear(Some(connection), bytes, act);
                self.page_said(says, State::Live, act);
            }
            Input::Closed {
                connection,
                code,
                reason,
            } => self.page_closed(connection, code, reason, act),
            Input::Polled(bytes) => {
                let says = self.hear(None, bytes, act);
                let by_socket = !self.sockets.is_empty() && self.status.state == State::Live;
                self.page_polls = self.page_polls.saturating_add(1);
                if by_socket {
                    self.page_said(says, State::Live, act);
                } else if self.page_polls > POLLS_BEFORE_SOCKET {
                    self.page_said(says, State::Polling, act);
                }
            }
            Input::PollFailed(failure) => act(Action::Note(Reason::Unreachable(failure.cut()))),
            Input::Event(event) => match self.follow(event, act) {
                Asks::End(text) => self.page_ended(text, act),
                Asks::Live => self.page_is_live(act),
                Asks::Move => act(Action::Note(Reason::Moved)),
                Asks::Nothing => {}
            },
            Input::TabAt(at) => self.tab_at(at, act),
            Input::TabLost(why) => {
                let text = cut(why);
                self.over(State::Refused, Reason::NoTab { text }, act);
            }
            Input::Time => self.page_time(act),
        }
    }

    pub(super) fn look_again_in(&mut self, ms: u64) {
        self.phase = Phase::Watching {
            until_ms: self.after(ms.max(1)),
        };
    }

    /// Frames of a room where nobody broadcasts are chats of those who wait: they do not make it live.
    pub(super) const fn waits(&self) -> bool {
        matches!(self.status.state, State::Ended) || matches!(self.status.reason, Reason::NotLive)
    }

    fn page_opened(&mut self, connection: ConnectionId, act: Do<'_>) {
        self.page_polls = 0;
        self.sockets.remove(connection);
        self.opened(connection);
        if self.waits() || self.status.state == State::Live {
            return;
        }
        self.look_again_in(self.timing.silence_ms);
        self.set(State::Connecting, Reason::Entered, None, act);
    }

    fn page_said(&mut self, says: Says, state: State, act: Do<'_>) {
        match says {
            Says::Lives | Says::Damaged => {}
            Says::Closes => act(Action::Note(Reason::SiteCloses)),
            Says::Denies(code) => act(Action::Note(Reason::Denied { code: cut(&code) })),
        }
        if self.waits() {
            return;
        }
        (self.unclear, self.returns) = (0, 0);
        self.look_again_in(self.timing.silence_ms);
        let reason = if state == State::Live {
            Reason::Messages
        } else {
            Reason::Polling
        };
        self.become_state(state, reason, act);
    }

    fn page_closed(
        &mut self,
        connection: ConnectionId,
        code: Option<u16>,
        text: &str,
        act: Do<'_>,
    ) {
        let was_known = self.sockets.remove(connection).is_some();
        if !was_known || !self.sockets.is_empty() || self.waits() {
            return;
        }
        if self.wait_for_tab(act) {
            return;
        }
        // The page connects again by itself, or begins to poll.
        self.look_again_in(self.timing.silence_ms);
        let text = cut(text);
        self.set(State::Connecting, Reason::Dropped { code, text }, None, act);
    }

    fn page_answered(&mut self, answer: RoomAnswer, act: Do<'_>) {
        let reason = match answer {
            RoomAnswer::Live(facts) => {
                self.learn(facts);
                return self.page_is_live(act);
            }
            RoomAnswer::Missing => return self.over(State::Refused, Reason::Missing, act),
            // What the user may yet do in the tab.
            RoomAnswer::LogIn => Reason::LogIn,
            RoomAnswer::Captcha => Reason::Captcha,
            RoomAnswer::TooOften => Reason::TooOften,
            RoomAnswer::NotLive if self.is_told => return self.page_ended(String::new(), act),
            RoomAnswer::NotLive => {
                self.unclear = 0;
                Reason::NotLive
            }
            RoomAnswer::Unknown { .. } => return,
        };
        let is_live = matches!(self.status.state, State::Live | State::Polling);
        if is_live && reason != Reason::NotLive {
            return act(Action::Note(reason));
        }
        if matches!(reason, Reason::LogIn | Reason::Captcha) {
            // Whoever is at it would lose what they have done.
            self.unclear = u32::MAX;
        }
        self.page_waits(reason, act);
    }

    pub(super) fn page_waits(&mut self, reason: Reason, act: Do<'_>) {
        let wait_ms = self.ask_wait_ms();
        self.look_again_in(wait_ms);
        if self.status.state != State::Waiting || self.status.reason != reason {
            self.set(State::Waiting, reason, Some(wait_ms), act);
        }
    }

    fn page_is_live(&mut self, act: Do<'_>) {
        self.unclear = 0;
        if self.waits() || self.status.state == State::Waiting {
            self.look_again_in(self.timing.open_within_ms);
            self.set(State::Connecting, Reason::PageLoads, None, act);
        }
    }

    fn page_ended(&mut self, text: String, act: Do<'_>) {
        let reason = Reason::Ended { text };
        if self.options.after_end == AfterEnd::Stop {
            self.forget_broadcast();
            return self.over(State::Ended, reason, act);
        }
        if self.waits() {
            return;
        }
        self.forget_broadcast();
        let wait_ms = self.ask_wait_ms();
        self.look_again_in(wait_ms);
        self.set(State::Ended, reason, Some(wait_ms), act);
    }

    fn page_time(&mut self, act: Do<'_>) {
        if self.next_ms().is_none_or(|next_ms| next_ms > self.now_ms) {
            return;
        }
        if self.wait_for_tab(act) {
            return;
        }
        if matches!(self.status.state, State::Live | State::Polling) {
            self.look_again_in(self.timing.silence_ms);
            let heard_ms = self.status.last_frame_ms.unwrap_or(self.status.since_ms);
            let ms = self.now_ms.saturating_sub(heard_ms);
            return self.set(State::Stalled, Reason::Silent { ms }, None, act);
        }
        let wait_ms = self.ask_wait_ms();
        self.unclear = self.unclear.saturating_add(u32::from(!self.waits()));
        self.look_again_in(wait_ms);
        if self.status.state == State::Connecting {
            self.set(State::Waiting, Reason::NoSocket, Some(wait_ms), act);
        }
        act(Action::Ask);
    }
}
