//! What a caller says and allows when it opens a connection.

use std::time::Duration;

use http::HeaderValue;

use crate::header::Header;

/// What the opening request says, and how long the server may take.
#[derive(Debug, Clone)]
pub struct Offer {
    /// Further headers; they win over those that are set without them, `Host` and `User-Agent`.
    pub headers: Vec<Header>,
    /// Where the page comes from, for servers that ask.
    pub origin: Option<HeaderValue>,
    /// Subprotocols, the preferred one first.
    pub subprotocols: Vec<String>,
    /// From the look-up of the name to the server's answer.
    pub timeout: Duration,
}

/// How much memory an open connection may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SocketLimits {
    /// A longer message or frame of the server, in bytes, ends the connection.
    pub message_bytes_max: usize,
    /// Bytes of messages, and of answers to pings, that wait for a server that does not read; one more message is an error.
    pub unsent_bytes_max: usize,
}
