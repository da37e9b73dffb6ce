//! Why a journal cannot be written or read.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::chunk::{CHUNK_BYTES_MAX, FORMAT_VERSION};
use crate::folder::SEGMENTS_MAX;

/// Why a journal cannot be written or read. What is damaged is no error: [`Damage`](crate::Damage) comes between the records.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The system refused something that writing takes.
    #[error("cannot {what} {}: {source}{}", path.display(), hint(source)[0])]
    Io {
        /// What was tried, as it stands after "cannot".
        what: &'static str,
        /// With which file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The system refused something that reading takes.
    #[error("cannot {what} {}: {source}{}", path.display(), hint_to_read(source)[0])]
    Unreadable {
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
    /// What is to be read is no journal.
    #[error("{} is no journal: {}. {}", path.display(), found[0], named_instead(inside))]
    NotAJournal {
        /// What was named.
        path: PathBuf,
        /// What is there in its place, in English and Chinese.
        found: [&'static str; 2],
        /// Journals that are folders in it, or the first of them: a folder of all is easily named in the place of one.
        inside: Box<[PathBuf]>,
    },
    /// A journal cannot be begun where something else is.
    #[error(
        "{} is no journal: {}; to begin one, name a folder that is empty or not there",
        path.display(),
        found[0]
    )]
    Taken {
        /// What was named.
        path: PathBuf,
        /// What is there in its place, in English and Chinese.
        found: [&'static str; 2],
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

    pub(crate) fn reading(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Unreadable {
            what,
            path: path.to_owned(),
            source,
        }
    }

    /// The same in Chinese.
    pub fn zh(&self) -> String {
        match self {
            Self::Io { path, source, .. } => {
                format!(
                    "无法写入日志 {}：{source}{}",
                    path.display(),
                    hint(source)[1]
                )
            }
            Self::Unreadable { path, source, .. } => format!(
                "无法读取 {}：{source}{}",
                path.display(),
                hint_to_read(source)[1]
            ),
            Self::NotSynced { path, source } => format!(
                "写入 {} 的内容未能落盘：{source}；断电可能丢失已写入的记录，请检查磁盘",
                path.display()
            ),
            Self::InUse { path } => format!(
                "{} 正被另一个进程写入；请结束该进程，或换一个目录。读取不受影响",
                path.display()
            ),
            Self::NotAJournal {
                path,
                found,
                inside,
            } => format!(
                "{} 不是日志：{}。{}",
                path.display(),
                found[1],
                named_instead_zh(inside)
            ),
            Self::Taken { path, found } => format!(
                "{} 不是日志：{}；新建日志请指定空目录或不存在的目录",
                path.display(),
                found[1]
            ),
            Self::Newer { path, version } => format!(
                "{} 的格式版本为 {version}，本程序最高支持 {FORMAT_VERSION}；请用更新的 pagewire 读取",
                path.display()
            ),
            Self::RecordTooLarge { index, bytes } => format!(
                "第 {index} 条记录有 {bytes} 字节，超过上限 {CHUNK_BYTES_MAX}；请略去并写一条说明"
            ),
            Self::TooManySegments { path } => format!(
                "{} 已有 {SEGMENTS_MAX} 个文件，达到上限；请把旧文件移到另一个目录，它们在那里仍是一个日志",
                path.display()
            ),
        }
    }
}

/// Journals that are named, of those that are in a folder; whether there is one more is looked for too.
pub(crate) const NAMED: usize = 3;

fn named_instead(inside: &[PathBuf]) -> impl fmt::Display {
    let more = if inside.len() > NAMED {
        " and more"
    } else {
        ""
    };
    match &*listed(inside, ", ") {
        "" => "A journal is a folder that pagewire made, or one of its .pwj files".to_owned(),
        names => format!("In it are the journals {names}{more}; name one of them"),
    }
}

fn named_instead_zh(inside: &[PathBuf]) -> impl fmt::Display {
    let more = if inside.len() > NAMED { " 等" } else { "" };
    match &*listed(inside, "、") {
        "" => "日志是 pagewire 建立的目录，或其中的 .pwj 文件".to_owned(),
        names => format!("其中有日志 {names}{more}，请指定一个"),
    }
}

fn listed(journals: &[PathBuf], between: &str) -> String {
    let named = journals.iter().take(NAMED);
    let named: Vec<_> = named.map(|path| path.display().to_string()).collect();
    named.join(between)
}

/// What a person who writes can do about it, in English and Chinese.
fn hint(error: &io::Error) -> [&'static str; 2] {
    use io::ErrorKind as Kind;
    // Of the kinds of the system only some have an answer.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the enum is not ours")]
    match error.kind() {
        Kind::StorageFull | Kind::QuotaExceeded => [
            "; make room on this disk, or write the journal to another",
            "；请清理磁盘空间，或写到另一个磁盘",
        ],
        Kind::FileTooLarge => [
            "; raise the limit on file sizes (ulimit -f), or make segments smaller",
            "；请提高文件大小上限（ulimit -f），或减小单个文件",
        ],
        Kind::PermissionDenied => [
            "; let your user write there, or name another folder",
            "；请授予写权限，或指定另一个目录",
        ],
        Kind::ReadOnlyFilesystem => [
            "; name a folder on a disk that can be written",
            "；请指定可写磁盘上的目录",
        ],
        Kind::NotFound => [
            "; look whether the folder was moved or its disk was taken out",
            "；请检查目录是否被移动，或磁盘是否被移除",
        ],
        _ => ["", ""],
    }
}

/// What a person who reads can do about it.
fn hint_to_read(error: &io::Error) -> [&'static str; 2] {
    use io::ErrorKind as Kind;
    #[expect(clippy::wildcard_enum_match_arm, reason = "the enum is not ours")]
    match error.kind() {
        Kind::NotFound => [
            "; look at the name: a journal is a folder FOLDER/SITE-ROOM, such as kept/douyin-1001",
            "；请检查名称：日志是形如 FOLDER/SITE-ROOM 的目录，例如 kept/douyin-1001",
        ],
        Kind::PermissionDenied => [
            "; let your user read it, or read it as the user who wrote it",
            "；请授予读权限，或以写入者的身份读取",
        ],
        _ => ["", ""],
    }
}
