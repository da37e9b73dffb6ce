//! Bilibili.
//!
//! A frame holds packets, some of them packed as zlib or Brotli; a message is one packet of JSON, whose member `cmd` says what it is. Some newer kinds
//! have Protobuf in their JSON. Member by member with the evidence: `docs/sites/bilibili.md`.

mod chat;
mod client;
mod gift;
mod json;
mod message;
mod packed;
mod people;
mod room;

use std::borrow::Cow;

use pagewire_codec::{BilibiliOperation, BilibiliPacket, UNPACKED_BYTES_MAX, bilibili_packets};

pub use client::{Auth, HEARTBEAT_MS, auth_packet, heartbeat_packet};
pub use gift::{MESSAGE_EVENTS_BYTES_MAX, MESSAGE_GIFTS_MAX};

use crate::event::{Body, Event, Id, Site, SiteFormat, SitePart, Stats, Time, Unknown};
use crate::model::Bytes;
use crate::reader::{Scratch, Take};

/// Reads one WebSocket frame. What a client sends is no event.
pub(crate) fn read(frame: &[u8], arrival_ms: u64, scratch: &mut Scratch, take: Take<'_>) {
    let read = bilibili_packets(frame, &mut scratch.inflater, UNPACKED_BYTES_MAX);
    for (index, packet) in read.packets.iter().enumerate() {
        packet_events(packet, arrival_ms, &mut |event| {
            // Packets of packed ones stand among the others, so the place is one among all of the frame.
            take(event.map_err(|error| error.inside(format!("message {index}"))));
        });
    }
    for error in read.errors {
        take(Err(error));
    }
}

fn packet_events(packet: &BilibiliPacket<'_>, arrival_ms: u64, take: Take<'_>) {
    match packet.operation {
        BilibiliOperation::Message => message::events(packet, arrival_ms, take),
        BilibiliOperation::HeartbeatReply => {
            let stats = Stats {
                heat: packet.popularity().map(u64::from),
                ..Stats::default()
            };
            take(Ok(event(
                "heartbeat_reply",
                packet,
                arrival_ms,
                Body::Stats(stats),
            )));
        }
        BilibiliOperation::AuthReply => {
            let mut code = None;
            let body = str::from_utf8(&packet.body).unwrap_or_default();
            json::members(body, |key, value| {
                if key == "code" {
                    code = json::some_text(value);
                }
            });
            let body = message::control(Cow::Borrowed("auth_reply"), code);
            take(Ok(event("auth_reply", packet, arrival_ms, body)));
        }
        // They have a token in them.
        BilibiliOperation::Heartbeat | BilibiliOperation::Auth => {}
        BilibiliOperation::Unknown(number) => {
            let bytes = Bytes(Cow::Borrowed(&*packet.body));
            let body = Body::Unknown(Unknown { bytes });
            take(Ok(event(&number.to_string(), packet, arrival_ms, body)));
        }
    }
}

/// An event of a packet that is no message.
fn event<'a>(
    method: &'a str,
    packet: &'a BilibiliPacket<'_>,
    arrival_ms: u64,
    body: Body<'a>,
) -> Event<'a> {
    Event {
        site: Site::Bilibili,
        room: Id::default(),
        id: Id::default(),
        time: Time::best(0, 0, arrival_ms),
        user: None,
        body,
        method: Cow::Borrowed(method),
        part: SitePart {
            format: if packet.operation == BilibiliOperation::AuthReply {
                SiteFormat::Json
            } else {
                SiteFormat::Bytes
            },
            bytes: Cow::Borrowed(&packet.body),
        },
    }
}
