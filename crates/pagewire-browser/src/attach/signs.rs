//! What a page has shown of itself lately: whether it owes a sign of life, what keeps it from giving one, and its crashes.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::json;

/// A page that was sent something and has said nothing for so long is looked at.
pub(super) const PROBE_AFTER: Duration = Duration::from_secs(1);
/// A page that does not answer a probe within this time has a blocked main thread.
pub(super) const BLOCKED_AFTER: Duration = Duration::from_millis(500);
/// Waits between two looks at the same page grow no longer.
pub(super) const PROBE_WAIT_MAX: Duration = Duration::from_secs(30);
/// Reloads after crashes in a row. One more crash is left as it is.
pub(super) const CRASH_RELOADS_MAX: u32 = 3;
/// A page that lived so long since its last crash begins a new row.
const LIVED: Duration = Duration::from_secs(30);

/// What is known of a session that may keep its page from answering.
#[derive(Debug, Default)]
pub(super) struct Watch {
    pub(super) stage: Stage,
    /// Evaluations that the browser has not answered.
    under_way: usize,
    notes: BTreeMap<&'static str, Note>,
    pub(super) crashes: Crashes,
}

/// Crashes in a row.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Crashes {
    count: u32,
    last: Option<Instant>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Note {
    text: String,
    blocks: bool,
}

#[derive(Debug, Default, Clone, Copy)]
pub(super) enum Stage {
    /// It was heard since it was last sent something.
    #[default]
    Quiet,
    /// It was sent something and owes a sign.
    Waiting { due: Instant, wait: Duration },
    /// It was asked to carry out a promise, which it does at once unless it is blocked or paused.
    Probing {
        since: Instant,
        due: Instant,
        wait: Duration,
    },
    /// It did not: the debugger was asked whether it is paused, and answers unless it is blocked.
    Suspected { since: Instant, due: Instant },
}

impl Crashes {
    /// Counts a crash, and gives how many there were in a row.
    pub(super) fn one_more(&mut self, now: Instant) -> u32 {
        let lived = self
            .last
            .is_none_or(|last| now.saturating_duration_since(last) > LIVED);
        self.count = if lived {
            1
        } else {
            self.count.saturating_add(1)
        };
        self.last = Some(now);
        self.count
    }
}

impl Watch {
    /// The page said something: all is well, unless there is more that it was sent and may not have seen yet.
    pub(super) fn heard(&mut self, now: Instant) {
        if matches!(self.stage, Stage::Suspected { .. }) {
            return;
        }
        self.stage = if self.under_way == 0 {
            Stage::Quiet
        } else {
            Stage::Waiting {
                due: now + PROBE_AFTER,
                wait: PROBE_AFTER,
            }
        };
    }

    /// The page has seen what it was sent by so many evaluations, or never will.
    pub(super) fn answered(&mut self, evaluations: usize) {
        self.under_way = self.under_way.saturating_sub(evaluations);
    }

    /// The page was sent something. Waits that have grown begin anew: what it was sent before may have needed no answer.
    pub(super) fn asked(&mut self, now: Instant) {
        self.under_way += 1;
        let soon = now + PROBE_AFTER;
        let due = match self.stage {
            Stage::Quiet => soon,
            Stage::Waiting { due, .. } => due.min(soon),
            Stage::Probing { .. } | Stage::Suspected { .. } => return,
        };
        self.stage = Stage::Waiting {
            due,
            wait: PROBE_AFTER,
        };
    }

    /// When there is something to look at.
    pub(super) fn due(&self) -> Option<Instant> {
        match self.stage {
            Stage::Quiet => None,
            Stage::Waiting { due, .. }
            | Stage::Probing { due, .. }
            | Stage::Suspected { due, .. } => Some(due),
        }
    }

    /// For a new document.
    pub(super) fn renewed(&self) -> Self {
        Self {
            crashes: self.crashes,
            ..Self::default()
        }
    }

    pub(super) fn has_notes(&self) -> bool {
        !self.notes.is_empty()
    }

    /// True where it says something new.
    pub(super) fn note(&mut self, code: &'static str, text: String, blocks: bool) -> bool {
        let note = Note { text, blocks };
        let same = self.notes.get(code) == Some(&note);
        self.notes.insert(code, note);
        !same
    }

    /// True where there was something to clear.
    pub(super) fn clear(&mut self, code: &'static str) -> bool {
        self.notes.remove(code).is_some()
    }

    pub(super) fn has(&self, code: &str) -> bool {
        self.notes.contains_key(code)
    }

    pub(super) fn message(&self) -> String {
        let notes: Vec<_> = self
            .notes
            .iter()
            .map(|(code, Note { text, blocks })| json!({ "code": code, "text": text, "blocks": blocks }))
            .collect();
        json!({ "jsonrpc": "2.0", "method": "$/notes", "params": { "notes": notes } }).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is due after so many milliseconds, of which `begun` is the beginning.
    fn due_ms(watch: &Watch, begun: Instant) -> Option<u128> {
        let due = watch.due()?;
        Some(due.duration_since(begun).as_millis())
    }

    #[test]
    fn a_word_that_crosses_what_a_page_is_sent_is_no_answer_to_it() {
        let begun = Instant::now();
        let at = |ms| begun + Duration::from_millis(ms);
        let mut watch = Watch::default();
        watch.asked(at(0));
        watch.asked(at(300));
        assert_eq!(due_ms(&watch, begun), Some(1_000));
        watch.answered(1);
        watch.heard(at(400));
        assert_eq!(
            due_ms(&watch, begun),
            Some(1_400),
            "the second one is under way"
        );
        watch.answered(1);
        watch.heard(at(500));
        assert_eq!(due_ms(&watch, begun), None);
        // Its link is gone, and with it the answers.
        watch.asked(at(600));
        watch.asked(at(600));
        watch.answered(2);
        watch.heard(at(700));
        assert_eq!(due_ms(&watch, begun), None);
    }

    #[test]
    fn waits_that_have_grown_begin_anew_with_the_next_question() {
        let begun = Instant::now();
        let mut watch = Watch {
            stage: Stage::Waiting {
                due: begun + PROBE_WAIT_MAX,
                wait: PROBE_WAIT_MAX,
            },
            ..Watch::default()
        };
        watch.asked(begun);
        assert_eq!(due_ms(&watch, begun), Some(PROBE_AFTER.as_millis()));
    }

    #[test]
    fn a_page_that_lived_for_a_while_begins_a_new_row_of_crashes() {
        let begun = Instant::now();
        let mut crashes = Crashes::default();
        for count in 1..=CRASH_RELOADS_MAX + 1 {
            assert_eq!(crashes.one_more(begun), count);
        }
        let row = begun + LIVED;
        assert_eq!(crashes.one_more(row), CRASH_RELOADS_MAX + 2);
        let later = row + LIVED + Duration::from_millis(1);
        assert_eq!(crashes.one_more(later), 1);
    }
}
