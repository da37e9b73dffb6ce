//! What comes through a reverse proxy, over real connections: who needs a token, and the path of the public address.

use http::StatusCode;
use pagewire_hub::{HubOptions, Scopes};
use pagewire_server::{Access, Token, TrustedProxy};
use pagewire_testkit::{FakePage, TestHub, call, soon};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const SECRET: &str = "0123456789abcdef";
const BEARER: &str = "Bearer 0123456789abcdef";

fn access(trusted_proxies: Vec<TrustedProxy>) -> Access {
    Access {
        tokens: vec![Token {
            name: "t".into(),
            secret: SECRET.parse().expect("long enough"),
            scopes: Scopes::all(),
        }],
        public_url: Some("http://shop.example/hub".parse().expect("an address")),
        trusted_proxies,
        ..Access::default()
    }
}

async fn hub(trusted_proxies: Vec<TrustedProxy>) -> TestHub {
    TestHub::with(HubOptions::default(), access(trusted_proxies)).await
}

#[tokio::test]
async fn what_a_proxy_brings_from_elsewhere_needs_a_token() {
    let hub = hub(vec![TrustedProxy::Loopback]).await;
    let outside = hub
        .client()
        .with("x-forwarded-for", "127.0.0.1, 203.0.113.7");
    let refused = outside.get("/v1/pages").await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert!(refused.header("www-authenticate").starts_with("Bearer"));
    let problem = refused.json().await;
    assert_eq!(problem["code"], "unauthorized");
    let detail = problem["detail"].as_str().expect("a text");
    assert!(detail.contains("from another machine"), "{detail}");
    // As curl can write it.
    let disguised = outside
        .with("origin", &hub.http_url())
        .with("sec-fetch-site", "same-origin");
    assert_eq!(
        disguised.get("/v1/pages").await.status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(outside.get("/health").await.status, StatusCode::OK);
    let known = outside.with("authorization", BEARER);
    assert_eq!(known.get("/v1/pages").await.status, StatusCode::OK);
    // A proxy on this machine for somebody on it.
    let here = hub
        .client()
        .with("x-forwarded-for", "127.0.0.1")
        .with("x-forwarded-host", "localhost:8080");
    assert_eq!(here.get("/v1/pages").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_page_from_elsewhere_attaches_with_a_token_only() {
    let hub = hub(vec![TrustedProxy::Loopback]).await;
    let forwarded = ("x-forwarded-for", "203.0.113.7");
    let refused = FakePage::connect(&hub, &[forwarded]).await;
    let Err(tokio_tungstenite::tungstenite::Error::Http(refused)) = refused else {
        unreachable!("it was let in: {refused:?}");
    };
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    let mut page = FakePage::connect(&hub, &[forwarded, ("authorization", BEARER)])
        .await
        .expect("the token is known");
    let welcome = FakePage::greet(&mut page, json!({"group": "g"})).await;
    assert!(welcome["result"]["page"].is_string(), "{welcome}");
}

#[tokio::test]
async fn a_proxy_that_is_not_trusted_makes_nobody_local() {
    let hub = hub(Vec::new()).await;
    let claims = hub
        .client()
        .with("x-forwarded-for", "127.0.0.1")
        .with("x-forwarded-host", "localhost");
    let refused = claims.get("/v1/pages").await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    let problem = refused.text().await;
    assert!(problem.contains("--trust-proxy"), "{problem}");
    let known = claims.with("authorization", BEARER);
    assert_eq!(known.get("/v1/pages").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_proxy_that_adds_no_header_is_known_by_its_old_http() {
    let hub = hub(Vec::new()).await;
    for (path, status) in [("/v1/pages", "401"), ("/health", "200")] {
        // What nginx sends for `proxy_pass http://127.0.0.1:9999;` alone.
        let request = format!(
            "GET {path} HTTP/1.0\r\nHost: {}\r\nConnection: close\r\n\r\n",
            hub.address
        );
        let mut socket = TcpStream::connect(&hub.address)
            .await
            .expect("the hub listens");
        socket.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        let read = socket.read_to_string(&mut answer);
        soon("the answer", read).await.expect("a whole answer");
        let code = answer.split_whitespace().nth(1);
        assert_eq!(code, Some(status), "{answer}");
    }
}

#[tokio::test]
async fn the_public_path_is_taken_off_and_programs_here_need_none() {
    let hub = hub(Vec::new()).await;
    let page = FakePage::attach(&hub, "g", &["f"]).await;
    tokio::spawn(page.serve(|_, arguments| arguments.to_string()));
    let client = hub.client();
    for prefix in ["", "/hub"] {
        let call = call(&client, &format!("{prefix}/v1/call/g/f?timeout=5s"), "[1]");
        let answer = soon("the answer", call).await.expect("no panic");
        assert_eq!(answer, (StatusCode::OK, "[1]".to_owned()), "{prefix}");
        let pages = client.get(&format!("{prefix}/v1/pages")).await.json().await;
        assert_eq!(pages["pages"].as_array().map(Vec::len), Some(1), "{prefix}");
    }
    assert_eq!(client.get("/hub").await.status, StatusCode::OK);
    assert_eq!(
        client.get("/hubs/health").await.status,
        StatusCode::NOT_FOUND
    );
    // The rules see the address without the prefix: the open ones stay open, the others do not become so.
    let elsewhere = client.with("x-forwarded-for", "203.0.113.7");
    assert_eq!(elsewhere.get("/hub/health").await.status, StatusCode::OK);
    let refused = elsewhere.get("/hub/v1/pages").await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    // The public host is a name of the hub, but nobody on this machine uses it.
    let named = client.with("host", "shop.example");
    assert_eq!(named.get("/hub/health").await.status, StatusCode::OK);
    assert_eq!(
        named.get("/hub/v1/pages").await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn streams_tell_proxies_not_to_hold_them_back() {
    let hub = TestHub::start().await;
    let mut page = FakePage::attach(&hub, "g", &["count"]).await;
    let client = hub.client();
    for form in ["sse", "ndjson"] {
        let topic = client.get(&format!("/v1/topics/pages/g/x?as={form}")).await;
        assert_eq!(topic.header("x-accel-buffering"), "no", "{form}");
    }
    let stream = client.with("accept", "text/event-stream");
    let (answer, ()) = tokio::join!(stream.post("/v1/call/g/count", ""), async {
        let id = page.next_call("count").await;
        page.item(id, "1").await;
        page.answer(id, "null").await;
    });
    assert_eq!(answer.header("x-accel-buffering"), "no");
    assert_eq!(answer.text().await, "data: 1\n\nevent: end\ndata: null\n\n");
}
