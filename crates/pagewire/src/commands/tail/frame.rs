//! The values of taps and of the hook for people: what a page's own connections brought (`docs/protocol.md` §1.12).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pagewire_cdp::{TapBody, TapDirection, TapMessage, TapOpen, TapResponse, TapSeen, TapWhat};

use crate::close_code;
use crate::preview;

/// So much of a text is shown.
const FRAME_TEXT_BYTES_MAX: usize = 1_024;
/// So many bytes of a binary frame are shown, unless they are text.
const FRAME_PREVIEW_BYTES_MAX: usize = 64;
/// Where the rest is.
const REST: &str = "--json shows all of them";

/// What happened, in one line, and what came under it where it is long.
pub(super) fn shown(what: &TapWhat) -> String {
    let payload = payload(what).map(shown_payload);
    head(what) + &payload.unwrap_or_default()
}

/// The same without what came.
pub(super) fn head(what: &TapWhat) -> String {
    match what {
        TapWhat::Open(open) => shown_open(open),
        TapWhat::Text(message) => message_head(message, "text"),
        TapWhat::Binary(message) => message_head(message, "binary"),
        TapWhat::Ping(message) => message_head(message, "ping"),
        TapWhat::Pong(message) => message_head(message, "pong"),
        TapWhat::Error { text } => format!("the connection failed: {}", set_in(text)),
        TapWhat::Close { code, reason } => {
            let with = code.map(|code| format!(" with {code} ({})", close_code::name(code)));
            let colon = if reason.is_empty() { "" } else { ": " };
            let (with, reason) = (with.unwrap_or_default(), set_in(reason));
            format!("the connection closed{with}{colon}{reason}")
        }
        TapWhat::Lost { count: 1 } => "--- 1 value is lost in the page ---".to_owned(),
        TapWhat::Lost { count } => format!("--- {count} values are lost in the page ---"),
        TapWhat::Response(response) => response_head(response),
    }
}

const fn payload(what: &TapWhat) -> Option<&TapBody> {
    match what {
        TapWhat::Text(message)
        | TapWhat::Binary(message)
        | TapWhat::Ping(message)
        | TapWhat::Pong(message) => Some(&message.payload),
        TapWhat::Response(response) => Some(&response.payload),
        TapWhat::Open(_) | TapWhat::Error { .. } | TapWhat::Close { .. } | TapWhat::Lost { .. } => {
            None
        }
    }
}

fn shown_open(it: &TapOpen) -> String {
    let by = |word: &str, text: &str| {
        if text.is_empty() {
            String::new()
        } else {
            format!("{word}{text}")
        }
    };
    let status = match it.status {
        Some(101) | None => String::new(),
        Some(status) => format!(", refused with status {status}"),
    };
    let opened = match it.seen {
        None => "opened",
        Some(TapSeen::Late) => "was open before it was seen",
    };
    let text = format!(
        "connection {} {opened}{}{}{}{status}",
        it.connection,
        by(": ", &it.url),
        by(" in a ", &it.target),
        by(", by ", &it.initiator),
    );
    set_in(&text)
}

fn message_head(it: &TapMessage, kind: &str) -> String {
    let arrow = match it.direction {
        TapDirection::Received => '←',
        TapDirection::Sent => '→',
    };
    let opcode = it.opcode.map(|opcode| format!(" opcode {opcode}"));
    let (opcode, size) = (opcode.unwrap_or_default(), bytes(it.size));
    format!("{arrow} {kind}{opcode} {size}")
}

fn response_head(it: &TapResponse) -> String {
    let status = it.status.map(|status| status.to_string());
    let size = it.size.map(bytes);
    let parts = [
        Some(it.method.clone()),
        status,
        Some(it.mime.clone()),
        size,
        Some(it.url.clone()),
    ];
    let parts = parts.into_iter().flatten().filter(|part| !part.is_empty());
    let head = parts.fold("←".to_owned(), |head, part| format!("{head} {part}"));
    let error = it.error.as_ref().map(|error| format!(": {error}"));
    set_in(&(head + &error.unwrap_or_default()))
}

/// Text as it is, behind the head; other bytes in rows under it.
fn shown_payload(it: &TapBody) -> String {
    match (&it.text, &it.base64) {
        (Some(text), _) => shown_text(text),
        (None, Some(base64)) => match STANDARD.decode(base64) {
            Ok(bytes) => match std::str::from_utf8(&bytes) {
                Ok(text) if !text.contains(is_unprintable) => shown_text(text),
                Ok(_) | Err(_) => rows(&bytes),
            },
            Err(_) => ", which are no base64".to_owned(),
        },
        (None, None) => String::new(),
    }
}

/// The first bytes, under the head.
pub(super) fn rows(bytes: &[u8]) -> String {
    preview::rows(bytes, FRAME_PREVIEW_BYTES_MAX, REST)
}

fn shown_text(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let end = text.floor_char_boundary(FRAME_TEXT_BYTES_MAX);
    let more = match text.len() - end {
        0 => String::new(),
        left => format!("\n  … {left} more bytes ({REST})"),
    };
    format!("  {}{more}", set_in(&text[..end]))
}

/// Later lines are set in, so that what a page got cannot look like another value.
pub(super) fn set_in(text: &str) -> String {
    text.replace('\n', "\n  ")
}

fn is_unprintable(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\r' | '\t')
}

