//! Douyu: a guest's log-in and the group of all chats.

use pagewire_codec::{douyu_packets, stt_value};

use super::Heard;
use crate::douyu::{join_packet, login_packet};
use crate::sites::RoomFacts;

/// Both at once: the site answers in their order.
pub(super) fn enter(facts: &RoomFacts) -> Result<Vec<Vec<u8>>, &'static str> {
    if facts.room_id.is_empty() {
        return Err("room_id");
    }
    Ok(vec![
        login_packet(&facts.room_id),
        join_packet(&facts.room_id),
    ])
}

pub(super) fn hear(frame: &[u8]) -> Heard {
    let mut is_damaged = false;
    for packet in douyu_packets(frame) {
        let Ok(packet) = packet else {
            is_damaged = true;
            continue;
        };
        // Other messages are not looked at: their `type` stands first.
        if packet.encryption == 0 && packet.body.starts_with(b"type@=error/") {
            let text = String::from_utf8_lossy(packet.body);
            return Heard::denied(stt_value(&text, "code").unwrap_or_default());
        }
    }
    if is_damaged {
        Heard::damaged()
    } else {
        Heard::default()
    }
}
