//! Values on their way through: JSON text that is never re-encoded, and bytes that stay bytes.

use bytes::Bytes;
use serde::Serialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::Error;

/// Media type of bytes that say nothing else.
pub const MEDIA_TYPE_DEFAULT: &str = "application/octet-stream";
/// Longest media type that is kept, in bytes.
pub const MEDIA_TYPE_BYTES_MAX: usize = 255;

/// One value: an argument list, a result, a stream item or a published value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload {
    /// JSON text, as the sender spelled it.
    Json(JsonText),
    /// Bytes with their media type.
    Bytes(ByteValue),
}

impl Payload {
    /// Length on the wire without any envelope, in bytes.
    pub fn len(&self) -> usize {
        match self {
            Self::Json(text) => text.as_bytes().len(),
            Self::Bytes(value) => value.data.len(),
        }
    }

    /// True for empty bytes; JSON text is never empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// True for the JSON value `null`.
    pub fn is_json_null(&self) -> bool {
        matches!(self, Self::Json(text) if text.as_bytes().trim_ascii() == b"null")
    }

    /// The same value in memory of its own, so that keeping it does not keep the message it came in.
    pub fn detached(&self) -> Self {
        match self {
            Self::Json(text) => Self::Json(JsonText(Bytes::copy_from_slice(&text.0))),
            Self::Bytes(value) => Self::Bytes(ByteValue {
                data: Bytes::copy_from_slice(&value.data),
                media_type: value.media_type.clone(),
            }),
        }
    }
}

/// JSON text that is known to be one valid JSON value in UTF-8. Key order, spelling of numbers and white space are the sender's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonText(Bytes);

impl JsonText {
    /// The text `null`.
    pub fn null() -> Self {
        Self(Bytes::from_static(b"null"))
    }

    /// The text `[]`.
    pub fn empty_array() -> Self {
        Self(Bytes::from_static(b"[]"))
    }

    /// Checks that `text` is one JSON value, in time and stack that do not grow with its depth.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] with the offset of the first fault.
    pub fn parse(text: Bytes) -> Result<Self, Error> {
        match std::str::from_utf8(&text) {
            Err(error) => Err(Error::Malformed {
                what: "the JSON text is not UTF-8",
                at: error.valid_up_to(),
            }),
            Ok(str) => match serde_json::from_str::<IgnoredAny>(str) {
                Ok(_) => Ok(Self(text)),
                Err(error) => Err(Error::Malformed {
                    what: "not valid JSON",
                    at: offset(str, &error),
                }),
            },
        }
    }

    /// The JSON text of a value of ours.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] when the value has no JSON form (a map with keys that are not text).
    pub fn of(value: &impl Serialize) -> Result<Self, Error> {
        serde_json::to_vec(value)
            .map(|text| Self(text.into()))
            .map_err(|_| Error::Misuse("the value has no JSON form"))
    }

    /// A text that is known to be JSON, such as one put together from parts that were read as JSON. It is not looked at again.
    pub fn of_checked(text: Bytes) -> Self {
        Self(text)
    }

    /// The JSON text of a text.
    #[expect(
        clippy::missing_panics_doc,
        reason = "every text has a JSON form: it never panics"
    )]
    pub fn of_text(text: &str) -> Self {
        Self::of(&text).expect("a text has a JSON form")
    }

    /// The first item of an array: a text as what it says, anything else as it is spelled; nothing for an empty array or another value.
    pub(crate) fn first_as_text(&self) -> Bytes {
        let items: Vec<&RawValue> = serde_json::from_slice(&self.0).unwrap_or_default();
        match items.first() {
            None => Bytes::new(),
            Some(item) => match serde_json::from_str::<String>(item.get()) {
                Ok(text) => text.into(),
                Err(_) => self.0.slice_ref(item.get().as_bytes()),
            },
        }
    }

    /// An argument list of this one value: `[` value `]`.
    #[must_use]
    pub fn wrapped_in_array(&self) -> Self {
        Self([b"[", &self.0[..], b"]"].concat().into())
    }

    /// True when the value is an array.
    pub fn is_array(&self) -> bool {
        self.0.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[')
    }

    /// The text.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text, shared.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }

    /// The text on one line. A line break inside JSON text is white space between tokens, so a space says the same.
    #[must_use]
    pub fn on_one_line(&self) -> Self {
        if memchr::memchr2(b'\n', b'\r', &self.0).is_none() {
            return self.clone();
        }
        let one_line: Vec<u8> = self
            .0
            .iter()
            .map(|&byte| {
                if matches!(byte, b'\n' | b'\r') {
                    b' '
                } else {
                    byte
                }
            })
            .collect();
        Self(one_line.into())
    }

    /// `raw` must be a part of `message`: the text is shared with it, not copied.
    pub(crate) fn slice_of(message: &Bytes, raw: &RawValue) -> Self {
        Self(message.slice_ref(raw.get().as_bytes()))
    }
}

