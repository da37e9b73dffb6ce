//! The first command of the README, in a real Chromium.

mod binary;

use std::path::Path;

use pagewire_testkit::{Http, chromium, soon};
use serde_json::{Value, json};

use self::binary::{command, lines};

fn events(stdout: &str) -> Vec<Value> {
    stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// The values of the steps of this name.
fn told<'e>(events: &'e [Value], name: &str) -> impl Iterator<Item = &'e Value> {
    let of_name = events.iter().filter(move |event| event["event"] == name);
    of_name.map(|event| &event["value"])
}

/// What the topic of a room has of gifts: how many, and what they are worth.
async fn given(client: &Http, topic: &str) -> (u64, u64) {
    let kept = client.get(&format!("/v1/topics/{topic}?as=json")).await;
    let kept: Value = serde_json::from_str(&kept.text().await).expect("JSON");
    let records = kept["records"].as_array().expect("records").iter();
    let gifts: Vec<_> = records
        .map(|record| &record["value"]["gift_delta"])
        .collect();
    let sum = |member: &str| gifts.iter().filter_map(|gift| gift[member].as_u64()).sum();
    (sum("count"), sum("value"))
}

/// Runs a line that was printed, until it has printed some lines itself.
async fn run_line(line: &str) {
    let mut words = line.split(' ');
    assert_eq!(words.next(), Some(env!("CARGO_BIN_EXE_pagewire")));
    let mut child = command(&words.collect::<Vec<_>>())
        .spawn()
        .expect("started");
    let mut stdout = lines(child.stdout.take().expect("piped"));
    for _ in 0..3 {
        let shown = soon(line, stdout.next_line()).await.expect("read");
        assert!(shown.is_some_and(|shown| !shown.is_empty()), "{line}");
    }
    child.kill().await.expect("it runs");
}

