//! STT, the messages of Douyu.

use pagewire_codec::{SttValue, douyu_packets};

use super::arguments::PlainArguments;
use super::input;
use super::pretty::pretty;
use crate::exit::{FAILED, Failed};
use crate::terminal::{harmless, print_json};

/// Bytes of the two lengths in front of a packet.
const LENGTHS_BYTES: usize = 8;

pub(super) fn decode(arguments: &PlainArguments) -> Result<(), Failed> {
    let mut lost = false;
    for input in input::read(&arguments.input)? {
        let messages: Vec<_> = if is_framed(&input.bytes) {
            let packets = douyu_packets(&input.bytes);
            packets
                .map(|packet| packet.map(|packet| packet.body))
                .collect()
        } else {
            vec![Ok(&input.bytes[..])]
        };
        for message in messages {
            match message.and_then(SttValue::decode) {
                Ok(value) => {
                    let text = serde_json::to_string(&value).expect("it is JSON");
                    let text = if arguments.json { text } else { pretty(&text) };
                    print_json(&text)?;
                }
                // The others are readable all the same.
                Err(error) => {
                    let words = format!("{} holds what is no STT: {error}", input.name);
                    eprintln!("pagewire: {}", harmless(&words));
                    lost = true;
                }
            }
        }
    }
    if lost {
        return Err(Failed::silent(FAILED));
    }
    Ok(())
}

/// A packet begins with its length, twice.
fn is_framed(bytes: &[u8]) -> bool {
    let lengths: Option<&[u8; LENGTHS_BYTES]> = bytes.first_chunk();
    lengths.is_some_and(|lengths| lengths[..4] == lengths[4..])
}
