//! Messages of the page, as far as they are not requests.

use std::sync::Arc;
use std::time::Instant;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::plain::Dialect;
use super::{
    AGENT_BYTES_MAX, BYE_REASON_BYTES_MAX, CancelReason, Closing, Event, KIND_CHARS_MAX, Link,
    Output, PING_ID, Phase, Refusal, TITLE_BYTES_MAX, URL_BYTES_MAX, clip, within,
};
use crate::Error;
use crate::call::{CallEnd, CallId, EndKind, PageError};
use crate::function::{Function, Health, Hello};
use crate::message::{Frame, Incoming, Params, RawError, RequestId, present};
use crate::name::FunctionName;
use crate::note::Note;
use crate::payload::Payload;
use crate::table::ItemOutcome;

/// Messages of the page.
impl Link {
    pub(super) fn handle_frame(&mut self, now: Instant, frame: &Frame) -> Result<(), Error> {
        if matches!(self.dialect, Dialect::Plain(_)) {
            self.handle_plain(now, frame);
            return Ok(());
        }
        let incoming = Incoming::parse(frame)?;
        match self.phase {
            Phase::Opening { .. } => self.handle_hello(frame.len(), incoming),
            Phase::Greeting { .. } => Err(Error::Violation {
                got: "a message",
                state: "hello is not answered yet",
            }),
            Phase::Open(_) => self.handle_open(now, frame.len(), incoming),
            Phase::Closed(_) => Ok(()),
        }
    }

    fn handle_hello(&mut self, length: usize, incoming: Incoming<'_>) -> Result<(), Error> {
        let Incoming::Request {
            id, method, params, ..
        } = incoming
        else {
            return Err(Error::Violation {
                got: "a message that is no request",
                state: "waiting for $/hello",
            });
        };
        if method != "$/hello" || params.has_bytes() {
            return Err(Error::Violation {
                got: "another request",
                state: "waiting for $/hello",
            });
        }
        self.phase = Phase::Greeting { hello: id };
        match self.read_hello(length, &params) {
            Ok(hello) => {
                self.outputs.push_back(Output::Event(Event::Hello(hello)));
                Ok(())
            }
            Err(error) => {
                self.refuse(Refusal::BadHello(error.to_string()))?;
                Err(error)
            }
        }
    }

    fn read_hello(&mut self, length: usize, params: &Params<'_>) -> Result<Hello, Error> {
        within("hello_bytes_max", length, self.options.hello_bytes_max)?;
        let mut hello: Hello = params.read("a bad $/hello")?;
        self.expose(&hello.functions)?;
        clip_kind(&mut hello.kind);
        clip(&mut hello.url, URL_BYTES_MAX);
        clip(&mut hello.title, TITLE_BYTES_MAX);
        clip(&mut hello.agent, AGENT_BYTES_MAX);
        Ok(hello)
    }

    fn handle_open(
        &mut self,
        now: Instant,
        length: usize,
        incoming: Incoming<'_>,
    ) -> Result<(), Error> {
        match incoming {
            Incoming::Response { id, outcome } => {
                self.handle_response(now, id, outcome);
                Ok(())
            }
            Incoming::Published { topic, value } => {
                self.take_published(topic.into_owned(), Payload::Json(value));
                Ok(())
            }
            Incoming::Notification { method, params } => {
                self.handle_notification(now, length, &method, params)
            }
            Incoming::Request {
                id,
                method,
                params,
                deadline_ms,
                credit,
            } => self.handle_request(id, &method, params, deadline_ms, credit),
        }
    }

    fn handle_response(
        &mut self,
        now: Instant,
        id: Option<u64>,
        outcome: Result<Payload, RawError>,
    ) {
        if id == Some(PING_ID) {
            return self.handle_pong(outcome);
        }
        match id.map(CallId) {
            Some(call) if self.calls.remove_in_flight(call) => {
                self.end(call, outcome.map_or_else(CallEnd::from, CallEnd::Result));
                self.send_waiting(now);
            }
            Some(_) | None => self.drop_answer(),
        }
    }

    fn handle_pong(&mut self, outcome: Result<Payload, RawError>) {
        let Phase::Open(heartbeat) = &mut self.phase else {
            return;
        };
        if !heartbeat.answered() {
            return self.drop_answer();
        }
        // An answer without figures still says that the page's JavaScript runs.
        let health = match outcome {
            Ok(Payload::Json(text)) => serde_json::from_slice(text.as_bytes()).unwrap_or_default(),
            Ok(Payload::Bytes(_)) | Err(_) => Health::default(),
        };
        self.outputs.push_back(Output::Event(Event::Health(health)));
    }

