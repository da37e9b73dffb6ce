//! The folder that a journal is: names of its segments, its lock, who may read it.

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Error, NAMED};

/// Most segments of a journal. At 64 MiB each they are 4 TiB.
pub const SEGMENTS_MAX: usize = 65_536;

/// Whoever writes holds a lock on this file. It stays when it is let go of.
const LOCK_NAME: &str = "journal.lock";
const EXTENSION: &str = ".pwj";
const SEQUENCE_DIGITS: usize = 10;
const UNIX_MS_DIGITS: usize = 13;

/// Name of a segment. Names sort as the segments follow one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SegmentName {
    pub(crate) sequence: u64,
    /// When it was begun; for people who look for a time.
    pub(crate) unix_ms: u64,
}

impl fmt::Display for SegmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sequence, unix_ms } = self;
        write!(
            f,
            "{sequence:0SEQUENCE_DIGITS$}-{unix_ms:0UNIX_MS_DIGITS$}{EXTENSION}"
        )
    }
}

impl SegmentName {
    fn parse(name: &str) -> Option<Self> {
        let (sequence, unix_ms) = name.strip_suffix(EXTENSION)?.split_once('-')?;
        let name_of = Self {
            sequence: sequence.parse().ok()?,
            unix_ms: unix_ms.parse().ok()?,
        };
        // One name for one segment: no signs, no other number of digits.
        (name_of.to_string() == name).then_some(name_of)
    }
}

/// The segments in their order. Other files are none of the journal's business.
pub(crate) fn segments(folder: &Path) -> Result<Vec<SegmentName>, Error> {
    let names = names(folder).map_err(Error::io("list", folder))?;
    in_order(&names).ok_or_else(|| Error::TooManySegments {
        path: folder.to_owned(),
    })
}

/// `None` where there are more than may be.
fn in_order(names: &[String]) -> Option<Vec<SegmentName>> {
    let found = names.iter().filter_map(|name| SegmentName::parse(name));
    let mut found: Vec<_> = found.collect();
    found.sort_unstable();
    (found.len() <= SEGMENTS_MAX).then_some(found)
}

/// The segments of a folder that is to be read.
pub(crate) fn segments_to_read(folder: &Path) -> Result<Vec<SegmentName>, Error> {
    let names = names(folder).map_err(Error::reading("list", folder))?;
    let segments = in_order(&names).ok_or_else(|| Error::TooManySegments {
        path: folder.to_owned(),
    })?;
    if segments.is_empty() && !has_lock(folder) {
        return Err(Error::NotAJournal {
            path: folder.to_owned(),
            found: ["a folder without segments", "目录中没有日志文件"],
            inside: journals_inside(folder, names),
        });
    }
    Ok(segments)
}

/// As many journals as are named in words, and one more, by their names.
fn journals_inside(folder: &Path, mut names: Vec<String>) -> Box<[PathBuf]> {
    names.sort_unstable();
    let paths = names.iter().map(|name| folder.join(name));
    paths
        .filter(|path| has_lock(path))
        .take(NAMED + 1)
        .collect()
}

fn has_lock(folder: &Path) -> bool {
    folder.join(LOCK_NAME).exists()
}

fn names(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        // What is not Unicode is none of ours.
        names.extend(entry?.file_name().into_string());
    }
    Ok(names)
}

/// Makes the folder where it is not there, and locks it.
pub(crate) fn claim(folder: &Path) -> Result<File, Error> {
    if folder.is_dir() {
        let names = names(folder).map_err(Error::io("list", folder))?;
        let is_ours = |name: &String| name == LOCK_NAME || SegmentName::parse(name).is_some();
        if !names.is_empty() && !names.iter().any(is_ours) {
            let path = folder.to_owned();
            let found = ["a folder with other files", "目录中有其他文件"];
            return Err(Error::Taken { path, found });
        }
    } else if folder.exists() {
        let found = [
            "a file, and writing takes a folder",
            "是文件，而写入需要目录",
        ];
        let path = folder.to_owned();
        return Err(Error::Taken { path, found });
    } else {
        create_folder(folder).map_err(Error::io("make the folder", folder))?;
    }
    let path = folder.join(LOCK_NAME);
    let mut options = private(OpenOptions::new());
    let lock = options.create(true).truncate(false).write(true).open(&path);
    let lock = lock.map_err(Error::io("open", &path))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(Error::InUse {
            path: folder.to_owned(),
        }),
        Err(TryLockError::Error(error)) => Err(Error::io("lock", &path)(error)),
    }
}

/// A new segment, which is empty.
pub(crate) fn create_segment(path: &Path) -> io::Result<File> {
    let mut options = private(OpenOptions::new());
    options.create_new(true).append(true).open(path)
}

pub(crate) fn segment_path(folder: &Path, name: SegmentName) -> PathBuf {
    folder.join(name.to_string())
}

/// Makes the names of new files last. Where folders cannot be opened, the system does so by itself.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

fn create_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

/// Frames are what a person sees when logged in: nobody else's business.
fn private(mut options: OpenOptions) -> OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.read(false);
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_as_segments_follow_and_come_back() {
        let names = [(0, 0), (9, 5), (10, 4), (10, 1_700_000_000_000)];
        let names = names.map(|(sequence, unix_ms)| SegmentName { sequence, unix_ms });
        let texts = names.map(|name| name.to_string());
        assert!(texts.is_sorted(), "{texts:?}");
        for (name, text) in names.iter().zip(&texts) {
            assert_eq!(SegmentName::parse(text), Some(*name));
        }
        assert_eq!(texts[3], "0000000010-1700000000000.pwj");
        for other in [
            "1-2.pwj",
            "+000000001-1700000000000.pwj",
            "x.pwj",
            "0000000010-1700000000000.pwj~",
        ] {
            assert_eq!(SegmentName::parse(other), None, "{other}");
        }
    }

    #[test]
    fn as_many_segments_as_may_be_are_listed_and_one_more_is_an_error() {
        let name = |sequence| SegmentName {
            sequence,
            unix_ms: 1,
        };
        let names = (0..SEGMENTS_MAX as u64).rev();
        let mut names: Vec<_> = names.map(|sequence| name(sequence).to_string()).collect();
        names.push(LOCK_NAME.to_owned());
        let found = in_order(&names).expect("as many as may be");
        assert_eq!(found.len(), SEGMENTS_MAX);
        assert!(found.is_sorted());
        names.push(name(SEGMENTS_MAX as u64).to_string());
        assert_eq!(in_order(&names), None);
    }
}
