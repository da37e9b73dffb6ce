//! `/bridge.user.js`, read as a userscript manager reads it, and run as one runs it.

mod push;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use http::StatusCode;
use pagewire_hub::HubOptions;
use pagewire_server::{Access, AllowedOrigin, ServerOptions};
use pagewire_testkit::{BrowserPage, Site, TestHub, chromium, need, until};
use serde_json::json;

use crate::push::Push;

/// What the user finds in the marked place, and writes something else for.
const EXAMPLE: &str = r#"pw.expose("title", () => document.title);"#;

/// The metadata block: each key with its values.
fn metadata(script: &str) -> BTreeMap<&str, Vec<&str>> {
    let block = script
        .strip_prefix("// ==UserScript==\n")
        .expect("the block is first");
    let (block, _) = block.split_once("\n// ==/UserScript==\n").expect("its end");
    let mut keys = BTreeMap::<_, Vec<_>>::new();
    for line in block.lines() {
        let line = line.strip_prefix("// @").expect(line);
        assert_eq!(line, line.trim_end());
        let (key, value) = line.split_once(' ').unwrap_or((line, ""));
        keys.entry(key).or_default().push(value.trim_start());
    }
    keys
}

/// The script for these parameters.
async fn script(hub: &TestHub, query: &str) -> String {
    let answer = hub.client().get(&format!("/bridge.user.js?{query}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{query}");
    assert_eq!(
        answer.header("content-type"),
        "text/javascript; charset=utf-8"
    );
    answer.text().await
}

#[tokio::test]
async fn managers_find_all_that_they_want_in_the_metadata_block() {
    let hub = TestHub::start().await;
    let matches = "match=https://shop.example/*&match=*://*.shop.example/cart/*";
    let script = script(&hub, &format!("group=%E5%95%86%E5%BA%97&{matches}")).await;
    let keys = metadata(&script);
    let url = hub.http_url();
    let expected = [
        ("name", vec!["Pagewire 商店"]),
        ("namespace", vec![&url]),
        ("version", vec![env!("CARGO_PKG_VERSION")]),
        (
            "description",
            vec!["Lets programs on your machine call functions of this page (group 商店)"],
        ),
        (
            "description:zh-CN",
            vec!["让本机程序调用此网页的函数（分组 商店）"],
        ),
        (
            "match",
            vec!["https://shop.example/*", "*://*.shop.example/cart/*"],
        ),
        ("run-at", vec!["document-start"]),
        ("early-start", vec![""]),
        ("inject-into", vec!["page"]),
        ("grant", vec!["none"]),
        ("noframes", vec![""]),
        // An update would take what the user wrote.
        ("downloadURL", vec!["none"]),
    ];
    assert_eq!(keys, expected.into_iter().collect());
    // What is to be edited comes before the scripts.
    let place = script.find(EXAMPLE).expect("an example");
    assert!(place < script.find("globalThis.pagewire = ").expect("the bridge"));
    let curl = format!("//   curl -X POST {url}/v1/call/%E5%95%86%E5%BA%97/title\n");
    assert!(script.contains(&curl), "{curl}");
    hub.stop().await;
}

#[tokio::test]
async fn the_hook_comes_only_when_asked_for() {
    let hub = TestHub::start().await;
    let query = "group=shop&match=*://*/*";
    let plain = script(&hub, query).await;
    assert_eq!(metadata(&plain)["match"], ["*://*/*"]);
    assert!(!plain.contains("pagewire.hook("));
    let hook = "hook=wss://push.example.com/*?room=*";
    let hooked = script(&hub, &format!("{query}&{hook}")).await;
    let call = r#"pagewire.hook(pw, { url: "wss://push.example.com/*?room=*" });"#;
    assert!(hooked.contains(call) && hooked.len() > plain.len() + 5_000);
    hub.stop().await;
}

#[tokio::test]
async fn the_address_of_the_documentation_gives_a_script() {
    let document = include_str!("../../../docs/in-page.md");
    let mut lines = document.lines();
    let query = lines.find_map(|line| line.strip_prefix("http://127.0.0.1:9999/bridge.user.js?"));
    let hub = TestHub::start().await;
    let script = script(&hub, query.expect("an address")).await;
    assert_eq!(metadata(&script)["match"], ["https://shop.example/*"]);
    assert!(script.contains("pagewire.hook(pw, { url: "));
    hub.stop().await;
}

#[tokio::test]
async fn what_cannot_stand_in_a_script_is_refused_in_words() {
    let hub = TestHub::start().await;
    for (query, expected) in [
        ("", "group=NAME"),
        ("group=a", "match=https://shop.example/*"),
        ("group=a%0A//%20@grant%20all", "group: "),
        (
            "group=a&match=https://a.example/%0A//%20@grant%20all",
            "match pattern",
        ),
        ("group=a&match=%3Call_urls%3E", "match pattern"),
        ("group=a&hook=%22});alert(1)//", "hook: "),
        ("group=a&scope=b", "unknown parameter"),
        ("group=%FF", "group"),
    ] {
        let answer = hub.client().get(&format!("/bridge.user.js?{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
        let problem = answer.json().await;
        let detail = problem["detail"].as_str().expect("words");
        assert!(detail.contains(expected), "{query}: {problem}");
    }
    hub.stop().await;
}

#[tokio::test]
async fn it_is_open_to_all_and_names_the_hub_as_it_was_asked() {
    let options = ServerOptions {
        access: Access {
            hosts: vec!["hub.local".into()],
            public_url: Some("https://shop.example/hub".parse().expect("an address")),
            require_token: true,
            ..Access::default()
        },
        ..ServerOptions::default()
    };
    let hub = TestHub::with_server(HubOptions::default(), options).await;
    let port = hub.address.rsplit(':').next().expect("a port");
    let own = format!("http://{}", hub.address);
    let public = "https://shop.example/hub";
    for (path, headers, expected) in [
        ("", &[][..], own.as_str()),
        ("", &[("origin", "https://evil.test")], &own),
        ("/hub", &[], &own),
        (
            "",
            &[("host", &*format!("localhost:{port}"))],
            &format!("http://localhost:{port}"),
        ),
        ("", &[("host", "hub.local:81")], "http://hub.local:81"),
        ("", &[("host", "shop.example")], public),
        ("/hub", &[("x-forwarded-for", "203.0.113.7")], public),
    ] {
        let client = headers.iter().fold(hub.client(), |client, (name, value)| {
            client.with(name, value)
        });
        let answer = client
            .get(&format!("{path}/bridge.user.js?group=g&match=*://*/*"))
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{headers:?}");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        let script = answer.text().await;
        let call = format!(r#"pagewire.connect({{ url: "{expected}", group: "g", token }});"#);
        assert!(script.contains(&call), "{headers:?}: no {call}");
        assert_eq!(metadata(&script)["namespace"], [expected]);
    }
    let stranger = hub.client().with("host", "evil.test");
    let refused = stranger.get("/bridge.user.js?group=g&match=*://*/*").await;
    assert_eq!(refused.status, StatusCode::MISDIRECTED_REQUEST);
    hub.stop().await;
}

/// A Chromium that takes an unpacked extension from its command line; Google's own builds do not.
fn extensible_chromium() -> Option<PathBuf> {
    let chromium = chromium()?;
    let version = Command::new(&chromium).arg("--version").output();
    let version = String::from_utf8(version.expect("it runs").stdout).expect("UTF-8");
    let fits = !version.contains("Google Chrome") && !version.contains("Microsoft Edge");
    need(
        "a Chromium that loads extensions (Debian package chromium; Google Chrome does not)",
        fits.then_some(chromium),
    )
}

/// Does for one userscript what a manager does: runs it in the pages that it matches, in the page's own world, before their scripts.
fn install(script: &str, folder: &Path) {
    let keys = metadata(script);
    assert_eq!(
        (&keys["run-at"][..], &keys["grant"][..]),
        (&["document-start"][..], &["none"][..])
    );
    let manifest = json!({
        "manifest_version": 3, "name": keys["name"][0], "version": keys["version"][0],
        "content_scripts": [{
            "matches": keys["match"], "js": ["script.user.js"], "run_at": "document_start",
            "world": "MAIN", "all_frames": !keys.contains_key("noframes"),
        }],
    });
    std::fs::write(folder.join("manifest.json"), manifest.to_string()).expect("written");
    // Managers wrap scripts in a function.
    let wrapped = format!("(function () {{\n{script}\n}}).call(window);");
    std::fs::write(folder.join("script.user.js"), wrapped).expect("written");
}

#[tokio::test]
async fn what_the_user_writes_into_the_script_can_be_called_and_the_pages_sockets_are_told() {
    let Some(chromium) = extensible_chromium() else {
        return;
    };
    let mut site = Site::start().await;
    let access = Access {
        origins: vec![AllowedOrigin {
            origin: site.origin.parse().expect("an origin"),
            free_groups: true,
        }],
        ..Access::default()
    };
    let hub = TestHub::with(HubOptions::default(), access).await;
    let mut push = Push::start().await;
    site.page(
        "/shop/",
        format!(
            "<!doctype html><title>Shop</title><iframe src=/shop/frame></iframe><script>
            const price = (sku) => `${{sku}} costs 5`;
            const socket = new WebSocket({:?});
            const early = JSON.stringify(typeof pagewire);
            socket.onmessage = () => fetch('/report', {{ method: 'POST', body: early }});
        </script>",
            push.url("/live")
        ),
    );
    site.page("/shop/frame", "<title>Frame</title>");
    let query = format!("group=shop&match={}/shop/*&hook=*/live", site.origin);
    let installed = script(&hub, &query).await;
    let edited = installed.replace(EXAMPLE, r#"pw.expose("price", (sku) => price(sku));"#);
    assert_ne!(edited, installed);
    let folder = tempfile::tempdir().expect("a folder");
    install(&edited, folder.path());
    let flags = [
        format!("--load-extension={}", folder.path().display()),
        "--disable-features=DisableLoadExtensionCommandLineSwitch".into(),
    ];
    let flags: Vec<_> = flags.iter().map(String::as_str).collect();
    let url = format!("{}/shop/", site.origin);
    let browser = BrowserPage::open_with(&chromium, &url, &flags);

    let mut connection = push.next().await;
    connection.text("hello").await;
    assert_eq!(
        site.report().await,
        "object",
        "it runs before the page's own script"
    );
    let http = hub.client();
    let pages = until("the page", async || {
        let pages = http.get("/v1/pages").await.json().await;
        (!pages["pages"].as_array()?.is_empty()).then_some(pages)
    })
    .await;
    let pages = pages["pages"].as_array().expect("pages");
    assert_eq!(pages.len(), 1, "frames do not attach: {pages:?}");
    assert_eq!(pages[0]["group"], "shop");
    let called = http.post("/v1/call/shop/price", r#""A-100""#).await;
    assert_eq!(called.json().await, "A-100 costs 5");
    let path = format!("/v1/topics/pages/shop/sockets/1-{}", push.host);
    let values = until("what the socket got", async || {
        let answer = http.get(&path).await.json().await;
        let records = answer["records"].as_array()?.clone();
        (records.len() == 2).then_some(records)
    })
    .await;
    // It was there when the page made the socket.
    assert_eq!(values[0]["value"]["status"], 101, "{values:?}");
    assert_eq!(values[1]["value"]["text"], "hello", "{values:?}");
    browser.close().await;
    hub.stop().await;
}
