//! Messages as events.

use std::borrow::Cow;

use pagewire_codec::DecodeError;

use super::envelope::Message;
use super::fields::{bytes, each, id, number, numbers, some_number, some_text, text};
use super::gift::{gift, light_gift};
use super::people::{Head, head, user};
use super::rich;
use crate::event::{
    Body, Chat, Control, Enter, Event, FanClub, Follow, Id, Like, Link, LinkSide, Notice, Rank,
    Ranked, RoomState, RoomStateChange, Share, Site, SiteFormat, SitePart, Stats, Time, Unknown,
    User, push, push_some,
};
use crate::model::Bytes;
use crate::reader::Take;

impl<'a> Message<'a> {
    /// Gives the events of it.
    ///
    /// # Errors
    ///
    /// Why there are none.
    pub(super) fn events(
        &self,
        site: Site,
        arrival_ms: u64,
        take: Take<'_>,
    ) -> Result<(), DecodeError> {
        // What TikTok's messages have in their fields is not known.
        let read = match site {
            Site::Tiktok => Ok(Read::of(Head::default(), unknown(self.payload))),
            Site::Douyin | Site::Huya | Site::Bilibili | Site::Douyu => self.read(),
        };
        let Read {
            head,
            body,
            also,
            event_ms,
        } = read.map_err(|error| {
            let method = self.method.strip_prefix("Webcast").unwrap_or(&self.method);
            error.shifted(self.at).inside(method)
        })?;
        let event = Event {
            site,
            room: head.room,
            id: message_id(self.msg_id, head.msg_id),
            time: Time::best(event_ms, head.create_ms, arrival_ms),
            user: head.user,
            body,
            method: Cow::Borrowed(&self.method),
            part: SitePart {
                format: if site == Site::Douyin {
                    SiteFormat::Douyin
                } else {
                    SiteFormat::Protobuf
                },
                bytes: Cow::Borrowed(self.payload),
            },
        };
        let also = also.map(|body| Event {
            room: event.room.clone(),
            id: event.id.clone(),
            user: event.user.clone(),
            method: event.method.clone(),
            part: event.part.clone(),
            body,
            ..event
        });
        take(Ok(event));
        if let Some(also) = also {
            take(Ok(also));
        }
        Ok(())
    }

    fn read(&self) -> Result<Read<'a>, DecodeError> {
        let payload = self.payload;
        match self.method.strip_prefix("Webcast").unwrap_or(&self.method) {
            "ChatMessage" => chat(payload, &CHAT),
            "EmojiChatMessage" => emoji(payload),
            "ScreenChatMessage" => chat(payload, &SCREEN_CHAT),
            "PrivilegeScreenChatMessage" => chat(payload, &PRIVILEGE_SCREEN_CHAT),
            "GiftMessage" => gift(payload),
            "LightGiftMessage" => light_gift(payload),
            "LikeMessage" => like(payload),
            "MemberMessage" => member(payload),
            "SocialMessage" => social(payload),
            "FansclubMessage" => fan_club(payload),
            "RoomUserSeqMessage" => user_seq(payload),
            "RoomStatsMessage" => stats(payload),
            "RoomRankMessage" => rank(payload),
            "ControlMessage" => control(payload),
            "RoomMessage" => notice(payload, NO_USER, 2),
            "RoomIntroMessage" => notice(payload, 2, 4),
            "CommonTextMessage" => notice(payload, 2, NO_TEXT),
            "ImDeleteMessage" => delete(payload),
            "LinkerContributeMessage" => contribute(payload),
            method if method.starts_with("Link") => link(method, payload),
            _ => other(payload),
        }
    }
}

/// What is around a message has its id; the message itself may have it too. 0 is what is written for nothing.
fn message_id(around: u64, inside: u64) -> Id<'static> {
    match if around == 0 { inside } else { around } {
        0 => Id::default(),
        id => Id::from(id),
    }
}

