//! A small HTTP client for the hub's own addresses.

use std::fmt;

use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{Method, Request, Response, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::rt::TokioExecutor;
use pagewire_dial::tls::{self, Connector, Trust};
use pagewire_server::Secret;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use crate::cli::HubArguments;
use crate::exit::{self, FAILED, Failed, USAGE};
use crate::terminal::prefers_chinese;

/// Everything but what RFC 3986 §2.3 calls unreserved.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The hub as a program sees it.
#[derive(Debug)]
pub(crate) struct Client {
    base: String,
    token: Option<Secret>,
    http: HyperClient<Connector, Full<Bytes>>,
}

impl Client {
    pub(crate) fn new(hub: &HubArguments) -> Result<Self, Failed> {
        let base = hub.hub.trim_end_matches('/');
        match base.parse::<Uri>() {
            Ok(uri) if uri.scheme_str() == Some("http") => Ok(Self::at(base, hub.token.clone())),
            Ok(uri) if uri.scheme_str() == Some("https") => {
                let connector = tls::connector(&Trust::Roots(hub.ca.as_deref()))?;
                Ok(Self::through(connector, base, hub.token.clone()))
            }
            Ok(_) | Err(_) => Err(Failed::new(
                USAGE,
                format!(
                    "--hub {base:?} is no address such as http://127.0.0.1:9999 or https://hub.example"
                ),
            )),
        }
    }

    /// The hub at an address without TLS.
    pub(crate) fn at(base: &str, token: Option<Secret>) -> Self {
        Self::through(tls::plain_connector(), base, token)
    }

    fn through(connector: Connector, base: &str, token: Option<Secret>) -> Self {
        Self {
            base: base.to_owned(),
            token,
            http: HyperClient::builder(TokioExecutor::new()).build(connector),
        }
    }

    /// One segment of a path, or one value of a query.
    pub(crate) fn encode(text: &str) -> String {
        utf8_percent_encode(text, ENCODED).to_string()
    }

    /// A path of several segments.
    pub(crate) fn encode_path(path: &str) -> String {
        path.split('/')
            .map(Self::encode)
            .collect::<Vec<_>>()
            .join("/")
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Answer, Failed> {
        self.send(Method::GET, path, None, Bytes::new()).await
    }

    pub(crate) async fn post_json(&self, path: &str, json: String) -> Result<Answer, Failed> {
        self.send(Method::POST, path, Some("application/json"), json.into())
            .await
    }

    pub(crate) async fn post_bytes(&self, path: &str, bytes: Bytes) -> Result<Answer, Failed> {
        self.send(Method::POST, path, Some("application/octet-stream"), bytes)
            .await
    }

    pub(crate) async fn post_text(&self, path: &str, text: String) -> Result<Answer, Failed> {
        self.send(
            Method::POST,
            path,
            Some("text/plain; charset=utf-8"),
            text.into(),
        )
        .await
    }

    /// A request whose path says it all.
    pub(crate) async fn order(&self, method: Method, path: &str) -> Result<Answer, Failed> {
        self.send(method, path, None, Bytes::new()).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        media_type: Option<&str>,
        body: Bytes,
    ) -> Result<Answer, Failed> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(ACCEPT, "*/*");
        if let Some(media_type) = media_type {
            request = request.header(CONTENT_TYPE, media_type);
        }
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {}", token.reveal()));
        }
        let request = request
            .body(Full::new(body))
            .map_err(|error| Failed::new(USAGE, format!("{path}: {error}")))?;
        let response = self
            .http
            .request(request)
            .await
            .map_err(|error| self.unreachable(&error))?;
        Answer { response }.or_problem().await
    }

    fn unreachable(&self, error: &hyper_util::client::legacy::Error) -> Failed {
        let why = if error.is_connect() {
            tls::explain(error).map_or_else(
                || "nothing listens there; start a hub with `pagewire serve`".to_owned(),
                |fault| fault.to_string(),
            )
        } else {
            "the connection broke".to_owned()
        };
        Failed::new(
            FAILED,
            format!("cannot reach the hub at {}: {why}", self.base),
        )
    }
}

/// A query string that grows.
#[derive(Debug, Default)]
pub(crate) struct Query(Vec<String>);

impl Query {
    pub(crate) fn add(&mut self, name: &str, value: Option<&str>) {
        self.0
            .extend(value.map(|value| format!("{name}={}", Client::encode(value))));
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            Ok(())
        } else {
            write!(f, "?{}", self.0.join("&"))
        }
    }
}

/// The argument as it is when it is JSON, and as a JSON text when it is not.
pub(crate) fn json_or_text(argument: &str) -> String {
    match serde_json::from_str::<serde::de::IgnoredAny>(argument) {
        Ok(_) => argument.to_owned(),
        Err(_) => serde_json::Value::from(argument).to_string(),
    }
}

