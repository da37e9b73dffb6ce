//! What the commands show of pages that somebody attached from outside: notes, taps, frames, and why a call has no answer.

mod binary;

use pagewire_testkit::{FakePage, TestHub, soon, until};
use serde_json::json;

use self::binary::{Finished, run_with};

async fn against(hub: &TestHub, arguments: &[&str]) -> Finished {
    run_with(arguments, &[("PAGEWIRE_HUB", &hub.http_url())]).await
}

async fn publish(hub: &TestHub, topic: &str, value: &serde_json::Value) {
    let published = against(hub, &["publish", topic, &value.to_string()]).await;
    assert_eq!(published.code, 0, "{}", published.stderr);
}

#[tokio::test]
async fn pages_are_shown_with_notes_and_taps() {
    let hub = TestHub::start().await;
    let hello = json!({"group": "shop", "kind": "service_worker", "url": "https://shop.example/\nfaked", "functions": [{"name": "price"}]});
    let mut page = FakePage::attach_with(&hub, hello).await;
    let notes = json!([{"code": "paused", "text": "paused in the debugger\nat app.js:10", "blocks": true}, {"code": "csp"}]);
    let message = json!({"jsonrpc": "2.0", "method": "$/notes", "params": {"notes": notes}});
    page.send(&message.to_string()).await;
    let topic = format!("taps/{}/1-push.example.com", page.id);
    publish(&hub, &topic, &json!({"kind": "text"})).await;
    let shown = until("the notes", async || {
        let shown = against(&hub, &["pages"]).await.stdout;
        shown.contains("csp").then_some(shown)
    })
    .await;
    let lines: Vec<_> = shown.lines().collect();
    let head = format!("shop  {}  epoch 1  ws service_worker  0 in flight", page.id);
    assert!(lines[0].starts_with(&head), "{shown}");
    assert_eq!(
        lines[1..],
        [
            "  https://shop.example/ faked".to_owned(),
            "  ! paused in the debugger at app.js:10 (keeps it from answering)".into(),
            "  ! csp".into(),
            format!("  ~ {topic}  1 frame, 143 bytes kept"),
            "    shop/price(…)".into(),
        ]
    );
    let told = against(&hub, &["doctor"]).await;
    assert!(
        told.stdout.contains("paused in the debugger at app.js:10") && told.stdout.contains("(F8)"),
        "{}",
        told.stdout
    );
    assert_eq!(told.code, 1, "a page that cannot answer is bad");
}

#[tokio::test]
async fn frames_are_followed_readably() {
    let hub = TestHub::start().await;
    let topic = "taps/p_1/1-push.example.com";
    let (at_us, time_ms) = (1, 1_795_212_345_678_u64);
    for value in [
        json!({"kind": "open", "connection": "1-push.example.com", "url": "wss://push.example.com/live", "at_us": at_us, "time_ms": time_ms, "target": "tab", "status": 101}),
        json!({"kind": "text", "direction": "sent", "size": 5, "at_us": at_us, "time_ms": time_ms, "text": "hello"}),
        json!({"kind": "binary", "direction": "received", "size": 3, "at_us": at_us, "time_ms": time_ms, "base64": "CAFh"}),
        json!({"kind": "close", "at_us": at_us, "time_ms": time_ms, "code": 1000, "reason": ""}),
    ] {
        publish(&hub, topic, &value).await;
    }
    let mut tail = binary::command(&["tail", topic, "--last", "9"]);
    let mut tail = tail
        .env("PAGEWIRE_HUB", hub.http_url())
        .spawn()
        .expect("started");
    let mut lines = binary::lines(tail.stdout.take().expect("piped"));
    for expected in [
        "#1 22:05:45.678 connection 1-push.example.com opened: wss://push.example.com/live in a tab",
        "#2 22:05:45.678 → text 5 bytes  hello",
        "#3 22:05:45.678 ← binary 3 bytes",
        "  000000  08 01 61                                         ..a",
        "#4 22:05:45.678 the connection closed with 1000 (normal closure)",
    ] {
        let line = soon("a line", lines.next_line()).await.expect("read");
        assert_eq!(line.as_deref(), Some(expected));
    }
    tail.kill().await.expect("ended");
}

#[tokio::test]
async fn a_call_without_an_answer_says_why() {
    let hub = TestHub::start().await;
    let mut page = FakePage::attach(&hub, "shop", &["price"]).await;
    let missed = against(&hub, &["call", "shop/prise"]).await;
    assert_eq!(missed.code, 5);
    assert!(
        missed.stderr.contains("did you mean price?"),
        "{}",
        missed.stderr
    );
    let late = against(&hub, &["call", "shop/price", "--timeout", "800ms"]).await;
    assert_eq!(late.code, 4);
    assert!(
        late.stderr.contains("its JavaScript has not run for 0."),
        "{}",
        late.stderr
    );
    page.send(
        r#"{"jsonrpc":"2.0","method":"$/bye","params":{"reason":"the page\u001b[2J navigated"}}"#,
    )
    .await;
    page.closed().await;
    until("the page is out", async || {
        (hub.hub.counts().pages == 0).then_some(())
    })
    .await;
    let gone = against(&hub, &["call", "shop/price"]).await;
    assert_eq!(gone.code, 5);
    assert!(
        gone.stderr.contains("its last page left")
            && gone.stderr.contains(r"the page\u{1b}[2J navigated"),
        "{}",
        gone.stderr
    );
}
