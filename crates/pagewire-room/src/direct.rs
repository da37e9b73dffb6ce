//! A push socket that is opened without a browser: frames in, messages out, and one end.
//!
//! What a handshake was refused with is in [`DialError::Refused`]: status, headers and the beginning of the body.

mod end;

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Sink as _, SinkExt as _, Stream as _, StreamExt as _};
use pagewire_dial::tls::Connector;
use pagewire_dial::{Address, DialError, Header, Offer, Socket, SocketLimits, dial};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};

pub use self::end::DirectEnd;

/// Longest frame of a server, in bytes, and longest message of several frames.
pub const DIRECT_FRAME_BYTES_MAX: usize = 16 << 20;
/// Messages that wait for a server that does not read.
pub const DIRECT_QUEUE_MAX: usize = 256;
/// Bytes of them.
pub const DIRECT_QUEUE_BYTES_MAX: usize = 1 << 20;
/// What waits at the library below the queue: one message, and answers to pings.
const UNSENT_BYTES: usize = 2 * DIRECT_QUEUE_BYTES_MAX;
/// How long a server may take to answer a goodbye.
const FAREWELL: Duration = Duration::from_secs(2);

/// How a push socket is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DirectOptions {
    /// A longer frame ends the connection; [`DIRECT_FRAME_BYTES_MAX`] by default.
    pub frame_bytes_max: usize,
    /// From the look-up of the name to the answer of the server; 10 s by default.
    pub handshake_timeout: Duration,
}

impl Default for DirectOptions {
    fn default() -> Self {
        Self {
            frame_bytes_max: DIRECT_FRAME_BYTES_MAX,
            handshake_timeout: Duration::from_secs(10),
        }
    }
}

/// An open push socket. Dropping it drops the connection without a goodbye.
#[derive(Debug)]
pub struct DirectSocket {
    socket: Socket,
    outgoing: VecDeque<Message>,
    outgoing_bytes: usize,
    is_flushed: bool,
    end: Option<DirectEnd>,
    frame_bytes_max: usize,
}

/// What comes from a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// A binary message.
    Binary(Bytes),
    /// A text message.
    Text(String),
    /// Nothing more comes.
    End(DirectEnd),
}

/// The server does not read, and so much waits already; the message was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the server does not read: {messages} messages of {bytes} bytes wait for it")]
pub struct QueueFull {
    /// Messages that wait.
    pub messages: usize,
    /// Bytes of them.
    pub bytes: usize,
}

/// Opens a push socket with these headers, such as `Cookie`, `Origin` and `User-Agent`; nothing is added to them but what a handshake needs.
///
/// # Errors
///
/// At which step it failed, and why; [`DialError::Refused`] has the status and the headers of a server that answers with something else.
///
/// # Cancel safety
///
/// Dropping the future drops the connection.
pub async fn open(
    connector: &Connector,
    address: &Address,
    headers: Vec<Header>,
    options: DirectOptions,
) -> Result<DirectSocket, DialError> {
    let offer = Offer {
        headers,
        origin: None,
        subprotocols: Vec::new(),
        timeout: options.handshake_timeout,
    };
    let limits = SocketLimits {
        message_bytes_max: options.frame_bytes_max,
        unsent_bytes_max: UNSENT_BYTES,
    };
    let opened = dial(connector, address, &offer, limits).await?;
    Ok(DirectSocket {
        socket: opened.socket,
        outgoing: VecDeque::new(),
        outgoing_bytes: 0,
        is_flushed: true,
        end: None,
        frame_bytes_max: options.frame_bytes_max,
    })
}

impl DirectSocket {
    /// Takes a binary message on its way. It goes out while [`DirectSocket::next`] is waited for.
    ///
    /// # Errors
    ///
    /// Too much waits for a server that does not read. The connection is usable, and the message is dropped.
    pub fn send(&mut self, message: Bytes) -> Result<(), QueueFull> {
        let bytes = self.outgoing_bytes.saturating_add(message.len());
        if self.outgoing.len() >= DIRECT_QUEUE_MAX || bytes > DIRECT_QUEUE_BYTES_MAX {
            return Err(QueueFull {
                messages: self.outgoing.len(),
                bytes: self.outgoing_bytes,
            });
        }
        if self.end.is_none() {
            self.outgoing_bytes = bytes;
            self.outgoing.push_back(Message::Binary(message));
        }
        Ok(())
    }

