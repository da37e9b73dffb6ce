//! Events that are not what the protocol says.

use super::*;

/// Each event that is read, with all members that are required or read.
fn events() -> Vec<(&'static str, Value)> {
    let stream = json!({"requestId": "r", "timestamp": 12.0, "eventName": "gift", "data": "x"});
    let response = json!({"requestId": "r", "timestamp": 12.0, "response": {"url": "https://x/", "status": 200, "mimeType": "text/plain"}});
    let failed =
        json!({"requestId": "r", "timestamp": 12.0, "errorText": "net::ERR", "canceled": false});
    let error = json!({"requestId": "s", "timestamp": 12.0, "errorMessage": "bad frame"});
    vec![
        ("Network.webSocketCreated", created("t", "wss://y/")),
        ("Network.webSocketWillSendHandshakeRequest", handshake("s")),
        ("Network.webSocketHandshakeResponseReceived", answer("s")),
        ("Network.webSocketFrameReceived", frame("s", 1, "x")),
        ("Network.webSocketFrameSent", frame("s", 2, "AA==")),
        ("Network.webSocketFrameError", error),
        ("Network.webSocketClosed", closed("s")),
        ("Network.requestWillBeSent", request("q", "https://y/")),
        ("Network.responseReceived", response),
        ("Network.eventSourceMessageReceived", stream),
        ("Network.loadingFinished", closed("r")),
        ("Network.loadingFailed", failed),
    ]
}

/// Members without which an event means nothing.
const REQUIRED: &[&str] = &[
    "/requestId",
    "/timestamp",
    "/wallTime",
    "/request",
    "/request/headers",
    "/request/method",
    "/response",
    "/response/status",
    "/response/headers",
    "/response/opcode",
    "/response/payloadData",
    "/eventName",
    "/data",
];

fn pointers(value: &Value, at: &str, out: &mut Vec<String>) {
    out.push(at.to_owned());
    if let Some(members) = value.as_object() {
        for (name, member) in members {
            pointers(member, &format!("{at}/{name}"), out);
        }
    }
}

fn without(value: &Value, pointer: &str) -> Value {
    let mut value = value.clone();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = value.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    parent.remove(name).unwrap();
    value
}

fn with(value: &Value, pointer: &str, member: Value) -> Value {
    let mut value = value.clone();
    *value.pointer_mut(pointer).unwrap() = member;
    value
}

/// A page with an open socket and a request under way.
fn page() -> (Taps, SessionId) {
    let (mut taps, page) = (taps(&["ws:*", "http:*"]), session("S"));
    open(&mut taps, &page, "s", "wss://x/");
    feed(
        &mut taps,
        &page,
        "Network.requestWillBeSent",
        &request("r", "https://x/"),
    )
    .unwrap();
    lines(&mut taps);
    (taps, page)
}

/// The socket and the request are as they were.
fn assert_intact(taps: &mut Taps, page: &SessionId, after: &str) {
    assert_eq!(lines(taps), Vec::<String>::new(), "{after}");
    feed(
        taps,
        page,
        "Network.webSocketFrameReceived",
        &frame("s", 1, "next"),
    )
    .unwrap();
    feed(taps, page, "Network.loadingFinished", &closed("r")).unwrap();
    assert_eq!(
        lines(taps),
        [
            r#"1-x: {"kind":"text","direction":"received","size":4,"at_us":10500000,"time_ms":1795000001000,"text":"next"}"#,
            "want body of r"
        ],
        "{after}"
    );
}

#[test]
fn an_event_without_what_it_needs_is_an_error_and_changes_nothing() {
    let mut tried = 0;
    for (name, params) in events() {
        let mut all = Vec::new();
        pointers(&params, "", &mut all);
        let is_required = |pointer: &&String| {
            REQUIRED.contains(&pointer.as_str())
                || pointer.ends_with("/url") && name != "Network.responseReceived"
        };
        for pointer in all.iter().filter(is_required) {
            for bad in [
                without(&params, pointer),
                with(&params, pointer, Value::Null),
                with(&params, pointer, json!([[[]]])),
            ] {
                let (mut taps, page) = page();
                let error = feed(&mut taps, &page, name, &bad).expect_err(name);
                assert!(
                    matches!(error, Error::Malformed { .. }),
                    "{name} {bad}: {error}"
                );
                assert_intact(&mut taps, &page, &format!("{name} {bad}"));
                tried += 1;
            }
        }
    }
    assert!(tried > 90, "{tried}");
}

#[test]
fn no_value_of_a_member_panics() {
    let strange = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1e300),
        json!(u64::MAX),
        json!(""),
        json!("\u{0}\"\\"),
        json!("\\ud800"),
        json!([]),
        json!({}),
        json!({"headers": {"a": 1}}),
        json!([null, {"stack": {"callFrames": [{}]}}]),
    ];
    for (name, params) in events() {
        let mut all = Vec::new();
        pointers(&params, "", &mut all);
        for pointer in &all {
            for value in &strange {
                let (mut taps, page) = page();
                let _ = feed(
                    &mut taps,
                    &page,
                    name,
                    &with(&params, pointer, value.clone()),
                );
                for (_, value) in values(&mut taps) {
                    assert!(value["kind"].is_string(), "{value}");
                }
                taps.forget_session(&page, "the end", u64::MAX);
                values(&mut taps);
            }
        }
    }
}

#[test]
fn opcodes_and_payloads_that_cannot_be_are_errors() {
    for (opcode, payload) in [
        (json!(16), json!("x")),
        (json!(-1), json!("x")),
        (json!(1.5), json!("x")),
        (json!(1e300), json!("x")),
        (json!(1), json!(7)),
        (json!(2), json!({"a": "x"})),
    ] {
        let (mut taps, page) = page();
        let params = json!({"requestId": "s", "timestamp": 10.5, "response": {"opcode": opcode, "payloadData": payload}});
        let error = feed(&mut taps, &page, "Network.webSocketFrameSent", &params).unwrap_err();
        assert!(matches!(error, Error::Malformed { .. }), "{error}");
        assert_intact(&mut taps, &page, &params.to_string());
    }
}

#[test]
fn events_of_other_domains_and_new_ones_pass() {
    let (mut taps, page) = page();
    for name in [
        "Page.frameNavigated",
        "Network.",
        "Network.webSocketNew",
        "Network.new",
        "",
    ] {
        feed(&mut taps, &page, name, &json!({"requestId": 1})).unwrap();
    }
    assert_intact(&mut taps, &page, "other events");
}

#[test]
fn what_is_told_twice_counts_once() {
    let (mut taps, page) = page();
    for (name, params) in [
        ("Network.webSocketCreated", created("s", "wss://other/")),
        ("Network.webSocketHandshakeResponseReceived", answer("s")),
        ("Network.requestWillBeSent", request("r", "https://other/")),
    ] {
        feed(&mut taps, &page, name, &params).unwrap();
    }
    assert_intact(&mut taps, &page, "told twice");
}
