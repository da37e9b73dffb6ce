//! Tars, also called JCE.

use pagewire_codec::{DecodeError, NestedBytes, TarsValue, WupPacket};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::arguments::TarsArguments;
use super::input::{self, Input};
use super::pretty::pretty;
use crate::exit::{FAILED, Failed};
use crate::terminal::print_json;

pub(super) fn decode(arguments: &TarsArguments) -> Result<(), Failed> {
    let nested = if arguments.nested {
        NestedBytes::Guess
    } else {
        NestedBytes::Keep
    };
    for input in input::read(&arguments.input)? {
        let value = if is_wup(&input.bytes) {
            wup(&input.bytes, nested)
        } else {
            TarsValue::decode(&input.bytes, nested).map(|value| to_json(&value))
        };
        let value = value.map_err(|error| wrong(&input, &error))?;
        let text = value.to_string();
        let text = if arguments.json { text } else { pretty(&text) };
        print_json(&text)?;
    }
    Ok(())
}

/// A call or an answer of the RPC over Tars begins with its own length; fields would need a tag there that nobody uses.
fn is_wup(bytes: &[u8]) -> bool {
    let length = bytes
        .first_chunk()
        .map(|length| u32::from_be_bytes(*length));
    length.is_some_and(|length| usize::try_from(length) == Ok(bytes.len()))
}

fn wup(bytes: &[u8], nested: NestedBytes) -> Result<Value, DecodeError> {
    let packet = WupPacket::decode(bytes)?;
    let mut arguments = Map::new();
    for (name, value) in packet.arguments()? {
        let value = TarsValue::decode(value, nested).map_err(|error| error.inside(name))?;
        arguments.insert(name.to_owned(), to_json(&value));
    }
    Ok(json!({
        "version": packet.version,
        "request_id": packet.request_id,
        "servant": packet.servant,
        "function": packet.function,
        "arguments": arguments,
    }))
}

fn to_json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("it is JSON")
}

fn wrong(input: &Input, error: &DecodeError) -> Failed {
    Failed::new(FAILED, format!("{} is no Tars: {error}", input.name))
}
