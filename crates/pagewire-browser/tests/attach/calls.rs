//! Calls of a page that may reach nothing but its own site, where they are large or many, and what it asks of the hub.

use http::StatusCode;
use pagewire_browser::UserScript;
use pagewire_testkit::{Site, chromium, soon};
use serde_json::json;
use tokio::task::JoinSet;

use crate::stage::{POLICY, Stage, public, text};

#[tokio::test]
async fn the_hub_knows_what_the_browser_says_of_a_page() {
    let Some(chromium) = chromium() else { return };
    let stage = Stage::open(&chromium).await;
    let page = stage.http.get(&format!("/v1/pages/{}", stage.page)).await;
    let page = page.json().await;
    assert_eq!(page["carrier"], "cdp", "{page}");
    assert_eq!(page["kind"], "tab");
    assert_eq!(page["group"], "page");
    assert_eq!(page["origin"], stage.site.origin);
    assert_eq!(page["url"], format!("{}/", stage.site.origin));
    assert_eq!(page["epoch"], 1);
    assert_eq!(page["notes"], json!([]));
    stage.close().await;
}

#[tokio::test]
async fn a_page_may_only_answer_and_publish() {
    let Some(chromium) = chromium() else { return };
    let stage = Stage::open(&chromium).await;
    let published = stage.answer("publish", r#"["prices",1]"#).await;
    assert_eq!(published["value"]["topic"], "pages/page/prices");
    let bytes = stage.answer("publishBytes", r#"["prices"]"#).await;
    assert_eq!(bytes["value"]["seq"], 2, "{bytes}");
    let cases = [
        ("call", r#"["page/add",1,2]"#, "call:page/add"),
        ("collect", r#"["other/count",1]"#, "call:other/count"),
        (
            "subscribe",
            r#"["pages/page/prices"]"#,
            "subscribe:pages/page/prices",
        ),
        (
            "subscribe",
            r#"["taps/x/y",{"last":1}]"#,
            "subscribe:taps/x/y",
        ),
    ];
    for (function, arguments, scope) in cases {
        let answer = stage.answer(function, arguments).await;
        assert_eq!(answer["code"], -32006, "{function} {arguments}: {answer}");
        assert!(text(&answer["message"]).ends_with(scope), "{answer}");
    }
    let kept = stage.http.get("/v1/topics/pages/page/prices").await;
    let kept = kept.json().await;
    assert_eq!(kept["records"][0]["value"], 1, "{kept}");
    assert_eq!(kept["records"][1]["base64"], "AQID", "{kept}");
    stage.close().await;
}

/// A page with one script of the user.
async fn scripted(source: &str) -> Option<Stage> {
    let chromium = chromium()?;
    let site = Site::start().await;
    let html = "<!doctype html><meta charset=utf-8><title>Calls</title>";
    site.page_with("/", html, &[POLICY]);
    let script = UserScript {
        name: "calls.js".to_owned(),
        source: source.to_owned(),
    };
    let flags = [public(&site)];
    Some(
        Stage::start(&chromium, site, &flags, |options| {
            options.scripts = vec![script]
        })
        .await,
    )
}

#[tokio::test]
async fn numbers_keep_their_text_where_javascript_has_none_such() {
    let source = "pagewire.expose('raw', (...texts) => texts.map((text) => JSON.rawJSON(text)));";
    let Some(stage) = scripted(source).await else {
        return;
    };
    let numbers = [
        "9007199254740993",
        "-123456789012345678901234567890",
        "1.10",
        "1E400",
        "-0",
        "0.1e-10",
    ];
    let answer = stage.call("raw", json!(numbers)).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.text().await, format!("[{}]", numbers.join(",")));
    stage.close().await;
}

#[tokio::test]
async fn eight_mebibytes_come_and_go_as_text_and_as_bytes() {
    let source = "
        pagewire.expose('text', (n) => 'é'.repeat(n / 2));
        pagewire.expose('length', (value) => value.length);
        pagewire.expose('echo', (value) => value);
        pagewire.expose('blob', (value) => new Blob([value.subarray(0, 1), value.subarray(1)]));";
    let Some(stage) = scripted(source).await else {
        return;
    };
    let size: u32 = 8 << 20;
    let expected = "é".repeat(4 << 20);
    let answer = stage.answer("text", json!([size])).await;
    assert!(answer == expected.as_str());
    assert_eq!(stage.answer("length", json!([expected])).await, 4 << 20);
    let bytes: Vec<u8> = (0..size).map(|i| (i % 251) as u8).collect();
    let octets = stage.http.with("content-type", "application/octet-stream");
    for function in ["echo", "blob"] {
        let path = format!("/v1/call/page/{function}");
        let answer = octets.post(&path, bytes.clone()).await;
        assert_eq!(answer.status, StatusCode::OK, "{function}");
        assert!(answer.bytes().await == bytes, "{function}");
    }
    stage.close().await;
}

#[tokio::test]
async fn sixty_four_calls_are_in_the_page_at_once_and_the_next_ones_wait() {
    // Each call stays until 64 are there.
    let source = "
        let inside = [];
        pagewire.expose('meet', (n) => new Promise((resolve) => {
            inside.push(() => resolve(n));
            if (inside.length === 64) inside.splice(0).forEach((leave) => leave());
        }));";
    let Some(stage) = scripted(source).await else {
        return;
    };
    let mut calls = JoinSet::new();
    for n in 0..192 {
        let http = stage.http.clone();
        calls.spawn(async move {
            let answer = http.post("/v1/call/page/meet", format!("[{n}]")).await;
            (n.to_string(), answer.text().await)
        });
    }
    let all = soon("all answers", calls.join_all()).await;
    assert_eq!(all.len(), 192);
    assert!(all.iter().all(|(asked, answer)| asked == answer), "{all:?}");
    stage.close().await;
}

#[tokio::test]
async fn an_answer_that_is_a_blob_does_not_let_later_ones_overtake_it() {
    let source = "
        pagewire.expose('blobs', async function* () {
            for (let i = 0; i < 50; i += 1) {
                yield i % 2 ? i : new Blob([`${i}`.repeat(1000)], { type: 'text/plain' });
            }
        });";
    let Some(stage) = scripted(source).await else {
        return;
    };
    let lines = stage.call("blobs", "").await.text().await;
    let lines: Vec<_> = lines.lines().collect();
    assert_eq!(lines.len(), 50);
    for (i, line) in lines.iter().enumerate() {
        let is_blob = line.contains("base64");
        assert_eq!(is_blob, i % 2 == 0, "{i}: {line}");
        assert!(is_blob || *line == i.to_string(), "{i}: {line}");
    }
    stage.close().await;
}
