//! What of a connection is different from site to site: what is sent, and what a frame says besides its messages.

mod bilibili;
mod douyin;
mod douyu;
mod huya;

use crate::event::Site;
use crate::reader::Scratch;
use crate::sites::RoomFacts;

use super::options::{Credentials, Role};

/// Longest cursor and `internal_ext`, in bytes. A longer one counts as absent: both stand in an address. Those that are known have some hundred.
pub const RESUME_BYTES_MAX: usize = 4_096;

/// What a frame says besides its messages.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) says: Says,
    /// To be sent at once.
    pub(super) ack: Option<Vec<u8>>,
    /// Counts on one connection.
    pub(super) sequence: Option<u64>,
    pub(super) cursor: Option<String>,
    pub(super) internal_ext: Option<String>,
    /// The site's clock, in milliseconds of Unix time.
    pub(super) now_ms: Option<u64>,
    pub(super) heartbeat_ms: Option<u64>,
    pub(super) fetch_interval_ms: Option<u64>,
}

/// What a frame is for the connection.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Says {
    /// The connection lives.
    #[default]
    Lives,
    /// What is around the messages cannot be read.
    Damaged,
    /// The site ends this connection.
    Closes,
    /// The site does not let us in, with its code for why.
    Denies(String),
}

impl Heard {
    fn denied(code: impl ToString) -> Self {
        Self {
            says: Says::Denies(code.to_string()),
            ..Self::default()
        }
    }

    fn damaged() -> Self {
        Self {
            says: Says::Damaged,
            ..Self::default()
        }
    }
}

/// Reads as much of a frame as the connection has to know.
pub(super) fn hear(site: Site, role: Role, frame: &[u8], scratch: &mut Scratch) -> Heard {
    match site {
        Site::Douyin | Site::Tiktok => douyin::hear(role, frame, scratch),
        Site::Huya => huya::hear(frame),
        Site::Bilibili => bilibili::hear(frame, scratch),
        Site::Douyu => douyu::hear(frame),
    }
}

/// The first packets of a connection, or what has to be known to write them.
pub(super) fn enter(
    site: Site,
    facts: &RoomFacts,
    credentials: &Credentials,
) -> Result<Vec<Vec<u8>>, &'static str> {
    match site {
        Site::Douyin | Site::Tiktok => Ok(Vec::new()),
        Site::Huya => huya::enter(facts),
        Site::Bilibili => bilibili::enter(facts, credentials),
        Site::Douyu => douyu::enter(facts),
    }
}

/// The packet that says that the client is there.
pub(super) fn heartbeat(site: Site) -> Vec<u8> {
    match site {
        Site::Douyin | Site::Tiktok => crate::douyin::heartbeat_packet(),
        Site::Huya => crate::huya::heartbeat(),
        Site::Bilibili => crate::bilibili::heartbeat_packet(),
        Site::Douyu => crate::douyu::heartbeat_packet(),
    }
}
