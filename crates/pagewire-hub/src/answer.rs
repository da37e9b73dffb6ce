//! The caller's side of a call: how its answer comes back, and what happens when the caller leaves.

use std::sync::Arc;

use pagewire_rpc::{CallEnd, CallId, PageId, Payload};
use tokio::sync::{mpsc, oneshot};

use crate::hub::ActiveCall;
use crate::page::Page;
use crate::registry::Load;

/// Stream items that a page may send ahead of its reader. With items of at most 1 MiB a stream holds at most 16 MiB.
pub(crate) const STREAM_CREDIT: u32 = 16;

/// What came first.
#[derive(Debug)]
pub(crate) enum First {
    End(CallEnd),
    Item(Payload, mpsc::Receiver<StreamPart>),
}

#[derive(Debug)]
pub(crate) enum StreamPart {
    Item(Payload),
    End(CallEnd),
}

/// Where the driver puts what comes for one call.
#[derive(Debug)]
pub(crate) struct Caller {
    first: Option<oneshot::Sender<First>>,
    rest: Option<mpsc::Sender<StreamPart>>,
}

impl Caller {
    pub(crate) fn new() -> (Self, oneshot::Receiver<First>) {
        let (sender, receiver) = oneshot::channel();
        (
            Self {
                first: Some(sender),
                rest: None,
            },
            receiver,
        )
    }

    /// Hands over one stream item. A caller that left is not an error: its ticket cancels the call.
    pub(crate) fn item(&mut self, value: Payload) {
        if let Some(first) = self.first.take() {
            // One place for each item that credit allows, and one for the end: sending never finds it full.
            let (sender, receiver) = mpsc::channel(STREAM_CREDIT as usize + 1);
            self.rest = Some(sender);
            let _ = first.send(First::Item(value, receiver));
        } else if let Some(rest) = &self.rest {
            let _ = rest.try_send(StreamPart::Item(value));
        }
    }

    /// Hands over the end.
    pub(crate) fn end(mut self, end: CallEnd) {
        if let Some(first) = self.first.take() {
            let _ = first.send(First::End(end));
        } else if let Some(rest) = &self.rest {
            let _ = rest.try_send(StreamPart::End(end));
        }
    }
}

/// Cancels the call when it is dropped before the end, and gives its place at the page back.
#[derive(Debug)]
pub(crate) struct Ticket {
    pub(crate) call: CallId,
    pub(crate) page: Arc<Page>,
    pub(crate) _load: Load,
    pub(crate) _active: ActiveCall,
    pub(crate) ended: bool,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.ended {
            self.page.inbox.cancel(self.call);
        }
    }
}

/// A call that was answered, or whose stream has begun.
#[derive(Debug)]
pub struct Answer {
    /// The hub-wide number of the call, as in logs.
    pub call: CallId,
    /// The page that answered.
    pub page: PageId,
    /// What it answered.
    pub reply: Reply,
}

/// One value or many.
#[derive(Debug)]
pub enum Reply {
    /// The one result.
    Value(Payload),
    /// A stream.
    Stream(CallStream),
}

/// A call that did not end with a result.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// The hub-wide number of the call; none when it was never made.
    pub call: Option<CallId>,
    /// The page that was asked, if one was.
    pub page: Option<PageId>,
    /// Why.
    pub reason: FailureReason,
}

/// Why a call has no result.
#[derive(Debug, Clone, PartialEq)]
pub enum FailureReason {
    /// It ended so; never [`CallEnd::Result`].
    Ended(CallEnd),
    /// No page, group or function of that name, in words.
    NotFound(String),
    /// The arguments do not fit the function's schemas, in words.
    BadArguments(String),
    /// The hub takes no more calls.
    ShuttingDown,
}

impl Failure {
    pub(crate) fn before_the_page(reason: FailureReason) -> Self {
        Self {
            call: None,
            page: None,
            reason,
        }
    }
}

/// The values of a streamed result. Dropping it cancels the call.
#[derive(Debug)]
pub struct CallStream {
    first: Option<Payload>,
    rest: mpsc::Receiver<StreamPart>,
    ticket: Ticket,
    /// Items taken since credit was last given back.
    taken: u32,
}

impl CallStream {
    /// The stream of a function that streams and ended before its first value.
    pub(crate) fn empty(ticket: Ticket) -> Self {
        let (_, rest) = mpsc::channel(1);
        Self {
            first: None,
            rest,
            ticket,
            taken: 0,
        }
    }

    pub(crate) fn new(first: Payload, rest: mpsc::Receiver<StreamPart>, ticket: Ticket) -> Self {
        Self {
            first: Some(first),
            rest,
            ticket,
            taken: 0,
        }
    }

    /// The next value; `None` after the last one.
    ///
    /// # Errors
    ///
    /// The stream broke: page error, timeout, page gone or too large. Nothing follows.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Result<Option<Payload>, Failure> {
        let part = match self.first.take() {
            Some(value) => StreamPart::Item(value),
            None if self.ticket.ended => return Ok(None),
            None => self
                .rest
                .recv()
                .await
                .unwrap_or(StreamPart::End(CallEnd::PageGone)),
        };
        match part {
            StreamPart::Item(value) => {
                self.give_credit_back();
                Ok(Some(value))
            }
            StreamPart::End(end) => {
                self.ticket.ended = true;
                if matches!(end, CallEnd::Result(_)) {
                    Ok(None)
                } else {
                    Err(self.ticket.failure(end))
                }
            }
        }
    }

    /// Credit goes back in halves of the window: few messages, and the page never has to wait for a reader that keeps up.
    fn give_credit_back(&mut self) {
        self.taken += 1;
        if self.taken >= STREAM_CREDIT / 2 {
            self.ticket.page.inbox.grant(self.ticket.call, self.taken);
            self.taken = 0;
        }
    }
}

impl Ticket {
    pub(crate) fn failure(&self, end: CallEnd) -> Failure {
        Failure {
            call: Some(self.call),
            page: Some(self.page.id.clone()),
            reason: FailureReason::Ended(end),
        }
    }
}
