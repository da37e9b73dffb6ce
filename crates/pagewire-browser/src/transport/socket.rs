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
                // The library answers pings by itself.
                Poll::Ready(Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)))) => {}
                Poll::Ready(Some(Ok(Message::Close(_))) | None) => self.state = State::Ended,
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

#[cfg(test)]
mod tests {
    use std::pin::Pin;

    use futures_util::{Sink, SinkExt as _, StreamExt as _};
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::TcpListener;
    use tokio_tungstenite::tungstenite::protocol::Role;

    use super::super::Transport;
    use super::*;

    /// Both ends of a WebSocket that is open.
    async fn ends() -> (TcpStream, Transport) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let ours = TcpStream::connect(listener.local_addr().unwrap());
        let (ours, theirs) = tokio::join!(ours, listener.accept());
        let ours = ours.unwrap();
        let stream = WebSocketStream::from_raw_socket(ours, Role::Client, Some(config()));
        (theirs.unwrap().0, Transport::socket(stream.await))
    }

    async fn server(stream: TcpStream) -> ClientStream {
        WebSocketStream::from_raw_socket(stream, Role::Server, Some(config())).await
    }

    /// The head of an unmasked text frame that says how long it is.
    fn head(length: usize) -> Vec<u8> {
        let mut head = vec![0x81, 127];
        head.extend_from_slice(&(length as u64).to_be_bytes());
        head
    }

    #[tokio::test]
    async fn messages_go_both_ways_as_text_until_the_browser_says_goodbye() {
        let (theirs, mut transport) = ends().await;
        let mut theirs = server(theirs).await;
        transport.send("{\"id\":1}".into()).await.unwrap();
        let sent = theirs.next().await.unwrap().unwrap();
        assert_eq!(sent, Message::Text("{\"id\":1}".into()));
        theirs.send(Message::Ping("p".into())).await.unwrap();
        theirs.send(Message::Text("{}".into())).await.unwrap();
        theirs.send(Message::Binary("[]".into())).await.unwrap();
        assert_eq!(transport.next().await.unwrap().unwrap(), "{}");
        assert_eq!(transport.next().await.unwrap().unwrap(), "[]");
        theirs.close(None).await.unwrap();
        assert!(transport.next().await.is_none());
        assert!(transport.next().await.is_none());
    }

    #[tokio::test]
    async fn a_browser_that_says_nothing_more_is_gone_without_an_error() {
        let (mut theirs, mut transport) = ends().await;
        theirs.write_all(b"\x81\x02{}\x81\x02{").await.unwrap();
        drop(theirs);
        assert_eq!(transport.next().await.unwrap().unwrap(), "{}");
        assert!(transport.next().await.is_none());
    }

    #[tokio::test]
    async fn a_message_over_the_limit_ends_the_stream_before_it_is_read() {
        let (mut theirs, mut transport) = ends().await;
        theirs
            .write_all(&head(PIPE_MESSAGE_BYTES_MAX))
            .await
            .unwrap();
        theirs.write_all(&[b'x'; 64 << 10]).await.unwrap();
        let rest = tokio::time::timeout(std::time::Duration::from_millis(50), transport.next());
        assert!(
            rest.await.is_err(),
            "the rest of one at the limit is waited for"
        );

        let (mut theirs, mut transport) = ends().await;
        theirs
            .write_all(&head(PIPE_MESSAGE_BYTES_MAX + 1))
            .await
            .unwrap();
        let error = transport.next().await.unwrap().unwrap_err();
        assert!(matches!(error, TransportError::TooLong(_)), "{error}");
        assert!(error.is_final());
        assert!(transport.next().await.is_none());
    }

    #[tokio::test]
    async fn what_is_no_web_socket_is_a_violation() {
        let (mut theirs, mut transport) = ends().await;
        theirs.write_all(&[b'H'; 256]).await.unwrap();
        let error = transport.next().await.unwrap().unwrap_err();
        assert!(matches!(error, TransportError::Violation(_)), "{error}");
        assert!(transport.next().await.is_none());
    }

    #[tokio::test]
    async fn what_is_no_text_is_refused_and_the_transport_goes_on() {
        let (theirs, mut transport) = ends().await;
        let mut theirs = server(theirs).await;
        let error = transport
            .send(Bytes::from_static(b"\xff"))
            .await
            .unwrap_err();
        assert!(matches!(error, TransportError::NotText), "{error}");
        transport.send("{}".into()).await.unwrap();
        assert_eq!(
            theirs.next().await.unwrap().unwrap(),
            Message::Text("{}".into())
        );
    }

    #[tokio::test]
    async fn a_browser_that_does_not_read_is_waited_for_and_gets_all_messages() {
        let (theirs, mut transport) = ends().await;
        let message = |n: u32| format!("{n} {}", "x".repeat(QUEUE_BYTES_MAX / 4));
        let mut taken = 0;
        // The system takes some MiB, and then we take as much as the limit and one message.
        while futures_util::poll!(std::future::poll_fn(|cx| {
            Pin::new(&mut transport).poll_ready(cx)
        }))
        .is_ready()
        {
            let message = message(taken).into();
            Pin::new(&mut transport).start_send(message).unwrap();
            taken += 1;
            assert!(taken < 1_000, "it waits in the end");
        }
        let reading = tokio::spawn(async move {
            let mut theirs = server(theirs).await;
            for n in 0..taken {
                let read = theirs.next().await.unwrap().unwrap();
                assert_eq!(read.into_text().unwrap().as_str(), message(n));
            }
        });
        transport.flush().await.unwrap();
        reading.await.unwrap();
    }
}
