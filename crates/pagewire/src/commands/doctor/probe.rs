//! One GET that tells apart why it fails: who listens, and what they speak.

use std::error::Error;
use std::io;
use std::path::Path;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::HOST;
use http::{HeaderMap, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1;
use hyper_rustls::MaybeHttpsStream;
use hyper_util::rt::TokioIo;
use pagewire_dial::tls::{self, Connector, Fault, RootsError, Trust, innermost};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower_service::Service as _;

/// Time to reach a port, and for TLS with who listens there. On this machine it takes none; elsewhere a firewall may drop packets without a word.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Time for the whole answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// Most that is read of an answer, in bytes; the rest is left.
const PROBE_BYTES_MAX: usize = 4 << 20;

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Why nothing came back.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreachable {
    #[error("{0:?} is no address such as http://127.0.0.1:9999 or https://shop.example/cart")]
    NoAddress(String),
    #[error("nothing listens there")]
    NobodyListens,
    #[error("no connection within 3 s")]
    NoConnection,
    #[error("{0}")]
    Other(String),
    #[error("{}", .0.what)]
    Tls(Fault),
    #[error("somebody listens there and says nothing to an HTTP request")]
    Silent,
    #[error("somebody listens there and does not speak HTTP")]
    NotHttp,
}

impl Reply {
    /// True for what a hub answers to `GET /health`.
    pub(crate) fn is_healthy(&self) -> bool {
        self.body == "{\"ok\":true}"
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

impl Unreachable {
    fn from_connecting(error: &(dyn Error + 'static)) -> Self {
        if let Some(fault) = tls::explain(error) {
            return Self::Tls(fault);
        }
        let io = tls::sources(error).find_map(|cause| cause.downcast_ref::<io::Error>());
        match io.map(io::Error::kind) {
            Some(io::ErrorKind::ConnectionRefused) => Self::NobodyListens,
            Some(_) | None => Self::Other(innermost(error)),
        }
    }

    /// What helps, where the failure itself says it.
    pub(crate) fn todo(&self) -> Option<&'static str> {
        match self {
            Self::Tls(fault) => fault.todo,
            Self::NoAddress(_)
            | Self::NobodyListens
            | Self::NoConnection
            | Self::Other(_)
            | Self::Silent
            | Self::NotHttp => None,
        }
    }
}

/// Asks for addresses, over TLS where they begin with `https://`.
#[derive(Debug)]
pub(crate) struct Probe {
    connector: Connector,
    /// Why this machine can check no certificate.
    no_roots: Option<Fault>,
}

impl Probe {
    /// Trusts the roots of the system, and those in the file.
    ///
    /// # Errors
    ///
    /// A file of roots that cannot be used.
    pub(crate) fn new(ca: Option<&Path>) -> Result<Self, RootsError> {
        match tls::connector(&Trust::Roots(ca)) {
            Ok(connector) => Ok(Self {
                connector,
                no_roots: None,
            }),
            Err(error) if ca.is_some() => Err(error),
            // A system without roots is one more thing that a doctor finds, and keeps nobody from a hub without TLS.
            Err(error) => Ok(Self {
                connector: tls::plain_connector(),
                no_roots: Some(Fault::without_advice(error.to_string())),
            }),
        }
    }

    /// Asks for an address. Follows no redirection and goes through no proxy.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connection.
    pub(crate) async fn get(
        &self,
        url: &str,
        headers: &[(&str, String)],
    ) -> Result<Reply, Unreachable> {
        let no_address = || Unreachable::NoAddress(url.to_owned());
        let uri: Uri = url.parse().map_err(|_| no_address())?;
        let authority = uri.authority().ok_or_else(no_address)?.clone();
        let stream = self.connect(&uri).await?;
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let mut request = Request::builder()
            .uri(path)
            .header(HOST, authority.as_str())
            .header("accept", "*/*")
            .header(
                "user-agent",
                concat!("pagewire/", env!("CARGO_PKG_VERSION")),
            );
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let request = request
            .body(Empty::<Bytes>::new())
            .map_err(|_| no_address())?;
        match timeout(ANSWER_TIMEOUT, exchange(stream, request)).await {
            Ok(reply) => reply.map_err(|_| Unreachable::NotHttp),
            Err(_) => Err(Unreachable::Silent),
        }
    }

    /// The one place that knows transports.
    async fn connect(&self, uri: &Uri) -> Result<Stream, Unreachable> {
        match (uri.scheme_str(), &self.no_roots) {
            (Some("https"), Some(fault)) => return Err(Unreachable::Tls(fault.clone())),
            (Some("http" | "https"), _) => {}
            (Some(_) | None, _) => return Err(Unreachable::NoAddress(uri.to_string())),
        }
        let connecting = self.connector.clone().call(uri.clone());
        match timeout(CONNECT_TIMEOUT, connecting).await {
            Err(_) => Err(Unreachable::NoConnection),
            Ok(connected) => connected.map_err(|error| Unreachable::from_connecting(&*error)),
        }
    }
}

type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;

async fn exchange(stream: Stream, request: Request<Empty<Bytes>>) -> Result<Reply, hyper::Error> {
    let (mut sender, connection) = http1::handshake(stream).await?;
    // It ends when the sender is dropped, at the end of this function.
    let driver = tokio::spawn(connection);
    let response = sender.send_request(request).await;
    let (parts, mut body) = match response {
        Ok(response) => response.into_parts(),
        Err(error) => {
            driver.abort();
            return Err(error);
        }
    };
    let mut read = BytesMut::new();
    while read.len() < PROBE_BYTES_MAX {
        match body.frame().await {
            Some(Ok(frame)) => read.extend_from_slice(frame.data_ref().unwrap_or(&Bytes::new())),
            // What came before it broke off is worth looking at.
            Some(Err(_)) | None => break,
        }
    }
    driver.abort();
    read.truncate(PROBE_BYTES_MAX);
    Ok(Reply {
        status: parts.status,
        headers: parts.headers,
        body: read.freeze(),
    })
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    async fn get(url: &str) -> Result<Reply, Unreachable> {
        Probe::new(None).unwrap().get(url, &[]).await
    }

    /// A listener that answers one connection with these bytes and then closes it.
    async fn answering(answer: Vec<u8>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = [0; 1_024];
            let _ = stream.read(&mut head).await;
            let _ = stream.write_all(&answer).await;
        });
        format!("http://{address}/")
    }

    #[tokio::test]
    async fn answers_are_read_up_to_a_limit() {
        for (length, kept) in [
            (PROBE_BYTES_MAX, PROBE_BYTES_MAX),
            (PROBE_BYTES_MAX + 1, PROBE_BYTES_MAX),
        ] {
            let mut answer =
                format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n").into_bytes();
            answer.resize(answer.len() + length, b'x');
            let url = answering(answer).await;
            assert_eq!(get(&url).await.unwrap().body.len(), kept);
        }
    }

    #[tokio::test]
    async fn failures_are_told_apart() {
        let ssh = answering(b"SSH-2.0-OpenSSH_9.9\r\n".to_vec()).await;
        assert!(matches!(get(&ssh).await, Err(Unreachable::NotHttp)));
        for no_address in ["nonsense", "ws://127.0.0.1/", "/path"] {
            assert!(matches!(
                get(no_address).await,
                Err(Unreachable::NoAddress(_))
            ));
        }
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        assert!(matches!(
            get(&format!("http://{address}")).await,
            Err(Unreachable::NobodyListens)
        ));
    }
}
