//! What a recording of one page does not show.

use serde_json::value::RawValue;

use super::*;

const SENT: &str = "Network.webSocketFrameSent";
const RECEIVED: &str = "Network.webSocketFrameReceived";

#[test]
fn a_socket_opened_before_us_is_told_once_and_tapped_only_by_a_rule_for_all() {
    let page = session("S");
    let mut some = taps(&["ws:push.example.com"]);
    let mut all = taps(&["ws:push.example.com", "ws:*"]);
    for taps in [&mut some, &mut all] {
        for text in ["a", "b"] {
            feed(taps, &page, RECEIVED, &frame("1.7", 1, text)).unwrap();
        }
        feed(taps, &page, "Network.webSocketClosed", &closed("1.7")).unwrap();
        feed(taps, &page, "Network.webSocketClosed", &closed("1.7")).unwrap();
    }
    assert_eq!(lines(&mut some), ["unseen 1.7"]);
    assert_eq!(
        lines(&mut all),
        [
            "unseen 1.7",
            r#"1-unknown: {"kind":"open","connection":"1-unknown","seen":"late","at_us":10500000,"time_ms":1795000000000,"target":"tab"}"#,
            r#"1-unknown: {"kind":"text","direction":"received","size":1,"at_us":10500000,"time_ms":1795000000000,"text":"a"}"#,
            r#"1-unknown: {"kind":"text","direction":"received","size":1,"at_us":10500000,"time_ms":1795000000000,"text":"b"}"#,
            r#"1-unknown: {"kind":"close","at_us":11000000,"time_ms":1795000000000}"#,
        ]
        .map(|line| line.replace(r#"11000000,"time_ms":1795000000000"#, r#"11000000,"time_ms":1795000000500"#))
    );
}

#[test]
fn a_socket_that_no_rule_fits_is_not_taken_for_one_opened_before_us() {
    let (mut taps, page) = (taps(&["ws:push.example.com"]), session("S"));
    open(&mut taps, &page, "1.1", "wss://other.example.com/");
    feed(&mut taps, &page, RECEIVED, &frame("1.1", 1, "x")).unwrap();
    feed(&mut taps, &page, "Network.webSocketClosed", &closed("1.1")).unwrap();
    assert_eq!(lines(&mut taps), Vec::<String>::new());
}

#[test]
fn sockets_are_numbered_as_they_come_and_ids_count_only_in_their_session() {
    let (mut taps, tab, worker) = (taps(&["ws:*.example.com"]), session("T"), session("W"));
    open(&mut taps, &tab, "1.1", "wss://a.example.com/");
    open(&mut taps, &worker, "1.1", "wss://b.example.com/");
    open(&mut taps, &tab, "1.2", "wss://other.test/");
    open(&mut taps, &tab, "1.3", "wss://a.example.com/");
    for (of, id, text) in [
        (&tab, "1.1", "x"),
        (&worker, "1.1", "y"),
        (&tab, "1.3", "z"),
    ] {
        feed(&mut taps, of, SENT, &frame(id, 1, text)).unwrap();
    }
    let texts: Vec<_> = values(&mut taps)
        .into_iter()
        .filter(|(_, value)| value["kind"] == "text")
        .map(|(connection, value)| format!("{connection} {} {}", value["direction"], value["text"]))
        .collect();
    assert_eq!(
        texts,
        [
            r#"1-a.example.com "sent" "x""#,
            r#"2-b.example.com "sent" "y""#,
            r#"3-a.example.com "sent" "z""#
        ]
    );
}

#[test]
fn a_socket_without_an_answer_is_opened_by_its_first_frame() {
    let (mut taps, page) = (taps(&["ws:*"]), session("S"));
    feed(
        &mut taps,
        &page,
        "Network.webSocketCreated",
        &created("1", "wss://x/"),
    )
    .unwrap();
    feed(&mut taps, &page, RECEIVED, &frame("1", 1, "a")).unwrap();
    feed(
        &mut taps,
        &page,
        "Network.webSocketHandshakeResponseReceived",
        &answer("1"),
    )
    .unwrap();
    let kinds: Vec<_> = values(&mut taps)
        .into_iter()
        .map(|(_, value)| value["kind"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds, ["open", "text"]);
}

#[test]
fn opcodes_have_kinds() {
    let (mut taps, page) = (taps(&["ws:*"]), session("S"));
    open(&mut taps, &page, "1", "wss://x/");
    values(&mut taps);
    for opcode in [1, 2, 8, 9, 10] {
        feed(&mut taps, &page, RECEIVED, &frame("1", opcode, "AAE=")).unwrap();
    }
    let frames: Vec<_> = values(&mut taps)
        .into_iter()
        .map(|(_, v)| {
            format!(
                "{} {} {} {}",
                v["kind"], v["opcode"], v["size"], v["base64"]
            )
        })
        .collect();
    assert_eq!(
        frames,
        [
            r#""text" null 4 null"#,
            r#""binary" null 2 "AAE=""#,
            r#""binary" 8 2 "AAE=""#,
            r#""ping" 9 2 "AAE=""#,
            r#""pong" 10 2 "AAE=""#,
        ]
    );
}

#[test]
fn what_is_open_ends_with_its_session() {
    let (mut taps, tab, worker) = (taps(&["ws:*", "http:*"]), session("T"), session("W"));
    for session in [&tab, &worker] {
        open(&mut taps, session, "1", "wss://x/");
        feed(
            &mut taps,
            session,
            "Network.webSocketCreated",
            &created("2", "wss://y/"),
        )
        .unwrap();
        feed(
            &mut taps,
            session,
            "Network.requestWillBeSent",
            &request("3", "https://z/"),
        )
        .unwrap();
    }
    values(&mut taps);
    taps.forget_session(&worker, "the worker ended", NOW_MS + 1_500);
    let ended = [
        r#"2-x: {"kind":"close","at_us":11500000,"time_ms":1795000002000,"reason":"the worker ended"}"#,
        r#"4-y: {"kind":"open","connection":"4-y","url":"wss://y/","at_us":11500000,"time_ms":1795000002000,"target":"tab"}"#,
        r#"4-y: {"kind":"close","at_us":11500000,"time_ms":1795000002000,"reason":"the worker ended"}"#,
        r#"http-z: {"kind":"response","url":"https://z/","method":"GET","at_us":11500000,"time_ms":1795000002000,"error":"the worker ended"}"#,
    ];
    let got: Vec<_> = lines(&mut taps)
        .into_iter()
        .map(|line| line.replace("3-x", "2-x"))
        .collect();
    assert_eq!(got, ended);
    taps.forget_session(&worker, "again", NOW_MS);
    feed(&mut taps, &worker, "Network.loadingFinished", &closed("3")).unwrap();
    assert_eq!(lines(&mut taps), Vec::<String>::new());
    // The tab has all of its own.
    feed(&mut taps, &tab, RECEIVED, &frame("1", 1, "a")).unwrap();
    feed(&mut taps, &tab, "Network.loadingFinished", &closed("3")).unwrap();
    assert_eq!(lines(&mut taps).len(), 2);
}

#[test]
fn a_body_that_is_gone_is_told_as_an_error() {
    let (mut taps, page) = (taps(&["http:*"]), session("S"));
    feed(
        &mut taps,
        &page,
        "Network.requestWillBeSent",
        &request("3", "https://z/?token=a"),
    )
    .unwrap();
    feed(&mut taps, &page, "Network.loadingFinished", &closed("3")).unwrap();
    assert_eq!(lines(&mut taps), ["want body of 3"]);
    // A body that has been asked for still comes after a navigation.
    taps.handle_navigation(&page, None, "the page navigated", NOW_MS);
    let id = NetworkId::from("3");
    taps.handle_body(&page, &id, Err("No resource with given identifier found"));
    taps.handle_body(&page, &id, Err("twice"));
    assert_eq!(
        lines(&mut taps),
        [
            r#"http-z: {"kind":"response","url":"https://z/?token=REDACTED","method":"GET","at_us":11000000,"time_ms":1795000001500,"error":"No resource with given identifier found"}"#
        ]
    );
}

/// An id of a request that the browser itself makes.
const OF_BROWSER: &str = "00DF553397F367AB3A1803018E037881";

fn response(id: &str, kind: &str, url: &str) -> Value {
    json!({"requestId": id, "timestamp": 10.0, "type": kind,
        "response": {"url": url, "status": 200, "mimeType": "text/x"}})
}

/// Ends a request and gives what it was.
fn end(taps: &mut Taps, session: &SessionId, id: &str) -> Vec<String> {
    feed(taps, session, "Network.loadingFinished", &closed(id)).unwrap();
    let body = ResponseBody {
        body: serde_json::from_str(r#""x""#).unwrap(),
        base64_encoded: false,
    };
    taps.handle_body(session, &NetworkId::from(id), Ok(&body));
    lines(taps)
}

#[test]
fn a_document_or_worker_script_whose_request_was_not_seen_begins_with_its_answer_and_nothing_else_does()
 {
    for (id, kind, told) in [
        (OF_BROWSER, "Document", Some(r#""status":200"#)),
        (OF_BROWSER, "Script", Some(r#""method":"GET","status":200"#)),
        (OF_BROWSER, "Preflight", None),
        ("5.1", "Document", None),
        ("5.1", "Fetch", None),
    ] {
        let (mut taps, page) = (taps(&["http:z"]), session("S"));
        feed(
            &mut taps,
            &page,
            "Network.responseReceived",
            &response(id, kind, "https://z/"),
        )
        .unwrap();
        taps.handle_navigation(
            &page,
            Some(&NetworkId::from(id)),
            "the page navigated",
            NOW_MS,
        );
        let expected = told.map(|told| {
            format!(r#"http-z: {{"kind":"response","url":"https://z/",{told},"mime":"text/x","size":1,"at_us":11000000,"time_ms":1795000000000,"text":"x"}}"#)
        });
        let expected = expected.map(|value| vec![format!("want body of {id}"), value]);
        assert_eq!(
            end(&mut taps, &page, id),
            expected.unwrap_or_default(),
            "{id} {kind}"
        );
    }
}

#[test]
fn the_document_of_a_frame_is_requested_around_it_and_ends_in_it() {
    let (mut taps, page, frame) = (taps(&["http:*"]), session("P"), session("F"));
    let mut asked = request(OF_BROWSER, "https://z/");
    asked["loaderId"] = json!(OF_BROWSER);
    feed(&mut taps, &page, "Network.requestWillBeSent", &asked).unwrap();
    feed(
        &mut taps,
        &page,
        "Network.responseReceived",
        &response(OF_BROWSER, "Document", "https://z/"),
    )
    .unwrap();
    feed(
        &mut taps,
        &page,
        "Network.requestWillBeSent",
        &request("5.1", "https://z/"),
    )
    .unwrap();
    assert_eq!(end(&mut taps, &frame, OF_BROWSER).len(), 2);
    // Other ids are unique only where they are.
    assert_eq!(end(&mut taps, &frame, "5.1"), Vec::<String>::new());
    assert_eq!(end(&mut taps, &page, "5.1").len(), 2);
}

#[test]
fn the_script_of_a_worker_is_told_where_it_ends_and_a_preflight_by_nobody() {
    for (kind, ends_in, told) in [
        ("Script", "P", 2),
        ("Script", "W", 2),
        ("Preflight", "P", 0),
    ] {
        let (mut taps, page) = (taps(&["http:*"]), session("P"));
        let mut asked = request(OF_BROWSER, "https://z/");
        asked["type"] = kind.into();
        feed(&mut taps, &page, "Network.requestWillBeSent", &asked).unwrap();
        // No head of an answer: a worker that begins does not always tell it.
        let values = end(&mut taps, &session(ends_in), OF_BROWSER);
        assert_eq!(values.len(), told, "{kind} {ends_in}: {values:?}");
    }
    for end in [
        Taps::forget_session,
        |taps: &mut Taps, page: &_, why: &_, ms| taps.handle_navigation(page, None, why, ms),
    ] {
        let (mut taps, page) = (taps(&["http:*"]), session("P"));
        let mut asked = request(OF_BROWSER, "https://z/");
        asked["type"] = "Script".into();
        feed(&mut taps, &page, "Network.requestWillBeSent", &asked).unwrap();
        end(&mut taps, &page, "the page navigated", NOW_MS);
        assert_eq!(
            lines(&mut taps),
            Vec::<String>::new(),
            "it may end elsewhere"
        );
    }
}

#[test]
fn a_body_nobody_asked_for_is_passed_over() {
    let (mut taps, page) = (taps(&["http:*"]), session("S"));
    feed(
        &mut taps,
        &page,
        "Network.requestWillBeSent",
        &request("3", "https://z/"),
    )
    .unwrap();
    let body = ResponseBody {
        body: serde_json::from_str(r#""x""#).unwrap(),
        base64_encoded: false,
    };
    taps.handle_body(&page, &NetworkId::from("3"), Ok(&body));
    taps.handle_body(&page, &NetworkId::from("4"), Ok(&body));
    assert_eq!(lines(&mut taps), Vec::<String>::new());
}

#[test]
fn the_payload_of_a_value_is_what_the_browser_wrote() {
    let (mut taps, page) = (taps(&["ws:*"]), session("S"));
    open(&mut taps, &page, "1", "wss://x/");
    for (opcode, payload) in [(1, r#""a\u4e2d\n\"\/中""#), (2, r#""AAE\u003d""#)] {
        let params = format!(
            r#"{{"requestId":"1","timestamp":1,"response":{{"opcode":{opcode},"payloadData":{payload}}}}}"#
        );
        let params: &RawValue = serde_json::from_str(&params).unwrap();
        feed_raw(&mut taps, &page, RECEIVED, params).unwrap();
    }
    let payloads: Vec<_> = std::iter::from_fn(|| taps.poll_tapped())
        .filter_map(|tapped| match tapped {
            Tapped::Value(value) => Some(value),
            Tapped::WantBody { .. } | Tapped::Unseen { .. } => None,
        })
        .map(|value| {
            let json: Value = serde_json::from_slice(&value.json).unwrap();
            (json["size"].as_u64(), value.payload())
        })
        .collect();
    assert_eq!(
        payloads,
        [
            (None, None),
            (
                Some(10),
                Some(TapPayload::Text(r#""a\u4e2d\n\"\/中""#.into()))
            ),
            (Some(2), Some(TapPayload::Base64(r#""AAE\u003d""#.into()))),
        ]
    );
}

#[test]
fn rules_are_read_and_what_is_wrong_with_them_is_said() {
    for (text, shown) in [
        ("ws:*", "ws:*"),
        ("ws:push.example.com", "ws:push.example.com"),
        ("wss://push.example.com/*", "ws:wss://push.example.com/*"),
        ("http:*/api/*", "http:*/api/*"),
        (
            "https://shop.example/api/*",
            "http:https://shop.example/api/*",
        ),
        ("ws:wss://x", "ws:wss://x"),
    ] {
        assert_eq!(text.parse::<TapRule>().unwrap().to_string(), shown);
    }
    for (text, said) in [
        ("push.example.com", "a tap begins with ws: or http:"),
        ("", "a tap begins with ws: or http:"),
        ("tcp:x", "a tap begins with ws: or http:"),
        ("ws:", "is empty"),
        (
            "ws:https://x",
            "a tap of WebSockets cannot fit https:// addresses; leave https:// out, or write wss://",
        ),
        (
            "http:ws://x",
            "a tap of responses cannot fit ws:// addresses",
        ),
        ("ws:a b", "which no address has"),
    ] {
        let error = text.parse::<TapRule>().expect_err(text).to_string();
        assert!(error.contains(said), "{text}: {error}");
    }
}
