//! What people type: `send`, the changes of `pages`, `call` with a key, and what `serve` prints.

use std::process::Stdio;

use futures_util::{SinkExt as _, StreamExt as _};
use pagewire_testkit::{FakePage, Message, TestHub, soon};
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::Hub;
use crate::binary::{Finished, command, run, run_with, serve_words};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A hub that greets nobody, and a client that is attached to it.
async fn hub_and_client() -> (Hub, Socket) {
    let plain = ["--plain-page", "https://shop.example"];
    let hub = Hub::start(&[&plain[..], &["--plain-greeting", "none"]].concat()).await;
    let client = client(&hub).await;
    hub.page_ids(1).await;
    (hub, client)
}

async fn client(hub: &Hub) -> Socket {
    let connected = soon("the connection", connect_async(hub.ws_url())).await;
    connected.expect("let in").0
}

async fn heard(client: &mut Socket) -> Message {
    let message = soon("a message", client.next()).await;
    message.expect("it is open").expect("it is whole")
}

#[tokio::test]
async fn a_page_is_sent_to_by_its_id_or_by_the_group_that_it_is_alone_in() {
    let (hub, mut first) = hub_and_client().await;
    let id = hub.page_ids(1).await.remove(0);
    for (name, text) in [(id.as_str(), "{\"a\": 1.0}"), ("plain-local", "-1")] {
        let sent = hub.run(&["send", name, text]).await;
        assert_eq!((sent.code, sent.stdout.as_str()), (0, ""), "{sent:?}");
        assert_eq!(heard(&mut first).await, Message::text(text));
    }

    let mut second = client(&hub).await;
    let ids = hub.page_ids(2).await;
    let unclear = hub.run(&["send", "plain-local", "x"]).await;
    assert_eq!(unclear.code, 2, "{unclear:?}");
    let words = "group plain-local has 2 pages: name one by its id, such as ";
    assert!(unclear.stderr.contains(words), "{}", unclear.stderr);
    let named = ids.iter().any(|id| unclear.stderr.contains(id.as_str()));
    assert!(named, "{}", unclear.stderr);
    let other = ids.iter().find(|other| **other != id).expect("two pages");
    let sent = hub.run(&["send", other, "for you"]).await;
    assert_eq!(sent.code, 0, "{sent:?}");
    assert_eq!(heard(&mut second).await, Message::text("for you"));

    let unknown = hub.run(&["send", "plain-shop-example", "x"]).await;
    assert_eq!(unknown.code, 5, "{unknown:?}");
    let words = "no page or group plain-shop-example is attached; `pagewire pages`";
    assert!(unknown.stderr.contains(words), "{}", unknown.stderr);
}

#[tokio::test]
async fn the_text_may_come_from_standard_input() {
    let (hub, mut client) = hub_and_client().await;
    let (name, url) = hub.environment();
    let mut send = command(&["send", "plain-local", "-"]);
    let mut send = send
        .stdin(Stdio::piped())
        .env(name, url)
        .spawn()
        .expect("started");
    let mut input = send.stdin.take().expect("piped");
    let text = "第一行\n".repeat(10_000);
    input.write_all(text.as_bytes()).await.expect("written");
    drop(input);
    assert_eq!(heard(&mut client).await, Message::text(text));
    let status = soon("the end", send.wait()).await.expect("ended");
    assert!(status.success());
}

