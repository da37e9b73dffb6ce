//! Taps in a real Chromium: every message of every socket, and every response, byte for byte.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails by panicking, and says what it measured"
)]
#![allow(clippy::too_many_lines, reason = "a scene is a list of steps")]

mod before;
mod decode;
mod http;
mod reader;
mod rough;
mod sockets;
