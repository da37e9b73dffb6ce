//! A real Chromium, launched over the pipe.
#![cfg(unix)]

mod devtools;

use std::io::Write as _;
use std::process::Stdio;

use futures_util::SinkExt as _;
use pagewire_browser::{Browser, COMMAND_BYTES_MAX, How, LaunchError, LaunchOptions, Transport};
use pagewire_testkit::{chromium, soon};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::net::TcpListener;

use self::devtools::{command, evaluate, open_page, raw_answer_to, the_end};

/// With more flags, or `None` after saying that Chromium is missing.
fn launch(flags: &[&str]) -> Option<(Browser, Transport)> {
    let options = LaunchOptions {
        flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
        ..LaunchOptions::new(chromium()?)
    };
    Some(Browser::launch(&options).expect("Chromium starts"))
}

#[tokio::test]
async fn a_launched_browser_answers_over_the_pipe_and_opens_pages() {
    let Some((browser, mut transport)) = launch(&[]) else {
        return;
    };
    let version = command(&mut transport, "Browser.getVersion", json!({})).await;
    let product = version["result"]["product"].as_str().unwrap();
    assert!(product.contains("Chrome/"), "{version}");
    let pages = command(&mut transport, "Target.getTargets", json!({})).await;
    assert_eq!(pages["result"]["targetInfos"], json!([]), "none by itself");
    let session = open_page(&mut transport, "about:blank").await;
    let page = evaluate(&mut transport, &session, "location.href").await;
    assert_eq!(page, "about:blank");
    let profile = browser.profile().to_owned();
    assert!(profile.is_dir());
    soon("the end of the browser", browser.close()).await;
    assert!(!profile.exists(), "a throw-away profile is deleted");
    the_end(&mut transport).await;
    assert!(transport.send("{}".into()).await.is_err());
}

#[tokio::test]
async fn messages_of_64_mib_pass_both_ways() {
    let Some((browser, mut transport)) = launch(&[]) else {
        return;
    };
    let session = open_page(&mut transport, "about:blank").await;
    let bytes = 64 << 20;
    let evaluation = |expression: &str| {
        format!(
            r#"{{"id":1,"sessionId":"{session}","method":"Runtime.evaluate","params":{{"expression":"{expression}","returnByValue":true}}}}"#
        )
    };
    let long = evaluation(&format!("'y'.repeat({bytes})"));
    let answer = raw_answer_to(&mut transport, long.into()).await;
    assert_eq!(
        answer.iter().filter(|byte| **byte == b'y').count(),
        bytes + 1,
        "and in \"type\""
    );
    let long = evaluation(&format!("'{}'.length", "y".repeat(bytes)));
    assert!(long.len() > bytes && long.len() < COMMAND_BYTES_MAX);
    let answer = raw_answer_to(&mut transport, long.into()).await;
    let answer = String::from_utf8(answer.to_vec()).unwrap();
    assert!(answer.contains(&format!("\"value\":{bytes}")), "{answer}");
    browser.close().await;
}

#[tokio::test]
async fn a_page_in_the_background_is_not_slowed_down() {
    let Some((browser, mut transport)) = launch(&[]) else {
        return;
    };
    let behind = open_page(&mut transport, "about:blank").await;
    let _front = open_page(&mut transport, "about:blank").await;
    let hidden = "new Promise(done => { const look = () => document.hidden ? done(true) : setTimeout(look, 5); look(); })";
    assert_eq!(evaluate(&mut transport, &behind, hidden).await, true);
    // Ten timers, one after the other: 0.1 s, or 9 s where Chromium gives a hidden page one in each second.
    let timers = "new Promise(done => { let n = 0; const began = performance.now();
        const next = () => ++n > 10 ? done(performance.now() - began) : setTimeout(next, 5); next(); })";
    let took_ms = evaluate(&mut transport, &behind, timers)
        .await
        .as_f64()
        .unwrap();
    assert!(took_ms < 5_000.0, "{took_ms} ms");
    browser.close().await;
}

#[tokio::test]
async fn a_proxy_gets_the_requests() {
    let Some(program) = chromium() else { return };
    let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let options = LaunchOptions {
        proxy: Some(proxy.local_addr().unwrap().to_string()),
        url: Some("http://shop.example/price".to_owned()),
        ..LaunchOptions::new(program)
    };
    let (browser, _transport) = Browser::launch(&options).unwrap();
    let request = async {
        loop {
            let (mut stream, _) = proxy.accept().await.unwrap();
            let mut head = [0; 256];
            let read = stream.read(&mut head).await.unwrap();
            let head = String::from_utf8_lossy(&head[..read]).into_owned();
            if head.starts_with("GET http://shop.example/price HTTP/1.1\r\n") {
                return;
            }
        }
    };
    soon("the request at the proxy", request).await;
    browser.close().await;
}

#[tokio::test]
async fn a_browser_that_is_killed_ends_the_stream_and_is_said_to_be_killed() {
    let Some((mut browser, mut transport)) = launch(&[]) else {
        return;
    };
    command(&mut transport, "Browser.getVersion", json!({})).await;
    assert!(!browser.has_ended());
    let pid = i32::try_from(browser.pid().unwrap()).unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
    the_end(&mut transport).await;
    let ended = soon("the end of the browser", browser.wait()).await;
    assert_eq!(ended.how, How::Signal(9));
    assert!(
        ended
            .to_string()
            .starts_with("the browser was ended by signal 9"),
        "{ended}"
    );
    assert!(browser.has_ended());
    let profile = browser.profile().to_owned();
    browser.close().await;
    assert!(!profile.exists());
}

