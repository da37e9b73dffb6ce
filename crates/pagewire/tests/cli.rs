//! The binary as its user sees it: addresses, snippet, commands, exit codes, signals.

mod binary;

use pagewire_testkit::{FakePage, TestHub, soon};
use serde_json::{Value, json};

use self::binary::{Finished, Serve, run, run_with};

/// A hub with a page of group `g` that answers from a table.
async fn hub_with_functions() -> TestHub {
    let hub = TestHub::start().await;
    let hello = json!({"group": "g", "url": "https://x.example/\u{202e}", "functions": [
        {"name": "echo"}, {"name": "text"}, {"name": "null"},
        {"name": "typed", "description": "d", "params": [{"name": "n", "required": true, "schema": {"type": "integer"}}, {"name": "m"}]},
    ]});
    let page = FakePage::attach_with(&hub, hello).await;
    tokio::spawn(page.serve(|function, arguments| match function {
        "text" => json!("a\u{9b}b").to_string(),
        "null" => "null".into(),
        _ => arguments.to_string(),
    }));
    hub
}

async fn against(hub: &TestHub, arguments: &[&str]) -> Finished {
    run_with(arguments, &[("PAGEWIRE_HUB", &hub.http_url())]).await
}

#[tokio::test]
async fn results_are_printed_as_they_came() {
    let hub = hub_with_functions().await;
    let cases = [
        (
            vec!["call", "g/echo", "1", "{\"a\":1.0}", "plain text"],
            "[1,{\"a\":1.0},\"plain text\"]\n",
        ),
        (vec!["call", "g/echo"], "[]\n"),
        (vec!["call", "g/echo", "1", "-1", "-2.5"], "[1,-1,-2.5]\n"),
        (vec!["call", "g/text"], "\"a\u{9b}b\"\n"),
        (vec!["call", "g/text", "--raw"], "a\u{9b}b\n"),
        (
            vec!["call", "g/null", "--timeout", "2s", "--stream"],
            "null\n",
        ),
    ];
    for (arguments, expected) in cases {
        let finished = against(&hub, &arguments).await;
        assert_eq!(
            (finished.code, finished.stdout.as_str()),
            (0, expected),
            "{arguments:?}: {}",
            finished.stderr
        );
    }
}

#[tokio::test]
async fn every_failure_has_its_exit_code_and_words() {
    let hub = hub_with_functions().await;
    let cases = [
        (
            vec!["call", "g/missing"],
            5,
            "no page of group g exposes missing",
        ),
        (
            vec!["call", "g/echo", "--page", "nobody"],
            5,
            "group g has no page nobody",
        ),
        (vec!["call", "g/typed", "x"], 2, "is not of type"),
        (vec!["call", "nogroup"], 2, "write group/function"),
        (vec!["call"], 2, "Usage"),
        (vec!["nonsense"], 2, "unrecognized subcommand"),
        (
            vec!["call", "g/echo", "--timeout", "soon"],
            2,
            "no length of time",
        ),
        (
            vec!["publish", "pages/g/x", "1"],
            7,
            "programs publish below programs/",
        ),
        (vec!["pages", "--token", "0123456789abcdef"], 7, "not known"),
        (
            vec!["pages", "--hub", "http://127.0.0.1:1"],
            1,
            "nothing listens there",
        ),
        (vec!["pages", "--hub", "ftp://x"], 2, "is no address"),
        (
            vec!["config", "--config", "/nonexistent.toml"],
            64,
            "/nonexistent.toml",
        ),
    ];
    for (arguments, code, words) in cases {
        let finished = against(&hub, &arguments).await;
        assert_eq!(finished.code, code, "{arguments:?}: {}", finished.stderr);
        assert!(
            finished.stderr.contains(words),
            "{arguments:?}: {}",
            finished.stderr
        );
    }
}

