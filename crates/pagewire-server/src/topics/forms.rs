//! A subscription as SSE, NDJSON and WebSocket messages.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::response::{IntoResponse, Response};
use bytes::BufMut as _;
use futures_util::{SinkExt as _, StreamExt as _, stream};
use http::HeaderValue;
use pagewire_hub::{Notice, PassedOver, Record, Subscription};
use pagewire_rpc::Payload;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::calls::stream_headers;
use crate::server::Shared;
use crate::socket::{PAGE_PROTOCOL, close_message, sized};

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

/// Where a subscriber may go on that got nothing for a while, as what its filter passed over is kept no longer than anything else.
fn passed_json(PassedOver { count, cursor }: &PassedOver) -> String {
    json!({"passed": count, "cursor": cursor}).to_string()
}

/// How a stream of bytes writes what it sends.
#[derive(Clone, Copy)]
struct Writing {
    keep_alive: &'static [u8],
    notice: fn(&mut Vec<u8>, &Notice),
    passed: fn(&PassedOver) -> String,
}

pub(super) fn sse(subscription: Subscription, shared: &Shared) -> Response {
    let notice = |chunk: &mut Vec<u8>, notice: &Notice| {
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
    let writing = Writing {
        keep_alive: b":\n\n",
        notice,
        // Without data it is no event, but it is the id to go on from all the same.
        passed: |passed| format!(": passed {}\nid: {}\n\n", passed.count, passed.cursor),
    };
    let chunks = chunks(subscription, shared, writing);
    stream_response("text/event-stream", chunks)
}

pub(super) fn nd_json(subscription: Subscription, shared: &Shared) -> Response {
    let writing = Writing {
        keep_alive: b"\n",
        notice: |chunk, notice| {
            chunk.put_slice(&json(notice));
            chunk.put_u8(b'\n');
        },
        passed: |passed| passed_json(passed) + "\n",
    };
    let chunks = chunks(subscription, shared, writing);
    stream_response("application/x-ndjson", chunks)
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
    shared: &Shared,
    writing: Writing,
) -> impl stream::Stream<Item = Bytes> + use<> {
    let (closing, keep_alive) = (shared.closing.clone(), shared.keep_alive);
    // The first chunk goes out at once: a subscriber knows that it is one before the first value.
    let hello = stream::once(std::future::ready(Bytes::from_static(writing.keep_alive)));
    hello.chain(stream::unfold(
        (subscription, closing),
        move |(mut subscription, closing)| async move {
            let next = tokio::select! {
                notice = tokio::time::timeout(keep_alive, subscription.next()) => notice,
                () = closing.cancelled() => return None,
            };
            let Ok(notice) = next else {
                let sign = match subscription.take_passed_over() {
                    Some(passed) => (writing.passed)(&passed).into(),
                    None => Bytes::from_static(writing.keep_alive),
                };
                return Some((sign, (subscription, closing)));
            };
            let mut chunk = Vec::new();
            (writing.notice)(&mut chunk, &notice?);
            while chunk.len() < CHUNK_BYTES
                && let Some(notice) = subscription.next_ready()
            {
                (writing.notice)(&mut chunk, &notice);
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
    let (closing, keep_alive) = (shared.closing.clone(), shared.keep_alive);
    sized(upgrade, IGNORED_BYTES_MAX)
        .on_upgrade(move |socket| serve(socket, subscription, closing, keep_alive))
}

async fn serve(
    mut socket: WebSocket,
    mut subscription: Subscription,
    closing: CancellationToken,
    keep_alive: Duration,
) {
    let (code, reason) = loop {
        let message = tokio::select! {
            notice = tokio::time::timeout(keep_alive, subscription.next()) => match notice {
                Ok(Some(notice)) => message(&notice),
                Ok(None) => break (4429, "too slow"),
                Err(_) => match subscription.take_passed_over() {
                    Some(passed) => Message::text(passed_json(&passed)),
                    None => Message::Ping(Bytes::new()),
                },
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
