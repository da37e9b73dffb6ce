//! The examples of `docs/in-page.md`, as they stand there.

mod push;

use pagewire_hub::HubOptions;
use pagewire_server::{Access, AllowedOrigin};
use pagewire_testkit::{BrowserPage, Site, TestHub, chromium, until};

use crate::push::Push;

/// What the page itself does.
const PAGE: &str = r#"
    const socket = new WebSocket("wss://push.example.com/live");
    socket.onmessage = (event) => { document.title = event.data; };
"#;

/// The blocks of this language, in their order.
fn blocks(language: &str) -> Vec<&'static str> {
    let document = include_str!("../../../docs/in-page.md");
    let begin = format!("\n```{language}\n");
    let blocks = document.split(begin.as_str()).skip(1);
    blocks
        .map(|rest| rest.split("\n```").next().expect("an end"))
        .collect()
}

#[tokio::test]
async fn the_examples_of_the_documentation_work() {
    let Some(chromium) = chromium() else { return };
    let [pasted] = blocks("js")[..] else {
        panic!("one")
    };
    let [classic, modules] = blocks("html")[..] else {
        panic!("two")
    };
    let own = format!("<script type=module>{PAGE}</script>");
    for (example, group) in [
        // Whoever pastes has a page before them that runs.
        (
            format!("<script type=module>{PAGE}{pasted}</script>"),
            "page",
        ),
        (format!("{classic}{own}"), "shop"),
        (format!("{modules}{own}"), "shop"),
    ] {
        check(&chromium, &example, group).await;
    }
}

/// The page's socket gets messages until one of them is told.
async fn check(chromium: &std::path::Path, example: &str, group: &str) {
    let site = Site::start().await;
    let access = Access {
        origins: vec![AllowedOrigin {
            origin: site.origin.parse().expect("an origin"),
            free_groups: true,
        }],
        ..Access::default()
    };
    let hub = TestHub::with(HubOptions::default(), access).await;
    let mut push = Push::start().await;
    let html = example
        .replace("http://127.0.0.1:9999", &hub.http_url())
        .replace("wss://push.example.com/", &push.url("/"));
    assert!(html.contains(&hub.address) && html.matches(&push.host).count() == 2);
    site.page("/", html);
    let browser = BrowserPage::open(chromium, &site.origin);
    let mut connection = push.next().await;
    let path = format!("/v1/topics/pages/{group}/sockets/1-{}", push.host);
    let http = hub.client();
    // When the pasted lines have run, only the topic tells.
    let values = until("a message", async || {
        connection.text("hello").await;
        let answer = http.get(&path).await.json().await;
        let records = answer["records"].as_array()?.clone();
        (records.len() >= 2).then_some(records)
    })
    .await;
    assert_eq!(values[0]["value"]["kind"], "open", "{example}");
    assert_eq!(values[1]["value"]["text"], "hello", "{example}");
    browser.close().await;
    hub.stop().await;
}
