//! What a function gets, answers and throws, as JSON and as bytes.

use http::StatusCode;
use pagewire_testkit::{Response, chromium};
use serde_json::json;

use crate::stage::{Stage, text};

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
async fn a_function_knows_the_trace_of_its_caller() {
    let Some(chromium) = chromium() else { return };
    let stage = Stage::open(&chromium).await;
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let traced = stage.http.with("traceparent", trace);
    let answer = traced.post("/v1/call/page/trace", "").await;
    assert_eq!(answer.json().await, json!(trace));
    assert_eq!(stage.answer("trace", "").await, json!(null));
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
