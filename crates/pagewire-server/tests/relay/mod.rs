//! Another port that leads to the hub: a test can cut it, and show a page of its own in the hub's origin.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// Hands connections on to a hub, byte for byte.
pub(crate) struct Relay {
    /// `127.0.0.1:PORT`.
    pub(crate) address: String,
    page: Arc<Mutex<String>>,
    /// The open connections; none while the relay is cut.
    connections: Arc<Mutex<Option<JoinSet<()>>>>,
    server: JoinHandle<()>,
}

impl Relay {
    pub(crate) async fn start(hub: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address").to_string();
        let connections = Arc::new(Mutex::new(Some(JoinSet::new())));
        let page = Arc::new(Mutex::new(String::new()));
        let (accepted, hub, shown) = (connections.clone(), hub.to_owned(), page.clone());
        let server = tokio::spawn(async move {
            loop {
                let (browser, _) = listener.accept().await.expect("the port stays open");
                let work = serve(browser, hub.clone(), shown.clone());
                if let Some(connections) = &mut *accepted.lock().expect("no panic before") {
                    connections.spawn(work);
                }
            }
        });
        Self {
            address,
            page,
            connections,
            server,
        }
    }

    /// Connections that begin with `GET /page` are answered with this page; all others lead to the hub.
    #[allow(
        dead_code,
        reason = "not every test file shows pages in the hub's origin"
    )]
    pub(crate) fn show(&self, page: String) {
        *self.page.lock().expect("no panic before") = page;
    }

    /// `http://127.0.0.1:PORT`.
    pub(crate) fn http_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Breaks every connection, and each that comes before [`Relay::mend`].
    #[allow(dead_code, reason = "not every test file loses links")]
    pub(crate) fn cut(&self) {
        *self.connections.lock().expect("no panic before") = None;
    }

    /// Takes connections again.
    #[allow(dead_code, reason = "not every test file loses links")]
    pub(crate) fn mend(&self) {
        *self.connections.lock().expect("no panic before") = Some(JoinSet::new());
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// A connection that breaks is the end of it: browser and hub see it as what it is.
async fn serve(mut browser: TcpStream, hub: String, page: Arc<Mutex<String>>) {
    let mut begin = Vec::new();
    while !begin.contains(&b'\n') {
        if !matches!(browser.read_buf(&mut begin).await, Ok(1..)) {
            return;
        }
    }
    if begin.starts_with(b"GET /page") {
        let page = page.lock().expect("no panic before").clone();
        let length = page.len();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
        );
        let _ = browser.write_all((head + &page).as_bytes()).await;
        return;
    }
    let Ok(mut hub) = TcpStream::connect(hub).await else {
        return;
    };
    if hub.write_all(&begin).await.is_ok() {
        let _ = copy_bidirectional(&mut browser, &mut hub).await;
    }
}
