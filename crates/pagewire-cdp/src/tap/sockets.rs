//! WebSockets.

use std::collections::VecDeque;
use std::sync::Arc;

use super::Tapped;
use super::clock::{Clock, Moment};
use super::name::ConnectionName;
use super::rules::{Secrets, TapRules};
use super::table::Table;
use super::value::{self, Encoding, Open, Payload, told_url};
use crate::connection::RawEvent;
use crate::error::Error;
use crate::event::{
    Headers, Initiator, TargetKind, WebSocketClosed, WebSocketCreated, WebSocketFrameError,
    WebSocketFrameTold, WebSocketHandshakeResponseReceived, WebSocketWillSendHandshakeRequest,
};
use crate::ids::{NetworkId, SessionId};
use crate::redact::redact_headers;

/// Sockets that are known of one page at once, tapped or not. One more is not tapped.
pub const TAP_SOCKETS_MAX: usize = 1_024;

/// The sockets of a page.
#[derive(Debug)]
pub(super) struct Sockets {
    rules: Arc<TapRules>,
    table: Table<Socket>,
    last_number: u64,
}

#[derive(Debug)]
enum Socket {
    /// No rule fits. It is known so that its frames do not look like those of a socket that was there before us.
    PassedBy,
    /// Opened before we listened, and no rule fits all sockets.
    Unseen,
    /// Its `open` value waits for the answer of the server.
    Opening(ConnectionName, Box<Opening>),
    /// Its `open` value has been told.
    Open(ConnectionName),
}

/// What the `open` value will say.
#[derive(Debug)]
struct Opening {
    url: Box<str>,
    target: TargetKind,
    initiator: Option<String>,
    request: Option<Headers>,
}

impl Sockets {
    pub(super) fn new(rules: Arc<TapRules>) -> Self {
        Self {
            rules,
            table: Table::new("WebSockets of a page", TAP_SOCKETS_MAX),
            last_number: 0,
        }
    }

    pub(super) fn handle_event(
        &mut self,
        session: &SessionId,
        target: TargetKind,
        name: &str,
        event: &RawEvent<'_>,
        clock: &mut Clock,
        wall_ms: u64,
        out: &mut VecDeque<Tapped>,
    ) -> Result<(), Error> {
        match name {
            "webSocketFrameReceived" | "webSocketFrameSent" => {
                let told: WebSocketFrameTold<'_> = event.read()?;
                let (opcode, payload) = frame_payload(&told)?;
                let direction = if name.ends_with("Sent") {
                    "sent"
                } else {
                    "received"
                };
                let moment = clock.event(told.timestamp, wall_ms);
                let id = &*told.request_id;
                if let Some(connection) = self.connection(session, target, id, moment, out)? {
                    out.push_back(value::frame(connection, direction, opcode, payload, moment));
                }
            }
            "webSocketCreated" => return self.created(session, target, &event.read()?),
            "webSocketWillSendHandshakeRequest" => self.asked(session, event.read()?, clock),
            "webSocketHandshakeResponseReceived" => {
                let told: WebSocketHandshakeResponseReceived<'_> = event.read()?;
                let moment = clock.event(told.timestamp, wall_ms);
                self.answered(session, told, moment, out);
            }
            "webSocketFrameError" => {
                let told: WebSocketFrameError<'_> = event.read()?;
                let moment = clock.event(told.timestamp, wall_ms);
                if let Some(connection) = self.known(session, &told.request_id, moment, out) {
                    out.push_back(value::failure(connection, moment, &told.error_message));
                }
            }
            "webSocketClosed" => {
                let told: WebSocketClosed<'_> = event.read()?;
                let moment = clock.event(told.timestamp, wall_ms);
                if let Some(connection) = self.known(session, &told.request_id, moment, out) {
                    out.push_back(value::close(connection, moment, None));
                }
                self.table.remove(session, &told.request_id);
            }
            _ => {}
        }
        Ok(())
    }

    fn created(
        &mut self,
        session: &SessionId,
        target: TargetKind,
        told: &WebSocketCreated<'_>,
    ) -> Result<(), Error> {
        if self.table.get_mut(session, &told.request_id).is_some() {
            return Ok(());
        }
        let socket = if self.rules.taps_socket(&told.url) && !self.table.is_full() {
            let opening = Opening {
                url: told_url(&told.url, self.rules.keep_secrets),
                target,
                initiator: told
                    .initiator
                    .as_ref()
                    .and_then(|initiator| place_of(initiator, self.rules.keep_secrets)),
                request: None,
            };
            self.last_number = self.last_number.saturating_add(1);
            let name = ConnectionName::of_socket(self.last_number, &told.url);
            Socket::Opening(name, Box::new(opening))
        } else {
            Socket::PassedBy
        };
        self.table.insert(session, &told.request_id, socket)
    }

    fn asked(
        &mut self,
        session: &SessionId,
        told: WebSocketWillSendHandshakeRequest<'_>,
        clock: &mut Clock,
    ) {
        clock.told(told.timestamp, told.wall_time);
        let socket = self.table.get_mut(session, &told.request_id);
        if let Some(Socket::Opening(_, opening)) = socket {
            opening.request = Some(told.request.headers);
        }
    }

