//! What a link gives out: messages, events and the ways it closes.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::value::RawValue;

use super::LinkOptions;
use crate::Error;
use crate::call::{CODE_REFUSED, CallEnd, CallId, EndKind};
use crate::departure::Departure;
use crate::function::{Function, Health, Hello};
use crate::message::{Frame, RequestId};
use crate::name::{FunctionName, GroupName, PageId, TopicName};
use crate::note::Note;
use crate::payload::Payload;

/// One thing for the driver to do.
#[derive(Debug)]
pub enum Output {
    /// Give this message to the carrier.
    Send(Frame),
    /// Use the carrier's own keep-alive, such as a WebSocket Ping, where it has one.
    Ping,
    /// Something happened.
    Event(Event),
    /// Close the carrier after all that was sent. Nothing follows.
    Close(Closing),
}

/// Something that happened on a link.
#[derive(Debug)]
pub enum Event {
    /// The page said hello: answer with [`Link::welcome`](super::Link::welcome) or [`Link::refuse`](super::Link::refuse) before any other input.
    Hello(Hello),
    /// These functions are new or changed.
    Exposed(Vec<Function>),
    /// These functions are gone.
    Retracted(Vec<FunctionName>),
    /// One value of a streamed result. Give credit for it when its reader has taken it.
    Item {
        /// Of this call.
        call: CallId,
        /// The value.
        value: Payload,
    },
    /// The one end of a call.
    Ended {
        /// This call.
        call: CallId,
        /// How.
        end: CallEnd,
    },
    /// The page published and wants no answer; a publish with an answer is a [`PageRequest::Publish`].
    Published {
        /// The topic without its prefix, not checked.
        topic: String,
        /// The value.
        value: Payload,
    },
    /// The page asks: answer with [`Link::respond`](super::Link::respond).
    Requested {
        /// The id of the request.
        id: RequestId,
        /// What it asks.
        request: PageRequest,
    },
    /// The page allows more stream items of a call that it made.
    Granted {
        /// The call.
        request: RequestId,
        /// How many.
        more: u32,
    },
    /// The page takes a request back; its answer would be dropped.
    RequestCancelled {
        /// The request.
        request: RequestId,
    },
    /// The page's JavaScript answered a ping.
    Health(Health),
    /// All that is known of the page now, in place of what was known before.
    Noted(Vec<Note>),
    /// The page's JavaScript has not answered a ping for a whole heartbeat.
    Unresponsive,
}

/// What a page can ask the hub.
#[derive(Debug)]
pub enum PageRequest {
    /// Call another page's function.
    Call {
        /// Its group.
        group: GroupName,
        /// Its name.
        function: FunctionName,
        /// The text of a JSON array, or bytes as the one argument.
        arguments: Payload,
        /// How long the page wants to wait.
        timeout: Option<Duration>,
        /// How many stream items it takes at first.
        credit: u32,
    },
    /// Publish, with an answer.
    Publish {
        /// The topic without its prefix, not checked.
        topic: String,
        /// The value.
        value: Payload,
    },
    /// Follow a topic.
    Subscribe {
        /// The topic.
        topic: TopicName,
        /// A cursor or a sequence number.
        since: Option<String>,
        /// Begin with at most so many kept values.
        last: Option<usize>,
        /// An expression that says which values are wanted, not checked.
        filter: Option<String>,
    },
    /// Stop following.
    Unsubscribe {
        /// The number that subscribing gave.
        subscription: u64,
    },
}

/// The answer to a hello.
#[derive(Debug, Clone)]
pub struct Welcome {
    /// The page's id.
    pub page: PageId,
    /// Its new epoch.
    pub epoch: u64,
    /// The hub's version.
    pub hub: &'static str,
}

/// Why a hello is turned away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The hello itself is wrong; says how.
    BadHello(String),
    /// This page may not join this group or take this id; says why.
    Access(String),
    /// The hub holds as many pages as it may.
    TooManyPages,
}

impl Refusal {
    pub(crate) fn code(&self) -> i64 {
        match self {
            Self::BadHello(_) => EndKind::BadArguments.code(),
            Self::Access(_) => CODE_REFUSED,
            Self::TooManyPages => EndKind::Overloaded.code(),
        }
    }

    /// What the page is told.
    pub fn message(&self) -> &str {
        match self {
            Self::BadHello(why) | Self::Access(why) => why,
            Self::TooManyPages => "the hub holds as many pages as it may",
        }
    }
}

/// How a link ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Closing {
    /// The page said goodbye, with a reason where it gave one.
    Bye(Option<Arc<str>>),
    /// The hub shuts down.
    Shutdown,
    /// A newer link has taken the page over.
    Replaced,
    /// Somebody detached the page.
    Kicked,
    /// The page broke the protocol; says how.
    Violation(String),
    /// The page went over a limit; says which.
    OverLimit(String),
    /// The page sent a message over `message_bytes_max`.
    MessageTooLarge,
    /// No hello came.
    HelloTimeout,
    /// Nothing came for two heartbeats.
    Silent,
    /// The hello was turned away.
    Refused(Refusal),
}

