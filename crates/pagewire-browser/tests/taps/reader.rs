//! Reading the topics of taps, and pages that open sockets.

use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use pagewire_browser::{AttachOptions, Report, WantedPage};
use pagewire_cdp::{Secrets, TapRules};
use pagewire_hub::{Notice, Record, SlowReader, Start, Subscription};
use pagewire_rpc::{Payload, TopicName};
use pagewire_testkit::{Attached, Carried, MessageKind, Site, TestHub, soon};
use serde::Deserialize;
use serde_json::Value;

/// Opens sockets and says how they ended.
const RUN_JS: &str = r#"
const message = (index, size) => {
	if (index % 2) return Uint8Array.from({ length: size }, (_, at) => index + at * 7);
	return `${index} "价🦀\\\n`.padEnd(size, "é").slice(0, size);
};
const run = (path, { count = 0, size = 64, binaryType = "blob" } = {}) => new Promise((resolve) => {
	const socket = new WebSocket(new URL(path, location.origin.replace("http", "ws")));
	socket.binaryType = binaryType;
	let seen = 0;
	socket.onopen = () => { for (let index = 0; index < count; index += 1) socket.send(message(index, size)); };
	socket.onmessage = () => { seen += 1; };
	socket.onclose = ({ code, reason, wasClean }) => resolve({ path, seen, code, reason, wasClean });
});
const report = (value) => fetch("/report", { method: "POST", mode: "no-cors", body: JSON.stringify(value) });
"#;

/// A page that runs this after [`RUN_JS`].
pub(crate) fn page_of(script: &str) -> String {
    format!("<!doctype html><title>taps</title><script>{RUN_JS}\n{script}</script>")
}

pub(crate) const CONTEXTS: [&str; 5] = ["page", "iframe", "worker", "shared", "service"];

/// A page whose iframe is of another site, and whose workers each run `run`, as does it: `NAME` is the context there.
pub(crate) fn put_contexts(site: &Site, run: &str) {
    let run = format!("const NAME = new URLSearchParams(location.search).get('name'); {run}");
    let workers =
        "new Worker('/worker.js?name=worker'); new SharedWorker('/worker.js?name=shared');
        navigator.serviceWorker.register('/worker.js?name=service');";
    let other = site.origin.replace("127.0.0.1", "localhost");
    let frame = format!("<iframe src='{other}/frame?name=iframe'></iframe>");
    site.page("/", page_of(&format!("{run}\n{workers}")) + &frame);
    site.page("/frame", page_of(&run));
    site.page("/worker.js", format!("{RUN_JS}{run}"));
}

/// A browser that shows an address and taps.
pub(crate) async fn attached(
    chromium: &Path,
    url: &str,
    taps: &[&str],
    adjust: impl FnOnce(&mut AttachOptions),
) -> Attached {
    Attached::start(chromium, |options| {
        options.pages = vec![WantedPage::new(url)];
        options.taps = Arc::new(rules(taps));
        adjust(options);
    })
    .await
}

pub(crate) fn rules(taps: &[&str]) -> TapRules {
    TapRules {
        rules: taps.iter().map(|tap| tap.parse().unwrap()).collect(),
        keep_secrets: Secrets::Redact,
    }
}

/// The topic of the next connection that is tapped.
pub(crate) async fn next_tap(attached: &mut Attached) -> Tap {
    let topic = attached.report("a tap", |report| {
        let Report::TapOpened { topic } = report else {
            return None;
        };
        Some(topic)
    });
    let topic = topic.await;
    Tap::follow(&attached.hub, topic)
}

/// A reader of one connection, from its first value.
#[derive(Debug)]
pub(crate) struct Tap {
    pub(crate) topic: TopicName,
    subscription: Subscription,
    pub(crate) seen: Seen,
}

/// What a tap has told so far.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) open: Value,
    pub(crate) received: Carried,
    pub(crate) sent: Carried,
    /// Errors, and the close.
    pub(crate) ends: Vec<Value>,
    /// Between the browser and the hub.
    pub(crate) delay_ms_max: u64,
    at_us: u64,
}

#[derive(Deserialize)]
struct Frame {
    kind: String,
    direction: String,
    size: u64,
    at_us: u64,
    time_ms: u64,
    text: Option<String>,
    base64: Option<String>,
}

impl Tap {
    pub(crate) fn follow(hub: &TestHub, topic: TopicName) -> Self {
        let topics = hub.hub.topics();
        let subscription = topics
            .subscribe(&topic, &Start::Last(u64::MAX), SlowReader::Disconnect)
            .unwrap();
        Self {
            topic,
            subscription,
            seen: Seen::default(),
        }
    }

    /// The topic beside this one.
    pub(crate) fn beside(&self, hub: &TestHub, name: &str) -> Self {
        Self::follow(hub, self.topic.below(name).unwrap())
    }

    /// The next value as it is, that is not counted.
    pub(crate) async fn value(&mut self) -> Value {
        let record = self.record().await;
        serde_json::from_str(json(&record)).unwrap()
    }

    async fn record(&mut self) -> Arc<Record> {
        match soon("a value of a tap", self.subscription.next()).await {
            Some(Notice::Value(record)) => record,
            lost => panic!("{}: {lost:?} after {:?}", self.topic, self.seen),
        }
    }

    /// Reads until the connection is closed.
    pub(crate) async fn until_close(mut self) -> Seen {
        while self
            .seen
            .ends
            .last()
            .is_none_or(|end| end["kind"] != "close")
        {
            let record = self.record().await;
            self.seen.add(&record);
        }
        self.seen
    }
}

impl Seen {
    fn add(&mut self, record: &Record) {
        self.take(json(record), record.time_ms);
    }

    pub(crate) fn take(&mut self, json: &str, at_hub_ms: u64) {
        let Ok(frame) = serde_json::from_str::<Frame>(json) else {
            let value: Value = serde_json::from_str(json).unwrap();
            match value["kind"].as_str() {
                Some("open") => self.open = value,
                _ => self.ends.push(value),
            }
            return;
        };
        let (kind, payload) = match (frame.text, frame.base64) {
            (Some(text), None) => (MessageKind::Text, text.into_bytes()),
            (None, Some(base64)) => (MessageKind::Binary, BASE64.decode(base64).unwrap()),
            both => panic!("{both:?}"),
        };
        assert_eq!(frame.size, payload.len() as u64);
        assert_eq!(frame.kind == "text", kind == MessageKind::Text);
        assert!(frame.at_us >= self.at_us, "time goes back");
        self.at_us = frame.at_us;
        let delay_ms = at_hub_ms.saturating_sub(frame.time_ms);
        self.delay_ms_max = self.delay_ms_max.max(delay_ms);
        match frame.direction.as_str() {
            "received" => self.received.add(kind, &payload),
            "sent" => self.sent.add(kind, &payload),
            other => panic!("{other}"),
        }
    }

    pub(crate) fn path(&self) -> String {
        let url = self.open["url"].as_str().unwrap_or_default();
        url.splitn(4, '/')
            .nth(3)
            .map_or_else(String::new, |path| format!("/{path}"))
    }
}

fn json(record: &Record) -> &str {
    match &record.value {
        Payload::Json(json) => std::str::from_utf8(json.as_bytes()).unwrap(),
        other => panic!("{other:?}"),
    }
}
