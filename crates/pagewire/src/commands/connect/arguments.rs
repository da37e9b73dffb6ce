//! The command line of `connect`.

use std::time::Duration;

use clap::Args;
use http::HeaderValue;
use pagewire_dial::{Address, Header, Offer, SocketLimits};
use pagewire_rpc::TopicName;
use pagewire_server::parse_duration;

use super::outgoing::FirstMessages;
use crate::cli::HubArguments;

/// The largest message by default, in bytes.
const CONNECT_MESSAGE_BYTES_MAX: usize = 64 << 20;

#[derive(Debug, Args)]
pub(crate) struct ConnectArguments {
    /// Address: ws://… or wss://…
    #[arg(value_name = "URL")]
    pub(super) address: Address,
    /// Send a ping each time this much time has passed, and show how long its answer took
    #[arg(long, value_name = "TIME", value_parser = parse_interval)]
    pub(super) ping: Option<Duration>,
    /// Largest message to receive, and longest line to send, such as 500000, 64KiB, 256MiB [default: 64MiB]
    #[arg(long, value_name = "SIZE", value_parser = parse_size, default_value_t = CONNECT_MESSAGE_BYTES_MAX, hide_default_value = true)]
    pub(super) max_size: usize,
    /// Publish every received message to this topic of a hub too: programs/…
    #[arg(long, value_name = "TOPIC", value_parser = parse_topic)]
    pub(super) to_topic: Option<TopicName>,
    #[command(flatten)]
    pub(super) hub: HubArguments,
    #[command(flatten)]
    pub(super) handshake: HandshakeArguments,
    #[command(flatten)]
    pub(super) first: FirstMessages,
    #[command(flatten)]
    pub(super) ends: EndArguments,
    #[command(flatten)]
    pub(super) shape: ShapeArguments,
}

impl ConnectArguments {
    /// What waits for the server is what was read last (`outgoing.rs`), so its length has no limit of its own.
    pub(super) fn limits(&self) -> SocketLimits {
        SocketLimits {
            message_bytes_max: self.max_size,
            unsent_bytes_max: usize::MAX,
        }
    }
}

/// What the opening request says.
#[derive(Debug, Args)]
#[command(next_help_heading = "Opening")]
pub(super) struct HandshakeArguments {
    /// Header of the opening request; may be repeated
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    pub(super) headers: Vec<Header>,
    /// Origin, for servers that ask where a page comes from
    #[arg(long, value_name = "ORIGIN")]
    pub(super) origin: Option<HeaderValue>,
    /// Subprotocol to offer; may be repeated, the preferred one first
    #[arg(long = "subprotocol", value_name = "NAME", value_parser = parse_token)]
    pub(super) subprotocols: Vec<String>,
    /// How long connecting may take, from the look-up of the name to the server's answer
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "10s")]
    pub(super) timeout: Duration,
    /// Accept ANY certificate: whoever sits on the way can read and change everything
    #[arg(long)]
    pub(super) insecure: bool,
}

impl HandshakeArguments {
    pub(super) fn offer(&self) -> Offer {
        Offer {
            headers: self.headers.clone(),
            origin: self.origin.clone(),
            subprotocols: self.subprotocols.clone(),
            timeout: self.timeout,
        }
    }
}

/// What ends the command, and what does not.
#[derive(Debug, Args)]
#[command(next_help_heading = "Ending")]
pub(super) struct EndArguments {
    /// End after so many received messages
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) count: Option<u64>,
    /// End after one received message, as --count 1
    #[arg(long, conflicts_with = "count")]
    pub(super) once: bool,
    /// Fail when nothing came for this long, not even a pong; with --reconnect: connect anew
    #[arg(long, value_name = "TIME", value_parser = parse_interval)]
    pub(super) idle: Option<Duration>,
    /// Connect again when the connection is lost or the server closes it, after growing waits of at most 30 s
    #[arg(long)]
    pub(super) reconnect: bool,
    /// Do not read standard input
    #[arg(long, conflicts_with_all = ["stay", "drain"])]
    pub(super) no_stdin: bool,
    /// Stay connected when standard input ends (as with --count, --reconnect and --to-topic)
    #[arg(long, conflicts_with = "drain")]
    pub(super) stay: bool,
    /// Close so long after the end of standard input [default: 1s]
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(super) drain: Option<Duration>,
}

/// How messages are shown.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(super) struct ShapeArguments {
    /// One JSON object a line for all that happens, for machines
    #[arg(long)]
    pub(super) json: bool,
    /// Write the bytes of binary messages as they are; not to a terminal
    #[arg(long, conflicts_with = "json")]
    pub(super) raw: bool,
}

/// What happens when standard input ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AfterInput {
    /// The connection stays.
    Stay,
    /// It is closed when this much time has passed.
    CloseAfter(Duration),
}

impl EndArguments {
    /// How many messages are wanted, if that is known.
    pub(super) fn wanted(&self) -> Option<u64> {
        if self.once { Some(1) } else { self.count }
    }

