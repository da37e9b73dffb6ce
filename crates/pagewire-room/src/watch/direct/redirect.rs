//! Where a redirection leads (RFC 9110 §10.2.2, RFC 3986 §5.2).

use http::Uri;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// Sites send blanks and letters of any script; both are encoded, as browsers do.
const SENT: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'`');

/// The next address, by the one that redirects and what it says.
///
/// # Errors
///
/// In words: it names none, none of the web, or leads away from TLS.
pub(super) fn next_address(from: &Uri, location: &[u8]) -> Result<Uri, String> {
    let location = String::from_utf8_lossy(location);
    let said = location.split('#').next().unwrap_or_default().trim();
    if said.is_empty() {
        return Err("it redirects, and does not say where to".to_owned());
    }
    let next = utf8_percent_encode(&whole(from, said), SENT).to_string();
    let no_address = || format!("it redirects to {next}, which is no web address");
    let uri: Uri = next.parse().map_err(|_| no_address())?;
    let is_web = matches!(uri.scheme_str(), Some("http" | "https"));
    if !is_web || uri.host().is_none_or(str::is_empty) {
        return Err(no_address());
    }
    if from.scheme_str() == Some("https") && uri.scheme_str() != Some("https") {
        return Err(format!(
            "it redirects from https:// to {next}, which anybody on the way could read"
        ));
    }
    Ok(uri)
}

fn whole(from: &Uri, said: &str) -> String {
    let scheme = from.scheme_str().unwrap_or_default();
    let authority = from.authority().map_or("", |authority| authority.as_str());
    if has_scheme(said) {
        return said.to_owned();
    }
    if said.starts_with("//") {
        return format!("{scheme}:{said}");
    }
    let path = from.path();
    let (said_path, query) = match said.split_once('?') {
        Some((path, query)) => (path, format!("?{query}")),
        None => (said, String::new()),
    };
    let path = match said_path {
        "" => path.to_owned(),
        absolute if absolute.starts_with('/') => without_dots(absolute),
        relative => {
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            without_dots(&format!("{folder}/{relative}"))
        }
    };
    format!("{scheme}://{authority}{path}{query}")
}

/// RFC 3986 §3.1.
fn has_scheme(text: &str) -> bool {
    text.split_once(':').is_some_and(|(scheme, _)| {
        let is_of_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
        scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(is_of_scheme)
    })
}

/// RFC 3986 §5.2.4, of a path that begins with a slash.
fn without_dots(path: &str) -> String {
    let mut kept = Vec::new();
    for segment in path.split('/').skip(1) {
        match segment {
            "." => {}
            ".." => {
                kept.pop();
            }
            segment => kept.push(segment),
        }
    }
    // What ends in a dot segment is a folder.
    if path.ends_with("/.") || path.ends_with("/..") {
        kept.push("");
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_read_as_browsers_read_it() {
        for (from, location, next) in [
            (
                "http://a.test/x/y?q",
                "https://b.test/z?1#part",
                "https://b.test/z?1",
            ),
            ("https://a.test/x/y?q", "//b.test/z", "https://b.test/z"),
            ("http://a.test:8/x/y?q", "/z", "http://a.test:8/z"),
            ("http://a.test/x/y?q", "z", "http://a.test/x/z"),
            ("http://a.test/x/y?q", "../z/./w", "http://a.test/z/w"),
            ("http://a.test/x/y?q", "../../../z/..", "http://a.test/"),
            ("http://a.test/x/y?q", "?r=a:b", "http://a.test/x/y?r=a:b"),
            ("http://a.test", "z", "http://a.test/z"),
            (
                "http://a.test/",
                " /\u{4ef7} \u{683c} ",
                "http://a.test/%E4%BB%B7%20%E6%A0%BC",
            ),
            ("http://a.test/x", "HTTPS://b.test/", "https://b.test/"),
        ] {
            let from: Uri = from.parse().unwrap();
            let found = next_address(&from, location.as_bytes()).map(|uri| uri.to_string());
            assert_eq!(found.as_deref(), Ok(next), "{from} {location}");
        }
    }

    #[test]
    fn it_leads_nowhere_else_than_to_the_web_and_never_away_from_tls() {
        let from: Uri = "https://a.test/".parse().unwrap();
        for (location, words) in [
            ("", "does not say where to"),
            ("#part", "does not say where to"),
            ("javascript:alert(1)", "no web address"),
            ("file:///etc/passwd", "no web address"),
            ("https:///x", "no web address"),
            (
                "http://a.test/",
                "it redirects from https:// to http://a.test/",
            ),
        ] {
            let error = next_address(&from, location.as_bytes()).expect_err(location);
            assert!(error.contains(words), "{location}: {error}");
        }
    }
}
