//! What is around messages.

use std::borrow::Cow;

use pagewire_codec::proto::{Fields, Value};
use pagewire_codec::{DecodeError, Fault, Packing, UNPACKED_BYTES_MAX};

use super::fields::{bytes, each, number, text};
use crate::reader::Scratch;

/// As many messages as most frames have, or more.
const MESSAGES_USUAL: usize = 32;

/// Messages of one frame that are read. One more is an error, and the rest of the frame is left out. The site sends some tens.
pub const FRAME_MESSAGES_MAX: usize = 1 << 16;

/// Headers of a frame that are kept; further ones are passed over. The site sends five.
pub const FRAME_HEADERS_MAX: usize = 64;

/// One WebSocket frame.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PushFrame<'a> {
    /// Counts on one connection.
    pub seq_id: u64,
    /// What an acknowledgement names.
    pub log_id: u64,
    /// `msg`, `hb`, `ack` or `close`.
    pub payload_type: Cow<'a, str>,
    /// Names and values beside the payload.
    pub headers: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// A [`Response`], packed as the header `compress_type` says.
    pub payload: &'a [u8],
    /// At which byte of the frame the payload begins.
    pub at: usize,
}

/// Messages, and how to go on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Response<'a> {
    /// In their order.
    pub messages: Vec<Message<'a>>,
    /// From where to go on.
    pub cursor: Cow<'a, str>,
    /// What an acknowledgement and the next connection give back.
    pub internal_ext: Cow<'a, str>,
    /// The site's clock, in milliseconds of Unix time.
    pub now_ms: u64,
    /// How often the client is to say that it is there, in seconds.
    pub heartbeat_s: u64,
    /// Whether the client is to acknowledge.
    pub need_ack: bool,
    /// What could not be read. The messages around it are there.
    pub errors: Vec<DecodeError>,
}

/// One message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message<'a> {
    /// What it is, such as `WebcastChatMessage`.
    pub method: Cow<'a, str>,
    /// Its own id.
    pub msg_id: u64,
    /// Its fields.
    pub payload: &'a [u8],
    /// At which byte of the response its fields begin.
    pub at: usize,
}

impl<'a> PushFrame<'a> {
    /// Reads a frame.
    ///
    /// # Errors
    ///
    /// Bytes that are no Protobuf.
    pub fn read(frame: &'a [u8]) -> Result<Self, DecodeError> {
        let mut push = Self::default();
        each(frame, |field| {
            match field.number {
                1 => push.seq_id = number(field),
                2 => push.log_id = number(field),
                5 if push.headers.len() < FRAME_HEADERS_MAX => {
                    push.headers.push(header(bytes(field))?);
                }
                7 => push.payload_type = text(field),
                8 => (push.payload, push.at) = (bytes(field), field.at),
                _ => {}
            }
            Ok(())
        })?;
        Ok(push)
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(known, _)| known == name);
        found.map(|(_, value)| &**value)
    }
}

/// Where a response stands, for errors in it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    /// From this byte of the frame on.
    Frame(usize),
    /// In what was unpacked: the place of an error is one of that, and its path says so.
    Unpacked(Packing),
}

impl Place {
    pub(super) fn of(self, error: DecodeError) -> DecodeError {
        match self {
            Self::Frame(at) => error.shifted(at),
            Self::Unpacked(packing) => error.inside(packing.name()),
        }
    }
}

/// The response of a frame; none where it is a heartbeat or the like.
pub(super) fn unpack<'s>(
    frame: &'s [u8],
    scratch: &'s mut Scratch,
) -> Result<Option<(&'s [u8], Place)>, DecodeError> {
    let (payload, at) = if is_response(frame) {
        (frame, 0)
    } else {
        let push = PushFrame::read(frame)?;
        if push.payload.is_empty() || push.payload_type == "ack" {
            return Ok(None);
        }
        (push.payload, push.at)
    };
    let place = Packing::detect(payload).map_or(Place::Frame(at), Place::Unpacked);
    let Scratch { inflater, unpacked } = scratch;
    let response = inflater
        .unpack_into(payload, UNPACKED_BYTES_MAX, unpacked)
        .map_err(|error| error.shifted(at))?;
    Ok(Some((response, place)))
}

