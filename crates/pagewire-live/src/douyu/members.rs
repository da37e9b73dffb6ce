//! Members of messages, and those that most kinds have.

use std::borrow::Cow;

use pagewire_codec::stt_items;

use crate::event::{Badge, User};

/// Those who keep order in a room, and its host.
const ADMINS: [&str; 2] = ["4", "5"];

/// Where something happened, and who did it.
#[derive(Debug, Default)]
pub(super) struct Head<'a> {
    pub(super) room: Cow<'a, str>,
    pub(super) user: User<'a>,
}

/// The members of a message in their order. A key can come again.
pub(super) fn each<'a>(message: &'a str, mut take: impl FnMut(&str, Cow<'a, str>)) {
    for item in stt_items(message) {
        if let Some(key) = item.key {
            take(&key, item.value);
        }
    }
}

/// Reads the members that most kinds have, and has `more` read the others.
pub(super) fn head<'a>(message: &'a str, mut more: impl FnMut(&str, Cow<'a, str>)) -> Head<'a> {
    let (mut head, mut badge) = (Head::default(), Badge::default());
    each(message, |key, value| match key {
        // Where it comes again the first one is the room, and the second -1.
        "rid" if head.room.is_empty() => head.room = some(value).unwrap_or_default(),
        "bnn" => badge.name = value,
        "bl" => badge.level = number(&value),
        "brid" => badge.room = some(value),
        _ if is_of_person(key) => person_member(&mut head.user, key, value),
        _ => more(key, value),
    });
    if !badge.name.is_empty() {
        head.user.badges.push(badge);
    }
    head
}

fn is_of_person(key: &str) -> bool {
    matches!(key, "uid" | "nn" | "level" | "rg")
}

fn person_member<'a>(user: &mut User<'a>, key: &str, value: Cow<'a, str>) {
    match key {
        "uid" => user.id = value.into(),
        "nn" => user.name = value,
        "level" => user.level = number(&value),
        "rg" => user.admin = ADMINS.contains(&&*value),
        _ => {}
    }
}

/// Somebody of whom at least one thing is told.
pub(super) fn somebody(user: User<'_>) -> Option<User<'_>> {
    (!user.id.is_empty() || !user.name.is_empty()).then_some(user)
}

/// The same, of an id and a name.
pub(super) fn named<'a>(id: Cow<'a, str>, name: Cow<'a, str>) -> Option<Box<User<'a>>> {
    let user = User {
        id: id.into(),
        name,
        ..User::default()
    };
    somebody(user).map(Box::new)
}

/// A text that is there, and not the 0 that stands for nothing.
pub(super) fn some(value: Cow<'_, str>) -> Option<Cow<'_, str>> {
    (!value.is_empty() && value != "0").then_some(value)
}

/// A number; none where it is no such.
pub(super) fn number(value: &str) -> Option<u64> {
    value.parse().ok()
}
