//! The DevTools protocol as a state machine: no socket, no process, no clock.
//!
//! [`Connection`] numbers commands and finds them again; [`command`] and [`event`] hold the part of the protocol that Pagewire uses, and every
//! other event passes as raw JSON. [`Taps`] turns what the browser tells of WebSockets and responses into the values of tap topics.
//! [`UrlPattern`], [`TapRule`], [`Expose`] and [`Capture`] read what the user wants of which pages.
//!
//! # The loop of a driver
//!
//! ```
//! use std::time::Instant;
//! use pagewire_cdp::{Connection, Incoming, command::BrowserGetVersion};
//!
//! let mut connection = Connection::default();
//! let now = Instant::now();
//! let message = connection.command(now, None, &BrowserGetVersion {}, None, "version").expect("there is room");
//! assert_eq!(&message[..], br#"{"id":1,"method":"Browser.getVersion","params":{}}"#);
//! // The driver sends it, and feeds what comes back:
//! match connection.handle_message(br#"{"id":1,"result":{"product":"Chrome/156"}}"#) {
//!     Ok(Incoming::Reply(reply)) => assert_eq!(reply.tag, "version"),
//!     Ok(Incoming::Event(event)) => println!("{}", event.method),
//!     Ok(Incoming::Late(_)) | Err(_) => {}
//! }
//! ```
#![cfg_attr(
    not(test),
    warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)
)]

mod capture;
pub mod command;
mod connection;
mod error;
pub mod event;
mod expose;
mod ids;
mod pattern;
pub mod pipe;
mod redact;
mod tap;

pub use capture::{Capture, CaptureError, Place};
pub use connection::{COMMANDS_MAX, Connection, Incoming, RawEvent, Reply};
pub use error::{CommandError, Error};
pub use expose::{EXPOSED_NAME_CHARS_MAX, Expose, ExposeError};
pub use ids::{
    CommandId, ContextId, FrameId, InvocationId, NetworkId, ScriptId, SessionId, TargetId,
};
pub use pattern::{PatternError, URL_PATTERN_BYTES_MAX, UrlPattern};
pub use redact::{redact_headers, redact_url};
pub use tap::{
    CONNECTION_NAME_BYTES_MAX, ConnectionName, Secrets, TAP_REQUESTS_MAX, TAP_SOCKETS_MAX,
    TAP_URL_BYTES_MAX, TapBody, TapDirection, TapMessage, TapOpen, TapPayload, TapRecord,
    TapResponse, TapRule, TapRuleError, TapRules, TapSeen, TapValue, TapWhat, Tapped, Taps,
};
