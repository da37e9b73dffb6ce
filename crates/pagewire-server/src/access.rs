//! Who may do what (`docs/protocol.md` §4): a pure decision over a request's head, and the layer that asks it.

mod forwarded;
mod guard;

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use http::header::{AUTHORIZATION, HOST, ORIGIN, SEC_WEBSOCKET_PROTOCOL};
use http::{HeaderMap, HeaderName, Method, Uri, Version};
use pagewire_hub::{Grant, Scopes};
use serde::{Deserialize, Serialize};

use self::forwarded::Route;
pub(crate) use self::forwarded::{Sign, is_forwarded};
pub use self::forwarded::{TrustedProxy, TrustedProxyError};
pub(crate) use self::guard::{guard, guarded};
use crate::public_url::PublicUrl;
use crate::token::{self, Token};

/// A web origin: scheme, host and port, as browsers write it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Origin(String);

/// A text that is no origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// It is not written as one.
    #[error(
        "{0:?} is no origin: write scheme and host, with a port where it is not the usual one, such as https://shop.example or http://127.0.0.1:8000"
    )]
    Malformed(String),
    /// It stands for pages of anybody: browsers say `null` for files, and for sandboxed frames of any site.
    #[error(
        "{0:?} cannot be allowed: files and sandboxed frames of any site all come as the origin null; \
         serve the file instead (python3 -m http.server 8000 --bind 127.0.0.1) and name http://127.0.0.1:8000"
    )]
    Nameless(String),
}

impl Origin {
    /// The origin as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let bad = || OriginError::Malformed(text.to_owned());
        if text == "null" || text.to_ascii_lowercase().starts_with("file:") {
            return Err(OriginError::Nameless(text.to_owned()));
        }
        let (scheme, host) = text.split_once("://").ok_or_else(bad)?;
        let scheme_ok = !scheme.is_empty()
            && scheme
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
        let host = host.strip_suffix('/').unwrap_or(host);
        // Browsers write other letters as punycode. What a request claims stands in a command to type, too.
        let host_ok = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
        if !scheme_ok || host.is_empty() || !host.bytes().all(host_ok) {
            return Err(bad());
        }
        let default_port = match scheme {
            "http" => ":80",
            "https" => ":443",
            _ => "",
        };
        let host = host.strip_suffix(default_port).unwrap_or(host);
        Ok(Self(format!("{scheme}://{host}").to_ascii_lowercase()))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Origin {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// An origin whose pages may attach without a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedOrigin {
    /// The origin.
    pub origin: Origin,
    /// It may join groups that nobody owns. If not, only those that the group policy gives it.
    pub free_groups: bool,
}

/// The rules of one server.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// Host names beside 127.0.0.1, localhost and `[::1]`, in lower case without port.
    pub hosts: Vec<String>,
    /// Origins whose pages may attach.
    pub origins: Vec<AllowedOrigin>,
    /// Known tokens.
    pub tokens: Vec<Token>,
    /// Programs on this machine need a token too.
    pub require_token: bool,
    /// Origins whose pages may open a plain WebSocket at `/`, without a token.
    pub plain_pages: Vec<Origin>,
    /// Where others reach the hub through a proxy. Its host is known beside `hosts`, and its path is taken off requests.
    pub public_url: Option<PublicUrl>,
    /// Proxies that are believed about who asks.
    pub trusted_proxies: Vec<TrustedProxy>,
}

/// What a request wants, as far as access matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Open to any origin.
    Open,
    /// Attach a page.
    Attach,
    /// Open a plain WebSocket.
    PlainPage,
    /// Read a topic: the one place where a token may stand in the address.
    ReadTopic,
    Other,
}

/// Who asks, once let in.
#[derive(Debug, Clone)]
pub(crate) struct Principal {
    pub(crate) scopes: Scopes,
    pub(crate) grant: Grant,
    /// The browser's origin, where it told one.
    pub(crate) origin: Option<String>,
    /// A page of another origin that may read the answers.
    pub(crate) cross_origin: bool,
}

