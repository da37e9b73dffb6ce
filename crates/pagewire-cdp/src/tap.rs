//! Taps: what the browser tells of a page's WebSockets and responses, as the values of topics.
//!
//! Payloads are copied once, as the JSON text that the browser wrote: no escape is read, no base64 decoded.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;

use crate::connection::RawEvent;
use crate::error::Error;
use crate::event::{ResponseBody, TargetKind};
use crate::ids::{NetworkId, SessionId};
use clock::Clock;
use requests::Requests;
use sockets::Sockets;
use value::Encoding;

mod clock;
mod name;
mod payload;
mod record;
mod requests;
mod rules;
mod sockets;
mod table;
#[cfg(test)]
mod tests;
mod value;

pub use name::{CONNECTION_NAME_BYTES_MAX, ConnectionName};
pub use record::{
    TapBody, TapDirection, TapMessage, TapOpen, TapRecord, TapResponse, TapSeen, TapWhat,
};
pub use requests::TAP_REQUESTS_MAX;
pub use rules::{Secrets, TapRule, TapRuleError, TapRules};
pub use sockets::TAP_SOCKETS_MAX;
pub use value::TAP_URL_BYTES_MAX;

/// The taps of one page: its tab, the frames inside and the workers that belong to it, each a session.
///
/// Feed it the events of these sessions, and after each call take what came of it with [`Taps::poll_tapped`] until there is nothing more.
/// The values of one connection come in the order of its events.
#[derive(Debug)]
pub struct Taps {
    rules: Arc<TapRules>,
    clock: Clock,
    sockets: Sockets,
    requests: Requests,
    out: VecDeque<Tapped>,
}

/// What came of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tapped {
    /// A value for the topic of its connection.
    Value(TapValue),
    /// `Network.getResponseBody` is to be sent to the session, and its answer to be given to [`Taps::handle_body`].
    WantBody {
        /// Where the request was made.
        session: SessionId,
        /// The request.
        request: NetworkId,
    },
    /// A socket that was opened before we listened has its first frame. Its address cannot be known; told once for each.
    Unseen {
        /// Where the socket is.
        session: SessionId,
        /// The socket.
        socket: NetworkId,
    },
}

/// A value of a tap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TapValue {
    /// Its connection, the last part of its topic.
    pub connection: ConnectionName,
    /// The value, a JSON object.
    pub json: Bytes,
    /// What its last member is.
    encoding: Option<(Encoding, usize)>,
    is_last: bool,
}

/// The payload of a value, a JSON string as the browser wrote it, with its quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TapPayload {
    /// It is the text.
    Text(Bytes),
    /// It is base64 of the bytes.
    Base64(Bytes),
}

impl TapValue {
    /// The connection is closed: no other value of it comes.
    pub const fn is_last(&self) -> bool {
        self.is_last
    }

    /// The payload of a frame, a body or a message of an event stream, without a copy.
    pub fn payload(&self) -> Option<TapPayload> {
        let (encoding, bytes) = self.encoding?;
        let end = self.json.len().checked_sub(1)?;
        let payload = self.json.slice(end.checked_sub(bytes)?..end);
        Some(match encoding {
            Encoding::Text => TapPayload::Text(payload),
            Encoding::Base64 => TapPayload::Base64(payload),
        })
    }
}

impl Taps {
    /// Taps with these rules.
    pub fn new(rules: Arc<TapRules>) -> Self {
        Self {
            sockets: Sockets::new(rules.clone()),
            requests: Requests::new(rules.clone()),
            clock: Clock::default(),
            out: VecDeque::new(),
            rules,
        }
    }

    /// Reads one event of the `Network` domain; others are passed over. `target` is what the session is of. `wall_ms` is the time now, in milliseconds of Unix time.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] for an event that cannot be read: it is lost, and nothing else. [`Error::Limit`] once when there are more than
    /// [`TAP_SOCKETS_MAX`] sockets, and once for more than [`TAP_REQUESTS_MAX`] requests: those over it are not tapped.
    pub fn handle_event(
        &mut self,
        session: &SessionId,
        target: TargetKind,
        event: &RawEvent<'_>,
        wall_ms: u64,
    ) -> Result<(), Error> {
        let Some(name) = event.method.strip_prefix("Network.") else {
            return Ok(());
        };
        let (clock, out) = (&mut self.clock, &mut self.out);
        if name.starts_with("webSocket") && self.rules.has_web_socket() {
            self.sockets
                .handle_event(session, target, name, event, clock, wall_ms, out)
        } else if self.rules.has_http() {
            self.requests
                .handle_event(session, name, event, clock, wall_ms, out)
        } else {
            Ok(())
        }
    }

    /// Takes the answer to `Network.getResponseBody`, or why there is none.
    pub fn handle_body(
        &mut self,
        session: &SessionId,
        request: &NetworkId,
        body: Result<&ResponseBody<'_>, &str>,
    ) {
        self.requests
            .handle_body(session, request, body, &mut self.out);
    }

    /// The main frame of a session has another document, which was loaded with the request `document`. The browser says of the sockets and requests of the
    /// old one nothing more (Chromium 156), so they end here, with `reason`.
    pub fn handle_navigation(
        &mut self,
        session: &SessionId,
        document: Option<&NetworkId>,
        reason: &str,
        wall_ms: u64,
    ) {
        let moment = self.clock.now(wall_ms);
        self.sockets
            .forget_session(session, reason, moment, &mut self.out);
        self.requests
            .forget_document(session, document, reason, moment, &mut self.out);
    }

    /// A session has ended, and with it its sockets and requests, with `reason`.
    pub fn forget_session(&mut self, session: &SessionId, reason: &str, wall_ms: u64) {
        let moment = self.clock.now(wall_ms);
        self.sockets
            .forget_session(session, reason, moment, &mut self.out);
        self.requests
            .forget_session(session, reason, moment, &mut self.out);
    }

    /// What came of the last call, one by one.
    pub fn poll_tapped(&mut self) -> Option<Tapped> {
        self.out.pop_front()
    }
}
