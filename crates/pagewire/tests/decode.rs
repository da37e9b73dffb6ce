//! `pagewire decode` and `pagewire encode`: as somebody types them.
#![cfg(feature = "decode")]

mod binary;

use std::process::Stdio;

use pagewire_testkit::soon;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use self::binary::{Finished, command, run};

const USER_PROTO: &str = r#"syntax = "proto3";
message User { string name = 1; int32 id = 2; int32 age = 3; string major = 4; string university = 5; string message = 6; }
"#;
const USER_JSON: &str = r#"{"name":"张三","id":888,"age":18,"major":"电子商务","university":"assist","message":"我爱人工智能，未来可期！"}"#;
const USER_HEX: &str = "0a06e5bca0e4b88910f8061812220ce794b5e5ad90e59586e58aa12a066173736973743224e68891e788b1e4babae5b7a5e699bae883bdefbc8ce69caae69da5e58fafe69c9fefbc81";

/// A folder with schemas.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).expect("written");
    };
    write("user.proto", USER_PROTO);
    write(
        "order.proto",
        "syntax = \"proto3\"; package shop; import \"user.proto\"; message Order { User by = 1; } message Cart { repeated Order orders = 1; }",
    );
    write(
        "broken.proto",
        "syntax = \"proto3\";\nmessage A { string name = ; }",
    );
    folder
}

async fn with_input(arguments: &[&str], input: &[u8]) -> (Vec<u8>, Finished) {
    let mut child = command(arguments)
        .stdin(Stdio::piped())
        .spawn()
        .expect("started");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(input).await.expect("written");
    drop(stdin);
    let output = soon("the end", child.wait_with_output())
        .await
        .expect("ended");
    let finished = Finished {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    };
    (output.stdout, finished)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn json_becomes_the_bytes_that_everybody_has_and_comes_back() {
    let folder = folder();
    let schema = folder.path().join("user.proto");
    let schema = schema.to_str().expect("UTF-8");
    let ways = [
        &["encode", "proto", "--schema", schema, "--message", "User"][..],
        &["encode", "proto", "--schema", schema],
        &["decode", "proto", "--encode", "--schema", schema],
    ];
    for arguments in ways {
        let (bytes, finished) = with_input(arguments, USER_JSON.as_bytes()).await;
        assert_eq!(
            (finished.code, hex(&bytes).as_str()),
            (0, USER_HEX),
            "{arguments:?}"
        );
        let (_, back) =
            with_input(&["decode", "proto", "--schema", schema, "--json"], &bytes).await;
        assert_eq!(back.stdout.trim_end(), USER_JSON);
    }
    let ended = run(&["decode", "proto", "--schema", schema, "--hex", USER_HEX]).await;
    assert!(
        ended.stdout.starts_with("{\n  \"name\": \"张三\",\n"),
        "{}",
        ended.stdout
    );
    // In hexadecimal through a pipe, as xxd writes it.
    let text = USER_HEX
        .as_bytes()
        .chunks(60)
        .collect::<Vec<_>>()
        .join(&b"\n"[..]);
    let arguments = [
        "decode", "proto", "--schema", schema, "--from", "hex", "--json",
    ];
    let (_, ended) = with_input(&arguments, &text).await;
    assert_eq!(ended.stdout.trim_end(), USER_JSON);
}

#[tokio::test]
async fn bytes_without_a_schema_are_a_tree() {
    let ended = run(&["decode", "proto", "--hex", USER_HEX]).await;
    let expected = "1: \"张三\"\n2: 888\n3: 18\n4: \"电子商务\"\n5: \"assist\"\n6: \"我爱人工智能，未来可期！\"\n";
    assert_eq!((ended.code, ended.stdout.as_str()), (0, expected));
    // Nested, a time, packed numbers, a float, bytes.
    let nested =
        "0a0d08071209e7b289e4b89de59ba210cee8d7d59f342206038e029ea70535000000 3f3a03ff00fe";
    let ended = run(&["decode", "proto", "--raw", "--hex", nested]).await;
    let expected = "1 {
  1: 7
  2: \"粉丝团\"
}
2: 1795207590990  Fri, 20 Nov 2026 20:46:30 GMT
4: [3, 270, 86942]  packed (40 %)
6: 0.5  float, or 1056964608
7: 3 bytes  /wD+
";
    assert_eq!(ended.stdout, expected);
    let ended = run(&["decode", "proto", "--json", "--base64", "CJYB"]).await;
    let told: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert_eq!(
        told,
        json!({"fields": [{"field": 1, "at": 1, "type": "varint", "value": 150, "zigzag": 75, "confidence": 100}]})
    );
}

