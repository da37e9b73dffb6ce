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

use crate::address::Address;
use crate::handshake::{self, Key};
use crate::offer::{Offer, SocketLimits};
use crate::refusal::Refusal;
use crate::tls::{self, Connector, innermost};

/// What tungstenite gathers before it writes; its own default.
const WRITE_BUFFER_BYTES: usize = 128 << 10;

/// An open connection.
pub type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// What came of an opening handshake that went well.
#[derive(Debug)]
pub struct Opened {
    /// The connection itself.
    pub socket: Socket,
    /// Who is at the other end, where that is known.
    pub peer: Option<SocketAddr>,
    /// The subprotocol that the server selected.
    pub subprotocol: Option<String>,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The name has no address.
    #[error(
        "cannot find the host of {address} ({why}); is the name right, and is there a network?"
    )]
    Lookup {
        /// Where to.
        address: String,
        /// What was said about it.
        why: String,
    },
    /// Nothing listens there.
    #[error(
        "nothing listens at {address} (connection refused); is the server running, and is the port right?"
    )]
    ConnectionRefused {
        /// Where to.
        address: String,
    },
    /// There is no way there.
    #[error("cannot reach {address}: {why}")]
    Unreachable {
        /// Where to.
        address: String,
        /// What was said about it.
        why: String,
    },
    /// TLS failed.
    #[error(
        "no TLS with {address}: {why} (--insecure goes on without checking a certificate, for a look)"
    )]
    Tls {
        /// Where to.
        address: String,
        /// What was said about it.
        why: String,
    },
    /// It took too long.
    #[error(
        "{address} did not answer the handshake within {after:?}; --timeout gives it more time"
    )]
    TimedOut {
        /// Where to.
        address: String,
        /// How long it may take.
        after: Duration,
    },
    /// The connection broke before it was open.
    #[error("{address} broke off the handshake: {why}; does a WebSocket server listen there?")]
    BrokenOff {
        /// Where to.
        address: String,
        /// What was said about it.
        why: String,
    },
    /// The server switches protocols, and not as it should.
    #[error("{address} answers, but {why}")]
    BadAnswer {
        /// Where to.
        address: String,
        /// What was said about it.
        why: String,
    },
    /// The server answers with something other than a WebSocket.
    #[error("{address} refused the connection: {}", .0.shown(), address = .0.address)]
    Refused(Box<Refusal>),
}

impl DialError {
    /// True where the same request may go well later.
    pub fn is_transient(&self) -> bool {
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
/// # Errors
///
/// At which step it failed, and why; [`DialError::is_transient`] tells whether another try makes sense.
///
/// # Cancel safety
///
/// Dropping the future drops the connection.
pub async fn dial(
    connector: &Connector,
    address: &Address,
    offer: &Offer,
    limits: SocketLimits,
) -> Result<Opened, DialError> {
    let opening = open(connector.clone(), address, offer, limits);
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
    offer: &Offer,
    limits: SocketLimits,
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
        .max_message_size(Some(limits.message_bytes_max))
        .max_frame_size(Some(limits.message_bytes_max))
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_write_buffer_size(limits.unsent_bytes_max.max(WRITE_BUFFER_BYTES + 1));
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
    offer: &Offer,
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
