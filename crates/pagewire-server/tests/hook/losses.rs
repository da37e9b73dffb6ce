//! What waits while there is no hub, and what is lost is told.

use pagewire_testkit::{Message, chromium};
use serde_json::{Value, json};

use crate::stage::Stage;

/// `QUEUE_BYTES_MAX` and `VALUE_BYTES` of hook.js.
const QUEUE_BYTES_MAX: usize = 8 << 20;
const VALUE_BYTES: usize = 256;

/// Opens socket 0 of the page, and waits until the hub knows of it.
async fn open(stage: &mut Stage) -> crate::push::Connection {
    let opened = stage.call("client", json!(["open", stage.push.url("/")]));
    opened.await;
    stage.first_values(1, 1).await;
    stage.push.next().await
}

fn kinds(values: &[Value]) -> Vec<&str> {
    let kinds = values.iter().map(|value| value["kind"].as_str());
    kinds.map(|kind| kind.expect("a kind")).collect()
}

#[tokio::test]
async fn frames_wait_for_a_lost_link_up_to_a_limit_and_those_over_it_are_counted() {
    let Some(chromium) = chromium() else { return };
    let mut stage = Stage::open(&chromium).await;
    let mut connection = open(&mut stage).await;
    stage.relay.cut();
    stage.told("lost").await;
    let long = "x".repeat((QUEUE_BYTES_MAX >> 3) - VALUE_BYTES);
    for _ in 0..8 {
        connection.text(&long).await;
    }
    // One more byte would be too much; these are three empty frames.
    for _ in 0..3 {
        connection.text("").await;
    }
    while stage.told("got").await != 11 {}
    stage.relay.mend();
    stage.told("opened").await;
    stage.first_values(1, 9).await;
    // The answer comes behind the hub's confirmations, which make room.
    stage.call("isNative", json!([])).await;
    connection.text("after").await;
    let values = stage.first_values(1, 11).await;
    let mut expected = vec!["open"];
    expected.extend(["text"; 8]);
    assert_eq!(kinds(&values), [&expected[..], &["lost", "text"]].concat());
    assert_eq!(values[9], json!({"kind": "lost", "count": 3}));
    for value in &values[1..9] {
        assert!(value["text"] == long.as_str(), "{} bytes", value["size"]);
    }
    assert_eq!(values[10]["text"], "after");
    assert_eq!(
        stage.topics().await,
        [stage.topic(1)],
        "no link of the hook's own"
    );
    stage.close().await;
}

#[tokio::test]
async fn a_frame_that_the_hub_refuses_is_counted() {
    let Some(chromium) = chromium() else { return };
    let mut stage = Stage::open(&chromium).await;
    let mut connection = open(&mut stage).await;
    connection.send(Message::binary(vec![7; 2 << 20])).await;
    let warned = stage.told("warned").await;
    let words = warned.as_str().expect("a text");
    assert!(words.contains("topic_value_bytes_max"), "{words}");
    connection.text("next").await;
    let values = stage.first_values(1, 3).await;
    assert_eq!(values[1], json!({"kind": "lost", "count": 1}));
    assert_eq!(values[2]["text"], "next");
    stage.close().await;
}
