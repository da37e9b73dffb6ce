//! The hook as a user comes by it: what `pagewire serve` prints, a page in a browser, and `pagewire tail`.

mod binary;

use http::StatusCode;
use pagewire_testkit::{BrowserPage, Http, Site, chromium, soon};

use self::binary::Serve;

/// What the page itself does: it sends one text and one binary message to a server that sends them back.
const PAGE: &str = r#"
    const socket = new WebSocket("ws://HOST/?key=secret");
    socket.onopen = () => {
        socket.send("hello\nworld");
        socket.send(Uint8Array.of(8, 1, 97));
    };
"#;

#[tokio::test]
async fn the_printed_lines_publish_what_the_page_sends_and_gets_and_tail_shows_it() {
    let Some(chromium) = chromium() else { return };
    let site = Site::start().await;
    let arguments = ["--listen", "127.0.0.1:0", "--echo", "--plain-page"];
    let serve = Serve::start(&[&arguments[..], &[&site.origin]].concat()).await;
    let printed = |name: &str| serve.listening[name].as_str().expect(name).to_owned();
    let (snippet, hook, http) = (printed("snippet"), printed("hook"), printed("http"));
    let host = http.trim_start_matches("http://");
    let page = PAGE.replace("HOST", host);
    site.page(
        "/",
        format!("<!doctype html><script type=module>{snippet};\n{hook};\n{page}</script>"),
    );
    let browser = BrowserPage::open(&chromium, &site.origin);

    let topic = format!("pages/page/sockets/1-{host}");
    let mut tail = binary::command(&["tail", &topic, "--last", "9"]);
    let mut tail = tail.env("PAGEWIRE_HUB", &http).spawn().expect("started");
    let mut lines = binary::lines(tail.stdout.take().expect("piped"));
    let opened = format!("connection 1-{host} opened: ws://{host}/?key=REDACTED in a tab");
    let binary = "  000000  08 01 61                                         ..a";
    for (number, expected) in [
        (1, opened.as_str()),
        (2, "→ text 11 bytes  hello"),
        (0, "  world"),
        (3, "→ binary 3 bytes"),
        (0, binary),
        (4, "← text 11 bytes  hello"),
        (0, "  world"),
        (5, "← binary 3 bytes"),
        (0, binary),
    ] {
        let line = soon("a line", lines.next_line()).await.expect("read");
        let line = line.expect("the stream goes on");
        let shown = match number {
            0 => line.as_str(),
            _ => {
                let (head, rest) = binary::numbered(&line);
                assert_eq!(head, format!("#{number}"));
                rest
            }
        };
        assert_eq!(shown, expected);
    }
    tail.kill().await.expect("ended");
    browser.close().await;
    serve.stop().await;
}

#[tokio::test]
async fn the_printed_userscript_comes_with_a_site_and_the_hook() {
    let serve = Serve::start(&["--listen", "127.0.0.1:0", "--group", "商店"]).await;
    let http = serve.listening["http"].as_str().expect("an address");
    let userscript = serve.listening["userscript"].as_str().expect("an address");
    let path = userscript.strip_prefix(http).expect("the hub's own");
    let client = Http::new(http.to_owned());
    let asked = format!("{path}&match=https://shop.example/*&hook=*");
    let answer = client.get(&asked).await;
    assert_eq!(answer.status, StatusCode::OK);
    let script = answer.text().await;
    for part in [
        "// ==UserScript==\n".to_owned(),
        format!(r#"pagewire.connect({{ url: "{http}", group: "商店", token }});"#),
        r#"pagewire.hook(pw, { url: "*" });"#.into(),
    ] {
        assert!(script.contains(&part), "no {part}");
    }
    serve.stop().await;
}
