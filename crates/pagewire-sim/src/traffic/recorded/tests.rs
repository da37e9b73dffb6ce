//! Journals that are written here, and how they play.

use std::time::Duration;

use pagewire_journal::{ConnectionId, Entry, JournalWriter, Stamp};
use pagewire_live::made;
use tempfile::TempDir;

use super::*;
use crate::wire::{self, DouyinWire};

/// What a journal has: how many milliseconds after its beginning, which way, and bytes.
type Kept<'a> = (u64, Direction, FrameKind, &'a [u8]);

fn journal(frames: &[Kept<'_>]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let options = pagewire_journal::Options::default();
    let path = folder.path().join("journal");
    let (mut writer, _) = JournalWriter::open(path, options, 1).expect("a journal");
    for (at_ms, direction, kind, payload) in frames {
        let entry = Entry {
            at: Stamp {
                mono_us: 7_000_000 + at_ms * 1_000,
                unix_us: 1_800_000_000_000_000 + at_ms * 1_000,
            },
            record: Record::Frame(Frame {
                connection: ConnectionId(1),
                direction: *direction,
                kind: *kind,
                payload,
            }),
        };
        writer.append(&[entry]).expect("it is kept");
    }
    writer.close().expect("it is closed");
    folder
}

fn open(folder: &TempDir, speed: Speed) -> Recorded {
    let recording = Recording {
        path: folder.path().join("journal"),
        speed,
    };
    Recorded::open(&RoomOptions::new("r", Site::Douyin), &recording).expect("it plays")
}

/// Frames of one message each.
fn frames(count: usize) -> Vec<Vec<u8>> {
    let frames = made::frames(Site::Douyin, 7, Some(1)).expect("it is made up");
    frames.take(count).collect()
}

fn faults(faults: &[&str]) -> Vec<Fault> {
    let faults = faults.iter();
    faults
        .map(|fault| fault.parse().expect("a fault"))
        .collect()
}

/// Ids of all messages, 0 for those that are lost.
fn ids(recorded: &mut Recorded, of: &[&str]) -> Vec<u64> {
    let faults = faults(of);
    let next = || match recorded.next(Duration::ZERO, &faults) {
        Next::Message(message) => Some(message.id),
        Next::Lost => Some(0),
        Next::Later => panic!("nothing waits at the highest speed"),
        Next::Over => None,
    };
    std::iter::from_fn(next).collect()
}

#[test]
fn messages_come_when_they_are_due_at_each_speed() {
    let frames = frames(3);
    let at = |index: usize, ms| (ms, Direction::In, FrameKind::Binary, &frames[index][..]);
    let folder = journal(&[at(0, 500), at(1, 1_500), at(2, 5_500)]);
    for (times, due_ms) in [
        (1.0, [1_000, 5_000]),
        (10.0, [100, 500]),
        (0.5, [2_000, 10_000]),
    ] {
        let mut recorded = open(&folder, Speed::Times(times));
        let mut next = |ms| recorded.next(Duration::from_millis(ms), &[]);
        assert!(matches!(next(0), Next::Message(_)), "the first at once");
        for ms in due_ms {
            assert!(matches!(next(ms - 1), Next::Later), "{times} {ms}");
            assert!(matches!(next(ms), Next::Message(_)), "{times} {ms}");
        }
        assert!(matches!(next(u64::MAX), Next::Over));
    }
    assert_eq!(ids(&mut open(&folder, Speed::Max), &[]).len(), 3);
}

#[test]
fn what_was_sent_and_what_is_of_the_socket_is_not_played_and_what_cannot_be_read_is_counted() {
    let frames = frames(2);
    let broken = frame_of("WebcastChatMessage", &[0x0a, 0x7f, 0x0a]);
    let cases: [Kept<'_>; 7] = [
        (0, Direction::Out, FrameKind::Binary, &frames[0]),
        (1, Direction::In, FrameKind::Ping, &frames[0]),
        (2, Direction::In, FrameKind::Text, &frames[0]),
        (3, Direction::In, FrameKind::Binary, &[0xff; 64]),
        (4, Direction::In, FrameKind::Binary, &frames[0]),
        (5, Direction::In, FrameKind::Binary, &broken),
        (6, Direction::In, FrameKind::Binary, &frames[1]),
    ];
    let folder = journal(&cases);
    let mut recorded = open(&folder, Speed::Max);
    assert_eq!(ids(&mut recorded, &[]).len(), 3);
    let expected = Played {
        frames: 3,
        frames_unread: 1,
        messages_unread: 1,
        ..Played::default()
    };
    assert_eq!(recorded.played(), expected);
}

#[test]
fn what_a_newer_version_wrote_is_passed_over_and_counted() {
    let frames = frames(2);
    let at = |index: usize| (0, Direction::In, FrameKind::Binary, &frames[index][..]);
    let folder = journal(&[at(0), at(1)]);
    let segments = std::fs::read_dir(folder.path().join("journal")).expect("a folder");
    let mut paths = segments.map(|entry| entry.expect("an entry").path());
    let segment = paths.find(|path| path.extension().is_some_and(|name| name == "pwj"));
    let segment = segment.expect("a segment");
    let mut bytes = std::fs::read(&segment).expect("read");
    // The last chunk is of a kind that nobody knows.
    let marker = &bytes[..8];
    let last = bytes.windows(8).rposition(|window| window == marker);
    let last = last.expect("a chunk");
    bytes[last + 9] = 77;
    let checksum = crc32fast::hash(&bytes[last..last + 60]);
    bytes[last + 60..last + 64].copy_from_slice(&checksum.to_le_bytes());
    std::fs::write(&segment, bytes).expect("written");
    let mut recorded = open(&folder, Speed::Max);
    assert_eq!(ids(&mut recorded, &[]).len(), 1);
    let expected = Played {
        frames: 1,
        skipped: 1,
        ..Played::default()
    };
    assert_eq!(recorded.played(), expected);
}

/// A frame with one message that no made-up room sends.
fn frame_of(method: &str, payload: &[u8]) -> Vec<u8> {
    let message = Message {
        id: 9,
        written: made::Written::Douyin {
            method: method.to_owned(),
            payload: payload.to_vec(),
        },
        happening: None,
    };
    let response = wire::alone(Site::Douyin, 1, &message, 0);
    DouyinWire::new(1, 10).push(&wire::gzip(&response), "msg", 1, 0)
}

#[test]
fn faults_of_how_it_is_told_stand_on_top() {
    let frames = frames(400);
    let kept: Vec<_> = frames
        .iter()
        .map(|frame| (0, Direction::In, FrameKind::Binary, &frame[..]))
        .collect();
    let folder = journal(&kept);
    let play = |faults: &[&str]| ids(&mut open(&folder, Speed::Max), faults);
    let plain = play(&[]);
    assert_eq!(plain.len(), 400);

    let reversed: Vec<_> = plain
        .chunks(8)
        .flat_map(|chunk| chunk.iter().rev().copied())
        .collect();
    assert_eq!(play(&["reordered=8"]), reversed);
    let mut rest = play(&["reordered=7"]);
    assert_eq!(rest.len(), 400, "what is held back at the end comes too");
    rest.sort_unstable();
    let mut sorted = plain.clone();
    sorted.sort_unstable();
    assert_eq!(rest, sorted);

    let doubled = play(&["doubled-gifts"]);
    let more = doubled.len() - plain.len();
    assert!(more > 40, "{more} gifts");
    let without_repeats = |mut ids: Vec<u64>| {
        ids.dedup();
        ids
    };
    let (once, plain) = (without_repeats(doubled), without_repeats(plain));
    assert_eq!(once, plain, "each twice, one behind the other");

    let lost = play(&["lost=10"]);
    let (told, gone): (Vec<_>, Vec<_>) = lost.into_iter().partition(|id| *id > 0);
    assert!((20..=40).contains(&gone.len()), "{} of 40", gone.len());
    assert_eq!(told.len() + gone.len(), 400);
}

#[test]
fn a_journal_without_an_end_is_given_one_and_only_one() {
    let frames = frames(2);
    let kept: Vec<_> = frames
        .iter()
        .map(|frame| (0, Direction::In, FrameKind::Binary, &frame[..]))
        .collect();
    let folder = journal(&kept);
    let mut recorded = open(&folder, Speed::Max);
    assert_eq!(ids(&mut recorded, &[]).len(), 2);
    let [end] = &recorded.end(1_800_000_000_000)[..] else {
        panic!("one message");
    };
    let end_frame = wire::alone(Site::Douyin, 1, end, 0);
    assert!(recorded.end(1_800_000_000_000).is_empty());

    let with_end = journal(&[(0, Direction::In, FrameKind::Polled, &end_frame[..])]);
    let mut recorded = open(&with_end, Speed::Max);
    assert_eq!(ids(&mut recorded, &[]).len(), 1);
    assert!(recorded.end(1_800_000_000_000).is_empty());
}

#[test]
fn the_number_of_a_room_is_that_of_its_messages_where_its_first_frames_tell() {
    let (telling, silent) = (&frames(1)[0], [0xff; 8]);
    let number = |before: usize| {
        let mut kept = vec![(0, Direction::In, FrameKind::Binary, &silent[..]); before];
        kept.push((0, Direction::In, FrameKind::Binary, &telling[..]));
        open(&journal(&kept), Speed::Max).id
    };
    let told = number(0);
    let made = made::frames(Site::Douyin, RoomOptions::new("r", Site::Douyin).seed, None);
    let made = made.expect("it is made up").room().id();
    assert_ne!(told, made);
    assert_eq!(number(NUMBER_FRAMES_MAX - 1), told);
    assert_eq!(number(NUMBER_FRAMES_MAX), made);

    let folder = journal(&[]);
    let recording = Recording {
        path: folder.path().join("journal"),
        speed: Speed::Max,
    };
    let id = |name, site| {
        let options = RoomOptions::new(name, site);
        Recorded::open(&options, &recording).expect("it plays").id
    };
    assert_eq!(id("21987615", Site::Bilibili), 21_987_615);
    assert_ne!(id("21987615", Site::Huya), 21_987_615, "not the presenter");
}
