//! A page that publishes as fast as it can, and a program that follows the topic and checks every value.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use clap::{Args, ValueEnum};
use futures_util::SinkExt as _;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_tungstenite::tungstenite::Message;

use crate::load::{Tally, WARM_UP, argument};
use crate::pages::{Page, Socket, connect, next_text};
use crate::process::{ready, say};

/// Length of a value, which is a JSON text with its quotes.
pub(crate) const VALUE_BYTES: usize = 1024;
/// Values that the page may be ahead of the subscriber: half of what a topic keeps, so that the subscriber keeps up.
const AHEAD: usize = 512;
/// Values that the page writes at once.
const BURST: u32 = 64;
/// The value that ends a run.
const END: &str = r#""end""#;

/// How the topic is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Form {
    #[value(name = "NDJSON")]
    NdJson,
    #[value(name = "WebSocket")]
    WebSocket,
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NdJson => "NDJSON",
            Self::WebSocket => "WebSocket",
        })
    }
}

/// What is published where.
#[derive(Debug, Args)]
pub(crate) struct PublishingArguments {
    #[arg(long)]
    to: SocketAddr,
    #[arg(long)]
    form: Form,
    #[arg(long)]
    seconds: f64,
}

pub(crate) async fn run(arguments: PublishingArguments) -> Result<()> {
    let PublishingArguments { to, form, seconds } = arguments;
    let mut subscriber = Subscriber::follow(to, form).await?;
    let page = Page::attach(to, "unused").await?;
    let (page, _) = exchange(page, &mut subscriber, form, seconds * WARM_UP).await?;
    ready().await?;
    let begun = Instant::now();
    let (_, count) = exchange(page, &mut subscriber, form, seconds).await?;
    say(&Tally {
        count,
        seconds: begun.elapsed().as_secs_f64(),
        latency: None,
    })
}

/// Publishes for `seconds` and receives all of it: how many values that were.
async fn exchange(
    page: Page,
    subscriber: &mut Subscriber,
    form: Form,
    seconds: f64,
) -> Result<(Page, u64)> {
    let ahead = Arc::new(Semaphore::new(AHEAD));
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    let publishing = tokio::spawn(publish(page, form, end, ahead.clone()));
    let mut count = 0;
    loop {
        let record = subscriber.next_record().await?;
        let value = value_of(&record)?;
        if value == END {
            return Ok((publishing.await??, count));
        }
        ensure!(
            value == value_number(count),
            "value {count} is missing; {value} came instead"
        );
        count += 1;
        ahead.add_permits(1);
    }
}

async fn publish(mut page: Page, form: Form, end: Instant, ahead: Arc<Semaphore>) -> Result<Page> {
    let mut number = 0;
    while Instant::now() < end {
        ahead.acquire_many(BURST).await?.forget();
        for _ in 0..BURST {
            let message = publication(form, &value_number(number));
            page.socket.feed(message).await?;
            number += 1;
        }
        page.socket.flush().await?;
    }
    page.socket.send(publication(form, END)).await?;
    Ok(page)
}

fn publication(form: Form, value: &str) -> Message {
    Message::text(format!(
        r#"{{"jsonrpc":"2.0","method":"$/publish","params":{{"topic":"{form}","value":{value}}}}}"#
    ))
}

fn value_number(number: u64) -> String {
    let array = argument(number, VALUE_BYTES + "[]".len());
    array[1..array.len() - 1].to_owned()
}

/// A record of a topic (`docs/protocol.md` §3.4).
#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow)]
    value: Option<&'a RawValue>,
}

fn value_of(record: &str) -> Result<&str> {
    let parsed: Record<'_> = serde_json::from_str(record).with_context(|| record.to_owned())?;
    match parsed.value {
        Some(value) => Ok(value.get()),
        None => bail!("a subscriber that keeps up must lose nothing, but the hub said {record}"),
    }
}

enum Subscriber {
    NdJson(BufReader<TcpStream>),
    WebSocket(Box<Socket>),
}

impl Subscriber {
    async fn follow(to: SocketAddr, form: Form) -> Result<Self> {
        let path = format!("/v1/topics/pages/bench/{form}");
        match form {
            Form::WebSocket => Ok(Self::WebSocket(Box::new(connect(to, &path).await?))),
            Form::NdJson => {
                let mut stream = BufReader::new(TcpStream::connect(to).await?);
                let request = format!("GET {path}?as=ndjson HTTP/1.1\r\nhost: {to}\r\n\r\n");
                stream.write_all(request.as_bytes()).await?;
                let mut status = String::new();
                stream.read_line(&mut status).await?;
                ensure!(
                    status.starts_with("HTTP/1.1 200 "),
                    "the hub answered {status}"
                );
                Ok(Self::NdJson(stream))
            }
        }
    }

    async fn next_record(&mut self) -> Result<String> {
        let stream = match self {
            Self::WebSocket(socket) => return Ok(next_text(socket).await?.to_string()),
            Self::NdJson(stream) => stream,
        };
        loop {
            let mut line = String::new();
            ensure!(
                stream.read_line(&mut line).await? > 0,
                "the hub ended the topic"
            );
            // The lines in between are the rest of the head, lengths of chunks and signs of life.
            if line.starts_with('{') {
                return Ok(line);
            }
        }
    }
}
