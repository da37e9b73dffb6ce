//! `pagewire tail --decode`: the bytes of a topic, readable as they come.
#![cfg(all(unix, feature = "decode"))]

mod binary;

use std::io::Write as _;
use std::process::Stdio;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use futures_util::{SinkExt as _, StreamExt as _};
use pagewire_testkit::{Site, TestHub, chromium, soon};
use serde_json::{Value, json};
use tokio::io::{BufReader, Lines};
use tokio::net::TcpListener;
use tokio::process::{Child, ChildStdout};
use tokio_tungstenite::tungstenite::Message;

use self::binary::{command, interrupt, run};

const PROTO: &str = r#"syntax = "proto3";
message Chat { string text = 1; User user = 2; }
message User { string name = 1; int32 id = 2; }
"#;
/// A `Chat` with 你好, and a user with 张三 and 888.
const CHAT: &[u8] =
    b"\x0a\x06\xe4\xbd\xa0\xe5\xa5\xbd\x12\x0b\x0a\x06\xe5\xbc\xa0\xe4\xb8\x89\x10\xf8\x06";
/// The user's name is no UTF-8.
const BROKEN: &[u8] = b"\x12\x03\x0a\x01\xff";

fn chat() -> Value {
    json!({"text": "你好", "user": {"name": "张三", "id": 888}})
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

/// A folder with the schema, and the path of that.
fn schema() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("chat.proto");
    std::fs::write(&path, PROTO).expect("written");
    let path = path.to_str().expect("UTF-8").to_owned();
    (folder, path)
}

/// A command whose lines are read as they come.
struct Following {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Following {
    fn start(arguments: &[&str]) -> Self {
        let mut command = command(arguments);
        let mut child = command.stderr(Stdio::inherit()).spawn().expect("started");
        let lines = binary::lines(child.stdout.take().expect("piped"));
        Self { child, lines }
    }

    fn tail(hub: &str, topic: &str, more: &[&str]) -> Self {
        let arguments = ["tail", topic, "--hub", hub, "--last", "99"];
        Self::start(&[&arguments[..], more].concat())
    }

    async fn line(&mut self) -> String {
        let line = soon("a line", self.lines.next_line()).await.expect("read");
        line.expect("it goes on")
    }

    async fn json(&mut self) -> Value {
        serde_json::from_str(&self.line().await).expect("JSON")
    }

    /// The next line of a kind of `pagewire attach --json`.
    async fn event(&mut self, event: &str) -> Value {
        loop {
            let line = self.json().await;
            if line["event"] == event {
                return line;
            }
        }
    }

    /// What is behind number and time of the next line.
    async fn head(&mut self) -> String {
        let line = self.line().await;
        binary::numbered(&line).1.to_owned()
    }

    async fn kill(mut self) {
        self.child.kill().await.expect("ended");
    }
}

/// A server that waits for a message of the page and then sends these; the socket stays open until the page goes.
async fn serve(messages: Vec<Message>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("the page comes");
        let socket = tokio_tungstenite::accept_async(stream).await;
        let mut socket = socket.expect("a handshake");
        socket.next().await.expect("a message").expect("read");
        for message in messages {
            socket.send(message).await.expect("sent");
        }
        while let Some(Ok(_)) = socket.next().await {}
    });
    format!("ws://{address}/live")
}

#[tokio::test]
async fn packed_protobuf_of_a_page_is_read_as_it_comes() {
    let Some(chromium) = chromium() else { return };
    let (_folder, schema) = schema();
    let feed = serve(vec![
        Message::binary(gzip(CHAT)),
        Message::text("hello"),
        Message::binary(gzip(BROKEN)),
        Message::binary(CHAT),
    ])
    .await;
    let site = Site::start().await;
    site.page("/", format!("<!doctype html><script>const socket = new WebSocket('{feed}'); socket.onopen = () => socket.send(Uint8Array.of(10, 2, 104, 105));</script>"));
    let chromium = chromium.to_str().expect("UTF-8");
    let arguments = ["attach", &site.origin, "--json", "--headless", "--tap"];
    let more = ["ws:*", "--listen", "127.0.0.1:0", "--browser", chromium];
    let mut attach = Following::start(&[&arguments[..], &more].concat());
    let hub = attach.event("hub").await["http"].clone();
    let hub = hub.as_str().expect("an address");
    let topic = attach.event("tap").await["topic"].clone();
    let topic = topic.as_str().expect("a topic");

    let decode = [
        "--decode",
        "proto",
        "--schema",
        &schema,
        "--message",
        "Chat",
    ];
    check_json(Following::tail(
        hub,
        topic,
        &[&decode[..], &["--json"]].concat(),
    ))
    .await;
    check_words(Following::tail(hub, topic, &decode), topic).await;

    interrupt(&attach.child);
    let status = soon("the end", attach.child.wait()).await.expect("ended");
    assert_eq!(status.code(), Some(0));
}

