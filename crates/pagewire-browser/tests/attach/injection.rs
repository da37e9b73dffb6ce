//! What is put into documents, when, and what a page can see of it.

use pagewire_browser::{AttachOptions, UserScript};
use pagewire_testkit::{Site, chromium};
use serde_json::{Value, json};

use crate::driver::DRIVEN;
use crate::stage::Stage;

async fn stage(html: String, adjust: impl FnOnce(&mut AttachOptions)) -> Option<Stage> {
    let chromium = chromium()?;
    let site = Site::start().await;
    site.page("/", html);
    let flags = ["--disable-popup-blocking".to_owned()];
    Some(Stage::start(&chromium, site, &flags, adjust).await)
}

fn script(source: &str) -> UserScript {
    UserScript {
        name: "test.js".to_owned(),
        source: source.to_owned(),
    }
}

/// The first script of the page takes away what a page script needs; Pagewire took it before.
#[tokio::test]
async fn scripts_run_before_the_page_has_its_first_word() {
    let html = "<!doctype html><script>
        globalThis.seen = globalThis.early;
        delete globalThis.WebSocket;
        globalThis.Blob = globalThis.fetch = globalThis.queueMicrotask = globalThis.URL = undefined;
        globalThis.sessionStorage?.clear();
        Object.defineProperty(globalThis, 'sessionStorage', { get() { throw new Error('none') } });
        document.title = 'Hostile';
        </script>";
    let source = "
        globalThis.early = 'first';
        pagewire.expose('seen', () => globalThis.seen);
        pagewire.expose('echo', (value) => value);";
    let Some(stage) = stage(html.to_owned(), |options| {
        options.scripts = vec![script(source)];
        options.expose = vec!["title=document.title".parse().unwrap()];
    })
    .await
    else {
        return;
    };
    assert_eq!(stage.answer("seen", "").await, "first");
    assert_eq!(stage.answer("title", "").await, "Hostile");
    let octets = stage.http.with("content-type", "application/octet-stream");
    let echo = octets.post("/v1/call/page/echo", vec![1, 2, 3]).await;
    assert_eq!(echo.bytes().await, &[1, 2, 3][..]);
    stage.close().await;
}

/// What a document can see of us: in itself, and in the window of a frame that it has just made.
const LOOK: &str = "
const names = (scope) => Object.getOwnPropertyNames(scope).filter((name) => name.includes('pagewire'));
const listed = () => { const all = []; for (const name in globalThis) all.push(name); return all.filter((name) => name.includes('pagewire')); };
const empty = document.documentElement.appendChild(document.createElement('iframe'));
const look = { at: location.pathname, own: names(globalThis).length, listed: listed().length, frame: names(empty.contentWindow).length };
fetch('/report', { method: 'POST', body: JSON.stringify(look) });
";

/// What a document and its frame report, by their addresses: nobody says which report is here first.
async fn both(site: &mut Site) -> [Value; 2] {
    let mut reports = [site.report().await, site.report().await];
    reports.sort_by_key(|report| report["at"].to_string());
    reports
}

#[tokio::test]
async fn nothing_is_left_in_documents_that_are_not_wanted() {
    let Some(chromium) = chromium() else { return };
    let site = Site::start().await;
    let look = format!("<!doctype html><title>Look</title><script>{LOOK}</script>");
    site.page("/", format!("{look}<iframe src=/in/frame></iframe>"));
    site.page("/in/", format!("{look}<iframe src=/out></iframe>"));
    for path in ["/in/frame", "/out"] {
        site.page(path, &*look);
    }
    let pattern = format!("{}/in/*", site.origin);
    let mut stage = Stage::browse(&chromium, site, &[DRIVEN.to_owned()], |options| {
        options.documents = vec![pattern.parse().unwrap()];
    })
    .await;
    let mut driver = stage.driver().await;
    let unwanted = |at: &str| json!({ "at": at, "own": 0, "listed": 0, "frame": 0 });
    // A frame that would be wanted if it were a tab is not.
    driver.open(&stage.url("/")).await;
    let expected = [unwanted("/"), unwanted("/in/frame")];
    assert_eq!(both(&mut stage.site).await, expected);
    driver.open(&stage.url("/in/")).await;
    let wanted = json!({ "at": "/in/", "own": 1, "listed": 0, "frame": 0 });
    assert_eq!(both(&mut stage.site).await, [wanted, unwanted("/out")]);
    stage.page().await;
    let pages = stage.hub.hub.pages();
    assert_eq!(pages.len(), 1, "{pages:?}");
    assert!(pages[0].url.ends_with("/in/"), "{pages:?}");
    stage.close().await;
}