#[tokio::test]
async fn a_guess_of_many_files_is_a_schema_that_reads_them() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let schema = path("user.proto");
    let mut files = Vec::new();
    for id in 1..4 {
        let json = json!({ "name": format!("用户{id}"), "id": id * 100 }).to_string();
        let (bytes, _) =
            with_input(&["encode", "proto", "--schema", &schema], json.as_bytes()).await;
        files.push(path(&format!("{id}.bin")));
        std::fs::write(files.last().expect("pushed"), bytes).expect("written");
    }
    let mut arguments = vec!["decode", "proto", "--guess"];
    arguments.extend(files.iter().map(String::as_str));
    let guess = run(&arguments).await;
    assert_eq!(guess.code, 0, "{}", guess.stderr);
    assert!(
        guess.stdout.contains("string field_1 = 1;"),
        "{}",
        guess.stdout
    );
    let guessed = path("guessed.proto");
    std::fs::write(&guessed, guess.stdout).expect("written");
    let ended = run(&["decode", "proto", "--schema", &guessed, "--json", &files[1]]).await;
    assert_eq!(
        ended.stdout.trim_end(),
        r#"{"field1":"用户2","field2":"200"}"#
    );
}

#[tokio::test]
async fn mistakes_are_told_with_what_to_do() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let (user, order, broken) = (
        path("user.proto"),
        path("order.proto"),
        path("broken.proto"),
    );
    let cases = [
        (
            &["decode", "proto", "--hex", "0a05"][..],
            1,
            "--hex is no Protobuf message: a length-delimited value needs 5 more bytes, and 0 are left, at byte 2",
        ),
        (
            &["decode", "proto", "--hex", "0a0"],
            2,
            "odd number of digits",
        ),
        (
            &["decode", "proto", "--hex", "zz"],
            2,
            "not hexadecimal: byte 0 is 'z'",
        ),
        (
            &["decode", "proto", "/nonexistent/file"],
            2,
            "/nonexistent/file",
        ),
        (
            &["decode", "proto", "--schema", &user, "--hex", "0a01ff"],
            1,
            "--hex is no User: malformed: a string is not UTF-8, at byte 2 in name",
        ),
        (
            &[
                "decode",
                "proto",
                "--schema",
                &user,
                "--message",
                "Usr",
                "--hex",
                "",
            ],
            2,
            "there is no message Usr in the schema; it has User",
        ),
        (
            &["decode", "proto", "--schema", &order, "--hex", ""],
            2,
            "the message must be named, as the schema has User, shop.Cart, shop.Order",
        ),
        (
            &["decode", "proto", "--schema", &broken, "--hex", ""],
            2,
            "broken.proto",
        ),
        (&["decode", "proto", "--message", "User"], 2, "--schema"),
    ];
    for (arguments, code, words) in cases {
        let ended = run(arguments).await;
        assert_eq!(ended.code, code, "{arguments:?}: {}", ended.stderr);
        assert!(
            ended.stderr.contains(words),
            "{arguments:?}: {}",
            ended.stderr
        );
    }
}

#[tokio::test]
async fn json_that_does_not_fit_is_told_as_is_what_the_schema_does_not_know() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let (user, order) = (path("user.proto"), path("order.proto"));
    let (_, ended) = with_input(&["encode", "proto", "--schema", &user], br#"{"nam":"x"}"#).await;
    assert_eq!(ended.code, 2);
    assert!(
        ended.stderr.contains("the JSON is no User") && ended.stderr.contains("nam"),
        "{}",
        ended.stderr
    );
    // What the schema does not know is said, and listed.
    let arguments = [
        "decode",
        "proto",
        "--schema",
        &order,
        "--message",
        "Order",
        "--hex",
        "0a0338e8074a0178",
    ];
    let ended = run(&arguments).await;
    assert_eq!(
        (ended.code, ended.stdout.trim_end()),
        (0, "{\n  \"by\": {}\n}")
    );
    assert!(
        ended.stderr.contains("2 fields are not in the schema"),
        "{}",
        ended.stderr
    );
    let ended = run(&[&arguments[..], &["--unknown"]].concat()).await;
    assert_eq!(
        ended.stdout,
        "by.7  varint  1 times, 2 bytes\n9  bytes  1 times, 1 bytes\n"
    );
}

