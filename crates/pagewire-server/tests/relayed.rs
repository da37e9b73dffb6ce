//! Pages that a program attaches in place of their browser: `GET /v1/page?carrier=cdp`.

use pagewire_hub::HubOptions;
use pagewire_server::{Access, Token};
use pagewire_testkit::{FakePage, Http, TestHub, hub_and_page, open_socket};
use serde_json::json;

const SHOP: &str = "/v1/page?carrier=cdp&group=shop&origin=https://shop.example";

async fn attach(hub: &TestHub, path: &str, headers: &[(&'static str, &str)]) -> FakePage {
    let mut socket = open_socket(&format!("{}{path}", hub.ws_url()), headers)
        .await
        .expect("the hub takes the connection");
    let hello = json!({"group": "shop", "kind": "tab", "functions": [{"name": "f"}]});
    let welcome = FakePage::greet(&mut socket, hello).await;
    let id = welcome["result"]["page"].as_str();
    let id = id
        .unwrap_or_else(|| unreachable!("refused: {welcome}"))
        .to_owned();
    FakePage {
        socket,
        id,
        epoch: 1,
    }
}

/// Status and problem document of a request that would open a WebSocket.
async fn refused(client: &Http, path: &str) -> (u16, String) {
    let mut client = client.clone();
    for (name, value) in [
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("sec-websocket-protocol", "pagewire.v1"),
    ] {
        client = client.with(name, value);
    }
    let response = client.get(path).await;
    let status = response.status.as_u16();
    assert_ne!(status, 101, "{path} is taken");
    (
        status,
        response.json().await["detail"]
            .as_str()
            .expect("a detail")
            .to_owned(),
    )
}

fn with_token(scopes: &[&str]) -> Access {
    let token = json!({"name": "t", "secret": "0123456789abcdef", "scopes": scopes});
    Access {
        tokens: vec![serde_json::from_value::<Token>(token).expect("a token")],
        ..Access::default()
    }
}

#[tokio::test]
async fn a_relayed_page_has_the_origin_that_is_told_and_answers_calls() {
    let (hub, _page, client) = hub_and_page(&[]).await;
    let mut page = attach(&hub, SHOP, &[]).await;
    let info = client
        .get(&format!("/v1/pages/{}", page.id))
        .await
        .json()
        .await;
    assert_eq!(
        (&info["carrier"], &info["kind"], &info["origin"]),
        (&json!("cdp"), &json!("tab"), &json!("https://shop.example"))
    );
    let call = pagewire_testkit::call(&client, "/v1/call/shop/f", "");
    let id = page.next_call("f").await;
    page.answer(id, "1").await;
    assert_eq!(call.await.expect("no panic").1, "1");
    let nameless = attach(&hub, "/v1/page?carrier=cdp&group=shop", &[]).await;
    let info = client
        .get(&format!("/v1/pages/{}", nameless.id))
        .await
        .json()
        .await;
    assert_eq!(info["origin"], json!(null), "a page without an origin");
    // Whoever knows the id of a page of another origin does not get it.
    let mut socket = open_socket(
        &format!(
            "{}/v1/page?carrier=cdp&group=shop&origin=https://evil.example",
            hub.ws_url()
        ),
        &[],
    )
    .await
    .expect("connected");
    let answer = FakePage::greet(&mut socket, json!({"group": "shop", "page": page.id})).await;
    assert_eq!(answer["error"]["code"], -32006, "{answer}");
}

/// The messages come from a page that is not trusted: what the program may do that relays them does not pass over to it.
#[tokio::test]
async fn a_relayed_page_has_no_scopes_whatever_its_opener_has() {
    let access = with_token(&["call", "subscribe", "publish", "attach:shop", "admin"]);
    let hub = TestHub::with(HubOptions::default(), access).await;
    let bearer = [("authorization", "Bearer 0123456789abcdef")];
    for headers in [&[][..], &bearer] {
        let mut page = attach(&hub, SHOP, headers).await;
        for (message, code) in [
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"shop.f"}"#,
                Some(-32006),
            ),
            (
                r#"{"jsonrpc":"2.0","id":2,"method":"$/subscribe","params":{"topic":"programs/t"}}"#,
                Some(-32006),
            ),
            (
                r#"{"jsonrpc":"2.0","id":3,"method":"$/publish","params":{"topic":"t","value":1}}"#,
                None,
            ),
        ] {
            page.send(message).await;
            let answer = page.next().await;
            assert_eq!(answer["error"]["code"].as_i64(), code, "{answer}");
            if code.is_none() {
                assert_eq!(answer["result"]["topic"], "pages/shop/t");
            }
        }
    }
    // Whatever the page says, it joins the group that its program named, and no other.
    for headers in [&[][..], &bearer] {
        let mut socket = open_socket(&format!("{}{SHOP}", hub.ws_url()), headers)
            .await
            .expect("connected");
        let answer = FakePage::greet(&mut socket, json!({"group": "other"})).await;
        assert_eq!(
            answer["error"]["message"],
            "the token has no scope attach:other"
        );
    }
}

#[tokio::test]
async fn only_programs_that_may_attach_relay_pages_and_they_spell_it_right() {
    let access = with_token(&["call", "publish"]);
    let hub = TestHub::with(HubOptions::default(), access).await;
    let client = hub.client();
    for (path, status, words) in [
        ("/v1/page?carrier=ws", 400, "carrier \"ws\" is not known"),
        (
            "/v1/page?carrier=cdp&group=shop&origin=shop.example",
            400,
            "is no origin",
        ),
        ("/v1/page?carrier=cdp&group=shop&origin=null", 400, "null"),
        (
            "/v1/page?carrier=cdp&origin=https://shop.example",
            400,
            "needs group=NAME",
        ),
        (
            "/v1/page?origin=https://shop.example",
            400,
            "group and origin go with carrier=cdp",
        ),
        ("/v1/page?carier=cdp", 400, "carier"),
    ] {
        let (got, detail) = refused(&client, path).await;
        assert_eq!(got, status, "{path}: {detail}");
        assert!(detail.contains(words), "{path}: {detail}");
    }
    let own = format!("http://{}", hub.address);
    for (name, value) in [
        ("origin", own.as_str()),
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-mode", "websocket"),
        ("origin", "https://shop.example"),
    ] {
        let (got, detail) = refused(&client.with(name, value), SHOP).await;
        assert_eq!(got, 403, "{name}: {value}: {detail}");
    }
    let (got, detail) = refused(
        &client.with("authorization", "Bearer 0123456789abcdef"),
        SHOP,
    )
    .await;
    assert!(
        got == 403 && detail.contains("scope attach"),
        "{got} {detail}"
    );
}
