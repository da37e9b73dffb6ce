//! Fields that are known by their tags and types.

use std::sync::Arc;

use super::head::{self, Head, Type};
use crate::cursor::Cursor;
use crate::error::{DecodeError, Fault};

/// Reads the fields of one struct, of an item of a list, or of a pair of a map, and borrows from the input.
///
/// Ask in ascending order of tags, as they stand in the bytes: fields that were not asked for are passed over and not found later. A field that
/// is absent is `None`, for encoders leave out what has its default. A field in error is left where it is, and those after it can still be read.
#[derive(Debug, Clone)]
pub struct TarsReader<'a> {
    input: Cursor<'a>,
    /// Of its fields.
    depth: usize,
    trail: Trail,
}

impl<'a> TarsReader<'a> {
    /// Of fields with no struct around them, as whole messages are.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self {
            input: Cursor::new(bytes),
            depth: 1,
            trail: Trail(None),
        }
    }

    /// Passes over bytes in front of the first field.
    pub(super) fn after(mut self, bytes: u64) -> Result<Self, DecodeError> {
        self.input.take(bytes, "a head")?;
        Ok(self)
    }

    /// How far it has read, in bytes of the outermost input. After a string or a byte list that is where its last byte was.
    pub const fn at(&self) -> usize {
        self.input.at()
    }

    /// An integer of any size.
    ///
    /// # Errors
    ///
    /// Bytes on the way that are no Tars, and a field of another type.
    pub fn integer(&mut self, tag: u8) -> Result<Option<i64>, DecodeError> {
        self.field(tag, |input, kind, _| head::integer(input, kind))
    }

    /// A number that is a float, a double or zero.
    ///
    /// # Errors
    ///
    /// As of [`integer`](Self::integer).
    pub fn float(&mut self, tag: u8) -> Result<Option<f64>, DecodeError> {
        self.field(tag, |input, kind, _| match kind {
            Type::Zero => Ok(0.0),
            Type::Float => Ok(f64::from(f32::from_be_bytes(input.array("a float")?))),
            Type::Double => Ok(f64::from_be_bytes(input.array("a double")?)),
            Type::Int8
            | Type::Int16
            | Type::Int32
            | Type::Int64
            | Type::ShortString
            | Type::LongString
            | Type::Map
            | Type::List
            | Type::StructBegin
            | Type::StructEnd
            | Type::Bytes => Err(head::mismatch(input, "a float", kind)),
        })
    }

    /// The bytes of a string, whatever they are, or of a byte list.
    ///
    /// # Errors
    ///
    /// As of [`integer`](Self::integer).
    pub fn bytes(&mut self, tag: u8) -> Result<Option<&'a [u8]>, DecodeError> {
        self.field(tag, |input, kind, _| head::bytes(input, kind))
    }

    /// A string, which must be UTF-8; [`bytes`](Self::bytes) reads others.
    ///
    /// # Errors
    ///
    /// As of [`integer`](Self::integer).
    pub fn text(&mut self, tag: u8) -> Result<Option<&'a str>, DecodeError> {
        self.field(tag, |input, kind, _| {
            let bytes = head::bytes(input, kind)?;
            str::from_utf8(bytes).map_err(|error| {
                let wrong = bytes.len().saturating_sub(error.valid_up_to());
                let at = input.at().saturating_sub(wrong);
                DecodeError::at(at, Fault::Malformed("a string is not UTF-8"))
            })
        })
    }

    /// The fields of a struct within this one.
    ///
    /// # Errors
    ///
    /// As of [`integer`](Self::integer).
    pub fn structure(&mut self, tag: u8) -> Result<Option<Self>, DecodeError> {
        let trail = self.trail.clone();
        self.field(tag, |input, kind, depth| {
            if kind != Type::StructBegin {
                return Err(head::mismatch(input, "a struct", kind));
            }
            let start = input.at();
            let end = head::skip_struct(input, depth)?;
            Ok(Self {
                input: end.since(start),
                depth: depth.saturating_add(1),
                trail: trail.and(u32::from(tag)),
            })
        })
    }

    /// The items of a list: each holds one field, with the tag 0.
    ///
    /// # Errors
    ///
    /// As of [`integer`](Self::integer).
    pub fn list(&mut self, tag: u8) -> Result<Option<TarsItems<'a>>, DecodeError> {
        self.items(tag, Type::List, 1)
    }

    /// As [`list`](Self::list), of a list that may be broken: gives the items in front of the first that cannot be read, then why not, and then
    /// nothing more. The reader stays in front of the list.
    ///
    /// # Errors
    ///
    /// As of [`integer`](Self::integer).
    pub fn list_while_whole(&self, tag: u8) -> Result<Option<TarsItems<'a>>, DecodeError> {
        let trail = self.trail.and(u32::from(tag));
        self.clone().field(tag, |input, kind, depth| {
            if kind != Type::List {
                return Err(head::mismatch(input, Type::List.name(), kind));
            }
            Ok(TarsItems {
                left: head::items(input, Type::List.name(), 1)?,
                input: *input,
                depth: head::deeper(input, depth)?,
                trail,
                fields: 1,
                index: 0,
            })
        })
    }

    /// The pairs of a map: each holds two fields, the key with the tag 0 and the value with the tag 1.
    ///
    /// # Errors
    ///
    /// As of [`integer`](Self::integer).
    pub fn map(&mut self, tag: u8) -> Result<Option<TarsItems<'a>>, DecodeError> {
        self.items(tag, Type::Map, 2)
    }

    fn items(
        &mut self,
        tag: u8,
        wanted: Type,
        fields: u64,
    ) -> Result<Option<TarsItems<'a>>, DecodeError> {
        let trail = self.trail.clone();
        self.field(tag, |input, kind, depth| {
            if kind != wanted {
                return Err(head::mismatch(input, wanted.name(), kind));
            }
            let mut begin = *input;
            head::skip(input, kind, depth)?;
            let left = head::items(&mut begin, wanted.name(), fields)?;
            Ok(TarsItems {
                input: input.since(begin.at()),
                depth: depth.saturating_add(1),
                trail: trail.and(u32::from(tag)),
                fields,
                left,
                index: 0,
            })
        })
    }

    fn field<T>(
        &mut self,
        tag: u8,
        read: impl FnOnce(&mut Cursor<'a>, Type, usize) -> Result<T, DecodeError>,
    ) -> Result<Option<T>, DecodeError> {
        let depth = self.depth;
        let mut input = self.input;
        let found = seek(&mut input, tag, depth).map_err(|error| self.trail.around(error));
        let Some((start, kind)) = found? else {
            self.input = input;
            return Ok(None);
        };
        let value = read(&mut input, kind, depth).map_err(|mut error| {
            if matches!(error.fault, Fault::Mismatch { .. }) {
                error.at = start;
            }
            self.trail.around(error.inside(tag.to_string()))
        })?;
        self.input = input;
        Ok(Some(value))
    }
}