/// Why a request is turned away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Denied {
    WrongHost(String),
    UnknownToken,
    TokenRequired,
    /// A token is required because the request may be from elsewhere.
    Outside(Sign),
    Foreign(Foreign),
}

/// A browser's request that comes from another page than the hub's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Foreign {
    /// Of an origin that nobody allowed.
    Stranger(Origin),
    /// Of an allowed origin, for something else than attaching.
    AttachOnly(Origin),
    /// Of an origin whose pages may not open a plain WebSocket.
    NotPlain(Origin),
    /// `Origin: null`, or a text that is no origin: a page that cannot be named cannot be allowed.
    Nameless(String),
    /// The browser told no origin: a link, an image, a frame.
    Untold,
}

/// The head of a request, as far as access matters.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head<'a> {
    pub(crate) method: &'a Method,
    pub(crate) uri: &'a Uri,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) version: Version,
    /// The other end of the connection. Always there for forwarded requests.
    pub(crate) peer: Option<IpAddr>,
    pub(crate) purpose: Purpose,
}

impl Access {
    /// Decides on one request.
    pub(crate) fn decide(&self, head: Head<'_>) -> Result<Principal, Denied> {
        let host = head.host();
        if !self.knows_host(host) {
            return Err(Denied::WrongHost(host.to_owned()));
        }
        if let Some(host) = self.unknown_forwarded_host(head) {
            return Err(Denied::WrongHost(host.to_owned()));
        }
        if head.purpose == Purpose::Open {
            return Ok(head.principal(Scopes::none(), Grant::Token));
        }
        if let Some(text) = head.token() {
            let token = token::find(&self.tokens, &text).ok_or(Denied::UnknownToken)?;
            return Ok(head.principal(token.scopes.clone(), Grant::Token));
        }
        if self.require_token {
            return Err(Denied::TokenRequired);
        }
        let is_own_page = match self.route(head) {
            Route::Outside(sign) => return Err(Denied::Outside(sign)),
            Route::Direct => head.is_same_origin(),
            // A proxy may serve a site of its own beside the hub, under the same origin.
            Route::LocalProxy => false,
        };
        if !is_from_browser(head.headers) || is_own_page || head.is_typed_read() {
            return Ok(Principal {
                cross_origin: false,
                ..head.principal(Scopes::all(), Grant::Any)
            });
        }
        self.decide_foreign(head)
    }

    fn decide_foreign(&self, head: Head<'_>) -> Result<Principal, Denied> {
        let Some(value) = head.headers.get(ORIGIN) else {
            return Err(Denied::Foreign(Foreign::Untold));
        };
        let text = String::from_utf8_lossy(value.as_bytes());
        let foreign = match text.parse::<Origin>() {
            Err(_) => Foreign::Nameless(text.into_owned()),
            Ok(origin) if head.purpose == Purpose::PlainPage => {
                if self.plain_pages.contains(&origin) {
                    return Ok(head.principal(Scopes::none(), Grant::Origin));
                }
                Foreign::NotPlain(origin)
            }
            Ok(origin) => match self.allowed(&text) {
                None => Foreign::Stranger(origin),
                Some(_) if head.purpose != Purpose::Attach => Foreign::AttachOnly(origin),
                Some(allowed) => return Ok(head.principal(Scopes::none(), allowed.grant())),
            },
        };
        Err(Denied::Foreign(foreign))
    }

    fn allowed(&self, origin: &str) -> Option<&AllowedOrigin> {
        self.origins
            .iter()
            .find(|allowed| allowed.origin.as_str() == origin)
    }

    fn knows_host(&self, host: &str) -> bool {
        let name = name_of(host);
        is_loopback_name(&name)
            || self.hosts.contains(&name)
            || self
                .public_url
                .as_ref()
                .is_some_and(|url| url.host() == name)
    }

