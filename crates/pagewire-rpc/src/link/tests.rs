//! The link by table: what comes in, what goes out.

use super::*;
use crate::payload::ByteValue;

const HELLO: &str = r#"{"jsonrpc":"2.0","id":0,"method":"$/hello","params":{"group":"g","functions":[{"name":"f"}]}}"#;

const PING: &str = r#"> {"id":0,"method":"$/ping"}"#;

struct Fixture {
    now: Instant,
    link: Link,
}

impl Fixture {
    #[expect(clippy::disallowed_methods, reason = "a test may begin at any time")]
    fn new(options: LinkOptions) -> Self {
        let now = Instant::now();
        Self {
            now,
            link: Link::new(now, options),
        }
    }

    fn open(options: LinkOptions) -> Self {
        let mut fixture = Self::new(options);
        fixture.send(HELLO).expect("hello is fine");
        fixture.welcome();
        fixture.outputs();
        fixture
    }

    fn welcome(&mut self) {
        let page = crate::PageId::new("p1").unwrap();
        self.link
            .welcome(
                self.now,
                Welcome {
                    page,
                    epoch: 1,
                    hub: "0",
                },
            )
            .expect("hello came");
    }

    fn send(&mut self, text: &str) -> Result<(), Error> {
        let frame = Frame::Text(bytes::Bytes::copy_from_slice(text.as_bytes()));
        self.link.handle_input(self.now, Input::Frame(frame))
    }

    fn call(&mut self, id: u64) {
        let call = Call {
            function: FunctionName::new("f").unwrap(),
            arguments: Payload::Json(JsonText::parse("[1]".into()).unwrap()),
            deadline: self.now + Duration::from_secs(30),
            credit: 2,
            traceparent: None,
        };
        self.link
            .call(self.now, CallId(id), call)
            .expect("a fresh id");
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.link.handle_timeout(self.now);
    }

    /// All outputs, one line each.
    fn outputs(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.link.poll_output())
            .map(|output| shown(&output))
            .collect()
    }
}

fn shown(output: &Output) -> String {
    match output {
        Output::Send(Frame::Text(text)) => {
            String::from_utf8_lossy(text).replace(r#"{"jsonrpc":"2.0","#, "> {")
        }
        Output::Send(Frame::Binary(bytes)) => format!("> {} bytes", bytes.len()),
        Output::Ping => "ping".into(),
        Output::Close(closing) => format!("close {} {}", closing.code(), closing.reason()),
        Output::Event(Event::Ended { call, end }) => format!("{call} ended {}", end.kind().name()),
        Output::Event(Event::Item { call, value }) => {
            format!("{call} item of {} bytes", value.len())
        }
        Output::Event(event) => format!("{event:?}")
            .split([' ', '(', '{'])
            .next()
            .unwrap_or_default()
            .to_owned(),
    }
}

fn answer(id: u64) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":7}}"#)
}

fn item(id: u64, value: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","method":"$/next","params":{{"id":{id},"value":{value}}}}}"#)
}

