//! What is damaged is reported, and everything else is given.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod made;

use std::fs;
use std::io::Cursor;
use std::ops::Range;
use std::path::Path;

use pagewire_journal::{
    CHUNK_BYTES_MAX, CHUNK_HEAD_BYTES, Damage, DamageKind, Item, JournalReader, Options,
    RESYNC_NESTED_MAX, SegmentReader,
};
use proptest::prelude::*;

use self::made::{Owned, OwnedKind, Read, frame, noise, read, segments, stamp, write};

/// A segment in memory, and where its chunks stand.
struct Made {
    bytes: Vec<u8>,
    records: Vec<Owned>,
    chunks: Vec<Chunk>,
}

#[derive(Debug, Clone)]
struct Chunk {
    bytes: Range<usize>,
    records: Range<u64>,
}

/// One append is one chunk, as long as it is short.
fn made(batches: &[Vec<Owned>]) -> Made {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    write(&path, Options::default(), batches);
    let bytes = fs::read(&segments(&path)[0]).unwrap();
    let mut chunks = vec![Chunk {
        bytes: 0..CHUNK_HEAD_BYTES,
        records: 0..0,
    }];
    for batch in batches {
        let last = chunks.last().unwrap().clone();
        let begin = last.bytes.end;
        let length = bytes[begin + 12..begin + 16].try_into().unwrap();
        let end = begin + CHUNK_HEAD_BYTES + u32::from_le_bytes(length) as usize;
        chunks.push(Chunk {
            bytes: begin..end,
            records: last.records.end..last.records.end + batch.len() as u64,
        });
    }
    assert_eq!(chunks.last().unwrap().bytes.end, bytes.len());
    Made {
        bytes,
        records: batches.concat(),
        chunks,
    }
}

fn small() -> Made {
    let text = "the same words again and again, the same words again and again. ".repeat(4);
    made(&[
        vec![frame(0, b"alone")],
        vec![frame(1, text.as_bytes()), frame(2, text.as_bytes())],
        vec![frame(3, &noise(3, 150))],
        vec![frame(4, b""), frame(5, b"x")],
    ])
}

fn read_bytes(bytes: &[u8]) -> Read {
    let mut reader = SegmentReader::new(Cursor::new(bytes));
    let mut all = Read::default();
    while let Some(item) = reader.read().expect("memory can be read") {
        match item {
            Item::Record { number, entry } => all.records.push((number, Owned::of(entry))),
            Item::Damage(damage) => all.damages.push(damage),
        }
    }
    all
}

/// All records but these are there, and as they were.
fn check_all_but(made: &Made, read: &Read, lost: &Range<u64>, what: &str) {
    check_spared(made, read, lost, what);
    let none = read.numbers().iter().all(|number| !lost.contains(number));
    assert!(none, "{what}: {:?}", read.numbers());
}

/// At most these records are not there. A byte beside an equal one can come and go unseen.
fn check_spared(made: &Made, read: &Read, lost: &Range<u64>, what: &str) {
    let numbers = read.numbers();
    assert!(numbers.is_sorted_by(|a, b| a < b), "{what}: {numbers:?}");
    for (number, record) in (0..).zip(&made.records) {
        let given = read.records.iter().find(|(given, _)| *given == number);
        assert!(
            given.is_some() || lost.contains(&number),
            "{what}: {number} is not there"
        );
        assert!(
            given.is_none_or(|(_, given)| given == record),
            "{what}: {number} differs"
        );
    }
}

fn covers(damage: &Damage, at: usize) -> bool {
    damage.bytes.contains(&(at as u64))
}

#[test]
fn a_flipped_byte_costs_the_chunk_that_it_is_in_and_nothing_else() {
    let made = small();
    let mut seen = 0;
    for chunk in &made.chunks {
        for at in chunk.bytes.clone() {
            for flip in [0x01, 0x80, 0xFF] {
                let mut bytes = made.bytes.clone();
                bytes[at] ^= flip;
                let read = read_bytes(&bytes);
                let what = format!("byte {at} of {:?}: {:?}", chunk.bytes, read.damages);
                check_all_but(&made, &read, &chunk.records, &what);
                let [damage] = &read.damages[..] else {
                    panic!("one damage is reported: {what}");
                };
                let expected = chunk.bytes.start as u64..chunk.bytes.end as u64;
                assert_eq!(damage.bytes, expected, "{what}");
                let in_head = at < chunk.bytes.start + CHUNK_HEAD_BYTES;
                let kind = if in_head {
                    DamageKind::NoChunk
                } else {
                    DamageKind::Records
                };
                assert_eq!(damage.kind, kind, "{what}");
                // Behind the last chunk nothing tells how many records it had.
                let is_last = chunk.bytes.end == made.bytes.len();
                let lost = chunk.records.end - chunk.records.start;
                let lost = (!in_head || !is_last).then_some(lost);
                assert_eq!(damage.records, lost, "{what}");
                seen += 1;
            }
        }
    }
    assert_eq!(seen, made.bytes.len() * 3);
    assert!(read_bytes(&made.bytes).damages.is_empty());
}

