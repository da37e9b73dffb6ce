//! What a client says.

use std::borrow::Cow;
use std::fmt;

use pagewire_codec::{BilibiliOperation, BilibiliPacket};
use serde::Serialize;

/// How often a client says that it is there. Source: the facts.
pub const HEARTBEAT_MS: u64 = 30_000;

/// Which room a client wants, and that it may.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Auth<'a> {
    /// The id of the account, or 0 without a log-in: then names are masked.
    pub user: u64,
    /// The long id of the room, not the short one of its address.
    pub room: u64,
    /// What `getDanmuInfo` gave.
    pub token: &'a str,
    /// The cookie `buvid3`. Without it the site may refuse.
    pub buvid: &'a str,
}

impl fmt::Debug for Auth<'_> {
    /// Without the token and the cookie: logs are read by many.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth")
            .field("user", &self.user)
            .field("room", &self.room)
            .finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct AuthJson<'a> {
    uid: u64,
    roomid: u64,
    protover: u16,
    buvid: &'a str,
    platform: &'a str,
    r#type: u16,
    key: &'a str,
}

/// The first packet of a connection, within 5 s. It asks for Brotli.
///
/// # Panics
///
/// Never: numbers and texts are JSON.
pub fn auth_packet(auth: &Auth<'_>) -> Vec<u8> {
    let json = AuthJson {
        uid: auth.user,
        roomid: auth.room,
        protover: 3,
        buvid: auth.buvid,
        platform: "web",
        r#type: 2,
        key: auth.token,
    };
    let body = serde_json::to_vec(&json).expect("numbers and texts are JSON");
    packet(BilibiliOperation::Auth, body)
}

/// The packet that is sent every [`HEARTBEAT_MS`], and for the first time once the room was granted.
pub fn heartbeat_packet() -> Vec<u8> {
    packet(BilibiliOperation::Heartbeat, Vec::new())
}

fn packet(operation: BilibiliOperation, body: Vec<u8>) -> Vec<u8> {
    let packet = BilibiliPacket {
        operation,
        version: 1,
        sequence: 1,
        body: Cow::Owned(body),
        at: 0,
    };
    packet.encode()
}
