//! The messages of the link as bytes: one module knows their JSON (`docs/protocol.md` §1).

use std::borrow::Cow;
use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};
use serde::de::{Error as _, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::Error;
use crate::payload::{ByteValue, JsonText, Payload, offset};

/// Longest header of a binary message, in bytes (`docs/protocol.md` §1.2).
pub const BINARY_HEADER_BYTES_MAX: usize = 4_096;
/// Longest textual id of a page's request, in bytes.
pub const REQUEST_ID_BYTES_MAX: usize = 64;

/// One message as a carrier moves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// A text message: UTF-8 JSON.
    Text(Bytes),
    /// A binary message: header and bytes.
    Binary(Bytes),
}

impl Frame {
    /// Length of the message, in bytes.
    pub fn len(&self) -> usize {
        match self {
            Self::Text(bytes) | Self::Binary(bytes) => bytes.len(),
        }
    }

    /// True for a message without content, which the protocol does not know.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The id of a request that the page made.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RequestId {
    /// A whole number.
    Number(u64),
    /// A text of at most [`REQUEST_ID_BYTES_MAX`] bytes.
    Text(Box<str>),
}

impl Serialize for RequestId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(number) => serializer.serialize_u64(*number),
            Self::Text(text) => serializer.serialize_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for RequestId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IdVisitor;
        impl Visitor<'_> for IdVisitor {
            type Value = RequestId;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number or a text of at most 64 bytes")
            }
            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<RequestId, E> {
                Ok(RequestId::Number(number))
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<RequestId, E> {
                if text.len() > REQUEST_ID_BYTES_MAX {
                    return Err(E::custom("a text id is at most 64 bytes"));
                }
                Ok(RequestId::Text(text.into()))
            }
        }
        deserializer.deserialize_any(IdVisitor)
    }
}

/// A message that came in, taken apart as far as the link needs it.
#[derive(Debug)]
pub(crate) enum Incoming<'a> {
    Request {
        id: RequestId,
        method: Cow<'a, str>,
        params: Params<'a>,
        deadline_ms: Option<u64>,
        credit: u32,
    },
    Notification {
        method: Cow<'a, str>,
        params: Params<'a>,
    },
    Response {
        id: Option<u64>,
        outcome: Result<Payload, RawError>,
    },
    /// A long `$/publish` without an id, which is read in one pass.
    Published {
        topic: Cow<'a, str>,
        value: JsonText,
    },
}

/// A text message of this length that says early that it publishes is read in one pass: its value is most of it.
const PUBLISHED_BYTES_MIN: usize = 256;
/// Where such a message says so: every writer known puts its method before the parameters.
const METHOD_WITHIN_BYTES: usize = 64;

/// A `$/publish` as nearly every page spells it.
#[derive(Deserialize)]
struct PublishEnvelope<'a> {
    #[serde(borrow)]
    jsonrpc: Text<'a>,
    #[serde(borrow)]
    method: Text<'a>,
    #[serde(borrow)]
    params: PublishedParams<'a>,
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct PublishedParams<'a> {
    #[serde(borrow)]
    topic: Text<'a>,
    #[serde(borrow)]
    value: &'a RawValue,
}

impl<'a> PublishEnvelope<'a> {
    /// None for anything else, and for what is not well spelled: the general way says what is wrong with it.
    fn parse(message: &'a Bytes) -> Option<Incoming<'a>> {
        let beginning = message.get(..METHOD_WITHIN_BYTES)?;
        let method = br#""$/publish""#;
        if message.len() < PUBLISHED_BYTES_MIN
            || !beginning.windows(method.len()).any(|part| part == method)
        {
            return None;
        }
        let envelope: Self = serde_json::from_slice(message).ok()?;
        let is_publish = envelope.jsonrpc.0 == "2.0" && envelope.method.0 == "$/publish";
        (is_publish && envelope.id.is_none()).then(|| Incoming::Published {
            topic: envelope.params.topic.0,
            value: JsonText::slice_of(message, envelope.params.value),
        })
    }
}

/// The parameters of a message, and the bytes that stand for their one value in a binary message.
#[derive(Debug)]
pub(crate) struct Params<'a> {
    message: &'a Bytes,
    raw: Option<&'a RawValue>,
    bytes: Option<ByteValue>,
}

