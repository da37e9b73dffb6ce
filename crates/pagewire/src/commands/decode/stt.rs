//! STT, the messages of Douyu.

use pagewire_codec::{DecodeError, SttValue, douyu_packets};

use super::decoder::{Decoded, Value};

/// Bytes of the two lengths in front of a packet.
const LENGTHS_BYTES: usize = 8;
/// Bytes of a packet before its message.
const HEAD_BYTES: usize = 12;

/// Packets, or a message without one. What cannot be read does not keep the others back.
pub(super) fn read(bytes: &[u8]) -> Decoded {
    if !is_framed(bytes) {
        return Decoded::of(message(bytes));
    }
    let mut decoded = Decoded::default();
    for packet in douyu_packets(bytes) {
        decoded.push(packet.and_then(|packet| {
            let value = message(packet.body);
            value.map_err(|error| error.shifted(packet.at + HEAD_BYTES))
        }));
    }
    decoded
}

fn message(bytes: &[u8]) -> Result<Value, DecodeError> {
    let value = SttValue::decode(bytes)?;
    let json = serde_json::to_string(&value).expect("it is JSON");
    Ok(Value::Json(json))
}

/// A packet begins with its length, twice.
fn is_framed(bytes: &[u8]) -> bool {
    let lengths: Option<&[u8; LENGTHS_BYTES]> = bytes.first_chunk();
    lengths.is_some_and(|lengths| lengths[..4] == lengths[4..])
}
