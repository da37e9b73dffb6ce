//! Asks the site by HTTP: whether the room is live, and for messages where there is no socket.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_LANGUAGE, COOKIE, USER_AGENT};
use http::{HeaderValue, Request};
use http_body_util::{BodyExt as _, Empty, LengthLimitError, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use pagewire_dial::tls::{self, Connector};
use pagewire_live::{Failure, FailureKind, Resume, RoomFacts};

use super::{About, DirectSource, Told};
use crate::signers::Opening;

/// Longest answer of a site to a question or to polling, in bytes. The page of a room has about one million.
pub const ASK_BYTES_MAX: usize = 16 << 20;

/// Asks with GET. It follows no redirection, and goes through no proxy.
pub(super) struct Http {
    client: Client<Connector, Empty<Bytes>>,
    timeout: Duration,
    user_agent: String,
    cookie: String,
}

impl Http {
    pub(super) fn new(source: &DirectSource, timeout_ms: u64) -> Self {
        Self {
            client: Client::builder(TokioExecutor::new()).build(source.connector.clone()),
            timeout: Duration::from_millis(timeout_ms),
            user_agent: source.user_agent.clone(),
            cookie: source.cookie.clone(),
        }
    }

    /// Status and body.
    async fn get(&self, address: &str) -> Result<(u16, Bytes), Failure> {
        match tokio::time::timeout(self.timeout, self.exchange(address)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(failure(FailureKind::TimedOut, "")),
        }
    }

    async fn exchange(&self, address: &str) -> Result<(u16, Bytes), Failure> {
        let request = Request::get(address)
            .header(USER_AGENT, &self.user_agent)
            .header(ACCEPT, "*/*")
            .header(ACCEPT_LANGUAGE, "zh-CN,zh;q=0.9")
            .body(Empty::new());
        let mut request = request.map_err(|error| failure(FailureKind::Other, error))?;
        if !self.cookie.is_empty() {
            let cookie = HeaderValue::try_from(&self.cookie);
            let mut cookie = cookie.map_err(|error| failure(FailureKind::Other, error))?;
            cookie.set_sensitive(true);
            request.headers_mut().insert(COOKIE, cookie);
        }
        let response = self.client.request(request).await;
        let response = response.map_err(|error| match tls::explain(&error) {
            Some(fault) => failure(FailureKind::Tls, fault),
            None => failure(FailureKind::Unreachable, tls::innermost(&error)),
        })?;
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), ASK_BYTES_MAX);
        let body = body.collect().await.map_err(|error| {
            if error.is::<LengthLimitError>() {
                let text = format!("its answer has more than {ASK_BYTES_MAX} bytes");
                return failure(FailureKind::Other, text);
            }
            let why = tls::innermost(&*error);
            failure(FailureKind::Other, format!("its answer broke off: {why}"))
        })?;
        Ok((status, body.to_bytes()))
    }
}

impl About {
    pub(super) async fn ask(&self) -> Told {
        let Some(address) = self.entry.ask_address(&self.room) else {
            let why = "the table of sites does not say where";
            return Told::AskFailed(failure(FailureKind::Other, why));
        };
        match self.http.get(&address).await {
            Ok((status, body)) => {
                let body = String::from_utf8_lossy(&body);
                Told::Answered(self.entry.ask.read(status, &body))
            }
            Err(failure) => Told::AskFailed(failure),
        }
    }

    pub(super) async fn poll(&self, resume: &Resume, facts: &RoomFacts) -> Told {
        let got = async {
            let address = self.fetch_address(resume, facts).await?;
            self.http.get(&address).await
        };
        match got.await {
            Ok((200, body)) => Told::Polled(body),
            Ok((status, _)) => {
                let why = format!("the site answered {status}");
                Told::PollFailed(failure(FailureKind::Other, why))
            }
            Err(failure) => Told::PollFailed(failure),
        }
    }

    /// Signed where somebody signs: whether a site wants that for polling too is its own affair.
    async fn fetch_address(&self, resume: &Resume, facts: &RoomFacts) -> Result<String, Failure> {
        let address = self.entry.fetch_address(&self.room);
        let (Some(address), Some(signing)) = (address, &self.entry.signing) else {
            let why = "the table of sites does not say where to poll";
            return Err(failure(FailureKind::Other, why));
        };
        let request = self.request(signing, &address, resume, facts);
        if self.source.signers.is_none() {
            return Ok(request.address_unsigned());
        }
        match self.sign(&request).await?.opening {
            Opening::Signature(signature) => Ok(request.address_with(signing, &signature.0)),
            Opening::Address { .. } => {
                let why = "the signer gave the address of a socket, and polling needs a signature";
                Err(failure(FailureKind::Signer, why))
            }
        }
    }
}

fn failure(kind: FailureKind, text: impl ToString) -> Failure {
    let text = text.to_string();
    Failure { kind, text }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::extract::Path;
    use axum::routing::get;
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn an_answer_may_be_as_long_as_the_limit_and_not_longer() {
        let of_length = async |Path(bytes): Path<usize>| vec![b'x'; bytes];
        let routes = Router::new().route("/{bytes}", get(of_length));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async { axum::serve(listener, routes).await });
        let http = Http::new(&DirectSource::new(tls::plain_connector()), 60_000);
        let got = |bytes: usize| {
            let url = format!("http://{address}/{bytes}");
            let http = &http;
            async move { http.get(&url).await }
        };
        let (status, body) = got(ASK_BYTES_MAX).await.expect("an answer");
        assert_eq!((status, body.len()), (200, ASK_BYTES_MAX));
        let failure = got(ASK_BYTES_MAX + 1).await.expect_err("too long");
        assert!(failure.text.contains("more than"), "{failure:?}");
    }
}
