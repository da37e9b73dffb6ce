//! Requests with GET, and where they lead.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_LANGUAGE, COOKIE, LOCATION, USER_AGENT};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Empty, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use pagewire_dial::tls::{self, Connector};
use pagewire_live::{Failure, FailureKind};

use super::DirectSource;
use super::redirect::next_address;

/// Longest answer of a site to a question or to polling, in bytes. The page of a room has about one million.
pub const ASK_BYTES_MAX: usize = 16 << 20;
/// Redirections that are followed one after the other, of a question and of a short link. One more is a failure.
pub const REDIRECTS_MAX: usize = 5;

/// Asks with GET. It goes through no proxy.
pub(in crate::watch) struct Http {
    client: Client<Connector, Empty<Bytes>>,
    timeout: Duration,
    user_agent: String,
    cookie: String,
}

/// An answer that leads nowhere else.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Bytes,
    /// Whose answer it is, after redirections.
    pub(super) address: String,
}

impl Http {
    pub(in crate::watch) fn new(source: &DirectSource, timeout_ms: u64) -> Self {
        Self {
            client: Client::builder(TokioExecutor::new()).build(source.connector.clone()),
            timeout: Duration::from_millis(timeout_ms),
            user_agent: source.user_agent.clone(),
            cookie: source.cookie.clone(),
        }
    }

    /// What is there in the end. The user's cookies go to the host of `address`, and elsewhere only where `is_own` says that it is the site's too.
    pub(super) async fn get(
        &self,
        address: &str,
        is_own: impl Fn(&str) -> bool,
    ) -> Result<Answer, Failure> {
        let answered = async {
            let first = parsed(address)?;
            let gets_cookie =
                |uri: &Uri| uri.authority() == first.authority() || is_own(&uri.to_string());
            let mut uri = first.clone();
            for _ in 0..=REDIRECTS_MAX {
                let cookie = if gets_cookie(&uri) { &*self.cookie } else { "" };
                let response = self.request(&uri, cookie).await?;
                match led_on(&uri, &response)? {
                    Some(next) => uri = next,
                    None => return whole(uri, response).await,
                }
            }
            Err(too_many())
        };
        self.in_time(answered).await
    }

    /// Follows redirections up to an address that is what somebody looks for, which is not asked itself. None where the last one is not.
    ///
    /// # Errors
    ///
    /// It cannot be asked, or there are too many.
    pub(in crate::watch) async fn follow<T>(
        &self,
        address: &str,
        mut look: impl FnMut(&str) -> Option<T>,
    ) -> Result<Result<T, String>, Failure> {
        let followed = async {
            let mut uri = parsed(address)?;
            for times in 0..=REDIRECTS_MAX {
                let response = self.request(&uri, "").await?;
                let Some(next) = led_on(&uri, &response)? else {
                    return Ok(Err(uri.to_string()));
                };
                uri = next;
                if times < REDIRECTS_MAX
                    && let Some(found) = look(&uri.to_string())
                {
                    return Ok(Ok(found));
                }
            }
            Err(too_many())
        };
        self.in_time(followed).await
    }

    async fn in_time<T>(
        &self,
        done: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        match tokio::time::timeout(self.timeout, done).await {
            Ok(outcome) => outcome,
            Err(_) => Err(failure(FailureKind::TimedOut, "")),
        }
    }

    async fn request(&self, uri: &Uri, cookie: &str) -> Result<Response<Incoming>, Failure> {
        let request = Request::get(uri)
            .header(USER_AGENT, &self.user_agent)
            .header(ACCEPT, "*/*")
            .header(ACCEPT_LANGUAGE, "zh-CN,zh;q=0.9")
            .body(Empty::new());
        let mut request = request.map_err(|error| failure(FailureKind::Other, error))?;
        if !cookie.is_empty() {
            let cookie = HeaderValue::try_from(cookie);
            let mut cookie = cookie.map_err(|error| failure(FailureKind::Other, error))?;
            cookie.set_sensitive(true);
            request.headers_mut().insert(COOKIE, cookie);
        }
        let response = self.client.request(request).await;
        response.map_err(|error| match tls::explain(&error) {
            Some(fault) => failure(FailureKind::Tls, fault),
            None => failure(FailureKind::Unreachable, tls::innermost(&error)),
        })
    }
}

fn parsed(address: &str) -> Result<Uri, Failure> {
    address
        .parse()
        .map_err(|error| failure(FailureKind::Other, format!("it is no address: {error}")))
}

/// Where an answer leads; none where it is the last one.
fn led_on(from: &Uri, response: &Response<Incoming>) -> Result<Option<Uri>, Failure> {
    let (status, headers): (_, &HeaderMap) = (response.status(), response.headers());
    let leads_on = matches!(
        status,
        StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::SEE_OTHER
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT
    );
    let Some(location) = headers.get(LOCATION).filter(|_| leads_on) else {
        return Ok(None);
    };
    match next_address(from, location.as_bytes()) {
        Ok(next) => Ok(Some(next)),
        Err(why) => Err(failure(FailureKind::Other, why)),
    }
}

async fn whole(uri: Uri, response: Response<Incoming>) -> Result<Answer, Failure> {
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
    Ok(Answer {
        status,
        body: body.to_bytes(),
        address: uri.to_string(),
    })
}

fn too_many() -> Failure {
    let text = format!("it redirects more than {REDIRECTS_MAX} times");
    failure(FailureKind::Other, text)
}

pub(in crate::watch) fn failure(kind: FailureKind, text: impl ToString) -> Failure {
    let text = text.to_string();
    Failure { kind, text }
}

#[cfg(test)]
mod tests;
