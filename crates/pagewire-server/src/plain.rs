//! Pages and programs that know nothing of Pagewire: `GET /` as a WebSocket, and what programs send to them (`docs/protocol.md` §5).

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Extension;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, UPGRADE};
use http::{HeaderMap, Method, StatusCode};
use pagewire_hub::{Attachment, CallRequest, Target};
use pagewire_rpc::{
    ByteValue, FunctionName, GroupName, JsonText, MEDIA_TYPE_DEFAULT, NAME_CHARS_MAX, PLAIN_ASK,
    PLAIN_SEND, PageId, Payload, PlainPage, TopicName,
};
use serde::Deserialize;

use crate::access::Principal;
use crate::calls;
use crate::home;
use crate::problem::{Problem, Words};
use crate::query::{duration, parse_query, read_body};
use crate::server::Shared;
use crate::socket::{PageSocket, sized};
use crate::token;

/// The carrier's name in listings.
const CARRIER: &str = "plain";
/// Stands for the host of a client that has no origin: a program on this machine.
const LOCAL: &str = "local";

/// `GET /`: a WebSocket of the plain pattern, or the status page.
pub(crate) async fn attach_or_show(
    State(shared): State<Arc<Shared>>,
    Extension(principal): Extension<Principal>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    request: Request,
) -> Result<Response, Problem> {
    if request.headers().contains_key(UPGRADE) {
        return attach(&shared, principal, upgrade);
    }
    match *request.method() {
        Method::GET | Method::HEAD => home::page(&shared, &principal),
        _ => Err(Problem::method_not_allowed(request.method(), "/")),
    }
}

fn attach(
    shared: &Arc<Shared>,
    principal: Principal,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let Some(pattern) = &shared.plain else {
        return Err(Problem::not_found(Words::new(
            "the plain pattern is off: start the hub with --plain-page ORIGIN (or --echo), or attach to /v1/page with subprotocol pagewire.v1",
            "普通 WebSocket 模式没有打开：请用 --plain-page ORIGIN（或 --echo）启动 hub，或以子协议 pagewire.v1 接入 /v1/page",
        )));
    };
    let mut upgrade = upgrade.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
    // A browser fails when it offered subprotocols and none is selected; the one that holds a token is all that such a page offers.
    let token = upgrade
        .requested_protocols()
        .find(|offered| {
            offered
                .to_str()
                .is_ok_and(|text| token::from_subprotocol(text).is_some())
        })
        .cloned();
    if let Some(token) = token {
        upgrade.set_selected_protocol(token);
    }
    let source = Source::of(principal.origin.as_deref());
    let page = PlainPage {
        group: source.group,
        url: principal.origin.clone().unwrap_or_default(),
        greeting: pattern.greeting.clone(),
        echo: pattern.echo,
    };
    let attachment = Attachment {
        carrier: CARRIER,
        origin: principal.origin,
        grant: principal.grant,
        scopes: principal.scopes,
        topic: Some(source.topic),
    };
    let upgrade = sized(upgrade, shared.hub.options().link.message_bytes_max);
    let shared = shared.clone();
    Ok(upgrade.on_upgrade(async move |socket| {
        let (origin, grant) = (attachment.origin.clone(), attachment.grant.clone());
        let driven = shared
            .hub
            .drive_plain(PageSocket::new(socket), attachment, page);
        shared
            .facts
            .refusals
            .record_hello(driven.await, origin, grant, "GET /");
    }))
}

/// Group and topic of a plain page.
#[derive(Debug, PartialEq, Eq)]
struct Source {
    group: GroupName,
    topic: TopicName,
}

