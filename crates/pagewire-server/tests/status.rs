//! `GET /v1/status`: what whoever wonders why something does not connect is told.

use pagewire_hub::{HubOptions, Scopes};
use pagewire_server::{
    Access, AllowedOrigin, PlainPattern, Secret, ServerOptions, Token, TrustedProxy,
};
use pagewire_testkit::{FakePage, Http, TestHub, until};
use serde_json::{Value, json};

async fn status(client: &Http) -> Value {
    let response = client.get("/v1/status").await;
    assert_eq!(response.status.as_u16(), 200);
    response.json().await
}

/// The refusals without their times.
fn refusals(status: &Value) -> Vec<Value> {
    let all = status["refusals"].as_array().expect("a list").iter();
    all.map(|r| json!([r["code"], r["from"], r["asked"], r["count"], r["flag"]]))
        .collect()
}

#[tokio::test]
async fn a_status_tells_how_the_hub_fares() {
    let hub = TestHub::start().await;
    let page = FakePage::attach(&hub, "g", &["a", "b"]).await;
    let _twin = FakePage::attach(&hub, "g", &["a"]).await;
    let client = hub.client();
    client.post("/v1/topics/programs/t", "1").await;
    let call = {
        let client = client.clone();
        tokio::spawn(async move { client.post("/v1/call/g/b", "").await })
    };
    let told = until("the call", async || {
        Some(status(&client).await).filter(|status| status["calls_active"] == 1)
    })
    .await;
    for (member, value) in [
        ("version", json!(env!("CARGO_PKG_VERSION"))),
        ("listen", json!([hub.address])),
        ("pages", json!(2)),
        ("functions", json!(2)),
        ("topics", json!(1)),
        ("connections_max", json!(20_000)),
        ("refusals", json!([])),
        ("refusals_forgotten", json!(0)),
        (
            "access",
            json!({"hosts": [], "origins": [], "require_token": false, "plain": false, "plain_pages": [], "trusted_proxies": []}),
        ),
        (
            "scopes",
            json!([
                "call:*",
                "subscribe:*",
                "publish:*",
                "attach:*",
                "admin",
                "metrics"
            ]),
        ),
    ] {
        assert_eq!(told[member], value, "{member}: {told}");
    }
    assert!(told.get("commit").is_none(), "nobody said a commit: {told}");
    // Two pages, this request and the call.
    assert!(told["connections"].as_u64() >= Some(4), "{told}");
    let at = |member: &str| told[member].as_u64().expect("a time");
    assert!(
        at("started_ms") <= at("now_ms") && at("uptime_ms") < 3_600_000,
        "{told}"
    );
    drop(page);
    assert_eq!(call.await.expect("no panic").status.as_u16(), 502);
}

/// Requests that the access layer refuses, each for another reason, the first one twice.
async fn ask_in_vain(hub: &TestHub) {
    let client = hub.client();
    let from = |origin: &str| client.with("origin", origin);
    for _ in 0..2 {
        let refused = FakePage::connect(hub, &[("origin", "https://evil.example")]).await;
        assert!(refused.is_err());
    }
    from("https://shop.example").get("/v1/pages").await;
    from("null").get("/v1/pages").await;
    client.with("host", "hub.local").get("/health").await;
    client
        .with("authorization", "Bearer nobodyknowsthis0")
        .get("/v1/pages")
        .await;
}

