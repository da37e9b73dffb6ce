//! A page that is loaded again and again, and goes to and fro, while calls run: no call is lost, and nothing is left behind.
#![cfg(unix)]

#[allow(dead_code, reason = "each test file uses its part")]
#[path = "attach/driver.rs"]
mod driver;
#[allow(dead_code, reason = "each test file uses its part")]
#[path = "../../pagewire-server/tests/load/footprint.rs"]
mod footprint;
#[allow(dead_code, reason = "each test file uses its part")]
#[path = "attach/stage.rs"]
mod stage;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pagewire_browser::Report;
use pagewire_testkit::{Http, Site, chromium, is_long, soon, until};
use serde_json::json;
use tokio::task::JoinSet;

use crate::driver::{DRIVEN, Driver, Tab};
use crate::footprint::{alone_within, check_growth, live_tasks, memory_kib, open_files};
use crate::stage::{Stage, exposed};

/// Longest that the full count takes on a slow machine.
const TEST_TIME_MAX: Duration = Duration::from_secs(900);
/// Programs that call at once.
const CALLERS: usize = 6;
/// Functions that answer at once, a little later, and never; the calls of the last one end only with their document.
const FUNCTIONS: [&str; 3] = ["now", "soon", "never"];
/// Documents before the first measurement, so that buffers and tables have their size.
const WARM_UP: u64 = 24;
/// What all documents together may leave in memory. It is less than 12 KiB for each of a thousand.
const GROWTH_KIB_MAX: u64 = 12 << 10;

/// Connections that a browser keeps to a site under two names, with a task and a file each here.
const BROWSER_SOCKETS_MAX: usize = 12;

/// How many calls ended how: by the status and the code of the problem.
type Ends = BTreeMap<(u16, String), u64>;

#[test]
fn a_page_that_is_loaded_a_thousand_times_loses_no_call_and_leaves_nothing_behind() {
    let documents = if is_long() { 1_000 } else { 40 };
    alone_within(TEST_TIME_MAX, turn_over(documents));
}

async fn turn_over(documents: u64) {
    let Some(chromium) = chromium() else { return };
    let mut stage = stage(&chromium).await;
    let mut driver = stage.driver().await;
    let tab = driver.tab_at(&stage.url("/")).await;
    assert_eq!(stage.answer("now", "").await, "/");
    let (tasks, files) = (live_tasks(), open_files());

    let stop = Arc::new(AtomicBool::new(false));
    let mut callers = JoinSet::new();
    for function in FUNCTIONS.into_iter().cycle().take(CALLERS) {
        callers.spawn(call_on(stage.hub.client(), function, stop.clone()));
    }
    for epoch in 1..=WARM_UP {
        turn(&mut stage, &mut driver, &tab, epoch).await;
    }
    let before_kib = memory_kib();
    let last = WARM_UP + documents;
    for epoch in WARM_UP + 1..=last {
        turn(&mut stage, &mut driver, &tab, epoch).await;
    }
    check_growth(before_kib, GROWTH_KIB_MAX);
    stop.store(true, Ordering::Relaxed);
    // What the page never answers ends with its document.
    turn(&mut stage, &mut driver, &tab, last + 1).await;
    check_ends(
        soon("the end of all calls", callers.join_all()).await,
        documents,
    );

    let pages = stage.hub.hub.pages();
    assert_eq!(pages.len(), 1, "{pages:?}");
    assert_eq!(pages[0].id.as_str(), stage.page);
    assert_eq!((pages[0].calls.in_flight, pages[0].calls.queued), (0, 0));
    assert_eq!(stage.answer("now", "").await.as_str(), Some("/"));
    until("the end of all that came with the calls", async || {
        let files = files.map(|files| files + BROWSER_SOCKETS_MAX);
        (live_tasks() <= tasks + BROWSER_SOCKETS_MAX && open_files() <= files).then_some(())
    })
    .await;
    stage.close().await;
}

async fn stage(chromium: &std::path::Path) -> Stage {
    let site = Site::start().await;
    for path in ["/", "/two"] {
        site.page(path, "<!doctype html><title>Turnover</title>");
    }
    Stage::start(chromium, site, &[DRIVEN.to_owned()], |options| {
        options.expose = exposed(&[
            "now=location.pathname",
            "soon=() => new Promise((resolve) => setTimeout(resolve, 20, 'later'))",
            "never=() => new Promise(() => {})",
        ]);
    })
    .await
}

/// Goes on to the next document, and waits until it is attached: the same page with the next epoch.
async fn turn(stage: &mut Stage, driver: &mut Driver, tab: &Tab, epoch: u64) {
    match epoch % 8 {
        5 => driver.go(tab, &stage.url("/two")).await,
        // Another site is another process of the browser.
        6 => driver.go(tab, &stage.foreign_url("/two")).await,
        7 => driver.go(tab, &stage.url("/")).await,
        _ => {
            driver.tell(tab, "Page.reload", json!({})).await;
        }
    }
    let attached = stage.report("the next document", |report| {
        let Report::PageAttached { page, epoch, .. } = report else {
            return None;
        };
        Some((page, epoch))
    });
    let (page, next) = attached.await;
    assert_eq!(page.as_str(), stage.page);
    assert_eq!(next, epoch + 1);
    // It has taken the calls that came before this one.
    assert_eq!(stage.answer("soon", "").await, "later");
}

/// Calls a function over connections of its own, again and again. Each call must end, and not because its time is up.
async fn call_on(http: Http, function: &'static str, stop: Arc<AtomicBool>) -> Ends {
    let mut ends = Ends::new();
    let path = format!("/v1/call/page/{function}");
    while !stop.load(Ordering::Relaxed) {
        let answer = soon("the end of a call", http.post(&path, "")).await;
        let status = answer.status;
        let answer = answer.json().await;
        let code = answer["code"].as_str().unwrap_or_default().to_owned();
        *ends.entry((status.as_u16(), code)).or_default() += 1;
    }
    ends
}

fn check_ends(ends: Vec<Ends>, documents: u64) {
    let mut all = Ends::new();
    for (end, count) in ends.into_iter().flatten() {
        *all.entry(end).or_default() += count;
    }
    let known = [(200, ""), (404, "not_found"), (502, "page_gone")];
    let known = known.map(|(status, code)| (status, code.to_owned()));
    assert!(all.keys().all(|end| known.contains(end)), "{all:?}");
    for end in [&known[0], &known[2]] {
        assert!(all[end] >= documents, "{end:?}: {all:?}");
    }
}
