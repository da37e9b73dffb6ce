//! Protobuf by schema: the bytes that people know, and a library that does the same more slowly.
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test fails by panicking, and its numbers are small"
)]

use std::ops::Range;

use pagewire_codec::proto::{
    DEPTH_MAX, GUESS_FIELDS_MAX, JSON_BYTES_MAX, JSON_FIELDS_MAX, RAW_FIELDS_MAX, RawMessage,
    Schema, UNKNOWN_PLACES_MAX, guess,
};
use proptest::collection::vec;
use proptest::prelude::*;
use prost_reflect::{DescriptorPool, DynamicMessage};
use serde_json::{Value, json};

const ALL_KINDS: &str = r#"
syntax = "proto3";
package test;
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
import "google/protobuf/struct.proto";
enum Color { COLOR_NONE = 0; COLOR_RED = 1; COLOR_MINUS = -1; }
message All {
  double a_double = 1; float a_float = 2;
  int32 an_int32 = 3; int64 an_int64 = 4; uint32 a_uint32 = 5; uint64 a_uint64 = 6;
  sint32 a_sint32 = 7; sint64 a_sint64 = 8;
  fixed32 a_fixed32 = 9; fixed64 a_fixed64 = 10; sfixed32 an_sfixed32 = 11; sfixed64 an_sfixed64 = 12;
  bool a_bool = 13; string a_string = 14; bytes some_bytes = 15; Color color = 16;
  All inner = 17;
  repeated int32 numbers = 18; repeated string texts = 19; repeated All list = 20; repeated double doubles = 21;
  map<string, All> by_name = 22; map<int32, string> by_number = 23; map<bool, Color> by_truth = 24;
  oneof choice { string chosen_text = 25; All chosen = 26; int32 chosen_number = 27; }
  optional int32 maybe = 28;
  repeated Color colors = 29 [packed = false];
  google.protobuf.Timestamp at = 30; google.protobuf.Int64Value wrapped = 31; google.protobuf.NullValue nothing = 32;
  string far = 1000;
  int32 renamed = 5000 [json_name = "another \"name\""];
}"#;

fn schema(text: &'static str) -> Schema {
    Schema::compile("test.proto", move |name: &str| {
        (name == "test.proto").then(|| text.to_owned())
    })
    .unwrap()
}

/// The same, by the library alone.
fn descriptors() -> DescriptorPool {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("test.proto"), ALL_KINDS).unwrap();
    let files = protox::compile(["test.proto"], [folder.path()]).unwrap();
    DescriptorPool::from_file_descriptor_set(files).unwrap()
}

fn to_json(schema: &Schema, message: &str, bytes: &[u8]) -> Result<Value, String> {
    let mut out = b"before".to_vec();
    let message = schema.message(message).unwrap();
    match schema.to_json(message, bytes, &mut out) {
        Ok(()) => Ok(serde_json::from_slice(&out[6..]).expect("JSON")),
        Err(error) => {
            assert_eq!(out, b"before", "nothing is left of a half message");
            Err(error.to_string())
        }
    }
}

#[test]
fn a_message_has_the_bytes_that_it_always_had() {
    let text = r#"syntax = "proto3";
        message User { string name = 1; int32 id = 2; int32 age = 3; string major = 4; string university = 5; string message = 6; }"#;
    let schema = schema(text);
    let user = schema.message("User").unwrap();
    let json = r#"{"name":"张三","id":888,"age":18,"major":"电子商务","university":"assist","message":"我爱人工智能，未来可期！"}"#;
    let bytes = schema.to_bytes(user, json).unwrap();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        hex,
        "0a06e5bca0e4b88910f8061812220ce794b5e5ad90e59586e58aa12a066173736973743224e68891e788b1e4babae5b7a5e699bae883bdefbc8ce69caae69da5e58fafe69c9fefbc81"
    );
    let mut out = Vec::new();
    schema.to_json(user, &bytes, &mut out).unwrap();
    assert_eq!(std::str::from_utf8(&out).unwrap(), json);
    let error = schema.to_bytes(user, r#"{"nam":"张三"}"#).unwrap_err();
    assert!(error.to_string().contains("nam"), "{error}");
}

/// One of these field numbers.
fn one_of(numbers: &'static [u32]) -> impl Strategy<Value = u32> + Clone {
    proptest::sample::select(numbers)
}

