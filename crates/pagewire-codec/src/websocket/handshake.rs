//! The handshake (RFC 6455 §4), as it stands at the beginning of a captured stream.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;
use sha1::{Digest as _, Sha1};

use super::deviation::WsDeviation;
use super::frame::WsExtension;
use crate::error::{DecodeError, Fault};

/// Longest head of a request or response that is read, in bytes. A longer one is an error.
pub const WS_HEAD_BYTES_MAX: usize = 65_536;

/// How many fields a head may have. More is an error.
pub const WS_HEADERS_MAX: usize = 128;

/// RFC 6455 §1.3: what a server appends to the key.
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The `Sec-WebSocket-Accept` that answers a `Sec-WebSocket-Key` (RFC 6455 §4.2.2).
pub fn accept_of(key: &str) -> String {
    let digest = Sha1::new().chain_update(key.trim()).chain_update(GUID);
    BASE64_STANDARD.encode(digest.finalize())
}

/// What is wrong with a key and the `Sec-WebSocket-Accept` that answers it.
pub fn check_accept(key: &str, accept: &str) -> Vec<WsDeviation> {
    let checks = [
        (!is_nonce(key), WsDeviation::KeyNotSixteenBytes),
        (
            accept.trim() != accept_of(key),
            WsDeviation::AcceptDoesNotFit,
        ),
    ];
    failed(checks)
}

fn is_nonce(key: &str) -> bool {
    let bytes = BASE64_STANDARD.decode(key.trim());
    bytes.is_ok_and(|bytes| bytes.len() == 16)
}

/// Which half of a handshake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WsHeadKind {
    /// The client's.
    Request {
        /// `GET`.
        method: String,
        /// Path and query.
        path: String,
    },
    /// The server's.
    Response {
        /// 101 where it agrees.
        status: u16,
    },
}

/// The head of an HTTP/1 request or response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WsHead {
    /// Which half, and its first line.
    pub kind: WsHeadKind,
    /// The number behind `HTTP/1.`.
    pub http_minor: u8,
    /// All fields in their order, bytes that are not UTF-8 as U+FFFD.
    pub fields: Vec<(String, String)>,
    /// How many bytes it has; the frames begin behind them.
    pub bytes: usize,
    /// What it does otherwise than the standard asks.
    pub deviations: Vec<WsDeviation>,
}

impl WsHead {
    /// The values of a field, whatever the case of its name.
    pub fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        let fields = self.fields.iter();
        fields
            .filter_map(move |(known, value)| known.eq_ignore_ascii_case(name).then_some(&**value))
    }

    /// Of a response: the extension that changes how frames are read.
    pub fn extension(&self) -> WsExtension {
        let is_deflate = |name: &&str| name.eq_ignore_ascii_case("permessage-deflate");
        match self.tokens(EXTENSIONS).find(is_deflate) {
            Some(_) => WsExtension::PermessageDeflate,
            None => WsExtension::None,
        }
    }

    /// What stands between commas, without parameters.
    fn tokens(&self, name: &str) -> impl Iterator<Item = &str> {
        let tokens = self.values(name).flat_map(|value| value.split(','));
        tokens.map(|token| token.split(';').next().unwrap_or_default().trim())
    }

    fn has_token(&self, name: &str, wanted: &str) -> bool {
        self.tokens(name)
            .any(|token| token.eq_ignore_ascii_case(wanted))
    }
}

const ACCEPT: &str = "Sec-WebSocket-Accept";
const EXTENSIONS: &str = "Sec-WebSocket-Extensions";
const KEY: &str = "Sec-WebSocket-Key";
const PROTOCOL: &str = "Sec-WebSocket-Protocol";
const VERSION: &str = "Sec-WebSocket-Version";

/// Reads the head at the beginning of a stream, and says what is wrong with it as a half of a handshake. None where the stream begins with
/// something else: HTTP begins with a letter, and a frame that does would have an opcode that nobody has defined or a bit that nobody uses.
///
/// # Errors
///
/// A head that is cut, is no HTTP, or is longer than [`WS_HEAD_BYTES_MAX`] and [`WS_HEADERS_MAX`] allow.
pub fn ws_head(stream: &[u8]) -> Result<Option<WsHead>, DecodeError> {
    if !stream.first().is_some_and(u8::is_ascii_uppercase) {
        return Ok(None);
    }
    let mut fields = [httparse::EMPTY_HEADER; WS_HEADERS_MAX];
    let begin = stream.get(..WS_HEAD_BYTES_MAX).unwrap_or(stream);
    let (kind, status, http_minor, fields) = if begin.starts_with(b"HTTP/") {
        let mut response = httparse::Response::new(&mut fields);
        let status = response.parse(begin);
        let code = response.code.unwrap_or_default();
        let kind = WsHeadKind::Response { status: code };
        (kind, status, response.version, &*response.headers)
    } else {
        let mut request = httparse::Request::new(&mut fields);
        let status = request.parse(begin);
        let kind = WsHeadKind::Request {
            method: request.method.unwrap_or_default().to_owned(),
            path: request.path.unwrap_or_default().to_owned(),
        };
        (kind, status, request.version, &*request.headers)
    };
    let bytes = match status {
        Ok(httparse::Status::Complete(bytes)) => bytes,
        Ok(httparse::Status::Partial) => return Err(unfinished(stream)),
        Err(error) => return Err(DecodeError::at(0, no_http(error))),
    };
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let fields = fields
        .iter()
        .map(|field| (field.name.to_owned(), text(field.value)));
    let mut head = WsHead {
        kind,
        http_minor: http_minor.unwrap_or_default(),
        fields: fields.collect(),
        bytes,
        deviations: Vec::new(),
    };
    head.deviations = check(&head);
    Ok(Some(head))
}

