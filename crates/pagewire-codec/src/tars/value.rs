//! Tars bytes of which nothing is known, as a tree.

use super::head::{self, Head, Type};
use super::{TARS_VALUES_MAX, TarsWriter};
use crate::cursor::Cursor;
use crate::error::{DecodeError, Fault};

/// A value as the bytes tell it. Names are not in the bytes, and neither is the size that an integer was declared with.
///
/// As JSON: a struct is an object under its tags, a map an object where its keys are texts that differ, else a list of pairs; integers are
/// numbers, also those beyond 2^53; floats that JSON does not have are `"NaN"`, `"Infinity"` and `"-Infinity"`. A string is a string, or
/// `{"base64": …}` where it is not UTF-8. A byte list says how it is shown: `{"text": …}` where it is UTF-8 without control characters,
/// `{"tars": …}` where it was read as fields, else `{"base64": …}`.
#[derive(Debug, Clone, PartialEq)]
pub enum TarsValue<'a> {
    /// Of any size, zero included, whatever type that was declared with.
    Integer(i64),
    /// 32 bits.
    Float(f32),
    /// 64 bits.
    Double(f64),
    /// A string, UTF-8 or not.
    String(&'a [u8]),
    /// A byte list.
    Bytes(&'a [u8]),
    /// A byte list that holds fields. They are a guess.
    Nested(Vec<(u8, Self)>),
    /// Pairs of a key and a value.
    Map(Vec<(Self, Self)>),
    /// Items.
    List(Vec<Self>),
    /// Fields by their tags, which ascend.
    Struct(Vec<(u8, Self)>),
}

/// What becomes of byte lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NestedBytes {
    /// They stay bytes.
    #[default]
    Keep,
    /// Those that are no text and that are fields from the first byte to the last are read as such. Other bytes can look so by chance.
    Guess,
}

impl<'a> TarsValue<'a> {
    /// Reads a message, which is fields with no struct around them.
    ///
    /// # Errors
    ///
    /// Bytes that no encoder writes, input that is cut, and more than [`TARS_DEPTH_MAX`](super::TARS_DEPTH_MAX) or [`TARS_VALUES_MAX`] allow.
    pub fn decode(bytes: &'a [u8], nested: NestedBytes) -> Result<Self, DecodeError> {
        let mut tree = Tree {
            nested,
            values_left: TARS_VALUES_MAX,
        };
        let mut input = Cursor::new(bytes);
        tree.fields(&mut input, End::Input, 1).map(Self::Struct)
    }

    /// The bytes of a message. The fields of a struct are taken in the order in which they stand; what is not a struct becomes a field 0.
    pub fn encode(&self) -> Vec<u8> {
        let mut to = TarsWriter::default();
        match self {
            Self::Struct(fields) | Self::Nested(fields) => write_fields(fields, &mut to),
            Self::Integer(_)
            | Self::Float(_)
            | Self::Double(_)
            | Self::String(_)
            | Self::Bytes(_)
            | Self::Map(_)
            | Self::List(_) => self.write(0, &mut to),
        }
        to.into_bytes()
    }

    fn write(&self, tag: u8, to: &mut TarsWriter) {
        match self {
            Self::Integer(value) => to.integer(tag, *value),
            Self::Float(value) => to.float(tag, *value),
            Self::Double(value) => to.double(tag, *value),
            Self::String(bytes) => to.string(tag, bytes),
            Self::Bytes(bytes) => to.bytes(tag, bytes),
            Self::Nested(_) => to.bytes(tag, &self.encode()),
            Self::Map(pairs) => to.map(tag, pairs, |to, (key, value)| {
                key.write(0, to);
                value.write(1, to);
            }),
            Self::List(items) => to.list(tag, items, |to, item| item.write(0, to)),
            Self::Struct(fields) => to.structure(tag, |to| write_fields(fields, to)),
        };
    }
}

