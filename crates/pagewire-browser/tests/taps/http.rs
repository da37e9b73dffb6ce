//! Bodies of responses, and messages of event streams.

use std::collections::BTreeMap;
use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::StatusCode;
use pagewire_testkit::{Site, chromium, soon};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::reader::{CONTEXTS, Tap, attached, next_tap, page_of, put_contexts};

const JSON_TEXT: &str = "{ \"name\": \"价格\",\n \"n\": 1.0 }";

fn put(site: &Site, path: &str, kind: &str, body: impl Into<bytes::Bytes>) {
    site.answer_with(path, StatusCode::OK, body, &[("content-type", kind)]);
}

fn body(value: &Value) -> Vec<u8> {
    match (&value["text"], &value["base64"]) {
        (Value::String(text), Value::Null) => text.clone().into_bytes(),
        (Value::Null, Value::String(base64)) => BASE64.decode(base64).unwrap(),
        _ => panic!("{value}"),
    }
}

/// The responses of one host, until one of this path came.
async fn until_path(tap: &mut Tap, path: &str) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    loop {
        let value = tap.value().await;
        let url = value["url"].as_str().unwrap_or_default();
        let of = url
            .splitn(4, '/')
            .nth(3)
            .map_or_else(String::new, |path| format!("/{path}"));
        let last = of == path;
        all.insert(of, value);
        if last {
            return all;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_of_all_kinds_of_requests_come_byte_for_byte() {
    let Some(chromium) = chromium() else { return };
    let site = Site::start().await;
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(JSON_TEXT.as_bytes()).unwrap();
    put(&site, "/json", "application/json", JSON_TEXT);
    put(&site, "/bytes", "application/octet-stream", bytes.clone());
    let headers = [
        ("content-type", "application/json"),
        ("content-encoding", "gzip"),
    ];
    site.answer_with("/gzip", StatusCode::OK, gzip.finish().unwrap(), &headers);
    site.answer_with("/from", StatusCode::FOUND, "", &[("location", "/to")]);
    put(&site, "/to", "text/plain", "there");
    site.answer_with(
        "/wrong",
        StatusCode::NOT_FOUND,
        "no such thing",
        &[("content-type", "text/plain")],
    );
    site.answer_with("/nothing", StatusCode::NO_CONTENT, "", &[]);
    put(&site, "/done", "text/plain", "done");
    let page = page_of("(async () => {
        const xhr = (path) => new Promise((resolve) => {
            const xhr = new XMLHttpRequest();
            xhr.open('POST', path);
            xhr.responseType = 'arraybuffer';
            xhr.onload = resolve;
            xhr.send('question');
        });
        await (await fetch('/json')).json();
        await xhr('/bytes');
        for (const path of ['/gzip', '/from', '/wrong', '/nothing', '/done']) await (await fetch(path)).text();
    })()");
    site.page("/", page.clone());
    let mut attached = attached(&chromium, &site.origin, &["http:*"], |_| ()).await;
    let mut tap = next_tap(&mut attached).await;
    let told = until_path(&mut tap, "/done").await;
    for (path, method, status, mime, expected) in [
        // The request of a new tab's first document is made before anybody can listen.
        ("/", json!(null), 200, "text/html", page.as_bytes()),
        (
            "/json",
            json!("GET"),
            200,
            "application/json",
            JSON_TEXT.as_bytes(),
        ),
        (
            "/bytes",
            json!("POST"),
            200,
            "application/octet-stream",
            &bytes,
        ),
        (
            "/gzip",
            json!("GET"),
            200,
            "application/json",
            JSON_TEXT.as_bytes(),
        ),
        ("/to", json!("GET"), 200, "text/plain", b"there"),
        ("/wrong", json!("GET"), 404, "text/plain", b"no such thing"),
        ("/nothing", json!("GET"), 204, "text/html", b""),
    ] {
        let value = &told[path];
        assert!(body(value) == expected, "{value}");
        assert_eq!(
            (&value["method"], &value["status"], &value["mime"]),
            (&method, &status.into(), &mime.into()),
            "{value}"
        );
        assert_eq!(value["size"], expected.len(), "{value}");
    }
    let redirect = &told["/from"];
    assert_eq!(
        (&redirect["status"], &redirect["size"]),
        (&302.into(), &Value::Null),
        "{redirect}"
    );
    attached.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_of_twenty_mebibytes_comes_whole_and_a_failed_request_says_why() {
    let Some(chromium) = chromium() else { return };
    let site = Site::start().await;
    let nobody = Site::start().await.origin.clone();
    let large: Vec<u8> = (0..251).cycle().take(20 << 20).collect();
    put(&site, "/large", "application/octet-stream", large.clone());
    let script = format!(
        "fetch('/large').then((response) => response.arrayBuffer()).then(() => fetch('{nobody}/nobody'));"
    );
    site.page("/", page_of(&script));
    let mut attached = attached(
        &chromium,
        &site.origin,
        &["http:*/large", "http:*/nobody"],
        |_| (),
    )
    .await;
    let mut tap = next_tap(&mut attached).await;
    let mut told = until_path(&mut tap, "/nobody").await;
    if !told.contains_key("/large") {
        // A body that is fetched may come behind what happened later.
        told.extend(until_path(&mut tap, "/large").await);
    }
    assert!(body(&told["/large"]) == large, "{}", told["/large"]["size"]);
    let failed = &told["/nobody"];
    assert_eq!(
        (&failed["error"], &failed["status"]),
        (&"net::ERR_CONNECTION_REFUSED".into(), &Value::Null)
    );
    attached.close().await;
}

const SERVICE_SCRIPT: &str = "worker.js?name=service";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn responses_of_frames_and_workers_are_tapped_too() {
    let Some(chromium) = chromium() else { return };
    let site = Site::start().await;
    put_contexts(
        &site,
        "fetch(`/of/${NAME}`).then((response) => response.text());",
    );
    for context in CONTEXTS {
        put(&site, &format!("/of/{context}"), "text/plain", context);
    }
    let url = format!("{}/?name=page", site.origin);
    let rules = ["http:*/of/*", "http:*/frame*", "http:*/worker.js*"];
    let mut attached = attached(&chromium, &url, &rules, |_| ()).await;
    let (sender, mut values) = mpsc::channel(16);
    // The tab's of two sites, the shared worker's and the service worker's.
    for _ in 0..4 {
        let (mut tap, sender) = (next_tap(&mut attached).await, sender.clone());
        tokio::spawn(async move { while sender.send(tap.value().await).await.is_ok() {} });
    }
    let mut told = BTreeMap::new();
    for _ in 0..9 {
        let value = soon("a response", values.recv()).await.unwrap();
        assert_eq!(value["method"], "GET", "{value}");
        let url = value["url"].as_str().unwrap();
        let path = url.splitn(4, '/').nth(3).unwrap().to_owned();
        // A service worker sometimes begins before it can be listened to: then its script is told without a status or a body.
        let is_late = path == SERVICE_SCRIPT && value["status"].is_null();
        let source = if is_late {
            assert!(value["error"].is_string(), "{value}");
            "fetch(`/of/${NAME}`)".to_owned()
        } else {
            assert_eq!(value["status"], 200, "{value}");
            String::from_utf8(body(&value)).unwrap()
        };
        told.insert(path, source);
    }
    for context in CONTEXTS {
        assert_eq!(
            told.remove(&format!("of/{context}")).as_deref(),
            Some(context)
        );
    }
    let scripts: Vec<_> = told.keys().map(String::as_str).collect();
    assert_eq!(
        scripts,
        [
            "frame?name=iframe",
            SERVICE_SCRIPT,
            "worker.js?name=shared",
            "worker.js?name=worker"
        ]
    );
    for source in told.values() {
        assert!(source.contains("fetch(`/of/${NAME}`)"), "{source}");
    }
    attached.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_to_another_origin_is_told_once_though_the_browser_asks_first() {
    let Some(chromium) = chromium() else { return };
    let site = Site::start().await;
    let headers = [
        ("access-control-allow-origin", "*"),
        ("access-control-allow-headers", "x-token"),
        ("content-type", "text/plain"),
    ];
    site.answer_with("/there", StatusCode::OK, "allowed", &headers);
    let other = site.origin.replace("127.0.0.1", "localhost");
    let ask = format!(
        "fetch('{other}/there', {{ headers: {{ 'x-token': '1' }} }}).then((answer) => answer.text())"
    );
    site.page("/", page_of(&format!("{ask}.then(() => {ask})")));
    let mut attached = attached(&chromium, &site.origin, &["http:*/there"], |_| ()).await;
    let mut tap = next_tap(&mut attached).await;
    for _ in 0..2 {
        let value = tap.value().await;
        assert_eq!(
            (&value["method"], &value["text"]),
            (&"GET".into(), &"allowed".into()),
            "{value}"
        );
    }
    attached.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_of_an_event_stream_come_one_by_one() {
    let Some(chromium) = chromium() else { return };
    let mut site = Site::start().await;
    let events = "retry: 60000\ndata: first\n\nevent: price\nid: 7\ndata: {\"价\":\ndata: 1}\n\n";
    put(&site, "/events", "text/event-stream", events);
    site.page(
        "/",
        page_of(
            "
        const source = new EventSource('/events');
        source.onerror = () => { source.close(); report('closed'); };
    ",
        ),
    );
    let mut attached = attached(&chromium, &site.origin, &["http:*/events"], |_| ()).await;
    let mut tap = next_tap(&mut attached).await;
    let mut told = Vec::new();
    for _ in 0..2 {
        let value = tap.value().await;
        told.push((
            value["kind"].clone(),
            value["event"].clone(),
            value["text"].clone(),
        ));
    }
    let expected = [("message", "first"), ("price", "{\"价\":\n1}")];
    assert_eq!(
        told,
        expected.map(|(event, text)| (json!("event"), json!(event), json!(text)))
    );
    assert_eq!(site.report().await, "closed");
    let end = tap.value().await;
    assert_eq!(
        (&end["kind"], &end["status"], &end["mime"]),
        (&"response".into(), &200.into(), &"text/event-stream".into()),
        "{end}"
    );
    attached.close().await;
}
