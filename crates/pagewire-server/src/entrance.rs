//! What happens to a request before it is routed: the public address's path is taken off, and the peer is noted where it matters.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::IpAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::future::RouteFuture;
use axum::serve::IncomingStream;
use futures_util::future::{BoxFuture, Either};
use http::Uri;
use http::uri::PathAndQuery;
use tower_service::Service;

use crate::access::{guarded, is_forwarded};
use crate::calls;
use crate::listener::LimitedListener;
use crate::server::Shared;

/// The other end of the connection. Not noted for requests that come straight from this machine: they are the hot path.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// Makes the [`Entrance`] of each connection.
#[derive(Debug, Clone)]
pub(crate) struct Entrances {
    pub(crate) router: Router,
    pub(crate) shared: Arc<Shared>,
}

impl Service<IncomingStream<'_, LimitedListener>> for Entrances {
    type Response = Entrance;
    type Error = Infallible;
    type Future = Ready<Result<Entrance, Infallible>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, connection: IncomingStream<'_, LimitedListener>) -> Self::Future {
        ready(Ok(Entrance {
            router: self.router.clone(),
            shared: self.shared.clone(),
            // A socket of `[::]` names IPv4 peers as IPv6.
            peer: connection.remote_addr().ip().to_canonical(),
        }))
    }
}

/// The routes as one connection reaches them.
#[derive(Debug, Clone)]
pub(crate) struct Entrance {
    router: Router,
    shared: Arc<Shared>,
    peer: IpAddr,
}

impl Service<Request> for Entrance {
    type Response = Response;
    type Error = Infallible;
    type Future = Either<RouteFuture<Infallible>, BoxFuture<'static, Result<Response, Infallible>>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        if !self.peer.is_loopback() || is_forwarded(request.headers()) {
            request.extensions_mut().insert(Peer(self.peer));
        }
        let public = self.shared.access.public_url.as_ref();
        if let Some(uri) = public.and_then(|url| without_prefix(request.uri(), url.path())) {
            *request.uri_mut() = uri;
        }
        if !calls::is_call(&request) {
            return Either::Left(self.router.call(request));
        }
        let shared = self.shared.clone();
        Either::Right(Box::pin(async move {
            let call = async |request, principal| {
                calls::call(&shared, principal, request)
                    .await
                    .unwrap_or_else(IntoResponse::into_response)
            };
            Ok(guarded(&shared, request, call).await)
        }))
    }
}

/// The address without the prefix; none where it does not begin with it, as when a proxy has taken it off.
fn without_prefix(uri: &Uri, prefix: &str) -> Option<Uri> {
    if prefix.is_empty() {
        return None;
    }
    let rest = uri.path_and_query()?.as_str().strip_prefix(prefix)?;
    let path = match rest.as_bytes().first() {
        Some(b'/') => PathAndQuery::try_from(rest),
        None | Some(b'?') => PathAndQuery::try_from(format!("/{rest}")),
        Some(_) => return None,
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path.ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_taken_off_whole_segments_only() {
        for (uri, served) in [
            ("/hub/v1/pages?a=/hub/b", Some("/v1/pages?a=/hub/b")),
            ("/hub", Some("/")),
            ("/hub/", Some("/")),
            ("/hub?a", Some("/?a")),
            ("/hub/hub/x", Some("/hub/x")),
            ("http://shop.example/hub/x", Some("http://shop.example/x")),
            ("/hubs/x", None),
            ("/x/hub", None),
            ("/v1/pages", None),
            ("*", None),
        ] {
            let uri: Uri = uri.parse().expect("an address");
            let served = served.map(|text| text.parse::<Uri>().expect("an address"));
            assert_eq!(without_prefix(&uri, "/hub"), served, "{uri}");
        }
        let uri = Uri::from_static("/x");
        assert_eq!(without_prefix(&uri, ""), None);
    }
}
