//! What moves the messages of a page link: a WebSocket, a DevTools binding, memory.

use futures_util::{Sink, Stream};
use pagewire_rpc::{Frame, Input};

/// What the hub gives to a carrier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outbound {
    /// A message for the page.
    Frame(Frame),
    /// The carrier's own keep-alive, if it has one. An answer to it comes back as [`Input::Alive`].
    Ping,
    /// Close; nothing follows.
    Close {
        /// A WebSocket close code.
        code: u16,
        /// A short reason; a carrier cuts it to what it can hold.
        reason: String,
    },
}

impl Outbound {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Frame(frame) => frame.len(),
            Self::Ping | Self::Close { .. } => 0,
        }
    }
}

/// Why a carrier cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum CarrierError {
    /// The page sent a message over `message_bytes_max`. It can still be told goodbye.
    #[error("a message is over message_bytes_max")]
    TooLarge,
    /// The connection broke; the page is gone.
    #[error("the carrier failed: {0}")]
    Broken(Box<dyn std::error::Error + Send + Sync>),
}

/// A connection to one page. It ends its stream when the page is gone. Sending must not lose a message when `poll_ready` or `poll_flush`
/// is polled and then left.
pub trait Carrier:
    Stream<Item = Result<Input, CarrierError>> + Sink<Outbound, Error = CarrierError> + Send
{
}

impl<T> Carrier for T where
    T: Stream<Item = Result<Input, CarrierError>> + Sink<Outbound, Error = CarrierError> + Send
{
}