    /// The address by which whoever sent this request reaches the hub, without a slash at its end. Only for requests that were let in:
    /// their `Host` is a name of this hub.
    pub(crate) fn address(&self, uri: &Uri, headers: &HeaderMap) -> String {
        let host = host(uri, headers);
        match &self.public_url {
            // A proxy may hand requests on under the hub's own name.
            Some(url) if url.is_host(host) || is_forwarded(headers) => url.to_string(),
            Some(_) | None => format!("http://{host}"),
        }
    }

    /// True when this origin's pages may read refusals too, so that they can say what is wrong.
    pub(crate) fn may_read_refusals(&self, origin: &str) -> bool {
        self.allowed(origin).is_some()
    }
}

impl AllowedOrigin {
    fn grant(&self) -> Grant {
        if self.free_groups {
            Grant::Origin
        } else {
            Grant::OriginOfGroup
        }
    }
}

impl<'a> Head<'a> {
    fn header(&self, name: impl http::header::AsHeaderName) -> Option<&'a str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    fn host(&self) -> &'a str {
        host(self.uri, self.headers)
    }

    fn is_same_origin(&self) -> bool {
        let own = |origin: &str| {
            origin.split_once("://").is_some_and(|(scheme, host)| {
                matches!(scheme, "http" | "https") && host.eq_ignore_ascii_case(self.host())
            })
        };
        match (self.header("sec-fetch-site"), self.header(ORIGIN)) {
            (Some(site), None) => site == "same-origin",
            (Some(site), Some(origin)) => site == "same-origin" && own(origin),
            (None, origin) => origin.is_some_and(own),
        }
    }

    fn is_typed_read(&self) -> bool {
        self.header("sec-fetch-site") == Some("none")
            && matches!(*self.method, Method::GET | Method::HEAD)
            && !matches!(self.purpose, Purpose::Attach | Purpose::PlainPage)
    }

    fn token(&self) -> Option<String> {
        let bearer = self.header(AUTHORIZATION).and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme
                .eq_ignore_ascii_case("bearer")
                .then(|| token.trim().to_owned())
        });
        let offered = || self.headers.get_all(SEC_WEBSOCKET_PROTOCOL);
        let protocol = || {
            let values = offered()
                .into_iter()
                .filter_map(|value| value.to_str().ok());
            values
                .flat_map(|value| value.split(','))
                .find_map(|name| token::from_subprotocol(name.trim()))
        };
        let query = || match self.purpose {
            Purpose::ReadTopic => self.uri.query().and_then(token_of_query),
            Purpose::Open | Purpose::Attach | Purpose::PlainPage | Purpose::Other => None,
        };
        bearer.or_else(protocol).or_else(query)
    }

    fn principal(&self, scopes: Scopes, grant: Grant) -> Principal {
        let origin = self.header(ORIGIN).map(str::to_owned);
        Principal {
            scopes,
            grant,
            cross_origin: origin.is_some(),
            origin,
        }
    }
}

/// True when a browser made the request, whichever page it is for (`docs/protocol.md` §4, number 2).
pub(crate) fn is_from_browser(headers: &HeaderMap) -> bool {
    let is_fetch = |name: &HeaderName| name.as_str().starts_with("sec-fetch-");
    headers.contains_key(ORIGIN) || headers.keys().any(is_fetch)
}

/// HTTP/2 says the host as `:authority`.
fn host<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> &'a str {
    uri.authority()
        .map(http::uri::Authority::as_str)
        .or_else(|| headers.get(HOST).and_then(|value| value.to_str().ok()))
        .unwrap_or("")
}

/// Secrets hold no character that a query would encode, so no decoding is needed.
fn token_of_query(query: &str) -> Option<String> {
    query
        .split('&')
        .find_map(|pair| pair.strip_prefix("token="))
        .map(str::to_owned)
}

/// Host names are compared in lower case and without port.
fn name_of(host: &str) -> String {
    without_port(host).to_ascii_lowercase()
}

fn is_loopback_name(name: &str) -> bool {
    ["127.0.0.1", "localhost", "[::1]"].contains(&name)
}

pub(crate) fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests;
