//! The verdicts by which `pagewire doctor` judges a Content-Security-Policy, asked of a real Chromium.

use pagewire_testkit::{BrowserPage, Site, TestHub, chromium};
use serde_json::json;

#[tokio::test]
async fn chromium_judges_policies_as_the_table_says() {
    let Some(chromium) = chromium() else {
        return;
    };
    let hub = TestHub::start().await;
    let port = hub.address.rsplit(':').next().expect("a port");
    let mut site = Site::start().await;
    let cases: Vec<_> = include_str!("csp_cases.txt")
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.split_once(" | ").expect("VERDICTS | POLICY"))
        .collect();
    assert!(cases.len() > 30, "{} cases", cases.len());
    let page = include_str!("pages/csp.html").replace("{{hub}}", &hub.address);
    for (step, (_, policy)) in cases.iter().enumerate() {
        let policy = policy.replace("PORT", port);
        let headers = [("content-security-policy", policy.as_str())];
        site.page_with(&format!("/case/{step}"), &page, &headers);
    }
    site.page("/told", include_str!("pages/told.html"));
    let browser = BrowserPage::open(&chromium, &format!("{}/case/0", site.origin));
    for (step, (verdicts, policy)) in cases.iter().enumerate() {
        let expected: Vec<_> = verdicts.split_whitespace().collect();
        let report = site.report().await;
        assert_eq!(
            report,
            json!({"step": step, "verdicts": expected}),
            "{policy}"
        );
    }
    browser.close().await;
}
