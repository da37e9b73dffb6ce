//! What an earlier writer has left.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

use crate::damage::Damage;
use crate::error::Error;
use crate::folder::{SegmentName, segment_path, segments};
use crate::segment::{Ending, SegmentError, SegmentReader, Step};
use crate::stamp::Stamp;

/// What [`JournalWriter::open`](crate::JournalWriter::open) found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// The number that the next record gets: so many were appended before, but for those that damage hides.
    pub next_record: u64,
    /// The latest time in the last segment with records. `None` where the journal is new.
    pub last: Option<Stamp>,
    /// The time of now by the journal's clock, in microseconds since it began: as much behind [`last`](Self::last) as the clock on the wall says, and
    /// never before it.
    pub resume_us: u64,
    /// A chunk that an earlier writer did not write to its end, and that is now cut off. None of its records was promised to anybody.
    pub cut: Option<Damage>,
}

/// What a writer begins with.
pub(super) struct Found {
    pub(super) recovered: Recovered,
    pub(super) segments: usize,
    pub(super) next_sequence: u64,
}

/// Looks at the last segment with chunks, which is read as a whole: a torn end is cut off, damage is left for whoever reads.
pub(super) fn recover(folder: &Path, now_unix_us: u64) -> Result<Found, Error> {
    let mut names = segments(folder)?;
    let mut found = Found {
        recovered: Recovered {
            next_record: 0,
            last: None,
            resume_us: 0,
            cut: None,
        },
        segments: names.len(),
        next_sequence: names
            .last()
            .map_or(0, |name| name.sequence.saturating_add(1)),
    };
    while let Some(name) = names.pop() {
        let path = segment_path(folder, name);
        let end = end_of(&path, name)?;
        if let Some(torn) = end.torn {
            cut(&path, torn.bytes.start)?;
            found.segments -= usize::from(torn.bytes.start == 0);
            found.recovered.cut.get_or_insert(torn);
        }
        let Some(next_record) = end.next_record else {
            continue;
        };
        found.recovered.next_record = next_record;
        found.recovered.last = Some(end.latest);
        let since_us = now_unix_us.saturating_sub(end.latest.unix_us);
        found.recovered.resume_us = end.latest.mono_us.saturating_add(since_us);
        break;
    }
    Ok(found)
}

struct End {
    next_record: Option<u64>,
    latest: Stamp,
    torn: Option<Damage>,
}

fn end_of(path: &Path, name: SegmentName) -> Result<End, Error> {
    let file = File::open(path).map_err(Error::io("open", path))?;
    let mut reader = SegmentReader::new(file);
    // The last damage, if nothing was read behind it.
    let mut hidden = 0;
    loop {
        let step = reader.step().map_err(|error| match error {
            SegmentError::Io(error) => Error::io("read", path)(error),
            SegmentError::Newer(version) => Error::Newer {
                path: path.to_owned(),
                version,
            },
        })?;
        match step {
            Step::Record(_) => hidden = 0,
            // One number is left out, so that whoever reads sees that there were records.
            Step::Damage(damage) => hidden = u64::from(damage.records.is_none()),
            Step::End(ending) => {
                return Ok(End {
                    next_record: reader.expected().map(|next| next.saturating_add(hidden)),
                    latest: reader.latest(),
                    torn: match ending {
                        Ending::Unfinished(torn) => Some(Damage {
                            segment: name.to_string(),
                            ..torn
                        }),
                        Ending::Whole | Ending::TimeIsUp => None,
                    },
                });
            }
        }
    }
}

fn cut(path: &Path, bytes: u64) -> Result<(), Error> {
    let result = if bytes == 0 {
        fs::remove_file(path)
    } else {
        shorten(path, bytes)
    };
    result.map_err(Error::io("cut off the unfinished end of", path))
}

fn shorten(path: &Path, bytes: u64) -> io::Result<()> {
    let file = OpenOptions::new().write(true).open(path)?;
    file.set_len(bytes)?;
    file.sync_all()
}
