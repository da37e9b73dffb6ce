//! Exit codes: one table, from the stable code of a problem document (`docs/protocol.md` §2).

use pagewire_dial::tls::RootsError;

/// All is well.
pub(crate) const SUCCESS: u8 = 0;
/// Failed for a reason that has no code of its own.
pub(crate) const FAILED: u8 = 1;
/// The command line is wrong.
pub(crate) const USAGE: u8 = 2;
/// The demo found no Chromium.
pub(crate) const NO_BROWSER: u8 = 3;
/// The configuration is wrong.
pub(crate) const CONFIGURATION: u8 = 64;
/// Ctrl-C.
pub(crate) const CANCELLED: u8 = 130;

/// The exit code for the `code` of a problem document.
pub(crate) fn of_problem(code: &str) -> u8 {
    match code {
        "bad_arguments" | "too_large" | "bad_request" => USAGE,
        "page_error" => 3,
        "timeout" => 4,
        "not_found" | "page_gone" => 5,
        "overloaded" | "shutting_down" => 6,
        "unauthorized" | "forbidden" => 7,
        "cancelled" => CANCELLED,
        _ => FAILED,
    }
}

/// A command that did not succeed: what to print, and the exit code.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) code: u8,
    /// None when all was said already.
    pub(crate) message: Option<String>,
}

impl Failed {
    pub(crate) fn new(code: u8, message: impl Into<String>) -> Self {
        Self {
            code,
            message: Some(message.into()),
        }
    }

    pub(crate) fn silent(code: u8) -> Self {
        Self {
            code,
            message: None,
        }
    }
}

impl From<RootsError> for Failed {
    fn from(error: RootsError) -> Self {
        let code = match error {
            RootsError::NoRoots(_) => FAILED,
            RootsError::File { .. } => USAGE,
        };
        Self::new(code, error.to_string())
    }
}

impl From<anyhow::Error> for Failed {
    fn from(error: anyhow::Error) -> Self {
        Self::new(FAILED, format!("{error:#}"))
    }
}
