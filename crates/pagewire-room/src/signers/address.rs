//! `http://…` and `https://…`: a server that is sent the request with POST.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use http::{Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use pagewire_dial::tls::{self, Connector};
use pagewire_live::{SIGN_ANSWER_BYTES_MAX, SignRequest};
use tokio::time::timeout;

use super::error::{SignError, WORDS_CHARS_MAX, excerpt};

/// Asks a server. It follows no redirection and goes through no proxy.
#[derive(Debug)]
pub(super) struct AddressSigner {
    pub(super) uri: Uri,
    pub(super) client: Client<Connector, Full<Bytes>>,
    pub(super) timeout: Duration,
}

impl AddressSigner {
    pub(super) fn new(uri: Uri, connector: Connector, timeout: Duration) -> Self {
        Self {
            uri,
            client: Client::builder(TokioExecutor::new()).build(connector),
            timeout,
        }
    }

    /// # Cancel safety
    ///
    /// Dropping the future closes the connection.
    pub(super) async fn ask(&self, request: &SignRequest) -> Result<Bytes, SignError> {
        let asked = timeout(self.timeout, self.exchange(request)).await;
        asked.unwrap_or(Err(SignError::Slow(self.timeout)))
    }

    async fn exchange(&self, request: &SignRequest) -> Result<Bytes, SignError> {
        let unreachable = |why: String| SignError::Unreachable(why);
        let request = Request::post(&self.uri)
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, concat!("pagewire/", env!("CARGO_PKG_VERSION")))
            .body(Full::new(Bytes::from(request.json())))
            .map_err(|error| unreachable(error.to_string()))?;
        let response = self.client.request(request).await.map_err(|error| {
            let fault = tls::explain(&error).map(|fault| fault.to_string());
            unreachable(fault.unwrap_or_else(|| tls::innermost(&error)))
        })?;
        if response.status() == StatusCode::OK {
            whole(response).await
        } else {
            Err(refused(response).await)
        }
    }
}

/// The body, or what is wrong with it.
async fn whole(response: Response<Incoming>) -> Result<Bytes, SignError> {
    let body = Limited::new(response.into_body(), SIGN_ANSWER_BYTES_MAX);
    match body.collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(SignError::TooLong {
            limit: SIGN_ANSWER_BYTES_MAX,
        }),
        Err(error) => Err(SignError::Unreachable(format!(
            "its answer broke off: {}",
            tls::innermost(&*error)
        ))),
    }
}

async fn refused(response: Response<Incoming>) -> SignError {
    let status = response.status();
    let body = Limited::new(response.into_body(), SIGN_ANSWER_BYTES_MAX)
        .collect()
        .await;
    let body = body.map(|body| body.to_bytes()).unwrap_or_default();
    SignError::Status {
        status: status.to_string(),
        advice: advice(status),
        body: excerpt(String::from_utf8_lossy(&body).trim(), WORDS_CHARS_MAX),
    }
}

fn advice(status: StatusCode) -> &'static str {
    match status.as_u16() {
        201..=299 => "a signer answers 200 with JSON",
        300..=399 => "redirections are not followed; name the address that it leads to",
        401 | 403 => "does it want a key in the address?",
        404 | 405 => "is the path right, and does it take POST?",
        408 | 429 => "it is asked again later",
        500.. => "something is wrong at its end",
        _ => "does it take JSON with POST?",
    }
}
