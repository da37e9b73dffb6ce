//! What a page asks of the hub: calls of other pages, topics, publications.

use std::ops::RangeInclusive;

use http::StatusCode;
use pagewire_testkit::{FakePage, chromium};
use serde_json::json;

use crate::stage::{Stage, text, told};

#[tokio::test]
async fn a_page_with_a_token_calls_other_pages() {
    let Some(chromium) = chromium() else { return };
    let scopes = ["attach:page", "call:page/*", "call:shop/price"];
    let mut stage = Stage::open_with_token(&chromium, &scopes).await;
    let shop = FakePage::attach(&stage.hub, "shop", &["price", "secret"]).await;
    tokio::spawn(shop.serve(|_, arguments| arguments.to_string()));
    let described = |length, sum| json!({"kind": "Uint8Array", "length": length, "sum": sum});
    let cases = [
        ("call", json!(["shop/price", "A-100"]), json!(["A-100"])),
        ("call", json!(["shop.price"]), json!([])),
        ("callWithBytes", json!([]), described(3, 6)),
        ("callForBytes", json!([]), described(256, 32_640)),
        ("collect", json!(["page/count", 100]), (1..=100).collect()),
        ("collect", json!(["shop/price", 1]), json!([])),
        ("leave", json!([]), json!(20)),
    ];
    for (function, arguments, value) in cases {
        let answer = stage.answer(function, &arguments).await;
        assert_eq!(answer, json!({ "value": value }), "{function} {arguments}");
    }
    let left = told(&mut stage.site, "left").await;
    assert_eq!(left, "AbortError", "leaving the loop cancels the call");
    check_refused(&stage, "call", r#"["shop/secret"]"#, "call:shop/secret").await;
    check_refused(&stage, "subscribe", r#"["x"]"#, "subscribe:x").await;
    stage.close().await;
}

/// What the page asks of the hub by `function` is refused for lack of this scope.
async fn check_refused(stage: &Stage, function: &str, arguments: &str, scope: &str) {
    let answer = stage.answer(function, arguments).await;
    assert_eq!(answer["code"], -32006, "{function} {arguments}: {answer}");
    let message = text(&answer["message"]);
    assert!(
        message.ends_with(scope),
        "{function} {arguments}: {message}"
    );
}

#[tokio::test]
async fn what_a_page_asks_of_another_fails_as_it_does_for_programs() {
    let Some(chromium) = chromium() else { return };
    let mut stage = Stage::open_with_token(&chromium, &["attach", "call"]).await;
    let cases = [
        (json!(["page/throwNow", "TypeError"]), -32000, "boom"),
        (json!(["page/add", 1]), -32602, "argument \"b\" is missing"),
        (json!(["page/nowhere"]), -32601, "exposes nowhere"),
        (
            json!(["nobody/add"]),
            -32601,
            "no page is attached to group nobody",
        ),
        (
            json!([{"function": "page/wait", "timeout": 100}]),
            -32001,
            "the page did not answer before the deadline",
        ),
    ];
    for (arguments, code, message) in cases {
        let answer = stage.answer("call", &arguments).await;
        assert_eq!(answer["code"], code, "{arguments}: {answer}");
        assert!(
            text(&answer["message"]).contains(message),
            "{arguments}: {answer}"
        );
    }
    assert_eq!(told(&mut stage.site, "aborted").await, "TimeoutError");
    let broken = stage
        .answer("collect", json!(["page/countThenThrow", 3]))
        .await;
    assert_eq!(broken["message"], "enough");
    assert_eq!(broken["data"]["name"], "RangeError");

    let too_late = stage.answer("callTooLate", "").await;
    assert_eq!(too_late["message"], "too late");

    let http = stage.http.clone();
    let abandoned =
        tokio::spawn(async move { http.post("/v1/call/page/abandon", "").await.json().await });
    told(&mut stage.site, "entered").await;
    stage.answer("abandonNow", "").await;
    assert_eq!(
        abandoned.await.expect("no panic")["message"],
        "changed my mind"
    );
    assert_eq!(told(&mut stage.site, "aborted").await, "AbortError");
    stage.close().await;
}

#[tokio::test]
async fn a_page_without_a_token_may_only_answer_and_publish() {
    let Some(chromium) = chromium() else { return };
    let stage = Stage::open(&chromium).await;
    let published = stage.answer("publish", r#"["prices",1]"#).await;
    assert_eq!(published["value"]["topic"], "pages/page/prices");
    let bytes = stage.answer("publishBytes", r#"["prices"]"#).await;
    assert_eq!(bytes["value"]["seq"], 2, "{bytes}");
    for (function, arguments, scope) in [
        ("call", r#"["page/add",1,2]"#, "call:page/add"),
        ("collect", r#"["page/count",1]"#, "call:page/count"),
        (
            "subscribe",
            r#"["pages/page/prices"]"#,
            "subscribe:pages/page/prices",
        ),
        (
            "subscribe",
            r#"["programs/news",{"last":1}]"#,
            "subscribe:programs/news",
        ),
    ] {
        check_refused(&stage, function, arguments, scope).await;
    }
    let kept = stage
        .http
        .get("/v1/topics/pages/page/prices")
        .await
        .json()
        .await;
    assert_eq!(kept["records"][0]["value"], 1, "{kept}");
    assert_eq!(kept["records"][1]["base64"], "AQID", "{kept}");
    stage.close().await;
}

#[tokio::test]
async fn a_page_follows_a_topic_over_a_lost_link() {
    let Some(chromium) = chromium() else { return };
    let scopes = ["attach:page", "subscribe:programs/news"];
    let mut stage = Stage::open_with_token(&chromium, &scopes).await;
    publish(&stage, 1..=3).await;
    stage
        .answer("subscribe", r#"["programs/news",{"last":2}]"#)
        .await;
    publish(&stage, 4..=4).await;
    check_follows(&mut stage, 2..=4).await;

    stage.relay.cut();
    publish(&stage, 5..=8).await;
    stage.relay.mend();
    check_follows(&mut stage, 5..=8).await;

    // Had it not left, the page would be told of 9 and 10 twice.
    stage.answer("unsubscribe", "").await;
    publish(&stage, 9..=9).await;
    stage
        .answer("subscribe", r#"["programs/news",{"last":1}]"#)
        .await;
    publish(&stage, 10..=10).await;
    check_follows(&mut stage, 9..=10).await;

    stage.answer("unsubscribe", "").await;
    stage
        .answer(
            "subscribe",
            r#"["programs/news",{"since":"another-run:1"}]"#,
        )
        .await;
    let gap = told(&mut stage.site, "followed").await;
    assert_eq!(
        gap,
        json!({"value": null, "at": {"gap": {"reset": true, "seq": 1}}})
    );
    check_follows(&mut stage, 1..=10).await;
    stage.close().await;
}

/// A topic that was silent until the link was lost has no cursor that the page could have kept.
#[tokio::test]
async fn a_page_misses_nothing_of_a_silent_topic_over_a_lost_link() {
    let Some(chromium) = chromium() else { return };
    let scopes = ["attach:page", "subscribe:programs/news"];
    let mut stage = Stage::open_with_token(&chromium, &scopes).await;
    publish(&stage, 1..=1).await;
    stage.answer("subscribe", r#"["programs/news"]"#).await;
    stage.relay.cut();
    publish(&stage, 2..=3).await;
    stage.relay.mend();
    told(&mut stage.site, "opened").await;
    publish(&stage, 4..=4).await;
    check_follows(&mut stage, 2..=4).await;
    stage.close().await;
}

async fn publish(stage: &Stage, values: RangeInclusive<u32>) {
    for value in values {
        let body = value.to_string();
        let answer = stage.http.post("/v1/topics/programs/news", body).await;
        assert_eq!(answer.status, StatusCode::OK);
    }
}

/// The page was told of these values of `programs/news`, each with its place.
async fn check_follows(stage: &mut Stage, values: RangeInclusive<u32>) {
    for value in values {
        let told = told(&mut stage.site, "followed").await;
        assert_eq!(told["value"], value, "{told}");
        let at = &told["at"];
        assert_eq!(at["seq"], value, "{told}");
        assert!(at["cursor"].is_string() && at["time"].is_u64(), "{told}");
    }
}
