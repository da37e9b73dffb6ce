//! `pagewire attach` whose browser ends, or which ends itself.
#![cfg(target_os = "linux")]

mod binary;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use http::StatusCode;
use pagewire_browser::{Browser, LaunchOptions, Transport};
use pagewire_testkit::{Http, Site, chromium, soon, until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout};

use self::binary::{Finished, command, interrupt, lines, run};

/// As in `commands/attach/browser.rs`.
const STARTS_MAX: usize = 5;

/// A running `pagewire attach --json` with a hub of its own.
struct Attach {
    child: Child,
    stdout: Lines<BufReader<ChildStdout>>,
    http: Http,
}

impl Attach {
    async fn start(arguments: &[&str]) -> Self {
        let own = [
            "attach",
            "--json",
            "--listen=127.0.0.1:0",
            "--expose=here=location.pathname",
            "--expose=never=() => new Promise(() => {})",
        ];
        let mut child = command(&[&own, arguments].concat())
            .spawn()
            .expect("started");
        let stdout = lines(child.stdout.take().expect("piped"));
        let http = Http::new(String::new());
        let mut attach = Self {
            child,
            stdout,
            http,
        };
        let hub = attach.event("hub").await;
        attach.http = Http::new(text(&hub, "http"));
        attach
    }

    /// A browser of its own that shows a page of a site.
    async fn with_own(chromium: &Path, url: &str) -> Self {
        let chromium = chromium.to_str().expect("UTF-8");
        Self::start(&[url, "--headless", "--browser", chromium]).await
    }

    /// The next event of a name; others are passed over.
    async fn event(&mut self, name: &str) -> Value {
        soon(name, async {
            loop {
                let line = self.stdout.next_line().await.expect("read");
                let line = line.expect("it goes on");
                let event: Value = serde_json::from_str(&line).expect("JSON");
                if event["event"] == name {
                    return event;
                }
            }
        })
        .await
    }

    /// The process and the profile of the browser that was started.
    async fn browser(&mut self) -> (Pid, String) {
        let browser = self.event("browser").await;
        let pid = browser["pid"].as_i64().expect("a process");
        let command = fs::read(format!("/proc/{pid}/cmdline")).expect("it runs");
        let command = String::from_utf8(command).expect("UTF-8");
        let mut arguments = command.split('\0');
        let profile = arguments.find_map(|one| one.strip_prefix("--user-data-dir="));
        let pid = Pid::from_raw(pid.try_into().expect("a number")).expect("a process");
        (pid, profile.expect("a profile").to_owned())
    }

    async fn check_answers(&self) {
        let answer = self.http.post("/v1/call/page/here", "").await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.json().await, "/");
    }

    /// Waits until it has ended by itself.
    async fn finished(mut self) -> Finished {
        let mut stderr = String::new();
        let mut errors = self.child.stderr.take().expect("piped");
        let status = soon("the end", async {
            while let Some(_line) = self.stdout.next_line().await.expect("read") {}
            errors.read_to_string(&mut stderr).await.expect("read");
            self.child.wait().await.expect("ended")
        })
        .await;
        Finished {
            code: status.code().unwrap_or(-1),
            stdout: String::new(),
            stderr,
        }
    }
}

fn text(event: &Value, member: &str) -> String {
    event[member].as_str().expect("a text").to_owned()
}

async fn site() -> (Site, String) {
    let site = Site::start().await;
    site.page("/", "<!doctype html><title>Shop</title>");
    let url = format!("{}/", site.origin);
    (site, url)
}

