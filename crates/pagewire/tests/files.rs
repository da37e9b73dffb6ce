//! The limit of open files under which a hub runs.
#![cfg(unix)]

mod binary;

use std::process::Stdio;

use pagewire_testkit::{Http, soon};
use tokio::process::Command;

/// A hub under these limits: what its status says, and its log.
async fn serve_under(soft: u32, hard: u32) -> (u64, String) {
    let limits = format!("ulimit -S -n {soft} && ulimit -H -n {hard} && exec \"$0\" \"$@\"");
    let pagewire = env!("CARGO_BIN_EXE_pagewire");
    let mut hub = Command::new("sh")
        .args(["-c", &limits, pagewire])
        .args(["serve", "--json", "--listen", "127.0.0.1:0"])
        .env("XDG_CONFIG_HOME", "/nonexistent")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("sh runs");
    let mut stdout = binary::lines(hub.stdout.take().expect("piped"));
    let line = soon("the first line", stdout.next_line()).await;
    let line = line.expect("read").expect("a line");
    let listening: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    let http = Http::new(listening["http"].as_str().expect("an address").to_owned());
    let status = http.get("/v1/status").await.json().await;
    binary::interrupt(&hub);
    let ended = soon("the end", hub.wait_with_output())
        .await
        .expect("ended");
    let log = String::from_utf8(ended.stderr).expect("UTF-8");
    (status["open_files_max"].as_u64().expect("a limit"), log)
}

#[tokio::test]
async fn serve_raises_the_limit_as_far_as_it_may_and_says_when_that_is_too_little() {
    let (files, log) = serve_under(200, 300).await;
    assert_eq!(files, 300);
    let raised = log.lines().filter(|line| line.contains("raised")).count();
    assert_eq!(raised, 1, "{log}");
    assert!(log.contains("from=200 to=300"), "{log}");
    // The default of 20,000 connections and some files beside.
    assert!(log.contains("ulimit -n 20064"), "{log}");
}

#[tokio::test]
async fn a_limit_that_is_as_high_as_it_may_be_is_left() {
    let (files, log) = serve_under(300, 300).await;
    assert_eq!(files, 300);
    assert!(!log.contains("raised"), "{log}");
}
