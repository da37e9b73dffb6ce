//! A room that plays a journal: the messages of its frames, as far apart as they came.

mod apart;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use pagewire_journal::{Direction, Frame, FrameKind, Item, JournalReader, Record, Skipped};
use pagewire_live::made::{Frames, Happening, Happens, Person, Repeat, frames};
use pagewire_live::{FrameReader, Site};
use serde::Serialize;

use self::apart::{Apart, Part, Tells};
use super::{Message, Next, is_doubled, is_lost, reordered};
use crate::fault::Fault;
use crate::options::{OptionsError, Recording, RoomOptions, Speed};
use crate::server::SimError;

/// First frames of a journal in which the number of its room is looked for. Where none of them tells, it is the room's name or made up.
pub const NUMBER_FRAMES_MAX: usize = 256;
/// What the host of a recorded room is called: who it was, no frame has to tell.
const HOST: &str = "录像";

/// What of a journal was played so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Played {
    /// Frames that had messages.
    pub frames: u64,
    /// Frames that cannot be read, of which nothing was sent.
    pub frames_unread: u64,
    /// Messages that cannot be read. They were sent as they are, and are in [`Manifest::messages`](crate::Manifest::messages) alone.
    pub messages_unread: u64,
    /// Parts of the journal that are damaged.
    pub damaged: u64,
    /// Records, and whole chunks of them, that a newer version wrote and this one passed over.
    pub skipped: u64,
    /// Why the journal could not be read on, where that ended the broadcast.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

/// A journal as it plays. Of it there is one frame in memory, and one chunk.
pub(crate) struct Recorded {
    site: Site,
    speed: Speed,
    reader: JournalReader,
    apart: Apart,
    /// When the first frame came, in microseconds of the journal.
    began_us: Option<u64>,
    /// The next frame, where it is not due yet.
    upcoming: Option<Upcoming>,
    /// What is to be reversed.
    held: Vec<Part>,
    /// To be sent before anything else is.
    waiting: VecDeque<Part>,
    /// Messages so far, with those that were lost.
    count: u64,
    played: Played,
    /// Makes up the end of a broadcast of which the journal has none.
    frames: Box<dyn Frames + Send>,
    has_ended: bool,
    pub(super) id: u64,
    pub(super) host: Arc<Person>,
}

#[derive(Debug)]
struct Upcoming {
    at_us: u64,
    parts: Vec<Part>,
}

impl std::fmt::Debug for Recorded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorded")
            .field("reader", &self.reader)
            .field("played", &self.played)
            .finish_non_exhaustive()
    }
}

impl Recorded {
    /// # Errors
    ///
    /// The journal cannot be read, or is of a site that cannot be simulated.
    pub(super) fn open(options: &RoomOptions, recording: &Recording) -> Result<Self, SimError> {
        let site = options.site;
        let none = || OptionsError::Site(site.name());
        let mut frames = frames(site, options.seed, None).ok_or_else(none)?;
        let id = match number_of(&recording.path, site)? {
            Some(id) => id,
            None => by_name(options).unwrap_or_else(|| frames.room().id()),
        };
        let host = Person {
            id: if site == Site::Huya {
                id
            } else {
                frames.room().host().id
            },
            name: HOST.to_owned(),
            ..Person::clone(frames.room().host())
        };
        Ok(Self {
            site,
            speed: recording.speed,
            reader: JournalReader::open(&recording.path)?,
            apart: Apart::new(site, id),
            began_us: None,
            upcoming: None,
            held: Vec::new(),
            waiting: VecDeque::new(),
            count: 0,
            played: Played::default(),
            frames,
            has_ended: false,
            id,
            host: Arc::new(host),
        })
    }

    pub(super) fn played(&self) -> Played {
        let Skipped { records, chunks } = self.reader.skipped();
        Played {
            skipped: records + chunks,
            ..self.played.clone()
        }
    }

    /// What comes next, so long after the first frame.
    pub(super) fn next(&mut self, since_begin: Duration, faults: &[Fault]) -> Next {
        while self.waiting.is_empty() {
            let Some(upcoming) = self.upcoming.take().or_else(|| self.read()) else {
                self.release();
                if self.waiting.is_empty() {
                    return Next::Over;
                }
                break;
            };
            if !self.is_due(upcoming.at_us, since_begin) {
                self.upcoming = Some(upcoming);
                return Next::Later;
            }
            for part in upcoming.parts {
                self.add(part, faults);
            }
        }
        let Some(part) = self.waiting.pop_front() else {
            return Next::Later;
        };
        self.count += 1;
        match part.tells {
            // Whoever waits for the end, or counts gifts, is not to be led astray by a fault of how they are told.
            Tells::Gift | Tells::End => {}
            Tells::Other if is_lost(self.count, faults) => return Next::Lost,
            Tells::Other => {}
        }
        Next::Message(part.message)
    }

