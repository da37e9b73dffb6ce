//! Why a journal cannot be written or read.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::chunk::{CHUNK_BYTES_MAX, FORMAT_VERSION};
use crate::folder::SEGMENTS_MAX;

/// Why a journal cannot be written or read. What is damaged is no error: [`Damage`](crate::Damage) comes between the records.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The system refused something.
    #[error("cannot {what} {}: {source}{}", path.display(), hint(source))]
    Io {
        /// What was tried, as it stands after "cannot".
        what: &'static str,
        /// With which file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What was written may not be on the disk, and would be lost with the power.
    #[error(
        "the disk did not take what was written to {}: {source}; a power cut could take records that are thought to be kept. Look at the disk",
        path.display()
    )]
    NotSynced {
        /// The segment, or the folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process, or another writer of this one, writes this journal.
    #[error(
        "{} is being written by another process; end that one, or give this one a folder of its own. Reading works meanwhile",
        path.display()
    )]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// There is something, and it is no journal.
    #[error(
        "{} is no journal: {found}. A journal is a folder that pagewire made, or one of its .pwj files; to begin one, name a folder that is empty or not there",
        path.display()
    )]
    NotAJournal {
        /// What was named.
        path: PathBuf,
        /// What is there in its place.
        found: &'static str,
    },
    /// A newer program wrote this journal.
    #[error(
        "{} is of version {version} of the format, and this program reads up to version {FORMAT_VERSION}; read it with a newer pagewire",
        path.display()
    )]
    Newer {
        /// The segment.
        path: PathBuf,
        /// What it is of.
        version: u8,
    },
    /// A record is longer than a chunk may be. Nothing of the append was written.
    #[error(
        "record {index} of the append takes {bytes} bytes, and no record may take more than {CHUNK_BYTES_MAX}; leave it out, and say so in a note"
    )]
    RecordTooLarge {
        /// Which of the records that were to be appended.
        index: usize,
        /// Bytes that it would take.
        bytes: usize,
    },
    /// The folder has as many segments as it may.
    #[error(
        "{} has {SEGMENTS_MAX} segments, which is as many as there may be; move old ones to another folder, where they are a journal too",
        path.display()
    )]
    TooManySegments {
        /// The folder.
        path: PathBuf,
    },
}

impl Error {
    pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io {
            what,
            path: path.to_owned(),
            source,
        }
    }

    /// True where the same may work later without a person's doing: a full disk, a writer that ends.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Io { source, .. } => source.kind() != io::ErrorKind::PermissionDenied,
            Self::InUse { .. } | Self::NotSynced { .. } => true,
            Self::NotAJournal { .. }
            | Self::Newer { .. }
            | Self::RecordTooLarge { .. }
            | Self::TooManySegments { .. } => false,
        }
    }
}

/// What a person can do about it.
fn hint(error: &io::Error) -> &'static str {
    use io::ErrorKind as Kind;
    // Of the kinds of the system only some have an answer.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the enum is not ours")]
    match error.kind() {
        Kind::StorageFull | Kind::QuotaExceeded => {
            "; make room on this disk, or write the journal to another"
        }
        Kind::FileTooLarge => {
            "; raise the limit on file sizes (ulimit -f), or make segments smaller"
        }
        Kind::PermissionDenied => "; let your user write there, or name another folder",
        Kind::ReadOnlyFilesystem => "; name a folder on a disk that can be written",
        Kind::NotFound => "; look whether the folder was moved or its disk was taken out",
        _ => "",
    }
}
