//! What a client says. Source: the facts, and Douyu's own published description of the packets.

use pagewire_codec::{DouyuSide, SttWriter, douyu_packet};

/// How often a client says that it is there.
pub const HEARTBEAT_MS: u64 = 45_000;

/// Of all chats of a room and no smaller group.
const ALL: &str = "-9999";

/// The first packet of a connection: a guest wants this room.
pub fn login_packet(room: &str) -> Vec<u8> {
    packet(&[("type", "loginreq"), ("roomid", room)])
}

/// The second one: from now on the room's messages come.
pub fn join_packet(room: &str) -> Vec<u8> {
    packet(&[("type", "joingroup"), ("rid", room), ("gid", ALL)])
}

/// The packet that is sent every [`HEARTBEAT_MS`].
pub fn heartbeat_packet() -> Vec<u8> {
    packet(&[("type", "mrkl")])
}

fn packet(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut message = SttWriter::default();
    for (key, value) in fields {
        message.field(key, value);
    }
    douyu_packet(DouyuSide::Client, &message.into_message())
}
