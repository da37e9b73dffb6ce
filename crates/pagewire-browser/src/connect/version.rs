//! `GET /json/version`: the debugging port says where its WebSocket is.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Empty, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::TcpStream;

use super::ConnectError;

/// Longest answer that is read, in bytes; Chromium writes about 500.
pub(super) const VERSION_BYTES_MAX: usize = 64 << 10;

#[derive(Deserialize)]
struct Version {
    #[serde(rename = "webSocketDebuggerUrl")]
    url: String,
}

/// The path of the browser's WebSocket. `None` where there is a server that does not know the question: a Chromium whose debugging a person switched on does so.
pub(super) async fn path_of_browser(
    stream: TcpStream,
    address: SocketAddr,
) -> Result<Option<String>, ConnectError> {
    let not_devtools = |got: String| ConnectError::NotDevTools { address, got };
    let response = ask(stream, address)
        .await
        .map_err(|error| not_devtools(format!("no answer in HTTP ({error})")))?;
    match response.status() {
        StatusCode::OK => {}
        StatusCode::NOT_FOUND => return Ok(None),
        status => return Err(not_devtools(format!("HTTP {status}"))),
    }
    let body = Limited::new(response.into_body(), VERSION_BYTES_MAX).collect();
    let body = body.await.map_err(|error| {
        not_devtools(if error.is::<LengthLimitError>() {
            format!("more than {VERSION_BYTES_MAX} bytes")
        } else {
            error.to_string()
        })
    })?;
    // Only the path: behind a forwarded port the browser does not know how it was reached, and what is no browser is not to send us elsewhere.
    serde_json::from_slice::<Version>(&body.to_bytes())
        .ok()
        .and_then(|version| version.url.parse::<Uri>().ok())
        .and_then(|url| Some(url.path_and_query()?.to_string()))
        .map(Some)
        .ok_or_else(|| not_devtools("an answer without webSocketDebuggerUrl".to_owned()))
}

async fn ask(stream: TcpStream, address: SocketAddr) -> hyper::Result<http::Response<Incoming>> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // Ends with the answer's body, since the sender is dropped before.
    tokio::spawn(connection);
    let request = Request::get("/json/version")
        .header(header::HOST, address.to_string())
        .body(Empty::<Bytes>::new())
        .expect("an address is a valid Host");
    sender.send_request(request).await
}
