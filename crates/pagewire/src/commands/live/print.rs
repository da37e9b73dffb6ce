//! Events on standard output.

use std::io::Write as _;

use pagewire_live::Event;

use super::arguments::EventArguments;
use super::line;
use crate::exit::Failed;
use crate::terminal::{Paint, harmless_json, stdout_is_terminal, write_bytes};

/// Writes the events that were asked for, in the form that was asked for. Lines are kept until they are sent on, since a frame brings many.
#[derive(Debug)]
pub(crate) struct EventPrinter {
    form: Form,
    /// Empty for all of them.
    kinds: Vec<String>,
    lines: Vec<u8>,
}

#[derive(Debug)]
enum Form {
    Lines(Paint),
    Json,
    JsonWithSiteFields,
}

impl EventPrinter {
    /// For people.
    pub(crate) fn lines(arguments: &EventArguments) -> Self {
        Self::new(arguments, Form::Lines(Paint::of_stdout()))
    }

    /// An object a line.
    pub(crate) fn json(arguments: &EventArguments) -> Self {
        let form = if arguments.site_fields {
            Form::JsonWithSiteFields
        } else {
            Form::Json
        };
        Self::new(arguments, form)
    }

    fn new(arguments: &EventArguments, form: Form) -> Self {
        Self {
            form,
            kinds: arguments.kinds.clone(),
            lines: Vec::new(),
        }
    }

    /// Takes an event. `members` are more members of its JSON, each with a comma before it.
    pub(crate) fn add(&mut self, event: &Event<'_>, members: &str) {
        if !self.kinds.is_empty() && !self.kinds.iter().any(|kind| kind == event.kind()) {
            return;
        }
        let begin = self.lines.len();
        match self.form {
            Form::Lines(paint) => {
                let line = line::line(event, paint);
                self.lines.extend_from_slice(line.as_bytes());
            }
            Form::Json => event.write_json(&mut self.lines),
            Form::JsonWithSiteFields => event.write_json_with_site_fields(&mut self.lines),
        }
        if !matches!(self.form, Form::Lines(_)) {
            self.add_members(members);
            self.make_harmless(begin);
        }
        self.lines.push(b'\n');
    }

    /// The object ends with its brace.
    fn add_members(&mut self, members: &str) {
        if !members.is_empty() {
            self.lines.pop();
            let written = write!(self.lines, "{members}}}");
            written.expect("memory takes it");
        }
    }

    /// Bytes into a pipe or a file stay as they are.
    fn make_harmless(&mut self, begin: usize) {
        if stdout_is_terminal() {
            let json = String::from_utf8_lossy(&self.lines[begin..]);
            let harmless = harmless_json(&json);
            self.lines.truncate(begin);
            self.lines.extend_from_slice(harmless.as_bytes());
        }
    }

    /// Writes what was taken.
    ///
    /// # Errors
    ///
    /// Standard output takes nothing more.
    pub(crate) fn send(&mut self) -> Result<(), Failed> {
        if self.lines.is_empty() {
            return Ok(());
        }
        let sent = write_bytes(&self.lines);
        self.lines.clear();
        sent
    }
}
