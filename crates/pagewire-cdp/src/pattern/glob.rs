//! Text with stars.

use std::fmt::Write;

use memchr::memmem;

/// The texts between the stars: one where there is no star, and then it is all.
#[derive(Debug, Clone)]
pub(super) struct Glob(Vec<Box<str>>);

impl Glob {
    /// `pieces` has at least one.
    pub(super) fn new(pieces: Vec<Box<str>>) -> Self {
        debug_assert!(!pieces.is_empty(), "a text without stars is one piece");
        Self(pieces)
    }

    pub(super) fn literal(&self) -> Option<&str> {
        match &self.0[..] {
            [only] => Some(only),
            _ => None,
        }
    }

    /// Each piece is taken where it comes first, which leaves most for the rest, so nothing is ever tried twice.
    pub(super) fn matches(&self, text: &str) -> bool {
        let (first, between, last) = match &self.0[..] {
            [] => return false,
            [only] => return **only == *text,
            [first, between @ .., last] => (first, between, last),
        };
        let inner = text
            .strip_prefix(&**first)
            .and_then(|rest| rest.strip_suffix(&**last));
        let Some(mut inner) = inner.map(str::as_bytes) else {
            return false;
        };
        between.iter().all(|piece| {
            let after = memmem::find(inner, piece.as_bytes())
                .and_then(|at| inner.get(at.saturating_add(piece.len())..));
            inner = after.unwrap_or_default();
            after.is_some()
        })
    }

    /// True where any text fits.
    pub(super) fn is_star(&self) -> bool {
        matches!(&self.0[..], [first, last] if first.is_empty() && last.is_empty())
    }

    /// `star` is what a star becomes.
    pub(super) fn to_regex(&self, star: &str) -> String {
        let pieces: Vec<_> = self.0.iter().map(|piece| escaped(piece)).collect();
        pieces.join(star)
    }

    /// The same in linear time. Regular expressions try every way to share a text among stars, which takes ages for three stars and a long address;
    /// what a lookahead has found is kept, so that a piece stays where it comes first, as in [`Glob::matches`]. Its groups are numbered from 1.
    pub(super) fn to_steady_regex(&self, star: &str) -> String {
        let [first, between @ .., last] = &self.0[..] else {
            return self.to_regex(star);
        };
        let between: String = between
            .iter()
            .zip(1_usize..)
            .map(|(piece, group)| format!(r"(?=({star}?{}))\{group}", escaped(piece)))
            .collect();
        format!("{}{between}{star}{}", escaped(first), escaped(last))
    }
}

/// `text` as a regular expression. Anything that could mean something to a regular expression, a string or HTML is given by its number.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let written = match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' | '#' | '@' | ':' => {
                out.push(c);
                Ok(())
            }
            '/' | '.' | '?' | '[' | ']' => {
                out.push('\\');
                out.push(c);
                Ok(())
            }
            other => write!(out, r"\x{:02x}", u32::from(other)),
        };
        written.expect("a String takes any text");
    }
    out
}
