//! Just enough DevTools to see that messages get through.
#![allow(dead_code, reason = "each test file uses its part")]

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use pagewire_browser::Transport;
use pagewire_testkit::soon;
use serde_json::{Value, json};

/// Chromium begins an answer with its number.
const ANSWER: &[u8] = b"{\"id\":1,";

/// Sends one command and waits for its answer; events in between are dropped.
pub(crate) async fn command(transport: &mut Transport, method: &str, params: Value) -> Value {
    let message = json!({"id": 1, "method": method, "params": params});
    answer_to(transport, message).await
}

/// The value of an expression in a page.
pub(crate) async fn evaluate(transport: &mut Transport, session: &str, expression: &str) -> Value {
    let params = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
    let message =
        json!({"id": 1, "sessionId": session, "method": "Runtime.evaluate", "params": params});
    let mut answer = answer_to(transport, message).await;
    answer["result"]["result"]["value"].take()
}

async fn answer_to(transport: &mut Transport, message: Value) -> Value {
    let answer = raw_answer_to(transport, message.to_string().into()).await;
    serde_json::from_slice(&answer).expect("JSON")
}

/// The whole answer to a command with number 1.
pub(crate) async fn raw_answer_to(transport: &mut Transport, message: Bytes) -> Bytes {
    let sent = soon("room for a command", transport.send(message)).await;
    sent.expect("it is sent");
    loop {
        let message = soon("an answer", transport.next()).await;
        let message = message.expect("the browser runs").expect("a message");
        if message.starts_with(ANSWER) {
            return message;
        }
    }
}

/// Opens a page and gives the session to it.
pub(crate) async fn open_page(transport: &mut Transport, url: &str) -> String {
    let opened = command(transport, "Target.createTarget", json!({"url": url})).await;
    let target = opened["result"]["targetId"].as_str().expect("a page");
    let params = json!({"targetId": target, "flatten": true});
    let attached = command(transport, "Target.attachToTarget", params).await;
    let session = attached["result"]["sessionId"].as_str();
    session.expect("a session").to_owned()
}

/// Reads what is left until the stream ends without an error.
pub(crate) async fn the_end(transport: &mut Transport) {
    while let Some(message) = soon("the end of the stream", transport.next()).await {
        message.expect("a message or the end");
    }
}
