//! The JSON of values. The order of members is part of the format: the payload is the last.

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

use super::clock::Moment;
use super::name::ConnectionName;
use super::payload;
use super::rules::Secrets;
use super::{TapValue, Tapped};
use crate::event::Headers;
use crate::redact::redact_url;

/// Longest address that is told, in bytes; the rest is cut off. Patterns are compared with all of it.
pub const TAP_URL_BYTES_MAX: usize = 16_384;

/// What a payload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Text,
    Base64,
}

/// A JSON string as the browser wrote it, that has been looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Payload<'a> {
    encoding: Encoding,
    raw: &'a RawValue,
    bytes: u64,
}

impl<'a> Payload<'a> {
    /// None where `raw` is no string.
    pub(super) fn new(encoding: Encoding, raw: &'a RawValue) -> Option<Self> {
        let inner = payload::inner(raw)?;
        let bytes = match encoding {
            Encoding::Text => payload::text_bytes(inner),
            Encoding::Base64 => payload::base64_bytes(raw, inner),
        };
        Some(Self {
            encoding,
            raw,
            bytes,
        })
    }

    const fn text(&self) -> Option<&'a RawValue> {
        match self.encoding {
            Encoding::Text => Some(self.raw),
            Encoding::Base64 => None,
        }
    }

    const fn base64(&self) -> Option<&'a RawValue> {
        match self.encoding {
            Encoding::Text => None,
            Encoding::Base64 => Some(self.raw),
        }
    }
}

/// A socket is open, or will never be.
#[derive(Debug, Default, Serialize)]
#[serde(tag = "kind", rename = "open")]
pub(super) struct Open<'a> {
    pub(super) connection: &'a str,
    /// `late` where it was opened before we listened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) seen: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) url: Option<&'a str>,
    pub(super) at_us: u64,
    pub(super) time_ms: u64,
    pub(super) target: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) initiator: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) request: Option<&'a Headers>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) response: Option<&'a Headers>,
}

/// A message on a socket.
#[derive(Debug, Serialize)]
struct Frame<'a> {
    kind: &'a str,
    direction: &'a str,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    opcode: Option<u8>,
    at_us: u64,
    time_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<&'a RawValue>,
}

/// A socket has failed.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename = "error")]
struct Failure<'a> {
    at_us: u64,
    time_ms: u64,
    text: &'a str,
}

/// A socket has closed.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename = "close")]
struct Close<'a> {
    at_us: u64,
    time_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

/// A response has come, or will not.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename = "response")]
struct Response<'a> {
    url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mime: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    at_us: u64,
    time_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<&'a RawValue>,
}

/// A message of an event stream.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename = "event")]
struct StreamEvent<'a> {
    event: &'a RawValue,
    size: u64,
    at_us: u64,
    time_ms: u64,
    text: &'a RawValue,
}

/// What is known of a response.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head<'a> {
    pub(super) url: &'a str,
    pub(super) method: Option<&'a str>,
    pub(super) status: Option<u16>,
    pub(super) mime: Option<&'a str>,
}

/// How a response ended.
#[derive(Debug, Clone, Copy)]
pub(super) enum End<'a> {
    Body(Payload<'a>),
    /// It had a body that was told otherwise, or none that was wanted.
    NoBody,
    Error(&'a str),
}

pub(super) fn open(connection: &ConnectionName, open: &Open<'_>) -> Tapped {
    tapped(connection, open, None)
}

pub(super) fn frame(
    connection: &ConnectionName,
    direction: &str,
    opcode: u8,
    payload: Payload<'_>,
    moment: Moment,
) -> Tapped {
    let value = Frame {
        kind: match opcode {
            1 => "text",
            9 => "ping",
            10 => "pong",
            _ => "binary",
        },
        direction,
        size: payload.bytes,
        opcode: (!matches!(opcode, 1 | 2)).then_some(opcode),
        at_us: moment.at_us,
        time_ms: moment.time_ms,
        text: payload.text(),
        base64: payload.base64(),
    };
    tapped(connection, &value, Some(payload))
}

pub(super) fn failure(connection: &ConnectionName, moment: Moment, text: &str) -> Tapped {
    let Moment { at_us, time_ms } = moment;
    let value = Failure {
        at_us,
        time_ms,
        text,
    };
    tapped(connection, &value, None)
}

pub(super) fn close(connection: &ConnectionName, moment: Moment, reason: Option<&str>) -> Tapped {
    let Moment { at_us, time_ms } = moment;
    let value = Close {
        at_us,
        time_ms,
        reason,
    };
    Tapped::Value(TapValue {
        is_last: true,
        ..tap_value(connection, &value, None)
    })
}

pub(super) fn response(
    connection: &ConnectionName,
    head: Head<'_>,
    moment: Moment,
    end: End<'_>,
) -> Tapped {
    let (payload, error) = match end {
        End::Body(payload) => (Some(payload), None),
        End::NoBody => (None, None),
        End::Error(error) => (None, Some(error)),
    };
    let value = Response {
        url: head.url,
        method: head.method,
        status: head.status,
        mime: head.mime,
        size: payload.map(|payload| payload.bytes),
        at_us: moment.at_us,
        time_ms: moment.time_ms,
        error,
        text: payload.as_ref().and_then(Payload::text),
        base64: payload.as_ref().and_then(Payload::base64),
    };
    tapped(connection, &value, payload)
}

pub(super) fn stream_event(
    connection: &ConnectionName,
    event: &RawValue,
    data: Payload<'_>,
    moment: Moment,
) -> Tapped {
    let value = StreamEvent {
        event,
        size: data.bytes,
        at_us: moment.at_us,
        time_ms: moment.time_ms,
        text: data.raw,
    };
    tapped(connection, &value, Some(data))
}

/// Bytes beside the payload in an ordinary frame.
const MEMBERS_BYTES: usize = 160;

fn tapped(
    connection: &ConnectionName,
    value: &impl Serialize,
    payload: Option<Payload<'_>>,
) -> Tapped {
    Tapped::Value(tap_value(connection, value, payload))
}

fn tap_value(
    connection: &ConnectionName,
    value: &impl Serialize,
    payload: Option<Payload<'_>>,
) -> TapValue {
    let payload_bytes = payload.map_or(0, |payload| payload.raw.get().len());
    let mut json = Vec::with_capacity(payload_bytes.saturating_add(MEMBERS_BYTES));
    serde_json::to_writer(&mut json, value).expect("texts and numbers are JSON");
    TapValue {
        connection: connection.clone(),
        json: Bytes::from(json),
        encoding: payload.map(|payload| (payload.encoding, payload_bytes)),
        is_last: false,
    }
}

/// The address as it is told.
pub(super) fn told_url(url: &str, secrets: Secrets) -> Box<str> {
    let end = url.floor_char_boundary(TAP_URL_BYTES_MAX);
    match secrets {
        Secrets::Keep => url.get(..end).unwrap_or(url).into(),
        Secrets::Redact => {
            let redacted = redact_url(url);
            let end = redacted.floor_char_boundary(TAP_URL_BYTES_MAX);
            redacted.get(..end).unwrap_or(&redacted).into()
        }
    }
}
