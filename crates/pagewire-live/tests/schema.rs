//! Captured messages by the schemas, against what is known of them.
//!
//! The folder of the captures is named by `PAGEWIRE_FIXTURES`, else it is `shared/fixtures` beside the folder of the repository. What is expected of each file stands
//! in its `expected.json`. An absent folder is a skip that is said, even where everything else is required.
#![allow(clippy::print_stderr, reason = "a test that is skipped says so")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs};

use pagewire_live::douyin::{Response, message_of, schema};
use serde_json::{Value, json};

/// The files of a site, each with what is expected of it.
fn captured(site: &str) -> Option<Vec<(Vec<u8>, Value)>> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures");
    let folder = env::var_os("PAGEWIRE_FIXTURES").map_or(beside, PathBuf::from);
    let Ok(expected) = fs::read(folder.join("expected.json")) else {
        eprintln!("SKIPPED: captured messages (PAGEWIRE_FIXTURES) are missing");
        return None;
    };
    let all: BTreeMap<String, Value> = serde_json::from_slice(&expected).expect("JSON by file");
    let of_site = all
        .into_iter()
        .filter(|(name, _)| name.starts_with(&format!("{site}/")));
    let files =
        of_site.map(|(name, expected)| (fs::read(folder.join(&name)).expect(&name), expected));
    let files: Vec<_> = files.collect();
    assert!(!files.is_empty(), "no file of {site}");
    Some(files)
}

/// A message as JSON, by the schema.
fn json_of(message: &str, bytes: &[u8]) -> Value {
    let id = schema().message(message).expect(message);
    let mut json = Vec::new();
    schema().to_json(id, bytes, &mut json).expect(message);
    serde_json::from_slice(&json).expect("JSON")
}

/// As Protobuf's JSON has it: 64-bit numbers as texts.
fn as_protobuf(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.to_string()),
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            value.clone()
        }
    }
}

fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let (initial, rest) = word.split_at(1);
        name + &initial.to_uppercase() + rest
    })
}

#[test]
fn captured_responses_of_douyin_are_read_whole() {
    let Some(files) = captured("douyin") else {
        return;
    };
    for (bytes, expected) in files {
        let envelope = json_of("Response", &bytes);
        let response = Response::read(&bytes);
        assert_eq!(response.messages.len() as u64, expected["messages"]);
        assert_eq!(
            envelope["messages"].as_array().map(Vec::len),
            Some(response.messages.len())
        );
        let mut read: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
        for message in &response.messages {
            let id = message_of(&message.method).expect("a method that is known");
            let name = schema().name(id).trim_start_matches("pagewire.douyin.");
            let json = json_of(name, message.payload);
            assert_eq!(json["common"]["method"], *message.method);
            assert_eq!(json["common"]["msgId"], message.msg_id.to_string());
            read.entry(&message.method).or_default().push(json);
        }
        let kinds: BTreeMap<_, _> = read.iter().map(|(kind, all)| (kind, all.len())).collect();
        assert_eq!(json!(kinds), expected["kinds"]);
        let Some(values) = expected["one_of_the_room_user_seq"].as_object() else {
            continue;
        };
        let has_all = |json: &Value| {
            let mut values = values.iter();
            values.all(|(name, value)| json[camel_case(name)] == as_protobuf(value))
        };
        assert!(
            !values.is_empty() && read["WebcastRoomUserSeqMessage"].iter().any(has_all),
            "{values:?}"
        );
    }
}
