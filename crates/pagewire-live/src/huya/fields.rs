//! Values of fields, as events want them. A field that is absent has its default, as encoders of Tars may leave that out.

use std::borrow::Cow;

use pagewire_codec::{DecodeError, TarsItems, TarsReader};

/// Negative numbers count nothing.
pub(super) fn number(from: &mut TarsReader<'_>, tag: u8) -> Result<u64, DecodeError> {
    let number = from.integer(tag)?.unwrap_or_default();
    Ok(u64::try_from(number).unwrap_or_default())
}

/// 0 is what is written for nothing.
pub(super) fn some_number(from: &mut TarsReader<'_>, tag: u8) -> Result<Option<u64>, DecodeError> {
    let number = number(from, tag)?;
    Ok((number != 0).then_some(number))
}

/// Bytes that are not UTF-8 stand as U+FFFD: one name does not cost a message.
pub(super) fn text<'a>(from: &mut TarsReader<'a>, tag: u8) -> Result<Cow<'a, str>, DecodeError> {
    let bytes = from.bytes(tag)?.unwrap_or_default();
    Ok(String::from_utf8_lossy(bytes))
}

/// An empty text is none.
pub(super) fn some_text<'a>(
    from: &mut TarsReader<'a>,
    tag: u8,
) -> Result<Option<Cow<'a, str>>, DecodeError> {
    let text = text(from, tag)?;
    Ok((!text.is_empty()).then_some(text))
}

/// A number as a text, since ids pass what JavaScript's numbers are exact for. Empty for 0.
pub(super) fn id(from: &mut TarsReader<'_>, tag: u8) -> Result<Cow<'static, str>, DecodeError> {
    Ok(id_of(from.integer(tag)?.unwrap_or_default()))
}

pub(super) fn id_of(number: i64) -> Cow<'static, str> {
    if number == 0 {
        return Cow::Borrowed("");
    }
    Cow::Owned(number.to_string())
}

/// The structs of a list.
pub(super) fn structs<'a>(
    from: &mut TarsReader<'a>,
    tag: u8,
) -> Result<impl Iterator<Item = Result<TarsReader<'a>, DecodeError>>, DecodeError> {
    let items = from.list(tag)?;
    Ok(items.into_iter().flatten().filter_map(structure))
}

/// The struct that an item of a list is. Of an item that has none nothing is given.
pub(super) fn structure<'a>(
    item: <TarsItems<'a> as Iterator>::Item,
) -> Option<Result<TarsReader<'a>, DecodeError>> {
    item.and_then(|mut item| item.structure(0)).transpose()
}
