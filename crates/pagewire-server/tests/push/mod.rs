//! A site's own WebSocket server, which does as the test tells it.
#![allow(dead_code, reason = "each test file uses its part")]

use futures_util::{SinkExt as _, StreamExt as _};
use pagewire_testkit::{Message, soon};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

/// Takes connections until it is dropped.
pub(crate) struct Push {
    /// `127.0.0.1:PORT`.
    pub(crate) host: String,
    accepted: mpsc::Receiver<Connection>,
    server: JoinHandle<()>,
}

/// One connection of the page.
pub(crate) struct Connection {
    /// The path and query that the page asked for.
    pub(crate) path: String,
    socket: WebSocketStream<TcpStream>,
}

impl Push {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let host = listener.local_addr().expect("an address").to_string();
        let (sender, accepted) = mpsc::channel(64);
        let server = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("the port stays open");
                // A page that leaves, or a test that has ended, is not the server's business.
                if let Some(connection) = Connection::take(stream).await {
                    let _ = sender.send(connection).await;
                }
            }
        });
        Self {
            host,
            accepted,
            server,
        }
    }

    /// An address of this server.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("ws://{}{path}", self.host)
    }

    /// The page's next connection.
    pub(crate) async fn next(&mut self) -> Connection {
        soon("a connection of the page", self.accepted.recv())
            .await
            .expect("the server runs")
    }
}

impl Drop for Push {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Connection {
    async fn take(stream: TcpStream) -> Option<Self> {
        let mut path = String::new();
        #[expect(clippy::result_large_err, reason = "the library wants this type")]
        let keep_path = |request: &Request, response: Response| {
            path = request.uri().to_string();
            Ok(response)
        };
        let socket = accept_hdr_async(stream, keep_path).await.ok()?;
        Some(Self { path, socket })
    }

    pub(crate) async fn send(&mut self, message: Message) {
        self.socket.send(message).await.expect("the page is there");
    }

    pub(crate) async fn text(&mut self, text: &str) {
        self.send(Message::text(text)).await;
    }

    /// The page's next message.
    pub(crate) async fn receive(&mut self) -> Message {
        soon("a message of the page", self.socket.next())
            .await
            .expect("the page is there")
            .expect("a message")
    }

    /// Says goodbye and waits until the page has said it too.
    pub(crate) async fn close(mut self, code: u16, reason: &str) {
        let frame = CloseFrame {
            code: code.into(),
            reason: reason.to_owned().into(),
        };
        self.socket
            .close(Some(frame))
            .await
            .expect("goodbye goes out");
        while let Some(Ok(_)) = soon("the page's goodbye", self.socket.next()).await {}
    }

    /// Waits until the page has closed.
    pub(crate) async fn closed(mut self) {
        while let Some(Ok(_)) = soon("the page's goodbye", self.socket.next()).await {}
    }
}
