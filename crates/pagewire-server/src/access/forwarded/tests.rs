//! The rules of `docs/protocol.md` §4.7 as tables.

use super::super::tests::decide_from;
use super::*;
use crate::access::{AllowedOrigin, Purpose};
use crate::token::Token;

const LOOPBACK: &str = "127.0.0.1";
const INNER_PROXY: &str = "10.1.2.3";
/// Header values of a proxy on this machine that serves somebody on it, and somebody else.
const HERE: &str = "x-forwarded-host: localhost:8080 | x-forwarded-for: 127.0.0.1";
const THERE: &str = "x-forwarded-for: 203.0.113.7";
const TOKEN: &str = "authorization: Bearer 0123456789abcdef";

fn access() -> Access {
    let networks = ["loopback", "10.0.0.0/8", "2001:db8::1"];
    Access {
        hosts: vec!["hub.example".into()],
        origins: vec![AllowedOrigin {
            origin: "https://shop.example".parse().expect("an origin"),
            free_groups: true,
        }],
        tokens: vec![Token {
            name: "t".into(),
            secret: "0123456789abcdef".parse().expect("long enough"),
            scopes: pagewire_hub::Scopes::none(),
        }],
        public_url: Some("https://site.example/hub".parse().expect("an address")),
        trusted_proxies: networks.map(|text| text.parse().expect(text)).into(),
        ..Access::default()
    }
}

fn check(access: &Access, cases: &[(&str, String, &str)]) {
    for (peer, request, expected) in cases {
        let peer = peer.parse().expect("an address");
        assert_eq!(
            decide_from(access, Some(peer), request),
            *expected,
            "{peer}: {request}"
        );
    }
}

#[test]
fn only_a_token_counts_for_what_comes_from_elsewhere() {
    let outside = [
        (THERE.to_owned(), "RemoteClient"),
        // Whatever the client wrote in front of what the proxy knows.
        (
            "x-forwarded-for: 127.0.0.1, 203.0.113.7".into(),
            "RemoteClient",
        ),
        (format!("{HERE} | {THERE}"), "RemoteClient"),
        (format!("{THERE} | {HERE}"), "RemoteClient"),
        // A trusted proxy in the middle that passes on what the client made up.
        (
            "x-forwarded-for: 127.0.0.1, 10.1.2.3".into(),
            "RemoteClient",
        ),
        (format!("{HERE} | x-real-ip: 203.0.113.7"), "RemoteClient"),
        ("x-forwarded-for: unknown".into(), "UnknownClient"),
        ("x-forwarded-for: ".into(), "UnknownClient"),
        (format!("{HERE}, _hidden"), "UnknownClient"),
        (format!("{HERE} | x-real-ip: me"), "UnknownClient"),
        ("x-forwarded-proto: https".into(), "UnknownClient"),
        ("x-real-ip: 127.0.0.1".into(), "UnknownClient"),
        ("via: 1.1 proxy".into(), "UnknownClient"),
        ("forwarded: for=127.0.0.1".into(), "UnknownClient"),
        (
            format!("{HERE} | forwarded: for=203.0.113.7"),
            "UnknownClient",
        ),
    ];
    let asked = [
        "POST /v1/call/g/f",
        "GET /v1/pages",
        // What curl can send as well as a browser.
        "GET /v1/page | origin: https://shop.example",
        "POST /v1/call/g/f | origin: http://127.0.0.1:9999 | sec-fetch-site: same-origin",
        "GET /v1/pages | sec-fetch-site: none",
    ];
    for (headers, sign) in &outside {
        for request in asked {
            check(
                &access(),
                &[
                    (LOOPBACK, format!("{request} | {headers}"), sign),
                    (
                        LOOPBACK,
                        format!("{request} | {headers} | {TOKEN}"),
                        "token",
                    ),
                ],
            );
        }
        check(
            &access(),
            &[(LOOPBACK, format!("GET /health | {headers}"), "token")],
        );
    }
}

