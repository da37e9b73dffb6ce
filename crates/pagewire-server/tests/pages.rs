//! The life of a page link over real sockets: attaching, taking over, violations, silence, goodbye.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use http::{Method, StatusCode};
use pagewire_hub::HubOptions;
use pagewire_rpc::LinkOptions;
use pagewire_testkit::{FakePage, Message, TestHub, call, hub_and_page, problem, soon, until};
use serde_json::json;
use tokio::io::AsyncWriteExt as _;

#[tokio::test]
async fn pages_are_listed_with_what_they_say() {
    let hub = TestHub::start().await;
    let function = json!({"name": "f", "description": "d", "params": [{"name": "a", "required": true, "schema": {"type": "string"}}], "result": {}, "stream": true});
    let hello = json!({"group": "g", "kind": "tab", "url": "https://x.example/", "title": "T", "agent": "a/1", "functions": [function]});
    let page = FakePage::attach_with(&hub, hello).await;
    let client = hub.client();
    let info = client
        .get(&format!("/v1/pages/{}", page.id))
        .await
        .json()
        .await;
    assert_eq!(info["functions"], json!([function]));
    for (key, value) in [
        ("group", "g"),
        ("kind", "tab"),
        ("url", "https://x.example/"),
        ("title", "T"),
        ("agent", "a/1"),
        ("carrier", "ws"),
    ] {
        assert_eq!(info[key], value, "{info}");
    }
    assert_eq!(
        (&info["epoch"], &info["health"]["responsive"]),
        (&json!(1), &json!(true))
    );
    let list = client.get("/v1/pages").await.json().await;
    assert_eq!(list["pages"][0]["id"], info["id"]);
    assert_eq!(
        client.get("/v1/pages/nobody").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn what_is_known_of_a_page_is_shown_with_it() {
    let (_hub, mut page, client) = hub_and_page(&["f"]).await;
    let notes = json!([{"code": "paused", "text": "paused at <app.js>:10", "blocks": true}, {"code": "csp", "text": "", "blocks": false}]);
    let shown = async |expected: &serde_json::Value| {
        until("the notes", async || {
            let pages = client.get("/v1/pages").await.json().await;
            (pages["pages"][0]["notes"] == *expected).then_some(())
        })
        .await;
    };
    shown(&json!([])).await;
    let message = json!({"jsonrpc": "2.0", "method": "$/notes", "params": {"notes": notes}});
    page.send(&message.to_string()).await;
    shown(&notes).await;
    let html = client.get("/").await.text().await;
    assert!(
        html.contains(
            "<span class=bad>paused at &lt;app.js&gt;:10</span><br><span class=dim>csp</span>"
        ),
        "{html}"
    );
    page.send(r#"{"jsonrpc":"2.0","method":"$/notes","params":{"notes":[]}}"#)
        .await;
    shown(&json!([])).await;
}

#[tokio::test]
async fn functions_come_and_go() {
    let (_hub, mut page, client) = hub_and_page(&["f"]).await;
    page.send(r#"{"jsonrpc":"2.0","method":"$/expose","params":{"functions":[{"name":"h"}]}}"#)
        .await;
    page.send(r#"{"jsonrpc":"2.0","method":"$/retract","params":{"names":["f"]}}"#)
        .await;
    until("the change", async || {
        let pages = client.get("/v1/pages").await.json().await;
        (pages["pages"][0]["functions"] == json!([{"name": "h", "stream": false}])).then_some(())
    })
    .await;
    assert_eq!(
        client.post("/v1/call/g/f", "").await.status,
        StatusCode::NOT_FOUND
    );
    let call = call(&client, "/v1/call/g/h", "");
    let id = page.next_call("h").await;
    page.answer(id, "1").await;
    assert_eq!(call.await.expect("no panic").1, "1");
}

#[tokio::test]
async fn a_page_that_comes_back_takes_over_before_its_old_socket_is_seen_as_closed() {
    let (hub, mut old, client) = hub_and_page(&["f"]).await;
    let lost = call(&client, "/v1/call/g/f", "");
    old.next_call("f").await;
    let hello =
        json!({"group": "g", "page": old.id, "epoch": old.epoch, "functions": [{"name": "f"}]});
    let mut new = FakePage::attach_with(&hub, hello).await;
    assert_eq!((&new.id, new.epoch), (&old.id, old.epoch + 1));
    let (status, problem) = problem(lost).await;
    assert_eq!((status, &problem["code"]), (502, &json!("page_gone")));
    assert_eq!(old.next().await["params"]["reason"], "replaced");
    assert_eq!(old.closed().await.map(|(code, _)| code), Some(4409));
    // The end of the old socket leaves the new one alone.
    let pages = client.get("/v1/pages").await.json().await;
    assert_eq!(pages["pages"].as_array().map(Vec::len), Some(1), "{pages}");
    let call = call(&client, "/v1/call/g/f", "");
    let id = new.next_call("f").await;
    new.answer(id, "2").await;
    assert_eq!(call.await.expect("no panic").1, "2");
}

#[tokio::test]
async fn a_page_id_of_another_group_is_not_given_away() {
    let (hub, page, _client) = hub_and_page(&["f"]).await;
    let mut socket = FakePage::connect(&hub, &[]).await.expect("connected");
    let answer = FakePage::greet(&mut socket, json!({"group": "other", "page": page.id})).await;
    assert_eq!(answer["error"]["code"], -32006, "{answer}");
    let close = soon("the close", socket.next()).await;
    assert!(
        matches!(close, Some(Ok(Message::Close(Some(frame)))) if u16::from(frame.code) == 4403)
    );
}

#[tokio::test]
async fn violations_end_the_link_and_say_where() {
    let cases = [
        (
            "junk",
            4400,
            "the message is not a JSON-RPC object (at byte 0)",
        ),
        (
            r#"{"jsonrpc":"2.0","id":5}"#,
            4400,
            "a response without exactly one of result and error",
        ),
        (
            r#"{"jsonrpc":"2.0","id":0,"method":"$/hello","params":{"group":"g"}}"#,
            4400,
            "a second $/hello",
        ),
    ];
    for (text, code, why) in cases {
        let (_hub, mut page, client) = hub_and_page(&["f"]).await;
        let lost = call(&client, "/v1/call/g/f", "");
        page.next_call("f").await;
        page.send(text).await;
        let bye = page.next().await;
        assert_eq!(bye["params"]["reason"], "violation");
        assert!(
            bye["params"]["detail"]
                .as_str()
                .is_some_and(|detail| detail.contains(why)),
            "{bye}"
        );
        assert_eq!(page.closed().await.map(|(code, _)| code), Some(code));
        assert_eq!(problem(lost).await.0, 502);
    }
    let (_hub, mut page, _client) = hub_and_page(&["f"]).await;
    page.socket
        .send(Message::binary(vec![0xff]))
        .await
        .expect("sent");
    assert_eq!(
        page.next().await["params"]["detail"],
        "a binary message is cut short (at byte 1)"
    );
}

#[tokio::test]
async fn a_message_passes_at_the_limit_and_ends_the_link_one_past_it() {
    let link = LinkOptions {
        message_bytes_max: 2_000,
        ..LinkOptions::default()
    };
    let hub = TestHub::with_link(link).await;
    let mut page = FakePage::attach(&hub, "g", &["f"]).await;
    let message = |length: usize| {
        let frame = r#"{"jsonrpc":"2.0","method":"x","params":""}"#;
        frame.replace("\"\"", &format!("\"{}\"", "x".repeat(length - frame.len())))
    };
    page.send(&message(2_000)).await;
    let call = call(&hub.client(), "/v1/call/g/f", "");
    let id = page.next_call("f").await;
    page.answer(id, "1").await;
    assert_eq!(call.await.expect("no panic").1, "1");
    page.send(&message(2_001)).await;
    assert_eq!(page.next().await["params"]["reason"], "violation");
    assert_eq!(page.closed().await.map(|(code, _)| code), Some(1009));
}

#[tokio::test]
async fn a_page_that_says_nothing_is_sent_away() {
    let link = LinkOptions {
        hello_timeout: Duration::from_millis(50),
        ..LinkOptions::default()
    };
    let hub = TestHub::with_link(link).await;
    let mut socket = FakePage::connect(&hub, &[]).await.expect("connected");
    let close = soon("the close", socket.next()).await;
    assert!(
        matches!(close, Some(Ok(Message::Close(Some(frame)))) if u16::from(frame.code) == 4408)
    );
}

#[tokio::test]
async fn a_half_open_connection_is_reaped_and_its_calls_end() {
    let link = LinkOptions {
        heartbeat: Duration::from_millis(200),
        ..LinkOptions::default()
    };
    let hub = TestHub::with_link(link).await;
    // A page that is never read: it answers no Ping, as if its machine were gone.
    let page = FakePage::attach(&hub, "g", &["f"]).await;
    let client = hub.client();
    let (status, problem) = problem(call(&client, "/v1/call/g/f", "")).await;
    assert_eq!((status, &problem["code"]), (502, &json!("page_gone")));
    assert_eq!(
        client.get("/v1/pages").await.json().await,
        json!({"pages": []})
    );
    drop(page);
}

#[tokio::test]
async fn a_page_that_says_why_it_leaves_ends_its_calls_with_that_reason() {
    let (hub, mut page, client) = hub_and_page(&["f"]).await;
    let mut other = FakePage::attach(&hub, "other", &[]).await;
    let lost = call(&client, "/v1/call/g/f", "");
    page.next_call("f").await;
    other
        .send(r#"{"jsonrpc":"2.0","id":1,"method":"g.f"}"#)
        .await;
    page.next_call("f").await;
    page.send(r#"{"jsonrpc":"2.0","method":"$/bye","params":{"reason":"the page navigated"}}"#)
        .await;
    let (status, problem) = problem(lost).await;
    assert_eq!((status, &problem["code"]), (502, &json!("page_gone")));
    assert_eq!(problem["detail"], "the page is gone: the page navigated");
    assert_eq!(problem["detail_zh"], "网页已离开：网页跳转到了其他地址");
    let error = json!({"code": -32003, "message": "the page is gone: the page navigated"});
    assert_eq!(other.next().await["error"], error);
    assert_eq!(page.closed().await.map(|(code, _)| code), Some(1000));
}

#[tokio::test]
async fn a_page_whose_script_is_blocked_stays_and_is_shown_as_such() {
    let link = LinkOptions {
        heartbeat: Duration::from_millis(100),
        ..LinkOptions::default()
    };
    let hub = TestHub::with_link(link).await;
    let mut page = FakePage::attach(&hub, "g", &["f"]).await;
    let client = hub.client();
    // Reading answers WebSocket Pings, as a browser does, but nothing answers `$/ping`.
    let blocked = async {
        loop {
            page.next_message().await;
        }
    };
    let shown = until("an unresponsive page", async || {
        let pages = client.get("/v1/pages").await.json().await;
        (pages["pages"][0]["health"]["responsive"] == false).then_some(())
    });
    tokio::select! {
        () = shown => {}
        () = blocked => unreachable!("it goes on for ever"),
    }
    page.answer(0, r#"{"lag_ms":1234,"hidden":true}"#).await;
    let health = until("a responsive page", async || {
        let pages = client.get("/v1/pages").await.json().await;
        let health = &pages["pages"][0]["health"];
        (health["lag_ms"] == 1234).then_some(health.clone())
    })
    .await;
    assert_eq!(health["hidden"], true);
}

#[tokio::test]
async fn a_detached_page_is_told_not_to_come_back() {
    let (_hub, mut page, client) = hub_and_page(&["f"]).await;
    let path = format!("/v1/pages/{}", page.id);
    assert_eq!(
        client.send(Method::DELETE, &path, "").await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(page.next().await["params"]["reason"], "kicked");
    assert_eq!(page.closed().await.map(|(code, _)| code), Some(4410));
    until("an empty list", async || {
        (client.get("/v1/pages").await.json().await == json!({"pages": []})).then_some(())
    })
    .await;
    assert_eq!(
        client.send(Method::DELETE, &path, "").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn a_hub_that_stops_lets_calls_end_and_says_what_it_cut() {
    let (hub, mut page, client) = hub_and_page(&["f"]).await;
    let (quick, stuck) = (
        call(&client, "/v1/call/g/f", ""),
        call(&client, "/v1/call/g/f", ""),
    );
    let (first, _second) = (page.next_call("f").await, page.next_call("f").await);
    let stopping = tokio::spawn(hub.stop());
    page.answer(first, "1").await;
    let mut answers = [
        quick.await.expect("no panic"),
        stuck.await.expect("no panic"),
    ];
    answers.sort();
    assert_eq!(answers[0], (StatusCode::OK, "1".to_owned()));
    assert_eq!(answers[1].0, StatusCode::BAD_GATEWAY);
    assert_eq!(page.next().await["params"]["reason"], "shutdown");
    assert_eq!(page.closed().await.map(|(code, _)| code), Some(1001));
    let drained = stopping.await.expect("no panic");
    assert_eq!((drained.calls_cut, drained.pages), (1, 1));
}

#[tokio::test]
async fn a_page_needs_the_subprotocol_and_a_websocket() {
    let hub = TestHub::start().await;
    let client = hub.client();
    assert_eq!(client.get("/v1/page").await.status, StatusCode::BAD_REQUEST);
    let mut stream = tokio::net::TcpStream::connect(&hub.address)
        .await
        .expect("connected");
    let request = format!(
        "GET /v1/page HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        hub.address
    );
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut head = [0; 12];
    tokio::io::AsyncReadExt::read_exact(&mut stream, &mut head)
        .await
        .expect("an answer");
    assert_eq!(&head, b"HTTP/1.1 400");
}

#[tokio::test]
async fn pages_at_their_limit_are_refused() {
    let options = HubOptions {
        pages_max: 1,
        ..HubOptions::default()
    };
    let hub = TestHub::with_options(options).await;
    let _page = FakePage::attach(&hub, "g", &[]).await;
    let mut socket = FakePage::connect(&hub, &[]).await.expect("connected");
    let answer = FakePage::greet(&mut socket, json!({"group": "g"})).await;
    assert_eq!(answer["error"]["code"], -32004, "{answer}");
}
