//! Standard input, a line at a time.

use futures_util::StreamExt as _;
use tokio::io::Stdin;
use tokio_util::codec::{FramedRead, LinesCodec, LinesCodecError};

use crate::exit::{FAILED, Failed};

/// Where lines to send come from.
#[derive(Debug)]
pub(super) enum Input {
    Lines(FramedRead<Stdin, LinesCodec>),
    /// Nothing comes any more, or nothing was to be read.
    Ended,
}

impl Input {
    /// Standard input, in lines of at most so many bytes.
    pub(super) fn stdin(line_bytes: usize) -> Self {
        Self::Lines(FramedRead::new(
            tokio::io::stdin(),
            LinesCodec::new_with_max_length(line_bytes),
        ))
    }

    /// The next line without its end; none at the end of input, and after that never anything again.
    ///
    /// # Cancel safety
    ///
    /// No part of a line is lost.
    pub(super) async fn next(&mut self) -> Option<Result<String, Failed>> {
        let lines = match self {
            Self::Lines(lines) => lines,
            Self::Ended => return std::future::pending().await,
        };
        let line = lines.next().await;
        if line.is_none() {
            *self = Self::Ended;
        }
        Some(line?.map_err(|error| Failed::new(FAILED, explain(&error))))
    }
}

fn explain(error: &LinesCodecError) -> String {
    match error {
        LinesCodecError::MaxLineLengthExceeded => {
            "a line of standard input is longer than --max-size allows".to_owned()
        }
        LinesCodecError::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            "a line of standard input is not UTF-8, so it is no text message; send bytes with --send-file".to_owned()
        }
        LinesCodecError::Io(error) => format!("cannot read standard input: {error}"),
    }
}
