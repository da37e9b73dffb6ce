//! Who may ask for what. The site is for this machine: names of elsewhere that lead here (DNS rebinding) reach nothing, and no page of another site
//! reaches what controls rooms.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode, header};

use crate::site::Shared;

/// All addresses.
pub(crate) async fn host(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response {
    let host = request.headers().get(header::HOST);
    let host = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
    if !is_own_host(host, shared.address.port()) {
        let words = "the simulator answers to 127.0.0.1, localhost and [::1] only; use the address that it has printed\n";
        return (StatusCode::FORBIDDEN, words).into_response();
    }
    next.run(request).await
}

/// Addresses that control rooms.
pub(crate) async fn control(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response {
    if is_foreign(request.headers(), shared.address.port()) {
        let words = "pages of other sites may not control rooms; use curl, or type the address\n";
        return (StatusCode::FORBIDDEN, words).into_response();
    }
    next.run(request).await
}

fn is_own_host(host: &str, port: u16) -> bool {
    ["127.0.0.1", "localhost", "[::1]"].iter().any(|name| {
        let rest = host.strip_prefix(name);
        rest.is_some_and(|rest| rest.strip_prefix(':') == Some(&port.to_string()))
    })
}

fn is_foreign(headers: &HeaderMap, port: u16) -> bool {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let is_own_origin = |origin: &str| {
        origin
            .strip_prefix("http://")
            .is_some_and(|host| is_own_host(host, port))
    };
    let is_own_fetch = |site: &str| matches!(site, "same-origin" | "none");
    text(header::ORIGIN.as_str()).is_some_and(|origin| !is_own_origin(origin))
        || text("sec-fetch-site").is_some_and(|site| !is_own_fetch(site))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_with_this_port_are_hosts() {
        for own in ["127.0.0.1:80", "localhost:80", "[::1]:80"] {
            assert!(is_own_host(own, 80), "{own}");
        }
        for foreign in [
            "",
            "127.0.0.1",
            "127.0.0.1:81",
            "localhost.evil.example:80",
            "evil.example:80",
            "127.0.0.1.evil.example:80",
        ] {
            assert!(!is_own_host(foreign, 80), "{foreign}");
        }
    }

    #[test]
    fn pages_of_other_sites_are_foreign_and_programs_are_not() {
        let headers = |name: &'static str, value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().expect("a value"));
            headers
        };
        assert!(!is_foreign(&HeaderMap::new(), 80));
        for (name, value) in [
            ("origin", "http://127.0.0.1:80"),
            ("sec-fetch-site", "none"),
            ("sec-fetch-site", "same-origin"),
        ] {
            assert!(!is_foreign(&headers(name, value), 80), "{value}");
        }
        for (name, value) in [
            ("origin", "null"),
            ("origin", "http://127.0.0.1:81"),
            ("origin", "https://evil.example"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            assert!(is_foreign(&headers(name, value), 80), "{value}");
        }
    }
}
