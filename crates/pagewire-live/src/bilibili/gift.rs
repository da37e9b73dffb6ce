//! Gifts: each message is a send of its own, and counts once, however often it comes.

use std::borrow::Cow;

use pagewire_codec::{DecodeError, Fault};

use super::json::{members, number, seconds, some_id, some_number, some_text, text};
use super::message::{Read, named};
use super::packed::medal;
use super::people::{Head, head};
use super::room::unmarked;
use crate::douyin::fields::{self, bytes, each};
use crate::event::{Body, FanClub, Gift, Notice, Unit, push_some};

/// Gifts of one message, as boxes that are opened together have. One more is an error of that message.
pub const MESSAGE_GIFTS_MAX: usize = 1_024;

/// Bytes of a message times the gifts in it, as each event has all of it. More is an error of that message: a message of some kilobytes would become gigabytes.
pub const MESSAGE_EVENTS_BYTES_MAX: usize = 64 << 20;

/// Whether a message can be so many events.
pub(super) fn fits(message_bytes: usize, events: usize) -> Result<(), DecodeError> {
    let bytes = message_bytes.saturating_mul(events);
    if events <= 1 || bytes <= MESSAGE_EVENTS_BYTES_MAX {
        return Ok(());
    }
    let fault = Fault::Limit {
        what: "bytes of a message times its gifts",
        got: bytes as u64,
        max: MESSAGE_EVENTS_BYTES_MAX as u64,
    };
    Err(DecodeError::at(0, fault))
}

/// A send, whole in its message.
fn send<'a>() -> Gift<'a> {
    Gift {
        ends: true,
        ..Gift::default()
    }
}

fn unit(coin: &str) -> Option<Unit> {
    match coin {
        "gold" => Some(Unit::GoldSeed),
        "silver" => Some(Unit::SilverSeed),
        _ => None,
    }
}

/// SEND_GIFT
pub(super) fn gift(data: &str) -> Read<'_> {
    let (mut gift, mut random) = (send(), Cow::default());
    let head = head(data, |key, value| match key {
        "giftId" => gift.gift = text(value),
        "giftName" => gift.name = text(value),
        "num" => gift.group_count = number(value),
        // Both go on over several sends, so they are not what this one counts.
        "super_batch_gift_num" => gift.combo_count = number(value),
        "super_gift_num" => gift.total_count = number(value),
        "tid" => gift.combo = text(value),
        "rnd" => random = text(value),
        "price" => gift.unit_value = some_number(value),
        "coin_type" => gift.unit = unit(&text(value)),
        "receive_user_info" => {
            let (mut id, mut name) = (Cow::default(), Cow::default());
            members(value, |key, value| match key {
                "uid" => id = some_id(value).unwrap_or_default(),
                "uname" => name = text(value),
                _ => {}
            });
            gift.receiver = named(id, name);
        }
        _ => {}
    });
    if gift.combo.is_empty() {
        gift.combo = random;
    }
    counted(head, gift)
}

/// What a message without a number gives is one.
fn counted<'a>(head: Head<'a>, mut gift: Gift<'a>) -> Read<'a> {
    gift.count = gift.group_count.max(1);
    Read {
        id: gift.combo.clone(),
        ..Read::of(head, Body::Gift(gift))
    }
}

