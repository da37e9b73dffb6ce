use futures_util::FutureExt as _;
use pagewire_hub::{HubOptions, TopicOptions};
use pagewire_live::SiteTable;
use pagewire_rpc::{JsonText, PageId};
use pagewire_testkit::{FakePage, TestHub, until};
use serde_json::{Value, json};

use super::*;

const ROOM: &str = "https://live.douyin.com/1";

/// The tab of a room at a hub that keeps two taps of a page.
struct Scene {
    hub: TestHub,
    tab: Tab,
    page: Option<FakePage>,
}

impl Scene {
    async fn start() -> Self {
        let options = HubOptions {
            topics: TopicOptions {
                topics_per_group_max: 2,
                ..TopicOptions::default()
            },
            ..HubOptions::default()
        };
        let hub = TestHub::with_options(options).await;
        let table = SiteTable::shipped();
        let room = table.parse_room(ROOM).expect("a room");
        let group = GroupName::new("room").expect("a group");
        let documents = documents(&room).expect("patterns");
        let source = TabSource::new(hub.hub.clone(), group, documents);
        let entry = table.get("douyin").expect("a site").clone();
        let tab = Tab::new(source, entry, room);
        let mut scene = Self {
            hub,
            tab,
            page: None,
        };
        scene.go(ROOM).await;
        scene
    }

    /// The same page is at another address.
    async fn go(&mut self, url: &str) {
        self.page = None;
        until("the page is gone", async || {
            self.hub.hub.pages().is_empty().then_some(())
        })
        .await;
        let hello = json!({"group": "room", "url": url, "page": "tab-1"});
        self.page = Some(FakePage::attach_with(&self.hub, hello).await);
        self.tab.look();
    }

    fn publish(&self, connection: &str, value: &Value) {
        let page = self.page.as_ref().expect("a page");
        let page = PageId::new(&page.id).expect("an id");
        let topic = TopicName::of_tap(&page, connection).expect("a topic");
        let json = JsonText::parse(value.to_string().into()).expect("JSON");
        let published = self.hub.hub.publish(&topic, &Payload::Json(json));
        published.expect("it is taken");
    }

    /// A socket that brings one frame.
    fn open(&self, connection: &str) {
        let url = "wss://webcast5-ws-web-lf.douyin.com/webcast/im/push/v2/";
        for value in [
            json!({"kind": "open", "connection": connection, "url": url, "status": 101}),
            json!({"kind": "binary", "direction": "received", "size": 2, "base64": "OgA="}),
        ] {
            self.publish(connection, &value);
        }
    }

    /// All that is told by now.
    fn told(&mut self) -> Vec<Told> {
        self.tab.look();
        std::iter::from_fn(|| self.tab.next().now_or_never()).collect()
    }
}

#[tokio::test]
async fn what_closed_is_not_told_again_when_the_tab_comes_back_from_elsewhere() {
    let mut scene = Scene::start().await;
    scene.open("1-push");
    scene.publish("1-push", &json!({"kind": "close"}));
    let told = scene.told();
    assert!(
        matches!(
            told[..],
            [Told::Opened { .. }, Told::Frame { .. }, Told::Closed { .. }]
        ),
        "{told:?}"
    );
    scene.go("https://sso.douyin.com/login").await;
    assert!(scene.told().is_empty());
    scene.go(ROOM).await;
    assert!(scene.told().is_empty());
    scene.open("2-push");
    let told = scene.told();
    assert!(
        matches!(told[..], [Told::Opened { .. }, Told::Frame { .. }]),
        "{told:?}"
    );
}

#[tokio::test]
async fn what_the_hub_has_no_more_is_forgotten() {
    let mut scene = Scene::start().await;
    for number in 1..=5 {
        let connection = format!("{number}-push");
        scene.open(&connection);
        scene.publish(&connection, &json!({"kind": "close"}));
        assert_eq!(scene.told().len(), 3);
        scene.tab.look();
        assert_eq!(scene.tab.closed.len(), number.min(2));
    }
}

#[tokio::test]
async fn answers_of_polling_are_messages_only_where_the_site_gave_them() {
    let mut scene = Scene::start().await;
    let url = "https://live.douyin.com/webcast/im/fetch/";
    let is_fault = |told: &[Told], words: &str| matches!(told, [Told::PollFailed(failure)] if failure.to_string().contains(words));
    for (told, answer) in [
        (
            "polled",
            json!({"status": 200, "size": 2, "base64": "OgA="}),
        ),
        (
            "the site answered 403",
            json!({"status": 403, "size": 2, "text": "no"}),
        ),
        ("", json!({"status": 429, "size": 0, "text": ""})),
        ("polled", json!({"status": 200, "size": 0, "text": ""})),
        ("net::ERR_FAILED", json!({"error": "net::ERR_FAILED"})),
        ("polled", json!({"status": 200, "size": 0, "text": ""})),
        (
            "No resource",
            json!({"status": 200, "error": "No resource with given identifier found"}),
        ),
        ("lost", json!({"status": 200, "size": 2, "base64": "?"})),
        ("lost", json!({"status": 200, "size": 2})),
        (
            "the site answered 502",
            json!({"status": 502, "size": 0, "text": ""}),
        ),
    ] {
        let mut value = json!({"kind": "response", "url": url});
        let members = value.as_object_mut().expect("an object");
        members.extend(answer.as_object().expect("an object").clone());
        scene.publish("http-live.douyin.com", &value);
        let found = scene.told();
        let is_so = match told {
            "" => found.is_empty(),
            "polled" => matches!(found[..], [Told::Polled(_)]),
            "lost" => matches!(found[..], [Told::Lost(Some(1))]),
            words => is_fault(&found, words),
        };
        assert!(is_so, "{answer}: {found:?}");
    }
}