/// The handshake of RFC 6455 §1.3, with frames of its §5.7 behind it.
fn captured() -> (Vec<u8>, Vec<u8>) {
    let request = b"GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nCookie: secret=1\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    let response = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    let masked_hello = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
    let unmasked = b"\x01\x03Hel\x80\x02lo\x89\x05Hello\x81\x7e\x00\x02hi\x88\x05\x03\xe8bye";
    (
        [&request[..], masked_hello].concat(),
        [&response[..], unmasked].concat(),
    )
}

#[tokio::test]
async fn a_captured_websocket_is_taken_apart() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let (client, server) = (path("client.bin"), path("server.bin"));
    let streams = captured();
    std::fs::write(&client, streams.0).expect("written");
    std::fs::write(&server, streams.1).expect("written");
    let ended = run(&["decode", "ws", &client, &server]).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let parts = [
        "GET /chat HTTP/1.1\n  Host: server.example.com\n",
        ": text\n  FIN 1  RSV 000  opcode 1  MASK 1  length 5 (7 bits)  key 37fa213d\n  Hello\n",
        "HTTP/1.1 101\n",
        "text\n  FIN 0  RSV 000  opcode 1  MASK 0  length 3 (7 bits)\n  Hel\n",
        "continuation\n  FIN 1  RSV 000  opcode 0  MASK 0  length 2 (7 bits)\n",
        "length 2 (126 and 2 bytes)\n  hi\n  ! RFC 6455 §5.2: the payload length is not written in the fewest bytes\n",
        "  closes with 1000 bye\n",
        "the handshake is right: Sec-WebSocket-Accept belongs to the key\n",
    ];
    for part in parts {
        assert!(ended.stdout.contains(part), "{part}\n{}", ended.stdout);
    }
    assert!(
        !ended.stdout.contains("secret"),
        "cookies are nobody's business"
    );
    let ended = run(&["decode", "ws", "--json", "--hex", "818537fa213d7f9f4d5158"]).await;
    let frame: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert_eq!(
        (&frame["opcode"], &frame["text"], &frame["mask"]),
        (&json!("text"), &json!("Hello"), &json!([55, 250, 33, 61]))
    );
    let cut = run(&["decode", "ws", "--hex", "8105 48656c"]).await;
    assert_eq!(cut.code, 1);
    assert!(
        cut.stderr.contains("--hex ends inside of a frame"),
        "{}",
        cut.stderr
    );
    let key = "dGhlIHNhbXBsZSBub25jZQ==";
    let accept = run(&["decode", "ws", "--key", key]).await;
    assert_eq!(accept.stdout.trim_end(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    let right = run(&[
        "decode",
        "ws",
        "--key",
        key,
        "--accept",
        accept.stdout.trim_end(),
    ])
    .await;
    assert_eq!(right.code, 0, "{}", right.stderr);
    let wrong = run(&["decode", "ws", "--key", key, "--accept", "c3VycmVhbA=="]).await;
    assert_eq!(wrong.code, 1);
    assert!(
        wrong.stderr.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        "{}",
        wrong.stderr
    );
}

#[tokio::test]
async fn tars_and_stt_become_json() {
    // Tag 0 the int8 7, tag 1 the string "主播", tag 2 a list of two.
    let ended = run(&[
        "decode",
        "tars",
        "--json",
        "--hex",
        "0007 1606e4b8bbe692ad 2900020001 0c",
    ])
    .await;
    assert_eq!(
        ended.stdout.trim_end(),
        r#"{"0":7,"1":"主播","2":[1,0]}"#,
        "{}",
        ended.stderr
    );
    let ended = run(&["decode", "tars", "--hex", "16ff"]).await;
    assert_eq!(ended.code, 1);
    assert!(
        ended.stderr.contains("--hex is no Tars") && ended.stderr.contains("at byte"),
        "{}",
        ended.stderr
    );

    let message = "type@=chatmsg/nn@=主播/txt@=a@Sb@Ac/rid@=1/rid@=2/";
    let (_, ended) = with_input(&["decode", "stt", "--json"], message.as_bytes()).await;
    let expected = r#"{"type":"chatmsg","nn":"主播","txt":"a/b@c","rid":["1","2"]}"#;
    assert_eq!(ended.stdout.trim_end(), expected, "{}", ended.stderr);
    // Two packets, the second of which is cut.
    let length = u32::try_from(message.len() + 9)
        .expect("short")
        .to_le_bytes();
    let packet = [
        &length[..],
        &length,
        b"\xb2\x02\0\0",
        message.as_bytes(),
        b"\0",
    ]
    .concat();
    let two = [&packet[..], &packet[..20]].concat();
    let (_, ended) = with_input(&["decode", "stt", "--json"], &two).await;
    assert_eq!((ended.code, ended.stdout.trim_end()), (1, expected));
    assert!(
        ended.stderr.contains("standard input holds what is no STT"),
        "{}",
        ended.stderr
    );
}

/// What Python's `gzip.compress(b"\x0a\x01a\x10\x07\x48\x01", mtime=0)` gives.
const GZIP: &str = "1f8b0800000000000203e3624c1460f7600400e9b9e34c07000000";

#[tokio::test]
async fn what_is_packed_is_unpacked_first() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let user = path("user.proto");
    let schema = ["decode", "proto", "--schema", &user, "--json", "--hex"];
    let ended = run(&[&schema[..], &[GZIP]].concat()).await;
    assert_eq!(
        ended.stdout.trim_end(),
        r#"{"name":"a","id":7}"#,
        "{}",
        ended.stderr
    );
    let unknown = ["decode", "proto", "--schema", &user, "--unknown"];
    let ended = run(&[&unknown[..], &["--hex", GZIP]].concat()).await;
    assert_eq!(ended.stdout, "9  varint  1 times, 1 bytes\n");
    let ended = run(&["decode", "proto", "--guess", "--hex", GZIP]).await;
    assert!(
        ended.stdout.contains("string field_1 = 1;"),
        "{}",
        ended.stdout
    );
    // A cut stream is told as such, and field 15 is not zlib although it begins so.
    let ended = run(&["decode", "proto", "--hex", &GZIP[..30]]).await;
    assert_eq!(ended.code, 1);
    assert!(
        ended.stderr.contains("a packed stream needs"),
        "{}",
        ended.stderr
    );
    let ended = run(&["decode", "proto", "--hex", "7801"]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "15: 1\n"));
}

