//! Writes a journal.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

mod encoder;
mod recovery;
mod sync;

pub use self::recovery::Recovered;

use self::encoder::{Encoder, Mark};
use self::sync::Syncer;
use crate::chunk::{CHUNK_BYTES_MAX, CHUNK_HEAD_BYTES};
use crate::error::Error;
use crate::folder::{SEGMENTS_MAX, SegmentName, claim, create_segment, segment_path, sync_folder};
use crate::record::{Entry, Gap, Record};
use crate::stamp::Stamp;

/// How a journal is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// A chunk that would make a segment longer begins a new one. Bytes; 64 MiB by default. A segment has one chunk with records at least.
    pub segment_bytes_max: u64,
    /// A record that is so much later than the beginning of its segment begins a new one. One hour by default.
    pub segment_time_max: Duration,
    /// What was written is on the disk after so long, and the time that the disk takes. One second by default.
    pub sync_wait_max: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_bytes_max: 64 << 20,
            segment_time_max: Duration::from_secs(60 * 60),
            sync_wait_max: Duration::from_secs(1),
        }
    }
}

/// What became of records that were appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// They are kept.
    Kept,
    /// They are kept, and before them a [`Gap`] about those that are not.
    Resumed {
        /// How many are not.
        missed: u64,
    },
    /// They are not kept, for the reason that an earlier append has told. Each append tries again.
    Missed {
        /// How many are not by now.
        missed: u64,
    },
}

/// Writes a journal. There is one writer at a time: it holds a lock until it is closed or dropped.
///
/// Its calls write to files, and wait for the disk where the system does: in a program of tasks it belongs into a thread of its own.
#[derive(Debug)]
pub struct JournalWriter {
    folder: PathBuf,
    options: Options,
    encoder: Encoder,
    /// Up to where all is written.
    written: Mark,
    segment: Option<OpenSegment>,
    segments: usize,
    next_sequence: u64,
    missed: Option<Missed>,
    syncer: Syncer,
    /// The last member, so the last to go: whoever takes the lock finds all written.
    _lock: File,
}

/// The segment that is being written.
#[derive(Debug)]
struct OpenSegment {
    file: Arc<File>,
    path: PathBuf,
    /// Its length up to the last whole chunk.
    bytes: u64,
    began: Stamp,
}

/// Records that could not be written.
#[derive(Debug)]
struct Missed {
    records: u64,
    since: Stamp,
    reason: String,
}

impl Missed {
    fn entry(&self, at: Stamp) -> Entry<'_> {
        let record = Record::Gap(Gap {
            records: self.records,
            since: self.since,
            reason: &self.reason,
        });
        Entry { at, record }
    }
}

/// Records of one append go into chunks of about so many bytes: a changed byte costs no more, and packing gains most of what there is to gain.
const CHUNK_BYTES: usize = 64 << 10;
/// What is written at once, where an append has more.
const WRITE_BYTES: usize = 1 << 20;

impl JournalWriter {
    /// Opens the journal in this folder, which is made where it is not there. A chunk that was not written to its end is cut off; what this
    /// writer appends goes to a new segment.
    ///
    /// `now_unix_us` is the time of now, in microseconds since 1970; [`Recovered::resume_us`] is the time of now by the journal's clock.
    ///
    /// # Errors
    ///
    /// Another process writes it, it is something else, a newer program wrote it, or the system refuses.
    pub fn open(
        path: impl AsRef<Path>,
        options: Options,
        now_unix_us: u64,
    ) -> Result<(Self, Recovered), Error> {
        let folder = path.as_ref().to_owned();
        let lock = claim(&folder)?;
        let found = recovery::recover(&folder, now_unix_us)?;
        let syncer = Syncer::start(options.sync_wait_max).map_err(Error::io("sync", &folder))?;
        let written = Mark {
            next_record: found.recovered.next_record,
            latest: Stamp::default(),
        };
        let writer = Self {
            folder,
            options,
            encoder: Encoder::new(written),
            written,
            segment: None,
            segments: found.segments,
            next_sequence: found.next_sequence,
            missed: None,
            syncer,
            _lock: lock,
        };
        Ok((writer, found.recovered))
    }

