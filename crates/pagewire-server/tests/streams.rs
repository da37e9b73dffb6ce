//! Streamed results over real sockets.

use futures_util::SinkExt as _;
use http::StatusCode;
use pagewire_testkit::{FakePage, Message, TestHub, call, hub_and_page, problem};
use serde_json::json;

#[tokio::test]
async fn streams_come_as_lines_or_events() {
    let (_hub, mut page, client) = hub_and_page(&["f"]).await;
    let lines = "{\"a\": 1}\n{\"base64\":\"AP8=\",\"type\":\"image/png\"}\n";
    let events = "data: {\"a\": 1}\n\ndata: {\"base64\":\"AP8=\",\"type\":\"image/png\"}\n\nevent: end\ndata: null\n\n";
    for (accept, expected) in [("*/*", lines), ("text/event-stream", events)] {
        let call = call(&client.with("accept", accept), "/v1/call/g/f", "");
        let id = page.next_call("f").await;
        page.item(id, "{\"a\":\n1}").await;
        let header = r#"{"jsonrpc":"2.0","method":"$/next","type":"image/png","params":{"id":ID}}"#;
        page.send_binary(&header.replace("ID", &id.to_string()), b"\x00\xff")
            .await;
        page.answer(id, "null").await;
        assert_eq!(
            call.await.expect("no panic"),
            (StatusCode::OK, expected.to_owned())
        );
    }
}

#[tokio::test]
async fn one_value_can_be_asked_for_as_events() {
    let (_hub, mut page, client) = hub_and_page(&["f"]).await;
    let call = call(
        &client.with("accept", "text/event-stream"),
        "/v1/call/g/f",
        "",
    );
    let id = page.next_call("f").await;
    page.answer(id, "7").await;
    let expected = "data: 7\n\nevent: end\ndata: null\n\n".to_owned();
    assert_eq!(call.await.expect("no panic"), (StatusCode::OK, expected));
}

#[tokio::test]
async fn a_declared_stream_may_be_empty() {
    let hub = TestHub::start().await;
    let functions = json!([{"name": "f", "stream": true}, {"name": "g"}]);
    let hello = json!({"group": "g", "functions": functions});
    let mut page = FakePage::attach_with(&hub, hello).await;
    for (function, body) in [("f", ""), ("g", "null")] {
        let call = call(&hub.client(), &format!("/v1/call/g/{function}"), "");
        let id = page.next_call(function).await;
        page.answer(id, "null").await;
        assert_eq!(
            call.await.expect("no panic"),
            (StatusCode::OK, body.to_owned())
        );
    }
}

#[tokio::test]
async fn a_fast_page_cannot_flood_a_slow_program() {
    let (_hub, mut page, client) = hub_and_page(&["f"]).await;
    let call = tokio::spawn(async move { client.post("/v1/call/g/f", "").await });
    let message = page.next().await;
    let id = message["id"].as_u64().expect("an id");
    let credit = message["credit"].as_u64().expect("credit");
    // Values of 1 MiB: more than the sockets on the way can hold. The page sends all it may; the program reads one piece.
    let value = format!("\"{}\"", "x".repeat((1 << 20) - 2));
    for _ in 0..credit {
        page.item(id, &value).await;
    }
    let mut response = call.await.expect("no panic");
    response.chunk().await.expect("a piece").expect("whole");
    // While nobody reads on, the page is not allowed more than a window beyond what the sockets took.
    drop(response);
    let mut allowed = credit;
    loop {
        let message = page.next().await;
        match message["method"].as_str() {
            Some("$/credit") => allowed += message["params"]["n"].as_u64().expect("a number"),
            Some("$/cancel") => break,
            _ => panic!("unexpected {message}"),
        }
    }
    assert!(allowed <= 2 * credit, "{allowed} values were allowed");
}

#[tokio::test]
async fn a_long_stream_is_paced_and_whole() {
    let (_hub, mut page, client) = hub_and_page(&["f"]).await;
    let call = call(&client, "/v1/call/g/f", "");
    let message = page.next().await;
    let id = message["id"].as_u64().expect("an id");
    let mut credit = message["credit"].as_u64().expect("credit");
    for n in 0..500 {
        while credit == 0 {
            let message = page.next().await;
            assert_eq!(message["method"], "$/credit");
            credit += message["params"]["n"].as_u64().expect("a number");
        }
        page.item(id, &n.to_string()).await;
        credit -= 1;
    }
    page.answer(id, "null").await;
    let lines: String = (0..500).map(|n| format!("{n}\n")).collect();
    assert_eq!(call.await.expect("no panic"), (StatusCode::OK, lines));
}

#[tokio::test]
async fn a_page_that_ignores_credit_ends_its_stream() {
    let (_hub, mut page, client) = hub_and_page(&["f"]).await;
    let call = tokio::spawn(async move { client.post("/v1/call/g/f", "").await });
    let id = page.next_call("f").await;
    // Far more than the window in one write, so that credit for the first values cannot save the last ones.
    for _ in 0..2_000 {
        let text =
            format!(r#"{{"jsonrpc":"2.0","method":"$/next","params":{{"id":{id},"value":1}}}}"#);
        page.socket
            .feed(Message::text(text))
            .await
            .expect("the hub reads");
    }
    page.socket.flush().await.expect("the hub reads");
    let mut response = call.await.expect("no panic");
    let mut text = String::new();
    let broken = loop {
        match response.chunk().await {
            Some(Ok(chunk)) => text += &chunk,
            Some(Err(_)) => break true,
            None => break false,
        }
    };
    assert!(broken, "a stream that broke has an incomplete body");
    assert!(
        text.contains("{\"pagewire:error\":") && text.contains("stream overrun"),
        "{text}"
    );
}

#[tokio::test]
async fn streams_that_break_say_how() {
    let cases = [
        (
            "*/*",
            "{\"pagewire:error\":{\"type\":\"urn:pagewire:error:page_error\"",
        ),
        (
            "text/event-stream",
            "event: error\ndata: {\"type\":\"urn:pagewire:error:page_error\"",
        ),
    ];
    for (accept, expected) in cases {
        let (_hub, mut page, client) = hub_and_page(&["f"]).await;
        let client = client.with("accept", accept);
        let call = tokio::spawn(async move { client.post("/v1/call/g/f", "").await });
        let id = page.next_call("f").await;
        page.item(id, "1").await;
        page.send(&format!(
            r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":1,"message":"no"}}}}"#
        ))
        .await;
        let text = call
            .await
            .expect("no panic")
            .read_until("\"code\":\"page_error\"")
            .await;
        assert!(text.contains(expected), "{text}");
    }
    // Before the first value the status tells.
    let (_hub, mut page, client) = hub_and_page(&["f"]).await;
    let call = call(
        &client.with("accept", "text/event-stream"),
        "/v1/call/g/f",
        "",
    );
    let id = page.next_call("f").await;
    page.send(&format!(
        r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":1,"message":"no"}}}}"#
    ))
    .await;
    assert_eq!(problem(call).await.0, 500);
}

#[tokio::test]
async fn a_reader_that_leaves_cancels_the_stream() {
    let (_hub, mut page, client) = hub_and_page(&["f"]).await;
    let call = tokio::spawn(async move { client.post("/v1/call/g/f", "").await });
    let id = page.next_call("f").await;
    page.item(id, "1").await;
    let mut response = call.await.expect("no panic");
    assert_eq!(response.read_until("\n").await, "1\n");
    drop(response);
    let cancel = page.next().await;
    assert_eq!(
        (&cancel["method"], &cancel["params"]["id"]),
        (&json!("$/cancel"), &json!(id))
    );
}