/// Goes behind the head of this field and says where that is, or before the first with a greater tag.
fn seek(
    input: &mut Cursor<'_>,
    tag: u8,
    depth: usize,
) -> Result<Option<(usize, Type)>, DecodeError> {
    while !input.is_empty() {
        let before = *input;
        let head = Head::read(input)?;
        if head.kind == Type::StructEnd {
            return Err(before.malformed("a struct ends that has not begun"));
        }
        if head.tag == tag {
            return Ok(Some((before.at(), head.kind)));
        }
        if head.tag > tag {
            *input = before;
            return Ok(None);
        }
        let skipped = head::skip(input, head.kind, depth);
        skipped.map_err(|error| error.inside(head.tag.to_string()))?;
    }
    Ok(None)
}

/// The items of a list, or the pairs of a map.
#[derive(Debug, Clone)]
pub struct TarsItems<'a> {
    input: Cursor<'a>,
    depth: usize,
    trail: Trail,
    /// Of each item.
    fields: u64,
    left: u64,
    index: u32,
}

impl<'a> TarsItems<'a> {
    fn item(&mut self) -> Result<TarsReader<'a>, DecodeError> {
        let start = self.input.at();
        let trail = self.trail.and(self.index);
        let skipped = head::skip_item(&mut self.input, self.fields, self.depth);
        skipped.map_err(|error| error.inside(self.index.to_string()))?;
        self.index = self.index.saturating_add(1);
        Ok(TarsReader {
            input: self.input.since(start),
            depth: self.depth,
            trail,
        })
    }
}

impl<'a> Iterator for TarsItems<'a> {
    type Item = Result<TarsReader<'a>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let item = self.item();
        if item.is_err() {
            self.left = 0;
        }
        Some(item.map_err(|error| self.trail.around(error)))
    }
}

/// The tags and indexes that lead to a reader, shared by the readers within it.
#[derive(Debug, Clone, Default)]
struct Trail(Option<Arc<Step>>);

#[derive(Debug)]
struct Step {
    outer: Trail,
    /// A tag, or the index of an item.
    number: u32,
}

impl Trail {
    fn and(&self, number: u32) -> Self {
        let outer = self.clone();
        Self(Some(Arc::new(Step { outer, number })))
    }

    fn around(&self, mut error: DecodeError) -> DecodeError {
        let mut trail = self;
        while let Some(step) = &trail.0 {
            error = error.inside(step.number.to_string());
            trail = &step.outer;
        }
        error
    }
}
