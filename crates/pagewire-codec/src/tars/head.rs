//! Heads of fields, and what follows them.

use super::TARS_DEPTH_MAX;
use crate::cursor::Cursor;
use crate::error::{DecodeError, Fault};

/// The types of Tars, under the numbers they have on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Int8,
    Int16,
    Int32,
    Int64,
    Float,
    Double,
    ShortString,
    LongString,
    Map,
    List,
    StructBegin,
    StructEnd,
    Zero,
    Bytes,
}

/// In the order of their numbers.
const TYPES: [Type; 14] = [
    Type::Int8,
    Type::Int16,
    Type::Int32,
    Type::Int64,
    Type::Float,
    Type::Double,
    Type::ShortString,
    Type::LongString,
    Type::Map,
    Type::List,
    Type::StructBegin,
    Type::StructEnd,
    Type::Zero,
    Type::Bytes,
];

/// A tag from here on stands in a byte of its own.
pub(super) const LONG_TAG: u8 = 15;

impl Type {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Int8 | Self::Int16 | Self::Int32 | Self::Int64 | Self::Zero => "an integer",
            Self::Float | Self::Double => "a float",
            Self::ShortString | Self::LongString => "a string",
            Self::Map => "a map",
            Self::List => "a list",
            Self::StructBegin => "a struct",
            Self::StructEnd => "the end of a struct",
            Self::Bytes => "a byte list",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) tag: u8,
    pub(super) kind: Type,
}

impl Head {
    pub(super) fn read(input: &mut Cursor<'_>) -> Result<Self, DecodeError> {
        let start = *input;
        let byte = input.byte("the head of a field")?;
        let kind = TYPES.get(usize::from(byte & 0xF)).copied();
        let kind = kind.ok_or_else(|| start.malformed("Tars has no type 14 or 15"))?;
        let tag = match byte >> 4 {
            LONG_TAG => input.byte("the tag of a field")?,
            tag => tag,
        };
        Ok(Self { tag, kind })
    }
}

/// The integer after its head, whose type must be one of integers.
pub(super) fn integer(input: &mut Cursor<'_>, kind: Type) -> Result<i64, DecodeError> {
    const WHAT: &str = "an integer";
    Ok(match kind {
        Type::Zero => 0,
        Type::Int8 => i64::from(i8::from_be_bytes(input.array(WHAT)?)),
        Type::Int16 => i64::from(i16::from_be_bytes(input.array(WHAT)?)),
        Type::Int32 => i64::from(i32::from_be_bytes(input.array(WHAT)?)),
        Type::Int64 => i64::from_be_bytes(input.array(WHAT)?),
        Type::Float
        | Type::Double
        | Type::ShortString
        | Type::LongString
        | Type::Map
        | Type::List
        | Type::StructBegin
        | Type::StructEnd
        | Type::Bytes => return Err(mismatch(input, "an integer", kind)),
    })
}

/// The bytes of a string or byte list after its head.
pub(super) fn bytes<'a>(input: &mut Cursor<'a>, kind: Type) -> Result<&'a [u8], DecodeError> {
    match kind {
        Type::ShortString => {
            let length = input.byte("the length of a string")?;
            input.take(u64::from(length), "a string")
        }
        Type::LongString => {
            let length = u32::from_be_bytes(input.array("the length of a string")?);
            input.take(u64::from(length), "a string")
        }
        Type::Bytes => {
            let item = Head::read(input)?;
            if item.kind != Type::Int8 {
                return Err(input.malformed("the items of a byte list have a type other than 0"));
            }
            let length = count(input)?;
            input.take(length, "a byte list")
        }
        Type::Int8
        | Type::Int16
        | Type::Int32
        | Type::Int64
        | Type::Float
        | Type::Double
        | Type::Map
        | Type::List
        | Type::StructBegin
        | Type::StructEnd
        | Type::Zero => Err(mismatch(input, "a string or byte list", kind)),
    }
}