/// What a message holds.
pub(super) struct Read<'a> {
    head: Head<'a>,
    body: Body<'a>,
    /// A second event of the same message.
    also: Option<Body<'a>>,
    /// When it happened, in milliseconds; 0 where that is not told.
    event_ms: u64,
}

impl<'a> Read<'a> {
    pub(super) fn of(head: Head<'a>, body: Body<'a>) -> Self {
        Self {
            head,
            body,
            also: None,
            event_ms: 0,
        }
    }
}

/// No field has the number 0.
const NO_USER: u32 = 0;
const NO_TEXT: u32 = 0;
const NO_TIME: u32 = 0;

fn unknown(payload: &[u8]) -> Body<'_> {
    Body::Unknown(Unknown {
        bytes: Bytes(Cow::Borrowed(payload)),
    })
}

/// Where a chat has what.
struct ChatFields {
    text: u32,
    /// In seconds.
    event_time: u32,
    /// The second version stands behind the first one and takes its place.
    rich_text: [u32; 2],
}

const CHAT: ChatFields = ChatFields {
    text: 3,
    event_time: 15,
    rich_text: [40, 41],
};
/// A chat that crosses the picture.
const SCREEN_CHAT: ChatFields = ChatFields {
    text: 4,
    event_time: 12,
    rich_text: [30, 32],
};
/// It tells no time.
const PRIVILEGE_SCREEN_CHAT: ChatFields = ChatFields {
    text: 3,
    event_time: NO_TIME,
    rich_text: [7, 8],
};

#[inline]
fn chat<'a>(payload: &'a [u8], fields: &ChatFields) -> Result<Read<'a>, DecodeError> {
    let (mut chat, mut event_s, mut rich_text) = (Chat::default(), 0, &[][..]);
    let head = head(payload, 2, |field| {
        match field.number {
            number if number == fields.text => chat.text = text(field),
            number if number == fields.event_time => event_s = self::number(field),
            number if fields.rich_text.contains(&number) => rich_text = bytes(field),
            _ => {}
        }
        Ok(())
    })?;
    chat.pieces = rich::pieces(rich_text)?;
    let mut read = Read::of(head, Body::Chat(chat));
    read.event_ms = u64::saturating_mul(event_s, 1_000);
    Ok(read)
}

/// An emoji alone is a chat of what stands for it.
fn emoji(payload: &[u8]) -> Result<Read<'_>, DecodeError> {
    let mut chat = Chat::default();
    let head = head(payload, 2, |field| {
        match field.number {
            4 => chat.pieces = rich::pieces(bytes(field))?,
            5 => chat.text = text(field),
            _ => {}
        }
        Ok(())
    })?;
    Ok(Read::of(head, Body::Chat(chat)))
}

fn like(payload: &[u8]) -> Result<Read<'_>, DecodeError> {
    let mut like = Like::default();
    let head = head(payload, 5, |field| {
        match field.number {
            2 => like.count = number(field),
            3 => like.total = some_number(field),
            _ => {}
        }
        Ok(())
    })?;
    Ok(Read::of(head, Body::Like(like)))
}

/// Somebody comes in, or something is done to somebody.
fn member(payload: &[u8]) -> Result<Read<'_>, DecodeError> {
    let (mut enter, mut action, mut by) = (Enter::default(), 0, None);
    let head = head(payload, 2, |field| {
        match field.number {
            3 => enter.viewers = some_number(field),
            4 => by = Some(Box::new(user(bytes(field))?)),
            10 => action = number(field),
            11 => enter.text = some_text(field),
            _ => {}
        }
        Ok(())
    })?;
    let ordered = match action {
        0 | 1 => return Ok(Read::of(head, Body::Enter(enter))),
        8 => return Ok(Read::of(head, Body::Share(Share::default()))),
        20 => return Ok(Read::of(head, Body::Follow(Follow::default()))),
        2 => "leave",
        3 | 9 => "mute",
        4 | 10 => "unmute",
        5 => "admin",
        6 => "unadmin",
        7 => "kick",
        11 => "block",
        _ => "",
    };
    let control = Control {
        action: named(ordered, action),
        text: enter.text,
        by,
        ..Control::default()
    };
    Ok(Read::of(head, Body::Control(control)))
}

