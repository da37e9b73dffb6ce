//! Every frame once, in order, as it went over the wire, and a page that notices nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pagewire_testkit::{Message, chromium};
use serde_json::{Value, json};

use crate::push::Connection;
use crate::stage::Stage;

/// Messages to each of the two sockets.
const MESSAGES: usize = 1_000;

/// A frame as both the server and the hub can show it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Frame {
    Text(String),
    Binary(Vec<u8>),
}

impl Frame {
    fn of(message: Message) -> Self {
        assert!(message.is_text() || message.is_binary(), "{message:?}");
        match message.to_text() {
            Ok(text) if message.is_text() => Self::Text(text.into()),
            Ok(_) | Err(_) => Self::Binary(message.into_data().into()),
        }
    }

    /// From a value of a topic, whose members are checked on the way.
    fn of_value(value: &Value) -> Self {
        let members: Vec<_> = value.as_object().expect("an object").keys().collect();
        let size = value["size"].as_u64().expect("a size");
        let (frame, length, payload) = if value["kind"] == "text" {
            let text = value["text"].as_str().expect("a text");
            (Self::Text(text.into()), text.len(), "text")
        } else {
            assert_eq!(value["kind"], "binary", "{value}");
            let bytes = STANDARD.decode(value["base64"].as_str().expect("a text"));
            let bytes = bytes.expect("base64");
            let length = bytes.len();
            (Self::Binary(bytes), length, "base64")
        };
        let mut expected = ["kind", "direction", "size", "at_us", "time_ms", payload];
        expected.sort_unstable();
        assert_eq!(members, expected, "{value}");
        assert_eq!(size, length as u64, "{value}");
        frame
    }
}

/// Texts and bytes of all lengths, empty ones and long ones.
fn message(i: usize) -> Message {
    let byte = |at: usize| u8::try_from((i * 31 + at) % 256).expect("a byte");
    match i {
        500 => Message::binary((0..100_000).map(byte).collect::<Vec<_>>()),
        501 => Message::text("长".repeat(30_000)),
        _ if i % 100 == 50 => Message::text(""),
        _ if i % 100 == 51 => Message::binary(vec![]),
        _ if i.is_multiple_of(2) => Message::text(format!("message {i} \"你好\" 🦀 \u{feff}")),
        _ => Message::binary((0..i * 37 % 700).map(byte).collect::<Vec<_>>()),
    }
}

/// Sends everything at once, takes what the page answers, and closes when the page is done.
async fn talk(mut connection: Connection) -> Vec<Frame> {
    for i in 0..MESSAGES {
        connection.send(message(i)).await;
    }
    connection.text("end").await;
    let mut answers = Vec::new();
    while answers.last() != Some(&Frame::Text("done".into())) {
        answers.push(Frame::of(connection.receive().await));
    }
    connection.close(3001, "enough 够了").await;
    answers
}

/// What a page saw, and what its server got, on two sockets: one with Blobs, one with buffers.
async fn visit(stage: &mut Stage) -> ([Value; 2], [Vec<Frame>; 2]) {
    let mut reports = [json!(null), json!(null)];
    let mut answers = [vec![], vec![]];
    for (at, binary_type) in ["blob", "arraybuffer"].into_iter().enumerate() {
        let url = stage.push.url("/");
        let (http, arguments) = (stage.http.clone(), json!(["listen", url, binary_type]));
        let listening = tokio::spawn(async move {
            let response = http.post("/v1/call/page/client?timeout=60s", arguments.to_string());
            response.await.json().await
        });
        answers[at] = talk(stage.push.next().await).await;
        reports[at] = listening.await.expect("no panic");
    }
    (reports, answers)
}