/// How many items follow.
pub(super) fn count(input: &mut Cursor<'_>) -> Result<u64, DecodeError> {
    let head = Head::read(input)?;
    let count = integer(input, head.kind)?;
    u64::try_from(count).map_err(|_| input.malformed("a negative number of items"))
}

/// How many items of at least `bytes_min` bytes each follow; more than can be is an error before any is read.
pub(super) fn items(
    input: &mut Cursor<'_>,
    what: &'static str,
    bytes_min: u64,
) -> Result<u64, DecodeError> {
    let count = count(input)?;
    let needed = count.saturating_mul(bytes_min);
    let left = input.rest().len();
    if needed > left as u64 {
        let fault = Fault::Truncated { what, needed, left };
        return Err(DecodeError::at(input.at(), fault));
    }
    Ok(count)
}

/// Passes over what follows a head. `depth` is that of the field.
pub(super) fn skip(input: &mut Cursor<'_>, kind: Type, depth: usize) -> Result<(), DecodeError> {
    match kind {
        Type::Int8 | Type::Int16 | Type::Int32 | Type::Int64 | Type::Zero => {
            integer(input, kind)?;
        }
        Type::Float => {
            input.array::<4>("a float")?;
        }
        Type::Double => {
            input.array::<8>("a double")?;
        }
        Type::ShortString | Type::LongString | Type::Bytes => {
            bytes(input, kind)?;
        }
        Type::Map => {
            let pairs = items(input, "a map", 2)?;
            skip_items(input, pairs, 2, depth)?;
        }
        Type::List => {
            let items = items(input, "a list", 1)?;
            skip_items(input, items, 1, depth)?;
        }
        Type::StructBegin => {
            skip_struct(input, depth)?;
        }
        Type::StructEnd => return Err(input.malformed("a struct ends that has not begun")),
    }
    Ok(())
}

fn skip_items(
    input: &mut Cursor<'_>,
    count: u64,
    fields: u64,
    depth: usize,
) -> Result<(), DecodeError> {
    let depth = deeper(input, depth)?;
    for index in 0..count {
        skip_item(input, fields, depth).map_err(|error| error.inside(index.to_string()))?;
    }
    Ok(())
}

/// Passes over an item of a list, which is one field, or of a map, which is two. `depth` is that of the item.
pub(super) fn skip_item(
    input: &mut Cursor<'_>,
    fields: u64,
    depth: usize,
) -> Result<(), DecodeError> {
    for _ in 0..fields {
        let head = Head::read(input)?;
        skip(input, head.kind, depth)?;
    }
    Ok(())
}

/// Passes over a struct with its end, and gives the place before its end.
pub(super) fn skip_struct<'a>(
    input: &mut Cursor<'a>,
    depth: usize,
) -> Result<Cursor<'a>, DecodeError> {
    let depth = deeper(input, depth)?;
    loop {
        let before = *input;
        let field = Head::read(input)?;
        if field.kind == Type::StructEnd {
            return Ok(before);
        }
        let skipped = skip(input, field.kind, depth);
        skipped.map_err(|error| error.inside(field.tag.to_string()))?;
    }
}

pub(super) fn deeper(input: &Cursor<'_>, depth: usize) -> Result<usize, DecodeError> {
    if depth < TARS_DEPTH_MAX {
        return Ok(depth.saturating_add(1));
    }
    let fault = Fault::Limit {
        what: "the depth of structs, lists and maps",
        got: (TARS_DEPTH_MAX as u64).saturating_add(1),
        max: TARS_DEPTH_MAX as u64,
    };
    Err(DecodeError::at(input.at(), fault))
}

pub(super) fn mismatch(input: &Cursor<'_>, wanted: &'static str, got: Type) -> DecodeError {
    let fault = Fault::Mismatch {
        wanted,
        got: got.name(),
    };
    DecodeError::at(input.at(), fault)
}
