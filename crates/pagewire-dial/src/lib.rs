//! Opens `ws://` and `wss://` connections as a client, and says in words what kept one from opening.
//!
//! [`dial`] goes from an [`Address`] and an [`Offer`] to a [`Socket`]; [`tls`] is the TLS of it, which HTTP clients use as well.
//! Advice in the errors names the options of the command line (`--ca`, `--header` …), which are the same for all commands that dial.

mod address;
mod dial;
mod handshake;
mod header;
mod offer;
mod refusal;
pub mod tls;

pub use address::{Address, Security};
pub use dial::{DialError, Opened, Socket, dial};
pub use header::{Header, is_of_the_handshake};
pub use offer::{Offer, SocketLimits};
pub use refusal::Refusal;