#[test]
fn a_proxy_and_its_client_on_this_machine_are_as_one_program_here() {
    const NAMED: &str = "x-forwarded-host: 127.0.0.1";
    let cases = [
        (format!("POST /v1/call/g/f | {HERE}"), "program"),
        (format!("GET /x | {HERE} | via: 1.1 a"), "program"),
        (format!("GET /x | {HERE} | x-real-ip: 127.0.0.1"), "program"),
        (format!("GET /x HTTP/1.0 | {HERE}"), "program"),
        (
            format!("GET /x | {NAMED} | x-forwarded-for: ::1"),
            "program",
        ),
        (
            format!("GET /x | {NAMED} | x-forwarded-for: [::1]:5, [::1], 127.0.0.1:81"),
            "program",
        ),
        (format!("GET /x | {HERE} | sec-fetch-site: none"), "program"),
        (
            format!("GET /v1/page | {HERE} | origin: https://shop.example"),
            "page",
        ),
        // The site that the proxy serves beside the hub is none of the hub's own pages.
        (
            format!("GET /x | {HERE} | sec-fetch-site: same-origin"),
            "untold",
        ),
        (
            format!("POST /x | {HERE} | host: localhost:80 | origin: http://localhost:80"),
            "stranger",
        ),
        // Where browsers do not tell that a page asks, everybody looks like a program.
        (format!("GET /x | {HERE} | host: site.example"), "OtherName"),
        (
            "GET /x | x-forwarded-for: ::1 | x-forwarded-host: site.example".into(),
            "OtherName",
        ),
        (
            format!("GET /x | {HERE} | x-forwarded-host: site.example"),
            "OtherName",
        ),
        ("GET /x | x-forwarded-for: 127.0.0.1".into(), "OtherName"),
    ];
    for (request, expected) in cases {
        check(&access(), &[(LOOPBACK, request, expected)]);
    }
    // 127.0.0.1 is the proxy's machine, not ours.
    check(
        &access(),
        &[(INNER_PROXY, format!("GET /x | {HERE}"), "RemoteClient")],
    );
}

#[test]
fn a_proxy_that_is_not_trusted_is_not_believed() {
    let nobody = Access {
        trusted_proxies: Vec::new(),
        ..access()
    };
    for (access, peer) in [
        (&nobody, LOOPBACK),
        (&access(), "192.0.2.1"),
        (&access(), "2001:db8::2"),
    ] {
        for headers in [
            HERE,
            THERE,
            "forwarded: for=127.0.0.1",
            "via: 1.1 a",
            "x-real-ip: ::1",
        ] {
            check(
                access,
                &[
                    (peer, format!("GET /v1/pages | {headers}"), "UntrustedProxy"),
                    (
                        peer,
                        format!("GET /v1/pages | {headers} | {TOKEN}"),
                        "token",
                    ),
                ],
            );
        }
        // Its word about the name is not heard, for better or worse.
        check(
            access,
            &[
                (
                    peer,
                    format!("GET /x | {TOKEN} | x-forwarded-host: evil.example"),
                    "token",
                ),
                (
                    peer,
                    format!("GET /x | {TOKEN} | host: evil.example | x-forwarded-host: localhost"),
                    "wrong host",
                ),
            ],
        );
    }
}

#[test]
fn a_name_that_a_trusted_proxy_was_asked_for_must_be_known_too() {
    let named = |names: &str| format!("GET /x | {TOKEN} | x-forwarded-host: {names}");
    check(
        &access(),
        &[
            (LOOPBACK, named("hub.example"), "token"),
            (LOOPBACK, named("Site.example:8443"), "token"),
            (LOOPBACK, named("site.example, 127.0.0.1:9999"), "token"),
            (LOOPBACK, named("evil.example"), "wrong host"),
            (LOOPBACK, named("evil.example, site.example"), "wrong host"),
            (
                LOOPBACK,
                named("site.example | x-forwarded-host: evil.example"),
                "wrong host",
            ),
            // A rebound name, whose pages may send any header to what they think is their own site.
            (
                LOOPBACK,
                format!("GET /x | host: evil.example | x-forwarded-host: localhost | {HERE}"),
                "wrong host",
            ),
        ],
    );
}

