//! What is appended is read, however it is appended.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod made;

use std::time::Duration;

use pagewire_journal::{Direction, FrameKind, JournalReader, Moment, Options, Stamp};
use proptest::prelude::*;

use self::made::{Owned, OwnedKind, UNIX_US, open, read, read_all, write};

fn payload() -> impl Strategy<Value = Vec<u8>> {
    let text = ("[a-z一-龥 ]{0,20}", 0..80_usize).prop_map(|(text, times)| text.repeat(times));
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..2_000),
        text.prop_map(String::into_bytes),
    ]
}

fn kind() -> impl Strategy<Value = OwnedKind> {
    use FrameKind::{Binary, Close, Ping, Polled, Pong, Text};
    let direction = prop::sample::select(vec![Direction::In, Direction::Out]);
    let frame = prop::sample::select(vec![Text, Binary, Close, Ping, Pong, Polled]);
    let stamp = (any::<u64>(), any::<u64>());
    let stamp = stamp.prop_map(|(mono_us, unix_us)| Stamp { mono_us, unix_us });
    prop_oneof![
        6 => (any::<u64>(), direction, frame, payload())
            .prop_map(|(id, direction, kind, payload)| OwnedKind::Frame(id, direction, kind, payload)),
        1 => (any::<u64>(), ".*", ".*").prop_map(|(id, address, text)| OwnedKind::Opened(id, address, text)),
        1 => (any::<u64>(), prop::option::of(1..=u16::MAX), ".*")
            .prop_map(|(id, code, reason)| OwnedKind::Closed(id, code, reason)),
        1 => ".*".prop_map(OwnedKind::Note),
        1 => (any::<u64>(), stamp, ".*").prop_map(|(records, since, reason)| OwnedKind::Gap(records, since, reason)),
    ]
}

/// Clocks that mostly go on, and sometimes back.
fn records() -> impl Strategy<Value = Vec<Owned>> {
    let step = prop_oneof![9 => 0..5_000_000_i64, 1 => -3_000_000..0_i64];
    prop::collection::vec((step, kind()), 0..120).prop_map(|steps| {
        let mut mono_us = 0_u64;
        let records = steps.into_iter().map(|(step, kind)| {
            mono_us = mono_us.saturating_add_signed(step);
            let unix_us = UNIX_US + mono_us;
            let at = Stamp { mono_us, unix_us };
            Owned { at, kind }
        });
        records.collect()
    })
}

fn options() -> impl Strategy<Value = Options> {
    (200..20_000_u64, 1..200_u64).prop_map(|(bytes, seconds)| Options {
        segment_bytes_max: bytes,
        segment_time_max: Duration::from_secs(seconds),
        ..Options::default()
    })
}

/// The records in batches of these sizes, over and over.
fn split(records: &[Owned], sizes: &[usize]) -> Vec<Vec<Owned>> {
    let mut rest = records;
    let mut batches = Vec::new();
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (batch, behind) = rest.split_at((*size).min(rest.len()));
        batches.push(batch.to_vec());
        rest = behind;
    }
    batches
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_records_in_any_batches_are_read_as_they_were_appended(
        records in records(),
        sizes in prop::collection::vec(1..40_usize, 1..6),
        options in options(),
        reopen in 0..3_usize,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let batches = split(&records, &sizes);
        let (before, behind) = batches.split_at(batches.len() * reopen / 2);
        write(&path, options.clone(), before);
        write(&path, options, behind);
        let all = read(&path);
        prop_assert_eq!(&all.damages, &[]);
        prop_assert_eq!(&all.unfinished, &None);
        prop_assert_eq!(all.numbers(), (0..records.len() as u64).collect::<Vec<_>>());
        prop_assert_eq!(all.owned(), records);
    }

    #[test]
    fn a_part_by_time_is_what_filtering_all_of_it_gives(
        records in records(),
        sizes in prop::collection::vec(1..10_usize, 1..6),
        seconds in (0..400_u64, 0..400_u64),
        by_wall in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        // One segment, so that the latest time goes over all of it.
        write(&path, Options::default(), &split(&records, &sizes));
        let moment = |seconds: u64| if by_wall {
            Moment::Unix(UNIX_US + seconds * 1_000_000)
        } else {
            Moment::Mono(seconds * 1_000_000)
        };
        let (from, to) = (moment(seconds.0), moment(seconds.1));
        let mut reader = JournalReader::open(&path).unwrap().from(from).to(to);
        let mut latest = Stamp::default();
        let expected = records.iter().filter(|record| {
            latest = latest.latest(record.at);
            !from.is_after(latest) && !to.is_before(latest)
        });
        let expected: Vec<_> = expected.cloned().collect();
        let part = read_all(&mut reader);
        prop_assert_eq!(part.damages, &[]);
        prop_assert_eq!(part.records.iter().map(|(_, record)| record.clone()).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn the_same_journal_gives_the_same_records() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let mut writer = open(&path, Options::default());
    for number in 0..500 {
        made::append(
            &mut writer,
            &[made::frame(number, &made::noise(number, 300))],
        );
    }
    drop(writer);
    assert_eq!(read(&path), read(&path));
}
