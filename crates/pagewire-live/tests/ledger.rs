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

/// A ledger, and what it said since somebody looked.
#[derive(Default)]
struct Book {
    ledger: GiftLedger<usize>,
    said: Vec<Said>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Said {
    Delta(usize, u64),
    Final(usize, u64),
}

fn said(ledgered: Ledgered<'_, usize>) -> Said {
    let (Ledgered::Delta(count) | Ledgered::Final(count)) = ledgered;
    assert_eq!(count.value, count.count * 5);
    match ledgered {
        Ledgered::Delta(count) => Said::Delta(*count.label, count.count),
        Ledgered::Final(count) => Said::Final(*count.label, count.count),
    }
}

impl Book {
    fn add(&mut self, now_ms: u64, group: usize, press: Press) {
        let note = |ledgered: Ledgered<'_, usize>| self.said.push(said(ledgered));
        self.ledger.add(now_ms, combo(group), press, || group, note);
    }

    fn advance(&mut self, now_ms: u64) {
        self.ledger
            .advance(now_ms, |ledgered| self.said.push(said(ledgered)));
    }

    fn end(&mut self) {
        self.ledger.end(|ledgered| self.said.push(said(ledgered)));
    }

    /// `+3` is a delta of 3, `=7` a final of 7.
    fn look(&mut self) -> Vec<String> {
        let said = self.said.drain(..).map(|said| match said {
            Said::Delta(_, count) => format!("+{count}"),
            Said::Final(_, count) => format!("={count}"),
        });
        said.collect()
    }
}

fn counted(presses: &[(u64, Press)]) -> String {
    let mut book = Book::default();
    for (at_ms, press) in presses {
        book.add(*at_ms, 1, *press);
    }
    book.look().join(" ")
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
    let mut book = Book::default();
    book.add(0, 1, press(2));
    book.add(IDLE_MS - 1, 1, press(3));
    book.advance(2 * IDLE_MS - 2);
    assert_eq!(book.look(), ["+2", "+1"]);
    // Not later than that.
    let now_ms = 2 * IDLE_MS - 1;
    assert_eq!(book.ledger.next_ms(), Some(now_ms));
    book.advance(now_ms);
    assert_eq!(book.look(), ["=3"]);
    // It goes on, and ends once more; what was counted stays counted.
    book.add(now_ms, 1, press(3));
    book.add(now_ms, 1, end(5));
    assert_eq!(book.look(), ["+2", "=2"]);
    // Long after, the same numbers are a new combo.
    book.advance(now_ms + REMEMBERED_MS + IDLE_MS);
    book.add(now_ms + REMEMBERED_MS + IDLE_MS, 1, end(5));
    assert_eq!(book.look(), ["+5", "=5"]);
}

#[test]
fn of_more_combos_than_are_remembered_the_oldest_is_ended() {
    let mut book = Book::default();
    for group in 0..LEDGER_COMBOS_MAX {
        book.add(0, group, press(1));
    }
    assert!(book.look().iter().all(|one| one == "+1"), "all fit");
    book.add(0, LEDGER_COMBOS_MAX, press(1));
    assert_eq!(book.look(), ["=1", "+1"]);
}

proptest! {
    /// Any order, any loss, any repetition, marks of the end anywhere or nowhere, any pauses that are no new combos.
    #[test]
    fn deltas_and_finals_are_together_the_highest_numbers(
        presses in vec((0..4_usize, 1..50_u64, any::<bool>(), 0..2 * IDLE_MS), 0..200),
    ) {
        let mut book = Book::default();
        let mut highest: HashMap<usize, u64> = HashMap::new();
        let mut now_ms = 0;
        for (group, total, ends, pause_ms) in presses {
            // Shorter than what would make a new combo of it, for all of them.
            now_ms = (now_ms + pause_ms).min(REMEMBERED_MS - 1);
            book.add(now_ms, group, Press { ends, ..press(total) });
            let highest = highest.entry(group).or_default();
            *highest = total.max(*highest);
        }
        book.end();
        let (mut deltas, mut finals) = (HashMap::new(), HashMap::new());
        for said in book.said.drain(..) {
            match said {
                Said::Delta(group, count) => *deltas.entry(group).or_default() += count,
                Said::Final(group, count) => *finals.entry(group).or_default() += count,
            }
        }
        prop_assert_eq!(&deltas, &highest);
        prop_assert_eq!(&finals, &highest);
        prop_assert_eq!(book.ledger.next_ms(), None);
    }
}
