//! What programs and subscribers saw, and what the hub counted: the two must agree.

use std::collections::HashMap;

use pagewire_testkit::{Http, is_long, until};

use super::callers::Caller;
use super::pages::Published;
use super::subscribers::{Reading, Subscriber};
use crate::program::Ends;

/// The calls of all programs together.
#[derive(Debug)]
pub(super) struct Called {
    pub(super) made: u64,
    /// Those that were waited for, as their programs saw them end.
    ends: Ends,
    /// The others: the hub had them, and their programs left.
    hung_up: u64,
}

impl Called {
    pub(super) fn of(callers: &[Caller]) -> Self {
        let called = Self {
            made: callers.iter().map(|caller| caller.made).sum(),
            ends: callers.iter().map(|caller| caller.ends).sum(),
            hung_up: callers.iter().map(|caller| caller.hung_up).sum(),
        };
        assert_eq!(called.ends.all() + called.hung_up, called.made);
        called
    }
}

/// What came to all subscribers together.
#[derive(Debug, Default)]
pub(super) struct Told {
    values: u64,
    gaps: u64,
    lost: u64,
    /// How many of the lost values those lost that stopped reading.
    lost_by_stalled: u64,
}

impl Told {
    pub(super) fn of(subscribers: &[Subscriber]) -> Self {
        let mut told = Self::default();
        for Subscriber { seen, reading, .. } in subscribers {
            told.values += seen.values;
            told.gaps += seen.gaps;
            told.lost += seen.lost;
            if *reading == Reading::Stalling {
                told.lost_by_stalled += seen.lost;
            }
        }
        told
    }
}

/// The hub's own figures at the end, from `/metrics`.
#[derive(Debug)]
pub(super) struct Counted {
    results: u64,
    page_errors: u64,
    timeouts: u64,
    not_found: u64,
    page_gone: u64,
    cancelled: u64,
    /// All ends together, also those that no call of the soak should have.
    all: u64,
    retries: u64,
    published: u64,
    values_dropped: u64,
    values_lost: u64,
}

impl Counted {
    /// Waits until no call is under way and as many have ended as there were: a hub learns of a hang-up when it likes.
    pub(super) async fn once_idle(client: &Http, made: u64) -> Self {
        let what = format!("the end of all {made} calls");
        until(&what, async || {
            let samples = samples(&client.get("/metrics").await.text().await);
            let counted = Self::of(&samples);
            let is_idle = samples["pagewire_calls_active"] == 0;
            (is_idle && counted.all - counted.retries >= made).then_some(counted)
        })
        .await
    }

    fn of(samples: &HashMap<String, u64>) -> Self {
        let ended = |end: &str| samples[&format!(r#"pagewire_calls_total{{end="{end}"}}"#)];
        let is_end = |name: &str| name.starts_with("pagewire_calls_total{");
        let ends = samples.iter().filter(|(name, _)| is_end(name));
        Self {
            results: ended("result"),
            page_errors: ended("page_error"),
            timeouts: ended("timeout"),
            not_found: ended("not_found"),
            page_gone: ended("page_gone"),
            cancelled: ended("cancelled"),
            all: ends.map(|(_, count)| count).sum(),
            retries: samples["pagewire_call_retries_total"],
            published: samples["pagewire_values_published_total"],
            values_dropped: samples["pagewire_values_dropped_total"],
            values_lost: samples["pagewire_values_lost_total"],
        }
    }

    /// Every call ended exactly once, as its program was told.
    ///
    /// A call that is given to a second page is counted at both, and as a retry; its first page was lost. A call whose program hung up ends as
    /// cancelled, unless its page was lost or, in a stream, said its last word before the hub knew: then it ends as that.
    pub(super) fn check_calls(&self, called: &Called) {
        let Called {
            made,
            ends,
            hung_up,
        } = called;
        assert_eq!(self.all, made + self.retries, "{self:?}, {called:?}");
        let told = (ends.page_errors, ends.timeouts, ends.not_found);
        assert_eq!((self.page_errors, self.timeouts, self.not_found), told);
        let less = |counted: u64, told: u64| {
            counted
                .checked_sub(told)
                .unwrap_or_else(|| unreachable!("{self:?}, {called:?}"))
        };
        let raced =
            less(self.results, ends.results) + less(self.page_gone, ends.page_gone + self.retries);
        assert_eq!(self.cancelled + raced, *hung_up, "{self:?}, {called:?}");
        // At the pages that stay, each program called in every way that these come from.
        assert!(ends.results > 0 && ends.page_errors > 0, "{called:?}");
        assert!(ends.timeouts > 0 && self.cancelled > 0, "{self:?}");
        // A short run on a slow machine may lose no page at the right moment.
        let lost_pages = ends.page_gone > 0 && self.retries > 0;
        assert!(lost_pages || !is_long(), "{self:?}, {called:?}");
    }

    /// Every value that a page published and lived to see taken was taken, and every one that a subscriber lost was told.
    pub(super) fn check_values(&self, told: &Told, published: Published) {
        let possible = published.heard..=published.sent;
        assert!(
            possible.contains(&self.published),
            "{self:?}, {published:?}"
        );
        assert_eq!(self.values_dropped, 0);
        assert_eq!(told.lost, self.values_lost, "{told:?}");
        // A short run may end before the buffers on the way are full, where the system lets them grow far.
        assert!(told.lost_by_stalled > 0 || !is_long(), "{told:?}");
    }
}

/// The whole numbers of `/metrics`, by name and labels.
fn samples(text: &str) -> HashMap<String, u64> {
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    let numbers = samples.filter_map(|line| {
        let (name, value) = line.rsplit_once(' ').expect("a sample");
        Some((name.to_owned(), value.parse().ok()?))
    });
    numbers.collect()
}
