//! What a page asks of the hub: calls of other pages, topics to follow, publications that want an answer.
//!
//! Each runs as a task that the page's driver owns; all end with the link.

use std::collections::HashMap;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pagewire_rpc::{
    CODE_REFUSED, CODE_SHUTTING_DOWN, CallEnd, EndKind, EventHead, FunctionName, GapHead,
    GroupName, JsonText, Link, PageError, PageRequest, Payload, RequestId, TopicName,
};
use serde_json::json;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::{AbortHandle, JoinSet};

use crate::answer::{Failure, FailureReason, Reply};
use crate::call::{CallRequest, Target};
use crate::hub::Hub;
use crate::page::Page;
use crate::scope::Scopes;
use crate::topic::{Cursor, FilterRefused, Notice, SlowReader, Start, Subscription};

/// Messages for the page that its tasks have ready; above it they wait, and a topic that goes on meanwhile makes a gap.
const TOLD_MAX: usize = 64;
/// Deadline of a page's call that names none.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(30);

/// One thing to tell the page.
#[derive(Debug)]
pub(crate) enum Told {
    Answer(RequestId, Result<Payload, Fault>),
    Item(RequestId, Payload),
    Notice(u64, Notice),
}

/// Why a request of the page has no result.
#[derive(Debug)]
pub(crate) enum Fault {
    Hub(i64, String),
    Page(PageError),
}

impl Told {
    pub(crate) fn apply(self, link: &mut Link) {
        match self {
            Self::Answer(id, Ok(payload)) => link.respond(&id, Ok(&payload)),
            Self::Answer(id, Err(Fault::Hub(code, why))) => link.respond(&id, Err((code, &why))),
            Self::Answer(id, Err(Fault::Page(error))) => link.respond_page_error(&id, &error),
            Self::Item(id, value) => link.send_item(&id, &value),
            Self::Notice(subscription, Notice::Gap { lost, next_seq }) => {
                link.send_gap(&GapHead {
                    subscription,
                    lost,
                    reset: lost.is_none(),
                    seq: next_seq,
                });
            }
            Self::Notice(subscription, Notice::Value(record)) => {
                let cursor = record.cursor().to_string();
                let head = EventHead {
                    subscription,
                    seq: record.seq,
                    cursor: &cursor,
                    time_ms: record.time_ms,
                };
                link.send_event(&head, &record.value);
            }
        }
    }
}

#[derive(Debug)]
pub(crate) struct Requests {
    hub: Hub,
    scopes: Scopes,
    tasks: JoinSet<()>,
    calls: HashMap<RequestId, RunningCall>,
    subscriptions: HashMap<u64, AbortHandle>,
    next_subscription: u64,
    /// Made with the first request: most pages only answer, and ten thousand may be idle.
    channel: Option<(mpsc::Sender<Told>, mpsc::Receiver<Told>)>,
}

#[derive(Debug)]
struct RunningCall {
    task: AbortHandle,
    credit: Arc<Semaphore>,
}

impl Requests {
    pub(crate) fn new(hub: Hub, scopes: Scopes) -> Self {
        Self {
            hub,
            scopes,
            tasks: JoinSet::new(),
            calls: HashMap::new(),
            subscriptions: HashMap::new(),
            next_subscription: 1,
            channel: None,
        }
    }

