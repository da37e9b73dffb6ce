//! The hub's side of one attached page.

mod heartbeat;
mod input;
mod options;
mod output;
mod plain;
mod requests;

use std::collections::{HashSet, VecDeque};
use std::time::{Duration, Instant};

use self::heartbeat::Heartbeat;
pub use self::options::{
    AGENT_BYTES_MAX, BYE_REASON_BYTES_MAX, KIND_CHARS_MAX, LinkOptions, TITLE_BYTES_MAX,
    URL_BYTES_MAX,
};
pub use self::output::{
    CancelReason, Closing, Event, EventHead, GapHead, Output, PageRequest, Refusal, Welcome,
};
use self::plain::Dialect;
pub use self::plain::{PLAIN_ASK, PLAIN_SEND, PlainPage};
use crate::Error;
use crate::call::{Call, CallEnd, CallId, PageError};
use crate::departure::Departure;
use crate::function::Function;
use crate::message::{Frame, Outgoing, RequestId};
use crate::name::FunctionName;
use crate::payload::{JsonText, Payload};
use crate::table::{CallTable, Inserted};

/// The id of `$/ping` on the wire; calls begin at 1.
const PING_ID: u64 = 0;

/// What a carrier brings.
#[derive(Debug)]
pub enum Input {
    /// A message of the page.
    Frame(Frame),
    /// A sign of life without content, such as a WebSocket Pong.
    Alive,
    /// The carrier lost the page.
    Closed,
}

/// What was dropped on a link, since its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Answers and stream items of calls that had ended or never were: late, second or made up.
    pub answers_dropped: u64,
    /// Published values over the size limit or with a bad topic, sent without an id.
    pub values_dropped: u64,
}

#[derive(Debug)]
enum Phase {
    /// Waiting for `$/hello`.
    Opening {
        until: Instant,
    },
    /// Hello came; the driver is to welcome or refuse.
    Greeting {
        hello: RequestId,
    },
    Open(Heartbeat),
    Closed(Departure),
}

/// The hub's side of one page link: call table, deadlines, streams, heartbeat, requests of the page.
///
/// The contract of a driver is on the [crate page](crate). All times come in as `now`; a time older than one seen before does no harm.
#[derive(Debug)]
pub struct Link {
    options: LinkOptions,
    dialect: Dialect,
    phase: Phase,
    last_heard: Instant,
    calls: CallTable,
    functions: HashSet<FunctionName>,
    requests: HashSet<RequestId>,
    outputs: VecDeque<Output>,
    counters: Counters,
}

impl Link {
    /// A link whose carrier is open and whose page has not said hello.
    pub fn new(now: Instant, options: LinkOptions) -> Self {
        Self {
            phase: Phase::Opening {
                until: later(now, options.hello_timeout),
            },
            dialect: Dialect::JsonRpc,
            last_heard: now,
            calls: CallTable::new(options.in_flight_max, options.queue_max),
            functions: HashSet::new(),
            requests: HashSet::new(),
            outputs: VecDeque::new(),
            counters: Counters::default(),
            options,
        }
    }

