//! Trees as JSON.

use std::collections::HashSet;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::ser::{Serialize, SerializeMap as _, Serializer};

use super::value::{TarsValue, text};

impl Serialize for TarsValue<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Integer(value) => to.serialize_i64(*value),
            Self::Float(value) if value.is_finite() => to.serialize_f32(*value),
            Self::Float(value) => to.serialize_str(not_finite(f64::from(*value))),
            Self::Double(value) if value.is_finite() => to.serialize_f64(*value),
            Self::Double(value) => to.serialize_str(not_finite(*value)),
            Self::String(bytes) => match str::from_utf8(bytes) {
                Ok(text) => to.serialize_str(text),
                Err(_) => shown(to, "base64", &BASE64_STANDARD.encode(bytes)),
            },
            Self::Bytes(bytes) => match text(bytes) {
                Some(text) => shown(to, "text", text),
                None => shown(to, "base64", &BASE64_STANDARD.encode(bytes)),
            },
            Self::Nested(fields) => shown(to, "tars", &Fields(fields)),
            Self::Map(pairs) => match by_text(pairs) {
                Some(pairs) => to.collect_map(pairs),
                None => to.collect_seq(pairs),
            },
            Self::List(items) => to.collect_seq(items),
            Self::Struct(fields) => Fields(fields).serialize(to),
        }
    }
}

struct Fields<'a>(&'a [(u8, TarsValue<'a>)]);

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.0.iter().map(|(tag, value)| (tag, value)))
    }
}

fn shown<S: Serializer>(
    to: S,
    how: &str,
    value: &(impl Serialize + ?Sized),
) -> Result<S::Ok, S::Error> {
    let mut map = to.serialize_map(Some(1))?;
    map.serialize_entry(how, value)?;
    map.end()
}

/// The pairs under their keys, where these are texts that differ.
fn by_text<'a>(
    pairs: &'a [(TarsValue<'_>, TarsValue<'_>)],
) -> Option<Vec<(&'a str, &'a TarsValue<'a>)>> {
    let mut seen = HashSet::new();
    let pairs = pairs.iter().map(|(key, value)| {
        let TarsValue::String(key) = key else {
            return None;
        };
        let key = str::from_utf8(key).ok()?;
        seen.insert(key).then_some((key, value))
    });
    pairs.collect()
}

/// As the JSON of Protobuf writes them.
fn not_finite(value: f64) -> &'static str {
    if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    }
}
