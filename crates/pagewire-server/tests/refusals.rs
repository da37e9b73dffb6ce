//! A page that cannot attach says why, in words that tell what to do.

use std::path::PathBuf;

use pagewire_hub::{HubOptions, Scopes};
use pagewire_server::{Access, AllowedOrigin, Secret, Token};
use pagewire_testkit::{BrowserPage, FakePage, Site, TestHub, chromium};
use serde_json::json;
use tokio::net::TcpSocket;

/// A name under which the site is no secure context, as is usual for plain http.
const PLAIN: &str = "--host-resolver-rules=MAP plain.example 127.0.0.1";

/// A site whose pages try to attach to a hub. The script comes from the site, as where somebody pasted it.
struct Stage {
    chromium: PathBuf,
    site: Site,
    hub: String,
}

/// How one page is shown and what it connects with.
struct Visit<'a> {
    host: &'a str,
    /// Its Content-Security-Policy.
    policy: &'a str,
    flags: &'a [&'a str],
    token: Option<&'a str>,
}

const USUAL: Visit<'_> = Visit {
    host: "127.0.0.1",
    policy: "",
    flags: &[],
    token: None,
};

impl Stage {
    /// None without a Chromium. `hub` is an address that may be nobody's.
    async fn start(hub: &str) -> Option<Self> {
        Some(Self {
            chromium: chromium()?,
            site: Site::start().await,
            hub: hub.to_owned(),
        })
    }

    /// What the page says first, in an `error` event.
    async fn first_error(&mut self, visit: &Visit<'_>) -> (BrowserPage, String) {
        let options = json!({"url": self.hub, "group": "page", "token": visit.token});
        let script = include_str!("pages/refused.js").replace("{{options}}", &options.to_string());
        let headers = [("content-security-policy", visit.policy)];
        let html = include_str!("pages/refused.html");
        self.site.page_with("/", html, &headers);
        self.site.page("/refused.js", script);
        self.site
            .page("/report.js", include_str!("pages/report.js"));
        let bridge = include_str!("../../../web/bridge/pagewire.js");
        self.site.page("/bridge.js", bridge);
        let url = format!("http://{}:{}/", visit.host, self.site.port());
        let browser = BrowserPage::open_with(&self.chromium, &url, visit.flags);
        let report = self.site.report().await;
        let message = report["error"].as_str().expect("a message").to_owned();
        let is_plain = visit.host == "plain.example";
        assert_eq!(report["secure"], !is_plain, "{report}");
        (browser, message)
    }

    /// The page says all of these words, none of those, and nothing more however often it tries.
    async fn check_says(&mut self, visit: &Visit<'_>, words: &[&str], others: &[&str]) {
        let (browser, message) = self.first_error(visit).await;
        check_words(&message, words, others);
        let later = self.site.report().await;
        assert_eq!(later, json!({"tries": 4, "errors": [message]}));
        browser.close().await;
    }

    /// The page's first word decides: it is in, or the hub heard it out and it does not try again.
    async fn check_says_at_last(&mut self, visit: &Visit<'_>, words: &[&str]) {
        let (browser, message) = self.first_error(visit).await;
        check_words(&message, words, &[]);
        browser.close().await;
    }
}

fn check_words(message: &str, words: &[&str], others: &[&str]) {
    for word in words {
        assert!(message.contains(word), "no {word:?} in: {message}");
    }
    for word in others {
        assert!(!message.contains(word), "{word:?} in: {message}");
    }
}

/// A hub that lets in pages of the site and those that bring this token.
async fn hub_with(origins: Vec<AllowedOrigin>, tokens: Vec<Token>) -> TestHub {
    let access = Access {
        origins,
        tokens,
        ..Access::default()
    };
    TestHub::with(HubOptions::default(), access).await
}

fn allowed(site: &Site) -> AllowedOrigin {
    AllowedOrigin {
        origin: site.origin.parse().expect("an origin"),
        free_groups: true,
    }
}

/// Without this the tests below would prove nothing.
#[tokio::test]
async fn a_page_that_may_attach_has_nothing_to_say() {
    let Some(mut stage) = Stage::start("").await else {
        return;
    };
    let hub = hub_with(vec![allowed(&stage.site)], Vec::new()).await;
    stage.hub = hub.http_url();
    let policies = [
        String::new(),
        format!("connect-src 'self' {} {}", hub.http_url(), hub.ws_url()),
    ];
    for policy in &policies {
        let visit = Visit { policy, ..USUAL };
        stage.check_says_at_last(&visit, &["it may attach"]).await;
    }
}

