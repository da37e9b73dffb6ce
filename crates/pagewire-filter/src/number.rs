//! Numbers of JSON, compared exactly: 64-bit ids differ in places that a double does not have.

use std::cmp::Ordering;

/// A number: whole, where it is written so and fits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Number {
    Whole(i128),
    /// Never NaN.
    Double(f64),
}

/// Digits that certainly fit 128 bits.
const DIGITS: usize = 38;

impl Number {
    /// The order by value, whichever way they are written.
    pub(crate) fn compare(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Whole(a), Self::Whole(b)) => a.cmp(&b),
            (Self::Double(a), Self::Double(b)) => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
            (Self::Whole(a), Self::Double(b)) => compare_mixed(a, b),
            (Self::Double(a), Self::Whole(b)) => compare_mixed(b, a).reverse(),
        }
    }

    /// Reads a text that is a whole number and nothing else, as sites write ids.
    pub(crate) fn of_text(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let is_whole = !digits.is_empty()
            && digits.len() <= DIGITS
            && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_whole.then(|| text.parse().ok().map(Self::Whole))?
    }

    /// Reads a number as JSON writes it.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if let Some(whole) = Self::of_text(text) {
            return Some(whole);
        }
        let double: f64 = text.parse().ok()?;
        double.is_finite().then_some(Self::Double(double))
    }
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "a double below 2^126 without its fraction is a number of 128 bits"
)]
fn compare_mixed(whole: i128, double: f64) -> Ordering {
    const FITS: f64 = (1_u128 << 126) as f64;
    if double >= FITS {
        return Ordering::Less;
    }
    if double <= -FITS {
        return Ordering::Greater;
    }
    let floor = double.floor();
    let fraction = if double > floor {
        Ordering::Less
    } else {
        Ordering::Equal
    };
    whole.cmp(&(floor as i128)).then(fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_by_value_to_the_last_digit() {
        let number = |text: &str| Number::parse(text).unwrap();
        for (a, b, order) in [
            ("9007199254740993", "9007199254740992", Ordering::Greater),
            (
                "18446744073709551615",
                "18446744073709551614",
                Ordering::Greater,
            ),
            ("9007199254740993", "9007199254740992.0", Ordering::Greater),
            ("1", "1.0", Ordering::Equal),
            ("1", "1.5", Ordering::Less),
            ("-1", "-1.5", Ordering::Greater),
            ("-2", "-1.5", Ordering::Less),
            ("0", "-0.0", Ordering::Equal),
            ("5", "1e300", Ordering::Less),
            ("5", "-1e300", Ordering::Greater),
            (
                "99999999999999999999999999999999999999",
                "1e37",
                Ordering::Greater,
            ),
        ] {
            assert_eq!(number(a).compare(number(b)), order, "{a} {b}");
            assert_eq!(number(b).compare(number(a)), order.reverse(), "{b} {a}");
        }
    }

    #[test]
    fn texts_that_are_whole_numbers_are_read_and_no_others() {
        for (text, expected) in [
            ("7590361705692463139", Some(7_590_361_705_692_463_139)),
            ("-3", Some(-3)),
            ("007", Some(7)),
            (
                "99999999999999999999999999999999999999",
                Some(10_i128.pow(38) - 1),
            ),
            ("100000000000000000000000000000000000000", None),
            ("", None),
            ("-", None),
            ("+1", None),
            ("1.0", None),
            ("1 ", None),
            ("一", None),
        ] {
            assert_eq!(Number::of_text(text), expected.map(Number::Whole), "{text}");
        }
    }
}
