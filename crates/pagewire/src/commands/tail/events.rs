//! A topic whose bytes are frames of a live room (`--decode frame`): its events.

use std::time::Duration;

use pagewire_codec::DecodeError;
use pagewire_live::{RoomAccount, Site};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::{Record, decoded};
use crate::cli::TailArguments;
use crate::commands::live::{EventPrinter, OwnOptions, Remarks};
use crate::exit::Failed;
use crate::terminal::{harmless, print_json, print_text, say};

/// Shows the events of a topic. A page that connects again is still in the same room, so there is one account of all that comes.
pub(super) struct Events<'a> {
    arguments: &'a TailArguments,
    site: Site,
    account: RoomAccount,
    printer: EventPrinter,
    /// When the last frame came, by whoever saw it, and here.
    heard: Option<(u64, Instant)>,
}

/// What a tap tells of a frame besides its bytes.
#[derive(Deserialize, Default)]
struct Came {
    #[serde(default)]
    time_ms: Option<u64>,
    #[serde(default)]
    direction: Option<Direction>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Direction {
    Received,
    Sent,
}

impl<'a> Events<'a> {
    pub(super) fn new(site: Site, arguments: &'a TailArguments) -> Result<Self, Failed> {
        let own = OwnOptions {
            json: arguments.json,
            filter: arguments.filter.as_deref(),
        };
        Ok(Self {
            arguments,
            site,
            account: RoomAccount::new(site),
            printer: EventPrinter::new(&arguments.decoding.frames.events, own)?,
            heard: None,
        })
    }

    /// Shows what a record tells. As JSON that is events, what could not be read, and what was lost; `line` is the record as the hub wrote it.
    pub(super) fn print(&mut self, line: &str, record: &Record<'_>) -> Result<(), Failed> {
        if let Some(bytes) = decoded::bytes(record) {
            return self.read(record, &bytes);
        }
        match self.printer.remarks() {
            Remarks::Json if record.gap.is_some() => print_json(line),
            Remarks::Aside if record.gap.is_some() => {
                complain(&record.shown(&self.arguments.topic));
                Ok(())
            }
            Remarks::Json | Remarks::Aside => Ok(()),
            Remarks::Lines => print_text(&record.shown(&self.arguments.topic)),
        }
    }

    fn read(&mut self, record: &Record<'_>, frame: &[u8]) -> Result<(), Failed> {
        let came = record.value.map(Came::read).unwrap_or_default();
        if came.direction == Some(Direction::Sent) {
            // What a page says to the site (that it is there, that it got something) is no event.
            return Ok(());
        }
        let arrival_ms = came.time_ms.unwrap_or(record.time_ms);
        self.heard = Some((arrival_ms, Instant::now()));
        let members = record.members();
        let (printer, mut errors) = (&mut self.printer, Vec::new());
        self.account.read(frame, arrival_ms, |read| match read {
            Ok(event) => printer.show(&event, &members),
            Err(error) => errors.push(error),
        });
        self.printer.send()?;
        errors
            .iter()
            .try_for_each(|error| self.complain(error, &members))
    }

    fn complain(&self, error: &DecodeError, members: &str) -> Result<(), Failed> {
        let error = error.to_string();
        let site = self.site.name();
        match self.printer.remarks() {
            Remarks::Json => {
                print_json(&format!(r#"{{"decode_error":{}{members}}}"#, json!(error)))
            }
            Remarks::Lines => print_text(&format!(
                "  ! no message of {site}: {}",
                super::frame::set_in(&error)
            )),
            Remarks::Aside => {
                complain(&format!("no message of {site}: {error}"));
                Ok(())
            }
        }
    }

    /// When there is something to tell though nothing came: a combo of gifts has been idle.
    pub(super) fn wakes_at(&self) -> Option<Instant> {
        let (heard_ms, heard_at) = self.heard?;
        let wait_ms = self.account.next_ms()?.saturating_sub(heard_ms);
        heard_at.checked_add(Duration::from_millis(wait_ms))
    }

    /// Tells that. No record is its reason, so its JSON names none.
    pub(super) fn wake(&mut self) -> Result<(), Failed> {
        if let Some((heard_ms, heard_at)) = self.heard {
            let since = u64::try_from(heard_at.elapsed().as_millis()).unwrap_or(u64::MAX);
            let printer = &mut self.printer;
            let now_ms = heard_ms.saturating_add(since);
            self.account
                .advance(now_ms, |event| printer.show(&event, ""));
        }
        self.printer.send()
    }

    /// The stream has ended or is not followed any more, and what is open ends with it.
    pub(super) fn end(&mut self) -> Result<(), Failed> {
        let printer = &mut self.printer;
        self.account.end(|event| printer.show(&event, ""));
        self.printer.send()
    }
}

fn complain(words: &str) {
    say(&format!("pagewire: {}", harmless(words)));
}

impl Came {
    fn read(value: &RawValue) -> Self {
        serde_json::from_str(value.get()).unwrap_or_default()
    }
}

impl Record<'_> {
    /// Where an event comes from: members of its JSON.
    fn members(&self) -> String {
        let cursor = self.cursor.as_ref();
        let cursor = cursor.map(|cursor| format!(r#","cursor":{}"#, json!(cursor)));
        format!(r#","seq":{}{}"#, self.seq, cursor.unwrap_or_default())
    }
}
