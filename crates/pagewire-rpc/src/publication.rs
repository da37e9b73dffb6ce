//! What a program publishes over a WebSocket of its own (`docs/protocol.md` §3.3).

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::Error;
use crate::message::{Frame, RequestId, Text, present, split_binary, start_in};
use crate::payload::{ByteValue, JsonText, Payload, offset};

/// One value on its way to a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication<'a> {
    /// The full name of the topic, not checked.
    pub topic: Cow<'a, str>,
    /// The value; its text or bytes share the message's memory.
    pub value: Payload,
    /// Where the program wants an answer, what it knows the answer by.
    pub id: Option<RequestId>,
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    topic: Text<'a>,
    #[serde(borrow, default, deserialize_with = "present")]
    value: Option<&'a RawValue>,
    #[serde(default)]
    id: Option<RequestId>,
    #[serde(borrow, default, rename = "type")]
    media_type: Option<Text<'a>>,
}

impl<'a> Publication<'a> {
    /// Takes a message apart: an object with `topic` and `value`, or in binary form (`docs/protocol.md` §1.2) with the bytes in place of `value`.
    ///
    /// # Errors
    ///
    /// The message is malformed, or its header is over the limit.
    pub fn parse(frame: &'a Frame) -> Result<Self, Error> {
        let (message, json, data) = match frame {
            Frame::Text(message) => (message, &message[..], None),
            Frame::Binary(message) => {
                let (header, data) = split_binary(message)?;
                (message, header, Some(data))
            }
        };
        let start = start_in(message, json);
        let text = std::str::from_utf8(json).map_err(|error| Error::Malformed {
            what: "the message is not UTF-8",
            at: start.saturating_add(error.valid_up_to()),
        })?;
        let body: Body<'_> = serde_json::from_str(text).map_err(|error| Error::Malformed {
            what: "the message is no JSON object with \"topic\" and \"value\"",
            at: start.saturating_add(offset(text, &error)),
        })?;
        let value = match (data, body.value) {
            (Some(data), _) => {
                let media_type = body.media_type.as_ref().map(Text::as_str);
                Payload::Bytes(ByteValue::new(data, media_type))
            }
            (None, Some(value)) => Payload::Json(JsonText::slice_of(message, value)),
            (None, None) => {
                return Err(Error::Malformed {
                    what: "a \"value\" is missing",
                    at: start,
                });
            }
        };
        Ok(Self {
            topic: body.topic.into_inner(),
            value,
            id: body.id,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(message: &str) -> Frame {
        Frame::Text(message.to_owned().into())
    }

    fn binary(header: &str, data: &[u8]) -> Frame {
        let length = u16::try_from(header.len()).expect("a short header");
        Frame::Binary(
            [&length.to_be_bytes(), header.as_bytes(), data]
                .concat()
                .into(),
        )
    }

    /// Topic, value and id, or the error.
    fn shown(frame: &Frame) -> String {
        match Publication::parse(frame) {
            Err(error) => error.to_string(),
            Ok(Publication {
                topic,
                value: Payload::Json(json),
                id,
            }) => {
                format!(
                    "{topic} {} {id:?}",
                    String::from_utf8_lossy(json.as_bytes())
                )
            }
            Ok(Publication {
                topic,
                value: Payload::Bytes(bytes),
                id,
            }) => {
                format!(
                    "{topic} {:?} {} {id:?}",
                    bytes.data,
                    bytes.media_type_or_default()
                )
            }
        }
    }

    #[test]
    fn publications_are_read_and_faults_named() {
        let malformed = "the message is no JSON object with \"topic\" and \"value\"";
        let cases = [
            (
                text(r#"{"topic":"programs/a","value":{"b":1.0, "a":12345678901234567890}}"#),
                r#"programs/a {"b":1.0, "a":12345678901234567890} None"#.to_owned(),
            ),
            (
                text(r#"{"id":7,"x":1,"value":null,"topic":"a\u0062"}"#),
                "ab null Some(Number(7))".into(),
            ),
            (
                text(r#"{"id":"k","value":1,"topic":"t"}"#),
                r#"t 1 Some(Text("k"))"#.into(),
            ),
            (
                binary(r#"{"topic":"t","type":"image/png","id":1}"#, b"\x00\xff"),
                r#"t b"\0\xff" image/png Some(Number(1))"#.into(),
            ),
            (
                binary(r#"{"topic":"t"}"#, b""),
                r#"t b"" application/octet-stream None"#.into(),
            ),
            (
                text(r#"{"topic":"t"}"#),
                "a \"value\" is missing (at byte 0)".into(),
            ),
            (text(r#"{"value":1}"#), format!("{malformed} (at byte 10)")),
            (
                text(r#"{"topic":7,"value":1}"#),
                format!("{malformed} (at byte 9)"),
            ),
            (
                text(r#"{"topic":"t","value":1"#),
                format!("{malformed} (at byte 21)"),
            ),
            (text("junk"), format!("{malformed} (at byte 0)")),
            (
                Frame::Binary(vec![0xff].into()),
                "a binary message is cut short (at byte 1)".into(),
            ),
            (binary("junk", b""), format!("{malformed} (at byte 2)")),
        ];
        for (frame, expected) in cases {
            assert_eq!(shown(&frame), expected, "{frame:?}");
        }
    }
}
