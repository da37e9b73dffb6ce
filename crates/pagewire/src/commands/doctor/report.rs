//! What the doctor found: one list of checks, shown in words or as JSON.

use std::time::Duration;

use pagewire_server::show_duration;
use serde::Serialize;
use serde_json::json;

use crate::exit::{FAILED, Failed};
use crate::terminal::{one_line, print_text};

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    Ok,
    /// Works, or does not matter to everybody.
    Warn,
    /// Something cannot work like this.
    Bad,
}

/// One thing that was looked at.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Check {
    check: &'static str,
    state: State,
    /// What was seen.
    seen: String,
    seen_zh: String,
    /// Why it is so, or why it matters.
    #[serde(skip_serializing_if = "String::is_empty")]
    why: String,
    /// What to do about it, each a line to type or a thing to do.
    #[serde(rename = "do", skip_serializing_if = "Vec::is_empty")]
    todo: Vec<String>,
}

impl Check {
    pub(crate) fn new(
        check: &'static str,
        state: State,
        seen: impl Into<String>,
        seen_zh: impl Into<String>,
    ) -> Self {
        Self {
            check,
            state,
            seen: seen.into(),
            seen_zh: seen_zh.into(),
            why: String::new(),
            todo: Vec::new(),
        }
    }

    pub(crate) fn why(mut self, why: impl Into<String>) -> Self {
        self.why = why.into();
        self
    }

    pub(crate) fn todo(mut self, line: impl Into<String>) -> Self {
        self.todo.push(line.into());
        self
    }

    pub(crate) fn todos(mut self, lines: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.todo.extend(lines.into_iter().map(Into::into));
        self
    }

    /// Lines under one another; whatever a page or another program says stays on its line.
    fn shown(&self) -> String {
        let state = match self.state {
            State::Ok => "ok",
            State::Warn => "warn",
            State::Bad => "BAD",
        };
        let why = (!self.why.is_empty()).then(|| format!("why: {}", one_line(&self.why)));
        let todo = self
            .todo
            .iter()
            .map(|line| format!("do:  {}", one_line(line)));
        let rest = [one_line(&self.seen_zh)].into_iter().chain(why).chain(todo);
        let first = format!("{state:<5} {:<9} {}", self.check, one_line(&self.seen));
        rest.fold(first, |text, line| format!("{text}\n{:16}{line}", ""))
    }
}

/// All checks in the order in which they were made.
#[derive(Debug, Default)]
pub(crate) struct Report(Vec<Check>);

impl Report {
    pub(crate) fn add(&mut self, checks: impl IntoIterator<Item = Check>) {
        self.0.extend(checks);
    }

    /// Prints everything. Failed, without more words, where something is bad.
    pub(crate) fn conclude(&self, as_json: bool) -> Result<(), Failed> {
        let count = |state| self.0.iter().filter(|check| check.state == state).count();
        let (bad, warnings) = (count(State::Bad), count(State::Warn));
        if as_json {
            print_text(&json!({ "ok": bad == 0, "checks": self.0 }).to_string())?;
        } else {
            self.0
                .iter()
                .try_for_each(|check| print_text(&check.shown()))?;
            print_text(&conclusion(bad, warnings))?;
        }
        if bad == 0 {
            Ok(())
        } else {
            Err(Failed::silent(FAILED))
        }
    }
}

fn conclusion(bad: usize, warnings: usize) -> String {
    match (bad, warnings) {
        (0, 0) => "\nAll is well.\n一切正常。".into(),
        (0, n) => format!("\nIt works. Warnings: {n}.\n可以工作，有 {n} 项提醒（warn）。"),
        (n, m) => format!(
            "\nSomething does not work. BAD: {n}, warnings: {m}. Begin with the first BAD.\n有 {n} 项不工作（BAD），{m} 项提醒（warn）；请从第一个 BAD 开始。"
        ),
    }
}

/// A length of time for people, from milliseconds.
pub(crate) fn length(ms: u64) -> String {
    show_duration(Duration::from_millis(ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_say_stays_on_its_line() {
        let check = Check::new("hub", State::Bad, "a\nok    all", "乙\r\n")
            .why("w\tx")
            .todo("type\nthis");
        let lines: Vec<_> = check.shown().lines().map(str::to_owned).collect();
        assert_eq!(lines[0], "BAD   hub       a ok    all");
        assert_eq!(lines.len(), 4, "{lines:?}");
        assert!(
            lines[1..]
                .iter()
                .all(|line| line.starts_with("                "))
        );
    }
}
