//! People.

use std::borrow::Cow;

use pagewire_codec::{DecodeError, TarsReader};

use super::fields::{id, number, some_number, some_text, structs, text};
use crate::event::{Badge, Gender, User, push_some};

/// Decorations of this program are marks of fan clubs.
const FAN_BADGE: i64 = 10_400;
/// Men are 0, and so are those who do not tell.
const WOMAN: u64 = 1;

/// `SenderInfo`
pub(super) fn sender<'a>(fields: &mut TarsReader<'a>) -> Result<User<'a>, DecodeError> {
    let mut user = User {
        id: id(fields, 0)?.into(),
        name: text(fields, 2)?,
        gender: (number(fields, 3)? == WOMAN).then_some(Gender::Female),
        avatar: some_text(fields, 4)?,
        level: some_number(fields, 5)?,
        ..User::default()
    };
    if let (None, Some(mut noble)) = (user.level, fields.structure(6)?) {
        user.level = some_number(&mut noble, 0)?;
    }
    Ok(user)
}

/// Marks of clubs among `DecorationInfo`s. One that cannot be read is none: it is no more than a picture beside a name.
pub(super) fn badges<'a>(
    message: &mut TarsReader<'a>,
    tag: u8,
    badges: &mut Vec<Badge<'a>>,
) -> Result<(), DecodeError> {
    for decoration in structs(message, tag)? {
        push_some(badges, decoration.and_then(badge).unwrap_or_default());
    }
    Ok(())
}

fn badge(mut decoration: TarsReader<'_>) -> Result<Option<Badge<'_>>, DecodeError> {
    if decoration.integer(0)? != Some(FAN_BADGE) {
        return Ok(None);
    }
    let Some(bytes) = decoration.bytes(2)? else {
        return Ok(None);
    };
    // `BadgeInfo`
    let mut fields = TarsReader::new(bytes);
    let badge = Badge {
        name: text(&mut fields, 3)?,
        level: some_number(&mut fields, 4)?,
        room: None,
    };
    Ok((!badge.name.is_empty()).then_some(badge))
}

/// `NobleInfo`: whose it is, and how far they have come.
pub(super) struct Noble {
    pub(super) user: Cow<'static, str>,
    pub(super) presenter: Cow<'static, str>,
    pub(super) level: Option<u64>,
}

pub(super) fn noble(message: &mut TarsReader<'_>, tag: u8) -> Result<Option<Noble>, DecodeError> {
    let Some(mut fields) = message.structure(tag)? else {
        return Ok(None);
    };
    Ok(Some(Noble {
        user: id(&mut fields, 0)?,
        presenter: id(&mut fields, 1)?,
        level: some_number(&mut fields, 4)?,
    }))
}
