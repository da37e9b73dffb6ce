//! The room: how it is, who is first, what the site says.

use std::borrow::Cow;

use super::members::{each, head, number};
use super::message::Read;
use super::rank::rank;
use crate::event::{Body, Link, LinkSide, Notice, RoomState, RoomStateChange, Stats};

pub(super) fn room_state(text: &str) -> Read<'_> {
    let mut change = RoomStateChange::default();
    let head = head(text, |key, value| {
        if key == "ss" {
            change.state = match &*value {
                "1" => Some(RoomState::Live),
                "0" => Some(RoomState::Ended),
                _ => None,
            };
        }
    });
    Read::of(head, Body::RoomState(change))
}

/// A message with several lists, each a ranking of its own. None where it has no list.
pub(super) fn ranks<'a>(text: &'a str, names: &[&str]) -> Option<Read<'a>> {
    let mut rankings = Vec::new();
    let head = head(text, |key, value| {
        // A list comes once; what comes again would be a ranking of the same name.
        if names.contains(&key) && rankings.len() < names.len() {
            rankings.push(rank(key, &value, None));
        }
    });
    let mut rankings = rankings.into_iter();
    let first = rankings.next()?;
    Some(Read {
        more: rankings.collect(),
        ..Read::of(head, first)
    })
}

/// A ranking of the club of this room.
pub(super) fn club_rank<'a>(method: &str, text: &'a str) -> Read<'a> {
    let mut list = Cow::default();
    let mut head = head(text, |key, value| {
        if key == "list" {
            list = value;
        }
    });
    // The badge of the message is that of the club, and of nobody.
    let club = head.user.badges.pop();
    let club = club.as_ref().map(|badge| &*badge.name);
    let body = rank(method, &list, club);
    Read::of(head, body)
}

pub(super) fn stats(text: &str) -> Read<'_> {
    let mut stats = Stats::default();
    let head = head(text, |key, value| {
        if key == "vn" {
            stats.ranked = number(&value);
        }
    });
    Read::of(head, Body::Stats(stats))
}

/// A notice whose text is in the member of this name.
pub(super) fn notice<'a>(text: &'a str, member: &str) -> Read<'a> {
    let mut notice = Notice::default();
    let head = head(text, |key, value| {
        if key == member {
            notice.text = value;
        }
    });
    Read::of(head, Body::Notice(notice))
}

/// cthn: somebody pays to be read in all rooms. `drid` is where they are.
pub(super) fn horn(text: &str) -> Read<'_> {
    let (mut notice, mut name) = (Notice::default(), Cow::default());
    let (mut room, mut sent_ms) = (Cow::default(), 0);
    let mut head = head(text, |key, value| match key {
        "chatmsg" => notice.text = value,
        "unk" => name = value,
        "drid" => room = value,
        "ts" => sent_ms = number(&value).unwrap_or_default().saturating_mul(1_000),
        _ => {}
    });
    head.user.name = name;
    head.room = room;
    Read {
        event_ms: sent_ms,
        ..Read::of(head, Body::Notice(notice))
    }
}

/// spbc: a gift that all rooms are told of. The room it was given in has it as dgb too.
pub(super) fn gift_elsewhere(text: &str) -> Read<'_> {
    let [mut from, mut to, mut what, mut count, mut room] = [(); 5].map(|()| Cow::default());
    let mut head = head(text, |key, value| match key {
        "sn" => from = value,
        "dn" => to = value,
        "gn" => what = value,
        "gc" => count = value,
        "drid" => room = value,
        _ => {}
    });
    head.room = room;
    let notice = Notice {
        text: Cow::Owned(format!("{from} → {to}: {what} x{count}")),
        ..Notice::default()
    };
    Read::of(head, Body::Notice(notice))
}

/// nlkstatus: two rooms compete.
pub(super) fn link(text: &str) -> Read<'_> {
    let mut link = Link {
        action: Cow::Borrowed("nlkstatus"),
        battle: true,
        sides: Vec::new(),
    };
    let head = head(text, |key, value| {
        if matches!(key, "rida" | "idb") && link.sides.len() < 2 {
            link.sides.push(side(&value));
        }
    });
    Read::of(head, Body::Link(link))
}

fn side(message: &str) -> LinkSide<'static> {
    let mut side = LinkSide::default();
    each(message, |key, value| match key {
        "rid" => side.id = Cow::Owned(value.into_owned()),
        "nn" => side.name = Some(Cow::Owned(value.into_owned())),
        "sc" => side.score = number(&value),
        _ => {}
    });
    side
}
