//! `pagewire attach` and the hub that its pages go to: its own, one that runs, one that comes back.
#![cfg(unix)]

mod binary;

use std::path::PathBuf;

use http::StatusCode;
use pagewire_hub::HubOptions;
use pagewire_server::{Access, Secret, Token};
use pagewire_testkit::{Feed, Http, Kinds, Site, TestHub, chromium, soon, until};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout};

use self::binary::{Serve, command, interrupt, run};

/// What a page has that keeps all to itself, and what becomes of it.
const PAGE: &str = "<!doctype html><title>Shop</title><script>
globalThis.app = {
	add: (a, b) => a + b,
	async *count(n) { for (let i = 0; i < n; i += 1) yield i; },
	twice: (bytes) => new Uint8Array([...bytes, ...bytes]),
	wait: () => new Promise(() => {}),
};
new WebSocket(location.origin.replace('http', 'ws') + '/ws');
</script>";

fn feed() -> Feed {
    Feed {
        count: 500,
        kinds: Kinds::Text,
        ..Feed::default()
    }
}

/// `pagewire attach --json` to one page of a site, which has a socket.
struct Attach {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    site: Site,
    /// What its first line tells.
    hub: Value,
    /// Lines that came before one that was waited for.
    passed: Vec<Value>,
}

impl Attach {
    async fn start(chromium: &PathBuf, arguments: &[&str]) -> Self {
        let site = Site::start().await;
        site.feed("/ws", feed());
        site.page("/", PAGE);
        let mut all = vec!["attach", &site.origin, "--json", "--headless"];
        all.extend(["--expose", "add=app.add", "--expose", "count=app.count"]);
        all.extend(["--expose", "twice=app.twice", "--expose", "wait=app.wait"]);
        all.extend(["--tap", "ws:*"]);
        all.extend(arguments);
        let mut child = command(&all)
            .env("PAGEWIRE_CHROMIUM", chromium)
            .spawn()
            .expect("started");
        let stdout = child.stdout.take().expect("piped");
        let mut attach = Self {
            child,
            lines: BufReader::new(stdout).lines(),
            site,
            hub: Value::Null,
            passed: Vec::new(),
        };
        attach.hub = attach.until("hub").await;
        attach
    }

    /// The next line of one kind. Lines of different kinds may come in any order.
    async fn until(&mut self, event: &str) -> Value {
        let mut passed = self.passed.iter();
        if let Some(at) = passed.position(|line| line["event"] == event) {
            return self.passed.remove(at);
        }
        loop {
            let line = soon(event, self.lines.next_line()).await.expect("read");
            let line: Value = serde_json::from_str(&line.expect(event)).expect("JSON");
            if line["event"] == event {
                return line;
            }
            self.passed.push(line);
        }
    }

    /// Ends as Ctrl-C ends it.
    async fn end(mut self) {
        interrupt(&self.child);
        let status = soon("the end", self.child.wait()).await.expect("ended");
        assert_eq!(status.code(), Some(0));
    }
}

/// All that the page can do, through the hub.
async fn check_page(http: &Http, attach: &mut Attach) {
    let page = attach.until("attached").await["page"].clone();
    let topic = attach.until("tap").await["topic"].clone();
    assert_eq!(
        http.post("/v1/call/page/add", "[1,2]").await.json().await,
        3
    );
    let counted = http.post("/v1/call/page/count", "[3]").await.text().await;
    assert_eq!(counted, "0\n1\n2\n");
    let bytes = http
        .with("content-type", "application/octet-stream")
        .post("/v1/call/page/twice", &b"\x00\xff"[..])
        .await;
    assert_eq!(&bytes.bytes().await[..], b"\x00\xff\x00\xff");
    let late = http.post("/v1/call/page/wait?timeout=100ms", "").await;
    assert_eq!(late.status, StatusCode::GATEWAY_TIMEOUT);
    let topic = topic.as_str().expect("a topic");
    assert!(
        topic.starts_with(&format!("taps/{}/1-", page.as_str().expect("a page"))),
        "{topic}"
    );
    // Which is the opening of the socket, and its frames.
    let values = feed().count + 1;
    let all = until("all frames", async || {
        let path = format!("/v1/topics/{topic}?last={values}");
        let kept = http.get(&path).await.json().await;
        let records = kept["records"].as_array().expect("records").clone();
        (records.len() as u64 == values).then_some(records)
    })
    .await;
    for (number, record) in (0..).zip(&all[1..]) {
        let (_, payload) = feed().message(number);
        let text = std::str::from_utf8(&payload).expect("text");
        assert_eq!(record["value"]["text"], text);
    }
    let pages = http.get("/v1/pages").await.json().await;
    let told = &pages["pages"][0];
    assert_eq!(
        (
            &told["id"],
            &told["carrier"],
            &told["kind"],
            &told["origin"]
        ),
        (
            &page,
            &json!("cdp"),
            &json!("tab"),
            &json!(attach.site.origin)
        ),
    );
}

