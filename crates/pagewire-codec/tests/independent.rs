//! What another program has written, in another language and from the descriptions of the formats alone, is read here with equal values.
#![allow(clippy::print_stderr, reason = "a test that is skipped says so")]

use std::collections::BTreeMap;
use std::env;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use pagewire_codec::{
    BilibiliPacket, DouyuSide, Inflater, NestedBytes, Packing, SttValue, TarsValue,
    UNPACKED_BYTES_MAX, WsExtension, accept_of, bilibili_packets, douyu_packets, ws_frames,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

/// How many descriptions of each kind are tried.
const CASES: usize = 100;

/// Python 3, or a skip; with `PAGEWIRE_REQUIRE_ALL=1` missing is failing. The rule of `pagewire-testkit`, which would bring all shells into the
/// build of this core.
fn python() -> Option<PathBuf> {
    let named = env::var_os("PAGEWIRE_TEST_PYTHON").map(PathBuf::from);
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders = env::split_paths(&path).map(|folder| folder.join("python3"));
    let found = named.or_else(|| folders.find(|file| file.is_file()));
    if found.is_none() {
        let all = env::var_os("PAGEWIRE_REQUIRE_ALL").is_some_and(|value| value == "1");
        assert!(!all, "python3 is missing");
        eprintln!("SKIPPED: python3 is missing");
    }
    found
}

/// The same descriptions at every run.
fn descriptions(of: impl Strategy<Value = Value>) -> Vec<Value> {
    let mut runner = TestRunner::deterministic();
    let descriptions =
        (0..CASES).map(|_| of.new_tree(&mut runner).expect("a description").current());
    descriptions.collect()
}

/// Has each description written, and compares it with what is read.
fn check(name: &str, of: impl Strategy<Value = Value>, read: impl Fn(&[u8]) -> Value) {
    let Some(python) = python() else {
        return;
    };
    let descriptions = descriptions(of);
    let cases: Vec<_> = descriptions
        .iter()
        .map(|description| json!({name: description}))
        .collect();
    let written = written(&python, &cases);
    assert_eq!(written.len(), CASES);
    for (description, bytes) in descriptions.iter().zip(&written) {
        assert_eq!(&read(bytes), description, "{}", hex(bytes));
    }
}

fn written(python: &Path, cases: &[Value]) -> Vec<Vec<u8>> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/independent.py");
    let mut child = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python starts");
    let mut stdin = child.stdin.take().expect("piped");
    // The script reads all before it writes.
    stdin
        .write_all(&serde_json::to_vec(cases).expect("JSON"))
        .expect("Python reads");
    drop(stdin);
    let output = child.wait_with_output().expect("Python ends");
    assert!(output.status.success(), "{}", output.status);
    let lines = String::from_utf8(output.stdout).expect("hex");
    lines.lines().map(unhex).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(line: &str) -> Vec<u8> {
    let pairs = line
        .as_bytes()
        .chunks(2)
        .map(|pair| str::from_utf8(pair).expect("ASCII"));
    pairs
        .map(|pair| u8::from_str_radix(pair, 16).expect("hex"))
        .collect()
}

fn some_hex() -> impl Strategy<Value = String> {
    let short = prop::collection::vec(any::<u8>(), 0..20);
    let long = prop::collection::vec(any::<u8>(), 250..300);
    prop_oneof![4 => short, 1 => long].prop_map(|bytes| hex(&bytes))
}

fn tars_values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(|value| json!({"int": value})),
        any::<i32>().prop_map(|value| json!({"int": value})),
        any::<i16>().prop_map(|value| json!({"int": value})),
        any::<i8>().prop_map(|value| json!({"int": value})),
        Just(json!({"int": 0})),
        (-1e30_f32..1e30).prop_map(|value| json!({"float": f64::from(value)})),
        (-1e300_f64..1e300).prop_map(|value| json!({"double": value})),
        some_hex().prop_map(|bytes| json!({"string": bytes})),
        some_hex().prop_map(|bytes| json!({"bytes": bytes})),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec((inner.clone(), inner.clone()), 0..4)
                .prop_map(|pairs| json!({"map": pairs})),
            prop::collection::vec(inner.clone(), 0..5).prop_map(|items| json!({"list": items})),
            tars_fields(inner).prop_map(|fields| json!({"struct": fields})),
        ]
    })
}

