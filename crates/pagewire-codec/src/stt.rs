//! STT, the text encoding of Douyu, and the packets it travels in.
//!
//! A message is items, each ended by a slash: `type@=chatmsg/rid@=102965/`, or values alone where it is a list. A slash within an item is written
//! `@S` and an at sign `@A`; a value that is a message itself is escaped once more. Source: Douyu's published description, and captured messages.

mod packet;
#[cfg(test)]
mod tests;
mod value;
mod writer;

use std::borrow::Cow;

pub use packet::{DouyuPacket, DouyuPackets, DouyuSide, douyu_packet, douyu_packets};
pub use value::SttValue;
pub use writer::SttWriter;

/// How deep lists and objects may be nested, the message being at depth 1. Deeper is an error: each level is unescaped into new memory.
pub const STT_DEPTH_MAX: usize = 16;

/// How many values an [`SttValue`] may have in all, items counted. More is an error: a slash alone is a value, which takes 56 bytes.
pub const STT_VALUES_MAX: usize = 1 << 18;

/// An item of a message: a value that may have a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SttItem<'a> {
    /// What stands before `@=`. None in lists. A key may come again.
    pub key: Option<Cow<'a, str>>,
    /// What stands behind it. Borrowed where nothing was escaped.
    pub value: Cow<'a, str>,
    /// At which byte of the message the value begins, as it is written.
    pub at: usize,
}

/// The items of a message, not of those within it: `stt_items(&item.value)` reads on. Every text has items, so nothing is an error here; an at sign
/// that escapes nothing stands for itself, and the last slash may be missing.
pub fn stt_items(message: &str) -> impl Iterator<Item = SttItem<'_>> {
    let mut rest = message;
    let mut at = 0_usize;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (item, left) = rest.split_once('/').unwrap_or((rest, ""));
        let (key, value) = match item.split_once("@=") {
            Some((key, value)) => (Some(key), value),
            None => (None, item),
        };
        let value_at = at.saturating_add(item.len().saturating_sub(value.len()));
        at = at.saturating_add(rest.len().saturating_sub(left.len()));
        rest = left;
        Some(SttItem {
            key: key.map(unescape),
            value: unescape(value),
            at: value_at,
        })
    })
}

/// The first value under this key.
pub fn stt_value<'a>(message: &'a str, key: &str) -> Option<Cow<'a, str>> {
    let item = stt_items(message).find(|item| item.key.as_deref() == Some(key));
    item.map(|item| item.value)
}

fn unescape(text: &str) -> Cow<'_, str> {
    let Some((before, rest)) = text.split_once('@') else {
        return Cow::Borrowed(text);
    };
    let mut plain = String::with_capacity(text.len());
    plain.push_str(before);
    for part in rest.split('@') {
        let (stands_for, left) = match part.as_bytes().first() {
            Some(b'A') => ("@", 1),
            Some(b'S') => ("/", 1),
            _ => ("@", 0),
        };
        plain.push_str(stands_for);
        plain.push_str(part.get(left..).unwrap_or_default());
    }
    Cow::Owned(plain)
}
