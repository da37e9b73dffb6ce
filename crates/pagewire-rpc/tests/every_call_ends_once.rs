//! Any interleaving of calls, answers, duplicates, stream items, cancels, timeouts, reloads and closes leaves no call open, none
//! answered twice and no table entry behind. A small model says which ends are possible.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use pagewire_rpc::{
    Call, CallEnd, CallId, Closing, EndKind, Event, Frame, FunctionName, Input, JsonText, Link,
    LinkOptions, Output, PageId, Payload, Welcome,
};
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Step {
    Call {
        known: bool,
        timeout_ms: u64,
        credit: u32,
    },
    /// The page answers one of the calls made so far: open, ended or never sent.
    Answer {
        which: usize,
        error: bool,
    },
    AnswerTwice {
        which: usize,
    },
    Item {
        which: usize,
    },
    Grant {
        which: usize,
        more: u32,
    },
    Cancel {
        which: usize,
    },
    CancelTwice {
        which: usize,
    },
    Retract,
    Expose,
    Wait {
        ms: u64,
    },
    Alive,
    Junk,
    /// The page is gone and comes back on a new link.
    Reload,
    Close,
}

fn step() -> impl Strategy<Value = Step> {
    let which = 0..64_usize;
    prop_oneof![
        8 => (prop::bool::weighted(0.9), 0..5_000_u64, 0..4_u32)
            .prop_map(|(known, timeout_ms, credit)| Step::Call { known, timeout_ms, credit }),
        6 => (which.clone(), any::<bool>()).prop_map(|(which, error)| Step::Answer { which, error }),
        2 => which.clone().prop_map(|which| Step::AnswerTwice { which }),
        4 => which.clone().prop_map(|which| Step::Item { which }),
        2 => (which.clone(), 0..3_u32).prop_map(|(which, more)| Step::Grant { which, more }),
        2 => which.clone().prop_map(|which| Step::Cancel { which }),
        1 => which.prop_map(|which| Step::CancelTwice { which }),
        1 => Just(Step::Retract),
        1 => Just(Step::Expose),
        3 => (0..4_000_u64).prop_map(|ms| Step::Wait { ms }),
        2 => Just(Step::Alive),
        1 => Just(Step::Junk),
        1 => Just(Step::Reload),
        1 => Just(Step::Close),
    ]
}

struct World {
    now: Instant,
    link: Link,
    calls: u64,
    /// The end of each call, by id; ids go on over reloads so that late answers of an old link reach the new one.
    ends: HashMap<CallId, EndKind>,
    deadlines: HashMap<CallId, Instant>,
    answers_sent: u64,
    answers_used: u64,
    dropped_on_old_links: u64,
}

const EXPOSE: &str =
    r#"{"jsonrpc":"2.0","method":"$/expose","params":{"functions":[{"name":"f"}]}}"#;

impl World {
    #[expect(clippy::disallowed_methods, reason = "a test may begin at any time")]
    fn new() -> Self {
        let now = Instant::now();
        let mut world = Self {
            now,
            link: Link::new(now, options()),
            calls: 0,
            ends: HashMap::new(),
            deadlines: HashMap::new(),
            answers_sent: 0,
            answers_used: 0,
            dropped_on_old_links: 0,
        };
        world.greet();
        world
    }

    fn greet(&mut self) {
        self.link = Link::new(self.now, options());
        self.page_says(
            r#"{"jsonrpc":"2.0","id":"h","method":"$/hello","params":{"group":"g"}}"#.into(),
        );
        self.page_says(EXPOSE.into());
    }

