//! What the hub tells those who watch it: metrics, timing, traces, the status page, and the words of its errors.

use std::collections::HashMap;

use pagewire_hub::HubOptions;
use pagewire_server::{Access, Secret, ServerOptions, Token};
use pagewire_testkit::{FakePage, TestHub, call, hub_and_page, problem, until};
use serde_json::{Value, json};

/// The samples of `/metrics` by name and labels.
async fn samples(hub: &TestHub) -> HashMap<String, f64> {
    let response = hub.client().get("/metrics").await;
    assert!(
        response
            .header("content-type")
            .starts_with("application/openmetrics-text"),
    );
    let text = response.text().await;
    assert!(text.ends_with("# EOF\n"), "{text}");
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').expect("a sample");
            (name.to_owned(), value.parse().expect("a number"))
        })
        .collect()
}

#[tokio::test]
async fn calls_are_counted_by_how_they_ended() {
    let (hub, mut page, client) = hub_and_page(&["f", "价格"]).await;
    for answer in ["1", "2"] {
        let called = call(&client, "/v1/call/g/f", "");
        let id = page.next_call("f").await;
        page.answer(id, answer).await;
        called.await.expect("no panic");
    }
    let called = call(&client, "/v1/call/g/%E4%BB%B7%E6%A0%BC", "");
    let id = page.next_call("价格").await;
    let error = format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":1,"message":"no"}}}}"#);
    page.send(&error).await;
    assert_eq!(problem(called).await.0, 500);
    assert_eq!(problem(call(&client, "/v1/call/g/x", "")).await.0, 404);
    let late = call(&client, "/v1/call/g/f?timeout=20ms", "");
    assert_eq!(problem(late).await.0, 504);
    page.publish("t", "1").await;
    page.publish("bad topic", "1").await;
    let samples = until("all of it to be counted", async || {
        let samples = samples(&hub).await;
        (samples["pagewire_values_dropped_total"] > 0.0).then_some(samples)
    })
    .await;
    for (name, value) in [
        (r#"pagewire_calls_total{end="result"}"#, 2.0),
        (r#"pagewire_calls_total{end="page_error"}"#, 1.0),
        (r#"pagewire_calls_total{end="not_found"}"#, 1.0),
        (r#"pagewire_calls_total{end="timeout"}"#, 1.0),
        (r#"pagewire_calls_total{end="overloaded"}"#, 0.0),
        (
            r#"pagewire_call_duration_seconds_count{group="g",function="f"}"#,
            3.0,
        ),
        (
            r#"pagewire_call_duration_seconds_bucket{le="+Inf",group="g",function="价格"}"#,
            1.0,
        ),
        ("pagewire_calls_active", 0.0),
        (r#"pagewire_pages{carrier="ws"}"#, 1.0),
        ("pagewire_values_published_total", 1.0),
        ("pagewire_topics", 1.0),
    ] {
        assert_eq!(samples.get(name), Some(&value), "{name} of {samples:#?}");
    }
}

#[tokio::test]
async fn buckets_are_cumulative_and_end_with_all_calls() {
    let (hub, mut page, client) = hub_and_page(&["f"]).await;
    for _ in 0..3 {
        let called = call(&client, "/v1/call/g/f", "");
        let id = page.next_call("f").await;
        page.answer(id, "1").await;
        called.await.expect("no panic");
    }
    let samples = samples(&hub).await;
    let bucket = |le: &str| {
        let name =
            format!(r#"pagewire_call_duration_seconds_bucket{{le="{le}",group="g",function="f"}}"#);
        samples
            .get(&name)
            .copied()
            .unwrap_or_else(|| panic!("{name} of {samples:#?}"))
    };
    let limits = ["0.001", "0.1", "1.0", "60.0", "+Inf"].map(bucket);
    assert!(limits.is_sorted(), "{limits:?}");
    assert!((limits[4] - 3.0).abs() < f64::EPSILON);
}

#[tokio::test]
async fn metrics_need_a_scope_of_their_own_where_tokens_are_asked_for() {
    let token = |secret: &str, scope: &str| Token {
        name: scope.to_owned(),
        secret: secret.parse().expect("long enough"),
        scopes: serde_json::from_value(json!([scope])).expect("a scope"),
    };
    let access = Access {
        require_token: true,
        tokens: vec![
            token("0123456789abcdef-metrics", "metrics"),
            token("0123456789abcdef-calls", "call"),
        ],
        ..Access::default()
    };
    let hub = TestHub::with(HubOptions::default(), access).await;
    let with = |secret: &str| {
        hub.client()
            .with("authorization", &format!("Bearer {secret}"))
    };
    assert_eq!(hub.client().get("/metrics").await.status, 401);
    let metrics = with("0123456789abcdef-metrics");
    assert_eq!(metrics.get("/metrics").await.status, 200);
    assert_eq!(metrics.get("/v1/pages").await.status, 403);
    assert_eq!(
        with("0123456789abcdef-calls").get("/metrics").await.status,
        403
    );
}

#[tokio::test]
async fn an_answer_tells_where_the_time_went() {
    let (_hub, mut page, client) = hub_and_page(&["f"]).await;
    let path = "/v1/call/g/f";
    let asked = tokio::spawn({
        let client = client.clone();
        async move { client.post(path, "").await }
    });
    let id = page.next_call("f").await;
    page.answer(id, "1").await;
    let response = asked.await.expect("no panic");
    let timing = response.header("server-timing").to_owned();
    let parts: Vec<f64> = timing
        .split(", ")
        .zip(["page;dur=", "hub;dur="])
        .map(|(part, name)| {
            let value = part
                .strip_prefix(name)
                .unwrap_or_else(|| panic!("{timing}"));
            value.parse().expect("milliseconds")
        })
        .collect();
    assert_eq!(parts.len(), 2, "{timing}");
    assert!(parts[0] > 0.0 && parts[1] > 0.0, "{timing}");
}

#[tokio::test]
async fn the_trace_of_a_program_reaches_the_page() {
    let (_hub, mut page, client) = hub_and_page(&["f"]).await;
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    for (sent, told) in [(trace, json!(trace)), ("nonsense", Value::Null)] {
        let called = call(&client.with("traceparent", sent), "/v1/call/g/f", "");
        let message = page.next().await;
        assert_eq!(message["traceparent"], told, "{message}");
        page.answer(message["id"].as_u64().expect("an id"), "1")
            .await;
        called.await.expect("no panic");
    }
}

#[tokio::test]
async fn the_status_page_shows_pages_without_running_their_markup() {
    let hub = TestHub::start().await;
    let hello = json!({"group": "g", "title": "<img src=x onerror=alert(1)>", "functions": [{"name": "价格"}]});
    let _page = FakePage::attach_with(&hub, hello).await;
    let response = hub.client().get("/").await;
    assert_eq!(response.status, 200);
    assert!(
        response
            .header("content-security-policy")
            .starts_with("default-src 'none'")
    );
    let html = response.text().await;
    for part in ["价格", "&lt;img", "ready", "就绪"] {
        assert!(html.contains(part), "{part} in {html}");
    }
    assert!(!html.contains("<img"), "{html}");
    assert_eq!(hub.client().post("/", "x").await.status, 405);
}

#[tokio::test]
async fn the_status_page_shows_refusals_to_administrators_only() {
    let token = |scope: &str| Token {
        name: scope.to_owned(),
        secret: Secret::random(),
        scopes: serde_json::from_value(json!([scope])).expect("a scope"),
    };
    let (admin, caller) = (token("admin"), token("call"));
    let options = ServerOptions {
        access: Access {
            tokens: vec![admin.clone(), caller.clone()],
            ..Access::default()
        },
        commit: Some("0000000 <2026-01-01>".into()),
        ..ServerOptions::default()
    };
    let hub = TestHub::with_server(HubOptions::default(), options).await;
    for origin in ["https://shop.example", "https://shop.example", "<b>x</b>"] {
        let page = hub.client().with("origin", origin);
        assert_eq!(page.get("/v1/page").await.status, 403);
    }
    let shown = async |token: &Token| {
        let bearer = format!("Bearer {}", token.secret.reveal());
        let client = hub.client().with("authorization", &bearer);
        client.get("/").await.text().await
    };
    let html = shown(&admin).await;
    for part in [
        "(0000000 &lt;2026-01-01&gt;)",
        "has been running for",
        "Refused lately · 最近的拒绝 (2)",
        "<code>pagewire serve --allow-origin https://shop.example</code>",
        ">GET /v1/page<td class=n>2<",
        "&lt;b&gt;x&lt;/b&gt;",
    ] {
        assert!(html.contains(part), "{part} in {html}");
    }
    assert!(!html.contains("<b>") && !html.contains("<2026"), "{html}");
    let html = shown(&caller).await;
    assert!(html.contains("has been running for"), "{html}");
    assert!(
        !html.contains("shop.example") && !html.contains("Refused"),
        "{html}"
    );
}

#[tokio::test]
async fn errors_are_told_in_english_and_in_chinese() {
    let (_hub, mut page, client) = hub_and_page(&["f"]).await;
    let mut seen = 0;
    for (path, english, chinese) in [
        (
            "/v1/call/none/f",
            "no page is attached to group none",
            "没有网页接入分组 none",
        ),
        (
            "/v1/call/g/x",
            "no page of group g exposes x",
            "没有网页提供函数 x",
        ),
        (
            "/v1/call/g/f?timeout=10ms",
            "did not answer",
            "没有在期限内应答",
        ),
    ] {
        let (_, body) = problem(call(&client, path, "")).await;
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        assert!(text("detail").contains(english), "{body}");
        assert!(text("detail_zh").contains(chinese), "{body}");
        assert!(!text("title_zh").is_empty() && text("title_zh") != text("title"));
        seen += 1;
    }
    assert_eq!(seen, 3);
    page.next_call("f").await;
}
