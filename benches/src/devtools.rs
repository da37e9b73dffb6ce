//! A real Chromium over its debugging pipe: calls of its page through the hub, the same by the bare protocol, and taps of its sockets.
//!
//! Each is a process with a browser of its own, that does what it is told; the hub runs in it, as in `pagewire attach`.

mod calls;
mod evaluate;
mod taps;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use axum::Router;
use axum::response::Html;
use axum::routing::get;
use clap::{Args, ValueEnum};
use pagewire_browser::{
    AttachOptions, Browser, HubPort, LaunchOptions, Report, Transport, WantedPage, attach,
};
use pagewire_hub::{Answer, CallRequest, Failure, Hub, HubOptions, Target};
use pagewire_rpc::{FunctionName, GroupName, JsonText, Payload};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

pub(crate) use self::taps::TapTally;
use crate::frames::Frames;
use crate::process::{orders, say};

/// Time for a browser to start and to show its page.
const START: Duration = Duration::from_secs(60);
/// Between two looks whether the page is there.
const LOOK: Duration = Duration::from_millis(20);
/// The page: what is called, and what opens a socket that is tapped.
const PAGE: &str = "<!doctype html><meta charset=utf-8><title>bench</title><script>
globalThis.echo = (x) => x;
globalThis.follow = (url) => {
	const socket = new WebSocket(url);
	socket.binaryType = 'arraybuffer';
	socket.onmessage = () => {};
};
</script>";

/// What is done with the browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum What {
    /// `Runtime.evaluate`, and nothing else.
    Evaluate,
    /// Calls through the hub.
    Calls,
    /// Sockets of the page are tapped.
    Taps,
}

impl What {
    /// As [`DevtoolsArguments`] read it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Evaluate => "evaluate",
            Self::Calls => "calls",
            Self::Taps => "taps",
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct DevtoolsArguments {
    pub(crate) what: What,
}

/// An order to [`What::Evaluate`] and [`What::Calls`]; a [`Tally`](crate::load::Tally) comes of it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct CallOrder {
    /// Each has one call under way at a time.
    pub(crate) callers: usize,
    pub(crate) bytes: usize,
    pub(crate) seconds: f64,
}

/// An order to [`What::Taps`]; a [`TapTally`] comes of it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct TapOrder {
    pub(crate) frames: Frames,
    /// Messages a second.
    pub(crate) rate: u32,
    pub(crate) seconds: f64,
}

/// The browser to use; the error says how to get one.
pub(crate) fn chromium() -> Result<PathBuf, String> {
    let how = pagewire_browser::HOW_TO_GET_ONE;
    pagewire_browser::find().ok_or_else(|| format!("no Chromium: {how}"))
}

/// Opens the page, says so, and does what it is told until it is let go.
pub(crate) async fn run(arguments: DevtoolsArguments) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let router = Router::new().route("/", get(async || Html(PAGE)));
    let site = tokio::spawn(async move { axum::serve(listener, router).await });
    let chromium = chromium().map_err(anyhow::Error::msg)?;
    let (browser, transport) = Browser::launch(&LaunchOptions::new(chromium))?;
    let listening = json!({ "http": &url });
    match arguments.what {
        What::Evaluate => {
            let opening = evaluate::Evaluator::open(transport, &url);
            let mut evaluator = timeout(START, opening).await.context("no page")??;
            say(&listening)?;
            orders(async |order| evaluator.measure(order).await).await?;
        }
        What::Calls => {
            let attached = Arc::new(Attached::open(transport, &url, &[]).await?);
            say(&listening)?;
            orders(async |order| calls::measure(&attached, order).await).await?;
        }
        What::Taps => {
            let mut tapper = taps::Tapper::open(transport, &url).await?;
            say(&listening)?;
            orders(async |order| tapper.measure(order).await).await?;
        }
    }
    site.abort();
    browser.close().await;
    Ok(())
}

/// A page of a hub in this process.
#[derive(Debug)]
struct Attached {
    hub: Hub,
    group: GroupName,
    reports: mpsc::Receiver<Report>,
    attaching: JoinHandle<()>,
}

impl Attached {
    async fn open(transport: Transport, url: &str, taps: &[&str]) -> Result<Self> {
        let hub = Hub::new(HubOptions::default());
        let group = GroupName::new("bench")?;
        let mut options = AttachOptions::new(group.clone(), "http://127.0.0.1:0");
        options.pages = vec![WantedPage::new(url)];
        options.expose = vec!["echo=echo".parse()?, "follow=follow".parse()?];
        let rules: Result<Vec<_>, _> = taps.iter().map(|rule| rule.parse()).collect();
        Arc::make_mut(&mut options.taps).rules = rules?;
        let (sender, reports) = mpsc::channel(64);
        let port = HubPort::Local(hub.clone());
        let attaching = tokio::spawn(async move {
            let detached = attach(transport, port, options, sender).await;
            eprintln!("the browser is lost: {detached:?}");
        });
        let attached = Self {
            hub,
            group,
            reports,
            attaching,
        };
        attached.until_there().await?;
        Ok(attached)
    }

    /// A page that is attached has not run its own script yet.
    async fn until_there(&self) -> Result<()> {
        let begun = Instant::now();
        loop {
            match self.call("echo", "[1]".to_owned()).await {
                Ok(_) => return Ok(()),
                Err(_) if begun.elapsed() < START => sleep(LOOK).await,
                Err(failure) => bail!("the page does not answer: {:?}", failure.reason),
            }
        }
    }

    /// Calls a function of the page with the text of a JSON array.
    async fn call(&self, function: &str, arguments: String) -> Result<Answer, Failure> {
        let request = CallRequest {
            group: self.group.clone(),
            function: FunctionName::new(function).expect("a name"),
            target: Target::Any,
            arguments: Payload::Json(JsonText::parse(arguments.into()).expect("JSON")),
            timeout: START,
            idempotent: false,
            traceparent: None,
        };
        self.hub.call(request).await
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        self.attaching.abort();
    }
}
