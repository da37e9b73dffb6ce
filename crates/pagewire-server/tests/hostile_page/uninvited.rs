//! Pages of other ports, sites and names, and pages without an origin, try everything that a web page can.

use std::collections::BTreeMap;

use http::StatusCode;
use pagewire_hub::HubOptions;
use pagewire_server::Access;
use pagewire_testkit::{BrowserPage, chromium, until};
use serde_json::Value;

use crate::refusals::count;
use crate::relay::Relay;
use crate::stage::Stage;
use crate::{CALL, TOPIC};

/// How many attacks `pages/attack.js` tries.
const ATTACKS: usize = 110;
/// How many of them the browser itself stops when they come from another origin.
const ATTACKS_STOPPED: usize = 8;
/// How many of them gain something in the hub's own origin.
const ATTACKS_THAT_CAN_GAIN: usize = 57;

/// Windows open without a click, and a name of the attacker's leads to this machine.
const FLAGS: &[&str] = &[
    "--disable-popup-blocking",
    "--host-resolver-rules=MAP evil.example 127.0.0.1",
];

#[tokio::test]
async fn a_page_on_another_port_gets_nothing() {
    attack_from("http://127.0.0.1", "/attack.html").await;
}

#[tokio::test]
async fn a_page_of_another_loopback_name_gets_nothing() {
    attack_from("http://localhost", "/attack.html").await;
}

#[tokio::test]
async fn a_page_of_another_site_gets_nothing() {
    attack_from("http://evil.example", "/attack.html").await;
}

#[tokio::test]
async fn a_sandboxed_frame_gets_nothing() {
    attack_from("http://127.0.0.1", "/frame.html").await;
}

#[tokio::test]
async fn a_data_frame_gets_nothing() {
    attack_from("http://127.0.0.1", "/frame.html#data").await;
}

/// Attacks from a page of the site under this name; frames have no origin of their own.
async fn attack_from(host: &str, path: &str) {
    let Some(chromium) = chromium() else { return };
    let mut stage = Stage::start(HubOptions::default(), Access::default()).await;
    let attack = stage.attack_page(&stage.hub.http_url(), &stage.victim);
    stage.site.page("/attack.html", attack);
    stage
        .site
        .page("/frame.html", include_str!("../pages/frame.html"));
    let site = format!("{host}:{}", stage.site.port());
    let browser = BrowserPage::open_with(&chromium, &format!("{site}{path}"), FLAGS);
    let report = Report::of(stage.site.report().await);

    let origin = if path.starts_with("/frame") {
        "null"
    } else {
        &site
    };
    assert_eq!(report.origin, origin);
    assert_eq!(report.gains(), Vec::<&Attack>::new());
    let asked = report.asked(|attack| !attack.stopped);
    assert_eq!(asked.values().sum::<usize>(), ATTACKS - ATTACKS_STOPPED);
    stage.check_refused(&asked, "forbidden: ", 1).await;
    stage.check_untouched();
    stage.check_programs_are_served().await;
    browser.close().await;
}

/// Without this the tests above would prove nothing: where the hub does let them in, the same attacks succeed.
#[tokio::test]
async fn the_same_attacks_succeed_in_the_hubs_own_origin() {
    let Some(chromium) = chromium() else { return };
    let mut stage = Stage::start(HubOptions::default(), Access::default()).await;
    let relay = Relay::start(&stage.hub.address).await;
    relay.show(stage.attack_page(&relay.http_url(), "nobody"));
    let page = format!("{}/page", relay.http_url());
    let browser = BrowserPage::open_with(&chromium, &page, FLAGS);
    let report = Report::of(stage.site.report().await);

    assert_eq!(report.origin, relay.http_url());
    let gains: Vec<_> = report.gains().iter().map(|gain| &gain.name).collect();
    for kind in [
        "fetch",
        "XMLHttpRequest",
        "EventSource",
        "WebSocket",
        "worker",
    ] {
        let gained = gains.iter().any(|name| name.starts_with(kind));
        assert!(gained, "{kind} gains nothing");
    }
    assert_eq!(gains.len(), ATTACKS_THAT_CAN_GAIN, "{gains:?}");

    let asked = report.asked(|_| true);
    let posted = (
        asked[&format!("POST {CALL}")],
        asked["POST /v1/topics/programs/evil"],
    );
    assert_eq!(posted, (25, 23));
    let done = || (stage.calls(), stage.published("programs/evil"));
    until("every call and value", async || {
        (done() == posted).then_some(())
    })
    .await;
    let attached = stage.hub.hub.pages();
    assert!(
        attached.iter().any(|page| page.group.as_str() == "evil"),
        "{attached:?}"
    );
    assert_eq!(stage.refusals.counts(), BTreeMap::new());
    browser.close().await;
}

/// DNS rebinding: a name of the attacker's leads first to the attacker's page and then to the hub, so that for the
/// browser both are one origin.
#[tokio::test]
async fn a_rebound_name_gets_nothing() {
    let Some(chromium) = chromium() else { return };
    let mut stage = Stage::start(HubOptions::default(), Access::default()).await;
    let relay = Relay::start(&stage.hub.address).await;
    let hub = relay.http_url().replace("127.0.0.1", "evil.example");
    relay.show(stage.attack_page(&hub, &stage.victim));
    let browser = BrowserPage::open_with(&chromium, &format!("{hub}/page"), FLAGS);
    let report = Report::of(stage.site.report().await);

    assert_eq!(report.origin, hub);
    for gain in report.gains() {
        assert!(
            gain.gained.contains("wrong_host"),
            "more than a refusal: {gain:?}"
        );
    }
    // The browser tries a misdirected request again on a connection of its own (RFC 9110 §15.5.20).
    let asked = report.asked(|_| true);
    stage.check_refused(&asked, "wrong_host: ", 2).await;
    stage.check_untouched();
    stage.check_programs_are_served().await;
    browser.close().await;
}

