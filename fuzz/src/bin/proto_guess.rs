//! Protobuf without a schema: a schema out of messages.
#![no_main]

use pagewire_codec::proto::{Schema, UnknownField, WireType, guess};
use pagewire_fuzz::{check_error, proto};

pagewire_fuzz::target!(check, seeds: seeds());

/// Messages, each behind its length in a byte.
fn check(input: &[u8]) {
    let messages = split(input);
    let guessed = match guess(messages.iter().copied()) {
        Ok(guessed) => guessed.to_string(),
        Err(error) => return check_error(&error, input.len()),
    };
    let text = guessed.clone();
    let source = move |name: &str| (name == "guess.proto").then(|| text.clone());
    let schema = Schema::compile("guess.proto", source);
    let schema = schema.unwrap_or_else(|error| panic!("{error}\n{guessed}"));
    let guess = schema.message("Guess").expect("it has the message");
    for message in messages {
        let unknown = schema.unknown_fields(guess, message);
        assert!(unknown.iter().all(is_explained), "{unknown:?}\n{guessed}");
        let result = schema.to_json(guess, message, &mut Vec::new());
        result.unwrap_or_else(|error| panic!("{error}: {message:02x?}\n{guessed}"));
    }
}

/// Proto3 has no groups and keeps some numbers for itself; and of a field that is written in two ways one is not known.
fn is_explained(field: &UnknownField) -> bool {
    let number = field
        .path
        .rsplit('.')
        .next()
        .and_then(|number| number.parse().ok());
    let is_reserved = number.is_some_and(|number: u32| (19_000..=19_999).contains(&number));
    field.name.is_some() || field.wire == WireType::Group || is_reserved
}

fn split(mut input: &[u8]) -> Vec<&[u8]> {
    let mut messages = Vec::new();
    while let Some((&length, rest)) = input.split_first() {
        let (message, left) = rest.split_at(rest.len().min(length.into()));
        messages.push(message);
        input = left;
    }
    messages
}

fn seeds() -> Vec<Vec<u8>> {
    let messages = proto::JSON_SEEDS.map(|(place, json)| {
        let bytes = proto::schema().to_bytes(proto::message(place), json);
        let bytes = bytes.expect("a seed is a message");
        let length = u8::try_from(bytes.len()).expect("a seed is small");
        [&[length], &bytes[..]].concat()
    });
    messages
        .iter()
        .cloned()
        .chain([messages.concat()])
        .collect()
}
