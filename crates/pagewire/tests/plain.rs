//! `examples/plain` as it stands, against the real hub: clients and pages that know nothing of Pagewire, and the commands that talk to them.

mod binary;

#[path = "plain/clients.rs"]
mod clients;
#[path = "plain/commands.rs"]
mod commands;
#[path = "plain/pages.rs"]
mod pages;

use std::path::{Path, PathBuf};

use pagewire_testkit::{Http, until};
use serde_json::Value;

use self::binary::{Finished, Serve, run_with};

/// What is sent first to those who wait for it.
const GREETING: &str = "lx";

/// A running `pagewire serve` on a free port.
struct Hub {
    serve: Serve,
    /// `127.0.0.1:PORT`.
    address: String,
    http: Http,
}

impl Hub {
    async fn start(arguments: &[&str]) -> Self {
        let serve = Serve::start(&[&["--listen", "127.0.0.1:0"], arguments].concat()).await;
        let url = serve.listening["http"].as_str().expect("an address");
        let (_, address) = url.split_once("//").expect("an address");
        Self {
            address: address.to_owned(),
            http: Http::new(url.to_owned()),
            serve,
        }
    }

    fn ws_url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// What commands need to find this hub.
    fn environment(&self) -> (&'static str, String) {
        ("PAGEWIRE_HUB", format!("http://{}", self.address))
    }

    async fn run(&self, arguments: &[&str]) -> Finished {
        let (name, url) = self.environment();
        run_with(arguments, &[(name, &url)]).await
    }

    /// The ids of the pages, once there are as many.
    async fn page_ids(&self, count: usize) -> Vec<String> {
        until("the pages", async || {
            let listing = self.http.get("/v1/pages").await.json().await;
            let pages = listing["pages"].as_array().expect("a list");
            let id = |page: &Value| page["id"].as_str().expect("an id").to_owned();
            (pages.len() == count).then(|| pages.iter().map(id).collect())
        })
        .await
    }

    /// Waits until the topic holds this, and gives its text.
    async fn topic_with(&self, topic: &str, part: &str) -> String {
        until(part, async || {
            let text = self.http.get(&format!("/v1/topics/{topic}")).await;
            let text = text.text().await;
            text.contains(part).then_some(text)
        })
        .await
    }
}

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../examples/plain")
        .join(name)
}

/// An example with nothing changed but where the hub is.
fn example_for(name: &str, hub: &Hub) -> String {
    let text = std::fs::read_to_string(example(name)).expect("an example");
    let usual = "ws://127.0.0.1:9999";
    assert_eq!(text.matches(usual).count(), 1, "{name}");
    text.replace(usual, &hub.ws_url())
}
