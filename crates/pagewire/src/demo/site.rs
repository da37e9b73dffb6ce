//! The sample site: one page on a port of its own, so that it is of another origin than the hub, as real pages are.

use std::net::SocketAddr;

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use tokio::net::TcpListener;

use crate::exit::{FAILED, Failed};

const PAGE: &str = include_str!("../../../../web/demo/index.html");
/// Where the page has the hub's address.
const HUB: &str = "{{HUB}}";

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
        let page = PAGE.replace(HUB, &hub);
        let router = Router::new().route("/", get(async move || Html(page)));
        if let Err(error) = axum::serve(self.listener, router).await {
            tracing::error!(%error, "the sample site ended");
        }
    }
}
