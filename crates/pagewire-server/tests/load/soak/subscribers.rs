//! Subscribers that see that every value came once and in its order, or was told as lost.

use std::collections::{BTreeMap, HashMap};

use futures_util::StreamExt as _;
use pagewire_testkit::{Http, Message, Response, soon};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// The last number of each topic, once nobody publishes any more.
pub(super) type Goal = watch::Receiver<Option<BTreeMap<String, u64>>>;

/// Values after which a subscriber that is to stop reading does.
const READ_BEFORE_STALL: u64 = 10;

/// How a subscriber reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    Steadily,
    /// Stops after a while, and reads the rest when all is over.
    Stalling,
}

/// What came to one subscriber.
#[derive(Debug, Default)]
pub(super) struct Seen {
    after: u64,
    pub(super) values: u64,
    pub(super) gaps: u64,
    pub(super) lost: u64,
    /// The last number of each page's life.
    lives: HashMap<(u64, u64), u64>,
}

impl Seen {
    fn take(&mut self, record: &Value) {
        if let Some(gap) = record.get("gap") {
            let lost = gap["lost"].as_u64().expect("the hub ran all the time");
            assert_eq!(gap["seq"], self.after + lost + 1, "{record}");
            self.gaps += 1;
            self.lost += lost;
            self.after += lost;
            // What is lost may be of any life.
            self.lives.clear();
            return;
        }
        assert_eq!(record["seq"], self.after + 1, "the next value");
        self.after += 1;
        self.values += 1;
        self.check_life(&record["value"]);
    }

    /// The values of a page come all and in their order, as far as the link brought them.
    fn check_life(&mut self, value: &Value) {
        let number = |name: &str| value[name].as_u64().expect("a number");
        let (page, life, n) = (number("page"), number("life"), number("n"));
        match self.lives.insert((page, life), n) {
            Some(last) => assert_eq!(n, last + 1, "of life {life} of page {page}"),
            None => assert!(
                n == 1 || self.gaps > 0,
                "{n} is the first of life {life} of page {page}"
            ),
        }
    }
}

/// A subscriber of one topic, from its next value on.
pub(super) struct Subscriber {
    topic: String,
    feed: Feed,
    pub(super) reading: Reading,
    pub(super) seen: Seen,
}

impl Subscriber {
    /// Subscribes; the form goes by the index.
    pub(super) async fn new(address: &str, index: usize, topic: &str, reading: Reading) -> Self {
        let path = format!("/v1/topics/{topic}");
        let client = Http::new(format!("http://{address}"));
        let feed = match index % 3 {
            0 => Feed::Events(
                client.with("accept", "text/event-stream").get(&path).await,
                String::new(),
            ),
            1 => Feed::Lines(
                client
                    .with("accept", "application/x-ndjson")
                    .get(&path)
                    .await,
                String::new(),
            ),
            _ => {
                let connected = connect_async(format!("ws://{address}{path}")).await;
                Feed::Socket(Box::new(connected.expect("a topic socket").0))
            }
        };
        Self {
            topic: topic.to_owned(),
            feed,
            reading,
            seen: Seen::default(),
        }
    }

    /// Reads until the last value that there is.
    pub(super) async fn follow(mut self, mut goal: Goal) -> Self {
        let goal = goal.wait_for(Option::is_some);
        tokio::pin!(goal);
        let last = loop {
            let stalls = self.reading == Reading::Stalling && self.seen.values >= READ_BEFORE_STALL;
            tokio::select! {
                record = self.feed.next(), if !stalls => self.seen.take(&record),
                goal = &mut goal => {
                    let goal = goal.expect("the soak tells the goal");
                    let goal = goal.as_ref().expect("it was waited for");
                    break goal[&self.topic];
                }
            }
        };
        while self.seen.after < last {
            let record = soon("the values up to the last", self.feed.next()).await;
            self.seen.take(&record);
        }
        assert_eq!(self.seen.after, last, "nothing came that was not published");
        assert_eq!(self.seen.values + self.seen.lost, last);
        self
    }
}

/// The three forms of a topic that streams.
enum Feed {
    Events(Response, String),
    Lines(Response, String),
    Socket(Box<WebSocketStream<MaybeTlsStream<TcpStream>>>),
}

impl Feed {
    /// The next value or gap; signs of life are passed over. Dropping the future loses nothing.
    async fn next(&mut self) -> Value {
        match self {
            Self::Events(response, rest) => loop {
                let event = next_piece(response, rest, "\n\n").await;
                if let Some(record) = read_event(&event) {
                    return record;
                }
            },
            Self::Lines(response, rest) => loop {
                let line = next_piece(response, rest, "\n").await;
                if !line.is_empty() {
                    return serde_json::from_str(&line).expect("JSON");
                }
            },
            Self::Socket(socket) => loop {
                match soon("a message of a topic", socket.next()).await {
                    Some(Ok(Message::Text(text))) => {
                        return serde_json::from_str(&text).expect("JSON");
                    }
                    Some(Ok(Message::Ping(_))) => {}
                    other => unreachable!("a topic socket goes on, but: {other:?}"),
                }
            },
        }
    }
}

/// What a body says up to the next `end`.
async fn next_piece(response: &mut Response, rest: &mut String, end: &str) -> String {
    loop {
        if let Some((piece, after)) = rest.split_once(end) {
            let (piece, after) = (piece.to_owned(), after.to_owned());
            *rest = after;
            return piece;
        }
        let chunk = response.chunk().await.expect("a topic goes on");
        *rest += &chunk.expect("the body does not break");
    }
}

/// The record of an event whose `id` and kind fit it; none of a comment.
fn read_event(event: &str) -> Option<Value> {
    let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
    let record: Value = serde_json::from_str(field("data: ")?).expect("JSON");
    assert_eq!(record["cursor"].as_str(), field("id: "), "{event}");
    let kind = record.get("gap").map(|_| "gap");
    assert_eq!(field("event: "), kind, "{event}");
    Some(record)
}
