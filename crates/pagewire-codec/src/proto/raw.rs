//! Messages of which nothing is known: the likeliest reading of each value.
//!
//! The wire tells four kinds of values apart. That a number is a time, or that bytes are a text or a message, is a guess, and says how good it is.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use serde::Serialize;

use super::packed::Packed;
use super::wire::{DEPTH_MAX, Field, Fields, Value, WireType, unzigzag};
use crate::error::DecodeError;

/// Fields of one input that are read, those inside of others with it. The rest is left out.
pub const RAW_FIELDS_MAX: usize = 1 << 18;

/// Fields that are looked at to tell what bytes look like.
const LOOK_FIELDS: usize = 4_096;

/// A message, as far as it can be read.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RawMessage {
    /// In the order in which they were written.
    pub fields: Vec<RawField>,
}

/// One field.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RawField {
    /// Its number.
    pub field: u32,
    /// Where its value begins, from the first byte of the input.
    pub at: usize,
    /// Its likeliest reading.
    #[serde(flatten)]
    pub reading: Reading,
    /// How likely that is, in percent.
    pub confidence: u8,
}

/// One way to read a value.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Reading {
    /// A number, a truth value or an enum.
    Varint {
        /// Without a sign.
        value: u64,
        /// As sint64 would read it.
        zigzag: i64,
        /// As int64 would read it, where that is another number.
        #[serde(skip_serializing_if = "Option::is_none")]
        signed: Option<i64>,
        /// Unix time in milliseconds, where it looks like one in seconds, milliseconds or microseconds.
        #[serde(skip_serializing_if = "Option::is_none")]
        time_ms: Option<u64>,
    },
    /// Eight bytes.
    Fixed64 {
        /// As fixed64 would read it.
        value: u64,
        /// As double would.
        #[serde(skip_serializing_if = "Option::is_none")]
        double: Option<f64>,
    },
    /// Four bytes.
    Fixed32 {
        /// As fixed32 would read it.
        value: u32,
        /// As float would.
        #[serde(skip_serializing_if = "Option::is_none")]
        float: Option<f32>,
    },
    /// A text.
    String {
        /// It.
        value: String,
    },
    /// A message.
    Message {
        /// Its fields.
        value: RawMessage,
    },
    /// A group.
    Group {
        /// Its fields.
        value: RawMessage,
    },
    /// Numbers in one value.
    Packed {
        /// They.
        value: Vec<u64>,
    },
    /// Anything else.
    Bytes {
        /// As base64.
        value: String,
        /// How many.
        size: usize,
    },
}

impl RawMessage {
    /// Reads a message.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] where the bytes are no message, with the byte and the numbers of the fields around it. What looks like a message inside and is
    /// none is a text or bytes instead.
    pub fn read(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut room = RAW_FIELDS_MAX;
        read(bytes, 0, 0, &mut room)
    }
}

fn read(
    bytes: &[u8],
    base: usize,
    depth: usize,
    room: &mut usize,
) -> Result<RawMessage, DecodeError> {
    let mut fields = Vec::new();
    for field in Fields::inside(bytes, depth) {
        let field = field.map_err(|error| error.shifted(base))?;
        let Some(left) = room.checked_sub(1) else {
            break;
        };
        *room = left;
        fields.push(raw_field(&field, base, depth, room)?);
    }
    Ok(RawMessage { fields })
}

fn raw_field(
    field: &Field<'_>,
    base: usize,
    depth: usize,
    room: &mut usize,
) -> Result<RawField, DecodeError> {
    let at = base.saturating_add(field.at);
    let (reading, confidence) = match field.value {
        Value::Varint(value) => (varint(value), 100),
        Value::Fixed64(bits) => fixed64(bits),
        Value::Fixed32(bits) => fixed32(bits),
        Value::Group(bytes) => {
            let value = read(bytes, at, depth.saturating_add(1), room);
            let value = value.map_err(|error| error.inside(field.number.to_string()))?;
            (Reading::Group { value }, 100)
        }
        Value::Bytes(bytes) => delimited(bytes, at, depth, room),
    };
    Ok(RawField {
        field: field.number,
        at,
        reading,
        confidence,
    })
}

