//! What is open to any origin: the page script and the health check.

use axum::response::{Html, IntoResponse};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};

const BRIDGE: &str = include_str!("../../../web/bridge/pagewire.js");
const BRIDGE_MODULE: &str = include_str!("../../../web/bridge/pagewire.mjs");

pub(crate) async fn bridge() -> impl IntoResponse {
    script(BRIDGE)
}

pub(crate) async fn bridge_module() -> impl IntoResponse {
    script(BRIDGE_MODULE)
}

fn script(text: &'static str) -> impl IntoResponse {
    let headers = [
        (CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (CACHE_CONTROL, "no-cache"),
        // Pages that ask for isolation (Cross-Origin-Embedder-Policy) load it too.
        (
            http::HeaderName::from_static("cross-origin-resource-policy"),
            "cross-origin",
        ),
    ];
    (headers, text)
}

pub(crate) async fn health() -> impl IntoResponse {
    (
        [
            (CONTENT_TYPE, "application/json"),
            (CACHE_CONTROL, "no-store"),
        ],
        "{\"ok\":true}",
    )
}

/// For people who open the address.
pub(crate) async fn index() -> impl IntoResponse {
    let page = "<!doctype html><meta charset=utf-8><title>Pagewire</title><h1>Pagewire</h1>\
        <p>The hub is running. <a href=v1/pages>Pages</a> · <a href=v1/topics>Topics</a> · <a href=bridge.js>Page script</a></p>";
    (
        [(CONTENT_SECURITY_POLICY, "default-src 'none'")],
        Html(page),
    )
}
