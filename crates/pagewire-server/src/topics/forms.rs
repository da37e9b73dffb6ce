//! A subscription as SSE, NDJSON and WebSocket messages.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::response::{IntoResponse, Response};
use bytes::BufMut as _;
use futures_util::{SinkExt as _, StreamExt as _, stream};
use http::HeaderValue;
use pagewire_hub::{Notice, Record, Subscription};
use pagewire_rpc::Payload;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::calls::stream_headers;
use crate::server::Shared;
use crate::socket::{PAGE_PROTOCOL, close_message, sized};

/// A sign of life when nothing else comes, so that either side notices a dead connection.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Longest message that a subscriber may send; all are ignored.
const IGNORED_BYTES_MAX: usize = 4 << 10;
/// Records that are ready at once go into one chunk up to this size.
const CHUNK_BYTES: usize = 64 << 10;

/// A record or gap as JSON on one line.
pub(super) fn json(notice: &Notice) -> Bytes {
    match notice {
        Notice::Value(record) => record.json(),
        Notice::Gap {
            lost: Some(lost),
            next_seq,
        } => json!({"gap": {"lost": lost, "seq": next_seq}})
            .to_string()
            .into(),
        Notice::Gap {
            lost: None,
            next_seq,
        } => json!({"gap": {"reset": true, "seq": next_seq}})
            .to_string()
            .into(),
    }
}

pub(super) fn sse(subscription: Subscription, shared: &Shared) -> Response {
    let write = |chunk: &mut Vec<u8>, notice: &Notice| {
        match notice {
            Notice::Value(record) => {
                chunk.put_slice(format!("id: {}\n", record.cursor()).as_bytes())
            }
            Notice::Gap { .. } => chunk.put_slice(b"event: gap\n"),
        }
        chunk.put_slice(b"data: ");
        chunk.put_slice(&json(notice));
        chunk.put_slice(b"\n\n");
    };
    stream_response(
        "text/event-stream",
        chunks(subscription, shared.closing.clone(), b":\n\n", write),
    )
}

pub(super) fn nd_json(subscription: Subscription, shared: &Shared) -> Response {
    let write = |chunk: &mut Vec<u8>, notice: &Notice| {
        chunk.put_slice(&json(notice));
        chunk.put_u8(b'\n');
    };
    stream_response(
        "application/x-ndjson",
        chunks(subscription, shared.closing.clone(), b"\n", write),
    )
}

fn stream_response(
    media_type: &'static str,
    chunks: impl stream::Stream<Item = Bytes> + Send + 'static,
) -> Response {
    (
        stream_headers(media_type),
        Body::from_stream(chunks.map(Ok::<_, std::convert::Infallible>)),
    )
        .into_response()
}

fn chunks(
    subscription: Subscription,
    closing: CancellationToken,
    keep_alive: &'static [u8],
    write: fn(&mut Vec<u8>, &Notice),
) -> impl stream::Stream<Item = Bytes> {
    // The first chunk goes out at once: a subscriber knows that it is one before the first value.
    let hello = stream::once(std::future::ready(Bytes::from_static(keep_alive)));
    hello.chain(stream::unfold(
        (subscription, closing),
        move |(mut subscription, closing)| async move {
            let next = tokio::select! {
                notice = tokio::time::timeout(KEEP_ALIVE, subscription.next()) => notice,
                () = closing.cancelled() => return None,
            };
            let Ok(notice) = next else {
                return Some((Bytes::from_static(keep_alive), (subscription, closing)));
            };
            let mut chunk = Vec::new();
            write(&mut chunk, &notice?);
            while chunk.len() < CHUNK_BYTES
                && let Some(notice) = subscription.next_ready()
            {
                write(&mut chunk, &notice);
            }
            Some((chunk.into(), (subscription, closing)))
        },
    ))
}

pub(super) fn web_socket(
    mut upgrade: WebSocketUpgrade,
    subscription: Subscription,
    shared: &Shared,
) -> Response {
    // A browser that sends its token as a subprotocol offers this one too, and fails when none is selected.
    if upgrade
        .requested_protocols()
        .any(|offered| offered == PAGE_PROTOCOL)
    {
        upgrade.set_selected_protocol(HeaderValue::from_static(PAGE_PROTOCOL));
    }
    let closing = shared.closing.clone();
    sized(upgrade, IGNORED_BYTES_MAX).on_upgrade(move |socket| serve(socket, subscription, closing))
}

async fn serve(mut socket: WebSocket, mut subscription: Subscription, closing: CancellationToken) {
    let (code, reason) = loop {
        let message = tokio::select! {
            notice = tokio::time::timeout(KEEP_ALIVE, subscription.next()) => match notice {
                Ok(Some(notice)) => message(&notice),
                Ok(None) => break (4429, "too slow"),
                Err(_) => Message::Ping(Bytes::new()),
            },
            input = socket.recv() => match input {
                Some(Ok(_)) => continue,
                Some(Err(_)) | None => return,
            },
            () = closing.cancelled() => break (1001, "shutdown"),
        };
        // While this waits for a slow reader the topic goes on; the subscription tells the gap.
        if send_ready(&mut socket, message, &mut subscription)
            .await
            .is_err()
        {
            return;
        }
    };
    // The peer may be gone already, which ends the subscription just as well.
    let _ = socket.send(close_message(code, reason)).await;
}

/// Sends a message, and with it the records that are ready: one write for many small ones.
async fn send_ready(
    socket: &mut WebSocket,
    first: Message,
    subscription: &mut Subscription,
) -> Result<(), axum::Error> {
    let mut bytes = 0;
    let mut next = Some(first);
    while let Some(message) = next {
        bytes += match &message {
            Message::Text(text) => text.len(),
            Message::Binary(data) => data.len(),
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) => 0,
        };
        socket.feed(message).await?;
        next = None;
        if bytes < CHUNK_BYTES {
            next = subscription
                .next_ready()
                .map(|notice| self::message(&notice));
        }
    }
    socket.flush().await
}

fn message(notice: &Notice) -> Message {
    if let Notice::Value(record) = notice
        && let Payload::Bytes(value) = &record.value
    {
        return Message::Binary(binary(record, &value.data));
    }
    // Records are valid UTF-8 by construction.
    Message::Text(Utf8Bytes::try_from(json(notice)).unwrap_or_default())
}

/// Header and bytes as in `docs/protocol.md` §1.2.
fn binary(record: &Record, data: &Bytes) -> Bytes {
    let head = record.json_head();
    let length =
        u16::try_from(head.len()).expect("cursors and media types are far shorter than 64 KiB");
    [&length.to_be_bytes(), head.as_bytes(), data]
        .concat()
        .into()
}