#[tokio::test]
async fn a_transport_that_is_dropped_ends_the_browser() {
    let Some((mut browser, mut transport)) = launch(&[]) else {
        return;
    };
    command(&mut transport, "Browser.getVersion", json!({})).await;
    drop(transport);
    let ended = soon("the end of the browser", browser.wait()).await;
    assert_eq!(ended.how, How::Code(0), "{ended:?}");
    assert_eq!(ended.to_string(), "the browser was closed");
}

#[tokio::test]
async fn a_browser_that_is_dropped_is_killed() {
    let Some((browser, mut transport)) = launch(&[]) else {
        return;
    };
    command(&mut transport, "Browser.getVersion", json!({})).await;
    let profile = browser.profile().to_owned();
    drop(browser);
    the_end(&mut transport).await;
    processes::none_left_of(&profile).await;
}

#[tokio::test]
async fn the_last_words_of_a_program_that_ends_at_once_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("chromium");
    let script = "#!/bin/sh\necho '[1:1:1122/045717.7:ERROR:ozone.cc(257)] Missing X server or $DISPLAY' >&2\nexit 1\n";
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(
        &program,
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    let (mut browser, mut transport) = Browser::launch(&LaunchOptions::new(&program)).unwrap();
    the_end(&mut transport).await;
    let ended = soon("the end of the program", browser.wait()).await;
    assert_eq!(
        ended.to_string(),
        "the browser ended with exit code 1: Missing X server or $DISPLAY; there is no display for its window: start it without a window"
    );
}

#[tokio::test]
async fn what_cannot_be_started_is_refused_with_a_reason() {
    let refused = |change: fn(&mut LaunchOptions)| {
        let mut options = LaunchOptions::new("/nowhere/chromium");
        change(&mut options);
        Browser::launch(&options).expect_err("refused")
    };
    let error = refused(|_| {});
    assert!(matches!(error, LaunchError::Start { .. }), "{error}");
    assert!(
        error
            .to_string()
            .starts_with("cannot start /nowhere/chromium: "),
        "{error}"
    );
    for flag in [
        "--user-data-dir=/tmp/x",
        "--headless=new",
        "--remote-debugging-pipe",
    ] {
        let mut options = LaunchOptions::new("/nowhere/chromium");
        options.flags.push(flag.to_owned());
        let error = Browser::launch(&options).expect_err("refused");
        assert!(matches!(error, LaunchError::Flag { .. }), "{error}");
        assert!(error.to_string().contains(flag), "{error}");
    }
    let error = refused(|options| options.proxy = Some("http://me:secret@proxy.example:80".into()));
    assert!(matches!(error, LaunchError::ProxyCredentials), "{error}");
    assert!(!format!("{error} {}", error.zh()).contains("secret"));
}

/// A Pagewire that is killed in the next test.
#[tokio::test]
async fn victim() {
    if std::env::var_os(VICTIM).is_none() {
        return;
    }
    let (browser, mut transport) = launch(&[]).expect("Chromium");
    let session = open_page(&mut transport, "about:blank").await;
    // The page is busy for ever, so that ending it is no matter of asking it.
    let busy = json!({"id": 2, "sessionId": session, "method": "Runtime.evaluate", "params": {"expression": "for (;;);"}});
    transport.send(busy.to_string().into()).await.unwrap();
    writeln!(
        std::io::stdout(),
        "\n{PROFILE}{}",
        browser.profile().display()
    )
    .unwrap();
    std::future::pending::<()>().await;
}

const VICTIM: &str = "PAGEWIRE_TEST_VICTIM";
const PROFILE: &str = "profile: ";

#[tokio::test]
async fn the_browser_ends_when_pagewire_is_killed_and_the_next_launch_sweeps_its_profile_away() {
    if chromium().is_none() || processes::cannot_be_listed() {
        return;
    }
    let mut victim = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "victim", "--nocapture"])
        .env(VICTIM, "1")
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(victim.stdout.take().unwrap()).lines();
    let profile = soon("a browser of the other process", async {
        loop {
            let line = lines.next_line().await.unwrap().expect("it says where");
            if let Some(profile) = line.strip_prefix(PROFILE) {
                return std::path::PathBuf::from(profile);
            }
        }
    })
    .await;
    assert!(processes::of(&profile) > 1, "browser and page run");
    victim.kill().await.unwrap();
    processes::none_left_of(&profile).await;
    let (browser, _transport) = launch(&[]).expect("Chromium");
    let gone = async || (!profile.exists()).then_some(());
    pagewire_testkit::until("the sweep", gone).await;
    assert!(
        browser.profile().is_dir(),
        "that of a living Pagewire stays"
    );
    browser.close().await;
}

/// Processes that have a profile in their command line.
mod processes {
    use std::fs;
    use std::path::Path;

    use pagewire_testkit::{need, until};

    pub(super) fn cannot_be_listed() -> bool {
        need("/proc", fs::read_dir("/proc/self").ok()).is_none()
    }

    pub(super) fn of(profile: &Path) -> usize {
        let profile = profile.to_str().expect("UTF-8");
        let Ok(processes) = fs::read_dir("/proc") else {
            return 0;
        };
        let lines = processes
            .flatten()
            .filter_map(|process| fs::read(process.path().join("cmdline")).ok());
        lines
            .filter(|line| String::from_utf8_lossy(line).contains(profile))
            .count()
    }

    pub(super) async fn none_left_of(profile: &Path) {
        until("the end of the browser's processes", async || {
            (of(profile) == 0).then_some(())
        })
        .await;
    }
}
