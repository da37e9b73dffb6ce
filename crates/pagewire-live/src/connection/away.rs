//! A tab that is not at its room: mostly the site wants a log-in first.

use super::reason::{Reason, cut};
use super::status::State;
use super::{Action, Do, RoomConnection};
use crate::sites::TabAt;

impl RoomConnection {
    pub(super) fn tab_at(&mut self, at: TabAt, act: Do<'_>) {
        match at {
            TabAt::Away { address, is_log_in } => {
                // Of a room that nobody broadcasts in it is known why its page is not there, but not why a log-in is.
                if is_log_in || !self.waits() {
                    self.away = Some(cut(&address));
                    // What the tab brings says that the room is there all the same.
                    if !self.brings() {
                        self.wait_for_tab(act);
                    }
                }
            }
            TabAt::Room => {
                let was_elsewhere =
                    self.away.take().is_some() || self.status.reason == Reason::NoPage;
                if was_elsewhere && !self.brings() {
                    self.watch_page(act);
                } else if matches!(self.status.reason, Reason::PageLoads)
                    && !std::mem::replace(&mut self.is_at_room, true)
                {
                    // The page had to be opened first, by a browser that had to be started perhaps.
                    self.look_again_in(self.timing.open_within_ms);
                }
            }
            TabAt::Left => {
                if self.away.take().is_some() && !self.brings() {
                    self.load_after_log_in(act);
                }
            }
            TabAt::Failed => {
                self.away = None;
                // A room that nobody broadcasts in stays so.
                if !self.waits() {
                    self.page_waits(Reason::NoPage, act);
                }
            }
            // Whoever closed the tab does not want it back at once.
            TabAt::Gone => {
                if self.away.take().is_some() && !self.brings() {
                    let wait_ms = self.ask_wait_ms();
                    self.look_again_in(wait_ms);
                }
            }
        }
    }

    const fn brings(&self) -> bool {
        matches!(self.status.state, State::Live | State::Polling)
    }

    /// True where the tab is away: then it is waited for, however long a person takes.
    pub(super) fn wait_for_tab(&mut self, act: Do<'_>) -> bool {
        let Some(address) = self.away.clone() else {
            return false;
        };
        self.look_again_in(self.timing.ask_every_ms);
        let reason = Reason::Sent { address };
        if self.status.state != State::Waiting || self.status.reason != reason {
            self.set(State::Waiting, reason, None, act);
        }
        true
    }

    /// At once the first time. A site that sends the tab round and round is given more and more time.
    fn load_after_log_in(&mut self, act: Do<'_>) {
        self.returns = self.returns.saturating_add(1);
        if self.returns == 1 {
            self.watch_page(act);
            return act(Action::Ask);
        }
        self.unclear = self.unclear.max(self.returns);
        let wait_ms = self.ask_wait_ms();
        self.look_again_in(wait_ms);
    }
}
