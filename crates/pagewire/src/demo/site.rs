//! The sample site: a page that knows nothing of Pagewire, and prices over a WebSocket. On a port of its own, so that it is of another origin than the
//! hub, and with a strict policy, as real pages are.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use http::header::CONTENT_SECURITY_POLICY;
use tokio::net::TcpListener;
use tokio::time::{MissedTickBehavior, interval};

use super::GROUP;
use crate::exit::{FAILED, Failed};

const PAGE: &str = include_str!("../../../../web/demo/index.html");
/// What runs in the page for Pagewire.
pub(crate) const SCRIPT: &str = include_str!("../../../../web/demo/attach.js");
/// Where the page allows its scripts.
const NONCE: &str = "{{NONCE}}";
/// Where a browser without DevTools gets the page script.
const PAGE_SCRIPT: &str = "{{PAGE_SCRIPT}}";
/// The page, for a browser that Pagewire does not run: with the page script and without the policy.
pub(crate) const OPEN_PATH: &str = "/with-page-script";
/// Time between two prices.
const PRICE_INTERVAL: Duration = Duration::from_millis(250);

/// A sample site whose port is open.
#[derive(Debug)]
pub(crate) struct Site {
    listener: TcpListener,
    address: SocketAddr,
}

pub(crate) async fn bind() -> Result<Site, Failed> {
    let failed = |error| {
        Failed::new(
            FAILED,
            format!("cannot open a port for the sample site: {error}"),
        )
    };
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok(Site { listener, address })
}

impl Site {
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) async fn serve(self, hub: String) {
        let router = Router::new()
            .route("/", get(strict_page))
            .route(OPEN_PATH, get(async move || Html(open_page(&hub))))
            .route(
                "/prices",
                get(async |upgrade: WebSocketUpgrade| upgrade.on_upgrade(prices)),
            );
        if let Err(error) = axum::serve(self.listener, router).await {
            tracing::error!(%error, "the sample site ended");
        }
    }
}

/// The page may run its own script and talk to its own site, and nothing else.
async fn strict_page() -> impl IntoResponse {
    let nonce = pagewire_hub::random_text(20);
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'unsafe-inline'; connect-src 'self'"
    );
    let page = PAGE.replace(NONCE, &nonce).replace(PAGE_SCRIPT, "");
    ([(CONTENT_SECURITY_POLICY, policy)], Html(page))
}

fn open_page(hub: &str) -> String {
    let script = format!(
        "<script src=\"{hub}/bridge.js\"></script>\n<script>(() => {{\n  const link = pagewire.connect({{ url: \"{hub}\", group: \"{GROUP}\" }});\n  \
         link.on(\"error\", ({{ message }}) => log(message));\n  ((pagewire) => {{\n{SCRIPT}\n}})(link);\n}})();</script>\n"
    );
    PAGE.replace(NONCE, "").replace(PAGE_SCRIPT, &script)
}

/// Prices that go up and down, in a form that only the page reads: number (u32), cents (u16), article (UTF-8).
async fn prices(mut socket: WebSocket) {
    let mut ticks = interval(PRICE_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for tick in 0_u32.. {
        ticks.tick().await;
        let wave = u16::try_from(tick % 40).unwrap_or_default();
        let cents = 1_250 + 7 * wave.min(40 - wave);
        let mut frame = tick.to_be_bytes().to_vec();
        frame.extend(cents.to_be_bytes());
        frame.extend("A-100".as_bytes());
        if socket.send(Message::Binary(frame.into())).await.is_err() {
            return;
        }
    }
}
