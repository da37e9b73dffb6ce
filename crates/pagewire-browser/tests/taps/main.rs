//! Taps in a real Chromium: every message of every socket, and every response, byte for byte.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod before;
mod http;
#[allow(
    dead_code,
    reason = "some of it is for taps through the page's own decoder"
)]
mod reader;
mod rough;
mod sockets;