async fn check_json(mut tail: Following) {
    let open = tail.json().await;
    assert_eq!(open["value"]["kind"], "open");
    let packed = gzip(CHAT).len();
    let error = "malformed: a string is not UTF-8, at byte 4 in gzip.user.name";
    for (kind, direction, size, decoded, error) in [
        ("binary", "sent", 4, json!({"text": "hi"}), Value::Null),
        ("binary", "received", packed, chat(), Value::Null),
        ("text", "received", 5, Value::Null, Value::Null),
        (
            "binary",
            "received",
            gzip(BROKEN).len(),
            Value::Null,
            json!(error),
        ),
        ("binary", "received", CHAT.len(), chat(), Value::Null),
    ] {
        let record = tail.json().await;
        let frame = &record["value"];
        assert_eq!(
            (&frame["kind"], &frame["direction"], &frame["size"]),
            (&json!(kind), &json!(direction), &json!(size)),
        );
        assert_eq!(frame["base64"].is_string(), kind == "binary", "{record}");
        assert_eq!(
            (&record["decoded"], &record["decode_error"]),
            (&decoded, &error)
        );
        assert!(record["cursor"].is_string(), "{record}");
    }
    tail.kill().await;
}

async fn check_words(mut tail: Following, topic: &str) {
    let connection = topic.rsplit('/').next().expect("a connection");
    let opened = tail.head().await;
    assert!(opened.starts_with(&format!("connection {connection} opened: ws://")));
    let (packed, broken) = (gzip(CHAT).len(), gzip(BROKEN).len());
    let shown = "  {\n    \"text\": \"你好\",\n    \"user\": {\n      \"name\": \"张三\",\n      \"id\": 888\n    }\n  }";
    for (head, under) in [
        (
            format!("→ binary 4 bytes on {connection}"),
            "  {\n    \"text\": \"hi\"\n  }",
        ),
        (
            format!("← binary {packed} bytes (gzip) on {connection}"),
            shown,
        ),
        ("← text 5 bytes  hello".to_owned(), ""),
        (
            format!("← binary {broken} bytes (gzip) on {connection}"),
            "  ! no Chat: malformed: a string is not UTF-8, at byte 4 in gzip.user.name",
        ),
    ] {
        assert_eq!(tail.head().await, head);
        for line in under.lines() {
            assert_eq!(tail.line().await, line);
        }
    }
    // The bytes that were not read.
    assert!(tail.line().await.starts_with("  000000  1f 8b 08 "));
    tail.kill().await;
}

/// Publishes bytes, as programs and pages do.
async fn publish(hub: &TestHub, topic: &str, bytes: Vec<u8>) {
    let http = hub.client().with("content-type", "application/x-chat");
    let answer = http.post(&format!("/v1/topics/{topic}"), bytes).await;
    assert!(answer.status.is_success(), "{}", answer.status);
}

async fn publish_json(hub: &TestHub, topic: &str, value: &Value) {
    let path = format!("/v1/topics/{topic}");
    let answer = hub.client().post(&path, value.to_string()).await;
    assert!(answer.status.is_success(), "{}", answer.status);
}

