//! What waits to be written to one page. State lives here and not in a future, so that a write that is left half-way goes on later.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::Sink;

use crate::carrier::{CarrierError, Outbound};

#[derive(Debug)]
pub(crate) struct Outbox<S> {
    sink: Pin<Box<S>>,
    queue: VecDeque<Outbound>,
    queued_bytes: usize,
    unflushed: bool,
}

impl<S: Sink<Outbound, Error = CarrierError>> Outbox<S> {
    pub(crate) fn new(sink: S) -> Self {
        Self {
            sink: Box::pin(sink),
            queue: VecDeque::new(),
            queued_bytes: 0,
            unflushed: false,
        }
    }

    pub(crate) fn push(&mut self, outbound: Outbound) {
        self.queued_bytes += outbound.len();
        self.queue.push_back(outbound);
    }

    /// True while something is not handed to the operating system.
    pub(crate) fn has_work(&self) -> bool {
        self.unflushed || !self.queue.is_empty()
    }

    /// Bytes that the carrier has not taken.
    pub(crate) fn queued_bytes(&self) -> usize {
        self.queued_bytes
    }

    /// Writes all that waits, as far as the carrier takes it. A message leaves the queue only when the carrier has taken it.
    pub(crate) fn poll_flush(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), CarrierError>> {
        while !self.queue.is_empty() {
            ready!(self.sink.as_mut().poll_ready(context))?;
            if let Some(outbound) = self.queue.pop_front() {
                self.queued_bytes -= outbound.len();
                self.unflushed = true;
                self.sink.as_mut().start_send(outbound)?;
            }
        }
        ready!(self.sink.as_mut().poll_flush(context))?;
        self.unflushed = false;
        Poll::Ready(Ok(()))
    }
}