#[tokio::test]
async fn the_next_message_is_printed_and_none_in_time_is_an_exit_code() {
    let (hub, mut client) = hub_and_client().await;
    let ask = ["send", "plain-local", "next", "--wait", "30s"];
    for (options, answer, printed) in [
        (
            &[][..],
            "{\"n\":12345678901234567890}",
            "{\"n\":12345678901234567890}\n",
        ),
        (&[], "再见", "\"再见\"\n"),
        (&["--raw"], "再见", "再见\n"),
        (&["--raw"], "[\"a\"]", "[\"a\"]\n"),
    ] {
        let play = async {
            assert_eq!(heard(&mut client).await, Message::text("next"));
            client.send(Message::text(answer)).await.expect("sent");
        };
        let arguments = [&ask[..], options].concat();
        let (asked, ()) = tokio::join!(hub.run(&arguments), play);
        assert_eq!(
            (asked.code, asked.stdout.as_str()),
            (0, printed),
            "{asked:?}"
        );
    }
    let play = async {
        heard(&mut client).await;
        client
            .send(Message::binary(vec![0, 255]))
            .await
            .expect("sent");
    };
    let (name, url) = hub.environment();
    let asked = async {
        let output = command(&ask).env(name, url).output();
        soon("the end", output).await.expect("started")
    };
    let (asked, ()) = tokio::join!(asked, play);
    assert_eq!(asked.stdout, [0, 255]);

    let silent = hub
        .run(&["send", "plain-local", "x", "--wait", "50ms"])
        .await;
    assert_eq!(silent.code, 4, "{silent:?}");
    assert!(silent.stderr.contains("timeout: "), "{}", silent.stderr);
}

#[tokio::test]
async fn chinese_stands_under_the_error_of_those_who_read_it() {
    let (hub, _client) = hub_and_client().await;
    let (name, url) = hub.environment();
    let send = ["send", "plain-local", "x", "--wait", "50ms"];
    for (lang, chinese) in [("zh_CN.UTF-8", true), ("C", false)] {
        // Set but empty, they leave the word to LANG.
        let environment = [
            (name, url.as_str()),
            ("LC_ALL", ""),
            ("LC_MESSAGES", ""),
            ("LANG", lang),
        ];
        let failed = run_with(&send, &environment).await;
        let lines: Vec<_> = failed.stderr.lines().collect();
        assert!(
            lines[0].starts_with("pagewire: timeout: the page"),
            "{lines:?}"
        );
        assert_eq!(lines.len(), if chinese { 2 } else { 1 }, "{lines:?}");
        assert_eq!(failed.stderr.contains("网页没有在期限内应答"), chinese);
    }
}

async fn against(hub: &TestHub, arguments: &[&str]) -> Finished {
    run_with(arguments, &[("PAGEWIRE_HUB", &hub.http_url())]).await
}

/// The id of a page of group `g` whose `who` answers with its id.
async fn page_that_tells_its_id(hub: &TestHub) -> String {
    let page = FakePage::attach(hub, "g", &["who"]).await;
    let id = page.id.clone();
    let answer = json!(id).to_string();
    tokio::spawn(page.serve(move |_, _| answer.clone()));
    id
}

#[tokio::test]
async fn a_page_is_drained_resumed_and_detached() {
    let hub = TestHub::start().await;
    let drained = page_that_tells_its_id(&hub).await;
    let done = against(&hub, &["pages", "--drain", &drained]).await;
    assert_eq!((done.code, done.stdout.as_str()), (0, ""), "{done:?}");
    let listed = against(&hub, &["pages"]).await;
    assert!(listed.stdout.contains(", draining"), "{}", listed.stdout);
    let refused = against(&hub, &["call", "g/who"]).await;
    assert_eq!(refused.code, 6, "{refused:?}");
    let named = against(&hub, &["call", "g/who", "--page", &drained, "--raw"]).await;
    assert_eq!(named.stdout.trim_end(), drained);

    let done = against(&hub, &["pages", "--resume", &drained]).await;
    assert_eq!(done.code, 0, "{done:?}");
    let called = against(&hub, &["call", "g/who", "--raw"]).await;
    assert_eq!(called.stdout.trim_end(), drained);

    let mut page = FakePage::attach(&hub, "other", &[]).await;
    let done = against(&hub, &["pages", "--detach", &page.id]).await;
    assert_eq!((done.code, done.stdout.as_str()), (0, ""), "{done:?}");
    assert_eq!(page.closed().await.map(|(code, _)| code), Some(4410));

    for change in ["--drain", "--resume", "--detach"] {
        let gone = against(&hub, &["pages", change, &page.id]).await;
        assert_eq!(gone.code, 5, "{change}: {gone:?}");
        assert!(gone.stderr.contains(&page.id), "{}", gone.stderr);
        let both = against(&hub, &["pages", change, "a", "--json", "--drain", "b"]).await;
        assert_eq!(both.code, 2, "{change}: {both:?}");
    }
}