#[tokio::test]
async fn ends_of_calls_have_their_exit_codes() {
    let cases = [
        (
            r#""error":{"code":-32000,"message":"boom"}"#,
            3,
            "page_error: boom (call ",
        ),
        (
            r#""error":{"code":-32602,"message":"odd"}"#,
            2,
            "bad_arguments: odd",
        ),
        (r#""error":{"code":-32601,"message":""}"#, 5, "not_found"),
        (
            r#""error":{"code":-32007,"message":"big"}"#,
            2,
            "too_large: big",
        ),
    ];
    for (end, code, words) in cases {
        let hub = TestHub::start().await;
        let mut page = FakePage::attach(&hub, "g", &["f"]).await;
        let play = async {
            let id = page.next_call("f").await;
            page.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},{end}}}"#))
                .await;
        };
        let (finished, ()) = tokio::join!(against(&hub, &["call", "g/f"]), play);
        assert_eq!(finished.code, code, "{}", finished.stderr);
        assert!(finished.stderr.contains(words), "{}", finished.stderr);
    }
    let hub = TestHub::start().await;
    let page = FakePage::attach(&hub, "g", &["f"]).await;
    assert_eq!(
        against(&hub, &["call", "g/f", "--timeout", "50ms"])
            .await
            .code,
        4
    );
    drop(page);
}

#[tokio::test]
async fn streams_are_an_array_or_lines() {
    for (arguments, expected) in [
        (vec!["call", "g/f"], "[1,\"x\"]\n"),
        (vec!["call", "g/f", "--stream", "--raw"], "1\nx\n"),
    ] {
        let hub = TestHub::start().await;
        let mut page = FakePage::attach(&hub, "g", &["f"]).await;
        let play = async {
            let id = page.next_call("f").await;
            page.item(id, "1").await;
            page.item(id, "\"x\"").await;
            page.answer(id, "null").await;
        };
        let (finished, ()) = tokio::join!(against(&hub, &arguments), play);
        assert_eq!(
            (finished.code, finished.stdout.as_str()),
            (0, expected),
            "{}",
            finished.stderr
        );
    }
}

