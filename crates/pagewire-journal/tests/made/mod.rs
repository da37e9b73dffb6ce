//! Made-up records, journals of them, and what is read back.
#![allow(dead_code, reason = "each test file uses its part")]

use std::fs;
use std::path::{Path, PathBuf};

use pagewire_journal::{
    Closed, ConnectionId, Damage, Direction, Entry, Frame, FrameKind, Gap, Item, JournalReader,
    JournalWriter, Opened, Options, Record, Stamp,
};

/// When made-up journals begin.
pub(crate) const UNIX_US: u64 = 1_700_000_000_000_000;

/// A record that owns what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owned {
    pub(crate) at: Stamp,
    pub(crate) kind: OwnedKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OwnedKind {
    Frame(u64, Direction, FrameKind, Vec<u8>),
    Opened(u64, String, String),
    Closed(u64, Option<u16>, String),
    Note(String),
    Gap(u64, Stamp, String),
}

impl Owned {
    pub(crate) fn entry(&self) -> Entry<'_> {
        let record = match &self.kind {
            OwnedKind::Frame(connection, direction, kind, payload) => Record::Frame(Frame {
                connection: ConnectionId(*connection),
                direction: *direction,
                kind: *kind,
                payload,
            }),
            OwnedKind::Opened(connection, address, metadata) => Record::Opened(Opened {
                connection: ConnectionId(*connection),
                address,
                metadata,
            }),
            OwnedKind::Closed(connection, code, reason) => Record::Closed(Closed {
                connection: ConnectionId(*connection),
                code: *code,
                reason,
            }),
            OwnedKind::Note(json) => Record::Note(json),
            OwnedKind::Gap(records, since, reason) => Record::Gap(Gap {
                records: *records,
                since: *since,
                reason,
            }),
        };
        Entry {
            at: self.at,
            record,
        }
    }

    pub(crate) fn of(entry: Entry<'_>) -> Self {
        let kind = match entry.record {
            Record::Frame(frame) => OwnedKind::Frame(
                frame.connection.0,
                frame.direction,
                frame.kind,
                frame.payload.to_vec(),
            ),
            Record::Opened(opened) => OwnedKind::Opened(
                opened.connection.0,
                opened.address.to_owned(),
                opened.metadata.to_owned(),
            ),
            Record::Closed(closed) => {
                OwnedKind::Closed(closed.connection.0, closed.code, closed.reason.to_owned())
            }
            Record::Note(json) => OwnedKind::Note(json.to_owned()),
            Record::Gap(gap) => OwnedKind::Gap(gap.records, gap.since, gap.reason.to_owned()),
        };
        Self { at: entry.at, kind }
    }
}

/// A second of the journal's time.
pub(crate) fn stamp(seconds: u64) -> Stamp {
    Stamp {
        mono_us: seconds * 1_000_000,
        unix_us: UNIX_US + seconds * 1_000_000,
    }
}

/// Bytes that do not pack.
pub(crate) fn noise(seed: u64, bytes: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        state.to_be_bytes()[0]
    };
    (0..bytes).map(|_| next()).collect()
}

/// A frame of a second, whose payload begins with its number.
pub(crate) fn frame(number: u64, payload: &[u8]) -> Owned {
    let payload = [&number.to_le_bytes(), payload].concat();
    Owned {
        at: stamp(number),
        kind: OwnedKind::Frame(1, Direction::In, FrameKind::Binary, payload),
    }
}

pub(crate) fn append(writer: &mut JournalWriter, records: &[Owned]) {
    let entries: Vec<_> = records.iter().map(Owned::entry).collect();
    let appended = writer.append(&entries).expect("it can be written");
    assert_eq!(appended, pagewire_journal::Appended::Kept);
}

pub(crate) fn open(folder: &Path, options: Options) -> JournalWriter {
    JournalWriter::open(folder, options, UNIX_US)
        .expect("it opens")
        .0
}

/// Writes a journal, each batch by an append of its own.
pub(crate) fn write(folder: &Path, options: Options, batches: &[Vec<Owned>]) {
    let mut writer = open(folder, options);
    for batch in batches {
        append(&mut writer, batch);
    }
    writer.close().expect("it is synced");
}

/// Everything that a reader gives, by number, and what was damaged.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Read {
    pub(crate) records: Vec<(u64, Owned)>,
    pub(crate) damages: Vec<Damage>,
    pub(crate) unfinished: Option<Damage>,
}

impl Read {
    pub(crate) fn owned(&self) -> Vec<Owned> {
        self.records
            .iter()
            .map(|(_, record)| record.clone())
            .collect()
    }

    pub(crate) fn numbers(&self) -> Vec<u64> {
        self.records.iter().map(|(number, _)| *number).collect()
    }
}

pub(crate) fn read(path: &Path) -> Read {
    read_all(&mut JournalReader::open(path).expect("it opens"))
}

pub(crate) fn read_all(reader: &mut JournalReader) -> Read {
    let mut all = Read::default();
    while let Some(item) = reader.read().expect("it can be read") {
        match item {
            Item::Record { number, entry } => all.records.push((number, Owned::of(entry))),
            Item::Damage(damage) => all.damages.push(damage),
        }
    }
    all.unfinished = reader.unfinished().cloned();
    all
}

/// The files of a journal's segments, in their order.
pub(crate) fn segments(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).expect("a folder").flatten();
    let mut files: Vec<_> = files.map(|file| file.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "pwj"));
    files.sort();
    files
}
