//! Protobuf.

use std::path::{Path, PathBuf};

use pagewire_codec::proto::{
    MessageId, RawMessage, Schema, SchemaError, UnknownField, WireType, guess,
};
use serde_json::json;

use super::arguments::{EncodeProtoArguments, ProtoArguments, SchemaArguments};
use super::input::{self, Input};
use super::pretty::pretty;
use super::tree::tree;
use crate::exit::{FAILED, Failed, USAGE};
use crate::terminal::{harmless, print_json, print_text, write_bytes};

pub(super) fn decode(arguments: &ProtoArguments) -> Result<(), Failed> {
    if arguments.encode {
        return encode_files(&arguments.schema, &arguments.input.files);
    }
    let schema = find(&arguments.schema)?;
    let inputs = input::read(&arguments.input)?;
    if arguments.guess {
        let messages = inputs.iter().map(|input| &input.bytes[..]);
        let guess = guess(messages).map_err(|error| Failed::new(FAILED, error.to_string()))?;
        return print_text(guess.to_string().trim_end());
    }
    for input in &inputs {
        if inputs.len() > 1 && !arguments.json {
            print_text(&format!("# {}", input.name))?;
        }
        match &schema {
            Some((schema, message)) if arguments.unknown => {
                print_unknown(&schema.unknown_fields(*message, &input.bytes), arguments)?;
            }
            Some((schema, message)) => print_message(schema, *message, input, arguments)?,
            None => print_raw(input, arguments)?,
        }
    }
    Ok(())
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
fn find(arguments: &SchemaArguments) -> Result<Option<(Schema, MessageId)>, Failed> {
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

fn print_message(
    schema: &Schema,
    message: MessageId,
    input: &Input,
    arguments: &ProtoArguments,
) -> Result<(), Failed> {
    let mut text = Vec::new();
    schema
        .to_json(message, &input.bytes, &mut text)
        .map_err(|error| {
            let (name, of) = (schema.name(message), &input.name);
            let words = format!("{of} is no {name}: {error}");
            Failed::new(FAILED, words)
        })?;
    let text = String::from_utf8(text).expect("JSON is UTF-8");
    if arguments.json {
        return print_json(&text);
    }
    print_json(&pretty(&text))?;
    let unknown = schema.unknown_fields(message, &input.bytes);
    if !unknown.is_empty() {
        let words = format!(
            "{} fields are not in the schema; --unknown lists them",
            unknown.len()
        );
        eprintln!("pagewire: {}", harmless(&words));
    }
    Ok(())
}

fn print_raw(input: &Input, arguments: &ProtoArguments) -> Result<(), Failed> {
    let message = RawMessage::read(&input.bytes).map_err(|error| {
        let words = format!("{} is no Protobuf message: {error}", input.name);
        Failed::new(FAILED, words)
    })?;
    if arguments.json {
        let json = serde_json::to_string(&message).expect("it is JSON");
        return print_json(&json);
    }
    print_text(&tree(&message))
}

fn print_unknown(fields: &[UnknownField], arguments: &ProtoArguments) -> Result<(), Failed> {
    for field in fields {
        let wire = wire_name(field.wire);
        if arguments.json {
            let line = json!({ "path": field.path, "wire": wire, "name": field.name, "count": field.count, "bytes": field.bytes });
            print_json(&line.to_string())?;
            continue;
        }
        let name = field.name.as_ref().map_or_else(String::new, |name| {
            format!("  the schema has {name}, written in another way")
        });
        let (path, count, bytes) = (&field.path, field.count, field.bytes);
        print_text(&format!(
            "{path}  {wire}  {count} times, {bytes} bytes{name}"
        ))?;
    }
    Ok(())
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
