//! Pages that are loaded again, go elsewhere and come back.

use pagewire_browser::Report;
use pagewire_testkit::{Site, chromium};
use serde_json::json;

use crate::driver::{DRIVEN, Driver, Tab};
use crate::stage::{Stage, exposed};

/// A site with pages that tell whether they came back out of the browser's memory.
async fn stage(paths: &[&str]) -> Option<(Stage, Driver)> {
    let chromium = chromium()?;
    let site = Site::start().await;
    for path in paths {
        let html = "<!doctype html><title>Here</title><script>
            addEventListener('pageshow', ({ persisted }) => { globalThis.returned = persisted; });
            </script>";
        site.page(path, html);
    }
    let stage = Stage::browse(&chromium, site, &[DRIVEN.to_owned()], |options| {
        options.expose = exposed(&[
            "here=location.pathname",
            "returned=returned",
            "host=location.hostname",
        ]);
    })
    .await;
    let driver = stage.driver().await;
    Some((stage, driver))
}

impl Stage {
    /// Waits until the page is attached with its next document, and gives its epoch, which has grown.
    async fn next_epoch(&mut self, before: u64) -> u64 {
        let page = self.page.clone();
        let (id, epoch) = self
            .report("the next document", |report| match report {
                Report::PageAttached { page, epoch, .. } => Some((page, epoch)),
                _ => None,
            })
            .await;
        assert_eq!(id.as_str(), page, "it stays the same page");
        assert!(epoch > before, "{epoch} after {before}");
        let pages = self.hub.hub.pages();
        assert_eq!(pages.len(), 1, "{pages:?}");
        assert_eq!(pages[0].epoch, epoch);
        epoch
    }
}

async fn first(stage: &mut Stage, driver: &mut Driver, path: &str) -> Tab {
    let tab = driver.open(&stage.url(path)).await;
    stage.page = stage.page().await.to_string();
    tab
}

#[tokio::test]
async fn a_page_stays_itself_wherever_its_tab_goes() {
    let Some((mut stage, mut driver)) = stage(&["/", "/two"]).await else {
        return;
    };
    let tab = first(&mut stage, &mut driver, "/").await;
    let mut epoch = 1;
    let (two, foreign) = (stage.url("/two"), stage.foreign_url("/two"));
    assert_eq!(stage.answer("here", "").await, "/");
    driver.tell(&tab, "Page.reload", json!({})).await;
    epoch = stage.next_epoch(epoch).await;
    assert_eq!(stage.answer("here", "").await, "/");
    driver.go(&tab, &two).await;
    epoch = stage.next_epoch(epoch).await;
    assert_eq!(stage.answer("here", "").await, "/two");
    // Another site is another process of the browser.
    driver.go(&tab, &foreign).await;
    epoch = stage.next_epoch(epoch).await;
    assert_eq!(stage.answer("host", "").await, "localhost");
    driver.go(&tab, &two).await;
    epoch = stage.next_epoch(epoch).await;
    assert_eq!(stage.answer("host", "").await, "127.0.0.1");
    driver.close(&tab).await;
    let why = stage
        .report("the end of the page", |report| match report {
            Report::PageLeft { why, .. } => Some(why),
            _ => None,
        })
        .await;
    assert_eq!(why, "the tab was closed");
    assert_eq!(epoch, 5);
    stage.close().await;
}

#[tokio::test]
async fn a_page_that_comes_back_out_of_memory_answers_again() {
    let Some((mut stage, mut driver)) = stage(&["/", "/two"]).await else {
        return;
    };
    let tab = first(&mut stage, &mut driver, "/").await;
    let mut epoch = 1;
    let (two, foreign) = (stage.url("/two"), stage.foreign_url("/two"));
    for away in [two, foreign] {
        driver.go(&tab, &away).await;
        epoch = stage.next_epoch(epoch).await;
        assert_eq!(stage.answer("here", "").await, "/two");
        driver.step(&tab, -1).await;
        epoch = stage.next_epoch(epoch).await;
        assert_eq!(stage.answer("here", "").await, "/");
        assert_eq!(stage.answer("returned", "").await, true, "{away}");
        driver.step(&tab, 1).await;
        epoch = stage.next_epoch(epoch).await;
        assert_eq!(stage.answer("returned", "").await, true, "{away}");
        assert_eq!(stage.answer("here", "").await, "/two");
        driver.step(&tab, -1).await;
        epoch = stage.next_epoch(epoch).await;
        assert_eq!(stage.answer("here", "").await, "/");
    }
    assert_eq!(epoch, 9);
    stage.close().await;
}

#[tokio::test]
async fn a_document_that_changes_its_address_or_its_content_stays_attached() {
    let Some((mut stage, mut driver)) = stage(&["/"]).await else {
        return;
    };
    let tab = first(&mut stage, &mut driver, "/").await;
    driver
        .run(&tab, "history.pushState({}, '', '/pushed')")
        .await;
    assert_eq!(stage.answer("here", "").await, "/pushed");
    driver.run(&tab, "location.hash = 'part'").await;
    assert_eq!(stage.answer("here", "").await, "/pushed");
    driver
        .run(
            &tab,
            "document.open(); document.write('<p>new'); document.close()",
        )
        .await;
    assert_eq!(stage.answer("here", "").await, "/pushed");
    let pages = stage.hub.hub.pages();
    assert_eq!(pages.len(), 1);
    assert_eq!(pages[0].epoch, 1, "it is the same document");
    stage.close().await;
}
