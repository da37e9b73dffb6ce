//! Which signer is asked next: those that failed rest, longer each time. No I/O and no clock.

use std::time::{Duration, Instant};

use super::error::SignError;

/// The rest after the first failure.
pub const SIGNER_REST_FIRST: Duration = Duration::from_secs(5);
/// Rests grow no longer.
pub const SIGNER_REST_MAX: Duration = Duration::from_secs(300);

/// Signers by their place in the list, and which of them rest.
#[derive(Debug)]
pub struct Order {
    rests: Vec<Option<Rest>>,
}

/// Why and until when a signer rests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rest {
    /// Failures since it worked last.
    pub failures: u32,
    /// The last of them.
    pub reason: SignError,
    /// From then on it is asked again.
    pub until: Instant,
}

impl Order {
    /// So many signers, none of which has failed.
    pub fn new(signers: usize) -> Self {
        Self {
            rests: vec![None; signers],
        }
    }

    /// The first signer that does not rest and is not among `tried`.
    pub fn next(&self, tried: &[usize], now: Instant) -> Option<usize> {
        let rests = self.rests.iter().enumerate();
        let mut ready =
            rests.filter(|(_, rest)| rest.as_ref().is_none_or(|rest| rest.until <= now));
        ready.find_map(|(which, _)| (!tried.contains(&which)).then_some(which))
    }

    /// It failed, and rests: 5 s at first, twice as long each time, 5 min at most.
    ///
    /// A failure while it rests is one of a call that began before, and makes nothing longer.
    pub fn failed(&mut self, which: usize, reason: SignError, now: Instant) {
        let Some(rest) = self.rests.get_mut(which) else {
            return;
        };
        let (failures, until) = match rest {
            Some(before) if before.until > now => (before.failures, before.until),
            Some(before) => {
                let failures = before.failures.saturating_add(1);
                (failures, now + length(failures))
            }
            None => (1, now + length(1)),
        };
        *rest = Some(Rest {
            failures,
            reason,
            until,
        });
    }

    /// It worked: its failures are forgotten.
    pub fn worked(&mut self, which: usize) {
        if let Some(rest) = self.rests.get_mut(which) {
            *rest = None;
        }
    }

    /// The last failure of a signer that has not worked since.
    pub fn rest(&self, which: usize) -> Option<&Rest> {
        self.rests.get(which)?.as_ref()
    }
}

fn length(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    (SIGNER_REST_FIRST * (1 << doublings)).min(SIGNER_REST_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn slow() -> SignError {
        SignError::Slow(SECOND)
    }

    #[test]
    fn signers_are_asked_in_their_order_and_each_once() {
        let (order, now) = (Order::new(3), Instant::now());
        assert_eq!(order.next(&[], now), Some(0));
        assert_eq!(order.next(&[0], now), Some(1));
        assert_eq!(order.next(&[0, 1], now), Some(2));
        assert_eq!(order.next(&[0, 1, 2], now), None);
        assert_eq!(Order::new(0).next(&[], now), None);
    }

    #[test]
    fn a_rest_ends_at_its_time_and_not_before() {
        let (mut order, now) = (Order::new(2), Instant::now());
        order.failed(0, slow(), now);
        let end = now + SIGNER_REST_FIRST;
        assert_eq!(order.next(&[], now), Some(1));
        assert_eq!(order.next(&[], end - Duration::from_nanos(1)), Some(1));
        assert_eq!(order.next(&[], end), Some(0));
        let rest = order.rest(0).expect("it failed");
        assert_eq!((rest.failures, &rest.reason, rest.until), (1, &slow(), end));
    }

    #[test]
    fn rests_double_up_to_five_minutes_and_no_longer() {
        let (mut order, mut now) = (Order::new(1), Instant::now());
        let mut lengths = Vec::new();
        for _ in 0..40 {
            order.failed(0, slow(), now);
            let until = order.rest(0).expect("it failed").until;
            lengths.push((until - now).as_secs());
            now = until;
        }
        assert_eq!(lengths[..8], [5, 10, 20, 40, 80, 160, 300, 300]);
        assert_eq!(lengths.last(), Some(&SIGNER_REST_MAX.as_secs()));
    }

    #[test]
    fn a_signer_that_worked_begins_with_the_short_rest_again() {
        let (mut order, now) = (Order::new(1), Instant::now());
        order.failed(0, slow(), now);
        order.failed(0, slow(), now + 5 * SECOND);
        order.worked(0);
        assert_eq!(order.rest(0), None);
        order.failed(0, slow(), now + 6 * SECOND);
        assert_eq!(order.rest(0).expect("it failed").until, now + 11 * SECOND);
    }

    #[test]
    fn failures_of_calls_that_ran_together_count_as_one() {
        let (mut order, now) = (Order::new(1), Instant::now());
        for _ in 0..20 {
            order.failed(0, slow(), now);
        }
        let last = SignError::TooLong { limit: 1 };
        order.failed(0, last.clone(), now + SECOND);
        let rest = order.rest(0).expect("it failed");
        assert_eq!(
            (rest.failures, &rest.reason, rest.until),
            (1, &last, now + SIGNER_REST_FIRST)
        );
    }
}
