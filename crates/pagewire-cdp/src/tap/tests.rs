use serde_json::{Value, json};

use super::*;
use crate::event::FrameNavigated;

mod hostile;
mod limits;
mod properties;
mod recorded;
mod scenes;

/// When all of this happens, by our clock.
const NOW_MS: u64 = 1_795_000_000_000;

fn taps(rules: &[&str]) -> Taps {
    taps_with(rules, Secrets::Redact)
}

fn taps_with(rules: &[&str], keep_secrets: Secrets) -> Taps {
    let rules = rules.iter().map(|rule| rule.parse().unwrap()).collect();
    Taps::new(Arc::new(TapRules {
        rules,
        keep_secrets,
    }))
}

fn session(name: &str) -> SessionId {
    SessionId::from(name)
}

/// One event of a session.
fn feed(taps: &mut Taps, session: &SessionId, method: &str, params: &Value) -> Result<(), Error> {
    let params = serde_json::value::to_raw_value(params).unwrap();
    feed_raw(taps, session, method, &params)
}

fn feed_raw(
    taps: &mut Taps,
    session: &SessionId,
    method: &str,
    params: &serde_json::value::RawValue,
) -> Result<(), Error> {
    let event = RawEvent {
        session: Some(session.as_str().into()),
        method: method.into(),
        params,
    };
    taps.handle_event(session, TargetKind::Page, &event, NOW_MS)
}

/// What came of it, a line each.
fn lines(taps: &mut Taps) -> Vec<String> {
    std::iter::from_fn(|| taps.poll_tapped())
        .map(|tapped| match tapped {
            Tapped::Value(value) => {
                format!(
                    "{}: {}",
                    value.connection,
                    str::from_utf8(&value.json).unwrap()
                )
            }
            Tapped::WantBody { request, .. } => format!("want body of {request}"),
            Tapped::Unseen { socket, .. } => format!("unseen {socket}"),
        })
        .collect()
}

/// The values of everything that came, as JSON.
fn values(taps: &mut Taps) -> Vec<(String, Value)> {
    std::iter::from_fn(|| taps.poll_tapped())
        .filter_map(|tapped| match tapped {
            Tapped::Value(value) => {
                let json = serde_json::from_slice(&value.json).expect("a value is JSON");
                Some((value.connection.to_string(), json))
            }
            Tapped::WantBody { .. } | Tapped::Unseen { .. } => None,
        })
        .collect()
}

fn created(id: &str, url: &str) -> Value {
    json!({"requestId": id, "url": url})
}

fn handshake(id: &str) -> Value {
    json!({"requestId": id, "timestamp": 10.0, "wallTime": 1_795_000_000.5, "request": {"headers": {"Host": "x"}}})
}

fn answer(id: &str) -> Value {
    json!({"requestId": id, "timestamp": 10.25, "response": {"status": 101, "headers": {"Upgrade": "websocket"}}})
}

fn frame(id: &str, opcode: u8, payload: &str) -> Value {
    json!({"requestId": id, "timestamp": 10.5, "response": {"opcode": opcode, "mask": false, "payloadData": payload}})
}

fn closed(id: &str) -> Value {
    json!({"requestId": id, "timestamp": 11.0})
}

fn request(id: &str, url: &str) -> Value {
    json!({"requestId": id, "timestamp": 10.0, "wallTime": 1_795_000_000.5, "request": {"url": url, "method": "GET"}})
}

fn open(taps: &mut Taps, session: &SessionId, id: &str, url: &str) {
    feed(taps, session, "Network.webSocketCreated", &created(id, url)).unwrap();
    feed(
        taps,
        session,
        "Network.webSocketWillSendHandshakeRequest",
        &handshake(id),
    )
    .unwrap();
    feed(
        taps,
        session,
        "Network.webSocketHandshakeResponseReceived",
        &answer(id),
    )
    .unwrap();
}
