//! What whoever attached a page knows of it (`docs/protocol.md` §1.11).

use serde::{Deserialize, Serialize};

/// Notes that a link keeps; further ones are ignored.
pub const NOTES_MAX: usize = 16;
/// Longest code of a note, in characters; a note with a longer one is ignored.
pub const NOTE_CODE_CHARS_MAX: usize = 32;
/// Longest text of a note, in bytes; the rest is cut off.
pub const NOTE_TEXT_BYTES_MAX: usize = 512;

/// One thing that is known of a page beside what it says by itself: that it is paused, or that its policy forbids something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// A stable word for programs, such as `paused`: 1–32 letters, digits, `_` or `-`.
    pub code: String,
    /// For people; at most 512 bytes.
    #[serde(default)]
    pub text: String,
    /// It keeps the page from answering.
    #[serde(default)]
    pub blocks: bool,
}

impl Note {
    /// The words for people: the text, or the code where there is none.
    pub fn words(&self) -> &str {
        if self.text.is_empty() {
            &self.code
        } else {
            &self.text
        }
    }

    /// Those of `notes` that a link keeps, cut to what it keeps of them.
    pub(crate) fn kept(notes: Vec<Self>) -> Vec<Self> {
        let good = notes.into_iter().filter(|note| is_code(&note.code));
        let cut = good.take(NOTES_MAX).map(|mut note| {
            let end = note.text.floor_char_boundary(NOTE_TEXT_BYTES_MAX);
            note.text.truncate(end);
            note
        });
        cut.collect()
    }
}

/// A code that is cut would be another code.
fn is_code(text: &str) -> bool {
    (1..=NOTE_CODE_CHARS_MAX).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(code: &str, text: &str) -> Note {
        Note {
            code: code.into(),
            text: text.into(),
            blocks: false,
        }
    }

    #[test]
    fn notes_pass_at_their_limits_and_are_cut_or_ignored_one_past_them() {
        let code = "c".repeat(NOTE_CODE_CHARS_MAX);
        let text = "t".repeat(NOTE_TEXT_BYTES_MAX);
        for (given, kept) in [
            (note(&code, &text), Some(note(&code, &text))),
            (note(&code, &format!("{text}t")), Some(note(&code, &text))),
            (note(&format!("{code}c"), "t"), None),
            (note("", "t"), None),
            (note("a b", "t"), None),
            (
                note("c", &"价".repeat(NOTE_TEXT_BYTES_MAX)),
                Some(note("c", &"价".repeat(NOTE_TEXT_BYTES_MAX / 3))),
            ),
        ] {
            assert_eq!(
                Note::kept(vec![given.clone()]),
                Vec::from_iter(kept),
                "{given:?}"
            );
        }
        for (given, kept) in [(NOTES_MAX, NOTES_MAX), (NOTES_MAX + 1, NOTES_MAX)] {
            assert_eq!(Note::kept(vec![note("c", "t"); given]).len(), kept);
        }
    }
}