    /// The next thing to tell the page.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Told> {
        let Some((_, told)) = &mut self.channel else {
            return Poll::Pending;
        };
        let told = ready!(told.poll_recv(context)).expect("this struct holds a sender");
        while self.tasks.try_join_next().is_some() {}
        if let Told::Answer(id, _) = &told {
            self.calls.remove(id);
        }
        Poll::Ready(told)
    }

    fn tell(&mut self) -> mpsc::Sender<Told> {
        let (tell, _) = self.channel.get_or_insert_with(|| mpsc::channel(TOLD_MAX));
        tell.clone()
    }

    /// Begins a request. Its answer, where it is known at once.
    pub(crate) fn start(
        &mut self,
        page: &Arc<Page>,
        id: RequestId,
        request: PageRequest,
    ) -> Option<Told> {
        let answer = match request {
            PageRequest::Call {
                group,
                function,
                arguments,
                timeout,
                credit,
            } => {
                let request = CallRequest {
                    group,
                    function,
                    target: Target::Any,
                    arguments,
                    timeout: timeout.unwrap_or(TIMEOUT_DEFAULT),
                    idempotent: false,
                    traceparent: None,
                };
                match self.may_call(&request.group, &request.function) {
                    Ok(()) => return self.start_call(id, request, credit),
                    Err(fault) => Err(fault),
                }
            }
            PageRequest::Publish { topic, value } => self.publish(page, &topic, &value),
            PageRequest::Subscribe {
                topic,
                since,
                last,
                filter,
            } => self.subscribe(&topic, since, last, filter),
            PageRequest::Unsubscribe { subscription } => self.unsubscribe(subscription),
        };
        Some(Told::Answer(id, answer))
    }

    /// The page allows more items of a stream that it reads.
    pub(crate) fn grant(&self, request: &RequestId, more: u32) {
        if let Some(call) = self.calls.get(request) {
            let room = Semaphore::MAX_PERMITS - call.credit.available_permits();
            call.credit.add_permits(room.min(more as usize));
        }
    }

    /// The page takes a call back.
    pub(crate) fn cancel(&mut self, request: &RequestId) {
        if let Some(call) = self.calls.remove(request) {
            call.task.abort();
        }
    }

    fn may_call(&self, group: &GroupName, function: &FunctionName) -> Result<(), Fault> {
        if self.scopes.may_call(group, function) {
            return Ok(());
        }
        Err(refused(format!(
            "this page may not call {group}/{function}: its token has no scope call:{group}/{function}"
        )))
    }

    fn start_call(&mut self, id: RequestId, request: CallRequest, credit: u32) -> Option<Told> {
        let credit = Arc::new(Semaphore::new(credit as usize));
        let work = run_call(
            self.hub.clone(),
            self.scopes.clone(),
            id.clone(),
            request,
            credit.clone(),
            self.tell(),
        );
        let task = self.tasks.spawn(work);
        self.calls.insert(id, RunningCall { task, credit });
        None
    }

    fn publish(&self, page: &Page, topic: &str, value: &Payload) -> Result<Payload, Fault> {
        let name = TopicName::of_page(&page.group, topic)
            .map_err(|error| bad_arguments(error.to_string()))?;
        let published = self.hub.publish(&name, value);
        let published =
            published.map_err(|error| Fault::Hub(EndKind::Overloaded.code(), error.to_string()))?;
        page.count_published();
        Ok(json_payload(&published))
    }

    fn subscribe(
        &mut self,
        topic: &TopicName,
        since: Option<String>,
        last: Option<usize>,
        filter: Option<String>,
    ) -> Result<Payload, Fault> {
        if !self.scopes.may_subscribe(topic) {
            return Err(refused(format!(
                "this page may not read {topic}: its token has no scope subscribe:{topic}"
            )));
        }
        self.subscriptions.retain(|_, task| !task.is_finished());
        let max = self.hub.options().subscriptions_max;
        if self.subscriptions.len() >= max {
            return Err(Fault::Hub(
                EndKind::Overloaded.code(),
                format!("a page follows at most {max} topics"),
            ));
        }
        let last = last.map(|count| count as u64);
        let start = match since {
            None => last.map_or(Start::Next, Start::Last),
            Some(since) => {
                let cursor = Cursor::parse(&since)
                    .ok_or_else(|| bad_arguments("since is no cursor".into()))?;
                Start::Since(cursor, last)
            }
        };
        let topics = self.hub.topics();
        let filter = filter.map(|filter| topics.filter(&filter)).transpose()?;
        let subscription = topics.subscribe(topic, &start, SlowReader::Gap);
        let mut subscription = subscription
            .map_err(|error| Fault::Hub(EndKind::Overloaded.code(), error.to_string()))?;
        if let Some(filter) = filter {
            subscription = subscription.filtered(filter);
        }
        let (number, cursor) = (self.next_subscription, subscription.cursor());
        self.next_subscription += 1;
        let tell = self.tell();
        let task = self.tasks.spawn(follow(number, subscription, tell));
        self.subscriptions.insert(number, task);
        Ok(json_payload(
            &json!({ "subscription": number, "cursor": cursor }),
        ))
    }

    fn unsubscribe(&mut self, subscription: u64) -> Result<Payload, Fault> {
        match self.subscriptions.remove(&subscription) {
            Some(task) => {
                task.abort();
                Ok(Payload::Json(JsonText::null()))
            }
            None => Err(bad_arguments(format!(
                "there is no subscription {subscription}"
            ))),
        }
    }
}

