//! What the hub counts, for those who watch it. Counting is a few atomic additions a call.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pagewire_rpc::{EndKind, FunctionName, GroupName};

/// Functions that are counted by name. One more is counted among the others, without a name.
pub(crate) const FUNCTIONS_COUNTED_MAX: usize = 1_000;

/// Upper bounds of the buckets of a call's duration, in milliseconds; one more bucket holds what is longer.
pub const DURATION_BUCKETS_MS: [u64; 15] = [
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000,
];

/// All counters of one hub.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    /// Ends of calls that never came to a page.
    unrouted: Ends,
    retries: AtomicU64,
    answers_dropped: AtomicU64,
    values_dropped: AtomicU64,
    functions: Mutex<HashMap<(GroupName, FunctionName), Arc<FunctionStats>>>,
    others: Arc<FunctionStats>,
}

/// How often calls ended in each way.
#[derive(Debug, Default)]
struct Ends([AtomicU64; EndKind::ALL.len()]);

/// The calls of one function that came to a page.
#[derive(Debug, Default)]
pub(crate) struct FunctionStats {
    ends: Ends,
    buckets: [AtomicU64; DURATION_BUCKETS_MS.len() + 1],
    sum_us: AtomicU64,
}

/// All figures at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricsSnapshot {
    /// Calls that ended, by kind of end, those that never came to a page included.
    pub calls_ended: Vec<(EndKind, u64)>,
    /// Calls under way, waiting ones and open streams included.
    pub calls_active: usize,
    /// Calls that were given to a second or later page.
    pub retries: u64,
    /// Answers of pages that nobody waited for.
    pub answers_dropped: u64,
    /// Published values that were not taken.
    pub values_dropped: u64,
    /// Values that subscribers lost by being too slow.
    pub values_lost: u64,
    /// By function; `None` holds the calls of functions beyond the number that is counted by name.
    pub functions: Vec<FunctionMetrics>,
}

/// The figures of one function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionMetrics {
    /// The function, or none for all others together.
    pub name: Option<(GroupName, FunctionName)>,
    /// Calls in each bucket of [`DURATION_BUCKETS_MS`], and those that took longer; not cumulative.
    pub durations: Vec<u64>,
    /// The sum of all durations.
    pub sum: Duration,
}

