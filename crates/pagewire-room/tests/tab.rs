//! A tab as a source: what a tap publishes of its connections. The browser is a client in its place, whose sockets are those of the simulator.
#![allow(
    clippy::unwrap_used,
    reason = "a test helper fails the test by panicking"
)]

mod watched;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt as _;
use pagewire_cdp::TapRule;
use pagewire_live::douyin::PushFrame;
use pagewire_live::{AfterEnd, RoomOptions, Site, SiteTable, State};
use pagewire_room::watch::{
    JournalOptions, Source, TabSource, WatchOptions, WatchedRoom, documents, tap_rules, watch,
};
use pagewire_rpc::{GroupName, JsonText, PageId, Payload, TopicName};
use pagewire_sim::Sim;
use pagewire_testkit::{FakePage, TestHub, soon};
use serde_json::{Value, json};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use watched::reader::{Found, quick, sim};
use watched::{Heard, replayed};

/// Publishes what happens on the connections of a page, as a tap does.
struct Tap {
    hub: TestHub,
    page: PageId,
    connections: u64,
    cursor: String,
    seen: Found,
}

impl Tap {
    fn publish(&self, connection: &str, value: &Value) {
        let topic = TopicName::of_tap(&self.page, connection).unwrap();
        let json = JsonText::parse(value.to_string().into()).unwrap();
        self.hub.hub.publish(&topic, &Payload::Json(json)).unwrap();
    }

    /// Opens sockets, each from where the last one ended, until the broadcast has.
    async fn follow(&mut self, sim: &Sim) {
        while !self.seen.ended {
            let url = sim.push_url("r").unwrap();
            let url = url.replace("&cursor=&", &format!("&cursor={}&", self.cursor));
            let (mut socket, _) = soon("the socket", connect_async(url)).await.unwrap();
            self.connections += 1;
            let name = format!("{}-127.0.0.1", self.connections);
            let url = format!(
                "ws://{}/webcast/im/push/v2/?signature=REDACTED",
                sim.address()
            );
            self.publish(
                &name,
                &json!({"kind": "open", "connection": name, "url": url, "status": 101}),
            );
            while !self.seen.ended
                && let Some(Ok(message)) = soon("a frame", socket.next()).await
            {
                let Message::Binary(frame) = message else {
                    continue;
                };
                self.seen.read(&frame);
                let base64 = STANDARD.encode(&frame);
                self.publish(&name, &json!({"kind": "binary", "direction": "received", "size": frame.len(), "base64": base64}));
                let Ok(push) = PushFrame::read(&frame) else {
                    continue;
                };
                if let Some(cursor) = push.header("im-cursor") {
                    self.cursor = cursor.to_owned();
                }
                let sent =
                    json!({"kind": "binary", "direction": "sent", "size": 2, "base64": "OgA="});
                self.publish(&name, &sent);
            }
            let _ = socket.close(None).await;
            self.publish(&name, &json!({"kind": "close"}));
        }
    }
}

#[tokio::test]
async fn what_a_tap_publishes_is_told_once_over_all_its_connections() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let sim = sim(quick(Site::Douyin, &["drop=30", "doubled-gifts"])).await;
    let hub = TestHub::start().await;
    let url = sim.room_url("r").unwrap();
    let hello = json!({ "group": "room", "url": format!("{url}?from=search") });
    let _page = FakePage::attach_with(&hub, hello).await;
    let page = hub.hub.pages()[0].id.clone();
    let table = SiteTable::shipped();
    let address = table.parse_room(&url).unwrap();
    let source = TabSource::new(
        hub.hub.clone(),
        GroupName::new("room").unwrap(),
        documents(&address).unwrap(),
    );
    let entry = table.get("sim").unwrap().clone();
    let options = WatchOptions {
        connection: RoomOptions {
            after_end: AfterEnd::Stop,
            ..RoomOptions::default()
        },
        journal: Some(JournalOptions {
            path: path.clone(),
            options: pagewire_journal::Options::default(),
        }),
        ..WatchOptions::default()
    };
    let mut tap = Tap {
        hub,
        page,
        connections: 0,
        cursor: String::new(),
        seen: Found::new(Site::Douyin),
    };
    // Sockets that are none of the room's are left alone.
    tap.publish("900-other", &json!({"kind": "open", "connection": "900-other", "url": "ws://other.test/", "status": 101}));
    tap.publish(
        "900-other",
        &json!({"kind": "binary", "direction": "received", "size": 1, "base64": "/w=="}),
    );
    let mut heard = Heard::new(Site::Douyin);
    let room = WatchedRoom { entry, address };
    let watching = watch(
        room,
        Source::Tab(source),
        options,
        &mut heard,
        std::future::pending(),
    );
    let (watched, ()) = tokio::join!(soon("the end", watching), tap.follow(&sim));
    let watched = watched.unwrap();
    heard.found.check(&sim.manifest("r").unwrap());
    assert_eq!(
        (watched.status.state, watched.status.damaged),
        (State::Ended, 0)
    );
    assert!(tap.connections > 1 && watched.status.connections > 1);
    assert_eq!(replayed(&path, Site::Douyin).await.0.events, heard.events);
}

#[test]
fn what_is_tapped_of_a_page_is_what_the_table_says_of_its_site() {
    let table = SiteTable::shipped();
    let room = table.parse_room("https://live.douyin.com/123").unwrap();
    let watched = WatchedRoom {
        entry: table.get("douyin").unwrap().clone(),
        address: room.clone(),
    };
    let rules = tap_rules(&watched).unwrap().rules;
    let sockets = rules
        .iter()
        .filter(|rule| matches!(rule, TapRule::WebSocket(_)));
    // Its socket; polling, how the room is, and the page with and without a query.
    assert_eq!((sockets.count(), rules.len()), (1, 5));
    let documents = documents(&room).unwrap();
    let fits = |url: &str| documents.iter().any(|document| document.matches(url));
    assert!(fits("https://live.douyin.com/123") && fits("https://live.douyin.com/123?from=x"));
    assert!(!fits("https://live.douyin.com/1234"));
}
