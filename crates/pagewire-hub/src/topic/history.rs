//! The kept values of one topic. Pure: no lock, no clock.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pagewire_rpc::Payload;

use super::TopicOptions;
use super::record::Record;

/// What a kept value costs beside its own bytes.
const RECORD_OVERHEAD_BYTES: usize = 128;

#[derive(Debug)]
pub(super) struct History {
    run: Arc<str>,
    records: VecDeque<Arc<Record>>,
    head: u64,
    bytes: usize,
    bytes_total: Arc<AtomicUsize>,
}

/// What a reader at some place finds.
#[derive(Debug)]
pub(super) struct Read {
    /// Values that it asked for and that are no longer kept.
    pub(super) lost: u64,
    pub(super) records: Vec<Arc<Record>>,
}

impl History {
    pub(super) fn new(run: Arc<str>, bytes_total: Arc<AtomicUsize>) -> Self {
        Self {
            run,
            records: VecDeque::new(),
            head: 0,
            bytes: 0,
            bytes_total,
        }
    }

    pub(super) fn push(&mut self, value: Payload, time_ms: u64, options: &TopicOptions) -> u64 {
        self.head += 1;
        let cost = cost(&value);
        self.bytes += cost;
        let total = self.bytes_total.fetch_add(cost, Ordering::Relaxed) + cost;
        self.records.push_back(Arc::new(Record::new(
            self.run.clone(),
            self.head,
            time_ms,
            value,
        )));
        let mut over_total = total.saturating_sub(options.bytes_total_max);
        while self.records.len() > 1
            && (self.records.len() > options.values_max
                || self.bytes > options.bytes_max
                || over_total > 0)
        {
            over_total = over_total.saturating_sub(self.drop_oldest());
        }
        self.head
    }

    fn drop_oldest(&mut self) -> usize {
        let freed = self
            .records
            .pop_front()
            .map_or(0, |record| cost(&record.value));
        self.bytes -= freed;
        self.bytes_total.fetch_sub(freed, Ordering::Relaxed);
        freed
    }

    /// Up to `max` values after number `after`.
    pub(super) fn read_after(&self, after: u64, max: usize) -> Read {
        let lost = self.oldest().saturating_sub(1).saturating_sub(after);
        let skip =
            usize::try_from((after + lost + 1).saturating_sub(self.oldest())).unwrap_or(usize::MAX);
        Read {
            lost,
            records: self.records.iter().skip(skip).take(max).cloned().collect(),
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
        self.bytes_total.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

fn cost(value: &Payload) -> usize {
    value.len() + RECORD_OVERHEAD_BYTES
}
