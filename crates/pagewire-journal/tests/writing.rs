//! Segments, locks, what an earlier writer has left, and reading while another writes.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod made;

use std::fs;
use std::path::Path;
use std::time::Duration;

use pagewire_journal::{
    Appended, CHUNK_BYTES_MAX, CHUNK_HEAD_BYTES, DamageKind, Error, JournalReader, JournalWriter,
    Moment, Options,
};

use self::made::{
    Owned, OwnedKind, UNIX_US, append, frame, noise, open, read, read_all, segments, stamp, write,
};

/// Bytes of a record of a frame beside its payload.
const FRAME_BYTES: usize = 21 + 10;

fn journal() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    (folder, path)
}

fn lengths(path: &Path) -> Vec<usize> {
    let lengths = segments(path)
        .into_iter()
        .map(|file| fs::metadata(file).unwrap().len());
    lengths
        .map(|length| usize::try_from(length).unwrap())
        .collect()
}

#[test]
fn a_segment_is_as_long_as_it_may_be_and_not_one_byte_longer() {
    let chunk = CHUNK_HEAD_BYTES + FRAME_BYTES + 8 + 300;
    let full = CHUNK_HEAD_BYTES + 2 * chunk;
    let batches: Vec<_> = (0..4).map(|n| vec![frame(n, &noise(n, 300))]).collect();
    for (max, expected) in [
        (full, vec![full, full]),
        (full - 1, vec![CHUNK_HEAD_BYTES + chunk; 4]),
        // A chunk must go somewhere.
        (1, vec![CHUNK_HEAD_BYTES + chunk; 4]),
    ] {
        let (_folder, path) = journal();
        let options = Options {
            segment_bytes_max: max as u64,
            ..Options::default()
        };
        write(&path, options, &batches);
        assert_eq!(lengths(&path), expected, "{max}");
        assert_eq!(read(&path).owned(), batches.concat());
    }
}

#[test]
fn a_segment_lasts_as_long_as_it_may_and_not_longer() {
    for (seconds, micros, count) in [(10, 0, 1), (9, 999_999, 2)] {
        let (_folder, path) = journal();
        let options = Options {
            segment_time_max: Duration::new(seconds, micros * 1_000),
            ..Options::default()
        };
        write(&path, options, &[vec![frame(0, b"")], vec![frame(10, b"")]]);
        assert_eq!(segments(&path).len(), count);
        assert_eq!(read(&path).numbers(), [0, 1]);
    }
}

#[test]
fn a_long_append_goes_to_as_many_segments_as_it_needs() {
    let (_folder, path) = journal();
    let options = Options {
        segment_bytes_max: 300_000,
        ..Options::default()
    };
    let records: Vec<_> = (0..2_000).map(|n| frame(n, &noise(n, 1_000))).collect();
    write(&path, options, std::slice::from_ref(&records));
    assert!(lengths(&path).iter().all(|length| *length <= 300_000));
    assert_eq!(lengths(&path).len(), 8);
    assert_eq!(read(&path).owned(), records);
}

#[test]
fn a_record_may_be_as_long_as_a_chunk_and_not_one_byte_longer() {
    let (_folder, path) = journal();
    let mut writer = open(&path, Options::default());
    let longest = frame(0, &vec![7; CHUNK_BYTES_MAX - FRAME_BYTES - 8]);
    append(&mut writer, std::slice::from_ref(&longest));
    let longer = frame(1, &vec![7; CHUNK_BYTES_MAX - FRAME_BYTES - 7]);
    let error = writer
        .append(&[frame(1, b"").entry(), longer.entry()])
        .unwrap_err();
    assert!(
        matches!(error, Error::RecordTooLarge { index: 1, bytes } if bytes == CHUNK_BYTES_MAX + 1),
        "{error}"
    );
    append(&mut writer, &[frame(1, b"x")]);
    assert!(read(&path).owned() == [longest, frame(1, b"x")]);
}