impl Source {
    /// The host of the origin, with its port where it has one. Characters that a group cannot have become `-`; two origins that thereby come to
    /// the same group do not mix, for a group belongs to one origin.
    fn of(origin: Option<&str>) -> Self {
        let host = origin.map_or(LOCAL, |origin| match origin.split_once("://") {
            Some((scheme, "")) => scheme,
            Some((_, host)) => host,
            None => origin,
        });
        let group: String = format!("plain-{host}")
            .chars()
            .map(|c| if c.is_alphanumeric() { c } else { '-' })
            .take(NAME_CHARS_MAX)
            .collect();
        let local = || TopicName::new("plain/local").expect("a constant of ours is a topic");
        Self {
            group: GroupName::new(&group).expect("letters, digits and '-' make a group name"),
            // An origin that no topic can be named after is longer than any that a browser sends.
            topic: TopicName::new(&format!("plain/{host}")).unwrap_or_else(|_| local()),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SendQuery {
    #[serde(default, deserialize_with = "duration")]
    wait: Option<Duration>,
}

/// `POST /v1/pages/{id}/send`.
pub(crate) async fn send(
    State(shared): State<Arc<Shared>>,
    Extension(principal): Extension<Principal>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let began = Instant::now();
    let page = PageId::new(&id).ok().and_then(|id| shared.hub.page(&id));
    let page = page
        .filter(|page| principal.scopes.may_see(&page.group))
        .ok_or_else(|| Problem::no_such_page(&id))?;
    if page.carrier != CARRIER {
        return Err(Problem::not_found(Words::new(
            format!(
                "page {id} is not a plain page: call its functions, POST /v1/call/{}/…",
                page.group
            ),
            format!(
                "网页 {id} 不是普通 WebSocket 网页：请调用它的函数，POST /v1/call/{}/…",
                page.group
            ),
        )));
    }
    let query: SendQuery = parse_query(request.uri())?;
    let name = query.wait.map_or(PLAIN_SEND, |_| PLAIN_ASK);
    let function = FunctionName::new(name).expect("a constant of ours is a name");
    if !principal.scopes.may_call(&page.group, &function) {
        return Err(Problem::missing_scope(&format!(
            "call:{}/{name}",
            page.group
        )));
    }
    let (parts, body) = request.into_parts();
    let body = read_body(body, shared.hub.options().link.message_bytes_max).await?;
    let call = CallRequest {
        group: page.group,
        function,
        target: Target::Page(page.id),
        arguments: message(&parts.headers, body)?,
        timeout: query
            .wait
            .unwrap_or_else(|| shared.hub.options().timeout_max),
        idempotent: false,
        traceparent: None,
    };
    let answer = shared.hub.call(call).await?;
    if query.wait.is_none() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    Ok(calls::respond(answer, calls::Form::Whole, began))
}

/// The body as the one message: bytes where the content type says so, else text.
fn message(headers: &HeaderMap, body: Bytes) -> Result<Payload, Problem> {
    let media_type = headers.get(CONTENT_TYPE).map(http::HeaderValue::as_bytes);
    if media_type == Some(MEDIA_TYPE_DEFAULT.as_bytes()) {
        return Ok(Payload::Bytes(ByteValue::new(body, None)));
    }
    let text = std::str::from_utf8(&body).map_err(|_| {
        Problem::bad_request(format!(
            "the body is no UTF-8 text; to send a binary message, say Content-Type: {MEDIA_TYPE_DEFAULT}"
        ))
    })?;
    Ok(Payload::Json(JsonText::of_text(text).wrapped_in_array()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_sorted_by_the_host_of_their_origin() {
        let long = format!("https://{}.example", "x".repeat(80));
        for (origin, group, topic) in [
            (None, "plain-local", "plain/local"),
            (
                Some("https://shop.example"),
                "plain-shop-example",
                "plain/shop.example",
            ),
            (
                Some("http://127.0.0.1:8000"),
                "plain-127-0-0-1-8000",
                "plain/127.0.0.1:8000",
            ),
            (Some("file://"), "plain-file", "plain/file"),
            (Some("null"), "plain-null", "plain/null"),
            (
                Some(long.as_str()),
                &format!("plain-{}", "x".repeat(58)),
                &format!("plain/{}.example", "x".repeat(80)),
            ),
        ] {
            let source = Source::of(origin);
            assert_eq!(
                (source.group.as_str(), source.topic.as_str()),
                (group, topic),
                "{origin:?}"
            );
        }
    }
}
