//! One call, from the program's request to its one end.

use std::time::{Duration, Instant};

use pagewire_rpc::{
    Call, CallEnd, Departure, EndKind, FunctionName, GroupName, PageId, Payload, TraceParent,
};

use crate::answer::{
    Answer, CallStream, Caller, Failure, FailureReason, First, Reply, STREAM_CREDIT, Ticket,
};
use crate::hints::{Hints, nearest};
use crate::hub::Hub;
use crate::inbox::NewCall;
use crate::registry::{Load, NoRoute, NotFound, Route, Wanted};

/// Further pages that a call is given to when the one before is lost or full.
const RETRIES_MAX: usize = 2;

/// What a program wants called.
#[derive(Debug, Clone)]
pub struct CallRequest {
    /// The group.
    pub group: GroupName,
    /// The function.
    pub function: FunctionName,
    /// Which page of the group.
    pub target: Target,
    /// The text of a JSON array, or bytes as the one argument.
    pub arguments: Payload,
    /// How long the whole call may take, waiting and streaming included.
    pub timeout: Duration,
    /// May run twice: another page is asked when the first one is lost before it answered. So it is for functions that are exposed as idempotent.
    pub idempotent: bool,
    /// The trace that the call belongs to, told to the page.
    pub traceparent: Option<TraceParent>,
}

/// Which page of a group a call is for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Target {
    /// Whichever the group's [`Routing`](crate::Routing) gives.
    #[default]
    Any,
    /// The same page for the same key, as long as that page is there and answers.
    Key(String),
    /// Exactly this page.
    Page(PageId),
}

/// A call that did not end with a result, and whether another page may be asked.
struct Missed {
    failure: Failure,
    may_retry: bool,
}

impl Hub {
    /// Calls a function: finds a page, asks it and waits for its answer or the first value of its stream.
    ///
    /// # Errors
    ///
    /// The end of the call where it is not a result. Only *overloaded*, *page gone* and a hub that shuts down are worth another try.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future takes the call back: the page is told.
    pub async fn call(&self, request: CallRequest) -> Result<Answer, Failure> {
        let timeout = request.timeout.min(self.options().timeout_max);
        let began = Instant::now();
        let deadline = began + timeout;
        let mut route = self.route(&request, began)?;
        let mut tried = Vec::new();
        loop {
            let missed = match self.attempt(&request, route, deadline).await {
                Ok(answer) => return Ok(answer),
                Err(missed) => missed,
            };
            log_failure(&request, &missed.failure);
            if !missed.may_retry || tried.len() >= RETRIES_MAX {
                return Err(missed.failure);
            }
            tried.extend(missed.failure.page.clone());
            match self.find(&request, &tried, Instant::now()) {
                Ok(another) => route = another,
                // How the last page failed says more than that nobody else is there.
                Err(_) => return Err(missed.failure),
            }
            self.shared.metrics.count_retry();
        }
    }

    /// The first page for a call; a call that finds none is counted as ended.
    fn route(&self, request: &CallRequest, now: Instant) -> Result<Route, Failure> {
        self.find(request, &[], now).map_err(|no_route| {
            let (kind, reason) = match no_route {
                NoRoute::NotFound(missed) => {
                    let hints = self.hints(&missed, request, now);
                    (EndKind::NotFound, FailureReason::NotFound(missed, hints))
                }
                NoRoute::Draining(group) => (EndKind::Overloaded, FailureReason::Draining(group)),
            };
            self.shared.metrics.count_unrouted(kind);
            Failure::before_the_page(reason)
        })
    }

    fn hints(&self, missed: &NotFound, request: &CallRequest, now: Instant) -> Box<Hints> {
        let known = self.registry().hints(missed, now);
        // The lock is given back: comparing names takes its time.
        Box::new(Hints {
            groups: nearest(request.group.as_str(), known.groups),
            functions: nearest(request.function.as_str(), known.functions),
            left: known.left,
        })
    }