    /// Appends records in their order. Those of one call are packed together and written at once: one call for many is much cheaper than many.
    ///
    /// When it returns [`Appended::Kept`] or [`Appended::Resumed`], the system has them: the end of this process cannot lose them. A power cut can
    /// take those of the last [`sync_wait_max`](Options::sync_wait_max).
    ///
    /// # Errors
    ///
    /// - [`Error::RecordTooLarge`]: nothing of this call is written.
    /// - [`Error::NotSynced`]: all of this call is written, and earlier records may not last. Told once each time that it happens.
    /// - All others: records of this call are missing, from some point on. Told once; each further call tries again, and gives
    ///   [`Appended::Missed`] until there is room.
    pub fn append(&mut self, entries: &[Entry<'_>]) -> Result<Appended, Error> {
        check_sizes(entries)?;
        let Some(first) = entries.first() else {
            return Ok(Appended::Kept);
        };
        let missed = self.missed.take();
        let gap = missed.as_ref().map(|missed| missed.entry(first.at));
        let before = self.written.next_record;
        let result = self.write(gap.as_slice(), entries);
        if let Err(error) = result {
            let written = self.written.next_record - before;
            return self.miss(missed, entries, written, error);
        }
        self.syncer.check()?;
        Ok(match missed {
            Some(Missed { records, .. }) => Appended::Resumed { missed: records },
            None => Appended::Kept,
        })
    }

    /// Records that are missing by now, and that no [`Gap`] in the journal tells of.
    pub fn missed(&self) -> u64 {
        self.missed.as_ref().map_or(0, |missed| missed.records)
    }

    /// Waits until all that was appended is on the disk.
    fn sync(&self) -> Result<(), Error> {
        self.syncer.check()?;
        let Some(segment) = &self.segment else {
            return Ok(());
        };
        let result = segment.file.sync_data();
        result.map_err(|source| Error::NotSynced {
            path: segment.path.clone(),
            source,
        })
    }

    /// Writes the gap about what is missing at the end, syncs, and lets another process write. Dropping syncs, and says nothing.
    ///
    /// # Errors
    ///
    /// The system could not write it: what was appended since the last time may not last. Or there is still no room for the gap.
    pub fn close(mut self) -> Result<(), Error> {
        if let Some(missed) = self.missed.take() {
            self.write(&[missed.entry(missed.since)], &[])?;
        }
        self.sync()
    }

    /// Of the gap before these entries and the entries themselves so many were written, and no more.
    fn miss(
        &mut self,
        earlier: Option<Missed>,
        entries: &[Entry<'_>],
        written: u64,
        error: Error,
    ) -> Result<Appended, Error> {
        let gaps = u64::from(earlier.is_some());
        if let (Some(mut missed), 0) = (earlier, written) {
            missed.records += entries.len() as u64;
            let records = missed.records;
            self.missed = Some(missed);
            return Ok(Appended::Missed { missed: records });
        }
        let kept = usize::try_from(written.saturating_sub(gaps)).unwrap_or(usize::MAX);
        let lost = entries.get(kept..).unwrap_or_default();
        self.missed = lost.first().map(|first| Missed {
            records: lost.len() as u64,
            since: first.at,
            reason: error.to_string(),
        });
        Err(error)
    }

    /// The gap goes with what comes behind it: where there is room for nothing else, it would be written again and again.
    fn write(&mut self, gap: &[Entry<'_>], entries: &[Entry<'_>]) -> Result<(), Error> {
        for mut rest in [gap, entries] {
            while !rest.is_empty() {
                let (records, bytes) = chunk_of(rest);
                let (chunk, behind) = rest.split_at(records);
                self.encode(chunk, bytes)?;
                rest = behind;
            }
        }
        self.flush()
    }

    fn encode(&mut self, chunk: &[Entry<'_>], bytes: usize) -> Result<(), Error> {
        let Some(first) = chunk.first() else {
            return Ok(());
        };
        if self.must_rotate(bytes, first.at) {
            self.flush()?;
            self.end_segment();
        }
        if self.segment.is_none() {
            self.begin_segment(first.at)?;
        }
        self.encoder.chunk(chunk);
        if self.encoder.bytes().len() >= WRITE_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    fn must_rotate(&self, plain_bytes: usize, at: Stamp) -> bool {
        let Some(segment) = &self.segment else {
            return false;
        };
        let written = segment.bytes + self.encoder.bytes().len() as u64;
        let chunk = (CHUNK_HEAD_BYTES + plain_bytes) as u64;
        let age = Duration::from_micros(at.mono_us.saturating_sub(segment.began.mono_us));
        let has_records = written > CHUNK_HEAD_BYTES as u64;
        has_records
            && (written + chunk > self.options.segment_bytes_max
                || age > self.options.segment_time_max)
    }

    fn begin_segment(&mut self, at: Stamp) -> Result<(), Error> {
        if self.segments >= SEGMENTS_MAX {
            let path = self.folder.clone();
            return Err(Error::TooManySegments { path });
        }
        let name = SegmentName {
            sequence: self.next_sequence,
            unix_ms: at.unix_us / 1_000,
        };
        let path = segment_path(&self.folder, name);
        let id = getrandom::u64().map_err(io::Error::from);
        let id = id.map_err(Error::io("get a random number for", &path))?;
        let file = create_segment(&path).map_err(Error::io("create", &path))?;
        self.next_sequence += 1;
        self.segments += 1;
        self.written.latest = at;
        self.encoder.begin(id, at);
        self.segment = Some(OpenSegment {
            file: Arc::new(file),
            path,
            bytes: 0,
            began: at,
        });
        self.syncer.note(&self.folder, sync_folder(&self.folder));
        Ok(())
    }

    fn end_segment(&mut self) {
        if let Some(segment) = self.segment.take() {
            self.syncer.note(&segment.path, segment.file.sync_data());
        }
    }

    /// Gives the system what is encoded. After an error nothing of it is in the segment.
    fn flush(&mut self) -> Result<(), Error> {
        let Some(segment) = &mut self.segment else {
            return Ok(());
        };
        let bytes = self.encoder.bytes();
        if bytes.is_empty() {
            return Ok(());
        }
        let result = (&*segment.file).write_all(bytes);
        match result {
            Ok(()) => {
                segment.bytes += bytes.len() as u64;
                self.written = self.encoder.clear();
                self.syncer.touch(&segment.file, &segment.path);
                Ok(())
            }
            Err(source) => {
                let error = Error::io("write to", &segment.path)(source);
                self.encoder.go_back(self.written);
                self.take_back();
                Err(error)
            }
        }
    }

    /// Cuts off what of a chunk was written. Where that cannot be done, the next chunk goes to a new segment.
    fn take_back(&mut self) {
        let Some(segment) = &self.segment else {
            return;
        };
        if segment.bytes == 0 {
            // Where this fails, readers are given what whole chunks it has, and told of numbers that come again.
            if fs::remove_file(&segment.path).is_ok() {
                self.segments -= 1;
            }
            self.segment = None;
        } else if segment.file.set_len(segment.bytes).is_err() {
            self.end_segment();
        }
    }
}

fn check_sizes(entries: &[Entry<'_>]) -> Result<(), Error> {
    let mut sizes = entries.iter().map(Entry::encoded_bytes).enumerate();
    match sizes.find(|(_, bytes)| *bytes > CHUNK_BYTES_MAX) {
        Some((index, bytes)) => Err(Error::RecordTooLarge { index, bytes }),
        None => Ok(()),
    }
}

/// How many of these go into the next chunk, and the bytes that they take there.
fn chunk_of(entries: &[Entry<'_>]) -> (usize, usize) {
    let mut bytes = 0;
    let mut records = 0;
    for entry in entries {
        let with = bytes + entry.encoded_bytes();
        if records > 0 && with > CHUNK_BYTES {
            break;
        }
        (records, bytes) = (records + 1, with);
    }
    (records, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_segments_as_may_be_are_begun_and_not_one_more() {
        let folder = tempfile::tempdir().unwrap();
        let options = Options {
            segment_bytes_max: 1,
            ..Options::default()
        };
        let path = folder.path().join("journal");
        let (mut writer, _) = JournalWriter::open(path, options, 0).unwrap();
        writer.segments = SEGMENTS_MAX - 1;
        let (at, record) = (Stamp::default(), Record::Note("{}"));
        let note = [Entry { at, record }];
        assert_eq!(writer.append(&note).unwrap(), Appended::Kept);
        let error = writer.append(&note).unwrap_err();
        assert!(matches!(error, Error::TooManySegments { .. }), "{error}");
        assert_eq!(writer.missed(), 1);
        // Somebody has moved two away: the gap takes one, as it is longer than a segment here.
        writer.segments -= 2;
        let resumed = writer.append(&note).unwrap();
        assert_eq!(resumed, Appended::Resumed { missed: 1 });
        assert_eq!(writer.missed(), 0);
    }
}
