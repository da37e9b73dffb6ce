//! The bare protocol: one task that sends `Runtime.evaluate` and reads the answers, over the transport and the connection that attaching uses too.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use futures_util::future::poll_immediate;
use futures_util::{SinkExt as _, StreamExt as _};
use pagewire_browser::Transport;
use pagewire_cdp::command::{Command, TargetAttachToTarget, TargetCreateTarget};
use pagewire_cdp::event::Evaluated;
use pagewire_cdp::{Connection, Incoming, SessionId, TargetId};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use super::{CallOrder, LOOK};
use crate::load::{Tally, argument};

/// `Runtime.evaluate` as one would use it to call a function of a page.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Evaluate<'a> {
    expression: &'a str,
    await_promise: bool,
    return_by_value: bool,
}

impl Command for Evaluate<'_> {
    const METHOD: &'static str = "Runtime.evaluate";
}

/// A command under way.
#[derive(Debug)]
struct Asked {
    /// The JSON that is to come back.
    expected: String,
    number: u64,
    at: Instant,
}

/// A page, and nothing of ours in it.
#[derive(Debug)]
pub(super) struct Evaluator {
    transport: Transport,
    connection: Connection<Asked>,
    session: Option<SessionId>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Created {
    target_id: TargetId,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Opened {
    session_id: SessionId,
}

impl Evaluator {
    pub(super) async fn open(transport: Transport, url: &str) -> Result<Self> {
        let mut evaluator = Self {
            transport,
            connection: Connection::default(),
            session: None,
        };
        let Created { target_id } = evaluator.ask(&TargetCreateTarget { url }).await?;
        let attach = TargetAttachToTarget {
            target_id: &target_id,
            flatten: true,
        };
        let Opened { session_id } = evaluator.ask(&attach).await?;
        evaluator.session = Some(session_id);
        while !evaluator.has_page().await? {
            sleep(LOOK).await;
        }
        Ok(evaluator)
    }

    async fn has_page(&mut self) -> Result<bool> {
        #[derive(Deserialize)]
        struct Answer {
            result: Value,
        }
        #[derive(Deserialize)]
        struct Value {
            value: String,
        }
        let evaluate = evaluate("typeof globalThis.echo");
        let Answer { result } = self.ask(&evaluate).await?;
        Ok(result.value == "function")
    }

    /// One command, and nothing else under way.
    async fn ask<T: DeserializeOwned>(&mut self, command: &impl Command) -> Result<T> {
        self.feed(command, String::new(), 0).await?;
        self.transport.flush().await?;
        loop {
            let message = self.transport.next().await.context("no browser")??;
            if let Incoming::Reply(reply) = self.connection.handle_message(&message)? {
                return Ok(serde_json::from_str(reply.result?.get())?);
            }
        }
    }

    pub(super) async fn measure(&mut self, order: CallOrder) -> Result<Tally> {
        let begun = Instant::now();
        let end = begun + Duration::from_secs_f64(order.seconds);
        for index in 0..order.callers {
            // No two callers share a number.
            self.call(index as u64 * 1_000_000_000, order.bytes).await?;
        }
        let mut times = Vec::new();
        while self.connection.under_way() > 0 {
            let message = self.next().await?;
            let Incoming::Reply(reply) = self.connection.handle_message(&message)? else {
                continue;
            };
            let now = Instant::now();
            let answer: Evaluated<'_> = serde_json::from_str(reply.result?.get())?;
            let value = answer.result.and_then(|result| result.value);
            let value = value.context("an answer without a value")?;
            let expected = &reply.tag.expected;
            ensure!(value.get() == expected, "{value} came for {expected}");
            times.push(now - reply.tag.at);
            if now < end {
                self.call(reply.tag.number + 1, order.bytes).await?;
            }
        }
        Tally::of(times, begun.elapsed().as_secs_f64())
    }

    /// Commands go out together, when there is nothing more to read.
    async fn next(&mut self) -> Result<Bytes> {
        let message = match poll_immediate(self.transport.next()).await {
            Some(message) => message,
            None => {
                self.transport.flush().await?;
                self.transport.next().await
            }
        };
        Ok(message.context("no browser")??)
    }

    async fn call(&mut self, number: u64, bytes: usize) -> Result<()> {
        let array = argument(number, bytes);
        let argument = &array[1..array.len() - 1];
        let expression = format!("echo({argument})");
        self.feed(&evaluate(&expression), argument.to_owned(), number)
            .await
    }

    async fn feed(&mut self, command: &impl Command, expected: String, number: u64) -> Result<()> {
        let at = Instant::now();
        let asked = Asked {
            expected,
            number,
            at,
        };
        let made = self
            .connection
            .command(at, self.session.as_ref(), command, None, asked);
        let message = made.map_err(|(_, error)| error)?;
        Ok(self.transport.feed(message).await?)
    }
}

fn evaluate(expression: &str) -> Evaluate<'_> {
    Evaluate {
        expression,
        await_promise: true,
        return_by_value: true,
    }
}
