//! What is around messages.

use std::borrow::Cow;

use pagewire_codec::{DecodeError, Fault, TarsReader};

use super::fields::{id_of, structure};
use super::names::{COMMANDS, name_of};
use crate::event::{Body, Event, Id, Site, SiteFormat, SitePart, Time, Unknown};
use crate::model::Bytes;

/// Messages of one batch that are read. One more is an error, and the rest of the batch is left out. The site sends some tens.
pub const BATCH_MESSAGES_MAX: usize = 1 << 16;

/// Digits of the greatest 64-bit number.
const UID_DIGITS: usize = 20;

/// A time of a command that is further from its arrival is taken for something else.
const CLOCKS_DIFFER_MS: u64 = 24 * 60 * 60 * 1_000;

/// One WebSocket message, either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Command<'a> {
    /// What it is: 7 is a push, 22 a batch of pushes, 20 a heartbeat, …
    pub kind: i64,
    /// Tars, by the kind. Empty where there is nothing to say.
    pub data: &'a [u8],
    /// At which byte of the message the data begins.
    pub at: usize,
    /// 0 where the data is not encrypted.
    pub encryption: i64,
    /// When the site made it. Absent before some year, and its unit is a guess: milliseconds of Unix time.
    pub time_ms: i64,
}

/// What is done with a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Push,
    Batch,
    /// The answer to a call, which is no event.
    Answer,
    /// A request of the client, or another answer, which is no event either.
    Request,
    Other,
}

pub(super) const REGISTER_USER: i64 = 1;
pub(super) const USER_REGISTERED: i64 = 2;
pub(super) const CALL: i64 = 3;
pub(super) const CALL_ANSWERED: i64 = 4;
const PUSH: i64 = 7;
pub(super) const REGISTER_GROUPS: i64 = 16;
pub(super) const GROUPS_REGISTERED: i64 = 17;
pub(super) const HEARTBEAT: i64 = 20;
pub(super) const HEARTBEAT_ANSWERED: i64 = 21;
const BATCH: i64 = 22;
/// The last of the numbers that are known to be requests and answers and nothing more: the next one brings messages of before, whose fields are not known.
const LAST_REQUEST: i64 = 25;

impl<'a> Command<'a> {
    /// Reads a message, `WebSocketCommand`.
    ///
    /// # Errors
    ///
    /// Bytes that are no Tars, and a message that does not say what it is.
    pub fn read(frame: &'a [u8]) -> Result<Self, DecodeError> {
        let mut fields = TarsReader::new(frame);
        let kind = fields.integer(0)?;
        let kind = kind.ok_or_else(|| DecodeError::at(0, NO_KIND))?;
        let (data, at) = located(&mut fields, 1)?;
        Ok(Self {
            kind,
            data,
            at,
            encryption: fields.integer(4)?.unwrap_or_default(),
            time_ms: fields.integer(5)?.unwrap_or_default(),
        })
    }

    pub(super) const fn what(&self) -> Kind {
        match self.kind {
            _ if self.encryption != 0 => Kind::Other,
            PUSH => Kind::Push,
            BATCH => Kind::Batch,
            CALL_ANSWERED => Kind::Answer,
            0..=LAST_REQUEST => Kind::Request,
            _ => Kind::Other,
        }
    }

    /// 0 where that is not told, or told in some other unit.
    pub(super) fn create_ms(&self, arrival_ms: u64) -> u64 {
        let time_ms = u64::try_from(self.time_ms).unwrap_or_default();
        if time_ms.abs_diff(arrival_ms) <= CLOCKS_DIFFER_MS {
            return time_ms;
        }
        0
    }

    /// Of command 7, `WSPushMessage`.
    ///
    /// # Errors
    ///
    /// Data that is something else.
    pub fn push(&self) -> Result<Push<'a>, DecodeError> {
        let mut fields = TarsReader::new(self.data);
        let read = |fields: &mut TarsReader<'a>| {
            let uri = uri(fields, 1)?;
            let (body, at) = located(fields, 2)?;
            let group = fields.bytes(4)?.unwrap_or_default();
            Ok(Push {
                uri,
                id: fields.integer(5)?.unwrap_or_default(),
                group: str::from_utf8(group).unwrap_or_default(),
                body,
                at: self.at.saturating_add(at),
            })
        };
        let push = read(&mut fields);
        push.map_err(|error: DecodeError| error.shifted(self.at).inside("WSPushMessage"))
    }

    /// Of command 22, `WSPushMessage_V2`. Gives each push, or why it could not be read.
    pub fn batch(&self, take: &mut dyn FnMut(Result<Push<'a>, DecodeError>)) {
        let here = |error: DecodeError| error.shifted(self.at).inside("WSPushMessage_V2");
        let mut fields = TarsReader::new(self.data);
        let group = match fields.bytes(0) {
            Ok(group) => str::from_utf8(group.unwrap_or_default()).unwrap_or_default(),
            // Its messages can be read all the same.
            Err(error) => {
                take(Err(here(error)));
                ""
            }
        };
        let items = match fields.list_while_whole(1) {
            Ok(Some(items)) => items,
            Ok(None) => return take(Err(here(DecodeError::at(fields.at(), NO_MESSAGES)))),
            Err(error) => return take(Err(here(error))),
        };
        for (index, item) in items.filter_map(structure).enumerate() {
            if index >= BATCH_MESSAGES_MAX {
                return take(Err(here(DecodeError::at(0, TOO_MANY))));
            }
            let push = item.and_then(|mut item| self.item(&mut item, group));
            take(push.map_err(here));
        }
    }

    fn item(&self, fields: &mut TarsReader<'a>, group: &'a str) -> Result<Push<'a>, DecodeError> {
        let uri = uri(fields, 0)?;
        let (body, at) = located(fields, 1)?;
        Ok(Push {
            uri,
            id: fields.integer(2)?.unwrap_or_default(),
            group,
            body,
            at: self.at.saturating_add(at),
        })
    }
}

