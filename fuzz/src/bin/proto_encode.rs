//! Protobuf by schema: any JSON to bytes.
#![no_main]

use pagewire_fuzz::{check_error, proto};

pagewire_fuzz::target!(check, seeds: seeds());

/// The first byte chooses the message.
fn check(input: &[u8]) {
    let Some((&place, text)) = input.split_first() else {
        return;
    };
    let Ok(text) = str::from_utf8(text) else {
        return;
    };
    let (schema, message) = (proto::schema(), proto::message(place));
    let Ok(bytes) = schema.to_bytes(message, text) else {
        return;
    };
    let mut json = Vec::new();
    if let Err(error) = schema.to_json(message, &bytes, &mut json) {
        return check_error(&error, bytes.len());
    }
    let json = String::from_utf8(json).expect("JSON is UTF-8");
    let again = schema.to_bytes(message, &json);
    let again = again.unwrap_or_else(|error| panic!("{error}: {json}"));
    // Maps have no order.
    assert_eq!(
        proto::json_by_us(place, &again),
        proto::json_by_us(place, &bytes)
    );
    assert_eq!(again.len(), bytes.len(), "{json}");
}

fn seeds() -> Vec<Vec<u8>> {
    proto::JSON_SEEDS
        .map(|(place, json)| [&[place], json.as_bytes()].concat())
        .to_vec()
}