fn write_fields(fields: &[(u8, TarsValue<'_>)], to: &mut TarsWriter) {
    for (tag, value) in fields {
        value.write(*tag, to);
    }
}

/// Where a struct ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Input,
    Marked,
}

#[derive(Debug, Clone, Copy)]
struct Tree {
    nested: NestedBytes,
    values_left: usize,
}

impl Tree {
    fn fields<'a>(
        &mut self,
        input: &mut Cursor<'a>,
        end: End,
        depth: usize,
    ) -> Result<Vec<(u8, TarsValue<'a>)>, DecodeError> {
        let mut fields: Vec<(u8, TarsValue<'a>)> = Vec::new();
        while end == End::Marked || !input.is_empty() {
            let before = *input;
            let head = Head::read(input)?;
            if head.kind == Type::StructEnd && end == End::Marked {
                break;
            }
            if fields.last().is_some_and(|(last, _)| *last >= head.tag) {
                return Err(before.malformed("the tags of a struct do not ascend"));
            }
            let value = self.value(input, head.kind, depth);
            let value = value.map_err(|error| error.inside(head.tag.to_string()))?;
            fields.push((head.tag, value));
        }
        Ok(fields)
    }

    fn value<'a>(
        &mut self,
        input: &mut Cursor<'a>,
        kind: Type,
        depth: usize,
    ) -> Result<TarsValue<'a>, DecodeError> {
        let left = self.values_left.checked_sub(1);
        self.values_left = left.ok_or_else(|| DecodeError::at(input.at(), too_many()))?;
        Ok(match kind {
            Type::Int8 | Type::Int16 | Type::Int32 | Type::Int64 | Type::Zero => {
                TarsValue::Integer(head::integer(input, kind)?)
            }
            Type::Float => TarsValue::Float(f32::from_be_bytes(input.array("a float")?)),
            Type::Double => TarsValue::Double(f64::from_be_bytes(input.array("a double")?)),
            Type::ShortString | Type::LongString => TarsValue::String(head::bytes(input, kind)?),
            Type::Bytes => self.bytes(head::bytes(input, kind)?, depth),
            Type::Map => TarsValue::Map(self.pairs(input, depth)?),
            Type::List => TarsValue::List(self.items(input, depth)?),
            Type::StructBegin => {
                let depth = head::deeper(input, depth)?;
                TarsValue::Struct(self.fields(input, End::Marked, depth)?)
            }
            Type::StructEnd => return Err(input.malformed("a struct ends that has not begun")),
        })
    }

    fn pairs<'a>(
        &mut self,
        input: &mut Cursor<'a>,
        depth: usize,
    ) -> Result<Vec<(TarsValue<'a>, TarsValue<'a>)>, DecodeError> {
        let count = head::items(input, "a map", 2)?;
        let depth = head::deeper(input, depth)?;
        let mut pairs = Vec::new();
        for index in 0..count {
            let pair = self.item(input, index, depth).and_then(|key| {
                let value = self.item(input, index, depth)?;
                Ok((key, value))
            });
            pairs.push(pair?);
        }
        Ok(pairs)
    }

    fn items<'a>(
        &mut self,
        input: &mut Cursor<'a>,
        depth: usize,
    ) -> Result<Vec<TarsValue<'a>>, DecodeError> {
        let count = head::items(input, "a list", 1)?;
        let depth = head::deeper(input, depth)?;
        let items = (0..count).map(|index| self.item(input, index, depth));
        items.collect()
    }

    fn item<'a>(
        &mut self,
        input: &mut Cursor<'a>,
        index: u64,
        depth: usize,
    ) -> Result<TarsValue<'a>, DecodeError> {
        let item = Head::read(input).and_then(|head| self.value(input, head.kind, depth));
        item.map_err(|error| error.inside(index.to_string()))
    }

    fn bytes<'a>(&mut self, bytes: &'a [u8], depth: usize) -> TarsValue<'a> {
        if self.nested == NestedBytes::Keep || bytes.is_empty() || text(bytes).is_some() {
            return TarsValue::Bytes(bytes);
        }
        let mut input = Cursor::new(bytes);
        let before = self.values_left;
        let depth = head::deeper(&input, depth);
        let fields = depth.and_then(|depth| self.fields(&mut input, End::Input, depth));
        fields.map_or_else(
            |_| {
                self.values_left = before;
                TarsValue::Bytes(bytes)
            },
            TarsValue::Nested,
        )
    }
}

/// UTF-8 that somebody could have written.
pub(super) fn text(bytes: &[u8]) -> Option<&str> {
    let text = str::from_utf8(bytes).ok()?;
    let is_written = |c: char| !c.is_control() || matches!(c, '\t' | '\n' | '\r');
    text.chars().all(is_written).then_some(text)
}

fn too_many() -> Fault {
    Fault::Limit {
        what: "the number of values",
        got: (TARS_VALUES_MAX as u64).saturating_add(1),
        max: TARS_VALUES_MAX as u64,
    }
}
