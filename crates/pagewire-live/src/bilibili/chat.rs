//! What people say.

use std::borrow::Cow;
use std::collections::HashMap;

use super::json::{entries, hundredths, members, number, seconds, some_id, some_text, text};
use super::message::{Read, named};
use super::people::{Head, fill, head, medal_list, some_level};
use crate::bracketed;
use crate::event::{Body, Chat, Control, EVENT_LIST_MAX, Piece, PieceKind, Unit, push, push_some};

/// A chat that is one emoticon.
const EMOTICON: u64 = 1;

/// What the first entry of a chat says of it.
#[derive(Debug, Default)]
struct Way<'a> {
    sent_ms: u64,
    kind: u64,
    emoticon: &'a str,
    mode: &'a str,
}

/// DANMU_MSG: a list of lists, by place.
pub(super) fn chat(info: &str) -> Read<'_> {
    let (mut way, mut said) = (Way::default(), Cow::default());
    let (mut head, mut level) = (Head::default(), None);
    let user = &mut head.user;
    entries(info, |at, value| match at {
        0 => way = read_way(value),
        1 => said = text(value),
        2 => entries(value, |at, value| match at {
            0 => user.id = text(value).into(),
            1 => user.name = text(value),
            2 => user.admin = number(value) == 1,
            _ => {}
        }),
        3 => push_some(&mut user.badges, medal_list(value)),
        4 => level = first_level(value),
        16 => user.level = first_level(value),
        _ => {}
    });
    let mut extra = Cow::default();
    members(way.mode, |key, value| match key {
        "user" => fill(user, value),
        "extra" => extra = text(value),
        _ => {}
    });
    // The newer level is of paying alone; the older one is all that older messages have.
    user.level = user.level.or(level);
    head.event_ms = way.sent_ms;
    let mut extra = read_extra(&extra, &said);
    if way.kind == EMOTICON && extra.pieces.is_empty() {
        push_some(&mut extra.pieces, emoticon(way.emoticon, &said));
    }
    let chat = Chat {
        text: said,
        pieces: extra.pieces,
        reply_to: named(extra.reply_id, extra.reply_name),
        ..Chat::default()
    };
    Read {
        id: extra.id,
        ..Read::of(head, Body::Chat(chat))
    }
}

fn read_way(json: &str) -> Way<'_> {
    let mut way = Way::default();
    entries(json, |at, value| match at {
        4 => way.sent_ms = number(value),
        12 => way.kind = number(value),
        13 => way.emoticon = value,
        15 => way.mode = value,
        _ => {}
    });
    way
}

/// A list whose first entry is a level.
fn first_level(json: &str) -> Option<u64> {
    let mut level = None;
    entries(json, |at, value| {
        if at == 0 {
            level = some_level(value);
        }
    });
    level
}

/// What stands in a text that is JSON itself.
#[derive(Debug, Default)]
struct Extra<'a> {
    id: Cow<'static, str>,
    pieces: Vec<Piece<'a>>,
    reply_id: Cow<'static, str>,
    reply_name: Cow<'static, str>,
}

/// Its members are copied, since the text was escaped.
fn read_extra<'a>(json: &str, said: &Cow<'a, str>) -> Extra<'a> {
    let mut extra = Extra::default();
    let kept = |value| Cow::Owned(text(value).into_owned());
    members(json, |key, value| match key {
        "id_str" => extra.id = kept(value),
        "emots" => extra.pieces = emojis(value, said),
        "reply_mid" => {
            let id = some_id(value).map(Cow::into_owned);
            extra.reply_id = id.map(Cow::Owned).unwrap_or_default();
        }
        "reply_uname" => extra.reply_name = kept(value),
        _ => {}
    });
    extra
}

/// The text with the emoji of it apart.
fn emojis<'a>(json: &str, said: &Cow<'a, str>) -> Vec<Piece<'a>> {
    let mut known: HashMap<String, Piece<'a>> = HashMap::new();
    members(json, |key, value| {
        if known.len() < EVENT_LIST_MAX {
            known.insert(key.to_owned(), kept_emoji(value));
        }
    });
    if known.is_empty() {
        return Vec::new();
    }
    bracketed::pieces(said, |word| known.get(word).map(Cow::Borrowed))
}

/// An entry of `emots`.
fn kept_emoji(json: &str) -> Piece<'static> {
    let mut piece = Piece {
        kind: PieceKind::Emoji,
        ..Piece::default()
    };
    let kept = |value| some_text(value).map(|text| Cow::Owned(text.into_owned()));
    members(json, |key, value| match key {
        "emoticon_unique" => piece.id = kept(value),
        "url" => piece.image = kept(value),
        _ => {}
    });
    piece
}

/// A chat that is one picture.
fn emoticon<'a>(json: &'a str, said: &Cow<'a, str>) -> Option<Piece<'a>> {
    let mut piece = Piece {
        kind: PieceKind::Emoji,
        text: said.clone(),
        ..Piece::default()
    };
    members(json, |key, value| match key {
        "emoticon_unique" => piece.id = some_text(value),
        "url" => piece.image = some_text(value),
        _ => {}
    });
    (piece.id.is_some() || piece.image.is_some()).then_some(piece)
}

/// SUPER_CHAT_MESSAGE: a chat that was paid for, in whole yuan.
pub(super) fn super_chat(data: &str) -> Read<'_> {
    let (mut chat, mut id, mut by, mut begins_ms) = (Chat::default(), Cow::default(), "", 0);
    let mut head = head(data, |key, value| match key {
        "message" => chat.text = text(value),
        "price" => chat.paid = Some(hundredths(value)),
        "id" => id = some_id(value).unwrap_or_default(),
        "user_info" => by = value,
        "start_time" => begins_ms = seconds(value),
        _ => {}
    });
    let (user, mut user_level) = (&mut head.user, None);
    members(by, |key, value| match key {
        "uname" if user.name.is_empty() => user.name = text(value),
        "face" if user.avatar.is_none() => user.avatar = some_text(value),
        "user_level" => user_level = some_level(value),
        "manager" => user.admin = number(value) == 1,
        _ => {}
    });
    user.level = user.level.or(user_level);
    if head.event_ms == 0 {
        head.event_ms = begins_ms;
    }
    chat.unit = chat.paid.map(|_| Unit::Fen);
    Read {
        id,
        ..Read::of(head, Body::Chat(chat))
    }
}

/// SUPER_CHAT_MESSAGE_DELETE
pub(super) fn delete(data: &str) -> Read<'_> {
    let mut control = Control {
        action: Cow::Borrowed("delete"),
        ..Control::default()
    };
    let head = head(data, |key, value| {
        if key == "ids" {
            entries(value, |_, id| push(&mut control.ids, text(id)));
        }
    });
    Read::of(head, Body::Control(control))
}
