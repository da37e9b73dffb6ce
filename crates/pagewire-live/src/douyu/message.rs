//! Messages as events.

use std::borrow::Cow;

use pagewire_codec::{DouyuPacket, stt_value};

use super::members::{Head, each, head, named, number, some, somebody};
use super::rank::rank;
use crate::bracketed;
use crate::event::{
    Body, Chat, Control, Enter, Event, FanClub, Gift, Link, LinkSide, Notice, Piece, PieceKind,
    RoomState, RoomStateChange, Share, Site, SiteFormat, SitePart, Stats, Time, Unknown, User,
};
use crate::model::Bytes;
use crate::reader::Take;

/// What a message holds.
#[derive(Debug)]
struct Read<'a> {
    head: Head<'a>,
    id: Cow<'a, str>,
    /// In milliseconds; 0 where it is not told.
    event_ms: u64,
    body: Body<'a>,
    /// Further events of the same message.
    more: Vec<Body<'a>>,
}

impl<'a> Read<'a> {
    fn of(head: Head<'a>, body: Body<'a>) -> Self {
        Self {
            head,
            id: Cow::default(),
            event_ms: 0,
            body,
            more: Vec::new(),
        }
    }
}

/// Gives the events of a packet, which is the one of this index in its frame.
pub(super) fn events(packet: &DouyuPacket<'_>, index: usize, arrival_ms: u64, take: Take<'_>) {
    // Bytes that are not UTF-8 stand as U+FFFD: one name does not cost a message.
    let text = String::from_utf8_lossy(packet.body);
    let is_plain = packet.encryption == 0;
    let method = stt_value(&text, "type").filter(|_| is_plain);
    let method = method.unwrap_or_default();
    let read = if is_plain {
        read(&method, &text, packet.body)
    } else {
        Read::of(Head::default(), unknown(packet.body))
    };
    let mut event = Event {
        site: Site::Douyu,
        room: read.head.room,
        id: read.id,
        time: Time::best(read.event_ms, 0, arrival_ms),
        user: somebody(read.head.user),
        body: read.body,
        method: Cow::Borrowed(&method),
        part: SitePart {
            format: if is_plain {
                SiteFormat::Stt
            } else {
                SiteFormat::Bytes
            },
            bytes: Cow::Borrowed(packet.body),
        },
    };
    if let Body::Gift(gift) = &mut event.body {
        // Nothing in the message tells one send from the next.
        gift.combo = Cow::Owned(format!("{arrival_ms}-{index}-{}", gift.total_count));
    }
    for body in read.more {
        let next = Event {
            body,
            ..event.clone()
        };
        take(Ok(std::mem::replace(&mut event, next)));
    }
    take(Ok(event));
}

fn read<'a>(method: &str, text: &'a str, bytes: &'a [u8]) -> Read<'a> {
    match method {
        "chatmsg" => chat(text),
        "dgb" => gift(text),
        "uenter" => Read::of(head(text, |_, _| {}), Body::Enter(Enter::default())),
        "rss" => room_state(text),
        "ranklist" => {
            ranks(text, &["list", "list_all", "list_day"]).unwrap_or_else(|| other(text, bytes))
        }
        "frank" | "fswrank" => club_rank(method, text),
        "newblackres" => mute(text).unwrap_or_else(|| other(text, bytes)),
        "blab" => fan_club(text),
        "srres" => share(text),
        "upgrade" => upgrade(text),
        "noble_num_info" | "oni" => stats(text),
        "ssd" => notice(text, "content"),
        "gbroadcast" => notice(text, "gbcc"),
        "cthn" => horn(text),
        "spbc" => gift_elsewhere(text),
        "nlkstatus" => link(text),
        "error" => control(text, "error", "code"),
        "loginres" => control(text, "loginres", ""),
        "mrkl" | "keeplive" => control(text, "heartbeat_reply", ""),
        "pingreq" => control(text, "ping", ""),
        _ => other(text, bytes),
    }
}

fn unknown(bytes: &[u8]) -> Body<'_> {
    Body::Unknown(Unknown {
        bytes: Bytes(Cow::Borrowed(bytes)),
    })
}

/// The room is known of most; who of an unknown kind did what is not.
fn other<'a>(text: &'a str, bytes: &'a [u8]) -> Read<'a> {
    let mut head = head(text, |_, _| {});
    head.user = User::default();
    Read::of(head, unknown(bytes))
}

fn chat(text: &str) -> Read<'_> {
    let (mut chat, mut id, mut sent_ms) = (Chat::default(), Cow::default(), 0);
    let head = head(text, |key, value| match key {
        "txt" => chat.text = value,
        "cid" => id = value,
        "cst" => sent_ms = number(&value).unwrap_or_default(),
        _ => {}
    });
    chat.pieces = bracketed::pieces(&chat.text, emoji);
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
fn gift(text: &str) -> Read<'_> {
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

fn room_state(text: &str) -> Read<'_> {
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
fn ranks<'a>(text: &'a str, names: &[&str]) -> Option<Read<'a>> {
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
fn club_rank<'a>(method: &str, text: &'a str) -> Read<'a> {
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

fn mute(text: &str) -> Option<Read<'_>> {
    let [mut of, mut by] = [(); 2].map(|()| User::default());
    let mut is_done = true;
    let mut head = head(text, |key, value| match key {
        "did" => of.id = value,
        "dnic" => of.name = value,
        "sid" => by.id = value,
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
fn fan_club(text: &str) -> Read<'_> {
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

fn share(text: &str) -> Read<'_> {
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
fn upgrade(text: &str) -> Read<'_> {
    let head = head(text, |_, _| {});
    let level = head.user.level.unwrap_or_default();
    let notice = Notice {
        text: Cow::Owned(format!("Lv.{level}")),
        ..Notice::default()
    };
    Read::of(head, Body::Notice(notice))
}

fn stats(text: &str) -> Read<'_> {
    let mut stats = Stats::default();
    let head = head(text, |key, value| {
        if key == "vn" {
            stats.ranked = number(&value);
        }
    });
    Read::of(head, Body::Stats(stats))
}

/// A notice whose text is in the member of this name.
fn notice<'a>(text: &'a str, member: &str) -> Read<'a> {
    let mut notice = Notice::default();
    let head = head(text, |key, value| {
        if key == member {
            notice.text = value;
        }
    });
    Read::of(head, Body::Notice(notice))
}

/// cthn: somebody pays to be read in all rooms. `drid` is where they are.
fn horn(text: &str) -> Read<'_> {
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
fn gift_elsewhere(text: &str) -> Read<'_> {
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
fn link(text: &str) -> Read<'_> {
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

/// Something that only the client itself has to do with.
fn control<'a>(text: &'a str, action: &'static str, member: &str) -> Read<'a> {
    let mut said = None;
    each(text, |key, value| {
        if key == member {
            said = some(value);
        }
    });
    let control = Control {
        action: Cow::Borrowed(action),
        text: said,
        ..Control::default()
    };
    Read::of(Head::default(), Body::Control(control))
}
