//! Events on standard output.

use std::io::Write as _;

use pagewire_live::{Event, EventFilter, compat_line};

use super::arguments::{EventArguments, OwnOptions, Written};
use super::line::line;
use crate::exit::Failed;
use crate::terminal::{Paint, harmless, harmless_json, one_line, stdout_is_terminal, write_bytes};

/// Lines that wait until all of a frame was read. From so many bytes on they are written at once: a frame may bring gigabytes.
const WAITING_BYTES_MAX: usize = 1 << 20;

/// Writes the events that were asked for, in the form that was asked for. Lines are kept until they are sent on, since a frame brings many.
#[derive(Debug)]
pub(crate) struct EventPrinter {
    filter: EventFilter,
    written: Written,
    paint: Paint,
    /// Standard output is one: what could change it is escaped.
    is_terminal: bool,
    /// Before each line for people: which room it is of.
    mark: String,
    lines: Vec<u8>,
    /// Standard output took nothing more.
    failed: Option<Failed>,
}

/// Where that goes which is no event: what was lost, and what could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Remarks {
    /// Among the lines, for people.
    Lines,
    /// Among the lines, as JSON.
    Json,
    /// To standard error, as the lines have a form that others read.
    Aside,
}

impl EventPrinter {
    /// # Errors
    ///
    /// The options do not go together, or one of them is not understood.
    pub(crate) fn new(arguments: &EventArguments, own: OwnOptions<'_>) -> Result<Self, Failed> {
        Ok(Self {
            filter: arguments.filter(own)?,
            written: arguments.written(own)?,
            paint: Paint::of_stdout(),
            is_terminal: stdout_is_terminal(),
            mark: String::new(),
            lines: Vec::new(),
            failed: None,
        })
    }

    /// Marks each line for people as one of this room.
    #[cfg(feature = "watch")]
    pub(crate) fn mark(&mut self, room: &str) {
        self.mark = format!("[{room}] ");
    }

    pub(crate) fn remarks(&self) -> Remarks {
        match self.written {
            Written::Lines(_) => Remarks::Lines,
            Written::Json | Written::JsonWithSiteFields => Remarks::Json,
            Written::Compat | Written::Template(_) => Remarks::Aside,
        }
    }

    /// As [`add`](Self::add), and writes lines where many wait. Why that failed [`send`](Self::send) says.
    pub(crate) fn show(&mut self, event: &Event<'_>, members: &str) {
        self.show_to(event, members, write_bytes);
    }

    fn show_to(
        &mut self,
        event: &Event<'_>,
        members: &str,
        write: impl FnOnce(&[u8]) -> Result<(), Failed>,
    ) {
        if self.failed.is_some() {
            return;
        }
        self.add(event, members);
        if self.lines.len() > WAITING_BYTES_MAX {
            self.failed = write(&self.lines).err();
            self.lines.clear();
        }
    }

    /// Takes an event. `members` are more members of its JSON, each with a comma before it.
    pub(crate) fn add(&mut self, event: &Event<'_>, members: &str) {
        if !self.filter.matches(event) {
            return;
        }
        let shown = |text: &str| harmless(&one_line(text));
        let line = match &self.written {
            Written::Json => return self.add_json(members, |out| event.write_json(out)),
            Written::JsonWithSiteFields => {
                return self.add_json(members, |out| event.write_json_with_site_fields(out));
            }
            Written::Lines(language) => {
                let line = line(event, *language, self.paint);
                Some(format!("{}{line}", self.mark))
            }
            Written::Compat => compat_line(event, shown),
            Written::Template(template) => template.line(event, shown),
        };
        if let Some(line) = line {
            self.lines.extend_from_slice(line.as_bytes());
            self.lines.push(b'\n');
        }
    }

    fn add_json(&mut self, members: &str, write: impl FnOnce(&mut Vec<u8>)) {
        let begin = self.lines.len();
        write(&mut self.lines);
        self.add_members(members);
        self.make_harmless(begin);
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
        if self.is_terminal {
            let json = String::from_utf8_lossy(&self.lines[begin..]);
            let harmless = harmless_json(&json);
            self.lines.truncate(begin);
            self.lines.extend_from_slice(harmless.as_bytes());
        }
    }

    /// Gives what was taken, for a thread that writes.
    #[cfg(feature = "watch")]
    pub(crate) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.lines)
    }

    /// Writes what was taken.
    ///
    /// # Errors
    ///
    /// Standard output takes nothing more.
    pub(crate) fn send(&mut self) -> Result<(), Failed> {
        if let Some(failed) = self.failed.take() {
            return Err(failed);
        }
        if self.lines.is_empty() {
            return Ok(());
        }
        let sent = write_bytes(&self.lines);
        self.lines.clear();
        sent
    }
}

#[cfg(test)]
mod tests {
    use pagewire_live::{Body, Chat, Site, SitePart, Time};

    use super::*;

    /// A chat whose line has so many bytes more than that of one without a text.
    fn chat(text_bytes: usize) -> Event<'static> {
        let chat = Chat {
            text: "x".repeat(text_bytes).into(),
            ..Chat::default()
        };
        Event {
            site: Site::Douyin,
            room: "1".into(),
            id: "2".into(),
            time: Time::best(3, 0, 0),
            user: None,
            body: Body::Chat(chat),
            method: "M".into(),
            part: SitePart::NONE,
        }
    }

    fn printer() -> EventPrinter {
        EventPrinter {
            filter: EventFilter::default(),
            written: Written::Json,
            paint: Paint::of_stdout(),
            is_terminal: false,
            mark: String::new(),
            lines: Vec::new(),
            failed: None,
        }
    }

    #[test]
    fn lines_wait_up_to_the_limit() {
        let mut printer = printer();
        printer.add(&chat(0), "");
        let left = WAITING_BYTES_MAX - 2 * printer.lines.len();
        let mut written = 0;
        for (text_bytes, expected) in [(left, 0), (0, WAITING_BYTES_MAX)] {
            printer.show_to(&chat(text_bytes), "", |lines| {
                written = lines.len();
                Ok(())
            });
            assert!((written > 0) == (expected > 0), "{written}");
        }
        assert!(written > WAITING_BYTES_MAX && printer.lines.is_empty());
        // Nobody reads on: nothing more is kept, and the command learns why.
        for _ in 0..3 {
            printer.show_to(&chat(WAITING_BYTES_MAX), "", |_| Err(Failed::silent(7)));
        }
        assert!(printer.lines.is_empty());
        assert_eq!(printer.send().map_err(|failed| failed.code), Err(7));
    }
}
