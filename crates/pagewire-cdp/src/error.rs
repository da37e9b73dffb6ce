//! What can go wrong between us and a browser.

/// Why a message was not made or not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The browser wrote something that this version of us cannot read. Nothing else is lost.
    #[error("malformed: {what}, at byte {at}")]
    Malformed {
        /// What was to be read.
        what: &'static str,
        /// Where reading ended.
        at: usize,
    },
    /// More than is kept.
    #[error("too many: {got} {what}, the limit is {max}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How many there would be.
        got: usize,
        /// How many there may be.
        max: usize,
    },
    /// A bug of ours.
    #[error("misuse: {0}")]
    Misuse(&'static str),
}

/// How a command ended that has no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// The browser answered with an error.
    #[error("the browser refused {method}: {message} ({code})")]
    Refused {
        /// The command.
        method: &'static str,
        /// A JSON-RPC code.
        code: i64,
        /// In the browser's words.
        message: String,
    },
    /// No answer in time. The target may be busy, paused or gone.
    #[error("the browser did not answer {method} in time")]
    TimedOut {
        /// The command.
        method: &'static str,
    },
    /// The connection ended first.
    #[error("the connection to the browser was lost before it answered {method}")]
    ConnectionLost {
        /// The command.
        method: &'static str,
    },
}
