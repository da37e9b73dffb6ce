//! `pagewire tail TOPIC`.

#[cfg(feature = "decode")]
mod decoded;
#[cfg(feature = "decode")]
mod events;
mod frame;

use pagewire_cdp::TapRecord;
use serde::Deserialize;
use serde_json::value::RawValue;

#[cfg(feature = "decode")]
use self::events::Events;
use crate::cli::TailArguments;
use crate::client::{Client, Lines, Query};
use crate::clock::time_of_day_ms;
#[cfg(feature = "decode")]
use crate::commands::decode::{Decoder, Live};
use crate::exit::{CANCELLED, FAILED, Failed};
#[cfg(feature = "decode")]
use crate::serve::stop_signal;
use crate::terminal::{print_json, print_text, say, stdout_is_terminal};

/// One record (`docs/protocol.md` §3.4).
#[derive(Deserialize)]
struct Record<'a> {
    #[serde(default)]
    seq: u64,
    #[serde(default)]
    cursor: Option<String>,
    #[serde(default)]
    time_ms: u64,
    #[serde(borrow, default)]
    value: Option<&'a RawValue>,
    #[serde(default)]
    base64: Option<String>,
    #[serde(default, rename = "type")]
    media_type: Option<String>,
    #[serde(default)]
    gap: Option<Gap>,
    #[serde(default)]
    passed: Option<u64>,
}

#[derive(Deserialize)]
struct Gap {
    #[serde(default)]
    lost: Option<u64>,
    seq: u64,
}

pub(crate) async fn run(arguments: &TailArguments) -> Result<(), Failed> {
    let mut printer = Printer::new(arguments)?;
    let stop = printer.stop();
    let client = Client::new(&arguments.hub)?;
    let mut query = Query::default();
    query.add("as", Some("ndjson"));
    query.add("since", arguments.since.as_deref());
    query.add(
        "last",
        arguments.last.map(|last| last.to_string()).as_deref(),
    );
    query.add("filter", printer.filter_of_hub());
    let path = format!(
        "/v1/topics/{}{query}",
        Client::encode_path(&arguments.topic)
    );
    let mut lines = client.get(&path).await?.lines();
    let mut cursor = None;
    if stdout_is_terminal() && !arguments.json {
        say(&format!("following {} (Ctrl-C ends)", arguments.topic));
    }
    let followed = tokio::select! {
        biased;
        () = stop => Err(Failed::silent(CANCELLED)),
        followed = follow(&mut printer, &mut lines, &mut cursor) => followed,
    };
    // Whatever ended it, what is open is told; but why it ended is what counts.
    let told = printer.end();
    followed.and(told)?;
    let resume = cursor
        .map(|cursor| format!("; go on with --since {cursor}"))
        .unwrap_or_default();
    Err(Failed::new(
        FAILED,
        format!("the hub ended the stream{resume}"),
    ))
}

/// Prints records to the end of the stream.
async fn follow(
    printer: &mut Printer<'_>,
    lines: &mut Lines,
    cursor: &mut Option<String>,
) -> Result<(), Failed> {
    while let Some(line) = printer.next(lines).await? {
        if line.is_empty() {
            continue;
        }
        let record: Record<'_> = serde_json::from_str(&line).map_err(|error| {
            Failed::new(
                FAILED,
                format!("the hub's record is not understood: {error}"),
            )
        })?;
        // What the filter passed over is nothing to show, but moves the place on.
        if record.passed.is_none() {
            printer.print(&line, &record)?;
        }
        if record.cursor.is_some() {
            *cursor = record.cursor;
        }
    }
    Ok(())
}

/// Prints records as it was asked for.
struct Printer<'a> {
    arguments: &'a TailArguments,
    #[cfg(feature = "decode")]
    reads: Reads<'a>,
}

/// What is done with bytes.
#[cfg(feature = "decode")]
enum Reads<'a> {
    Nothing,
    Values(Box<Decoder>),
    Frames(Box<Events<'a>>),
}

impl<'a> Printer<'a> {
    fn new(arguments: &'a TailArguments) -> Result<Self, Failed> {
        Ok(Self {
            arguments,
            #[cfg(feature = "decode")]
            reads: match Live::new(&arguments.decoding)? {
                None => Reads::Nothing,
                Some(Live::Values(decoder)) => Reads::Values(decoder),
                Some(Live::Frames(site)) => Reads::Frames(Box::new(Events::new(site, arguments)?)),
            },
        })
    }

    /// Ctrl-C where there may be more to tell then. Without that it ends the process by itself.
    fn stop(&self) -> impl Future<Output = ()> + use<> {
        #[cfg(feature = "decode")]
        let stop = matches!(self.reads, Reads::Frames(_)).then(stop_signal);
        #[cfg(not(feature = "decode"))]
        let stop: Option<std::future::Pending<()>> = None;
        async {
            match stop {
                Some(stop) => stop.await,
                None => std::future::pending().await,
            }
        }
    }

