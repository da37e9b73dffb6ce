//! How connections do not come about, and how they end.

use std::process::Stdio;

use pagewire_testkit::{TestHub, soon};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::process::Child;

use crate::binary::{Finished, command, interrupt, lines, run};
use crate::{Peer, connect, events};

/// Runs with an open pipe as standard input.
fn start(arguments: &[&str]) -> Child {
    let mut command = command(arguments);
    command.stdin(Stdio::piped()).spawn().expect("started")
}

async fn exit_code(mut child: Child) -> Option<i32> {
    soon("the end", child.wait()).await.expect("ended").code()
}

#[tokio::test]
async fn close_codes_are_named_and_decide_the_exit_code() {
    let Some(peer) = Peer::python().await else {
        return;
    };
    let cases = [
        (1000, 0, "normal closure"),
        (1001, 0, "going away"),
        (1008, 1, "policy violation"),
        (1011, 1, "internal error"),
        (3000, 1, "unauthorized"),
        (4001, 1, "private use"),
    ];
    for (close, code, name) in cases {
        let finished = connect(&peer, &format!("/close/{close}"), &[]).await;
        assert_eq!(finished.code, code, "{}", finished.stderr);
        let words = format!("closed by the server with {close} ({name}");
        assert!(finished.stderr.contains(&words), "{}", finished.stderr);
        assert!(
            finished.stderr.contains("): as asked"),
            "{}",
            finished.stderr
        );
    }
}

#[tokio::test]
async fn node_closes_with_a_code_without_one_and_not_at_all() {
    let Some(peer) = Peer::node().await else {
        return;
    };
    let cases = [
        (
            "/close",
            1,
            "4001 (private use; ask the server's documentation): as asked",
        ),
        ("/no-code", 0, "1005 (no status received)"),
        (
            "/terminate",
            1,
            "the connection was lost: the server went away without closing it",
        ),
    ];
    for (path, code, words) in cases {
        let finished = connect(&peer, path, &[]).await;
        assert_eq!(finished.code, code, "{path}: {}", finished.stderr);
        assert!(
            finished.stderr.contains(words),
            "{path}: {}",
            finished.stderr
        );
    }
}

#[tokio::test]
async fn a_close_before_the_wanted_messages_is_a_failure() {
    let Some(peer) = Peer::python().await else {
        return;
    };
    let finished = connect(&peer, "/fragments", &["--count", "5"]).await;
    assert_eq!(finished.code, 1);
    assert!(
        finished
            .stderr
            .contains("3 of the wanted messages did not come"),
        "{}",
        finished.stderr
    );
}

#[tokio::test]
async fn a_refused_handshake_shows_status_reason_and_the_beginning_of_the_body() {
    let Some(peer) = Peer::python().await else {
        return;
    };
    let finished = connect(&peer, "/401", &["--reconnect"]).await;
    assert_eq!(finished.code, 1);
    let words = "refused the connection: 401 Unauthorized; say who you are with --header 'Authorization: …'";
    assert!(finished.stderr.contains(words), "{}", finished.stderr);
    assert!(
        finished.stderr.contains("show me your \\u{1b}[31mticket"),
        "{}",
        finished.stderr
    );

    // BODY_SHOWN_BYTES_MAX.
    let finished = connect(&peer, "/long-refusal", &[]).await;
    let body = finished.stderr.lines().last().unwrap_or_default();
    assert_eq!(body, format!("  {}…", "x".repeat(1_024)));

    let finished = connect(&peer, "/moved", &[]).await;
    let words = "302 Found, Location: ws://elsewhere.example/; connect to that place instead";
    assert!(finished.stderr.contains(words), "{}", finished.stderr);

    let hub = TestHub::start().await;
    let finished = run(&["connect", &format!("{}/health", hub.ws_url())]).await;
    assert_eq!(finished.code, 1);
    assert!(
        finished
            .stderr
            .contains("200 OK; that is a page, not a WebSocket"),
        "{}",
        finished.stderr
    );
    assert!(
        finished.stderr.contains("{\"ok\":true}"),
        "{}",
        finished.stderr
    );
}

/// Connects to a server that answers the opening request with exactly this, and closes.
async fn connect_to_answer(answer: &str) -> Finished {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("ws://{}/", listener.local_addr().expect("bound"));
    let play = async {
        let (stream, _) = listener.accept().await.expect("a client");
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            stream.read_line(&mut line).await.expect("a request");
        }
        stream.write_all(answer.as_bytes()).await.expect("sent");
        stream.shutdown().await.expect("shut");
        stream
    };
    let arguments = ["connect", &url];
    let (finished, _stream) = tokio::join!(run(&arguments), play);
    finished
}

