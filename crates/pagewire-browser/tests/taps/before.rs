//! Sockets that were open before anybody listened.

use std::sync::Arc;
use std::time::Duration;

use pagewire_browser::{Browser, Endpoint, LaunchOptions, Present, Report, Transport, connect};
use pagewire_testkit::{Attached, End, Feed, Site, TestHub, chromium, until};
use serde_json::Value;

use crate::reader::{next_tap, page_of, rules};

/// Sends each second message only when the test says so.
const PAGE: &str = "
const socket = new WebSocket(new URL('/ws', location.origin.replace('http', 'ws')));
socket.onopen = () => { socket.send('before'); report('open'); };
globalThis.send = (text) => socket.send(text);
";

/// A browser with a port, in which the page has its socket open already.
async fn running(site: &mut Site) -> Option<(Browser, Transport, u16)> {
    let chromium = chromium()?;
    site.feed(
        "/ws",
        Feed {
            count: 1,
            replies: 2,
            end: End::Close(1000, ""),
            ..Feed::default()
        },
    );
    site.page("/", page_of(PAGE));
    let options = LaunchOptions {
        url: Some(site.origin.clone()),
        flags: vec!["--remote-debugging-port=0".into()],
        ..LaunchOptions::new(chromium)
    };
    let (browser, transport) = Browser::launch(&options).unwrap();
    assert_eq!(site.report().await, "open");
    let file = browser.profile().join("DevToolsActivePort");
    let port = until("the port", async || {
        let text = std::fs::read_to_string(&file).ok()?;
        text.lines().next()?.parse().ok()
    });
    Some((browser, transport, port.await))
}

async fn attached(port: u16, taps: &[&str], present: Present) -> Attached {
    let transport = connect(&Endpoint::port(port), Duration::from_secs(30))
        .await
        .unwrap();
    Attached::over(transport, TestHub::start().await, |options| {
        options.taps = Arc::new(rules(taps));
        options.expose = vec!["send=send".parse().unwrap()];
        options.present = present;
    })
}

async fn unseen(attached: &mut Attached) {
    attached
        .report("what was not seen", |report| {
            matches!(report, Report::SocketUnseen { .. }).then_some(())
        })
        .await;
}

async fn send(attached: &Attached, text: &str) {
    let answer = attached
        .hub
        .client()
        .post("/v1/call/page/send", format!("[{text:?}]"))
        .await;
    assert_eq!(answer.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_that_was_open_is_told_as_not_seen_with_the_advice_to_load_the_page_again() {
    let mut site = Site::start().await;
    let Some((browser, _transport, port)) = running(&mut site).await else {
        return;
    };
    let mut attached = attached(port, &["ws:127.0.0.1*"], Present::Keep).await;
    attached.page().await;
    send(&attached, "after").await;
    unseen(&mut attached).await;
    let notes = until("the note", async || {
        let pages = attached.hub.client().get("/v1/pages").await.json().await;
        let notes = pages["pages"][0]["notes"].clone();
        (notes != Value::Null && notes != serde_json::json!([])).then_some(notes)
    })
    .await;
    assert_eq!(notes[0]["code"], "sockets_unseen", "{notes}");
    assert!(
        notes[0]["text"].as_str().unwrap().contains("--reload"),
        "{notes}"
    );
    let topics = attached.hub.client().get("/v1/topics").await.json().await;
    assert_eq!(
        topics["topics"],
        serde_json::json!([]),
        "its address is not known, so it fits no pattern"
    );
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_all_sockets_are_wanted_one_that_was_open_is_tapped_from_now_on() {
    let mut site = Site::start().await;
    let Some((browser, _transport, port)) = running(&mut site).await else {
        return;
    };
    let mut attached = attached(port, &["ws:*"], Present::Keep).await;
    attached.page().await;
    send(&attached, "after").await;
    let mut tap = next_tap(&mut attached).await;
    let open = tap.value().await;
    assert_eq!(
        (&open["kind"], &open["seen"], &open["url"]),
        (&"open".into(), &"late".into(), &Value::Null)
    );
    let seen = tap.until_close().await;
    assert_eq!(
        (seen.sent.count, seen.sent.bytes),
        (1, 5),
        "what was sent before is lost"
    );
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_reload_everything_is_seen() {
    let mut site = Site::start().await;
    let Some((browser, _transport, port)) = running(&mut site).await else {
        return;
    };
    let mut attached = attached(port, &["ws:127.0.0.1*"], Present::Reload).await;
    assert_eq!(site.report().await, "open");
    let first = site.fed().await;
    assert_eq!(
        first.closed_by_page,
        Some(1001),
        "the page was loaded again"
    );
    let tap = next_tap(&mut attached).await;
    until("the page", async || {
        let answer = attached
            .hub
            .client()
            .post("/v1/call/page/send", "[\"after\"]")
            .await;
        (answer.status == 200).then_some(())
    })
    .await;
    let seen = tap.until_close().await;
    let fed = site.fed().await;
    assert_eq!((&seen.received, &seen.sent), (&fed.sent, &fed.received));
    assert_eq!(fed.received.count, 2);
    browser.close().await;
}
