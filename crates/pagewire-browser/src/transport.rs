//! DevTools messages to and from a browser, over its debugging pipe or its WebSocket.

#[cfg(unix)]
mod pipe;
mod socket;

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::{Sink, Stream};
use pagewire_cdp::pipe::TooLong;

use self::socket::Socket;

/// Longest message that is sent to a browser, in bytes. Chromium's own buffer ends at 100 MiB, and with it the connection.
pub const COMMAND_BYTES_MAX: usize = 99 << 20;

/// DevTools messages to and from a browser: JSON texts, one each.
///
/// As a stream it gives what the browser says, and ends when the browser is gone. As a sink it takes one message each; a message that it took is neither
/// lost nor torn when a poll is left. Closing or dropping it ends a browser that was launched; one that was there before goes on.
///
/// It holds at most one message of [`PIPE_MESSAGE_BYTES_MAX`](pagewire_cdp::pipe::PIPE_MESSAGE_BYTES_MAX) on its way in, and
/// on its way out at most one of [`COMMAND_BYTES_MAX`] beyond [`QUEUE_BYTES_MAX`]: then it waits for the browser.
#[derive(Debug)]
pub struct Transport(Wire);

#[derive(Debug)]
enum Wire {
    #[cfg(unix)]
    Pipe(pipe::Pipe),
    /// Boxed, since it is some hundred bytes long.
    WebSocket(Box<Socket>),
}

/// Bytes of messages that wait for the browser before the next one has to wait as well.
pub const QUEUE_BYTES_MAX: usize = 1 << 20;

/// Why messages do not get through.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The connection broke while the browser was still there, as far as one can tell. Final.
    #[error("the connection to the browser broke: {0}")]
    Broken(io::Error),
    /// The browser broke the rules of WebSocket. Final.
    #[error("the browser broke the rules of WebSocket: {0}")]
    Violation(String),
    /// A message of the browser was over the limit. Final.
    #[error("{0}, which is the limit")]
    TooLong(#[from] TooLong),
    /// A message for the browser is longer than it can take. The message is dropped, and the transport goes on.
    #[error("a DevTools message of {bytes} bytes is longer than the {max} that Chromium takes")]
    CommandTooLong {
        /// Its length.
        bytes: usize,
        /// [`COMMAND_BYTES_MAX`].
        max: usize,
    },
    /// A message for the browser is no text, or holds a zero byte. The message is dropped, and the transport goes on.
    #[error("a DevTools message must be UTF-8 without a zero byte")]
    NotText,
}

impl TransportError {
    /// True when no message gets through after this.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Broken(_) | Self::Violation(_) | Self::TooLong(_) => true,
            Self::CommandTooLong { .. } | Self::NotText => false,
        }
    }
}

impl Transport {
    /// Over the debugging pipe of a browser.
    #[cfg(unix)]
    pub(crate) fn pipe(
        from_browser: tokio::net::unix::pipe::Receiver,
        to_browser: tokio::net::unix::pipe::Sender,
    ) -> Self {
        Self(Wire::Pipe(pipe::Pipe::new(from_browser, to_browser)))
    }

    /// Over a WebSocket that was opened with [`socket::config`].
    pub(crate) fn socket(stream: socket::ClientStream) -> Self {
        Self(Wire::WebSocket(Box::new(Socket::new(stream))))
    }
}

pub(crate) use self::socket::config as socket_config;

impl Stream for Transport {
    type Item = Result<Bytes, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match &mut self.0 {
            #[cfg(unix)]
            Wire::Pipe(pipe) => pipe.poll_next(cx),
            Wire::WebSocket(socket) => socket.poll_next(cx),
        }
    }
}

impl Sink<Bytes> for Transport {
    type Error = TransportError;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        match &mut self.0 {
            #[cfg(unix)]
            Wire::Pipe(pipe) => pipe.poll_ready(cx),
            Wire::WebSocket(socket) => socket.poll_ready(cx),
        }
    }

    fn start_send(mut self: Pin<&mut Self>, message: Bytes) -> Result<(), Self::Error> {
        if message.len() > COMMAND_BYTES_MAX {
            return Err(TransportError::CommandTooLong {
                bytes: message.len(),
                max: COMMAND_BYTES_MAX,
            });
        }
        match &mut self.0 {
            #[cfg(unix)]
            Wire::Pipe(pipe) => pipe.start_send(message),
            Wire::WebSocket(socket) => socket.start_send(message),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        match &mut self.0 {
            #[cfg(unix)]
            Wire::Pipe(pipe) => pipe.poll_flush(cx),
            Wire::WebSocket(socket) => socket.poll_flush(cx),
        }
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        match &mut self.0 {
            #[cfg(unix)]
            Wire::Pipe(pipe) => pipe.poll_close(cx),
            Wire::WebSocket(socket) => socket.poll_close(cx),
        }
    }
}
