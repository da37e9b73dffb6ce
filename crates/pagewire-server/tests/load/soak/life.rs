//! One page from its welcome to its end: what it answers and publishes.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use pagewire_testkit::{FakePage, Message};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::witness::Witness;
use crate::pages::{Asked, answer_properly};
use crate::program::proper_answer;

/// Values of a stream: more than the credit that a call begins with.
pub(super) const STREAM_PARTS: u64 = 40;
/// Topics of small values; each page publishes to one of them.
pub(super) const TICK_TOPICS: u64 = 3;
/// Answers of `late` come after up to so long.
const LATE_MAX_MS: u64 = 40;
/// Every program's call of so many makes its page publish a large value as well.
const BULK_EVERY: u64 = 8;
const BULK_BYTES: usize = 32 << 10;

/// A stream that is being sent.
struct Streaming {
    number: u64,
    sent: u64,
    credit: u64,
}

/// A page and what it has under way.
pub(super) struct Life {
    pub(super) page: FakePage,
    index: u64,
    number: u64,
    witness: Arc<Witness>,
    calls: u64,
    ticks: u64,
    bulks: u64,
    streams: HashMap<u64, Streaming>,
    late: JoinSet<Asked>,
}

impl Life {
    pub(super) fn new(page: FakePage, index: u64, number: u64, witness: Arc<Witness>) -> Self {
        Self {
            page,
            index,
            number,
            witness,
            calls: 0,
            ticks: 0,
            bulks: 0,
            streams: HashMap::new(),
            late: JoinSet::new(),
        }
    }

    /// Values that it sent so far.
    pub(super) fn published(&self) -> u64 {
        self.ticks + self.bulks
    }

    /// Says goodbye, and waits until the hub has heard it. How many values it took before.
    pub(super) async fn leave(mut self) -> u64 {
        self.page
            .send(r#"{"jsonrpc":"2.0","method":"$/bye","params":{"reason":"enough"}}"#)
            .await;
        self.page.closed().await;
        self.published()
    }

    /// Answers what comes, for so long or until so many calls have come.
    pub(super) async fn run(&mut self, time: Duration, calls_max: u64) {
        // Both are delays of the load itself: nothing is waited for with them.
        let over = tokio::time::sleep(time);
        tokio::pin!(over);
        while self.calls < calls_max {
            tokio::select! {
                () = &mut over => return,
                message = self.page.next_message() => self.handle(message).await,
                Some(asked) = self.late.join_next() => {
                    answer_properly(&mut self.page, &asked.expect("it only slept")).await;
                }
            }
        }
    }

    async fn handle(&mut self, message: Option<Message>) {
        let Some(Message::Text(text)) = message else {
            unreachable!("the hub closed a page that did as it should: {message:?}")
        };
        let message: Value = serde_json::from_str(&text).expect("JSON");
        let params = &message["params"];
        match message["method"].as_str().expect("an order") {
            "$/ping" => self.page.answer(0, r#"{"lag_ms":0}"#).await,
            "$/credit" => {
                let id = number(&params["id"]);
                if let Some(stream) = self.streams.get_mut(&id) {
                    stream.credit += number(&params["n"]);
                    self.send_parts(id).await;
                }
            }
            "$/cancel" => {
                self.streams.remove(&number(&params["id"]));
            }
            function => {
                let asked = Asked {
                    id: number(&message["id"]),
                    function: function.to_owned(),
                    number: number(&params[0]),
                };
                self.witness.came(asked.number, params[1] == "again");
                let credit = number(&message["credit"]);
                let is_bulky = asked.number.is_multiple_of(BULK_EVERY);
                self.take_call(asked, credit).await;
                self.publish_tick().await;
                if is_bulky {
                    self.publish_bulk().await;
                }
            }
        }
    }

    async fn take_call(&mut self, asked: Asked, credit: u64) {
        self.calls += 1;
        match asked.function.as_str() {
            "echo" => answer_properly(&mut self.page, &asked).await,
            "late" => {
                let delay = Duration::from_millis(1 + asked.number % LATE_MAX_MS);
                self.late.spawn(async move {
                    tokio::time::sleep(delay).await;
                    asked
                });
            }
            "throw" => {
                let error = json!({ "code": 1, "message": thrown(asked.number) });
                let answer = json!({ "jsonrpc": "2.0", "id": asked.id, "error": error });
                self.page.send(&answer.to_string()).await;
            }
            "stream" => {
                let stream = Streaming {
                    number: asked.number,
                    sent: 0,
                    credit,
                };
                self.streams.insert(asked.id, stream);
                self.send_parts(asked.id).await;
            }
            "never" | "hold" => {}
            other => unreachable!("nobody exposed {other}"),
        }
    }

    /// As much of a stream as its credit allows, and its end.
    async fn send_parts(&mut self, id: u64) {
        let Some(stream) = self.streams.get_mut(&id) else {
            return;
        };
        while stream.credit > 0 && stream.sent < STREAM_PARTS {
            let part = stream_part(&self.page.id, stream.number, stream.sent);
            self.page.item(id, &part).await;
            stream.sent += 1;
            stream.credit -= 1;
        }
        if stream.sent == STREAM_PARTS {
            self.page.answer(id, "null").await;
            self.streams.remove(&id);
        }
    }

    /// Numbers run from 1 in each life and topic, so that a value that is missing shows.
    async fn publish_tick(&mut self) {
        self.ticks += 1;
        let value = json!({ "page": self.index, "life": self.number, "n": self.ticks });
        let topic = tick_topic(self.index);
        self.page.publish(&topic, &value.to_string()).await;
    }

    pub(super) async fn publish_bulk(&mut self) {
        self.bulks += 1;
        let pad = "x".repeat(BULK_BYTES);
        let value = json!({ "page": self.index, "life": self.number, "n": self.bulks, "pad": pad });
        self.page.publish("bulk", &value.to_string()).await;
    }
}

/// The topic of small values that this number falls to.
pub(super) fn tick_topic(number: u64) -> String {
    format!("ticks-{}", number % TICK_TOPICS)
}

/// One value of a stream, as [`proper_answer`] is of a call.
pub(super) fn stream_part(page: &str, number: u64, part: u64) -> String {
    proper_answer(page, &format!("stream-{part}"), number)
}

/// What `throw` throws.
pub(super) fn thrown(number: u64) -> String {
    format!("thrown by {number}")
}

fn number(value: &Value) -> u64 {
    value.as_u64().expect("a number")
}