/// A field of `All` that is no message and no map, or one that it does not have.
fn scalar() -> impl Strategy<Value = Vec<u8>> {
    let varints = &[3, 4, 5, 6, 7, 8, 13, 16, 18, 27, 28, 29, 5000, 77];
    let varint = (one_of(varints), prop_oneof![0..3_u64, any::<u64>()])
        .prop_map(|(number, value)| [tag(number, 0), encode(value)].concat());
    let fixed32 = (one_of(&[2, 9, 11, 78]), any::<[u8; 4]>())
        .prop_map(|(number, value)| [tag(number, 5), value.to_vec()].concat());
    let fixed64 = (one_of(&[1, 10, 12, 21, 79]), any::<[u8; 8]>())
        .prop_map(|(number, value)| [tag(number, 1), value.to_vec()].concat());
    let texts = "\\PC{0,6}|[\\x00-\\x1f\"\\\\]{0,3}";
    let text = (one_of(&[14, 19, 25, 1000]), texts)
        .prop_map(|(number, text)| delimited(number, text.as_bytes()));
    let bytes = (one_of(&[15, 80]), vec(any::<u8>(), 0..8))
        .prop_map(|(number, bytes)| delimited(number, &bytes));
    let packed = vec(any::<u32>(), 0..4).prop_map(|numbers| {
        let all = numbers.into_iter().flat_map(|number| encode(number.into()));
        delimited(18, &all.collect::<Vec<u8>>())
    });
    prop_oneof![varint, fixed32, fixed64, text, bytes, packed]
}

/// An entry of a map of scalars, or a message of Google.
fn small_message() -> impl Strategy<Value = Vec<u8>> {
    let by_number = (0..3_u64, "[a-c]{0,2}").prop_map(|(key, value)| {
        (
            23,
            [number(1, key), delimited(2, value.as_bytes())].concat(),
        )
    });
    let color = prop_oneof![Just(vec![]), (0..3_u64).prop_map(|color| number(2, color))];
    let by_truth =
        (0..2_u64, color).prop_map(|(key, value)| (24, [number(1, key), value].concat()));
    let time = (0..4_000_000_000_u64, 0..1_000_000_000_u64)
        .prop_map(|(seconds, nanos)| (30, [number(1, seconds), number(2, nanos)].concat()));
    let wrapped = any::<u64>().prop_map(|value| (31, number(1, value)));
    prop_oneof![by_number, by_truth, time, wrapped]
        .prop_map(|(field, inner)| delimited(field, &inner))
}

/// One field as bytes.
fn field(depth: u32) -> BoxedStrategy<Vec<u8>> {
    let leaf = prop_oneof![3 => scalar(), 2 => small_message()];
    if depth == 0 {
        return leaf.boxed();
    }
    let inner = message(depth - 1, 0..4);
    let nested = (one_of(&[17, 20, 26]), inner.clone())
        .prop_map(|(number, inner)| delimited(number, &inner));
    let by_name = ("[a-c]{0,2}", inner).prop_map(|(key, inner)| {
        let entry = [delimited(2, &inner), delimited(1, key.as_bytes())].concat();
        delimited(22, &entry)
    });
    prop_oneof![4 => leaf, 2 => nested, 1 => by_name].boxed()
}

fn number(field: u32, value: u64) -> Vec<u8> {
    [tag(field, 0), encode(value)].concat()
}

fn message(depth: u32, fields: Range<usize>) -> BoxedStrategy<Vec<u8>> {
    vec(field(depth), fields)
        .prop_map(|fields| fields.concat())
        .boxed()
}

fn tag(number: u32, wire: u64) -> Vec<u8> {
    encode(u64::from(number) << 3 | wire)
}

