//! A room from its source to its listeners.
//!
//! ```text
//! source ─ frame + stamp ─┬─ RoomConnection ─ what is to be sent, at once
//!                         └─ journal (kept first) ─ RoomAccount ─ events ─ Listener
//! ```
//!
//! [`watch`] is one task a room. A frame is decoded when it is in the journal, and acknowledged without waiting for that. The time of the events is that of the
//! stamps in the journal: [`replay`] of it gives the same events.

mod direct;
mod keeper;
mod kept;
mod listener;
mod reads;
mod replay;
mod run;
mod short;
mod tab;
mod telling;
mod topic;

use std::time::Duration;

use pagewire_live::{Role, RoomAddress, RoomOptions, SiteEntry, Status};

pub use self::direct::{ASK_BYTES_MAX, DirectSource, REDIRECTS_MAX};
pub use self::keeper::{JournalOptions, KEEP_QUEUE_BYTES_MAX, KEEP_QUEUE_MAX};
pub use self::listener::{FrameSeen, Listener, Listeners, Note, StateChange, Tick, Unread};
pub use self::replay::{ReplayError, ReplayOptions, Replayed, Speed, replay};
pub use self::run::watch;
pub use self::short::{ShortLinkError, room_of_short_link};
pub use self::tab::{Reload, TabSource, documents, tap_rules};
pub use self::topic::RoomTopic;

/// Which room.
#[derive(Debug, Clone)]
pub struct WatchedRoom {
    /// Its site, of the table.
    pub entry: SiteEntry,
    /// Its address, as [`SiteTable::parse_room`](pagewire_live::SiteTable::parse_room) gives it.
    pub address: RoomAddress,
}

/// Where its frames come from.
#[derive(Debug, Clone)]
pub enum Source {
    /// Sockets and requests of our own.
    Direct(Box<DirectSource>),
    /// The user's own tab, which somebody attaches with [`tap_rules`] and [`documents`].
    Tab(TabSource),
    /// The tab, and where it is at fault and nothing more is needed ([`goes_direct`](pagewire_live::goes_direct)), sockets and requests of our own.
    TabFirst(TabSource, Box<DirectSource>),
}

impl Source {
    const fn role(&self) -> Role {
        match self {
            Self::Direct(_) => Role::Direct,
            Self::Tab(_) | Self::TabFirst(..) => Role::Observed,
        }
    }

    const fn name(&self) -> &'static str {
        match self {
            Self::Direct(_) => "direct",
            Self::Tab(_) | Self::TabFirst(..) => "tab",
        }
    }
}

/// How it is watched.
#[derive(Debug, Clone)]
pub struct WatchOptions {
    /// What the connection is to do. Its addresses are those of the source, or of the table, where it has none.
    pub connection: RoomOptions,
    /// Where frames are kept; nowhere by default.
    pub journal: Option<JournalOptions>,
    /// How often [`Listener::tick`] is called; every second by default.
    pub tick_every: Duration,
    /// Decides what chance decides: how long is waited, and the numbers that a page draws.
    pub seed: u64,
}

impl Default for WatchOptions {
    fn default() -> Self {
        Self {
            connection: RoomOptions::default(),
            journal: None,
            tick_every: Duration::from_secs(1),
            seed: 0,
        }
    }
}

/// How watching ended.
#[derive(Debug, Clone)]
pub struct Watched {
    /// The last status: [`State::Ended`](pagewire_live::State::Ended) and [`State::Refused`](pagewire_live::State::Refused) ended it by themselves, with any
    /// other one it was stopped.
    pub status: Status,
    /// Events that came again, and were left out.
    pub repeated: u64,
    /// Records that are missing in the journal, as it could not be written.
    pub missing: u64,
}

/// Why a room cannot be watched at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WatchError {
    /// The journal cannot be begun.
    #[error(transparent)]
    Journal(#[from] pagewire_journal::Error),
    /// The site's sockets are signed, and nobody signs.
    #[error(
        "addresses of {site} have to be signed, and there is no signer; name one with --signer, give a whole address with --address, or watch through your own tab"
    )]
    NoSigner {
        /// The site's key in the table.
        site: String,
    },
}
