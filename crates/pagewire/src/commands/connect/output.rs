//! How what happens on a connection is shown: for people, or as JSON lines.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use serde::{Serialize, Serializer};

use super::payload::{self, Payload};
use crate::clock::unix_ms;
use crate::close_code;
use crate::exit::Failed;
use crate::terminal::{harmless, print_json, print_text, say, stdout_is_terminal, write_bytes};

/// Where a message that was sent came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// `--send` and its like.
    Option,
    Input,
}

/// Who began to close.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Side {
    Client,
    Server,
}

/// One thing that happened, as a JSON line says it.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub(super) enum Event<'a> {
    Open {
        url: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        peer: Option<SocketAddr>,
        subprotocol: Option<&'a str>,
    },
    Message {
        #[serde(flatten)]
        payload: &'a Payload,
    },
    Sent {
        #[serde(flatten)]
        payload: &'a Payload,
        #[serde(skip)]
        source: Source,
    },
    Ping {
        #[serde(flatten)]
        payload: &'a Payload,
    },
    Pong {
        #[serde(flatten)]
        payload: &'a Payload,
        /// Absent where the pong answers no ping of ours.
        #[serde(rename = "round_trip_ms", serialize_with = "milliseconds")]
        #[serde(skip_serializing_if = "Option::is_none")]
        round_trip: Option<Duration>,
    },
    Close {
        code: u16,
        name: &'static str,
        reason: &'a str,
        by: Side,
        /// Both sides said goodbye.
        clean: bool,
    },
    Error {
        message: &'a str,
    },
    Reconnect {
        attempt: u32,
        #[serde(rename = "wait_ms", serialize_with = "milliseconds")]
        wait: Option<Duration>,
    },
}

fn milliseconds<S: Serializer>(time: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    let micros = time.unwrap_or_default().as_micros();
    // Whole microseconds of less than centuries are exact in a double.
    serializer.serialize_f64(u32::try_from(micros).map_or(f64::INFINITY, f64::from) / 1_000.0)
}

impl<'a> Event<'a> {
    /// The end of a connection, with the name of its code.
    pub(super) fn closed(code: u16, reason: &'a str, by: Side, clean: bool) -> Self {
        Self::Close {
            code,
            name: close_code::name(code),
            reason,
            by,
            clean,
        }
    }
}

/// What a form makes of an event.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// A line of JSON for standard output.
    Json(String),
    /// A message for standard output.
    Text(String),
    /// Bytes as they are, for standard output.
    Raw(Bytes),
    /// A word to the person, for standard error.
    Note(String),
    Nothing,
}

/// In which form events are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    /// Messages and words on a terminal, set off from each other.
    Terminal,
    /// Only messages, one a line, for the next program.
    Pipe,
    /// As `Pipe`, but binary messages are their bytes.
    RawPipe,
}

impl Form {
    /// Shows the event now.
    ///
    /// # Errors
    ///
    /// Standard output takes nothing more.
    pub(super) fn print(self, event: &Event<'_>) -> Result<(), Failed> {
        match self.show(event, unix_ms()) {
            Shown::Json(line) => print_json(&line),
            Shown::Text(text) => print_text(&text),
            Shown::Raw(bytes) => write_bytes(&bytes),
            Shown::Note(note) => {
                // Reasons of servers may hold line feeds, too.
                say(&harmless(&note).replace('\n', "\n  "));
                Ok(())
            }
            Shown::Nothing => Ok(()),
        }
    }

    fn show(self, event: &Event<'_>, time_ms: u64) -> Shown {
        match self {
            Self::Json => Shown::Json(json_line(event, time_ms)),
            Self::Terminal | Self::Pipe | Self::RawPipe => self.show_to_people(event),
        }
    }

    fn show_to_people(self, event: &Event<'_>) -> Shown {
        match event {
            Event::Message { payload } => self.show_message(payload),
            Event::Sent { source, payload } => match source {
                Source::Option => Shown::Note(format!("> {}", payload.sketch())),
                // It stands there already, or it is another program's business.
                Source::Input => Shown::Nothing,
            },
            Event::Open {
                url,
                peer,
                subprotocol,
            } => {
                let peer = peer.map(|peer| format!(" ({peer})")).unwrap_or_default();
                let subprotocol = subprotocol
                    .map(|name| format!(", subprotocol {name}"))
                    .unwrap_or_default();
                Shown::Note(format!("connected to {url}{peer}{subprotocol}"))
            }
            Event::Ping { payload } => Shown::Note(format!("ping {}", payload.sketch())),
            Event::Pong {
                payload,
                round_trip,
            } => Shown::Note(match round_trip {
                Some(time) => format!("pong after {time:.1?}"),
                None => format!("pong {} without a ping", payload.sketch()),
            }),
            // No such code came: the words of the error that ends the command say more.
            Event::Close {
                code: close_code::ABNORMAL,
                ..
            } => Shown::Nothing,
            Event::Close {
                code,
                name,
                reason,
                by,
                clean,
            } => {
                let by = match by {
                    Side::Client => "closed",
                    Side::Server => "closed by the server",
                };
                let reason = if reason.is_empty() {
                    String::new()
                } else {
                    format!(": {reason}")
                };
                let silence = if *clean { "" } else { ", without an answer" };
                Shown::Note(format!("{by} with {code} ({name}){reason}{silence}"))
            }
            Event::Error { message } => Shown::Note(format!("pagewire: {message}")),
            Event::Reconnect { attempt, wait } => Shown::Note(format!(
                "connecting again in {:.1?} (attempt {attempt})",
                wait.unwrap_or_default()
            )),
        }
    }

    fn show_message(self, payload: &Payload) -> Shown {
        match (self, payload) {
            // Later lines are set in, so that a message cannot look like another one or like a word of ours.
            (Self::Terminal, Payload::Text(text)) => {
                Shown::Text(format!("< {}", text.replace('\n', "\n  ")))
            }
            (Self::Terminal, Payload::Binary(bytes)) => {
                Shown::Text(format!("< {}", payload::preview(bytes)))
            }
            (Self::RawPipe, Payload::Binary(bytes)) => Shown::Raw(bytes.clone()),
            (Self::Json | Self::Pipe | Self::RawPipe, Payload::Text(text)) => {
                Shown::Text(text.to_string())
            }
            (Self::Json | Self::Pipe, Payload::Binary(bytes)) => {
                Shown::Text(payload::preview(bytes))
            }
        }
    }
}

/// The form that the command line and the place of standard output ask for.
pub(super) fn form(json: bool, raw: bool) -> Form {
    match (json, raw, stdout_is_terminal()) {
        (true, _, _) => Form::Json,
        (false, true, _) => Form::RawPipe,
        (false, false, true) => Form::Terminal,
        (false, false, false) => Form::Pipe,
    }
}

fn json_line(event: &Event<'_>, time_ms: u64) -> String {
    #[derive(Serialize)]
    struct Line<'a> {
        #[serde(flatten)]
        event: &'a Event<'a>,
        time_ms: u64,
    }
    serde_json::to_string(&Line { event, time_ms }).expect("events are plain values")
}

#[cfg(test)]
mod tests;
