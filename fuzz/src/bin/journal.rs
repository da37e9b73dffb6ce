//! The reader of journals: whatever a segment's bytes are, it gives records in order, says what is damaged, and ends.
#![no_main]

use std::fs;
use std::io::Cursor;
use std::path::Path;

use pagewire_journal::{
    CHUNK_HEAD_BYTES, Closed, ConnectionId, Direction, Entry, Frame, FrameKind, Item,
    JournalWriter, Opened, Options, Record, SegmentReader, Stamp,
};

pagewire_fuzz::target!(check, seeds: seeds());

const MARKER: &[u8] = b"\xF1PWJ\r\n\x1A\x8D";

/// The first byte says whether checksums are made to fit, so that what is behind them is reached.
fn check(input: &[u8]) {
    let Some((&how, bytes)) = input.split_first() else {
        return;
    };
    let mut bytes = bytes.to_vec();
    if how >= 128 {
        repair(&mut bytes);
    }
    let first = read(&bytes);
    assert_eq!(first, read(&bytes), "the same bytes give the same");
}

/// What is read, as text.
fn read(bytes: &[u8]) -> Vec<String> {
    let mut reader = SegmentReader::new(Cursor::new(bytes));
    let (mut items, mut next, mut behind) = (Vec::new(), 0, 0);
    loop {
        let item = match reader.read() {
            Ok(Some(item)) => item,
            Ok(None) => break,
            Err(error) => {
                items.push(error.to_string());
                break;
            }
        };
        items.push(format!("{item:?}"));
        // A record takes 21 bytes at least, and damage is of a byte, of a record, or between two chunks.
        assert!(items.len() <= 2 + 2 * unpacked_bytes_max(bytes));
        match item {
            Item::Record { number, entry } => {
                assert!(number >= next, "numbers go up");
                next = number.saturating_add(1);
                assert!(entry.encoded_bytes() <= unpacked_bytes_max(bytes));
            }
            Item::Damage(damage) => {
                assert!(!damage.to_string().is_empty());
                assert!(damage.bytes.start <= damage.bytes.end);
                assert!(damage.bytes.end <= bytes.len() as u64, "{damage}");
                assert!(damage.bytes.start >= behind, "{damage}");
                behind = damage.bytes.start;
            }
        }
    }
    items
}

/// Deflate makes a byte of at most 1,032.
fn unpacked_bytes_max(bytes: &[u8]) -> usize {
    bytes.len() * 1_032
}

/// Makes the checksums of everything fit that begins like a chunk.
fn repair(bytes: &mut [u8]) {
    let mut at = 0;
    while let Some(found) = bytes[at..]
        .windows(MARKER.len())
        .position(|run| run == MARKER)
    {
        at += found;
        let Some(rest) = bytes
            .get_mut(at..)
            .filter(|rest| rest.len() >= CHUNK_HEAD_BYTES)
        else {
            return;
        };
        let (head, behind) = rest.split_at_mut(CHUNK_HEAD_BYTES);
        let stored = u32::from_le_bytes(head[12..16].try_into().expect("four bytes")) as usize;
        if let Some(stored) = behind.get(..stored) {
            head[56..60].copy_from_slice(&crc32fast::hash(stored).to_le_bytes());
        }
        let checksum = crc32fast::hash(&head[..60]);
        head[60..].copy_from_slice(&checksum.to_le_bytes());
        at += MARKER.len();
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let folder = std::env::temp_dir().join(format!("pagewire-fuzz-journal-{}", std::process::id()));
    let segment = segment(&folder);
    fs::remove_dir_all(&folder).expect("it was just made");
    let half = segment.len() / 2;
    let cut = [&segment[..half], &segment[half + 10..]].concat();
    let all = [segment, cut];
    let all = all
        .iter()
        .flat_map(|bytes| [[&[0], &bytes[..]].concat(), [&[200], &bytes[..]].concat()]);
    all.collect()
}

/// One of each kind of record, packed and not.
fn segment(folder: &Path) -> Vec<u8> {
    let (mut writer, _) =
        JournalWriter::open(folder, Options::default(), 0).expect("a new journal");
    let connection = ConnectionId(1);
    let text = "a made-up message. ".repeat(20);
    let (address, metadata) = ("wss://room.example/", "{}");
    let opened = Record::Opened(Opened {
        connection,
        address,
        metadata,
    });
    let closed = Record::Closed(Closed {
        connection,
        code: Some(1006),
        reason: "gone",
    });
    let frame = |payload| {
        let (direction, kind) = (Direction::In, FrameKind::Binary);
        Record::Frame(Frame {
            connection,
            direction,
            kind,
            payload,
        })
    };
    let batches = [
        vec![opened],
        vec![frame(text.as_bytes()), frame(b"\x01\x02")],
        vec![Record::Note("{}"), closed],
    ];
    for (seconds, batch) in (1..).zip(batches) {
        let at = Stamp {
            mono_us: seconds,
            unix_us: seconds,
        };
        let entries: Vec<_> = batch
            .into_iter()
            .map(|record| Entry { at, record })
            .collect();
        writer.append(&entries).expect("the disk has room");
    }
    writer.close().expect("the disk works");
    let files = fs::read_dir(folder)
        .expect("a folder")
        .flatten()
        .map(|file| file.path());
    let mut files = files.filter(|path| path.extension().is_some_and(|name| name == "pwj"));
    fs::read(files.next().expect("one segment")).expect("it can be read")
}
