//! Connecting to a browser that runs already.

mod active_port;
mod error;
mod version;

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use http::Uri;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{client_async_with_config, tungstenite};

use self::active_port::ActivePort;
pub use self::error::{ConnectError, Stage, UrlFault};
use crate::transport::{Transport, socket_config};

/// Where a browser is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// The debugging port of a browser of this machine (`--remote-debugging-port`). It is asked for the rest over HTTP.
    Address(SocketAddr),
    /// The whole address, `ws://HOST:PORT/devtools/browser/ID`. The only one that may be another machine's; what goes there is not encrypted, so better go through
    /// a tunnel.
    WebSocket(String),
    /// A folder of user data in which the browser said where it is, as [`find_active_port`](crate::find_active_port()) gives them. This is the way for
    /// a browser in which a person switched debugging on in `chrome://inspect/#remote-debugging`; it asks that person each time.
    ActivePort(PathBuf),
}

impl Endpoint {
    /// The debugging port of a browser of this machine.
    pub fn port(port: u16) -> Self {
        Self::Address((Ipv4Addr::LOCALHOST, port).into())
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(f, "{address}"),
            Self::WebSocket(url) => f.write_str(url),
            Self::ActivePort(folder) => write!(f, "{}", folder.display()),
        }
    }
}

/// Connects to a browser, within `timeout`. The browser that a person has to allow it in takes as long as that person.
///
/// # Errors
///
/// Each says what is in the way and what to switch on or type; [`ConnectError::is_transient`] tells whether trying again can help.
///
/// # Cancel safety
///
/// Dropping the future gives the attempt up.
pub async fn connect(endpoint: &Endpoint, timeout: Duration) -> Result<Transport, ConnectError> {
    let mut stage = Stage::Connecting;
    let connected = tokio::time::timeout(timeout, connect_to(endpoint, &mut stage)).await;
    connected.unwrap_or_else(|_| {
        Err(ConnectError::TimedOut {
            endpoint: endpoint.to_string(),
            timeout,
            stage,
        })
    })
}

async fn connect_to(endpoint: &Endpoint, stage: &mut Stage) -> Result<Transport, ConnectError> {
    match endpoint {
        Endpoint::Address(address) => {
            if !address.ip().is_loopback() {
                return Err(ConnectError::NotLoopback { address: *address });
            }
            let stream = reach(*address).await?;
            *stage = Stage::Asking;
            let path = match version::path_of_browser(stream, *address).await? {
                Some(path) => path,
                // Debugging that a person allowed answers nothing over HTTP, but leaves its file.
                None => active_port::path_at(address.port())
                    .ok_or(ConnectError::OnlyWebSocket { address: *address })?,
            };
            open(reach(*address).await?, *address, &path, stage).await
        }
        Endpoint::WebSocket(url) => {
            let (host, port, path) = parse(url)?;
            let (stream, address) = reach_by_name(&host, port).await?;
            if !address.ip().is_loopback() {
                tracing::warn!(
                    "{url} is not on this machine: everything the browser shows passes the network unencrypted; an SSH tunnel is safer (ssh -L {port}:127.0.0.1:{port} {host})"
                );
            }
            open(stream, address, &path, stage).await
        }
        Endpoint::ActivePort(folder) => {
            let ActivePort { port, path } = ActivePort::read(folder)?;
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            let stream = reach(address).await.map_err(|error| {
                if matches!(error, ConnectError::NothingThere { .. }) {
                    let folder = folder.clone();
                    return ConnectError::LeftOver { folder, port };
                }
                error
            })?;
            open(stream, address, &path, stage).await
        }
    }
}

async fn reach(address: SocketAddr) -> Result<TcpStream, ConnectError> {
    TcpStream::connect(address)
        .await
        .map_err(|error| ConnectError::not_reached(address.to_string(), error))
}

async fn reach_by_name(host: &str, port: u16) -> Result<(TcpStream, SocketAddr), ConnectError> {
    let not_reached = |error| ConnectError::not_reached(format!("{host}:{port}"), error);
    // An address of IPv6 stands in brackets in an URL only.
    let name = host.trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((name, port))
        .await
        .map_err(not_reached)?;
    let address = stream.peer_addr().map_err(not_reached)?;
    Ok((stream, address))
}

/// Host, port and path of a browser's WebSocket.
fn parse(url: &str) -> Result<(String, u16, String), ConnectError> {
    let bad = |fault| ConnectError::Url {
        url: url.to_owned(),
        fault,
    };
    let uri: Uri = url.parse().map_err(|_| bad(UrlFault::Malformed))?;
    match uri.scheme_str() {
        Some("ws") => {}
        Some("wss") => return Err(bad(UrlFault::Tls)),
        Some("http" | "https") => return Err(bad(UrlFault::Http)),
        Some(_) | None => return Err(bad(UrlFault::Malformed)),
    }
    let host = uri.host().ok_or_else(|| bad(UrlFault::Malformed))?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    if path.starts_with("/devtools/page/") {
        return Err(bad(UrlFault::OnePage));
    }
    Ok((
        host.to_owned(),
        uri.port_u16().unwrap_or(80),
        path.to_owned(),
    ))
}

/// Opens the WebSocket. Chromium refuses names of hosts other than `localhost`, so the address stands as a number; and it refuses origins that it was not told, so there is none.
async fn open(
    stream: TcpStream,
    address: SocketAddr,
    path: &str,
    stage: &mut Stage,
) -> Result<Transport, ConnectError> {
    *stage = Stage::Opening;
    // A missing delay is a matter of speed only.
    let _ = stream.set_nodelay(true);
    let url = format!("ws://{address}{path}");
    let request = url
        .as_str()
        .into_client_request()
        .map_err(|_| ConnectError::Url {
            url: url.clone(),
            fault: UrlFault::Malformed,
        })?;
    match client_async_with_config(request, stream, Some(socket_config())).await {
        Ok((stream, _)) => Ok(Transport::socket(stream)),
        Err(tungstenite::Error::Http(response)) => Err(ConnectError::refused(address, &response)),
        Err(error) => Err(ConnectError::NotOpened {
            url,
            error: Box::new(error),
        }),
    }
}