/// SEND_GIFT_V2: one sender, and a gift for each kind that a box held.
pub(super) fn gifts(packed: &[u8]) -> Result<Read<'_>, DecodeError> {
    let (mut head, mut gifts) = (Head::default(), Vec::new());
    let user = &mut head.user;
    each(packed, |field| {
        match field.number {
            1 => user.id = fields::id(field).into(),
            2 => user.name = fields::text(field),
            3 => user.avatar = fields::some_text(field),
            8 => push_some(&mut user.badges, medal(bytes(field), [5, 6, 4])?),
            10 if gifts.len() >= MESSAGE_GIFTS_MAX => {
                return Err(DecodeError::at(0, too_many()));
            }
            10 => gifts.push(packed_gift(bytes(field))?),
            _ => {}
        }
        Ok(())
    })
    .map_err(|error| error.inside("data.pb"))?;
    let (mut bodies, mut id) = (Vec::with_capacity(gifts.len()), Cow::default());
    for (mut gift, sent_ms) in gifts {
        gift.count = gift.group_count.max(1);
        head.event_ms = head.event_ms.max(sent_ms);
        id = gift.combo.clone();
        bodies.push(Body::Gift(gift));
    }
    let mut bodies = bodies.into_iter();
    let Some(first) = bodies.next() else {
        let fault = Fault::Malformed("a message about gifts has none");
        return Err(DecodeError::at(0, fault).inside("data.pb"));
    };
    Ok(Read {
        id,
        more: bodies.collect(),
        ..Read::of(head, first)
    })
}

/// One of the gifts, and when it was sent.
fn packed_gift(packed: &[u8]) -> Result<(Gift<'_>, u64), DecodeError> {
    let (mut gift, mut sent_ms) = (send(), 0);
    each(packed, |field| {
        match field.number {
            1 => gift.gift = fields::id(field),
            2 => gift.name = fields::text(field),
            3 => gift.group_count = fields::number(field),
            5 => gift.unit_value = fields::some_number(field),
            8 => gift.unit = unit(&fields::text(field)),
            9 => gift.combo = fields::text(field),
            10 => sent_ms = fields::number(field).saturating_mul(1_000),
            _ => {}
        }
        Ok(())
    })?;
    Ok((gift, sent_ms))
}

const fn too_many() -> Fault {
    Fault::Limit {
        what: "gifts in a message",
        got: (MESSAGE_GIFTS_MAX as u64).saturating_add(1),
        max: MESSAGE_GIFTS_MAX as u64,
    }
}

/// COMBO_SEND: sums up what SEND_GIFT told, one by one. Nothing to count.
pub(super) fn combo(data: &str) -> Read<'_> {
    let (mut action, mut name, mut sum) = (Cow::default(), Cow::default(), 0);
    let head = head(data, |key, value| match key {
        "action" => action = text(value),
        "gift_name" => name = text(value),
        "total_num" => sum = number(value),
        // Older messages have only this one.
        "combo_num" if sum == 0 => sum = number(value),
        _ => {}
    });
    let notice = Notice {
        text: Cow::Owned(format!("{action}{name} x{sum}")),
        ..Notice::default()
    };
    Read::of(head, Body::Notice(notice))
}

/// GUARD_BUY: months of a rank in the host's fleet. It is paid for, so it is a gift.
pub(super) fn guard(data: &str) -> Read<'_> {
    let mut gift = send();
    let mut begins_ms = 0;
    let mut head = head(data, |key, value| match key {
        "gift_id" => gift.gift = text(value),
        "gift_name" => gift.name = text(value),
        "num" => gift.group_count = number(value),
        "price" => gift.unit_value = some_number(value),
        "start_time" => {
            begins_ms = seconds(value);
            gift.combo = text(value);
        }
        _ => {}
    });
    gift.unit = Some(Unit::GoldSeed);
    if head.event_ms == 0 {
        head.event_ms = begins_ms;
    }
    let mut read = counted(head, gift);
    // A second is no id: several people buy in the same one.
    read.id = Cow::default();
    read
}

/// USER_TOAST_MSG: what is shown of the purchase that GUARD_BUY tells. Nothing to count.
pub(super) fn guard_notice(data: &str) -> Read<'_> {
    let mut club = FanClub::default();
    let head = head(data, |key, value| match key {
        "toast_msg" => club.text = unmarked(text(value)),
        "op_type" => {
            club.action = match number(value) {
                1 => Cow::Borrowed("joined"),
                _ => some_text(value).unwrap_or_default(),
            };
        }
        _ => {}
    });
    Read::of(head, Body::FanClub(club))
}
