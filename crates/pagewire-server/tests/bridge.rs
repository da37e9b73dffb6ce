//! The page script in a real Chromium: what a page's function does, and what the program that called it gets.

mod relay;

use std::ops::RangeInclusive;
use std::path::Path;

use http::{Method, StatusCode};
use pagewire_hub::{HubOptions, Scopes};
use pagewire_server::{Access, AllowedOrigin, Secret, Token};
use pagewire_testkit::{BrowserPage, FakePage, Http, Response, Site, TestHub, chromium};
use serde_json::{Value, json};

use self::relay::Relay;

/// A page with the script of `/bridge.js` in a browser, attached to a hub of its own as group `page`.
struct Stage {
    hub: TestHub,
    http: Http,
    /// The way that the page's link takes to the hub.
    relay: Relay,
    site: Site,
    browser: BrowserPage,
    /// The id that the page has.
    page: String,
}

impl Stage {
    /// `pages/functions.html`, whose origin is allowed.
    async fn open(chromium: &Path) -> Self {
        Self::show(chromium, include_str!("pages/functions.html"), &[]).await
    }

    /// Any page of an allowed origin, which reports `opened`.
    async fn show(chromium: &Path, html: &str, flags: &[&str]) -> Self {
        let site = Site::start().await;
        let access = Access {
            origins: vec![AllowedOrigin {
                origin: site.origin.parse().expect("an origin"),
                free_groups: true,
            }],
            ..Access::default()
        };
        Self::start(chromium, html, flags, site, access).await
    }

    /// `pages/functions.html` with a token of these scopes, of an origin that is not allowed.
    async fn open_with_token(chromium: &Path, scopes: &[&str]) -> Self {
        let scopes = scopes.iter().map(|scope| scope.parse().expect("a scope"));
        let access = Access {
            tokens: vec![Token {
                name: "page".into(),
                secret: Secret::random(),
                scopes: Scopes::new(scopes.collect()),
            }],
            ..Access::default()
        };
        let html = include_str!("pages/functions.html");
        Self::start(chromium, html, &[], Site::start().await, access).await
    }

    async fn start(
        chromium: &Path,
        html: &str,
        flags: &[&str],
        mut site: Site,
        access: Access,
    ) -> Self {
        let tokens = access.tokens.iter().map(|token| token.secret.reveal());
        let token: String = tokens.collect();
        let hub = TestHub::with(HubOptions::default(), access).await;
        let relay = Relay::start(&hub.address).await;
        site.page("/", html.replace("{{hub}}", &relay.http_url()));
        site.page("/report.js", include_str!("pages/report.js"));
        site.page("/functions.js", include_str!("pages/functions.js"));
        let url = format!("{}/#{token}", site.origin);
        let browser = BrowserPage::open_with(chromium, &url, flags);
        let page = text(&told(&mut site, "opened").await);
        assert!(page.starts_with("p_"), "{page}");
        Self {
            http: hub.client(),
            hub,
            relay,
            site,
            browser,
            page,
        }
    }

    /// Calls a function of the page with a JSON array of arguments, or none.
    async fn call(&self, function: &str, arguments: impl ToString) -> Response {
        let path = format!("/v1/call/page/{function}");
        self.http.post(&path, arguments.to_string()).await
    }

    /// What a function answers, which must be JSON and no error.
    async fn answer(&self, function: &str, arguments: impl ToString) -> Value {
        let response = self.call(function, arguments).await;
        assert_eq!(response.status, StatusCode::OK, "{function}");
        response.json().await
    }

    async fn close(self) {
        self.browser.close().await;
        self.hub.stop().await;
    }
}

