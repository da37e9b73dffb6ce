//! Values of fields, taken as what they are to be. Of a value that is something else there is none.

use std::borrow::Cow;

use pagewire_codec::DecodeError;
use pagewire_codec::proto::{Field, Fields, Value};

/// All fields of a message, one after the other.
pub(super) fn each<'a>(
    message: &'a [u8],
    mut take: impl FnMut(Field<'a>) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    for field in Fields::new(message) {
        let field = field?;
        let (number, at) = (field.number, field.at);
        take(field).map_err(|error| error.shifted(at).inside(number.to_string()))?;
    }
    Ok(())
}

pub(super) const fn number(field: &Field<'_>) -> u64 {
    match field.value {
        Value::Varint(number) => number,
        Value::Fixed64(_) | Value::Bytes(_) | Value::Group(_) | Value::Fixed32(_) => 0,
    }
}

pub(super) const fn bytes<'a>(field: &Field<'a>) -> &'a [u8] {
    match field.value {
        Value::Bytes(bytes) => bytes,
        Value::Varint(_) | Value::Fixed64(_) | Value::Group(_) | Value::Fixed32(_) => &[],
    }
}

/// Bytes that are not UTF-8 stand as U+FFFD: one name does not cost a message.
pub(super) fn text<'a>(field: &Field<'a>) -> Cow<'a, str> {
    String::from_utf8_lossy(bytes(field))
}

/// A number as a text, since ids pass what JavaScript's numbers are exact for.
pub(super) fn id(field: &Field<'_>) -> Cow<'static, str> {
    Cow::Owned(number(field).to_string())
}