impl Ends {
    fn count(&self, kind: EndKind) {
        if let Some(count) = EndKind::ALL
            .iter()
            .position(|other| *other == kind)
            .and_then(|index| self.0.get(index))
        {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn read(&self) -> impl Iterator<Item = u64> {
        self.0.iter().map(|count| count.load(Ordering::Relaxed))
    }
}

impl FunctionStats {
    /// Counts the end of a call that took so long.
    pub(crate) fn count(&self, kind: EndKind, took: Duration) {
        self.ends.count(kind);
        let bucket = DURATION_BUCKETS_MS
            .iter()
            .position(|limit| took <= Duration::from_millis(*limit))
            .unwrap_or(DURATION_BUCKETS_MS.len());
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.sum_us.fetch_add(us, Ordering::Relaxed);
    }

    fn read(&self, name: Option<(GroupName, FunctionName)>) -> FunctionMetrics {
        FunctionMetrics {
            name,
            durations: self
                .buckets
                .iter()
                .map(|count| count.load(Ordering::Relaxed))
                .collect(),
            sum: Duration::from_micros(self.sum_us.load(Ordering::Relaxed)),
        }
    }
}

impl Metrics {
    /// Where the calls of this function are counted.
    pub(crate) fn function(
        &self,
        group: &GroupName,
        function: &FunctionName,
    ) -> Arc<FunctionStats> {
        let mut functions = self.functions();
        let name = (group.clone(), function.clone());
        match functions.get(&name) {
            Some(stats) => stats.clone(),
            None if functions.len() >= FUNCTIONS_COUNTED_MAX => self.others.clone(),
            None => functions.entry(name).or_default().clone(),
        }
    }

    pub(crate) fn count_unrouted(&self, kind: EndKind) {
        self.unrouted.count(kind);
    }

    pub(crate) fn count_retry(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_answers_dropped(&self, more: u64) {
        self.answers_dropped.fetch_add(more, Ordering::Relaxed);
    }

    pub(crate) fn count_values_dropped(&self, more: u64) {
        self.values_dropped.fetch_add(more, Ordering::Relaxed);
    }

    pub(crate) fn snapshot(&self, calls_active: usize, values_lost: u64) -> MetricsSnapshot {
        let functions = self.functions();
        let mut ended: Vec<u64> = self.unrouted.read().collect();
        for stats in functions.values().chain([&self.others]) {
            for (total, count) in ended.iter_mut().zip(stats.ends.read()) {
                *total += count;
            }
        }
        let mut by_name: Vec<_> = functions
            .iter()
            .map(|(name, stats)| stats.read(Some(name.clone())))
            .collect();
        by_name.sort_by(|a, b| a.name.cmp(&b.name));
        if self.others.ends.read().any(|count| count > 0) {
            by_name.push(self.others.read(None));
        }
        MetricsSnapshot {
            calls_ended: EndKind::ALL.iter().copied().zip(ended).collect(),
            calls_active,
            retries: self.retries.load(Ordering::Relaxed),
            answers_dropped: self.answers_dropped.load(Ordering::Relaxed),
            values_dropped: self.values_dropped.load(Ordering::Relaxed),
            values_lost,
            functions: by_name,
        }
    }

    fn functions(&self) -> MutexGuard<'_, HashMap<(GroupName, FunctionName), Arc<FunctionStats>>> {
        self.functions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> (GroupName, FunctionName) {
        (
            GroupName::new("g").unwrap(),
            FunctionName::new(text).unwrap(),
        )
    }

    #[test]
    fn calls_are_counted_by_end_and_by_time() {
        let metrics = Metrics::default();
        let (group, function) = name("f");
        let stats = metrics.function(&group, &function);
        for (kind, ms) in [
            (EndKind::Result, 0),
            (EndKind::Result, 1),
            (EndKind::PageError, 2),
            (EndKind::Timeout, 60_000),
            (EndKind::Timeout, 60_001),
        ] {
            stats.count(kind, Duration::from_millis(ms));
        }
        metrics.count_unrouted(EndKind::NotFound);
        let snapshot = metrics.snapshot(3, 0);
        let ended: Vec<_> = snapshot
            .calls_ended
            .iter()
            .filter(|(_, count)| *count > 0)
            .copied()
            .collect();
        assert_eq!(
            ended,
            [
                (EndKind::Result, 2),
                (EndKind::PageError, 1),
                (EndKind::Timeout, 2),
                (EndKind::NotFound, 1)
            ]
        );
        let function = &snapshot.functions[0];
        assert_eq!(function.durations[..2], [2, 1]);
        assert_eq!(function.durations[14..], [1, 1]);
        assert_eq!(function.sum, Duration::from_millis(120_004));
        assert_eq!(
            snapshot.functions.len(),
            1,
            "no line for others without calls"
        );
    }

    #[test]
    fn functions_are_counted_by_name_up_to_the_limit() {
        let metrics = Metrics::default();
        for index in 0..=FUNCTIONS_COUNTED_MAX {
            let (group, function) = name(&format!("f{index}"));
            let stats = metrics.function(&group, &function);
            stats.count(EndKind::Result, Duration::ZERO);
        }
        let (group, first) = name("f0");
        metrics
            .function(&group, &first)
            .count(EndKind::Result, Duration::ZERO);
        let functions = metrics.snapshot(0, 0).functions;
        assert_eq!(functions.len(), FUNCTIONS_COUNTED_MAX + 1);
        let (others, named) = functions.split_last().unwrap();
        assert_eq!((others.name.as_ref(), others.durations[0]), (None, 1));
        let calls: u64 = named.iter().map(|function| function.durations[0]).sum();
        assert_eq!(calls, FUNCTIONS_COUNTED_MAX as u64 + 1);
    }
}
