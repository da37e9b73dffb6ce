//! Taps in a real Chromium: every message of every socket, and every response, byte for byte.
#![cfg(unix)]

mod before;
mod decode;
mod http;
mod reader;
mod rough;
mod sockets;