impl<'a> Params<'a> {
    /// Reads the parameters as `T`.
    pub(crate) fn read<T: Deserialize<'a>>(&self, what: &'static str) -> Result<T, Error> {
        let text = self.raw.map_or("{}", RawValue::get);
        serde_json::from_str(text).map_err(|error| {
            let start = self
                .raw
                .map_or(0, |raw| start_in(self.message, raw.get().as_bytes()));
            Error::Malformed {
                what,
                at: start.saturating_add(offset(text, &error)),
            }
        })
    }

    /// The parameters as a payload: the text of an array, or the bytes.
    pub(crate) fn into_arguments(self) -> Result<Payload, Error> {
        if let Some(bytes) = self.bytes {
            return Ok(Payload::Bytes(bytes));
        }
        let Some(raw) = self.raw else {
            return Ok(Payload::Json(JsonText::empty_array()));
        };
        let text = JsonText::slice_of(self.message, raw);
        if !text.is_array() {
            return Err(Error::Malformed {
                what: "params of a call must be an array",
                at: start_in(self.message, raw.get().as_bytes()),
            });
        }
        Ok(Payload::Json(text))
    }

    /// The value of a message: its member `value`, or the bytes that stand for it.
    pub(crate) fn into_value(self, value: Option<&RawValue>) -> Result<Payload, Error> {
        match (self.bytes, value) {
            (Some(bytes), _) => Ok(Payload::Bytes(bytes)),
            (None, Some(value)) => Ok(Payload::Json(JsonText::slice_of(self.message, value))),
            (None, None) => Err(Error::Malformed {
                what: "a \"value\" is missing",
                at: self
                    .raw
                    .map_or(0, |raw| start_in(self.message, raw.get().as_bytes())),
            }),
        }
    }

    pub(crate) fn has_bytes(&self) -> bool {
        self.bytes.is_some()
    }
}

/// The error of a response, as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RawError {
    pub(crate) code: i64,
    pub(crate) message: String,
    pub(crate) data: Option<JsonText>,
}

impl<'a> Incoming<'a> {
    /// Takes a message apart. Results and values share the message's memory.
    pub(crate) fn parse(frame: &'a Frame) -> Result<Self, Error> {
        match frame {
            Frame::Text(message) => match PublishEnvelope::parse(message) {
                Some(published) => Ok(published),
                None => Envelope::parse(message, message)?.classify(message, None),
            },
            Frame::Binary(message) => {
                let (header, data) = split_binary(message)?;
                let envelope = Envelope::parse(message, header)?;
                let bytes = ByteValue::new(
                    data,
                    envelope.media_type.as_ref().map(|text| text.0.as_ref()),
                );
                envelope.classify(message, Some(bytes))
            }
        }
    }
}

pub(crate) fn split_binary(message: &Bytes) -> Result<(&[u8], Bytes), Error> {
    let cut_short = Error::Malformed {
        what: "a binary message is cut short",
        at: message.len(),
    };
    let Some((length, rest)) = message.split_first_chunk::<2>() else {
        return Err(cut_short);
    };
    let length = usize::from(u16::from_be_bytes(*length));
    if length > BINARY_HEADER_BYTES_MAX {
        return Err(Error::Limit {
            what: "binary_header_bytes_max",
            got: length,
            max: BINARY_HEADER_BYTES_MAX,
        });
    }
    let Some((header, data)) = rest.split_at_checked(length) else {
        return Err(cut_short);
    };
    Ok((header, message.slice_ref(data)))
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    jsonrpc: Text<'a>,
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    method: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "present")]
    params: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<ErrorMember<'a>>,
    #[serde(default)]
    deadline_ms: Option<u64>,
    #[serde(default)]
    credit: u32,
    #[serde(borrow, default, rename = "type")]
    media_type: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct ErrorMember<'a> {
    #[serde(default = "page_error_code")]
    code: i64,
    #[serde(default)]
    message: String,
    #[serde(borrow, default, deserialize_with = "present")]
    data: Option<&'a RawValue>,
}

