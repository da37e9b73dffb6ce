//! The page in a real Chromium shows what its room has sent, whatever happens to its connections.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod reader;

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt as _, StreamExt as _};
use pagewire_browser::{Browser, LaunchOptions, Transport};
use pagewire_journal::{
    ConnectionId, Direction, Entry, Frame, FrameKind, JournalWriter, Record, Stamp,
};
use pagewire_live::{Site, made};
use pagewire_sim::{Fault, Options, RoomOptions, Sim, Speed, Status};
use pagewire_testkit::{chromium, soon, until};
use serde_json::{Value, json};

use crate::reader::{quick, sim};

/// A browser with one page, asked through DevTools, as nothing else gets into it.
struct Page {
    browser: Browser,
    transport: Transport,
    session: String,
    last_id: u64,
    /// Errors and warnings of the page.
    complaints: Vec<String>,
}

impl Page {
    async fn open(chromium: &Path, url: &str) -> Self {
        let options = LaunchOptions {
            url: Some("about:blank".to_owned()),
            ..LaunchOptions::new(chromium)
        };
        let (browser, transport) = Browser::launch(&options).unwrap();
        let mut page = Self {
            browser,
            transport,
            session: String::new(),
            last_id: 0,
            complaints: Vec::new(),
        };
        let target = page
            .tell("Target.createTarget", json!({ "url": "about:blank" }))
            .await["targetId"]
            .clone();
        let attached = page
            .tell(
                "Target.attachToTarget",
                json!({ "targetId": target, "flatten": true }),
            )
            .await;
        page.session = attached["sessionId"].as_str().unwrap().to_owned();
        for domain in ["Runtime.enable", "Log.enable", "Page.enable"] {
            page.tell(domain, json!({})).await;
        }
        page.tell("Page.navigate", json!({ "url": url })).await;
        page
    }

    async fn tell(&mut self, method: &str, params: Value) -> Value {
        self.last_id += 1;
        let mut message = json!({ "id": self.last_id, "method": method, "params": params });
        if !self.session.is_empty() {
            message["sessionId"] = json!(self.session);
        }
        self.transport
            .send(message.to_string().into())
            .await
            .unwrap();
        loop {
            let message = soon(method, self.transport.next()).await.unwrap().unwrap();
            let mut message: Value = serde_json::from_slice(&message).unwrap();
            if message["id"] == self.last_id {
                assert_eq!(message.get("error"), None, "{method}");
                return message["result"].take();
            }
            self.hear(&message);
        }
    }

    fn hear(&mut self, message: &Value) {
        let is_complaint = match message["method"].as_str() {
            Some("Runtime.exceptionThrown") => true,
            Some("Log.entryAdded") => message["params"]["entry"]["level"] == "error",
            _ => false,
        };
        if is_complaint {
            self.complaints.push(message["params"].to_string());
        }
    }

    async fn run(&mut self, expression: &str) -> Value {
        let params =
            json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let mut answer = self.tell("Runtime.evaluate", params).await;
        assert_eq!(answer.get("exceptionDetails"), None, "{expression}");
        answer["result"]["value"].take()
    }