#[test]
fn cut_off_anywhere_all_whole_chunks_before_are_given() {
    let made = small();
    for length in 0..=made.bytes.len() {
        let read = read_bytes(&made.bytes[..length]);
        let mut whole = made.chunks.iter().filter(|chunk| chunk.bytes.end <= length);
        let records = whole.next_back().map_or(0, |chunk| chunk.records.end);
        check_all_but(
            &made,
            &read,
            &(records..u64::MAX),
            &format!("{length} bytes"),
        );
        assert!(read.damages.is_empty(), "what is cut off looks unfinished");
    }
}

#[test]
fn bytes_put_in_anywhere_cost_at_most_the_chunk_that_they_are_in() {
    let made = small();
    for at in 0..=made.bytes.len() {
        for put in [&b"\0"[..], b"\xF1", b"\xF1PWJ\r\n\x1A\x8D", &noise(9, 200)] {
            let bytes = [&made.bytes[..at], put, &made.bytes[at..]].concat();
            let read = read_bytes(&bytes);
            let what = format!("{} bytes at {at}: {:?}", put.len(), read.damages);
            let inside = made.chunks.iter();
            let mut inside = inside.filter(|chunk| chunk.bytes.start < at && at < chunk.bytes.end);
            let lost = inside.next().map_or(0..0, |chunk| chunk.records.clone());
            check_spared(&made, &read, &lost, &what);
            let at_end = at == made.bytes.len() && b"\xF1PWJ\r\n\x1A\x8D".starts_with(put);
            assert_eq!(read.damages.is_empty(), at_end, "{what}");
        }
    }
}

#[test]
fn bytes_taken_out_anywhere_cost_at_most_the_chunks_that_they_were_in() {
    let made = small();
    for count in [1, 5, 64, 100] {
        for at in 0..made.bytes.len() - count {
            let bytes = [&made.bytes[..at], &made.bytes[at + count..]].concat();
            let read = read_bytes(&bytes);
            let hit = made.chunks.iter();
            let hit = hit.filter(|chunk| chunk.bytes.start < at + count && at < chunk.bytes.end);
            let hit: Vec<_> = hit.map(|chunk| chunk.records.clone()).collect();
            let lost = hit[0].start..hit.last().unwrap().end;
            check_spared(&made, &read, &lost, &format!("{count} bytes at {at}"));
        }
    }
}

#[test]
fn a_zeroed_block_costs_the_chunks_that_it_touches() {
    let batches: Vec<_> = (0..40).map(|n| vec![frame(n, &noise(n, 700))]).collect();
    let made = made(&batches);
    for begin in (0..made.bytes.len()).step_by(512) {
        let end = (begin + 4_096).min(made.bytes.len());
        let mut bytes = made.bytes.clone();
        bytes[begin..end].fill(0);
        let read = read_bytes(&bytes);
        let hit = made.chunks.iter();
        let hit = hit.filter(|chunk| chunk.bytes.start < end && begin < chunk.bytes.end);
        let hit: Vec<_> = hit.map(|chunk| chunk.records.clone()).collect();
        let lost = hit[0].start..hit.last().unwrap().end;
        check_all_but(&made, &read, &lost, &format!("{begin}: {:?}", read.damages));
        assert!(read.damages.iter().any(|damage| covers(damage, begin)));
    }
}

#[test]
fn a_payload_that_holds_a_journal_is_a_payload() {
    let inner = small().bytes;
    let made = made(&[
        vec![frame(0, &inner)],
        vec![frame(1, &inner)],
        vec![frame(2, b"x")],
    ]);
    let read = read_bytes(&made.bytes);
    check_all_but(&made, &read, &(0..0), "as written");
    for at in [70, 100, 200, 300] {
        // Also where the payload's own chunk is damaged, so that the next one is looked for inside of it.
        let mut bytes = made.bytes.clone();
        bytes[made.chunks[1].bytes.start + at] ^= 1;
        let read = read_bytes(&bytes);
        check_all_but(&made, &read, &(0..1), &format!("{:?}", read.damages));
    }
}

