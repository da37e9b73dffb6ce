//! Texts as JSON, fast: most of what is written of a message is texts, and most of them need no escape.

/// Appends a text as JSON, in quotes.
///
/// # Panics
///
/// Never: a Vec takes all.
#[inline]
pub fn write_json_text(out: &mut Vec<u8>, text: &str) {
    if any(text.as_bytes(), is_escaped) {
        serde_json::to_writer(out, text).expect("a Vec takes all");
    } else {
        write_plain(out, text.as_bytes());
    }
}

/// Appends bytes that should be a text, and says whether they are one. Nothing is appended where not.
#[cfg(feature = "schema")]
#[inline]
pub(crate) fn write_json_utf8(out: &mut Vec<u8>, bytes: &[u8]) -> bool {
    // The longest, addresses, are plain, and most of the short ones are.
    if any(bytes, |byte| is_escaped(byte) | (byte >= 0x80)) {
        return write_unusual(out, bytes);
    }
    write_plain(out, bytes);
    true
}

#[cfg(feature = "schema")]
#[inline(never)]
fn write_unusual(out: &mut Vec<u8>, bytes: &[u8]) -> bool {
    let text = simdutf8::basic::from_utf8(bytes);
    text.is_ok_and(|text| {
        write_json_text(out, text);
        true
    })
}

/// Appends a text that has nothing to escape.
#[inline]
pub(crate) fn write_plain(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    out.extend_from_slice(text);
    out.push(b'"');
}

const fn is_escaped(byte: u8) -> bool {
    (byte < 0x20) | (byte == b'"') | (byte == b'\\')
}

/// Whether a byte is such. There is no way out in the middle of a step, so that many bytes are looked at together. Most texts are short: they are one
/// step, of their first and their last bytes, which overlap.
#[inline(always)]
fn any(bytes: &[u8], is: impl Fn(u8) -> bool) -> bool {
    match bytes.len() {
        0..4 => bytes.iter().fold(false, |any, byte| any | is(*byte)),
        4..8 => any_at_ends::<4>(bytes, &is),
        8..16 => any_at_ends::<8>(bytes, &is),
        16..32 => any_at_ends::<16>(bytes, &is),
        _ => {
            let (steps, _) = bytes.as_chunks::<32>();
            for step in steps {
                if any_in_step(step, &is) {
                    return true;
                }
            }
            bytes
                .last_chunk::<32>()
                .is_some_and(|last| any_in_step(last, &is))
        }
    }
}

/// Of N to 2 N bytes.
#[inline(always)]
fn any_at_ends<const N: usize>(bytes: &[u8], is: impl Fn(u8) -> bool) -> bool {
    let (Some(first), Some(last)) = (bytes.first_chunk::<N>(), bytes.last_chunk::<N>()) else {
        return true;
    };
    let mut any = false;
    for (first, last) in first.iter().zip(last) {
        any |= is(*first) | is(*last);
    }
    any
}

#[inline(always)]
fn any_in_step(step: &[u8; 32], is: impl Fn(u8) -> bool) -> bool {
    let mut any = false;
    for byte in step {
        any |= is(*byte);
    }
    any
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
