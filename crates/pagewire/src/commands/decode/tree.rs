//! A message without a schema, for people: a field a line, what is inside indented.

use std::fmt::Write as _;
use std::time::{Duration, UNIX_EPOCH};

use pagewire_codec::proto::{RawField, RawMessage, Reading};

use crate::terminal::harmless_json;

/// Readings that are less likely than this are marked.
const LIKELY_PERCENT: u8 = 75;

pub(super) fn tree(message: &RawMessage) -> String {
    let mut out = String::new();
    write_message(&mut out, message, 0);
    out.truncate(out.trim_end().len());
    out
}

fn write_message(out: &mut String, message: &RawMessage, depth: usize) {
    for field in &message.fields {
        write_field(out, field, depth);
    }
}

fn write_field(out: &mut String, field: &RawField, depth: usize) {
    let indent = "  ".repeat(depth);
    let doubt = if field.confidence < LIKELY_PERCENT {
        format!(" ({} %)", field.confidence)
    } else {
        String::new()
    };
    let (number, reading) = (field.field, &field.reading);
    let (begin, inner) = match reading {
        Reading::Message { value } => ("{", Some(value)),
        Reading::Group { value } => ("group {", Some(value)),
        Reading::Varint { .. }
        | Reading::Fixed64 { .. }
        | Reading::Fixed32 { .. }
        | Reading::String { .. }
        | Reading::Packed { .. }
        | Reading::Bytes { .. } => ("", None),
    };
    // Writing to a String does not fail.
    let _ = match inner {
        Some(inner) => {
            let _ = writeln!(out, "{indent}{number} {begin}{doubt}");
            write_message(out, inner, depth + 1);
            writeln!(out, "{indent}}}")
        }
        None => writeln!(out, "{indent}{number}: {}{doubt}", told(reading)),
    };
}

fn told(reading: &Reading) -> String {
    match reading {
        Reading::Varint {
            value,
            signed,
            time_ms,
            ..
        } => {
            let signed = signed.map_or_else(String::new, |signed| format!("  or {signed}"));
            let time = time_ms.map_or_else(String::new, |ms| format!("  {}", date(ms)));
            format!("{value}{signed}{time}")
        }
        Reading::Fixed64 { value, double } => match double {
            Some(double) => format!("{double}  double, or {value}"),
            None => format!("{value}  fixed64"),
        },
        Reading::Fixed32 { value, float } => match float {
            Some(float) => format!("{float}  float, or {value}"),
            None => format!("{value}  fixed32"),
        },
        Reading::String { value } => {
            let quoted = serde_json::to_string(value).unwrap_or_default();
            harmless_json(&quoted)
        }
        Reading::Packed { value } => format!("{value:?}  packed"),
        Reading::Bytes { value, size } => format!("{size} bytes  {value}"),
        Reading::Message { .. } | Reading::Group { .. } => "{}".to_owned(),
    }
}

fn date(ms: u64) -> String {
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_millis(ms))
}
