//! Values that are bytes, through a decoder (`--decode`).

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pagewire_cdp::TapRecord;
use pagewire_codec::DecodeError;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::frame::{self, set_in};
use super::{Record, connection};
use crate::commands::decode::{self, Decoded, Decoder};
use crate::exit::Failed;
use crate::terminal::{print_json, print_text};

/// A record whose value is bytes, and what became of them.
pub(super) struct DecodedRecord<'a> {
    record: &'a Record<'a>,
    decoder: &'a Decoder,
    bytes: Vec<u8>,
    decoded: Decoded,
}

/// What tells a JSON value that holds bytes, as frames of taps and of the hook do, and what a page's decoder gave back.
#[derive(Deserialize)]
struct Holder<'a> {
    #[serde(borrow, default)]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    base64: Cow<'a, str>,
}

/// The bytes of a record: those that were published as such, or those that a JSON object has as its `base64`. None for texts, for any other JSON,
/// and for pings, which are no messages.
pub(super) fn bytes(record: &Record<'_>) -> Option<Vec<u8>> {
    let base64 = match (&record.base64, record.value) {
        (Some(base64), _) => Cow::Borrowed(base64.as_str()),
        (None, Some(value)) => held(value)?,
        (None, None) => return None,
    };
    STANDARD.decode(&*base64).ok()
}

fn held(value: &RawValue) -> Option<Cow<'_, str>> {
    // A list would be read as the members in their order.
    if !value.get().starts_with('{') {
        return None;
    }
    let Holder { kind, base64 } = serde_json::from_str(value.get()).ok()?;
    let is_message = !matches!(kind.as_deref(), Some("ping" | "pong"));
    is_message.then_some(base64)
}

impl<'a> DecodedRecord<'a> {
    pub(super) fn new(record: &'a Record<'a>, bytes: Vec<u8>, decoder: &'a mut Decoder) -> Self {
        let decoded = decoder.decode(&bytes);
        Self {
            record,
            decoder,
            bytes,
            decoded,
        }
    }

    /// The hub's record, which is `line`, with `decoded`, `decode_error` and `unknown_fields`, each where there is one.
    pub(super) fn to_json(&self, line: &str) -> String {
        let Decoded { values, errors, .. } = &self.decoded;
        let mut values: Vec<_> = values.iter().map(decode::Value::to_json).collect();
        let decoded = if self.decoder.reads_packets() {
            Some(Cow::Owned(format!("[{}]", values.join(","))))
        } else {
            values.pop()
        };
        let errors: Vec<_> = errors.iter().map(DecodeError::to_string).collect();
        let error = (!errors.is_empty()).then(|| json!(errors.join("; ")).to_string().into());
        let unknown = self.decoded.unknown_fields;
        let unknown = (unknown > 0).then(|| unknown.to_string().into());
        // The hub's own text stays as it is, with the spelling of its numbers and the order of its members.
        let mut json = line.trim_end().to_owned();
        json.pop();
        for (name, value) in [
            ("decoded", decoded),
            ("decode_error", error),
            ("unknown_fields", unknown),
        ] {
            if let Some(value) = value {
                json += &format!(r#","{name}":{value}"#);
            }
        }
        json + "}"
    }

    /// Prints a head, and under it what was read and what was not.
    pub(super) fn print(&self, topic: &str) -> Result<(), Failed> {
        print_text(&self.head(topic))?;
        for value in &self.decoded.values {
            let value = set_in(&value.shown());
            if !value.is_empty() {
                print_json(&format!("  {value}"))?;
            }
        }
        for error in &self.decoded.errors {
            // Names of arguments are told in paths, and come from who sent the bytes.
            let error = set_in(&error.to_string());
            print_text(&format!("  ! no {}: {error}", self.decoder.name()))?;
        }
        if self.decoded.values.is_empty() && !self.decoded.errors.is_empty() {
            print_text(frame::rows(&self.bytes).trim_start_matches('\n'))?;
        }
        Ok(())
    }

    /// What happened, how its bytes are packed, on which connection, and what is not shown.
    fn head(&self, topic: &str) -> String {
        let mut head = self.of_what(topic);
        let packing = self.decoded.packing.iter().rev();
        let packing: Vec<_> = packing.map(|packing| packing.name()).collect();
        if !packing.is_empty() {
            head += &format!(" ({})", packing.join(" in "));
        }
        if let Some(connection) = connection(topic) {
            head += &format!(" on {connection}");
        }
        match self.decoded.unknown_fields {
            0 => {}
            1 => head += ", 1 field is not in the schema",
            count => head += &format!(", {count} fields are not in the schema"),
        }
        head
    }

    fn of_what(&self, topic: &str) -> String {
        let Self { record, bytes, .. } = self;
        let size = frame::bytes(bytes.len() as u64);
        let Some(value) = record.value else {
            let media_type = record.media_type.as_deref().unwrap_or("unknown type");
            return format!("{}{size} of {media_type}", record.before(None));
        };
        let tapped = connection(topic).and_then(|_| TapRecord::read(value.get().as_bytes()));
        if let Some(tapped) = tapped {
            return record.before(tapped.time_ms) + &frame::head(&tapped.what);
        }
        let mut rest: Map<String, Value> = serde_json::from_str(value.get()).unwrap_or_default();
        rest.remove("base64");
        let rest = if rest.is_empty() {
            String::new()
        } else {
            json!(rest).to_string() + " "
        };
        format!("{}{rest}{size}", record.before(None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(line: &str) -> Record<'_> {
        serde_json::from_str(line).unwrap()
    }

    #[test]
    fn bytes_are_found_where_they_are_published_and_where_frames_have_them() {
        for (line, expected) in [
            (
                r#"{"seq":1,"base64":"AP8=","type":"image/png"}"#,
                Some(&b"\x00\xff"[..]),
            ),
            (
                r#"{"seq":1,"value":{"kind":"binary","size":2,"base64":"AP8="}}"#,
                Some(b"\x00\xff"),
            ),
            (
                r#"{"seq":1,"value":{"kind":"response","base64":""}}"#,
                Some(b""),
            ),
            (r#"{"seq":1,"value":{"base64":"AP8="}}"#, Some(b"\x00\xff")),
            (r#"{"seq":1,"value":{"kind":"ping","base64":"AP8="}}"#, None),
            (r#"{"seq":1,"value":{"kind":"text","text":"AP8="}}"#, None),
            (r#"{"seq":1,"value":["binary","AP8="]}"#, None),
            (r#"{"seq":1,"value":"AP8="}"#, None),
            (r#"{"seq":1,"value":{"base64":"no base64"}}"#, None),
            (r#"{"seq":1,"value":{"base64":7}}"#, None),
            (r#"{"gap":{"lost":3,"seq":9}}"#, None),
        ] {
            assert_eq!(bytes(&record(line)).as_deref(), expected, "{line}");
        }
    }
}