fn page_error_code() -> i64 {
    crate::EndKind::PageError.code()
}

impl<'a> Envelope<'a> {
    fn parse(message: &'a Bytes, json: &'a [u8]) -> Result<Self, Error> {
        let start = start_in(message, json);
        let text = std::str::from_utf8(json).map_err(|error| Error::Malformed {
            what: "the message is not UTF-8",
            at: start.saturating_add(error.valid_up_to()),
        })?;
        let envelope: Self = serde_json::from_str(text).map_err(|error| Error::Malformed {
            what: "the message is not a JSON-RPC object",
            at: start.saturating_add(offset(text, &error)),
        })?;
        if envelope.jsonrpc.0 != "2.0" {
            return Err(Error::Malformed {
                what: "\"jsonrpc\" must be \"2.0\"",
                at: start,
            });
        }
        Ok(envelope)
    }

    fn classify(self, message: &'a Bytes, bytes: Option<ByteValue>) -> Result<Incoming<'a>, Error> {
        let Some(method) = self.method else {
            return self.into_response(message, bytes);
        };
        let params = Params {
            message,
            raw: self.params,
            bytes,
        };
        Ok(match self.id {
            None => Incoming::Notification {
                method: method.0,
                params,
            },
            Some(id) => Incoming::Request {
                id: serde_json::from_str(id.get()).map_err(|_| Error::Malformed {
                    what: "an id is a whole number or a text of at most 64 bytes",
                    at: start_in(message, id.get().as_bytes()),
                })?,
                method: method.0,
                params,
                deadline_ms: self.deadline_ms,
                credit: self.credit,
            },
        })
    }

    fn into_response(
        self,
        message: &'a Bytes,
        bytes: Option<ByteValue>,
    ) -> Result<Incoming<'a>, Error> {
        let outcome = match (self.result, self.error, bytes) {
            (Some(result), None, None) => Ok(Payload::Json(JsonText::slice_of(message, result))),
            (None, None, Some(bytes)) => Ok(Payload::Bytes(bytes)),
            (None, Some(error), None) => Err(RawError {
                code: error.code,
                message: error.message,
                data: error.data.map(|data| JsonText::slice_of(message, data)),
            }),
            _ => {
                return Err(Error::Violation {
                    got: "a response without exactly one of result and error",
                    state: "open",
                });
            }
        };
        // An id that is no number of ours cannot belong to a call: the response is counted as one that nobody waits for.
        let id = self.id.and_then(|id| serde_json::from_str(id.get()).ok());
        Ok(Incoming::Response { id, outcome })
    }
}

/// Text that borrows from the message where it has no escapes.
pub(crate) struct Text<'a>(Cow<'a, str>);

impl<'a> Text<'a> {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn into_inner(self) -> Cow<'a, str> {
        self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }
            fn visit_borrowed_str<E: serde::de::Error>(
                self,
                text: &'de str,
            ) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}

/// Keeps a `null` apart from an absent member.
pub(crate) fn present<'de: 'a, 'a, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer)
        .map(Some)
        .map_err(D::Error::custom)
}

pub(crate) fn start_in(message: &Bytes, part: &[u8]) -> usize {
    (part.as_ptr() as usize).saturating_sub(message.as_ptr() as usize)
}

/// Writes one message around a payload that is not looked at.
#[derive(Debug)]
pub(crate) struct Outgoing {
    head: BytesMut,
}

impl Outgoing {
    pub(crate) fn request(id: u64, method: &str) -> Self {
        let mut message = Self::begin();
        message.member("id", &id);
        message.member("method", &method);
        message
    }

    pub(crate) fn notification(method: &str) -> Self {
        let mut message = Self::begin();
        message.member("method", &method);
        message
    }

    pub(crate) fn response(id: &RequestId) -> Self {
        let mut message = Self::begin();
        message.member("id", id);
        message
    }

    fn begin() -> Self {
        let mut head = BytesMut::with_capacity(160);
        head.put_slice(b"{\"jsonrpc\":\"2.0\"");
        Self { head }
    }

