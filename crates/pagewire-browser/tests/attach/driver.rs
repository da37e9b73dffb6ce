//! A second DevTools client of the browser, which plays its user.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use pagewire_browser::{Browser, Endpoint, Transport, connect};
use pagewire_testkit::{soon, until};
use serde_json::{Value, json};

/// The flag that lets it in.
pub(crate) const DRIVEN: &str = "--remote-debugging-port=0";

pub(crate) struct Driver {
    transport: Transport,
    last_id: u64,
}

/// A tab that is driven.
pub(crate) struct Tab {
    pub(crate) target: String,
    session: String,
}

impl Driver {
    /// Of a browser that was launched with [`DRIVEN`].
    pub(crate) async fn of(browser: &Browser) -> Self {
        let endpoint = Endpoint::ActivePort(browser.profile().to_owned());
        let transport = until("the browser's port", async || {
            connect(&endpoint, Duration::from_secs(30)).await.ok()
        });
        Self {
            transport: transport.await,
            last_id: 0,
        }
    }

    /// Opens a tab.
    pub(crate) async fn open(&mut self, url: &str) -> Tab {
        let opened = self
            .command(None, "Target.createTarget", json!({ "url": url }))
            .await;
        let target = opened["targetId"].as_str().expect("a tab").to_owned();
        self.attach(target).await
    }

    /// The tab that shows an address.
    pub(crate) async fn tab_at(&mut self, url: &str) -> Tab {
        let target = until("a tab at the address", async || {
            let all = self.command(None, "Target.getTargets", json!({})).await;
            let all = all["targetInfos"].as_array().expect("targets").clone();
            let mut all = all.into_iter();
            let found = all.find(|target| target["type"] == "page" && target["url"] == url)?;
            found["targetId"].as_str().map(str::to_owned)
        });
        let target = target.await;
        self.attach(target).await
    }

    /// Waits until the tab's document and all that belongs to it is there, its scripts included. It is a page of the hub before that.
    pub(crate) async fn loaded(&mut self, tab: &Tab) {
        until("the end of loading", async || {
            let state = self.run(tab, "document.readyState").await;
            (state == "complete").then_some(())
        })
        .await;
    }

    async fn attach(&mut self, target: String) -> Tab {
        let params = json!({ "targetId": target, "flatten": true });
        let attached = self.command(None, "Target.attachToTarget", params).await;
        let session = attached["sessionId"]
            .as_str()
            .expect("a session")
            .to_owned();
        Tab { target, session }
    }

    pub(crate) async fn close(&mut self, tab: &Tab) {
        let params = json!({ "targetId": tab.target });
        self.command(None, "Target.closeTarget", params).await;
    }

    /// Goes to an address, and waits until the browser has decided to.
    pub(crate) async fn go(&mut self, tab: &Tab, url: &str) {
        self.tell(tab, "Page.navigate", json!({ "url": url })).await;
    }

    /// One page back or forward.
    pub(crate) async fn step(&mut self, tab: &Tab, by: i64) {
        let history = self.tell(tab, "Page.getNavigationHistory", json!({})).await;
        let index = history["currentIndex"].as_i64().expect("an index") + by;
        let index = usize::try_from(index).expect("there is one");
        let entry = history["entries"][index]["id"].clone();
        self.tell(
            tab,
            "Page.navigateToHistoryEntry",
            json!({ "entryId": entry }),
        )
        .await;
    }

    /// The value of an expression in the tab's document.
    pub(crate) async fn run(&mut self, tab: &Tab, expression: &str) -> Value {
        let params =
            json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let mut answer = self.tell(tab, "Runtime.evaluate", params).await;
        assert_eq!(answer.get("exceptionDetails"), None, "{expression}");
        answer["result"]["value"].take()
    }

    /// The processes of the browser.
    pub(crate) async fn processes(&mut self) -> Vec<Value> {
        let told = self
            .command(None, "SystemInfo.getProcessInfo", json!({}))
            .await;
        told["processInfo"].as_array().expect("processes").clone()
    }

    /// A command to a tab.
    pub(crate) async fn tell(&mut self, tab: &Tab, method: &str, params: Value) -> Value {
        self.command(Some(&tab.session), method, params).await
    }

    /// A command whose answer is not waited for.
    pub(crate) async fn send(&mut self, tab: &Tab, method: &str, params: Value) {
        self.post(Some(&tab.session), method, params).await;
    }

    async fn command(&mut self, session: Option<&str>, method: &str, params: Value) -> Value {
        let id = self.post(session, method, params).await;
        loop {
            let message = soon(method, self.transport.next()).await;
            let message = message.expect("the browser runs").expect("a message");
            let mut message: Value = serde_json::from_slice(&message).expect("JSON");
            if message["id"] == id {
                assert_eq!(message.get("error"), None, "{method}");
                return message["result"].take();
            }
        }
    }

    async fn post(&mut self, session: Option<&str>, method: &str, params: Value) -> u64 {
        self.last_id += 1;
        let mut message = json!({ "id": self.last_id, "method": method, "params": params });
        if let Some(session) = session {
            message["sessionId"] = session.into();
        }
        let sent = self.transport.send(message.to_string().into());
        soon("room for a command", sent).await.expect("it is sent");
        self.last_id
    }
}