#[tokio::test]
async fn a_body_of_exactly_the_limit_is_shown_whole() {
    for (length, is_cut) in [(1_024, false), (1_025, true)] {
        let head = format!("HTTP/1.1 403 Not Today\r\nContent-Length: {length}\r\n\r\n");
        let finished = connect_to_answer(&(head + &"y".repeat(length))).await;
        assert!(
            finished.stderr.contains("403 Not Today;"),
            "{}",
            finished.stderr
        );
        assert!(
            finished.stderr.contains(&"y".repeat(1_024)),
            "{}",
            finished.stderr
        );
        assert_eq!(
            finished.stderr.trim_end().ends_with('…'),
            is_cut,
            "{length}"
        );
    }
}

#[tokio::test]
async fn what_cannot_be_reached_is_told_with_what_to_do() {
    let cases = [
        (
            vec!["ws://127.0.0.1:1/"],
            1,
            "nothing listens at ws://127.0.0.1:1/ (connection refused); is the server running",
        ),
        (
            vec!["ws://nowhere.invalid/"],
            1,
            "cannot find the host of ws://nowhere.invalid/",
        ),
        (
            vec!["http://127.0.0.1:1/"],
            2,
            "WebSocket addresses begin with ws://",
        ),
        (
            vec!["ws://127.0.0.1:1/", "--send-file", "/nonexistent"],
            1,
            "--send-file /nonexistent",
        ),
        (
            vec!["wss://127.0.0.1:1/", "--ca", "/nonexistent"],
            2,
            "--ca /nonexistent",
        ),
    ];
    for (arguments, code, words) in cases {
        let finished = run(&[&["connect"][..], &arguments].concat()).await;
        assert_eq!(finished.code, code, "{arguments:?}: {}", finished.stderr);
        assert!(
            finished.stderr.contains(words),
            "{arguments:?}: {}",
            finished.stderr
        );
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_given_up_in_time() {
    // The backlog takes the connection; nobody reads it.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("ws://{}/", listener.local_addr().expect("bound"));
    let finished = run(&["connect", &url, "--timeout", "200ms"]).await;
    assert_eq!(finished.code, 1);
    assert!(
        finished
            .stderr
            .contains("did not answer the handshake within 200ms"),
        "{}",
        finished.stderr
    );
}

#[tokio::test]
async fn a_server_that_is_no_websocket_server_is_told() {
    let switched = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n";
    for (answer, words) in [
        (
            "SSH-2.0-OpenSSH\r\n",
            "broke off the handshake: invalid HTTP version parsed; does a WebSocket server listen there?",
        ),
        (
            "",
            "broke off the handshake: connection closed before message completed",
        ),
        (
            switched,
            "answers, but its Sec-WebSocket-Accept does not answer our key",
        ),
    ] {
        let finished = connect_to_answer(answer).await;
        assert_eq!(finished.code, 1);
        assert!(finished.stderr.contains(words), "{}", finished.stderr);
    }
}

#[tokio::test]
async fn a_server_that_drops_is_connected_to_again_and_told_the_first_messages_again() {
    let Some(peer) = Peer::python().await else {
        return;
    };
    let finished = connect(
        &peer,
        "/drop",
        &["--send", "hello", "--reconnect", "--once", "--json"],
    )
    .await;
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    let events = events(&finished);
    let names: Vec<_> = events
        .iter()
        .filter_map(|event| event["event"].as_str())
        .collect();
    let dropped = ["open", "sent", "close", "error", "reconnect"];
    let expected = [
        &dropped[..],
        &dropped,
        &["open", "sent", "message", "close"],
    ]
    .concat();
    assert_eq!(names, expected);
    assert_eq!(events[2]["code"], 1006);
    assert_eq!(events[12]["text"], "back: hello");
    for (event, attempt, most) in [(&events[4], 1, 500.0), (&events[9], 2, 1_000.0)] {
        assert_eq!(event["attempt"], attempt);
        let wait = event["wait_ms"].as_f64().expect("a time");
        assert!((most / 2.0..=most).contains(&wait), "{event}");
    }
}

#[tokio::test]
async fn a_drop_without_reconnecting_fails() {
    let Some(peer) = Peer::python().await else {
        return;
    };
    let finished = connect(&peer, "/drop", &["--send", "hello", "--once"]).await;
    assert_eq!(finished.code, 1);
    assert!(
        finished.stderr.contains("the connection was lost"),
        "{}",
        finished.stderr
    );
}

#[tokio::test]
async fn a_server_that_is_not_there_yet_is_waited_for() {
    let mut child = start(&["connect", "ws://127.0.0.1:1/", "--reconnect"]);
    let mut stderr = lines(child.stderr.take().expect("piped"));
    let mut next = async || {
        soon("a line", stderr.next_line())
            .await
            .expect("read")
            .expect("a line")
    };
    for attempt in 1..=2 {
        assert!(next().await.contains("nothing listens"));
        let words = next().await;
        assert!(
            words.starts_with("connecting again in ")
                && words.ends_with(&format!("(attempt {attempt})")),
            "{words}"
        );
    }
    interrupt(&child);
    assert_eq!(exit_code(child).await, Some(130));
}

#[tokio::test]
async fn nothing_for_the_idle_time_is_a_failure() {
    let Some(mut peer) = Peer::python().await else {
        return;
    };
    let finished = connect(&peer, "/last-code", &["--idle", "100ms"]).await;
    assert_eq!(finished.code, 1);
    assert!(
        finished.stderr.contains("nothing came for 100ms (--idle)"),
        "{}",
        finished.stderr
    );
    assert_eq!(peer.line().await, "closed 1001");
}

#[tokio::test]
async fn the_end_of_input_closes_politely_after_the_answers() {
    let Some(mut peer) = Peer::python().await else {
        return;
    };
    let url = peer.url("/echo");
    let mut child = start(&["connect", &url, "--drain", "3s"]);
    let mut stdin = child.stdin.take().expect("piped");
    stdin
        .write_all("eins\r\nzwei\n\nlast".as_bytes())
        .await
        .expect("sent");
    drop(stdin);
    let output = soon("the end", child.wait_with_output())
        .await
        .expect("ended");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "eins\nzwei\n\nlast\n"
    );
    assert!(output.status.success());
    let finished = connect(&peer, "/last-code", &["--drain", "0"]).await;
    assert_eq!(
        (finished.code, peer.line().await.as_str()),
        (0, "closed 1000")
    );
}

#[tokio::test]
async fn ctrl_c_closes_politely() {
    let Some(mut peer) = Peer::python().await else {
        return;
    };
    for options in [&["--stay"][..], &["--no-stdin"], &["--count", "1"]] {
        let mut child = command(&[&["connect", &peer.url("/last-code")][..], options].concat())
            .spawn()
            .expect("started");
        let mut stderr = lines(child.stderr.take().expect("piped"));
        let line = soon("the connection", stderr.next_line())
            .await
            .expect("read")
            .expect("a line");
        assert!(line.starts_with("connected to"), "{line}");
        interrupt(&child);
        assert_eq!(exit_code(child).await, Some(130));
        assert_eq!(peer.line().await, "closed 1000");
    }
}

#[tokio::test]
async fn more_than_all_buffers_hold_is_echoed_without_a_standstill() {
    for peer in [Peer::python().await, Peer::node().await] {
        let Some(peer) = peer else { continue };
        const MESSAGES: usize = 60;
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), vec![b'z'; 1 << 20]).expect("written");
        let path = file.path().to_str().expect("UTF-8");
        let (url, count) = (peer.url("/echo"), MESSAGES.to_string());
        let mut arguments = vec!["connect", &url, "--count", &count, "--raw"];
        // The server stops reading when nobody reads its echo; whoever sends all of this first never ends.
        arguments.extend(["--send-file", path].repeat(MESSAGES));
        let finished = run(&arguments).await;
        assert_eq!(finished.code, 0, "{}", finished.stderr);
        assert_eq!(finished.stdout.len(), MESSAGES << 20);
    }
}

