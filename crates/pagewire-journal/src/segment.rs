//! Reads one segment: records in order, and between them what is damaged. Knows bytes only, be they a file's or in memory.

use std::io::{self, Read, Seek};
use std::ops::Range;

use thiserror::Error;

use crate::chunk::{CHUNK_HEAD_BYTES, FORMAT_VERSION, Head, PACKING_NONE};
use crate::damage::{Damage, DamageKind};
use crate::packing::Unpacker;
use crate::record::{Decoded, Entry, Raw};
use crate::stamp::{Moment, Stamp};
use crate::window::Window;

mod chunks;
#[cfg(test)]
mod tests;

/// Chunks in a row that begin inside a damaged one and are damaged themselves; after so many the reader goes on behind all of them. Damage that
/// happens does not look like that, and without an end a file that is made for it would take time in the square of its length.
pub const RESYNC_NESTED_MAX: u32 = 16;

/// Where a search by time ends, and walking from head to head begins.
const SEEK_BYTES: u64 = 64 << 10;

/// Which part of a journal is wanted.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct TimeRange {
    pub(crate) from: Option<Moment>,
    pub(crate) to: Option<Moment>,
}

/// What this version has no word for, and passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Skipped {
    /// Records of kinds that a newer version has written.
    pub records: u64,
    /// Chunks of kinds or packings that a newer version has written. How many records they hold is not counted above.
    pub chunks: u64,
}

/// What comes next.
#[derive(Debug)]
pub(crate) enum Step {
    /// A record. [`SegmentReader::entry`] gives it, until the next step.
    Record(u64),
    Damage(Damage),
    /// Nothing is left, for now: more may be written.
    End(Ending),
}

/// How a segment ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Behind a complete chunk.
    Whole,
    /// Inside a chunk, which is being written, or was when its writer ended.
    Unfinished(Damage),
    /// Behind the time up to which it was to be read.
    TimeIsUp,
}

/// Why reading a segment stops. Asking again gives the same, or goes on where the system is willing again.
#[derive(Debug, Error)]
pub enum SegmentError {
    /// The system refused to read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A newer program wrote it.
    #[error("version {0} of the format; this program reads up to version {FORMAT_VERSION}")]
    Newer(u8),
}

/// What a journal gives: records in the order in which they were appended, and damage where it lies between them.
#[derive(Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// A record.
    Record {
        /// How many records the journal had before it.
        number: u64,
        /// The record and its time.
        entry: Entry<'a>,
    },
    /// Something that cannot be read. What follows is read none the less.
    Damage(Damage),
}

/// Reads one segment of a journal: a file, or bytes in memory ([`std::io::Cursor`]). [`JournalReader`](crate::JournalReader) reads all
/// segments of one.
///
/// Memory: what the largest chunk takes, at most twice [`CHUNK_BYTES_MAX`](crate::CHUNK_BYTES_MAX), whatever the bytes say.
#[derive(Debug)]
pub struct SegmentReader<R> {
    window: Window<R>,
    unpacker: Unpacker,
    plain: Vec<u8>,
    range: TimeRange,
    /// Where the next chunk should begin.
    at: u64,
    /// The number that all chunks of this segment have, once one was seen.
    segment: Option<u64>,
    /// The number of the next record, where that is known.
    expected: Option<u64>,
    /// True once a chunk of this segment was read.
    begun: bool,
    latest: Stamp,
    chunk: Option<OpenChunk>,
    resync: Resync,
    skipped: Skipped,
}

/// The chunk whose records are being given.
#[derive(Debug)]
struct OpenChunk {
    head: Head,
    at: u64,
    /// How many records were given.
    given: u32,
    /// Where the next record begins, in the records unpacked.
    next: usize,
    /// Where the last one stands.
    last: Range<usize>,
}

/// Damaged chunks whose extent reaches over what is read now.
#[derive(Debug, Default)]
struct Resync {
    until: u64,
    nested: u32,
}

impl<R: Read + Seek> SegmentReader<R> {
    /// Reads from the beginning.
    pub fn new(file: R) -> Self {
        Self::within(file, TimeRange::default(), None)
    }