    fn answered(
        &mut self,
        session: &SessionId,
        told: WebSocketHandshakeResponseReceived<'_>,
        moment: Moment,
        out: &mut VecDeque<Tapped>,
    ) {
        let Some(socket) = self.table.get_mut(session, &told.request_id) else {
            return;
        };
        let answer = Some((told.response.status, told.response.headers));
        socket.open(answer, self.rules.keep_secrets, moment, out);
    }

    /// The connection of a socket that has a frame. One that is not known was there before us.
    fn connection(
        &mut self,
        session: &SessionId,
        target: TargetKind,
        id: &str,
        moment: Moment,
        out: &mut VecDeque<Tapped>,
    ) -> Result<Option<&ConnectionName>, Error> {
        if self.table.get_mut(session, id).is_none() {
            // Without room it cannot be told from one that has been seen and passed over.
            if self.table.is_full() {
                return self.table.pass_over().map(|()| None);
            }
            let socket = self.late(session, target, id, moment, out);
            self.table.insert(session, id, socket)?;
        }
        Ok(self.known(session, id, moment, out))
    }

    fn late(
        &mut self,
        session: &SessionId,
        target: TargetKind,
        id: &str,
        moment: Moment,
        out: &mut VecDeque<Tapped>,
    ) -> Socket {
        out.push_back(Tapped::Unseen {
            session: session.clone(),
            socket: NetworkId::from(id),
        });
        if !self.rules.taps_unknown_sockets() {
            return Socket::Unseen;
        }
        self.last_number = self.last_number.saturating_add(1);
        let name = ConnectionName::of_unknown(self.last_number);
        let open = Open {
            connection: name.as_str(),
            seen: Some("late"),
            at_us: moment.at_us,
            time_ms: moment.time_ms,
            target: target.name(),
            ..Open::default()
        };
        out.push_back(value::open(&name, &open));
        Socket::Open(name)
    }

    /// The connection of a socket that is tapped, opened if it was not.
    fn known(
        &mut self,
        session: &SessionId,
        id: &str,
        moment: Moment,
        out: &mut VecDeque<Tapped>,
    ) -> Option<&ConnectionName> {
        let socket = self.table.get_mut(session, id)?;
        socket.open(None, self.rules.keep_secrets, moment, out);
        match socket {
            Socket::Open(connection) => Some(connection),
            Socket::PassedBy | Socket::Unseen | Socket::Opening(..) => None,
        }
    }

    pub(super) fn forget_session(
        &mut self,
        session: &SessionId,
        reason: &str,
        moment: Moment,
        out: &mut VecDeque<Tapped>,
    ) {
        for (_, mut socket) in self.table.drain(session, |_, _| true) {
            socket.open(None, self.rules.keep_secrets, moment, out);
            if let Socket::Open(connection) = &socket {
                out.push_back(value::close(connection, moment, Some(reason)));
            }
        }
    }
}

impl Socket {
    /// Tells the `open` value of a socket that has none yet, with what the server answered, if it did.
    fn open(
        &mut self,
        answer: Option<(u16, Headers)>,
        secrets: Secrets,
        moment: Moment,
        out: &mut VecDeque<Tapped>,
    ) {
        let Self::Opening(connection, opening) = self else {
            return;
        };
        let connection = connection.clone();
        let (status, mut response) = answer.unzip();
        if secrets == Secrets::Redact {
            opening.request.as_mut().map(redact_headers);
            response.as_mut().map(redact_headers);
        }
        let open = Open {
            connection: connection.as_str(),
            seen: None,
            url: Some(&opening.url),
            at_us: moment.at_us,
            time_ms: moment.time_ms,
            target: opening.target.name(),
            initiator: opening.initiator.as_deref(),
            request: opening.request.as_ref(),
            status,
            response: response.as_ref(),
        };
        out.push_back(value::open(&connection, &open));
        *self = Self::Open(connection);
    }
}

fn frame_payload<'a>(told: &WebSocketFrameTold<'a>) -> Result<(u8, Payload<'a>), Error> {
    // RFC 6455 §5.2: four bits.
    let opcode = (0..16).find(|opcode| f64::from(*opcode) == told.response.opcode);
    let opcode = opcode.ok_or(Error::Malformed {
        what: "the opcode of a frame",
        at: 0,
    })?;
    let encoding = match opcode {
        1 => Encoding::Text,
        _ => Encoding::Base64,
    };
    let payload = Payload::new(encoding, told.response.payload_data);
    let payload = payload.ok_or(Error::Malformed {
        what: "the payload of a frame",
        at: 0,
    })?;
    Ok((opcode, payload))
}

/// `https://shop.example/app.js:10:5`, counted from 1.
fn place_of(initiator: &Initiator, secrets: Secrets) -> Option<String> {
    let frames = &initiator.stack.as_ref()?.call_frames;
    let frame = frames.iter().find(|frame| !frame.url.is_empty())?;
    let url = told_url(&frame.url, secrets);
    let line = frame.line_number.saturating_add(1);
    let column = frame.column_number.saturating_add(1);
    Some(format!("{url}:{line}:{column}"))
}
