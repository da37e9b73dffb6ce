//! Protobuf.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use pagewire_codec::proto::{MessageId, Schema, SchemaError, UnknownField, WireType, guess};
use pagewire_codec::{Inflater, UNPACKED_BYTES_MAX};
use serde_json::json;

use super::arguments::{EncodeProtoArguments, InputArguments, ProtoArguments, SchemaArguments};
use super::decoder::{Decoded, Decoder, Value};
use super::input;
use crate::exit::{FAILED, Failed, USAGE};
use crate::terminal::{print_json, print_text, write_bytes};

pub(super) fn decode(arguments: &ProtoArguments) -> Result<(), Failed> {
    let schema = &arguments.reading.schema;
    if arguments.encode {
        return encode_files(schema, &arguments.input.files);
    }
    if arguments.guess {
        return print_guess(&arguments.input);
    }
    if arguments.unknown {
        return print_unknown(arguments);
    }
    let decoder = Decoder::proto(&arguments.reading)?;
    super::decode_files(decoder, &arguments.input, arguments.json)
}

/// One message as JSON.
pub(super) fn read(schema: &Schema, message: MessageId, bytes: &[u8]) -> Decoded {
    let mut json = Vec::new();
    if let Err(error) = schema.to_json(message, bytes, &mut json) {
        return Decoded::of(Err(error));
    }
    let json = String::from_utf8(json).expect("JSON is UTF-8");
    Decoded {
        unknown_fields: schema.unknown_fields(message, bytes).len(),
        ..Decoded::of(Ok(Value::Json(json)))
    }
}

pub(super) fn encode(arguments: &EncodeProtoArguments) -> Result<(), Failed> {
    encode_files(&arguments.schema, std::slice::from_ref(&arguments.file))
}

fn encode_files(schema: &SchemaArguments, files: &[PathBuf]) -> Result<(), Failed> {
    let Some((schema, message)) = find(schema)? else {
        return Err(Failed::new(USAGE, "--schema FILE says what to encode as"));
    };
    let file = files
        .first()
        .map_or_else(|| Path::new("-"), PathBuf::as_path);
    let json = String::from_utf8(input::read_file(file)?)
        .map_err(|_| Failed::new(USAGE, format!("{} is not UTF-8", file.display())))?;
    let bytes = schema.to_bytes(message, &json);
    let bytes = bytes.map_err(|error| {
        let name = schema.name(message);
        Failed::new(USAGE, format!("the JSON is no {name}: {error}"))
    })?;
    write_bytes(&bytes)
}

/// The schema and the message that were named, where they were.
pub(super) fn find(arguments: &SchemaArguments) -> Result<Option<(Schema, MessageId)>, Failed> {
    let Some(file) = &arguments.schema else {
        return Ok(None);
    };
    let wrong = |error: SchemaError| Failed::new(USAGE, format!("--schema: {error}"));
    let name = file.file_name().and_then(|name| name.to_str());
    let name =
        name.ok_or_else(|| Failed::new(USAGE, format!("--schema {} is no file", file.display())))?;
    let beside = file.parent().map(Path::to_owned).unwrap_or_default();
    let folders: Vec<_> = std::iter::once(beside)
        .chain(arguments.include.iter().cloned())
        .collect();
    let read = move |name: &str| {
        let mut paths = folders.iter().map(|folder| folder.join(name));
        paths.find_map(|path| std::fs::read_to_string(path).ok())
    };
    let schema = Schema::compile(name, read).map_err(wrong)?;
    let message = match &arguments.message {
        Some(name) => schema.message(name),
        None => schema.only_message(),
    };
    let message = message.map_err(wrong)?;
    Ok(Some((schema, message)))
}

fn print_guess(input: &InputArguments) -> Result<(), Failed> {
    let inputs = input::read(input)?;
    let mut inflater = Inflater::default();
    let messages: Vec<_> = inputs
        .iter()
        .map(|input| unpacked(&mut inflater, &input.bytes))
        .collect();
    let guess = guess(messages.iter().map(AsRef::as_ref))
        .map_err(|error| Failed::new(FAILED, error.to_string()))?;
    print_text(guess.to_string().trim_end())
}

fn print_unknown(arguments: &ProtoArguments) -> Result<(), Failed> {
    let (schema, message) =
        find(&arguments.reading.schema)?.expect("--unknown is not taken without --schema");
    let mut inflater = Inflater::default();
    let inputs = input::read(&arguments.input)?;
    for input in &inputs {
        if inputs.len() > 1 && !arguments.json {
            print_text(&format!("# {}", input.name))?;
        }
        let bytes = unpacked(&mut inflater, &input.bytes);
        for field in schema.unknown_fields(message, &bytes) {
            print_field(&field, arguments)?;
        }
    }
    Ok(())
}

/// What is packed, and all else as it is.
fn unpacked<'a>(inflater: &mut Inflater, bytes: &'a [u8]) -> Cow<'a, [u8]> {
    inflater
        .unpack(bytes, UNPACKED_BYTES_MAX)
        .map_or(Cow::Borrowed(bytes), |unpacked| unpacked.bytes)
}

fn print_field(field: &UnknownField, arguments: &ProtoArguments) -> Result<(), Failed> {
    let wire = wire_name(field.wire);
    let UnknownField {
        path, count, bytes, ..
    } = field;
    if arguments.json {
        let line = json!({ "path": path, "wire": wire, "name": field.name, "count": count, "bytes": bytes });
        return print_json(&line.to_string());
    }
    let name = field.name.as_ref().map_or_else(String::new, |name| {
        format!("  the schema has {name}, written in another way")
    });
    print_text(&format!(
        "{path}  {wire}  {count} times, {bytes} bytes{name}"
    ))
}

const fn wire_name(wire: WireType) -> &'static str {
    match wire {
        WireType::Varint => "varint",
        WireType::Fixed64 => "64 bits",
        WireType::Bytes => "bytes",
        WireType::Group => "group",
        WireType::Fixed32 => "32 bits",
    }
}
