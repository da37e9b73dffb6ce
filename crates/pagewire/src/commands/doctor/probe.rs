//! One GET that tells apart why it fails: who listens, and what they speak.

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::HOST;
use http::{HeaderMap, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Time to reach a port. On this machine it takes none; elsewhere a firewall may drop packets without a word.
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
    #[error("{0:?} is no address such as http://127.0.0.1:9999")]
    NoAddress(String),
    #[error("this build speaks http:// only, not {0}://")]
    Scheme(String),
    #[error("nothing listens there")]
    NobodyListens,
    #[error("no connection within 3 s")]
    NoConnection,
    #[error("{0}")]
    Io(io::Error),
    #[error("somebody listens there and says nothing to an HTTP request")]
    Silent,
    #[error("somebody listens there and does not speak HTTP")]
    NotHttp,
}

impl Reply {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// Asks for an address. Follows no redirection and goes through no proxy.
///
/// # Cancel safety
///
/// Dropping the future closes the connection.
pub(crate) async fn get(url: &str, headers: &[(&str, String)]) -> Result<Reply, Unreachable> {
    let no_address = || Unreachable::NoAddress(url.to_owned());
    let uri: Uri = url.parse().map_err(|_| no_address())?;
    let authority = uri.authority().ok_or_else(no_address)?.clone();
    let stream = connect(&uri).await?;
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
async fn connect(uri: &Uri) -> Result<TcpStream, Unreachable> {
    let no_address = || Unreachable::NoAddress(uri.to_string());
    match uri.scheme_str() {
        Some("http") => {}
        Some(scheme) => return Err(Unreachable::Scheme(scheme.to_owned())),
        None => return Err(no_address()),
    }
    let host = uri.host().ok_or_else(no_address)?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let connecting = TcpStream::connect((host, uri.port_u16().unwrap_or(80)));
    match timeout(CONNECT_TIMEOUT, connecting).await {
        Err(_) => Err(Unreachable::NoConnection),
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
            Err(Unreachable::NobodyListens)
        }
        Ok(Err(error)) => Err(Unreachable::Io(error)),
    }
}

async fn exchange(
    stream: TcpStream,
    request: Request<Empty<Bytes>>,
) -> Result<Reply, hyper::Error> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
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
            assert_eq!(get(&url, &[]).await.unwrap().body.len(), kept);
        }
    }

    #[tokio::test]
    async fn failures_are_told_apart() {
        let ssh = answering(b"SSH-2.0-OpenSSH_9.9\r\n".to_vec()).await;
        assert!(matches!(get(&ssh, &[]).await, Err(Unreachable::NotHttp)));
        assert!(matches!(
            get("https://a/", &[]).await,
            Err(Unreachable::Scheme(_))
        ));
        assert!(matches!(
            get("nonsense", &[]).await,
            Err(Unreachable::NoAddress(_))
        ));
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        assert!(matches!(
            get(&format!("http://{address}"), &[]).await,
            Err(Unreachable::NobodyListens)
        ));
    }
}
