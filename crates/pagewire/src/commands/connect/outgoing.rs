//! What is sent first, in the order of the command line, whatever its kind.

use std::path::PathBuf;

use bytes::Bytes;
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, Error, FromArgMatches};
use tokio_tungstenite::tungstenite::Message;

use crate::exit::{FAILED, Failed};

/// One of `--send`, `--send-hex`, `--send-file`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum First {
    Text(String),
    Binary(Vec<u8>),
    File(PathBuf),
}

/// `--send`, `--send-hex` and `--send-file`, each any number of times. Clap sorts options by name, so their places are asked for by hand.
#[derive(Debug, Clone, Default)]
pub(crate) struct FirstMessages(Vec<First>);

impl FirstMessages {
    /// The messages themselves; files are read now, so that one that is missing is told before anything is opened.
    pub(super) async fn read(&self) -> Result<Vec<Message>, Failed> {
        let mut messages = Vec::with_capacity(self.0.len());
        for first in &self.0 {
            messages.push(match first {
                First::Text(text) => Message::text(text.as_str()),
                First::Binary(bytes) => Message::binary(bytes.clone()),
                First::File(file) => {
                    let bytes = tokio::fs::read(file).await.map_err(|error| {
                        Failed::new(FAILED, format!("--send-file {}: {error}", file.display()))
                    })?;
                    Message::binary(Bytes::from(bytes))
                }
            });
        }
        Ok(messages)
    }
}

const TEXT: &str = "send";
const HEX: &str = "send-hex";
const FILE: &str = "send-file";

impl Args for FirstMessages {
    fn augment_args(command: Command) -> Command {
        let option = |name: &'static str| {
            Arg::new(name)
                .long(name)
                .action(ArgAction::Append)
                .help_heading("Sending first")
                .allow_hyphen_values(true)
        };
        command
            .arg(
                option(TEXT)
                    .value_name("TEXT")
                    .help("Send this text as soon as the connection is open, before standard input; may be repeated"),
            )
            .arg(
                option(HEX)
                    .value_name("HEX")
                    .value_parser(parse_hex)
                    .help("The same with a binary message, such as 00ff7f or '00 ff 7f'"),
            )
            .arg(
                option(FILE)
                    .value_name("FILE")
                    .value_parser(clap::value_parser!(PathBuf))
                    .help("The same with the bytes of a file as one binary message"),
            )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for FirstMessages {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let mut placed = Vec::new();
        place(matches, TEXT, First::Text, &mut placed)?;
        place(matches, HEX, First::Binary, &mut placed)?;
        place(matches, FILE, First::File, &mut placed)?;
        placed.sort_by_key(|(index, _)| *index);
        Ok(Self(placed.into_iter().map(|(_, first)| first).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn place<T: Clone + Send + Sync + 'static>(
    matches: &ArgMatches,
    name: &str,
    first: impl Fn(T) -> First,
    placed: &mut Vec<(usize, First)>,
) -> Result<(), Error> {
    let values = matches
        .try_get_many::<T>(name)
        .map_err(|error| Error::raw(ErrorKind::InvalidValue, error))?;
    let indices = matches.indices_of(name);
    placed.extend(
        indices
            .into_iter()
            .flatten()
            .zip(values.into_iter().flatten().cloned().map(first)),
    );
    Ok(())
}

fn parse_hex(text: &str) -> Result<Vec<u8>, String> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .filter(|c| !c.is_whitespace() && *c != ':')
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2));
    let digits = digits.ok_or("write two hexadecimal digits for each byte, such as 00ff7f")?;
    Ok(digits
        .chunks_exact(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_that_of_the_command_line_over_all_kinds() {
        let command = FirstMessages::augment_args(Command::new("x"));
        let words = "x --send a --send-hex 00:ff --send b --send-file f --send-hex - --send -1";
        let refused = command.clone().try_get_matches_from(words.split(' '));
        assert!(refused.is_err(), "- is no byte");
        let words = words.replace("--send-hex - ", "");
        let matches = command.try_get_matches_from(words.split(' ')).unwrap();
        let first = FirstMessages::from_arg_matches(&matches).unwrap();
        let text = |text: &str| First::Text(text.to_owned());
        let expected = [
            text("a"),
            First::Binary(vec![0, 255]),
            text("b"),
            First::File("f".into()),
            text("-1"),
        ];
        assert_eq!(first.0, expected);
    }

    #[test]
    fn hexadecimal_digits_come_in_pairs() {
        for (text, bytes) in [
            ("", vec![]),
            ("00fF", vec![0, 255]),
            ("0a 0B:0c", vec![10, 11, 12]),
        ] {
            assert_eq!(parse_hex(text), Ok(bytes), "{text}");
        }
        for text in ["a", "abc", "0x00", "zz"] {
            assert!(parse_hex(text).is_err(), "{text}");
        }
    }
}