/// The next report of the page that has a member `key`: that member.
async fn told(site: &mut Site, key: &str) -> Value {
    loop {
        let mut report = site.report().await;
        if let Some(value) = report.get_mut(key) {
            return value.take();
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

#[tokio::test]
async fn functions_get_their_arguments_and_answer_now_or_later() {
    let Some(chromium) = chromium() else { return };
    let stage = Stage::open(&chromium).await;
    let cases = [
        ("add", "[1,2]", "3"),
        ("addLater", "[1,2]", "3"),
        ("arguments", "", "[]"),
        ("arguments", "[]", "[]"),
        ("arguments", "7", "[7]"),
        ("arguments", r#""text""#, r#"["text"]"#),
        ("arguments", "[[1],null]", "[[1],null]"),
        ("arguments", r#"{"你":"好"}"#, r#"[{"你":"好"}]"#),
    ];
    for (function, arguments, expected) in cases {
        let response = stage.call(function, arguments).await;
        assert_eq!(response.status, StatusCode::OK, "{function} {arguments}");
        assert_eq!(response.header("content-type"), "application/json");
        assert_eq!(response.header("pagewire-page"), stage.page);
        assert_eq!(response.text().await, expected, "{function} {arguments}");
    }
    stage.close().await;
}

#[tokio::test]
async fn values_arrive_as_json_stringify_has_them() {
    let Some(chromium) = chromium() else { return };
    let stage = Stage::open(&chromium).await;
    let deep = "[".repeat(1001) + &"]".repeat(1001);
    let five_mib = format!("\"{}\"", "x".repeat(5 << 20));
    let cases = [
        ("number", "42.5"),
        ("zero", "0"),
        ("negative zero", "0"),
        ("large number", "9007199254740992"),
        ("huge number", "1e+21"),
        ("true", "true"),
        ("false", "false"),
        ("null", "null"),
        ("undefined", "null"),
        ("not a number", "null"),
        ("infinity", "null"),
        ("bigint", r#""18446744073709551616""#),
        ("function", "null"),
        ("symbol", "null"),
        ("date", r#""1970-01-01T00:00:00.000Z""#),
        ("no date", "null"),
        ("a Map", "{}"),
        ("a Set", "{}"),
        ("empty text", r#""""#),
        ("text", "\"\\u0000 \\\" \\\\ \\n 你好 🦀 \u{2028}\""),
        ("half a character", r#""\ud800""#),
        ("array", "[1,[2,[]]]"),
        ("an object's order", r#"{"z":1,"a":{"y":2,"b":3}}"#),
        ("toJSON", r#""by itself""#),
        (
            "inner",
            r#"{"b":null,"c":[null,null],"d":["1"],"e":"1970-01-01T00:00:00.000Z","f":{}}"#,
        ),
        ("promise", r#""kept""#),
        ("thenable", r#""taken""#),
        ("deep array", deep.as_str()),
        ("5 MiB", five_mib.as_str()),
    ];
    for (name, expected) in cases {
        let response = stage.call("value", json!([name])).await;
        assert_eq!(response.status, StatusCode::OK, "{name}");
        let got = response.text().await;
        let shown: String = got.chars().take(100).collect();
        assert!(got == expected, "{name}: {} bytes, {shown}", got.len());
    }
    stage.close().await;
}

#[tokio::test]
async fn values_that_cannot_travel_say_why() {
    let Some(chromium) = chromium() else { return };
    let stage = Stage::open(&chromium).await;
    let bytes_inside = "TypeError: bytes may only be the whole value";
    let cases = [
        ("bytes in an object", 500, bytes_inside),
        ("bytes in an array", 500, bytes_inside),
        ("a Blob in an object", 500, bytes_inside),
        (
            "cycle",
            500,
            "TypeError: Converting circular structure to JSON",
        ),
        ("a getter that throws", 500, "RangeError: a trap"),
        ("over the limit", 413, "16777252 bytes"),
    ];
    for (name, status, expected) in cases {
        let response = stage.call("value", json!([name])).await;
        assert_eq!(response.status, status, "{name}");
        let problem = response.json().await;
        let detail = text(&problem["detail"]);
        assert!(detail.contains(expected), "{name}: {problem}");
    }
    assert_eq!(
        stage.answer("add", "[1,2]").await,
        3,
        "the page is still there"
    );
    stage.close().await;
}

#[tokio::test]
async fn whatever_is_thrown_is_a_page_error() {
    let Some(chromium) = chromium() else { return };
    let stage = Stage::open(&chromium).await;
    // What is thrown, `message` and `data.name` of the error, and the detail of the problem.
    let cases = [
        ("TypeError", "boom", "TypeError", "TypeError: boom"),
        ("an error of one's own", "mine", "MyError", "MyError: mine"),
        ("an error without a message", "", "Error", "Error: "),
        (
            "DOMException",
            "not now",
            "InvalidStateError",
            "InvalidStateError: not now",
        ),
        (
            "an error with a code of the link",
            "odd",
            "Error",
            "Error: odd",
        ),
        ("text", r#""just text""#, "", r#""just text""#),
        ("number", "42", "", "42"),
        ("bigint", r#""7""#, "", r#""7""#),
        ("null", "null", "", "null"),
        ("undefined", "null", "", "null"),
        ("symbol", "null", "", "null"),
        ("object", r#"{"why":"because"}"#, "", r#"{"why":"because"}"#),
        (
            "an object without a prototype",
            r#"{"why":"bare"}"#,
            "",
            r#"{"why":"bare"}"#,
        ),
        (
            "a message that is no text",
            "[object Object]",
            "",
            "[object Object]",
        ),
    ];
    for (name, message, kind, detail) in cases {
        for function in ["throwNow", "throwLater"] {
            let response = stage.call(function, json!([name])).await;
            check_page_error(
                response,
                &format!("{function} {name}"),
                message,
                detail,
                kind,
            )
            .await;
        }
    }
    // These cannot be shown; the caller is told at once all the same.
    for name in ["bytes", "cycle", "a trap", "a message that cannot be text"] {
        for function in ["throwNow", "throwLater"] {
            let response = stage.call(function, json!([name])).await;
            let problem = response.json().await;
            assert_eq!(
                problem["code"], "page_error",
                "{function} {name}: {problem}"
            );
            assert_ne!(problem["detail"], "", "{function} {name}");
        }
    }
    for function in ["throwBare", "throwBareLater"] {
        let response = stage.call(function, "").await;
        check_page_error(response, function, "bare", "TypeError: bare", "TypeError").await;
    }
    stage.close().await;
}

async fn check_page_error(response: Response, what: &str, message: &str, detail: &str, kind: &str) {
    assert_eq!(response.status, StatusCode::INTERNAL_SERVER_ERROR, "{what}");
    assert_eq!(response.header("content-type"), "application/problem+json");
    let problem = response.json().await;
    assert_eq!(problem["code"], "page_error", "{what}: {problem}");
    assert_eq!(problem["detail"], detail, "{what}");
    assert_eq!(problem["error"]["code"], -32000, "{what}: {problem}");
    assert_eq!(problem["error"]["message"], message, "{what}");
    let data = &problem["error"]["data"];
    assert_eq!(data["name"].as_str().unwrap_or(""), kind, "{what}");
    if kind.ends_with("Error") && kind != "InvalidStateError" {
        let stack = data["stack"].as_str().unwrap_or("");
        assert!(stack.contains("functions.js"), "{what}: {data}");
    }
}

#[tokio::test]
async fn bytes_come_out_as_bytes() {
    let Some(chromium) = chromium() else { return };
    let stage = Stage::open(&chromium).await;
    let every: Vec<u8> = (0..=255).collect();
    let octets = "application/octet-stream";
    let cases = [
        ("ArrayBuffer", octets, &[1, 2, 3][..]),
        ("Uint8Array", octets, &[1, 2, 3]),
        ("a part of a buffer", octets, &[1, 2, 3]),
        ("Uint16Array", octets, &[1, 2, 3, 4]),
        ("DataView", octets, &[1, 2, 3]),
        ("Blob", octets, &[1, 2, 3]),
        ("a Blob with a type", "image/png", &[1, 2, 3]),
        ("a promise of bytes", octets, &[1, 2, 3]),
        ("every byte", octets, &every),
        ("no byte", octets, &[]),
    ];
    for (name, media_type, expected) in cases {
        let response = stage.call("bytes", json!([name])).await;
        assert_eq!(response.status, StatusCode::OK, "{name}");
        assert_eq!(response.header("content-type"), media_type, "{name}");
        assert_eq!(response.bytes().await, expected, "{name}");
    }
    stage.close().await;
}

#[tokio::test]
async fn bytes_go_in_as_bytes() {
    let Some(chromium) = chromium() else { return };
    let stage = Stage::open(&chromium).await;
    let png = stage.http.with("content-type", "image/png");
    let described = png.post("/v1/call/page/describe", vec![1, 2, 3]).await;
    let expected = json!({"kind": "Uint8Array", "length": 3, "sum": 6});
    assert_eq!(described.json().await, expected);
    let megabyte: Vec<u8> = (0..1 << 20).map(|i: u32| (i % 251) as u8).collect();
    for sent in [vec![], vec![0], megabyte] {
        let echo = png.post("/v1/call/page/echo", sent.clone()).await;
        assert_eq!(echo.status, StatusCode::OK);
        assert!(echo.bytes().await == sent, "{} bytes", sent.len());
    }
    stage.close().await;
}

#[tokio::test]
async fn generators_stream_more_values_than_their_credit() {
    let Some(chromium) = chromium() else { return };
    let stage = Stage::open(&chromium).await;
    let lines = |n: u32| (1..=n).map(|i| format!("{i}\n")).collect::<String>();
    let events = |n: u32| {
        (1..=n)
            .map(|i| format!("data: {i}\n\n"))
            .collect::<String>()
    };
    let end = "event: end\ndata: null\n\n";
    for function in ["count", "countAtOnce"] {
        for n in [1, 16, 17, 1000] {
            let response = stage.call(function, json!([n])).await;
            assert_eq!(response.header("content-type"), "application/x-ndjson");
            assert_eq!(response.text().await, lines(n), "{function} {n}");
        }
    }
    let sse = stage.http.with("accept", "text/event-stream");
    let response = sse.post("/v1/call/page/count", "100").await;
    assert_eq!(response.header("content-type"), "text/event-stream");
    assert_eq!(response.text().await, events(100) + end);
    let single = sse.post("/v1/call/page/add", "[1,2]").await;
    assert_eq!(single.text().await, format!("data: 3\n\n{end}"));
    let nothing = stage.call("nothing", "").await;
    assert_eq!(nothing.header("content-type"), "application/x-ndjson");
    assert_eq!(nothing.text().await, "");
    let chunks = stage.call("chunks", "").await;
    assert_eq!(
        chunks.text().await,
        "{\"base64\":\"AQID\",\"type\":\"application/octet-stream\"}\n\
         {\"base64\":\"e30=\",\"type\":\"text/x-odd\"}\n\"text\"\nnull\n"
    );
    stage.close().await;
}

#[tokio::test]
async fn a_generator_that_throws_breaks_its_stream_after_its_values() {
    let Some(chromium) = chromium() else { return };
    let stage = Stage::open(&chromium).await;
    let mut lines = stage.call("countThenThrow", "40").await;
    assert_eq!(lines.status, StatusCode::OK);
    let got = lines.read_until("pagewire:error").await;
    let expected: String = (1..=40).map(|i| format!("{i}\n")).collect();
    let (values, error) = got.split_at(expected.len());
    assert_eq!(values, expected);
    let error: Value = serde_json::from_str(error).expect("one line of JSON");
    assert_eq!(error["pagewire:error"]["detail"], "RangeError: enough");
    assert!(
        lines.chunk().await.expect("no end").is_err(),
        "the body breaks off"
    );
    let sse = stage.http.with("accept", "text/event-stream");
    let events = sse
        .post("/v1/call/page/countThenThrow", "2")
        .await
        .text()
        .await;
    assert!(
        events.starts_with("data: 1\n\ndata: 2\n\nevent: error\ndata: {")
            && events.contains("RangeError: enough"),
        "{events}"
    );
    stage.close().await;
}

#[tokio::test]
async fn the_signal_tells_why_nobody_waits_any_more() {
    let Some(chromium) = chromium() else { return };
    let mut stage = Stage::open(&chromium).await;

    // A caller that hangs up.
    let http = stage.http.clone();
    let caller = tokio::spawn(async move { http.post("/v1/call/page/wait", "").await.status });
    told(&mut stage.site, "entered").await;
    caller.abort();
    assert_eq!(told(&mut stage.site, "aborted").await, "AbortError");

    // A deadline.
    let late = stage.http.post("/v1/call/page/wait?timeout=200ms", "");
    assert_eq!(late.await.status, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(told(&mut stage.site, "aborted").await, "TimeoutError");

    // A reader that leaves a stream: the generator's `finally` runs.
    let mut stream = stage.call("countForever", "").await;
    stream.read_until("\n100\n").await;
    drop(stream);
    assert_eq!(told(&mut stage.site, "left").await, "AbortError");

    let ended = &stage.hub.hub.pages()[0].calls;
    assert_eq!(ended.in_flight, 0);
    assert_eq!(ended.ended["cancelled"], 2, "{ended:?}");
    assert_eq!(ended.ended["timeout"], 1, "{ended:?}");
    stage.close().await;
}

#[tokio::test]
async fn functions_come_and_go_while_attached() {
    let Some(chromium) = chromium() else { return };
    let stage = Stage::open(&chromium).await;
    let status = async |function: &str| stage.call(function, "").await.status;
    assert_eq!(status("fresh").await, StatusCode::NOT_FOUND);
    stage.answer("expose", r#"["fresh","first"]"#).await;
    assert_eq!(stage.answer("fresh", "").await, "first");
    stage.answer("expose", r#"["fresh","second"]"#).await;
    assert_eq!(stage.answer("fresh", "").await, "second");
    stage.answer("takeBack", r#"["first"]"#).await;
    assert_eq!(
        stage.answer("fresh", "").await,
        "second",
        "what was replaced takes nothing back"
    );
    stage.answer("takeBack", r#"["second"]"#).await;
    assert_eq!(status("fresh").await, StatusCode::NOT_FOUND);
    stage.close().await;
}

#[tokio::test]
async fn a_reload_keeps_the_page_id_and_grows_the_epoch() {
    let Some(chromium) = chromium() else { return };
    let mut stage = Stage::open(&chromium).await;
    let http = stage.http.clone();
    let waiting = tokio::spawn(async move { http.post("/v1/call/page/wait", "").await });
    told(&mut stage.site, "entered").await;
    let mut epochs = vec![epoch(&stage)];
    for _ in 0..3 {
        stage.answer("reload", "").await;
        assert_eq!(told(&mut stage.site, "opened").await, stage.page);
        epochs.push(epoch(&stage));
        assert_eq!(stage.answer("add", "[1,2]").await, 3);
    }
    assert!(epochs.is_sorted_by(|a, b| a < b), "{epochs:?}");
    let cut = waiting.await.expect("no panic");
    assert_eq!(cut.status, StatusCode::BAD_GATEWAY);
    assert_eq!(cut.json().await["code"], "page_gone");
    assert_eq!(stage.hub.hub.pages().len(), 1);
    stage.close().await;
}

fn epoch(stage: &Stage) -> u64 {
    let pages = stage.hub.hub.pages();
    pages
        .iter()
        .find(|page| page.id.as_str() == stage.page)
        .expect("the page is attached")
        .epoch
}

#[tokio::test]
async fn a_lost_link_is_taken_up_again() {
    let Some(chromium) = chromium() else { return };
    let mut stage = Stage::open(&chromium).await;
    let mut epochs = vec![epoch(&stage)];
    for _ in 0..3 {
        let http = stage.http.clone();
        let waiting = tokio::spawn(async move { http.post("/v1/call/page/wait", "").await });
        told(&mut stage.site, "entered").await;
        stage.relay.cut();
        let cut = waiting.await.expect("no panic");
        assert_eq!(cut.json().await["code"], "page_gone");
        assert_eq!(told(&mut stage.site, "aborted").await, "AbortError");
        stage.relay.mend();
        assert_eq!(told(&mut stage.site, "opened").await, stage.page);
        epochs.push(epoch(&stage));
        assert_eq!(stage.answer("add", "[1,2]").await, 3);
    }
    assert!(epochs.is_sorted_by(|a, b| a < b), "{epochs:?}");
    stage.close().await;
}

#[tokio::test]
async fn a_page_that_is_to_stay_away_does() {
    let Some(chromium) = chromium() else { return };
    for leaves_by_itself in [true, false] {
        let html = include_str!("pages/functions.html");
        let mut stage = Stage::show(&chromium, html, &[]).await;
        stage.answer("hurry", "").await;
        if leaves_by_itself {
            stage.answer("close", "").await;
        } else {
            let path = format!("/v1/pages/{}", stage.page);
            let detached = stage.http.send(Method::DELETE, &path, "").await;
            assert_eq!(detached.status, StatusCode::NO_CONTENT);
        }
        let code = told(&mut stage.site, "rested").await;
        assert_eq!(code, if leaves_by_itself { 1000 } else { 4410 });
        assert_eq!(stage.hub.hub.pages().len(), 0);
        stage.close().await;
    }
}

#[tokio::test]
async fn modules_and_workers_attach_too() {
    let Some(chromium) = chromium() else { return };
    let module = include_str!("pages/module.html").replace("{{options}}", r#"url: "{{hub}}","#);
    let worker = include_str!("pages/worker.html");
    for html in [&module, worker] {
        let stage = Stage::show(&chromium, html, &[]).await;
        assert_eq!(stage.answer("add", "[1,2]").await, 3);
        stage.close().await;
    }
}

/// `types.d.ts` promises it: `url` is by default the hub that served the script.
#[tokio::test]
async fn a_module_knows_the_hub_that_served_it() {
    let Some(chromium) = chromium() else { return };
    let html = include_str!("pages/module.html").replace("{{options}}", "");
    let stage = Stage::show(&chromium, &html, &[]).await;
    assert_eq!(stage.answer("add", "[1,2]").await, 3);
    stage.close().await;
}

#[tokio::test]
async fn the_console_prints_the_command_that_calls_a_function() {
    let Some(chromium) = chromium() else { return };
    let stage = Stage::open(&chromium).await;
    let hub = stage.relay.http_url();
    let said = stage.answer("said", "").await;
    let expected = format!("curl {hub}/v1/call/page/add -d '[1,1]'");
    let said: Vec<_> = said.as_array().expect("lines").iter().map(text).collect();
    assert!(said.contains(&expected), "{said:?}");
    let exposed = stage.hub.hub.pages()[0].functions.len();
    let commands = said.iter().filter(|line| line.starts_with("curl "));
    assert_eq!(commands.count(), exposed, "{said:?}");
    assert_eq!(said.len(), exposed, "nothing else is said: {said:?}");

    stage.answer("expose", r#"["新","fresh"]"#).await;
    let said = stage.answer("said", "").await;
    let expected = format!("curl {hub}/v1/call/page/%E6%96%B0 -d '[]'");
    assert_eq!(said[exposed], expected);
    assert_eq!(stage.answer("%E6%96%B0", "[]").await, "fresh");
    stage.close().await;
}

#[tokio::test]
async fn a_duplicated_tab_becomes_a_page_of_its_own() {
    let Some(chromium) = chromium() else { return };
    let html = include_str!("pages/functions.html");
    let mut stage = Stage::show(&chromium, html, &["--disable-popup-blocking"]).await;
    stage.answer("duplicate", "").await;
    // The twin brings the same id and takes it over; the first tab is told `replaced` and comes back as somebody else.
    assert_eq!(told(&mut stage.site, "opened").await, stage.page);
    let other = text(&told(&mut stage.site, "opened").await);
    assert_ne!(other, stage.page);
    let mut ids: Vec<_> = stage
        .hub
        .hub
        .pages()
        .into_iter()
        .map(|page| page.id.to_string())
        .collect();
    let mut expected = vec![stage.page.clone(), other];
    ids.sort();
    expected.sort();
    assert_eq!(ids, expected);
    let mut tabs = Vec::new();
    for id in &ids {
        let response = stage
            .http
            .post(&format!("/v1/call/page/tab?page={id}"), "")
            .await;
        tabs.push(response.text().await);
    }
    assert_ne!(tabs[0], tabs[1], "each id is another tab");
    stage.close().await;
}

#[tokio::test]
async fn a_page_with_a_token_calls_other_pages() {
    let Some(chromium) = chromium() else { return };
    let scopes = ["attach:page", "call:page/*", "call:shop/price"];
    let mut stage = Stage::open_with_token(&chromium, &scopes).await;
    let shop = FakePage::attach(&stage.hub, "shop", &["price", "secret"]).await;
    tokio::spawn(shop.serve(|_, arguments| arguments.to_string()));
    let described = |length, sum| json!({"kind": "Uint8Array", "length": length, "sum": sum});
    let cases = [
        ("call", json!(["shop/price", "A-100"]), json!(["A-100"])),
        ("call", json!(["shop.price"]), json!([])),
        ("callWithBytes", json!([]), described(3, 6)),
        ("callForBytes", json!([]), described(256, 32_640)),
        ("collect", json!(["page/count", 100]), (1..=100).collect()),
        ("collect", json!(["shop/price", 1]), json!([])),
        ("leave", json!([]), json!(20)),
    ];
    for (function, arguments, value) in cases {
        let answer = stage.answer(function, &arguments).await;
        assert_eq!(answer, json!({ "value": value }), "{function} {arguments}");
    }
    let left = told(&mut stage.site, "left").await;
    assert_eq!(left, "AbortError", "leaving the loop cancels the call");
    check_refused(&stage, "call", r#"["shop/secret"]"#, "call:shop/secret").await;
    check_refused(&stage, "subscribe", r#"["x"]"#, "subscribe:x").await;
    stage.close().await;
}

/// What the page asks of the hub by `function` is refused for lack of this scope.
async fn check_refused(stage: &Stage, function: &str, arguments: &str, scope: &str) {
    let answer = stage.answer(function, arguments).await;
    assert_eq!(answer["code"], -32006, "{function} {arguments}: {answer}");
    let message = text(&answer["message"]);
    assert!(
        message.ends_with(scope),
        "{function} {arguments}: {message}"
    );
}

#[tokio::test]
async fn what_a_page_asks_of_another_fails_as_it_does_for_programs() {
    let Some(chromium) = chromium() else { return };
    let mut stage = Stage::open_with_token(&chromium, &["attach", "call"]).await;
    let cases = [
        (json!(["page/throwNow", "TypeError"]), -32000, "boom"),
        (json!(["page/add", 1]), -32602, "argument \"b\" is missing"),
        (json!(["page/nowhere"]), -32601, "exposes nowhere"),
        (
            json!(["nobody/add"]),
            -32601,
            "no page is attached to group nobody",
        ),
        (
            json!([{"function": "page/wait", "timeout": 100}]),
            -32001,
            "timeout",
        ),
    ];
    for (arguments, code, message) in cases {
        let answer = stage.answer("call", &arguments).await;
        assert_eq!(answer["code"], code, "{arguments}: {answer}");
        assert!(
            text(&answer["message"]).contains(message),
            "{arguments}: {answer}"
        );
    }
    assert_eq!(told(&mut stage.site, "aborted").await, "TimeoutError");
    let broken = stage
        .answer("collect", json!(["page/countThenThrow", 3]))
        .await;
    assert_eq!(broken["message"], "enough");
    assert_eq!(broken["data"]["name"], "RangeError");

    let http = stage.http.clone();
    let abandoned =
        tokio::spawn(async move { http.post("/v1/call/page/abandon", "").await.json().await });
    told(&mut stage.site, "entered").await;
    stage.answer("abandonNow", "").await;
    assert_eq!(
        abandoned.await.expect("no panic")["message"],
        "changed my mind"
    );
    assert_eq!(told(&mut stage.site, "aborted").await, "AbortError");
    stage.close().await;
}

#[tokio::test]
async fn a_page_without_a_token_may_only_answer_and_publish() {
    let Some(chromium) = chromium() else { return };
    let stage = Stage::open(&chromium).await;
    let published = stage.answer("publish", r#"["prices",1]"#).await;
    assert_eq!(published["value"]["topic"], "pages/page/prices");
    let bytes = stage.answer("publishBytes", r#"["prices"]"#).await;
    assert_eq!(bytes["value"]["seq"], 2, "{bytes}");
    for (function, arguments, scope) in [
        ("call", r#"["page/add",1,2]"#, "call:page/add"),
        ("collect", r#"["page/count",1]"#, "call:page/count"),
        (
            "subscribe",
            r#"["pages/page/prices"]"#,
            "subscribe:pages/page/prices",
        ),
        (
            "subscribe",
            r#"["programs/news",{"last":1}]"#,
            "subscribe:programs/news",
        ),
    ] {
        check_refused(&stage, function, arguments, scope).await;
    }
    let kept = stage
        .http
        .get("/v1/topics/pages/page/prices")
        .await
        .json()
        .await;
    assert_eq!(kept["records"][0]["value"], 1, "{kept}");
    assert_eq!(kept["records"][1]["base64"], "AQID", "{kept}");
    stage.close().await;
}

#[tokio::test]
async fn a_page_follows_a_topic_over_a_lost_link() {
    let Some(chromium) = chromium() else { return };
    let scopes = ["attach:page", "subscribe:programs/news"];
    let mut stage = Stage::open_with_token(&chromium, &scopes).await;
    publish(&stage, 1..=3).await;
    stage
        .answer("subscribe", r#"["programs/news",{"last":2}]"#)
        .await;
    publish(&stage, 4..=4).await;
    check_follows(&mut stage, 2..=4).await;

    stage.relay.cut();
    publish(&stage, 5..=8).await;
    stage.relay.mend();
    check_follows(&mut stage, 5..=8).await;

    // Had it not left, the page would be told of 9 and 10 twice.
    stage.answer("unsubscribe", "").await;
    publish(&stage, 9..=9).await;
    stage
        .answer("subscribe", r#"["programs/news",{"last":1}]"#)
        .await;
    publish(&stage, 10..=10).await;
    check_follows(&mut stage, 9..=10).await;

    stage.answer("unsubscribe", "").await;
    stage
        .answer(
            "subscribe",
            r#"["programs/news",{"since":"another-run:1"}]"#,
        )
        .await;
    let gap = told(&mut stage.site, "followed").await;
    assert_eq!(
        gap,
        json!({"value": null, "at": {"gap": {"reset": true, "seq": 1}}})
    );
    check_follows(&mut stage, 1..=10).await;
    stage.close().await;
}

async fn publish(stage: &Stage, values: RangeInclusive<u32>) {
    for value in values {
        let body = value.to_string();
        let answer = stage.http.post("/v1/topics/programs/news", body).await;
        assert_eq!(answer.status, StatusCode::OK);
    }
}

/// The page was told of these values of `programs/news`, each with its place.
async fn check_follows(stage: &mut Stage, values: RangeInclusive<u32>) {
    for value in values {
        let told = told(&mut stage.site, "followed").await;
        assert_eq!(told["value"], value, "{told}");
        let at = &told["at"];
        assert_eq!(at["seq"], value, "{told}");
        assert!(at["cursor"].is_string() && at["time"].is_u64(), "{told}");
    }
}
