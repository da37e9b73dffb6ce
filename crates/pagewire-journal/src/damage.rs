//! What of a journal cannot be read.

use std::fmt;
use std::ops::Range;

/// Bytes of a journal that cannot be read, or records that it should have and has not. Everything else of it is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// Name of the segment's file, where the journal is a folder.
    pub segment: String,
    /// Where in the segment's file. Empty where nothing is wrong with bytes.
    pub bytes: Range<u64>,
    /// What is wrong, by best guess.
    pub kind: DamageKind,
    /// How many records are lost, where the chunks around tell.
    pub records: Option<u64>,
}

/// What is wrong with a part of a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DamageKind {
    /// No chunk begins here: a changed head, or bytes that nobody has written.
    NoChunk,
    /// The records of a chunk are not those that were written.
    Records,
    /// The last chunk of a segment is not complete: its writing was cut off.
    Torn,
    /// A chunk asks for more memory than a chunk may.
    TooLarge,
    /// The checksum fits and the content makes no sense: the fault of the program that wrote it.
    Malformed,
    /// Records were numbered and are not there: a file was removed, or its end was cut off.
    Missing,
    /// A chunk stands here a second time, and is left out.
    Repeated,
    /// The numbers of a segment do not follow those of the one before it. Its records are given.
    OutOfOrder,
}

impl DamageKind {
    const fn words(self) -> &'static str {
        match self {
            Self::NoChunk => "no chunk begins here",
            Self::Records => "the records of a chunk are not what was written (checksum)",
            Self::Torn => "the last chunk was not written to its end",
            Self::TooLarge => "a chunk says that it is larger than chunks may be",
            Self::Malformed => "a chunk is as it was written, and makes no sense",
            Self::Missing => "records that should be before this are not there",
            Self::Repeated => "a chunk stands here a second time",
            Self::OutOfOrder => "the segment does not follow the one before it",
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Range { start, end } = self.bytes;
        if !self.segment.is_empty() {
            write!(f, "{}, ", self.segment)?;
        }
        if end > start {
            write!(f, "bytes {start} to {end} ({} bytes): ", end - start)?;
        } else {
            write!(f, "at byte {start}: ")?;
        }
        f.write_str(self.kind.words())?;
        match self.records {
            None => f.write_str("; how many records are lost is not known"),
            Some(0) => f.write_str("; no record is lost"),
            Some(1) => f.write_str("; one record is lost"),
            Some(records) => write!(f, "; {records} records are lost"),
        }
    }
}
