//! The plain pattern over real sockets: clients that know nothing of Pagewire.

use futures_util::{SinkExt as _, StreamExt as _};
use pagewire_hub::HubOptions;
use pagewire_rpc::LinkOptions;
use pagewire_server::{Access, PlainPattern, Secret, ServerOptions, Token};
use pagewire_testkit::{Message, TestHub, call, problem, soon, until};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

const SHOP: &str = "https://shop.example";

async fn hub(greeting: Option<&str>, echo: bool) -> TestHub {
    hub_with(greeting, echo, LinkOptions::default()).await
}

async fn hub_with(greeting: Option<&str>, echo: bool, link: LinkOptions) -> TestHub {
    let server = ServerOptions {
        access: Access {
            plain_pages: vec![SHOP.parse().expect("an origin")],
            ..Access::default()
        },
        plain: Some(PlainPattern {
            greeting: greeting.map(str::to_owned),
            echo,
        }),
        ..ServerOptions::default()
    };
    let options = HubOptions {
        link,
        ..HubOptions::default()
    };
    TestHub::with_server(options, server).await
}

async fn connect(hub: &TestHub, origin: Option<&str>) -> Result<Socket, Error> {
    let mut request = hub.ws_url().into_client_request().expect("an address");
    if let Some(origin) = origin {
        let origin = origin.parse().expect("a value");
        request.headers_mut().insert("origin", origin);
    }
    let connected = soon("the connection", connect_async(request)).await;
    connected.map(|(socket, _)| socket)
}

async fn next(socket: &mut Socket) -> Message {
    soon("a message", socket.next())
        .await
        .expect("it is open")
        .expect("it is whole")
}

/// The id of the one page that is attached.
async fn page_id(hub: &TestHub) -> String {
    until("the page", async || {
        let pages = hub.hub.pages();
        pages.first().map(|page| page.id.to_string())
    })
    .await
}

async fn records(hub: &TestHub, topic: &str, count: usize) -> Vec<Value> {
    let client = hub.client();
    until("all values", async || {
        let listing = client
            .get(&format!("/v1/topics/{topic}"))
            .await
            .json()
            .await;
        let records = listing["records"].as_array().cloned().unwrap_or_default();
        (records.len() >= count).then_some(records)
    })
    .await
}