#[test]
fn one_process_writes_while_others_read() {
    let (_folder, path) = journal();
    let mut writer = open(&path, Options::default());
    let error = JournalWriter::open(&path, Options::default(), UNIX_US).unwrap_err();
    assert!(matches!(error, Error::InUse { .. }), "{error}");
    append(&mut writer, &[frame(0, b"a")]);
    assert_eq!(read(&path).numbers(), [0]);
    writer.close().unwrap();
    append(&mut open(&path, Options::default()), &[frame(1, b"b")]);
    assert_eq!(read(&path).numbers(), [0, 1]);
}

#[test]
fn what_is_no_journal_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes.txt");
    fs::write(&file, "not a chunk in it").unwrap();
    let open = |path: &Path| JournalWriter::open(path, Options::default(), UNIX_US).map(|_| ());
    for path in [folder.path(), &file] {
        let error = open(path).unwrap_err();
        assert!(matches!(error, Error::Taken { .. }), "{error}");
        check_words(
            &error,
            "to begin one, name a folder that is empty",
            "新建日志请指定空目录",
        );
        let error = JournalReader::open(path).unwrap_err();
        assert!(matches!(error, Error::NotAJournal { .. }), "{error}");
        check_words(
            &error,
            "A journal is a folder that pagewire made",
            "日志是 pagewire 建立的目录",
        );
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    let error = JournalReader::open(folder.path().join("gone")).unwrap_err();
    assert!(matches!(error, Error::Unreadable { .. }), "{error}");
    check_words(&error, "look at the name", "请检查名称");
}

fn check_words(error: &Error, english: &str, chinese: &str) {
    assert!(error.to_string().contains(english), "{error}");
    assert!(error.zh().contains(chinese), "{}", error.zh());
}

#[test]
fn of_a_folder_of_journals_the_first_three_are_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("a-folder")).unwrap();
    let names = ["sim-1", "sim-2", "sim-3", "sim-4"];
    for (count, name) in (1..).zip(names) {
        open(&folder.path().join(name), Options::default());
        let error = JournalReader::open(folder.path()).unwrap_err();
        let path = |name: &&str| folder.path().join(name).display().to_string();
        let named: Vec<_> = names.iter().map(path).take(count.min(3)).collect();
        let more = if count > 3 {
            [" and more", " 等"]
        } else {
            ["", ""]
        };
        let english = format!(
            "In it are the journals {}{}; name one of them",
            named.join(", "),
            more[0]
        );
        let chinese = format!("其中有日志 {}{}，请指定一个", named.join("、"), more[1]);
        check_words(&error, &english, &chinese);
    }
}

#[cfg(unix)]
#[test]
fn nobody_else_may_read_a_journal() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_folder, path) = journal();
    write(&path, Options::default(), &[vec![frame(0, b"secret")]]);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    let files: Vec<_> = fs::read_dir(&path).unwrap().flatten().collect();
    assert_eq!(files.len(), 2);
    for file in files {
        assert_eq!(mode(&file.path()), 0o600, "{file:?}");
    }
}

#[test]
fn an_unfinished_chunk_is_cut_off_and_nothing_before_it() {
    let (_folder, path) = journal();
    let records: Vec<_> = (0..3).map(|n| frame(n, &noise(n, 40))).collect();
    write(
        &path,
        Options::default(),
        &[records[..2].to_vec(), records[2..].to_vec()],
    );
    let bytes = fs::read(&segments(&path)[0]).unwrap();
    let last = bytes.len() - (CHUNK_HEAD_BYTES + FRAME_BYTES + 48);
    for length in last..bytes.len() {
        let (_folder, path) = journal();
        fs::create_dir(&path).unwrap();
        let segment = path.join("0000000000-1700000000000.pwj");
        fs::write(&segment, &bytes[..length]).unwrap();
        let (mut writer, found) = JournalWriter::open(&path, Options::default(), UNIX_US).unwrap();
        let cut = found.cut.map(|cut| (cut.kind, cut.bytes));
        let expected = (length > last).then_some((DamageKind::Torn, last as u64..length as u64));
        assert_eq!(cut, expected);
        assert_eq!(fs::metadata(&segment).unwrap().len(), last as u64);
        assert_eq!((found.next_record, found.last), (2, Some(stamp(1))));
        append(&mut writer, &[records[2].clone()]);
        let all = read(&path);
        assert_eq!((all.owned(), all.damages), (records.clone(), vec![]));
    }
}

