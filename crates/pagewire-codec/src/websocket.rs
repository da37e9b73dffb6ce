//! WebSocket taken apart for reading: the frames of a captured byte stream, and the handshake before them.
//!
//! For people who learn or look for a mistake. Everything that RFC 6455 asks for and a stream does otherwise is a [`WsDeviation`] that names its
//! section, and reading goes on as long as the bytes say where the next frame begins. Connections use a library, not this.

mod deviation;
mod frame;
mod handshake;
mod rules;
#[cfg(test)]
mod tests;

pub use deviation::WsDeviation;
pub use frame::{WsClose, WsExtension, WsFrame, WsFrames, WsLengthForm, WsOpcode, ws_frames};
pub use handshake::{
    WS_HEAD_BYTES_MAX, WS_HEADERS_MAX, WsHead, WsHeadKind, accept_of, check_accept, check_heads,
    ws_head,
};
