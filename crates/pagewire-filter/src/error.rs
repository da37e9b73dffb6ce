//! What is wrong with an expression, and where.

use std::fmt;
use std::ops::Range;

/// An expression that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterError {
    /// The bytes of the expression that are meant. Empty where something is missing.
    pub at: Range<usize>,
    /// What is wrong with them.
    pub fault: Fault,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// Something else belongs here.
    #[error("expected {wanted}, found {found}")]
    Expected {
        /// What belongs here.
        wanted: &'static str,
        /// What is there.
        found: Box<str>,
    },
    /// Written as another language does.
    #[error("write {instead} in place of {found}")]
    Instead {
        /// What is there.
        found: Box<str>,
        /// What to write.
        instead: &'static str,
    },
    /// A name that nothing has.
    #[error("there is no {what} {name}{}", Nearest(.nearest))]
    Unknown {
        /// `function`, `member`, …
        what: &'static str,
        /// What was written.
        name: Box<str>,
        /// Names like it, the most similar first; or all, where there are few.
        nearest: Box<[Box<str>]>,
    },
    /// A member that is no `true` or `false`, and stands by itself.
    #[error(
        "{0} is no true or false; write has({0}) to ask whether it is there, or compare it with something"
    )]
    NoFlag(Box<str>),
    /// A text without its quotes, which is a member that is an object.
    #[error(
        "{0} without quotes is a member, which is an object and equal to nothing; write \"{0}\""
    )]
    NoQuotes(Box<str>),
    /// An object that is compared with something.
    #[error(
        "{name} is an object, and equal to nothing; name one of its members, such as {name}.{member}"
    )]
    Object {
        /// What was written.
        name: Box<str>,
        /// One of its members.
        member: Box<str>,
    },
    /// A regular expression that is none.
    #[error("the pattern is not understood: {0}")]
    Pattern(Box<str>),
    /// More than may be.
    #[error("{got} {what}, over the limit of {max}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How much there is, as far as it was counted.
        got: usize,
        /// How much may be.
        max: usize,
    },
}

struct Nearest<'a>(&'a [Box<str>]);

impl fmt::Display for Nearest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => Ok(()),
            names => write!(f, "; there is {}", names.join(", ")),
        }
    }
}

impl FilterError {
    pub(crate) const fn new(at: Range<usize>, fault: Fault) -> Self {
        Self { at, fault }
    }

    /// The place for people: the number of the first character that is meant, from 1. `expression` is what was parsed.
    pub fn character(&self, expression: &str) -> usize {
        let before = expression.get(..self.at.start).unwrap_or(expression);
        before.chars().count().saturating_add(1)
    }

    /// One sentence with the place: `at character 9: expected a value, found the end`.
    pub fn sentence(&self, expression: &str) -> String {
        format!(
            "at character {}: {}",
            self.character(expression),
            self.fault
        )
    }
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at byte {}: {}", self.at.start, self.fault)
    }
}

impl std::error::Error for FilterError {}

/// Names like this one, for errors: at most three.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Box<[Box<str>]> {
    /// Less alike is no help.
    const ALIKE: f64 = 0.7;
    let mut alike: Vec<_> = known
        .map(|other| (strsim::jaro_winkler(name, other), other))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .collect();
    alike.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    alike.dedup_by(|a, b| a.1 == b.1);
    let alike = alike.into_iter().take(3);
    alike.map(|(_, other)| other.into()).collect()
}
