//! How a push socket ends.

use pagewire_dial::tls::innermost;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::error::{CapacityError, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

/// A close frame without a code; never sent (RFC 6455 §7.4.1).
const NO_STATUS: u16 = 1005;
/// A connection that was lost; never sent either.
const ABNORMAL: u16 = 1006;

/// How a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DirectEnd {
    /// The server closed it.
    Closed {
        /// Its code; 1005 where it gave none.
        code: u16,
        /// Its reason, often empty.
        reason: String,
    },
    /// It broke without a word, as code 1006 says: why.
    Dropped(String),
    /// The server sent what cannot be taken, and we closed it.
    Broken {
        /// The code that it was told, such as 1009.
        code: u16,
        /// What was wrong.
        why: String,
    },
}

impl DirectEnd {
    /// The close code of this end: the server's, ours, or 1006.
    pub fn code(&self) -> u16 {
        match self {
            Self::Closed { code, .. } | Self::Broken { code, .. } => *code,
            Self::Dropped(_) => ABNORMAL,
        }
    }

    /// What a close frame of the server means.
    pub(super) fn of_close(frame: Option<CloseFrame>) -> Self {
        let (code, reason) = match frame {
            None => (NO_STATUS, String::new()),
            Some(frame) => (frame.code.into(), frame.reason.to_string()),
        };
        Self::Closed { code, reason }
    }

    /// It broke, and nobody said why.
    pub(super) fn gone() -> Self {
        Self::Dropped("the server went away without closing it".to_owned())
    }

    /// What an error in place of a message means.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the library's errors grow; one that we do not know is a connection that cannot go on"
    )]
    pub(super) fn of_error(error: &Error, frame_bytes_max: usize) -> Self {
        let broken = |code, why| Self::Broken { code, why };
        match error {
            Error::Capacity(CapacityError::MessageTooLong { size, .. }) => broken(
                1009,
                format!("a message of {size} bytes or more is longer than {frame_bytes_max} bytes"),
            ),
            Error::Utf8(_) => broken(1007, "a text message of the server is not UTF-8".to_owned()),
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Self::gone(),
            Error::Protocol(error) => {
                broken(1002, format!("the server breaks the protocol: {error}"))
            }
            other => Self::Dropped(innermost(other)),
        }
    }
}
