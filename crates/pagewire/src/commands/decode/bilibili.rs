//! The packets of Bilibili's live socket.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pagewire_codec::{
    BilibiliOperation, BilibiliPacket, Inflater, UNPACKED_BYTES_MAX, bilibili_packets,
};
use serde_json::json;
use serde_json::value::RawValue;

use super::decoder::{Decoded, Value};
use super::pretty::compact;

pub(super) fn read(frame: &[u8], inflater: &mut Inflater) -> Decoded {
    let read = bilibili_packets(frame, inflater, UNPACKED_BYTES_MAX);
    Decoded {
        values: read.packets.iter().map(to_value).collect(),
        errors: read.errors,
        ..Decoded::default()
    }
}

fn to_value(packet: &BilibiliPacket<'_>) -> Value {
    let operation = match packet.operation {
        BilibiliOperation::Heartbeat => "heartbeat".into(),
        BilibiliOperation::HeartbeatReply => "heartbeat_reply".into(),
        BilibiliOperation::Message => "message".into(),
        BilibiliOperation::Auth => "auth".into(),
        BilibiliOperation::AuthReply => "auth_reply".into(),
        BilibiliOperation::Unknown(number) => json!(number),
    };
    let (version, sequence, body) = (packet.version, packet.sequence, body(packet));
    Value::Json(format!(
        r#"{{"operation":{operation},"version":{version},"sequence":{sequence},"body":{body}}}"#
    ))
}

/// What the site means as JSON or as a number is that; else a text, or `{"base64": …}`.
fn body(packet: &BilibiliPacket<'_>) -> String {
    if let Some(popularity) = packet.popularity() {
        return popularity.to_string();
    }
    let Ok(text) = str::from_utf8(&packet.body) else {
        return json!({ "base64": STANDARD.encode(&packet.body) }).to_string();
    };
    match serde_json::from_str::<&RawValue>(text) {
        Ok(json) => compact(json.get()),
        Err(_) if text.is_empty() => "null".to_owned(),
        Err(_) => json!(text).to_string(),
    }
}