#[tokio::test]
async fn refusals_are_remembered_with_what_to_do() {
    let shop = AllowedOrigin {
        origin: "https://shop.example".parse().expect("an origin"),
        free_groups: true,
    };
    let access = Access {
        origins: vec![shop],
        ..Access::default()
    };
    let hub = TestHub::with(HubOptions::default(), access).await;
    let client = hub.client();
    ask_in_vain(&hub).await;
    // The owner came from this machine, so the group is not free.
    let _owner = FakePage::attach(&hub, "g", &[]).await;
    let mut late = FakePage::connect(&hub, &[("origin", "https://shop.example")])
        .await
        .expect("it may attach");
    let answer = FakePage::greet(&mut late, json!({"group": "g"})).await;
    assert_eq!(answer["error"]["code"], -32006, "{answer}");
    drop(late);
    let told = until("all refusals", async || {
        Some(status(&client).await).filter(|status| refusals(status).len() == 6)
    })
    .await;
    let mut all = refusals(&told);
    all.sort_by_key(|refusal| refusal[0].to_string());
    let allow = "--allow-origin https://evil.example";
    assert_eq!(
        all,
        [
            json!([
                "hello_refused",
                "https://shop.example",
                "GET /v1/page",
                1,
                "--allow-origin https://shop.example=g"
            ]),
            json!([
                "origin_attaches_only",
                "https://shop.example",
                "GET /v1/pages",
                1,
                null
            ]),
            json!([
                "origin_not_allowed",
                "https://evil.example",
                "GET /v1/page",
                2,
                allow
            ]),
            json!(["origin_null", "null", "GET /v1/pages", 1, null]),
            json!(["token_unknown", null, "GET /v1/pages", 1, null]),
            json!([
                "wrong_host",
                "hub.local",
                "GET /health",
                1,
                "--allow-host hub.local"
            ]),
        ]
    );
    assert!(!told.to_string().contains("nobodyknowsthis0"), "{told}");
}

#[tokio::test]
async fn a_status_tells_who_may_reach_the_hub_and_how() {
    let shop = || "https://shop.example".parse().expect("an origin");
    let network = "10.0.0.0/8".parse().expect("a network");
    let options = ServerOptions {
        access: Access {
            plain_pages: vec![shop()],
            public_url: Some("https://shop.example/hub/".parse().expect("an address")),
            trusted_proxies: vec![TrustedProxy::Loopback, network],
            ..Access::default()
        },
        plain: Some(PlainPattern {
            greeting: None,
            echo: false,
        }),
        ..ServerOptions::default()
    };
    let hub = TestHub::with_server(HubOptions::default(), options).await;
    assert_eq!(
        status(&hub.client()).await["access"],
        json!({"hosts": [], "origins": [], "require_token": false, "plain": true, "plain_pages": ["https://shop.example"],
            "public_url": "https://shop.example/hub", "trusted_proxies": ["loopback", "10.0.0.0/8"]})
    );
}

#[tokio::test]
async fn a_hello_that_cannot_be_read_is_remembered_too() {
    let hub = TestHub::start().await;
    let mut page = FakePage::connect(&hub, &[]).await.expect("it may attach");
    let answer = FakePage::greet(&mut page, json!({"group": "two words"})).await;
    assert_eq!(answer["error"]["code"], -32602, "{answer}");
    drop(page);
    let client = hub.client();
    let told = until("the refusal", async || {
        Some(status(&client).await).filter(|status| !refusals(status).is_empty())
    })
    .await;
    let refusal = &told["refusals"][0];
    assert_eq!(refusal["code"], "hello_refused", "{refusal}");
    let why = answer["error"]["message"].as_str().expect("a text");
    assert!(
        refusal["reason"]
            .as_str()
            .is_some_and(|reason| reason.ends_with(why)),
        "{refusal}"
    );
}

#[tokio::test]
async fn a_status_is_for_administrators() {
    let token = |scopes: &[&str]| Token {
        name: "t".into(),
        secret: Secret::random(),
        scopes: Scopes::new(scopes.iter().map(|s| s.parse().expect("a scope")).collect()),
    };
    let (admin, caller) = (token(&["admin"]), token(&["call:g/*", "subscribe"]));
    let access = Access {
        tokens: vec![admin.clone(), caller.clone()],
        ..Access::default()
    };
    let hub = TestHub::with(HubOptions::default(), access).await;
    let with = |token: &Token| {
        let bearer = format!("Bearer {}", token.secret.reveal());
        hub.client().with("authorization", &bearer)
    };
    assert_eq!(status(&with(&admin)).await["scopes"], json!(["admin"]));
    let refused = with(&caller).get("/v1/status").await;
    assert_eq!(refused.status.as_u16(), 403);
    let detail = refused.json().await["detail"].to_string();
    assert!(
        detail.contains("scope admin") && detail.contains("--token 'SECRET=admin'"),
        "{detail}"
    );
    let page = hub.client().with("origin", "https://evil.example");
    assert_eq!(page.get("/v1/status").await.status.as_u16(), 403);
}
