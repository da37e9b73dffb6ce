//! Real pages in a real browser: a site that serves them, and a browser that shows one.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use pagewire_browser::{Browser, LaunchOptions, Transport};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::soon;

/// A site on a free port of 127.0.0.1: pages by path, and `POST /report`, by which a page tells the test something.
#[derive(Debug)]
pub struct Site {
    /// `http://127.0.0.1:PORT`.
    pub origin: String,
    shared: Arc<Shared>,
    reports: mpsc::Receiver<Value>,
    server: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    pages: Mutex<HashMap<String, Page>>,
    report: mpsc::Sender<Value>,
}

#[derive(Debug, Clone)]
struct Page {
    html: String,
    headers: Vec<(String, String)>,
}

impl Site {
    /// An empty site.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let (report, reports) = mpsc::channel(64);
        let shared = Arc::new(Shared {
            pages: Mutex::default(),
            report,
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
            server,
        }
    }

    /// Puts a page at a path.
    pub fn page(&self, path: &str, html: impl Into<String>) {
        self.page_with(path, html, &[]);
    }

    /// Puts a page with more headers at a path.
    pub fn page_with(&self, path: &str, html: impl Into<String>, headers: &[(&str, &str)]) {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let page = Page {
            html: html.into(),
            headers,
        };
        self.shared
            .pages
            .lock()
            .expect("no panic before")
            .insert(path.to_owned(), page);
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
    let page = shared
        .pages
        .lock()
        .expect("no panic before")
        .get(&path)
        .cloned();
    let Some(page) = page else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let mut response = page.html.into_response();
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
