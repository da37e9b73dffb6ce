//! So many messages a second.

use std::time::Duration;

/// How many messages are due, so that there are so many a second.
#[derive(Debug)]
pub(super) struct Pace {
    rate: u32,
    done: u64,
}

impl Pace {
    pub(super) const fn new(rate: u32) -> Self {
        Self { rate, done: 0 }
    }

    /// Those of at most a second at once: what a machine that slept has not done is not made up for.
    pub(super) fn due(&mut self, elapsed: Duration) -> u64 {
        let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        // The first one comes at once.
        let all = 1 + micros.saturating_mul(u64::from(self.rate)) / 1_000_000;
        let due = all - self.done;
        self.done = all;
        due.min(u64::from(self.rate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_messages_are_due_as_the_rate_says() {
        let mut pace = Pace::new(500);
        let second: u64 = (0..50)
            .map(|tick| pace.due(Duration::from_millis(20 * tick)))
            .sum();
        assert_eq!(second, 1 + 490);
        assert_eq!(pace.due(Duration::from_secs(1)), 10);
        assert_eq!(pace.due(Duration::from_secs(60)), 500, "a machine slept");
        assert_eq!(pace.due(Duration::from_secs(60)), 0);
        let mut slow = Pace::new(1);
        let ticks = (0..500).map(|tick| slow.due(Duration::from_millis(20 * tick)));
        assert_eq!(ticks.sum::<u64>(), 10);
    }
}
