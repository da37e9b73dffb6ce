//! Gifts, counted once.
//!
//! Sites tell of a gift again and again while its sender goes on pressing: each message has the number so far, some are lost, some come twice,
//! under the same id or another one, and the one that ends it often never comes. So what counts is how much the number has grown, not how many
//! messages there were.
//!
//! Source: captures and what seven readers of Douyin agree on (`docs/sites/douyin.md`, "Gifts").

use std::collections::{BTreeMap, HashMap};

/// A combo that nothing was heard of for so long has ended.
pub const IDLE_MS: u64 = 10_000;
/// What comes of a combo so long after the last that was heard of it is a new one. Until then its number is remembered, so that what was counted is not
/// counted again.
pub const REMEMBERED_MS: u64 = 10 * 60_000;
/// Combos that are remembered. Of more the one that was heard of, or looked at, longest ago is ended and forgotten.
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
    /// What the site tells runs of presses apart by. Empty where it does not: then there is one at a time, which is forgotten when it ends.
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
    /// Combos by when they were heard of, or looked at after that, and by how many were noted before. The first is the one to look at next.
    due: BTreeMap<Due, Combo>,
    noted: u64,
}

type Due = (u64, u64);

#[derive(Debug)]
struct State<L> {
    label: L,
    due: Due,
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
            due: BTreeMap::new(),
            noted: 0,
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
        let brief = (press.ends && combo.group.is_empty()).then(|| combo.clone());
        let due = (now_ms, self.noted);
        if !self.combos.contains_key(&combo) {
            self.make_room(&mut out);
            self.note(due, combo.clone());
        }
        let state = self.combos.entry(combo).or_insert_with(|| State {
            label: label(),
            due,
            total: 0,
            open: 0,
            open_value: 0,
            heard_ms: now_ms,
        });
        state.press(now_ms, press, &mut out);
        if let Some(brief) = brief {
            self.due.remove(&state.due);
            self.combos.remove(&brief);
        }
    }

    /// Whether a combo is remembered, be it open or not.
    pub fn knows(&self, combo: &Combo) -> bool {
        self.combos.contains_key(combo)
    }

    /// Ends combos that have been idle, and forgets those that have been for long.
    pub fn advance(&mut self, now_ms: u64, mut out: impl FnMut(Ledgered<'_, L>)) {
        while let Some(entry) = self.due.first_entry()
            && now_ms.saturating_sub(entry.key().0) >= IDLE_MS
        {
            let combo = entry.remove();
            let Some(state) = self.combos.get_mut(&combo) else {
                continue;
            };
            let idle_ms = now_ms.saturating_sub(state.heard_ms);
            let is_idle = idle_ms >= IDLE_MS;
            if is_idle {
                state.end(&mut out);
            }
            if idle_ms >= REMEMBERED_MS || is_idle && combo.group.is_empty() {
                self.combos.remove(&combo);
                continue;
            }
            let looked_ms = if is_idle { now_ms } else { state.heard_ms };
            state.due = (looked_ms, self.noted);
            let due = state.due;
            self.note(due, combo);
        }
    }

    fn note(&mut self, due: Due, combo: Combo) {
        self.noted = self.noted.saturating_add(1);
        self.due.insert(due, combo);
    }

    /// When [`GiftLedger::advance`] is to be called next at the latest.
    pub fn next_ms(&self) -> Option<u64> {
        let ((noted_ms, _), _) = self.due.first_key_value()?;
        Some(noted_ms.saturating_add(IDLE_MS))
    }

    /// Ends everything: nothing more comes.
    pub fn end(&mut self, mut out: impl FnMut(Ledgered<'_, L>)) {
        while self.forget_one(&mut out) {}
    }

    fn make_room(&mut self, mut out: impl FnMut(Ledgered<'_, L>)) {
        while self.combos.len() >= LEDGER_COMBOS_MAX && self.forget_one(&mut out) {}
    }

    fn forget_one(&mut self, mut out: impl FnMut(Ledgered<'_, L>)) -> bool {
        let oldest = self.due.pop_first();
        let forgotten = oldest.and_then(|(_, combo)| self.combos.remove(&combo));
        let Some(mut state) = forgotten else {
            return false;
        };
        state.end(&mut out);
        true
    }
}

impl<L> State<L> {
    fn press(&mut self, now_ms: u64, press: Press, mut out: impl FnMut(Ledgered<'_, L>)) {
        self.heard_ms = now_ms;
        let count = press.total.saturating_sub(self.total);
        if count > 0 {
            let value = count.saturating_mul(press.unit_value);
            self.total = press.total;
            self.open = self.open.saturating_add(count);
            self.open_value = self.open_value.saturating_add(value);
            out(Ledgered::Delta(Count {
                count,
                value,
                label: &self.label,
                heard_ms: now_ms,
            }));
        }
        if press.ends {
            self.end(out);
        }
    }

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
