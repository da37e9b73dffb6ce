//! A WebSocket server that sends numbered messages at a steady rate, each with the time at which it was due.

use std::fmt;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use axum::Router;
use axum::extract::Query;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::routing::any;
use axum::serve::ListenerExt as _;
use bytes::Bytes;
use futures_util::SinkExt as _;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::time::sleep;

use crate::process::{say, until_let_go};

/// Where the server is.
pub(crate) const PATH: &str = "/frames";
/// Messages that became due meanwhile go out together.
const TICK: Duration = Duration::from_millis(1);
/// Begin of each message: time and number.
pub(crate) const STAMP_BYTES: usize = 33;

/// What the messages are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Frames {
    pub(crate) kind: Kind,
    pub(crate) bytes: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Text,
    Binary,
}

impl Frames {
    pub(crate) const ALL: [Self; 3] = [
        Self::new(Kind::Text, 64),
        Self::new(Kind::Text, 1_024),
        Self::new(Kind::Binary, 1_024),
    ];

    const fn new(kind: Kind, bytes: usize) -> Self {
        Self { kind, bytes }
    }
}

impl fmt::Display for Frames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Text => "text",
            Kind::Binary => "binary",
        };
        write!(f, "{kind}, {} B", self.bytes)
    }
}

/// What a connection is sent: the query of its address.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Sending {
    pub(crate) kind: Kind,
    pub(crate) bytes: usize,
    pub(crate) count: u64,
    /// Messages a second.
    pub(crate) rate: u32,
}

impl Sending {
    /// Its address at a server.
    pub(crate) fn url(self, server: &str) -> String {
        let Self {
            bytes, count, rate, ..
        } = self;
        let kind = match self.kind {
            Kind::Text => "text",
            Kind::Binary => "binary",
        };
        format!("{server}{PATH}?kind={kind}&bytes={bytes}&count={count}&rate={rate}")
    }

    fn message(self, begun_us: u64, number: u64) -> Message {
        let due_us = begun_us + number * 1_000_000 / u64::from(self.rate);
        let stamp = format!("{due_us:020} {number:011} ");
        let text = stamp + &".".repeat(self.bytes.saturating_sub(STAMP_BYTES));
        match self.kind {
            Kind::Text => Message::text(text),
            Kind::Binary => Message::Binary(Bytes::from(text)),
        }
    }
}

/// When a message was due, in microseconds of Unix time, and its number.
pub(crate) fn stamp(message: &[u8]) -> Result<(u64, u64)> {
    let stamp = message
        .get(..STAMP_BYTES)
        .context("a message without a stamp")?;
    let stamp = std::str::from_utf8(stamp)?;
    let (due, number) = stamp
        .trim_end()
        .split_once(' ')
        .with_context(|| format!("a message begins with {stamp:?}"))?;
    Ok((due.parse()?, number.parse()?))
}

pub(crate) fn unix_us() -> Result<u64> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH)?;
    Ok(u64::try_from(since.as_micros())?)
}

pub(crate) async fn run() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let listener = listener.tap_io(|stream| {
        // Messages come a little later then, and the delay says so.
        let _ = stream.set_nodelay(true);
    });
    let router = Router::new().route(PATH, any(upgrade));
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });
    say(&json!({ "http": format!("http://{address}") }))?;
    until_let_go().await?;
    serving.abort();
    Ok(())
}

async fn upgrade(
    Query(sending): Query<Sending>,
    upgrade: WebSocketUpgrade,
) -> axum::response::Response {
    upgrade.on_upgrade(async move |socket| {
        if let Err(error) = send(socket, sending).await {
            eprintln!("the tapped server: {error:#}");
        }
    })
}

async fn send(mut socket: WebSocket, sending: Sending) -> Result<()> {
    let (begun, begun_us) = (Instant::now(), unix_us()?);
    let mut number = 0;
    while number < sending.count {
        let due = begun.elapsed().as_secs_f64() * f64::from(sending.rate);
        while number < sending.count && number as f64 <= due {
            socket.feed(sending.message(begun_us, number)).await?;
            number += 1;
        }
        socket.flush().await?;
        sleep(TICK).await;
    }
    socket.close().await?;
    Ok(())
}
