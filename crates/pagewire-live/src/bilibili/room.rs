//! The room: who comes, how many there are, what the site says.

use std::borrow::Cow;

use super::json::{entries, members, seconds, some_id, some_number, some_text, text};
use super::message::{Message, Read, control};
use super::people::{head, somebody};
use crate::event::{
    Body, Enter, Like, Link, LinkSide, Notice, Rank, Ranked, RoomState, RoomStateChange, Stats,
    push,
};

/// A text in which `<%` and `%>` stand around what is to be shown in another colour, without them.
pub(super) fn unmarked(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.contains("<%") {
        Cow::Owned(text.replace("<%", "").replace("%>", ""))
    } else {
        text
    }
}

/// ENTRY_EFFECT: somebody with a rank comes in. INTERACT_WORD may tell of the same.
pub(super) fn entry(data: &str) -> Read<'_> {
    let mut said = Cow::default();
    let mut head = head(data, |key, value| {
        if key == "copy_writing" {
            said = text(value);
        }
    });
    if head.user.name.is_empty()
        && let Some((_, rest)) = said.split_once("<%")
        && let Some((name, _)) = rest.split_once("%>")
    {
        head.user.name = Cow::Owned(name.to_owned());
    }
    let enter = Enter {
        text: (!said.is_empty()).then(|| unmarked(said)),
        ..Enter::default()
    };
    Read::of(head, Body::Enter(enter))
}

/// LIKE_INFO_V3_CLICK: somebody presses the heart. How often is not told.
pub(super) fn like(data: &str) -> Read<'_> {
    let head = head(data, |_, _| {});
    let like = Like {
        count: 1,
        total: None,
    };
    Read::of(head, Body::Like(like))
}

/// A message with numbers of people, read member by member.
fn stats<'a>(data: &'a str, mut member: impl FnMut(&mut Stats<'a>, &str, &'a str)) -> Read<'a> {
    let mut stats = Stats::default();
    members(data, |key, value| member(&mut stats, key, value));
    Read::told(Body::Stats(stats))
}

/// LIKE_INFO_V3_UPDATE
pub(super) fn likes(data: &str) -> Read<'_> {
    stats(data, |stats, key, value| {
        if key == "click_count" {
            stats.likes = some_number(value);
        }
    })
}

/// WATCHED_CHANGE
pub(super) fn watched(data: &str) -> Read<'_> {
    stats(data, |stats, key, value| match key {
        "num" => stats.total = some_number(value),
        "text_large" => stats.text = some_text(value),
        _ => {}
    })
}

/// ONLINE_RANK_COUNT
pub(super) fn online(data: &str) -> Read<'_> {
    stats(data, |stats, key, value| match key {
        "count" => stats.ranked = some_number(value),
        "online_count" => stats.viewers = some_number(value),
        "online_count_text" => stats.text = some_text(value),
        _ => {}
    })
}

/// ONLINE_RANK_V2
pub(super) fn rank(data: &str) -> Read<'_> {
    let mut rank = Rank::default();
    members(data, |key, value| match key {
        "rank_type" => rank.name = text(value),
        "list" | "online_list" => entries(value, |at, value| {
            push(&mut rank.users, ranked(at, value));
        }),
        _ => {}
    });
    Read::told(Body::Rank(rank))
}

fn ranked(at: usize, json: &str) -> Ranked<'_> {
    let mut ranked = Ranked {
        place: (at as u64).saturating_add(1),
        ..Ranked::default()
    };
    let head = head(json, |key, value| match key {
        "rank" => ranked.place = some_number(value).unwrap_or(ranked.place),
        "score" => ranked.score = text(value),
        _ => {}
    });
    ranked.user = somebody(head.user).unwrap_or_default();
    ranked
}

fn state<'a>(state: RoomState, text: Option<Cow<'a, str>>) -> Body<'a> {
    Body::RoomState(RoomStateChange {
        state: Some(state),
        title: None,
        text,
    })
}

/// ROOM_CHANGE: another title, or another area, which is the text.
pub(super) fn change(data: &str) -> Read<'_> {
    let mut change = RoomStateChange::default();
    members(data, |key, value| match key {
        "title" => change.title = some_text(value),
        "area_name" => change.text = some_text(value),
        _ => {}
    });
    Read::told(Body::RoomState(change))
}

/// LIVE. It comes twice for one beginning; the second one has no time.
pub(super) fn live(whole: &str) -> Read<'_> {
    let mut read = Read::told(state(RoomState::Live, None));
    members(whole, |key, value| {
        if key == "live_time" {
            read.head.event_ms = seconds(value);
        }
    });
    read
}

/// PREPARING
pub(super) fn ended<'a>() -> Read<'a> {
    Read::told(state(RoomState::Ended, None))
}

/// CUT_OFF: the site ends the broadcast.
pub(super) fn cut_off(whole: &str) -> Read<'_> {
    Read::told(state(RoomState::Ended, member(whole, "msg")))
}

/// WARNING: the site warns the host.
pub(super) fn warning(whole: &str) -> Read<'_> {
    Read::told(control(Cow::Borrowed("warning"), member(whole, "msg")))
}

/// LOG_IN_NOTICE: who has not logged in is shown no names.
pub(super) fn log_in(data: &str) -> Read<'_> {
    let action = Cow::Borrowed("log_in_notice");
    Read::told(control(action, member(data, "notice_msg")))
}

/// A text of this name.
fn member<'a>(json: &'a str, name: &str) -> Option<Cow<'a, str>> {
    let mut found = None;
    members(json, |key, value| {
        if key == name {
            found = some_text(value);
        }
    });
    found
}

/// ROOM_BLOCK_MSG: somebody is muted. The person stands beside `data`, in it, or both.
pub(super) fn block<'a>(whole: &'a str, data: &'a str) -> Read<'a> {
    let mut person = head(whole, |_, _| {});
    if person.user.id.is_empty() {
        person.user = head(data, |_, _| {}).user;
    }
    Read::of(person, control(Cow::Borrowed("mute"), None))
}

/// NOTICE_MSG: what all rooms are told, in the form for all or the one for this room.
pub(super) fn notice_to_all(whole: &str) -> Read<'_> {
    let said = member(whole, "msg_common").or_else(|| member(whole, "msg_self"));
    Read::told(Body::Notice(Notice {
        text: unmarked(said.unwrap_or_default()),
        pieces: Vec::new(),
    }))
}

/// PK_BATTLE_*: two rooms compete. Those that tell of both have `init_info` and `match_info`; PK_BATTLE_PRE has the other one alone.
pub(super) fn battle<'a>(message: &Message<'a>) -> Read<'a> {
    let mut link = Link {
        action: message.command.clone(),
        battle: true,
        sides: Vec::new(),
    };
    let mut other = LinkSide::default();
    members(message.data, |key, value| match key {
        "init_info" | "match_info" => {
            let mut side = LinkSide::default();
            members(value, |key, value| side_member(&mut side, key, value));
            push(&mut link.sides, side);
        }
        _ => side_member(&mut other, key, value),
    });
    if link.sides.is_empty() && !other.id.is_empty() {
        link.sides.push(other);
    }
    Read::told(Body::Link(link))
}

fn side_member<'a>(side: &mut LinkSide<'a>, key: &str, value: &'a str) {
    match key {
        "room_id" => side.id = some_id(value).unwrap_or_default(),
        "uname" => side.name = some_text(value),
        "votes" => side.score = some_number(value),
        _ => {}
    }
}
