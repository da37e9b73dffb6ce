//! Why bytes were not understood: what was to be read, at which byte, in which field.

use std::fmt;

/// Why something was not decoded. What was decoded before it stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{fault}, at byte {at}{path}")]
pub struct DecodeError {
    /// What is wrong.
    pub fault: Fault,
    /// Where, counted from the first byte of the outermost input that is not compressed.
    pub at: usize,
    /// In which field.
    pub path: Path,
}

/// What is wrong with bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The input ends before its end: it is cut, or a length is wrong.
    #[error("{what} needs {needed} more bytes, and {left} are left")]
    Truncated {
        /// What was to be read.
        what: &'static str,
        /// How much of it there should be.
        needed: u64,
        /// How much there is.
        left: usize,
    },
    /// No encoder writes this.
    #[error("malformed: {0}")]
    Malformed(&'static str),
    /// Another type than the reader asks for.
    #[error("{got} where {wanted} was expected")]
    Mismatch {
        /// What was asked for.
        wanted: &'static str,
        /// What there is.
        got: &'static str,
    },
    /// More than is read.
    #[error("too much: {what} is {got}, the limit is {max}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How much there would be.
        got: u64,
        /// How much there may be.
        max: u64,
    },
}

/// The fields that lead to a place, from the outermost: names where they are known, else numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Path(Vec<Box<str>>);

impl DecodeError {
    /// Of a place that is in no field.
    pub fn at(at: usize, fault: Fault) -> Self {
        Self {
            fault,
            at,
            path: Path::default(),
        }
    }

    /// Says that the place is in this field. Called from the inside to the outside.
    #[must_use]
    pub fn inside(mut self, field: impl Into<Box<str>>) -> Self {
        self.path.0.push(field.into());
        self
    }

    /// For what was decoded from a part of the input that begins at this byte.
    #[must_use]
    pub fn shifted(mut self, by: usize) -> Self {
        self.at = self.at.saturating_add(by);
        self
    }
}

impl Path {
    /// Whether it is in no field.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Path {
    /// ` in user.fans_club.1`, or nothing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut before = " in ";
        for field in self.0.iter().rev() {
            write!(f, "{before}{field}")?;
            before = ".";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_where_and_in_which_field() {
        let fault = Fault::Truncated {
            what: "a string",
            needed: 200,
            left: 12,
        };
        let error = DecodeError::at(5, fault).inside("data").inside("user");
        assert_eq!(
            error.shifted(10).to_string(),
            "a string needs 200 more bytes, and 12 are left, at byte 15 in user.data"
        );
        let error = DecodeError::at(0, Fault::Malformed("a field has the number 0"));
        assert_eq!(
            error.to_string(),
            "malformed: a field has the number 0, at byte 0"
        );
    }
}
