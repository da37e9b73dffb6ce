//! Messages as events.

use std::borrow::Cow;

use pagewire_codec::{DouyuPacket, stt_value};

use super::members::{Head, each, head, some, somebody};
use super::{people, room};
use crate::event::{Body, Control, Enter, Event, Site, SiteFormat, SitePart, Time, Unknown, User};
use crate::model::Bytes;
use crate::reader::Take;

/// What a message holds.
#[derive(Debug)]
pub(super) struct Read<'a> {
    pub(super) head: Head<'a>,
    pub(super) id: Cow<'a, str>,
    /// In milliseconds; 0 where it is not told.
    pub(super) event_ms: u64,
    pub(super) body: Body<'a>,
    /// Further events of the same message.
    pub(super) more: Vec<Body<'a>>,
}

impl<'a> Read<'a> {
    pub(super) fn of(head: Head<'a>, body: Body<'a>) -> Self {
        Self {
            head,
            id: Cow::default(),
            event_ms: 0,
            body,
            more: Vec::new(),
        }
    }
}

/// Gives the events of a packet.
pub(super) fn events(packet: &DouyuPacket<'_>, arrival_ms: u64, take: Take<'_>) {
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
        room: read.head.room.into(),
        id: read.id.into(),
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
        "chatmsg" => people::chat(text),
        "dgb" => people::gift(text),
        "uenter" => Read::of(head(text, |_, _| {}), Body::Enter(Enter::default())),
        "rss" => room::room_state(text),
        "ranklist" => room::ranks(text, &["list", "list_all", "list_day"])
            .unwrap_or_else(|| other(text, bytes)),
        "frank" | "fswrank" => room::club_rank(method, text),
        "newblackres" => people::mute(text).unwrap_or_else(|| other(text, bytes)),
        "blab" => people::fan_club(text),
        "srres" => people::share(text),
        "upgrade" => people::upgrade(text),
        "noble_num_info" | "oni" => room::stats(text),
        "ssd" => room::notice(text, "content"),
        "gbroadcast" => room::notice(text, "gbcc"),
        "cthn" => room::horn(text),
        "spbc" => room::gift_elsewhere(text),
        "nlkstatus" => room::link(text),
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