/// A name where there is one, else the site's number.
fn named(name: &'static str, number: u64) -> Cow<'static, str> {
    if name.is_empty() {
        Cow::Owned(number.to_string())
    } else {
        Cow::Borrowed(name)
    }
}

fn social(payload: &[u8]) -> Result<Read<'_>, DecodeError> {
    let (mut action, mut share, mut follow) = (0, Share::default(), Follow::default());
    let head = head(payload, 2, |field| {
        match field.number {
            4 => action = number(field),
            5 => share.target = some_text(field),
            6 => follow.followers = some_number(field),
            _ => {}
        }
        Ok(())
    })?;
    let body = match action {
        1 => Body::Follow(follow),
        3 => Body::Share(share),
        _ => unknown(payload),
    };
    Ok(Read::of(head, body))
}

fn fan_club(payload: &[u8]) -> Result<Read<'_>, DecodeError> {
    let (mut said, mut action) = (Cow::default(), 0);
    let head = head(payload, 4, |field| {
        match field.number {
            2 => action = number(field),
            3 => said = text(field),
            _ => {}
        }
        Ok(())
    })?;
    let name = match action {
        1 => "level_up",
        2 => "joined",
        _ => "",
    };
    let club = FanClub {
        text: said,
        action: named(name, action),
    };
    Ok(Read::of(head, Body::FanClub(club)))
}

/// How many there are, and who gave most.
fn user_seq(payload: &[u8]) -> Result<Read<'_>, DecodeError> {
    let (mut stats, mut users) = (Stats::default(), Vec::new());
    let mut head = head(payload, NO_USER, |field| {
        match field.number {
            2 => {
                let found = contributor(bytes(field), &users)?;
                push_some(&mut users, found);
            }
            3 => stats.viewers = some_number(field),
            7 => stats.total = some_number(field),
            8 => stats.text = some_text(field),
            _ => {}
        }
        Ok(())
    })?;
    head.user = None;
    let mut read = Read::of(head, Body::Stats(stats));
    if !users.is_empty() {
        read.also = Some(Body::Rank(Rank {
            name: Cow::Borrowed("contributors"),
            users,
            ..Rank::default()
        }));
    }
    Ok(read)
}

/// Contributor
fn contributor<'a>(
    fields: &'a [u8],
    before: &[Ranked<'_>],
) -> Result<Option<Ranked<'a>>, DecodeError> {
    let (mut ranked, mut score) = (place_after(before), Cow::default());
    each(fields, |field| {
        match field.number {
            1 => score = id(field),
            2 => ranked.user = user(bytes(field))?,
            3 => ranked.place = some_number(field).unwrap_or(ranked.place),
            7 => ranked.score = text(field),
            _ => {}
        }
        Ok(())
    })?;
    if ranked.score.is_empty() {
        ranked.score = score;
    }
    Ok((ranked.user != User::default()).then_some(ranked))
}

fn place_after(before: &[Ranked<'_>]) -> Ranked<'static> {
    Ranked {
        place: (before.len() as u64).saturating_add(1),
        ..Ranked::default()
    }
}

fn stats(payload: &[u8]) -> Result<Read<'_>, DecodeError> {
    let mut stats = Stats::default();
    let mut head = head(payload, NO_USER, |field| {
        match field.number {
            4 => stats.text = some_text(field),
            5 => stats.viewers = some_number(field),
            _ => {}
        }
        Ok(())
    })?;
    head.user = None;
    Ok(Read::of(head, Body::Stats(stats)))
}

fn rank(payload: &[u8]) -> Result<Read<'_>, DecodeError> {
    let mut users = Vec::new();
    let mut head = head(payload, NO_USER, |field| {
        if field.number == 2 {
            let found = room_rank(bytes(field), &users)?;
            push_some(&mut users, found);
        }
        Ok(())
    })?;
    head.user = None;
    let rank = Rank {
        name: Cow::Borrowed("room"),
        users,
        ..Rank::default()
    };
    Ok(Read::of(head, Body::Rank(rank)))
}