#[tokio::test]
async fn a_plain_page_is_detached_too() {
    let (hub, mut client) = hub_and_client().await;
    let id = hub.page_ids(1).await.remove(0);
    let done = hub.run(&["pages", "--detach", &id]).await;
    assert_eq!(done.code, 0, "{done:?}");
    let Message::Close(Some(close)) = heard(&mut client).await else {
        panic!("not closed")
    };
    assert_eq!(u16::from(close.code), 4410);
    hub.page_ids(0).await;
}

#[tokio::test]
async fn calls_with_the_same_key_ask_the_same_page() {
    let hub = TestHub::start().await;
    for _ in 0..3 {
        page_that_tells_its_id(&hub).await;
    }
    let mut asked = std::collections::HashSet::new();
    for key in 0..12 {
        let key = format!("user {key}&价");
        let call = ["call", "g/who", "--raw", "--key", &key];
        let first = against(&hub, &call).await;
        assert_eq!(first.code, 0, "{first:?}");
        assert_eq!(against(&hub, &call).await.stdout, first.stdout, "{key}");
        asked.insert(first.stdout);
    }
    assert!(asked.len() > 1, "one page for twelve keys");
    let both = against(&hub, &["call", "g/who", "--key", "a", "--page", "b"]).await;
    assert_eq!(both.code, 2, "{both:?}");
}

#[tokio::test]
async fn only_an_idempotent_call_outlives_its_page() {
    for (options, code, printed) in [(&["--idempotent"][..], 0, "2\n"), (&[], 5, "")] {
        let hub = TestHub::start().await;
        let mut first = FakePage::attach(&hub, "g", &["f"]).await;
        let play = async {
            first.next_call("f").await;
            let second = FakePage::attach(&hub, "g", &["f"]).await;
            drop(first);
            tokio::spawn(second.serve(|_, _| "2".into()));
        };
        let call = [&["call", "g/f"], options].concat();
        let (called, ()) = tokio::join!(against(&hub, &call), play);
        assert_eq!(
            (called.code, called.stdout.as_str()),
            (code, printed),
            "{called:?}"
        );
    }
}

#[tokio::test]
async fn serve_says_what_scripts_may_do() {
    let shop = ["--plain-page", "https://shop.example"];
    let two = [&shop[..], &["--plain-page", "http://127.0.0.1:8000"]].concat();
    let words = serve_words(&two).await;
    let plain = words.find("\nA plain WebSocket").expect("its words");
    let plain = &words[plain..];
    let port = plain
        .split_once("ws://127.0.0.1:")
        .and_then(|(_, rest)| rest.split_once(' '))
        .expect("an address")
        .0;
    let hub = format!(" --hub http://127.0.0.1:{port}");
    let expected = format!(
        "
A plain WebSocket, for scripts that know nothing of Pagewire: ws://127.0.0.1:{port} is open to
  programs on this machine
  pages of https://shop.example
  pages of http://127.0.0.1:8000
Each is sent \"lx\" first. What they send is kept in topic plain/HOST.
普通 WebSocket：原有脚本无需改动，直接连接上述地址。
连接后先收到 \"lx\"；发来的消息存入主题 plain/主机名。

  pagewire pages{hub}
  pagewire tail plain/HOST{hub}
  pagewire send plain-HOST TEXT --wait 5s{hub}

Ctrl-C stops the hub.
"
    );
    assert_eq!(plain, expected);

    let echo = serve_words(&["--echo"]).await;
    assert!(
        echo.contains("\nWhat they send is kept in topic plain/HOST and sent back.\n"),
        "{echo}"
    );
    assert!(
        echo.contains("\n发来的消息存入主题 plain/主机名，并原样送回。\n"),
        "{echo}"
    );
    let both = run(&[&["serve", "--require-token"], &shop[..]].concat()).await;
    assert_eq!(both.code, 64, "{both:?}");
    let words = "plain pages cannot show a token";
    assert!(both.stderr.contains(words), "{}", both.stderr);
    let off = serve_words(&[]).await;
    assert!(
        !off.contains("plain") && off.ends_with("\n\nCtrl-C stops the hub.\n"),
        "{off}"
    );
}
