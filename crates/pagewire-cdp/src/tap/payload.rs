//! How many bytes a JSON string stands for, without decoding it.

use serde_json::value::RawValue;

/// The text between the quotes; none where the value is no string.
pub(super) fn inner(string: &RawValue) -> Option<&str> {
    string.get().strip_prefix('"')?.strip_suffix('"')
}

/// Bytes of UTF-8 that the inside of a JSON string stands for. A surrogate without its other half counts as the three bytes of U+FFFD.
pub(super) fn text_bytes(inner: &str) -> u64 {
    let mut rest = inner.as_bytes();
    let mut bytes = 0_usize;
    while let Some(at) = next_escape(rest) {
        let (here, escaped) = escape(rest.get(at..).unwrap_or_default());
        bytes = bytes.saturating_add(at).saturating_add(here);
        rest = rest.get(at.saturating_add(escaped)..).unwrap_or_default();
    }
    bytes.saturating_add(rest.len()) as u64
}

/// Escapes are mostly rare or, in JSON inside a text, all over it: then a search for the next one costs more than the few bytes to it.
fn next_escape(text: &[u8]) -> Option<usize> {
    let (near, far) = text.split_at_checked(NEAR_BYTES).unwrap_or((text, &[]));
    near.iter()
        .position(|b| *b == b'\\')
        .or_else(|| Some(near.len().saturating_add(memchr::memchr(b'\\', far)?)))
}

const NEAR_BYTES: usize = 16;

/// Of the escape at the start of `text`: how many bytes it stands for, and how many it takes.
fn escape(text: &[u8]) -> (usize, usize) {
    if text.get(1) != Some(&b'u') {
        return (1, 2);
    }
    match unit(text) {
        None => (1, 2),
        Some(0..0x80) => (1, 6),
        Some(0x80..0x800) => (2, 6),
        Some(0xD800..0xDC00) if matches!(text.get(6..).and_then(unit), Some(0xDC00..0xE000)) => {
            (4, 12)
        }
        Some(_) => (3, 6),
    }
}

/// The UTF-16 unit of `\u0041`.
fn unit(text: &[u8]) -> Option<u16> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    u16::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
}

/// Bytes that a JSON string of base64 stands for.
pub(super) fn base64_bytes(string: &RawValue, inner: &str) -> u64 {
    let digits = |base64: &str| base64.trim_end_matches('=').len() as u64;
    let digits = match memchr::memchr(b'\\', inner.as_bytes()) {
        None => digits(inner),
        // Browsers escape nothing here, so this may take its time.
        Some(_) => serde_json::from_str::<String>(string.get()).map_or(0, |text| digits(&text)),
    };
    digits.saturating_mul(3) / 4
}
