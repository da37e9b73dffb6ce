//! Where the frames of a live room come from, and who signs the address of its push socket.
//!
//! - [`signers`]: a page of the hub, a script, a command or an HTTP address that signs, several of them in order.
//! - [`direct`]: a push socket that is opened without a browser.

pub mod direct;
pub mod signers;
