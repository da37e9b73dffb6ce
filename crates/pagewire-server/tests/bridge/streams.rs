//! Functions that answer with many values, and callers that do not wait for all of them.

use http::StatusCode;
use pagewire_testkit::chromium;
use serde_json::{Value, json};

use crate::stage::{Stage, told};

#[tokio::test]
async fn generators_stream_more_values_than_their_credit() {
    let Some(chromium) = chromium() else { return };
    let stage = Stage::open(&chromium).await;
    let lines = |n: u32| (1..=n).map(|i| format!("{i}\n")).collect::<String>();
    let events = |n: u32| {
        (1..=n)
            .map(|i| format!("data: {i}\n\n"))
            .collect::<String>()
    };
    let end = "event: end\ndata: null\n\n";
    for function in ["count", "countAtOnce"] {
        for n in [1, 16, 17, 1000] {
            let response = stage.call(function, json!([n])).await;
            assert_eq!(response.header("content-type"), "application/x-ndjson");
            assert_eq!(response.text().await, lines(n), "{function} {n}");
        }
    }
    let sse = stage.http.with("accept", "text/event-stream");
    let response = sse.post("/v1/call/page/count", "100").await;
    assert_eq!(response.header("content-type"), "text/event-stream");
    assert_eq!(response.text().await, events(100) + end);
    let single = sse.post("/v1/call/page/add", "[1,2]").await;
    assert_eq!(single.text().await, format!("data: 3\n\n{end}"));
    let nothing = stage.call("nothing", "").await;
    assert_eq!(nothing.header("content-type"), "application/x-ndjson");
    assert_eq!(nothing.text().await, "");
    let chunks = stage.call("chunks", "").await;
    assert_eq!(
        chunks.text().await,
        "{\"base64\":\"AQID\",\"type\":\"application/octet-stream\"}\n\
         {\"base64\":\"e30=\",\"type\":\"text/x-odd\"}\n\"text\"\nnull\n"
    );
    stage.close().await;
}

#[tokio::test]
async fn a_generator_that_throws_breaks_its_stream_after_its_values() {
    let Some(chromium) = chromium() else { return };
    let stage = Stage::open(&chromium).await;
    let mut lines = stage.call("countThenThrow", "40").await;
    assert_eq!(lines.status, StatusCode::OK);
    let got = lines.read_until("pagewire:error").await;
    let expected: String = (1..=40).map(|i| format!("{i}\n")).collect();
    let (values, error) = got.split_at(expected.len());
    assert_eq!(values, expected);
    let error: Value = serde_json::from_str(error).expect("one line of JSON");
    assert_eq!(error["pagewire:error"]["detail"], "RangeError: enough");
    assert!(
        lines.chunk().await.expect("no end").is_err(),
        "the body breaks off"
    );
    let sse = stage.http.with("accept", "text/event-stream");
    let events = sse
        .post("/v1/call/page/countThenThrow", "2")
        .await
        .text()
        .await;
    assert!(
        events.starts_with("data: 1\n\ndata: 2\n\nevent: error\ndata: {")
            && events.contains("RangeError: enough"),
        "{events}"
    );
    stage.close().await;
}

#[tokio::test]
async fn the_signal_tells_why_nobody_waits_any_more() {
    let Some(chromium) = chromium() else { return };
    let mut stage = Stage::open(&chromium).await;

    // A caller that hangs up.
    let http = stage.http.clone();
    let caller = tokio::spawn(async move { http.post("/v1/call/page/wait", "").await.status });
    told(&mut stage.site, "entered").await;
    caller.abort();
    assert_eq!(told(&mut stage.site, "aborted").await, "AbortError");

    // A deadline.
    let late = stage.http.post("/v1/call/page/wait?timeout=200ms", "");
    assert_eq!(late.await.status, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(told(&mut stage.site, "aborted").await, "TimeoutError");

    // A reader that leaves a stream: the generator's `finally` runs.
    let mut stream = stage.call("countForever", "").await;
    stream.read_until("\n100\n").await;
    drop(stream);
    assert_eq!(told(&mut stage.site, "left").await, "AbortError");

    let ended = &stage.hub.hub.pages()[0].calls;
    assert_eq!(ended.in_flight, 0);
    assert_eq!(ended.ended["cancelled"], 2, "{ended:?}");
    assert_eq!(ended.ended["timeout"], 1, "{ended:?}");
    stage.close().await;
}