    fn page_says(&mut self, text: String) {
        // A violation is part of the game: the link closes, and must still end everything.
        let _ = self
            .link
            .handle_input(self.now, Input::Frame(Frame::Text(Bytes::from(text))));
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.link.poll_output() {
            match output {
                Output::Event(Event::Hello(_)) => {
                    let page = PageId::new("p").expect("valid");
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
                Output::Event(Event::Ended { call, end }) => self.end(call, &end),
                Output::Event(Event::Item { call, .. }) => {
                    assert!(
                        !self.ends.contains_key(&call),
                        "an item after the end of {call}"
                    );
                    self.answers_used += 1;
                }
                Output::Event(_) | Output::Send(_) | Output::Ping | Output::Close(_) => {}
            }
        }
    }

    fn end(&mut self, call: CallId, end: &CallEnd) {
        let kind = end.kind();
        assert_eq!(self.ends.insert(call, kind), None, "{call} ended twice");
        if kind == EndKind::Timeout {
            assert!(self.deadlines[&call] <= self.now, "{call} timed out early");
        }
        let by_overrun =
            matches!(end, CallEnd::PageError(error) if error.message.starts_with("stream overrun"));
        if matches!(kind, EndKind::Result | EndKind::PageError) {
            self.answers_used += 1;
            assert!(self.deadlines[&call] > self.now || !by_overrun);
        }
    }

    fn pick(&self, which: usize) -> CallId {
        CallId(1 + which as u64 % (self.calls + 3))
    }

    fn answer(&mut self, call: CallId, error: bool) {
        let outcome = if error {
            r#""error":{"code":1,"message":"no"}"#
        } else {
            r#""result":{"a":1}"#
        };
        if !self.link.is_closed() {
            self.answers_sent += 1;
        }
        self.page_says(format!(r#"{{"jsonrpc":"2.0","id":{call},{outcome}}}"#));
    }

    fn act(&mut self, step: &Step) {
        match *step {
            Step::Call {
                known,
                timeout_ms,
                credit,
            } => self.call(known, timeout_ms, credit),
            Step::Answer { which, error } => self.answer(self.pick(which), error),
            Step::AnswerTwice { which } => {
                (0..2).for_each(|_| self.answer(self.pick(which), false))
            }
            Step::Item { which } => {
                if !self.link.is_closed() {
                    self.answers_sent += 1;
                }
                let call = self.pick(which);
                self.page_says(format!(
                    r#"{{"jsonrpc":"2.0","method":"$/next","params":{{"id":{call},"value":[1]}}}}"#
                ));
            }
            Step::Grant { which, more } => self.link.grant(self.pick(which), more),
            Step::Cancel { which } => self.link.cancel(self.now, self.pick(which)),
            Step::CancelTwice { which } => {
                (0..2).for_each(|_| self.link.cancel(self.now, self.pick(which)))
            }
            Step::Retract => self.page_says(
                r#"{"jsonrpc":"2.0","method":"$/retract","params":{"names":["f"]}}"#.into(),
            ),
            Step::Expose => self.page_says(EXPOSE.into()),
            Step::Wait { ms } => {
                self.now += Duration::from_millis(ms);
                self.link.handle_timeout(self.now);
            }
            Step::Alive => self
                .link
                .handle_input(self.now, Input::Alive)
                .expect("a sign of life is no violation"),
            Step::Junk => self.page_says("junk".into()),
            Step::Reload => {
                self.link
                    .handle_input(self.now, Input::Closed)
                    .expect("a lost carrier is no violation");
                self.drain();
                self.check_closed();
                self.dropped_on_old_links += self.link.counters().answers_dropped;
                self.greet();
            }
            Step::Close => self.link.close(Closing::Kicked),
        }
        self.drain();
    }

    fn call(&mut self, known: bool, timeout_ms: u64, credit: u32) {
        self.calls += 1;
        let id = CallId(self.calls);
        let deadline = self.now + Duration::from_millis(timeout_ms);
        self.deadlines.insert(id, deadline);
        let call = Call {
            function: FunctionName::new(if known { "f" } else { "unknown" }).expect("valid"),
            arguments: Payload::Json(JsonText::null().wrapped_in_array()),
            deadline,
            credit,
            traceparent: None,
        };
        self.link.call(self.now, id, call).expect("ids are fresh");
    }

    fn check_closed(&self) {
        assert!(
            self.link.is_idle() && self.link.in_flight() == 0 && self.link.queued() == 0,
            "an entry leaked"
        );
        for id in 1..=self.calls {
            assert!(self.ends.contains_key(&CallId(id)), "call {id} has no end");
        }
        assert_eq!(self.link.poll_timeout(), None);
    }
}

fn options() -> LinkOptions {
    LinkOptions {
        in_flight_max: 3,
        queue_max: 3,
        heartbeat: Duration::from_secs(3),
        ..LinkOptions::default()
    }
}

fn cases() -> u32 {
    if std::env::var_os("PAGEWIRE_TEST_LONG").is_some() {
        20_000
    } else {
        1_000
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_call_ends_exactly_once(steps in prop::collection::vec(step(), 1..80)) {
        let mut world = World::new();
        for step in &steps {
            world.act(step);
        }
        world.link.close(Closing::Shutdown);
        world.drain();
        world.check_closed();
        let dropped = world.dropped_on_old_links + world.link.counters().answers_dropped;
        prop_assert_eq!(world.answers_sent, world.answers_used + dropped, "an answer is used once or counted as dropped");
    }
}
