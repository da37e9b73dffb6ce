//! A hub of its own for each test.

use std::time::Duration;

use pagewire_hub::{Drained, Hub, HubOptions};
use pagewire_rpc::LinkOptions;
use pagewire_server::{Access, Server, ServerOptions};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::client::Http;
use crate::soon;

/// A hub that listens on a free port of 127.0.0.1 until it is dropped or stopped.
#[derive(Debug)]
pub struct TestHub {
    /// The hub itself.
    pub hub: Hub,
    /// `127.0.0.1:PORT`.
    pub address: String,
    stop: oneshot::Sender<()>,
    server: JoinHandle<Drained>,
}

impl TestHub {
    /// A hub with default limits and rules.
    pub async fn start() -> Self {
        Self::with(HubOptions::default(), Access::default()).await
    }

    /// A hub with these limits and times of its page links.
    pub async fn with_link(link: LinkOptions) -> Self {
        Self::with_options(HubOptions {
            link,
            ..HubOptions::default()
        })
        .await
    }

    /// A hub with these limits.
    pub async fn with_options(options: HubOptions) -> Self {
        Self::with(options, Access::default()).await
    }

    /// A hub with these limits and rules.
    pub async fn with(options: HubOptions, access: Access) -> Self {
        let server = ServerOptions {
            access,
            ..ServerOptions::default()
        };
        Self::with_server(options, server).await
    }

    /// A hub with these limits, rules and ways to listen, but on a free port.
    pub async fn with_server(options: HubOptions, mut server: ServerOptions) -> Self {
        let hub = Hub::new(options);
        server.listen = vec!["127.0.0.1:0".parse().expect("an address")];
        let server = Server::bind(hub.clone(), server)
            .await
            .expect("a free port");
        let address = server.addresses()[0].to_string();
        let (stop, stopped) = oneshot::channel();
        let server =
            tokio::spawn(server.run(async { drop(stopped.await) }, Duration::from_millis(500)));
        Self {
            hub,
            address,
            stop,
            server,
        }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn http_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// `ws://127.0.0.1:PORT`.
    pub fn ws_url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// A client of this hub.
    pub fn client(&self) -> Http {
        Http::new(self.http_url())
    }

    /// Stops as Ctrl-C does.
    pub async fn stop(self) -> Drained {
        drop(self.stop);
        soon("the hub's end", self.server)
            .await
            .expect("the server does not panic")
    }
}
