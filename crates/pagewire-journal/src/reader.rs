//! Reads a journal: its segments one after the other.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::damage::Damage;
use crate::error::Error;
use crate::folder::{SegmentName, segment_path, segments_to_read};
use crate::record::Record;
use crate::segment::{Ending, Item, SegmentError, SegmentReader, Skipped, Step, TimeRange};
use crate::stamp::Moment;

/// Reads a journal, or one file of it, in the order in which it was written. Another process may write it meanwhile.
///
/// Memory: what the largest chunk takes, and a name for each segment.
#[derive(Debug)]
pub struct JournalReader {
    path: PathBuf,
    source: Source,
    range: TimeRange,
    current: Option<Current>,
    unfinished: Option<Damage>,
    /// Of the segments that are read to their ends.
    skipped: Skipped,
}

#[derive(Debug)]
enum Source {
    File,
    /// The segments behind the current one, the next last.
    Folder(Vec<SegmentName>),
}

#[derive(Debug)]
struct Current {
    reader: SegmentReader<File>,
    /// Without one it is a file that was named by itself.
    name: Option<SegmentName>,
    path: PathBuf,
}

/// What a journal says of itself: the first note, or metadata of a connection, of which `read` makes something. All of it is looked through, as its
/// beginning may be damaged.
///
/// # Errors
///
/// As of [`JournalReader::open`] and [`JournalReader::read`].
pub fn find_note<T>(
    path: impl AsRef<Path>,
    mut read: impl FnMut(&str) -> Option<T>,
) -> Result<Option<T>, Error> {
    let mut reader = JournalReader::open(path)?;
    while let Some(item) = reader.read()? {
        let Item::Record { entry, .. } = item else {
            continue;
        };
        let json = match entry.record {
            Record::Note(json) => json,
            Record::Opened(opened) => opened.metadata,
            Record::Frame(_) | Record::Closed(_) | Record::Gap(_) => continue,
        };
        if let Some(found) = read(json) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// What [`JournalReader::read`] found, without what it borrows.
enum Found {
    Record(u64),
    Damage(Damage),
    End,
}

impl JournalReader {
    /// Opens a journal's folder, or one of its segments.
    ///
    /// # Errors
    ///
    /// Nothing is there, it is no journal, or the system refuses to read it.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref().to_owned();
        let metadata = path.metadata().map_err(Error::reading("read", &path))?;
        let source = if metadata.is_dir() {
            Source::Folder(upcoming(&path, None)?)
        } else {
            let file = File::open(&path).map_err(Error::reading("open", &path))?;
            let mut reader = SegmentReader::new(file);
            let has_chunks = reader.has_chunks().map_err(Error::reading("read", &path))?;
            if metadata.len() > 0 && !has_chunks {
                return Err(Error::NotAJournal {
                    path,
                    found: [
                        "no chunk of a journal can be found in this file",
                        "文件中没有日志数据",
                    ],
                    inside: Box::default(),
                });
            }
            Source::File
        };
        Ok(Self {
            path,
            source,
            range: TimeRange::default(),
            current: None,
            unfinished: None,
            skipped: Skipped::default(),
        })
    }

    /// Begins at the first record that is not before this moment, and does not read what is before.
    ///
    /// The time of a record here is the latest of all records of its segment up to it: what was appended a little out of order stays together, and
    /// a part of a journal is always one stretch of each segment. Call it before the first [`read`](Self::read).
    #[must_use]
    pub fn from(mut self, from: Moment) -> Self {
        self.range.from = Some(from);
        self
    }

    /// Ends with the last record that is not behind this moment, by the time that [`from`](Self::from) explains.
    #[must_use]
    pub fn to(mut self, to: Moment) -> Self {
        self.range.to = Some(to);
        self
    }

    /// The next record, or what is damaged. `None` at the end for now: while another process writes, a later call gives what was added.
    ///
    /// # Errors
    ///
    /// The system refuses to read, or a newer program wrote a segment. A later call tries the same place again.
    pub fn read(&mut self) -> Result<Option<Item<'_>>, Error> {
        match self.find()? {
            Found::Record(number) => {
                let current = self.current.as_ref();
                let entry = current.and_then(|current| current.reader.entry());
                Ok(entry.map(|entry| Item::Record { number, entry }))
            }
            Found::Damage(damage) => Ok(Some(Item::Damage(damage))),
            Found::End => Ok(None),
        }
    }

    /// What stands behind the last complete chunk, after [`read`](Self::read) gave `None`: a chunk that another process is just writing, or
    /// did not write to its end. Nothing of it was promised to anybody.
    pub fn unfinished(&self) -> Option<&Damage> {
        self.unfinished.as_ref()
    }

    /// What newer versions wrote and this one passed over, so far.
    pub fn skipped(&self) -> Skipped {
        let current = self
            .current
            .as_ref()
            .map(|current| current.reader.skipped());
        let current = current.unwrap_or_default();
        Skipped {
            records: self.skipped.records + current.records,
            chunks: self.skipped.chunks + current.chunks,
        }
    }

    fn find(&mut self) -> Result<Found, Error> {
        self.unfinished = None;
        loop {
            let Some(current) = &mut self.current else {
                if self.open_next(None)? {
                    continue;
                }
                return Ok(Found::End);
            };
            match current
                .reader
                .step()
                .map_err(|error| current.error(error))?
            {
                Step::Record(number) => return Ok(Found::Record(number)),
                Step::Damage(damage) => return Ok(Found::Damage(current.named(damage))),
                Step::End(ending) => {
                    if let Some(found) = self.end_segment(ending)? {
                        return Ok(found);
                    }
                }
            }
        }
    }

    /// Goes on to the next segment, if there is one. `None` where there is more to read.
    fn end_segment(&mut self, ending: Ending) -> Result<Option<Found>, Error> {
        let (Source::Folder(rest), Some(current)) = (&mut self.source, &self.current) else {
            return Ok(Some(self.stay(ending)));
        };
        if rest.is_empty() {
            *rest = upcoming(&self.path, current.name)?;
            // What is there now was made after the end was seen; more may have been written before it.
            return Ok(rest.is_empty().then(|| self.stay(ending)));
        }
        let expected = current.reader.expected();
        let (torn, expected) = match ending {
            Ending::Unfinished(damage) => (Some(Found::Damage(current.named(damage))), expected),
            Ending::Whole => (None, expected),
            // What was not looked at is not missing.
            Ending::TimeIsUp => (None, None),
        };
        self.open_next(expected)?;
        Ok(torn)
    }

    fn stay(&mut self, ending: Ending) -> Found {
        let current = self.current.as_ref();
        self.unfinished = match ending {
            Ending::Unfinished(damage) => current.map(|current| current.named(damage)),
            Ending::Whole | Ending::TimeIsUp => None,
        };
        Found::End
    }

    /// `expected` is the number of its first record, where that is known. False where there is none.
    fn open_next(&mut self, expected: Option<u64>) -> Result<bool, Error> {
        let (name, path) = match &mut self.source {
            Source::File => (None, self.path.clone()),
            Source::Folder(rest) => {
                if rest.is_empty() {
                    *rest = upcoming(&self.path, None)?;
                }
                let Some(&name) = rest.last() else {
                    return Ok(false);
                };
                (Some(name), segment_path(&self.path, name))
            }
        };
        let file = match File::open(&path) {
            // Taken away since it was listed. If it had records, the numbers of the next ones tell.
            Err(error) if error.kind() == ErrorKind::NotFound && name.is_some() => {
                self.pop();
                return Ok(true);
            }
            file => file.map_err(Error::reading("open", &path))?,
        };
        let mut reader = SegmentReader::within(file, self.range, expected);
        reader.seek().map_err(Error::reading("read", &path))?;
        self.pop();
        self.skipped = self.skipped();
        self.current = Some(Current { reader, name, path });
        Ok(true)
    }

    fn pop(&mut self) {
        if let Source::Folder(rest) = &mut self.source {
            rest.pop();
        }
    }
}

impl Current {
    fn named(&self, damage: Damage) -> Damage {
        Damage {
            segment: self.name.map(|name| name.to_string()).unwrap_or_default(),
            ..damage
        }
    }

    fn error(&self, error: SegmentError) -> Error {
        match error {
            SegmentError::Io(error) => Error::reading("read", &self.path)(error),
            SegmentError::Newer(version) => Error::Newer {
                path: self.path.clone(),
                version,
            },
        }
    }
}

/// The segments behind this one, the next last.
fn upcoming(folder: &Path, behind: Option<SegmentName>) -> Result<Vec<SegmentName>, Error> {
    let mut segments = segments_to_read(folder)?;
    segments.retain(|name| behind.is_none_or(|behind| *name > behind));
    segments.reverse();
    Ok(segments)
}