#[tokio::test]
async fn a_foreign_name_shows_nothing_of_the_hub() {
    let Some(chromium) = chromium() else { return };
    let stage = Stage::start(HubOptions::default(), Access::default()).await;
    let host = stage.hub.address.replace("127.0.0.1", "evil.example");
    let browser = BrowserPage::open_with(&chromium, &format!("http://{host}/"), FLAGS);
    let asked = BTreeMap::from([("GET /".to_owned(), 1)]);
    stage.check_refused(&asked, "wrong_host: ", 2).await;
    browser.close().await;
    let program = stage.hub.client().with("host", &host);
    for path in ["/", "/health", "/bridge.js", "/v1/pages", TOPIC] {
        let refused = program.get(path).await;
        assert_eq!(refused.status, StatusCode::MISDIRECTED_REQUEST, "{path}");
    }
    let refused = program.post(CALL, "").await;
    assert_eq!(refused.status, StatusCode::MISDIRECTED_REQUEST);
    stage.check_untouched();
}

/// Over plain http browsers tell a name that is not this machine's own nothing about who asks (no `Sec-Fetch-…`), and no `Origin` with a
/// plain GET. So under an allowed name such a GET counts as a program's: it changes nothing, and the page cannot read the answer.
#[tokio::test]
async fn a_page_that_asks_for_an_allowed_name_over_plain_http_reads_and_changes_nothing() {
    let Some(chromium) = chromium() else { return };
    let access = Access {
        hosts: vec!["hub.example".into()],
        ..Access::default()
    };
    let mut stage = Stage::start(HubOptions::default(), access).await;
    let hub = stage.hub.http_url().replace("127.0.0.1", "hub.example");
    let attack = stage.attack_page(&hub, &stage.victim);
    stage.site.page("/attack.html", attack);
    let site = format!("http://evil.example:{}", stage.site.port());
    let names = "--host-resolver-rules=MAP *.example 127.0.0.1";
    let flags = ["--disable-popup-blocking", names];
    let browser = BrowserPage::open_with(&chromium, &format!("{site}/attack.html"), &flags);
    let report = Report::of(stage.site.report().await);

    assert_eq!(report.origin, site);
    assert_eq!(report.gains(), Vec::<&Attack>::new());
    let asked = report.asked(|attack| !attack.stopped);
    let is_get = |asks: &&String| asks.starts_with("GET ");
    let changes: BTreeMap<_, _> = asked
        .clone()
        .into_iter()
        .filter(|(asks, _)| !is_get(&asks))
        .collect();
    assert!(changes.values().sum::<usize>() > 40, "{changes:?}");
    let all_refused = async || {
        let counts = stage.refusals.counts();
        let refused = |(asks, n): (&String, &usize)| counts.get(asks) == Some(n);
        changes.iter().all(refused).then_some(counts)
    };
    let refused = until("every refusal", all_refused).await;
    // Otherwise there would be nothing to warn of in SECURITY.md.
    let taken_for_programs = |asks: &&String| refused.get(*asks) < asked.get(*asks);
    let taken: Vec<_> = asked.keys().filter(taken_for_programs).collect();
    assert!(!taken.is_empty() && taken.iter().all(is_get), "{taken:?}");
    stage.check_untouched();
    stage.check_programs_are_served().await;
    browser.close().await;
}

/// One of `pages/attack.js`.
#[derive(Debug, PartialEq)]
struct Attack {
    name: String,
    /// `METHOD /path`.
    asks: String,
    stopped: bool,
    gained: String,
}

/// What the attacking page says of its attacks.
struct Report {
    origin: String,
    attacks: Vec<Attack>,
}

impl Report {
    fn of(report: Value) -> Self {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let attacks = report["attacks"].as_array().expect("attacks").iter();
        let attacks: Vec<_> = attacks
            .map(|attack| Attack {
                name: text(&attack["name"]),
                asks: text(&attack["asks"]),
                stopped: attack["stopped"].as_bool().expect("yes or no"),
                gained: text(&attack["gained"]),
            })
            .collect();
        assert_eq!(attacks.len(), ATTACKS);
        assert_eq!(report["shown"], "", "no window can be looked into");
        for attack in &attacks {
            assert!(
                !attack.gained.starts_with("could not be tried"),
                "{attack:?}"
            );
        }
        Self {
            origin: text(&report["origin"]),
            attacks,
        }
    }

    fn gains(&self) -> Vec<&Attack> {
        let gained = |attack: &&Attack| !attack.gained.is_empty();
        self.attacks.iter().filter(gained).collect()
    }

    /// How often each `METHOD /path` was asked for by such attacks.
    fn asked(&self, which: impl Fn(&Attack) -> bool) -> BTreeMap<String, usize> {
        let such = self.attacks.iter().filter(|attack| which(attack));
        count(such.map(|attack| attack.asks.clone()))
    }
}