fn version(chromium: &Path) -> String {
    let output = std::process::Command::new(chromium)
        .arg("--version")
        .output()
        .expect("Chromium runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let number = text
        .split_whitespace()
        .find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    number
        .and_then(|number| number.split('.').next())
        .unwrap_or_default()
        .to_owned()
}

#[tokio::test]
async fn the_tour_ends_well_and_shows_the_browsers_own_user_agent() {
    let Some(chromium) = chromium() else { return };
    let finished = binary::run(&["demo", "--once", "--json"]).await;
    assert_eq!(finished.code, 0, "{}\n{}", finished.stdout, finished.stderr);
    let events = events(&finished.stdout);
    let answer = |function: &str| {
        let call = events
            .iter()
            .find(|event| event["value"]["function"] == function)
            .expect("it was called");
        call["value"]["answer"].as_str().expect("text").to_owned()
    };
    assert!(
        answer("userAgent").contains(&format!("Chrome/{}.", version(&chromium))),
        "{}",
        answer("userAgent")
    );
    assert_eq!(answer("add"), "42");
    assert!(
        answer("draw").ends_with("bytes of image/png"),
        "{}",
        answer("draw")
    );
    assert_eq!(answer("countdown").matches("\"n\"").count(), 4);
    let values: Vec<_> = events
        .iter()
        .filter(|event| event["event"] == "record")
        .map(|event| &event["value"]["value"])
        .collect();
    // The page's frames, and the same through the page's own decoder.
    let (frames, decoded) = values.split_at(3);
    assert!(frames.iter().all(|frame| frame["kind"].is_string()));
    assert_eq!(decoded.len(), 3);
    assert!(decoded.iter().all(|price| price["value"]["sku"] == "A-100"));
    // The room's page signs, and what its socket brought is decoded and counted.
    let signed: Value = serde_json::from_str(&answer("sign")).expect("JSON");
    let signature = signed["X-Bogus"].as_str().expect("a text");
    assert!(signature.starts_with("PW") && signature.len() == 18);
    let room: Vec<_> = told(&events, "event").collect();
    assert!(room.iter().any(|event| event["kind"] == "chat"));
    assert!(room.iter().all(|event| event["site"] == "douyin"));
    let gifts = told(&events, "gifts").next().expect("gifts are compared");
    assert_eq!(gifts["read"], gifts["sent"]);
    assert!(gifts["sent"]["count"].as_u64() > Some(100), "{gifts}");
    assert!(gifts["connections"].as_u64() > Some(1), "{gifts}");
    assert_eq!(events.last().expect("events")["value"]["ok"], true);
}

#[tokio::test]
async fn in_chinese_it_says_the_same_in_chinese() {
    if chromium().is_none() {
        return;
    }
    let finished = binary::run_with(&["demo", "--once"], &[("LC_ALL", "zh_CN.UTF-8")]).await;
    assert_eq!(finished.code, 0, "{}\n{}", finished.stdout, finished.stderr);
    let shown = finished.stdout;
    for words in [
        "Pagewire 演示",
        "模拟直播间",
        "每个礼物只计一次",
        "全部成功。",
    ] {
        assert!(shown.contains(words), "{words} is not in {shown}");
    }
    assert!(!shown.contains("worked"), "{shown}");
}

#[tokio::test]
async fn the_demo_stays_until_ctrl_c_and_the_lines_that_it_prints_work() {
    if chromium().is_none() {
        return;
    }
    let mut child = command(&["demo", "--json"]).spawn().expect("started");
    let mut stdout = lines(child.stdout.take().expect("piped"));
    let stays = loop {
        let line = soon("an event", stdout.next_line())
            .await
            .expect("read")
            .expect("a line");
        let event: Value = serde_json::from_str(&line).expect("JSON");
        if event["event"] == "stays" {
            break event;
        }
    };
    let client = Http::new(
        stays["value"]["hub"]
            .as_str()
            .expect("an address")
            .to_owned(),
    );
    let curl = client.with("content-type", "application/x-www-form-urlencoded");
    assert_eq!(
        curl.post("/v1/call/demo/add", "[2,3]").await.text().await,
        "5"
    );
    let signed = curl
        .post(
            "/v1/call/demo/sign",
            r#"[{"X-MS-STUB":"3cfd2876e715dcb0771a2488b2e1dd3a"}]"#,
        )
        .await;
    assert!(signed.text().await.contains("PW"));
    let typed = stays["value"]["type"].as_array().expect("lines").iter();
    let typed: Vec<_> = typed.filter_map(Value::as_str).collect();
    let (curls, own): (Vec<_>, Vec<_>) = typed.iter().partition(|line| line.starts_with("curl "));
    assert_eq!(
        (curls.len(), own.len()),
        (7, if cfg!(feature = "decode") { 2 } else { 1 })
    );
    for line in own {
        run_line(line).await;
    }
    // What is published of the room adds up to what its site says that it has sent.
    let manifest = curls
        .iter()
        .find_map(|line| line.strip_prefix("curl ")?.strip_suffix("/manifest"));
    let (site, path) = manifest
        .and_then(|url| url.split_once("/sim/"))
        .expect("an address");
    let manifest = Http::new(site.to_owned())
        .get(&format!("/sim/{path}/manifest"))
        .await;
    let manifest: Value = serde_json::from_str(&manifest.text().await).expect("JSON");
    let (count, worth) = given(&client, "rooms/sim/1001").await;
    assert_eq!(
        (&json!(count), &json!(worth)),
        (&manifest["gifts"]["count"], &manifest["gifts"]["value"])
    );
    assert!(count > 100, "{count}");
    binary::interrupt(&child);
    let status = soon("the end", child.wait()).await.expect("ended");
    assert_eq!(status.code(), Some(0));
}

#[tokio::test]
async fn without_a_browser_it_says_how_to_get_one() {
    let finished = binary::run_with(&["demo", "--once"], &[("PATH", "/nonexistent")]).await;
    if finished.code == 0 {
        // A browser outside the search path was found, as on macOS.
        return;
    }
    assert_eq!(finished.code, 3, "{}", finished.stderr);
    assert!(
        finished.stdout.contains("No Chromium") && finished.stdout.contains("http://127.0.0.1:"),
        "{}",
        finished.stdout
    );
}