fn encode(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

fn delimited(number: u32, bytes: &[u8]) -> Vec<u8> {
    [tag(number, 2), encode(bytes.len() as u64), bytes.to_vec()].concat()
}

fn cases() -> u32 {
    if std::env::var_os("PAGEWIRE_TEST_LONG").is_some() {
        5_000
    } else {
        500
    }
}

thread_local! {
    static ALL: Schema = schema(ALL_KINDS);
    static LIBRARY: DescriptorPool = descriptors();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn json_is_that_of_the_library(bytes in message(3, 0..12)) {
        ALL.with(|schema| {
            let ours = to_json(schema, "test.All", &bytes);
            let theirs = LIBRARY.with(|pool| pool.get_message_by_name("test.All").unwrap());
            let theirs = DynamicMessage::decode(theirs, &bytes[..]).unwrap();
            let json = serde_json::to_string(&theirs).unwrap();
            prop_assert_eq!(ours.unwrap(), serde_json::from_str::<Value>(&json).unwrap());
            // And back.
            let back = schema.to_bytes(schema.message("All").unwrap(), &json).unwrap();
            let json_again = to_json(schema, "test.All", &back).unwrap();
            prop_assert_eq!(json_again, serde_json::from_str::<Value>(&json).unwrap());
            Ok(())
        })?;
    }

    #[test]
    fn no_bytes_panic_and_what_is_read_does_not_grow(bytes in vec(any::<u8>(), 0..300), cut in 0..300_usize) {
        ALL.with(|schema| {
            let all = schema.message("All").unwrap();
            let _ = schema.to_json(all, &bytes, &mut Vec::new());
            let _ = schema.unknown_fields(all, &bytes);
        });
        let _ = RawMessage::read(&bytes);
        let _ = guess([&bytes[..], &bytes[..cut.min(bytes.len())]]);
    }

    #[test]
    fn a_message_that_is_cut_is_an_error_or_has_fewer_fields(bytes in message(2, 1..6), cut in 0..1_000_usize) {
        let cut = cut % (bytes.len() + 1);
        ALL.with(|schema| {
            if let Err(error) = to_json(schema, "All", &bytes[..cut]) {
                prop_assert!(error.contains("at byte"), "{error}");
            }
            Ok(())
        })?;
    }

    #[test]
    fn a_guessed_schema_reads_what_it_was_guessed_from(messages in vec(message(2, 0..8), 1..12)) {
        let guessed = guess(messages.iter().map(|message| &message[..])).unwrap().to_string();
        let text: &'static str = Box::leak(guessed.into_boxed_str());
        let schema = schema(text);
        let guess = schema.message("Guess").unwrap();
        for message in &messages {
            let unknown = schema.unknown_fields(guess, message);
            // Only where one number was written in two ways.
            prop_assert!(unknown.iter().all(|field| field.name.is_some()), "{unknown:?}\n{text}");
            prop_assert!(to_json(&schema, "Guess", message).is_ok(), "{text}");
        }
    }
}

#[test]
fn the_guess_of_a_message_is_its_type() {
    let text = "syntax = \"proto3\"; message Chat { User user = 1; string content = 2; uint64 sent_ms = 3; repeated uint32 tags = 4; double score = 5; }
        message User { uint64 id = 1; string name = 2; bool masked = 3; }";
    let schema = schema(text);
    let chat = schema.message("Chat").unwrap();
    let messages: Vec<_> = (1..20)
        .map(|n| {
            let chat_json = json!({ "user": { "id": (n * 1_000).to_string(), "name": format!("用户{n}"), "masked": n % 2 == 0 },
                "content": "主播好！".repeat(n), "sentMs": (1_795_322_693_000_u64 + n as u64).to_string(), "tags": [n, n * 300, 7], "score": n as f64 / 4.0 });
            schema.to_bytes(chat, &chat_json.to_string()).unwrap()
        })
        .collect();
    let guess = guess(messages.iter().map(|message| &message[..]))
        .unwrap()
        .to_string();
    let lines: Vec<_> = guess
        .lines()
        .map(|line| line.split("  //").next().unwrap().trim())
        .collect();
    let expected = [
        "syntax = \"proto3\";",
        "",
        "// Guessed from 19 messages of 1710 bytes together.",
        "message Guess {",
        "message Field1 {",
        "uint64 field_1 = 1;",
        "string field_2 = 2;",
        "bool field_3 = 3;",
        "}",
        "Field1 field_1 = 1;",
        "string field_2 = 2;",
        "uint64 field_3 = 3;",
        "repeated uint64 field_4 = 4;",
        "double field_5 = 5;",
        "}",
    ];
    assert_eq!(lines[..2], expected[..2]);
    assert_eq!(lines[3..], expected[3..], "{guess}");
    assert!(
        guess.contains("uint64 field_3 = 3;  // always there, looks like a time"),
        "{guess}"
    );
    assert!(
        guess.contains("bool field_3 = 3;  // in 9 of 19"),
        "{guess}"
    );
}

/// A field that was fixed32 twice and three bytes once was guessed to be `repeated fixed32`, of which three bytes are none.
#[test]
fn a_field_that_is_numbers_and_other_bytes_is_not_guessed_to_be_packed_numbers() {
    let number = [tag(1, 5), vec![1, 0, 0, 0x80]].concat();
    let other = delimited(1, b"\xff\x01\x80");
    let varint = [tag(2, 0), encode(7)].concat();
    let other_2 = delimited(2, b"\xff");
    let message = [&number[..], &number, &other, &varint, &varint, &other_2].concat();
    let guessed = guess([&message[..]]).unwrap().to_string();
    let text: &'static str = Box::leak(guessed.into_boxed_str());
    let expected = json!({"field1": ["/wGA"], "field2": ["/w=="]});
    assert_eq!(
        to_json(&schema(text), "Guess", &message),
        Ok(expected),
        "{text}"
    );
}

#[test]
fn what_the_schema_does_not_know_is_listed_by_place() {
    let text = "syntax = \"proto3\"; message A { A a = 1; string s = 2; repeated uint64 n = 3; }";
    let schema = schema(text);
    let inner = [
        delimited(9, b"xy"),
        tag(2, 0),
        encode(5),
        delimited(9, b"z"),
    ]
    .concat();
    let bytes = [
        delimited(1, &inner),
        delimited(1, &inner),
        tag(7, 0),
        encode(300),
    ]
    .concat();
    let unknown = schema.unknown_fields(schema.message("A").unwrap(), &bytes);
    let told: Vec<_> = unknown
        .iter()
        .map(|field| {
            format!(
                "{} {:?} {:?} {} {}",
                field.path, field.wire, field.name, field.count, field.bytes
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "a.2 Varint Some(\"s\") 2 2",
            "a.9 Bytes None 4 6",
            "7 Varint None 1 2"
        ]
    );
    assert_eq!(to_json(&schema, "A", &bytes).unwrap(), json!({"a": {}}));
}

#[test]
fn errors_point_at_the_byte_and_the_field() {
    let text = "syntax = \"proto3\"; message A { A a = 1; string s = 2; repeated A list = 3; map<string, string> m = 4; repeated uint64 n = 5; }";
    let schema = schema(text);
    let not_utf8 = delimited(2, b"ok\xff");
    let cases = [
        (
            not_utf8.clone(),
            "malformed: a string is not UTF-8, at byte 4 in s",
        ),
        (
            delimited(1, &not_utf8),
            "malformed: a string is not UTF-8, at byte 6 in a.s",
        ),
        (
            [delimited(3, b""), delimited(3, &not_utf8)].concat(),
            "malformed: a string is not UTF-8, at byte 8 in list.1.s",
        ),
        (
            delimited(4, &[delimited(1, b"k"), delimited(2, b"\xff")].concat()),
            "malformed: a string is not UTF-8, at byte 7 in m.\"k\"",
        ),
        (
            delimited(5, b"\x01\xff"),
            "a varint needs 1 more bytes, and 0 are left, at byte 4 in n.0",
        ),
        (
            b"\x0a\x05\x0a".to_vec(),
            "a length-delimited value needs 5 more bytes, and 1 are left, at byte 2",
        ),
    ];
    for (bytes, expected) in cases {
        assert_eq!(to_json(&schema, "A", &bytes).unwrap_err(), expected);
    }
}

/// A message in two parts, of which the second has a mistake, had it behind the end of the input; and a part that was cut read on in the next one.
#[test]
fn of_a_message_in_parts_each_is_read_where_it_stands() {
    let schema = schema("syntax = \"proto3\"; message A { A a = 1; string s = 2; int32 n = 3; }");
    let first = delimited(1, &[delimited(2, b"a long text"), number(3, 7)].concat());
    let second = delimited(1, &delimited(2, b"b"));
    let both = [&first[..], &second].concat();
    let expected = json!({"a": {"s": "b", "n": 7}});
    assert_eq!(to_json(&schema, "A", &both), Ok(expected));
    let wrong = [&first[..], &delimited(1, &delimited(2, b"\xff"))].concat();
    assert_eq!(
        to_json(&schema, "A", &wrong).unwrap_err(),
        "malformed: a string is not UTF-8, at byte 21 in a.s"
    );
    let cut = [delimited(1, &tag(3, 0)), delimited(1, &encode(7))].concat();
    assert_eq!(
        to_json(&schema, "A", &cut).unwrap_err(),
        "a varint needs 1 more bytes, and 0 are left, at byte 3 in a"
    );
    let inner_parts = delimited(1, &[&first[..], &wrong].concat());
    assert_eq!(
        to_json(&schema, "A", &inner_parts).unwrap_err(),
        "malformed: a string is not UTF-8, at byte 40 in a.a.s"
    );
}

/// Each member of a oneof that was written over moved all fields behind it: minutes for a megabyte.
#[test]
fn a_oneof_that_is_written_over_often_takes_no_longer_than_other_fields() {
    let text = "syntax = \"proto3\"; message A { oneof o { bool x = 1; bool y = 2; } repeated bool list = 3 [packed = false]; A a = 4; }";
    let schema = schema(text);
    let count = 300_000;
    let alternating = [number(1, 1), number(2, 1)].concat().repeat(count);
    let bytes = [alternating, number(3, 1).repeat(count)].concat();
    let json = to_json(&schema, "A", &bytes).unwrap();
    assert_eq!((&json["x"], &json["y"]), (&Value::Null, &json!(true)));
    assert_eq!(json["list"].as_array().map(Vec::len), Some(count));
}

/// 2^32 in a field of 32 bits is 0, which was written as if it were another number.
#[test]
fn a_number_whose_lowest_bits_are_zero_is_the_default_of_a_smaller_field() {
    let text = "syntax = \"proto3\"; enum E { NONE = 0; } message A { int32 a = 1; sint32 b = 2; E c = 3; bool d = 4; int64 e = 5; optional uint32 f = 6; }";
    let bytes: Vec<u8> = (1..=6).flat_map(|field| number(field, 1 << 32)).collect();
    let expected = json!({"d": true, "e": "4294967296", "f": 0});
    assert_eq!(to_json(&schema(text), "A", &bytes), Ok(expected));
}

#[test]
fn messages_may_be_as_deep_as_the_limit_and_ten_thousand_deep_are_an_error() {
    let schema = schema("syntax = \"proto3\"; message A { A a = 1; }");
    let nested = |depth: usize| (0..depth).fold(Vec::new(), |inner, _| delimited(1, &inner));
    assert!(to_json(&schema, "A", &nested(DEPTH_MAX)).is_ok());
    for depth in [DEPTH_MAX + 1, 10_000] {
        let error = to_json(&schema, "A", &nested(depth)).unwrap_err();
        assert!(
            error.starts_with("too much: depth of messages is 65, the limit is 64, at byte"),
            "{error}"
        );
    }
    // Without a schema what is deeper is bytes.
    assert!(RawMessage::read(&nested(10_000)).is_ok());
    assert!(guess([&nested(10_000)[..]]).is_ok());
}

const ANY: &str = "syntax = \"proto3\"; import \"google/protobuf/any.proto\"; import \"google/protobuf/empty.proto\"; import \"google/protobuf/duration.proto\";
    message A { google.protobuf.Any any = 1; google.protobuf.Empty empty = 2; google.protobuf.Duration took = 3; string s = 4; }";

#[test]
fn what_an_any_holds_is_shown_with_its_type() {
    let schema = schema(ANY);
    let a = schema.message("A").unwrap();
    for json in [
        r#"{"any":{"@type":"x.com/A","s":"a"}}"#,
        r#"{"any":{"@type":"x.com/A"}}"#,
        r#"{"any":{"@type":"x.com/google.protobuf.Duration","value":"1.500s"},"s":"b"}"#,
        r#"{"any":{"@type":"x.com/google.protobuf.Empty","value":{}}}"#,
        r#"{"any":{"@type":"/google.protobuf.Any","value":{"@type":"/A","any":{"@type":"/A"}}}}"#,
    ] {
        let mut out = Vec::new();
        let bytes = schema.to_bytes(a, json).unwrap();
        schema.to_json(a, &bytes, &mut out).unwrap();
        assert_eq!(std::str::from_utf8(&out).unwrap(), json);
    }
    for (url, at) in [("x.com/B", 4), ("A", 4)] {
        let bytes = delimited(1, &delimited(1, url.as_bytes()));
        let error = to_json(&schema, "A", &bytes).unwrap_err();
        let expected = "malformed: the type of a google.protobuf.Any is not in the schema";
        assert_eq!(error, format!("{expected}, at byte {at} in any"));
    }
}

/// Each `Any` in an `Any` was read by a function within a function, however many there were: 5,000 of them, 125 kB, ended the process.
#[test]
fn an_any_may_be_as_deep_as_messages_and_ten_thousand_deep_are_an_error() {
    let schema = schema(ANY);
    let nested = |depth: usize| {
        let last = delimited(1, b"/A");
        let url = delimited(1, b"/google.protobuf.Any");
        let any = (1..depth).fold(last, |inner, _| [&url[..], &delimited(2, &inner)].concat());
        delimited(1, &any)
    };
    // The message around, and the one in the last.
    assert!(to_json(&schema, "A", &nested(DEPTH_MAX - 1)).is_ok());
    for depth in [DEPTH_MAX, 10_000] {
        let error = to_json(&schema, "A", &nested(depth)).unwrap_err();
        assert!(
            error.starts_with("too much: depth of messages is 65, the limit is 64, at byte"),
            "{error}"
        );
    }
}

#[test]
fn json_may_be_as_long_as_its_limit() {
    let name = "n".repeat(100_000);
    let text = format!(
        "syntax = \"proto3\"; message List {{ repeated A list = 1; }} message A {{ int32 {name} = 1; }}"
    );
    let schema = schema(Box::leak(text.into_boxed_str()));
    let item = delimited(1, &[8, 1]);
    // `{"list":[` and `]}` around items of `{"n…":1}` with a comma between them.
    let count = (JSON_BYTES_MAX - 10) / (100_000 + 7);
    assert!(to_json(&schema, "List", &item.repeat(count)).is_ok());
    let error = to_json(&schema, "List", &item.repeat(count + 1)).unwrap_err();
    assert!(error.contains("bytes of JSON of a message"), "{error}");
}

#[test]
fn fields_that_are_not_in_order_are_kept_up_to_the_limit() {
    let schema = schema("syntax = \"proto3\"; message A { int32 n = 1; A a = 2; }");
    let fields = |count: usize| [8, 1].repeat(count);
    let n = json!({ "n": 1 });
    assert_eq!(to_json(&schema, "A", &fields(JSON_FIELDS_MAX)), Ok(n));
    let expected =
        "too much: fields of a message that are not in order is 1048577, the limit is 1048576";
    let error = to_json(&schema, "A", &fields(JSON_FIELDS_MAX + 1)).unwrap_err();
    assert_eq!(error, format!("{expected}, at byte 2097153"));
    // Those of the messages around are counted with them, also where a message was written in parts.
    let half = fields(JSON_FIELDS_MAX / 2);
    let inside = [&half[..], &delimited(2, &half)].concat();
    let error = to_json(&schema, "A", &inside).unwrap_err();
    assert!(
        error.starts_with(expected) && error.ends_with("in a"),
        "{error}"
    );
    let parts = delimited(2, &half).repeat(3);
    assert!(
        to_json(&schema, "A", &parts)
            .unwrap_err()
            .starts_with(expected)
    );
    // What is in order needs no memory for it.
    let schema = self::schema("syntax = \"proto3\"; message A { repeated B b = 1; } message B {}");
    let list = to_json(&schema, "A", &delimited(1, &[]).repeat(JSON_FIELDS_MAX + 1)).unwrap();
    assert_eq!(list["b"].as_array().unwrap().len(), JSON_FIELDS_MAX + 1);
}

#[test]
fn what_is_listed_without_a_schema_has_limits() {
    let small = [8, 1].repeat(RAW_FIELDS_MAX);
    let read = |bytes: &[u8]| RawMessage::read(bytes).unwrap().fields.len();
    assert_eq!(read(&small), RAW_FIELDS_MAX);
    assert_eq!(
        read(&[&small[..], &[8, 1]].concat()),
        RAW_FIELDS_MAX,
        "the rest is left out"
    );

    let fields = |count: usize| -> Vec<u8> {
        let numbers = (1..).filter(|number| !(19_000..20_000).contains(number));
        numbers
            .take(count)
            .flat_map(|number| [tag(number, 0), vec![1]].concat())
            .collect()
    };
    let guessed = |count: usize| {
        let bytes = fields(count);
        let text = guess([&bytes[..]]).unwrap().to_string();
        text.lines().filter(|line| line.contains(" field_")).count()
    };
    assert_eq!(guessed(GUESS_FIELDS_MAX), GUESS_FIELDS_MAX);
    assert_eq!(guessed(GUESS_FIELDS_MAX + 1), GUESS_FIELDS_MAX);

    let schema = schema("syntax = \"proto3\"; message A {}");
    let a = schema.message("A").unwrap();
    let places = |count: usize| schema.unknown_fields(a, &fields(count)).len();
    assert_eq!(places(UNKNOWN_PLACES_MAX), UNKNOWN_PLACES_MAX);
    assert_eq!(places(UNKNOWN_PLACES_MAX + 1), UNKNOWN_PLACES_MAX);
}
