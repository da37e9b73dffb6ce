//! Whatever bytes a page sends, the link neither panics nor leaves a call open: random bytes, and good messages that were damaged.

use std::time::{Duration, Instant};

use bytes::Bytes;
use pagewire_rpc::{
    Call, CallId, Closing, Event, Frame, FunctionName, Input, JsonText, Link, LinkOptions, Output,
    PageId, Payload, Welcome,
};
use proptest::prelude::*;
use proptest::sample::Index;

const GOOD: &[&str] = &[
    r#"{"jsonrpc":"2.0","id":0,"method":"$/hello","params":{"group":"g","functions":[{"name":"f","params":[{"name":"a","schema":{}}]}]}}"#,
    r#"{"jsonrpc":"2.0","id":1,"result":{"a":[1,2.5e3,"x\u00e9"]}}"#,
    r#"{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"m","data":null}}"#,
    r#"{"jsonrpc":"2.0","method":"$/next","params":{"id":1,"value":"v"}}"#,
    r#"{"jsonrpc":"2.0","method":"$/expose","params":{"functions":[{"name":"h"}]}}"#,
    r#"{"jsonrpc":"2.0","method":"$/retract","params":{"names":["f"]}}"#,
    r#"{"jsonrpc":"2.0","id":"p","method":"$/publish","params":{"topic":"t","value":1}}"#,
    r#"{"jsonrpc":"2.0","id":"s","method":"$/subscribe","params":{"topic":"programs/t","since":"r:1","last":3}}"#,
    r#"{"jsonrpc":"2.0","id":"c","method":"g.f","params":[1],"credit":2,"deadline_ms":5}"#,
    r#"{"jsonrpc":"2.0","method":"$/credit","params":{"id":"c","n":1}}"#,
    r#"{"jsonrpc":"2.0","method":"$/cancel","params":{"id":"c"}}"#,
    r#"{"jsonrpc":"2.0","id":0,"result":{"lag_ms":1,"hidden":false}}"#,
    r#"{"jsonrpc":"2.0","method":"$/notes","params":{"notes":[{"code":"c","text":"t","blocks":true}]}}"#,
    r#"{"jsonrpc":"2.0","method":"$/bye","params":{"reason":"x"}}"#,
];

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let damaged = (
        0..GOOD.len(),
        prop::collection::vec((any::<Index>(), any::<u8>()), 0..4),
        any::<Index>(),
        any::<bool>(),
    )
        .prop_map(|(which, changes, end, cut)| {
            let mut message = GOOD[which].as_bytes().to_vec();
            for (index, byte) in changes {
                let at = index.index(message.len());
                message[at] = byte;
            }
            if cut {
                message.truncate(end.index(message.len()));
            }
            message
        });
    prop_oneof![4 => damaged, 1 => prop::collection::vec(any::<u8>(), 0..64)]
}

fn frame() -> impl Strategy<Value = Frame> {
    (bytes(), bytes(), 0..4_u8, any::<u16>()).prop_map(|(header, data, kind, odd)| match kind {
        0 => {
            let length = u16::try_from(header.len()).unwrap_or(odd);
            Frame::Binary([&length.to_be_bytes()[..], &header, &data].concat().into())
        }
        1 => Frame::Binary([&odd.to_be_bytes()[..], &data].concat().into()),
        _ => Frame::Text(Bytes::from(header)),
    })
}

#[expect(clippy::disallowed_methods, reason = "a test may begin at any time")]
fn begin() -> Instant {
    Instant::now()
}

/// Acts as a driver does; the number of calls that ended.
fn drain(link: &mut Link, now: Instant) -> usize {
    let mut ended = 0;
    while let Some(output) = link.poll_output() {
        match output {
            Output::Event(Event::Hello(_)) => {
                let page = PageId::new("p").expect("valid");
                link.welcome(
                    now,
                    Welcome {
                        page,
                        epoch: 1,
                        hub: "0",
                    },
                )
                .expect("hello came");
            }
            Output::Event(Event::Ended { .. }) => ended += 1,
            Output::Event(Event::Requested { id, .. }) => {
                link.respond(&id, Ok(&Payload::Json(JsonText::null())));
            }
            Output::Event(_) | Output::Send(_) | Output::Ping | Output::Close(_) => {}
        }
    }
    ended
}

fn cases() -> u32 {
    if std::env::var_os("PAGEWIRE_TEST_LONG").is_some() {
        50_000
    } else {
        2_000
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_input_panics_or_leaves_a_call_open(greets in any::<bool>(), frames in prop::collection::vec(frame(), 1..12)) {
        let now = begin();
        let mut link = Link::new(now, LinkOptions::default());
        let mut ended = 0;
        if greets {
            link.handle_input(now, Input::Frame(Frame::Text(Bytes::from(GOOD[0])))).expect("a good hello");
            ended += drain(&mut link, now);
        }
        let call = Call {
            function: FunctionName::new("f").expect("valid"),
            arguments: Payload::Json(JsonText::empty_array()),
            deadline: now + Duration::from_secs(1),
            credit: 1,
            traceparent: None,
        };
        link.call(now, CallId(1), call).expect("a fresh id");
        for frame in frames {
            // An error closes the link; more input must do no harm then.
            let _ = link.handle_input(now, Input::Frame(frame));
            ended += drain(&mut link, now);
        }
        link.close(Closing::Shutdown);
        ended += drain(&mut link, now);
        prop_assert_eq!(ended, 1);
        prop_assert!(link.is_closed() && link.is_idle());
    }
}
