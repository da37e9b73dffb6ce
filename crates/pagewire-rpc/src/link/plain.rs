//! Pages that know nothing of Pagewire: a script that opens a WebSocket, waits for messages and sends messages.
//!
//! Such a page has no ids, so the order is all there is: what it sends next is the answer to what it was asked last. It is asked one thing at a
//! time; everything else (deadlines, the queue, cancel, silence) is the link's own.

use std::time::Instant;

use super::{Event, Link, LinkOptions, Output, Phase};
use crate::call::{Call, CallEnd, CallId};
use crate::function::{Function, Hello};
use crate::message::{Frame, RequestId};
use crate::name::{FunctionName, GroupName};
use crate::payload::{ByteValue, JsonText, Payload};
use crate::table::CallTable;

/// The function that sends its argument to a plain page and answers with the page's next message.
pub const PLAIN_ASK: &str = "ask";
/// The function that sends its argument to a plain page and ends at once with `null`.
pub const PLAIN_SEND: &str = "send";

/// What is known of a plain page, which says nothing of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainPage {
    /// Its group.
    pub group: GroupName,
    /// Where it comes from, for listings.
    pub url: String,
    /// What it is sent first; `None`: nothing.
    pub greeting: Option<String>,
    /// Every message goes back to it too.
    pub echo: bool,
}

/// How the messages of a link are written.
#[derive(Debug)]
pub(super) enum Dialect {
    /// `docs/protocol.md` §1.
    JsonRpc,
    /// Messages are values.
    Plain(PlainDialect),
}

#[derive(Debug)]
pub(super) struct PlainDialect {
    greeting: Option<String>,
    echo: bool,
}

impl PlainDialect {
    /// The argument as the page gets it: a text as it is, other JSON as its text, bytes as a binary message.
    pub(super) fn message(&self, arguments: &Payload) -> Frame {
        match arguments {
            Payload::Bytes(value) => Frame::Binary(value.data.clone()),
            Payload::Json(list) => Frame::Text(list.first_as_text()),
        }
    }
}

impl Link {
    /// A link to a plain page. It is as if the page had said hello already: the first output is [`Event::Hello`], and [`Link::welcome`] sends the
    /// greeting. The page exposes [`PLAIN_ASK`] and [`PLAIN_SEND`], and publishes all that it sends, with an empty topic name.
    pub fn plain(now: Instant, options: LinkOptions, page: PlainPage) -> Self {
        let functions = [
            (
                PLAIN_ASK,
                "Sends the text and answers with the page's next message",
            ),
            (PLAIN_SEND, "Sends the text and does not wait"),
        ]
        .map(|(name, description)| function(name, description));
        let mut link = Self::new(now, options);
        link.calls = CallTable::new(1, link.options.queue_max);
        link.phase = Phase::Greeting {
            hello: RequestId::Number(0),
        };
        link.functions
            .extend(functions.iter().map(|function| function.name.clone()));
        link.dialect = Dialect::Plain(PlainDialect {
            greeting: page.greeting,
            echo: page.echo,
        });
        let hello = Hello {
            group: page.group,
            page: None,
            epoch: 0,
            functions: functions.into(),
            kind: String::new(),
            url: page.url,
            title: String::new(),
            agent: String::new(),
        };
        link.outputs.push_back(Output::Event(Event::Hello(hello)));
        link
    }

    pub(super) fn greet_plainly(&mut self) {
        if let Dialect::Plain(PlainDialect {
            greeting: Some(greeting),
            ..
        }) = &self.dialect
        {
            let frame = Frame::Text(greeting.clone().into());
            self.outputs.push_back(Output::Send(frame));
        }
    }

    pub(super) fn is_plain_send(&self, call: &Call) -> bool {
        matches!(self.dialect, Dialect::Plain(_)) && call.function.as_str() == PLAIN_SEND
    }

    /// Nothing comes back for this call, so it never is in the table.
    pub(super) fn send_plainly(&mut self, id: CallId, call: &Call) {
        if let Dialect::Plain(plain) = &self.dialect {
            let frame = plain.message(&call.arguments);
            self.outputs.push_back(Output::Send(frame));
        }
        self.end(id, CallEnd::Result(Payload::Json(JsonText::null())));
    }

