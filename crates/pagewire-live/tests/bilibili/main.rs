//! Messages of Bilibili as events: made by these tests themselves, and captured ones where they are at hand.
//!
//! The folder of the captures is named by `PAGEWIRE_FIXTURES`, else it is `shared/fixtures` beside the folder of the repository. What is expected of each file stands
//! in its `expected.json`. An absent folder is a skip that is said, even where everything else is required.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says that it is skipped"
)]

mod broken;
mod chats;
mod gifts;
mod packets;
mod room;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use pagewire_codec::{BilibiliOperation, BilibiliPacket};
use pagewire_live::bilibili::{
    Auth, MESSAGE_EVENTS_BYTES_MAX, MESSAGE_GIFTS_MAX, auth_packet, heartbeat_packet,
};
use pagewire_live::{
    Body, EVENT_LIST_MAX, Event, FrameReader, PIECES_BYTES_MAX, RoomAccount, Site,
};
use serde_json::{Value, json};

const ARRIVAL_MS: u64 = 1_700_000_000_000;

fn packet(operation: BilibiliOperation, version: u16, body: &[u8]) -> Vec<u8> {
    let packet = BilibiliPacket {
        operation,
        version,
        sequence: 0,
        body: Cow::Borrowed(body),
        at: 0,
    };
    packet.encode()
}

fn message(json: &Value) -> Vec<u8> {
    packet(BilibiliOperation::Message, 0, json.to_string().as_bytes())
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
    zlib.write_all(bytes).unwrap();
    zlib.finish().unwrap()
}

/// A Brotli stream (RFC 7932 §9.2) of one meta-block that is not compressed: the window, no last block, four nibbles of length, "uncompressed"; then an
/// empty last block.
fn brotli(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len() - 1).unwrap();
    assert!(length < 1 << 16);
    let head = (length << 4 | 1 << 20).to_le_bytes();
    [&head[..3], bytes, &[3]].concat()
}

fn read(frame: &[u8]) -> (Vec<Event<'static>>, Vec<String>) {
    let (mut events, mut errors) = (Vec::new(), Vec::new());
    FrameReader::new(Site::Bilibili).read(frame, ARRIVAL_MS, |event| match event {
        Ok(event) => events.push(event.into_owned()),
        Err(error) => errors.push(error.to_string()),
    });
    (events, errors)
}

fn as_json(event: &Event<'_>) -> Value {
    let mut line = Vec::new();
    event.write_json(&mut line);
    serde_json::from_slice(&line).unwrap()
}

/// The events of one message, without what is the same of all.
fn events(sent: &Value) -> Vec<Value> {
    let frame = message(sent);
    let (events, errors) = read(&frame);
    assert_eq!(errors, [""; 0]);
    let each = events.iter().map(|event| {
        // The site's part is the message, byte for byte.
        assert_eq!(event.part.bytes.as_ref(), &frame[16..]);
        let mut json = as_json(event);
        let members = json.as_object_mut().unwrap();
        assert_eq!(members.remove("site"), Some(json!("bilibili")));
        let method = members.remove("method").unwrap();
        let command = sent["cmd"].as_str().unwrap_or_default();
        assert_eq!(method, command.split(':').next().unwrap());
        json
    });
    each.collect()
}

/// One message, one event.
fn event(sent: &Value) -> Value {
    let events = events(sent);
    assert_eq!(events.len(), 1, "{sent}");
    events.into_iter().next().unwrap()
}

/// What an event has that says no more than its kind and when it came.
fn told(kind: &str, body: &Value) -> Value {
    json!({
        "room": "", "id": "", "kind": kind, "time_ms": ARRIVAL_MS, "time_source": "arrival", kind.replace('.', "_"): body
    })
}

fn with(mut event: Value, members: Value) -> Value {
    let more = members.as_object().unwrap().clone();
    event.as_object_mut().unwrap().extend(more);
    event
}

fn at_event(seconds: u64) -> Value {
    json!({ "time_ms": seconds * 1_000, "time_source": "event" })
}

// A straightforward writer of Protobuf.

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
        value >>= 7;
    }
    bytes.push(u8::try_from(value).unwrap());
    bytes
}

fn number(field: u64, value: u64) -> Vec<u8> {
    [varint(field << 3), varint(value)].concat()
}