#[tokio::test]
async fn bytes_go_out_and_come_back_as_bytes() {
    let hub = TestHub::start().await;
    let mut page = FakePage::attach(&hub, "g", &["f"]).await;
    let file = std::env::temp_dir().join(format!("pagewire-cli-{}", std::process::id()));
    std::fs::write(&file, b"\x01\x02").expect("a file");
    let play = async {
        let Some(pagewire_testkit::Message::Binary(message)) = page.next_message().await else {
            panic!("no bytes")
        };
        assert!(message.ends_with(b"\x01\x02"));
        page.send_binary(r#"{"jsonrpc":"2.0","id":1}"#, b"ok\n")
            .await;
    };
    let path = file.to_str().expect("text");
    let arguments = ["call", "g/f", "--bytes", path];
    let (finished, ()) = tokio::join!(against(&hub, &arguments), play);
    assert_eq!(
        (finished.code, finished.stdout.as_str()),
        (0, "ok\n"),
        "{}",
        finished.stderr
    );
    std::fs::remove_file(file).expect("removed");
}

#[tokio::test]
async fn pages_topics_and_values_are_shown() {
    let hub = hub_with_functions().await;
    let pages = against(&hub, &["pages"]).await;
    for words in [
        "g  p_",
        "epoch 1",
        "responsive",
        "g/typed(n, [m])  d",
        "g/echo(…)",
    ] {
        assert!(pages.stdout.contains(words), "{words}: {}", pages.stdout);
    }
    let listing: Value =
        serde_json::from_str(&against(&hub, &["pages", "--json"]).await.stdout).expect("JSON");
    assert_eq!(listing["pages"][0]["group"], "g");
    let published = against(&hub, &["publish", "programs/t", "{\"a\":1.0}"]).await;
    assert!(
        published
            .stdout
            .starts_with("{\"topic\":\"programs/t\",\"seq\":1,"),
        "{}",
        published.stdout
    );
    let below = against(&hub, &["publish", "programs/below", "-1"]).await;
    assert_eq!(below.code, 0, "{}", below.stderr);
    let mut tail = binary::command(&["tail", "programs/t", "--last", "5"]);
    let mut tail = tail
        .env("PAGEWIRE_HUB", hub.http_url())
        .spawn()
        .expect("started");
    let mut lines = binary::lines(tail.stdout.take().expect("piped"));
    let line = soon("a value", lines.next_line())
        .await
        .expect("read")
        .expect("a line");
    assert_eq!(binary::numbered(&line), ("#1", "{\"a\":1.0}"));
    hub.stop().await;
    let status = soon("tail's end", tail.wait()).await.expect("ended");
    assert_eq!(
        status.code(),
        Some(1),
        "a stream that ended is a failure with a place to go on from"
    );
}

#[tokio::test]
async fn a_followed_topic_shows_what_its_filter_wants() {
    let hub = TestHub::start().await;
    for value in ["{\"a\":1}", "{\"a\":2}"] {
        against(&hub, &["publish", "programs/t", value]).await;
    }
    let url = hub.http_url();
    let follow = [
        "tail",
        "programs/t",
        "--hub",
        &url,
        "--last",
        "5",
        "--filter",
    ];
    let mut tail = binary::command(&[&follow[..], &["a > 1"]].concat());
    let mut tail = tail.spawn().expect("started");
    let mut lines = binary::lines(tail.stdout.take().expect("piped"));
    let line = soon("a value", lines.next_line()).await.expect("read");
    let line = line.expect("a line");
    assert_eq!(binary::numbered(&line), ("#2", "{\"a\":2}"));
    hub.stop().await;
    soon("tail's end", tail.wait()).await.expect("ended");

    let hub = TestHub::start().await;
    let wrong = against(&hub, &["tail", "programs/t", "--filter", "a ="]).await;
    assert_eq!(wrong.code, 2, "{}", wrong.stderr);
    let words = "the filter is not understood at character 3: write == in place of =";
    assert!(wrong.stderr.contains(words), "{}", wrong.stderr);
}

#[tokio::test]
async fn serve_says_where_it_listens_and_stops_on_a_signal() {
    let serve = Serve::start(&[
        "--listen",
        "127.0.0.1:0",
        "--listen",
        "[::1]:0",
        "--group",
        "shop",
    ])
    .await;
    let listening = &serve.listening;
    assert_eq!(
        listening["addresses"].as_array().map(Vec::len),
        Some(2),
        "{listening}"
    );
    let http = listening["http"].as_str().expect("an address");
    let pages = run_with(&["pages", "--json"], &[("PAGEWIRE_HUB", http)]).await;
    assert_eq!(pages.stdout, "{\"pages\":[]}\n");
    let token = listening["attach_token"].as_str().expect("a token");
    assert!(
        listening["snippet"]
            .as_str()
            .is_some_and(|snippet| snippet.contains(token) && snippet.contains(http))
    );
    // The snippet's token attaches and does nothing else.
    let refused = run_with(
        &["pages"],
        &[("PAGEWIRE_HUB", http), ("PAGEWIRE_TOKEN", token)],
    )
    .await;
    assert_eq!(refused.code, 7, "{}", refused.stderr);
    let (stopped, code) = serve.stop().await;
    assert_eq!(
        (stopped, code),
        (
            json!({"event": "stopped", "calls_cut": 0, "pages": 0}),
            Some(0)
        )
    );
}

#[tokio::test]
async fn a_hub_that_is_stopped_as_soon_as_it_is_there_says_goodbye() {
    for _ in 0..5 {
        let serve = Serve::start(&["--listen", "127.0.0.1:0"]).await;
        let (stopped, code) = serve.stop().await;
        assert_eq!((&stopped["event"], code), (&json!("stopped"), Some(0)));
    }
}

#[tokio::test]
async fn serve_prints_the_public_address_where_there_is_one() {
    let public = "https://shop.example/hub";
    let text = binary::serve_words(&["--public-url", public]).await;
    for part in [
        "import(\"https://shop.example/hub/bridge/pagewire.mjs\")",
        "\"url\":\"https://shop.example/hub\"",
        "import(\"https://shop.example/hub/bridge/hook.mjs\")).hook(pw)\n",
        "  https://shop.example/hub/bridge.user.js?group=page&match=https://SITE/*\n",
        "curl -X POST http://127.0.0.1:",
        "Bearer SECRET' https://shop.example/hub/v1/call/page/title",
    ] {
        assert!(text.contains(part), "no {part} in {text}");
    }
    let wrong = run(&["serve", "--trust-proxy", "0.0.0.0/0"]).await;
    assert_eq!(wrong.code, 2, "{}", wrong.stderr);
    assert!(wrong.stderr.contains("everybody"), "{}", wrong.stderr);
}

#[tokio::test]
async fn a_taken_port_and_an_open_address_are_refused_in_words() {
    let serve = Serve::start(&["--listen", "127.0.0.1:0"]).await;
    let address = serve.listening["http"]
        .as_str()
        .expect("an address")
        .trim_start_matches("http://")
        .to_owned();
    let taken = run(&["serve", "--listen", &address]).await;
    assert_eq!(taken.code, 1);
    assert!(
        taken.stderr.contains("is another hub running?"),
        "{}",
        taken.stderr
    );
    serve.stop().await;
    let open = run(&["serve", "--listen", "0.0.0.0:0"]).await;
    assert_eq!(open.code, 64);
    assert!(
        open.stderr.contains("give the hub a token") && open.stderr.contains("TLS"),
        "{}",
        open.stderr
    );
}

#[tokio::test]
async fn settings_come_from_file_environment_and_flags() {
    let file = std::env::temp_dir().join(format!("pagewire-config-{}.toml", std::process::id()));
    let path = file.to_str().expect("text");
    let text = "heartbeat = \"3s\"\ngrace = \"9s\"\n[[tokens]]\nname = \"t\"\nsecret = \"0123456789abcdef\"\nscopes = [\"call:g/*\"]\n";
    std::fs::write(&file, text).expect("a file");
    let shown = run_with(
        &["config", "--config", path, "--in-flight-max", "7"],
        &[("PAGEWIRE_GRACE", "1s")],
    )
    .await;
    for line in [
        "heartbeat = \"3s\"",
        "grace = \"1s\"",
        "in_flight_max = 7",
        "secret = \"***\"",
        "listen = [\"127.0.0.1:9999\"]",
    ] {
        assert!(
            shown.stdout.contains(line),
            "{line}: {} {}",
            shown.stdout,
            shown.stderr
        );
    }
    assert!(
        !shown.stdout.contains("0123456789abcdef"),
        "{}",
        shown.stdout
    );
    std::fs::write(&file, "[[tokens]]\nnam = \"t\"\n").expect("a file");
    let wrong = run(&["serve", "--config", path]).await;
    assert_eq!(wrong.code, 64);
    assert!(wrong.stderr.contains("tokens[0].nam: "), "{}", wrong.stderr);
    std::fs::remove_file(file).expect("removed");
    let misspelt = run_with(&["config"], &[("PAGEWIRE_LISEN", "127.0.0.1:1")]).await;
    assert_eq!(misspelt.code, 64);
    assert!(
        misspelt.stderr.contains("PAGEWIRE_LISEN is not known"),
        "{}",
        misspelt.stderr
    );
}

#[tokio::test]
async fn tokens_are_not_logged() {
    let secret = "averysecretsecret";
    let flag = format!("{secret}=subscribe");
    let serve = Serve::start(&[
        "--listen",
        "127.0.0.1:0",
        "--token",
        &flag,
        "--require-token",
    ])
    .await;
    let http = serve.listening["http"]
        .as_str()
        .expect("an address")
        .to_owned();
    let client = pagewire_testkit::Http::new(http);
    assert_eq!(
        client
            .get(&format!("/v1/topics/x?token={secret}"))
            .await
            .status
            .as_u16(),
        200
    );
    assert_eq!(
        client
            .get(&format!("/v1/pages?token={secret}"))
            .await
            .status
            .as_u16(),
        401
    );
    let bearer = client.with("authorization", &format!("Bearer {secret}"));
    assert_eq!(bearer.get("/v1/pages").await.status.as_u16(), 403);
    assert_eq!(
        client
            .with("authorization", "Bearer averysecretsecreX")
            .get("/v1/pages")
            .await
            .status
            .as_u16(),
        401
    );
    let log = serve.stop_and_log().await;
    assert!(log.contains("unauthorized"), "{log}");
    assert!(!log.contains("averysecret"), "{log}");
}

#[tokio::test]
async fn ctrl_c_takes_a_call_back() {
    let hub = TestHub::start().await;
    let mut page = FakePage::attach(&hub, "g", &["f"]).await;
    let mut command = binary::command(&["call", "g/f"]);
    let mut call = command
        .env("PAGEWIRE_HUB", hub.http_url())
        .spawn()
        .expect("started");
    let id = page.next_call("f").await;
    binary::interrupt(&call);
    assert_eq!(
        page.next().await["params"],
        json!({"id": id, "reason": "caller"})
    );
    let status = soon("the end", call.wait()).await.expect("ended");
    assert_eq!(status.code(), Some(130));
    assert_eq!(hub.stop().await.calls_cut, 0);
}
