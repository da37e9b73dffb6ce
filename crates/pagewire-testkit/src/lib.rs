//! For tests: a hub on a free port, pages that do as told, an HTTP client that checks nothing, browsers that report.
//!
//! Nothing here sleeps to wait for something: each helper waits for the event itself, for at most [`PATIENCE`].
#![allow(
    clippy::missing_panics_doc,
    clippy::panic,
    reason = "a test helper fails the test by panicking"
)]
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test helper fails the test by panicking"
)]

mod attached;
mod browser;
mod carried;
mod client;
mod feed;
mod hub;
mod need;
mod page;
mod scene;

use std::time::Duration;

pub use attached::Attached;
pub use browser::{BrowserPage, Site};
pub use carried::{Carried, MessageKind};
pub use client::{Http, Response};
pub use feed::{End, Fed, Feed, Kinds, Wire};
pub use hub::TestHub;
pub use need::{chromium, is_long, need, program};
pub use page::{FakePage, Message, open_socket};
pub use scene::{call, hub_and_page, problem};

/// How long a helper waits for something that must come. Long, because machines can be slow; a test that passes never waits that long.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for something that must come.
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("{what} did not come within {PATIENCE:?}"),
    }
}

/// Asks again and again until the answer is there, for states that announce themselves by nothing.
pub async fn until<T>(what: &str, mut check: impl AsyncFnMut() -> Option<T>) -> T {
    soon(what, async {
        loop {
            if let Some(value) = check().await {
                return value;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
}
