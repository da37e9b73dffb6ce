//! The two halves of a handshake.
#![no_main]

use std::fmt::Write as _;

use pagewire_codec::{
    WS_HEAD_BYTES_MAX, WS_HEADERS_MAX, WsDeviation, WsHead, WsHeadKind, accept_of, check_accept,
    check_heads, ws_head,
};
use pagewire_fuzz::{check_error, json_of};

pagewire_fuzz::target!(check, seeds: seeds());

/// A request, and the response behind it.
fn check(stream: &[u8]) {
    let Some(request) = check_head(stream) else {
        return;
    };
    check_key(&request);
    let Some(response) = check_head(&stream[request.bytes..]) else {
        return;
    };
    let deviations = check_heads(&request, &response);
    assert!(
        deviations
            .iter()
            .all(|deviation| deviation.section().starts_with("RFC "))
    );
    let accepts = check_heads(&request, &with_accept(&request, response));
    assert!(!accepts.contains(&WsDeviation::AcceptDoesNotFit));
}

fn check_head(stream: &[u8]) -> Option<WsHead> {
    let head = match ws_head(stream) {
        Err(error) => {
            check_error(&error, stream.len());
            return None;
        }
        Ok(None) => {
            assert!(!stream.first().is_some_and(u8::is_ascii_uppercase));
            return None;
        }
        Ok(Some(head)) => head,
    };
    assert!(head.bytes <= stream.len().min(WS_HEAD_BYTES_MAX));
    assert!(head.fields.len() <= WS_HEADERS_MAX);
    assert!(json_of(&head)["deviations"].is_array());
    // It is the same without what follows, and when it is written again.
    assert_eq!(ws_head(&stream[..head.bytes]), Ok(Some(head.clone())));
    let written = write(&head);
    let again = ws_head(written.as_bytes())
        .expect("a head")
        .expect("a head");
    assert_eq!(again.bytes, written.len());
    assert_eq!(
        WsHead {
            bytes: head.bytes,
            ..again
        },
        head
    );
    Some(head)
}

fn write(head: &WsHead) -> String {
    let minor = head.http_minor;
    let mut text = match &head.kind {
        WsHeadKind::Request { method, path } => format!("{method} {path} HTTP/1.{minor}\r\n"),
        WsHeadKind::Response { status } => format!("HTTP/1.{minor} {status:03} \r\n"),
    };
    for (name, value) in &head.fields {
        write!(text, "{name}: {value}\r\n").expect("memory");
    }
    text + "\r\n"
}

fn check_key(request: &WsHead) {
    let key = request
        .values("sec-websocket-key")
        .next()
        .unwrap_or_default();
    let deviations = check_accept(key, &accept_of(key));
    assert!(!deviations.contains(&WsDeviation::AcceptDoesNotFit));
    let is_request = matches!(request.kind, WsHeadKind::Request { .. });
    let has_key = request.values("Sec-WebSocket-Key").next().is_some();
    let is_told = request
        .deviations
        .contains(&WsDeviation::KeyNotSixteenBytes);
    assert_eq!(is_told, is_request && has_key && !deviations.is_empty());
}

/// With the accept that fits.
fn with_accept(request: &WsHead, mut response: WsHead) -> WsHead {
    if let Some(key) = request.values("Sec-WebSocket-Key").next() {
        response
            .fields
            .insert(0, ("Sec-WebSocket-Accept".to_owned(), accept_of(key)));
    }
    response
}

fn seeds() -> Vec<Vec<u8>> {
    let request = "GET /chat?a=1 HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://example.com\r\nSec-WebSocket-Protocol: chat, superchat\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n";
    let response = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: upgrade\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
    let refused = "HTTP/1.0 403 Forbidden\nServer: x\n\n";
    let both = [request, response].concat();
    let crowded = format!(
        "GET / HTTP/1.1\r\n{}\r\n",
        "a: b\r\n".repeat(WS_HEADERS_MAX)
    );
    [&both, response, refused, &crowded]
        .map(|text| text.as_bytes().to_vec())
        .to_vec()
}
