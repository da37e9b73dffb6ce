//! The caller's side of a call: how its answer comes back, and what happens when the caller leaves.

use std::sync::Arc;
use std::time::{Duration, Instant};

use pagewire_rpc::{CallEnd, CallId, Departure, EndKind, GroupName, PageId, Payload};
use tokio::sync::{mpsc, oneshot};

use crate::hints::{Cause, Hints};
use crate::hub::ActiveCall;
use crate::metrics::FunctionStats;
use crate::page::Page;
use crate::registry::{Load, NotFound, Outcome};
use crate::scope::Scopes;

/// Stream items that a page may send ahead of its reader. With items of at most 1 MiB a stream holds at most 16 MiB.
pub(crate) const STREAM_CREDIT: u32 = 16;

/// What came first.
#[derive(Debug)]
pub(crate) enum First {
    /// The end, and how long it took to come.
    End(CallEnd, Duration),
    /// The first value of a stream, its other ones, and how long the first one took to come.
    Item(Payload, mpsc::Receiver<StreamPart>, Duration),
}

#[derive(Debug)]
pub(crate) enum StreamPart {
    Item(Payload),
    End(CallEnd),
}

/// Where the driver puts what comes for one call. Dropping it ends the call as page gone.
#[derive(Debug)]
pub(crate) struct Caller {
    first: Option<oneshot::Sender<First>>,
    rest: Option<mpsc::Sender<StreamPart>>,
    began: Instant,
    stats: Arc<FunctionStats>,
}

impl Caller {
    /// For a call that is given to its page at `began`.
    pub(crate) fn new(
        began: Instant,
        stats: Arc<FunctionStats>,
    ) -> (Self, oneshot::Receiver<First>) {
        let (sender, receiver) = oneshot::channel();
        (
            Self {
                first: Some(sender),
                rest: None,
                began,
                stats,
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
            let _ = first.send(First::Item(value, receiver, self.began.elapsed()));
        } else if let Some(rest) = &self.rest {
            let _ = rest.try_send(StreamPart::Item(value));
        }
    }

    /// Hands over the end, and counts it.
    pub(crate) fn end(mut self, end: CallEnd) {
        self.finish(end);
    }

    fn finish(&mut self, end: CallEnd) {
        let took = self.began.elapsed();
        if let Some(first) = self.first.take() {
            self.stats.count(end.kind(), took);
            let _ = first.send(First::End(end, took));
        } else if let Some(rest) = self.rest.take() {
            self.stats.count(end.kind(), took);
            let _ = rest.try_send(StreamPart::End(end));
        }
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        self.finish(CallEnd::PageGone(Departure::Lost));
    }
}

/// Cancels the call when it is dropped before the end, and gives its place at the page back.
#[derive(Debug)]
pub(crate) struct Ticket {
    pub(crate) call: CallId,
    pub(crate) page: Arc<Page>,
    pub(crate) load: Load,
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
    /// From giving the call to the page until its answer, or the first value of its stream, waiting for a free place at the page included.
    pub took: Duration,
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
    /// For a timeout: what keeps the page from answering, where that is known.
    pub cause: Option<Box<Cause>>,
}

/// Why a call has no result.
#[derive(Debug, Clone, PartialEq)]
pub enum FailureReason {
    /// It ended so; never [`CallEnd::Result`].
    Ended(CallEnd),
    /// No page, group or function of that name.
    NotFound(NotFound, Box<Hints>),
    /// All pages of this group that could take the call are draining.
    Draining(GroupName),
    /// The arguments do not fit the function's schemas, in words.
    BadArguments(String),
    /// The hub takes no more calls.
    ShuttingDown,
}

impl FailureReason {
    /// The stable word for it, as in problem documents and the log (`docs/protocol.md` §2).
    pub fn code(&self) -> &'static str {
        match self {
            Self::Ended(end) => end.kind().name(),
            Self::NotFound(..) => EndKind::NotFound.name(),
            Self::Draining(_) => EndKind::Overloaded.name(),
            Self::BadArguments(_) => EndKind::BadArguments.name(),
            Self::ShuttingDown => "shutting_down",
        }
    }
}

impl Failure {
    /// The same without the names of groups that these scopes do not show.
    #[must_use]
    pub fn seen_by(mut self, scopes: &Scopes) -> Self {
        if let FailureReason::NotFound(_, hints) = &mut self.reason {
            hints.groups.retain(|group| scopes.may_see(group));
        }
        self
    }

    pub(crate) fn before_the_page(reason: FailureReason) -> Self {
        Self {
            call: None,
            page: None,
            reason,
            cause: None,
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
                .unwrap_or(StreamPart::End(CallEnd::PageGone(Departure::Lost))),
        };
        match part {
            StreamPart::Item(value) => {
                self.give_credit_back();
                Ok(Some(value))
            }
            StreamPart::End(end) => {
                self.ticket.end(end.kind());
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
    /// The call is over: nothing is left to cancel.
    pub(crate) fn end(&mut self, kind: EndKind) {
        self.ended = true;
        self.load.outcome = Outcome::of(kind);
    }

    pub(crate) fn failure(&self, end: CallEnd) -> Failure {
        let cause = match end.kind() {
            EndKind::Timeout => self.page.cause_of_silence(Instant::now()).map(Box::new),
            EndKind::Result
            | EndKind::BadArguments
            | EndKind::PageError
            | EndKind::NotFound
            | EndKind::PageGone
            | EndKind::Overloaded
            | EndKind::Cancelled
            | EndKind::TooLarge => None,
        };
        Failure {
            cause,
            call: Some(self.call),
            page: Some(self.page.id.clone()),
            reason: FailureReason::Ended(end),
        }
    }
}