#[allow(clippy::cast_possible_wrap, reason = "the same bits with a sign")]
fn varint(value: u64) -> Reading {
    Reading::Varint {
        value,
        zigzag: unzigzag(value),
        signed: (value > i64::MAX as u64).then_some(value as i64),
        time_ms: time_ms(value),
    }
}

/// From 2010 to 2040.
pub(super) fn time_ms(value: u64) -> Option<u64> {
    const TIMES_MS: std::ops::Range<u64> = 1_262_304_000_000..2_208_988_800_000;
    let ms = [value.saturating_mul(1_000), value, value / 1_000];
    ms.into_iter().find(|ms| TIMES_MS.contains(ms))
}

fn fixed64(bits: u64) -> (Reading, u8) {
    let double = f64::from_bits(bits);
    let is_plain = is_plain(double);
    let reading = Reading::Fixed64 {
        value: bits,
        double: is_plain.then_some(double),
    };
    (reading, if is_plain { 80 } else { 100 })
}

fn fixed32(bits: u32) -> (Reading, u8) {
    let float = f32::from_bits(bits);
    let is_plain = is_plain(f64::from(float));
    let reading = Reading::Fixed32 {
        value: bits,
        float: is_plain.then_some(float),
    };
    (reading, if is_plain { 80 } else { 100 })
}

/// Numbers of people are neither very small nor very large.
pub(super) fn is_plain(number: f64) -> bool {
    number == 0.0 || (1e-6..1e12).contains(&number.abs())
}

/// What bytes look most like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Looks {
    Text,
    Message,
    Neither,
}

pub(super) fn looks_like(bytes: &[u8], depth: usize) -> Looks {
    let mut room = LOOK_FIELDS;
    let (reading, _) = delimited(bytes, 0, depth, &mut room);
    if matches!(reading, Reading::String { .. }) {
        Looks::Text
    } else if matches!(reading, Reading::Message { .. }) {
        Looks::Message
    } else {
        Looks::Neither
    }
}

/// The likeliest of a text, a message, packed numbers and bytes.
fn delimited(bytes: &[u8], at: usize, depth: usize, room: &mut usize) -> (Reading, u8) {
    let text = std::str::from_utf8(bytes)
        .ok()
        .filter(|text| is_printable(text));
    let message = message_in(bytes, at, depth, room);
    match (text, message) {
        (Some(""), _) => (
            Reading::String {
                value: String::new(),
            },
            50,
        ),
        (Some(text), None) => {
            // A short one may be anything.
            let sure = if bytes.len() < 3 { 70 } else { 95 };
            (
                Reading::String {
                    value: text.to_owned(),
                },
                sure,
            )
        }
        (Some(text), Some(message)) => {
            if evidence(&message) > 2 {
                (Reading::Message { value: message }, 60)
            } else {
                (
                    Reading::String {
                        value: text.to_owned(),
                    },
                    75,
                )
            }
        }
        (None, Some(message)) => {
            let sure = if evidence(&message) > 0 { 90 } else { 60 };
            (Reading::Message { value: message }, sure)
        }
        (None, None) => packed_or_bytes(bytes),
    }
}

/// Control characters are rare in texts, and tags of messages look like them.
fn is_printable(text: &str) -> bool {
    text.chars()
        .all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t'))
}

fn message_in(bytes: &[u8], at: usize, depth: usize, room: &mut usize) -> Option<RawMessage> {
    if bytes.len() < 2 || depth >= DEPTH_MAX {
        return None;
    }
    // Most bytes that are no message are found out by their tags and lengths, which costs nothing.
    let is_message = Fields::inside(bytes, depth)
        .all(|field| field.is_ok_and(|field| field.number < 10_000 && !is_reserved(field.number)));
    let mut left = *room;
    let message =
        is_message.then(|| read(bytes, at, depth.saturating_add(1), &mut left).ok())??;
    *room = left;
    Some(message)
}

/// Numbers that no schema may use.
pub(super) const fn is_reserved(number: u32) -> bool {
    number >= 19_000 && number <= 19_999
}

