//! From an address to an open WebSocket: name, TCP, TLS, handshake. Failures say at which of these.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use http::{Extensions, Request, StatusCode};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper::upgrade::{self, Upgraded};
use hyper_util::client::legacy::connect::{Connection as _, HttpInfo};
use hyper_util::rt::TokioIo;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tower_service::Service as _;

use super::address::Address;
use super::arguments::HandshakeArguments;
use super::handshake::{self, Key};
use super::refusal::Refusal;
use crate::tls::{self, Connector, innermost};

/// An open connection.
pub(crate) type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// What came of an opening handshake that went well.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) socket: Socket,
    pub(super) peer: Option<SocketAddr>,
    pub(super) subprotocol: Option<String>,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DialError {
    #[error(
        "cannot find the host of {address} ({why}); is the name right, and is there a network?"
    )]
    Lookup { address: String, why: String },
    #[error(
        "nothing listens at {address} (connection refused); is the server running, and is the port right?"
    )]
    ConnectionRefused { address: String },
    #[error("cannot reach {address}: {why}")]
    Unreachable { address: String, why: String },
    #[error(
        "no TLS with {address}: {why} (--insecure goes on without checking a certificate, for a look)"
    )]
    Tls { address: String, why: String },
    #[error(
        "{address} did not answer the handshake within {after:?}; --timeout gives it more time"
    )]
    TimedOut { address: String, after: Duration },
    #[error("{address} broke off the handshake: {why}; does a WebSocket server listen there?")]
    BrokenOff { address: String, why: String },
    #[error("{address} answers, but {why}")]
    BadAnswer { address: String, why: String },
    #[error("{address} refused the connection: {}", .0.shown(), address = .0.address)]
    Refused(Box<Refusal>),
}

impl DialError {
    /// True where the same request may go well later.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Lookup { .. }
            | Self::ConnectionRefused { .. }
            | Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::BrokenOff { .. } => true,
            Self::Tls { .. } | Self::BadAnswer { .. } => false,
            Self::Refused(refusal) => refusal.is_transient(),
        }
    }
}

/// Opens a connection within the time that `offer` gives.
///
/// # Cancel safety
///
/// Dropping the future drops the connection.
pub(crate) async fn dial(
    connector: &Connector,
    address: &Address,
    offer: &HandshakeArguments,
    message_bytes: usize,
) -> Result<Opened, DialError> {
    let opening = open(connector.clone(), address, offer, message_bytes);
    match timeout(offer.timeout, opening).await {
        Ok(result) => result,
        Err(_) => Err(DialError::TimedOut {
            address: address.to_string(),
            after: offer.timeout,
        }),
    }
}

async fn open(
    mut connector: Connector,
    address: &Address,
    offer: &HandshakeArguments,
    message_bytes: usize,
) -> Result<Opened, DialError> {
    let stream = connector
        .call(address.http())
        .await
        .map_err(|error| unreachable(address, &*error))?;
    let mut facts = Extensions::new();
    stream.connected().get_extras(&mut facts);
    let peer = facts.get::<HttpInfo>().map(HttpInfo::remote_addr);

    let broken_off = |why: String| DialError::BrokenOff {
        address: address.to_string(),
        why,
    };
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).map_err(|error| broken_off(error.to_string()))?;
    let key = Key::new(nonce);
    let request =
        handshake::request(address, offer, &key).map_err(|error| broken_off(error.to_string()))?;
    let (sender, connection) = http1::Builder::new()
        .title_case_headers(true)
        .handshake(stream)
        .await
        .map_err(|error| broken_off(innermost(&error)))?;
    // The connection does the work of the exchange; it ends as soon as the protocol is switched.
    let mut exchange = pin!(exchange(sender, request, address, offer, &key));
    let connection = pin!(connection.with_upgrades());
    let (upgraded, subprotocol) = tokio::select! {
        biased;
        done = &mut exchange => done?,
        _ = connection => exchange.await?,
    };
    let config = WebSocketConfig::default()
        .max_message_size(Some(message_bytes))
        .max_frame_size(Some(message_bytes));
    let socket =
        WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Client, Some(config)).await;
    Ok(Opened {
        socket,
        peer,
        subprotocol,
    })
}

/// One request, and the connection when the server switches protocols.
async fn exchange(
    mut sender: http1::SendRequest<Empty<Bytes>>,
    request: Request<Empty<Bytes>>,
    address: &Address,
    offer: &HandshakeArguments,
    key: &Key,
) -> Result<(Upgraded, Option<String>), DialError> {
    let broken_off = |error: hyper::Error| DialError::BrokenOff {
        address: address.to_string(),
        why: innermost(&error),
    };
    let response = sender.send_request(request).await.map_err(broken_off)?;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        let refusal = Box::new(Refusal::read(address, response).await);
        return Err(DialError::Refused(refusal));
    }
    let checked = handshake::check(&response, key, &offer.subprotocols);
    let subprotocol = checked.map_err(|why| DialError::BadAnswer {
        address: address.to_string(),
        why,
    })?;
    let upgraded = upgrade::on(response).await.map_err(broken_off)?;
    Ok((upgraded, subprotocol))
}

/// Which step failed before there was anything to speak HTTP over.
fn unreachable(address: &Address, error: &(dyn Error + 'static)) -> DialError {
    let shown = address.to_string();
    if let Some(fault) = tls::explain(error) {
        return DialError::Tls {
            address: shown,
            why: fault.to_string(),
        };
    }
    let why = innermost(error);
    // The connector gives this step no type of its own.
    if tls::sources(error).any(|cause| cause.to_string().starts_with("dns error")) {
        return DialError::Lookup {
            address: shown,
            why,
        };
    }
    let io = tls::sources(error).find_map(|cause| cause.downcast_ref::<io::Error>());
    match io.map(io::Error::kind) {
        Some(io::ErrorKind::ConnectionRefused) => DialError::ConnectionRefused { address: shown },
        Some(_) | None => DialError::Unreachable {
            address: shown,
            why,
        },
    }
}