fn bytes(field: u64, value: &[u8]) -> Vec<u8> {
    [
        varint(field << 3 | 2),
        varint(value.len() as u64),
        value.to_vec(),
    ]
    .concat()
}

fn text(field: u64, value: &str) -> Vec<u8> {
    bytes(field, value.as_bytes())
}

fn packed(command: &str, protobuf: &[u8]) -> Value {
    json!({ "cmd": command, "data": { "dmscore": 1, "pb": STANDARD.encode(protobuf) } })
}

fn danmu() -> Value {
    let extra = json!({
        "id_str": "5a1b2c", "reply_mid": 31, "reply_uname": "林间", "emots": {
            "[dog]": { "emoji": "[dog]", "emoticon_unique": "emoji_208", "url": "https://example.com/dog.png" },
            "[cat]": null
        }
    });
    let mode = json!({
        "mode": 0, "extra": extra.to_string(),
        "user": { "uid": 7001, "base": { "name": "阿青", "face": "https://example.com/face.jpg" }, "medal": { "name": "别的", "level": 2 } }
    });
    json!({
        "cmd": "DANMU_MSG:4:0:2:2:2:0",
        "info": [
            [0, 1, 25, 16777215, 1_700_000_111_222_u64, 1_700_000_000, 0, "ab12", 0, 0, 0, "", 0, "{}", "{}", mode],
            "早[dog]上[nobody] [cat]",
            [7001, "阿青", 1, 0, 0, 10000, 1, ""],
            [21, "星光", "主播", 4321, 12345, "", 0],
            [12, 0, 9868950, ">50000", 0],
            ["", ""], 0, 3, null, { "ts": 1, "ct": "A" }, 0, 0, null, null, 0, 7, [19]
        ],
        "dm_v2": "", "msg_id": "m-1", "send_time": 1_700_000_111_300_u64
    })
}

fn gift() -> Value {
    json!({ "cmd": "SEND_GIFT", "data": {
        "giftId": 31036, "giftName": "小花花", "num": 3, "price": 100, "total_coin": 300, "coin_type": "gold",
        "tid": "4462435941977491968", "rnd": "9", "super_gift_num": 8, "super_batch_gift_num": 2, "timestamp": 1_704_872_067,
        "uid": 77, "uname": "阿青", "face": "https://example.com/f.jpg", "wealth_level": 6,
        "medal_info": { "medal_name": "", "medal_level": 0, "anchor_roomid": 0 },
        "receive_user_info": { "uid": 99, "uname": "主播" }
    } })
}

/// The captures, each with what is expected of it.
fn captured() -> Option<Vec<(Vec<u8>, Value)>> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures");
    let folder = env::var_os("PAGEWIRE_FIXTURES").map_or(beside, PathBuf::from);
    let Ok(expected) = fs::read(folder.join("expected.json")) else {
        eprintln!("SKIPPED: captured messages (PAGEWIRE_FIXTURES) are missing");
        return None;
    };
    let all: BTreeMap<String, Value> = serde_json::from_slice(&expected).expect("JSON by file");
    let of_site = all
        .into_iter()
        .filter(|(name, _)| name.starts_with("bilibili/"));
    let files =
        of_site.map(|(name, expected)| (fs::read(folder.join(&name)).expect(&name), expected));
    let files: Vec<_> = files.collect();
    assert!(!files.is_empty(), "no file of bilibili");
    Some(files)
}

#[test]
fn captured_messages_are_events_with_the_values_that_are_known() {
    let Some(files) = captured() else {
        return;
    };
    for (frame, expected) in files {
        let (events, errors) = read(&frame);
        assert_eq!(errors, [""; 0]);
        let methods: Vec<_> = events.iter().map(|event| event.method.clone()).collect();
        assert_eq!(json!(methods), expected["cmds"]);
        let event = &events[0];
        assert_ne!(event.kind(), "unknown");
        let user = event.user.as_ref().expect("somebody");
        assert_eq!(user.id, expected["uid"].to_string());
        assert!(!user.name.is_empty() && !user.masked);
        if let Some(room) = expected.get("roomid") {
            assert_eq!(event.room, room.to_string());
        }
        if let Some(sent_ms) = expected.get("sent_ms") {
            assert_eq!(
                (event.kind(), json!(event.time.ms)),
                ("chat", sent_ms.clone())
            );
            assert_ne!(as_json(event)["chat"]["text"], "");
        }
    }
}
