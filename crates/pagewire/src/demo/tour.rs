//! What the demo does with the page, over the same HTTP addresses that any program uses.

use std::time::Instant;

use serde_json::Value;

use super::expect;
use super::report::Report;
use crate::client::{Client, Query};
use crate::exit::{FAILED, Failed};

/// Values of the topic that are shown.
const TOPIC_VALUES: usize = 3;
/// What a PNG begins with (RFC 2083 §3.1).
const PNG_SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

pub(crate) async fn run(report: &Report, client: &Client) -> Result<(), Failed> {
    let sum = call(
        report,
        client,
        "add",
        "[2,40]",
        ["a function of the page", "网页的一个函数"],
    )
    .await?;
    expect(sum == 42, "demo/add gave something else than 42")?;
    let greeting = call(
        report,
        client,
        "greet",
        r#"["Ada",300]"#,
        [
            "an async one: it waits 300 ms in the page",
            "异步函数：在网页中等待 300 毫秒",
        ],
    )
    .await?;
    expect(
        greeting.as_str().is_some_and(|text| text.contains("Ada")),
        "demo/greet did not greet",
    )?;
    stream(report, client).await?;
    picture(report, client).await?;
    let agent = call(
        report,
        client,
        "userAgent",
        "[]",
        [
            "the browser's own navigator.userAgent",
            "浏览器自己的 navigator.userAgent",
        ],
    )
    .await?;
    expect(
        agent.as_str().is_some_and(|text| text.contains("Mozilla/")),
        "demo/userAgent is no user agent",
    )
}

/// What the page's own socket carries, as frames and as the page's own decoder reads them.
pub(crate) async fn through_devtools(
    report: &Report,
    client: &Client,
    page: &str,
) -> Result<(), Failed> {
    let topic = format!("taps/{page}/1-127.0.0.1");
    let decoded = format!("{topic}/decoded");
    report.tap(&topic)?;
    records(report, client, &topic).await?;
    report.decoded(&decoded)?;
    let prices = records(report, client, &decoded).await?;
    let read = |line: &String| {
        serde_json::from_str::<Value>(line)
            .is_ok_and(|record| record["value"]["value"]["cents"].is_u64())
    };
    expect(
        prices.iter().all(read),
        "the page's decoder did not read its own frames",
    )
}

/// Has the sample page open another one in a tab.
pub(crate) async fn open(client: &Client, url: &str) -> Result<(), Failed> {
    let arguments = serde_json::json!([url]).to_string();
    client.post_json(&path("openRoom"), arguments).await?;
    Ok(())
}

pub(crate) async fn call(
    report: &Report,
    client: &Client,
    function: &str,
    arguments: &str,
    what: [&str; 2],
) -> Result<Value, Failed> {
    let begun = Instant::now();
    let answer = client
        .post_json(&path(function), arguments.to_owned())
        .await?
        .text()
        .await?;
    report.call(function, arguments, &answer, begun.elapsed(), what)?;
    serde_json::from_str(&answer)
        .map_err(|error| Failed::new(FAILED, format!("demo/{function}: {error}")))
}

async fn stream(report: &Report, client: &Client) -> Result<(), Failed> {
    let begun = Instant::now();
    let mut lines = client
        .post_json(&path("countdown"), "[3]".to_owned())
        .await?
        .lines();
    let mut values = Vec::new();
    while let Some(line) = lines.next_of_call().await? {
        values.push(line);
    }
    report.call(
        "countdown",
        "[3]",
        &values.join("  "),
        begun.elapsed(),
        [
            "an async generator: values come one by one",
            "异步生成器：值逐个到达",
        ],
    )?;
    expect(
        values.len() == 4,
        "demo/countdown did not count from 3 to 0",
    )
}

async fn picture(report: &Report, client: &Client) -> Result<(), Failed> {
    let begun = Instant::now();
    let answer = client
        .post_json(&path("draw"), "[120,80]".to_owned())
        .await?;
    let media_type = answer.media_type().to_owned();
    let bytes = answer.bytes().await?;
    let shown = format!("{} bytes of {media_type}", bytes.len());
    report.call(
        "draw",
        "[120,80]",
        &shown,
        begun.elapsed(),
        ["bytes: a PNG that the page drew", "字节：网页绘制的 PNG"],
    )?;
    expect(bytes.starts_with(PNG_SIGNATURE), "demo/draw gave no PNG")
}

async fn records(report: &Report, client: &Client, topic: &str) -> Result<Vec<String>, Failed> {
    let mut query = Query::default();
    query.add("as", Some("ndjson"));
    let mut lines = client
        .get(&format!("/v1/topics/{}{query}", Client::encode_path(topic)))
        .await?
        .lines();
    let mut shown = Vec::new();
    while shown.len() < TOPIC_VALUES {
        let Some(line) = lines.next().await? else {
            return Err(Failed::new(FAILED, "the topic ended"));
        };
        if !line.is_empty() {
            report.record(&line)?;
            shown.push(line);
        }
    }
    Ok(shown)
}

fn path(function: &str) -> String {
    format!("/v1/call/{}/{function}", super::GROUP)
}