    async fn shown(&mut self, id: &str) -> String {
        let text = self
            .run(&format!(
                "document.getElementById('{id}')?.textContent ?? ''"
            ))
            .await;
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until the page says that the broadcast has ended, and all is drawn.
    async fn ended(&mut self) {
        soon("the end of the broadcast", async {
            loop {
                let status = self.shown("status").await;
                assert!(!status.contains("Error"), "{status}");
                if status.contains("ended") {
                    break;
                }
                self.run("new Promise((done) => setTimeout(done, 50))")
                    .await;
            }
        })
        .await;
        self.run("new Promise((done) => setTimeout(done, 300))")
            .await;
    }

    async fn check(&mut self, sim: &Sim) {
        let manifest = sim.manifest("r").unwrap();
        assert_eq!(
            self.shown("messages").await,
            manifest.messages_unique.to_string()
        );
        assert_eq!(
            self.shown("chats").await,
            manifest.by_kind["chat"].to_string()
        );
        assert_eq!(self.shown("gifts").await, manifest.gifts.count.to_string());
        assert_eq!(self.shown("value").await, manifest.gifts.value.to_string());
    }

    /// For people who look at it.
    async fn photograph(&mut self, name: &str) {
        if let Some(folder) = std::env::var_os("PAGEWIRE_SIM_SCREENSHOTS") {
            let wide =
                json!({ "width": 1280, "height": 760, "deviceScaleFactor": 1, "mobile": false });
            self.tell("Emulation.setDeviceMetricsOverride", wide).await;
            let picture = self
                .tell("Page.captureScreenshot", json!({ "format": "png" }))
                .await;
            let bytes = STANDARD.decode(picture["data"].as_str().unwrap()).unwrap();
            std::fs::write(Path::new(&folder).join(name), bytes).unwrap();
        }
    }

    async fn close(self) {
        soon("the end of the browser", self.browser.close()).await;
    }
}

fn at_rate(rate: u32, faults: &[&str]) -> RoomOptions {
    RoomOptions {
        rate,
        ..quick(Site::Douyin, faults)
    }
}

#[tokio::test]
async fn the_page_shows_what_its_room_has_sent() {
    let Some(chromium) = chromium() else { return };
    let heartbeat = std::time::Duration::from_secs(1);
    let options = Options {
        heartbeat,
        rooms: vec![at_rate(300, &[])],
        ..Options::default()
    };
    let sim = Sim::start(options).await.unwrap();
    let mut page = Page::open(&chromium, &sim.room_url("r").unwrap()).await;
    page.ended().await;
    page.check(&sim).await;
    page.photograph("plain.png").await;
    assert_eq!(page.complaints, Vec::<String>::new());
    assert_eq!(
        (
            page.shown("connections").await,
            page.shown("unreadable").await
        ),
        ("1".to_owned(), "0".to_owned())
    );
    let counters = sim.counters("r").unwrap();
    assert!(
        counters.acks_wrong == 0 && counters.acks == counters.frames,
        "{counters:?}"
    );
    assert!(counters.heartbeats >= 1, "{counters:?}");
    page.close().await;
}

#[tokio::test]
async fn the_page_shows_the_same_after_drops_garbage_and_a_move_to_polling() {
    let Some(chromium) = chromium() else { return };
    for faults in [
        &[
            "drop=8",
            "garbage=5",
            "doubled-gifts",
            "missing-ends",
            "reordered=4",
        ][..],
        &["refuse=2", "close=1013/10", "broken=6"],
        &["polling"],
        &["say-close=10", "bomb=9"],
    ] {
        let sim = sim(at_rate(300, faults)).await;
        let mut page = Page::open(&chromium, &sim.room_url("r").unwrap()).await;
        page.ended().await;
        page.check(&sim).await;
        page.photograph(&format!("{}.png", faults[0])).await;
        let counters = sim.counters("r").unwrap();
        let is_polling = faults[0] == "polling";
        assert!(
            counters.opened == 0 && counters.polls > 1 || !is_polling && counters.resumed >= 2,
            "{faults:?} {counters:?}"
        );
        page.close().await;
    }
}

/// Frames that a site sent, 40 ms apart.
fn recorded(path: &Path) {
    let (mut writer, _) =
        JournalWriter::open(path, pagewire_journal::Options::default(), 1).unwrap();
    let at = |ms: u64| Stamp {
        mono_us: ms * 1_000,
        unix_us: 1_767_268_800_000_000 + ms * 1_000,
    };
    let about = Entry {
        at: at(0),
        record: Record::Note(r#"{"format":"douyin","room":"r"}"#),
    };
    writer.append(&[about]).unwrap();
    let frames = made::frames(Site::Douyin, 9, None).unwrap();
    for (ms, payload) in (0..).step_by(40).zip(frames.take(100)) {
        let frame = Frame {
            connection: ConnectionId(1),
            direction: Direction::In,
            kind: FrameKind::Binary,
            payload: &payload,
        };
        let entry = Entry {
            at: at(ms),
            record: Record::Frame(frame),
        };
        writer.append(&[entry]).unwrap();
    }
    writer.close().unwrap();
}

#[tokio::test]
async fn the_page_of_a_recorded_room_shows_what_was_recorded() {
    let Some(chromium) = chromium() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    recorded(&path);
    let room = RoomOptions {
        faults: vec!["drop=15".parse().unwrap(), "doubled-gifts".parse().unwrap()],
        ..RoomOptions::of_journal(&path, Speed::Times(2.0)).unwrap()
    };
    let sim = sim(room).await;
    let mut page = Page::open(&chromium, &sim.room_url("r").unwrap()).await;
    page.ended().await;
    page.check(&sim).await;
    page.photograph("recorded.png").await;
    let manifest = sim.manifest("r").unwrap();
    assert_eq!(manifest.journal.unwrap().frames, 100);
    assert!(manifest.messages_unique > 500 && manifest.gifts.count > 100);
    assert!(sim.counters("r").unwrap().resumed >= 2);
    page.close().await;
}

#[tokio::test]
async fn faults_in_the_address_of_a_page_are_of_its_connections_alone() {
    let Some(chromium) = chromium() else { return };
    let sim = sim(at_rate(300, &[])).await;
    let url = sim.room_url("r").unwrap();
    let mut page = Page::open(
        &chromium,
        &format!("{url}?fault=drop=8&fault=slow-handshake=5"),
    )
    .await;
    page.ended().await;
    page.check(&sim).await;
    let shown: u64 = page.shown("connections").await.parse().unwrap();
    assert!(
        shown > 2 && sim.counters("r").unwrap().opened == shown,
        "{shown}"
    );
    page.close().await;
}

#[tokio::test]
async fn the_page_waits_for_the_broadcast_and_moves_to_polling_when_told() {
    let Some(chromium) = chromium() else { return };
    let sim = sim(RoomOptions {
        status: Status::Waiting,
        ..at_rate(200, &[])
    })
    .await;
    let mut page = Page::open(&chromium, &sim.room_url("r").unwrap()).await;
    let waits = async { while !page.shown("status").await.contains("Not live yet") {} };
    soon("the page waits", waits).await;
    page.photograph("waiting.png").await;
    sim.fault("r", Fault::GoLive).unwrap();
    until("a socket", async || {
        (sim.counters("r").unwrap().frames > 3).then_some(())
    })
    .await;
    sim.fault("r", Fault::Polling).unwrap();
    page.ended().await;
    page.check(&sim).await;
    assert!(sim.counters("r").unwrap().polls > 1);
    page.close().await;
}

#[tokio::test]
async fn nothing_of_the_page_can_be_reached_but_its_signing_function() {
    let Some(chromium) = chromium() else { return };
    let sim = sim(RoomOptions {
        rate: 20,
        messages: None,
        ..quick(Site::Douyin, &[])
    })
    .await;
    let mut page = Page::open(&chromium, &sim.room_url("r").unwrap()).await;
    until("a socket", async || {
        (sim.counters("r").unwrap().frames > 3).then_some(())
    })
    .await;
    // Names of elements are globals too, by HTML; they are what is on the page.
    let own = page.run("(() => { const frame = document.createElement('iframe'); document.body.append(frame); const plain = new Set(Object.getOwnPropertyNames(frame.contentWindow)); frame.remove(); return Object.getOwnPropertyNames(window).filter((name) => !plain.has(name) && !/^[0-9]+$/.test(name)); })()").await;
    assert_eq!(own, json!(["roomSigner"]));
    assert_eq!(
        page.run("Object.keys(window.roomSigner)").await,
        json!(["frontierSign"])
    );
    let stub = "900150983cd24fb0d6963f7d28e17f72";
    let signed = page
        .run(&format!(
            "window.roomSigner.frontierSign({{ 'X-MS-STUB': '{stub}' }})"
        ))
        .await;
    let signature = signed["X-Bogus"].as_str().unwrap();
    assert!(signature.starts_with("PW") && signature.len() == 18);
    // Signed by the page, a program's own socket is let in.
    let url = sim.push_url("r").unwrap();
    let (front, _) = url.split_once("&signature=").unwrap();
    let value = |name: &str| {
        let query = front.split_once('?').unwrap().1;
        query
            .split('&')
            .find_map(|part| part.strip_prefix(&format!("{name}=")).map(str::to_owned))
    };
    let values: Vec<_> = [
        "live_id",
        "aid",
        "version_code",
        "webcast_sdk_version",
        "room_id",
        "did_rule",
        "user_unique_id",
        "device_platform",
        "identity",
    ]
    .map(|name| (name, value(name).unwrap()))
    .into();
    let text = pagewire_sim::signed_text(|name| {
        values
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| &**value)
    });
    let stub = pagewire_sim::stub(&text);
    let signed = page
        .run(&format!(
            "window.roomSigner.frontierSign({{ 'X-MS-STUB': '{stub}' }})"
        ))
        .await;
    let signature = signed["X-Bogus"].as_str().unwrap();
    let mut watcher = reader::Watcher::new(format!("{front}&signature={signature}"));
    assert!(watcher.connect().await.is_some());
    page.close().await;
}