#[tokio::test]
async fn a_page_of_the_named_origin_is_greeted_and_heard() {
    let hub = hub(Some("lx"), false).await;
    let mut page = connect(&hub, Some(SHOP)).await.expect("let in");
    assert_eq!(next(&mut page).await, Message::text("lx"));
    page.send(Message::text(
        r#"{"id":12345678901234567890,"b":1,"a":1.0}"#,
    ))
    .await
    .unwrap();
    page.send(Message::text("no JSON")).await.unwrap();
    page.send(Message::binary(vec![0, 255])).await.unwrap();
    records(&hub, "plain/shop.example", 3).await;
    let text = hub
        .client()
        .get("/v1/topics/plain/shop.example")
        .await
        .text()
        .await;
    assert!(
        text.contains(r#""value":{"id":12345678901234567890,"b":1,"a":1.0}"#),
        "digits and order are kept: {text}"
    );
    assert!(text.contains(r#""value":"no JSON""#), "{text}");
    assert!(text.contains(r#""base64":"AP8=""#), "{text}");
    let listed = hub.client().get("/v1/pages").await.json().await;
    let listed = &listed["pages"][0];
    assert_eq!(
        (&listed["carrier"], &listed["group"], &listed["origin"]),
        (&json!("plain"), &json!("plain-shop-example"), &json!(SHOP))
    );
}

#[tokio::test]
async fn programs_without_an_origin_are_let_in_and_other_origins_are_not() {
    let hub = hub(None, false).await;
    let mut program = connect(&hub, None).await.expect("let in");
    program.send(Message::text("1")).await.unwrap();
    let records = records(&hub, "plain/local", 1).await;
    assert_eq!(records[0]["value"], 1);
    for (origin, advice) in [
        ("https://evil.example", "--plain-page https://evil.example"),
        ("http://shop.example", "--plain-page http://shop.example"),
        // What any site can bring about cannot be allowed by its name.
        ("null", "serve a file over http"),
        ("file://", "serve a file over http"),
    ] {
        let Err(Error::Http(response)) = connect(&hub, Some(origin)).await else {
            panic!("{origin} was let in")
        };
        assert_eq!(response.status(), 403, "{origin}");
        let body: Value = serde_json::from_slice(response.body().as_deref().unwrap()).unwrap();
        assert!(body["detail"].as_str().unwrap().contains(advice), "{body}");
    }
}

#[tokio::test]
async fn without_the_pattern_nobody_is_let_in() {
    let hub = TestHub::start().await;
    let Err(Error::Http(response)) = connect(&hub, None).await else {
        panic!("let in")
    };
    assert_eq!(response.status(), 404);
    let body = String::from_utf8_lossy(response.body().as_deref().unwrap()).into_owned();
    assert!(body.contains("--plain-page"), "{body}");
}

#[tokio::test]
async fn a_program_asks_and_gets_the_next_message() {
    let hub = hub(None, false).await;
    let mut page = connect(&hub, None).await.expect("let in");
    let path = format!("/v1/pages/{}/send?wait=30s", page_id(&hub).await);
    for (sent, answer, media_type) in [
        ("next", r#"{"page":1.0}"#, "application/json"),
        ("{\"a\": 1}", "12345678901234567890", "application/json"),
        ("再来", "no JSON", "application/json"),
    ] {
        let asked = call(&hub.client(), &path, sent);
        assert_eq!(next(&mut page).await, Message::text(sent));
        page.send(Message::text(answer)).await.unwrap();
        let (status, text) = asked.await.expect("no panic");
        let expected = match answer {
            "no JSON" => "\"no JSON\"",
            json => json,
        };
        assert_eq!((status.as_u16(), text.as_str()), (200, expected));
        assert_eq!(media_type, "application/json");
    }
    let bytes = hub
        .client()
        .with("content-type", "application/octet-stream");
    let asked = call(&bytes, &path, "\u{0}\u{1}");
    assert_eq!(next(&mut page).await, Message::binary(vec![0, 1]));
    page.send(Message::binary(vec![2, 3])).await.unwrap();
    assert_eq!(asked.await.expect("no panic").1, "\u{2}\u{3}");
    assert_eq!(records(&hub, "plain/local", 4).await.len(), 4);
}

#[tokio::test]
async fn questions_of_many_programs_are_asked_one_after_the_other() {
    let hub = hub(None, false).await;
    let page = connect(&hub, None).await.expect("let in");
    let path = format!("/v1/pages/{}/send?wait=30s", page_id(&hub).await);
    let (mut sink, mut stream) = page.split();
    tokio::spawn(async move {
        while let Some(Ok(Message::Text(text))) = stream.next().await {
            let answer = Message::text(format!("[{text}]"));
            sink.send(answer).await.expect("it is open");
        }
    });
    let asked: Vec<_> = (0..200)
        .map(|n| call(&hub.client(), &path, &n.to_string()))
        .collect();
    for (n, asked) in asked.into_iter().enumerate() {
        let (status, text) = soon("the answer", asked).await.expect("no panic");
        assert_eq!((status.as_u16(), text), (200, format!("[{n}]")));
    }
}

#[tokio::test]
async fn sending_without_waiting_ends_at_once() {
    let hub = hub(None, false).await;
    let mut page = connect(&hub, None).await.expect("let in");
    let id = page_id(&hub).await;
    let path = format!("/v1/pages/{id}/send");
    assert_eq!(hub.client().post(&path, "hi").await.status, 204);
    assert_eq!(next(&mut page).await, Message::text("hi"));
    // The functions are there for whoever calls, as with any page.
    let called = call(&hub.client(), "/v1/call/plain-local/ask", "[\"x\"]");
    assert_eq!(next(&mut page).await, Message::text("x"));
    page.send(Message::text("7")).await.unwrap();
    assert_eq!(called.await.expect("no panic").1, "7");
}

#[tokio::test]
async fn failures_are_told_apart() {
    let hub = hub(None, false).await;
    let client = hub.client();
    let page = connect(&hub, None).await.expect("let in");
    let id = page_id(&hub).await;
    let path = |query: &str| format!("/v1/pages/{id}/send{query}");
    let (status, body) = problem(call(&client, &path("?wait=50ms"), "x")).await;
    assert_eq!((status, &body["code"]), (504, &json!("timeout")));
    let (status, _) = problem(call(&client, &path("?wit=1s"), "x")).await;
    assert_eq!(status, 400);
    let (status, body) = problem(call(&client, "/v1/pages/p_0/send", "x")).await;
    assert_eq!((status, &body["code"]), (404, &json!("not_found")));
    let bytes = client.post(&path(""), vec![0xff_u8]).await;
    assert_eq!(bytes.status, 400);

    let asked = call(&client, &path("?wait=30s"), "x");
    until("the question to be under way", async || {
        let page = hub.hub.pages().pop()?;
        (page.calls.in_flight > 0).then_some(())
    })
    .await;
    drop(page);
    let (status, body) = problem(asked).await;
    assert_eq!((status, &body["code"]), (502, &json!("page_gone")));
}

#[tokio::test]
async fn a_page_with_functions_of_its_own_takes_no_plain_messages() {
    let (hub, page, client) = pagewire_testkit::hub_and_page(&["f"]).await;
    let (status, body) = problem(call(&client, &format!("/v1/pages/{}/send", page.id), "x")).await;
    assert_eq!(status, 404);
    assert!(
        body["detail"].as_str().unwrap().contains("/v1/call/g/"),
        "{body}"
    );
    drop(hub);
}

#[tokio::test]
async fn an_echo_sends_everything_back() {
    let hub = hub(None, true).await;
    let mut client = connect(&hub, None).await.expect("let in");
    for message in [Message::text("hello"), Message::binary(vec![1, 2, 3])] {
        client.send(message.clone()).await.unwrap();
        assert_eq!(next(&mut client).await, message);
    }
}

#[tokio::test]
async fn a_message_passes_at_the_limit_and_closes_the_socket_one_past_it() {
    let link = LinkOptions {
        message_bytes_max: 1_000,
        ..LinkOptions::default()
    };
    let hub = hub_with(None, true, link).await;
    let mut client = connect(&hub, None).await.expect("let in");
    let at = Message::text("x".repeat(1_000));
    client.send(at.clone()).await.unwrap();
    assert_eq!(next(&mut client).await, at);
    client.send(Message::text("x".repeat(1_001))).await.unwrap();
    let Message::Close(Some(close)) = next(&mut client).await else {
        panic!("not closed")
    };
    assert_eq!(u16::from(close.code), 1009);
}

#[tokio::test]
async fn a_token_as_subprotocol_is_taken_and_selected() {
    let secret = Secret::random();
    let server = ServerOptions {
        access: Access {
            require_token: true,
            tokens: vec![Token {
                name: "page".into(),
                secret: secret.clone(),
                scopes: serde_json::from_value(json!(["attach:plain-*"])).expect("a scope"),
            }],
            ..Access::default()
        },
        plain: Some(PlainPattern {
            greeting: Some("lx".into()),
            echo: false,
        }),
        ..ServerOptions::default()
    };
    let hub = TestHub::with_server(HubOptions::default(), server).await;
    let Err(Error::Http(response)) = connect(&hub, Some(SHOP)).await else {
        panic!("let in without a token")
    };
    assert_eq!(response.status(), 401);
    let mut request = hub.ws_url().into_client_request().expect("an address");
    let offered = secret.subprotocol();
    let headers = request.headers_mut();
    headers.insert("origin", SHOP.parse().expect("a value"));
    headers.insert("sec-websocket-protocol", offered.parse().expect("a value"));
    let (mut page, response) = soon("the connection", connect_async(request))
        .await
        .expect("let in");
    assert_eq!(response.headers()["sec-websocket-protocol"], offered);
    assert_eq!(next(&mut page).await, Message::text("lx"));
}
