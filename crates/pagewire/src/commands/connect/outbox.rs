//! Sending without holding up receiving.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;

use futures_util::Sink;
use futures_util::stream::SplitSink;
use pagewire_dial::Socket;
use tokio_tungstenite::tungstenite::{Error, Message};

/// Messages on their way out. A server that echoes stops reading when nobody reads its echo, so a message that waits for the
/// server must never keep us from reading: sending is a state here, driven beside everything else.
#[derive(Debug)]
pub(super) struct Outbox {
    sink: SplitSink<Socket, Message>,
    /// Bounded by its users: the first messages, one line, one ping, one close.
    queue: VecDeque<Message>,
    needs_flush: bool,
}

impl Outbox {
    pub(super) fn new(sink: SplitSink<Socket, Message>) -> Self {
        Self {
            sink,
            queue: VecDeque::new(),
            needs_flush: false,
        }
    }

    pub(super) fn push(&mut self, message: Message) {
        self.queue.push_back(message);
    }

    /// Forgets what waits: the connection takes nothing more.
    pub(super) fn clear(&mut self) {
        self.queue.clear();
        self.needs_flush = false;
    }

    /// True until everything was handed to the operating system.
    pub(super) fn is_busy(&self) -> bool {
        self.needs_flush || !self.queue.is_empty()
    }

    /// Sends all that waits.
    ///
    /// # Errors
    ///
    /// The connection is lost or closed.
    ///
    /// # Cancel safety
    ///
    /// A message leaves the queue in the same step in which the connection takes it.
    pub(super) async fn drive(&mut self) -> Result<(), Error> {
        while !self.queue.is_empty() {
            poll_fn(|context| Pin::new(&mut self.sink).poll_ready(context)).await?;
            if let Some(message) = self.queue.pop_front() {
                self.needs_flush = true;
                Pin::new(&mut self.sink).start_send(message)?;
            }
        }
        poll_fn(|context| Pin::new(&mut self.sink).poll_flush(context)).await?;
        self.needs_flush = false;
        Ok(())
    }
}