    /// Takes what the carrier brought.
    ///
    /// # Errors
    ///
    /// The page broke the protocol. What it must be told and [`Output::Close`] are queued already; further input is ignored.
    pub fn handle_input(&mut self, now: Instant, input: Input) -> Result<(), Error> {
        if matches!(self.phase, Phase::Closed(_)) {
            return Ok(());
        }
        self.last_heard = self.last_heard.max(now);
        match input {
            Input::Alive => {}
            Input::Closed => self.finish(Departure::Lost),
            Input::Frame(frame) => {
                if let Phase::Open(heartbeat) = &mut self.phase {
                    heartbeat.heard(now);
                }
                if let Err(error) = self.handle_frame(now, &frame) {
                    self.close(Closing::of_error(&error));
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Does what is due at `now`: ends calls, sends heartbeats, gives up on a silent page. Early calls are harmless.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(call) = self.calls.expired(now) {
            self.take_back(call, CallEnd::Timeout, CancelReason::Timeout);
        }
        self.send_waiting(now);
        match self.phase {
            Phase::Opening { until } if until <= now => self.close(Closing::HelloTimeout),
            Phase::Open(_) if self.silent_at() <= now => self.close(Closing::Silent),
            Phase::Open(_) => self.beat(now),
            Phase::Opening { .. } | Phase::Greeting { .. } | Phase::Closed(_) => {}
        }
    }

    /// The next thing to do, until `None`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Link::handle_timeout`] is due; `None` once the link is closed.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let link = match &self.phase {
            Phase::Opening { until } => *until,
            Phase::Greeting { .. } => self.silent_at(),
            Phase::Open(heartbeat) => heartbeat.due().min(self.silent_at()),
            Phase::Closed(_) => return None,
        };
        Some(
            self.calls
                .next_deadline()
                .map_or(link, |deadline| deadline.min(link)),
        )
    }

    /// Accepts the page that said hello.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] when no hello waits for an answer.
    pub fn welcome(&mut self, now: Instant, welcome: Welcome) -> Result<(), Error> {
        let Phase::Greeting { hello } = &self.phase else {
            return Err(Error::Misuse("welcome without a hello"));
        };
        let body = output::WelcomeBody::new(&welcome, &self.options);
        let frame =
            Outgoing::response(hello).end_with("result", &Payload::Json(JsonText::of(&body)?));
        self.send(frame);
        self.greet_plainly();
        self.phase = Phase::Open(Heartbeat::new(now, self.options.heartbeat));
        Ok(())
    }

    /// Turns the page that said hello away, and closes.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] when no hello waits for an answer.
    pub fn refuse(&mut self, refusal: Refusal) -> Result<(), Error> {
        let Phase::Greeting { hello } = &self.phase else {
            return Err(Error::Misuse("refusal without a hello"));
        };
        let mut message = Outgoing::response(hello);
        message.member(
            "error",
            &output::ErrorBody {
                code: refusal.code(),
                message: refusal.message(),
            },
        );
        self.send(message.end());
        self.close(Closing::Refused(refusal));
        Ok(())
    }

    /// Asks the page. The end comes as [`Event::Ended`], exactly once, at the latest when the link closes.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] when `id` is 0 or under way already; such a call has no end.
    pub fn call(&mut self, now: Instant, id: CallId, call: Call) -> Result<(), Error> {
        if id.0 == PING_ID {
            return Err(Error::Misuse("call id 0 is the ping's"));
        }
        if !matches!(self.phase, Phase::Open(_)) {
            let departure = self.departure().cloned().unwrap_or(Departure::Lost);
            self.end(id, CallEnd::PageGone(departure));
            return Ok(());
        }
        if !self.functions.contains(&call.function) {
            self.end(id, CallEnd::NotFound);
            return Ok(());
        }
        if self.is_plain_send(&call) {
            self.send_plainly(id, &call);
            return Ok(());
        }
        let deadline = call.deadline;
        match self.calls.insert(id, call) {
            Inserted::Send(call) => {
                self.look_before(now, deadline);
                self.send_call(now, id, &call);
            }
            Inserted::Queued => self.look_before(now, deadline),
            Inserted::Full => self.end(id, CallEnd::Overloaded),
            Inserted::Duplicate => return Err(Error::Misuse("a call id is used twice")),
        }
        Ok(())
    }

    /// Takes a call back: it ends as [`CallEnd::Cancelled`], and the page is told. A call that has ended is left alone.
    pub fn cancel(&mut self, now: Instant, id: CallId) {
        self.take_back(id, CallEnd::Cancelled, CancelReason::Caller);
        self.send_waiting(now);
    }

    /// Lets the page send `more` stream items of a call.
    pub fn grant(&mut self, id: CallId, more: u32) {
        if self.calls.grant(id, more) {
            let mut message = Outgoing::notification("$/credit");
            message.member("params", &output::CreditBody { id: id.0, n: more });
            self.send(message.end());
        }
    }

    /// Answers a request of the page. A request that it took back is left alone.
    pub fn respond(&mut self, id: &RequestId, outcome: Result<&Payload, (i64, &str)>) {
        if !self.requests.remove(id) {
            return;
        }
        let mut message = Outgoing::response(id);
        let frame = match outcome {
            Ok(payload) => message.end_with("result", payload),
            Err((code, text)) => {
                message.member(
                    "error",
                    &output::ErrorBody {
                        code,
                        message: text,
                    },
                );
                message.end()
            }
        };
        self.send(frame);
    }

    /// Answers a request of the page with the error that another page gave.
    pub fn respond_page_error(&mut self, id: &RequestId, error: &PageError) {
        if !self.requests.remove(id) {
            return;
        }
        let data = error
            .data
            .as_ref()
            .map(JsonText::as_bytes)
            .and_then(|data| serde_json::from_slice(data).ok());
        let mut message = Outgoing::response(id);
        message.member(
            "error",
            &output::PageErrorBody {
                code: error.code,
                message: &error.message,
                data,
            },
        );
        self.send(message.end());
    }

    /// Sends one stream item of a call that the page made. The driver keeps to the page's credit.
    pub fn send_item(&mut self, id: &RequestId, value: &Payload) {
        if self.requests.contains(id) {
            self.send(
                Outgoing::notification("$/next").end_with_value(&output::IdBody { id }, value),
            );
        }
    }

    /// Sends one value of a topic that the page follows.
    pub fn send_event(&mut self, head: &EventHead<'_>, value: &Payload) {
        if matches!(self.phase, Phase::Open(_)) {
            self.send(Outgoing::notification("$/event").end_with_value(head, value));
        }
    }

    /// Tells the page that values of a topic are lost to it.
    pub fn send_gap(&mut self, head: &GapHead) {
        if matches!(self.phase, Phase::Open(_)) {
            let mut message = Outgoing::notification("$/gap");
            message.member("params", head);
            self.send(message.end());
        }
    }

    /// Ends the link: every call ends as [`CallEnd::PageGone`], the page is told why, the carrier is to close. A closed link is left alone.
    pub fn close(&mut self, closing: Closing) {
        if matches!(self.phase, Phase::Closed(_)) {
            return;
        }
        if let Some((reason, detail)) = closing.bye() {
            let mut message = Outgoing::notification("$/bye");
            message.member(
                "params",
                &output::ByeBody {
                    reason,
                    detail: detail.as_deref(),
                },
            );
            self.send(message.end());
        }
        self.finish(closing.departure());
        self.outputs.push_back(Output::Close(closing));
    }

    /// Why the page is gone, after the end of the link.
    pub fn departure(&self) -> Option<&Departure> {
        match &self.phase {
            Phase::Closed(departure) => Some(departure),
            Phase::Opening { .. } | Phase::Greeting { .. } | Phase::Open(_) => None,
        }
    }

    /// True after the end of the link.
    pub fn is_closed(&self) -> bool {
        matches!(self.phase, Phase::Closed(_))
    }

    /// True when no call, queued or with the page, and no request of the page is left.
    pub fn is_idle(&self) -> bool {
        self.calls.is_empty() && self.requests.is_empty()
    }

    /// Calls that the page works on.
    pub fn in_flight(&self) -> usize {
        self.calls.in_flight()
    }

    /// Calls that wait until the page may have one more.
    pub fn queued(&self) -> usize {
        self.calls.queued()
    }

    /// What was dropped so far.
    pub fn counters(&self) -> Counters {
        self.counters
    }
}

/// Steps that several inputs share.
impl Link {
    fn expose(&mut self, functions: &[Function]) -> Result<(), Error> {
        for function in functions {
            let bytes = JsonText::of(function)?.as_bytes().len();
            within("function_bytes_max", bytes, self.options.function_bytes_max)?;
            self.functions.insert(function.name.clone());
        }
        within(
            "functions_max",
            self.functions.len(),
            self.options.functions_max,
        )
    }