    fn handle_notification(
        &mut self,
        now: Instant,
        length: usize,
        method: &str,
        params: Params<'_>,
    ) -> Result<(), Error> {
        if params.has_bytes() && !matches!(method, "$/next" | "$/publish") {
            return Err(Error::Violation {
                got: "bytes where none can be",
                state: "open",
            });
        }
        match method {
            "$/next" => self.handle_item(now, params)?,
            "$/publish" => self.handle_publish(params)?,
            "$/expose" => {
                within("hello_bytes_max", length, self.options.hello_bytes_max)?;
                let ExposeParams { functions } = params.read("a bad $/expose")?;
                self.expose(&functions)?;
                self.outputs
                    .push_back(Output::Event(Event::Exposed(functions)));
            }
            "$/retract" => {
                let RetractParams { names } = params.read("a bad $/retract")?;
                self.functions.retain(|function| !names.contains(function));
                self.outputs
                    .push_back(Output::Event(Event::Retracted(names)));
            }
            "$/notes" => {
                within("hello_bytes_max", length, self.options.hello_bytes_max)?;
                let NotesParams { notes } = params.read("a bad $/notes")?;
                let notes = Note::kept(notes);
                self.outputs.push_back(Output::Event(Event::Noted(notes)));
            }
            "$/credit" => {
                let CreditParams { id, n } = params.read("a bad $/credit")?;
                if self.requests.contains(&id) {
                    self.outputs.push_back(Output::Event(Event::Granted {
                        request: id,
                        more: n,
                    }));
                }
            }
            "$/cancel" => {
                let CancelParams { id } = params.read("a bad $/cancel")?;
                if self.requests.remove(&id) {
                    self.outputs
                        .push_back(Output::Event(Event::RequestCancelled { request: id }));
                }
            }
            "$/bye" => self.close(Closing::Bye(bye_reason(&params))),
            _ => {}
        }
        Ok(())
    }

    fn handle_item(&mut self, now: Instant, params: Params<'_>) -> Result<(), Error> {
        let ItemParams { id, value } = params.read("a bad $/next")?;
        let value = params.into_value(value)?;
        let call = CallId(id);
        match self.calls.take_item(call) {
            ItemOutcome::Unknown => self.drop_answer(),
            ItemOutcome::NoCredit => {
                let why = "stream overrun: the page sent a value without credit";
                let end = CallEnd::PageError(PageError::of_link(EndKind::PageError, why));
                self.take_back(call, end, CancelReason::Overrun);
            }
            ItemOutcome::Taken if value.len() > self.options.stream_item_bytes_max => {
                let (got, max) = (value.len(), self.options.stream_item_bytes_max);
                let why = Error::Limit {
                    what: "stream_item_bytes_max",
                    got,
                    max,
                }
                .to_string();
                let end = CallEnd::TooLarge(PageError::of_link(EndKind::TooLarge, &why));
                self.take_back(call, end, CancelReason::Overrun);
            }
            ItemOutcome::Taken => self
                .outputs
                .push_back(Output::Event(Event::Item { call, value })),
        }
        self.send_waiting(now);
        Ok(())
    }

    fn handle_publish(&mut self, params: Params<'_>) -> Result<(), Error> {
        let PublishParams { topic, value } = params.read("a bad $/publish")?;
        let value = params.into_value(value)?;
        self.take_published(topic, value);
        Ok(())
    }

    /// What a page publishes without asking for an answer.
    pub(super) fn take_published(&mut self, topic: String, value: Payload) {
        if value.len() > self.options.topic_value_bytes_max {
            self.counters.values_dropped = self.counters.values_dropped.saturating_add(1);
        } else {
            self.outputs
                .push_back(Output::Event(Event::Published { topic, value }));
        }
    }
}

/// The reason is any text; a page that says none, or nothing that is one, leaves just as well.
fn bye_reason(params: &Params<'_>) -> Option<Arc<str>> {
    let ByeParams { mut reason } = params.read("a bad $/bye").ok()?;
    clip(&mut reason, BYE_REASON_BYTES_MAX);
    (!reason.is_empty()).then(|| reason.into())
}

/// A kind is one word of letters and `_`: what follows the first other character is cut off too.
fn clip_kind(kind: &mut String) {
    let is_good = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    let end = kind.bytes().position(|byte| !is_good(byte));
    kind.truncate(end.unwrap_or(kind.len()).min(KIND_CHARS_MAX));
}

#[derive(Deserialize)]
struct ExposeParams {
    functions: Vec<Function>,
}

#[derive(Deserialize)]
struct RetractParams {
    names: Vec<FunctionName>,
}

#[derive(Deserialize)]
struct NotesParams {
    notes: Vec<Note>,
}

#[derive(Deserialize)]
struct ByeParams {
    reason: String,
}

#[derive(Deserialize)]
struct CreditParams {
    id: RequestId,
    n: u32,
}

#[derive(Deserialize)]
struct CancelParams {
    id: RequestId,
}

#[derive(Deserialize)]
struct ItemParams<'a> {
    id: u64,
    #[serde(borrow, default, deserialize_with = "present")]
    value: Option<&'a RawValue>,
}

#[derive(Deserialize)]
pub(super) struct PublishParams<'a> {
    pub(super) topic: String,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) value: Option<&'a RawValue>,
}
