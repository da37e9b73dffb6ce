//! Frames of Douyin, written by the Python package protobuf with whatever values, are read here with the same ones: all fields as JSON by our schema,
//! and what events have of them.
#![allow(clippy::print_stderr, reason = "a test that is skipped says so")]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use pagewire_live::{FrameReader, Site};
use serde_json::Value;

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/douyin");

/// Where an event has a value, and where the message has it: JSON pointers, of which there may be several with `|` between them.
type Places = &'static [(&'static str, &'static str)];

/// Those of all kinds.
const OF_ALL: [(&str, &str); 1] = [("/room", "/common/roomId")];

/// The same for kinds with a user.
const OF_PEOPLE: [(&str, &str); 6] = [
    ("/user/id", "/user/id"),
    ("/user/name", "/user/nickname"),
    ("/user/level", "/user/payGrade/level"),
    ("/user/avatar", "/user/avatarThumb/urlList"),
    ("/user/badges/0/name", "/user/fansClub/data/clubName"),
    ("/user/admin", "/user/userAttr/isAdmin"),
];

/// The same for single kinds, by the method and the kind that comes of it.
const OF_KINDS: [(&str, &str, Places); 24] = [
    ("ChatMessage", "chat", &[("/chat/text", "/content")]),
    (
        "EmojiChatMessage",
        "chat",
        &[("/chat/text", "/defaultContent")],
    ),
    ("ScreenChatMessage", "chat", &[("/chat/text", "/content")]),
    (
        "PrivilegeScreenChatMessage",
        "chat",
        &[("/chat/text", "/content")],
    ),
    (
        "GiftMessage",
        "gift",
        &[
            ("/gift/gift", "/giftId|/gift/id"),
            ("/gift/group_count", "/groupCount"),
            ("/gift/repeat_count", "/repeatCount"),
            ("/gift/combo_count", "/comboCount"),
            ("/gift/total_count", "/totalCount"),
            ("/gift/combo", "/groupId"),
            ("/gift/name", "/gift/name"),
            ("/gift/receiver/id", "/toUser/id"),
        ],
    ),
    (
        "LightGiftMessage",
        "gift",
        &[
            ("/gift/group_count", "/groupCount"),
            ("/gift/repeat_count", "/repeatCount"),
            ("/gift/combo_count", "/comboCount"),
            ("/gift/name", "/giftStruct/name"),
            ("/gift/receiver/id", "/toUserId"),
        ],
    ),
    (
        "LikeMessage",
        "like",
        &[("/like/count", "/count"), ("/like/total", "/total")],
    ),
    (
        "MemberMessage",
        "enter",
        &[("/enter/viewers", "/memberCount")],
    ),
    ("MemberMessage", "share", &[]),
    ("MemberMessage", "follow", &[]),
    (
        "MemberMessage",
        "control",
        &[("/control/by/id", "/operator/id")],
    ),
    (
        "SocialMessage",
        "follow",
        &[("/follow/followers", "/followCount")],
    ),
    (
        "SocialMessage",
        "share",
        &[("/share/target", "/shareTarget")],
    ),
    (
        "FansclubMessage",
        "fan_club",
        &[("/fan_club/text", "/content")],
    ),
    (
        "RoomUserSeqMessage",
        "stats",
        &[
            ("/stats/viewers", "/total"),
            ("/stats/total", "/totalUser"),
            ("/stats/text", "/totalUserStr"),
        ],
    ),
    ("RoomUserSeqMessage", "rank", &[]),
    (
        "RoomStatsMessage",
        "stats",
        &[
            ("/stats/viewers", "/displayValue"),
            ("/stats/text", "/displayLong"),
        ],
    ),
    ("RoomRankMessage", "rank", &[]),
    (
        "ControlMessage",
        "room_state",
        &[("/room_state/text", "/tips")],
    ),
    ("ControlMessage", "control", &[("/control/text", "/tips")]),
    ("RoomMessage", "notice", &[]),
    ("RoomIntroMessage", "notice", &[]),
    ("CommonTextMessage", "notice", &[]),
    (
        "LinkerContributeMessage",
        "link",
        &[
            ("/link/sides/0/id", "/userId"),
            ("/link/sides/0/score", "/totalScore"),
        ],
    ),
];

