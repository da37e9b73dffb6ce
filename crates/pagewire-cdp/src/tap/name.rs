//! Names of connections.

use std::fmt;
use std::sync::Arc;

/// Longest name of a connection, in bytes: `taps/`, a page id and this are well within a topic.
pub const CONNECTION_NAME_BYTES_MAX: usize = 80;

/// What a connection is called: `1-push.example.com` (the first socket of the page that is tapped), `http-api.example.com` (all responses of a host), and
/// `2-unknown` for a socket that was opened before we listened. May be a part of a topic: of ASCII letters, digits, `.`, `-`, `_` and `:`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionName(Arc<str>);

impl ConnectionName {
    pub(super) fn of_socket(number: u64, url: &str) -> Self {
        Self::new(&format!("{number}-{}", host(url)))
    }

    pub(super) fn of_unknown(number: u64) -> Self {
        Self::new(&format!("{number}-unknown"))
    }

    pub(super) fn of_responses(url: &str) -> Self {
        Self::new(&format!("http-{}", host(url)))
    }

    fn new(text: &str) -> Self {
        let name: String = text
            .chars()
            .filter(|c| !matches!(c, '[' | ']'))
            .map(|c| match c {
                'A'..='Z' | 'a'..='z' | '0'..='9' | '.' | '-' | ':' => c,
                _ => '_',
            })
            .take(CONNECTION_NAME_BYTES_MAX)
            .collect();
        Self(name.into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The host of an address without its port; `none` where there is none, as in `data:`.
fn host(url: &str) -> &str {
    let authority = url.split_once("://").map_or("", |(_, rest)| {
        rest.split(['/', '?', '#']).next().unwrap_or_default()
    });
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let host = match host.rsplit_once(':') {
        Some((before, port)) if !port.contains(']') => before,
        _ => host,
    };
    if host.is_empty() { "none" } else { host }
}

impl fmt::Display for ConnectionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ConnectionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_the_host_and_only_what_a_topic_may_have() {
        for (url, name) in [
            ("wss://push.example.com/live?x=1", "7-push.example.com"),
            ("ws://127.0.0.1:8080/", "7-127.0.0.1"),
            ("ws://[::1]:8080/", "7-::1"),
            ("ws://[::1]", "7-::1"),
            ("wss://user:pw@push.example.com", "7-push.example.com"),
            ("wss://a b\u{202e}\n价/", "7-a_b___"),
            ("data:text/plain,x", "7-none"),
            ("", "7-none"),
        ] {
            assert_eq!(ConnectionName::of_socket(7, url).as_str(), name, "{url}");
        }
        assert_eq!(ConnectionName::of_unknown(3).as_str(), "3-unknown");
        assert_eq!(
            ConnectionName::of_responses("https://api.example.com/v1").as_str(),
            "http-api.example.com"
        );
    }

    #[test]
    fn a_name_is_cut_at_its_limit() {
        for (host, bytes) in [(78, 80), (79, 80)] {
            let url = format!("wss://{}/", "h".repeat(host));
            assert_eq!(ConnectionName::of_socket(1, &url).as_str().len(), bytes);
        }
    }
}
