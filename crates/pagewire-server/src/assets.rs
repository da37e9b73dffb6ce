//! What is open to any origin: the scripts for pages and the health check.

use axum::response::IntoResponse;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

pub(crate) const BRIDGE: &str = include_str!("../../../web/bridge/pagewire.js");
const BRIDGE_MODULE: &str = include_str!("../../../web/bridge/pagewire.mjs");
pub(crate) const HOOK: &str = include_str!("../../../web/bridge/hook.js");
const HOOK_MODULE: &str = include_str!("../../../web/bridge/hook.mjs");

pub(crate) async fn bridge() -> impl IntoResponse {
    script(BRIDGE)
}

pub(crate) async fn bridge_module() -> impl IntoResponse {
    script(BRIDGE_MODULE)
}

pub(crate) async fn hook() -> impl IntoResponse {
    script(HOOK)
}

pub(crate) async fn hook_module() -> impl IntoResponse {
    script(HOOK_MODULE)
}

pub(crate) fn script(text: impl IntoResponse) -> impl IntoResponse {
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
