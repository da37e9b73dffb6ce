//! What can go wrong on a link, by whose fault.

/// Why an input was not accepted.
///
/// All but [`Error::Misuse`] are the peer's fault. After one of them from
/// [`Link::handle_input`](crate::Link::handle_input) the link is closed; what the peer must be told is queued already.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are not what the protocol says; `at` is the offset in the message where it was seen.
    #[error("{what} (at byte {at})")]
    Malformed {
        /// What was expected there.
        what: &'static str,
        /// Offset in the message, in bytes.
        at: usize,
    },
    /// A well-formed message that has no place here.
    #[error("{got} while {state}")]
    Violation {
        /// What came.
        got: &'static str,
        /// What the link was doing.
        state: &'static str,
    },
    /// More than a limit of `docs/limits.md` allows.
    #[error("{what}: {got} is over the limit of {max}")]
    Limit {
        /// The name of the limit.
        what: &'static str,
        /// What came.
        got: usize,
        /// What is allowed.
        max: usize,
    },
    /// A name that breaks its rule.
    #[error("{what}")]
    Name {
        /// The rule.
        what: &'static str,
    },
    /// The caller of this crate broke its contract.
    #[error("misuse: {0}")]
    Misuse(&'static str),
}
