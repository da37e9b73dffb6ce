//! An HTTP answer where a WebSocket was asked for.

use std::time::Duration;

use bytes::Bytes;
use http::header::LOCATION;
use http::{HeaderMap, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::time::timeout;

use crate::address::Address;

/// So much of the body of a refusal is shown.
const BODY_SHOWN_BYTES_MAX: usize = 1024;
/// A body that is slower than this is shown as far as it came.
const BODY_WAIT: Duration = Duration::from_secs(2);

/// What a server says that opens no WebSocket.
#[derive(Debug)]
pub struct Refusal {
    pub(crate) address: String,
    status: StatusCode,
    /// The reason as the server words it, where it does not use the usual words.
    reason: Option<String>,
    headers: HeaderMap,
    body: String,
}

impl Refusal {
    /// Reads the beginning of the body, in a bounded time.
    pub(crate) async fn read(address: &Address, response: Response<Incoming>) -> Self {
        let (parts, body) = response.into_parts();
        let reason = parts.extensions.get::<hyper::ext::ReasonPhrase>();
        Self {
            address: address.to_string(),
            status: parts.status,
            reason: reason.map(|reason| String::from_utf8_lossy(reason.as_bytes()).into_owned()),
            headers: parts.headers,
            body: beginning(body).await,
        }
    }

    /// The status, such as 403; 200 where a page answers instead of a WebSocket.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// All headers. Some servers say there why they refuse.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The beginning of the body, 1 KiB at most.
    pub fn body(&self) -> &str {
        &self.body
    }

    /// True where the same request may go well later.
    pub(crate) fn is_transient(&self) -> bool {
        let later = [
            StatusCode::REQUEST_TIMEOUT,
            StatusCode::TOO_EARLY,
            StatusCode::TOO_MANY_REQUESTS,
        ];
        self.status.is_server_error() || later.contains(&self.status)
    }

    /// Status, reason, advice, and the beginning of the body.
    pub(crate) fn shown(&self) -> String {
        let usual = self.status.canonical_reason();
        let reason = self.reason.as_deref().or(usual);
        let mut text = format!("{} {}", self.status.as_str(), reason.unwrap_or(""));
        text.truncate(text.trim_end().len());
        if let Some(location) = location(&self.headers) {
            text += &format!(", Location: {location}");
        }
        if let Some(advice) = self.advice() {
            text += &format!("; {advice}");
        }
        if !self.body.is_empty() {
            text += &format!("\n  {}", self.body.replace('\n', "\n  "));
        }
        text
    }

    fn advice(&self) -> Option<&'static str> {
        match self.status.as_u16() {
            200..300 => Some("that is a page, not a WebSocket; is the path right?"),
            300..400 => Some("connect to that place instead, with ws:// or wss://"),
            401 => Some("say who you are with --header 'Authorization: …' or --header 'Cookie: …'"),
            403 => {
                Some("it may want another --origin, or to know who you are (--header 'Cookie: …')")
            }
            404 => Some("is the path right?"),
            400 | 426 => Some("it may want a --subprotocol, or no WebSocket is at this path"),
            429 => Some("wait before the next attempt"),
            500.. => Some("something is wrong at the server's end"),
            _ => None,
        }
    }
}

fn location(headers: &HeaderMap) -> Option<String> {
    let location = headers.get(LOCATION)?;
    Some(String::from_utf8_lossy(location.as_bytes()).into_owned())
}

/// The first bytes of a body as text.
async fn beginning(mut body: Incoming) -> String {
    let mut bytes = Vec::new();
    let reading = async {
        while bytes.len() <= BODY_SHOWN_BYTES_MAX {
            match body.frame().await {
                Some(Ok(frame)) => {
                    bytes.extend_from_slice(frame.data_ref().unwrap_or(&Bytes::new()))
                }
                Some(Err(_)) | None => break,
            }
        }
    };
    // What came until then is shown all the same.
    let _ = timeout(BODY_WAIT, reading).await;
    let more = if bytes.len() > BODY_SHOWN_BYTES_MAX {
        "…"
    } else {
        ""
    };
    bytes.truncate(BODY_SHOWN_BYTES_MAX);
    format!("{}{more}", String::from_utf8_lossy(&bytes).trim())
}
