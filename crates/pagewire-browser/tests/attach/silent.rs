//! Why does it not answer? Dialogs, pauses and blocked pages.

use pagewire_browser::{AttachOptions, Dialogs};
use pagewire_testkit::{Site, chromium, soon, until};
use serde_json::{Value, json};

use crate::driver::{DRIVEN, Driver, Tab};
use crate::stage::{Stage, exposed};

async fn stage(adjust: impl FnOnce(&mut AttachOptions)) -> Option<(Stage, Driver, Tab)> {
    let chromium = chromium()?;
    let site = Site::start().await;
    site.page(
        "/",
        "<!doctype html><body style='height: 100vh'><script src=/app.js></script>",
    );
    site.page("/two", "<!doctype html>");
    site.page("/app.js", "
        globalThis.ask = (kind, text) => globalThis[kind](text);
        globalThis.hold = () => { addEventListener('beforeunload', (event) => event.preventDefault()); };
        globalThis.stop = () => { debugger; return 'went on'; };
        globalThis.block = (ms) => { const end = Date.now() + ms; while (Date.now() < end); return ms; };
        globalThis.think = (ms) => new Promise((resolve) => setTimeout(resolve, ms, ms));
        ");
    let stage = Stage::start(&chromium, site, &[DRIVEN.to_owned()], |options| {
        options.expose = exposed(&[
            "ask=ask",
            "hold=hold",
            "stop=stop",
            "block=block",
            "think=think",
            "here=location.pathname",
        ]);
        adjust(options);
    })
    .await;
    let mut driver = stage.driver().await;
    let tab = driver.tab_at(&stage.url("/")).await;
    driver.loaded(&tab).await;
    Some((stage, driver, tab))
}

impl Stage {
    /// The notes of the page by their codes.
    fn notes(&self) -> Vec<(String, String, bool)> {
        let pages = self.hub.hub.pages();
        let notes = pages.iter().flat_map(|page| &page.notes);
        notes
            .map(|note| (note.code.clone(), note.text.clone(), note.blocks))
            .collect()
    }

    /// The text of the only note, which says what keeps the page from answering.
    async fn note(&self, code: &str) -> String {
        until(code, async || match &self.notes()[..] {
            [(known, text, true)] if known == code => Some(text.clone()),
            _ => None,
        })
        .await
    }

    async fn no_notes(&self) {
        until("no notes", async || self.notes().is_empty().then_some(())).await;
    }

    fn call_later(&self, function: &str, arguments: Value) -> tokio::task::JoinHandle<Value> {
        let (http, path) = (self.http.clone(), format!("/v1/call/page/{function}"));
        tokio::spawn(async move { http.post(&path, arguments.to_string()).await.json().await })
    }
}

#[tokio::test]
async fn dialogs_that_nobody_sees_are_answered() {
    let Some((mut stage, mut driver, tab)) = stage(|_| {}).await else {
        return;
    };
    for (kind, answer) in [
        ("alert", json!(null)),
        ("confirm", json!(false)),
        ("prompt", json!(null)),
    ] {
        assert_eq!(
            stage.answer("ask", json!([kind, "Well?"])).await,
            answer,
            "{kind}"
        );
    }
    // The question whether to leave comes only to people who have touched the page.
    for kind in ["mousePressed", "mouseReleased"] {
        let click = json!({ "type": kind, "x": 10, "y": 10, "button": "left", "clickCount": 1 });
        driver.tell(&tab, "Input.dispatchMouseEvent", click).await;
    }
    stage.answer("hold", "").await;
    let two = stage.url("/two");
    driver.go(&tab, &two).await;
    stage.page().await;
    assert_eq!(stage.answer("here", "").await, "/two");
    assert_eq!(stage.notes(), []);
    stage.close().await;
}

#[tokio::test]
async fn a_dialog_that_is_the_users_is_told() {
    let leave = |options: &mut AttachOptions| options.dialogs = Dialogs::Leave;
    let Some((stage, mut driver, tab)) = stage(leave).await else {
        return;
    };
    driver.tell(&tab, "Page.enable", json!({})).await;
    let asked = stage.call_later("ask", json!(["confirm", "Well?"]));
    let text = stage.note("dialog").await;
    assert_eq!(text, "the page shows a dialog (confirm) and waits");
    let late = stage.http.post("/v1/call/page/here?timeout=1s", "").await;
    let late = late.json().await;
    assert_eq!(late["code"], "timeout", "{late}");
    assert!(late["detail"].as_str().unwrap().contains(&text), "{late}");
    driver
        .tell(
            &tab,
            "Page.handleJavaScriptDialog",
            json!({ "accept": true }),
        )
        .await;
    assert_eq!(soon("the answer", asked).await.unwrap(), true);
    stage.no_notes().await;
    stage.close().await;
}

#[tokio::test]
async fn a_debugger_statement_stops_nothing_with_captures_or_without() {
    let with_capture = |options: &mut AttachOptions| {
        options.captures = vec!["kept=*/app.js:\"Date.now() + ms\":ms".parse().unwrap()];
    };
    for captures in [false, true] {
        let adjust = |options: &mut AttachOptions| {
            if captures {
                with_capture(options)
            }
        };
        let Some((stage, ..)) = stage(adjust).await else {
            return;
        };
        assert_eq!(
            stage.answer("stop", "").await,
            "went on",
            "captures: {captures}"
        );
        if captures {
            stage.answer("block", "[1]").await;
            assert_eq!(stage.answer("kept", "").await, 1);
        }
        assert_eq!(stage.notes(), []);
        stage.close().await;
    }
}

#[tokio::test]
async fn a_page_that_somebody_pauses_says_where() {
    let Some((stage, mut driver, tab)) = stage(|_| {}).await else {
        return;
    };
    driver.tell(&tab, "Debugger.enable", json!({})).await;
    for _ in 0..2 {
        let asked = stage.call_later("stop", json!([]));
        let text = stage.note("paused").await;
        let place = format!(
            "the page is paused in the debugger at {}:4",
            stage.url("/app.js")
        );
        assert_eq!(text, place);
        let late = stage.http.post("/v1/call/page/here?timeout=1s", "").await;
        let late = late.json().await;
        assert_eq!(late["code"], "timeout", "{late}");
        assert!(late["detail"].as_str().unwrap().contains(&text), "{late}");
        driver.tell(&tab, "Debugger.resume", json!({})).await;
        assert_eq!(soon("the answer", asked).await.unwrap(), "went on");
        stage.no_notes().await;
    }
    stage.close().await;
}

#[tokio::test]
async fn a_page_whose_main_thread_is_blocked_is_told_and_one_that_thinks_is_not() {
    let Some((stage, ..)) = stage(|_| {}).await else {
        return;
    };
    let asked = stage.call_later("block", json!([5_000]));
    let text = stage.note("blocked").await;
    assert!(
        text.starts_with("the page's main thread has been blocked for "),
        "{text}"
    );
    let late = stage
        .http
        .post("/v1/call/page/here?timeout=500ms", "")
        .await;
    let late = late.json().await;
    assert_eq!(late["code"], "timeout", "{late}");
    assert!(
        late["detail"].as_str().unwrap().contains("blocked for"),
        "{late}"
    );
    assert_eq!(soon("the answer", asked).await.unwrap(), 5_000);
    stage.no_notes().await;
    assert_eq!(stage.answer("here", "").await, "/");
    // Looking at it costs a page nothing that it could notice, and is no note.
    let asked = stage.call_later("think", json!([4_000]));
    tokio::select! {
        answer = asked => assert_eq!(answer.unwrap(), 4_000),
        text = stage.note("blocked") => unreachable!("{text}"),
    }
    stage.close().await;
}