/// RoomRank
fn room_rank<'a>(
    fields: &'a [u8],
    before: &[Ranked<'_>],
) -> Result<Option<Ranked<'a>>, DecodeError> {
    let mut ranked = place_after(before);
    each(fields, |field| {
        match field.number {
            1 => ranked.user = user(bytes(field))?,
            2 => ranked.score = text(field),
            _ => {}
        }
        Ok(())
    })?;
    Ok((ranked.user != User::default()).then_some(ranked))
}

fn control(payload: &[u8]) -> Result<Read<'_>, DecodeError> {
    let (mut action, mut tips) = (0, None);
    let head = head(payload, NO_USER, |field| {
        match field.number {
            2 => action = number(field),
            3 => tips = some_text(field),
            _ => {}
        }
        Ok(())
    })?;
    let state = match action {
        1 => RoomState::Paused,
        2 => RoomState::Live,
        3 | 4 | 6 => RoomState::Ended,
        _ => {
            let name = if action == 5 { "change_node" } else { "" };
            let control = Control {
                action: named(name, action),
                text: tips,
                ..Control::default()
            };
            return Ok(Read::of(head, Body::Control(control)));
        }
    };
    let change = RoomStateChange {
        state: Some(state),
        text: tips,
        ..RoomStateChange::default()
    };
    Ok(Read::of(head, Body::RoomState(change)))
}

/// What the site says, in the field of this number, else what it shows for it.
fn notice(payload: &[u8], user_number: u32, text_number: u32) -> Result<Read<'_>, DecodeError> {
    let mut notice = Notice::default();
    let head = head(payload, user_number, |field| {
        if field.number == text_number {
            notice.text = text(field);
        }
        Ok(())
    })?;
    if notice.text.is_empty() {
        notice.pieces = rich::pieces(head.display_text)?;
        notice.text = Cow::Owned(rich::plain(&notice.pieces));
    }
    Ok(Read::of(head, Body::Notice(notice)))
}

/// Messages are taken back. The ids are packed, or one by one.
fn delete(payload: &[u8]) -> Result<Read<'_>, DecodeError> {
    let mut control = Control {
        action: Cow::Borrowed("delete"),
        ..Control::default()
    };
    let head = head(payload, NO_USER, |field| {
        if field.number == 2 {
            numbers(field, |id| {
                push(&mut control.ids, Cow::Owned(id.to_string()))
            })?;
        }
        Ok(())
    })?;
    Ok(Read::of(head, Body::Control(control)))
}

/// What somebody's guests gave.
fn contribute(payload: &[u8]) -> Result<Read<'_>, DecodeError> {
    let mut side = LinkSide::default();
    let head = head(payload, NO_USER, |field| {
        match field.number {
            2 => side.id = id(field),
            3 => side.score = some_number(field),
            _ => {}
        }
        Ok(())
    })?;
    let link = Link {
        action: Cow::Borrowed("LinkerContribute"),
        battle: false,
        sides: vec![side],
    };
    Ok(Read::of(head, Body::Link(link)))
}

/// Of the other kinds of links it is known that they are such. Their common part is read.
fn link<'a>(method: &str, payload: &'a [u8]) -> Result<Read<'a>, DecodeError> {
    let head = head(payload, NO_USER, |_| Ok(()))?;
    let action = method.strip_suffix("Message").unwrap_or(method);
    let link = Link {
        battle: action.contains("Battle") || action.contains("Armies"),
        action: Cow::Owned(action.to_owned()),
        sides: Vec::new(),
    };
    Ok(Read::of(head, Body::Link(link)))
}

/// All messages have a common part; of one that has none the rest is there.
fn other(payload: &[u8]) -> Result<Read<'_>, DecodeError> {
    let mut head = head(payload, NO_USER, |_| Ok(())).unwrap_or_default();
    head.user = None;
    Ok(Read::of(head, unknown(payload)))
}
