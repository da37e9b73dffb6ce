//! Pages, renderers and browsers that end while calls run.

use std::time::{Duration, Instant};

use http::StatusCode;
use pagewire_browser::{Detached, Report};
use pagewire_testkit::{Site, chromium, until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::driver::{DRIVEN, Driver, Tab};
use crate::stage::{Stage, exposed, text};

/// What ends at once ends within this time, on a slow machine too; calls have 30 s.
const AT_ONCE: Duration = Duration::from_secs(10);

async fn stage() -> Option<(Stage, Driver, Tab)> {
    let chromium = chromium()?;
    let site = Site::start().await;
    site.page("/", "<!doctype html><title>Ends</title>");
    let stage = Stage::start(&chromium, site, &[DRIVEN.to_owned()], |options| {
        options.expose = exposed(&[
            "never=() => { globalThis.entered = true; return new Promise(() => {}); }",
            "ready=document.readyState",
        ]);
    })
    .await;
    let mut driver = stage.driver().await;
    let tab = driver.tab_at(&stage.url("/")).await;
    Some((stage, driver, tab))
}

impl Stage {
    /// A call that the page has taken and does not answer.
    async fn call_without_end(
        &self,
        driver: &mut Driver,
        tab: &Tab,
    ) -> JoinHandle<(Duration, Value)> {
        let http = self.http.clone();
        let call = tokio::spawn(async move {
            let answer = http.post("/v1/call/page/never", "").await;
            assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
            (Instant::now(), answer.json().await)
        });
        until("the call in the page", async || {
            let entered = driver.run(tab, "globalThis.entered === true").await;
            (entered == true).then_some(())
        })
        .await;
        let begun = Instant::now();
        tokio::spawn(async move {
            let (ended, problem) = call.await.expect("no panic");
            (ended.saturating_duration_since(begun), problem)
        })
    }

    async fn left(&mut self) -> String {
        self.report("the end of the page", |report| match report {
            Report::PageLeft { why, .. } => Some(why),
            _ => None,
        })
        .await
    }
}

async fn check_gone(call: JoinHandle<(Duration, Value)>, why: &str) {
    let (took, problem) = call.await.expect("no panic");
    assert_eq!(problem["code"], "page_gone", "{problem}");
    let detail = text(&problem["detail"]);
    assert!(detail.ends_with(why), "{problem}");
    assert!(took < AT_ONCE, "{took:?}");
}

#[tokio::test]
async fn calls_of_a_page_that_leaves_end_at_once_and_say_why() {
    let Some((mut stage, mut driver, tab)) = stage().await else {
        return;
    };
    let call = stage.call_without_end(&mut driver, &tab).await;
    driver.tell(&tab, "Page.reload", json!({})).await;
    check_gone(call, "the page navigated").await;
    stage.page().await;
    let call = stage.call_without_end(&mut driver, &tab).await;
    driver.close(&tab).await;
    check_gone(call, "the tab was closed").await;
    stage.close().await;
}

#[tokio::test]
async fn a_page_that_crashes_is_loaded_again_three_times() {
    let Some((mut stage, mut driver, tab)) = stage().await else {
        return;
    };
    for crash in 1..=4 {
        let call = stage.call_without_end(&mut driver, &tab).await;
        driver.send(&tab, "Page.crash", json!({})).await;
        check_gone(call, "the page crashed").await;
        if crash < 4 {
            assert_eq!(stage.page().await.as_str(), stage.page, "crash {crash}");
            assert_eq!(stage.call("ready", "").await.status, StatusCode::OK);
        }
    }
    let told = stage
        .report("what is told", |report| match report {
            Report::Problem { text } => Some(text),
            _ => None,
        })
        .await;
    assert_eq!(
        told,
        format!(
            "{} crashed 4 times in a row and is not loaded again by itself",
            stage.url("/")
        )
    );
    assert_eq!(stage.hub.hub.pages().len(), 0);
    // Its user loads it again.
    driver.send(&tab, "Page.reload", json!({})).await;
    assert_eq!(stage.page().await.as_str(), stage.page);
    assert_eq!(stage.call("ready", "").await.status, StatusCode::OK);
    stage.close().await;
}

fn kill(pid: i64) {
    let pid = Pid::from_raw(pid.try_into().expect("a number of a process")).expect("one");
    kill_process(pid, Signal::KILL).expect("it runs");
}

#[tokio::test]
async fn a_renderer_that_is_killed_is_a_crash() {
    let Some((mut stage, mut driver, tab)) = stage().await else {
        return;
    };
    let call = stage.call_without_end(&mut driver, &tab).await;
    let processes = driver.processes().await;
    let renderers: Vec<_> = processes
        .iter()
        .filter(|one| one["type"] == "renderer")
        .collect();
    assert!(!renderers.is_empty(), "{processes:?}");
    for renderer in renderers {
        kill(renderer["id"].as_i64().unwrap());
    }
    check_gone(call, "the page crashed").await;
    assert_eq!(stage.page().await.as_str(), stage.page);
    assert_eq!(stage.call("ready", "").await.status, StatusCode::OK);
    stage.close().await;
}

#[tokio::test]
async fn a_browser_that_is_killed_takes_its_pages_along() {
    let Some((mut stage, mut driver, tab)) = stage().await else {
        return;
    };
    let call = stage.call_without_end(&mut driver, &tab).await;
    let pid = stage.browser.as_ref().unwrap().pid().unwrap();
    kill(pid.into());
    check_gone(call, "the browser is gone").await;
    assert_eq!(stage.left().await, "the browser is gone");
    let detached = stage.detached().await;
    assert!(matches!(detached, Detached::BrowserGone), "{detached:?}");
    assert_eq!(stage.hub.hub.pages().len(), 0);
    let gone = stage.call("ready", "").await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    let gone = gone.json().await;
    let detail = gone["detail"].as_str().unwrap();
    assert!(detail.ends_with("ago: the browser is gone"), "{gone}");
}
