//! Texts as JSON, fast: most of what is written of a message is texts, and most of them need no escape.

/// Appends a text as JSON, in quotes.
///
/// # Panics
///
/// Never: a Vec takes all.
#[inline]
pub fn write_json_text(out: &mut Vec<u8>, text: &str) {
    if none(text.as_bytes(), is_escaped) {
        write_plain(out, text.as_bytes());
    } else {
        serde_json::to_writer(out, text).expect("a Vec takes all");
    }
}

/// Appends bytes that should be a text, and says whether they are one. Nothing is appended where not.
#[inline]
pub(crate) fn write_json_utf8(out: &mut Vec<u8>, bytes: &[u8]) -> bool {
    // The longest, addresses, are plain, and most of the short ones are.
    if none(bytes, |byte| is_escaped(byte) | (byte >= 0x80)) {
        write_plain(out, bytes);
        return true;
    }
    let text = simdutf8::basic::from_utf8(bytes);
    text.is_ok_and(|text| {
        write_json_text(out, text);
        true
    })
}

#[inline]
fn write_plain(out: &mut Vec<u8>, text: &[u8]) {
    out.reserve(text.len().saturating_add(2));
    out.push(b'"');
    out.extend_from_slice(text);
    out.push(b'"');
}

const fn is_escaped(byte: u8) -> bool {
    (byte < 0x20) | (byte == b'"') | (byte == b'\\')
}

/// Whether no byte is such. Without a way out in the middle of a step, so that many bytes are looked at together; the last step overlaps.
#[inline]
fn none(bytes: &[u8], is: impl Fn(u8) -> bool) -> bool {
    let any = |step: &[u8]| step.iter().fold(false, |any, byte| any | is(*byte));
    if let Some(last) = bytes.last_chunk::<16>() {
        let (steps, _) = bytes.as_chunks::<16>();
        return !steps.iter().any(|step| any(step)) && !any(last);
    }
    match (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        (Some(first), Some(last)) => !any(first) && !any(last),
        _ => !any(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn texts_are_written_as_a_library_writes_them(text in "([a-z弹幕🎁]{0,40}[\"\\\\\u{0}-\u{20}\u{7f}]?){0,3}") {
            let mut out = b"before".to_vec();
            write_json_text(&mut out, &text);
            let expected = format!("before{}", serde_json::to_string(&text).expect("JSON"));
            prop_assert_eq!(String::from_utf8(out).expect("UTF-8"), expected);
        }
    }
}
