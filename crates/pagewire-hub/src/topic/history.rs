//! The kept values of one topic. Pure: no lock, no clock.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pagewire_rpc::Payload;

use super::record::Record;

/// What a kept value costs beside its own bytes.
const RECORD_OVERHEAD_BYTES: usize = 128;

#[derive(Debug)]
pub(super) struct History {
    run: Arc<str>,
    records: VecDeque<Arc<Record>>,
    head: u64,
    bytes: usize,
    room: Room,
    all: Arc<Bytes>,
}

/// How much one topic may keep.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    pub(super) values_max: usize,
    pub(super) bytes_max: usize,
    /// For taps: what all taps together may keep.
    pub(super) tap_bytes_total_max: Option<usize>,
    /// What all topics together may keep.
    pub(super) bytes_total_max: usize,
}

/// What all topics together keep.
#[derive(Debug, Default)]
pub(super) struct Bytes {
    total: AtomicUsize,
    /// The part of it that is below `taps/`.
    taps: AtomicUsize,
}

impl Bytes {
    pub(super) fn of_taps(&self) -> usize {
        self.taps.load(Ordering::Relaxed)
    }
}

/// What a reader at some place finds.
#[derive(Debug)]
pub(super) struct Read {
    /// Values that it asked for and that are no longer kept.
    pub(super) lost: u64,
    pub(super) records: Vec<Arc<Record>>,
}

impl History {
    pub(super) fn new(run: Arc<str>, room: Room, all: Arc<Bytes>) -> Self {
        Self {
            run,
            records: VecDeque::new(),
            head: 0,
            bytes: 0,
            room,
            all,
        }
    }

    pub(super) fn push(&mut self, value: Payload, time_ms: u64) -> u64 {
        self.head += 1;
        let mut over_total = self.add(cost(&value));
        self.records.push_back(Arc::new(Record::new(
            self.run.clone(),
            self.head,
            time_ms,
            value,
        )));
        while self.records.len() > 1
            && (self.records.len() > self.room.values_max
                || self.bytes > self.room.bytes_max
                || over_total > 0)
        {
            over_total = over_total.saturating_sub(self.drop_oldest());
        }
        self.head
    }

    /// Gives out all values but the newest.
    pub(super) fn keep_newest(&mut self) -> VecDeque<Arc<Record>> {
        let older = self.records.len().saturating_sub(1);
        let newest = self.records.split_off(older);
        let older = std::mem::replace(&mut self.records, newest);
        self.subtract(older.iter().map(|record| cost(&record.value)).sum());
        older
    }

    /// Accounts for more bytes. By how many there are too many, in this or all topics together.
    fn add(&mut self, cost: usize) -> usize {
        self.bytes += cost;
        let total = self.all.total.fetch_add(cost, Ordering::Relaxed) + cost;
        let over_total = total.saturating_sub(self.room.bytes_total_max);
        let Some(max) = self.room.tap_bytes_total_max else {
            return over_total;
        };
        let taps = self.all.taps.fetch_add(cost, Ordering::Relaxed) + cost;
        over_total.max(taps.saturating_sub(max))
    }

    fn subtract(&mut self, cost: usize) {
        self.bytes -= cost;
        self.all.total.fetch_sub(cost, Ordering::Relaxed);
        if self.room.tap_bytes_total_max.is_some() {
            self.all.taps.fetch_sub(cost, Ordering::Relaxed);
        }
    }

    fn drop_oldest(&mut self) -> usize {
        let freed = self
            .records
            .pop_front()
            .map_or(0, |record| cost(&record.value));
        self.subtract(freed);
        freed
    }

    /// Up to `max` values after number `after`.
    pub(super) fn read_after(&self, after: u64, max: usize) -> Read {
        let lost = self.oldest().saturating_sub(1).saturating_sub(after);
        let skip =
            usize::try_from((after + lost + 1).saturating_sub(self.oldest())).unwrap_or(usize::MAX);
        let rest = self.records.range(skip.min(self.records.len())..);
        Read {
            lost,
            records: rest.take(max).cloned().collect(),
        }
    }

    pub(super) fn head(&self) -> u64 {
        self.head
    }

    /// The number of the oldest kept value, or of the next one when nothing is kept.
    pub(super) fn oldest(&self) -> u64 {
        self.records
            .front()
            .map_or(self.head + 1, |record| record.seq)
    }

    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for History {
    fn drop(&mut self) {
        self.subtract(self.bytes);
    }
}

fn cost(value: &Payload) -> usize {
    value.len() + RECORD_OVERHEAD_BYTES
}
