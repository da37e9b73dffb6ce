//! One connection for many values: `GET /v1/publish`, and what `POST` allows just as well.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use http::StatusCode;
use pagewire_hub::HubOptions;
use pagewire_rpc::LinkOptions;
use pagewire_server::{Access, Token};
use pagewire_testkit::{Http, Message, TestHub, open_socket, soon, until};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn open(hub: &TestHub, headers: &[(&'static str, &str)]) -> Result<Socket, Error> {
    open_socket(&format!("{}/v1/publish", hub.ws_url()), headers).await
}

async fn send(socket: &mut Socket, message: impl Into<Message>) {
    socket.send(message.into()).await.expect("it goes out");
}

fn binary(header: &str, data: &[u8]) -> Message {
    let length = u16::try_from(header.len()).expect("a short header");
    Message::binary([&length.to_be_bytes(), header.as_bytes(), data].concat())
}

async fn answer(socket: &mut Socket) -> Value {
    match soon("an answer", socket.next()).await {
        Some(Ok(Message::Text(text))) => serde_json::from_str(&text).expect("JSON"),
        other => unreachable!("no answer but {other:?}"),
    }
}

async fn closed(socket: &mut Socket) -> (u16, String) {
    match soon("the close", socket.next()).await {
        Some(Ok(Message::Close(Some(frame)))) => (frame.code.into(), frame.reason.to_string()),
        other => unreachable!("no close but {other:?}"),
    }
}

async fn dropped(client: &Http) -> String {
    let figures = client.get("/metrics").await.text().await;
    let mut lines = figures.lines();
    let line = lines.find(|line| line.starts_with("pagewire_values_dropped_total "));
    line.and_then(|line| line.rsplit(' ').next())
        .expect("a figure")
        .to_owned()
}

#[tokio::test]
async fn values_go_through_as_they_are_and_only_those_with_an_id_are_answered() {
    let hub = TestHub::start().await;
    let client = hub.client();
    let mut socket = open(&hub, &[]).await.expect("taken");
    let value = r#"{"kind":"text","b":1.0, "a":12345678901234567890}"#;
    send(
        &mut socket,
        format!(r#"{{"topic":"taps/p_1/1-a.example","value":{value}}}"#),
    )
    .await;
    send(
        &mut socket,
        binary(
            r#"{"topic":"taps/p_1/1-a.example","type":"image/png"}"#,
            b"\x00\xff",
        ),
    )
    .await;
    send(
        &mut socket,
        r#"{"id":"k","topic":"taps/p_1/1-a.example","value":null}"#,
    )
    .await;
    send(
        &mut socket,
        binary(r#"{"id":7,"topic":"programs/t"}"#, b"x"),
    )
    .await;
    let first = answer(&mut socket).await;
    assert_eq!(
        (&first["id"], &first["topic"], &first["seq"]),
        (&json!("k"), &json!("taps/p_1/1-a.example"), &json!(3))
    );
    assert!(
        first["cursor"]
            .as_str()
            .is_some_and(|cursor| cursor.ends_with(":3")),
        "{first}"
    );
    let second = answer(&mut socket).await;
    assert_eq!((&second["id"], &second["seq"]), (&json!(7), &json!(1)));
    let kept = client
        .get("/v1/topics/taps/p_1/1-a.example")
        .await
        .text()
        .await;
    assert!(kept.contains(&format!(r#""value":{value}}}"#)), "{kept}");
    assert!(
        kept.contains(r#""type":"image/png","base64":"AP8=""#),
        "{kept}"
    );
    assert_eq!(dropped(&client).await, "0");
}

#[tokio::test]
async fn what_is_not_taken_is_answered_or_counted_and_the_next_value_is_taken() {
    let link = LinkOptions {
        topic_value_bytes_max: 4,
        message_bytes_max: 200,
        ..LinkOptions::default()
    };
    let token = json!({"name": "t", "secret": "0123456789abcdef", "scopes": ["publish:programs/a*", "publish:taps/p_1/*"]});
    let access = Access {
        tokens: vec![serde_json::from_value::<Token>(token).expect("a token")],
        ..Access::default()
    };
    let options = HubOptions {
        link,
        ..HubOptions::default()
    };
    let hub = TestHub::with(options, access).await;
    let bearer = [("authorization", "Bearer 0123456789abcdef")];
    let mut socket = open(&hub, &bearer).await.expect("taken");
    let long = "1".repeat(100);
    let cases = [
        ("programs/a", "1234", None),
        (
            "programs/a",
            "12345",
            Some((-32007, "topic_value_bytes_max: 5 is over the limit of 4")),
        ),
        (
            "programs/b",
            "1",
            Some((-32006, "no scope publish:programs/b")),
        ),
        ("taps/p_1/1-a", long.as_str(), None),
        (
            "taps/p_2/1-a",
            "1",
            Some((-32006, "no scope publish:taps/p_2/1-a")),
        ),
        (
            "taps/p_1",
            "1",
            Some((-32006, "programs publish below programs/")),
        ),
        (
            "pages/g/t",
            "1",
            Some((-32006, "programs publish below programs/")),
        ),
        ("a b", "1", Some((-32602, "a topic is"))),
    ];
    for (topic, value, error) in cases {
        send(
            &mut socket,
            json!({"id": 1, "topic": topic, "value": 0})
                .to_string()
                .replace(":0", &format!(":{value}")),
        )
        .await;
        let got = answer(&mut socket).await;
        let (code, words) = error.unzip();
        assert_eq!(got["error"]["code"].as_i64(), code, "{topic}: {got}");
        let message = got["error"]["message"].as_str().unwrap_or_default();
        assert!(
            message.contains(words.unwrap_or_default()),
            "{topic}: {got}"
        );
        send(
            &mut socket,
            format!(r#"{{"topic":"{topic}","value":{value}}}"#),
        )
        .await;
    }
    let refused = cases.iter().filter(|case| case.2.is_some()).count();
    until("all are counted", async || {
        (dropped(&hub.client()).await == refused.to_string()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_post_follows_the_same_rule() {
    let hub = TestHub::start().await;
    let client = hub.client();
    for (topic, status) in [
        ("programs/t", StatusCode::OK),
        ("taps/p_1/1-a", StatusCode::OK),
        ("taps/p_1", StatusCode::FORBIDDEN),
        ("pages/g/t", StatusCode::FORBIDDEN),
    ] {
        let response = client.post(&format!("/v1/topics/{topic}"), "1").await;
        assert_eq!(response.status, status, "{topic}");
    }
    let frame = format!("\"{}\"", "x".repeat(2 << 20));
    let taken = client.post("/v1/topics/taps/p_1/1-a", frame.clone()).await;
    assert_eq!(
        taken.status,
        StatusCode::OK,
        "a frame may be as long as a message"
    );
    let refused = client.post("/v1/topics/programs/t", frame).await;
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_connection_that_cannot_go_on_says_why() {
    let link = LinkOptions {
        message_bytes_max: 64,
        ..LinkOptions::default()
    };
    let hub = TestHub::with_link(link).await;
    let padded = |length: usize| {
        let text = r#"{"topic":"programs/t","value":1}"#;
        format!("{text}{}", " ".repeat(length - text.len()))
    };
    for (message, code, reason) in [
        ("junk".to_owned(), 4400, "the message is no JSON object"),
        (
            r#"{"topic":"programs/t"}"#.into(),
            4400,
            "a \"value\" is missing",
        ),
        (padded(65), 1009, "message_bytes_max"),
    ] {
        let mut socket = open(&hub, &[]).await.expect("taken");
        send(&mut socket, message).await;
        let (got, why) = closed(&mut socket).await;
        assert!(got == code && why.contains(reason), "{got} {why}");
    }
    let mut socket = open(&hub, &[]).await.expect("taken");
    send(&mut socket, padded(64)).await;
    let client = hub.client();
    until("the value at the limit", async || {
        let topics = client.get("/v1/topics").await.json().await;
        (topics["topics"][0]["seq"] == 1).then_some(())
    })
    .await;
    hub.stop().await;
    assert_eq!(closed(&mut socket).await, (1001, "shutdown".into()));
}

#[tokio::test]
async fn who_may_publish_nothing_gets_no_connection() {
    let token = json!({"name": "t", "secret": "0123456789abcdef", "scopes": ["call", "subscribe"]});
    let access = Access {
        tokens: vec![serde_json::from_value::<Token>(token).expect("a token")],
        ..Access::default()
    };
    let hub = TestHub::with(HubOptions::default(), access).await;
    for (headers, status) in [
        ([("authorization", "Bearer 0123456789abcdef")], 403),
        ([("origin", "https://shop.example")], 403),
        ([("sec-websocket-protocol", "other")], 400),
    ] {
        match open(&hub, &headers).await {
            Err(Error::Http(response)) => assert_eq!(response.status().as_u16(), status),
            other => panic!("{headers:?}: {other:?}"),
        }
    }
}

/// It sends nothing and answers no Ping, as if its machine were gone.
#[tokio::test]
async fn a_publisher_that_gives_no_sign_of_life_is_let_go() {
    let link = LinkOptions {
        heartbeat: Duration::from_millis(50),
        ..LinkOptions::default()
    };
    let hub = TestHub::with_link(link).await;
    let mut socket = TcpStream::connect(&hub.address).await.expect("connected");
    let request = "GET /v1/publish HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
                   Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: pagewire.v1\r\n\r\n";
    socket.write_all(request.as_bytes()).await.expect("sent");
    let close = [&4408_u16.to_be_bytes()[..], b"silent"].concat();
    let mut got = Vec::new();
    while !got.ends_with(&close) {
        let read = soon("the close", socket.read_buf(&mut got)).await;
        assert_ne!(read.expect("read"), 0, "{}", got.escape_ascii());
    }
}

/// All values are on their way before the first one is read; a subscriber that begins late finds every one of them.
#[tokio::test]
async fn a_burst_is_kept_whole_for_a_subscriber_that_lags() {
    const FRAMES: u64 = 20_000;
    let hub = TestHub::start().await;
    let client = hub.client();
    let mut lines = client
        .with("accept", "application/x-ndjson")
        .get("/v1/topics/taps/p/1-a")
        .await;
    let mut socket = open(&hub, &[]).await.expect("taken");
    for n in 1..=FRAMES {
        let message = format!(r#"{{"topic":"taps/p/1-a","value":{n}}}"#);
        socket
            .feed(Message::text(message))
            .await
            .expect("it goes out");
    }
    send(
        &mut socket,
        r#"{"id":1,"topic":"taps/p/1-a","value":"end"}"#,
    )
    .await;
    assert_eq!(answer(&mut socket).await["seq"], FRAMES + 1);
    let text = lines.read_until("\"end\"}\n").await;
    let values = text.lines().filter(|line| !line.is_empty());
    let values: Vec<Value> = values
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(values.len() as u64, FRAMES + 1);
    for (record, n) in values.iter().zip(1..=FRAMES) {
        assert_eq!((&record["seq"], &record["value"]), (&json!(n), &json!(n)));
    }
    drop(tokio::time::timeout(Duration::from_secs(1), socket.close(None)).await);
}