    /// Whoever says what else ends the command, or that it goes on for good, does not mean the end of input; a pipe that ends does.
    pub(super) fn after_input(&self, publishes: Publishes) -> AfterInput {
        const DRAIN_DEFAULT: Duration = Duration::from_secs(1);
        let goes_on = self.stay
            || self.no_stdin
            || self.reconnect
            || self.wanted().is_some()
            || publishes == Publishes::Yes;
        match self.drain {
            Some(time) => AfterInput::CloseAfter(time),
            None if goes_on => AfterInput::Stay,
            None => AfterInput::CloseAfter(DRAIN_DEFAULT),
        }
    }
}

/// Whether messages go to a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Publishes {
    Yes,
    No,
}

/// RFC 6455 §4.1: a subprotocol is a token of HTTP.
fn parse_token(text: &str) -> Result<String, String> {
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if text.is_empty() || !text.chars().all(is_token) {
        return Err("a subprotocol is letters, digits and !#$%&'*+-.^_`|~; repeat --subprotocol to offer several".to_owned());
    }
    Ok(text.to_owned())
}

fn parse_interval(text: &str) -> Result<Duration, String> {
    match parse_duration(text)? {
        Duration::ZERO => Err("it must be longer than nothing".to_owned()),
        time => Ok(time),
    }
}

fn parse_topic(text: &str) -> Result<TopicName, String> {
    if !text.starts_with("programs/") {
        return Err(format!(
            "programs publish below programs/, such as programs/{}",
            text.rsplit('/').next().unwrap_or("feed")
        ));
    }
    TopicName::new(text).map_err(|error| error.to_string())
}

/// Bytes, or a number of KiB, MiB or GiB.
fn parse_size(text: &str) -> Result<usize, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let shift = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => Some(0),
        "k" | "kib" => Some(10),
        "m" | "mib" => Some(20),
        "g" | "gib" => Some(30),
        _ => None,
    };
    let number: Option<usize> = digits.trim().parse().ok();
    number
        .zip(shift)
        .and_then(|(number, shift)| number.checked_mul(1 << shift))
        .filter(|size| *size > 0)
        .ok_or_else(|| format!("{text:?} is no size such as 500000, 64KiB or 256MiB"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        arguments: ConnectArguments,
    }

    fn parse(line: &str) -> Result<ConnectArguments, String> {
        let words = ["connect", "ws://h"]
            .into_iter()
            .chain(line.split_whitespace());
        let parsed = Line::try_parse_from(words).map_err(|error| error.to_string())?;
        Ok(parsed.arguments)
    }

    #[test]
    fn the_end_of_input_closes_unless_something_else_ends_the_command() {
        let after = |seconds| AfterInput::CloseAfter(Duration::from_secs(seconds));
        let cases = [
            ("", after(1)),
            ("--drain 5s", after(5)),
            ("--drain 0", after(0)),
            ("--idle 5s --ping 1s", after(1)),
            ("--stay", AfterInput::Stay),
            ("--no-stdin", AfterInput::Stay),
            ("--once", AfterInput::Stay),
            ("--count 3", AfterInput::Stay),
            ("--count 3 --drain 2s", after(2)),
            ("--reconnect", AfterInput::Stay),
            ("--to-topic programs/x", AfterInput::Stay),
        ];
        for (line, expected) in cases {
            let arguments = parse(line).unwrap();
            let publishes = match arguments.to_topic {
                Some(_) => Publishes::Yes,
                None => Publishes::No,
            };
            assert_eq!(arguments.ends.after_input(publishes), expected, "{line}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let cases = [
            ("--count 0", "1.."),
            ("--count 2 --once", "cannot be used with"),
            ("--json --raw", "cannot be used with"),
            ("--no-stdin --stay", "cannot be used with"),
            ("--ping 0", "longer than nothing"),
            ("--header x", "Name: value"),
            ("--header Upgrade:x", "belongs to the handshake"),
            ("--header Sec-WebSocket-Key:x", "belongs to the handshake"),
            ("--header Sec-WebSocket-Protocol:x", "--subprotocol"),
            ("--subprotocol a,b", "repeat --subprotocol"),
            ("--to-topic pages/g/x", "such as programs/x"),
            ("--to-topic programs/", "topic"),
            ("--max-size 1.5k", "no size"),
            ("--max-size 0", "no size"),
            ("--max-size 99999999999999999999", "no size"),
            ("--max-size 99999999999GiB", "no size"),
            ("--send-hex abc", "two hexadecimal digits"),
        ];
        for (line, words) in cases {
            let error = parse(line).unwrap_err();
            assert!(error.contains(words), "{line}: {error}");
        }
    }

    #[test]
    fn sizes_are_bytes_or_binary_multiples() {
        let cases = [
            ("1", 1),
            ("7B", 7),
            ("64k", 65_536),
            ("64KiB", 65_536),
            ("2 MiB", 2 << 20),
            ("1g", 1 << 30),
        ];
        for (text, size) in cases {
            assert_eq!(parse_size(text), Ok(size), "{text}");
        }
        assert_eq!(parse("").unwrap().max_size, CONNECT_MESSAGE_BYTES_MAX);
    }
}
