//! Values that are no messages: which wire types they have, and how JSON writes them.

use std::fmt::Display;
use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::table::{FieldSpec, Fixed, Holds, Varint};
use super::wire::{Value, WireType, unzigzag};
use crate::error::{DecodeError, Fault};
use crate::json_text::{write_json_utf8, write_plain};

/// Whether a value may be of a field. Others are treated as fields that the schema does not know, as Protobuf's own libraries do.
#[inline]
pub(super) fn accepts(spec: &FieldSpec, value: Value<'_>) -> bool {
    let wire = value.wire_type();
    wire == spec.wire || wire == WireType::Bytes && spec.is_packed
}

pub(super) const fn wire_type(holds: &Holds) -> WireType {
    match holds {
        Holds::Varint(_) => WireType::Varint,
        Holds::Fixed64(_) => WireType::Fixed64,
        Holds::Fixed32(_) => WireType::Fixed32,
        Holds::String | Holds::Bytes | Holds::Message(_) => WireType::Bytes,
        Holds::Group(_) => WireType::Group,
    }
}

/// Whether many of them may be written as one value.
pub(super) fn is_packable(holds: &Holds) -> bool {
    match wire_type(holds) {
        WireType::Varint | WireType::Fixed64 | WireType::Fixed32 => true,
        WireType::Bytes | WireType::Group => false,
    }
}

/// Whether a value is that of a field that was not written.
#[inline]
pub(super) fn is_default(holds: &Holds, value: Value<'_>) -> bool {
    match value {
        Value::Varint(number) => match holds {
            Holds::Varint(kind) => is_zero(kind, number),
            Holds::Fixed64(_)
            | Holds::Fixed32(_)
            | Holds::String
            | Holds::Bytes
            | Holds::Message(_)
            | Holds::Group(_) => number == 0,
        },
        Value::Fixed64(bits) => bits == 0,
        Value::Fixed32(bits) => bits == 0,
        Value::Bytes(bytes) | Value::Group(bytes) => bytes.is_empty(),
    }
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "smaller numbers are the lowest bits of the varint"
)]
pub(super) const fn is_zero(kind: &Varint, number: u64) -> bool {
    match kind {
        Varint::Int32 | Varint::Uint32 | Varint::Sint32 | Varint::Enum(_) => number as u32 == 0,
        Varint::Int64 | Varint::Uint64 | Varint::Sint64 | Varint::Bool => number == 0,
    }
}

/// The value of a field that was not written.
pub(super) const fn default_of(holds: &Holds) -> Value<'static> {
    match wire_type(holds) {
        WireType::Varint => Value::Varint(0),
        WireType::Fixed64 => Value::Fixed64(0),
        WireType::Fixed32 => Value::Fixed32(0),
        WireType::Bytes => Value::Bytes(&[]),
        WireType::Group => Value::Group(&[]),
    }
}

/// Appends a value as JSON. One that the field does not accept is written as bytes are.
pub(super) fn write(out: &mut Vec<u8>, holds: &Holds, value: Value<'_>) -> Result<(), DecodeError> {
    match (holds, value) {
        (Holds::Varint(kind), Value::Varint(number)) => write_varint(out, kind, number),
        (Holds::Fixed64(kind), Value::Fixed64(bits)) => match kind {
            Fixed::Float => write_double(out, f64::from_bits(bits)),
            Fixed::Unsigned => write_quoted(out, bits),
            Fixed::Signed => write_quoted(out, bits.cast_signed()),
        },
        (Holds::Fixed32(kind), Value::Fixed32(bits)) => match kind {
            Fixed::Float => write_float(out, f32::from_bits(bits)),
            Fixed::Unsigned => write_number(out, bits),
            Fixed::Signed => write_number(out, bits.cast_signed()),
        },
        (Holds::String, Value::Bytes(bytes)) => return write_string(out, bytes),
        (_, Value::Bytes(bytes) | Value::Group(bytes)) => write_base64(out, bytes),
        (_, Value::Fixed64(bits)) => write_base64(out, &bits.to_le_bytes()),
        (_, Value::Fixed32(bits)) => write_base64(out, &bits.to_le_bytes()),
        (_, Value::Varint(number)) => write_quoted(out, number),
    }
    Ok(())
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "smaller numbers are the lowest bits of the varint, in two's complement"
)]
#[inline(always)]
pub(super) fn write_varint(out: &mut Vec<u8>, kind: &Varint, number: u64) {
    let mut buffer = itoa::Buffer::new();
    // JSON numbers of JavaScript are exact up to 2^53 only.
    let quoted = match kind {
        Varint::Int64 => buffer.format(number as i64),
        Varint::Uint64 => buffer.format(number),
        Varint::Sint64 => buffer.format(unzigzag(number)),
        Varint::Int32 => return write_number(out, number as i32),
        Varint::Uint32 => return write_number(out, number as u32),
        Varint::Sint32 => return write_number(out, unzigzag(u64::from(number as u32)) as i32),
        Varint::Bool => return out.extend_from_slice(if number == 0 { b"false" } else { b"true" }),
        Varint::Enum(None) => return out.extend_from_slice(b"null"),
        Varint::Enum(Some(names)) => {
            return match names.0.get(&(number as i32)) {
                Some(name) => out.extend_from_slice(name.as_bytes()),
                None => write_number(out, number as i32),
            };
        }
    };
    write_plain(out, quoted.as_bytes());
}

fn write_number(out: &mut Vec<u8>, number: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// JSON numbers of JavaScript are exact up to 2^53 only.
pub(super) fn write_quoted(out: &mut Vec<u8>, number: impl itoa::Integer) {
    write_plain(out, itoa::Buffer::new().format(number).as_bytes());
}

fn write_double(out: &mut Vec<u8>, number: f64) {
    if number.is_finite() {
        serde_json::to_writer(out, &number).expect("a finite number is JSON");
    } else {
        write_not_finite(out, number);
    }
}

/// Shorter than as the double that it also is.
fn write_float(out: &mut Vec<u8>, number: f32) {
    if number.is_finite() {
        serde_json::to_writer(out, &number).expect("a finite number is JSON");
    } else {
        write_not_finite(out, f64::from(number));
    }
}

fn write_not_finite(out: &mut Vec<u8>, number: f64) {
    let name: &dyn Display = if number.is_nan() {
        &"NaN"
    } else if number > 0.0 {
        &"Infinity"
    } else {
        &"-Infinity"
    };
    write!(out, "\"{name}\"").expect("writing to a Vec does not fail");
}

pub(super) fn write_string(out: &mut Vec<u8>, bytes: &[u8]) -> Result<(), DecodeError> {
    if write_json_utf8(out, bytes) {
        Ok(())
    } else {
        Err(not_utf8(bytes))
    }
}

#[cold]
fn not_utf8(bytes: &[u8]) -> DecodeError {
    let valid = bytes.utf8_chunks().next();
    let at = valid.map_or(0, |chunk| chunk.valid().len());
    DecodeError::at(at, Fault::Malformed("a string is not UTF-8"))
}

pub(super) fn write_base64(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    let begin = out.len();
    let length = base64::encoded_len(bytes.len(), true).unwrap_or_default();
    out.resize(begin.saturating_add(length), 0);
    let room = out.get_mut(begin..).unwrap_or_default();
    BASE64.encode_slice(bytes, room).expect("there is room");
    out.push(b'"');
}
