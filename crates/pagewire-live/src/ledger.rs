//! Gifts, counted once.
//!
//! Sites tell of a gift again and again while its sender goes on pressing: each message has the number so far, some are lost, some come twice,
//! under the same id or another one, and the one that ends it often never comes. So what counts is how much the number has grown, not how many
//! messages there were.
//!
//! Source: captures and what seven readers of Douyin agree on (`docs/sites/douyin.md`, "Gifts").

use std::collections::{HashMap, VecDeque};

/// A combo that nothing was heard of for so long has ended.
pub const IDLE_MS: u64 = 10_000;
/// What comes of a combo so long after the last that was heard of it is a new one. Until then its number is remembered, so that what was counted is not
/// counted again.
pub const REMEMBERED_MS: u64 = 10 * 60_000;
/// Combos that are remembered. Of more the one that was heard of least lately is ended and forgotten.
pub const LEDGER_COMBOS_MAX: usize = 65_536;

/// Who gives what to whom, in one go. Texts, as sites have ids of all kinds.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Combo {
    /// The room, with its site.
    pub room: Box<str>,
    /// Who gives.
    pub sender: Box<str>,
    /// Who gets it.
    pub receiver: Box<str>,
    /// What.
    pub gift: Box<str>,
    /// What the site tells runs of presses apart by.
    pub group: Box<str>,
}

/// What one message tells of a combo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Press {
    /// How many were given in this combo so far, packs counted by what is in them.
    pub total: u64,
    /// What one is worth, in the smallest unit of the site.
    pub unit_value: u64,
    /// Whether the site says that this is the last.
    pub ends: bool,
}

/// A number of gifts of one combo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// Which.
    pub combo: Combo,
    /// How many.
    pub count: u64,
    /// What they are worth together, in the smallest unit of the site.
    pub value: u64,
}

/// What a message, or time, does to the totals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ledgered {
    /// So many more.
    Delta(Count),
    /// The combo has ended. The counts of its deltas since it began, or ended before, are together this one.
    Final(Count),
}

/// The gifts of any number of rooms.
#[derive(Debug, Default)]
pub struct GiftLedger {
    combos: HashMap<Combo, State>,
    /// Combos by when they are to be looked at, the next one first. One that was heard of since is looked at later.
    due: VecDeque<(u64, Combo)>,
    out: VecDeque<Ledgered>,
}

#[derive(Debug)]
struct State {
    /// The highest number so far.
    total: u64,
    /// What was counted since the last end.
    open: u64,
    open_value: u64,
    heard_ms: u64,
}

impl GiftLedger {
    /// Takes a message in. `now_ms` must not go back; any clock does.
    pub fn add(&mut self, now_ms: u64, combo: &Combo, press: Press) {
        self.advance(now_ms);
        if !self.combos.contains_key(combo) {
            self.make_room();
            self.due.push_back((now_ms, combo.clone()));
        }
        let state = self.combos.entry(combo.clone()).or_insert(State {
            total: 0,
            open: 0,
            open_value: 0,
            heard_ms: now_ms,
        });
        state.heard_ms = now_ms;
        let count = press.total.saturating_sub(state.total);
        if count > 0 {
            let value = count.saturating_mul(press.unit_value);
            state.total = press.total;
            state.open = state.open.saturating_add(count);
            state.open_value = state.open_value.saturating_add(value);
            self.out.push_back(Ledgered::Delta(Count {
                combo: combo.clone(),
                count,
                value,
            }));
        }
        if press.ends {
            let ended = state.end(combo);
            self.out.extend(ended);
        }
    }

    /// Ends combos that have been idle, and forgets those that have been for long.
    pub fn advance(&mut self, now_ms: u64) {
        while let Some((looked_ms, _)) = self.due.front()
            && now_ms.saturating_sub(*looked_ms) >= IDLE_MS
        {
            let Some((_, combo)) = self.due.pop_front() else {
                return;
            };
            let Some(state) = self.combos.get_mut(&combo) else {
                continue;
            };
            let idle_ms = now_ms.saturating_sub(state.heard_ms);
            if idle_ms >= IDLE_MS {
                let ended = state.end(&combo);
                self.out.extend(ended);
            }
            if idle_ms >= REMEMBERED_MS {
                self.combos.remove(&combo);
            } else {
                self.due.push_back((now_ms, combo));
            }
        }
    }

    /// When [`GiftLedger::advance`] is to be called next at the latest.
    pub fn next_ms(&self) -> Option<u64> {
        let (looked_ms, _) = self.due.front()?;
        Some(looked_ms.saturating_add(IDLE_MS))
    }

    /// Ends everything: nothing more comes.
    pub fn end(&mut self) {
        for (_, combo) in std::mem::take(&mut self.due) {
            if let Some(mut state) = self.combos.remove(&combo) {
                self.out.extend(state.end(&combo));
            }
        }
    }

    /// What came of the last calls, one by one.
    pub fn poll(&mut self) -> Option<Ledgered> {
        self.out.pop_front()
    }

    fn make_room(&mut self) {
        while self.combos.len() >= LEDGER_COMBOS_MAX {
            let Some((_, combo)) = self.due.pop_front() else {
                return;
            };
            if let Some(mut state) = self.combos.remove(&combo) {
                self.out.extend(state.end(&combo));
            }
        }
    }
}

impl State {
    /// What was counted since the last end, where that is anything.
    fn end(&mut self, combo: &Combo) -> Option<Ledgered> {
        let (count, value) = (
            std::mem::take(&mut self.open),
            std::mem::take(&mut self.open_value),
        );
        (count > 0).then(|| {
            Ledgered::Final(Count {
                combo: combo.clone(),
                count,
                value,
            })
        })
    }
}
