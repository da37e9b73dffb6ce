//! Errors that say why: names that are nearly right, pages that left, pages that do not answer.

use http::StatusCode;
use pagewire_hub::HubOptions;
use pagewire_server::{Access, Token};
use pagewire_testkit::{FakePage, Http, Message, TestHub, hub_and_page, until};
use serde_json::{Value, json};

/// The problem document of a call that fails.
async fn problem(client: &Http, path: &str, status: StatusCode) -> Value {
    let response = client.post(path, "").await;
    assert_eq!(response.status, status, "{path}");
    response.json().await
}

fn text<'a>(problem: &'a Value, member: &str) -> &'a str {
    problem[member].as_str().unwrap_or_default()
}

/// Answers every ping with this, and no call.
async fn only_answer_pings(mut page: FakePage, pong: &str) {
    while let Some(message) = page.next_message().await {
        let Message::Text(text) = message else {
            continue;
        };
        if text.contains("$/ping") {
            page.answer(0, pong).await;
        }
    }
}

#[tokio::test]
async fn names_that_are_nearly_right_are_answered_with_those_that_are() {
    let (_hub, page, client) = hub_and_page(&["getPrice", "getPrices", "title"]).await;
    let path = |rest: &str| format!("/v1/call/g/{rest}");
    for (path, nearest, detail) in [
        (
            path("get_price"),
            json!(["getPrice", "getPrices"]),
            "no page of group g exposes get_price; did you mean getPrice, getPrices?".to_owned(),
        ),
        (
            path(&format!("titel?page={}", page.id)),
            json!(["title"]),
            format!(
                "page {} does not expose titel; did you mean title?",
                page.id
            ),
        ),
        (
            path("nothing_like_it"),
            Value::Null,
            "no page of group g exposes nothing_like_it".into(),
        ),
        (
            "/v1/call/G/title".into(),
            json!(["g"]),
            "no page is attached to group G; did you mean g?".into(),
        ),
    ] {
        let problem = problem(&client, &path, StatusCode::NOT_FOUND).await;
        assert_eq!(
            (&problem["nearest"], text(&problem, "detail")),
            (&nearest, detail.as_str()),
            "{path}"
        );
        let zh = text(&problem, "detail_zh").contains("名称相近的有：");
        assert_eq!(zh, !nearest.is_null(), "{problem}");
    }
}

#[tokio::test]
async fn groups_that_the_caller_may_not_see_are_not_named() {
    let token = json!({"name": "t", "secret": "0123456789abcdef", "scopes": ["call:shop*"]});
    let access = Access {
        tokens: vec![serde_json::from_value::<Token>(token).expect("a token")],
        ..Access::default()
    };
    let hub = TestHub::with(HubOptions::default(), access).await;
    let _pages = (
        FakePage::attach(&hub, "shopA", &["f"]).await,
        FakePage::attach(&hub, "sho1", &["f"]).await,
    );
    let all = hub.client();
    let some = all.with("authorization", "Bearer 0123456789abcdef");
    for (client, seen) in [(all, json!(["sho1", "shopA"])), (some, json!(["shopA"]))] {
        let problem = problem(&client, "/v1/call/shop1/f", StatusCode::NOT_FOUND).await;
        assert_eq!(problem["nearest"], seen);
    }
}

