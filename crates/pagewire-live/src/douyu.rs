//! Douyu.
//!
//! A frame holds packets with one STT message each, whose member `type` says what it is. Member by member with the evidence: `docs/sites/douyu.md`.

mod client;
mod members;
mod message;
mod people;
mod rank;
mod room;

use pagewire_codec::{DouyuSide, douyu_packets};

pub use client::{HEARTBEAT_MS, heartbeat_packet, join_packet, login_packet};

use crate::reader::Take;

/// Reads one WebSocket frame. What a client sends is no event.
pub(crate) fn read(frame: &[u8], arrival_ms: u64, take: Take<'_>) {
    for packet in douyu_packets(frame) {
        match packet {
            Ok(packet) if packet.side == DouyuSide::Client => {}
            Ok(packet) => message::events(&packet, arrival_ms, take),
            Err(error) => take(Err(error)),
        }
    }
}
