//! People, and what most messages have.

use std::borrow::Cow;

use super::json::{entries, members, number, seconds, some_id, some_number, some_text, text};
use crate::event::{Badge, User, push_some};

/// Who did something, where, and when.
#[derive(Debug, Default)]
pub(super) struct Head<'a> {
    pub(super) room: Cow<'a, str>,
    /// In milliseconds; 0 where it is not told.
    pub(super) event_ms: u64,
    pub(super) user: User<'a>,
}

/// Reads the members that many kinds have, and has `more` read the others.
pub(super) fn head<'a>(data: &'a str, mut more: impl FnMut(&str, &'a str)) -> Head<'a> {
    let mut head = Head::default();
    let (user, mut detail) = (&mut head.user, "");
    members(data, |key, value| match key {
        "uid" => user.id = text(value).into(),
        "uname" | "username" => user.name = text(value),
        "face" => user.avatar = some_text(value),
        "fans_medal" | "medal_info" => push_some(&mut user.badges, medal(value)),
        "wealth_level" => user.level = some_level(value),
        "uinfo" | "sender_uinfo" => detail = value,
        "roomid" | "room_id" => head.room = some_id(value).unwrap_or_default(),
        "timestamp" => head.event_ms = seconds(value),
        _ => more(key, value),
    });
    fill(user, detail);
    head
}

/// Somebody of whom at least one thing is told.
pub(super) fn somebody(mut user: User<'_>) -> Option<User<'_>> {
    if user.id.is_empty() && user.name.is_empty() {
        return None;
    }
    // Without a log-in all have the id 0, which Protobuf does not write, and of their names the first sign and three stars are left.
    if user.id.is_empty() {
        user.id = "0".into();
    }
    user.masked = user.id == "0" || user.name.ends_with("***");
    Some(user)
}

/// Adds what only the newer, longer form of a person has.
pub(super) fn fill<'a>(user: &mut User<'a>, detail: &'a str) {
    members(detail, |key, value| match key {
        "uid" if user.id.is_empty() => user.id = text(value).into(),
        "base" => members(value, |key, value| match key {
            "name" if user.name.is_empty() => user.name = text(value),
            "face" if user.avatar.is_none() => user.avatar = some_text(value),
            _ => {}
        }),
        "medal" if user.badges.is_empty() => push_some(&mut user.badges, medal(value)),
        "wealth" if user.level.is_none() => members(value, |key, value| {
            if key == "level" {
                user.level = some_level(value);
            }
        }),
        _ => {}
    });
}

/// A medal, in either of its forms. One without a name is none.
fn medal(json: &str) -> Option<Badge<'_>> {
    let mut badge = Badge::default();
    members(json, |key, value| match key {
        "medal_name" | "name" => badge.name = text(value),
        "medal_level" | "level" => badge.level = some_number(value),
        "anchor_roomid" => badge.room = some_id(value),
        _ => {}
    });
    some_badge(badge)
}

/// The medal of a chat, a list.
pub(super) fn medal_list(json: &str) -> Option<Badge<'_>> {
    let mut badge = Badge::default();
    entries(json, |at, value| match at {
        0 => badge.level = some_number(value),
        1 => badge.name = text(value),
        3 => badge.room = some_id(value),
        _ => {}
    });
    some_badge(badge)
}

pub(super) fn some_badge(badge: Badge<'_>) -> Option<Badge<'_>> {
    (!badge.name.is_empty()).then_some(badge)
}

/// Level 0 is what those have who never paid, and what is written where nothing is told.
pub(super) fn some_level(json: &str) -> Option<u64> {
    Some(number(json)).filter(|level| *level > 0)
}
