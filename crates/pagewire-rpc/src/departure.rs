//! Why a page is gone, for those who waited for its answer.

use std::fmt;
use std::sync::Arc;

/// Why a page is gone. In words it goes on after "the page is gone: ".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Departure {
    /// Its side said goodbye, with a reason in its own words where it gave one.
    Bye(Option<Arc<str>>),
    /// Its connection ended without a goodbye.
    Lost,
    /// A newer link took it over.
    Replaced,
    /// Somebody detached it.
    Kicked,
    /// The hub shuts down.
    Shutdown,
    /// Nothing came from it for two heartbeats.
    Silent,
    /// It broke the protocol or went over a limit; says how.
    Violation(Arc<str>),
}

impl fmt::Display for Departure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bye(Some(reason)) => reason,
            Self::Bye(None) => "it said goodbye",
            Self::Lost => "it closed, reloaded or lost its connection",
            Self::Replaced => "it was reloaded, or came back by a new connection",
            Self::Kicked => "somebody detached it",
            Self::Shutdown => "the hub shuts down",
            Self::Silent => "nothing came from it for two heartbeats",
            Self::Violation(how) => return write!(f, "it broke the protocol: {how}"),
        })
    }
}
