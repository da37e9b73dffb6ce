//! The browser's two clocks: events have a monotonic time, and only some of them the wall time too.

/// What is known of the browser's clocks.
#[derive(Debug, Default)]
pub(super) struct Clock {
    /// Wall time less monotonic time.
    offset_us: Option<i64>,
    /// The last event: when, by the browser's clock, and by ours.
    latest: Option<(u64, u64)>,
}

/// When something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    /// By the browser's monotonic clock.
    pub(super) at_us: u64,
    /// Unix time.
    pub(super) time_ms: u64,
}

impl Clock {
    /// An event at `timestamp` seconds, which reached us at `wall_ms`. As long as the browser has not told its own wall time, ours stands for it.
    pub(super) fn event(&mut self, timestamp: f64, wall_ms: u64) -> Moment {
        let at_us = micros(timestamp);
        self.latest = Some((at_us, wall_ms));
        let ours = difference(wall_ms.saturating_mul(1_000), at_us);
        let offset_us = *self.offset_us.get_or_insert(ours);
        Moment {
            at_us,
            time_ms: at_us.saturating_add_signed(offset_us) / 1_000,
        }
    }

    /// An event that tells both times.
    pub(super) fn told(&mut self, timestamp: f64, wall_time: f64) {
        self.offset_us = Some(difference(micros(wall_time), micros(timestamp)));
    }

    /// Something that the browser does not tell.
    pub(super) fn now(&self, wall_ms: u64) -> Moment {
        let (at_us, at_wall_ms) = self.latest.unwrap_or((0, wall_ms));
        let since_us = wall_ms.saturating_sub(at_wall_ms).saturating_mul(1_000);
        let at_us = at_us.saturating_add(since_us);
        let time_ms = match self.offset_us {
            Some(offset_us) => at_us.saturating_add_signed(offset_us) / 1_000,
            None => wall_ms,
        };
        Moment { at_us, time_ms }
    }
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a conversion from f64 stays within the bounds of u64 by itself"
)]
fn micros(seconds: f64) -> u64 {
    (seconds * 1e6).round() as u64
}

fn difference(a: u64, b: u64) -> i64 {
    a.checked_signed_diff(b).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_browser_where_it_tells_them() {
        let mut clock = Clock::default();
        let moment = |at_us, time_ms| Moment { at_us, time_ms };
        // Before the browser tells its wall time ours counts, and it is fixed by the first event.
        assert_eq!(
            clock.event(100.000_001_4, 5_000),
            moment(100_000_001, 5_000)
        );
        assert_eq!(clock.event(101.5, 9_999), moment(101_500_000, 6_499));
        clock.told(102.0, 1_795_320_892.080_754);
        assert_eq!(
            clock.event(102.25, 10_000),
            moment(102_250_000, 1_795_320_892_330)
        );
        // What the browser does not tell is that much later.
        assert_eq!(clock.now(10_500), moment(102_750_000, 1_795_320_892_830));
    }

    #[test]
    fn times_that_cannot_be_stay_numbers() {
        for timestamp in [-1.0, 0.0, 1e300, f64::MAX] {
            let mut clock = Clock::default();
            clock.told(timestamp, 1e300);
            clock.event(timestamp, u64::MAX);
            clock.told(1e300, timestamp);
            clock.now(0);
            clock.event(timestamp, 0);
        }
    }
}
