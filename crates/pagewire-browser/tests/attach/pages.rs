//! Several pages that are wanted of one browser: each is opened, and loaded again or opened anew when somebody asks.

use pagewire_browser::{LaunchOptions, Reloads, WantedPage};
use pagewire_hub::PageInfo;
use pagewire_testkit::{Attached, Site, TestHub, chromium, soon, until};

use crate::driver::{DRIVEN, Driver};

/// The two pages, in their order, when both are there and this is true of them.
async fn both(
    attached: &Attached,
    what: &str,
    are: impl Fn(&PageInfo, &PageInfo) -> bool,
) -> (PageInfo, PageInfo) {
    until(what, async || {
        let pages = attached.hub.hub.pages();
        let find = |path| pages.iter().find(|page| page.url.contains(path)).cloned();
        let (first, second) = (find("/first")?, find("/second")?);
        (pages.len() == 2 && are(&first, &second)).then_some((first, second))
    })
    .await
}

#[tokio::test]
async fn each_page_that_is_wanted_is_opened_and_loaded_again_when_asked() {
    let Some(chromium) = chromium() else {
        return;
    };
    let site = Site::start().await;
    for path in ["/first", "/second"] {
        site.page(
            path,
            "<!doctype html><meta charset=utf-8><title>Wanted</title>",
        );
    }
    let reloads = Reloads::default();
    let asking = reloads.clone();
    let launch = LaunchOptions {
        flags: vec![DRIVEN.to_owned()],
        ..LaunchOptions::new(chromium)
    };
    let pages = ["/first", "/second"].map(|path| {
        let url = format!("{}{path}", site.origin);
        WantedPage {
            documents: vec![format!("{url}*").parse().expect("a pattern")],
            ..WantedPage::new(url)
        }
    });
    let attached = Attached::start_with(launch, TestHub::start().await, |options| {
        options.pages = pages.to_vec();
        options.reloads = reloads;
    });
    let (first, second) = both(&attached, "both pages", |_, _| true).await;

    asking.ask(1);
    let again = |one: &PageInfo, other: &PageInfo| other.epoch > second.epoch && one.epoch > 0;
    let (one, other) = both(&attached, "the second one again", again).await;
    assert_eq!(
        (one.id, one.epoch),
        (first.id, first.epoch),
        "it was not asked for"
    );
    assert_eq!(other.id, second.id);

    // There is no such page, and nothing comes of it.
    asking.ask(2);
    let browser = attached.browser.as_ref().expect("it is ours");
    let mut driver = Driver::of(browser).await;
    let tab = driver.tab_at(&pages[0].url).await;
    driver.close(&tab).await;
    until("the tab to be closed", async || {
        (attached.hub.hub.pages().len() == 1).then_some(())
    })
    .await;
    asking.ask(0);
    let (anew, _) = both(&attached, "the first one anew", |_, _| true).await;
    assert_ne!(anew.id, other.id);
    attached.close().await;
}

#[tokio::test]
async fn it_is_told_where_the_tab_of_a_page_is_and_a_tab_of_ours_is_brought_back() {
    let Some(chromium) = chromium() else {
        return;
    };
    let site = Site::start().await;
    let titled = "<!doctype html><meta charset=utf-8><title>Wanted</title>";
    site.page("/room", titled);
    site.page("/login", titled);
    let reloads = Reloads::default();
    let asking = reloads.clone();
    let launch = LaunchOptions {
        flags: vec![DRIVEN.to_owned()],
        ..LaunchOptions::new(chromium)
    };
    let [room, login] = ["/room", "/login"].map(|path| format!("{}{path}", site.origin));
    let page = WantedPage {
        documents: vec![room.parse().expect("a pattern")],
        ..WantedPage::new(&*room)
    };
    let mut at = page.at.subscribe();
    let attached = Attached::start_with(launch, TestHub::start().await, |options| {
        options.pages = vec![page];
        options.reloads = reloads;
    });
    let mut is_at = async |url: Option<&str>| {
        let there = at.wait_for(|at| at.as_deref() == url);
        soon("the tab to be there", there)
            .await
            .expect("it is told");
    };
    is_at(Some(&room)).await;
    let browser = attached.browser.as_ref().expect("it is ours");
    let mut driver = Driver::of(browser).await;
    let tab = driver.tab_at(&room).await;
    driver.go(&tab, &login).await;
    is_at(Some(&login)).await;
    // The same tab is brought back, and none is opened beside it.
    asking.ask(0);
    is_at(Some(&room)).await;
    assert_eq!(driver.tab_at(&room).await.target, tab.target);
    driver.close(&tab).await;
    is_at(None).await;
    attached.close().await;
}
