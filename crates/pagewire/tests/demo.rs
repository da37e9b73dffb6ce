//! The first command of the README, in a real Chromium.

mod binary;

use std::path::Path;

use pagewire_testkit::{Http, chromium, soon};
use serde_json::Value;

use self::binary::{command, lines};

fn events(stdout: &str) -> Vec<Value> {
    stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
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
    assert_eq!(events.last().expect("events")["value"]["ok"], true);
}

#[tokio::test]
async fn the_demo_stays_until_ctrl_c_and_its_curl_lines_work() {
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
