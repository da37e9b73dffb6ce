//! Connecting to a browser that runs: a real Chromium where it answers, a stand-in where it refuses.

mod devtools;

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use pagewire_browser::{ConnectError, Endpoint, Stage, UrlFault, connect};
use pagewire_testkit::{PATIENCE, soon};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

#[cfg(unix)]
mod running {
    use pagewire_browser::{Browser, LaunchOptions, Transport};
    use pagewire_testkit::{chromium, until};
    use serde_json::json;

    use super::devtools::{command, evaluate, open_page, raw_answer_to, the_end};
    use super::*;

    /// A browser with a debugging port, what that is, and the path of its WebSocket.
    async fn with_port() -> Option<(Browser, Transport, u16, String)> {
        let options = LaunchOptions {
            flags: vec!["--remote-debugging-port=0".to_owned()],
            ..LaunchOptions::new(chromium()?)
        };
        let (browser, transport) = Browser::launch(&options).expect("Chromium starts");
        let file = browser.profile().join("DevToolsActivePort");
        let said = until("the port", async || {
            let text = std::fs::read_to_string(&file).ok()?;
            let (port, path) = text.split_once('\n')?;
            Some((port.parse().ok()?, path.to_owned()))
        });
        let (port, path) = said.await;
        Some((browser, transport, port, path))
    }

    #[tokio::test]
    async fn a_running_browser_is_reached_by_port_by_web_socket_and_by_folder() {
        let Some((browser, _pipe, port, path)) = with_port().await else {
            return;
        };
        let endpoints = [
            Endpoint::port(port),
            Endpoint::WebSocket(format!("ws://127.0.0.1:{port}{path}")),
            // Chromium refuses names of hosts, so it must not get this one.
            Endpoint::WebSocket(format!("ws://localhost:{port}{path}")),
            Endpoint::ActivePort(browser.profile().to_owned()),
        ];
        for endpoint in endpoints {
            let mut transport = connect(&endpoint, PATIENCE).await.unwrap();
            let version = command(&mut transport, "Browser.getVersion", json!({})).await;
            let product = version["result"]["product"].as_str().unwrap();
            assert!(product.contains("Chrome/"), "{endpoint}: {version}");
        }
        let mut transport = connect(&Endpoint::port(port), PATIENCE).await.unwrap();
        let session = open_page(&mut transport, "about:blank").await;
        assert_eq!(evaluate(&mut transport, &session, "6 * 7").await, 42);
        drop(transport);
        assert!(
            connect(&Endpoint::port(port), PATIENCE).await.is_ok(),
            "it goes on without us"
        );
        let folder = browser.profile().to_owned();
        let mut transport = connect(&Endpoint::port(port), PATIENCE).await.unwrap();
        soon("the end of the browser", browser.close()).await;
        the_end(&mut transport).await;
        assert!(matches!(
            connect(&Endpoint::ActivePort(folder), PATIENCE).await,
            Err(ConnectError::NoActivePort { .. })
        ));
    }

    #[tokio::test]
    async fn messages_of_64_mib_pass_both_ways_over_the_web_socket() {
        let Some((browser, _pipe, port, _)) = with_port().await else {
            return;
        };
        let mut transport = connect(&Endpoint::port(port), PATIENCE).await.unwrap();
        let session = open_page(&mut transport, "about:blank").await;
        let bytes = 64 << 20;
        let head = format!(
            r#"{{"id":1,"sessionId":"{session}","method":"Runtime.evaluate","params":{{"expression":""#
        );
        let tail = r#"","returnByValue":true}}"#;
        let long = format!("{head}'y'.repeat({bytes}){tail}");
        let answer = raw_answer_to(&mut transport, long.into()).await;
        assert!(answer.len() > bytes, "{}", answer.len());
        let long = format!("{head}'{}'.length{tail}", "y".repeat(bytes));
        let answer = raw_answer_to(&mut transport, long.into()).await;
        let answer = String::from_utf8(answer.to_vec()).unwrap();
        assert!(answer.contains(&format!("\"value\":{bytes}")), "{answer}");
        browser.close().await;
    }

    #[tokio::test]
    async fn a_browser_that_is_killed_ends_the_stream_of_its_web_socket() {
        let Some((browser, _pipe, port, _)) = with_port().await else {
            return;
        };
        let mut transport = connect(&Endpoint::port(port), PATIENCE).await.unwrap();
        command(&mut transport, "Browser.getVersion", json!({})).await;
        drop(browser);
        the_end(&mut transport).await;
    }

    #[tokio::test]
    async fn a_path_of_another_run_is_refused_with_where_to_find_the_present_one() {
        let Some((browser, _pipe, port, _)) = with_port().await else {
            return;
        };
        let url =
            format!("ws://127.0.0.1:{port}/devtools/browser/00000000-0000-4000-8000-000000000000");
        let error = connect(&Endpoint::WebSocket(url), PATIENCE)
            .await
            .unwrap_err();
        assert!(
            matches!(error, ConnectError::Refused { status: 404, .. }),
            "{error}"
        );
        assert!(error.to_string().contains("DevToolsActivePort"), "{error}");
        browser.close().await;
    }
}

