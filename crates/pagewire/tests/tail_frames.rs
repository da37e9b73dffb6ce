//! `pagewire tail --decode frame`: the events of a live room as they come.
#![cfg(all(unix, feature = "decode"))]

mod binary;

use std::process::Stdio;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pagewire_codec::proto::Writer;
use pagewire_testkit::{TestHub, soon};
use serde_json::{Value, json};
use tokio::io::{BufReader, Lines};
use tokio::process::{Child, ChildStdout};

use self::binary::{command, interrupt, run};

const TOPIC: &str = "programs/room";

fn message(response: &mut Writer, method: &str, id: u64, payload: &[u8]) {
    response.message(1, |message| {
        message.text(1, method).bytes(2, payload).varint(3, id);
    });
}

fn person(out: &mut Writer) {
    out.varint(1, 11).text(3, "张三");
}

fn chat(id: u64, text: &str) -> Vec<u8> {
    let (mut chat, mut response) = (Writer::default(), Writer::default());
    chat.message(2, person).text(3, text);
    message(&mut response, "WebcastChatMessage", id, &chat.into_bytes());
    response.into_bytes()
}

/// So many roses so far, of one combo, for 5 each.
fn roses(id: u64, count: u64) -> Vec<u8> {
    let (mut gift, mut response) = (Writer::default(), Writer::default());
    gift.varint(2, 463)
        .varint(4, 1)
        .varint(5, count)
        .varint(6, count);
    gift.message(7, person).varint(11, 99);
    gift.message(15, |gift| {
        gift.varint(5, 463)
            .varint(11, 1)
            .varint(12, 5)
            .text(16, "rose");
    });
    message(&mut response, "WebcastGiftMessage", id, &gift.into_bytes());
    response.into_bytes()
}

async fn publish(hub: &TestHub, bytes: Vec<u8>) {
    let http = hub
        .client()
        .with("content-type", "application/octet-stream");
    let answer = http.post(&format!("/v1/topics/{TOPIC}"), bytes).await;
    assert!(answer.status.is_success(), "{}", answer.status);
}

async fn publish_json(hub: &TestHub, value: Value) {
    let path = format!("/v1/topics/{TOPIC}");
    let answer = hub.client().post(&path, value.to_string()).await;
    assert!(answer.status.is_success(), "{}", answer.status);
}

/// As a tap tells of it.
async fn tapped(hub: &TestHub, direction: &str, frame: &[u8]) {
    let frame = json!({"kind": "binary", "direction": direction, "size": frame.len(), "at_us": 1, "time_ms": 1_795_212_345_678_u64, "base64": STANDARD.encode(frame)});
    publish_json(hub, frame).await;
}

struct Tail {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Tail {
    fn start(hub: &TestHub, more: &[&str]) -> Self {
        let hub = hub.http_url();
        let arguments = [
            "tail", TOPIC, "--hub", &hub, "--last", "99", "--decode", "frame",
        ];
        let mut command = command(&[&arguments[..], &["--site", "douyin"], more].concat());
        let mut child = command.stderr(Stdio::inherit()).spawn().expect("started");
        let lines = binary::lines(child.stdout.take().expect("piped"));
        Self { child, lines }
    }

    async fn line(&mut self) -> String {
        let line = soon("a line", self.lines.next_line()).await.expect("read");
        line.expect("it goes on")
    }

    async fn json(&mut self) -> Value {
        serde_json::from_str(&self.line().await).expect("JSON")
    }

