//! What becomes a page beside a tab's main document: popups, frames, workers, other tabs.

use std::collections::BTreeMap;

use pagewire_browser::{AttachOptions, UserScript};
use pagewire_cdp::event::TargetKind;
use pagewire_testkit::{Site, chromium, until};
use serde_json::Value;

use crate::driver::DRIVEN;
use crate::stage::{Stage, exposed};

const EMPTY: &str = "<!doctype html><title>Empty</title>";

async fn stage(site: Site, adjust: impl FnOnce(&mut AttachOptions)) -> Option<Stage> {
    let chromium = chromium()?;
    let flags = ["--disable-popup-blocking", DRIVEN].map(str::to_owned);
    Some(Stage::start(&chromium, site, &flags, adjust).await)
}

/// Each context says what it is; also functions that come from `--expose` do.
fn who(options: &mut AttachOptions) {
    options.expose = exposed(&["where=location.href", "word=globalThis.word"]);
    options.scripts = vec![UserScript {
        name: "who.js".to_owned(),
        source: "pagewire.expose('sees', () => globalThis.sees ?? null);".to_owned(),
    }];
}

impl Stage {
    /// What each page answers to `function`, as soon as there are `count` pages.
    async fn answers(&self, function: &str, count: usize) -> BTreeMap<String, Value> {
        until("all pages", async || {
            (self.hub.hub.pages().len() == count).then_some(())
        })
        .await;
        let mut answers = BTreeMap::new();
        for page in self.hub.hub.pages() {
            // A page is there before its own scripts were run.
            let path = format!("/v1/call/page/{function}?page={}", page.id);
            let answer = until("an answer", async || {
                let answer = self.http.post(&path, "").await.json().await;
                (!answer.is_null()).then_some(answer)
            })
            .await;
            answers.insert(page.id.to_string(), answer);
        }
        answers
    }

    /// How many pages there are of each kind and origin, as the browser told them.
    fn kinds(&self) -> BTreeMap<(String, Option<String>), u32> {
        let mut kinds = BTreeMap::new();
        for page in self.hub.hub.pages() {
            let kind = (page.kind.to_string(), page.origin.clone());
            *kinds.entry(kind).or_default() += 1;
        }
        kinds
    }
}

fn sorted(answers: BTreeMap<String, Value>) -> Vec<String> {
    let texts = answers.into_values().map(|value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    });
    let mut texts: Vec<_> = texts.collect();
    texts.sort();
    texts
}

