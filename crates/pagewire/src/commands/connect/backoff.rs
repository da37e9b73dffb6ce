//! How long to wait before the next attempt.

use std::time::Duration;

/// The first wait, before jitter.
const RECONNECT_WAIT_FIRST: Duration = Duration::from_millis(500);
/// Waits grow no longer than this.
pub(super) const RECONNECT_WAIT_MAX: Duration = Duration::from_secs(30);
/// A connection that held so long was a good one: the next wait is short again.
const STEADY: Duration = Duration::from_secs(10);

/// Waits that double from one failure to the next. Each is shortened at random by up to half, so that many clients of a server that
/// was restarted do not come back in the same moment.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// Tells how long the last connection was open.
    pub(super) fn note_open_for(&mut self, open: Duration) {
        if open >= STEADY {
            self.failures = 0;
        }
    }

    /// Which attempt the next one is, from 1.
    pub(super) fn attempt(&self) -> u32 {
        self.failures.saturating_add(1)
    }

    /// The next wait; `random` is any number.
    pub(super) fn next(&mut self, random: u32) -> Duration {
        let doubled = 2u32
            .checked_pow(self.failures)
            .and_then(|times| RECONNECT_WAIT_FIRST.checked_mul(times));
        let whole = doubled.map_or(RECONNECT_WAIT_MAX, |wait| wait.min(RECONNECT_WAIT_MAX));
        self.failures = self.failures.saturating_add(1);
        whole.mul_f64(1.0 - 0.5 * f64::from(random) / f64::from(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_limit_and_no_further() {
        let mut backoff = Backoff::default();
        let waits: Vec<_> = (0..40).map(|_| backoff.next(0)).collect();
        let ms: Vec<_> = waits.iter().take(8).map(Duration::as_millis).collect();
        assert_eq!(
            ms,
            [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]
        );
        assert_eq!(waits.last(), Some(&RECONNECT_WAIT_MAX));
        assert_eq!(backoff.attempt(), 41);
    }

    #[test]
    fn jitter_takes_away_up_to_half() {
        for (random, ms) in [(0, 500), (u32::MAX / 2, 375), (u32::MAX, 250)] {
            let wait = Backoff::default().next(random);
            assert_eq!(wait.as_millis(), ms, "{random}");
        }
    }

    #[test]
    fn only_a_connection_that_held_makes_waits_short_again() {
        let mut backoff = Backoff { failures: 5 };
        backoff.note_open_for(STEADY - Duration::from_millis(1));
        assert_eq!(backoff.attempt(), 6);
        backoff.note_open_for(STEADY);
        assert_eq!(backoff.next(0), RECONNECT_WAIT_FIRST);
    }
}
