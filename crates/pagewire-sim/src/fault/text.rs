//! Faults as texts, both ways.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::{Fault, FaultError, Order, Refusal, Times, TrafficFault, When};

/// Messages that may change their order among each other.
const REORDERED: std::ops::RangeInclusive<u64> = 2..=1_000;
/// Milliseconds that opening a connection may be made to take.
const SLOW_MS: std::ops::RangeInclusive<u64> = 1..=600_000;

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        let fault = match name {
            "drop" => when(value).map(|when| Self::Connection(Order::Drop, when)),
            "close" => close(value),
            "say-close" => when(value).map(|when| Self::Connection(Order::SayClose, when)),
            "garbage" => when(value).map(|when| Self::Connection(Order::Garbage, when)),
            "broken" => when(value).map(|when| Self::Connection(Order::Broken, when)),
            "bomb" => when(value).map(|when| Self::Connection(Order::Bomb, when)),
            "huge" => when(value).map(|when| Self::Connection(Order::Huge, when)),
            "stall" => when(value).map(|when| Self::Connection(Order::Stall, when)),
            "refuse" => refuse(value),
            "slow-handshake" => number(value)
                .filter(|ms| SLOW_MS.contains(ms))
                .map(|ms| Self::SlowHandshake(Duration::from_millis(ms))),
            "reordered" => number(value)
                .filter(|messages| REORDERED.contains(messages))
                .map(|messages| Self::Traffic(TrafficFault::Reordered(messages))),
            "lost" => number(value).map(|every| Self::Traffic(TrafficFault::Lost(every))),
            "end" if value.is_some() => number(value).map(|messages| Self::End(Some(messages))),
            _ if value.is_some() => None,
            "end" => Some(Self::End(None)),
            "polling" => Some(Self::Polling),
            "doubled-gifts" => Some(Self::Traffic(TrafficFault::DoubledGifts)),
            "missing-ends" => Some(Self::Traffic(TrafficFault::MissingEnds)),
            "masked" => Some(Self::Traffic(TrafficFault::Masked)),
            "go-live" => Some(Self::GoLive),
            "none" => Some(Self::None),
            _ => None,
        };
        fault.ok_or_else(|| FaultError {
            fault: text.chars().take(64).collect(),
            why: "it is no fault, or its number is none that can be",
        })
    }
}

/// At least 1.
fn number(value: Option<&str>) -> Option<u64> {
    value?.parse().ok().filter(|number| *number > 0)
}

fn when(value: Option<&str>) -> Option<When> {
    match value {
        None => Some(When::Now),
        Some(_) => number(value).map(When::Every),
    }
}

/// Codes that a server may send (RFC 6455 §7.4.1); 1006 is what a client calls the lack of one.
fn close(value: Option<&str>) -> Option<Fault> {
    let value = value?;
    let (code, every) = match value.split_once('/') {
        Some((code, every)) => (code, Some(every)),
        None => (value, None),
    };
    let when = when(every)?;
    let order = match code.parse().ok()? {
        1006 => Order::Drop,
        code @ (1000..=1003 | 1007..=1014 | 3000..=4999) => Order::Close(code),
        _ => return None,
    };
    Some(Fault::Connection(order, when))
}

fn refuse(value: Option<&str>) -> Option<Fault> {
    let value = value.unwrap_or("always");
    let (times, status) = match value.split_once('/') {
        Some((times, status)) => (times, Some(status)),
        None => (value, None),
    };
    let times = match times {
        "always" => Times::Always,
        count => Times::Count(number(Some(count))?),
    };
    let how = match status {
        None => Refusal::Blocked,
        Some(status) => match status.parse().ok()? {
            status @ 400..=599 => Refusal::Status(status),
            _ => return None,
        },
    };
    Some(Fault::Refuse { times, how })
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection(order, when) => {
                f.write_str(order.name())?;
                let every = match when {
                    When::Now => None,
                    When::Every(frames) => Some(frames),
                };
                match (order, every) {
                    (Order::Close(code), None) => write!(f, "={code}"),
                    (Order::Close(code), Some(every)) => write!(f, "={code}/{every}"),
                    (_, Some(every)) => write!(f, "={every}"),
                    (_, None) => Ok(()),
                }
            }
            Self::Refuse { times, how } => {
                f.write_str("refuse=")?;
                match times {
                    Times::Always => f.write_str("always")?,
                    Times::Count(count) => write!(f, "{count}")?,
                }
                match how {
                    Refusal::Blocked => Ok(()),
                    Refusal::Status(status) => write!(f, "/{status}"),
                }
            }
            Self::SlowHandshake(time) => write!(f, "slow-handshake={}", time.as_millis()),
            Self::Polling => f.write_str("polling"),
            Self::Traffic(fault) => fault.fmt(f),
            Self::End(None) => f.write_str("end"),
            Self::End(Some(messages)) => write!(f, "end={messages}"),
            Self::GoLive => f.write_str("go-live"),
            Self::None => f.write_str("none"),
        }
    }
}

impl Order {
    const fn name(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Close(_) => "close",
            Self::SayClose => "say-close",
            Self::Garbage => "garbage",
            Self::Broken => "broken",
            Self::Bomb => "bomb",
            Self::Huge => "huge",
            Self::Stall => "stall",
        }
    }
}

impl fmt::Display for TrafficFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DoubledGifts => f.write_str("doubled-gifts"),
            Self::MissingEnds => f.write_str("missing-ends"),
            Self::Reordered(messages) => write!(f, "reordered={messages}"),
            Self::Masked => f.write_str("masked"),
            Self::Lost(every) => write!(f, "lost={every}"),
        }
    }
}