/// How much speaks for a message: fields inside that are texts or messages themselves, and more than one field.
fn evidence(message: &RawMessage) -> usize {
    let inner = message.fields.iter().map(|field| {
        if let Reading::Message { value } = &field.reading {
            return evidence(value).saturating_add(1);
        }
        let is_text = matches!(&field.reading, Reading::String { value } if value.len() >= 3);
        if is_text { 2 } else { 0 }
    });
    let more = usize::from(message.fields.len() > 1);
    inner.fold(more, usize::saturating_add)
}

fn packed_or_bytes(bytes: &[u8]) -> (Reading, u8) {
    let numbers: Result<Vec<_>, _> = Packed::new(WireType::Varint, bytes).collect();
    if let Ok(numbers) = numbers
        && numbers.len() > 1
    {
        let value = numbers.into_iter().map(|(value, _)| match value {
            Value::Varint(number) => number,
            Value::Fixed64(_) | Value::Bytes(_) | Value::Group(_) | Value::Fixed32(_) => 0,
        });
        let value = value.collect();
        return (Reading::Packed { value }, 40);
    }
    let reading = Reading::Bytes {
        value: BASE64.encode(bytes),
        size: bytes.len(),
    };
    (reading, 80)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(bytes: &[u8]) -> serde_json::Value {
        serde_json::to_value(RawMessage::read(bytes).unwrap()).unwrap()
    }

    #[test]
    fn a_message_of_a_known_type_is_read_as_what_it_is() {
        // User { name: "张三", id: 888, club: { level: 7, title: "粉丝团" }, sent_ms: 1795200196430, scores: [3, 270, 86942], half: 0.5, key: ff00fe }
        let bytes = b"\x0a\x06\xe5\xbc\xa0\xe4\xb8\x89\x10\xf8\x06\x1a\x0d\x08\x07\x12\x09\xe7\xb2\x89\xe4\xb8\x9d\xe5\x9b\xa2\x20\xce\xbe\x94\xd2\x9f\x34\x2a\x06\x03\x8e\x02\x9e\xa7\x05\x35\x00\x00\x00\x3f\x3a\x03\xff\x00\xfe";
        let fields = read(bytes);
        let kinds: Vec<_> = fields["fields"]
            .as_array()
            .unwrap()
            .iter()
            .map(|field| field["type"].as_str().unwrap())
            .collect();
        assert_eq!(
            kinds,
            [
                "string", "varint", "message", "varint", "packed", "fixed32", "bytes"
            ]
        );
        let fields = &fields["fields"];
        assert_eq!(fields[0]["value"], "张三");
        assert_eq!(
            fields[1],
            json!({"field": 2, "at": 9, "type": "varint", "value": 888, "zigzag": 444, "confidence": 100})
        );
        assert_eq!(fields[2]["value"]["fields"][1]["value"], "粉丝团");
        assert_eq!(fields[2]["value"]["fields"][1]["at"], 17);
        assert_eq!(fields[3]["time_ms"], 1_795_200_196_430_u64);
        assert_eq!(fields[4]["value"], json!([3, 270, 86942]));
        assert_eq!(fields[5]["float"], 0.5);
        assert_eq!(
            (&fields[6]["value"], &fields[6]["size"]),
            (&json!("/wD+"), &json!(3))
        );
    }

    #[test]
    fn texts_that_could_be_messages_stay_texts() {
        for text in [
            "hello, world",
            "8",
            "R",
            "https://example.com/a?b=c",
            "你好",
            "{\"a\":1}",
            "x\ty\n",
        ] {
            let length = u8::try_from(text.len()).unwrap();
            let bytes = [&[0x0a, length], text.as_bytes()].concat();
            assert_eq!(read(&bytes)["fields"][0]["value"], text);
        }
    }

    #[test]
    fn numbers_have_all_their_readings() {
        let minus_one = b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
        let field = &read(minus_one)["fields"][0];
        assert_eq!(
            (&field["signed"], &field["zigzag"]),
            (&json!(-1), &json!(i64::MIN))
        );
        let seconds = read(b"\x08\x80\xd2\xa5\xd0\x06");
        assert_eq!(seconds["fields"][0]["time_ms"], 1_779_001_600_000_u64);
    }
}