#[test]
fn a_chunk_that_stands_twice_is_given_once() {
    let made = small();
    let again = made.chunks[2].bytes.clone();
    let bytes = [&made.bytes[..again.end], &made.bytes[again.start..]].concat();
    let read = read_bytes(&bytes);
    check_all_but(&made, &read, &(0..0), "repeated");
    assert_eq!(read.damages.len(), 1);
    assert_eq!(read.damages[0].kind, DamageKind::Repeated);
}

/// Makes the checksum of a head fit, as a hostile writer does.
fn seal(head: &mut [u8]) {
    let checksum = crc32fast::hash(&head[..60]);
    head[60..64].copy_from_slice(&checksum.to_le_bytes());
}

#[test]
fn a_chunk_may_say_that_it_is_as_large_as_the_limit_and_not_one_byte_more() {
    let length = |bytes: usize| u32::try_from(bytes).unwrap().to_le_bytes();
    for (offset, bytes, kind) in [
        (12, CHUNK_BYTES_MAX, DamageKind::Records),
        (12, CHUNK_BYTES_MAX + 1, DamageKind::TooLarge),
        (16, CHUNK_BYTES_MAX + 1, DamageKind::TooLarge),
        (16, u32::MAX as usize, DamageKind::TooLarge),
    ] {
        let mut head = small().bytes[..CHUNK_HEAD_BYTES].to_vec();
        head[offset..offset + 4].copy_from_slice(&length(bytes));
        seal(&mut head);
        let rest = vec![0; CHUNK_BYTES_MAX + 64];
        let read = read_bytes(&[head, rest].concat());
        assert_eq!(read.damages[0].kind, kind, "{bytes}");
    }
}

#[test]
fn chunks_that_lie_in_one_another_do_not_take_time_without_end() {
    // Each says that it reaches over all others, and has a checksum that does not fit.
    let count = 4_000_usize;
    let total = count * CHUNK_HEAD_BYTES + CHUNK_BYTES_MAX / 4;
    let mut head = small().bytes[..CHUNK_HEAD_BYTES].to_vec();
    let length = u32::try_from(CHUNK_BYTES_MAX / 4).unwrap().to_le_bytes();
    head[12..16].copy_from_slice(&length);
    head[16..20].copy_from_slice(&length);
    head[56] = 1;
    seal(&mut head);
    let mut bytes = head.repeat(count);
    bytes.resize(total, 0);
    let read = read_bytes(&bytes);
    let nested = read
        .damages
        .iter()
        .filter(|damage| damage.kind == DamageKind::Records);
    // The first, and so many inside of it.
    assert_eq!(nested.count(), RESYNC_NESTED_MAX as usize + 1);
    assert_eq!(read.damages.last().unwrap().bytes.end, total as u64);
}

