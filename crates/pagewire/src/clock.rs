//! What time it is, and the time of day for people: where they are.

use std::sync::LazyLock;
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// What `TZ` says, else the system. Where neither is known it is UTC.
static HERE: LazyLock<TimeZone> = LazyLock::new(TimeZone::system);

const DAY_S: i64 = 86_400;

/// Now, in milliseconds of Unix time.
pub(crate) fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

/// `22:05:45`, of milliseconds of Unix time.
pub(crate) fn time_of_day(unix_ms: u64) -> String {
    shown(unix_ms, &HERE)
}

/// `22:05:45.678`, of milliseconds of Unix time.
pub(crate) fn time_of_day_ms(unix_ms: u64) -> String {
    format!("{}.{:03}", time_of_day(unix_ms), unix_ms % 1_000)
}

/// Times come from sites too. What is after all calendars has no zone any more, and is shown as of UTC.
fn shown(unix_ms: u64, zone: &TimeZone) -> String {
    let unix_s = i64::try_from(unix_ms / 1_000).expect("a thousandth of the largest fits");
    let offset_s =
        Timestamp::from_second(unix_s).map_or(0, |time| i64::from(zone.to_offset(time).seconds()));
    let second = (unix_s + offset_s).rem_euclid(DAY_S);
    of_seconds(second.unsigned_abs())
}

/// `22:05:45`, of seconds; hours go on behind 24.
pub(crate) fn of_seconds(seconds: u64) -> String {
    let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
    format!("{hours:02}:{minutes:02}:{:02}", seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_that_of_its_zone_and_day() {
        let new_york = "EST5EDT,M3.2.0,M11.1.0";
        let cases = [
            ("UTC0", 0, "00:00:00"),
            ("UTC0", 1_795_212_345_678, "22:05:45"),
            ("CST-8", 1_795_212_345_678, "06:05:45"),
            ("<+0545>-5:45", 1_795_212_345_678, "03:50:45"),
            // Before 1970 began there.
            (new_york, 0, "19:00:00"),
            // Winter, and summer.
            (new_york, 1_795_212_345_678, "17:05:45"),
            (new_york, 1_782_165_945_000, "18:05:45"),
            // The year 9999 is the last one that has a zone.
            ("CST-8", 253_402_300_800_000, "00:00:00"),
            ("CST-8", u64::MAX, "14:25:51"),
        ];
        for (zone, unix_ms, expected) in cases {
            let here = TimeZone::posix(zone).expect("a zone");
            assert_eq!(shown(unix_ms, &here), expected, "{unix_ms} in {zone}");
        }
    }

    #[test]
    fn milliseconds_are_those_of_every_zone() {
        let (unix_ms, shown) = (1_795_212_345_007, time_of_day_ms(1_795_212_345_007));
        assert_eq!(shown, time_of_day(unix_ms) + ".007");
    }
}
