//! Just enough DevTools to see that messages get through.

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use pagewire_browser::Transport;
use pagewire_testkit::soon;
use serde_json::{Value, json};

/// Sends one command and waits for its answer; events in between are dropped.
pub(crate) async fn command(transport: &mut Transport, method: &str, params: Value) -> Value {
    command_in(transport, None, method, params).await
}

/// The same in a session.
pub(crate) async fn command_in(
    transport: &mut Transport,
    session: Option<&str>,
    method: &str,
    params: Value,
) -> Value {
    let mut message = json!({"id": 1, "method": method, "params": params});
    if let Some(session) = session {
        message["sessionId"] = session.into();
    }
    let sent = transport.send(Bytes::from(message.to_string()));
    soon("room for a command", sent).await.expect("it is sent");
    loop {
        let message = soon(method, transport.next()).await;
        let message = message.expect("the browser runs").expect("a message");
        let message: Value = serde_json::from_slice(&message).expect("JSON");
        if message["id"] == 1 {
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
