//! Bilibili: the auth packet, and its answer.

use pagewire_codec::{BilibiliOperation, UNPACKED_BYTES_MAX, bilibili_packets};
use serde::Deserialize;

use super::Heard;
use crate::bilibili::{Auth, auth_packet};
use crate::connection::options::Credentials;
use crate::reader::Scratch;
use crate::sites::RoomFacts;

pub(super) fn enter(
    facts: &RoomFacts,
    credentials: &Credentials,
) -> Result<Vec<Vec<u8>>, &'static str> {
    let room = facts.room_id.parse().map_err(|_| "room_id")?;
    Ok(vec![auth_packet(&Auth {
        user: credentials.user,
        room,
        token: &credentials.token,
        buvid: &credentials.device,
    })])
}

#[derive(Deserialize)]
struct Reply {
    code: i64,
}

/// The answer to the auth packet comes in a frame of its own, so others are not unpacked.
pub(super) fn hear(frame: &[u8], scratch: &mut Scratch) -> Heard {
    let Some(operation) = frame.get(8..12) else {
        return Heard::damaged();
    };
    if operation != [0, 0, 0, AUTH_REPLY] {
        return Heard::default();
    }
    let read = bilibili_packets(frame, &mut scratch.inflater, UNPACKED_BYTES_MAX);
    let mut packets = read.packets.iter();
    let reply = packets.find(|packet| packet.operation == BilibiliOperation::AuthReply);
    let reply = reply.and_then(|packet| serde_json::from_slice::<Reply>(&packet.body).ok());
    match reply {
        Some(Reply { code: 0 }) => Heard::default(),
        Some(Reply { code }) => Heard::denied(code),
        None => Heard::damaged(),
    }
}

const AUTH_REPLY: u8 = 8;
