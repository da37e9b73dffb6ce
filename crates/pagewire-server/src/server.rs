//! Binding, serving and ending.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Once};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::from_fn_with_state;
use axum::routing::{any, get, post};
use pagewire_hub::{Drained, Hub};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::access::{Access, guard};
use crate::entrance::Entrances;
use crate::listener::LimitedListener;
use crate::problem::Problem;
use crate::status::{Began, Build, Connections, Facts, RefusalLog};
use crate::{assets, metrics, pages, plain, socket, status, topics, userscript};

/// Time for open answers to end after the hub has drained.
const CONNECTIONS_TIMEOUT: Duration = Duration::from_secs(1);

/// How a server listens.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Addresses to listen on; port 0 takes a free one. Default `127.0.0.1:9999`.
    pub listen: Vec<SocketAddr>,
    /// Who may do what.
    pub access: Access,
    /// Connections open at once, pages and programs together. Default 20,000; more wait in the operating system's backlog.
    pub connections_max: usize,
    /// Pages and programs that know nothing of Pagewire may open a WebSocket at `/`. Default: they may not.
    pub plain: Option<PlainPattern>,
    /// The commit that the program was built from, where it is known, for the status.
    pub commit: Option<String>,
    /// Files and sockets that this process may have open, where it is known, for the status.
    pub open_files_max: Option<u64>,
    /// After so long without anything else, a subscriber of a topic gets a sign of life, so that either side notices a dead connection; one with a
    /// filter learns where to go on. Default 15 s.
    pub keep_alive: Duration,
}

/// How pages that know nothing of Pagewire are received. Which pages those are is in [`Access::plain_pages`]; programs on this machine are
/// received as well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainPattern {
    /// What they are sent at once; `None`: nothing.
    pub greeting: Option<String>,
    /// Whether every message goes back to its sender too, for trying clients.
    pub echo: bool,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 9999))],
            access: Access::default(),
            connections_max: 20_000,
            plain: None,
            commit: None,
            open_files_max: None,
            keep_alive: Duration::from_secs(15),
        }
    }
}

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The address is not loopback, and no token protects the hub.
    #[error(
        "{0} can be reached from other machines: give the hub a token (--token or [[tokens]]), and put TLS in front of it"
    )]
    NeedsToken(SocketAddr),
    /// The operating system refused.
    #[error("cannot listen on {address}: {error}{}", hint(.error))]
    Io {
        /// The address.
        address: SocketAddr,
        /// What it said.
        error: io::Error,
    },
}

fn hint(error: &io::Error) -> &'static str {
    if error.kind() == io::ErrorKind::AddrInUse {
        " (is another hub running? --listen 127.0.0.1:0 takes a free port)"
    } else {
        ""
    }
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) hub: Hub,
    pub(crate) access: Access,
    pub(crate) plain: Option<PlainPattern>,
    /// Between signs of life of topics.
    pub(crate) keep_alive: Duration,
    /// Ends topic streams.
    pub(crate) closing: CancellationToken,
    pub(crate) facts: Facts,
    advised_on_proxies: Once,
}

impl Shared {
    /// Says once how a proxy is set up that the hub does not know.
    pub(crate) fn advise_on_proxies(&self, proxy: Option<IpAddr>) {
        let proxy = proxy.map(tracing::field::display);
        self.advised_on_proxies.call_once(|| {
            tracing::warn!(
                proxy,
                "requests come through a proxy, so they need a token (--token). If it is yours, --trust-proxy ADDRESS believes what it \
                 says about its clients; --public-url URL is the address they use (docs/reverse-proxy.md)"
            );
        });
    }
}

/// A hub that listens.
#[derive(Debug)]
pub struct Server {
    shared: Arc<Shared>,
    listeners: Vec<TcpListener>,
    addresses: Vec<SocketAddr>,
    permits: Arc<Semaphore>,
}

