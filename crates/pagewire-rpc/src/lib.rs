//! The Pagewire page link as a state machine: no socket, no clock, no runtime.
//!
//! [`Link`] is the hub's side of one attached page. A carrier moves its messages; a driver feeds it and acts on what it says. `docs/protocol.md`
//! of the repository is the normative description of the messages; this crate is the only place that knows their JSON.
//!
//! # The loop of a driver
//!
//! One mutation, then [`Link::poll_output`] until `None`, then wait for input or [`Link::poll_timeout`]:
//!
//! ```
//! use std::time::{Duration, Instant};
//! use bytes::Bytes;
//! use pagewire_rpc::{Event, Frame, Input, Link, LinkOptions, Output, PageId, Welcome};
//!
//! let now = Instant::now();
//! let mut link = Link::new(now, LinkOptions::default());
//! let hello = r#"{"jsonrpc":"2.0","id":0,"method":"$/hello","params":{"group":"shop"}}"#;
//! let mut sent = Vec::new();
//! let mut closed = link.handle_input(now, Input::Frame(Frame::Text(Bytes::from(hello)))).is_err();
//! while let Some(output) = link.poll_output() {
//!     match output {
//!         Output::Send(frame) => sent.push(frame), // give it to the carrier
//!         Output::Ping => {}                       // the carrier's own keep-alive
//!         Output::Close(_) => closed = true,       // after all that was sent
//!         Output::Event(Event::Hello(hello)) => {
//!             assert_eq!(hello.group.as_str(), "shop");
//!             let page = PageId::new("p_1").expect("a valid id");
//!             link.welcome(now, Welcome { page, epoch: 1, hub: "0.1.0" }).expect("it was asked for");
//!         }
//!         Output::Event(_) => {}
//!     }
//! }
//! assert!(!closed && sent.len() == 1);
//! assert_eq!(link.poll_timeout(), Some(now + Duration::from_secs(15)));
//! ```
#![cfg_attr(
    not(test),
    warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)
)]

mod call;
mod departure;
mod error;
mod function;
mod link;
mod message;
mod name;
mod note;
mod payload;
mod table;

pub use call::{
    CODE_REFUSED, CODE_SHUTTING_DOWN, Call, CallEnd, CallId, EndKind, PageError, TraceParent,
};
pub use departure::Departure;
pub use error::Error;
pub use function::{Function, Health, Hello, Parameter};
pub use link::{
    AGENT_BYTES_MAX, BYE_REASON_BYTES_MAX, CancelReason, Closing, Counters, Event, EventHead,
    GapHead, Input, KIND_CHARS_MAX, Link, LinkOptions, Output, PLAIN_ASK, PLAIN_SEND, PageRequest,
    PlainPage, Refusal, TITLE_BYTES_MAX, URL_BYTES_MAX, Welcome,
};
pub use message::{BINARY_HEADER_BYTES_MAX, Frame, REQUEST_ID_BYTES_MAX, RequestId};
pub use name::{
    FUNCTION_EVAL, FunctionName, GroupName, NAME_CHARS_MAX, PAGE_ID_BYTES_MAX, PageId,
    TOPIC_BYTES_MAX, TopicName,
};
pub use note::{NOTE_CODE_CHARS_MAX, NOTE_TEXT_BYTES_MAX, NOTES_MAX, Note};
pub use payload::{ByteValue, JsonText, MEDIA_TYPE_BYTES_MAX, MEDIA_TYPE_DEFAULT, Payload};
