//! Douyin, and what TikTok shares with it.
//!
//! A WebSocket frame is a [`PushFrame`]; its payload, mostly packed as gzip, is a [`Response`]; that holds messages, each Protobuf of its own kind.
//! The answer of the polling address is a bare response. Field by field with the evidence: `docs/sites/douyin.md`.

mod envelope;
mod fields;
mod gift;
mod messages;
mod people;
mod rich;

use pagewire_codec::DecodeError;

pub use envelope::{FRAME_MESSAGES_MAX, Message, PushFrame, Response};

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
    let response = match envelope::unpack(frame, scratch) {
        Ok(Some(response)) => response,
        Ok(None) => return,
        Err(error) => return take(Err(error)),
    };
    let response = Response::read(response);
    for message in response.messages {
        message.events(site, arrival_ms, take);
    }
    for error in response.errors {
        take(Err(error));
    }
}

/// Appends a message as JSON.
pub(crate) fn write_json(
    method: &str,
    payload: &[u8],
    out: &mut Vec<u8>,
) -> Result<bool, DecodeError> {
    let _ = (method, payload, out);
    Ok(false)
}
