//! Callers: HTTP/1.1 connections that each make one call at a time and check each answer.
//!
//! Written by hand and for one thread, so that the callers take as little of the machine as they can from what is measured.

use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use clap::{Args, ValueEnum};
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::process::{ready, say};

/// Where the page's function is, on the hub and on what it is compared with.
pub(crate) const PATH: &str = "/v1/call/bench/echo";
/// Load before the measurement, as a part of its time.
pub(crate) const WARM_UP: f64 = 0.2;

/// Who calls whom.
#[derive(Debug, Args)]
pub(crate) struct LoadArguments {
    #[arg(long)]
    to: SocketAddr,
    #[arg(long)]
    callers: usize,
    /// Length of the body of a call.
    #[arg(long)]
    bytes: usize,
    #[arg(long)]
    seconds: f64,
    #[arg(long)]
    answer: Answer,
}

/// What the right answer to `["text"]` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Answer {
    /// `"text"`: a page gives its argument back.
    Argument,
    /// `["text"]`: an HTTP echo gives the body back.
    Body,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Argument => "argument",
            Self::Body => "body",
        })
    }
}

/// What a child counted while the server's CPU time was taken.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Tally {
    /// Calls, round trips or messages.
    pub(crate) count: u64,
    pub(crate) seconds: f64,
    /// None where single ones are not timed.
    pub(crate) latency: Option<Latency>,
}

/// How long a call took, from its first byte to the last of its answer.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Latency {
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
}

impl Tally {
    pub(crate) fn of(mut times: Vec<Duration>, seconds: f64) -> Result<Self> {
        ensure!(!times.is_empty(), "no call ended within {seconds} s");
        times.sort_unstable();
        let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_secs_f64() * 1e6;
        let latency = Latency {
            p50_us: at(50),
            p99_us: at(99),
        };
        Ok(Self {
            count: times.len() as u64,
            seconds,
            latency: Some(latency),
        })
    }
}

/// Does what each client of a measurement does: warms up, waits for the start, works for `seconds` and tells the tally.
pub(crate) async fn measure<C>(
    mut clients: Vec<C>,
    seconds: f64,
    work: impl AsyncFn(&mut C, Instant) -> Result<Vec<Duration>>,
) -> Result<()> {
    let run = async |clients: &mut Vec<C>, seconds: f64| {
        let end = Instant::now() + Duration::from_secs_f64(seconds);
        try_join_all(clients.iter_mut().map(|client| work(client, end))).await
    };
    run(&mut clients, seconds * WARM_UP).await?;
    ready().await?;
    let begun = Instant::now();
    let times = run(&mut clients, seconds).await?.concat();
    say(&Tally::of(times, begun.elapsed().as_secs_f64())?)
}

/// The text that is sent for the `number`th time: different each time, and `bytes` long with its brackets and quotes.
pub(crate) fn argument(number: u64, bytes: usize) -> String {
    let number = number.to_string();
    let rest = bytes.saturating_sub(number.len() + r#"[""]"#.len());
    format!(r#"["{number}{}"]"#, "x".repeat(rest))
}

pub(crate) async fn run(arguments: LoadArguments) -> Result<()> {
    let connecting = (0..arguments.callers).map(|index| Caller::connect(index, &arguments));
    let callers = try_join_all(connecting).await?;
    measure(callers, arguments.seconds, async |caller, end| {
        caller.call_until(end).await
    })
    .await
}

struct Caller {
    stream: TcpStream,
    head: String,
    bytes: usize,
    answer: Answer,
    number: u64,
    received: Vec<u8>,
}

impl Caller {
    async fn connect(index: usize, arguments: &LoadArguments) -> Result<Self> {
        let LoadArguments { to, bytes, .. } = *arguments;
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        let length = argument(0, bytes).len();
        Ok(Self {
            stream,
            head: format!(
                "POST {PATH} HTTP/1.1\r\nhost: {to}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
            ),
            bytes,
            answer: arguments.answer,
            // No two callers share a number.
            number: index as u64 * 1_000_000_000,
            received: Vec::with_capacity(2 * bytes + 1024),
        })
    }

    async fn call_until(&mut self, end: Instant) -> Result<Vec<Duration>> {
        let mut times = Vec::new();
        let mut now = Instant::now();
        while now < end {
            self.call().await?;
            let asked = std::mem::replace(&mut now, Instant::now());
            times.push(now - asked);
        }
        Ok(times)
    }

    async fn call(&mut self) -> Result<()> {
        self.number += 1;
        let body = argument(self.number, self.bytes);
        let request = [self.head.as_bytes(), body.as_bytes()].concat();
        self.stream.write_all(&request).await?;
        let right = match self.answer {
            Answer::Argument => &body[1..body.len() - 1],
            Answer::Body => &body,
        };
        let answer = self.read_answer().await?;
        let shown = || String::from_utf8_lossy(answer).into_owned();
        ensure!(
            answer == right.as_bytes(),
            "the answer to {body} was {}",
            shown()
        );
        Ok(())
    }

    /// The body of the one answer that is under way.
    async fn read_answer(&mut self) -> Result<&[u8]> {
        self.received.clear();
        let mut body = None;
        loop {
            let read = self.stream.read_buf(&mut self.received).await?;
            ensure!(read > 0, "the server closed the connection");
            if body.is_none() {
                body = body_range(&self.received)?;
            }
            if let Some((start, end)) = body
                && self.received.len() >= end
            {
                ensure!(self.received.len() == end, "more came than was announced");
                return Ok(&self.received[start..end]);
            }
        }
    }
}

/// Where the body of an answer begins and ends, once its head is there. All servers here send `Content-Length`.
fn body_range(received: &[u8]) -> Result<Option<(usize, usize)>> {
    let Some(head) = received.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let text = std::str::from_utf8(&received[..head])?;
    ensure!(text.starts_with("HTTP/1.1 200 "), "the answer was {text}");
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.parse::<usize>())
    });
    let length = length.context("an answer without Content-Length")??;
    Ok(Some((head + 4, head + 4 + length)))
}
