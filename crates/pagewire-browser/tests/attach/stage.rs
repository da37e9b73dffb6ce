//! A page of a real browser that is attached to a hub of its own.

use std::ops::{Deref, DerefMut};
use std::path::Path;

use http::StatusCode;
use pagewire_browser::{AttachOptions, LaunchOptions, UserScript, WantedPage};
use pagewire_cdp::Expose;
use pagewire_testkit::{Attached, Http, Response, Site, TestHub};
use serde_json::Value;

use crate::driver::Driver;

/// The strictest policy with which a page can still run scripts of its own and report to its site.
pub(crate) const POLICY: (&str, &str) = (
    "content-security-policy",
    "default-src 'none'; script-src 'self' 'nonce-once'; connect-src 'self'",
);

/// The page is of group `page`.
pub(crate) struct Stage {
    pub(crate) site: Site,
    pub(crate) http: Http,
    /// The id that the page has, once there is one.
    pub(crate) page: String,
    attached: Attached,
}

impl Stage {
    /// A page that can reach nothing but its own site: its policy forbids it, and the browser's local-network access does. A script of the user
    /// exposes what `pages/functions.js` has.
    pub(crate) async fn open(chromium: &Path) -> Self {
        let site = Site::start().await;
        let html = "<!doctype html><meta charset=utf-8><title>Functions</title>";
        site.page_with("/", html, &[POLICY]);
        let flags = &[public(&site)];
        let script = functions();
        Self::start(chromium, site, flags, |options| {
            options.scripts = vec![script]
        })
        .await
    }

    /// The page `/` of a site.
    pub(crate) async fn start(
        chromium: &Path,
        site: Site,
        flags: &[String],
        adjust: impl FnOnce(&mut AttachOptions),
    ) -> Self {
        let url = format!("{}/", site.origin);
        let mut stage = Self::browse(chromium, site, flags, |options| {
            options.pages = vec![WantedPage::new(url)];
            adjust(options);
        })
        .await;
        stage.page = stage.attached.page().await.to_string();
        stage
    }

    /// A browser without a tab.
    pub(crate) async fn browse(
        chromium: &Path,
        site: Site,
        flags: &[String],
        adjust: impl FnOnce(&mut AttachOptions),
    ) -> Self {
        let launch = LaunchOptions {
            flags: flags.to_vec(),
            ..LaunchOptions::new(chromium)
        };
        let hub = TestHub::start().await;
        let http = hub.client();
        Self {
            site,
            http,
            page: String::new(),
            attached: Attached::start_with(launch, hub, adjust),
        }
    }

    /// Who sits before the browser, which was started with [`DRIVEN`].
    pub(crate) async fn driver(&self) -> Driver {
        Driver::of(self.browser.as_ref().expect("it is ours")).await
    }

    /// Waits until all scripts of the page `/` were run, in a browser that was started with [`DRIVEN`].
    pub(crate) async fn loaded(&self) {
        let mut driver = self.driver().await;
        let tab = driver.tab_at(&self.url("/")).await;
        driver.loaded(&tab).await;
    }

    /// The address of a path of the site.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.site.origin)
    }

    /// An address of the same site under another name, which makes it another site to the browser.
    pub(crate) fn foreign_url(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.site.port())
    }

    /// Calls a function of the page with a JSON array of arguments, or none.
    pub(crate) async fn call(&self, function: &str, arguments: impl ToString) -> Response {
        let path = format!("/v1/call/page/{function}");
        self.http.post(&path, arguments.to_string()).await
    }

    /// What a function answers, which must be JSON and no error.
    pub(crate) async fn answer(&self, function: &str, arguments: impl ToString) -> Value {
        let response = self.call(function, arguments).await;
        let status = response.status;
        let text = response.text().await;
        assert_eq!(status, StatusCode::OK, "{function}: {text}");
        serde_json::from_str(&text).expect("JSON")
    }

    pub(crate) async fn close(self) {
        self.attached.close().await;
    }
}

impl Deref for Stage {
    type Target = Attached;

    fn deref(&self) -> &Attached {
        &self.attached
    }
}

impl DerefMut for Stage {
    fn deref_mut(&mut self) -> &mut Attached {
        &mut self.attached
    }
}

/// What `--expose` has.
pub(crate) fn exposed(texts: &[&str]) -> Vec<Expose> {
    let parsed = texts.iter().map(|text| text.parse());
    parsed
        .collect::<Result<_, _>>()
        .expect("expressions with names")
}

/// The flag that makes the browser take a site for one of the public network, which may not reach this machine.
pub(crate) fn public(site: &Site) -> String {
    format!(
        "--ip-address-space-overrides=127.0.0.1:{}=public",
        site.port()
    )
}

/// The functions of the tests of the page script, as a script of the user.
fn functions() -> UserScript {
    let source = [
        "const link = pagewire, hub = location.origin, said = [];\n",
        include_str!("../../../pagewire-server/tests/pages/report.js"),
        include_str!("../../../pagewire-server/tests/pages/functions.js"),
    ];
    UserScript {
        name: "functions.js".to_owned(),
        source: source.concat(),
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