/// Bytes with an optional media type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByteValue {
    /// The bytes.
    pub data: Bytes,
    media_type: Option<Box<str>>,
}

impl ByteValue {
    /// Bytes with a media type. One of more than [`MEDIA_TYPE_BYTES_MAX`] bytes, or with characters that an HTTP header
    /// cannot hold, is left out.
    pub fn new(data: Bytes, media_type: Option<&str>) -> Self {
        let fits = |text: &&str| {
            !text.is_empty()
                && text.len() <= MEDIA_TYPE_BYTES_MAX
                && text
                    .bytes()
                    .all(|byte| byte == b' ' || byte.is_ascii_graphic())
        };
        Self {
            data,
            media_type: media_type.filter(fits).map(Into::into),
        }
    }

    /// Media type, such as `image/png`, where the sender said one.
    pub fn media_type(&self) -> Option<&str> {
        self.media_type.as_deref()
    }

    /// Media type, or [`MEDIA_TYPE_DEFAULT`].
    pub fn media_type_or_default(&self) -> &str {
        self.media_type().unwrap_or(MEDIA_TYPE_DEFAULT)
    }
}

/// Byte offset of a `serde_json` error, which counts lines from 1 and columns in bytes.
pub(crate) fn offset(text: &str, error: &serde_json::Error) -> usize {
    let line_start: usize = text
        .split_inclusive('\n')
        .take(error.line().saturating_sub(1))
        .map(str::len)
        .sum();
    line_start
        .saturating_add(error.column().saturating_sub(1))
        .min(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> JsonText {
        JsonText::parse(Bytes::copy_from_slice(text.as_bytes())).expect("valid")
    }

    #[test]
    fn text_is_kept_byte_for_byte() {
        for text in [
            "{\"b\":1,\"a\":1.0e+2}",
            "12345678901234567890",
            " [ 1 ] ",
            "\"\\u00e9\"",
            "null",
        ] {
            assert_eq!(json(text).as_bytes(), text.as_bytes());
        }
    }

    #[test]
    fn depth_costs_no_stack() {
        let deep = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        assert!(JsonText::parse(deep.into()).is_ok());
    }

    #[test]
    fn faults_are_pointed_at() {
        for (text, at) in [("", 0), ("{\"a\":}", 5), ("[1,\n2,\n x]", 8), ("1 2", 2)] {
            let error = JsonText::parse(Bytes::copy_from_slice(text.as_bytes())).unwrap_err();
            assert_eq!(
                error,
                Error::Malformed {
                    what: "not valid JSON",
                    at
                },
                "{text:?}"
            );
        }
        let error = JsonText::parse(Bytes::from_static(b"\"\xff\"")).unwrap_err();
        assert_eq!(
            error,
            Error::Malformed {
                what: "the JSON text is not UTF-8",
                at: 1
            }
        );
    }

    #[test]
    fn arrays_are_told_from_other_values() {
        assert!(json(" \n[1]").is_array());
        assert!(!json("{\"a\":[1]}").is_array());
        assert_eq!(json("{}").wrapped_in_array(), json("[{}]"));
    }

    #[test]
    fn media_types_are_kept_up_to_their_limit() {
        let at = "x".repeat(MEDIA_TYPE_BYTES_MAX);
        for (media_type, kept) in [
            ("image/png", true),
            (&at, true),
            (&format!("{at}x"), false),
            ("a\r\nb", false),
        ] {
            assert_eq!(
                ByteValue::new(Bytes::new(), Some(media_type))
                    .media_type()
                    .is_some(),
                kept,
                "{media_type:?}"
            );
        }
    }

    #[test]
    fn one_line_means_the_same() {
        assert_eq!(
            json("{\n \"a\":\r\n 1}").on_one_line(),
            json("{  \"a\":   1}")
        );
        assert_eq!(json("\"a\\nb\"").on_one_line(), json("\"a\\nb\""));
    }
}