/// A Python with the package protobuf, or a skip; with `PAGEWIRE_REQUIRE_ALL=1` missing is failing.
fn python() -> Option<PathBuf> {
    let named = env::var_os("PAGEWIRE_TEST_PYTHON").map(PathBuf::from);
    let python = named.unwrap_or_else(|| PathBuf::from("python3"));
    let has = Command::new(&python)
        .args(["-c", "import google.protobuf"])
        .output();
    if has.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    let all = env::var_os("PAGEWIRE_REQUIRE_ALL").is_some_and(|value| value == "1");
    assert!(!all, "the Python package protobuf is missing");
    eprintln!("SKIPPED: the Python package protobuf is missing");
    None
}

/// Frames, each with its messages as Python reads them.
fn written(python: &Path) -> Vec<Value> {
    let frames = if env::var_os("PAGEWIRE_TEST_LONG").is_some() {
        400
    } else {
        40
    };
    let folder = tempfile::tempdir().expect("a folder");
    let schema = folder.path().join("schema.binpb");
    let mut compiler = protox::Compiler::new([SOURCE]).expect("a folder");
    compiler.open_file("douyin.proto").expect("a schema");
    fs::write(&schema, compiler.encode_file_descriptor_set()).expect("it can be written");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/douyin.py");
    let output = Command::new(python)
        .arg(script)
        .arg(&schema)
        .args(["7", &frames.to_string()])
        .output()
        .expect("Python starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let lines = str::from_utf8(&output.stdout).expect("UTF-8").lines();
    lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

fn unhex(hex: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex");
    (0..hex.len()).step_by(2).map(byte).collect()
}

/// A value as a text, whether it is written as a number or a text; what is left out is empty, and so is what is written for nothing.
fn plain(json: &Value, pointer: &str) -> String {
    match json.pointer(pointer) {
        None | Some(Value::Null | Value::Bool(false)) => String::new(),
        Some(Value::String(text)) if text == "0" => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) if number.as_u64() == Some(0) => String::new(),
        // Of addresses the first that says something.
        Some(Value::Array(texts)) => {
            let mut said = texts
                .iter()
                .filter_map(Value::as_str)
                .filter(|text| !text.is_empty());
            said.next().unwrap_or_default().to_owned()
        }
        Some(other) => other.to_string(),
    }
}

#[test]
fn what_python_writes_is_read_with_equal_values() {
    let Some(python) = python() else {
        return;
    };
    let mut reader = FrameReader::new(Site::Douyin);
    let mut met: Vec<(String, String)> = Vec::new();
    for frame in written(&python) {
        let mut events: Vec<Value> = Vec::new();
        reader.read(&unhex(frame["frame"].as_str().expect("hex")), 5, |event| {
            let mut line = Vec::new();
            event
                .expect("an event")
                .write_json_with_site_fields(&mut line);
            events.push(serde_json::from_slice(&line).expect("JSON"));
        });
        for message in frame["messages"].as_array().expect("messages") {
            let of_message: Vec<_> = events
                .iter()
                .filter(|event| event["id"] == message["id"])
                .collect();
            assert!(!of_message.is_empty(), "{message}");
            for event in of_message {
                assert_eq!(event["method"], message["method"]);
                assert_eq!(event["site_fields"], message["json"]);
                met.push(compare(event, &message["json"]));
            }
        }
    }
    for (method, kind, _) in OF_KINDS {
        let is_met = met.iter().any(|one| one.0 == method && one.1 == kind);
        assert!(is_met, "no {method} became {kind}");
    }
}

/// Compares what stands in the tables, and says which kind it was.
fn compare(event: &Value, message: &Value) -> (String, String) {
    let method = event["method"]
        .as_str()
        .expect("a text")
        .trim_start_matches("Webcast");
    let kind = event["kind"].as_str().expect("a text");
    let row = OF_KINDS.iter().find(|row| row.0 == method && row.1 == kind);
    let pairs = row.map_or(&[][..], |row| row.2);
    let of_people = message.get("user").map_or(&[][..], |_| &OF_PEOPLE[..]);
    let of_people = if event.get("user").is_some() {
        of_people
    } else {
        &[]
    };
    for (of_event, of_message) in OF_ALL.iter().chain(of_people).chain(pairs) {
        let ours = plain(event, of_event);
        let mut theirs = of_message.split('|').map(|pointer| plain(message, pointer));
        let theirs = theirs.find(|text| !text.is_empty()).unwrap_or_default();
        assert_eq!(ours, theirs, "{method} {of_event}: {event:#}\n{message:#}");
    }
    (method.to_owned(), kind.to_owned())
}
