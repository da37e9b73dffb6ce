//! Gift totals, whatever becomes of the messages.

use std::collections::HashMap;

use pagewire_live::{
    Combo, GiftLedger, IDLE_MS, LEDGER_COMBOS_MAX, Ledgered, Press, REMEMBERED_MS,
};
use proptest::collection::vec;
use proptest::prelude::*;

fn combo(group: usize) -> Combo {
    let text = |text: &str| text.into();
    Combo {
        room: text("douyin/1"),
        sender: text("7"),
        receiver: text("9"),
        gift: text("463"),
        group: group.to_string().into(),
    }
}

fn press(total: u64) -> Press {
    Press {
        total,
        unit_value: 5,
        ends: false,
    }
}

fn end(total: u64) -> Press {
    Press {
        ends: true,
        ..press(total)
    }
}

/// `+3` is a delta of 3, `=7` a final of 7.
fn all(ledger: &mut GiftLedger) -> Vec<String> {
    let polled = std::iter::from_fn(|| ledger.poll());
    polled
        .map(|one| match one {
            Ledgered::Delta(count) => {
                assert_eq!(count.value, count.count * 5);
                format!("+{}", count.count)
            }
            Ledgered::Final(count) => {
                assert_eq!(count.value, count.count * 5);
                format!("={}", count.count)
            }
        })
        .collect()
}

fn counted(presses: &[(u64, Press)]) -> String {
    let mut ledger = GiftLedger::default();
    for (at_ms, press) in presses {
        ledger.add(*at_ms, &combo(1), *press);
    }
    all(&mut ledger).join(" ")
}

#[test]
fn a_combo_grows_and_ends() {
    // As captured: numbers are missing, and the last message repeats the number.
    let presses = [1, 2, 3, 5, 6].map(|total| (0, press(total)));
    assert_eq!(counted(&presses), "+1 +1 +1 +2 +1");
    let ended = [&presses[..], &[(0, end(6))]].concat();
    assert_eq!(counted(&ended), "+1 +1 +1 +2 +1 =6");
    let twice = [&ended[..], &ended[..]].concat();
    assert_eq!(counted(&twice), "+1 +1 +1 +2 +1 =6", "under whatever ids");
    assert_eq!(counted(&[(0, end(1))]), "+1 =1", "a single gift");
    assert_eq!(counted(&[(0, end(10))]), "+10 =10", "a pack of ten");
    assert_eq!(
        counted(&[(0, press(3)), (0, press(2)), (0, end(3))]),
        "+3 =3",
        "a smaller number is an old one"
    );
}

#[test]
fn a_combo_without_an_end_ends_when_nothing_comes_for_long() {
    let mut ledger = GiftLedger::default();
    ledger.add(0, &combo(1), press(2));
    ledger.add(IDLE_MS - 1, &combo(1), press(3));
    ledger.advance(2 * IDLE_MS - 2);
    assert_eq!(all(&mut ledger), ["+2", "+1"]);
    let mut now_ms = 2 * IDLE_MS - 1;
    while let Some(next_ms) = ledger.next_ms().filter(|next_ms| *next_ms < 4 * IDLE_MS) {
        now_ms = next_ms.max(now_ms);
        ledger.advance(now_ms);
    }
    assert_eq!(all(&mut ledger), ["=3"]);
    // It goes on, and ends once more; what was counted stays counted.
    ledger.add(now_ms, &combo(1), press(3));
    ledger.add(now_ms, &combo(1), end(5));
    assert_eq!(all(&mut ledger), ["+2", "=2"]);
    // Long after, the same numbers are a new combo.
    ledger.advance(now_ms + REMEMBERED_MS + IDLE_MS);
    ledger.add(now_ms + REMEMBERED_MS + IDLE_MS, &combo(1), end(5));
    assert_eq!(all(&mut ledger), ["+5", "=5"]);
}

#[test]
fn of_more_combos_than_are_remembered_the_oldest_is_ended() {
    let mut ledger = GiftLedger::default();
    for group in 0..LEDGER_COMBOS_MAX {
        ledger.add(0, &combo(group), press(1));
    }
    assert!(all(&mut ledger).iter().all(|one| one == "+1"), "all fit");
    ledger.add(0, &combo(LEDGER_COMBOS_MAX), press(1));
    assert_eq!(all(&mut ledger), ["=1", "+1"]);
}

proptest! {
    /// Any order, any loss, any repetition, marks of the end anywhere or nowhere, any pauses that are no new combos.
    #[test]
    fn deltas_and_finals_are_together_the_highest_numbers(
        presses in vec((0..4_usize, 1..50_u64, any::<bool>(), 0..2 * IDLE_MS), 0..200),
    ) {
        let mut ledger = GiftLedger::default();
        let (mut deltas, mut finals) = (HashMap::new(), HashMap::new());
        let mut highest: HashMap<Combo, u64> = HashMap::new();
        let mut now_ms = 0;
        let mut take = |ledger: &mut GiftLedger| {
            while let Some(one) = ledger.poll() {
                let (counts, count): (&mut HashMap<Combo, u64>, _) = match one {
                    Ledgered::Delta(count) => (&mut deltas, count),
                    Ledgered::Final(count) => (&mut finals, count),
                };
                *counts.entry(count.combo).or_default() += count.count;
            }
        };
        for (group, total, ends, pause_ms) in presses {
            // Shorter than what would make a new combo of it, for all of them.
            now_ms = (now_ms + pause_ms).min(REMEMBERED_MS - 1);
            let press = Press { total, unit_value: 1, ends };
            ledger.add(now_ms, &combo(group), press);
            let highest = highest.entry(combo(group)).or_default();
            *highest = total.max(*highest);
            take(&mut ledger);
        }
        ledger.end();
        take(&mut ledger);
        prop_assert_eq!(&deltas, &highest);
        prop_assert_eq!(&finals, &highest);
        prop_assert_eq!(ledger.poll(), None);
        prop_assert_eq!(ledger.next_ms(), None);
    }
}
