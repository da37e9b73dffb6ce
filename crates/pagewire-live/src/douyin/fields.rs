//! Values of fields, taken as what they are to be. Of a value that is something else there is none.

use std::borrow::Cow;

use pagewire_codec::DecodeError;
use pagewire_codec::proto::{Field, Fields, Packed, Value, WireType};

use crate::event::Id;

/// All fields of a message, one after the other.
#[inline]
pub(crate) fn each<'a>(
    message: &'a [u8],
    mut take: impl FnMut(&Field<'a>) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    for field in Fields::new(message) {
        let field = field?;
        take(&field).map_err(|error| error.shifted(field.at).inside(field.number.to_string()))?;
    }
    Ok(())
}

/// The first field of this number that says something. What is behind it is not looked at.
#[inline]
pub(crate) fn first<'a, T>(
    message: &'a [u8],
    number: u32,
    read: impl Fn(&Field<'a>) -> Option<T>,
) -> Result<Option<T>, DecodeError> {
    for field in Fields::new(message) {
        let field = field?;
        if field.number == number
            && let Some(value) = read(&field)
        {
            return Ok(Some(value));
        }
    }
    Ok(None)
}

#[inline]
pub(crate) const fn number(field: &Field<'_>) -> u64 {
    match field.value {
        Value::Varint(number) => number,
        Value::Fixed64(_) | Value::Bytes(_) | Value::Group(_) | Value::Fixed32(_) => 0,
    }
}

/// 0 is what is written for nothing.
pub(crate) const fn some_number(field: &Field<'_>) -> Option<u64> {
    match number(field) {
        0 => None,
        number => Some(number),
    }
}

#[inline]
pub(crate) const fn bytes<'a>(field: &Field<'a>) -> &'a [u8] {
    match field.value {
        Value::Bytes(bytes) => bytes,
        Value::Varint(_) | Value::Fixed64(_) | Value::Group(_) | Value::Fixed32(_) => &[],
    }
}

/// Bytes that are not UTF-8 stand as U+FFFD: one name does not cost a message.
#[inline]
pub(crate) fn text<'a>(field: &Field<'a>) -> Cow<'a, str> {
    let bytes = bytes(field);
    simdutf8::basic::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

/// An empty text is none.
pub(crate) fn some_text<'a>(field: &Field<'a>) -> Option<Cow<'a, str>> {
    let text = text(field);
    (!text.is_empty()).then_some(text)
}

/// A number as a text, since ids pass what JavaScript's numbers are exact for. Empty for 0.
pub(crate) fn id(field: &Field<'_>) -> Cow<'static, str> {
    some_id(field).unwrap_or_default()
}

/// As [`id`].
pub(crate) fn text_id(field: &Field<'_>) -> Id<'static> {
    some_number(field).map(Id::from).unwrap_or_default()
}

pub(crate) fn some_id(field: &Field<'_>) -> Option<Cow<'static, str>> {
    some_number(field).map(|number| Cow::Owned(digits(number)))
}

/// A number as a text.
pub(crate) fn digits(number: u64) -> String {
    itoa::Buffer::new().format(number).to_owned()
}

/// The numbers of a repeated field: one, or as many as are packed.
pub(crate) fn numbers(field: &Field<'_>, mut take: impl FnMut(u64)) -> Result<(), DecodeError> {
    let Value::Bytes(packed) = field.value else {
        take(number(field));
        return Ok(());
    };
    for number in Packed::new(WireType::Varint, packed) {
        if let (Value::Varint(number), _) = number? {
            take(number);
        }
    }
    Ok(())
}