#[test]
fn a_call_goes_out_and_its_answer_ends_it() {
    let mut f = Fixture::open(LinkOptions::default());
    f.call(1);
    assert_eq!(
        f.outputs(),
        [r#"> {"id":1,"method":"f","deadline_ms":30000,"credit":2,"params":[1]}"#]
    );
    f.send(&answer(1)).unwrap();
    assert_eq!(f.outputs(), ["1 ended result"]);
    assert!(f.link.is_idle());
}

#[test]
fn late_and_second_answers_are_dropped_and_counted() {
    let mut f = Fixture::open(LinkOptions::default());
    f.call(1);
    f.send(&answer(1)).unwrap();
    f.outputs();
    for text in [
        answer(1),
        answer(99),
        item(1, "1"),
        r#"{"jsonrpc":"2.0","id":"x","result":1}"#.into(),
        answer(0),
    ] {
        f.send(&text).unwrap();
    }
    assert!(f.outputs().is_empty());
    assert_eq!(f.link.counters().answers_dropped, 5);
}

#[test]
fn errors_of_the_page_are_told_apart_by_code() {
    for (code, end) in [
        (-32601, "not_found"),
        (-32602, "bad_arguments"),
        (-32007, "too_large"),
        (-32001, "page_error"),
        (5, "page_error"),
    ] {
        let mut f = Fixture::open(LinkOptions::default());
        f.call(1);
        f.outputs();
        f.send(&format!(
            r#"{{"jsonrpc":"2.0","id":1,"error":{{"code":{code},"message":"m"}}}}"#
        ))
        .unwrap();
        assert_eq!(f.outputs(), [format!("1 ended {end}")], "{code}");
    }
}

#[test]
fn calls_over_the_limits_wait_and_then_end_as_overloaded() {
    let mut f = Fixture::open(LinkOptions {
        in_flight_max: 1,
        queue_max: 1,
        ..LinkOptions::default()
    });
    (1..=3).for_each(|id| f.call(id));
    assert_eq!((f.link.in_flight(), f.link.queued()), (1, 1));
    assert_eq!(f.outputs()[1..], ["3 ended overloaded"]);
    f.send(&answer(2)).unwrap();
    assert_eq!(
        f.outputs(),
        [""; 0],
        "the page was not asked call 2 yet, so this is no answer to it"
    );
    f.send(&answer(1)).unwrap();
    assert_eq!(
        f.outputs()[1],
        r#"> {"id":2,"method":"f","deadline_ms":30000,"credit":2,"params":[1]}"#
    );
    f.send(&answer(2)).unwrap();
    assert_eq!(f.outputs(), ["2 ended result"]);
}

#[test]
fn a_deadline_ends_calls_with_the_page_and_in_the_queue() {
    let mut f = Fixture::open(LinkOptions {
        in_flight_max: 1,
        heartbeat: Duration::from_secs(60),
        ..LinkOptions::default()
    });
    f.call(1);
    f.call(2);
    f.outputs();
    f.pass(Duration::from_secs(30) - Duration::from_nanos(1));
    assert_eq!(f.outputs(), [PING]);
    assert_eq!(f.link.poll_timeout(), Some(f.now + Duration::from_nanos(1)));
    f.pass(Duration::from_nanos(1));
    assert_eq!(
        f.outputs(),
        [
            r#"> {"method":"$/cancel","params":{"id":1,"reason":"timeout"}}"#,
            "1 ended timeout",
            "2 ended timeout"
        ]
    );
}

#[test]
fn a_function_that_went_away_ends_waiting_calls_as_not_found() {
    let mut f = Fixture::open(LinkOptions {
        in_flight_max: 1,
        ..LinkOptions::default()
    });
    f.call(1);
    f.call(2);
    f.send(r#"{"jsonrpc":"2.0","method":"$/retract","params":{"names":["f"]}}"#)
        .unwrap();
    f.outputs();
    f.send(&answer(1)).unwrap();
    assert_eq!(f.outputs(), ["1 ended result", "2 ended not_found"]);
    f.call(3);
    assert_eq!(f.outputs(), ["3 ended not_found"]);
}

#[test]
fn streams_keep_to_their_credit() {
    let mut f = Fixture::open(LinkOptions::default());
    f.call(1);
    f.outputs();
    f.send(&item(1, "1")).unwrap();
    f.send(&item(1, "[2]")).unwrap();
    assert_eq!(f.outputs(), ["1 item of 1 bytes", "1 item of 3 bytes"]);
    f.link.grant(CallId(1), 1);
    assert_eq!(
        f.outputs(),
        [r#"> {"method":"$/credit","params":{"id":1,"n":1}}"#]
    );
    f.send(&item(1, "3")).unwrap();
    f.send(&item(1, "4")).unwrap();
    assert_eq!(
        f.outputs(),
        [
            "1 item of 1 bytes",
            r#"> {"method":"$/cancel","params":{"id":1,"reason":"overrun"}}"#,
            "1 ended page_error"
        ]
    );
}

#[test]
fn a_stream_item_passes_at_the_limit_and_ends_the_call_one_past_it() {
    let options = LinkOptions {
        stream_item_bytes_max: 8,
        ..LinkOptions::default()
    };
    for (length, expected) in [(8, "1 item of 8 bytes"), (9, "1 ended too_large")] {
        let mut f = Fixture::open(options.clone());
        f.call(1);
        f.outputs();
        f.send(&item(1, &format!("\"{}\"", "x".repeat(length - 2))))
            .unwrap();
        assert_eq!(f.outputs().last().map(String::as_str), Some(expected));
    }
}

#[test]
fn bytes_travel_both_ways() {
    let mut f = Fixture::open(LinkOptions::default());
    let call = Call {
        function: FunctionName::new("f").unwrap(),
        arguments: Payload::Bytes(ByteValue::new("abc".into(), Some("image/png"))),
        deadline: f.now + Duration::from_secs(1),
        credit: 0,
        traceparent: None,
    };
    f.link.call(f.now, CallId(1), call).unwrap();
    let Some(Output::Send(Frame::Binary(sent))) = f.link.poll_output() else {
        unreachable!("bytes go out as such")
    };
    let header = br#"{"jsonrpc":"2.0","id":1,"method":"f","deadline_ms":1000,"credit":0,"type":"image/png"}"#;
    assert_eq!(sent[..], [&[0, 86], &header[..], b"abc"].concat()[..]);
    let header = br#"{"jsonrpc":"2.0","id":1}"#;
    let frame = Frame::Binary([&[0, 24], &header[..], b"\x00\x01"].concat().into());
    f.link.handle_input(f.now, Input::Frame(frame)).unwrap();
    let Some(Output::Event(Event::Ended {
        end: CallEnd::Result(Payload::Bytes(value)),
        ..
    })) = f.link.poll_output()
    else {
        unreachable!("bytes come back as such");
    };
    assert_eq!(value.data[..], [0, 1]);
}

#[test]
fn a_silent_link_is_closed_after_two_heartbeats() {
    let heartbeat = Duration::from_secs(14);
    let mut f = Fixture::open(LinkOptions {
        heartbeat,
        ..LinkOptions::default()
    });
    f.call(1);
    f.outputs();
    f.pass(heartbeat);
    assert_eq!(f.outputs(), ["ping", r#"> {"id":0,"method":"$/ping"}"#]);
    f.pass(heartbeat);
    assert_eq!(
        f.outputs(),
        [
            r#"> {"method":"$/bye","params":{"reason":"silent"}}"#,
            "1 ended page_gone",
            "close 4408 silent"
        ]
    );
    assert_eq!(f.link.poll_timeout(), None);
}

/// Reasons come from the page's goodbye and from the ways in which the hub closes.
#[test]
fn calls_of_a_page_that_is_gone_say_why() {
    let bye = |params: &str| format!(r#"{{"jsonrpc":"2.0","method":"$/bye"{params}}}"#);
    let reason = |length: usize| format!(r#","params":{{"reason":"{}"}}"#, "r".repeat(length));
    let end = |leave: &dyn Fn(&mut Fixture)| {
        let mut f = Fixture::open(LinkOptions::default());
        f.call(1);
        leave(&mut f);
        f.call(2);
        let ends: Vec<_> = std::iter::from_fn(|| f.link.poll_output())
            .filter_map(|output| match output {
                Output::Event(Event::Ended {
                    end: CallEnd::PageGone(why),
                    ..
                }) => Some(why.to_string()),
                Output::Event(_) | Output::Send(_) | Output::Ping | Output::Close(_) => None,
            })
            .collect();
        assert_eq!(ends.len(), 2, "{ends:?}");
        assert_eq!(ends[0], ends[1], "later calls hear the same");
        assert_eq!(
            f.link.departure().map(ToString::to_string).as_ref(),
            Some(&ends[0])
        );
        ends[0].clone()
    };
    for (params, why) in [
        (
            r#","params":{"reason":"the page navigated"}"#.to_owned(),
            "the page navigated".to_owned(),
        ),
        (String::new(), "it said goodbye".into()),
        (
            r#","params":{"reason":""}"#.into(),
            "it said goodbye".into(),
        ),
        (r#","params":{"reason":7}"#.into(), "it said goodbye".into()),
        (
            reason(BYE_REASON_BYTES_MAX),
            "r".repeat(BYE_REASON_BYTES_MAX),
        ),
        (
            reason(BYE_REASON_BYTES_MAX + 1),
            "r".repeat(BYE_REASON_BYTES_MAX),
        ),
    ] {
        assert_eq!(end(&|f| f.send(&bye(&params)).unwrap()), why, "{params}");
    }
    let closed = end(&|f| f.link.handle_input(f.now, Input::Closed).unwrap());
    assert_eq!(closed, "it closed, reloaded or lost its connection");
    for (closing, why) in [
        (
            Closing::Replaced,
            "it was reloaded, or came back by a new connection",
        ),
        (Closing::Kicked, "somebody detached it"),
        (Closing::Shutdown, "the hub shuts down"),
        (Closing::Silent, "nothing came from it for two heartbeats"),
        (
            Closing::OverLimit("functions_max".into()),
            "it broke the protocol: functions_max",
        ),
    ] {
        assert_eq!(end(&|f| f.link.close(closing.clone())), why);
    }
}

#[test]
fn a_page_that_lives_but_does_not_answer_pings_stays_and_is_called_unresponsive() {
    let heartbeat = Duration::from_secs(15);
    let mut f = Fixture::open(LinkOptions::default());
    f.pass(heartbeat);
    f.link.handle_input(f.now, Input::Alive).unwrap();
    f.outputs();
    f.pass(heartbeat);
    assert_eq!(f.outputs(), ["ping", "Unresponsive"]);
    f.send(r#"{"jsonrpc":"2.0","id":0,"result":{"lag_ms":14000,"hidden":true}}"#)
        .unwrap();
    assert_eq!(f.outputs(), ["Health"]);
    f.pass(heartbeat);
    assert_eq!(f.outputs(), ["ping", r#"> {"id":0,"method":"$/ping"}"#]);
}

/// When a call times out it is known how long the page's JavaScript has not run, although heartbeats are far apart.
#[test]
fn a_page_is_asked_whether_it_runs_before_a_call_times_out() {
    let second = Duration::from_secs(1);
    let pong = r#"{"jsonrpc":"2.0","id":0,"result":{"lag_ms":1}}"#;
    let open = |timeout: Duration| {
        let mut f = Fixture::open(LinkOptions::default());
        let call = Call {
            function: FunctionName::new("f").unwrap(),
            arguments: Payload::Json(JsonText::null()),
            deadline: f.now + timeout,
            credit: 0,
            traceparent: None,
        };
        f.link.call(f.now, CallId(1), call).unwrap();
        f.outputs();
        f
    };
    let silent = |f: &Fixture| f.link.silent_since().map(|since| f.now - since);

    // The page does not run at all: it is asked half-way, once.
    let mut f = open(8 * second);
    assert_eq!(f.link.poll_timeout(), Some(f.now + 4 * second));
    f.pass(4 * second);
    assert_eq!(f.outputs(), [PING]);
    f.pass(3 * second);
    assert!(f.outputs().is_empty());
    f.pass(second);
    assert_eq!(
        f.outputs().last().map(String::as_str),
        Some("1 ended timeout")
    );
    assert_eq!(silent(&f), Some(4 * second));

    // It runs until the second look: only what is certain is said.
    let mut f = open(8 * second);
    f.pass(4 * second);
    f.send(pong).unwrap();
    assert_eq!(silent(&f), None);
    f.pass(2 * second);
    assert_eq!(f.outputs(), [PING, "Health", PING]);
    f.pass(2 * second);
    assert_eq!(silent(&f), Some(2 * second));

    // Whatever comes from it says that it ran then.
    let mut f = open(8 * second);
    f.pass(4 * second);
    f.pass(3 * second);
    f.send(&item(9, "1")).unwrap();
    f.pass(second);
    assert_eq!(silent(&f), Some(second));

    // A call that is answered before, or too short, costs nothing.
    let mut f = open(8 * second);
    f.send(&answer(1)).unwrap();
    f.pass(4 * second);
    assert_eq!(f.outputs(), ["1 ended result"]);
    assert_eq!(
        f.link.poll_timeout(),
        Some(f.now + 11 * second),
        "the heartbeat"
    );
    let wait = 2 * heartbeat::LOOK_WAIT_MIN;
    for (timeout, looks) in [(wait, 1), (wait - Duration::from_nanos(2), 0)] {
        let mut f = open(timeout);
        f.pass(timeout - Duration::from_nanos(1));
        assert_eq!(f.outputs().len(), looks, "{timeout:?}");
    }
}

#[test]
fn violations_close_the_link_and_say_why() {
    let cases = [
        ("junk", "the message is not a JSON-RPC object (at byte 0)"),
        (HELLO, "a second $/hello while open"),
        (
            r#"{"jsonrpc":"2.0","id":1}"#,
            "a response without exactly one of result and error while open",
        ),
        (
            r#"{"jsonrpc":"2.0","method":"$/next","params":{"id":1}}"#,
            "a \"value\" is missing (at byte 44)",
        ),
        (
            r#"{"jsonrpc":"2.0","method":"$/expose","params":{"functions":[{"name":"a b"}]}}"#,
            "a bad $/expose (at byte 73)",
        ),
    ];
    for (message, why) in cases {
        let mut f = Fixture::open(LinkOptions::default());
        f.call(1);
        f.outputs();
        assert_eq!(f.send(message).unwrap_err().to_string(), why, "{message}");
        let outputs = f.outputs();
        assert_eq!(
            outputs[1..],
            ["1 ended page_gone".to_owned(), format!("close 4400 {why}")],
            "{message}"
        );
        assert!(outputs[0].contains("\"violation\""), "{outputs:?}");
        assert!(f.send("more").is_ok(), "input of a closed link is ignored");
    }
}

#[test]
fn hello_comes_first_and_in_time() {
    for message in [
        r#"{"jsonrpc":"2.0","id":1,"method":"g.f"}"#,
        r#"{"jsonrpc":"2.0","method":"$/hello"}"#,
    ] {
        let mut f = Fixture::new(LinkOptions::default());
        assert!(f.send(message).is_err(), "{message}");
        assert!(f.outputs().last().unwrap().starts_with("close 4400"));
    }
    let mut f = Fixture::new(LinkOptions::default());
    f.pass(Duration::from_secs(10));
    assert_eq!(f.outputs(), ["close 4408 no hello in time"]);
    let mut f = Fixture::new(LinkOptions::default());
    f.send(r#"{"jsonrpc":"2.0","id":3,"method":"$/hello","params":{"group":"a b"}}"#)
        .unwrap_err();
    let outputs = f.outputs();
    assert!(
        outputs[0].starts_with(r#"> {"id":3,"error":{"code":-32602"#),
        "{outputs:?}"
    );
}

#[test]
fn functions_pass_at_their_limits_and_close_the_link_one_past_them() {
    let options = LinkOptions {
        functions_max: 2,
        function_bytes_max: 60,
        hello_bytes_max: 200,
        ..LinkOptions::default()
    };
    let expose = |functions: &str| {
        format!(r#"{{"jsonrpc":"2.0","method":"$/expose","params":{{"functions":[{functions}]}}}}"#)
    };
    let described = |length: usize| {
        let frame = r#"{"name":"b","description":"","stream":false}"#.len();
        format!(
            r#"{{"name":"b","description":"{}"}}"#,
            "d".repeat(length - frame)
        )
    };
    let padded = |length: usize| {
        let text = expose("");
        format!("{text}{}", " ".repeat(length - text.len()))
    };
    let cases = [
        (expose(r#"{"name":"b"}"#), None),
        (
            expose(r#"{"name":"b"},{"name":"c"}"#),
            Some("functions_max: 3 is over the limit of 2"),
        ),
        (expose(&described(60)), None),
        (
            expose(&described(61)),
            Some("function_bytes_max: 61 is over the limit of 60"),
        ),
        (padded(200), None),
        (
            padded(201),
            Some("hello_bytes_max: 201 is over the limit of 200"),
        ),
    ];
    for (message, expected) in cases {
        let mut f = Fixture::open(options.clone());
        assert_eq!(
            f.send(&message)
                .err()
                .map(|error| error.to_string())
                .as_deref(),
            expected
        );
        if expected.is_some() {
            assert!(f.outputs().last().unwrap().starts_with("close 4429"));
        }
    }
}

#[test]
fn long_page_texts_are_cut_on_a_character() {
    for extra in [0, 1] {
        let mut f = Fixture::new(LinkOptions::default());
        let text = |length: usize| "x".repeat(length + extra);
        let hello = serde_json::json!({"jsonrpc": "2.0", "id": 0, "method": "$/hello", "params": {
            "group": "g", "url": text(URL_BYTES_MAX), "title": text(TITLE_BYTES_MAX), "agent": text(AGENT_BYTES_MAX)}});
        f.send(&hello.to_string()).unwrap();
        let Some(Output::Event(Event::Hello(hello))) = f.link.poll_output() else {
            unreachable!("hello is fine")
        };
        let lengths = (hello.url.len(), hello.title.len(), hello.agent.len());
        assert_eq!(lengths, (URL_BYTES_MAX, TITLE_BYTES_MAX, AGENT_BYTES_MAX));
    }
    for (kind, kept) in [
        ("service_worker", "service_worker"),
        (&"k".repeat(KIND_CHARS_MAX), &"k".repeat(KIND_CHARS_MAX)),
        (&"k".repeat(KIND_CHARS_MAX + 1), &"k".repeat(KIND_CHARS_MAX)),
        ("tab<b>", "tab"),
        ("页", ""),
    ] {
        let mut f = Fixture::new(LinkOptions::default());
        let hello = serde_json::json!({"jsonrpc": "2.0", "id": 0, "method": "$/hello", "params": {"group": "g", "kind": kind}});
        f.send(&hello.to_string()).unwrap();
        let Some(Output::Event(Event::Hello(hello))) = f.link.poll_output() else {
            unreachable!("hello is fine")
        };
        assert_eq!(hello.kind, kept, "{kind}");
    }
    let mut title = "题".repeat(TITLE_BYTES_MAX);
    clip(&mut title, TITLE_BYTES_MAX);
    assert_eq!(title, "题".repeat(TITLE_BYTES_MAX / 3));
}

#[test]
fn notes_replace_one_another() {
    let mut f = Fixture::open(LinkOptions::default());
    for (notes, kept) in [
        (
            r#"[{"code":"paused","text":"at app.js:10","blocks":true}]"#,
            1,
        ),
        (r#"[{"code":"csp"},{"code":"no code"}]"#, 1),
        ("[]", 0),
    ] {
        let message =
            format!(r#"{{"jsonrpc":"2.0","method":"$/notes","params":{{"notes":{notes}}}}}"#);
        f.send(&message).unwrap();
        let Some(Output::Event(Event::Noted(notes))) = f.link.poll_output() else {
            unreachable!("notes are told")
        };
        assert_eq!(notes.len(), kept, "{notes:?}");
    }
    let bad = r#"{"jsonrpc":"2.0","method":"$/notes","params":{"notes":[{"text":"t"}]}}"#;
    assert!(
        f.send(bad)
            .unwrap_err()
            .to_string()
            .starts_with("a bad $/notes")
    );
}

#[test]
fn requests_of_the_page_are_answered_once() {
    let mut f = Fixture::open(LinkOptions {
        requests_max: 1,
        ..LinkOptions::default()
    });
    f.send(r#"{"jsonrpc":"2.0","id":"a","method":"g.f","params":[1]}"#)
        .unwrap();
    f.send(r#"{"jsonrpc":"2.0","id":"b","method":"g.f"}"#)
        .unwrap();
    assert_eq!(
        f.outputs(),
        [
            "Requested",
            r#"> {"id":"b","error":{"code":-32004,"message":"too many requests of this page are under way"}}"#
        ]
    );
    let id = RequestId::Text("a".into());
    f.link.send_item(&id, &Payload::Json(JsonText::null()));
    f.link.respond(&id, Ok(&Payload::Json(JsonText::null())));
    f.link.respond(&id, Err((1, "again")));
    f.link.send_item(&id, &Payload::Json(JsonText::null()));
    assert_eq!(
        f.outputs(),
        [
            r#"> {"method":"$/next","params":{"id":"a","value":null}}"#,
            r#"> {"id":"a","result":null}"#
        ]
    );
    for (message, expected) in [
        (r#"{"jsonrpc":"2.0","id":1,"method":"$/nonsense"}"#, -32601),
        (r#"{"jsonrpc":"2.0","id":1,"method":"nogroup"}"#, -32601),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"g.f","params":{"a":1}}"#,
            -32602,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"$/subscribe","params":{"topic":"a b"}}"#,
            -32602,
        ),
    ] {
        f.send(message).unwrap();
        assert!(
            f.outputs()[0].contains(&format!("\"code\":{expected}")),
            "{message}"
        );
    }
    assert!(f.link.is_idle());
}

#[test]
fn published_values_pass_at_the_limit_and_are_dropped_or_refused_one_past_it() {
    let mut f = Fixture::open(LinkOptions {
        topic_value_bytes_max: 4,
        ..LinkOptions::default()
    });
    let publish = |id: &str, value: &str| {
        format!(
            r#"{{"jsonrpc":"2.0",{id}"method":"$/publish","params":{{"topic":"t","value":{value}}}}}"#
        )
    };
    for id in ["", r#""id":1,"#] {
        f.send(&publish(id, "1234")).unwrap();
        assert_eq!(f.outputs().len(), 1);
        f.link
            .respond(&RequestId::Number(1), Ok(&Payload::Json(JsonText::null())));
        f.outputs();
    }
    f.send(&publish("", "12345")).unwrap();
    assert!(f.outputs().is_empty());
    assert_eq!(f.link.counters().values_dropped, 1);
    f.send(&publish(r#""id":1,"#, "12345")).unwrap();
    assert!(f.outputs()[0].contains("topic_value_bytes_max: 5 is over the limit of 4"));
}

/// Long publications are read in one pass, all others in two: nobody may see a difference.
#[test]
fn a_long_publication_means_the_same_as_a_short_one() {
    let mut published = 0;
    for message in [
        r#"{"jsonrpc":"2.0","method":"$/publish","params":{"topic":"t","value":PAD}}"#,
        r#"{"jsonrpc":"2.0","method":"$/publish","params":{"value":{"b":12345678901234567890,"p":PAD},"topic":"t"}}"#,
        r#"{"jsonrpc":"2.0","method":"$/publish","params":{"topic":"a\u0062\"","value":[null, PAD]},"x":1}"#,
        r#"{"jsonrpc":"2.0","method":"$/publish","params":["t",PAD]}"#,
        r#"{"params":{"topic":"t","value":PAD},"method":"$/publish","jsonrpc":"2.0"}"#,
        r#"{"jsonrpc":"2.0","id":5,"method":"$/publish","params":{"topic":"t","value":PAD}}"#,
        r#"{"jsonrpc":"2.0","id":null,"method":"$/publish","params":{"topic":"t","value":PAD}}"#,
        r#"{"jsonrpc":"2.0","method":"$/publish","params":{"topic":"t","valu":PAD}}"#,
        r#"{"jsonrpc":"1.0","method":"$/publish","params":{"topic":"t","value":PAD}}"#,
        r#"{"jsonrpc":"2.0","method":"$/publish","params":{"topic":7,"value":PAD}}"#,
        r#"{"jsonrpc":"2.0","method":"$/publish","params":{"topic":"t","value":PAD}"#,
        r#"{"jsonrpc":"2.0","method":"x","params":{"m":"$/publish","topic":"t","value":PAD}}"#,
    ] {
        let outcome = |pad: &str| {
            let mut f = Fixture::open(LinkOptions::default());
            let message = message.replace("PAD", pad);
            let error = f.send(&message).err().map(|error| match &error {
                // Where it is differs by the padding.
                Error::Malformed { what, .. } => (*what).to_owned(),
                Error::Violation { .. }
                | Error::Limit { .. }
                | Error::Name { .. }
                | Error::Misuse(_) => error.to_string(),
            });
            let outputs: Vec<_> = std::iter::from_fn(|| f.link.poll_output())
                .map(|output| match output {
                    Output::Close(closing) => format!("close {}", closing.code()),
                    Output::Send(_) => "send".to_owned(),
                    Output::Ping | Output::Event(_) => format!("{output:?}").replace(pad, "PAD"),
                })
                .collect();
            (error, outputs)
        };
        let (short, long) = (
            outcome("\"x\""),
            outcome(&format!("\"{}\"", "x".repeat(400))),
        );
        let normal = |text: &str| text.replace(&"x".repeat(400), "x");
        let long = (
            long.0,
            long.1.iter().map(|text| normal(text)).collect::<Vec<_>>(),
        );
        assert_eq!(short, long, "{message}");
        published += usize::from(short.1.iter().any(|text| text.contains("Published")));
    }
    assert_eq!(published, 5);
}

#[test]
fn misuse_is_told() {
    let mut f = Fixture::open(LinkOptions::default());
    f.call(1);
    let call = Call {
        function: FunctionName::new("f").unwrap(),
        arguments: Payload::Json(JsonText::null()),
        deadline: f.now,
        credit: 0,
        traceparent: None,
    };
    for id in [0, 1] {
        assert!(matches!(
            f.link.call(f.now, CallId(id), call.clone()),
            Err(Error::Misuse(_))
        ));
    }
    let page = crate::PageId::new("p").unwrap();
    assert!(
        f.link
            .welcome(
                f.now,
                Welcome {
                    page,
                    epoch: 1,
                    hub: ""
                }
            )
            .is_err()
    );
    assert!(f.link.refuse(Refusal::TooManyPages).is_err());
}
