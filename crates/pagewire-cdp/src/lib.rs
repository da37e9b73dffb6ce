//! The DevTools protocol as a state machine: no socket, no process, no clock.
//!
//! [`Connection`] numbers commands and finds them again; [`command`] and [`event`] hold the part of the protocol that Pagewire uses, and every
//! other event passes as raw JSON. `Taps` turns what the browser tells of WebSockets and responses into the values of tap topics.
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

pub mod command;
mod connection;
mod error;
pub mod event;
mod ids;
pub mod pipe;

pub use connection::{COMMANDS_MAX, Connection, Incoming, RawEvent, Reply};
pub use error::{CommandError, Error};
pub use ids::{
    CommandId, ContextId, FrameId, InvocationId, NetworkId, ScriptId, SessionId, TargetId,
};