#[test]
fn a_segment_that_was_hardly_begun_is_removed() {
    for length in [0, 1, 63] {
        let (_folder, path) = journal();
        write(&path, Options::default(), &[vec![frame(0, b"a")]]);
        let begun = path.join("0000000001-1700000000000.pwj");
        let head = fs::read(&segments(&path)[0]).unwrap();
        fs::write(&begun, &head[..length]).unwrap();
        let mut writer = open(&path, Options::default());
        assert_eq!(begun.exists(), length == 0);
        append(&mut writer, &[frame(1, b"b")]);
        let all = read(&path);
        assert_eq!((all.numbers(), all.damages), (vec![0, 1], vec![]));
    }
}

#[test]
fn a_damaged_end_is_left_to_readers_and_writing_goes_on() {
    let (_folder, path) = journal();
    write(
        &path,
        Options::default(),
        &[vec![frame(0, b"a")], vec![frame(1, b"b")]],
    );
    let segment = &segments(&path)[0];
    let mut bytes = fs::read(segment).unwrap();
    let head = bytes.len() - 50;
    bytes[head] ^= 1;
    fs::write(segment, &bytes).unwrap();
    let (mut writer, found) = JournalWriter::open(&path, Options::default(), UNIX_US).unwrap();
    assert_eq!(found.cut, None);
    assert_eq!(fs::read(segment).unwrap(), bytes);
    append(&mut writer, &[frame(2, b"c")]);
    let all = read(&path);
    assert_eq!(all.owned(), [frame(0, b"a"), frame(2, b"c")]);
    let damages: Vec<_> = all
        .damages
        .iter()
        .map(|damage| (damage.kind, damage.records))
        .collect();
    assert_eq!(
        damages,
        [(DamageKind::NoChunk, None), (DamageKind::Missing, Some(1))]
    );
}

#[test]
fn the_clock_of_a_journal_goes_on_where_it_was() {
    let (_folder, path) = journal();
    let resumed = |seconds: u64| {
        let now = UNIX_US + seconds * 1_000_000;
        let (_, found) = JournalWriter::open(&path, Options::default(), now).unwrap();
        found.resume_us / 1_000_000
    };
    assert_eq!(resumed(50), 0);
    append(&mut open(&path, Options::default()), &[frame(100, b"")]);
    assert_eq!(resumed(160), 160);
    // The clock on the wall was set back.
    assert_eq!(resumed(30), 100);
}

#[test]
fn a_reader_is_given_what_is_added_later() {
    let (_folder, path) = journal();
    let options = Options {
        segment_bytes_max: 500,
        ..Options::default()
    };
    let mut writer = open(&path, options);
    let mut reader = JournalReader::open(&path).unwrap();
    assert_eq!(read_all(&mut reader).numbers(), []);
    for number in 0..20 {
        append(&mut writer, &[frame(number, &noise(number, 100))]);
        let added = read_all(&mut reader);
        assert_eq!((added.numbers(), added.damages), (vec![number], vec![]));
    }
    assert!(segments(&path).len() > 5);
}

#[test]
fn a_chunk_that_is_being_written_is_not_there_yet() {
    let (_folder, path) = journal();
    write(
        &path,
        Options::default(),
        &[vec![frame(0, b"a")], vec![frame(1, b"b")]],
    );
    let segment = &segments(&path)[0];
    let bytes = fs::read(segment).unwrap();
    fs::write(segment, &bytes[..bytes.len() - 1]).unwrap();
    let mut reader = JournalReader::open(&path).unwrap();
    let all = read_all(&mut reader);
    assert_eq!((all.numbers(), all.damages), (vec![0], vec![]));
    assert_eq!(all.unfinished.map(|torn| torn.kind), Some(DamageKind::Torn));
    fs::write(segment, &bytes).unwrap();
    let rest = read_all(&mut reader);
    assert_eq!((rest.numbers(), rest.unfinished), (vec![1], None));
}

