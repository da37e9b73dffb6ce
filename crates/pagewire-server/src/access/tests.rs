//! The rules of `docs/protocol.md` §4 as a table.

use super::*;
use crate::token::Secret;

const SECRET: &str = "0123456789abcdef";

fn access() -> Access {
    let secret: Secret = SECRET.parse().expect("long enough");
    Access {
        hosts: vec!["hub.example".into()],
        origins: vec![AllowedOrigin {
            origin: "https://shop.example".parse().expect("an origin"),
            free_groups: true,
        }],
        tokens: vec![Token {
            name: "t".into(),
            secret,
            scopes: Scopes::none(),
        }],
        plain_pages: vec!["https://old.example".parse().expect("an origin")],
        ..Access::default()
    }
}

/// The decision in a word: `program`, `page` (an allowed origin), `token`, or why not.
fn decide(access: &Access, request: &str) -> String {
    decide_from(access, None, request)
}

/// The same for a request from this peer.
pub(super) fn decide_from(access: &Access, peer: Option<IpAddr>, request: &str) -> String {
    let mut lines = request.split(" | ");
    let first = lines.next().expect("METHOD URI [HTTP/1.0]");
    let (first, version) = match first.strip_suffix(" HTTP/1.0") {
        Some(first) => (first, Version::HTTP_10),
        None => (first, Version::HTTP_11),
    };
    let (method, uri) = first.split_once(' ').expect("METHOD URI");
    let mut headers = HeaderMap::new();
    headers.insert(HOST, "127.0.0.1:9999".parse().expect("a value"));
    for line in lines {
        let (name, value) = line.split_once(": ").expect("a header");
        let name: HeaderName = name.parse().expect("a name");
        let value = value.parse().expect("a value");
        if name == HOST {
            headers.insert(name, value);
        } else {
            headers.append(name, value);
        }
    }
    let uri: Uri = uri.parse().expect("an address");
    let purpose = match uri.path() {
        "/health" => Purpose::Open,
        "/v1/page" => Purpose::Attach,
        "/v1/topics/x" => Purpose::ReadTopic,
        "/plain" => Purpose::PlainPage,
        _ => Purpose::Other,
    };
    let method = method.parse().expect("a method");
    match access.decide(Head {
        method: &method,
        uri: &uri,
        headers: &headers,
        version,
        peer,
        purpose,
    }) {
        Ok(principal) => match (principal.grant, principal.scopes == Scopes::all()) {
            (Grant::Any, true) => "program".into(),
            (Grant::Origin | Grant::OriginOfGroup, false) => "page".into(),
            (Grant::Token, false) => "token".into(),
            odd => format!("{odd:?}"),
        },
        Err(Denied::WrongHost(_)) => "wrong host".into(),
        Err(Denied::UnknownToken) => "unknown token".into(),
        Err(Denied::TokenRequired) => "token required".into(),
        Err(Denied::Outside(sign)) => format!("{sign:?}"),
        Err(Denied::Foreign(foreign)) => match foreign {
            Foreign::Stranger(_) => "stranger",
            Foreign::AttachOnly(_) => "attach only",
            Foreign::NotPlain(_) => "not plain",
            Foreign::Nameless(_) => "nameless",
            Foreign::Untold => "untold",
        }
        .into(),
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is a table")]
fn requests_are_told_apart() {
    let cases = [
        // Programs.
        ("POST /v1/call/g/f", "program"),
        ("GET /v1/page", "program"),
        ("GET /x | host: localhost", "program"),
        ("GET /x | host: [::1]:9999", "program"),
        ("GET /x | host: HUB.example:80", "program"),
        // DNS rebinding.
        ("GET /health | host: evil.example", "wrong host"),
        ("GET /x | host: 127.0.0.1.evil.example:9999", "wrong host"),
        ("GET /x | host: evil.example:127.0.0.1", "wrong host"),
        ("GET http://evil.example/x", "wrong host"),
        ("GET /x | host: ", "wrong host"),
        // Browsers: the hub's own pages and typed addresses.
        (
            "POST /v1/call/g/f | sec-fetch-site: same-origin | origin: http://127.0.0.1:9999",
            "program",
        ),
        ("GET /v1/pages | sec-fetch-site: same-origin", "program"),
        (
            "POST /v1/call/g/f | origin: http://127.0.0.1:9999",
            "program",
        ),
        ("GET /v1/pages | sec-fetch-site: none", "program"),
        ("HEAD /v1/pages | sec-fetch-site: none", "program"),
        ("POST /v1/call/g/f | sec-fetch-site: none", "untold"),
        ("DELETE /v1/pages/p | sec-fetch-site: none", "untold"),
        ("GET /v1/page | sec-fetch-site: none", "untold"),
        // The plain pattern: programs on this machine and the origins that are named, which get nothing else by it.
        ("GET /plain", "program"),
        ("GET /plain | origin: https://old.example", "page"),
        ("GET /plain | origin: file://", "nameless"),
        ("GET /plain | origin: https://shop.example", "not plain"),
        ("GET /plain | origin: https://evil.example", "not plain"),
        ("GET /plain | origin: null", "nameless"),
        ("GET /plain | sec-fetch-site: none", "untold"),
        ("GET /v1/page | origin: https://old.example", "stranger"),
        (
            "POST /v1/pages/p/send | origin: https://old.example",
            "stranger",
        ),
        // Browsers: everybody else.
        (
            "POST /v1/call/g/f | origin: https://evil.example",
            "stranger",
        ),
        (
            "POST /v1/call/g/f | origin: http://127.0.0.1:8000 | sec-fetch-site: same-site",
            "stranger",
        ),
        ("GET /v1/pages | sec-fetch-site: same-site", "untold"),
        (
            "GET /v1/pages | sec-fetch-site: cross-site | sec-fetch-mode: no-cors",
            "untold",
        ),
        ("GET /v1/pages | sec-fetch-mode: navigate", "untold"),
        ("POST /v1/call/g/f | origin: null", "nameless"),
        ("GET /v1/page | origin: null", "nameless"),
        ("GET /v1/page | origin: https://a b", "nameless"),
        ("GET /v1/page | origin: https://a;id", "nameless"),
        (
            "POST /v1/call/g/f | origin: https://evil.example | sec-fetch-site: same-origin",
            "stranger",
        ),
        ("GET /v1/page | origin: https://evil.example", "stranger"),
        (
            "GET /v1/page | origin: http://127.0.0.1:8000 | sec-fetch-site: same-site",
            "stranger",
        ),
        ("GET /health | origin: https://evil.example", "token"),
        // An allowed origin attaches, and does nothing else.
        (
            "GET /v1/page | origin: https://shop.example | sec-fetch-site: cross-site",
            "page",
        ),
        (
            "GET /v1/page | origin: https://shop.example.evil.example",
            "stranger",
        ),
        (
            "GET /v1/topics/x | origin: https://shop.example",
            "attach only",
        ),
        (
            "POST /v1/call/g/f | origin: https://shop.example",
            "attach only",
        ),
        // Tokens.
        (
            "POST /v1/call/g/f | origin: https://evil.example | authorization: Bearer 0123456789abcdef",
            "token",
        ),
        (
            "POST /v1/call/g/f | authorization: bearer 0123456789abcdef",
            "token",
        ),
        (
            "POST /v1/call/g/f | authorization: Bearer 0123456789abcdeF",
            "unknown token",
        ),
        (
            "GET /v1/page | sec-websocket-protocol: pagewire.v1, pagewire.token.MDEyMzQ1Njc4OWFiY2RlZg",
            "token",
        ),
        (
            "GET /v1/page | sec-websocket-protocol: pagewire.v1, pagewire.token.MDEy",
            "unknown token",
        ),
        (
            "GET /v1/topics/x?last=1&token=0123456789abcdef | sec-fetch-site: cross-site",
            "token",
        ),
        ("GET /v1/topics/x?token=wrong", "unknown token"),
        (
            "GET /v1/pages?token=0123456789abcdef | sec-fetch-site: cross-site",
            "untold",
        ),
        (
            "GET /v1/page?token=0123456789abcdef | origin: https://evil.example",
            "stranger",
        ),
    ];
    for (request, expected) in cases {
        assert_eq!(decide(&access(), request), expected, "{request}");
    }
}

#[test]
fn a_hub_that_requires_tokens_takes_nothing_else() {
    let access = Access {
        require_token: true,
        ..access()
    };
    for request in [
        "POST /v1/call/g/f",
        "GET /v1/pages | sec-fetch-site: none",
        "GET /v1/pages | sec-fetch-site: same-origin",
        "GET /v1/page | origin: https://shop.example",
    ] {
        assert_eq!(decide(&access, request), "token required", "{request}");
    }
    assert_eq!(
        decide(
            &access,
            "POST /v1/call/g/f | authorization: Bearer 0123456789abcdef"
        ),
        "token"
    );
    assert_eq!(decide(&access, "GET /health"), "token");
}

#[test]
fn origins_are_written_as_browsers_write_them() {
    for (text, origin) in [
        ("https://Shop.example", "https://shop.example"),
        ("https://shop.example:443/", "https://shop.example"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("chrome-extension://abc", "chrome-extension://abc"),
    ] {
        assert_eq!(text.parse::<Origin>().expect(text).as_str(), origin);
    }
    for text in [
        "",
        "shop.example",
        "https://",
        "https://a/b",
        "https://*.example",
        "https://u@a",
        "https://a;id",
        "https://a$(id)",
        "https://price-价.example",
        "*",
    ] {
        let error = text.parse::<Origin>().unwrap_err();
        assert_eq!(error, OriginError::Malformed(text.into()));
    }
    for text in ["null", "file://", "File://x", "file:///home/me/page.html"] {
        let error = text.parse::<Origin>().unwrap_err();
        assert_eq!(error, OriginError::Nameless(text.into()));
        assert!(error.to_string().contains("http.server"), "{error}");
    }
}
