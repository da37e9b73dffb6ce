//! Commands that talk to a running hub, and those that need none.

pub(crate) mod attach;
mod browser;
pub(crate) mod call;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod connect;
#[cfg(feature = "decode")]
pub(crate) mod decode;
pub(crate) mod doctor;
#[cfg(feature = "decode")]
pub(crate) mod gen_frames;
pub(crate) mod live;
mod own_hub;
pub(crate) mod pages;
pub(crate) mod publish;
#[cfg(feature = "watch")]
pub(crate) mod replay;
pub(crate) mod send;
pub(crate) mod sim;
pub(crate) mod tail;
#[cfg(feature = "watch")]
pub(crate) mod watch;
