//! The limit of open files under which a hub runs.
#![cfg(unix)]

mod binary;

use std::process::Stdio;

use pagewire_testkit::{Http, soon};
use tokio::process::Command;

/// A hub under these limits: its open files and connections at most, as its status says, and its log.
async fn serve_under(soft: u32, hard: u32) -> ([u64; 2], String) {
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
    let told = ["open_files_max", "connections_max"];
    (
        told.map(|name| status[name].as_u64().expect("a limit")),
        log,
    )
}

#[tokio::test]
async fn serve_raises_the_limit_as_far_as_it_may_and_warns_when_few_connections_fit() {
    let (told, log) = serve_under(200, 300).await;
    assert_eq!(told, [300, 236]);
    let raised = log.lines().filter(|line| line.contains("raised")).count();
    assert_eq!(raised, 1, "{log}");
    assert!(log.contains("from=200 to=300"), "{log}");
    // The default of 20,000 connections and some files beside.
    assert!(
        log.contains("WARN") && log.contains("ulimit -n 20064"),
        "{log}"
    );
}

#[tokio::test]
async fn serve_takes_as_many_connections_as_fit_and_says_so() {
    // 1,024 connections and some files beside are not worth a warning; one less is.
    for (files, connections, level) in [(1_088, 1_024, " INFO "), (1_087, 1_023, " WARN ")] {
        let (told, log) = serve_under(files, files).await;
        assert_eq!(told, [u64::from(files), connections]);
        assert!(!log.contains("raised"), "{log}");
        let figures = format!("open_files_max={files} connections_max={connections}");
        let lines: Vec<_> = log.lines().filter(|line| line.contains(&figures)).collect();
        assert!(lines.len() == 1 && lines[0].contains(level), "{log}");
    }
}