pub(super) fn bytes(count: u64) -> String {
    match count {
        1 => "1 byte".to_owned(),
        count => format!("{count} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: &serde_json::Value) -> String {
        let what: TapWhat = serde_json::from_value(value.clone()).expect("a value of a tap");
        super::shown(&what)
    }

    fn text(text: &str) -> serde_json::Value {
        serde_json::json!({"kind": "text", "direction": "received", "size": text.len(), "at_us": 1, "time_ms": 2, "text": text})
    }

    fn binary(bytes: &[u8]) -> serde_json::Value {
        serde_json::json!({"kind": "binary", "direction": "sent", "size": bytes.len(), "at_us": 1, "time_ms": 2, "base64": STANDARD.encode(bytes)})
    }

    #[test]
    fn values_of_taps_are_readable() {
        let json = |text: &str| serde_json::from_str(text).expect("JSON");
        let cases: [(serde_json::Value, &str); 16] = [
            (
                json(
                    r#"{"kind":"open","connection":"1-push.example.com","url":"wss://push.example.com/live","at_us":1,"time_ms":2,"target":"tab",
                    "initiator":"https://shop.example/app.js:10:5","request":{},"status":101,"response":{}}"#,
                ),
                "connection 1-push.example.com opened: wss://push.example.com/live in a tab, by https://shop.example/app.js:10:5",
            ),
            (
                json(
                    r#"{"kind":"open","connection":"1-a","url":"wss://a/","at_us":1,"time_ms":2,"status":403}"#,
                ),
                "connection 1-a opened: wss://a/, refused with status 403",
            ),
            (text(r#"{"a":1}"#), r#"← text 7 bytes  {"a":1}"#),
            (text(""), "← text 0 bytes"),
            (text("a\n#9 faked"), "← text 10 bytes  a\n  #9 faked"),
            (binary("价格".as_bytes()), "→ binary 6 bytes  价格"),
            (binary(b""), "→ binary 0 bytes"),
            (
                binary(b"\x08\x01ab"),
                "→ binary 4 bytes\n  000000  08 01 61 62                                      ..ab",
            ),
            (
                binary(b"\x1b[2J"),
                "→ binary 4 bytes\n  000000  1b 5b 32 4a                                      .[2J",
            ),
            (
                json(
                    r#"{"kind":"ping","direction":"received","size":1,"at_us":1,"time_ms":2,"base64":"AA=="}"#,
                ),
                "← ping 1 byte\n  000000  00                                               .",
            ),
            (
                json(
                    r#"{"kind":"binary","direction":"received","size":0,"opcode":5,"at_us":1,"time_ms":2,"base64":""}"#,
                ),
                "← binary opcode 5 0 bytes",
            ),
            (
                json(r#"{"kind":"error","at_us":1,"time_ms":2,"text":"ERR_CONNECTION_RESET"}"#),
                "the connection failed: ERR_CONNECTION_RESET",
            ),
            (
                json(r#"{"kind":"close","at_us":1,"time_ms":2,"code":1001,"reason":"bye"}"#),
                "the connection closed with 1001 (going away): bye",
            ),
            (
                json(r#"{"kind":"close","at_us":1,"time_ms":2,"code":1005,"reason":""}"#),
                "the connection closed with 1005 (no status received)",
            ),
            (
                json(
                    r#"{"kind":"response","url":"https://a/x","method":"GET","status":200,"mime":"application/json","size":2,"at_us":1,"time_ms":2,"text":"{}"}"#,
                ),
                "← GET 200 application/json 2 bytes https://a/x  {}",
            ),
            (
                json(
                    r#"{"kind":"response","url":"https://a/x","method":"GET","at_us":1,"time_ms":2,"error":"the worker ended"}"#,
                ),
                "← GET https://a/x: the worker ended",
            ),
        ];
        for (value, expected) in cases {
            assert_eq!(shown(&value), expected, "{value}");
        }
    }

    #[test]
    fn what_was_not_told_is_left_out_and_what_was_lost_is_counted() {
        for (value, expected) in [
            (
                r#"{"kind":"open","connection":"1-a","url":"wss://a/","at_us":1,"time_ms":2,"target":"worker","seen":"late"}"#,
                "connection 1-a was open before it was seen: wss://a/ in a worker",
            ),
            (
                r#"{"kind":"open","connection":"1-a","at_us":1,"time_ms":2,"seen":"late"}"#,
                "connection 1-a was open before it was seen",
            ),
            (
                r#"{"kind":"close","at_us":1,"time_ms":2}"#,
                "the connection closed",
            ),
            (
                r#"{"kind":"lost","count":3}"#,
                "--- 3 values are lost in the page ---",
            ),
            (
                r#"{"kind":"lost","count":1}"#,
                "--- 1 value is lost in the page ---",
            ),
        ] {
            let value = serde_json::from_str(value).expect("JSON");
            assert_eq!(shown(&value), expected);
        }
    }

    #[test]
    fn long_frames_are_cut_at_their_limits() {
        let at = "x".repeat(FRAME_TEXT_BYTES_MAX);
        assert!(shown(&text(&at)).ends_with(&at));
        let past = shown(&text(&format!("{at}x")));
        assert!(
            past.ends_with("x\n  … 1 more bytes (--json shows all of them)"),
            "{past}"
        );
        let wide = shown(&text(&"价".repeat(FRAME_TEXT_BYTES_MAX)));
        assert_eq!(wide.matches('价').count(), FRAME_TEXT_BYTES_MAX / 3);
        let at = shown(&binary(&[0; FRAME_PREVIEW_BYTES_MAX]));
        assert!(!at.contains('…') && at.lines().count() == 5, "{at}");
        let past = shown(&binary(&[0; FRAME_PREVIEW_BYTES_MAX + 1]));
        assert!(
            past.ends_with("… 1 more bytes (--json shows all of them)"),
            "{past}"
        );
    }
}