#[test]
fn what_a_newer_version_adds_is_passed_over_and_counted() {
    let made = small();
    let mut bytes = made.bytes.clone();
    // The kind of the first record, in a chunk that is not packed.
    let chunk = made.chunks[4].bytes.clone();
    bytes[chunk.start + CHUNK_HEAD_BYTES] = 200;
    let checksum = crc32fast::hash(&bytes[chunk.start + CHUNK_HEAD_BYTES..chunk.end]);
    bytes[chunk.start + 56..chunk.start + 60].copy_from_slice(&checksum.to_le_bytes());
    seal(&mut bytes[chunk.start..chunk.start + CHUNK_HEAD_BYTES]);
    // A kind of chunk, and a packing.
    let chunks = [
        (made.chunks[2].bytes.start, 9),
        (made.chunks[3].bytes.start, 10),
    ];
    for (start, field) in chunks {
        bytes[start + field] = 77;
        seal(&mut bytes[start..start + CHUNK_HEAD_BYTES]);
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("newer.pwj");
    fs::write(&file, &bytes).unwrap();
    let mut reader = JournalReader::open(&file).unwrap();
    let mut numbers = Vec::new();
    while let Some(item) = reader.read().unwrap() {
        match item {
            Item::Record { number, .. } => numbers.push(number),
            Item::Damage(damage) => panic!("{damage}"),
        }
    }
    assert_eq!(numbers, [0, 5]);
    assert_eq!((reader.skipped().records, reader.skipped().chunks), (1, 2));
    // A whole version is another matter: nothing is known of what it means.
    bytes[made.chunks[1].bytes.start + 8] = 2;
    seal(&mut bytes[made.chunks[1].bytes.start..made.chunks[1].bytes.end]);
    let error = SegmentReader::new(Cursor::new(&bytes))
        .read()
        .map(|_| ())
        .unwrap_err();
    assert!(error.to_string().starts_with("version 2"), "{error}");
}

#[test]
fn a_chunk_that_was_cut_off_and_written_anew_while_it_was_read_is_no_damage() {
    let made = small();
    let chunk = made.chunks[4].bytes.clone();
    let body = chunk.start + CHUNK_HEAD_BYTES;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("segment");
    fs::write(&path, &made.bytes[..made.bytes.len() - 1]).unwrap();
    let mut reader = SegmentReader::new(fs::File::open(&path).unwrap());
    let mut numbers = Vec::new();
    for _ in 0..2 {
        while let Some(item) = reader.read().unwrap() {
            match item {
                Item::Record { number, .. } => numbers.push(number),
                Item::Damage(damage) => panic!("{damage}"),
            }
        }
        // Another chunk of the same length, in place of the one that was begun.
        let mut bytes = made.bytes.clone();
        bytes[chunk.end - 1] = b'y';
        let checksum = crc32fast::hash(&bytes[body..chunk.end]);
        bytes[chunk.start + 56..chunk.start + 60].copy_from_slice(&checksum.to_le_bytes());
        seal(&mut bytes[chunk.start..body]);
        fs::write(&path, &bytes).unwrap();
    }
    assert_eq!(numbers, [0, 1, 2, 3, 4, 5]);
}

#[test]
fn content_that_makes_no_sense_is_damage_although_its_checksum_fits() {
    let made = small();
    let chunk = made.chunks[4].bytes.clone();
    let body = chunk.start + CHUNK_HEAD_BYTES;
    // A length beyond the chunk; a frame too short for its connection.
    for (at, value, numbers) in [
        (body + 1, 0xFF, &[0, 1, 2, 3][..]),
        (body, 4, &[0, 1, 2, 3, 5]),
    ] {
        let mut bytes = made.bytes.clone();
        bytes[at] = value;
        if value == 4 {
            bytes[body + 21] = 0xFF; // No UTF-8, so no note.
        }
        let checksum = crc32fast::hash(&bytes[body..chunk.end]);
        bytes[chunk.start + 56..chunk.start + 60].copy_from_slice(&checksum.to_le_bytes());
        seal(&mut bytes[chunk.start..body]);
        let read = read_bytes(&bytes);
        assert_eq!(read.numbers(), numbers);
        assert_eq!(read.damages.len(), 1);
        assert_eq!(read.damages[0].kind, DamageKind::Malformed);
        let lost = 6 - numbers.len() as u64;
        assert_eq!(read.damages[0].records, Some(lost));
    }
}

#[test]
fn a_segment_that_was_removed_or_shortened_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let options = Options {
        segment_bytes_max: 1_000,
        ..Options::default()
    };
    let batches: Vec<_> = (0..9).map(|n| vec![frame(n, &noise(n, 250))]).collect();
    write(&path, options, &batches);
    let files = segments(&path);
    assert_eq!(files.len(), 5);
    let length = fs::metadata(&files[3]).unwrap().len();
    fs::remove_file(&files[1]).unwrap();
    let file = fs::OpenOptions::new().write(true).open(&files[3]).unwrap();
    file.set_len(length - 1).unwrap();
    let read = read(&path);
    assert_eq!(read.numbers(), [0, 1, 4, 5, 6, 8]);
    let damages: Vec<_> = read
        .damages
        .iter()
        .map(|damage| (damage.kind, damage.records))
        .collect();
    let expected = [
        (DamageKind::Missing, Some(2)),
        (DamageKind::Torn, Some(1)),
        (DamageKind::Missing, Some(1)),
    ];
    assert_eq!(damages, expected);
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let text = read.damages[1].to_string();
    assert!(text.starts_with(&name(&files[3])), "{text}");
    assert!(
        text.ends_with("the last chunk was not written to its end; one record is lost"),
        "{text}"
    );
}

#[test]
fn a_segment_of_another_journal_is_told_and_given() {
    let folder = tempfile::tempdir().unwrap();
    let (path, other) = (folder.path().join("journal"), folder.path().join("other"));
    write(
        &path,
        Options::default(),
        &[vec![frame(0, b"a"), frame(1, b"b")]],
    );
    write(&other, Options::default(), &[vec![frame(0, b"c")]]);
    fs::copy(
        &segments(&other)[0],
        path.join("0000000009-1700000000000.pwj"),
    )
    .unwrap();
    let read = read(&path);
    assert_eq!(read.numbers(), [0, 1, 0]);
    assert_eq!(read.damages.len(), 1);
    assert_eq!(read.damages[0].kind, DamageKind::OutOfOrder);
}