/// Something that answers each connection with the same text, in turn.
async fn stand_in(answers: Vec<String>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("the stand-in works");
    let address = listener.local_addr().expect("the stand-in works");
    tokio::spawn(async move {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.expect("the stand-in works");
            read_head(&mut stream).await;
            stream
                .write_all(answer.as_bytes())
                .await
                .expect("the stand-in works");
        }
    });
    address
}

/// A port at which nothing listens, nor will: it is the near end of the connection.
async fn closed_port() -> (TcpStream, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("the stand-in works");
    let kept = TcpStream::connect(listener.local_addr().expect("the stand-in works"))
        .await
        .expect("the stand-in works");
    let address = kept.local_addr().expect("the stand-in works");
    (kept, address)
}

async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("the stand-in works"));
    }
    String::from_utf8(head)
        .expect("the stand-in works")
        .to_ascii_lowercase()
}

fn http(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

async fn refused(endpoint: Endpoint) -> ConnectError {
    let error = connect(&endpoint, PATIENCE).await.expect_err("refused");
    let zh = error.zh();
    assert!(
        zh.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)),
        "{zh}"
    );
    error
}

fn said_in(folder: &Path, text: &str) -> Endpoint {
    std::fs::write(folder.join("DevToolsActivePort"), text).expect("the stand-in works");
    Endpoint::ActivePort(folder.to_owned())
}

#[tokio::test]
async fn a_port_where_nothing_listens_says_what_to_switch_on() {
    let (_kept, closed) = closed_port().await;
    let error = refused(Endpoint::Address(closed)).await;
    assert!(
        matches!(error, ConnectError::NothingThere { .. }),
        "{error}"
    );
    assert!(error.is_transient());
    for words in [
        "--remote-debugging-port=9222 --user-data-dir=",
        "chrome://inspect/#remote-debugging",
    ] {
        assert!(
            error.to_string().contains(words) && error.zh().contains(words),
            "{error}"
        );
    }
    let folder = tempfile::tempdir().unwrap();
    let left_over = said_in(
        folder.path(),
        &format!("{}\n/devtools/browser/x", closed.port()),
    );
    let error = refused(left_over).await;
    assert!(matches!(error, ConnectError::LeftOver { .. }), "{error}");
}

#[tokio::test]
async fn another_machine_is_reached_by_its_whole_address_only() {
    let error = refused(Endpoint::Address("192.0.2.1:9222".parse().unwrap())).await;
    assert!(matches!(error, ConnectError::NotLoopback { .. }), "{error}");
    assert!(
        error.to_string().contains("ssh -L 9222:127.0.0.1:9222"),
        "{error}"
    );
}

#[tokio::test]
async fn addresses_of_another_kind_say_what_kind_it_has_to_be() {
    let cases = [
        ("", UrlFault::Malformed),
        ("9222", UrlFault::Malformed),
        ("127.0.0.1:9222", UrlFault::Malformed),
        ("ftp://127.0.0.1:9222/", UrlFault::Malformed),
        ("wss://127.0.0.1:9222/devtools/browser/x", UrlFault::Tls),
        ("http://127.0.0.1:9222", UrlFault::Http),
        ("ws://127.0.0.1:9222/devtools/page/x", UrlFault::OnePage),
    ];
    for (url, expected) in cases {
        let error = refused(Endpoint::WebSocket(url.to_owned())).await;
        let ConnectError::Url { fault, .. } = error else {
            unreachable!("{url}: {error}");
        };
        assert_eq!(fault, expected, "{url}");
    }
}

