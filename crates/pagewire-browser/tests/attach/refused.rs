//! A page that has the page script pasted into it, too: what keeps its WebSocket from the hub is told in the browser's words.

use pagewire_browser::{LaunchOptions, Report, WantedPage};
use pagewire_testkit::{Attached, Site, TestHub, chromium, until};

use crate::stage::{POLICY, public, text};

/// The page script in a page, as somebody pasted it, that reports what it says.
fn pasted(hub: &TestHub) -> String {
    let bridge = include_str!("../../../../web/bridge/pagewire.js");
    let url = hub.ws_url();
    format!(
        r#"<!doctype html><meta charset=utf-8><title>Pasted</title><script nonce=once>{bridge}
        const link = pagewire.connect({{ url: "{url}", group: "pasted" }});
        link.on("error", ({{ message }}) => fetch("/report", {{ method: "POST", body: JSON.stringify(message) }}));
        </script>"#
    )
}

/// Opens the page with these headers, and gives what the page script said and what was told of its page.
async fn refused(
    headers: &[(&str, &str)],
    flags: impl Fn(&Site) -> Vec<String>,
) -> Option<(String, String)> {
    let chromium = chromium()?;
    let mut site = Site::start().await;
    let hub = TestHub::start().await;
    site.page_with("/", pasted(&hub), headers);
    let launch = LaunchOptions {
        flags: flags(&site),
        ..LaunchOptions::new(chromium)
    };
    let url = format!("{}/", site.origin);
    let mut attached = Attached::start_with(launch, hub, |options| {
        options.pages = vec![WantedPage::new(url)];
    });
    // The page's own scripts may come so far before the hub knows the page.
    let (page, told) = attached
        .report("a refusal", |report| match report {
            Report::CarrierRefused { page, text } => Some((page, text)),
            _ => None,
        })
        .await;
    let said = site.report().await;
    let pages = until("the page", async || {
        let pages = attached.hub.hub.pages();
        (!pages.is_empty()).then_some(pages)
    })
    .await;
    let pages: Vec<_> = pages.iter().map(|one| (&one.id, one.carrier)).collect();
    assert_eq!(pages, [(&page, "cdp")], "only DevTools got through");
    attached.close().await;
    Some((text(&said), told))
}

#[tokio::test]
async fn a_policy_that_keeps_the_page_script_from_the_hub_is_told() {
    let Some((said, told)) = refused(&[POLICY], |_| Vec::new()).await else {
        return;
    };
    assert!(said.contains("CSP's connect-src"), "{said}");
    assert!(told.contains("connect-src 'self'"), "{told}");
}

#[tokio::test]
async fn local_network_access_that_keeps_the_page_script_from_the_hub_is_told() {
    let Some((said, told)) = refused(&[], |site| vec![public(site)]).await else {
        return;
    };
    assert!(said.contains("local network access"), "{said}");
    assert!(told.contains("`loopback` address space"), "{told}");
}
