//! How fast a journal is told again.

use std::str::FromStr;

use thiserror::Error;

/// How fast a journal is told again.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Speed {
    /// As fast as it can be read.
    #[default]
    Max,
    /// So many times as fast as it was; above 0.
    Times(f64),
}

/// A text that is no speed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("it is a number above 0, such as 1 or 2.5, or max")]
pub struct NoSpeed;

impl FromStr for Speed {
    type Err = NoSpeed;

    /// Reads `max`, `1` or `2.5x`.
    fn from_str(text: &str) -> Result<Self, NoSpeed> {
        if text == "max" {
            return Ok(Self::Max);
        }
        let times = text.trim_end_matches('x').parse().map_err(|_| NoSpeed)?;
        if f64::is_finite(times) && times > 0.0 {
            Ok(Self::Times(times))
        } else {
            Err(NoSpeed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speed_is_max_or_a_number_above_0() {
        for (text, speed) in [
            ("max", Speed::Max),
            ("1", Speed::Times(1.0)),
            ("2.5x", Speed::Times(2.5)),
        ] {
            assert_eq!(text.parse(), Ok(speed), "{text}");
        }
        for text in ["0", "-1", "inf", "NaN", "fast", "", "x"] {
            assert_eq!(text.parse::<Speed>(), Err(NoSpeed), "{text}");
        }
    }
}
