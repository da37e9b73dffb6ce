//! A page with the script in a browser, attached to a hub of its own.

use std::path::Path;

use http::StatusCode;
use pagewire_hub::{HubOptions, Scopes};
use pagewire_server::{Access, AllowedOrigin, Secret, Token};
use pagewire_testkit::{BrowserPage, Http, Response, Site, TestHub};
use serde_json::Value;

use crate::relay::Relay;

/// The page is of group `page`.
pub(crate) struct Stage {
    pub(crate) hub: TestHub,
    pub(crate) http: Http,
    /// The way that the page's link takes to the hub.
    pub(crate) relay: Relay,
    pub(crate) site: Site,
    browser: BrowserPage,
    /// The id that the page has.
    pub(crate) page: String,
}

impl Stage {
    /// `pages/functions.html`, whose origin is allowed.
    pub(crate) async fn open(chromium: &Path) -> Self {
        Self::show(chromium, include_str!("../pages/functions.html"), &[]).await
    }

    /// Any page of an allowed origin, which reports `opened`.
    pub(crate) async fn show(chromium: &Path, html: &str, flags: &[&str]) -> Self {
        let site = Site::start().await;
        let access = Access {
            origins: vec![AllowedOrigin {
                origin: site.origin.parse().expect("an origin"),
                free_groups: true,
            }],
            ..Access::default()
        };
        Self::start(chromium, html, flags, site, access).await
    }

    /// `pages/functions.html` with a token of these scopes, of an origin that is not allowed.
    pub(crate) async fn open_with_token(chromium: &Path, scopes: &[&str]) -> Self {
        let scopes = scopes.iter().map(|scope| scope.parse().expect("a scope"));
        let access = Access {
            tokens: vec![Token {
                name: "page".into(),
                secret: Secret::random(),
                scopes: Scopes::new(scopes.collect()),
            }],
            ..Access::default()
        };
        let html = include_str!("../pages/functions.html");
        Self::start(chromium, html, &[], Site::start().await, access).await
    }

    async fn start(
        chromium: &Path,
        html: &str,
        flags: &[&str],
        mut site: Site,
        access: Access,
    ) -> Self {
        let tokens = access.tokens.iter().map(|token| token.secret.reveal());
        let token: String = tokens.collect();
        let hub = TestHub::with(HubOptions::default(), access).await;
        let relay = Relay::start(&hub.address).await;
        site.page("/", html.replace("{{hub}}", &relay.http_url()));
        site.page("/report.js", include_str!("../pages/report.js"));
        site.page("/functions.js", include_str!("../pages/functions.js"));
        let url = format!("{}/#{token}", site.origin);
        let browser = BrowserPage::open_with(chromium, &url, flags);
        let page = text(&told(&mut site, "opened").await);
        assert!(page.starts_with("p_"), "{page}");
        Self {
            http: hub.client(),
            hub,
            relay,
            site,
            browser,
            page,
        }
    }

    /// Calls a function of the page with a JSON array of arguments, or none.
    pub(crate) async fn call(&self, function: &str, arguments: impl ToString) -> Response {
        let path = format!("/v1/call/page/{function}");
        self.http.post(&path, arguments.to_string()).await
    }

    /// What a function answers, which must be JSON and no error.
    pub(crate) async fn answer(&self, function: &str, arguments: impl ToString) -> Value {
        let response = self.call(function, arguments).await;
        assert_eq!(response.status, StatusCode::OK, "{function}");
        response.json().await
    }

    pub(crate) async fn close(self) {
        self.browser.close().await;
        self.hub.stop().await;
    }
}

/// The next report of the page that has a member `key`: that member.
pub(crate) async fn told(site: &mut Site, key: &str) -> Value {
    loop {
        let mut report = site.report().await;
        if let Some(value) = report.get_mut(key) {
            return value.take();
        }
    }
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}
