//! What goes out and what comes in.

use pagewire_testkit::TestHub;
use serde_json::{Value, json};

use crate::binary::{run, run_with};
use crate::{Peer, connect, events};

#[tokio::test]
async fn both_servers_echo_text_and_bytes_in_the_order_of_the_command_line() {
    for peer in [Peer::python().await, Peer::node().await] {
        let Some(peer) = peer else { continue };
        let url = peer.url("/echo");
        let finished = run(&[
            "connect",
            &url,
            "--send",
            "价格",
            "--send-hex",
            "00 41 ff",
            "--send",
            "",
            "--count",
            "3",
        ])
        .await;
        assert_eq!(finished.code, 0, "{}", finished.stderr);
        let expected = "价格\nbinary, 3 bytes\n  000000  00 41 ff                                         .A.\n\n";
        assert_eq!(finished.stdout, expected);
        let words = finished.stderr.lines().collect::<Vec<_>>();
        assert!(
            words[0].starts_with(&format!("connected to {url} (127.0.0.1:")),
            "{words:?}"
        );
        assert_eq!(
            words[1..],
            [
                "> 价格",
                "> (3 bytes)",
                "> ",
                "closed with 1000 (normal closure)"
            ]
        );
    }
}

#[tokio::test]
async fn large_messages_come_back_byte_for_byte() {
    for peer in [Peer::python().await, Peer::node().await] {
        let Some(peer) = peer else { continue };
        let bytes: Vec<u8> = (0..5_000_000u32)
            .map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1])
            .collect();
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), &bytes).expect("written");
        let path = file.path().to_str().expect("UTF-8");
        let output = crate::binary::command(&[
            "connect",
            &peer.url("/echo"),
            "--send-file",
            path,
            "--once",
            "--raw",
        ])
        .output();
        let output = pagewire_testkit::soon("the end", output)
            .await
            .expect("started");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(output.stdout == bytes, "{} bytes came", output.stdout.len());
    }
}

#[tokio::test]
async fn fragments_are_one_message() {
    if let Some(peer) = Peer::python().await {
        let finished = connect(&peer, "/fragments", &["--raw"]).await;
        assert_eq!(
            (finished.code, finished.stdout.as_str()),
            (0, "one two three\n\0\x01\x02")
        );
    }
    if let Some(peer) = Peer::node().await {
        let finished = run(&["connect", &peer.url("/fragments"), "--once"]).await;
        assert_eq!((finished.code, finished.stdout.as_str()), (0, "one two\n"));
        assert!(
            finished.stderr.contains("ping \"between\""),
            "{}",
            finished.stderr
        );
    }
}

#[tokio::test]
async fn pings_are_answered_and_shown() {
    if let Some(peer) = Peer::python().await {
        let finished = run(&["connect", &peer.url("/ping"), "--once"]).await;
        assert_eq!(
            (finished.code, finished.stdout.as_str()),
            (0, "the pong came\n")
        );
        assert!(
            finished.stderr.contains("ping \"are you there\""),
            "{}",
            finished.stderr
        );
    }
    if let Some(peer) = Peer::node().await {
        let finished = run(&["connect", &peer.url("/pong"), "--once"]).await;
        assert_eq!(
            (finished.code, finished.stdout.as_str()),
            (0, "pong node\n")
        );
    }
}

#[tokio::test]
async fn pings_of_ours_keep_a_quiet_connection_alive() {
    let Some(peer) = Peer::python().await else {
        return;
    };
    // Without pings nothing comes for 5 s, which would fail; with them the 6 s pass.
    let finished = connect(
        &peer,
        "/silent",
        &["--ping", "50ms", "--idle", "5s", "--drain", "6s", "--json"],
    )
    .await;
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    let events = events(&finished);
    let pongs = events.iter().filter(|event| event["event"] == "pong");
    let times: Vec<_> = pongs
        .map(|pong| pong["round_trip_ms"].as_f64().expect("a time"))
        .collect();
    assert!(
        times.len() > 1 && times.iter().all(|ms| *ms > 0.0),
        "{times:?}"
    );
}