/// A bare response, packed or not, and not a frame around one: its first fields are messages (1) and a cursor (2), where a frame has numbers.
pub(crate) fn is_response(frame: &[u8]) -> bool {
    if Packing::detect(frame).is_some() {
        return true;
    }
    match Fields::new(frame).next() {
        Some(Ok(field)) => field.number <= 2 && matches!(field.value, Value::Bytes(_)),
        Some(Err(_)) | None => false,
    }
}

fn header(entry: &[u8]) -> Result<(Cow<'_, str>, Cow<'_, str>), DecodeError> {
    let (mut name, mut value) = (Cow::default(), Cow::default());
    each(entry, |field| {
        match field.number {
            1 => name = text(field),
            2 => value = text(field),
            _ => {}
        }
        Ok(())
    })?;
    Ok((name, value))
}

impl<'a> Response<'a> {
    /// Reads a response, and finds its messages, which are not read yet.
    pub fn read(response: &'a [u8]) -> Self {
        let mut read = Self::default();
        for field in Fields::new(response) {
            let field = match field {
                Ok(field) => field,
                Err(error) => {
                    read.errors.push(error);
                    break;
                }
            };
            match field.number {
                1 if read.messages.len() >= FRAME_MESSAGES_MAX => {
                    read.errors.push(DecodeError::at(field.at, too_many()));
                    break;
                }
                1 => match message(bytes(&field), field.at) {
                    Ok(message) => {
                        if read.messages.is_empty() {
                            read.messages.reserve(MESSAGES_USUAL);
                        }
                        read.messages.push(message);
                    }
                    Err(error) if read.errors.len() < FRAME_MESSAGES_MAX => {
                        let index = read.messages.len().saturating_add(read.errors.len());
                        let error = error.shifted(field.at).inside(index.to_string());
                        read.errors.push(error.inside("messages"));
                    }
                    Err(_) => {}
                },
                2 => read.cursor = text(&field),
                4 => read.now_ms = number(&field),
                5 => read.internal_ext = text(&field),
                8 => read.heartbeat_s = number(&field),
                9 => read.need_ack = number(&field) != 0,
                _ => {}
            }
        }
        read
    }
}

impl Response<'_> {
    /// Says in which of the messages an error is: those that could not be read count, too.
    pub(super) fn of_message(
        &self,
        message: &Message<'_>,
        read: usize,
        error: DecodeError,
    ) -> DecodeError {
        // They stand in the order of their places.
        let unread = self.errors.partition_point(|error| error.at < message.at);
        let index = read.saturating_add(unread);
        error.inside(index.to_string()).inside("messages")
    }
}

/// What is around the messages of a response, without a look into them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Around<'a> {
    pub(crate) cursor: Cow<'a, str>,
    pub(crate) fetch_interval_ms: u64,
    pub(crate) now_ms: u64,
    pub(crate) internal_ext: Cow<'a, str>,
    pub(crate) heartbeat_s: u64,
    pub(crate) need_ack: bool,
}

impl<'a> Around<'a> {
    pub(crate) fn read(response: &'a [u8]) -> Result<Self, DecodeError> {
        let mut read = Self::default();
        each(response, |field| {
            match field.number {
                2 => read.cursor = text(field),
                3 => read.fetch_interval_ms = number(field),
                4 => read.now_ms = number(field),
                5 => read.internal_ext = text(field),
                8 => read.heartbeat_s = number(field),
                9 => read.need_ack = number(field) != 0,
                _ => {}
            }
            Ok(())
        })?;
        Ok(read)
    }
}

const fn too_many() -> Fault {
    Fault::Limit {
        what: "messages in a frame",
        got: (FRAME_MESSAGES_MAX as u64).saturating_add(1),
        max: FRAME_MESSAGES_MAX as u64,
    }
}

fn message(fields: &[u8], at: usize) -> Result<Message<'_>, DecodeError> {
    let mut message = Message::default();
    each(fields, |field| {
        match field.number {
            1 => message.method = text(field),
            2 => {
                message.payload = bytes(field);
                message.at = at.saturating_add(field.at);
            }
            3 => message.msg_id = number(field),
            _ => {}
        }
        Ok(())
    })?;
    Ok(message)
}
