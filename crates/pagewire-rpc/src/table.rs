//! The call table: which calls wait, which are with the page, and when each must end.
//!
//! Invariant: a call is in `entries` from [`CallTable::insert`] to [`CallTable::remove`], and `remove` hands it out once. Whoever
//! removes it reports its end, so every call ends exactly once.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use std::time::Instant;

use crate::call::{Call, CallId};

/// The hub numbers calls itself, so nobody can choose numbers that fall together: one multiplication spreads them.
#[derive(Debug, Default)]
pub(crate) struct CallIdHasher(u64);

impl Hasher for CallIdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(self.0.rotate_left(8) ^ u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        // The odd number nearest to 2^64 divided by the golden ratio (Knuth, vol. 3, §6.4).
        self.0 = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(26);
    }
}

#[derive(Debug)]
pub(crate) struct CallTable {
    entries: HashMap<CallId, Entry, BuildHasherDefault<CallIdHasher>>,
    /// Waiting calls by arrival.
    queue: BTreeMap<u64, CallId>,
    deadlines: BTreeSet<(Instant, CallId)>,
    in_flight: usize,
    arrivals: u64,
    in_flight_max: usize,
    queue_max: usize,
}

#[derive(Debug)]
pub(crate) struct Entry {
    deadline: Instant,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Queued { arrival: u64, call: Call },
    InFlight { credit: u32 },
}

/// What became of a new call.
#[derive(Debug)]
pub(crate) enum Inserted {
    Send(Call),
    Queued,
    Full,
    Duplicate,
}

/// What became of a stream item.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ItemOutcome {
    Taken,
    NoCredit,
    Unknown,
}

impl CallTable {
    pub(crate) fn new(in_flight_max: usize, queue_max: usize) -> Self {
        Self {
            entries: HashMap::default(),
            queue: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            in_flight: 0,
            arrivals: 0,
            in_flight_max,
            queue_max,
        }
    }

    pub(crate) fn insert(&mut self, id: CallId, call: Call) -> Inserted {
        if self.entries.contains_key(&id) {
            return Inserted::Duplicate;
        }
        let deadline = call.deadline;
        let (place, outcome) = if self.in_flight < self.in_flight_max {
            self.in_flight = self.in_flight.saturating_add(1);
            (
                Place::InFlight {
                    credit: call.credit,
                },
                Inserted::Send(call),
            )
        } else if self.queue.len() < self.queue_max {
            let arrival = self.arrivals;
            self.arrivals = self.arrivals.wrapping_add(1);
            self.queue.insert(arrival, id);
            (Place::Queued { arrival, call }, Inserted::Queued)
        } else {
            return Inserted::Full;
        };
        self.deadlines.insert((deadline, id));
        self.entries.insert(id, Entry { deadline, place });
        outcome
    }

    /// Takes a call out, from wherever it is. True in the answer: the page knows of it.
    pub(crate) fn remove(&mut self, id: CallId) -> Option<bool> {
        let entry = self.entries.remove(&id)?;
        self.deadlines.remove(&(entry.deadline, id));
        match entry.place {
            Place::Queued { arrival, .. } => {
                self.queue.remove(&arrival);
                Some(false)
            }
            Place::InFlight { .. } => {
                self.in_flight = self.in_flight.saturating_sub(1);
                Some(true)
            }
        }
    }

    /// Takes a call out that the page was asked: the only kind that the page can answer.
    pub(crate) fn remove_in_flight(&mut self, id: CallId) -> bool {
        match self.entries.get(&id) {
            Some(Entry {
                place: Place::InFlight { .. },
                ..
            }) => self.remove(id).is_some(),
            Some(Entry {
                place: Place::Queued { .. },
                ..
            })
            | None => false,
        }
    }

    /// The longest-waiting call, if the page may have one more. It is in flight afterwards.
    pub(crate) fn next_to_send(&mut self) -> Option<(CallId, Call)> {
        if self.in_flight >= self.in_flight_max {
            return None;
        }
        let (_, id) = self.queue.pop_first()?;
        let entry = self.entries.get_mut(&id)?;
        let credit = match &entry.place {
            Place::Queued { call, .. } => call.credit,
            Place::InFlight { .. } => return None,
        };
        self.in_flight = self.in_flight.saturating_add(1);
        match std::mem::replace(&mut entry.place, Place::InFlight { credit }) {
            Place::Queued { call, .. } => Some((id, call)),
            Place::InFlight { .. } => None,
        }
    }

    pub(crate) fn take_item(&mut self, id: CallId) -> ItemOutcome {
        match self.entries.get_mut(&id) {
            Some(Entry {
                place: Place::InFlight { credit },
                ..
            }) => match credit.checked_sub(1) {
                None => ItemOutcome::NoCredit,
                Some(left) => {
                    *credit = left;
                    ItemOutcome::Taken
                }
            },
            Some(Entry {
                place: Place::Queued { .. },
                ..
            })
            | None => ItemOutcome::Unknown,
        }
    }

    /// Adds credit; false when the page does not hold the call.
    pub(crate) fn grant(&mut self, id: CallId, more: u32) -> bool {
        match self.entries.get_mut(&id) {
            Some(Entry {
                place: Place::InFlight { credit },
                ..
            }) => {
                *credit = credit.saturating_add(more);
                true
            }
            Some(Entry {
                place: Place::Queued { .. },
                ..
            })
            | None => false,
        }
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// The call whose deadline passed first, if one has.
    pub(crate) fn expired(&self, now: Instant) -> Option<CallId> {
        self.deadlines
            .first()
            .filter(|(deadline, _)| *deadline <= now)
            .map(|(_, id)| *id)
    }

    /// A call that the page was asked; the only one where the page is asked one at a time.
    pub(crate) fn any_in_flight(&self) -> Option<CallId> {
        self.entries
            .iter()
            .find(|(_, entry)| matches!(entry.place, Place::InFlight { .. }))
            .map(|(id, _)| *id)
    }

    pub(crate) fn any(&self) -> Option<CallId> {
        self.entries.keys().next().copied()
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight
    }

    pub(crate) fn queued(&self) -> usize {
        self.queue.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
            && self.queue.is_empty()
            && self.deadlines.is_empty()
            && self.in_flight == 0
    }
}
