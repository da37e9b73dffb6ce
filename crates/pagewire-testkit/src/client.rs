//! HTTP as any program speaks it.

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use crate::soon;

/// A client of one hub. Clones share their connections.
#[derive(Debug, Clone)]
pub struct Http {
    base: String,
    headers: Vec<(String, String)>,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Http {
    /// A client of the hub at `base`.
    pub fn new(base: String) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self {
            base,
            headers: Vec::new(),
            client: Client::builder(TokioExecutor::new()).build(connector),
        }
    }

    /// The same client with one more header on every request.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut client = self.clone();
        client.headers.push((name.into(), value.into()));
        client
    }

    /// `GET`.
    pub async fn get(&self, path: &str) -> Response {
        self.send(Method::GET, path, "").await
    }

    /// `POST` without a content type.
    pub async fn post(&self, path: &str, body: impl Into<Bytes>) -> Response {
        self.send(Method::POST, path, body).await
    }

    /// Any request.
    pub async fn send(&self, method: Method, path: &str, body: impl Into<Bytes>) -> Response {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(body.into())).expect("a request");
        let response = soon("an answer", self.client.request(request))
            .await
            .expect("the hub answers");
        let (parts, body) = response.into_parts();
        Response {
            status: parts.status,
            headers: parts.headers,
            body,
            begun: Vec::new(),
        }
    }
}

/// An answer whose body may still be coming.
#[derive(Debug)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    body: Incoming,
    /// Of a letter whose end is in the next piece.
    begun: Vec<u8>,
}

impl Response {
    /// The whole body.
    pub async fn bytes(self) -> Bytes {
        soon("the body", self.body.collect())
            .await
            .expect("a whole body")
            .to_bytes()
    }

    /// The whole body as text.
    pub async fn text(self) -> String {
        String::from_utf8(self.bytes().await.into()).expect("UTF-8")
    }

    /// The whole body as JSON.
    pub async fn json(self) -> Value {
        serde_json::from_str(&self.text().await).expect("JSON")
    }

    /// The next piece of the body, up to its last whole letter; none at its end, an error where it breaks off.
    pub async fn chunk(&mut self) -> Option<Result<String, hyper::Error>> {
        let frame = soon("a piece of the body", self.body.frame()).await?;
        Some(frame.map(|frame| {
            let mut bytes = std::mem::take(&mut self.begun);
            bytes.extend(frame.into_data().unwrap_or_default());
            let whole = match std::str::from_utf8(&bytes) {
                Err(error) if error.error_len().is_none() => error.valid_up_to(),
                Ok(_) | Err(_) => bytes.len(),
            };
            self.begun = bytes.split_off(whole);
            String::from_utf8(bytes).expect("UTF-8")
        }))
    }

    /// Pieces of the body until they hold `text`; all that came.
    pub async fn read_until(&mut self, text: &str) -> String {
        let mut got = String::new();
        while !got.contains(text) {
            got += &self
                .chunk()
                .await
                .unwrap_or_else(|| panic!("the body ended: {got}"))
                .expect("a piece");
        }
        got
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().expect("text"))
    }
}