    /// The next record, or what is damaged. `None` at the end for now: of a file that has grown, a later call gives what was added. A chunk
    /// that is not complete is not there yet.
    ///
    /// # Errors
    ///
    /// The system refuses to read, or a newer program wrote this.
    pub fn read(&mut self) -> Result<Option<Item<'_>>, SegmentError> {
        Ok(match self.step()? {
            Step::Record(number) => self.entry().map(|entry| Item::Record { number, entry }),
            Step::Damage(damage) => Some(Item::Damage(damage)),
            Step::End(_) => None,
        })
    }

    /// What this version has no word for, so far.
    pub(crate) fn skipped(&self) -> Skipped {
        self.skipped
    }

    /// `expected` is the number of the first record, where the segment before tells.
    pub(crate) fn within(file: R, range: TimeRange, expected: Option<u64>) -> Self {
        Self {
            window: Window::new(file),
            unpacker: Unpacker::default(),
            plain: Vec::new(),
            range,
            at: 0,
            segment: None,
            expected,
            begun: false,
            latest: Stamp::default(),
            chunk: None,
            resync: Resync::default(),
            skipped: Skipped::default(),
        }
    }

    /// Goes to where `from` begins, by halving: what is before is not read.
    pub(crate) fn seek(&mut self) -> io::Result<()> {
        let Some(from) = self.range.from else {
            return Ok(());
        };
        self.segment = self.find(0, u64::MAX)?.map(|(_, head)| head.segment);
        let (mut low, mut high) = (0, self.window.file_bytes()?);
        // The end first: most segments end before the time that is wanted, or it is in none of them.
        let mut probe = high.saturating_sub(SEEK_BYTES);
        while high - low > SEEK_BYTES {
            match self.find(probe, high)? {
                Some((at, head)) if from.is_after(head.latest) => low = at,
                Some(_) | None => high = probe,
            }
            probe = low + (high - low) / 2;
        }
        if low > 0 {
            (self.at, self.expected) = (low, None);
        }
        Ok(())
    }

    /// The number that the next record has, where that is known.
    pub(crate) fn expected(&self) -> Option<u64> {
        self.expected
    }

    /// The latest time of what was read.
    pub(crate) fn latest(&self) -> Stamp {
        self.latest
    }

    /// True where a chunk is to be found anywhere in it.
    pub(crate) fn has_chunks(&mut self) -> io::Result<bool> {
        Ok(self.find(0, u64::MAX)?.is_some())
    }

    /// The record that the last step was about.
    pub(crate) fn entry(&self) -> Option<Entry<'_>> {
        let chunk = self.chunk.as_ref()?;
        let (raw, _) = Raw::take(self.records(chunk).get(chunk.last.clone())?)?;
        match raw.decode() {
            Decoded::Known(record) => Some(Entry { at: raw.at, record }),
            Decoded::Unknown | Decoded::Malformed => None,
        }
    }

    pub(crate) fn step(&mut self) -> Result<Step, SegmentError> {
        loop {
            let step = match self.chunk {
                Some(_) => self.next_record(),
                None => self.next_chunk()?,
            };
            if let Some(step) = step {
                return Ok(step);
            }
        }
    }

    /// `None` at the end of the chunk, and behind what is left out.
    fn next_record(&mut self) -> Option<Step> {
        let mut chunk = self.chunk.take()?;
        let records = self.records(&chunk);
        let rest = records.get(chunk.next..).unwrap_or_default();
        if chunk.given == chunk.head.records {
            let step = (!rest.is_empty()).then(|| malformed(&chunk, 0));
            self.latest = self.latest.latest(chunk.head.latest);
            return step;
        }
        let Some((raw, bytes)) = Raw::take(rest) else {
            return Some(malformed(&chunk, chunk.head.records - chunk.given));
        };
        let number = chunk.head.first.saturating_add(u64::from(chunk.given));
        let (at, decoded) = (raw.at, raw.decode());
        let (is_known, is_malformed) = (
            matches!(decoded, Decoded::Known(_)),
            decoded == Decoded::Malformed,
        );
        chunk.last = chunk.next..chunk.next + bytes;
        chunk.next += bytes;
        chunk.given += 1;
        self.latest = self.latest.latest(at);
        let step = if self.range.to.is_some_and(|to| to.is_before(self.latest)) {
            Some(Step::End(Ending::TimeIsUp))
        } else if self
            .range
            .from
            .is_some_and(|from| from.is_after(self.latest))
        {
            None
        } else if is_known {
            Some(Step::Record(number))
        } else if is_malformed {
            Some(malformed(&chunk, 1))
        } else {
            self.skipped.records += 1;
            None
        };
        self.chunk = Some(chunk);
        step
    }

    fn records(&self, chunk: &OpenChunk) -> &[u8] {
        if chunk.head.packing == PACKING_NONE {
            let at = chunk.at + CHUNK_HEAD_BYTES as u64;
            let held = self.window.held(at, chunk.head.stored_bytes as usize);
            held.expect("the window does not move while a chunk is open")
        } else {
            &self.plain
        }
    }
}

fn malformed(chunk: &OpenChunk, records: u32) -> Step {
    let bytes = chunk.at..chunk.at + chunk.head.chunk_bytes();
    Step::Damage(damage(bytes, DamageKind::Malformed, Some(records.into())))
}

/// The name of the file is put in by who knows it.
fn damage(bytes: Range<u64>, kind: DamageKind, records: Option<u64>) -> Damage {
    Damage {
        segment: String::new(),
        bytes,
        kind,
        records,
    }
}
