//! What people do.

use std::borrow::Cow;

use super::members::{head, named, number, some, somebody};
use super::message::Read;
use crate::bracketed;
use crate::event::{Body, Chat, Control, FanClub, Gift, Notice, Piece, PieceKind, Share, User};

pub(super) fn chat(text: &str) -> Read<'_> {
    let (mut chat, mut id, mut sent_ms) = (Chat::default(), Cow::default(), 0);
    let head = head(text, |key, value| match key {
        "txt" => chat.text = value,
        "cid" => id = value,
        "cst" => sent_ms = number(&value).unwrap_or_default(),
        _ => {}
    });
    chat.pieces = bracketed::pieces(&chat.text, |word| emoji(word).map(Cow::Owned));
    Read {
        id,
        event_ms: sent_ms,
        ..Read::of(head, Body::Chat(chat))
    }
}

/// `[emot:dy101]`
fn emoji<'a>(word: &str) -> Option<Piece<'a>> {
    let id = word.strip_prefix("[emot:")?.strip_suffix(']')?;
    (!id.is_empty()).then(|| Piece {
        kind: PieceKind::Emoji,
        id: Some(Cow::Owned(id.to_owned())),
        ..Piece::default()
    })
}

/// dgb: each is a send of its own. `hits` goes on over several of them, and begins again without a mark, so that it counts nothing.
pub(super) fn gift(text: &str) -> Read<'_> {
    let mut gift = Gift {
        ends: true,
        ..Gift::default()
    };
    let (mut id, mut name) = (Cow::default(), Cow::default());
    let head = head(text, |key, value| match key {
        "gfid" => gift.gift = value,
        "gfn" => gift.name = value,
        "gfcnt" => gift.group_count = number(&value).unwrap_or_default(),
        "bcnt" => gift.combo_count = number(&value).unwrap_or_default(),
        "hits" => gift.total_count = number(&value).unwrap_or_default(),
        "receive_uid" => id = some(value).unwrap_or_default(),
        "receive_nn" => name = value,
        _ => {}
    });
    // Old messages leave it out for one.
    gift.count = gift.group_count.max(1);
    gift.receiver = named(id, name);
    Read::of(head, Body::Gift(gift))
}

pub(super) fn mute(text: &str) -> Option<Read<'_>> {
    let [mut of, mut by] = [(); 2].map(|()| User::default());
    let mut is_done = true;
    let mut head = head(text, |key, value| match key {
        "did" => of.id = value.into(),
        "dnic" => of.name = value,
        "sid" => by.id = value.into(),
        "snic" => by.name = value,
        "ret" => is_done = value == "0",
        _ => {}
    });
    head.user = of;
    let control = Control {
        action: Cow::Borrowed("mute"),
        by: somebody(by).map(Box::new),
        ..Control::default()
    };
    is_done.then(|| Read::of(head, Body::Control(control)))
}

/// blab: somebody rises in the club.
pub(super) fn fan_club(text: &str) -> Read<'_> {
    let mut before = 0;
    let head = head(text, |key, value| {
        if key == "lbl" {
            before = number(&value).unwrap_or_default();
        }
    });
    let name = head.user.badges.first().map(|badge| badge.name.clone());
    let action = if before == 0 { "joined" } else { "level_up" };
    let club = FanClub {
        text: name.unwrap_or_default(),
        action: Cow::Borrowed(action),
    };
    Read::of(head, Body::FanClub(club))
}

pub(super) fn share(text: &str) -> Read<'_> {
    let mut name = Cow::default();
    let mut head = head(text, |key, value| {
        if key == "nickname" {
            name = value;
        }
    });
    if head.user.name.is_empty() {
        head.user.name = name;
    }
    Read::of(head, Body::Share(Share::default()))
}

/// Somebody has a higher level, which is that of the user of the event.
pub(super) fn upgrade(text: &str) -> Read<'_> {
    let head = head(text, |_, _| {});
    let level = head.user.level.unwrap_or_default();
    let notice = Notice {
        text: Cow::Owned(format!("Lv.{level}")),
        ..Notice::default()
    };
    Read::of(head, Body::Notice(notice))
}
