//! A page with the hook in a browser, attached to a hub of its own.

use std::path::Path;

use http::StatusCode;
use pagewire_hub::{HubOptions, TopicOptions};
use pagewire_server::{Access, AllowedOrigin};
use pagewire_testkit::{BrowserPage, Http, Site, TestHub, until};
use serde_json::{Value, json};

use crate::push::Push;
use crate::relay::Relay;

/// `pages/hook.html`, of group `page`.
pub(crate) struct Stage {
    pub(crate) hub: TestHub,
    pub(crate) http: Http,
    /// The way that the page's link takes to the hub.
    pub(crate) relay: Relay,
    pub(crate) site: Site,
    pub(crate) push: Push,
    browser: BrowserPage,
}

impl Stage {
    /// A page whose sockets are observed from its first script on.
    pub(crate) async fn open(chromium: &Path) -> Self {
        Self::show(chromium, Some(json!({}))).await
    }

    /// `hook`: what the hook is called with before the page's own script runs.
    pub(crate) async fn show(chromium: &Path, hook: Option<Value>) -> Self {
        let site = Site::start().await;
        let access = Access {
            origins: vec![AllowedOrigin {
                origin: site.origin.parse().expect("an origin"),
                free_groups: true,
            }],
            ..Access::default()
        };
        let options = HubOptions {
            topics: TopicOptions {
                values_max: 4_096,
                bytes_max: 32 << 20,
                ..TopicOptions::default()
            },
            ..HubOptions::default()
        };
        let hub = TestHub::with(options, access).await;
        let relay = Relay::start(&hub.address).await;
        let html = include_str!("../pages/hook.html").replace("{{hub}}", &relay.http_url());
        site.page("/", html);
        site.page("/report.js", include_str!("../pages/report.js"));
        site.page("/client.js", include_str!("../pages/client.js"));
        let query = hook.map_or_else(String::new, |options| {
            let options = options.to_string();
            format!("?hook={}", options.replace('"', "%22"))
        });
        let browser = BrowserPage::open(chromium, &format!("{}/{query}", site.origin));
        let mut stage = Self {
            http: hub.client(),
            hub,
            relay,
            site,
            push: Push::start().await,
            browser,
        };
        stage.told("opened").await;
        stage
    }

    /// The next report of the page that has a member `key`: that member.
    pub(crate) async fn told(&mut self, key: &str) -> Value {
        loop {
            if let Some(value) = self.site.report().await.get_mut(key) {
                return value.take();
            }
        }
    }

    /// What a function of the page answers.
    pub(crate) async fn call(&self, function: &str, arguments: Value) -> Value {
        let path = format!("/v1/call/page/{function}");
        let response = self.http.post(&path, arguments.to_string()).await;
        assert_eq!(response.status, StatusCode::OK, "{function} {arguments}");
        response.json().await
    }

    /// The topic of the socket with this number.
    pub(crate) fn topic(&self, number: u32) -> String {
        format!("pages/page/sockets/{number}-{}", self.push.host)
    }

    /// Waits until the last value of a socket's topic has this kind: all values.
    pub(crate) async fn values_to(&self, number: u32, last: &str) -> Vec<Value> {
        let what = format!("a value {last} of socket {number}");
        until(&what, async || {
            let values = self.values(number).await;
            (values.last()?["kind"] == last).then_some(values)
        })
        .await
    }

    /// Waits until a socket's topic has so many values, which are all.
    pub(crate) async fn first_values(&self, number: u32, count: usize) -> Vec<Value> {
        let what = format!("{count} values of socket {number}");
        let values = until(&what, async || {
            let values = self.values(number).await;
            (values.len() >= count).then_some(values)
        })
        .await;
        assert_eq!(values.len(), count, "{values:?}");
        values
    }

    /// What a socket's topic holds now.
    pub(crate) async fn values(&self, number: u32) -> Vec<Value> {
        let path = format!("/v1/topics/{}", self.topic(number));
        let mut answer = self.http.get(&path).await.json().await;
        let records = answer["records"]
            .as_array_mut()
            .expect("records")
            .iter_mut();
        records.map(|record| record["value"].take()).collect()
    }

    /// All topics that the hub has.
    pub(crate) async fn topics(&self) -> Vec<String> {
        let answer = self.http.get("/v1/topics").await.json().await;
        let topics = answer["topics"].as_array().expect("topics").iter();
        let mut names: Vec<_> = topics
            .filter_map(|topic| topic["topic"].as_str().map(str::to_owned))
            .collect();
        names.sort();
        names
    }

    pub(crate) async fn close(self) {
        self.browser.close().await;
        self.hub.stop().await;
    }
}