#[tokio::test]
async fn json_lines_tell_everything() {
    let Some(peer) = Peer::python().await else {
        return;
    };
    let finished = connect(
        &peer,
        "/echo",
        &[
            "--send",
            "a\u{9b}",
            "--send-hex",
            "ff00",
            "--count",
            "2",
            "--json",
        ],
    )
    .await;
    let mut events = events(&finished);
    for event in &mut events {
        let time = event.as_object_mut().expect("an object").remove("time_ms");
        assert!(
            time.and_then(|time| time.as_u64())
                .is_some_and(|ms| ms > 1_700_000_000_000),
            "{event}"
        );
    }
    let peer_address = events[0]["peer"].clone();
    let text = json!({"kind": "text", "size": 3, "text": "a\u{9b}"});
    let bytes = json!({"kind": "binary", "size": 2, "base64": "/wA="});
    let with = |event: &str, payload: &Value| {
        let mut payload = payload.clone();
        payload["event"] = event.into();
        payload
    };
    assert_eq!(
        events,
        [
            json!({"event": "open", "url": peer.url("/echo"), "peer": peer_address, "subprotocol": null}),
            with("sent", &text),
            with("sent", &bytes),
            with("message", &text),
            with("message", &bytes),
            json!({"event": "close", "code": 1000, "name": "normal closure", "reason": "", "by": "client", "clean": true}),
        ]
    );
}

#[tokio::test]
async fn no_extension_is_offered() {
    let Some(peer) = Peer::node().await else {
        return;
    };
    let finished = run(&["connect", &peer.url("/extensions"), "--once"]).await;
    assert_eq!(finished.stdout, "{\"offered\":null,\"used\":\"\"}\n");
}

#[tokio::test]
async fn the_opening_request_says_what_was_asked() {
    let Some(peer) = Peer::python().await else {
        return;
    };
    let url = peer.url("/headers").replace("ws://", "ws://me:pw@");
    let options = [
        "--header",
        "X-Test: 1",
        "-H",
        "X-Test:2",
        "--origin",
        "https://o.example",
        "--subprotocol",
        "chat.v3",
        "--subprotocol",
        "chat.v2",
    ];
    let finished = run(&[&["connect", &url, "--no-stdin"][..], &options].concat()).await;
    let agent = concat!("User-Agent: pagewire/", env!("CARGO_PKG_VERSION"));
    assert_eq!(
        finished.stdout.lines().collect::<Vec<_>>(),
        [
            "Origin: https://o.example",
            "X-Test: 1, 2",
            agent,
            "Authorization: Basic bWU6cHc=",
            "subprotocol: chat.v2"
        ]
    );
    assert!(
        finished.stderr.contains(", subprotocol chat.v2"),
        "{}",
        finished.stderr
    );
    assert!(!finished.stderr.contains("pw@"), "{}", finished.stderr);
}

#[tokio::test]
async fn messages_of_the_longest_length_pass_and_one_byte_more_ends_the_connection() {
    let Some(mut peer) = Peer::python().await else {
        return;
    };
    // CONNECT_MESSAGE_BYTES_MAX by default. A server that is still sending such a message may lose our close code with the connection.
    let cases = [
        (1_000, &["--max-size", "1000"][..], "closed 1009"),
        (64 << 20, &[], "closed 1"),
    ];
    for (length, options, close) in cases {
        let options = [options, &["--once"]].concat();
        let finished = connect(&peer, &format!("/send/{length}"), &options).await;
        assert_eq!(
            (finished.code, finished.stdout.len()),
            (0, length + 1),
            "{}",
            finished.stderr
        );
        assert_eq!(peer.line().await, "closed 1000");
        let finished = connect(&peer, &format!("/send/{}", length + 1), &options).await;
        assert_eq!((finished.code, finished.stdout.as_str()), (1, ""));
        assert!(
            finished.stderr.contains("longer than --max-size allows"),
            "{}",
            finished.stderr
        );
        assert!(
            finished.stderr.contains("1009 (message too big)"),
            "{}",
            finished.stderr
        );
        let line = peer.line().await;
        assert!(line.starts_with(close), "{line}");
    }
}