#[tokio::test]
async fn one_bad_input_does_not_keep_the_others_back() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let (bad, good) = (path("bad.bin"), path("good.bin"));
    std::fs::write(&bad, b"\x0a\x05").expect("written");
    std::fs::write(&good, b"\x08\x07").expect("written");
    let ended = run(&["decode", "proto", &bad, &good]).await;
    assert_eq!(ended.code, 1);
    assert_eq!(ended.stdout, format!("# {bad}\n# {good}\n1: 7\n"));
    assert!(
        ended
            .stderr
            .contains("bad.bin is no Protobuf message: a length-delimited"),
        "{}",
        ended.stderr
    );
}

#[tokio::test]
async fn packets_of_bilibili_become_json() {
    let head = |length: u32, version: u16, operation: u32| {
        format!("{length:08x} 0010 {version:04x} {operation:08x} 00000001 ")
    };
    let reply = head(20, 1, 3) + "00000378";
    let message = head(23, 0, 5) + &hex(br#"{"a":1}"#);
    let words = head(18, 1, 9) + &hex(b"hi");
    let bytes = head(17, 0, 2) + "ff";
    let cut = head(99, 0, 5);
    let all = [reply, message, words, bytes, cut].concat();
    let ended = run(&["decode", "bilibili", "--json", "--hex", &all]).await;
    let lines: Vec<_> = ended.stdout.lines().collect();
    assert_eq!(
        lines,
        [
            r#"{"operation":"heartbeat_reply","version":1,"sequence":1,"body":888}"#,
            r#"{"operation":"message","version":0,"sequence":1,"body":{"a":1}}"#,
            r#"{"operation":9,"version":1,"sequence":1,"body":"hi"}"#,
            r#"{"operation":"heartbeat","version":0,"sequence":1,"body":{"base64":"/w=="}}"#,
        ]
    );
    assert_eq!(ended.code, 1);
    let told = "--hex holds what is no packet of Bilibili: a packet of Bilibili needs";
    assert!(ended.stderr.contains(told), "{}", ended.stderr);
}
