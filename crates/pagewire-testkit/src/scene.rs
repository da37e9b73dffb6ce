//! What many tests begin with.

use crate::{FakePage, Http, TestHub, soon};
use http::StatusCode;
use serde_json::Value;
use tokio::task::JoinHandle;

/// A hub with default rules, a page of group `g` that exposes these functions, and a client.
pub async fn hub_and_page(functions: &[&str]) -> (TestHub, FakePage, Http) {
    let hub = TestHub::start().await;
    let page = FakePage::attach(&hub, "g", functions).await;
    let client = hub.client();
    (hub, page, client)
}

/// Calls in the background, so that the test can play the page.
pub fn call(client: &Http, path: &str, body: &str) -> JoinHandle<(StatusCode, String)> {
    let (client, path, body) = (client.clone(), path.to_owned(), body.to_owned());
    tokio::spawn(async move {
        let response = client.post(&path, body).await;
        (response.status, response.text().await)
    })
}

/// The status and the problem document that a call ends with.
pub async fn problem(call: JoinHandle<(StatusCode, String)>) -> (u16, Value) {
    let (status, text) = soon("the answer", call).await.expect("no panic");
    (
        status.as_u16(),
        serde_json::from_str(&text).expect("a problem document"),
    )
}