/// What may happen to a file.
#[derive(Debug, Clone)]
enum Accident {
    Flip(f64, u8),
    PutIn(f64, Vec<u8>),
    TakeOut(f64, usize),
    Zero(f64, usize),
    CutOff(f64),
}

fn accident() -> impl Strategy<Value = Accident> {
    let place = || 0.0..1.0_f64;
    prop_oneof![
        (place(), 1..=255_u8).prop_map(|(at, flip)| Accident::Flip(at, flip)),
        (place(), prop::collection::vec(any::<u8>(), 1..300))
            .prop_map(|(at, bytes)| Accident::PutIn(at, bytes)),
        (place(), 1..5_000_usize).prop_map(|(at, bytes)| Accident::TakeOut(at, bytes)),
        (place(), 1..9_000_usize).prop_map(|(at, bytes)| Accident::Zero(at, bytes)),
        place().prop_map(Accident::CutOff),
    ]
}

/// Returns the bytes of the file as it was that the accident has touched.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a place in a short file"
)]
fn happen(accident: &Accident, bytes: &mut Vec<u8>) -> Range<usize> {
    let length = bytes.len();
    let place = |at: f64| ((length as f64 * at) as usize).min(length - 1);
    match accident {
        Accident::Flip(at, flip) => {
            bytes[place(*at)] ^= flip;
            place(*at)..place(*at) + 1
        }
        Accident::PutIn(at, put) => {
            bytes.splice(place(*at)..place(*at), put.iter().copied());
            // Between two bytes: it touches neither where that is between two chunks.
            place(*at)..place(*at)
        }
        Accident::TakeOut(at, count) => {
            let range = place(*at)..(place(*at) + count).min(length);
            bytes.drain(range.clone());
            range
        }
        Accident::Zero(at, count) => {
            let range = place(*at)..(place(*at) + count).min(length);
            bytes[range.clone()].fill(0);
            range
        }
        Accident::CutOff(at) => {
            bytes.truncate(place(*at));
            place(*at)..length
        }
    }
}

proptest! {
    #[test]
    fn whatever_happens_all_chunks_that_it_did_not_touch_are_given(
        sizes in prop::collection::vec(prop::collection::vec(0..3_000_usize, 1..5), 1..30),
        accident in accident(),
    ) {
        let mut number = 0;
        let batches = sizes.iter().map(|batch| batch.iter().map(|size| {
            number += 1;
            let text = "words ".repeat(size / 6);
            frame(number - 1, if number % 3 == 0 { text.into_bytes() } else { noise(number, *size) }.as_slice())
        }).collect()).collect::<Vec<Vec<Owned>>>();
        let made = made(&batches);
        let mut bytes = made.bytes.clone();
        let touched = happen(&accident, &mut bytes);
        let read = read_bytes(&bytes);
        let mut expected = Vec::new();
        for chunk in &made.chunks {
            let spared = chunk.bytes.end <= touched.start || touched.end <= chunk.bytes.start;
            if spared {
                expected.extend(chunk.records.clone());
            }
        }
        prop_assert_eq!(read.numbers(), expected);
        for (number, record) in &read.records {
            prop_assert_eq!(record, &made.records[usize::try_from(*number).unwrap()]);
        }
    }
}

#[test]
fn what_a_journal_says_of_itself_is_found_wherever_it_stands_and_behind_damage() {
    let folder = tempfile::tempdir().expect("a folder");
    let note = |text: &str| OwnedKind::Note(text.to_owned());
    let opened = OwnedKind::Opened(1, "wss://a".to_owned(), "told=metadata".to_owned());
    let kinds = [note("told=first"), note("other"), opened, note("told=last")];
    let batches = kinds.into_iter().zip(0..).map(|(kind, second)| {
        let at = stamp(second);
        vec![Owned { at, kind }, frame(second, b"told=payload")]
    });
    write(
        folder.path(),
        Options::default(),
        &batches.collect::<Vec<_>>(),
    );
    let found = || {
        let told = |json: &str| json.strip_prefix("told=").map(str::to_owned);
        pagewire_journal::find_note(folder.path(), told).expect("it can be read")
    };
    assert_eq!(found().as_deref(), Some("first"));

    let segment = segments(folder.path()).remove(0);
    let mut bytes = fs::read(&segment).expect("read");
    bytes[CHUNK_HEAD_BYTES] ^= 1;
    fs::write(&segment, bytes).expect("written");
    assert_eq!(found().as_deref(), Some("metadata"));
    let none = pagewire_journal::find_note(folder.path(), |_| None::<()>);
    assert_eq!(none.expect("it can be read"), None);
}