    async fn kill(mut self) {
        self.child.kill().await.expect("ended");
    }
}

#[tokio::test]
async fn events_come_once_and_gifts_are_counted_over_all_frames() {
    let hub = TestHub::start().await;
    publish(&hub, chat(1, "hi")).await;
    tapped(&hub, "received", &chat(2, "tapped")).await;
    // What the page says, the same event on another connection, what is no frame, and what is none of bytes.
    tapped(&hub, "sent", &chat(3, "sent")).await;
    publish(&hub, chat(1, "hi")).await;
    publish(&hub, b"\x0a\x05".to_vec()).await;
    publish_json(&hub, json!({"kind": "close", "code": 1006})).await;
    publish(&hub, roses(4, 10)).await;
    publish(&hub, roses(5, 15)).await;

    let mut tail = Tail::start(&hub, &["--json"]);
    let first = tail.json().await;
    assert_eq!(
        (&first["kind"], &first["chat"]["text"], &first["seq"]),
        (&json!("chat"), &json!("hi"), &json!(1))
    );
    assert_eq!(first["time_source"], "arrival");
    let cursor = first["cursor"].as_str().expect("a cursor").to_owned();
    let second = tail.json().await;
    assert_eq!(
        (&second["chat"]["text"], &second["seq"], &second["time_ms"]),
        (&json!("tapped"), &json!(2), &json!(1_795_212_345_678_u64))
    );
    let error = tail.json().await;
    assert!(
        error["decode_error"]
            .as_str()
            .is_some_and(|error| error.contains("at byte"))
    );
    assert_eq!(error["seq"], 5);
    for (kind, count, seq) in [
        ("gift", 10, json!(7)),
        ("gift.delta", 10, json!(7)),
        ("gift", 15, json!(8)),
        ("gift.delta", 5, json!(8)),
        // Nothing more comes: time ends the combo, and no record says so.
        ("gift.final", 15, Value::Null),
    ] {
        let event = tail.json().await;
        let gift = &event[kind.replace('.', "_")];
        assert_eq!(
            (&event["kind"], &gift["count"]),
            (&json!(kind), &json!(count))
        );
        assert_eq!(event["seq"], seq);
    }
    tail.kill().await;

    let more = [
        "--since",
        &cursor,
        "--json",
        "--kind",
        "chat",
        "--site-fields",
    ];
    let mut tail = Tail::start(&hub, &more);
    let event = tail.json().await;
    assert_eq!(event["site_fields"]["content"], "tapped", "{event}");
    tail.kill().await;
}

#[tokio::test]
async fn people_read_events_as_lines_among_what_else_comes() {
    let hub = TestHub::start().await;
    tapped(&hub, "received", &chat(1, "hi\n\u{1b}[2J")).await;
    publish(&hub, b"\x0a\x05".to_vec()).await;
    publish_json(&hub, json!({"price": 1.5})).await;
    tapped(&hub, "received", &roses(2, 10)).await;
    let mut tail = Tail::start(&hub, &[]);
    assert_eq!(
        tail.line().await,
        "22:05:45  chat        张三                  hi \\u{1b}[2J"
    );
    let error = tail.line().await;
    assert!(error.starts_with("  ! no message of douyin: "), "{error}");
    let other = tail.line().await;
    assert!(
        other.starts_with("#3 ") && other.ends_with(r#"{"price":1.5}"#),
        "{other}"
    );
    for rest in [
        "gift        张三                  ×10 rose so far",
        "gift.delta  张三                  ×10 rose, 50 diamonds",
    ] {
        assert_eq!(tail.line().await, format!("22:05:45  {rest}"));
    }
    tail.kill().await;
}

#[tokio::test]
async fn people_may_read_events_in_chinese() {
    let hub = TestHub::start().await;
    tapped(&hub, "received", &roses(2, 10)).await;
    let mut tail = Tail::start(&hub, &["--lang", "zh"]);
    for rest in [
        "礼物消息  张三                  rose 累计 ×10",
        "送礼      张三                  送出 rose ×10，共 50 钻石",
    ] {
        assert_eq!(tail.line().await, format!("22:05:45  {rest}"));
    }
    tail.kill().await;
}

#[tokio::test]
async fn events_are_filtered_and_written_as_asked_for() {
    let hub = TestHub::start().await;
    tapped(&hub, "received", &chat(1, "hi\n\u{1b}[2J")).await;
    publish(&hub, b"\x0a\x05".to_vec()).await;
    tapped(&hub, "received", &chat(2, "hello")).await;
    tapped(&hub, "received", &roses(3, 10)).await;
    let mut tail = Tail::start(&hub, &["--format", "compat"]);
    for line in [
        "【聊天msg】[11]张三: hi \\u{1b}[2J",
        "【聊天msg】[11]张三: hello",
        "【礼物msg】张三 送出了 rosex10",
    ] {
        assert_eq!(tail.line().await, line);
    }
    tail.kill().await;
    let filter = ["--filter", "chat.text.startsWith('he') || has(gift)"];
    let template = ["--template", "{kind} {chat.text|-}"];
    let mut tail = Tail::start(&hub, &[filter, template].concat());
    for line in ["chat hello", "gift -"] {
        assert_eq!(tail.line().await, line);
    }
    tail.kill().await;
}

#[tokio::test]
async fn mistakes_are_told_before_anything_is_followed() {
    for (arguments, words) in [
        (&["--decode", "frame"][..], "--decode frame needs --site"),
        (&["--site", "douyin"], "belong to --decode frame"),
        (
            &["--decode", "stt", "--kind", "chat"],
            "belong to --decode frame",
        ),
        (
            &["--decode", "frame", "--site", "douyin", "--site-fields"],
            "--json",
        ),
        (
            &["--decode", "frame", "--site", "douyin", "--raw"],
            "belong to --decode proto",
        ),
        (&["--decode", "frame", "--site", "doyin"], "douyin"),
        (
            &["--decode", "frame", "--site", "douyin", "--filter", "x"],
            "there is no member x",
        ),
        (&["--min-gift", "5"], "belong to --decode frame"),
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

#[tokio::test]
async fn combos_that_are_open_end_with_ctrl_c_and_with_the_stream() {
    for (ends, code) in [(Ends::CtrlC, 130), (Ends::Hub, 1)] {
        let hub = TestHub::start().await;
        tapped(&hub, "received", &roses(4, 10)).await;
        let mut tail = Tail::start(&hub, &["--json"]);
        for kind in ["gift", "gift.delta"] {
            assert_eq!(tail.json().await["kind"], kind, "{ends:?}");
        }
        match ends {
            Ends::CtrlC => interrupt(&tail.child),
            Ends::Hub => drop(hub.stop().await),
        }
        let last = tail.json().await;
        assert_eq!(
            (&last["kind"], &last["gift_final"]["count"]),
            (&json!("gift.final"), &json!(10)),
            "{ends:?}"
        );
        let end = soon("the end of the lines", tail.lines.next_line()).await;
        assert_eq!(end.expect("read"), None, "{ends:?}");
        let status = soon("the end", tail.child.wait()).await.expect("ended");
        assert_eq!(status.code(), Some(code), "{ends:?}");
    }
}

#[derive(Debug, Clone, Copy)]
enum Ends {
    CtrlC,
    Hub,
}
