//! How a connection ends, and what follows from that.

use std::time::Duration;

use pagewire_dial::tls::innermost;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::error::{CapacityError, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use crate::close_code;
use crate::exit::{CANCELLED, FAILED, Failed};

/// Why a connection is over.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// All wanted messages are there.
    Counted,
    /// Standard input ended.
    InputOver,
    /// Ctrl-C.
    Interrupted,
    /// Nothing came for this long.
    Idle(Duration),
    /// The server closed.
    Closed { code: u16, reason: String },
    /// It broke without a word.
    Lost(String),
    /// What came cannot be taken: why, and the code that tells the server.
    Broken { code: u16, why: String },
}

impl End {
    /// What a close frame of the server means.
    pub(super) fn of_close(frame: Option<CloseFrame>) -> Self {
        match frame {
            None => Self::Closed {
                code: close_code::NO_STATUS,
                reason: String::new(),
            },
            Some(frame) => Self::Closed {
                code: frame.code.into(),
                reason: frame.reason.to_string(),
            },
        }
    }

    /// What an error in place of a message means.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the library's errors grow; one that we do not know is a connection that cannot go on"
    )]
    pub(super) fn of_error(error: &Error) -> Self {
        let broken = |code, why| Self::Broken { code, why };
        match error {
            Error::Capacity(CapacityError::MessageTooLong { size, max_size }) => broken(
                1009,
                format!(
                    "a message of {size} bytes or more is longer than --max-size allows ({max_size})"
                ),
            ),
            Error::Utf8(_) => broken(1007, "a text message of the server is not UTF-8".to_owned()),
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
                Self::Lost("the server went away without closing it".to_owned())
            }
            Error::Protocol(error) => {
                broken(1002, format!("the server breaks the protocol: {error}"))
            }
            other => Self::Lost(innermost(other)),
        }
    }

    /// The close code to send, where there is somebody to send it to.
    pub(super) fn farewell(&self) -> Option<u16> {
        match self {
            Self::Counted | Self::InputOver | Self::Interrupted => Some(1000),
            Self::Idle(_) => Some(1001),
            Self::Broken { code, .. } => Some(*code),
            Self::Closed { .. } | Self::Lost(_) => None,
        }
    }

    /// True where the server or the way to it ended the connection, and another one may do better.
    pub(super) fn may_retry(&self) -> bool {
        match self {
            Self::Idle(_) | Self::Closed { .. } | Self::Lost(_) => true,
            Self::Counted | Self::InputOver | Self::Interrupted | Self::Broken { .. } => false,
        }
    }

    /// What the command ends with when no other connection follows; `missing` messages were wanted and did not come.
    pub(super) fn result(&self, missing: Option<u64>) -> Result<(), Failed> {
        let failed = |why: String| Err(Failed::new(FAILED, why));
        match self {
            Self::Counted | Self::InputOver => Ok(()),
            Self::Interrupted => Err(Failed::silent(CANCELLED)),
            Self::Idle(time) => failed(format!(
                "nothing came for {time:?} (--idle); is the server alive, and does it have anything to say?"
            )),
            Self::Closed { code, .. } if !close_code::is_normal(*code) => {
                Err(Failed::silent(FAILED))
            }
            Self::Closed { .. } => match missing {
                Some(missing) => failed(format!(
                    "the server closed the connection, and {missing} of the wanted messages did not come"
                )),
                None => Ok(()),
            },
            Self::Lost(why) => failed(format!("the connection was lost: {why}")),
            Self::Broken { why, .. } => failed(why.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closed(code: u16) -> End {
        End::Closed {
            code,
            reason: String::new(),
        }
    }

    #[test]
    fn each_end_has_its_farewell_its_retry_and_its_exit_code() {
        let broken = End::Broken {
            code: 1009,
            why: "long".into(),
        };
        let cases = [
            (End::Counted, Some(1000), false, None, 0),
            (End::InputOver, Some(1000), false, None, 0),
            (End::Interrupted, Some(1000), false, None, CANCELLED),
            (
                End::Idle(Duration::from_secs(1)),
                Some(1001),
                true,
                Some(1),
                FAILED,
            ),
            (closed(1000), None, true, None, 0),
            (closed(1000), None, true, Some(2), FAILED),
            (closed(1001), None, true, None, 0),
            (closed(1005), None, true, None, 0),
            (closed(1011), None, true, None, FAILED),
            (closed(4000), None, true, None, FAILED),
            (End::Lost("gone".into()), None, true, None, FAILED),
            (broken, Some(1009), false, None, FAILED),
        ];
        for (end, farewell, retry, missing, code) in cases {
            assert_eq!(end.farewell(), farewell, "{end:?}");
            assert_eq!(end.may_retry(), retry, "{end:?}");
            let ended = end.result(missing).err().map_or(0, |failed| failed.code);
            assert_eq!(ended, code, "{end:?}");
        }
    }

    #[test]
    fn errors_are_told_from_lost_connections() {
        let reset = Error::Io(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
        let long = CapacityError::MessageTooLong {
            size: 11,
            max_size: 10,
        };
        let cases = [
            (Error::Capacity(long), Some(1009)),
            (Error::Utf8(String::new()), Some(1007)),
            (
                Error::Protocol(ProtocolError::NonZeroReservedBits),
                Some(1002),
            ),
            (
                Error::Protocol(ProtocolError::ResetWithoutClosingHandshake),
                None,
            ),
            (reset, None),
        ];
        for (error, code) in cases {
            let end = End::of_error(&error);
            assert_eq!(end.farewell(), code, "{end:?}");
            assert_eq!(matches!(end, End::Lost(_)), code.is_none(), "{end:?}");
        }
    }
}
