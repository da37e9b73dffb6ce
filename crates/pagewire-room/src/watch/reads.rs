//! The source of a room while it is read.

use pagewire_live::{Action, RoomAddress, RoomFacts, SiteEntry};

use super::Source;
use super::direct::{Direct, Told};
use super::tab::Tab;
use crate::direct::QueueFull;

/// A source that is read.
pub(super) enum Reads {
    Direct(Box<Direct>),
    Tab(Box<Tab>),
}

impl Reads {
    pub(super) fn new(source: Source, entry: SiteEntry, room: RoomAddress, seed: u64) -> Self {
        match source {
            Source::Direct(source) => {
                Self::Direct(Box::new(Direct::new(*source, entry, room, seed)))
            }
            Source::Tab(source) | Source::TabFirst(source, _) => {
                Self::Tab(Box::new(Tab::new(source, entry, room)))
            }
        }
    }

    /// Begins with what is to be done.
    ///
    /// # Errors
    ///
    /// The site does not read, so it was not sent.
    pub(super) fn act(&mut self, action: Action, facts: &RoomFacts) -> Result<(), QueueFull> {
        match self {
            Self::Direct(direct) => direct.act(action, facts),
            Self::Tab(tab) => {
                tab.act(&action);
                Ok(())
            }
        }
    }

    /// What happens next.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> Told {
        match self {
            Self::Direct(direct) => direct.next().await,
            Self::Tab(tab) => tab.next().await,
        }
    }

    /// The page of a tab is the user's, and stays open.
    pub(super) async fn end(&mut self) {
        if let Self::Direct(direct) = self {
            direct.end().await;
        }
    }
}