#[tokio::test]
async fn without_a_hub_it_runs_its_own() {
    let Some(chromium) = chromium() else { return };
    let mut attach = Attach::start(&chromium, &["--listen", "127.0.0.1:0"]).await;
    assert_eq!(attach.hub["own"], true);
    let http = Http::new(attach.hub["http"].as_str().expect("an address").to_owned());
    check_page(&http, &mut attach).await;
    attach.end().await;
}

#[tokio::test]
async fn a_hub_that_runs_gets_the_pages_and_the_taps() {
    let Some(chromium) = chromium() else { return };
    let hub = TestHub::start().await;
    let mut attach = Attach::start(&chromium, &["--hub", &hub.http_url()]).await;
    assert_eq!(attach.hub["own"], false);
    check_page(&hub.client(), &mut attach).await;
    // Its pages go with it.
    let waiting = tokio::spawn({
        let http = hub.client();
        async move { http.post("/v1/call/page/wait", "").await.json().await }
    });
    until("the call", async || {
        let pages = hub.hub.pages();
        (pages[0].calls.in_flight == 1).then_some(())
    })
    .await;
    attach.end().await;
    let ended = soon("the end of the call", waiting).await.expect("ended");
    assert_eq!(ended["code"], "page_gone", "{ended}");
    until("no page", async || hub.hub.pages().is_empty().then_some(())).await;
}

#[tokio::test]
async fn a_hub_that_comes_back_gets_the_same_pages_again() {
    let Some(chromium) = chromium() else { return };
    let serve = Serve::start(&["--listen", "127.0.0.1:0"]).await;
    let address = serve.listening["http"].as_str().expect("an address");
    let address = address.to_owned();
    let mut attach = Attach::start(&chromium, &["--hub", &address]).await;
    let first = attach.until("attached").await;
    serve.stop().await;
    attach.until("left").await;
    let listen = address.trim_start_matches("http://");
    let serve = Serve::start(&["--listen", listen]).await;
    let second = attach.until("attached").await;
    assert_eq!(first["page"], second["page"]);
    assert!(second["epoch"].as_u64() > first["epoch"].as_u64());
    let http = Http::new(address.clone());
    assert_eq!(
        http.post("/v1/call/page/add", "[1,2]").await.json().await,
        3
    );
    attach.end().await;
    serve.stop().await;
}

fn token(scopes: Value) -> Token {
    Token {
        name: "attach".into(),
        secret: Secret::random(),
        scopes: serde_json::from_value(scopes).expect("scopes"),
    }
}

#[tokio::test]
async fn a_hub_that_wants_tokens_takes_those_that_may_attach() {
    let Some(chromium) = chromium() else { return };
    let good = token(json!([
        "attach:page",
        "publish:taps/*",
        "call:page/*",
        "subscribe:*"
    ]));
    let other_group = token(json!(["attach:other"]));
    let access = Access {
        tokens: vec![good.clone(), other_group.clone()],
        require_token: true,
        ..Access::default()
    };
    let hub = TestHub::with(HubOptions::default(), access).await;
    let url = hub.http_url();
    let secret = good.secret.reveal().to_owned();
    let mut attach = Attach::start(&chromium, &["--hub", &url, "--hub-token", &secret]).await;
    let bearer = format!("Bearer {secret}");
    let http = hub.client().with("authorization", &bearer);
    attach.until("attached").await;
    let topic = attach.until("tap").await;
    let path = format!(
        "/v1/topics/{}?last=1",
        topic["topic"].as_str().expect("a topic")
    );
    until("a frame", async || {
        let kept = http.get(&path).await;
        (kept.status == StatusCode::OK).then_some(())
    })
    .await;
    assert_eq!(
        http.post("/v1/call/page/add", "[1,2]").await.json().await,
        3
    );
    attach.end().await;
    let secret = other_group.secret.reveal();
    let mut attach = Attach::start(&chromium, &["--hub", &url, "--hub-token", secret]).await;
    let told = attach.until("problem").await;
    let text = told["text"].as_str().expect("a text");
    assert!(text.contains("attach:page"), "{text}");
    attach.end().await;
}

#[tokio::test]
async fn a_hub_that_was_named_and_is_not_there_is_told() {
    let ended = run(&[
        "attach",
        "https://shop.example",
        "--hub",
        "http://127.0.0.1:1",
    ])
    .await;
    assert_eq!(ended.code, 1);
    assert!(
        ended
            .stderr
            .contains("no hub answers at http://127.0.0.1:1")
            && ended.stderr.contains("pagewire serve"),
        "{}",
        ended.stderr
    );
}
