//! Messages as events.

use std::borrow::Cow;

use pagewire_codec::{BilibiliPacket, DecodeError, Fault};
use serde::de::IgnoredAny;

use super::json::{is_list, is_object, number, some_id, some_text, text, try_members};
use super::people::{Head, somebody};
use super::{chat, gift, people, room};
use crate::event::{
    Body, Control, Enter, Event, Follow, Id, Share, Site, SiteFormat, SitePart, Time, Unknown, User,
};
use crate::model::Bytes;
use crate::reader::Take;

/// One message of the site.
#[derive(Debug, Default)]
pub(super) struct Message<'a> {
    /// All of it, as JSON.
    pub(super) whole: &'a str,
    /// What it is, such as `DANMU_MSG`.
    pub(super) command: Cow<'a, str>,
    /// Its member `data` where that is an object; else empty.
    pub(super) data: &'a str,
    /// Its member `info` where that is a list; else empty. Only chats have one.
    pub(super) info: &'a str,
    room: Cow<'a, str>,
    id: Cow<'a, str>,
    sent_ms: u64,
}

/// What a message holds.
#[derive(Debug)]
pub(super) struct Read<'a> {
    pub(super) head: Head<'a>,
    /// What identifies it, where it has that.
    pub(super) id: Cow<'a, str>,
    pub(super) body: Body<'a>,
    /// Further events of the same message.
    pub(super) more: Vec<Body<'a>>,
}

impl<'a> Read<'a> {
    pub(super) fn of(head: Head<'a>, body: Body<'a>) -> Self {
        Self {
            head,
            id: Cow::default(),
            body,
            more: Vec::new(),
        }
    }

    /// Of nobody.
    pub(super) fn told(body: Body<'a>) -> Self {
        Self::of(Head::default(), body)
    }
}

/// Gives the events of the body of a packet, or why there are none. Of an error in what is packed in a message the place is one of that.
pub(super) fn events(packet: &BilibiliPacket<'_>, arrival_ms: u64, take: Take<'_>) {
    let message = match message(&packet.body) {
        Ok(message) => message,
        Err(error) => return take(Err(error.shifted(packet.at))),
    };
    let mut packed = Vec::new();
    let unpacked = super::packed::unpack(&message, &mut packed);
    let unpacked = unpacked.map_err(|error| error.shifted(packet.at));
    let read = unpacked.and_then(|()| {
        let read = message.read(&packed)?;
        let fits = gift::fits(message.whole.len(), read.more.len().saturating_add(1));
        fits.map_err(|error| error.shifted(packet.at))?;
        Ok(read)
    });
    match read {
        Ok(read) => message.give(read, arrival_ms, take),
        Err(error) => take(Err(error.inside(&*message.command))),
    }
}

fn message(body: &[u8]) -> Result<Message<'_>, DecodeError> {
    let whole = str::from_utf8(body).map_err(|error| {
        let fault = Fault::Malformed("a message is not UTF-8");
        DecodeError::at(error.valid_up_to(), fault)
    })?;
    let mut message = Message {
        whole,
        ..Message::default()
    };
    let take = |key: &str, value| match key {
        // Behind a colon stand numbers that say how it is shown.
        "cmd" => message.command = before_colon(text(value)),
        "data" if is_object(value) => message.data = value,
        "info" if is_list(value) => message.info = value,
        "roomid" | "room_id" | "real_roomid" => message.room = some_id(value).unwrap_or_default(),
        "msg_id" => message.id = some_text(value).unwrap_or_default(),
        "send_time" => message.sent_ms = number(value),
        _ => {}
    };
    let read = if is_object(whole.trim_start()) {
        try_members(whole, take)
    } else {
        // No object: a message of a kind that is not known, if it is JSON at all.
        serde_json::from_str(whole).map(|IgnoredAny| ())
    };
    match read {
        Ok(()) => Ok(message),
        Err(error) => {
            let fault = if error.is_eof() {
                Fault::Malformed("a message ends within its JSON")
            } else {
                Fault::Malformed("a message is not JSON")
            };
            Err(DecodeError::at(place(whole, &error), fault))
        }
    }
}

