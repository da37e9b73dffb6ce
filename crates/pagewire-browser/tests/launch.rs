//! A real Chromium, launched over the pipe.
#![cfg(unix)]

mod devtools;

use futures_util::StreamExt as _;
use pagewire_browser::{Browser, How, LaunchOptions};
use pagewire_testkit::{chromium, soon};
use serde_json::json;

use self::devtools::{command, command_in, open_page};

#[tokio::test]
async fn a_launched_browser_answers_over_the_pipe_and_opens_pages() {
    let Some(chromium) = chromium() else { return };
    let (browser, mut transport) = Browser::launch(&LaunchOptions::new(chromium)).unwrap();
    let version = command(&mut transport, "Browser.getVersion", json!({})).await;
    assert!(
        version["result"]["product"]
            .as_str()
            .unwrap()
            .contains("Chrome/"),
        "{version}"
    );
    let pages = command(&mut transport, "Target.getTargets", json!({})).await;
    assert_eq!(
        pages["result"]["targetInfos"],
        json!([]),
        "no page of its own"
    );
    let session = open_page(&mut transport, "about:blank").await;
    let params = json!({"expression": "location.href"});
    let page = command_in(&mut transport, Some(&session), "Runtime.evaluate", params).await;
    assert_eq!(page["result"]["result"]["value"], "about:blank");
    let profile = browser.profile().to_owned();
    assert!(profile.is_dir());
    soon("the end of the browser", browser.close()).await;
    assert!(!profile.exists(), "a throw-away profile is deleted");
    assert!(transport.next().await.is_none(), "the stream ends");
}

#[tokio::test]
async fn a_transport_that_is_dropped_ends_the_browser() {
    let Some(chromium) = chromium() else { return };
    let (mut browser, mut transport) = Browser::launch(&LaunchOptions::new(chromium)).unwrap();
    command(&mut transport, "Browser.getVersion", json!({})).await;
    drop(transport);
    let ended = soon("the end of the browser", browser.wait()).await;
    assert_eq!(ended.how, How::Code(0), "{ended:?}");
}
