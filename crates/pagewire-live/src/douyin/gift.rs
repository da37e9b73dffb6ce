//! Gifts: what the site counts, and how many that are.

use pagewire_codec::DecodeError;

use super::fields::{bytes, each, id, number, text};
use super::messages::Read;
use super::people::{head, user};
use crate::event::{Body, Gift, Unit, User};

/// A press of a button that can be pressed on and on. Other numbers are sent at once.
const COMBO: u64 = 4;

/// GiftMessage
pub(super) fn gift(payload: &[u8]) -> Result<Read<'_>, DecodeError> {
    let (mut gift, mut send_type) = (no_gift(), 0);
    let head = head(payload, 7, |field| {
        match field.number {
            2 => gift.gift = id(field),
            4 => gift.group_count = number(field),
            5 => gift.repeat_count = number(field),
            6 => gift.combo_count = number(field),
            8 => gift.receiver = Some(Box::new(user(bytes(field))?)),
            9 => gift.ends = number(field) == 1,
            11 => gift.combo = id(field),
            15 => gift_struct(bytes(field), &mut gift)?,
            17 => send_type = number(field),
            29 => gift.total_count = number(field),
            _ => {}
        }
        Ok(())
    })?;
    Ok(Read::of(head, Body::Gift(counted(gift, send_type))))
}

/// LightGiftMessage: cheap gifts. The sender is in the common part.
pub(super) fn light_gift(payload: &[u8]) -> Result<Read<'_>, DecodeError> {
    let (mut gift, mut send_type) = (no_gift(), 0);
    let head = head(payload, 0, |field| {
        match field.number {
            2 => gift.group_count = number(field),
            3 => gift.repeat_count = number(field),
            4 => gift.combo_count = number(field),
            5 => {
                gift.receiver = Some(Box::new(User {
                    id: id(field).into(),
                    ..User::default()
                }));
            }
            9 => send_type = number(field),
            10 => gift.total_count = number(field),
            13 => gift_struct(bytes(field), &mut gift)?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(Read::of(head, Body::Gift(counted(gift, send_type))))
}

/// How many were given in this combo so far.
///
/// The site's own sum where there is one. Else packs times presses for combos, and the pack alone for what is sent at once.
fn counted(mut gift: Gift<'_>, send_type: u64) -> Gift<'_> {
    let pack = gift.group_count.max(1);
    // An absent type is an old message, which had combos only.
    let presses = match send_type {
        0 | COMBO => gift.combo_count.max(gift.repeat_count),
        _ => 0,
    };
    gift.count = match gift.total_count {
        0 => pack.saturating_mul(presses.max(1)),
        sum => sum,
    };
    if gift.combo.is_empty() && presses == 0 {
        // Nothing in it goes on over messages, so it is all.
        gift.ends = true;
    }
    gift
}

/// GiftStruct
fn gift_struct<'a>(fields: &'a [u8], gift: &mut Gift<'a>) -> Result<(), DecodeError> {
    each(fields, |field| {
        match field.number {
            5 if gift.gift.is_empty() => gift.gift = id(field),
            12 => gift.unit_value = Some(number(field)),
            16 => gift.name = text(field),
            _ => {}
        }
        Ok(())
    })
}

fn no_gift() -> Gift<'static> {
    Gift {
        unit: Some(Unit::Diamond),
        ..Gift::default()
    }
}
