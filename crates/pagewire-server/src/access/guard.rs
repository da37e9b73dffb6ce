//! The layer around every route: decides, says no in words, and adds the headers that browsers want.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, CONTENT_SECURITY_POLICY, ORIGIN,
    UPGRADE, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderName, HeaderValue, Method, StatusCode};

use super::{Denied, Head, Principal, Purpose, Sign};
use crate::entrance::Peer;
use crate::problem::Problem;
use crate::refusals::Refused;
use crate::server::Shared;

const ALLOW_PRIVATE_NETWORK: HeaderName =
    HeaderName::from_static("access-control-allow-private-network");

/// Lets a request in with its [`super::Principal`] as an extension, or answers it.
pub(crate) async fn guard(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response {
    let inner = async |mut request: Request, principal| {
        request.extensions_mut().insert(principal);
        next.run(request).await
    };
    guarded(&shared, request, inner).await
}

/// Lets a request in to `inner`, or answers it.
pub(crate) async fn guarded(
    shared: &Shared,
    request: Request,
    inner: impl AsyncFnOnce(Request, Principal) -> Response,
) -> Response {
    let purpose = purpose(&request);
    let head = Head {
        method: request.method(),
        uri: request.uri(),
        headers: request.headers(),
        version: request.version(),
        peer: request.extensions().get().map(|peer: &Peer| peer.0),
        purpose,
    };
    let decision = shared.access.decide(head);
    let origin = request.headers().get(ORIGIN).cloned();
    let preflight = request.method() == Method::OPTIONS;
    let mut readable = purpose == Purpose::Open;
    let mut response = match decision {
        Ok(_) if preflight => StatusCode::NO_CONTENT.into_response(),
        Ok(principal) => {
            readable |= principal.cross_origin;
            inner(request, principal).await
        }
        Err(denied) => {
            readable |= origin
                .as_ref()
                .and_then(|o| o.to_str().ok())
                .is_some_and(|o| shared.access.may_read_refusals(o));
            let untrusted_proxy = denied == Denied::Outside(Sign::UntrustedProxy);
            let asked = format!("{} {}", request.method(), request.uri().path());
            let refused = Refused::Request {
                denied: denied.clone(),
                purpose,
            };
            shared.facts.refusals.record(refused, &asked);
            let problem = Problem::from(denied);
            let client = shared.access.client(head).map(tracing::field::display);
            tracing::warn!(method = %request.method(), path = request.uri().path(), client, why = %problem, "request refused");
            if untrusted_proxy {
                shared.advise_on_proxies(head.peer);
            }
            problem.into_response()
        }
    };
    add_headers(
        &mut response,
        purpose,
        preflight,
        origin.filter(|_| readable),
    );
    response
}

fn purpose(request: &Request) -> Purpose {
    let (method, path) = (request.method(), request.uri().path());
    match path {
        _ if method == Method::OPTIONS => Purpose::Open,
        "/health" | "/bridge.js" | "/bridge.user.js" => Purpose::Open,
        "/v1/page" => Purpose::Attach,
        "/" if request.headers().contains_key(UPGRADE) => Purpose::PlainPage,
        _ if path.starts_with("/bridge/") => Purpose::Open,
        _ if path.starts_with("/v1/topics") && method == Method::GET => Purpose::ReadTopic,
        _ => Purpose::Other,
    }
}

fn add_headers(
    response: &mut Response<Body>,
    purpose: Purpose,
    preflight: bool,
    reader: Option<HeaderValue>,
) {
    let headers = response.headers_mut();
    let fixed = HeaderValue::from_static;
    // A page's result may claim to be HTML: it must neither be sniffed nor run as a document of the hub.
    headers.insert(X_CONTENT_TYPE_OPTIONS, fixed("nosniff"));
    headers
        .entry(CONTENT_SECURITY_POLICY)
        .or_insert(fixed("sandbox; default-src 'none'"));
    if purpose == Purpose::Open {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, fixed("*"));
    } else {
        headers.append(VARY, fixed("Origin"));
        if let Some(origin) = reader {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(
                ACCESS_CONTROL_EXPOSE_HEADERS,
                fixed("Pagewire-Call, Pagewire-Page, Retry-After, Server-Timing"),
            );
        }
    }
    if preflight {
        headers.insert(
            ACCESS_CONTROL_ALLOW_METHODS,
            fixed("GET, HEAD, POST, DELETE"),
        );
        headers.insert(
            ACCESS_CONTROL_ALLOW_HEADERS,
            fixed("Authorization, Content-Type, Accept, Last-Event-ID, Traceparent"),
        );
        headers.insert(ACCESS_CONTROL_MAX_AGE, fixed("600"));
        headers.insert(ALLOW_PRIVATE_NETWORK, fixed("true"));
    }
}