    /// Adds a member of ours. Its value is one that always has a JSON form: a number, a text, a list of those.
    pub(crate) fn member(&mut self, name: &str, value: &impl Serialize) {
        self.key(name);
        serde_json::to_writer((&mut self.head).writer(), value)
            .expect("a plain value has a JSON form");
    }

    fn key(&mut self, name: &str) {
        self.head.put_slice(b",\"");
        self.head.put_slice(name.as_bytes());
        self.head.put_slice(b"\":");
    }

    /// Ends the message with `payload` as member `name`, or as the bytes behind the header.
    pub(crate) fn end_with(mut self, name: &str, payload: &Payload) -> Frame {
        match payload {
            Payload::Json(text) => {
                self.head.reserve(
                    text.as_bytes()
                        .len()
                        .saturating_add(name.len())
                        .saturating_add(5),
                );
                self.key(name);
                self.head.put_slice(text.as_bytes());
                self.end()
            }
            Payload::Bytes(value) => self.end_binary(value),
        }
    }

    /// Ends the message with `params` that hold the members of `head` and `payload` as `value`.
    pub(crate) fn end_with_value(mut self, head: &impl Serialize, payload: &Payload) -> Frame {
        self.member("params", head);
        let Payload::Json(text) = payload else {
            return self.end_with("params", payload);
        };
        // The object of `head` is open again without its brace, so that the value goes in as it is.
        self.head.truncate(self.head.len().saturating_sub(1));
        self.head.reserve(text.as_bytes().len().saturating_add(16));
        self.key("value");
        self.head.put_slice(text.as_bytes());
        self.head.put_u8(b'}');
        self.end()
    }

    pub(crate) fn end(mut self) -> Frame {
        self.head.put_u8(b'}');
        Frame::Text(self.head.freeze())
    }

    fn end_binary(mut self, value: &ByteValue) -> Frame {
        if let Some(media_type) = value.media_type() {
            self.member("type", &media_type);
        }
        self.head.put_u8(b'}');
        let length = u16::try_from(self.head.len())
            .expect("names and media types are far shorter than 64 KiB");
        let mut frame = BytesMut::with_capacity(
            self.head
                .len()
                .saturating_add(value.data.len())
                .saturating_add(2),
        );
        frame.put_u16(length);
        frame.put_slice(&self.head);
        frame.put_slice(&value.data);
        Frame::Binary(frame.freeze())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(message: &str) -> Frame {
        Frame::Text(Bytes::copy_from_slice(message.as_bytes()))
    }

    fn shown(frame: &Frame) -> String {
        match Incoming::parse(frame) {
            Err(error) => format!("{error}"),
            Ok(Incoming::Published { topic, value }) => {
                format!("published {topic} of {} bytes", value.as_bytes().len())
            }
            Ok(Incoming::Request {
                id,
                method,
                deadline_ms,
                credit,
                ..
            }) => {
                format!("request {id:?} {method} {deadline_ms:?} {credit}")
            }
            Ok(Incoming::Notification { method, .. }) => format!("notification {method}"),
            Ok(Incoming::Response {
                id,
                outcome: Ok(Payload::Json(json)),
            }) => {
                format!("result {id:?} {}", String::from_utf8_lossy(json.as_bytes()))
            }
            Ok(Incoming::Response {
                id,
                outcome: Ok(Payload::Bytes(bytes)),
            }) => {
                format!("bytes {id:?} {:?} {:?}", bytes.data, bytes.media_type())
            }
            Ok(Incoming::Response {
                id,
                outcome: Err(error),
            }) => {
                format!("error {id:?} {} {}", error.code, error.message)
            }
        }
    }

    #[test]
    fn messages_are_told_apart() {
        let cases = [
            (
                r#"{"jsonrpc":"2.0","id":1,"result":null}"#,
                "result Some(1) null",
            ),
            (
                r#"{"id":1,"result": {"b":1, "a":1.0} ,"jsonrpc":"2.0"}"#,
                r#"result Some(1) {"b":1, "a":1.0}"#,
            ),
            (r#"{"jsonrpc":"2.0","id":"x","result":1}"#, "result None 1"),
            (
                r#"{"jsonrpc":"2.0","id":1,"error":{"code":-5,"message":"no"}}"#,
                "error Some(1) -5 no",
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"error":{}}"#,
                "error Some(1) -32000 ",
            ),
            (
                r#"{"jsonrpc":"2.0","method":"$\/bye"}"#,
                "notification $/bye",
            ),
            (
                r#"{"jsonrpc":"2.0","id":"a","method":"g.f","credit":3,"deadline_ms":9,"x":[]}"#,
                r#"request Text("a") g.f Some(9) 3"#,
            ),
            (
                r#"{"jsonrpc":"2.0","id":1}"#,
                "a response without exactly one of result and error while open",
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"result":1,"error":{}}"#,
                "a response without exactly one of result and error while open",
            ),
            (
                r#"{"jsonrpc":"1.0","id":1,"result":1}"#,
                "\"jsonrpc\" must be \"2.0\" (at byte 0)",
            ),
            (
                r#"[{"jsonrpc":"2.0"}]"#,
                "the message is not a JSON-RPC object (at byte 0)",
            ),
            ("junk", "the message is not a JSON-RPC object (at byte 0)"),
            (
                r#"{"jsonrpc":"2.0","id":1.5,"method":"$/hello"}"#,
                "an id is a whole number or a text of at most 64 bytes (at byte 22)",
            ),
        ];
        for (message, expected) in cases {
            assert_eq!(shown(&text(message)), expected, "{message}");
        }
    }

