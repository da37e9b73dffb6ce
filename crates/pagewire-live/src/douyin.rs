//! Douyin, and what TikTok shares with it.
//!
//! A WebSocket frame is a [`PushFrame`]; its payload, mostly packed as gzip, is a [`Response`]; that holds messages, each Protobuf of its own kind.
//! The answer of the polling address is a bare response. Field by field with the evidence: `docs/sites/douyin.md`.

mod client;
pub(crate) mod envelope;
pub(crate) mod fields;
mod gift;
mod messages;
mod people;
mod rich;
#[cfg(feature = "schema")]
mod schema;

use pagewire_codec::proto::RawMessage;

pub use client::{ack_packet, heartbeat_packet};
pub use envelope::{FRAME_HEADERS_MAX, FRAME_MESSAGES_MAX, Message, PushFrame, Response};
#[cfg(feature = "schema")]
pub use schema::{message_of, schema};

use crate::event::Site;
use crate::reader::{Scratch, Take};

/// Reads one WebSocket frame, or one bare response.
pub(crate) fn read(
    site: Site,
    frame: &[u8],
    arrival_ms: u64,
    scratch: &mut Scratch,
    take: Take<'_>,
) {
    let (response, place) = match envelope::unpack(frame, scratch) {
        Ok(Some(found)) => found,
        Ok(None) => return,
        Err(error) => return take(Err(error)),
    };
    let response = Response::read(response);
    for (read, message) in response.messages.iter().enumerate() {
        if let Err(error) = message.events(site, arrival_ms, take) {
            take(Err(place.of(response.of_message(message, read, error))));
        }
    }
    for error in response.errors {
        take(Err(place.of(error)));
    }
}

/// Appends a message as JSON, by our schema where it has its kind, else as what its fields look like. Says whether it could be read.
#[cfg(feature = "schema")]
pub(crate) fn write_json(method: &str, payload: &[u8], out: &mut Vec<u8>) -> bool {
    match message_of(method) {
        Some(message) => schema().to_json(message, payload, out).is_ok(),
        None => write_raw_json(payload, out),
    }
}

/// The same without a schema.
#[cfg(not(feature = "schema"))]
pub(crate) fn write_json(_: &str, payload: &[u8], out: &mut Vec<u8>) -> bool {
    write_raw_json(payload, out)
}

/// Appends what the fields of a message look like.
pub(crate) fn write_raw_json(payload: &[u8], out: &mut Vec<u8>) -> bool {
    let message = RawMessage::read(payload);
    message.is_ok_and(|message| serde_json::to_writer(out, &message).is_ok())
}
