//! What a message holds, and how bytes look to a person.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Serialize, Serializer};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use crate::preview;

/// So much of a binary message is shown to a person.
const PREVIEW_BYTES_MAX: usize = 256;

/// What a message holds.
#[derive(Debug, Clone)]
pub(super) enum Payload {
    Text(Utf8Bytes),
    Binary(Bytes),
}

impl Payload {
    /// None for a close, which holds a code.
    pub(super) fn of(message: &Message) -> Option<Self> {
        match message {
            Message::Text(text) => Some(Self::Text(text.clone())),
            Message::Binary(bytes) | Message::Ping(bytes) | Message::Pong(bytes) => {
                Some(Self::Binary(bytes.clone()))
            }
            Message::Close(_) | Message::Frame(_) => None,
        }
    }

    /// One line that tells what it is.
    pub(super) fn sketch(&self) -> String {
        match self {
            Self::Text(text) => text.to_string(),
            Self::Binary(bytes) if bytes.is_empty() => "(empty)".to_owned(),
            Self::Binary(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) if !text.contains(char::is_control) => format!("{text:?}"),
                Ok(_) | Err(_) => format!("({} bytes)", bytes.len()),
            },
        }
    }
}

impl Serialize for Payload {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(tag = "kind", rename_all = "lowercase")]
        enum Line<'a> {
            Text { size: usize, text: &'a str },
            Binary { size: usize, base64: String },
        }
        let line = match self {
            Self::Text(text) => Line::Text {
                size: text.len(),
                text,
            },
            Self::Binary(bytes) => Line::Binary {
                size: bytes.len(),
                base64: STANDARD.encode(bytes),
            },
        };
        line.serialize(serializer)
    }
}

/// A heading and the first bytes.
pub(super) fn preview(bytes: &[u8]) -> String {
    let rest = "--raw into a file or pipe writes all of them";
    let rows = preview::rows(bytes, PREVIEW_BYTES_MAX, rest);
    format!("binary, {} bytes{rows}", bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_ends_at_its_limit_and_says_what_is_left() {
        let at = preview(&[0; PREVIEW_BYTES_MAX]);
        assert_eq!(at.lines().count(), 1 + PREVIEW_BYTES_MAX / 16);
        assert!(!at.contains('…'), "{at}");
        let past = preview(&[0; PREVIEW_BYTES_MAX + 1]);
        assert!(
            past.starts_with("binary, 257 bytes\n") && past.contains("… 1 more bytes"),
            "{past}"
        );
    }
}