impl Closing {
    /// The WebSocket close code (`docs/protocol.md` §1.10).
    pub fn code(&self) -> u16 {
        match self {
            Self::Bye(_) => 1000,
            Self::Shutdown => 1001,
            Self::MessageTooLarge => 1009,
            Self::Violation(_) | Self::Refused(Refusal::BadHello(_)) => 4400,
            Self::Refused(Refusal::Access(_)) => 4403,
            Self::HelloTimeout | Self::Silent => 4408,
            Self::Replaced => 4409,
            Self::Kicked => 4410,
            Self::OverLimit(_) | Self::Refused(Refusal::TooManyPages) => 4429,
        }
    }

    /// A short reason for the close frame and the log; not cut to the 123 bytes that a close frame holds.
    pub fn reason(&self) -> &str {
        match self {
            Self::Bye(reason) => reason.as_deref().unwrap_or("bye"),
            Self::Shutdown => "shutdown",
            Self::Replaced => "replaced",
            Self::Kicked => "kicked",
            Self::Violation(detail) | Self::OverLimit(detail) => detail,
            Self::MessageTooLarge => "a message is over message_bytes_max",
            Self::HelloTimeout => "no hello in time",
            Self::Silent => "silent",
            Self::Refused(refusal) => refusal.message(),
        }
    }

    /// The same for those who waited for the page.
    pub(crate) fn departure(&self) -> Departure {
        match self {
            Self::Bye(reason) => Departure::Bye(reason.clone()),
            Self::Shutdown => Departure::Shutdown,
            Self::Replaced => Departure::Replaced,
            Self::Kicked => Departure::Kicked,
            Self::Silent => Departure::Silent,
            Self::Violation(_) | Self::OverLimit(_) | Self::MessageTooLarge => {
                Departure::Violation(self.reason().into())
            }
            // Nobody waits for a page that never was let in.
            Self::HelloTimeout | Self::Refused(_) => Departure::Lost,
        }
    }

    pub(crate) fn of_error(error: &Error) -> Self {
        match error {
            Error::Limit { .. } => Self::OverLimit(error.to_string()),
            Error::Malformed { .. }
            | Error::Violation { .. }
            | Error::Name { .. }
            | Error::Misuse(_) => Self::Violation(error.to_string()),
        }
    }

    /// What `$/bye` says: reason and detail. None where the page needs no telling.
    pub(crate) fn bye(&self) -> Option<(&'static str, Option<String>)> {
        match self {
            Self::Bye(_) | Self::HelloTimeout | Self::Refused(_) => None,
            Self::Shutdown => Some(("shutdown", None)),
            Self::Replaced => Some(("replaced", None)),
            Self::Kicked => Some(("kicked", None)),
            Self::Silent => Some(("silent", None)),
            Self::Violation(_) | Self::OverLimit(_) | Self::MessageTooLarge => {
                Some(("violation", Some(self.reason().to_owned())))
            }
        }
    }
}

/// Why a page is told that an answer is not wanted any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CancelReason {
    /// The caller left or took the call back.
    Caller,
    /// The deadline passed.
    Timeout,
    /// The page sent more, or larger, stream items than allowed.
    Overrun,
}

/// What stands beside a value in `$/event`.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct EventHead<'a> {
    /// The number that subscribing gave.
    pub subscription: u64,
    /// The value's number in its topic.
    pub seq: u64,
    /// What resumes after this value.
    pub cursor: &'a str,
    /// When the hub took the value, in milliseconds of Unix time.
    pub time_ms: u64,
}

/// What `$/gap` says.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct GapHead {
    /// The number that subscribing gave.
    pub subscription: u64,
    /// How many values are lost; none when that is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost: Option<u64>,
    /// The cursor was of another run of the hub.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub reset: bool,
    /// The number that comes next.
    pub seq: u64,
}

#[derive(Serialize)]
pub(crate) struct WelcomeBody<'a> {
    page: &'a PageId,
    epoch: u64,
    hub: &'a str,
    heartbeat_ms: u128,
    limits: WelcomeLimits,
}

#[derive(Serialize)]
struct WelcomeLimits {
    message_bytes_max: usize,
    stream_item_bytes_max: usize,
    topic_value_bytes_max: usize,
}

impl<'a> WelcomeBody<'a> {
    pub(crate) fn new(welcome: &'a Welcome, options: &LinkOptions) -> Self {
        Self {
            page: &welcome.page,
            epoch: welcome.epoch,
            hub: welcome.hub,
            heartbeat_ms: options.heartbeat.as_millis(),
            limits: WelcomeLimits {
                message_bytes_max: options.message_bytes_max,
                stream_item_bytes_max: options.stream_item_bytes_max,
                topic_value_bytes_max: options.topic_value_bytes_max,
            },
        }
    }
}

#[derive(Serialize)]
pub(crate) struct ErrorBody<'a> {
    pub(crate) code: i64,
    pub(crate) message: &'a str,
}

#[derive(Serialize)]
pub(crate) struct PageErrorBody<'a> {
    pub(crate) code: i64,
    pub(crate) message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<&'a RawValue>,
}

#[derive(Serialize)]
pub(crate) struct CreditBody {
    pub(crate) id: u64,
    pub(crate) n: u32,
}

#[derive(Serialize)]
pub(crate) struct IdBody<'a> {
    pub(crate) id: &'a RequestId,
}

#[derive(Serialize)]
pub(crate) struct CancelBody {
    pub(crate) id: u64,
    pub(crate) reason: CancelReason,
}

#[derive(Serialize)]
pub(crate) struct ByeBody<'a> {
    pub(crate) reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<&'a str>,
}
