//! Where the frames of a live room come from, and who signs the address of its push socket.
//!
//! - [`signers`]: a page of the hub, a script, a command or an HTTP address that signs, several of them in order.
//! - [`direct`]: a push socket that is opened without a browser.
//! - [`watch`](mod@watch): a room from its source to its listeners, kept in a journal on the way, and a journal that is replayed.

pub mod direct;
pub mod signers;
pub mod watch;