    /// The filter that the hub is asked to use. Frames of rooms are read here, and so are their events filtered.
    fn filter_of_hub(&self) -> Option<&'a str> {
        #[cfg(feature = "decode")]
        if matches!(self.reads, Reads::Frames(_)) {
            return None;
        }
        self.arguments.filter.as_deref()
    }

    /// The next line of the hub. What time alone brings about is printed meanwhile.
    #[cfg(feature = "decode")]
    async fn next(&mut self, lines: &mut Lines) -> Result<Option<String>, Failed> {
        if let Reads::Frames(events) = &mut self.reads {
            while let Some(at) = events.wakes_at() {
                match tokio::time::timeout_at(at, lines.next()).await {
                    Ok(line) => return line,
                    Err(_) => events.wake()?,
                }
            }
        }
        lines.next().await
    }

    /// The next line of the hub.
    #[cfg(not(feature = "decode"))]
    async fn next(&self, lines: &mut Lines) -> Result<Option<String>, Failed> {
        lines.next().await
    }

    /// `line` is the record as the hub wrote it.
    #[cfg_attr(
        not(feature = "decode"),
        allow(clippy::needless_pass_by_ref_mut, reason = "a decoder has a state")
    )]
    fn print(&mut self, line: &str, record: &Record<'_>) -> Result<(), Failed> {
        let TailArguments { topic, json, .. } = self.arguments;
        #[cfg(feature = "decode")]
        match &mut self.reads {
            Reads::Nothing => {}
            Reads::Frames(events) => return events.print(line, record),
            Reads::Values(decoder) => {
                if let Some(bytes) = decoded::bytes(record) {
                    let decoded = decoded::DecodedRecord::new(record, bytes, decoder);
                    return if *json {
                        print_json(&decoded.to_json(line))
                    } else {
                        decoded.print(topic)
                    };
                }
            }
        }
        if *json {
            print_json(line)
        } else {
            print_text(&record.shown(topic))
        }
    }

    /// Nothing more comes.
    #[cfg(feature = "decode")]
    fn end(&mut self) -> Result<(), Failed> {
        match &mut self.reads {
            Reads::Frames(events) => events.end(),
            Reads::Nothing | Reads::Values(_) => Ok(()),
        }
    }

    /// Nothing more comes.
    #[cfg(not(feature = "decode"))]
    fn end(&self) -> Result<(), Failed> {
        Ok(())
    }
}

impl Record<'_> {
    /// The record for people; a value of a tap or of the hook in a page as what happened on the page's connection.
    fn shown(&self, topic: &str) -> String {
        if let Some(gap) = &self.gap {
            return match gap.lost {
                Some(lost) => format!("--- {lost} values are lost; next is #{} ---", gap.seq),
                None => format!("--- the hub was restarted; next is #{} ---", gap.seq),
            };
        }
        let tapped = self.value.filter(|_| connection(topic).is_some());
        if let Some(tapped) = tapped.and_then(|value| TapRecord::read(value.get().as_bytes())) {
            return self.before(tapped.time_ms) + &frame::shown(&tapped.what);
        }
        let value = match (self.value, &self.base64) {
            (Some(value), _) => value.get().to_owned(),
            (None, Some(base64)) => {
                format!(
                    "{} bytes of {}",
                    base64.trim_end_matches('=').len() * 3 / 4,
                    self.media_type.as_deref().unwrap_or("unknown type")
                )
            }
            (None, None) => "null".to_owned(),
        };
        self.before(None) + &value
    }

    /// What each shown value begins with. A tap knows better than the hub when something happened.
    fn before(&self, time_ms: Option<u64>) -> String {
        let time = time_of_day_ms(time_ms.unwrap_or(self.time_ms));
        format!("#{} {time} ", self.seq)
    }
}

/// The connection whose topic it is: a tap's, or `pages/GROUP/sockets/…`, where the hook publishes.
fn connection(topic: &str) -> Option<&str> {
    let parts: Vec<_> = topic.split('/').collect();
    match parts[..] {
        ["taps", _, connection, ..] | ["pages", _, "sockets", connection, ..] => Some(connection),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_readable() {
        let [begin, then] = [0, 1_795_212_345_678].map(time_of_day_ms);
        let cases = [
            (
                r#"{"seq":42,"time_ms":1795212345678,"value":{"a":1}}"#,
                format!(r#"#42 {then} {{"a":1}}"#),
            ),
            (
                r#"{"seq":1,"time_ms":0,"base64":"AP8=","type":"image/png"}"#,
                format!("#1 {begin} 2 bytes of image/png"),
            ),
            (
                r#"{"seq":1,"time_ms":0,"value":null}"#,
                format!("#1 {begin} null"),
            ),
            (
                r#"{"gap":{"lost":3,"seq":9}}"#,
                "--- 3 values are lost; next is #9 ---".to_owned(),
            ),
            (
                r#"{"gap":{"reset":true,"seq":1}}"#,
                "--- the hub was restarted; next is #1 ---".to_owned(),
            ),
        ];
        for (line, shown) in cases {
            let record: Record<'_> = serde_json::from_str(line).unwrap();
            assert_eq!(record.shown("programs/t"), shown, "{line}");
        }
    }

    #[test]
    fn values_of_taps_are_shown_as_frames_and_anything_else_as_it_is() {
        let frame = r#"{"kind":"text","direction":"sent","size":2,"at_us":7,"time_ms":1795212345678,"text":"hi"}"#;
        let [begin, then] = [0, 1_795_212_345_678].map(time_of_day_ms);
        for (topic, value, shown) in [
            ("taps/p/1-a", frame, format!("#1 {then} → text 2 bytes  hi")),
            (
                "pages/shop/sockets/1-a",
                frame,
                format!("#1 {then} → text 2 bytes  hi"),
            ),
            ("programs/t", frame, format!("#1 {begin} {frame}")),
            ("pages/sockets/1-a", frame, format!("#1 {begin} {frame}")),
            (
                "taps/p/1-a",
                r#"{"kind":"new"}"#,
                format!(r#"#1 {begin} {{"kind":"new"}}"#),
            ),
            ("taps/p/1-a", "[1]", format!("#1 {begin} [1]")),
        ] {
            let line = format!(r#"{{"seq":1,"time_ms":0,"value":{value}}}"#);
            let record: Record<'_> = serde_json::from_str(&line).unwrap();
            assert_eq!(record.shown(topic), shown);
        }
    }
}