async fn run_call(
    hub: Hub,
    scopes: Scopes,
    id: RequestId,
    request: CallRequest,
    credit: Arc<Semaphore>,
    tell: mpsc::Sender<Told>,
) {
    let answer = match hub.call(request).await {
        Err(failure) => Err(Fault::from(failure.seen_by(&scopes))),
        Ok(answer) => match answer.reply {
            Reply::Value(value) => Ok(value),
            Reply::Stream(mut stream) => loop {
                match stream.next().await {
                    Err(failure) => break Err(Fault::from(failure)),
                    Ok(None) => break Ok(Payload::Json(JsonText::null())),
                    Ok(Some(value)) => {
                        // The semaphore is never closed; the page's credit is what is waited for.
                        if let Ok(permit) = credit.acquire().await {
                            permit.forget();
                        }
                        if tell.send(Told::Item(id.clone(), value)).await.is_err() {
                            return;
                        }
                    }
                }
            },
        },
    };
    // A closed channel means that the page is gone, and nobody wants the answer.
    let _ = tell.send(Told::Answer(id, answer)).await;
}

async fn follow(number: u64, mut subscription: Subscription, tell: mpsc::Sender<Told>) {
    while let Some(notice) = subscription.next().await {
        if tell.send(Told::Notice(number, notice)).await.is_err() {
            return;
        }
    }
}

impl From<FilterRefused> for Fault {
    fn from(refused: FilterRefused) -> Self {
        match &refused {
            FilterRefused::Expression { .. } => bad_arguments(refused.to_string()),
            FilterRefused::TooManyFilters(_) => {
                Self::Hub(EndKind::Overloaded.code(), refused.to_string())
            }
        }
    }
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        match failure.reason {
            FailureReason::Ended(
                CallEnd::PageError(error) | CallEnd::BadArguments(error) | CallEnd::TooLarge(error),
            ) => Self::Page(error),
            FailureReason::Ended(CallEnd::PageGone(departure)) => Self::Hub(
                EndKind::PageGone.code(),
                format!("the page is gone: {departure}"),
            ),
            FailureReason::Ended(CallEnd::Timeout) => {
                let cause = failure.cause.map(|cause| format!(": {cause}"));
                let why = "the page did not answer before the deadline";
                Self::Hub(
                    EndKind::Timeout.code(),
                    format!("{why}{}", cause.unwrap_or_default()),
                )
            }
            FailureReason::Ended(end) => Self::Hub(end.kind().code(), end.kind().name().into()),
            FailureReason::NotFound(why, hints) => {
                Self::Hub(EndKind::NotFound.code(), why.explain(&hints))
            }
            FailureReason::Draining(group) => Self::Hub(
                EndKind::Overloaded.code(),
                format!("all pages of group {group} are being drained"),
            ),
            FailureReason::BadArguments(why) => bad_arguments(why),
            FailureReason::ShuttingDown => {
                Self::Hub(CODE_SHUTTING_DOWN, "the hub shuts down".into())
            }
        }
    }
}

fn refused(why: String) -> Fault {
    Fault::Hub(CODE_REFUSED, why)
}

fn bad_arguments(why: String) -> Fault {
    Fault::Hub(EndKind::BadArguments.code(), why)
}

fn json_payload(value: &impl serde::Serialize) -> Payload {
    Payload::Json(JsonText::of(value).expect("numbers and texts have a JSON form"))
}