    fn is_due(&mut self, at_us: u64, since_begin: Duration) -> bool {
        let began_us = *self.began_us.get_or_insert(at_us);
        match self.speed {
            Speed::Max => true,
            Speed::Times(times) => {
                let after = Duration::from_micros(at_us.saturating_sub(began_us));
                after.as_secs_f64() <= since_begin.as_secs_f64() * times
            }
        }
    }

    /// Puts a message behind those that wait.
    fn add(&mut self, part: Part, faults: &[Fault]) {
        // Messages of Douyu have no id by which somebody could tell that they came before.
        let can_double = part.tells == Tells::Gift && self.site != Site::Douyu;
        let again = (can_double && is_doubled(faults)).then(|| part.clone());
        let is_end = part.tells == Tells::End;
        self.has_ended |= is_end;
        self.held.push(part);
        self.held.extend(again);
        let together = reordered(faults).unwrap_or(1);
        if is_end || self.held.len() as u64 >= together {
            if together > 1 && !is_end {
                self.held.reverse();
            }
            self.release();
        }
    }

    fn release(&mut self) {
        self.waiting.extend(self.held.drain(..));
    }

    /// The next frame with messages. None at the end of the journal.
    fn read(&mut self) -> Option<Upcoming> {
        loop {
            let item = match self.reader.read() {
                Ok(item) => item?,
                Err(error) => {
                    self.played.failed = Some(error.to_string());
                    return None;
                }
            };
            let entry = match item {
                Item::Record { entry, .. } => entry,
                Item::Damage(_) => {
                    self.played.damaged += 1;
                    continue;
                }
            };
            let Some(frame) = incoming(entry.record) else {
                continue;
            };
            let taken = self.apart.take(frame);
            self.played.messages_unread += taken.messages_unread;
            self.played.frames_unread += u64::from(taken.is_unread);
            if !taken.parts.is_empty() {
                self.played.frames += 1;
                return Some(Upcoming {
                    at_us: entry.at.mono_us,
                    parts: taken.parts,
                });
            }
        }
    }

    /// What was still held back, and the end of the broadcast where the journal did not have it.
    pub(super) fn end(&mut self, now_ms: u64) -> Vec<Message> {
        self.release();
        let rest = self.waiting.drain(..).map(|part| part.message);
        let mut rest: Vec<_> = rest.collect();
        if !self.has_ended {
            self.has_ended = true;
            rest.extend(self.made_end(now_ms));
        }
        rest
    }

    fn made_end(&mut self, now_ms: u64) -> Option<Message> {
        self.frames.room().set_clock(now_ms);
        let end = Happening {
            id: (now_ms / 1_000) << 32 | 0xffff_ffff,
            at_ms: now_ms,
            repeat: Repeat::First,
            what: Happens::End,
        };
        let written = self.frames.write(&end)?;
        Some(Message {
            id: end.id,
            written,
            happening: None,
        })
    }
}

/// Frames that a site sent; not what a client sent, nor what is of the socket alone.
const fn incoming(record: Record<'_>) -> Option<Frame<'_>> {
    let Record::Frame(frame) = record else {
        return None;
    };
    match (frame.direction, frame.kind) {
        (Direction::In, FrameKind::Binary | FrameKind::Polled) => Some(frame),
        (Direction::In, FrameKind::Text | FrameKind::Close | FrameKind::Ping | FrameKind::Pong)
        | (Direction::Out, _) => None,
    }
}

/// At these sites rooms are called by their numbers.
fn by_name(options: &RoomOptions) -> Option<u64> {
    match options.site {
        Site::Bilibili | Site::Douyu => options.name.parse().ok(),
        Site::Douyin | Site::Huya | Site::Tiktok => None,
    }
}

/// The number of the room by its first messages that tell one, so that a client asks for the room that it then hears of.
fn number_of(path: &Path, site: Site) -> Result<Option<u64>, pagewire_journal::Error> {
    let (mut reader, mut frames) = (JournalReader::open(path)?, FrameReader::new(site));
    let (mut number, mut looked_at) = (None, 0);
    while looked_at < NUMBER_FRAMES_MAX && number.is_none() {
        let Some(item) = reader.read()? else {
            break;
        };
        let Item::Record { entry, .. } = item else {
            continue;
        };
        if let Some(frame) = incoming(entry.record) {
            looked_at += 1;
            frames.read(frame.payload, 0, |read| {
                let told = read.ok().and_then(|event| event.room.parse().ok());
                number = number.or(told).filter(|number| *number > 0);
            });
        }
    }
    Ok(number)
}