#[tokio::test]
async fn every_frame_is_told_once_and_in_order_and_the_page_sees_no_difference() {
    let Some(chromium) = chromium() else { return };
    let mut plain = Stage::show(&chromium, None).await;
    let (without, _) = visit(&mut plain).await;
    assert_eq!(plain.topics().await, Vec::<String>::new());
    plain.close().await;

    let mut stage = Stage::open(&chromium).await;
    let (with, answers) = visit(&mut stage).await;
    assert_eq!(with, without);
    for (report, answers) in with.iter().zip(answers) {
        assert_eq!(report["count"], MESSAGES + 2, "{report}");
        assert_eq!(report["counts"]["made"], 1, "{report}");
        assert_eq!(report["end"], json!([3001, "enough 够了", true]));
        // One after the other, so both sockets had the lowest number.
        let values = stage.values_to(1, "close").await;
        let (socket, rest) = values.split_at(values.len() / 2);
        let values = if report == &with[0] { socket } else { rest };
        check_values(values, &answers);
    }
    assert_eq!(stage.topics().await, [stage.topic(1)]);
    stage.close().await;
}

fn check_values(values: &[Value], answers: &[Frame]) {
    assert_eq!(values[0]["kind"], "open");
    let (close, frames) = values[1..].split_last().expect("values");
    assert_eq!(close["kind"], "close", "{close}");
    assert_eq!(close["code"], 3001);
    assert_eq!(close["reason"], "enough 够了");
    let of = |direction: &str| -> Vec<Frame> {
        let frames = frames
            .iter()
            .filter(|value| value["direction"] == direction);
        frames.map(Frame::of_value).collect()
    };
    let mut pushed: Vec<_> = (0..MESSAGES).map(|i| Frame::of(message(i))).collect();
    pushed.push(Frame::Text("end".into()));
    let received = of("received");
    assert_eq!(received.len(), pushed.len());
    for (i, (received, pushed)) in received.iter().zip(&pushed).enumerate() {
        assert!(received == pushed, "message {i}: {received:?}");
    }
    assert_eq!(of("sent"), answers);
    // The page answers each tenth message before it looks at the next one.
    let directions: Vec<_> = frames
        .iter()
        .map(|value| value["direction"].clone())
        .collect();
    for tenth in 0..MESSAGES / 10 {
        assert_eq!(directions[tenth * 11 + 1], "sent", "answer {tenth}");
    }
    for pair in values.windows(2) {
        assert!(
            pair[0]["at_us"].as_u64() <= pair[1]["at_us"].as_u64(),
            "{pair:?}"
        );
        assert!(pair[0]["time_ms"].is_u64(), "{pair:?}");
    }
}

#[tokio::test]
async fn a_page_finds_no_difference_between_hooked_sockets_and_others() {
    let Some(chromium) = chromium() else { return };
    let mut facts = Vec::new();
    for hook in [None, Some(json!({}))] {
        let mut stage = Stage::show(&chromium, hook.clone()).await;
        let (http, arguments) = (stage.http.clone(), json!(["facts", stage.push.url("/")]));
        let call = tokio::spawn(async move {
            let response = http.post("/v1/call/page/client", arguments.to_string());
            response.await.text().await
        });
        for _ in 0..3 {
            let connection = stage.push.next().await;
            tokio::spawn(connection.closed());
        }
        let host = stage.push.host.clone();
        facts.push(call.await.expect("no panic").replace(&host, "HOST"));
        let natives = stage.call("isNative", json!([])).await;
        if hook.is_some() {
            assert_eq!(natives, json!([false, false, false, false]));
            // Nothing was sent that the browser refused, and nothing received that the page made up.
            for number in [1, 2] {
                let values = stage.values_to(number, "close").await;
                let kinds: Vec<_> = values.iter().map(|value| value["kind"].clone()).collect();
                assert_eq!(kinds, ["open", "close"], "{values:?}");
            }
            stage.call("unhook", json!([])).await;
        }
        let natives = stage.call("isNative", json!([])).await;
        assert_eq!(natives, json!([true, true, true, true]));
        stage.close().await;
    }
    assert!(facts[0].len() > 2_000, "{}", facts[0]);
    assert_eq!(facts[0], facts[1]);
}
