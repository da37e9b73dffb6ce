//! What a failed call tells beside what went wrong: why it may be so, and what the caller may have meant.

use std::borrow::Borrow;
use std::fmt;
use std::time::Duration;

use pagewire_rpc::{Departure, FunctionName, GroupName, Note, PageId};

use crate::registry::NotFound;

/// Names that are offered in place of one that is not there.
const NEAREST_MAX: usize = 3;
/// Names that are looked at for that. Comparing takes time, and anybody may ask for what is not there.
pub(crate) const NAMES_COMPARED_MAX: usize = 1_024;

/// What may help where a group, page or function is not there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hints {
    /// Groups with a name like the one that was asked for, the most similar first; at most 3.
    pub groups: Vec<GroupName>,
    /// Functions with a name like the one that was asked for, the most similar first; at most 3.
    pub functions: Vec<FunctionName>,
    /// The page that is missed, or the last one of the group.
    pub left: Option<Left>,
}

impl NotFound {
    /// What was not found, and what may help.
    pub fn explain(&self, hints: &Hints) -> String {
        let left = hints.left.as_ref().map(|left| {
            let who = match self {
                Self::Group(_) => "its last page",
                Self::Page(..) | Self::Function(..) | Self::FunctionOfPage(..) => "it",
            };
            format!("; {who} left {} ago: {}", show_duration(left.ago), left.why)
        });
        let names = hints.names();
        let meant = if names.is_empty() {
            String::new()
        } else {
            format!("; did you mean {}?", names.join(", "))
        };
        format!("{self}{}{meant}", left.unwrap_or_default())
    }
}

impl Hints {
    /// Names like the one that was asked for.
    pub fn names(&self) -> Vec<&str> {
        let groups = self.groups.iter().map(GroupName::as_str);
        groups
            .chain(self.functions.iter().map(FunctionName::as_str))
            .collect()
    }
}

/// A page that was attached and is not any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// Its id.
    pub page: PageId,
    /// How long ago it left.
    pub ago: Duration,
    /// Why.
    pub why: Departure,
}

/// Why a page does not answer, as far as the hub knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// Whoever attached the page says so.
    Noted(Note),
    /// Its JavaScript has not answered a ping for so long.
    Blocked(Duration),
    /// It is in the background.
    Hidden,
    /// Its event loop was so late when it was asked last.
    Late(Duration),
}

impl Cause {
    /// The stable word for it: `blocked`, `background`, `lag`, or the code of the note.
    pub fn code(&self) -> &str {
        match self {
            Self::Noted(note) => &note.code,
            Self::Blocked(_) => "blocked",
            Self::Hidden => "background",
            Self::Late(_) => "lag",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Noted(note) => f.write_str(note.words()),
            Self::Blocked(time) => write!(
                f,
                "its JavaScript has not run for {:.1} s: the main thread is blocked, or the page is paused in a debugger",
                time.as_secs_f64()
            ),
            Self::Hidden => {
                f.write_str("the tab is in the background: browsers slow such pages down")
            }
            Self::Late(lag) => write!(
                f,
                "its event loop was {} ms late when it was asked last: the main thread is busy",
                lag.as_millis()
            ),
        }
    }
}

/// A length of time for people, in the one unit that says most: `0 ms`, `119 s`, `2 min`, `5 h`, `3 days`.
pub fn show_duration(time: Duration) -> String {
    match time.as_secs() {
        0 => format!("{} ms", time.subsec_millis()),
        seconds @ 1..=119 => format!("{seconds} s"),
        seconds @ 120..=7_199 => format!("{} min", seconds / 60),
        seconds @ 7_200..=172_799 => format!("{} h", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

/// Those of `known` that somebody who wrote `wanted` may have meant, the most similar first.
pub(crate) fn nearest<N: Borrow<str> + Ord>(wanted: &str, known: Vec<N>) -> Vec<N> {
    let wanted = wanted.to_lowercase();
    let length = wanted.chars().count();
    // One slip in a short name, one in three characters of a longer one. A name in another case is the nearest there is.
    let slips = (length / 3).max(1);
    let rated = known.into_iter().filter_map(|name| {
        let lower = name.borrow().to_lowercase();
        if lower.chars().count().abs_diff(length) > slips {
            return None;
        }
        let distance = strsim::osa_distance(&wanted, &lower);
        (distance <= slips).then_some((distance, name))
    });
    let mut rated: Vec<_> = rated.collect();
    rated.sort();
    let names = rated.into_iter().map(|(_, name)| name);
    names.take(NEAREST_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_told_in_a_unit_that_fits() {
        for (ms, text) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (1_000, "1 s"),
            (119_999, "119 s"),
            (120_000, "2 min"),
            (7_200_000, "2 h"),
            (172_800_000, "2 days"),
        ] {
            assert_eq!(show_duration(Duration::from_millis(ms)), text);
        }
    }

    #[test]
    fn names_that_may_be_meant_are_found_up_to_the_limit() {
        let cases: [(&str, &[&str], &[&str]); 9] = [
            (
                "pricez",
                &["prices", "title", "price"],
                &["price", "prices"],
            ),
            (
                "getprice",
                &["getPrice", "get_price"],
                &["getPrice", "get_price"],
            ),
            ("价各", &["价格", "标题"], &["价格"]),
            ("f", &["g", "title"], &["g"]),
            ("f", &["go"], &[]),
            ("pirce", &["price"], &["price"]),
            ("total", &["price"], &[]),
            ("anything", &[], &[]),
            // One more than the limit.
            (
                "fun1",
                &["fun5", "fun4", "fun3", "fun2"],
                &["fun2", "fun3", "fun4"],
            ),
        ];
        for (wanted, known, expected) in cases {
            assert_eq!(nearest(wanted, known.to_vec()), expected, "{wanted}");
        }
        assert_eq!(
            nearest("fun1", vec!["fun4", "fun3", "fun2"]).len(),
            NEAREST_MAX
        );
    }
}