fn unfinished(stream: &[u8]) -> DecodeError {
    if stream.len() > WS_HEAD_BYTES_MAX {
        let what = "the head of a request or response in bytes";
        return DecodeError::at(WS_HEAD_BYTES_MAX, limit(what, WS_HEAD_BYTES_MAX));
    }
    let fault = Fault::Truncated {
        what: "the head of a request or response",
        needed: 1,
        left: 0,
    };
    DecodeError::at(stream.len(), fault)
}

fn no_http(error: httparse::Error) -> Fault {
    match error {
        httparse::Error::TooManyHeaders => limit("the number of header fields", WS_HEADERS_MAX),
        httparse::Error::HeaderName => Fault::Malformed("the name of a header field"),
        httparse::Error::HeaderValue => Fault::Malformed("the value of a header field"),
        httparse::Error::NewLine => Fault::Malformed("a line of an HTTP head ends otherwise"),
        httparse::Error::Status => Fault::Malformed("the status of an HTTP response"),
        httparse::Error::Token => Fault::Malformed("the first line of an HTTP request"),
        httparse::Error::Version => Fault::Malformed("the version of HTTP is not 1.0 or 1.1"),
    }
}

fn limit(what: &'static str, max: usize) -> Fault {
    let max = max as u64;
    let got = max.saturating_add(1);
    Fault::Limit { what, got, max }
}

/// What is wrong with one half by itself.
fn check(head: &WsHead) -> Vec<WsDeviation> {
    let key = head.values(KEY).next();
    let deviations = match &head.kind {
        WsHeadKind::Request { method, .. } => failed([
            (method != "GET", WsDeviation::MethodNotGet),
            (head.http_minor == 0, WsDeviation::HttpVersion),
            (
                head.values("Host").next().is_none(),
                WsDeviation::HeaderMissing("Host"),
            ),
            (key.is_none(), WsDeviation::HeaderMissing(KEY)),
            (
                key.is_some_and(|key| !is_nonce(key)),
                WsDeviation::KeyNotSixteenBytes,
            ),
            (!head.has_token(VERSION, "13"), WsDeviation::VersionNot13),
        ]),
        WsHeadKind::Response { status, .. } if *status != 101 => {
            return vec![WsDeviation::StatusNot101];
        }
        WsHeadKind::Response { .. } => failed([
            (head.http_minor == 0, WsDeviation::HttpVersion),
            (
                head.values(ACCEPT).next().is_none(),
                WsDeviation::HeaderMissing(ACCEPT),
            ),
        ]),
    };
    let is_upgrade = head.has_token("Upgrade", "websocket");
    let of_both = failed([
        (!is_upgrade, WsDeviation::UpgradeNotWebSocket),
        (
            !head.has_token("Connection", "upgrade"),
            WsDeviation::ConnectionNotUpgrade,
        ),
    ]);
    let once = [KEY, ACCEPT, VERSION].into_iter();
    let repeated = once.filter(|name| head.values(name).nth(1).is_some());
    let repeated = repeated.map(WsDeviation::HeaderRepeated);
    deviations
        .into_iter()
        .chain(of_both)
        .chain(repeated)
        .collect()
}

/// What is wrong with a response as the answer to a request, besides the deviations of each.
pub fn check_heads(request: &WsHead, response: &WsHead) -> Vec<WsDeviation> {
    let (key, accept) = (request.values(KEY).next(), response.values(ACCEPT).next());
    let accepts = key
        .zip(accept)
        .is_none_or(|(key, accept)| accept.trim() == accept_of(key));
    // Subprotocols differ by case, extensions do not.
    let protocols: Vec<_> = request.tokens(PROTOCOL).collect();
    let chose_offered = response
        .tokens(PROTOCOL)
        .all(|chosen| protocols.contains(&chosen));
    let mut extensions = response.tokens(EXTENSIONS);
    failed([
        (!accepts, WsDeviation::AcceptDoesNotFit),
        (!chose_offered, WsDeviation::SubprotocolNotOffered),
        (
            !extensions.all(|chosen| request.has_token(EXTENSIONS, chosen)),
            WsDeviation::ExtensionNotOffered,
        ),
    ])
}

fn failed<const N: usize>(checks: [(bool, WsDeviation); N]) -> Vec<WsDeviation> {
    let failed = checks.into_iter().filter(|(is_failed, _)| *is_failed);
    failed.map(|(_, deviation)| deviation).collect()
}
