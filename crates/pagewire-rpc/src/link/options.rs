//! The limits and times of one link, with their defaults (`docs/limits.md`).

use std::time::Duration;

/// Longest page address that is kept, in bytes; the rest is cut off.
pub const URL_BYTES_MAX: usize = 2_048;
/// Longest page title that is kept, in bytes; the rest is cut off.
pub const TITLE_BYTES_MAX: usize = 512;
/// Longest agent text that is kept, in bytes; the rest is cut off.
pub const AGENT_BYTES_MAX: usize = 128;

/// Longest word for the kind of a page that is kept, in characters; the rest is cut off.
pub const KIND_CHARS_MAX: usize = 32;

/// Longest reason of a page's goodbye that is kept, in bytes; the rest is cut off.
pub const BYE_REASON_BYTES_MAX: usize = 256;

/// What a link allows and how long it waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkOptions {
    /// How long a page may take to say hello. Default 10 s.
    pub hello_timeout: Duration,
    /// Time between heartbeats; a link on which nothing arrives for two of them is closed. Default 15 s.
    pub heartbeat: Duration,
    /// Calls that the page works on at once. Default 64; more wait.
    pub in_flight_max: usize,
    /// Calls that wait. Default 1,024; one more ends as overloaded. Each holds its arguments.
    pub queue_max: usize,
    /// Functions of one page. Default 256; one more closes the link.
    pub functions_max: usize,
    /// Size of one function's description and schemas as JSON, in bytes. Default 16 KiB; more closes the link.
    pub function_bytes_max: usize,
    /// Size of a `$/hello`, `$/expose` or `$/notes` message, in bytes. Default 1 MiB; more closes the link.
    pub hello_bytes_max: usize,
    /// Requests of the page (calls, subscribe, publish with an id) under way at once. Default 64; one more is answered as overloaded.
    pub requests_max: usize,
    /// Size of one message, in bytes. Default 16 MiB. The carrier enforces it; the page is told.
    pub message_bytes_max: usize,
    /// Size of one stream item, in bytes. Default 1 MiB; more ends the call as too large.
    pub stream_item_bytes_max: usize,
    /// Size of one published value, in bytes. Default 1 MiB; more is refused, or dropped and counted.
    pub topic_value_bytes_max: usize,
}

impl Default for LinkOptions {
    fn default() -> Self {
        Self {
            hello_timeout: Duration::from_secs(10),
            heartbeat: Duration::from_secs(15),
            in_flight_max: 64,
            queue_max: 1_024,
            functions_max: 256,
            function_bytes_max: 16 << 10,
            hello_bytes_max: 1 << 20,
            requests_max: 64,
            message_bytes_max: 16 << 20,
            stream_item_bytes_max: 1 << 20,
            topic_value_bytes_max: 1 << 20,
        }
    }
}
