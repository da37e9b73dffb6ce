//! What is made up: it is the same at every run, it holds what readers get wrong, and its totals are those of the ledger.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, HashSet};

use pagewire_live::made::{Happening, Happens, Kind, Manifest, Press, Repeat, Room, Style};
use pagewire_live::{Combo, Count, GiftLedger, Ledgered, Press as LedgerPress};

fn happenings(seed: u64, count: usize) -> Vec<Happening> {
    Room::new(seed).take(count).collect()
}

fn presses(happenings: &[Happening]) -> impl Iterator<Item = (&Happening, &Press)> {
    happenings.iter().filter_map(|happening| {
        if let Happens::Gift(press) = &happening.what {
            Some((happening, press))
        } else {
            None
        }
    })
}

#[test]
fn a_seed_decides_what_happens() {
    assert_eq!(happenings(1, 2_000), happenings(1, 2_000));
    assert_ne!(happenings(1, 100), happenings(2, 100));
}

#[test]
fn everything_happens_that_readers_get_wrong() {
    let all = happenings(3, 20_000);
    let manifest = Manifest::of(&all);
    assert_eq!(manifest.by_kind.len(), 13, "{:?}", manifest.by_kind);
    assert!(manifest.by_kind[&Kind::RoomState] > 1);
    let repeats = |repeat| all.iter().filter(|one| one.repeat == repeat).count() as u64;
    assert!(repeats(Repeat::SameId) > 100 && repeats(Repeat::OtherId) > 100);
    assert_eq!(
        manifest.messages_unique,
        manifest.messages - repeats(Repeat::SameId)
    );

    let packs: HashSet<_> = presses(&all).map(|(_, press)| press.pack).collect();
    assert!(
        [1, 10, 66, 188, 520, 1_314]
            .iter()
            .all(|pack| packs.contains(pack))
    );
    for style in [Style::Run, Style::Batch, Style::Light] {
        assert!(
            presses(&all).any(|(_, press)| press.style == style),
            "{style:?}"
        );
    }
    let mut runs: BTreeMap<_, Vec<&Press>> = BTreeMap::new();
    for (_, press) in presses(&all).filter(|(_, press)| press.style == Style::Run) {
        let key = (press.by.id, press.gift.id, press.run);
        runs.entry(key).or_default().push(press);
    }
    let is_known = |wanted: &dyn Fn(&[&Press]) -> bool| runs.values().any(|run| wanted(run));
    assert!(is_known(
        &|run| run.iter().all(|press| !press.ends) && run.len() > 5
    ));
    assert!(is_known(&|run| run.iter().any(|press| press.ends)));
    let steps = |run: &[&Press]| {
        run.windows(2)
            .map(|two| two[1].presses as i64 - two[0].presses as i64)
            .collect::<Vec<_>>()
    };
    assert!(
        is_known(&|run| steps(run).iter().any(|step| *step > 1)),
        "numbers are missing"
    );
    assert!(
        is_known(&|run| steps(run).iter().any(|step| *step < 0)),
        "an old number comes late"
    );
}

#[test]
fn the_ledger_counts_what_was_given() {
    for seed in 0..20 {
        let all = happenings(seed, 3_000);
        let manifest = Manifest::of(&all);
        let (mut ledger, mut counted) = (GiftLedger::default(), BTreeMap::new());
        for (at, (happening, press)) in presses(&all).enumerate() {
            // Light messages have no run; each is one of its own.
            let group = match press.style {
                Style::Light => happening.id,
                Style::Run | Style::Batch => press.run,
            };
            let combo = Combo {
                room: "room".into(),
                sender: press.by.id.to_string().into(),
                receiver: press.to.id.to_string().into(),
                gift: press.gift.id.to_string().into(),
                group: group.to_string().into(),
            };
            let press = LedgerPress {
                total: press.total(),
                unit_value: press.gift.price,
                ends: press.ends,
            };
            let label = (combo.sender.to_string(), combo.gift.to_string());
            ledger.add(
                at as u64,
                combo,
                press,
                || label,
                |ledgered| {
                    if let Ledgered::Delta(Count {
                        count,
                        value,
                        label,
                        ..
                    }) = ledgered
                    {
                        let total: &mut (u64, u64) = counted.entry(label.clone()).or_default();
                        *total = (total.0 + count, total.1 + value);
                    }
                },
            );
        }
        let given = manifest.gifts.by_sender_and_gift.values();
        let given: BTreeMap<_, _> = given
            .map(|given| {
                (
                    (given.sender.clone(), given.gift.clone()),
                    (given.count, given.value),
                )
            })
            .collect();
        assert!(given.len() > 20);
        assert_eq!(counted, given);
        let sum = |pick: fn(&(u64, u64)) -> u64| given.values().map(pick).sum::<u64>();
        assert_eq!(
            (manifest.gifts.count, manifest.gifts.value),
            (sum(|it| it.0), sum(|it| it.1))
        );
    }
}
