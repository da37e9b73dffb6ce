//! Topics over real sockets: four forms, resuming, slow readers.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use http::StatusCode;
use pagewire_hub::{HubOptions, TopicOptions};
use pagewire_rpc::LinkOptions;
use pagewire_server::ServerOptions;
use pagewire_testkit::{FakePage, Http, Message, TestHub, hub_and_page, soon, until};
use serde_json::{Value, json};
use tokio_tungstenite::connect_async;

async fn publish(client: &Http, topic: &str, value: &str) -> Value {
    let response = client
        .post(&format!("/v1/topics/{topic}"), value.to_owned())
        .await;
    assert_eq!(response.status, StatusCode::OK);
    response.json().await
}

#[tokio::test]
async fn what_a_page_publishes_reaches_every_form() {
    let (hub, mut page, client) = hub_and_page(&[]).await;
    let topic = "/v1/topics/pages/g/prices";
    let mut sse = client.with("accept", "text/event-stream").get(topic).await;
    let mut lines = client
        .with("accept", "application/x-ndjson")
        .get(topic)
        .await;
    let (mut socket, _) = connect_async(format!("{}{topic}", hub.ws_url()))
        .await
        .expect("a topic socket");
    page.publish("prices", "{\"b\":1, \"a\":12345678901234567890}")
        .await;
    let record = lines.read_until("}\n").await;
    let record = record.trim();
    let value = r#""value":{"b":1, "a":12345678901234567890}}"#;
    assert!(
        record.starts_with("{\"seq\":1,\"cursor\":\"") && record.ends_with(value),
        "{record}"
    );
    let cursor = serde_json::from_str::<Value>(record).expect("JSON")["cursor"]
        .as_str()
        .expect("text")
        .to_owned();
    let event = sse.read_until("}\n\n").await;
    assert!(
        event.ends_with(&format!("id: {cursor}\ndata: {record}\n\n")),
        "{event}"
    );
    let Some(Ok(Message::Text(text))) = soon("a record", socket.next()).await else {
        panic!("no text")
    };
    assert_eq!(text.as_str(), record);
    let polled = client.get(topic).await.text().await;
    assert_eq!(
        polled,
        format!("{{\"records\":[{record}],\"next\":\"{cursor}\"}}")
    );
    let list = client.get("/v1/topics").await.json().await;
    assert_eq!(
        (
            &list["topics"][0]["topic"],
            &list["topics"][0]["subscribers"]
        ),
        (&json!("pages/g/prices"), &json!(3))
    );
}