    /// A message is a value of the page's topic, and the answer to the question under way.
    pub(super) fn handle_plain(&mut self, now: Instant, frame: &Frame) {
        if let Dialect::Plain(PlainDialect { echo: true, .. }) = self.dialect {
            self.outputs.push_back(Output::Send(frame.clone()));
        }
        let value = value_of(frame);
        self.take_published(String::new(), value.clone());
        if let Some(call) = self.calls.any_in_flight() {
            self.calls.remove(call);
            self.end(call, CallEnd::Result(value));
            self.send_waiting(now);
        }
    }
}

fn function(name: &str, description: &str) -> Function {
    Function {
        name: FunctionName::new(name).expect("a constant of ours is a name"),
        description: description.to_owned(),
        params: None,
        result: None,
        stream: false,
        idempotent: false,
    }
}

/// JSON stays JSON, byte for byte; any other text is a JSON text; bytes stay bytes.
fn value_of(frame: &Frame) -> Payload {
    match frame {
        Frame::Binary(bytes) => Payload::Bytes(ByteValue::new(bytes.clone(), None)),
        Frame::Text(text) => Payload::Json(
            JsonText::parse(text.clone())
                .unwrap_or_else(|_| JsonText::of_text(&String::from_utf8_lossy(text))),
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{Input, later};
    use super::*;
    use crate::{Closing, PageId, Welcome};

    struct Fixture {
        now: Instant,
        link: Link,
    }

    impl Fixture {
        #[expect(clippy::disallowed_methods, reason = "a test may begin at any time")]
        fn new(greeting: Option<&str>, echo: bool, options: LinkOptions) -> Self {
            let now = Instant::now();
            let page = PlainPage {
                group: GroupName::new("plain-shop-example").unwrap(),
                url: "https://shop.example".into(),
                greeting: greeting.map(str::to_owned),
                echo,
            };
            Self {
                now,
                link: Link::plain(now, options, page),
            }
        }

        fn open(greeting: Option<&str>, echo: bool) -> Self {
            Self::open_with(greeting, echo, LinkOptions::default())
        }

        fn open_with(greeting: Option<&str>, echo: bool, options: LinkOptions) -> Self {
            let mut fixture = Self::new(greeting, echo, options);
            let welcome = Welcome {
                page: PageId::new("p1").unwrap(),
                epoch: 1,
                hub: "0",
            };
            fixture.link.welcome(fixture.now, welcome).unwrap();
            fixture
        }

        fn call(&mut self, id: u64, function: &str, arguments: &str) {
            let call = Call {
                function: FunctionName::new(function).unwrap(),
                arguments: Payload::Json(
                    JsonText::parse(bytes::Bytes::copy_from_slice(arguments.as_bytes())).unwrap(),
                ),
                deadline: later(self.now, Duration::from_secs(id)),
                credit: 0,
                traceparent: None,
            };
            self.link.call(self.now, CallId(id), call).unwrap();
        }

        fn hear(&mut self, text: &str) {
            let frame = Frame::Text(bytes::Bytes::copy_from_slice(text.as_bytes()));
            self.link
                .handle_input(self.now, Input::Frame(frame))
                .unwrap();
        }

        fn outputs(&mut self) -> Vec<String> {
            std::iter::from_fn(|| self.link.poll_output())
                .map(|output| match output {
                    Output::Send(Frame::Text(text)) => {
                        format!("> {}", String::from_utf8_lossy(&text))
                    }
                    Output::Event(Event::Published { topic, value }) => {
                        assert_eq!(topic, "");
                        format!("published {}", shown(&value))
                    }
                    Output::Event(Event::Ended {
                        call,
                        end: CallEnd::Result(value),
                    }) => format!("{call} = {}", shown(&value)),
                    Output::Event(Event::Ended { call, end }) => {
                        format!("{call} ended: {}", end.kind().name())
                    }
                    Output::Event(Event::Hello(hello)) => {
                        format!("hello {} of {}", hello.functions.len(), hello.group)
                    }
                    Output::Close(closing) => format!("close {}", closing.code()),
                    other @ (Output::Send(_) | Output::Ping | Output::Event(_)) => {
                        format!("{other:?}")
                    }
                })
                .collect()
        }
    }

    fn shown(value: &Payload) -> String {
        match value {
            Payload::Json(text) => String::from_utf8_lossy(text.as_bytes()).into(),
            Payload::Bytes(value) => format!("{} bytes", value.data.len()),
        }
    }

    #[test]
    fn a_page_is_greeted_with_nothing_but_the_greeting() {
        assert_eq!(
            Fixture::open(Some("lx"), false).outputs(),
            ["hello 2 of plain-shop-example", "> lx"]
        );
        assert_eq!(Fixture::open(None, false).outputs().len(), 1);
    }

    #[test]
    fn messages_are_values_as_they_came() {
        let mut page = Fixture::open(None, false);
        page.outputs();
        for (message, value) in [
            (
                r#"{"b":12345678901234567890,"a":1.0}"#,
                r#"{"b":12345678901234567890,"a":1.0}"#,
            ),
            ("[1, 2]", "[1, 2]"),
            ("hello \"you\"", r#""hello \"you\"""#),
            ("", r#""""#),
            ("12 34", r#""12 34""#),
            ("12", "12"),
        ] {
            page.hear(message);
            assert_eq!(page.outputs(), [format!("published {value}")], "{message}");
        }
        let bytes = Frame::Binary(bytes::Bytes::from_static(&[1, 2, 3]));
        page.link
            .handle_input(page.now, Input::Frame(bytes))
            .unwrap();
        assert_eq!(page.outputs(), ["published 3 bytes"]);
    }

    #[test]
    fn questions_are_asked_one_at_a_time_in_their_order() {
        let mut page = Fixture::open(None, false);
        page.outputs();
        page.call(10, PLAIN_ASK, r#"["one"]"#);
        page.call(11, PLAIN_ASK, r#"[{"n": 2}]"#);
        page.call(12, PLAIN_SEND, r#"["by the way"]"#);
        assert_eq!(page.outputs(), ["> one", "> by the way", "12 = null"]);
        page.hear("1");
        assert_eq!(page.outputs(), ["published 1", "10 = 1", "> {\"n\": 2}"]);
        page.hear("2");
        assert_eq!(page.outputs(), ["published 2", "11 = 2"]);
        page.hear("3");
        assert_eq!(page.outputs(), ["published 3"]);
    }

    #[test]
    fn a_question_without_an_answer_makes_place_for_the_next() {
        let mut page = Fixture::open(None, false);
        page.outputs();
        page.call(1, PLAIN_ASK, r#"["one"]"#);
        page.call(5, PLAIN_ASK, r#"["two"]"#);
        page.link
            .handle_timeout(later(page.now, Duration::from_secs(2)));
        assert_eq!(page.outputs(), ["> one", "1 ended: timeout", "> two"]);
        page.link.cancel(page.now, CallId(5));
        page.link.handle_input(page.now, Input::Closed).unwrap();
        page.call(6, PLAIN_SEND, "[1]");
        assert_eq!(page.outputs(), ["5 ended: cancelled", "6 ended: page_gone"]);
    }

    #[test]
    fn heartbeats_and_goodbyes_are_not_spelled_out() {
        let mut page = Fixture::open(None, false);
        page.outputs();
        for seconds in [15, 29] {
            page.link
                .handle_timeout(later(page.now, Duration::from_secs(seconds)));
        }
        assert_eq!(page.outputs(), ["Ping"]);
        page.link.close(Closing::Shutdown);
        assert_eq!(page.outputs(), ["close 1001"]);
    }

    #[test]
    fn an_echo_goes_back_as_it_came() {
        let mut page = Fixture::open(None, true);
        page.outputs();
        page.hear("hello");
        assert_eq!(page.outputs(), ["> hello", "published \"hello\""]);
    }

    #[test]
    fn a_value_over_the_topic_limit_still_answers() {
        let options = LinkOptions {
            topic_value_bytes_max: 4,
            ..LinkOptions::default()
        };
        let mut page = Fixture::open_with(None, false, options);
        page.outputs();
        page.hear("1234");
        assert_eq!(page.outputs(), ["published 1234"]);
        page.call(1, PLAIN_ASK, "[0]");
        page.hear("12345");
        assert_eq!(page.outputs(), ["> 0", "1 = 12345"]);
        assert_eq!(page.link.counters().values_dropped, 1);
    }

    #[test]
    fn arguments_are_sent_as_their_text() {
        for (arguments, sent) in [
            ("[]", ""),
            (r#"["a\n\u4ef7"]"#, "a\n价"),
            (r#"[ [1, 2] , 3]"#, "[1, 2]"),
            ("[null]", "null"),
            ("[12345678901234567890]", "12345678901234567890"),
        ] {
            let mut page = Fixture::open(None, false);
            page.outputs();
            page.call(1, PLAIN_SEND, arguments);
            assert_eq!(page.outputs()[0], format!("> {sent}"), "{arguments}");
        }
    }
}