fn before_colon(command: Cow<'_, str>) -> Cow<'_, str> {
    match command.find(':') {
        None => command,
        Some(end) => match command {
            Cow::Borrowed(command) => Cow::Borrowed(command.get(..end).unwrap_or_default()),
            Cow::Owned(mut command) => {
                command.truncate(end);
                Cow::Owned(command)
            }
        },
    }
}

/// The byte that a line and a column name.
fn place(json: &str, error: &serde_json::Error) -> usize {
    let before = json
        .split_inclusive('\n')
        .take(error.line().saturating_sub(1));
    let lines: usize = before.map(str::len).sum();
    lines.saturating_add(error.column().saturating_sub(1))
}

impl<'a> Message<'a> {
    fn give(&self, read: Read<'_>, arrival_ms: u64, take: Take<'_>) {
        let Read {
            head,
            id,
            body,
            more,
        } = read;
        let mut event = Event {
            site: Site::Bilibili,
            room: if head.room.is_empty() {
                Id::from(&*self.room)
            } else {
                head.room.into()
            },
            id: if id.is_empty() {
                Id::from(&*self.id)
            } else {
                id.into()
            },
            time: Time::best(head.event_ms, self.sent_ms, arrival_ms),
            user: somebody(head.user),
            body,
            method: Cow::Borrowed(&*self.command),
            part: SitePart {
                format: SiteFormat::Json,
                bytes: Cow::Borrowed(self.whole.as_bytes()),
            },
        };
        let first_id = event.id.clone();
        for (body, number) in more.into_iter().zip(2_u64..) {
            let next = Event {
                // Whoever keeps events that came before apart by their ids is to keep these too.
                id: if first_id.is_empty() {
                    Id::default()
                } else {
                    Id::from(format!("{first_id}-{number}"))
                },
                body,
                ..event.clone()
            };
            take(Ok(std::mem::replace(&mut event, next)));
        }
        take(Ok(event));
    }

    /// Reads it; `packed` is the Protobuf that some kinds have in their JSON.
    fn read<'r>(&self, packed: &'r [u8]) -> Result<Read<'r>, DecodeError>
    where
        'a: 'r,
    {
        let (data, whole) = (self.data, self.whole);
        Ok(match &*self.command {
            "DANMU_MSG" | "DANMU_MSG_MIRROR" if !self.info.is_empty() => chat::chat(self.info),
            "LIVE" => room::live(whole),
            "PREPARING" => room::ended(),
            "CUT_OFF" => room::cut_off(whole),
            "WARNING" => room::warning(whole),
            "NOTICE_MSG" => room::notice_to_all(whole),
            "ROOM_BLOCK_MSG" => room::block(whole, data),
            command if command.starts_with("PK_BATTLE_") => room::battle(self),
            _ if data.is_empty() => self.unknown(Head::default()),
            "SUPER_CHAT_MESSAGE" => chat::super_chat(data),
            "SUPER_CHAT_MESSAGE_DELETE" => chat::delete(data),
            "SEND_GIFT" => gift::gift(data),
            "SEND_GIFT_V2" => gift::gifts(packed)?,
            "COMBO_SEND" => gift::combo(data),
            "GUARD_BUY" => gift::guard(data),
            "USER_TOAST_MSG" | "USER_TOAST_MSG_V2" => gift::guard_notice(data),
            "INTERACT_WORD" => self.interaction(interact_word(data)),
            "INTERACT_WORD_V2" => self.interaction(super::packed::interact_word(packed)?),
            "ENTRY_EFFECT" => room::entry(data),
            "LIKE_INFO_V3_CLICK" => room::like(data),
            "LIKE_INFO_V3_UPDATE" => room::likes(data),
            "WATCHED_CHANGE" => room::watched(data),
            "ONLINE_RANK_COUNT" => room::online(data),
            "ONLINE_RANK_V2" => room::rank(data),
            "ROOM_CHANGE" => room::change(data),
            "LOG_IN_NOTICE" => room::log_in(data),
            _ => self.unknown(Head::default()),
        })
    }

    /// Somebody came in, or did something else that has a number.
    fn interaction<'r>(&self, (head, number): (Head<'r>, u64)) -> Read<'r>
    where
        'a: 'r,
    {
        let body = match number {
            1 => Body::Enter(Enter::default()),
            // 4 is a follow with a bell, 5 one that is mutual.
            2 | 4 | 5 => Body::Follow(Follow::default()),
            3 => Body::Share(Share::default()),
            _ => return self.unknown(head),
        };
        Read::of(head, body)
    }

    fn unknown<'r>(&self, head: Head<'r>) -> Read<'r>
    where
        'a: 'r,
    {
        let bytes = Bytes(Cow::Borrowed(self.whole.as_bytes()));
        Read::of(head, Body::Unknown(Unknown { bytes }))
    }
}

fn interact_word(data: &str) -> (Head<'_>, u64) {
    let mut kind = 0;
    let head = people::head(data, |key, value| {
        if key == "msg_type" {
            kind = number(value);
        }
    });
    (head, kind)
}

/// An event of order that is of nobody.
pub(super) fn control<'a>(action: Cow<'a, str>, text: Option<Cow<'a, str>>) -> Body<'a> {
    Body::Control(Control {
        action,
        text,
        ..Control::default()
    })
}

/// Somebody with an id and a name.
pub(super) fn named<'a>(id: Cow<'a, str>, name: Cow<'a, str>) -> Option<Box<User<'a>>> {
    let user = User {
        id: id.into(),
        name,
        ..User::default()
    };
    somebody(user).map(Box::new)
}