/// What is read of a problem document.
#[derive(Debug, Deserialize)]
struct Problem {
    code: String,
    detail: String,
    #[serde(default)]
    detail_zh: Option<String>,
    #[serde(default)]
    call: Option<u64>,
    #[serde(default)]
    page: Option<String>,
}

impl From<Problem> for Failed {
    fn from(problem: Problem) -> Self {
        let call = problem.call.map(|call| format!("call {call}"));
        let place: Vec<_> = call
            .into_iter()
            .chain(problem.page.map(|page| format!("page {page}")))
            .collect();
        let place = if place.is_empty() {
            String::new()
        } else {
            format!(" ({})", place.join(", "))
        };
        let zh = problem
            .detail_zh
            .filter(|zh| *zh != problem.detail && prefers_chinese())
            .map_or_else(String::new, |zh| format!("\n{zh}"));
        Self::new(
            exit::of_problem(&problem.code),
            format!("{}: {}{place}{zh}", problem.code, problem.detail),
        )
    }
}

/// An answer of the hub.
#[derive(Debug)]
pub(crate) struct Answer {
    response: Response<Incoming>,
}

impl Answer {
    async fn or_problem(self) -> Result<Self, Failed> {
        let status = self.response.status();
        if status.is_success() {
            return Ok(self);
        }
        let text = self.text().await?;
        match serde_json::from_str::<Problem>(&text) {
            Ok(problem) => Err(problem.into()),
            Err(_) => Err(Failed::new(
                FAILED,
                format!("the hub answered {status}; is it a Pagewire hub?"),
            )),
        }
    }

    /// The media type without parameters.
    pub(crate) fn media_type(&self) -> &str {
        let value = self
            .response
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or("");
        value.split(';').next().unwrap_or("").trim()
    }

    pub(crate) async fn bytes(self) -> Result<Bytes, Failed> {
        let body = self
            .response
            .into_body()
            .collect()
            .await
            .map_err(|error| broken(&error))?;
        Ok(body.to_bytes())
    }

    pub(crate) async fn text(self) -> Result<String, Failed> {
        String::from_utf8(self.bytes().await?.into())
            .map_err(|_| Failed::new(FAILED, "the hub's answer is not UTF-8"))
    }

    pub(crate) fn lines(self) -> Lines {
        Lines {
            body: self.response.into_body(),
            buffer: BytesMut::new(),
        }
    }
}

/// The lines of an answer as they come.
#[derive(Debug)]
pub(crate) struct Lines {
    body: Incoming,
    buffer: BytesMut,
}

/// The line that ends a stream that broke.
#[derive(Deserialize)]
struct ErrorLine {
    #[serde(rename = "pagewire:error")]
    problem: Problem,
}

impl Lines {
    /// The next whole line; none at the end.
    ///
    /// # Cancel safety
    ///
    /// What came of a line is kept for the next call.
    pub(crate) async fn next(&mut self) -> Result<Option<String>, Failed> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let mut line = self.buffer.split_to(end + 1);
                line.truncate(end);
                let line = String::from_utf8(line.to_vec());
                return line
                    .map(Some)
                    .map_err(|_| Failed::new(FAILED, "the hub's answer is not UTF-8"));
            }
            match self.body.frame().await {
                None => return Ok(None),
                Some(Err(error)) => return Err(broken(&error)),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.buffer.extend_from_slice(&data);
                    }
                }
            }
        }
    }

    /// The next value of a streamed call, or the error that ends it.
    pub(crate) async fn next_of_call(&mut self) -> Result<Option<String>, Failed> {
        match self.next().await? {
            Some(line) if line.starts_with("{\"pagewire:error\"") => {
                match serde_json::from_str::<ErrorLine>(&line) {
                    Ok(error) => Err(error.problem.into()),
                    Err(_) => Ok(Some(line)),
                }
            }
            line => Ok(line),
        }
    }
}

fn broken(error: &hyper::Error) -> Failed {
    Failed::new(FAILED, format!("the hub's answer broke off: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_json_or_text() {
        for (argument, json) in [
            ("1", "1"),
            ("{\"a\":1}", "{\"a\":1}"),
            ("hello", "\"hello\""),
            ("\"1\"", "\"1\""),
            ("", "\"\""),
        ] {
            assert_eq!(json_or_text(argument), json);
        }
    }

    #[test]
    fn addresses_are_encoded() {
        assert_eq!(
            Client::encode_path("pages/价格/a b"),
            "pages/%E4%BB%B7%E6%A0%BC/a%20b"
        );
        let mut query = Query::default();
        assert_eq!(query.to_string(), "");
        query.add("since", Some("a:1&b"));
        query.add("none", None);
        assert_eq!(query.to_string(), "?since=a%3A1%26b");
    }
}
