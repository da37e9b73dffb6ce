//! Calls and their ends.

use std::fmt;
use std::time::Instant;

use serde::Serialize;
use serde_json::Value;

use crate::departure::Departure;
use crate::message::RawError;
use crate::name::FunctionName;
use crate::payload::{JsonText, Payload};

/// A call from the hub to the page. Unique on one link, at least 1, chosen by the driver, and its id on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(pub u64);

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A call that the page is to answer.
#[derive(Debug, Clone)]
pub struct Call {
    /// The function, without its group.
    pub function: FunctionName,
    /// The text of a JSON array, or bytes as the one argument.
    pub arguments: Payload,
    /// After this the call ends as [`CallEnd::Timeout`], waiting in the queue or not.
    pub deadline: Instant,
    /// How many stream items the page may send before [`Link::grant`](crate::Link::grant) allows more.
    pub credit: u32,
    /// The trace that the call belongs to, told to the page.
    pub traceparent: Option<TraceParent>,
}

/// A `traceparent` as programs send it (W3C Trace Context §3.2.2): version, trace id, parent id and flags in lower-case hex digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TraceParent(Box<str>);

impl TraceParent {
    /// The value of the header, or `None` where it has not the form of version 00. What comes behind it in later versions is cut off, as the
    /// standard asks.
    pub fn parse(text: &str) -> Option<Self> {
        const LENGTHS: [usize; 4] = [2, 32, 16, 2];
        let mut parts = text.trim().splitn(5, '-');
        let is_hex = |part: &str| {
            part.bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        let is_zero = |part: &str| part.bytes().all(|byte| byte == b'0');
        let mut known = Vec::with_capacity(LENGTHS.len());
        for length in LENGTHS {
            known.push(
                parts
                    .next()
                    .filter(|part| part.len() == length && is_hex(part))?,
            );
        }
        let [version, trace, parent, _] = known.as_slice() else {
            return None;
        };
        let more = parts.next().is_some();
        if *version == "ff" || (*version == "00" && more) || is_zero(trace) || is_zero(parent) {
            return None;
        }
        Some(Self(known.join("-").into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The one end of a call (`docs/protocol.md` §2).
#[derive(Debug, Clone, PartialEq)]
pub enum CallEnd {
    /// The page answered. For a stream this is the value that came after the last item, usually `null`.
    Result(Payload),
    /// The page says that the arguments do not fit the function.
    BadArguments(PageError),
    /// The function threw, or broke the rules of streams.
    PageError(PageError),
    /// The deadline passed.
    Timeout,
    /// The page exposes no such function (any more).
    NotFound,
    /// The page went away before it answered; says why.
    PageGone(Departure),
    /// The page's queue is full.
    Overloaded,
    /// The caller took the call back.
    Cancelled,
    /// A result or stream item is over a limit; says which.
    TooLarge(PageError),
}

impl CallEnd {
    /// The kind of end, for counters and logs.
    pub fn kind(&self) -> EndKind {
        match self {
            Self::Result(_) => EndKind::Result,
            Self::BadArguments(_) => EndKind::BadArguments,
            Self::PageError(_) => EndKind::PageError,
            Self::Timeout => EndKind::Timeout,
            Self::NotFound => EndKind::NotFound,
            Self::PageGone(_) => EndKind::PageGone,
            Self::Overloaded => EndKind::Overloaded,
            Self::Cancelled => EndKind::Cancelled,
            Self::TooLarge(_) => EndKind::TooLarge,
        }
    }
}

macro_rules! end_kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal, $code:literal;)+) => {
        /// The kinds of end of a call. One row each: its stable name and its JSON-RPC code (`docs/protocol.md` §2).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum EndKind { $($(#[$doc])* $kind),+ }

        impl EndKind {
            /// All kinds, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$kind),+];

            /// The stable name, as in problem documents and counters.
            pub fn name(self) -> &'static str {
                match self { $(Self::$kind => $name),+ }
            }

            /// The JSON-RPC error code; 0 for a result, which is no error.
            pub fn code(self) -> i64 {
                match self { $(Self::$kind => $code),+ }
            }
        }
    };
}

end_kinds! {
    /// The page answered.
    Result = "result", 0;
    /// The arguments do not fit.
    BadArguments = "bad_arguments", -32602;
    /// The function threw.
    PageError = "page_error", -32000;
    /// The deadline passed.
    Timeout = "timeout", -32001;
    /// No such group, function or page.
    NotFound = "not_found", -32601;
    /// The page went away.
    PageGone = "page_gone", -32003;
    /// A queue is full.
    Overloaded = "overloaded", -32004;
    /// The caller took it back.
    Cancelled = "cancelled", -32002;
    /// Over a size limit.
    TooLarge = "too_large", -32007;
}

/// JSON-RPC code of a refusal by access rules.
pub const CODE_REFUSED: i64 = -32006;
/// JSON-RPC code of a hub that shuts down.
pub const CODE_SHUTTING_DOWN: i64 = -32009;

/// What a page sent as the error of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageError {
    /// The page's own code.
    pub code: i64,
    /// The page's message.
    pub message: String,
    /// More, as the page spelled it.
    pub data: Option<JsonText>,
}

impl PageError {
    /// An error that the link itself found.
    pub(crate) fn of_link(kind: EndKind, message: &str) -> Self {
        Self {
            code: kind.code(),
            message: message.into(),
            data: None,
        }
    }

    /// The name of the thrown error and its message: `TypeError: x is not a function`.
    pub fn summary(&self) -> String {
        let data = self
            .data
            .as_ref()
            .and_then(|data| serde_json::from_slice::<Value>(data.as_bytes()).ok());
        match data
            .as_ref()
            .and_then(|data| data.get("name"))
            .and_then(Value::as_str)
        {
            Some(name) if !name.is_empty() => format!("{name}: {}", self.message),
            _ => self.message.clone(),
        }
    }
}

impl From<RawError> for CallEnd {
    fn from(raw: RawError) -> Self {
        let error = PageError {
            code: raw.code,
            message: raw.message,
            data: raw.data,
        };
        if error.code == EndKind::NotFound.code() {
            Self::NotFound
        } else if error.code == EndKind::BadArguments.code() {
            Self::BadArguments(error)
        } else if error.code == EndKind::TooLarge.code() {
            Self::TooLarge(error)
        } else {
            Self::PageError(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::TraceParent;

    #[test]
    fn trace_parents_are_taken_as_the_standard_says() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        for (text, kept) in [
            (good.to_owned(), Some(good)),
            (format!(" {good} "), Some(good)),
            (good.to_uppercase(), None),
            (format!("{good}-more"), None),
            (
                format!("01{}-more", &good[2..]),
                Some("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
            ),
            (format!("ff{}", &good[2..]), None),
            (good[..54].to_owned(), None),
            (
                good.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
                None,
            ),
            (good.replace("00f067aa0ba902b7", &"0".repeat(16)), None),
            (good.replace('b', "x"), None),
            (String::new(), None),
        ] {
            assert_eq!(
                TraceParent::parse(&text).as_ref().map(TraceParent::as_str),
                kept,
                "{text:?}"
            );
        }
    }
}