#[tokio::test]
async fn values_that_are_bytes_are_read_and_others_stay_as_they_are() {
    let hub = TestHub::start().await;
    let topic = "programs/chats";
    publish(&hub, topic, zlib(&[CHAT, b"\x48\x07"].concat())).await;
    publish_json(&hub, topic, &json!({"price": 1.5})).await;
    // What is like a frame, as a page's own decoder gives it back.
    publish_json(
        &hub,
        topic,
        &json!({"kind": "decoded", "base64": "CgJoaQ==", "frame": 7}),
    )
    .await;
    publish(&hub, topic, b"\x0a\x05".to_vec()).await;
    let (_folder, schema) = schema();
    let arguments = [
        "--decode",
        "proto",
        "--schema",
        &schema,
        "--message",
        "Chat",
    ];
    let mut tail = Following::tail(
        &hub.http_url(),
        topic,
        &[&arguments[..], &["--json"]].concat(),
    );
    let packed = tail.json().await;
    assert_eq!(
        (&packed["decoded"], &packed["unknown_fields"]),
        (&chat(), &json!(1))
    );
    assert_eq!(packed["type"], "application/x-chat");
    let other = tail.json().await;
    assert_eq!(other["value"], json!({"price": 1.5}));
    assert_eq!(other.get("decoded"), None);
    assert_eq!(tail.json().await["decoded"], json!({"text": "hi"}));
    assert_eq!(
        tail.json().await["decode_error"],
        "a length-delimited value needs 5 more bytes, and 0 are left, at byte 2"
    );
    tail.kill().await;

    let mut tail = Following::tail(&hub.http_url(), topic, &["--decode", "proto"]);
    let size = zlib(&[CHAT, b"\x48\x07"].concat()).len();
    assert_eq!(
        tail.head().await,
        format!("{size} bytes of application/x-chat (zlib)")
    );
    for line in [
        "  1: \"你好\"",
        "  2 {",
        "    1: \"张三\"",
        "    2: 888",
        "  }",
        "  9: 7",
    ] {
        assert_eq!(tail.line().await, line);
    }
    assert_eq!(tail.head().await, r#"{"price":1.5}"#);
    assert_eq!(tail.head().await, r#"{"frame":7,"kind":"decoded"} 4 bytes"#);
    assert_eq!(tail.line().await, "  1: \"hi\"");
    tail.kill().await;
}

fn bilibili(version: u16, operation: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 16).expect("short");
    let head = [
        &length.to_be_bytes()[..],
        &16_u16.to_be_bytes(),
        &version.to_be_bytes(),
    ];
    let rest = [&operation.to_be_bytes()[..], &1_u32.to_be_bytes(), body];
    [head.concat(), rest.concat()].concat()
}

#[tokio::test]
async fn frames_of_packets_become_lists_and_tars_an_object() {
    let hub = TestHub::start().await;
    let message = b"type@=chatmsg/txt@=a@Sb/";
    let length = u32::try_from(message.len() + 9)
        .expect("short")
        .to_le_bytes();
    let packet = [&length[..], &length, b"\xb2\x02\0\0", message, b"\0"].concat();
    publish(&hub, "programs/stt", [&packet[..], &packet[..20]].concat()).await;
    let inner = [
        bilibili(0, 5, r#"{"cmd": "DANMU_MSG", "info": [1]}"#.as_bytes()),
        bilibili(1, 3, &888_u32.to_be_bytes()),
    ];
    publish(
        &hub,
        "programs/bilibili",
        bilibili(2, 5, &zlib(&inner.concat())),
    )
    .await;
    publish(&hub, "programs/tars", b"\x00\x07\x20\x05\xa0\x01".to_vec()).await;
    let chat = json!({"type": "chatmsg", "txt": "a/b"});
    let packets = json!([
        {"operation": "message", "version": 0, "sequence": 1, "body": {"cmd": "DANMU_MSG", "info": [1]}},
        {"operation": "heartbeat_reply", "version": 1, "sequence": 1, "body": 888},
    ]);
    for (format, decoded, error) in [
        (
            "stt",
            json!([chat]),
            json!("a packet of Douyu needs 33 more bytes, and 16 are left, at byte 41"),
        ),
        ("bilibili", packets, Value::Null),
    ] {
        let topic = format!("programs/{format}");
        let mut tail = Following::tail(&hub.http_url(), &topic, &["--decode", format, "--json"]);
        let record = tail.json().await;
        assert_eq!(
            (&record["decoded"], &record["decode_error"]),
            (&decoded, &error)
        );
        tail.kill().await;
    }
    let mut tail = Following::tail(
        &hub.http_url(),
        "programs/tars",
        &["--decode", "tars", "--json"],
    );
    let line = tail.line().await;
    assert!(line.contains(r#""decoded":{"0":7,"2":5,"10":1}"#), "{line}");
    tail.kill().await;
}

#[tokio::test]
async fn mistakes_are_told_before_anything_is_followed() {
    for (arguments, words) in [
        (
            &["--schema", "a.proto"][..],
            "--schema and --raw belong to --decode proto",
        ),
        (
            &["--decode", "tars", "--raw"],
            "--schema and --raw belong to --decode proto",
        ),
        (
            &["--decode", "proto", "--nested"],
            "--nested belongs to --decode tars",
        ),
        (
            &["--decode", "proto", "--schema", "/nonexistent.proto"],
            "nonexistent.proto",
        ),
        (&["--decode", "prot"], "bilibili"),
        (
            &["--decode", "proto", "--raw", "--schema", "a.proto"],
            "cannot be used with",
        ),
    ] {
        let hub = ["tail", "programs/t", "--hub", "http://127.0.0.1:1"];
        let ended = run(&[&hub[..], arguments].concat()).await;
        assert_eq!(ended.code, 2, "{arguments:?}: {}", ended.stderr);
        assert!(
            ended.stderr.contains(words),
            "{arguments:?}: {}",
            ended.stderr
        );
    }
}
