//! Pages in a real Chromium: the loop that people paste, and a page with a form.

use pagewire_testkit::{BrowserPage, Site, chromium, soon};
use serde_json::{Value, json};

use crate::binary::{self, command, run};
use crate::{Hub, example_for};

/// How often the loop is asked for the next object.
const ROUNDS: u64 = 30;

/// What the loop answers the `page`th message with.
fn object(page: u64, asked: &str) -> String {
    format!(
        r#"{{"page":{page},"asked":"{asked}","id":"6923456789012345678","items":[{page},{}]}}"#,
        page * 2
    )
}

#[tokio::test]
async fn the_old_loop_hands_out_one_object_for_each_message() {
    let Some(chromium) = chromium() else { return };
    let site = Site::start().await;
    let hub = Hub::start(&["--plain-page", &site.origin]).await;
    site.page("/loop.js", example_for("loop.js", &hub));
    site.page("/", "<!doctype html><script src=\"/loop.js\"></script>");
    let browser = BrowserPage::open(&chromium, &format!("{}/", site.origin));
    let topic = format!("plain/127.0.0.1:{}", site.port());
    let group = format!("plain-127-0-0-1-{}", site.port());

    hub.topic_with(&topic, &object(1, crate::GREETING)).await;
    for page in 2..=ROUNDS {
        let asked = hub.run(&["send", &group, "next", "--wait", "30s"]).await;
        assert_eq!(
            (asked.code, asked.stdout),
            (0, object(page, "next") + "\n"),
            "{}",
            asked.stderr
        );
    }
    assert_eq!(tail(&hub, &topic).await, (1..=ROUNDS).collect::<Vec<_>>());
    browser.close().await;
}

/// The page numbers of the kept values, as `pagewire tail` shows them.
async fn tail(hub: &Hub, topic: &str) -> Vec<u64> {
    let last = ROUNDS.to_string();
    let (name, url) = hub.environment();
    let mut tail = command(&["tail", topic, "--last", &last, "--json"]);
    let mut tail = tail.env(name, url).spawn().expect("started");
    let mut lines = binary::lines(tail.stdout.take().expect("piped"));
    let mut pages = Vec::new();
    for _ in 0..ROUNDS {
        let line = soon("a value", lines.next_line()).await.expect("read");
        let record: Value = serde_json::from_str(&line.expect("a line")).expect("JSON");
        pages.push(record["value"]["page"].as_u64().expect("a number"));
    }
    tail.kill().await.expect("ended");
    pages
}

#[tokio::test]
async fn a_page_of_a_site_that_was_not_named_is_closed_and_the_log_says_what_to_do() {
    let Some(chromium) = chromium() else { return };
    let mut site = Site::start().await;
    let hub = Hub::start(&["--plain-page", "https://shop.example"]).await;
    let report = r#"
        const seen = [];
        ws.onerror = () => seen.push("error");
        ws.onclose = ({ code }) => fetch("/report", { method: "POST", body: JSON.stringify([...seen, code, page]) });"#;
    let script = example_for("loop.js", &hub) + report;
    site.page("/", format!("<!doctype html><script>{script}</script>"));
    let browser = BrowserPage::open(&chromium, &format!("{}/", site.origin));
    assert_eq!(site.report().await, json!(["error", 1006, 0]));
    hub.page_ids(0).await;
    let topics = hub.http.get("/v1/topics").await.text().await;
    assert!(!topics.contains(site.port()), "{topics}");
    browser.close().await;
    let log = hub.serve.stop_and_log().await;
    let advice = format!("start the hub with --plain-page {}", site.origin);
    assert!(log.contains(&advice), "{log}");
}

/// `page.html` that reports what it shows after every change.
fn page(hub: &Hub, report_to: &str, more: &str) -> String {
    let script = format!(
        r#"
        const tell = () => fetch("{report_to}/report", {{ method: "POST", mode: "no-cors", body: JSON.stringify({{
          state: element("state").textContent,
          advice: element("advice").textContent,
          can_send: !element("send").disabled,
          lines: [...element("log").children].map((line) => line.innerText.split("\n").join(" ")),
        }}) }});
        new MutationObserver(tell).observe(document.body, {{ childList: true, subtree: true }});
        {more}
        </script>"#
    );
    example_for("page.html", hub).replace("</script>", &script)
}

async fn report_where(site: &mut Site, is_it: impl Fn(&Value) -> bool) -> Value {
    loop {
        let report = site.report().await;
        if is_it(&report) {
            return report;
        }
    }
}

fn shows(report: &Value, line: &str) -> bool {
    let lines = report["lines"].as_array().expect("a list");
    lines.iter().any(|shown| shown == line)
}

#[tokio::test]
async fn a_page_with_a_form_sends_receives_and_shows_how_it_ends() {
    let Some(chromium) = chromium() else { return };
    let mut site = Site::start().await;
    let hub = Hub::start(&["--plain-page", &site.origin]).await;
    let click = r#"socket.addEventListener("open", () => element("send").click());"#;
    site.page("/", page(&hub, "", click));
    let browser = BrowserPage::open(&chromium, &format!("{}/", site.origin));

    let value = r#"{"n":12345678901234567890}"#;
    let topic = format!("plain/127.0.0.1:{}", site.port());
    hub.topic_with(&topic, &format!(r#""value":{value}"#)).await;
    let ids = hub.page_ids(1).await;
    let sent = hub.run(&["send", &ids[0], "价格 <b>&amp;"]).await;
    assert_eq!(sent.code, 0, "{}", sent.stderr);
    let last = report_where(&mut site, |report| shows(report, "received 价格 <b>&amp;")).await;
    assert!(shows(&last, &format!("sent {value}")), "{last}");
    assert!(shows(&last, "received lx"), "{last}");
    assert_eq!(
        (&last["state"], &last["can_send"]),
        (&json!("open"), &json!(true))
    );

    let (stopped, _) = hub.serve.stop().await;
    assert_eq!(stopped["pages"], 1);
    let closed = report_where(&mut site, |report| report["can_send"] == false).await;
    assert_eq!(
        (&closed["state"], &closed["can_send"], &closed["advice"]),
        (&json!("closed (1001)"), &json!(false), &json!(""))
    );
    browser.close().await;
}

/// Chromium says `null` for files, as it does for sandboxed frames of any site.
#[tokio::test]
async fn a_page_opened_from_disk_is_refused_with_advice() {
    let Some(chromium) = chromium() else { return };
    let mut site = Site::start().await;
    let hub = Hub::start(&["--plain-page", &site.origin]).await;
    let file = tempfile::Builder::new()
        .suffix(".html")
        .tempfile()
        .expect("a file");
    std::fs::write(file.path(), page(&hub, &site.origin, "")).expect("written");
    let url = format!("file://{}", file.path().display());
    let browser = BrowserPage::open(&chromium, &url);
    let closed = report_where(&mut site, |report| report["advice"] != "").await;
    assert_eq!(closed["state"], "closed (1006)");
    let advice = closed["advice"].as_str().expect("a text");
    assert!(advice.contains("serve this one over http"), "{advice}");
    browser.close().await;
    let log = hub.serve.stop_and_log().await;
    assert!(log.contains("Origin: \"null\""), "{log}");
    assert!(log.contains("python3 -m http.server"), "{log}");

    for origin in ["null", "file://"] {
        let refused = run(&["serve", "--plain-page", origin]).await;
        assert_eq!(refused.code, 2, "{}", refused.stderr);
        let words = "cannot be allowed";
        assert!(refused.stderr.contains(words), "{}", refused.stderr);
    }
}
