use std::fs;
use std::io::{self, Cursor, Read, Seek, SeekFrom};

use super::{SegmentReader, Step, TimeRange};
use crate::{
    ConnectionId, Direction, Entry, Frame, FrameKind, JournalWriter, Moment, Options, Record, Stamp,
};

/// Counts what is read.
struct Counting<'a> {
    bytes: Cursor<&'a [u8]>,
    read: &'a mut u64,
}

impl Read for Counting<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.read(into)?;
        *self.read += count as u64;
        Ok(count)
    }
}

impl Seek for Counting<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.bytes.seek(to)
    }
}

const FRAMES: u64 = 4_000;

fn stamp(number: u64) -> Stamp {
    Stamp {
        mono_us: number,
        unix_us: 1_000 + number,
    }
}

/// A segment of some 16 MiB, with a frame each microsecond.
fn segment() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let (mut writer, _) = JournalWriter::open(&path, Options::default(), 0).unwrap();
    let payload: Vec<u8> = (0..4_000_u32)
        .flat_map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes())
        .step_by(4)
        .collect();
    for number in 0..FRAMES {
        let record = Record::Frame(Frame {
            connection: ConnectionId(1),
            direction: Direction::In,
            kind: FrameKind::Binary,
            payload: &payload,
        });
        let at = stamp(number);
        writer.append(&[Entry { at, record }]).unwrap();
    }
    writer.close().unwrap();
    let files = fs::read_dir(&path)
        .unwrap()
        .flatten()
        .map(|file| file.path());
    let mut files = files.filter(|file| file.extension().is_some_and(|name| name == "pwj"));
    fs::read(files.next().unwrap()).unwrap()
}

#[test]
fn a_part_by_time_is_found_without_reading_what_is_before() {
    let bytes = segment();
    let mut seen = 0;
    for wanted in [
        0,
        1,
        17,
        FRAMES / 2,
        FRAMES - 40,
        FRAMES - 1,
        FRAMES,
        FRAMES * 2,
    ] {
        for from in [Moment::Mono(wanted), Moment::Unix(1_000 + wanted)] {
            let mut read = 0;
            let file = Counting {
                bytes: Cursor::new(&bytes),
                read: &mut read,
            };
            let range = TimeRange {
                from: Some(from),
                to: None,
            };
            let mut reader = SegmentReader::within(file, range, None);
            reader.seek().unwrap();
            match reader.step().unwrap() {
                Step::Record(number) => {
                    assert_eq!(number, wanted);
                    assert_eq!(reader.entry().unwrap().at, stamp(wanted));
                }
                other @ (Step::Damage(_) | Step::End(_)) => {
                    assert!(wanted >= FRAMES, "{wanted}: {other:?}");
                }
            }
            drop(reader);
            // Each look reads a window of 256 KiB.
            assert!(
                read < bytes.len() as u64 / 4 || bytes.len() < 8 << 20,
                "{read} of {}",
                bytes.len()
            );
            seen += 1;
        }
    }
    assert_eq!(seen, 16);
}