    /// The next message of the server, or the end, which stays. Pings are answered on the way, and what was sent goes out.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Incoming {
        if let Some(end) = &self.end {
            return Incoming::End(end.clone());
        }
        let incoming = std::future::poll_fn(|cx| {
            self.poll_send(cx);
            self.poll_receive(cx)
        })
        .await;
        if let Incoming::End(end) = &incoming {
            self.ended(end.clone()).await;
        }
        incoming
    }

    /// Closes the connection as planned, and waits a little for the server to agree.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the connection.
    pub async fn close(mut self) {
        if self.end.is_none() {
            self.farewell(CloseCode::Normal, "").await;
        }
    }

    /// What the queue holds goes to the library as far as the socket takes it.
    fn poll_send(&mut self, cx: &mut Context<'_>) {
        while !self.outgoing.is_empty() {
            match Pin::new(&mut self.socket).poll_ready(cx) {
                Poll::Pending => return,
                Poll::Ready(Err(_)) => return self.drop_outgoing(),
                Poll::Ready(Ok(())) => {}
            }
            let Some(message) = self.outgoing.pop_front() else {
                return;
            };
            let bytes = message.len();
            match Pin::new(&mut self.socket).start_send(message) {
                Ok(()) => self.outgoing_bytes = self.outgoing_bytes.saturating_sub(bytes),
                Err(Error::WriteBufferFull(message)) => {
                    self.outgoing.push_front(*message);
                    self.is_flushed = false;
                    break;
                }
                Err(_) => return self.drop_outgoing(),
            }
            self.is_flushed = false;
        }
        if !self.is_flushed {
            self.is_flushed = Pin::new(&mut self.socket).poll_flush(cx).is_ready();
        }
    }

    /// Nothing can be sent any more. Reading goes on, as a close frame that says why may have come.
    fn drop_outgoing(&mut self) {
        self.outgoing.clear();
        self.outgoing_bytes = 0;
        self.is_flushed = true;
    }

    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Incoming> {
        loop {
            let received = std::task::ready!(Pin::new(&mut self.socket).poll_next(cx));
            let incoming = match received {
                None => Incoming::End(DirectEnd::gone()),
                Some(Ok(Message::Binary(bytes))) => Incoming::Binary(bytes),
                Some(Ok(Message::Text(text))) => Incoming::Text(text.as_str().to_owned()),
                // Answered by the library as soon as it is polled again.
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
                Some(Ok(Message::Close(frame))) => Incoming::End(DirectEnd::of_close(frame)),
                Some(Err(error)) => {
                    Incoming::End(DirectEnd::of_error(&error, self.frame_bytes_max))
                }
            };
            return Poll::Ready(incoming);
        }
    }

    async fn ended(&mut self, end: DirectEnd) {
        self.drop_outgoing();
        // Kept before anything is waited for: whoever gives up waiting finds it at the next call.
        self.end = Some(end.clone());
        match &end {
            // The library answers a close frame when it is flushed.
            DirectEnd::Closed { .. } => {
                let _ = timeout(FAREWELL, self.socket.flush()).await;
            }
            DirectEnd::Broken { code, why } => self.farewell((*code).into(), why).await,
            DirectEnd::Dropped(_) => {}
        }
    }

    async fn farewell(&mut self, code: CloseCode, why: &str) {
        /// RFC 6455 §5.5: 125 bytes, of which the code is 2.
        const REASON_BYTES: usize = 123;
        let frame = CloseFrame {
            code,
            reason: why[..why.floor_char_boundary(REASON_BYTES)].into(),
        };
        let _ = timeout(FAREWELL, async {
            if self.socket.close(Some(frame)).await.is_ok() {
                while let Some(Ok(_)) = self.socket.next().await {}
            }
        })
        .await;
    }
}