/// One message of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Push<'a> {
    /// Which struct it is.
    pub uri: i64,
    /// Its own id, the same on all connections. 0 where there is none.
    pub id: i64,
    /// Whom it was sent to, as `live:294636272`. Empty where that is not told, or is no text.
    pub group: &'a str,
    /// The fields of the struct.
    pub body: &'a [u8],
    /// At which byte of the WebSocket message they begin.
    pub at: usize,
}

impl<'a> Push<'a> {
    /// The uid of the presenter whose group it is. Empty for other groups.
    pub fn presenter(&self) -> &'a str {
        let of = |kind| self.group.strip_prefix(kind);
        let uid = of("live:").or_else(|| of("chat:")).unwrap_or_default();
        // All events of a batch have it: what is no number must not be repeated that often, however long it is.
        let is_uid = uid.len() <= UID_DIGITS && uid.bytes().all(|byte| byte.is_ascii_digit());
        if is_uid { uid } else { "" }
    }

    /// The name of the struct, else its number.
    pub fn method(&self) -> Cow<'static, str> {
        let name = name_of(self.uri);
        name.map_or_else(|| Cow::Owned(self.uri.to_string()), Cow::Borrowed)
    }

    /// As an event of what this was read to be.
    pub(super) fn with(&self, room: Cow<'a, str>, time: Time, body: Body<'a>) -> Event<'a> {
        Event {
            site: Site::Huya,
            room: room.into(),
            id: id_of(self.id).into(),
            time,
            user: None,
            body,
            method: self.method(),
            part: part(self.body),
        }
    }
}

/// A command that is none of those that are read.
pub(super) fn unread<'a>(command: &Command<'a>, frame: &'a [u8], time: Time) -> Event<'a> {
    let name = usize::try_from(command.kind).ok();
    let name = name.and_then(|kind| COMMANDS.get(kind).copied());
    let method = name.map_or_else(
        || Cow::Owned(format!("WebSocketCommand {}", command.kind)),
        Cow::Borrowed,
    );
    Event {
        site: Site::Huya,
        room: Id::default(),
        id: Id::default(),
        time,
        user: None,
        body: unknown(command.data),
        method,
        part: part(frame),
    }
}

pub(super) const fn unknown(bytes: &[u8]) -> Body<'_> {
    Body::Unknown(Unknown {
        bytes: Bytes(Cow::Borrowed(bytes)),
    })
}

const fn part(bytes: &[u8]) -> SitePart<'_> {
    SitePart {
        format: SiteFormat::Tars,
        bytes: Cow::Borrowed(bytes),
    }
}

/// A byte list, and at which byte it begins.
fn located<'a>(fields: &mut TarsReader<'a>, tag: u8) -> Result<(&'a [u8], usize), DecodeError> {
    let bytes = fields.bytes(tag)?.unwrap_or_default();
    Ok((bytes, fields.at().saturating_sub(bytes.len())))
}

fn uri(fields: &mut TarsReader<'_>, tag: u8) -> Result<i64, DecodeError> {
    let uri = fields.integer(tag)?;
    uri.ok_or_else(|| DecodeError::at(fields.at(), NO_URI))
}

const NO_KIND: Fault = Fault::Malformed("a message of Huya without the number of its command");
const NO_URI: Fault = Fault::Malformed("a push without the number of its struct");
const NO_MESSAGES: Fault = Fault::Malformed("a batch without a list of messages");
const TOO_MANY: Fault = Fault::Limit {
    what: "messages in a batch",
    got: (BATCH_MESSAGES_MAX as u64).saturating_add(1),
    max: BATCH_MESSAGES_MAX as u64,
};
