//! Frames of live rooms: what happened in them.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;

use pagewire_codec::DecodeError;
use pagewire_live::RoomAccount;

use super::arguments::FrameArguments;
use super::{complain, input};
use crate::clock::unix_ms;
use crate::commands::live::EventPrinter;
use crate::exit::{FAILED, Failed};

pub(super) fn decode(arguments: &FrameArguments) -> Result<(), Failed> {
    let mut reading = Reading {
        account: RoomAccount::new(arguments.site),
        printer: arguments.show.printer()?,
        site: arguments.site.name(),
        has_failed: false,
    };
    if arguments.lines {
        reading.read_lines(arguments)?;
    } else {
        for input in input::read(&arguments.input)? {
            let is_read = reading.read(&input.name, &input.bytes)?;
            if let (false, Some(hint)) = (is_read, input.hint_of_frames()) {
                complain(&format!("{}: {hint}", input.name));
            }
        }
    }
    reading.end()
}

struct Reading {
    account: RoomAccount,
    printer: EventPrinter,
    site: &'static str,
    has_failed: bool,
}

impl Reading {
    /// Shows what a frame tells, and says whether all of it could be read. What cannot be is told, and does not keep the rest back.
    fn read(&mut self, name: &str, frame: &[u8]) -> Result<bool, Failed> {
        let mut errors: Vec<DecodeError> = Vec::new();
        let printer = &mut self.printer;
        self.account
            .read_captured(frame, unix_ms(), |read| match read {
                Ok(event) => printer.show(&event, ""),
                Err(error) => errors.push(error),
            });
        self.printer.send()?;
        let is_read = errors.is_empty();
        self.has_failed |= !is_read;
        for error in errors {
            let site = self.site;
            complain(&format!(
                "{name} holds what is no message of {site}: {error}"
            ));
        }
        Ok(is_read)
    }

    /// A frame a line, as lines come.
    fn read_lines(&mut self, arguments: &FrameArguments) -> Result<(), Failed> {
        let standard_input = [PathBuf::from("-")];
        let files = match &arguments.input.files[..] {
            [] => &standard_input[..],
            files => files,
        };
        for file in files {
            let (name, reader) = input::open(file)?;
            let reader = BufReader::new(reader);
            for (number, line) in (1..).zip(reader.split(b'\n')) {
                let wrong = |error| Failed::new(FAILED, format!("cannot read {name}: {error}"));
                let line = line.map_err(wrong)?;
                let name = format!("{name}, line {number},");
                self.read_line(&name, &line, arguments)?;
            }
        }
        Ok(())
    }

    fn read_line(
        &mut self,
        name: &str,
        line: &[u8],
        arguments: &FrameArguments,
    ) -> Result<(), Failed> {
        if line.trim_ascii().is_empty() {
            return Ok(());
        }
        match input::parse_line(line, arguments.input.from) {
            Ok(frame) => self.read(name, &frame).map(|_| ()),
            Err(why) => {
                self.has_failed = true;
                complain(&format!("{name} is {why}"));
                Ok(())
            }
        }
    }

    /// Combos that are still open end with the input.
    fn end(mut self) -> Result<(), Failed> {
        let printer = &mut self.printer;
        self.account.end(|event| printer.show(&event, ""));
        self.printer.send()?;
        if self.has_failed {
            return Err(Failed::silent(FAILED));
        }
        Ok(())
    }
}
