//! Calls through the hub: callers that each make one call at a time and check each answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use pagewire_hub::Reply;
use pagewire_rpc::Payload;
use tokio::task::JoinSet;

use super::{Attached, CallOrder};
use crate::load::{Tally, argument};

pub(super) async fn measure(attached: &Arc<Attached>, order: CallOrder) -> Result<Tally> {
    let begun = Instant::now();
    let end = begun + Duration::from_secs_f64(order.seconds);
    let mut callers = JoinSet::new();
    for index in 0..order.callers {
        callers.spawn(call_until(end, attached.clone(), index, order.bytes));
    }
    let mut times = Vec::new();
    while let Some(caller) = callers.join_next().await {
        times.extend(caller??);
    }
    Tally::of(times, begun.elapsed().as_secs_f64())
}

async fn call_until(
    end: Instant,
    attached: Arc<Attached>,
    index: usize,
    bytes: usize,
) -> Result<Vec<Duration>> {
    // No two callers share a number.
    let mut number = index as u64 * 1_000_000_000;
    let mut times = Vec::new();
    let mut now = Instant::now();
    while now < end {
        number += 1;
        let arguments = argument(number, bytes);
        let answered = attached.call("echo", arguments.clone()).await;
        let answer = answered.map_err(|failure| anyhow::anyhow!("{:?}", failure.reason))?;
        let right = &arguments[1..arguments.len() - 1];
        ensure!(
            matches!(&answer.reply, Reply::Value(Payload::Json(text)) if text.as_bytes() == right.as_bytes()),
            "the answer to {arguments} was {:?}",
            answer.reply
        );
        let asked = std::mem::replace(&mut now, Instant::now());
        times.push(now - asked);
    }
    Ok(times)
}