#[tokio::test]
async fn who_misses_a_page_hears_when_and_why_it_left() {
    let (hub, mut page, client) = hub_and_page(&["f"]).await;
    page.send(r#"{"jsonrpc":"2.0","method":"$/bye","params":{"reason":"the tab was closed"}}"#)
        .await;
    page.closed().await;
    until("the page is out", async || {
        (hub.hub.counts().pages == 0).then_some(())
    })
    .await;
    let missed = problem(&client, "/v1/call/g/f", StatusCode::NOT_FOUND).await;
    let detail = text(&missed, "detail");
    assert!(
        detail.starts_with("no page is attached to group g; its last page left ")
            && detail.ends_with(" ago: the tab was closed"),
        "{detail}"
    );
    let zh = text(&missed, "detail_zh");
    assert!(zh.contains("前离开：标签页已关闭"), "{zh}");
    let other = FakePage::attach(&hub, "g", &["f"]).await;
    let path = format!("/v1/call/g/f?page={}", page.id);
    let missed = problem(&client, &path, StatusCode::NOT_FOUND).await;
    let begin = format!("group g has no page {}; it left ", page.id);
    assert!(text(&missed, "detail").starts_with(&begin), "{missed}");
    let path = format!("/v1/call/other/f?page={}", other.id);
    let missed = problem(&client, &path, StatusCode::NOT_FOUND).await;
    assert!(!text(&missed, "detail").contains("left"), "{missed}");
}

#[tokio::test]
async fn a_timeout_names_the_cause_that_is_known() {
    let hub = TestHub::start().await;
    let client = hub.client();
    let call = async |group: &str| {
        let path = format!("/v1/call/{group}/f?timeout=800ms");
        problem(&client, &path, StatusCode::GATEWAY_TIMEOUT).await
    };
    // It answers no ping.
    let blocked = FakePage::attach(&hub, "blocked", &["f"]).await;
    let answer = call("blocked").await;
    assert_eq!(answer["cause"], "blocked");
    let detail = text(&answer, "detail");
    let begin = "the page did not answer before the deadline: its JavaScript has not run for 0.";
    assert!(
        detail.starts_with(begin) && detail.ends_with("or the page is paused in a debugger"),
        "{detail}"
    );
    assert!(
        text(&answer, "detail_zh").contains("主线程被阻塞"),
        "{answer}"
    );
    drop(blocked);
    let mut noted = FakePage::attach(&hub, "noted", &["f"]).await;
    noted
        .send(r#"{"jsonrpc":"2.0","method":"$/notes","params":{"notes":[{"code":"csp","text":"x"},{"code":"paused","text":"paused in the debugger at app.js:10","blocks":true}]}}"#)
        .await;
    let answer = call("noted").await;
    assert_eq!(
        (&answer["cause"], text(&answer, "detail")),
        (
            &json!("paused"),
            "the page did not answer before the deadline: paused in the debugger at app.js:10"
        )
    );
    for (group, pong, cause, words) in [
        (
            "hidden",
            r#"{"lag_ms":900,"hidden":true}"#,
            "background",
            "the tab is in the background",
        ),
        (
            "late",
            r#"{"lag_ms":500,"hidden":false}"#,
            "lag",
            "500 ms late",
        ),
        (
            "well",
            r#"{"lag_ms":499,"hidden":false}"#,
            "",
            "?timeout= sets a longer one",
        ),
    ] {
        let page = FakePage::attach(&hub, group, &["f"]).await;
        let page = tokio::spawn(only_answer_pings(page, pong));
        let answer = call(group).await;
        assert_eq!(text(&answer, "cause"), cause, "{answer}");
        assert!(text(&answer, "detail").contains(words), "{answer}");
        page.abort();
    }
}

#[tokio::test]
async fn pages_that_call_other_pages_hear_the_same() {
    let (hub, _blocked, _client) = hub_and_page(&["price"]).await;
    let mut page = FakePage::attach(&hub, "other", &[]).await;
    for (call, code, message) in [
        (
            r#""method":"g.prise""#,
            -32601,
            "no page of group g exposes prise; did you mean price?",
        ),
        (
            r#""method":"g.price","deadline_ms":800"#,
            -32001,
            "the page did not answer before the deadline: its JavaScript has not run for 0.",
        ),
    ] {
        page.send(&format!(r#"{{"jsonrpc":"2.0","id":1,{call}}}"#))
            .await;
        let error = page.next().await["error"].clone();
        assert_eq!(error["code"], code, "{error}");
        assert!(text(&error, "message").starts_with(message), "{error}");
    }
}
