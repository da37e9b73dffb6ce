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
/// Combos that are remembered. Of more the one that was looked at longest ago is ended and forgotten.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count<'l, L> {
    /// How many.
    pub count: u64,
    /// What they are worth together, in the smallest unit of the site.
    pub value: u64,
    /// What was said of the combo when it began.
    pub label: &'l L,
    /// When it was heard of last, by the clock of the caller.
    pub heard_ms: u64,
}

/// What a message, or time, does to the totals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ledgered<'l, L> {
    /// So many more.
    Delta(Count<'l, L>),
    /// The combo has ended. The counts of its deltas since it began, or ended before, are together this one.
    Final(Count<'l, L>),
}

/// The gifts of any number of rooms. `L` is what the caller wants to know of a combo again when it ends.
#[derive(Debug)]
pub struct GiftLedger<L> {
    combos: HashMap<Combo, State<L>>,
    /// Combos by when they were looked at last, the one to look at next first.
    due: VecDeque<(u64, Combo)>,
}

#[derive(Debug)]
struct State<L> {
    label: L,
    /// The highest number so far.
    total: u64,
    /// What was counted since the last end.
    open: u64,
    open_value: u64,
    heard_ms: u64,
}

impl<L> Default for GiftLedger<L> {
    fn default() -> Self {
        Self {
            combos: HashMap::new(),
            due: VecDeque::new(),
        }
    }
}

impl<L> GiftLedger<L> {
    /// Takes a message in. `now_ms` must not go back; any clock does. `label` is asked for where the combo is a new one.
    pub fn add(
        &mut self,
        now_ms: u64,
        combo: Combo,
        press: Press,
        label: impl FnOnce() -> L,
        mut out: impl FnMut(Ledgered<'_, L>),
    ) {
        self.advance(now_ms, &mut out);
        if !self.combos.contains_key(&combo) {
            self.make_room(&mut out);
            self.due.push_back((now_ms, combo.clone()));
        }
        let state = self.combos.entry(combo).or_insert_with(|| State {
            label: label(),
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
            out(Ledgered::Delta(Count {
                count,
                value,
                label: &state.label,
                heard_ms: now_ms,
            }));
        }
        if press.ends {
            state.end(&mut out);
        }
    }

    /// Ends combos that have been idle, and forgets those that have been for long.
    pub fn advance(&mut self, now_ms: u64, mut out: impl FnMut(Ledgered<'_, L>)) {
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
                state.end(&mut out);
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
    pub fn end(&mut self, mut out: impl FnMut(Ledgered<'_, L>)) {
        while self.forget_one(&mut out) {}
    }

    fn make_room(&mut self, mut out: impl FnMut(Ledgered<'_, L>)) {
        while self.combos.len() >= LEDGER_COMBOS_MAX && self.forget_one(&mut out) {}
    }

    fn forget_one(&mut self, mut out: impl FnMut(Ledgered<'_, L>)) -> bool {
        let oldest = self.due.pop_front();
        let forgotten = oldest.and_then(|(_, combo)| self.combos.remove(&combo));
        let Some(mut state) = forgotten else {
            return false;
        };
        state.end(&mut out);
        true
    }
}

impl<L> State<L> {
    /// Tells what was counted since the last end, where that is anything.
    fn end(&mut self, mut out: impl FnMut(Ledgered<'_, L>)) {
        let (count, value) = (
            std::mem::take(&mut self.open),
            std::mem::take(&mut self.open_value),
        );
        if count > 0 {
            out(Ledgered::Final(Count {
                count,
                value,
                label: &self.label,
                heard_ms: self.heard_ms,
            }));
        }
    }
}
