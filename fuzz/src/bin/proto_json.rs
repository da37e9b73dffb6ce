//! Protobuf by schema: any bytes to JSON.
#![no_main]

use pagewire_codec::proto::UNKNOWN_PLACES_MAX;
use pagewire_fuzz::{check_error, proto};
use serde_json::Value;

pagewire_fuzz::target!(check, seeds: seeds());

/// How many times as long as a message its JSON may be with this schema: an empty time in a field of a long name is the worst.
const JSON_BYTES_PER_BYTE: usize = 32;

/// The first byte chooses the message.
fn check(input: &[u8]) {
    let Some((&place, bytes)) = input.split_first() else {
        return;
    };
    let (schema, message) = (proto::schema(), proto::message(place));
    let has_misfits = check_unknown(place, bytes);
    let mut out = b"before".to_vec();
    if let Err(error) = schema.to_json(message, bytes, &mut out) {
        assert_eq!(out, b"before", "nothing is left of a half message");
        return check_error(&error, bytes.len());
    }
    let text = str::from_utf8(&out[6..]).expect("JSON is UTF-8");
    assert!(
        text.len() <= JSON_BYTES_PER_BYTE * (bytes.len() + 1),
        "{text}"
    );
    let json: Value = serde_json::from_str(text).expect("JSON");
    // The library takes this for the default value, which it is not, and leaves it out.
    if text.contains(":-0.0") {
        return;
    }
    // Nor does it read the largest float as it writes it.
    let has_largest = text.contains("3.4028235e+38");
    // The library takes an entry of a map however it is written.
    let expected = (!has_misfits).then(|| proto::json_by_library(place, bytes));
    if let Some(Some(expected)) = expected {
        assert_eq!(json, expected, "ours, and that of the library");
    }
    if has_largest {
        return;
    }
    let back = schema.to_bytes(message, text);
    let back = back.unwrap_or_else(|error| panic!("{error}: {text}"));
    let mut again = proto::json_by_us(place, &back);
    let mut json = Some(json);
    again
        .iter_mut()
        .chain(&mut json)
        .for_each(leave_null_values);
    assert_eq!(again, json);
}

/// Takes the `NullValue` out, which is null whatever its number is: null is read as the number 0, of which nothing is written.
fn leave_null_values(json: &mut Value) {
    match json {
        Value::Object(members) => {
            members.retain(|name, value| name != "nothing" || !value.is_null());
            members.values_mut().for_each(leave_null_values);
        }
        Value::Array(items) => items.iter_mut().for_each(leave_null_values),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Whether a field is written in another way than the schema says.
fn check_unknown(place: u8, bytes: &[u8]) -> bool {
    let unknown = proto::schema().unknown_fields(proto::message(place), bytes);
    assert!(unknown.len() <= UNKNOWN_PLACES_MAX);
    let sum: u64 = unknown.iter().map(|field| field.bytes).sum();
    assert!(sum <= bytes.len() as u64, "{unknown:?}");
    assert!(
        unknown
            .iter()
            .all(|field| field.count > 0 && !field.path.is_empty())
    );
    unknown.iter().any(|field| field.name.is_some())
}

fn seeds() -> Vec<Vec<u8>> {
    let seeds = proto::JSON_SEEDS.map(|(place, json)| {
        let message = proto::message(place);
        let bytes = proto::schema()
            .to_bytes(message, json)
            .expect("a seed is a message");
        [&[place], &bytes[..]].concat()
    });
    seeds.to_vec()
}