    fn find(
        &self,
        request: &CallRequest,
        tried: &[PageId],
        now: Instant,
    ) -> Result<Route, NoRoute> {
        let wanted = match &request.target {
            Target::Any => Wanted::Any(tried),
            Target::Key(key) => Wanted::Key(key, tried),
            Target::Page(page) => Wanted::Page(page),
        };
        self.registry()
            .route(&request.group, &request.function, wanted, now)
    }

    /// Asks one page.
    async fn attempt(
        &self,
        request: &CallRequest,
        Route { page, exposed }: Route,
        deadline: Instant,
    ) -> Result<Answer, Missed> {
        // From here on dropping this gives the place at the page back.
        let load = Load::new(self.shared.registry.clone(), page.clone());
        let never = |kind, reason| {
            self.shared.metrics.count_unrouted(kind);
            Missed {
                failure: Failure::before_the_page(reason),
                may_retry: false,
            }
        };
        let Some(active) = self.begin_call() else {
            return Err(never(EndKind::Overloaded, FailureReason::ShuttingDown));
        };
        if let Err(why) = exposed.check(&request.arguments) {
            return Err(never(
                EndKind::BadArguments,
                FailureReason::BadArguments(why),
            ));
        }
        let call = self.next_call_id();
        let (caller, first) = Caller::new(Instant::now(), exposed.stats.clone());
        let mut ticket = Ticket {
            call,
            page: page.clone(),
            ended: false,
            load,
            _active: active,
        };
        page.inbox.call(NewCall {
            id: call,
            call: Call {
                function: request.function.clone(),
                arguments: request.arguments.clone(),
                deadline,
                credit: STREAM_CREDIT,
                traceparent: request.traceparent.clone(),
            },
            caller,
        });
        // Every caller is ended, if only by being dropped with its driver.
        let gone = First::End(CallEnd::PageGone(Departure::Lost), Duration::ZERO);
        let (reply, took) = match first.await.unwrap_or(gone) {
            First::Item(value, rest, took) => {
                (Reply::Stream(CallStream::new(value, rest, ticket)), took)
            }
            First::End(end, took) => {
                ticket.end(end.kind());
                let CallEnd::Result(value) = end else {
                    let idempotent = request.idempotent || exposed.function.idempotent;
                    return Err(Missed {
                        may_retry: may_retry(&end, &request.target, idempotent),
                        failure: ticket.failure(end),
                    });
                };
                tracing::debug!(%call, page = %page.id, group = %request.group, function = %request.function, ?took, "call answered");
                // A declared stream that ends before its first value is an empty one.
                if exposed.function.stream && value.is_json_null() {
                    (Reply::Stream(CallStream::empty(ticket)), took)
                } else {
                    (Reply::Value(value), took)
                }
            }
        };
        Ok(Answer {
            call,
            page: page.id.clone(),
            reply,
            took,
        })
    }
}

/// Whether another page may be asked. A function that is not there and a queue that is full never ran the call; a page that went away may have.
fn may_retry(end: &CallEnd, target: &Target, idempotent: bool) -> bool {
    match (target, end) {
        (Target::Page(_), _) => false,
        (Target::Any | Target::Key(_), CallEnd::PageGone(_)) => idempotent,
        (Target::Any | Target::Key(_), CallEnd::NotFound) => true,
        (Target::Any, CallEnd::Overloaded) => true,
        (Target::Key(_), CallEnd::Overloaded) => false,
        (
            Target::Any | Target::Key(_),
            CallEnd::Result(_)
            | CallEnd::BadArguments(_)
            | CallEnd::PageError(_)
            | CallEnd::Timeout
            | CallEnd::Cancelled
            | CallEnd::TooLarge(_),
        ) => false,
    }
}

fn log_failure(request: &CallRequest, failure: &Failure) {
    tracing::debug!(
        call = failure.call.map(|call| call.0),
        page = failure.page.as_ref().map(PageId::as_str),
        group = %request.group,
        function = %request.function,
        trace = request.traceparent.as_ref().map(TraceParent::as_str),
        why = failure.reason.code(),
        "call failed"
    );
}