fn tars_fields(of: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    let fields = prop::collection::btree_map(any::<u8>(), of, 0..6);
    fields.prop_map(|fields: BTreeMap<u8, Value>| {
        fields.into_iter().map(|field| json!(field)).collect()
    })
}

fn described_tars(value: &TarsValue<'_>) -> Value {
    match value {
        TarsValue::Integer(value) => json!({"int": value}),
        TarsValue::Float(value) => json!({"float": f64::from(*value)}),
        TarsValue::Double(value) => json!({"double": value}),
        TarsValue::String(bytes) => json!({"string": hex(bytes)}),
        TarsValue::Bytes(bytes) => json!({"bytes": hex(bytes)}),
        TarsValue::Nested(fields) => json!({"nested": described_fields(fields)}),
        TarsValue::Map(pairs) => {
            let pairs = pairs
                .iter()
                .map(|(key, value)| json!([described_tars(key), described_tars(value)]));
            json!({"map": pairs.collect::<Vec<_>>()})
        }
        TarsValue::List(items) => {
            json!({"list": items.iter().map(described_tars).collect::<Vec<_>>()})
        }
        TarsValue::Struct(fields) => json!({"struct": described_fields(fields)}),
    }
}

fn described_fields(fields: &[(u8, TarsValue<'_>)]) -> Value {
    fields
        .iter()
        .map(|(tag, value)| json!([tag, described_tars(value)]))
        .collect()
}

#[test]
fn tars_of_another_writer_is_read() {
    check("tars", tars_fields(tars_values()), |bytes| {
        let value = TarsValue::decode(bytes, NestedBytes::Keep).unwrap();
        assert_eq!(hex(&value.encode()), hex(bytes), "both writers agree");
        described_tars(&value)["struct"].clone()
    });
}

/// Texts that do not end with a slash, which would look like messages.
fn stt_items() -> impl Strategy<Value = Value> {
    let leaf = "[a@/=AS 弹幕]{0,12}[a@弹]".prop_map(|text| json!(text));
    let values = leaf.prop_recursive(4, 30, 5, |inner| items_of(inner, 1));
    items_of(values, 0)
}

fn items_of(values: impl Strategy<Value = Value>, least: usize) -> impl Strategy<Value = Value> {
    let key = prop::option::of("[a@/S幕]{0,4}");
    prop::collection::vec((key, values), least..5).prop_map(|items| json!(items))
}

fn described_stt(value: &SttValue<'_>) -> Value {
    match value {
        SttValue::Text(text) => json!(text),
        SttValue::Items(items) => items
            .iter()
            .map(|(key, value)| json!([key, described_stt(value)]))
            .collect(),
    }
}

#[test]
fn stt_of_another_writer_is_read() {
    check("stt", stt_items(), |bytes| {
        let value = SttValue::decode(bytes).unwrap();
        assert_eq!(value.encode().as_bytes(), bytes, "both writers agree");
        described_stt(&value)
    });
}

#[test]
fn packets_of_douyu_of_another_writer_are_read() {
    let packet = (prop_oneof![Just(689), Just(690)], stt_items());
    let packets = prop::collection::vec(packet, 0..4).prop_map(|packets| json!(packets));
    check("douyu", packets, |frame| {
        let packets = douyu_packets(frame).map(|packet| {
            let packet = packet.unwrap();
            let side = match packet.side {
                DouyuSide::Client => 689,
                DouyuSide::Server => 690,
                DouyuSide::Unknown(number) => number,
            };
            json!([side, described_stt(&SttValue::decode(packet.body).unwrap())])
        });
        packets.collect()
    });
}

fn bilibili_frames() -> impl Strategy<Value = Value> {
    let packet = (prop::sample::select(vec![2, 3, 5, 7, 8]), 0..2, some_hex());
    let packet = packet.prop_map(|(operation, version, body)| {
        json!({"operation": operation, "version": version, "body": body})
    });
    let packets = packet.prop_recursive(3, 12, 4, |inner| {
        prop::collection::vec(inner, 0..4).prop_map(|packets| json!({"zlib": packets}))
    });
    prop::collection::vec(packets, 0..4).prop_map(|packets| json!(packets))
}

/// The plain packets of a description, in their order.
fn plain(packets: &Value) -> Vec<Value> {
    let packets = packets.as_array().expect("packets").iter();
    let plain = packets.flat_map(|packet| match packet.get("zlib") {
        Some(inner) => plain(inner),
        None => vec![packet.clone()],
    });
    plain.collect()
}

#[test]
fn packets_of_bilibili_of_another_writer_are_read() {
    let Some(python) = python() else {
        return;
    };
    let descriptions = descriptions(bilibili_frames());
    let cases: Vec<_> = descriptions
        .iter()
        .map(|frame| json!({"bilibili": frame}))
        .collect();
    let mut inflater = Inflater::default();
    let mut packets_read = 0;
    for (description, frame) in descriptions.iter().zip(written(&python, &cases)) {
        let read = bilibili_packets(&frame, &mut inflater, UNPACKED_BYTES_MAX);
        assert_eq!(read.errors, []);
        let described = read.packets.iter().map(|packet: &BilibiliPacket<'_>| {
            let operation = &packet.encode()[8..12];
            json!({"operation": operation[3], "version": packet.version, "body": hex(&packet.body)})
        });
        let described: Vec<_> = described.collect();
        packets_read += described.len();
        assert_eq!(described, plain(description));
    }
    assert!(packets_read > CASES, "{packets_read} packets were read");
}

#[test]
fn frames_of_another_writer_are_read() {
    let mask = prop_oneof![
        Just(String::new()),
        any::<[u8; 4]>().prop_map(|mask| hex(&mask))
    ];
    let payload = prop_oneof![8 => some_hex(), 1 => Just("07".repeat(65_536))];
    let frames = prop::collection::vec((any::<u8>(), mask, payload), 0..4);
    check("ws", frames.prop_map(|frames| json!(frames)), |stream| {
        let frames = ws_frames(stream, WsExtension::None).map(|frame| {
            let frame = frame.unwrap();
            let first = stream[frame.at];
            json!([
                first,
                hex(frame.mask.as_ref().map_or(&[], |mask| mask)),
                hex(&frame.payload)
            ])
        });
        frames.collect()
    });
}

#[test]
fn keys_are_accepted_as_by_another_server() {
    let Some(python) = python() else {
        return;
    };
    let keys = descriptions("[a-zA-Z0-9+/]{22}==".prop_map(|key| json!(key)));
    let cases: Vec<_> = keys.iter().map(|key| json!({"accept": key})).collect();
    for (key, accept) in keys.iter().zip(written(&python, &cases)) {
        assert_eq!(accept_of(key.as_str().unwrap()).as_bytes(), accept);
    }
}

#[test]
fn gzip_of_another_writer_is_unpacked() {
    let Some(python) = python() else {
        return;
    };
    let members = prop::collection::vec(some_hex(), 1..4).prop_map(|members| json!(members));
    let descriptions = descriptions(members);
    let cases: Vec<_> = descriptions
        .iter()
        .map(|members| json!({"gzip": members}))
        .collect();
    let mut inflater = Inflater::default();
    for (members, packed) in descriptions.iter().zip(written(&python, &cases)) {
        let unpacked = inflater
            .inflate(Packing::Gzip, &packed, UNPACKED_BYTES_MAX)
            .unwrap();
        let whole: String = members
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        assert_eq!(hex(&unpacked), whole);
    }
}