/// Waits until no process has this profile in its command line.
async fn until_none_left(profile: &str) {
    until("the end of the browser's processes", async || {
        let processes = fs::read_dir("/proc").expect("Linux").flatten();
        let mut lines = processes.filter_map(|one| fs::read(one.path().join("cmdline")).ok());
        let runs = lines.any(|line| String::from_utf8_lossy(&line).contains(profile));
        (!runs).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_browser_that_is_killed_is_started_again_and_ctrl_c_ends_it() {
    let Some(chromium) = chromium() else { return };
    let (_site, url) = site().await;
    let mut attach = Attach::with_own(&chromium, &url).await;
    let (pid, first) = attach.browser().await;
    attach.event("attached").await;
    let http = attach.http.clone();
    let call = tokio::spawn(async move { http.post("/v1/call/page/never", "").await.json().await });
    until("the call in the page", async || {
        let pages = attach.http.get("/v1/pages").await.json().await;
        (pages["pages"][0]["calls"]["in_flight"] == 1).then_some(())
    })
    .await;
    kill_process(pid, Signal::KILL).expect("it runs");
    let problem = soon("the end of the call", call).await.expect("no panic");
    assert_eq!(problem["code"], "page_gone", "{problem}");
    assert!(
        text(&problem, "detail").ends_with("the browser is gone"),
        "{problem}"
    );
    assert_eq!(attach.event("left").await["why"], "the browser is gone");
    let lost = attach.event("browser_lost").await;
    assert!(
        text(&lost, "why").starts_with("the browser was ended by signal 9"),
        "{lost}"
    );
    let (_, second) = attach.browser().await;
    attach.event("attached").await;
    attach.check_answers().await;
    interrupt(&attach.child);
    assert_eq!(attach.finished().await.code, 0);
    for profile in [first, second] {
        until_none_left(&profile).await;
    }
}

#[tokio::test]
async fn a_browser_that_is_closed_ends_the_command() {
    let Some(chromium) = chromium() else { return };
    let (_site, url) = site().await;
    let mut attach = Attach::with_own(&chromium, &url).await;
    let (pid, profile) = attach.browser().await;
    attach.event("attached").await;
    // As when its window is closed.
    kill_process(pid, Signal::TERM).expect("it runs");
    attach.event("closed").await;
    let ended = attach.finished().await;
    assert_eq!((ended.code, &*ended.stderr), (0, ""));
    until_none_left(&profile).await;
}

#[tokio::test]
async fn a_browser_that_never_stays_is_started_as_often_as_it_may_be() {
    let folder = tempfile::tempdir().expect("a folder");
    let (program, starts) = (folder.path().join("browser"), folder.path().join("starts"));
    let script = format!(
        "#!/bin/sh\necho start >> {}\necho no luck today >&2\nexit 7\n",
        starts.display()
    );
    fs::write(&program, script).expect("written");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("allowed");
    let program = program.to_str().expect("UTF-8");
    let mut attach = Attach::start(&["--headless", "--browser", program]).await;
    for _ in 0..STARTS_MAX {
        let lost = attach.event("browser_lost").await;
        assert_eq!(
            lost["why"],
            "the browser ended with exit code 7: no luck today"
        );
    }
    let ended = attach.finished().await;
    assert_eq!(ended.code, 1);
    let why = "the browser does not stay: the browser ended with exit code 7: no luck today";
    assert!(ended.stderr.contains(why), "{}", ended.stderr);
    let starts = fs::read_to_string(starts).expect("it was started");
    assert_eq!(starts.lines().count(), STARTS_MAX + 1);
}

#[tokio::test]
async fn a_killed_attach_leaves_no_browser_behind() {
    let Some(chromium) = chromium() else { return };
    let (_site, url) = site().await;
    let mut attach = Attach::with_own(&chromium, &url).await;
    let (_, profile) = attach.browser().await;
    attach.event("attached").await;
    attach.child.kill().await.expect("it runs");
    until_none_left(&profile).await;
}

#[tokio::test]
async fn a_browser_of_the_user_is_waited_for() {
    let Some(chromium) = chromium() else { return };
    let (_site, url) = site().await;
    let (browser, _transport) = open(&chromium, "0", &url);
    let file = browser.profile().join("DevToolsActivePort");
    let port = until("the browser's port", async || {
        let told = fs::read_to_string(&file).ok()?;
        Some(told.lines().next()?.to_owned())
    })
    .await;
    let mut attach = Attach::start(&["--port", &port]).await;
    attach.event("browser").await;
    attach.event("attached").await;
    attach.check_answers().await;
    let pid = browser
        .pid()
        .and_then(|pid| Pid::from_raw(pid.try_into().ok()?));
    kill_process(pid.expect("it runs"), Signal::KILL).expect("it runs");
    attach.event("browser_lost").await;
    let (browser, _transport) = open(&chromium, &port, &url);
    attach.event("browser").await;
    attach.event("attached").await;
    attach.check_answers().await;
    interrupt(&attach.child);
    assert_eq!(attach.finished().await.code, 0);
    browser.close().await;
}

fn open(chromium: &Path, port: &str, url: &str) -> (Browser, Transport) {
    let options = LaunchOptions {
        url: Some(url.to_owned()),
        flags: vec![format!("--remote-debugging-port={port}")],
        ..LaunchOptions::new(chromium)
    };
    Browser::launch(&options).expect("Chromium starts")
}

#[tokio::test]
async fn a_browser_that_is_not_there_ends_the_command_with_what_to_do() {
    let missing = run(&[
        "attach",
        "--listen",
        "127.0.0.1:0",
        "--browser",
        "/nonexistent/chromium",
    ])
    .await;
    assert_eq!(missing.code, 1);
    assert!(
        missing.stderr.contains("/nonexistent/chromium"),
        "{}",
        missing.stderr
    );
    // Nothing listens at port 1.
    let nobody = run(&["attach", "--listen", "127.0.0.1:0", "--port", "1"]).await;
    assert_eq!(nobody.code, 1);
    assert!(
        nobody.stderr.contains("--remote-debugging-port"),
        "{}",
        nobody.stderr
    );
}