    fn send_waiting(&mut self, now: Instant) {
        while let Some((id, call)) = self.calls.next_to_send() {
            if self.functions.contains(&call.function) {
                self.send_call(now, id, &call);
            } else {
                self.calls.remove(id);
                self.end(id, CallEnd::NotFound);
            }
        }
    }

    fn send_call(&mut self, now: Instant, id: CallId, call: &Call) {
        if let Dialect::Plain(plain) = &self.dialect {
            let frame = plain.message(&call.arguments);
            return self.outputs.push_back(Output::Send(frame));
        }
        let left = call.deadline.saturating_duration_since(now);
        let mut message = Outgoing::request(id.0, call.function.as_str());
        message.member(
            "deadline_ms",
            &u64::try_from(left.as_millis()).unwrap_or(u64::MAX),
        );
        message.member("credit", &call.credit);
        if let Some(traceparent) = &call.traceparent {
            message.member("traceparent", traceparent);
        }
        self.send(message.end_with("params", &call.arguments));
    }

    /// Ends a call from our side, and tells the page if it knows of it.
    fn take_back(&mut self, id: CallId, end: CallEnd, reason: CancelReason) {
        let Some(page_knows) = self.calls.remove(id) else {
            return;
        };
        if page_knows {
            let mut message = Outgoing::notification("$/cancel");
            message.member("params", &output::CancelBody { id: id.0, reason });
            self.send(message.end());
        }
        self.end(id, end);
    }

    fn look_before(&mut self, now: Instant, deadline: Instant) {
        if let Phase::Open(heartbeat) = &mut self.phase {
            heartbeat.look_before(now, deadline);
        }
    }

    fn finish(&mut self, departure: Departure) {
        while let Some(call) = self.calls.any() {
            self.calls.remove(call);
            self.end(call, CallEnd::PageGone(departure.clone()));
        }
        self.phase = Phase::Closed(departure);
        self.requests.clear();
    }

    fn end(&mut self, call: CallId, end: CallEnd) {
        self.outputs
            .push_back(Output::Event(Event::Ended { call, end }));
    }

    /// A plain page knows none of our messages.
    fn send(&mut self, frame: Frame) {
        if matches!(self.dialect, Dialect::Plain(_)) {
            return;
        }
        self.outputs.push_back(Output::Send(frame));
    }

    fn drop_answer(&mut self) {
        self.counters.answers_dropped = self.counters.answers_dropped.saturating_add(1);
    }

    fn silent_at(&self) -> Instant {
        later(
            later(self.last_heard, self.options.heartbeat),
            self.options.heartbeat,
        )
    }
}

fn within(what: &'static str, got: usize, max: usize) -> Result<(), Error> {
    if got > max {
        Err(Error::Limit { what, got, max })
    } else {
        Ok(())
    }
}

fn clip(text: &mut String, bytes_max: usize) {
    let end = text.floor_char_boundary(bytes_max);
    text.truncate(end);
}

/// `time + wait`, or a time so late that it never comes.
fn later(time: Instant, wait: Duration) -> Instant {
    const NEVER: Duration = Duration::from_secs(60 * 60 * 24 * 365);
    time.checked_add(wait)
        .or_else(|| time.checked_add(NEVER))
        .unwrap_or(time)
}

#[cfg(test)]
mod tests;
