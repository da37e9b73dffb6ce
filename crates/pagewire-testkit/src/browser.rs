//! Real pages in a real browser: a site that serves them, and a browser that shows one.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use hyper::upgrade::OnUpgrade;
use pagewire_browser::{Browser, LaunchOptions, Transport};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::feed::{Fed, Feed};
use crate::soon;

/// A site on a free port of 127.0.0.1: pages and WebSockets by path, and `POST /report`, by which a page tells the test something.
#[derive(Debug)]
pub struct Site {
    /// `http://127.0.0.1:PORT`.
    pub origin: String,
    shared: Arc<Shared>,
    reports: mpsc::Receiver<Value>,
    fed: mpsc::Receiver<Fed>,
    server: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    pages: Mutex<HashMap<String, Page>>,
    feeds: Mutex<HashMap<String, Arc<Feed>>>,
    report: mpsc::Sender<Value>,
    fed: mpsc::Sender<Fed>,
}

#[derive(Debug, Clone)]
struct Page {
    status: StatusCode,
    body: Bytes,
    headers: Vec<(String, String)>,
}

impl Site {
    /// An empty site.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let (report, reports) = mpsc::channel(64);
        let (fed_sender, fed) = mpsc::channel(64);
        let shared = Arc::new(Shared {
            pages: Mutex::default(),
            feeds: Mutex::default(),
            report,
            fed: fed_sender,
        });
        let router = Router::new().fallback(answer).with_state(shared.clone());
        let server =
            tokio::spawn(
                async move { axum::serve(listener, router).await.expect("the site runs") },
            );
        Self {
            origin,
            shared,
            reports,
            fed,
            server,
        }
    }

    /// Puts a page at a path.
    pub fn page(&self, path: &str, html: impl Into<String>) {
        self.page_with(path, html, &[]);
    }

    /// Puts a page with more headers at a path.
    pub fn page_with(&self, path: &str, html: impl Into<String>, headers: &[(&str, &str)]) {
        self.answer_with(path, StatusCode::OK, html.into(), headers);
    }

    /// Puts any answer at a path.
    pub fn answer_with(
        &self,
        path: &str,
        status: StatusCode,
        body: impl Into<Bytes>,
        headers: &[(&str, &str)],
    ) {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let page = Page {
            status,
            body: body.into(),
            headers,
        };
        self.shared
            .pages
            .lock()
            .expect("no panic before")
            .insert(path.to_owned(), page);
    }

    /// Puts a WebSocket at a path.
    pub fn feed(&self, path: &str, feed: Feed) {
        let mut feeds = self.shared.feeds.lock().expect("no panic before");
        feeds.insert(path.to_owned(), Arc::new(feed));
    }

    /// What the next socket that ends has carried.
    pub async fn fed(&mut self) -> Fed {
        soon("the end of a socket", self.fed.recv())
            .await
            .expect("the site runs")
    }

    /// The next report of a page.
    pub async fn report(&mut self) -> Value {
        soon("a report of the page", self.reports.recv())
            .await
            .expect("the site runs")
    }

    /// The port.
    pub fn port(&self) -> &str {
        self.origin.rsplit(':').next().unwrap_or_default()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    if path == "/report" {
        let body = axum::body::to_bytes(request.into_body(), 1 << 20)
            .await
            .expect("a report");
        let report = serde_json::from_slice(&body).expect("a report is JSON");
        // A test that ended does not listen any more.
        let _ = shared.report.send(report).await;
        return StatusCode::NO_CONTENT.into_response();
    }
    let feed = shared
        .feeds
        .lock()
        .expect("no panic before")
        .get(&path)
        .cloned();
    if let Some(feed) = feed {
        return socket(&shared, feed, request);
    }
    let page = shared
        .pages
        .lock()
        .expect("no panic before")
        .get(&path)
        .cloned();
    let Some(page) = page else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let mut response = (page.status, page.body).into_response();
    let headers = response.headers_mut();
    let kind = if path.ends_with(".js") {
        "text/javascript"
    } else {
        "text/html; charset=utf-8"
    };
    headers.insert(header::CONTENT_TYPE, kind.parse().expect("a value"));
    for (name, value) in page.headers {
        headers.insert(
            name.parse::<header::HeaderName>().expect("a name"),
            value.parse().expect("a value"),
        );
    }
    response
}

fn socket(shared: &Arc<Shared>, feed: Arc<Feed>, mut request: Request) -> Response {
    if let Some(status) = feed.refuse {
        return status.into_response();
    }
    let path = request.uri().to_string();
    let key = request.headers().get(header::SEC_WEBSOCKET_KEY);
    let accept = derive_accept_key(key.expect("a handshake").as_bytes());
    let mut headers = HeaderMap::new();
    headers.insert(header::CONNECTION, "upgrade".parse().expect("a value"));
    headers.insert(header::UPGRADE, "websocket".parse().expect("a value"));
    headers.insert(
        header::SEC_WEBSOCKET_ACCEPT,
        accept.parse().expect("a value"),
    );
    if let Some(extension) = feed.extension(request.headers()) {
        headers.insert(
            header::SEC_WEBSOCKET_EXTENSIONS,
            extension.parse().expect("a value"),
        );
    }
    for (name, value) in &feed.headers {
        headers.append(*name, value.parse().expect("a value"));
    }
    let upgrade = request.extensions_mut().remove::<OnUpgrade>();
    let (upgrade, fed) = (upgrade.expect("HTTP/1.1"), shared.fed.clone());
    tokio::spawn(async move {
        // A page that left at once is one that no socket is missed by.
        if let Ok(upgraded) = upgrade.await {
            let _ = fed.send(feed.serve(upgraded, path).await).await;
        }
    });
    (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
}

/// A headless Chromium that shows one address.
#[derive(Debug)]
pub struct BrowserPage {
    browser: Browser,
    /// The browser ends with it.
    _transport: Transport,
}

impl BrowserPage {
    /// Opens an address.
    pub fn open(chromium: &Path, url: &str) -> Self {
        Self::open_with(chromium, url, &[])
    }

    /// Opens an address with more flags.
    pub fn open_with(chromium: &Path, url: &str, flags: &[&str]) -> Self {
        let options = LaunchOptions {
            url: Some(url.to_owned()),
            flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
            ..LaunchOptions::new(chromium)
        };
        let (browser, transport) = Browser::launch(&options).expect("Chromium starts");
        Self {
            browser,
            _transport: transport,
        }
    }

    /// Closes the browser.
    pub async fn close(self) {
        self.browser.close().await;
    }
}