impl Server {
    /// Opens the ports. Connections wait until [`Server::run`].
    ///
    /// # Errors
    ///
    /// An address that is not loopback without a token, or what the operating system says. No port stays open then.
    pub async fn bind(hub: Hub, options: ServerOptions) -> Result<Self, BindError> {
        let mut access = options.access;
        if let Some(open) = options
            .listen
            .iter()
            .find(|address| !address.ip().is_loopback())
        {
            if access.tokens.is_empty() {
                return Err(BindError::NeedsToken(*open));
            }
            access.require_token = true;
        }
        let (mut listeners, mut addresses) = (Vec::new(), Vec::new());
        for address in options.listen {
            let bound = TcpListener::bind(address).await;
            let listener = bound.map_err(|error| BindError::Io { address, error })?;
            addresses.push(
                listener
                    .local_addr()
                    .map_err(|error| BindError::Io { address, error })?,
            );
            listeners.push(listener);
        }
        let permits = Arc::new(Semaphore::new(options.connections_max));
        let facts = Facts {
            build: Build {
                version: env!("CARGO_PKG_VERSION"),
                commit: options.commit,
            },
            addresses: addresses.clone(),
            connections: Connections {
                free: permits.clone(),
                max: options.connections_max,
            },
            open_files_max: options.open_files_max,
            began: Began::now(),
            refusals: RefusalLog::default(),
        };
        let shared = Arc::new(Shared {
            hub,
            access,
            plain: options.plain,
            keep_alive: options.keep_alive,
            closing: CancellationToken::new(),
            advised_on_proxies: Once::new(),
            facts,
        });
        Ok(Self {
            shared,
            listeners,
            addresses,
            permits,
        })
    }

    /// The real addresses, in the order of the options.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Serves until `stop`; then stops accepting, lets calls end for up to `grace`, and tells pages and programs goodbye.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the ports and every connection at once.
    pub async fn run(self, stop: impl Future<Output = ()>, grace: Duration) -> Drained {
        let stop_accepting = CancellationToken::new();
        let entrances = Entrances {
            router: router(self.shared.clone()),
            shared: self.shared.clone(),
        };
        let mut serving = JoinSet::new();
        for listener in self.listeners {
            let listener = LimitedListener::new(listener, self.permits.clone());
            let stopped = stop_accepting.clone().cancelled_owned();
            let serve = axum::serve(listener, entrances.clone()).with_graceful_shutdown(stopped);
            serving.spawn(serve.into_future());
        }
        stop.await;
        stop_accepting.cancel();
        let drained = self.shared.hub.shut_down(grace).await;
        self.shared.closing.cancel();
        let ended = async { while serving.join_next().await.is_some() {} };
        // What is still open then belongs to peers that do not read.
        let _ = tokio::time::timeout(CONNECTIONS_TIMEOUT, ended).await;
        drained
    }
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/", any(plain::attach_or_show))
        .route("/health", get(assets::health))
        .route("/bridge.js", get(assets::bridge))
        .route("/bridge/pagewire.js", get(assets::bridge))
        .route("/bridge/pagewire.mjs", get(assets::bridge_module))
        .route("/bridge/hook.js", get(assets::hook))
        .route("/bridge/hook.mjs", get(assets::hook_module))
        .route("/bridge.user.js", get(userscript::serve))
        .route("/v1/page", any(socket::attach))
        // Calls do not come this far (`Entrance`), only other methods.
        .route("/v1/call/{group}/{function}", any(method_not_allowed))
        .route("/v1/pages", get(pages::list))
        .route("/metrics", get(metrics::metrics))
        .route("/v1/pages/{id}", get(pages::show).delete(pages::detach))
        .route("/v1/pages/{id}/drain", post(pages::drain))
        .route("/v1/pages/{id}/resume", post(pages::resume))
        .route("/v1/pages/{id}/send", post(plain::send))
        .route("/v1/status", get(status::show))
        .route("/v1/topics", get(topics::list))
        .route("/v1/publish", get(topics::publish::stream))
        .route(
            "/v1/topics/{*topic}",
            get(topics::subscribe).post(topics::publish::publish),
        )
        .fallback(async |request: Request| Problem::no_such_address(request.uri().path()))
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(shared.clone(), guard))
        .with_state(shared)
}

async fn method_not_allowed(request: Request) -> Problem {
    Problem::method_not_allowed(request.method(), request.uri().path())
}
