//! The address by which others reach the hub through a reverse proxy.

use std::fmt;
use std::str::FromStr;

use http::Uri;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::access::without_port;

/// First path segments of the hub's own addresses: a prefix that begins so would hide them.
const OWN_SEGMENTS: &[&str] = &["v1", "bridge", "bridge.js", "bridge.user.js", "health"];

/// Scheme, host and perhaps a path below which the hub is reached, such as `https://shop.example/pagewire`. Without a slash at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    text: String,
    /// In lower case, without port.
    host: String,
    /// Where in `text` the path begins.
    path: usize,
}

/// A text that cannot be a public address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublicUrlError {
    /// Not of the form `https://host/path`.
    #[error(
        "{0:?} is no public address: write scheme and host, with a port or path where there is one, such as https://shop.example/pagewire"
    )]
    NoAddress(String),
    /// The path hides addresses of the hub.
    #[error("the path of {0:?} is one of the hub's own addresses: take another, such as /pagewire")]
    OwnPath(String),
}

impl PublicUrl {
    /// The whole address, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The host in lower case, without port.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The path with a slash before each segment; empty where the hub has the host to itself.
    pub fn path(&self) -> &str {
        &self.text[self.path..]
    }

    /// True for this host with any port.
    pub(crate) fn is_host(&self, host: &str) -> bool {
        without_port(host).eq_ignore_ascii_case(&self.host)
    }
}

impl FromStr for PublicUrl {
    type Err = PublicUrlError;

    fn from_str(text: &str) -> Result<Self, PublicUrlError> {
        let bad = || PublicUrlError::NoAddress(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| bad())?;
        let (Some("http" | "https"), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(bad());
        };
        let path = uri.path().trim_end_matches('/');
        let segments = || path.split('/').skip(1);
        let is_plain = |segment: &str| !matches!(segment, "" | "." | "..");
        if text.contains(['?', '#', '@'])
            || authority.host().is_empty()
            || !segments().all(is_plain)
        {
            return Err(bad());
        }
        if segments()
            .next()
            .is_some_and(|first| OWN_SEGMENTS.contains(&first))
        {
            return Err(PublicUrlError::OwnPath(text.to_owned()));
        }
        let scheme = uri.scheme_str().unwrap_or_default();
        let origin = format!("{scheme}://{authority}").to_ascii_lowercase();
        Ok(Self {
            host: authority.host().to_ascii_lowercase(),
            path: origin.len(),
            text: origin + path,
        })
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for PublicUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for PublicUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_address_is_scheme_host_and_path() {
        for (text, shown, host, path) in [
            (
                "https://Shop.example",
                "https://shop.example",
                "shop.example",
                "",
            ),
            (
                "https://shop.example/",
                "https://shop.example",
                "shop.example",
                "",
            ),
            (
                "https://shop.example/Hub/",
                "https://shop.example/Hub",
                "shop.example",
                "/Hub",
            ),
            (
                "http://127.0.0.1:8080/a/b",
                "http://127.0.0.1:8080/a/b",
                "127.0.0.1",
                "/a/b",
            ),
            ("http://[::1]:8080", "http://[::1]:8080", "[::1]", ""),
        ] {
            let url: PublicUrl = text.parse().expect(text);
            assert_eq!((url.as_str(), url.host(), url.path()), (shown, host, path));
        }
        for text in [
            "",
            "shop.example",
            "/pagewire",
            "ws://shop.example",
            "https://",
            "https://u@shop.example",
            "https://shop.example/a?b",
            "https://shop.example/a#b",
            "https://shop.example/a//b",
            "https://shop.example/a/../b",
        ] {
            assert!(
                matches!(text.parse::<PublicUrl>(), Err(PublicUrlError::NoAddress(_))),
                "{text}"
            );
        }
        for text in ["https://shop.example/v1", "https://shop.example/health/x"] {
            assert!(
                matches!(text.parse::<PublicUrl>(), Err(PublicUrlError::OwnPath(_))),
                "{text}"
            );
        }
    }
}