#[tokio::test]
async fn many_lines_come_back_in_their_order() {
    let Some(peer) = Peer::python().await else {
        return;
    };
    let lines: String = (0..5_000).map(|n| format!("line {n}\n")).collect();
    let mut child = start(&["connect", &peer.url("/echo"), "--count", "5000"]);
    let mut stdin = child.stdin.take().expect("piped");
    let feed = async { stdin.write_all(lines.as_bytes()).await.expect("sent") };
    let both = async { tokio::join!(feed, child.wait_with_output()) };
    let ((), output) = soon("the echo", both).await;
    let output = output.expect("ended");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(String::from_utf8_lossy(&output.stdout) == lines);
}

#[tokio::test]
async fn lines_that_cannot_be_sent_are_told() {
    let Some(peer) = Peer::python().await else {
        return;
    };
    let long = "is longer than --max-size allows";
    let cases: [(&[u8], i32, &str); 3] = [
        (b"12345678\n", 0, ""),
        (b"123456789\n", 1, long),
        (b"\xff\xfe\n", 1, "is not UTF-8, so it is no text message"),
    ];
    for (input, code, words) in cases {
        let mut child = start(&["connect", &peer.url("/echo"), "--max-size", "8"]);
        let mut stdin = child.stdin.take().expect("piped");
        stdin.write_all(input).await.expect("sent");
        drop(stdin);
        let output = soon("the end", child.wait_with_output())
            .await
            .expect("ended");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{stderr}");
        assert!(stderr.contains(words), "{stderr}");
    }
}

#[tokio::test]
async fn a_reader_that_has_seen_enough_ends_the_connection() {
    let Some(mut peer) = Peer::python().await else {
        return;
    };
    let mut child = start(&["connect", &peer.url("/send/100000")]);
    drop(child.stdout.take());
    assert_eq!(exit_code(child).await, Some(0));
    assert_eq!(peer.line().await, "closed 1000");
}
