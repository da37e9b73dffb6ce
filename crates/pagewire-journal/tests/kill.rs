//! `kill -9` at any moment loses no record whose append had returned.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod made;

use std::env;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use pagewire_journal::{JournalReader, JournalWriter, Moment, Options};

use self::made::{Owned, UNIX_US, frame, noise, read_all};

/// The child is this test again, with the journal's folder in this variable.
const CHILD: &str = "PAGEWIRE_TEST_JOURNAL_CHILD";
const KILLS: u64 = 12;
const KILLS_LONG: u64 = 100;
const SEED: u64 = 20;

/// Not a test by itself: appends until it is killed, and says how many records there are after each append that returned.
#[test]
fn child_appends_until_it_is_killed() {
    let Some(folder) = env::var_os(CHILD) else {
        return;
    };
    let options = Options {
        segment_bytes_max: 200_000,
        ..Options::default()
    };
    let (mut writer, recovered) = JournalWriter::open(folder, options, UNIX_US).unwrap();
    let mut next = recovered.next_record;
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n{next}").unwrap();
    loop {
        let records: Vec<Owned> = (next..next + next % 4 + 1)
            .map(|number| frame(number, &noise(number, payload_bytes(number))))
            .collect();
        made::append(&mut writer, &records);
        next += records.len() as u64;
        writeln!(out, "{next}").unwrap();
    }
}

fn payload_bytes(number: u64) -> usize {
    match number % 50 {
        0 => 70_000,
        rest => usize::try_from(rest).unwrap() * 20,
    }
}

fn start_child(folder: &Path) -> Child {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "child_appends_until_it_is_killed", "--nocapture"]);
    command
        .env(CHILD, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command.spawn().unwrap()
}

#[test]
fn no_record_whose_append_had_returned_is_lost_and_writing_goes_on() {
    let kills = match env::var_os("PAGEWIRE_TEST_LONG") {
        Some(_) => KILLS_LONG,
        None => KILLS,
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let mut state = SEED;
    let mut total = 0;
    for kill in 0..kills {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let appends = (state >> 33) % 400;
        let (first, returned) = run_until_killed(&path, appends);
        assert!(
            first >= total,
            "{first} records were found, and {total} had been read"
        );
        total = check(&path, first, returned, kill);
    }
    let all = made::read(&path);
    assert_eq!(all.damages, []);
    assert_eq!(all.numbers(), (0..total).collect::<Vec<_>>());
    assert!(
        total > kills * 20,
        "{total} records in {kills} runs, seed {SEED}"
    );
}

/// Returns how many records the child has found, and how many there were when its last append had returned.
fn run_until_killed(path: &Path, appends: u64) -> (u64, u64) {
    let mut child = start_child(path);
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut numbers = lines
        .map_while(Result::ok)
        .filter_map(|line| line.parse::<u64>().ok());
    let first = numbers.next().expect("the child says what it has found");
    let mut returned = first;
    for number in numbers.by_ref().take(usize::try_from(appends).unwrap()) {
        returned = number;
    }
    child.kill().unwrap();
    // What it said before its end counts too.
    let returned = numbers.last().unwrap_or(returned);
    child.wait().unwrap();
    (first, returned)
}

/// Everything from `first` on is there once, in order, and as it was made. Returns how many records there are.
fn check(path: &Path, first: u64, returned: u64, kill: u64) -> u64 {
    let reader = JournalReader::open(path).unwrap();
    let part = read_all(&mut reader.from(Moment::Mono(first * 1_000_000)));
    let what = format!("kill {kill}, {first} to {returned}, seed {SEED}");
    assert_eq!(part.damages, [], "{what}");
    let end = part.records.last().map_or(first, |(number, _)| number + 1);
    assert!(end >= returned, "{what}: there are {end}");
    assert_eq!(part.numbers(), (first..end).collect::<Vec<_>>(), "{what}");
    for (number, record) in &part.records {
        assert_eq!(
            *record,
            frame(*number, &noise(*number, payload_bytes(*number))),
            "{what}"
        );
    }
    end
}