#[tokio::test]
async fn a_topic_is_resumed_where_it_was_left() {
    let hub = TestHub::start().await;
    let client = hub.client();
    let mut cursors = Vec::new();
    for n in 1..=5 {
        let published = publish(&client, "programs/t", &n.to_string()).await;
        assert_eq!(
            (&published["topic"], &published["seq"]),
            (&json!("programs/t"), &json!(n))
        );
        cursors.push(published["cursor"].as_str().expect("text").to_owned());
    }
    let seqs = async |client: &Http, query: &str| -> Vec<i64> {
        let answer = client
            .get(&format!("/v1/topics/programs/t?{query}"))
            .await
            .json()
            .await;
        let records = answer["records"].as_array().expect("records").clone();
        records
            .iter()
            .filter_map(|record| record["seq"].as_i64())
            .collect()
    };
    assert_eq!(seqs(&client, "").await, [1, 2, 3, 4, 5]);
    assert_eq!(
        seqs(&client, &format!("since={}", cursors[2])).await,
        [4, 5]
    );
    assert_eq!(seqs(&client, "since=4").await, [5]);
    assert_eq!(seqs(&client, "last=2").await, [4, 5]);
    assert_eq!(seqs(&client, "last=0").await, [0; 0]);
    assert_eq!(
        seqs(&client.with("last-event-id", &cursors[3]), "").await,
        [5]
    );
    let answer = client
        .get("/v1/topics/programs/t?since=otherrun:3")
        .await
        .json()
        .await;
    assert_eq!(
        answer["records"][0],
        json!({"gap": {"reset": true, "seq": 1}})
    );
    for query in [
        "since=x",
        "last=x",
        "as=xml",
        "slow=x",
        "sinc=1",
        "wait=1s&as=sse",
    ] {
        let answer = client.get(&format!("/v1/topics/programs/t?{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
    }
}

#[tokio::test]
async fn a_long_poll_waits_for_the_first_value() {
    let hub = TestHub::start().await;
    let client = hub.client();
    let empty = client
        .get("/v1/topics/programs/t?wait=10ms")
        .await
        .json()
        .await;
    assert_eq!(empty["records"], json!([]));
    let since = empty["next"].as_str().expect("a cursor").to_owned();
    let poll = tokio::spawn({
        let client = client.clone();
        async move {
            client
                .get(&format!("/v1/topics/programs/t?wait=30s&since={since}"))
                .await
                .json()
                .await
        }
    });
    until("the poll", async || {
        let topics = client.get("/v1/topics").await.json().await;
        (topics["topics"][0]["subscribers"] == 1).then_some(())
    })
    .await;
    publish(&client, "programs/t", "7").await;
    let answer = soon("the value", poll).await.expect("no panic");
    assert_eq!(answer["records"][0]["value"], 7);
}

#[tokio::test]
async fn a_slow_reader_is_told_its_gap_or_sent_away() {
    let topics = TopicOptions {
        values_max: 4,
        ..TopicOptions::default()
    };
    let hub = TestHub::with_options(HubOptions {
        topics,
        ..HubOptions::default()
    })
    .await;
    let client = hub.client();
    let value = format!("\"{}\"", "x".repeat(900_000));
    // Values this large fill every buffer on the way to a reader that does not read.
    let topic = "/v1/topics/programs/t?as=ndjson";
    let mut patient = client.get(topic).await;
    let mut strict = client.get(&format!("{topic}&slow=disconnect")).await;
    for _ in 0..40 {
        publish(&client, "programs/t", &value).await;
    }
    let (mut seen, mut lost) = (0, 0);
    let mut text = String::new();
    while seen + lost < 40 {
        text += &patient.read_until("\n").await;
        while let Some((line, rest)) = text.split_once('\n') {
            let record: Value = serde_json::from_str(line).unwrap_or_default();
            lost += record["gap"]["lost"].as_i64().unwrap_or(0);
            seen += i64::from(record["value"].is_string());
            text = rest.to_owned();
        }
    }
    assert!(lost > 0 && seen >= 4, "{seen} seen, {lost} lost");
    let mut all = String::new();
    while let Some(Ok(chunk)) = strict.chunk().await {
        all += &chunk;
    }
    let last = all.trim_end().lines().last().unwrap_or_default();
    assert!(
        last.starts_with("{\"gap\":{\"lost\":"),
        "the stream ends after the gap: {:.80}",
        last
    );
}

#[tokio::test]
async fn bytes_are_values_too() {
    let hub = TestHub::start().await;
    let client = hub.client();
    let topic = "programs/pictures";
    let (mut socket, _) = connect_async(format!("{}/v1/topics/{topic}", hub.ws_url()))
        .await
        .expect("a topic socket");
    let png = client.with("content-type", "image/png");
    png.post(&format!("/v1/topics/{topic}"), &b"\x00\xff"[..])
        .await;
    let Some(Ok(Message::Binary(message))) = soon("a record", socket.next()).await else {
        panic!("no bytes")
    };
    let header: Value = serde_json::from_slice(&message[2..message.len() - 2]).expect("a header");
    assert_eq!(
        (&header["seq"], &header["type"]),
        (&json!(1), &json!("image/png"))
    );
    assert_eq!(&message[message.len() - 2..], b"\x00\xff");
    let polled = client
        .get(&format!("/v1/topics/{topic}"))
        .await
        .json()
        .await;
    let record = &polled["records"][0];
    assert_eq!(
        (&record["base64"], &record["type"]),
        (&json!("AP8="), &json!("image/png"))
    );
}

#[tokio::test]
async fn programs_publish_below_their_prefix_only_and_within_the_limit() {
    let link = LinkOptions {
        topic_value_bytes_max: 10,
        ..LinkOptions::default()
    };
    let hub = TestHub::with_link(link).await;
    let client = hub.client();
    let status = async |topic: &str, body: &str| {
        client
            .post(&format!("/v1/topics/{topic}"), body.to_owned())
            .await
            .status
            .as_u16()
    };
    assert_eq!(status("programs/a", "1234567890").await, 200);
    assert_eq!(status("programs/a", "12345678901").await, 413);
    assert_eq!(status("pages/g/a", "1").await, 403);
    assert_eq!(status("programs", "1").await, 403);
    assert_eq!(status("programs/a%20b", "1").await, 400);
    assert_eq!(status("programs/a?x=1", "1").await, 400);
}

#[tokio::test]
async fn a_page_publishes_follows_and_calls_within_its_scopes() {
    // A program without browser headers holds every scope.
    let (hub, mut page, client) = hub_and_page(&["f"]).await;
    page.send(
        r#"{"jsonrpc":"2.0","id":"p","method":"$/publish","params":{"topic":"t","value":1}}"#,
    )
    .await;
    let published = page.next().await;
    assert_eq!(
        (&published["id"], &published["result"]["topic"]),
        (&json!("p"), &json!("pages/g/t"))
    );
    page.send(r#"{"jsonrpc":"2.0","id":1,"method":"$/subscribe","params":{"topic":"programs/t"}}"#)
        .await;
    let subscribed = page.next().await;
    assert_eq!(subscribed["result"]["subscription"], 1);
    assert!(
        subscribed["result"]["cursor"]
            .as_str()
            .is_some_and(|cursor| cursor.ends_with(":0"))
    );
    publish(&client, "programs/t", "{\"a\": 1.0}").await;
    let Some(Message::Text(event)) = page.next_message().await else {
        panic!("no event")
    };
    assert!(
        event.contains("\"method\":\"$/event\"") && event.contains("\"value\":{\"a\": 1.0}"),
        "{event}"
    );
    page.send(r#"{"jsonrpc":"2.0","id":2,"method":"$/unsubscribe","params":{"subscription":1}}"#)
        .await;
    assert_eq!(page.next().await["result"], json!(null));

    let mut other = FakePage::attach(&hub, "other", &["twice"]).await;
    page.send(r#"{"jsonrpc":"2.0","id":3,"method":"other.twice","params":[4],"credit":1}"#)
        .await;
    let id = other.next_call("twice").await;
    other.item(id, "8").await;
    other.item(id, "16").await;
    assert_eq!(page.next().await["params"], json!({"id": 3, "value": 8}));
    // The second value waits for credit.
    page.send(r#"{"jsonrpc":"2.0","method":"$/credit","params":{"id":3,"n":1}}"#)
        .await;
    assert_eq!(page.next().await["params"]["value"], 16);
    other.answer(id, "null").await;
    assert_eq!(
        page.next().await,
        json!({"jsonrpc": "2.0", "id": 3, "result": null})
    );

    page.send(r#"{"jsonrpc":"2.0","id":4,"method":"other.twice"}"#)
        .await;
    let id = other.next_call("twice").await;
    page.send(r#"{"jsonrpc":"2.0","method":"$/cancel","params":{"id":4}}"#)
        .await;
    assert_eq!(
        other.next().await["params"],
        json!({"id": id, "reason": "caller"})
    );
}

#[tokio::test]
async fn a_page_follows_only_so_many_topics() {
    let options = HubOptions {
        subscriptions_max: 2,
        ..HubOptions::default()
    };
    let hub = TestHub::with_options(options).await;
    let mut page = FakePage::attach(&hub, "g", &[]).await;
    for (id, ok) in [(1, true), (2, true), (3, false)] {
        page.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"$/subscribe","params":{{"topic":"programs/{id}"}}}}"#)).await;
        assert_eq!(page.next().await["result"].is_object(), ok, "{id}");
    }
}

#[tokio::test]
async fn a_hub_that_stops_ends_its_streams() {
    let hub = TestHub::start().await;
    let client = hub.client();
    let mut lines = client.get("/v1/topics/programs/t?as=ndjson").await;
    assert_eq!(
        lines.chunk().await.expect("a first piece").expect("whole"),
        "\n"
    );
    let (mut socket, _) = connect_async(format!("{}/v1/topics/programs/t", hub.ws_url()))
        .await
        .expect("a topic socket");
    socket.send(Message::text("ignored")).await.expect("sent");
    hub.stop().await;
    assert!(lines.chunk().await.is_none(), "the body has a regular end");
    let close = soon("the close", socket.next()).await;
    assert!(
        matches!(close, Some(Ok(Message::Close(Some(frame)))) if u16::from(frame.code) == 1001)
    );
}

const CHATS: &str = "filter=kind%20%3D%3D%20%22chat%22";

async fn hub_with_signs_of_life() -> TestHub {
    let server = ServerOptions {
        keep_alive: Duration::from_millis(20),
        ..ServerOptions::default()
    };
    TestHub::with_server(HubOptions::default(), server).await
}

#[tokio::test]
async fn a_filter_passes_over_values_in_every_form() {
    let hub = TestHub::start().await;
    let client = hub.client();
    let topic = format!("/v1/topics/programs/t?{CHATS}");
    let mut sse = client.with("accept", "text/event-stream").get(&topic).await;
    let mut lines = client.get(&format!("{topic}&as=ndjson")).await;
    let socket = connect_async(format!("{}{topic}", hub.ws_url())).await;
    let (mut socket, _) = socket.expect("a topic socket");
    for kind in ["like", "chat", "like"] {
        publish(&client, "programs/t", &format!("{{\"kind\":{kind:?}}}")).await;
    }
    let polled = client.get(&topic).await.json().await;
    assert_eq!(polled["records"].as_array().map(Vec::len), Some(1));
    let record = &polled["records"][0];
    assert_eq!(
        (&record["seq"], &record["value"]["kind"]),
        (&json!(2), &json!("chat"))
    );
    let next = polled["next"].as_str().expect("a cursor");
    assert!(next.ends_with(":3"), "{next}");
    let line = lines.read_until("}}\n").await;
    assert_eq!(
        &serde_json::from_str::<Value>(line.trim()).expect("JSON"),
        record
    );
    let event = sse.read_until("}}\n\n").await;
    assert!(
        event.contains(line.trim()) && event.matches("data:").count() == 1,
        "{event}"
    );
    let Some(Ok(Message::Text(text))) = soon("a record", socket.next()).await else {
        panic!("no text")
    };
    assert_eq!(text.as_str(), line.trim());
}

#[tokio::test]
async fn who_gets_nothing_for_long_learns_where_to_go_on() {
    let hub = hub_with_signs_of_life().await;
    let client = hub.client();
    let topic = format!("/v1/topics/programs/t?{CHATS}");
    let mut sse = client.with("accept", "text/event-stream").get(&topic).await;
    let mut lines = client.get(&format!("{topic}&as=ndjson")).await;
    let socket = connect_async(format!("{}{topic}", hub.ws_url())).await;
    let (mut socket, _) = socket.expect("a topic socket");
    let published = publish(&client, "programs/t", "{\"kind\":\"like\"}").await;
    let cursor = published["cursor"].as_str().expect("a cursor");
    let expected = json!({"passed": 1, "cursor": cursor});
    let line = lines.read_until("}\n").await;
    assert_eq!(
        serde_json::from_str::<Value>(line.trim()).expect("JSON"),
        expected
    );
    let event = sse
        .read_until(&format!(": passed 1\nid: {cursor}\n\n"))
        .await;
    assert!(!event.contains("data:"), "{event}");
    let text = until("the place", async || match socket.next().await {
        Some(Ok(Message::Text(text))) => Some(text),
        _ => None,
    });
    let told: Value = serde_json::from_str(text.await.as_str()).expect("JSON");
    assert_eq!(told, expected);
    // From there nothing is missed, and nothing comes twice.
    publish(&client, "programs/t", "{\"kind\":\"chat\"}").await;
    let resumed = client
        .get(&format!("{topic}&since={cursor}"))
        .await
        .json()
        .await;
    assert_eq!(resumed["records"][0]["seq"], 2);
}

#[tokio::test]
async fn a_long_poll_waits_for_a_value_that_its_filter_wants() {
    let hub = TestHub::start().await;
    let client = hub.client();
    publish(&client, "programs/t", "{\"kind\":\"like\"}").await;
    let topic = format!("/v1/topics/programs/t?{CHATS}");
    let nothing = client.get(&format!("{topic}&wait=10ms")).await.json().await;
    assert_eq!(nothing["records"], json!([]));
    let next = nothing["next"].as_str().expect("a cursor").to_owned();
    assert!(next.ends_with(":1"), "{next}");
    let poll = tokio::spawn({
        let (client, topic) = (client.clone(), topic.clone());
        async move {
            let address = format!("{topic}&since={next}&wait=30s");
            client.get(&address).await.json().await
        }
    });
    until("the poll", async || {
        let topics = client.get("/v1/topics").await.json().await;
        (topics["topics"][0]["subscribers"] == 1).then_some(())
    })
    .await;
    publish(&client, "programs/t", "{\"kind\":\"like\"}").await;
    publish(&client, "programs/t", "{\"kind\":\"chat\"}").await;
    let answer = soon("the value", poll).await.expect("no panic");
    assert_eq!(answer["records"][0]["seq"], 3);
}

#[tokio::test]
async fn a_filter_that_is_not_understood_is_refused_with_its_place() {
    let options = HubOptions {
        topics: TopicOptions {
            filters_max: 1,
            ..TopicOptions::default()
        },
        ..HubOptions::default()
    };
    let hub = TestHub::with_options(options).await;
    let client = hub.client();
    let answer = client
        .get("/v1/topics/programs/t?filter=kind%20%3D%20%22chat%22")
        .await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let problem = answer.json().await;
    assert_eq!(
        (&problem["code"], &problem["character"], &problem["detail"]),
        (
            &json!("bad_request"),
            &json!(6),
            &json!("the filter is not understood at character 6: write == in place of =")
        )
    );
    let _held = client
        .get(&format!("/v1/topics/programs/t?as=ndjson&{CHATS}"))
        .await;
    let over = client.get("/v1/topics/programs/t?filter=a").await;
    assert_eq!(over.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn a_page_follows_a_topic_through_a_filter() {
    let (_hub, mut page, client) = hub_and_page(&[]).await;
    let subscribe = |filter: &str| json!({"jsonrpc": "2.0", "id": 1, "method": "$/subscribe", "params": {"topic": "programs/t", "filter": filter}});
    page.send(&subscribe("n > 1").to_string()).await;
    let answer = page.next().await;
    assert_eq!(answer["result"]["subscription"], 1, "{answer}");
    for n in [1, 2] {
        publish(&client, "programs/t", &format!("{{\"n\":{n}}}")).await;
    }
    let event = page.next().await;
    assert_eq!(
        (&event["method"], &event["params"]["seq"]),
        (&json!("$/event"), &json!(2))
    );
    page.send(&subscribe("n >").to_string()).await;
    let answer = page.next().await;
    assert_eq!(answer["error"]["code"], -32602, "{answer}");
    let says = answer["error"]["message"].as_str().expect("words");
    assert!(says.contains("at character 4"), "{says}");
}
