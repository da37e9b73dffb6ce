//! How sentences are put together.

use pagewire_live::Unit;

use super::text;
use crate::commands::live::{Language, words};

/// Places of a ranking, and sides of a link, that are shown; the others are counted.
const PLACES_SHOWN_MAX: usize = 3;

/// Sentences in one of the languages. In Chinese they are those of people who write of live rooms, with signs as wide as the text.
pub(super) struct Words(pub(super) Language);

impl Words {
    pub(super) const fn of<'w>(&self, english: &'w str, chinese: &'w str) -> &'w str {
        self.0.of(english, chinese)
    }

    pub(super) fn text(&self, said: &str) -> String {
        text(said, self.0)
    }

    /// `5 followers`, `粉丝 5`.
    pub(super) fn some(&self, count: Option<u64>, english: &str, chinese: &str) -> Option<String> {
        count.map(|count| match self.0 {
            Language::English => format!("{} {english}", number(count)),
            Language::Chinese => format!("{chinese} {}", number(count)),
        })
    }

    /// `5 viewers`, `在线 5 人`.
    pub(super) fn people(
        &self,
        count: Option<u64>,
        english: &str,
        chinese: &str,
    ) -> Option<String> {
        let told = self.some(count, english, chinese)?;
        Some(told + self.of("", " 人"))
    }

    /// `5 bytes`, `5 字节`.
    pub(super) fn count(&self, count: u64, english: &str, chinese: &str) -> String {
        format!("{} {}", number(count), self.of(english, chinese))
    }

    pub(super) fn listed<const N: usize>(&self, parts: [Option<String>; N]) -> String {
        joined(self.of(", ", "，"), parts).unwrap_or_default()
    }

    /// What it is, and what the site says of it.
    pub(super) fn explained(&self, what: Option<String>, said: Option<String>) -> String {
        joined(self.of(": ", "："), [what, said]).unwrap_or_default()
    }

    pub(super) fn in_brackets(&self, text: &str) -> String {
        match self.0 {
            Language::English => format!(" ({text})"),
            Language::Chinese => format!("（{text}）"),
        }
    }

    /// The first few, and how many there are besides.
    pub(super) fn first(&self, entries: impl ExactSizeIterator<Item = String>) -> Option<String> {
        let more = entries.len().saturating_sub(PLACES_SHOWN_MAX);
        let mut shown: Vec<_> = entries.take(PLACES_SHOWN_MAX).collect();
        if more > 0 {
            shown.push(match self.0 {
                Language::English => format!("and {more} more"),
                Language::Chinese => format!("另有 {more} 位"),
            });
        }
        (!shown.is_empty()).then(|| shown.join(self.of(", ", "，")))
    }

    pub(super) fn money(&self, value: u64, unit: Option<Unit>) -> String {
        unit.map_or_else(|| number(value), |unit| words::money(value, unit, self.0))
    }
}

pub(super) fn joined<const N: usize>(between: &str, parts: [Option<String>; N]) -> Option<String> {
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(between))
}

/// With its thousands apart.
pub(crate) fn number(count: u64) -> String {
    let digits = count.to_string();
    let mut shown = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}
