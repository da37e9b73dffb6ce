//! People, and what all messages have.

use std::borrow::Cow;

use pagewire_codec::DecodeError;
use pagewire_codec::proto::Field;

use super::fields::{bytes, each, first, number, some_number, some_text, text, text_id};
use crate::event::{Badge, Gender, Id, User, push_some};

/// Everybody has this id who is shown to somebody without a log-in. Verified: the capture of 2023.
const MASKED_ID: &str = "111111";

/// What all messages have.
#[derive(Debug, Default)]
pub(super) struct Head<'a> {
    pub(super) msg_id: u64,
    pub(super) room: Id<'a>,
    pub(super) create_ms: u64,
    pub(super) user: Option<User<'a>>,
    /// A `Text`, not read yet: few kinds need it.
    pub(super) display_text: &'a [u8],
}

/// Reads the common part (field 1), the user in the field of this number, and has `more` read the others.
pub(super) fn head<'a>(
    payload: &'a [u8],
    user_number: u32,
    mut more: impl FnMut(&Field<'a>) -> Result<(), DecodeError>,
) -> Result<Head<'a>, DecodeError> {
    let mut head = Head::default();
    each(payload, |field| {
        if field.number == 1 {
            return common(bytes(field), &mut head);
        }
        if field.number == user_number {
            head.user = Some(user(bytes(field))?);
            return Ok(());
        }
        more(field)
    })?;
    Ok(head)
}

/// Common
fn common<'a>(fields: &'a [u8], head: &mut Head<'a>) -> Result<(), DecodeError> {
    each(fields, |field| {
        match field.number {
            2 => head.msg_id = number(field),
            3 => head.room = text_id(field),
            4 => head.create_ms = number(field),
            8 => head.display_text = bytes(field),
            // Only messages without a user of their own have one here that differs.
            15 if head.user.is_none() => head.user = Some(user(bytes(field))?),
            _ => {}
        }
        Ok(())
    })
}

/// User
pub(super) fn user(fields: &[u8]) -> Result<User<'_>, DecodeError> {
    let mut user = User::default();
    each(fields, |field| {
        match field.number {
            1 => user.id = text_id(field),
            3 => user.name = text(field),
            4 => user.gender = gender(number(field)),
            9 => user.avatar = image_address(bytes(field))?,
            23 => user.level = pay_level(bytes(field))?,
            24 => {
                let badge = fan_club(bytes(field))?;
                push_some(&mut user.badges, badge);
            }
            32 => user.admin = is_admin(bytes(field))?,
            _ => {}
        }
        Ok(())
    })?;
    user.masked = user.id == MASKED_ID;
    Ok(user)
}

const fn gender(number: u64) -> Option<Gender> {
    match number {
        1 => Some(Gender::Male),
        2 => Some(Gender::Female),
        _ => None,
    }
}

/// Image.url_list, the first
pub(super) fn image_address(fields: &[u8]) -> Result<Option<Cow<'_, str>>, DecodeError> {
    first(fields, 1, some_text)
}

/// PayGrade.level
fn pay_level(fields: &[u8]) -> Result<Option<u64>, DecodeError> {
    first(fields, 6, some_number)
}

/// FansClub.data
fn fan_club(fields: &[u8]) -> Result<Option<Badge<'_>>, DecodeError> {
    let mut badge = Badge::default();
    each(fields, |field| {
        if field.number != 1 {
            return Ok(());
        }
        each(bytes(field), |data| {
            match data.number {
                1 => badge.name = text(data),
                2 => badge.level = some_number(data),
                _ => {}
            }
            Ok(())
        })
    })?;
    Ok((!badge.name.is_empty()).then_some(badge))
}

/// UserAttr.is_admin
fn is_admin(fields: &[u8]) -> Result<bool, DecodeError> {
    let admin = first(fields, 2, some_number)?;
    Ok(admin.is_some())
}