#[tokio::test]
async fn each_popup_is_a_page_and_its_first_script_is_seen() {
    let site = Site::start().await;
    site.page("/", "<!doctype html><script>
        globalThis.word = 'opener';
        globalThis.openAll = () => {
            open('about:blank').word = 'blank';
            open('about:blank').document.write('<script>globalThis.word = globalThis.early + ` written`</' + 'script>');
            open('/popup');
            open('/popup#alone', '', 'noopener');
        };
        </script>");
    site.page(
        "/popup",
        "<!doctype html><script>globalThis.word = globalThis.early ?? 'late';</script>",
    );
    let adjust = |options: &mut AttachOptions| {
        who(options);
        options.expose.push("openAll=openAll".parse().unwrap());
        options.scripts[0].source += "globalThis.early = 'first';";
    };
    let Some(stage) = stage(site, adjust).await else {
        return;
    };
    stage.loaded().await;
    stage.answer("openAll", "").await;
    let words = sorted(stage.answers("word", 5).await);
    assert_eq!(
        words,
        ["blank", "first", "first", "first written", "opener"]
    );
    // Who writes into another document gives it the own address.
    let places = sorted(stage.answers("where", 5).await);
    let (root, popup) = (stage.url("/"), stage.url("/popup"));
    let alone = format!("{popup}#alone");
    assert_eq!(places, ["about:blank", &root, &root, &popup, &alone]);
    stage.close().await;
}

#[tokio::test]
async fn a_capture_is_taken_in_the_first_script_of_each_popup_and_worker() {
    // The place after the value is there, by numbers and by the text there.
    for place in ["3:2", "\"report(\""] {
        let site = Site::start().await;
        site.page(
            "/",
            "<!doctype html><script src='/app.js'></script><script>
            globalThis.openAll = () => {
                open('/popup#tied');
                open('/popup#alone', '', 'noopener');
                globalThis.worker = new Worker('/app.js', { name: '#dedicated' });
                new SharedWorker('/app.js', '#shared');
            };
            </script>",
        );
        site.page("/popup", "<!doctype html><script src='/app.js'></script>");
        site.page(
            "/app.js",
            "(() => {\n\tconst key = `of ${location.hash || self.name}`;\n\treport(key);\n\tfunction report() {}\n})();",
        );
        let adjust = |options: &mut AttachOptions| {
            options.kinds = vec![
                TargetKind::Page,
                TargetKind::Worker,
                TargetKind::SharedWorker,
            ];
            options.expose.push("openAll=openAll".parse().unwrap());
            options.captures = vec![format!("key=*/app.js:{place}:key").parse().unwrap()];
        };
        let Some(stage) = stage(site, adjust).await else {
            return;
        };
        stage.loaded().await;
        stage.answer("openAll", "").await;
        let keys = sorted(stage.answers("key", 5).await);
        assert_eq!(
            keys,
            [
                "of ",
                "of #alone",
                "of #dedicated",
                "of #shared",
                "of #tied"
            ],
            "{place}"
        );
        stage.close().await;
    }
}

#[tokio::test]
async fn frames_of_all_kinds_are_pages_where_they_are_wanted() {
    let site = Site::start().await;
    let foreign = format!("http://localhost:{}", site.port());
    site.page(
        "/",
        format!(
            "<!doctype html><script>globalThis.word = 'top'</script>
        <iframe src=/frame#same></iframe>
        <iframe src={foreign}/frame#foreign></iframe>
        <iframe srcdoc='<script>globalThis.word = globalThis.early</script>'></iframe>
        <iframe sandbox=allow-scripts src=/frame#sandboxed></iframe>
        <iframe src={foreign}/nested></iframe>"
        ),
    );
    site.page("/nested", "<!doctype html><script>globalThis.word = 'nested'</script><iframe src=/frame#inner></iframe>");
    site.page(
        "/frame",
        "<!doctype html><script>globalThis.word = globalThis.early + location.hash</script>",
    );
    let adjust = |options: &mut AttachOptions| {
        who(options);
        options.kinds = vec![TargetKind::Page, TargetKind::Iframe];
        options.scripts[0].source += "globalThis.early = 'first';";
    };
    let Some(stage) = stage(site, adjust).await else {
        return;
    };
    let words = sorted(stage.answers("word", 7).await);
    assert_eq!(
        words,
        [
            "first",
            "first#foreign",
            "first#inner",
            "first#same",
            "first#sandboxed",
            "nested",
            "top"
        ]
    );
    let (own, foreign) = (stage.site.origin.as_str(), stage.foreign_url(""));
    let expected = [
        ("iframe", None, 1),
        ("iframe", Some(own), 2),
        ("iframe", Some(&*foreign), 3),
        ("tab", Some(own), 1),
    ];
    let expected = expected.map(|(kind, origin, count)| {
        let origin = origin.map(str::to_owned);
        ((kind.to_owned(), origin), count)
    });
    assert_eq!(stage.kinds(), BTreeMap::from(expected));
    stage.close().await;
}

#[tokio::test]
async fn workers_of_all_kinds_are_pages_where_they_are_wanted() {
    let site = Site::start().await;
    site.page("/", "<!doctype html><script>
        globalThis.word = 'tab';
        const dedicated = new Worker('/worker.js#dedicated');
        const blob = new Worker(URL.createObjectURL(new Blob(['globalThis.word = `${self.early} blob`'])));
        const shared = new SharedWorker('/worker.js#shared');
        navigator.serviceWorker.register('/worker.js');
        </script>");
    site.page(
        "/worker.js",
        "globalThis.word = `${self.early} ${self.constructor.name}`; self.add = (a, b) => a + b;",
    );
    let adjust = |options: &mut AttachOptions| {
        who(options);
        options.kinds = vec![
            TargetKind::Page,
            TargetKind::Worker,
            TargetKind::SharedWorker,
            TargetKind::ServiceWorker,
        ];
        options.expose.push("add=self.add".parse().unwrap());
        options.scripts[0].source += "globalThis.early = 'first';";
    };
    let Some(stage) = stage(site, adjust).await else {
        return;
    };
    let words = sorted(stage.answers("word", 5).await);
    assert_eq!(
        words,
        [
            "first DedicatedWorkerGlobalScope",
            "first ServiceWorkerGlobalScope",
            "first SharedWorkerGlobalScope",
            "first blob",
            "tab",
        ]
    );
    let kinds = [
        ("service_worker", 1),
        ("shared_worker", 1),
        ("tab", 1),
        ("worker", 2),
    ];
    let kinds = kinds.map(|(kind, count)| {
        let origin = Some(stage.site.origin.clone());
        ((kind.to_owned(), origin), count)
    });
    assert_eq!(stage.kinds(), BTreeMap::from(kinds));
    let mut adders = 0;
    for page in stage.hub.hub.pages() {
        if page.url.contains("/worker.js") {
            let path = format!("/v1/call/page/add?page={}", page.id);
            let answer = stage.http.post(&path, "[1,2]").await;
            assert_eq!(answer.json().await, 3, "{}", page.url);
            adders += 1;
        }
    }
    assert_eq!(adders, 3);
    stage.close().await;
}

#[tokio::test]
async fn two_tabs_of_a_group_share_its_calls() {
    let site = Site::start().await;
    site.page("/", EMPTY);
    site.page("/two", EMPTY);
    let Some(stage) = stage(site, who).await else {
        return;
    };
    let mut driver = stage.driver().await;
    driver.open(&stage.url("/two")).await;
    let all = stage.answers("where", 2).await;
    let mut seen = BTreeMap::<String, u32>::new();
    for _ in 0..10 {
        let answer = stage.call("where", "").await;
        let page = answer.header("pagewire-page").to_owned();
        assert_eq!(answer.json().await, all[&page]);
        *seen.entry(page).or_default() += 1;
    }
    assert_eq!(seen.into_values().collect::<Vec<_>>(), [5, 5]);
    stage.close().await;
}
