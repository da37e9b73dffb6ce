//! Gifts that are given one after the other, as sites tell of them: with numbers missing, ends that never come, and packs.

use std::collections::HashMap;
use std::sync::Arc;

use super::chance::Chance;
use super::gifts::{GIFTS, GiftKind};
use super::people::Person;

/// One message about a gift.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Press {
    /// Who gives.
    pub by: Arc<Person>,
    /// Who gets it.
    pub to: Arc<Person>,
    /// What.
    pub gift: GiftKind,
    /// How the site tells of it.
    pub style: Style,
    /// What runs of the same person and gift are told apart by: the second of the first press.
    pub run: u64,
    /// How many one press gives.
    pub pack: u64,
    /// Presses of this run so far, with this one. Not all of them have a message.
    pub presses: u64,
    /// Says that the run has ended, and repeats its last number.
    pub ends: bool,
    /// By how many gifts this message is more than those before it. These are what totals are made of.
    pub adds: u64,
}

impl Press {
    /// Gifts of this run so far.
    pub fn total(&self) -> u64 {
        self.pack * self.presses
    }
}

/// How a site tells of gifts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// One message a press, with the number so far.
    Run,
    /// Many in one press, and that is all.
    Batch,
    /// A cheap one, in a smaller message; by itself.
    Light,
}

/// Runs that go on at the same time.
const OPEN: usize = 8;
const PACKS: &[(u64, u64)] = &[(80, 1), (8, 10), (5, 66), (3, 188), (2, 520), (1, 1_314)];
const BATCHES: &[u64] = &[10, 66, 88, 188, 520];
/// Cheap enough for a light message.
const LIGHT_PRICE: u64 = 2;

#[derive(Debug, Clone, Default)]
pub(super) struct Combos {
    open: Vec<Open>,
    /// The last run of each person and gift.
    runs: HashMap<(u64, u64), u64>,
}

#[derive(Debug, Clone)]
struct Open {
    /// The last message of it.
    last: Press,
    /// Presses that it will have.
    planned: u64,
    /// Whether its end will be told.
    is_ended: bool,
}

impl Combos {
    /// The next message about gifts, of a run that goes on or of a new one that `by` begins.
    pub(super) fn next(
        &mut self,
        chance: &mut Chance,
        by: &Arc<Person>,
        to: &Arc<Person>,
        now_ms: u64,
    ) -> Press {
        let goes_on = self.open.len() == OPEN || chance.percent(75);
        if goes_on && !self.open.is_empty() {
            let at = chance.below(self.open.len() as u64);
            return self.go_on(chance, usize::try_from(at).unwrap_or_default());
        }
        let gift = GIFTS.get(usize::try_from(chance.skewed(GIFTS.len() as u64)).unwrap_or(0));
        let mut press = Press {
            by: by.clone(),
            to: to.clone(),
            gift: *gift.expect("one of them"),
            style: Style::Run,
            run: 0,
            pack: 1,
            presses: 1,
            ends: false,
            adds: 0,
        };
        match chance.below(10) {
            0 => (press.style, press.pack) = (Style::Batch, chance.pick(BATCHES)),
            1 | 2 if press.gift.price <= LIGHT_PRICE => {
                (press.style, press.presses) = (Style::Light, chance.skewed(9) + 1);
            }
            _ => press.pack = chance.weighted(PACKS),
        }
        press.run = self.run(&press, now_ms);
        press.adds = press.total();
        if press.style == Style::Run {
            self.open.push(Open {
                last: press.clone(),
                planned: chance.skewed(60) + 1,
                is_ended: chance.percent(70),
            });
        }
        press
    }

    /// Later than the run before, even where that began in the same second.
    fn run(&mut self, press: &Press, now_ms: u64) -> u64 {
        let run = self.runs.entry((press.by.id, press.gift.id)).or_default();
        *run = (*run + 1).max(now_ms / 1_000);
        *run
    }

    fn go_on(&mut self, chance: &mut Chance, at: usize) -> Press {
        let open = self.open.get_mut(at).expect("one that is open");
        let before = open.last.total();
        let press = &mut open.last;
        press.presses = (press.presses + 1).min(open.planned);
        // Presses without a message. The last one has one, or the end tells its number.
        while press.presses < open.planned && chance.percent(15) {
            press.presses += 1;
        }
        let is_done = press.presses == open.planned;
        press.ends = open.is_ended && (press.total() == before || is_done && chance.percent(5));
        press.adds = press.total() - before;
        let press = press.clone();
        if press.ends || is_done && !open.is_ended {
            self.open.remove(at);
        }
        press
    }
}
