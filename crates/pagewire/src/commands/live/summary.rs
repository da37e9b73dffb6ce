//! What a room was, for people who stop watching it.

use std::collections::BTreeMap;

use pagewire_live::{Given, Giver, Tally, Unit};
use unicode_width::UnicodeWidthStr as _;

use super::line::{self, number};
use super::{Language, words};
use crate::clock::{of_seconds, time_of_day};

/// People who are named.
const GIVERS_SHOWN: usize = 10;
/// Columns of what stands before each line.
const LABEL_COLUMNS: usize = 10;

/// Lines without a line feed at the end. `room` is how the room was named.
pub(crate) fn summary(room: &str, tally: &Tally, language: Language) -> String {
    let words = Words(language);
    let mut lines = vec![format!("── {room} ──")];
    let mut add = |label: &str, text: String| {
        let padding = " ".repeat(LABEL_COLUMNS.saturating_sub(label.width()));
        lines.push(format!("{label}{padding}{text}"));
    };
    if let Some((first_ms, last_ms)) = tally.span_ms() {
        add(words.of("time", "时间"), words.span(first_ms, last_ms));
    }
    add(words.of("events", "消息"), words.kinds(tally.kinds()));
    if let Some(peak) = tally.peak_viewers() {
        add(
            words.of("viewers", "观众"),
            words.peak(peak.viewers, &time_of_day(peak.time_ms)),
        );
    }
    add(words.of("gifts", "礼物"), words.given(tally.given()));
    let givers = tally.givers(usize::MAX);
    for (place, giver) in (1..).zip(givers.iter().take(GIVERS_SHOWN)) {
        add(&format!("{place:>6}"), words.giver(giver));
    }
    if let Some(more) = givers
        .len()
        .checked_sub(GIVERS_SHOWN)
        .filter(|more| *more > 0)
    {
        add("", words.more(more));
    }
    lines.join("\n")
}

struct Words(Language);

impl Words {
    const fn of<'w>(&self, english: &'w str, chinese: &'w str) -> &'w str {
        self.0.of(english, chinese)
    }

    fn span(&self, first_ms: u64, last_ms: u64) -> String {
        let length = of_seconds(last_ms.saturating_sub(first_ms) / 1_000);
        let [first, last] = [first_ms, last_ms].map(time_of_day);
        format!("{first} – {last} ({length})")
    }

    /// What is made of gifts is told as gifts.
    fn kinds(&self, kinds: &BTreeMap<&'static str, u64>) -> String {
        let told = kinds
            .iter()
            .filter(|(kind, _)| !matches!(**kind, "gift.delta" | "gift.final"));
        let told: Vec<_> = told
            .map(|(kind, count)| format!("{} {}", words::kind(kind, self.0), number(*count)))
            .collect();
        if told.is_empty() {
            return self.of("none", "无").to_owned();
        }
        told.join(self.of(", ", "，"))
    }

    fn peak(&self, viewers: u64, time: &str) -> String {
        let viewers = number(viewers);
        match self.0 {
            Language::English => format!("{viewers} at most, at {time}"),
            Language::Chinese => format!("最多 {viewers} 人（{time}）"),
        }
    }

    fn given(&self, given: &Given) -> String {
        let mut told = vec![number(given.count)];
        for (name, value) in &given.values {
            let unit = Unit::ALL.iter().find(|unit| unit.name() == *name);
            told.push(match unit {
                Some(unit) => words::money(*value, *unit, self.0),
                None => format!("{} {name}", number(*value)),
            });
        }
        told.join(self.of(", ", "，共 "))
    }

    fn giver(&self, giver: &Giver) -> String {
        let name = line::called(&giver.name, &giver.id);
        let masked = if giver.masked {
            self.of(" (masked)", "（已脱敏）")
        } else {
            ""
        };
        format!("{name}{masked}  ×{}", self.given(&giver.given))
    }

    fn more(&self, people: usize) -> String {
        match self.0 {
            Language::English if people == 1 => "and 1 more person".to_owned(),
            Language::English => format!("and {} more people", number(people as u64)),
            Language::Chinese => format!("以及另外 {} 人", number(people as u64)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_more_is_a_person() {
        for (language, people, told) in [
            (Language::English, 1, "and 1 more person"),
            (Language::English, 2_000, "and 2,000 more people"),
            (Language::Chinese, 1, "以及另外 1 人"),
        ] {
            assert_eq!(Words(language).more(people), told);
        }
    }
}
