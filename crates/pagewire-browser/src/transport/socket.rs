//! The WebSocket of a browser that was there before: one text message each.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::{Sink as _, Stream as _};
use pagewire_cdp::pipe::{PIPE_MESSAGE_BYTES_MAX, TooLong};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use super::{QUEUE_BYTES_MAX, TransportError};

pub(crate) type ClientStream = WebSocketStream<TcpStream>;

/// A browser's message may be as long as on the pipe, in one frame or in many.
pub(crate) fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(Some(PIPE_MESSAGE_BYTES_MAX))
        .max_frame_size(Some(PIPE_MESSAGE_BYTES_MAX))
        .write_buffer_size(QUEUE_BYTES_MAX)
}

#[derive(Debug)]
pub(super) struct Socket {
    stream: ClientStream,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// The browser is gone, or broke a rule; the library must not be asked again.
    Ended,
}

impl Socket {
    pub(super) fn new(stream: ClientStream) -> Self {
        Self {
            stream,
            state: State::Open,
        }
    }

    pub(super) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, TransportError>>> {
        while self.state == State::Open {
            match Pin::new(&mut self.stream).poll_next(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Ok(Message::Text(text)))) => {
                    return Poll::Ready(Some(Ok(text.into())));
                }
                // DevTools messages are text; what else would be in a binary one?
                Poll::Ready(Some(Ok(Message::Binary(bytes)))) => {
                    return Poll::Ready(Some(Ok(bytes)));
                }
                // The library answers pings and closing by itself.
                Poll::Ready(Some(Ok(
                    Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_),
                ))) => {}
                Poll::Ready(None) => self.state = State::Ended,
                Poll::Ready(Some(Err(error))) => {
                    self.state = State::Ended;
                    if !is_gone(&error) {
                        return Poll::Ready(Some(Err(failed(error))));
                    }
                }
            }
        }
        Poll::Ready(None)
    }

    pub(super) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Pin::new(&mut self.stream).poll_ready(cx).map_err(failed)
    }

    pub(super) fn start_send(&mut self, message: Bytes) -> Result<(), TransportError> {
        let text = Utf8Bytes::try_from(message).map_err(|_| TransportError::NotText)?;
        let sent = Pin::new(&mut self.stream).start_send(Message::Text(text));
        sent.map_err(failed)
    }

    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Pin::new(&mut self.stream).poll_flush(cx).map_err(failed)
    }

    pub(super) fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Pin::new(&mut self.stream).poll_close(cx).map_err(failed)
    }
}

/// A browser that is killed says no goodbye.
fn is_gone(error: &Error) -> bool {
    match error {
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => true,
        Error::Io(error) => error.kind() == io::ErrorKind::ConnectionReset,
        Error::Tls(_)
        | Error::Capacity(_)
        | Error::Protocol(_)
        | Error::WriteBufferFull(_)
        | Error::Utf8(_)
        | Error::AttackAttempt
        | Error::Url(_)
        | Error::Http(_)
        | Error::HttpFormat(_) => false,
    }
}

fn failed(error: Error) -> TransportError {
    match error {
        Error::Io(error) => TransportError::Broken(error),
        Error::ConnectionClosed | Error::AlreadyClosed => {
            TransportError::Broken(io::ErrorKind::BrokenPipe.into())
        }
        Error::Capacity(_) => TransportError::TooLong(TooLong {
            max: PIPE_MESSAGE_BYTES_MAX,
        }),
        Error::Tls(_)
        | Error::Protocol(_)
        | Error::WriteBufferFull(_)
        | Error::Utf8(_)
        | Error::AttackAttempt
        | Error::Url(_)
        | Error::Http(_)
        | Error::HttpFormat(_) => TransportError::Violation(error.to_string()),
    }
}
