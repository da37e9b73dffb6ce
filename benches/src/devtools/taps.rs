//! Tapped sockets: from a server's message to a subscriber of its topic.

use std::borrow::Cow;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use pagewire_browser::{Report, Transport};
use pagewire_hub::{Notice, Record, SlowReader, Start, Subscription};
use pagewire_rpc::{Payload, TopicName};
use serde::{Deserialize, Serialize};

use super::{Attached, TapOrder};
use crate::frames::{STAMP_BYTES, Sending, stamp, unix_us};
use crate::load::Tally;
use crate::process::{Running, part};

/// What came of a [`TapOrder`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct TapTally {
    /// Its latencies are those from the moment a message was due at its server until the subscriber had it.
    pub(crate) tally: Tally,
    pub(crate) longest: Duration,
    /// Messages that never came.
    pub(crate) lost: u64,
}

/// A page whose sockets are tapped, and the server that they are of.
#[derive(Debug)]
pub(super) struct Tapper {
    attached: Attached,
    server: String,
    _server: Running,
}

#[derive(Deserialize)]
struct Listening {
    http: String,
}

/// The value of a tap.
#[derive(Deserialize)]
struct Value<'a> {
    kind: &'a str,
    #[serde(default)]
    size: usize,
    #[serde(borrow, default)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    base64: Option<Cow<'a, str>>,
}

/// The messages of one connection.
#[derive(Debug, Default)]
struct Received {
    delays: Vec<Duration>,
    next: u64,
    lost: u64,
    last_us: u64,
    begun_us: u64,
}

impl Tapper {
    pub(super) async fn open(transport: Transport, url: &str) -> Result<Self> {
        let mut server = Running::start("the tapped server", part("frames")?)?;
        let listening: Listening = server.hear(Duration::ZERO).await?;
        Ok(Self {
            attached: Attached::open(transport, url, &["ws:*"]).await?,
            server: listening.http.replacen("http", "ws", 1),
            _server: server,
        })
    }

    pub(super) async fn measure(&mut self, order: TapOrder) -> Result<TapTally> {
        let milliseconds = Duration::from_secs_f64(order.seconds).as_millis();
        let count = u64::try_from(u128::from(order.rate) * milliseconds / 1_000)?.max(1);
        let sending = Sending {
            kind: order.frames.kind,
            bytes: order.frames.bytes,
            count,
            rate: order.rate,
        };
        let url = serde_json::to_string(&[sending.url(&self.server)])?;
        let called = self.attached.call("follow", url).await;
        called.map_err(|failure| anyhow!("{:?}", failure.reason))?;
        let topic = self.topic().await?;
        let topics = self.attached.hub.topics();
        let mut subscription = topics.subscribe(&topic, &Start::Last(u64::MAX), SlowReader::Gap)?;
        let received = receive(&mut subscription, sending).await?;
        received.tally(count)
    }

    /// The topic of the connection that is opened next.
    async fn topic(&mut self) -> Result<TopicName> {
        loop {
            let report = self.attached.reports.recv().await;
            let report = report.context("the browser is lost")?;
            if let Report::TapOpened { topic } = report {
                return Ok(topic);
            }
            if let Report::Problem { text } = report {
                bail!(text);
            }
        }
    }
}

/// Follows a connection until it is closed.
async fn receive(subscription: &mut Subscription, sending: Sending) -> Result<Received> {
    let mut received = Received::default();
    loop {
        match subscription.next().await.context("the topic ended")? {
            Notice::Value(record) => {
                if !received.take(&record, sending)? {
                    return Ok(received);
                }
            }
            // The numbers of the messages tell how many they were.
            Notice::Gap { .. } => {}
        }
    }
}

impl Received {
    /// False at the end.
    fn take(&mut self, record: &Record, sending: Sending) -> Result<bool> {
        let Payload::Json(json) = &record.value else {
            bail!("a tap gave bytes");
        };
        let value: Value<'_> = serde_json::from_slice(json.as_bytes())?;
        let begin = match (&value.text, &value.base64) {
            _ if value.kind == "open" => return Ok(true),
            _ if value.kind == "close" => return Ok(false),
            (Some(text), None) => Cow::Borrowed(text.as_bytes()),
            // Whole groups of four digits stand for whole groups of three bytes.
            (None, Some(base64)) => {
                let digits = base64.get(..STAMP_BYTES.div_ceil(3) * 4);
                BASE64.decode(digits.context("a short message")?)?.into()
            }
            (Some(_), Some(_)) | (None, None) => bail!("a tap gave a {}", value.kind),
        };
        ensure!(
            value.size == sending.bytes,
            "a message has {} bytes",
            value.size
        );
        let (due_us, number) = stamp(&begin)?;
        ensure!(number >= self.next, "message {number} came again");
        if self.delays.is_empty() {
            self.begun_us = due_us;
        }
        self.lost += number - self.next;
        self.next = number + 1;
        self.last_us = unix_us()?;
        let delay_us = self.last_us.saturating_sub(due_us);
        self.delays.push(Duration::from_micros(delay_us));
        Ok(true)
    }

    fn tally(mut self, count: u64) -> Result<TapTally> {
        self.lost += count - self.next;
        let longest = self.delays.iter().max().copied().unwrap_or_default();
        let seconds = (self.last_us - self.begun_us) as f64 / 1e6;
        Ok(TapTally {
            tally: Tally::of(self.delays, seconds)?,
            longest,
            lost: self.lost,
        })
    }
}
