//! The page socket: a WebSocket as a carrier of the hub. The only file that knows the WebSocket library.

use std::error::Error as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::Extension;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::extract::{Request, State};
use axum::response::Response;
use futures_util::{Sink, Stream};
use http::{HeaderMap, HeaderValue};
use pagewire_hub::{Attachment, CarrierError, Grant, Outbound, Scope, Scopes};
use pagewire_rpc::{Frame, GroupName, Input};
use serde::Deserialize;
use tokio_tungstenite::tungstenite;

use crate::access::{Origin, Principal, is_from_browser};
use crate::problem::{Problem, Words};
use crate::query::parse_query;
use crate::server::Shared;

/// The subprotocol of a page link.
pub(crate) const PAGE_PROTOCOL: &str = "pagewire.v1";
/// Read buffer of one connection, in bytes. Every idle page holds one; the library's own default is 128 KiB.
const READ_BUFFER_BYTES: usize = 3 << 10;
/// Most that a close frame's reason holds, in bytes (RFC 6455 §5.5).
const CLOSE_REASON_BYTES_MAX: usize = 123;

/// `GET /v1/page`.
pub(crate) async fn attach(
    State(shared): State<Arc<Shared>>,
    Extension(principal): Extension<Principal>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let mut upgrade = upgrade.map_err(|rejection| {
        Problem::bad_request(format!(
            "this address takes WebSocket connections of pages: {}",
            rejection.body_text()
        ))
    })?;
    select_protocol(&mut upgrade)?;
    let query: AttachQuery = parse_query(request.uri())?;
    let attachment = match query.carrier()? {
        Carrier::Ws => Attachment {
            carrier: "ws",
            origin: principal.origin,
            grant: principal.grant,
            scopes: principal.scopes,
            topic: None,
        },
        Carrier::Cdp(group, origin) => relayed(request.headers(), &principal, &group, origin)?,
    };
    let upgrade = sized(upgrade, shared.hub.options().link.message_bytes_max);
    Ok(upgrade
        .on_upgrade(async move |socket| drive(&shared, PageSocket::new(socket), attachment).await))
}

/// Selects the subprotocol of section 1.1, which must be offered.
pub(crate) fn select_protocol(upgrade: &mut WebSocketUpgrade) -> Result<(), Problem> {
    let is_offered = upgrade
        .requested_protocols()
        .any(|offered| offered == PAGE_PROTOCOL);
    if !is_offered {
        return Err(Problem::bad_request(format!(
            "subprotocol {PAGE_PROTOCOL} must be offered"
        )));
    }
    upgrade.set_selected_protocol(HeaderValue::from_static(PAGE_PROTOCOL));
    Ok(())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AttachQuery {
    carrier: Option<String>,
    group: Option<GroupName>,
    origin: Option<Origin>,
}

/// Who moves the messages of the page that attaches.
enum Carrier {
    /// The page itself.
    Ws,
    /// A program that reaches the page through the browser's DevTools protocol; the group of the page, and its origin, if it has one.
    Cdp(GroupName, Option<Origin>),
}

impl AttachQuery {
    fn carrier(self) -> Result<Carrier, Problem> {
        match (self.carrier.as_deref(), self.group, self.origin) {
            (None, None, None) => Ok(Carrier::Ws),
            (Some("cdp"), Some(group), origin) => Ok(Carrier::Cdp(group, origin)),
            (Some("cdp"), None, _) => Err(Problem::bad_request(
                "carrier=cdp needs group=NAME, the one group that the page may join",
            )),
            (Some(other), _, _) => Err(Problem::bad_request(format!(
                "carrier {other:?} is not known: carrier=cdp is for pages that are attached through DevTools; pages themselves leave it out"
            ))),
            (None, _, _) => Err(Problem::bad_request(
                "group and origin go with carrier=cdp: where a page attaches by itself, its browser says its origin",
            )),
        }
    }
}

/// A page that a program attaches in place of its browser. Whatever that program may do, the messages are those of a page that is not
/// trusted, so the link may do nothing but join.
fn relayed(
    headers: &HeaderMap,
    principal: &Principal,
    group: &GroupName,
    origin: Option<Origin>,
) -> Result<Attachment, Problem> {
    if is_from_browser(headers) {
        return Err(Problem::forbidden(Words::new(
            "carrier=cdp is for programs: a page says its origin by its browser, so leave carrier out",
            "carrier=cdp 只供程序使用：网页的来源由浏览器说明，请去掉 carrier",
        )));
    }
    if principal.grant == Grant::Token && !principal.scopes.may_attach(group) {
        return Err(Problem::missing_scope(&format!("attach:{group}")));
    }
    Ok(Attachment {
        carrier: "cdp",
        origin: origin.map(|origin| origin.to_string()),
        grant: Grant::Token,
        scopes: Scopes::new(vec![Scope::attach(group)]),
        topic: None,
    })
}

async fn drive(shared: &Shared, socket: PageSocket, attachment: Attachment) {
    let (origin, grant) = (attachment.origin.clone(), attachment.grant.clone());
    let turned_away = shared.hub.drive(socket, attachment).await;
    let refusals = &shared.facts.refusals;
    refusals.record_hello(turned_away, origin, grant, "GET /v1/page");
}

/// Sets the sizes of a WebSocket. Frames may be as long as messages.
pub(crate) fn sized(upgrade: WebSocketUpgrade, message_bytes_max: usize) -> WebSocketUpgrade {
    upgrade
        .read_buffer_size(READ_BUFFER_BYTES)
        .max_message_size(message_bytes_max)
        .max_frame_size(message_bytes_max)
}

/// A close message whose reason fits into a close frame.
pub(crate) fn close_message(code: u16, reason: &str) -> Message {
    let end = reason.floor_char_boundary(CLOSE_REASON_BYTES_MAX);
    Message::Close(Some(CloseFrame {
        code,
        reason: reason[..end].into(),
    }))
}

pub(crate) struct PageSocket(WebSocket);

impl PageSocket {
    pub(crate) fn new(socket: WebSocket) -> Self {
        Self(socket)
    }
}

impl Stream for PageSocket {
    type Item = Result<Input, CarrierError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let message = match ready!(Pin::new(&mut self.0).poll_next(context)) {
            None => return Poll::Ready(None),
            Some(Err(error)) => return Poll::Ready(Some(Err(carrier_error(error)))),
            Some(Ok(message)) => message,
        };
        Poll::Ready(match message {
            Message::Text(text) => Some(Ok(Input::Frame(Frame::Text(text.into())))),
            Message::Binary(bytes) => Some(Ok(Input::Frame(Frame::Binary(bytes)))),
            Message::Ping(_) | Message::Pong(_) => Some(Ok(Input::Alive)),
            Message::Close(_) => None,
        })
    }
}

