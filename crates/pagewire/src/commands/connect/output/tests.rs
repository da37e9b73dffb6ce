use super::*;

const FORMS: [Form; 4] = [Form::Json, Form::Terminal, Form::Pipe, Form::RawPipe];

fn text(text: &str) -> Payload {
    Payload::Text(text.into())
}

fn binary(bytes: &[u8]) -> Payload {
    Payload::Binary(Bytes::copy_from_slice(bytes))
}

#[test]
fn a_message_is_shown_as_its_reader_needs_it() {
    let hex = "binary, 3 bytes\n  000000  00 41 ff                                         .A.";
    let cases = [
        (
            text("a\nb"),
            [
                Shown::Json(
                    r#"{"event":"message","kind":"text","size":3,"text":"a\nb","time_ms":7}"#
                        .into(),
                ),
                Shown::Text("< a\n  b".into()),
                Shown::Text("a\nb".into()),
                Shown::Text("a\nb".into()),
            ],
        ),
        (
            binary(b"\0A\xff"),
            [
                Shown::Json(
                    r#"{"event":"message","kind":"binary","size":3,"base64":"AEH/","time_ms":7}"#
                        .into(),
                ),
                Shown::Text(format!("< {hex}")),
                Shown::Text(hex.into()),
                Shown::Raw(Bytes::from_static(b"\0A\xff")),
            ],
        ),
    ];
    for (payload, shown) in cases {
        for (form, shown) in FORMS.into_iter().zip(shown) {
            assert_eq!(
                form.show(&Event::Message { payload: &payload }, 7),
                shown,
                "{form:?}"
            );
        }
    }
}

/// A word to the person in the forms for people, a line in that for machines.
fn check(event: &Event<'_>, note: &str, json: &str) {
    for form in FORMS {
        let expected = match form {
            Form::Json => Shown::Json(json.into()),
            Form::Terminal | Form::Pipe | Form::RawPipe => Shown::Note(note.into()),
        };
        assert_eq!(form.show(event, 7), expected);
    }
}

#[test]
fn what_is_opened_and_sent_is_told() {
    let hello = text("hello");
    check(
        &Event::Open {
            url: "ws://h/",
            peer: Some(([127, 0, 0, 1], 80).into()),
            subprotocol: Some("chat"),
        },
        "connected to ws://h/ (127.0.0.1:80), subprotocol chat",
        r#"{"event":"open","url":"ws://h/","peer":"127.0.0.1:80","subprotocol":"chat","time_ms":7}"#,
    );
    check(
        &Event::Open {
            url: "ws://h/",
            peer: None,
            subprotocol: None,
        },
        "connected to ws://h/",
        r#"{"event":"open","url":"ws://h/","subprotocol":null,"time_ms":7}"#,
    );
    check(
        &Event::Sent {
            payload: &hello,
            source: Source::Option,
        },
        "> hello",
        r#"{"event":"sent","kind":"text","size":5,"text":"hello","time_ms":7}"#,
    );
    let typed = Event::Sent {
        payload: &hello,
        source: Source::Input,
    };
    assert_eq!(Form::Terminal.show(&typed, 7), Shown::Nothing);
}

#[test]
fn pings_ends_and_errors_are_told() {
    let beat = binary(b"beat");
    check(
        &Event::Ping { payload: &beat },
        "ping \"beat\"",
        r#"{"event":"ping","kind":"binary","size":4,"base64":"YmVhdA==","time_ms":7}"#,
    );
    check(
        &Event::Pong {
            payload: &beat,
            round_trip: Some(Duration::from_micros(1_500)),
        },
        "pong after 1.5ms",
        r#"{"event":"pong","kind":"binary","size":4,"base64":"YmVhdA==","round_trip_ms":1.5,"time_ms":7}"#,
    );
    check(
        &Event::Pong {
            payload: &beat,
            round_trip: None,
        },
        "pong \"beat\" without a ping",
        r#"{"event":"pong","kind":"binary","size":4,"base64":"YmVhdA==","time_ms":7}"#,
    );
    check(
        &Event::closed(1008, "not you", Side::Server, true),
        "closed by the server with 1008 (policy violation): not you",
        r#"{"event":"close","code":1008,"name":"policy violation","reason":"not you","by":"server","clean":true,"time_ms":7}"#,
    );
    check(
        &Event::closed(1000, "", Side::Client, false),
        "closed with 1000 (normal closure), without an answer",
        r#"{"event":"close","code":1000,"name":"normal closure","reason":"","by":"client","clean":false,"time_ms":7}"#,
    );
    check(
        &Event::Error { message: "no" },
        "pagewire: no",
        r#"{"event":"error","message":"no","time_ms":7}"#,
    );
    check(
        &Event::Reconnect {
            attempt: 2,
            wait: Some(Duration::from_millis(750)),
        },
        "connecting again in 750.0ms (attempt 2)",
        r#"{"event":"reconnect","attempt":2,"wait_ms":750.0,"time_ms":7}"#,
    );
    check(
        &Event::Ping {
            payload: &binary(b""),
        },
        "ping (empty)",
        r#"{"event":"ping","kind":"binary","size":0,"base64":"","time_ms":7}"#,
    );
}