#[tokio::test]
async fn the_pages_own_policy_is_named_with_what_to_add() {
    let hub = TestHub::start().await;
    let Some(mut stage) = Stage::start(&hub.http_url()).await else {
        return;
    };
    let (http, ws) = (hub.http_url(), hub.ws_url());
    for policy in ["connect-src 'self'", "default-src 'self'"] {
        let visit = Visit { policy, ..USUAL };
        let words = [http.as_str(), &ws, "connect-src"];
        stage
            .check_says(&visit, &words, &["--allow-origin", "serve"])
            .await;
    }
    assert_eq!(hub.hub.pages().len(), 0);
}

/// In a policy `http:` does not stand for `ws:`, so this is what is left after adding one address of two.
#[tokio::test]
async fn a_policy_that_lacks_only_the_web_socket_is_named_too() {
    let Some(mut stage) = Stage::start("").await else {
        return;
    };
    let hub = hub_with(vec![allowed(&stage.site)], Vec::new()).await;
    stage.hub = hub.http_url();
    let policy = &format!("connect-src 'self' {}", hub.http_url());
    let visit = Visit { policy, ..USUAL };
    let words = [&hub.ws_url(), "connect-src"];
    stage.check_says(&visit, &words, &["--allow-origin"]).await;
}

/// The site counts as public: its pages need the user's leave to reach this machine, which a headless browser never gives.
#[tokio::test]
async fn the_browsers_local_network_access_is_named() {
    let Some(mut stage) = Stage::start("").await else {
        return;
    };
    let hub = hub_with(vec![allowed(&stage.site)], Vec::new()).await;
    stage.hub = hub.http_url();
    let public = format!(
        "--ip-address-space-overrides=127.0.0.1:{}=public",
        stage.site.port()
    );
    let settings = Visit {
        flags: &[&public],
        ..USUAL
    };
    let plain = Visit {
        host: "plain.example",
        flags: &[&public, PLAIN],
        ..USUAL
    };
    for (visit, words) in [
        (settings, ["local network", "settings"]),
        (plain, ["local network", "https"]),
    ] {
        stage
            .check_says(&visit, &words, &["--allow-origin", "serve", "connect-src"])
            .await;
    }
    assert_eq!(hub.hub.pages().len(), 0);
}

#[tokio::test]
async fn an_origin_that_is_not_allowed_is_named() {
    let hub = TestHub::start().await;
    let Some(mut stage) = Stage::start(&hub.http_url()).await else {
        return;
    };
    let allow = format!("--allow-origin {}", stage.site.origin);
    stage
        .check_says(
            &USUAL,
            &[&allow, "token"],
            &["connect-src", "local network"],
        )
        .await;
    let guess = Visit {
        token: Some("0123456789abcdef"),
        ..USUAL
    };
    stage
        .check_says(
            &guess,
            &["unknown token"],
            &["--allow-origin", "connect-src", "local network"],
        )
        .await;
    assert_eq!(hub.hub.pages().len(), 0);
}

#[tokio::test]
async fn a_hub_that_does_not_run_is_named() {
    // A port that is taken, so that nobody else gets it, and on which nobody listens.
    let nobody = TcpSocket::new_v4().expect("a socket");
    let any = "127.0.0.1:0".parse().expect("an address");
    nobody.bind(any).expect("a free port");
    let address = nobody.local_addr().expect("an address");
    let Some(mut stage) = Stage::start(&format!("http://{address}")).await else {
        return;
    };
    stage
        .check_says(
            &USUAL,
            &["pagewire serve"],
            &["--allow-origin", "connect-src", "settings"],
        )
        .await;
}

#[tokio::test]
async fn a_group_that_is_not_the_pages_is_named() {
    let Some(mut stage) = Stage::start("").await else {
        return;
    };
    let token = Token {
        name: "other".into(),
        secret: Secret::random(),
        scopes: Scopes::new(vec!["attach:other".parse().expect("a scope")]),
    };
    let secret = token.secret.reveal().to_owned();
    let hub = hub_with(vec![allowed(&stage.site)], vec![token]).await;
    stage.hub = hub.http_url();
    let with_token = Visit {
        token: Some(&secret),
        ..USUAL
    };
    stage
        .check_says_at_last(&with_token, &["attach:page"])
        .await;
    let owner = FakePage::attach(&hub, "page", &[]).await;
    stage
        .check_says_at_last(&USUAL, &["group page belongs to"])
        .await;
    let pages = hub.hub.pages();
    assert_eq!(pages.len(), 1, "{pages:?}");
    assert_eq!(pages[0].id.as_str(), owner.id);
}
