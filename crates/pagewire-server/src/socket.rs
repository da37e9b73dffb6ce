//! The page socket: a WebSocket as a carrier of the hub. The only file that knows the WebSocket library.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::Extension;
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use futures_util::{Sink, Stream};
use http::HeaderValue;
use pagewire_hub::{Attachment, CarrierError, Outbound};
use pagewire_rpc::{Frame, Input};
use tokio_tungstenite::tungstenite;

use crate::access::Principal;
use crate::problem::Problem;
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
) -> Result<Response, Problem> {
    let mut upgrade = upgrade.map_err(|rejection| {
        Problem::bad_request(format!(
            "this address takes WebSocket connections of pages: {}",
            rejection.body_text()
        ))
    })?;
    if !upgrade
        .requested_protocols()
        .any(|offered| offered == PAGE_PROTOCOL)
    {
        return Err(Problem::bad_request(format!(
            "subprotocol {PAGE_PROTOCOL} must be offered"
        )));
    }
    upgrade.set_selected_protocol(HeaderValue::from_static(PAGE_PROTOCOL));
    let attachment = Attachment {
        carrier: "ws",
        origin: principal.origin,
        grant: principal.grant,
        scopes: principal.scopes,
        topic: None,
    };
    let upgrade = sized(upgrade, shared.hub.options().link.message_bytes_max);
    Ok(upgrade
        .on_upgrade(async move |socket| drive(&shared, PageSocket::new(socket), attachment).await))
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
    let inner = error.into_inner();
    match inner.downcast_ref::<tungstenite::Error>() {
        Some(tungstenite::Error::Capacity(_)) => CarrierError::TooLarge,
        Some(_) | None => CarrierError::Broken(inner),
    }
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
