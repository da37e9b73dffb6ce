//! Messages of real sites, where they are at hand: they hold other people's texts and are no part of the repository.
//!
//! The folder is named by `PAGEWIRE_FIXTURES`, else it is `shared/fixtures` beside the folder of the repository. What is expected of each file stands
//! in its `expected.json`. An absent folder is a skip that is said, even where everything else is required.
#![allow(clippy::print_stderr, reason = "a test that is skipped says so")]

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use pagewire_codec::{
    BilibiliOperation, Inflater, NestedBytes, SttValue, TarsReader, TarsValue, UNPACKED_BYTES_MAX,
    WupPacket, bilibili_packets, stt_items,
};
use serde_json::Value;

struct Fixtures {
    folder: PathBuf,
    expected: Value,
}

fn fixtures() -> Option<Fixtures> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures");
    let folder = env::var_os("PAGEWIRE_FIXTURES").map_or(beside, PathBuf::from);
    let Ok(expected) = fs::read(folder.join("expected.json")) else {
        eprintln!("SKIPPED: captured messages (PAGEWIRE_FIXTURES) are missing");
        return None;
    };
    let expected = serde_json::from_slice(&expected).expect("expected.json is JSON");
    Some(Fixtures { folder, expected })
}

impl Fixtures {
    /// The files of a site, each with what is expected of it.
    fn of(&self, site: &str) -> Vec<(Vec<u8>, &Value)> {
        let all = self.expected.as_object().expect("an object by file");
        let of_site = all
            .iter()
            .filter(|(name, _)| name.starts_with(&format!("{site}/")));
        let files: Vec<_> = of_site
            .map(|(name, expected)| (fs::read(self.folder.join(name)).expect(name), expected))
            .collect();
        assert!(!files.is_empty(), "no file of {site}");
        files
    }
}

fn contains(json: &Value, wanted: &Value) -> bool {
    json == wanted
        || match json {
            Value::Array(items) => items.iter().any(|item| contains(item, wanted)),
            Value::Object(members) => members.values().any(|member| contains(member, wanted)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        }
}

#[test]
fn captured_packets_of_bilibili_are_unpacked() {
    let Some(fixtures) = fixtures() else {
        return;
    };
    for (frame, expected) in fixtures.of("bilibili") {
        let read = bilibili_packets(&frame, &mut Inflater::default(), UNPACKED_BYTES_MAX);
        assert_eq!(read.errors, []);
        let operations = read.packets.iter().map(|packet| packet.operation);
        assert!(operations.eq(read.packets.iter().map(|_| BilibiliOperation::Message)));
        let bodies = read
            .packets
            .iter()
            .map(|packet| serde_json::from_slice(&packet.body).unwrap());
        let bodies: Vec<Value> = bodies.collect();
        let commands: Vec<_> = bodies.iter().map(|body| body["cmd"].clone()).collect();
        assert_eq!(&Value::Array(commands), &expected["cmds"]);
        let numbers = expected
            .as_object()
            .unwrap()
            .values()
            .filter(|value| value.is_number());
        let found = numbers.filter(|number| bodies.iter().any(|body| contains(body, number)));
        let count = expected
            .as_object()
            .unwrap()
            .values()
            .filter(|value| value.is_number())
            .count();
        assert!(count > 0 && found.count() == count, "{expected}");
    }
}

#[test]
fn captured_messages_of_douyu_are_read_with_keys_that_come_again() {
    let Some(fixtures) = fixtures() else {
        return;
    };
    for (lines, expected) in fixtures.of("douyu") {
        let lines = String::from_utf8(lines).expect("UTF-8");
        let mut messages = 0_u64;
        let mut repeated: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for line in lines.lines() {
            let line: Value = serde_json::from_str(line).expect("JSON");
            let message = line["stt"].as_str().expect("a message");
            let value = SttValue::decode(message.as_bytes()).unwrap();
            let kind = value.get("type").and_then(SttValue::as_text);
            let kind = kind.expect("a type").to_owned();
            messages += 1;
            let mut seen = BTreeSet::new();
            let keys = stt_items(message).filter_map(|item| item.key);
            for key in keys
                .filter(|key| !seen.insert(key.clone()))
                .map(String::from)
            {
                let json = serde_json::to_value(&value).unwrap();
                assert!(
                    json[&key].as_array().is_some_and(|values| values.len() > 1),
                    "{key}"
                );
                repeated.entry(kind.clone()).or_default().insert(key);
            }
            let again = SttValue::decode(value.encode().as_bytes())
                .unwrap()
                .encode();
            assert_eq!(again, value.encode());
        }
        assert_eq!(messages, expected["messages"]);
        assert_eq!(
            serde_json::to_value(repeated).unwrap(),
            expected["duplicate_keys"]
        );
    }
}

#[test]
fn a_captured_answer_of_huya_is_read() {
    let Some(fixtures) = fixtures() else {
        return;
    };
    for (bytes, expected) in fixtures.of("huya") {
        assert_eq!(bytes.len() as u64, expected["bytes"]);
        let packet = WupPacket::decode(&bytes).unwrap();
        assert_eq!(packet.version, expected["version"]);
        let arguments = packet.arguments().unwrap();
        let answer = arguments.iter().find(|(name, _)| *name == "tRsp");
        let (_, answer) = answer.expect("what the function gave back");
        let fields = TarsReader::new(answer).structure(0).unwrap();
        assert!(fields.is_some());
        // The length in front is no Tars.
        let tree = TarsValue::decode(&bytes[4..], NestedBytes::Guess).unwrap();
        let json = serde_json::to_value(&tree).unwrap();
        assert!(
            json["7"]["tars"]["0"]["tRsp"]["tars"]["0"].is_object(),
            "the answer is found by guess"
        );
        assert_eq!(packet.encode(), bytes, "written again it is the same");
    }
}
