//! A page that does exactly what a test tells it, good or bad.

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
pub use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::hub::TestHub;
use crate::soon;

/// Opens a WebSocket at a hub with more headers, offering its subprotocol.
///
/// # Errors
///
/// The hub's refusal, or a connection that broke.
pub async fn open_socket(
    url: &str,
    headers: &[(&'static str, &str)],
) -> Result<WebSocketStream<MaybeTlsStream<TcpStream>>, tokio_tungstenite::tungstenite::Error> {
    let mut request = url.into_client_request().expect("an address");
    let protocol = "pagewire.v1".parse().expect("a value");
    let all = request.headers_mut();
    all.insert("sec-websocket-protocol", protocol);
    for (name, value) in headers {
        all.insert(*name, value.parse().expect("a value"));
    }
    let connected = soon("the connection", connect_async(request)).await;
    connected.map(|(socket, _)| socket)
}

/// A page link under the test's control. Dropping it drops the connection without a goodbye.
#[derive(Debug)]
pub struct FakePage {
    /// The raw connection.
    pub socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// The id that the hub gave.
    pub id: String,
    /// The epoch that the hub gave.
    pub epoch: u64,
}

impl FakePage {
    /// A page of `group` that exposes these functions, each without a description.
    pub async fn attach(hub: &TestHub, group: &str, functions: &[&str]) -> Self {
        let functions: Vec<_> = functions
            .iter()
            .map(|name| json!({ "name": name }))
            .collect();
        Self::attach_with(hub, json!({ "group": group, "functions": functions })).await
    }

    /// A page with this hello.
    pub async fn attach_with(hub: &TestHub, hello: Value) -> Self {
        Self::attach_at(&hub.ws_url(), hello).await
    }

    /// A page with this hello, at a hub that may be another process: `ws://127.0.0.1:PORT`.
    pub async fn attach_at(hub_url: &str, hello: Value) -> Self {
        let mut socket = Self::connect_at(hub_url, &[])
            .await
            .expect("the hub takes the connection");
        let welcome = Self::greet(&mut socket, hello).await;
        let result = &welcome["result"];
        let id = result["page"]
            .as_str()
            .unwrap_or_else(|| panic!("refused: {welcome}"))
            .to_owned();
        Self {
            socket,
            id,
            epoch: result["epoch"].as_u64().expect("an epoch"),
        }
    }

    /// Opens a connection with more headers, without hello.
    ///
    /// # Errors
    ///
    /// The hub's refusal, or a connection that broke.
    pub async fn connect(
        hub: &TestHub,
        headers: &[(&'static str, &str)],
    ) -> Result<WebSocketStream<MaybeTlsStream<TcpStream>>, tokio_tungstenite::tungstenite::Error>
    {
        Self::connect_at(&hub.ws_url(), headers).await
    }

    async fn connect_at(
        hub_url: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<WebSocketStream<MaybeTlsStream<TcpStream>>, tokio_tungstenite::tungstenite::Error>
    {
        open_socket(&format!("{hub_url}/v1/page"), headers).await
    }

    /// Says hello and gives the answer.
    pub async fn greet(
        socket: &mut WebSocketStream<MaybeTlsStream<TcpStream>>,
        hello: Value,
    ) -> Value {
        let hello = json!({ "jsonrpc": "2.0", "id": 0, "method": "$/hello", "params": hello });
        socket
            .send(Message::text(hello.to_string()))
            .await
            .expect("hello goes out");
        match soon("the welcome", socket.next()).await {
            Some(Ok(Message::Text(text))) => serde_json::from_str(&text).expect("JSON"),
            other => panic!("no welcome but {other:?}"),
        }
    }

    /// The next text or binary message; none when the connection ended.
    pub async fn next_message(&mut self) -> Option<Message> {
        loop {
            match soon("a message of the hub", self.socket.next()).await {
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(message)) => return Some(message),
            }
        }
    }

    /// The next text message as JSON. Pings are answered on the way.
    pub async fn next(&mut self) -> Value {
        loop {
            let Some(Message::Text(text)) = self.next_message().await else {
                panic!("the hub sent no text")
            };
            let message: Value = serde_json::from_str(&text).expect("JSON");
            if message["method"] != "$/ping" {
                return message;
            }
            self.answer(0, r#"{"lag_ms":0}"#).await;
        }
    }

    /// The next call of a function: its id.
    pub async fn next_call(&mut self, function: &str) -> u64 {
        let message = self.next().await;
        assert_eq!(message["method"], function, "{message}");
        message["id"].as_u64().expect("an id")
    }

    /// Answers a call with this JSON text.
    pub async fn answer(&mut self, id: u64, result: &str) {
        self.send(&format!(
            r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#
        ))
        .await;
    }

    /// Sends one value of a stream.
    pub async fn item(&mut self, id: u64, value: &str) {
        self.send(&format!(
            r#"{{"jsonrpc":"2.0","method":"$/next","params":{{"id":{id},"value":{value}}}}}"#
        ))
        .await;
    }

    /// Publishes without asking for an answer.
    pub async fn publish(&mut self, topic: &str, value: &str) {
        self.send(&format!(r#"{{"jsonrpc":"2.0","method":"$/publish","params":{{"topic":"{topic}","value":{value}}}}}"#)).await;
    }

    /// Sends a text message as it is. A connection that broke is not this call's business.
    pub async fn send(&mut self, text: &str) {
        let _ = self.socket.send(Message::text(text)).await;
    }

    /// Sends a binary message: header and bytes.
    pub async fn send_binary(&mut self, header: &str, bytes: &[u8]) {
        let length = u16::try_from(header.len()).expect("a short header");
        let message = [&length.to_be_bytes(), header.as_bytes(), bytes].concat();
        let _ = self.socket.send(Message::binary(message)).await;
    }

    /// Answers every call with what `reply` makes of its function and arguments, until the connection ends.
    pub async fn serve(mut self, reply: impl Fn(&str, &Value) -> String) {
        while let Some(Ok(message)) = self.socket.next().await {
            let Message::Text(text) = message else {
                continue;
            };
            let message: Value = serde_json::from_str(&text).expect("JSON");
            let (Some(id), Some(method)) = (message["id"].as_u64(), message["method"].as_str())
            else {
                continue;
            };
            let result = if method == "$/ping" {
                "{}".to_owned()
            } else {
                reply(method, &message["params"])
            };
            self.answer(id, &result).await;
        }
    }

    /// Reads on until the hub closes: the close code and reason, if it said them.
    pub async fn closed(&mut self) -> Option<(u16, String)> {
        loop {
            match soon("the hub's close", self.socket.next()).await {
                Some(Ok(Message::Close(Some(CloseFrame { code, reason })))) => {
                    return Some((code.into(), reason.to_string()));
                }
                Some(Ok(Message::Close(None)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    }
}