#[tokio::test]
async fn what_is_no_browser_is_told_from_one() {
    let cases = [
        (http("500 Internal Server Error", ""), "HTTP 500"),
        (http("200 OK", "<html>"), "without webSocketDebuggerUrl"),
        (
            http("200 OK", r#"{"webSocketDebuggerUrl":1}"#),
            "without webSocketDebuggerUrl",
        ),
        ("SSH-2.0-OpenSSH_9.2\r\n".to_owned(), "no answer in HTTP"),
    ];
    for (answer, expected) in cases {
        let error = refused(Endpoint::Address(stand_in(vec![answer]).await)).await;
        assert!(matches!(error, ConnectError::NotDevTools { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
        assert!(!error.is_transient());
    }
}

#[tokio::test]
async fn a_browser_that_answers_only_over_web_socket_is_to_be_reached_by_its_folder() {
    let address = stand_in(vec![http("404 Not Found", "")]).await;
    let error = refused(Endpoint::Address(address)).await;
    assert!(
        matches!(error, ConnectError::OnlyWebSocket { .. }),
        "{error}"
    );
    assert!(error.to_string().contains("DevToolsActivePort"), "{error}");
}

#[tokio::test]
async fn an_answer_of_json_version_is_read_up_to_its_limit() {
    let max = 64 << 10;
    let padded = |length: usize| {
        let url = r#"{"webSocketDebuggerUrl":"ws://elsewhere.example/devtools/browser/x","pad":""#;
        format!("{url}{}\"}}", "p".repeat(length - url.len() - 2))
    };
    let (fits, longer) = (padded(max), padded(max + 1));
    assert_eq!(fits.len(), max);
    // The second connection is the WebSocket: to the same address, whatever the answer says.
    let answers = vec![
        http("200 OK", &fits),
        http("403 Forbidden", "Connection rejected"),
    ];
    let error = refused(Endpoint::Address(stand_in(answers).await)).await;
    assert!(
        matches!(error, ConnectError::Refused { status: 403, .. }),
        "{error}"
    );
    assert!(error.to_string().contains("Connection rejected"), "{error}");
    let error = refused(Endpoint::Address(
        stand_in(vec![http("200 OK", &longer)]).await,
    ))
    .await;
    assert!(
        error.to_string().contains("more than 65536 bytes"),
        "{error}"
    );
}

#[tokio::test]
async fn the_web_socket_is_asked_for_by_number_and_without_an_origin() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let endpoint = Endpoint::WebSocket(format!("ws://localhost:{port}/devtools/browser/x?token=1"));
    let asked = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_head(&mut stream).await
    });
    let error = refused(endpoint).await;
    assert!(matches!(error, ConnectError::NotOpened { .. }), "{error}");
    let head = asked.await.unwrap();
    assert!(
        head.starts_with("get /devtools/browser/x?token=1 http/1.1\r\n"),
        "{head}"
    );
    assert!(
        head.contains(&format!("host: 127.0.0.1:{port}\r\n")),
        "{head}"
    );
    assert!(!head.contains("origin:"), "{head}");
}

#[tokio::test]
async fn what_takes_too_long_says_how_far_it_got() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let silent = tokio::spawn(async move {
        let mut connections = Vec::new();
        loop {
            connections.push(listener.accept().await.unwrap());
        }
    });
    let opening = Endpoint::WebSocket(format!("ws://{address}/devtools/browser/x"));
    let cases = [
        (
            Endpoint::Address(address),
            Stage::Asking,
            "no browser, or one that hangs",
        ),
        (opening, Stage::Opening, "has to be allowed there"),
    ];
    for (endpoint, expected, words) in cases {
        let error = connect(&endpoint, Duration::from_secs(1))
            .await
            .unwrap_err();
        let ConnectError::TimedOut { stage, .. } = &error else {
            unreachable!("{error}");
        };
        assert_eq!(*stage, expected);
        assert!(error.to_string().contains(words), "{error}");
        assert!(error.is_transient());
    }
    silent.abort();
}

#[tokio::test]
async fn a_file_with_the_port_is_read_up_to_its_limit_and_checked() {
    let folder = tempfile::tempdir().unwrap();
    let error = refused(Endpoint::ActivePort(folder.path().to_owned())).await;
    assert!(
        matches!(error, ConnectError::NoActivePort { .. }),
        "{error}"
    );
    assert!(
        error
            .to_string()
            .contains("chrome://inspect/#remote-debugging"),
        "{error}"
    );
    for bad in [
        "",
        "9222",
        "9222\n",
        "x\n/devtools/browser/x",
        "0\n/x",
        "70000\n/x",
        "9222\nx",
    ] {
        let error = refused(said_in(folder.path(), bad)).await;
        assert!(
            error.to_string().contains("it holds no port and path"),
            "{bad:?}: {error}"
        );
    }
    let max = 4_096;
    let (_kept, closed) = closed_port().await;
    let head = format!("{}\n/devtools/browser/x\n", closed.port());
    let fits = format!("{head}{}", " ".repeat(max - head.len()));
    let error = refused(said_in(folder.path(), &fits)).await;
    assert!(matches!(error, ConnectError::LeftOver { .. }), "{error}");
    let error = refused(said_in(folder.path(), &format!("{fits} "))).await;
    assert!(
        error.to_string().contains("longer than 4096 bytes"),
        "{error}"
    );
}

#[tokio::test]
async fn the_words_of_a_refusal_are_repeated_up_to_their_limit() {
    for (length, repeated) in [(200, 200), (201, 200)] {
        let refusal = http("403 Forbidden", &"r".repeat(length));
        let url = format!("ws://{}/", stand_in(vec![refusal]).await);
        let error = refused(Endpoint::WebSocket(url)).await;
        let words = format!("with HTTP 403: {}; if it asked", "r".repeat(repeated));
        assert!(error.to_string().contains(&words), "{error}");
    }
}