#[test]
fn a_proxy_that_adds_no_header_is_known_by_the_public_name_or_its_old_http() {
    check(
        &access(),
        &[
            (
                LOOPBACK,
                "GET /v1/pages | host: site.example".into(),
                "PublicHost",
            ),
            (
                LOOPBACK,
                "GET /v1/pages | host: SITE.example:443".into(),
                "PublicHost",
            ),
            (LOOPBACK, "GET /v1/pages HTTP/1.0".into(), "OldHttp"),
            (
                LOOPBACK,
                format!("GET /v1/pages HTTP/1.0 | {TOKEN}"),
                "token",
            ),
            (LOOPBACK, "GET /health HTTP/1.0".into(), "token"),
            (
                LOOPBACK,
                "GET /v1/pages | host: hub.example".into(),
                "program",
            ),
            (LOOPBACK, "GET /v1/pages".into(), "program"),
        ],
    );
    // A public address on this machine's own names tells nothing apart.
    let here = Access {
        public_url: Some("http://localhost:8080/hub".parse().expect("an address")),
        ..access()
    };
    check(
        &here,
        &[(
            LOOPBACK,
            "GET /v1/pages | host: localhost:9999".into(),
            "program",
        )],
    );
}

#[test]
fn a_hub_that_requires_tokens_requires_them_through_proxies_too() {
    let access = Access {
        require_token: true,
        ..access()
    };
    check(
        &access,
        &[
            (
                LOOPBACK,
                format!("GET /v1/pages | {HERE}"),
                "token required",
            ),
            (
                LOOPBACK,
                format!("GET /v1/pages | {THERE} | {TOKEN}"),
                "token",
            ),
        ],
    );
}

#[test]
fn the_log_names_the_nearest_hop_that_is_no_trusted_proxy() {
    let cases = [
        (LOOPBACK, "203.0.113.7", Some("203.0.113.7")),
        (LOOPBACK, "198.51.100.1, 203.0.113.7", Some("203.0.113.7")),
        (
            LOOPBACK,
            "203.0.113.7, 10.9.9.9, 2001:db8::1",
            Some("203.0.113.7"),
        ),
        (LOOPBACK, "10.9.9.9", Some("10.9.9.9")),
        (
            LOOPBACK,
            "203.0.113.7, nonsense, 10.9.9.9",
            Some("10.9.9.9"),
        ),
        (LOOPBACK, "::ffff:203.0.113.7", Some("203.0.113.7")),
        ("192.0.2.1", "203.0.113.7", Some("192.0.2.1")),
    ];
    for (peer, forwarded_for, client) in cases {
        let mut headers = HeaderMap::new();
        headers.insert(FORWARDED_FOR, forwarded_for.parse().expect("a value"));
        let head = Head {
            method: &http::Method::GET,
            uri: &http::Uri::from_static("/x"),
            headers: &headers,
            version: Version::HTTP_11,
            peer: peer.parse().ok(),
            purpose: Purpose::Other,
        };
        let expected = client.map(|text| text.parse().expect("an address"));
        assert_eq!(access().client(head), expected, "{peer}: {forwarded_for}");
    }
}

#[test]
fn trusted_proxies_are_addresses_networks_or_loopback() {
    for (text, shown) in [
        ("127.0.0.1", "127.0.0.1"),
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("::1", "::1"),
        ("fd00::/8", "fd00::/8"),
        ("Loopback", "loopback"),
    ] {
        assert_eq!(text.parse::<TrustedProxy>().expect(text).to_string(), shown);
    }
    for text in ["", "nginx", "10.0.0.0/33", "127.0.0.1:80", "*"] {
        assert!(
            matches!(
                text.parse::<TrustedProxy>(),
                Err(TrustedProxyError::NoAddress(_))
            ),
            "{text}"
        );
    }
    for text in ["0.0.0.0/0", "::/0"] {
        assert!(
            matches!(
                text.parse::<TrustedProxy>(),
                Err(TrustedProxyError::Everybody(_))
            ),
            "{text}"
        );
    }
}
