//! A disk without room: told once, counted, and left behind when there is room again.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod made;

use std::env;
use std::process::Command;

use pagewire_journal::{Appended, Error, JournalWriter, Options};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use self::made::{Owned, OwnedKind, UNIX_US, frame, noise, read};

/// The child is this test again, with the journal's folder in this variable.
const CHILD: &str = "PAGEWIRE_TEST_JOURNAL_CHILD";

fn limit_file_size(bytes: Option<u64>) {
    let maximum = getrlimit(Resource::Fsize).maximum;
    let limit = Rlimit {
        current: bytes,
        maximum,
    };
    setrlimit(Resource::Fsize, limit).unwrap();
}

/// Not a test by itself: the limit is one of a whole process.
#[test]
fn child_writes_into_a_limit() {
    let Some(folder) = env::var_os(CHILD) else {
        return;
    };
    let (mut writer, _) = JournalWriter::open(folder, Options::default(), UNIX_US).unwrap();
    let mut append = |numbers: std::ops::Range<u64>| {
        let records: Vec<_> = numbers.map(|n| frame(n, &noise(n, 1_000))).collect();
        let entries: Vec<_> = records.iter().map(Owned::entry).collect();
        writer.append(&entries)
    };
    assert_eq!(append(0..1).unwrap(), Appended::Kept);
    // In the middle of the second chunk.
    limit_file_size(Some(1_700));
    let error = append(1..3).unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error}");
    let text = error.to_string();
    assert!(
        text.contains("cannot write to") && text.contains("ulimit -f"),
        "{text}"
    );
    assert_eq!(append(3..4).unwrap(), Appended::Missed { missed: 3 });
    assert_eq!(append(4..6).unwrap(), Appended::Missed { missed: 5 });
    limit_file_size(getrlimit(Resource::Fsize).maximum);
    assert_eq!(append(6..7).unwrap(), Appended::Resumed { missed: 5 });
    assert_eq!(append(7..8).unwrap(), Appended::Kept);
    writer.close().unwrap();
}

#[test]
fn a_full_disk_is_told_once_counted_and_left_behind() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    // The system ends a process that does not ignore the signal about the limit.
    let mut command = Command::new("sh");
    command.args([
        "-c",
        r#"trap "" XFSZ; exec "$0" --exact child_writes_into_a_limit --nocapture"#,
    ]);
    let output = command
        .arg(env::current_exe().unwrap())
        .env(CHILD, &path)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let all = read(&path);
    assert_eq!((&all.damages[..], &all.unfinished), (&[][..], &None));
    assert_eq!(all.numbers(), [0, 1, 2, 3]);
    let frames: Vec<_> = [0, 6, 7]
        .iter()
        .map(|n| frame(*n, &noise(*n, 1_000)))
        .collect();
    let records = all.owned();
    assert_eq!(
        [&records[0], &records[2], &records[3]],
        [&frames[0], &frames[1], &frames[2]]
    );
    let OwnedKind::Gap(5, since, reason) = &records[1].kind else {
        panic!("{:?}", records[1]);
    };
    assert_eq!((*since, records[1].at), (made::stamp(1), made::stamp(6)));
    assert!(reason.contains("cannot write to"), "{reason}");
}
