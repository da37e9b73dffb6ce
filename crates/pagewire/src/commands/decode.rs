//! `pagewire decode` and `pagewire encode`: bytes that somebody has, made readable, and back.

mod arguments;
mod bilibili;
mod decoder;
mod frame;
mod input;
mod pretty;
mod proto;
mod stt;
mod tars;
mod tree;
mod ws;

pub(crate) use self::arguments::{DecodeArguments, EncodeArguments, LiveArguments};
use self::arguments::{DecodeKind, EncodeKind, InputArguments};
pub(crate) use self::decoder::{Decoded, Decoder, Live, Value};
use crate::exit::{FAILED, Failed};
use crate::terminal::{harmless, print_json, print_text, say};

pub(crate) fn decode(arguments: &DecodeArguments) -> Result<(), Failed> {
    match &arguments.kind {
        DecodeKind::Proto(arguments) => proto::decode(arguments),
        DecodeKind::Tars(arguments) => {
            let decoder = Decoder::tars(&arguments.reading);
            decode_files(decoder, &arguments.input, arguments.json)
        }
        DecodeKind::Stt(arguments) => {
            decode_files(Decoder::stt(), &arguments.input, arguments.json)
        }
        DecodeKind::Bilibili(arguments) => {
            decode_files(Decoder::bilibili(), &arguments.input, arguments.json)
        }
        DecodeKind::Frame(arguments) => frame::decode(arguments),
        DecodeKind::Ws(arguments) => ws::decode(arguments),
    }
}

pub(crate) fn encode(arguments: &EncodeArguments) -> Result<(), Failed> {
    match &arguments.kind {
        EncodeKind::Proto(arguments) => proto::encode(arguments),
    }
}

/// Prints what is in each input. What cannot be read is told, and does not keep the others back.
fn decode_files(mut decoder: Decoder, input: &InputArguments, json: bool) -> Result<(), Failed> {
    let inputs = input::read(input)?;
    let mut has_failed = false;
    for input in &inputs {
        if inputs.len() > 1 && !json {
            print_text(&format!("# {}", input.name))?;
        }
        let decoded = decoder.decode(&input.bytes);
        for value in &decoded.values {
            if json {
                print_json(&value.to_json())?;
            } else {
                print_json(&value.shown())?;
            }
        }
        has_failed |= !decoded.errors.is_empty();
        complain_of(&decoded, &decoder, &input.name);
        if let (false, Some(hint)) = (decoded.errors.is_empty(), input.hint()) {
            complain(&format!("{}: {hint}", input.name));
        }
        if decoded.unknown_fields > 0 && decoded.errors.is_empty() && !json {
            let count = decoded.unknown_fields;
            complain(&format!(
                "{count} fields are not in the schema; --unknown lists them"
            ));
        }
    }
    if has_failed {
        return Err(Failed::silent(FAILED));
    }
    Ok(())
}

fn complain_of(decoded: &Decoded, decoder: &Decoder, input: &str) {
    let is_no = if decoder.reads_packets() {
        "holds what is no"
    } else {
        "is no"
    };
    for error in &decoded.errors {
        complain(&format!("{input} {is_no} {}: {error}", decoder.name()));
    }
}

fn complain(words: &str) {
    say(&format!("pagewire: {}", harmless(words)));
}