#[tokio::test]
async fn a_topic_of_a_hub_is_followed_by_any_websocket_client() {
    let hub = TestHub::start().await;
    let publish = async |value: &str| {
        hub.client()
            .post("/v1/topics/programs/x", value.to_owned())
            .await
    };
    publish(r#"{"id":12345678901234567890123}"#).await;
    let url = format!("{}/v1/topics/programs/x?last=1", hub.ws_url());
    let finished = run(&["connect", &url, "--once"]).await;
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert!(
        finished
            .stdout
            .contains(r#""value":{"id":12345678901234567890123}"#),
        "{}",
        finished.stdout
    );
}

#[tokio::test]
async fn received_messages_become_values_of_a_topic_digit_for_digit() {
    let Some(peer) = Peer::python().await else {
        return;
    };
    let hub = TestHub::start().await;
    let long = r#"{"b":1.0, "a":123456789012345678901234567890}"#;
    let options = [
        "--to-topic",
        "programs/feed",
        "--send",
        long,
        "--send",
        "plain \"text\"",
        "--send-hex",
        "00ff",
        "--count",
        "3",
    ];
    let url = peer.url("/echo");
    let arguments = [&["connect", &url][..], &options].concat();
    let finished = run_with(&arguments, &[("PAGEWIRE_HUB", &hub.http_url())]).await;
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    let records = hub
        .client()
        .get("/v1/topics/programs/feed")
        .await
        .text()
        .await;
    for value in [long, r#""plain \"text\"""#] {
        let value = format!("\"value\":{value}");
        assert!(records.contains(&value), "{records} lacks {value}");
    }
    let records: Value = serde_json::from_str(&records).expect("JSON");
    let bytes = &records["records"][2];
    assert_eq!(
        (&bytes["base64"], &bytes["type"]),
        (&"AP8=".into(), &"application/octet-stream".into())
    );
}

#[tokio::test]
async fn a_value_that_the_hub_refuses_is_told_and_the_next_one_is_published() {
    let Some(peer) = Peer::python().await else {
        return;
    };
    let hub = TestHub::start().await;
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), vec![7; (1 << 20) + 1]).expect("written");
    let path = file.path().to_str().expect("UTF-8");
    let options = [
        "--to-topic",
        "programs/feed",
        "--send-file",
        path,
        "--send",
        "2",
        "--count",
        "2",
    ];
    let url = peer.url("/echo");
    let arguments = [&["connect", &url][..], &options].concat();
    let finished = run_with(&arguments, &[("PAGEWIRE_HUB", &hub.http_url())]).await;
    assert_eq!(finished.code, 1);
    assert!(
        finished
            .stderr
            .contains("a message was not published: too_large"),
        "{}",
        finished.stderr
    );
    assert!(
        finished.stderr.contains("1 messages were not published"),
        "{}",
        finished.stderr
    );
    let records = hub
        .client()
        .get("/v1/topics/programs/feed")
        .await
        .text()
        .await;
    assert!(
        records.contains(r#""seq":1"#) && records.contains(r#""value":2"#),
        "{records}"
    );
}

#[tokio::test]
async fn a_hub_that_is_not_there_is_told_before_anything_is_opened() {
    let Some(peer) = Peer::python().await else {
        return;
    };
    let options = ["--to-topic", "programs/feed", "--hub", "http://127.0.0.1:1"];
    let finished = connect(&peer, "/echo", &options).await;
    assert_eq!(finished.code, 1);
    assert!(
        finished.stderr.contains("cannot reach the hub"),
        "{}",
        finished.stderr
    );
    assert!(
        !finished.stderr.contains("connected"),
        "{}",
        finished.stderr
    );
}