impl Sink<Outbound> for PageSocket {
    type Error = CarrierError;

    fn poll_ready(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), CarrierError>> {
        Pin::new(&mut self.0)
            .poll_ready(context)
            .map_err(carrier_error)
    }

    fn start_send(mut self: Pin<&mut Self>, outbound: Outbound) -> Result<(), CarrierError> {
        let message = match outbound {
            Outbound::Frame(Frame::Text(text)) => Message::Text(
                Utf8Bytes::try_from(text).map_err(|error| CarrierError::Broken(error.into()))?,
            ),
            Outbound::Frame(Frame::Binary(bytes)) => Message::Binary(bytes),
            Outbound::Ping => Message::Ping(bytes::Bytes::new()),
            Outbound::Close { code, reason } => close_message(code, &reason),
        };
        Pin::new(&mut self.0)
            .start_send(message)
            .map_err(carrier_error)
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), CarrierError>> {
        Pin::new(&mut self.0)
            .poll_flush(context)
            .map_err(carrier_error)
    }

    fn poll_close(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), CarrierError>> {
        Pin::new(&mut self.0)
            .poll_close(context)
            .map_err(carrier_error)
    }
}

fn carrier_error(error: axum::Error) -> CarrierError {
    if is_too_large(&error) {
        CarrierError::TooLarge
    } else {
        CarrierError::Broken(error.into_inner())
    }
}

/// True where the peer sent a longer message than the socket takes. It can still be told goodbye.
pub(crate) fn is_too_large(error: &axum::Error) -> bool {
    let mut source = error.source();
    std::iter::from_fn(|| {
        let error = source?;
        source = error.source();
        Some(error)
    })
    .filter_map(|error| error.downcast_ref::<tungstenite::Error>())
    .any(|error| matches!(error, tungstenite::Error::Capacity(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_reasons_are_cut_at_what_a_close_frame_holds() {
        for (length, kept) in [(123, 123), (124, 123)] {
            let Message::Close(Some(frame)) = close_message(4400, &"x".repeat(length)) else {
                unreachable!("it is a close message");
            };
            assert_eq!(frame.reason.len(), kept);
        }
        // A character is not cut in two.
        let Message::Close(Some(frame)) = close_message(4400, &"价".repeat(42)) else {
            unreachable!("it is a close message");
        };
        assert_eq!(frame.reason.as_str(), "价".repeat(41));
    }
}
