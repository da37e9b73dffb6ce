//! What `--tap` says.

use std::fmt;
use std::str::FromStr;

use crate::pattern::{PatternError, UrlPattern};

/// What is tapped, and how.
#[derive(Debug, Clone, Default)]
pub struct TapRules {
    /// A socket or response that fits any of these is tapped. Empty: none.
    pub rules: Vec<TapRule>,
    /// What becomes of cookies, tokens and signatures in addresses and header fields. Default: they are left out.
    pub keep_secrets: Secrets,
}

/// What becomes of secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Secrets {
    /// They are replaced by `REDACTED`.
    #[default]
    Redact,
    /// They stay.
    Keep,
}

/// What is tapped, written `ws:PATTERN` or `http:PATTERN`. An address alone means itself: `wss://push.example.com/*`.
#[derive(Debug, Clone)]
pub enum TapRule {
    /// The frames of WebSockets with such an address.
    WebSocket(UrlPattern),
    /// The bodies of responses, and the messages of event streams, from such an address.
    Http(UrlPattern),
}

/// What is wrong with the text of a [`TapRule`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TapRuleError {
    /// Neither `ws:` nor `http:`.
    #[error(
        "a tap begins with ws: or http:, followed by a pattern of addresses; write ws:push.example.com, http:*/api/* or ws:* for all sockets"
    )]
    Kind,
    /// A scheme that nothing of this kind has.
    #[error("a tap of {0} cannot fit {1}:// addresses; leave {1}:// out, or write {2}")]
    Scheme(&'static str, Box<str>, &'static str),
    /// Not a pattern.
    #[error("{0}")]
    Pattern(#[from] PatternError),
}

impl FromStr for TapRule {
    type Err = TapRuleError;

    fn from_str(text: &str) -> Result<Self, TapRuleError> {
        let (kind, rest) = text.split_once(':').ok_or(TapRuleError::Kind)?;
        let pattern = if rest.starts_with("//") { text } else { rest };
        match kind {
            "ws" | "wss" => {
                let pattern: UrlPattern = pattern.parse()?;
                check_scheme(&pattern, ["ws", "wss"], "WebSockets", "wss://")?;
                Ok(Self::WebSocket(pattern))
            }
            "http" | "https" => {
                let pattern: UrlPattern = pattern.parse()?;
                check_scheme(&pattern, ["http", "https"], "responses", "https://")?;
                Ok(Self::Http(pattern))
            }
            _ => Err(TapRuleError::Kind),
        }
    }
}

fn check_scheme(
    pattern: &UrlPattern,
    fit: [&str; 2],
    what: &'static str,
    instead: &'static str,
) -> Result<(), TapRuleError> {
    match pattern.scheme() {
        Some(scheme) if !fit.contains(&scheme) => {
            Err(TapRuleError::Scheme(what, scheme.into(), instead))
        }
        _ => Ok(()),
    }
}

impl fmt::Display for TapRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WebSocket(pattern) => write!(f, "ws:{pattern}"),
            Self::Http(pattern) => write!(f, "http:{pattern}"),
        }
    }
}

impl TapRules {
    fn web_socket(&self) -> impl Iterator<Item = &UrlPattern> {
        self.rules.iter().filter_map(|rule| match rule {
            TapRule::WebSocket(pattern) => Some(pattern),
            TapRule::Http(_) => None,
        })
    }

    fn http(&self) -> impl Iterator<Item = &UrlPattern> {
        self.rules.iter().filter_map(|rule| match rule {
            TapRule::Http(pattern) => Some(pattern),
            TapRule::WebSocket(_) => None,
        })
    }

    pub(super) fn has_web_socket(&self) -> bool {
        self.web_socket().next().is_some()
    }

    pub(super) fn has_http(&self) -> bool {
        self.http().next().is_some()
    }

    pub(super) fn taps_socket(&self, url: &str) -> bool {
        self.web_socket().any(|pattern| pattern.matches(url))
    }

    /// A socket whose address is not known fits only what fits everything.
    pub(super) fn taps_unknown_sockets(&self) -> bool {
        self.web_socket().any(UrlPattern::is_any)
    }

    pub(super) fn taps_response(&self, url: &str) -> bool {
        self.http().any(|pattern| pattern.matches(url))
    }
}