    #[test]
    fn request_ids_pass_at_the_limit_and_fail_one_past_it() {
        for (length, ok) in [
            (REQUEST_ID_BYTES_MAX, true),
            (REQUEST_ID_BYTES_MAX + 1, false),
        ] {
            let message = format!(
                r#"{{"jsonrpc":"2.0","id":"{}","method":"x"}}"#,
                "i".repeat(length)
            );
            assert_eq!(
                shown(&text(&message)).starts_with("request"),
                ok,
                "{length}"
            );
        }
    }

    #[test]
    fn binary_messages_round_trip_and_every_truncation_of_the_header_fails() {
        let payload = Payload::Bytes(ByteValue::new(
            Bytes::from_static(b"\x00\xff"),
            Some("image/png"),
        ));
        let frame = Outgoing::response(&RequestId::Number(7)).end_with("result", &payload);
        assert_eq!(
            shown(&frame),
            r#"bytes Some(7) b"\0\xff" Some("image/png")"#
        );
        let Frame::Binary(bytes) = frame else {
            unreachable!("bytes travel in binary messages")
        };
        for length in 0..bytes.len() - 2 {
            assert!(
                Incoming::parse(&Frame::Binary(bytes.slice(..length))).is_err(),
                "{length}"
            );
        }
    }

    #[test]
    fn a_binary_header_passes_at_the_limit_and_fails_one_past_it() {
        for (length, ok) in [
            (BINARY_HEADER_BYTES_MAX, true),
            (BINARY_HEADER_BYTES_MAX + 1, false),
        ] {
            let start = r#"{"jsonrpc":"2.0","id":1,"pad":""#;
            let header = format!("{start}{}\"}}", "x".repeat(length - start.len() - 2));
            assert_eq!(header.len(), length);
            let mut frame = BytesMut::new();
            frame.put_u16(u16::try_from(length).unwrap());
            frame.put_slice(header.as_bytes());
            assert_eq!(
                Incoming::parse(&Frame::Binary(frame.freeze())).is_ok(),
                ok,
                "{length}"
            );
        }
    }

    #[test]
    fn values_are_written_as_they_are() {
        let json =
            Payload::Json(JsonText::parse(Bytes::from_static(b"{\"z\":1e2, \"a\":2}")).unwrap());
        let frame =
            Outgoing::notification("$/event").end_with_value(&serde_json::json!({"seq": 1}), &json);
        assert_eq!(
            frame,
            text(
                r#"{"jsonrpc":"2.0","method":"$/event","params":{"seq":1,"value":{"z":1e2, "a":2}}}"#
            )
        );
    }
}