#[test]
fn a_part_by_time_is_found_over_segments() {
    let (_folder, path) = journal();
    let options = Options {
        segment_bytes_max: 2_000,
        ..Options::default()
    };
    let batches: Vec<_> = (0..60).map(|n| vec![frame(n, &noise(n, 200))]).collect();
    write(&path, options, &batches);
    assert!(segments(&path).len() > 6);
    // What is before the part is not read, so its damage is nobody's business.
    let first = &segments(&path)[0];
    let mut bytes = fs::read(first).unwrap();
    bytes[200] ^= 1;
    fs::write(first, bytes).unwrap();
    for (from, to) in [(20, 40), (30, 30), (59, 80), (7, 59)] {
        let reader = JournalReader::open(&path).unwrap();
        let reader = reader.from(Moment::Mono(from * 1_000_000));
        let part = read_all(&mut reader.to(Moment::Unix(UNIX_US + to * 1_000_000)));
        assert_eq!(part.numbers(), (from..=to.min(59)).collect::<Vec<_>>());
        assert_eq!(part.damages, []);
    }
}

#[test]
fn a_folder_that_goes_away_is_told_once_and_writing_goes_on_when_it_is_back() {
    let (folder, path) = journal();
    let options = Options {
        segment_bytes_max: 1,
        ..Options::default()
    };
    let mut writer = open(&path, options);
    append(&mut writer, &[frame(0, b"a")]);
    let away = folder.path().join("away");
    fs::rename(&path, &away).unwrap();
    let error = writer.append(&[frame(1, b"b").entry()]).unwrap_err();
    assert!(error.to_string().contains("cannot create"), "{error}");
    let again = writer.append(&[frame(2, b"c").entry()]);
    assert_eq!(again.unwrap(), Appended::Missed { missed: 2 });
    fs::rename(&away, &path).unwrap();
    let entry = frame(3, b"d");
    assert_eq!(
        writer.append(&[entry.entry()]).unwrap(),
        Appended::Resumed { missed: 2 }
    );
    let records: Vec<Owned> = read(&path).owned();
    assert!(
        matches!(records[1].kind, OwnedKind::Gap(2, ..)),
        "{records:?}"
    );
    assert_eq!(
        [&records[0], &records[2]],
        [&frame(0, b"a"), &frame(3, b"d")]
    );
}

#[test]
fn a_segment_that_is_taken_away_while_it_is_read_is_missing_and_not_an_error() {
    let (_folder, path) = journal();
    let options = Options {
        segment_bytes_max: 1,
        ..Options::default()
    };
    let batches: Vec<_> = (0..4).map(|n| vec![frame(n, b"a")]).collect();
    write(&path, options, &batches);
    let mut reader = JournalReader::open(&path).unwrap();
    for file in &segments(&path)[1..3] {
        fs::remove_file(file).unwrap();
    }
    let all = read_all(&mut reader);
    assert_eq!(all.numbers(), [0, 3]);
    let damages: Vec<_> = all
        .damages
        .iter()
        .map(|damage| (damage.kind, damage.records))
        .collect();
    assert_eq!(damages, [(DamageKind::Missing, Some(2))]);
}

#[test]
fn what_is_missing_at_the_end_is_told_when_the_journal_is_closed() {
    let (folder, path) = journal();
    let options = Options {
        segment_bytes_max: 1,
        ..Options::default()
    };
    let mut writer = open(&path, options);
    append(&mut writer, &[frame(0, b"a")]);
    let away = folder.path().join("away");
    fs::rename(&path, &away).unwrap();
    writer.append(&[frame(1, b"b").entry()]).unwrap_err();
    fs::rename(&away, &path).unwrap();
    writer.close().unwrap();
    let records = read(&path).owned();
    assert!(
        matches!(records[1].kind, OwnedKind::Gap(1, since, _) if since == stamp(1)),
        "{records:?}"
    );
}
