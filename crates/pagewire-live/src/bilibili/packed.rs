//! Protobuf that stands as base64 in JSON, under `data.pb`.
//!
//! Field numbers: those of the facts that several readers share; medals and the room are not verified here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pagewire_codec::{DecodeError, Fault};

use super::json::{members, text};
use super::message::Message;
use super::people::{Head, some_badge};
use crate::douyin::fields::{
    bytes, each, id, number, some_id, some_number, some_text, text as field_text,
};
use crate::event::{Badge, User, push_some};

/// Unpacks what a message of a packed kind has in it. Of others it leaves `packed` as it is.
pub(super) fn unpack(message: &Message<'_>, packed: &mut Vec<u8>) -> Result<(), DecodeError> {
    if !matches!(&*message.command, "INTERACT_WORD_V2" | "SEND_GIFT_V2") {
        return Ok(());
    }
    let mut base64 = None;
    members(message.data, |key, value| {
        if key == "pb" {
            base64 = Some(text(value));
        }
    });
    let Some(base64) = base64 else {
        let missing = Fault::Malformed("a message of a packed kind has no member `data.pb`");
        return Err(DecodeError::at(0, missing));
    };
    STANDARD.decode_vec(&*base64, packed).map_err(|_| {
        let fault = Fault::Malformed("the member `data.pb` is not base64");
        DecodeError::at(0, fault)
    })
}

/// Who came in, or did what else has this number.
pub(super) fn interact_word(packed: &[u8]) -> Result<(Head<'_>, u64), DecodeError> {
    let (mut head, mut kind) = (Head::default(), 0);
    let user = &mut head.user;
    each(packed, |field| {
        match field.number {
            1 => user.id = id(field).into(),
            2 => user.name = field_text(field),
            5 => kind = number(field),
            6 => head.room = id(field),
            7 => head.event_ms = number(field).saturating_mul(1_000),
            9 => push_some(&mut user.badges, medal(bytes(field), [2, 3, 12])?),
            22 => detail(bytes(field), user)?,
            _ => {}
        }
        Ok(())
    })
    .map_err(|error| error.inside("data.pb"))?;
    Ok((head, kind))
}

/// A medal, whose level, name and room are in the fields of these numbers.
pub(super) fn medal(
    fields: &[u8],
    [level, name, room]: [u32; 3],
) -> Result<Option<Badge<'_>>, DecodeError> {
    let mut badge = Badge::default();
    each(fields, |field| {
        match field.number {
            at if at == level => badge.level = some_number(field),
            at if at == name => badge.name = field_text(field),
            at if at == room => badge.room = some_id(field),
            _ => {}
        }
        Ok(())
    })?;
    Ok(some_badge(badge))
}

/// uinfo: 2 base { 1 name, 2 face }
fn detail<'a>(fields: &'a [u8], user: &mut User<'a>) -> Result<(), DecodeError> {
    each(fields, |field| {
        if field.number != 2 {
            return Ok(());
        }
        each(bytes(field), |of_base| {
            match of_base.number {
                1 if user.name.is_empty() => user.name = field_text(of_base),
                2 => user.avatar = some_text(of_base),
                _ => {}
            }
            Ok(())
        })
    })
}
