//! A hub with one page to protect, and a site that wants to get at it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pagewire_hub::HubOptions;
use pagewire_server::Access;
use pagewire_testkit::{BrowserPage, FakePage, Message, Site, TestHub, until};
use serde_json::Value;
use tracing::subscriber::DefaultGuard;

use crate::refusals::Refusals;
use crate::{CALL, PRICE, SECRET, TOPIC};

/// Dropping it ends everything but the browser.
pub(crate) struct Stage {
    pub(crate) hub: TestHub,
    pub(crate) site: Site,
    /// The attacked page's id.
    pub(crate) victim: String,
    calls: Arc<AtomicUsize>,
    pub(crate) refusals: Refusals,
    _subscriber: DefaultGuard,
}

impl Stage {
    pub(crate) async fn start(options: HubOptions, access: Access) -> Self {
        Self::with_site(Site::start().await, options, access).await
    }

    /// Takes a site whose origin the rules name.
    pub(crate) async fn with_site(site: Site, options: HubOptions, access: Access) -> Self {
        let refusals = Refusals::default();
        let subscriber = tracing::subscriber::set_default(refusals.clone());
        let hub = TestHub::with(options, access).await;
        let mut page = FakePage::attach(&hub, "victim", &["secret", "other"]).await;
        page.publish("price", PRICE).await;
        let stage = Self {
            hub,
            site,
            victim: page.id.clone(),
            calls: Arc::default(),
            refusals,
            _subscriber: subscriber,
        };
        tokio::spawn(answer_calls(page, stage.calls.clone()));
        until("the price", async || {
            (stage.published("pages/victim/price") == 1).then_some(())
        })
        .await;
        stage
    }

    /// The attacking page, aimed at the hub at this address.
    pub(crate) fn attack_page(&self, hub: &str, victim: &str) -> String {
        include_str!("../pages/attack.html")
            .replace("{{attack.js}}", include_str!("../pages/attack.js"))
            .replace("{{hub}}", hub)
            .replace("{{site}}", &self.site.origin)
            .replace("{{victim}}", victim)
    }

    /// Shows a page at the root of the site.
    pub(crate) fn show(&self, chromium: &Path, html: String) -> BrowserPage {
        self.site.page("/", html);
        let report = include_str!("../pages/report.js");
        self.site.page("/report.js", report);
        BrowserPage::open(chromium, &format!("{}/", self.site.origin))
    }

    /// How often the victim's functions were called.
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    /// How many values a topic has had.
    pub(crate) fn published(&self, topic: &str) -> usize {
        let topics = self.hub.hub.topics().list();
        let found = topics.iter().find(|info| info.topic.as_str() == topic);
        found.map_or(0, |info| usize::try_from(info.seq).expect("few values"))
    }

    /// Waits until the hub has refused all that was asked, for this reason, each `times` times at most.
    pub(crate) async fn check_refused(
        &self,
        asked: &BTreeMap<String, usize>,
        why: &str,
        times: usize,
    ) {
        let all = async || {
            let counts = self.refusals.counts();
            let refused = |(asks, n): (&String, &usize)| counts.get(asks).is_some_and(|m| m >= n);
            asked.iter().all(refused).then_some(counts)
        };
        let counts = until("every refusal", all).await;
        for (asks, count) in counts {
            let most = asked.get(&asks).map_or(0, |n| n * times);
            // The icon of a page is what the browser asks for by itself.
            assert!(
                count <= most || asks == "GET /favicon.ico",
                "{asks}: {count} times"
            );
        }
        for refusal in self.refusals.all() {
            assert!(refusal.why.starts_with(why), "{refusal:?}");
        }
    }

    pub(crate) fn check_untouched(&self) {
        assert_eq!(self.calls(), 0);
        let topics = self.hub.hub.topics().list();
        assert_eq!(topics.len(), 1, "{topics:?}");
        assert_eq!(self.published("pages/victim/price"), 1);
        assert_eq!(topics[0].subscribers, 0, "{topics:?}");
        let pages = self.hub.hub.pages();
        assert_eq!(pages.len(), 1, "{pages:?}");
        assert_eq!(pages[0].id.as_str(), self.victim);
        assert_eq!(pages[0].epoch, 1);
    }

    pub(crate) async fn check_programs_are_served(&self) {
        let program = self.hub.client();
        let calls = self.calls();
        assert_eq!(program.post(CALL, "").await.text().await, SECRET);
        assert_eq!(self.calls(), calls + 1);
        let price = program.get(TOPIC).await.json().await;
        assert_eq!(price["records"][0]["value"].to_string(), PRICE);
    }
}

/// Answers each call with the secret, also one with bytes, and counts it. Pings are answered and not counted.
async fn answer_calls(mut page: FakePage, calls: Arc<AtomicUsize>) {
    while let Some(message) = page.next_message().await {
        let header = if let Message::Binary(bytes) = &message {
            let length = u16::from_be_bytes([bytes[0], bytes[1]]);
            &bytes[2..2 + usize::from(length)]
        } else {
            message.to_text().expect("text or binary").as_bytes()
        };
        let header: Value = serde_json::from_slice(header).expect("JSON");
        let is_ping = header["method"] == "$/ping";
        if !is_ping && header["method"].is_string() {
            calls.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(id) = header["id"].as_u64() {
            page.answer(id, if is_ping { "{}" } else { SECRET }).await;
        }
    }
}
