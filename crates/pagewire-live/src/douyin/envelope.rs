//! What is around messages.

use std::borrow::Cow;

use pagewire_codec::{DecodeError, Inflater};

use super::fields::{bytes, each, number, text};

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
                1 => push.seq_id = number(&field),
                2 => push.log_id = number(&field),
                5 => push.headers.push(header(bytes(&field))?),
                7 => push.payload_type = text(&field),
                8 => push.payload = bytes(&field),
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

    /// The payload, unpacked: at most so many bytes of it.
    ///
    /// # Errors
    ///
    /// A payload that is not packed as it says, or unpacks to more.
    pub fn unpack(
        &self,
        inflater: &mut Inflater,
        unpacked_bytes_max: usize,
    ) -> Result<Cow<'a, [u8]>, DecodeError> {
        let unpacked = inflater.unpack(self.payload, unpacked_bytes_max)?;
        Ok(unpacked.bytes)
    }
}

fn header(entry: &[u8]) -> Result<(Cow<'_, str>, Cow<'_, str>), DecodeError> {
    let (mut name, mut value) = (Cow::default(), Cow::default());
    each(entry, |field| {
        match field.number {
            1 => name = text(&field),
            2 => value = text(&field),
            _ => {}
        }
        Ok(())
    })?;
    Ok((name, value))
}

impl<'a> Response<'a> {
    /// Reads a response, and finds its messages, which are not read yet.
    ///
    /// # Errors
    ///
    /// Bytes that are no Protobuf.
    pub fn read(response: &'a [u8]) -> Result<Self, DecodeError> {
        let mut read = Self::default();
        each(response, |field| {
            match field.number {
                1 => read.messages.push(message(bytes(&field), field.at)?),
                2 => read.cursor = text(&field),
                4 => read.now_ms = number(&field),
                5 => read.internal_ext = text(&field),
                8 => read.heartbeat_s = number(&field),
                9 => read.need_ack = number(&field) != 0,
                _ => {}
            }
            Ok(())
        })?;
        Ok(read)
    }
}

fn message(fields: &[u8], at: usize) -> Result<Message<'_>, DecodeError> {
    let mut message = Message::default();
    each(fields, |field| {
        match field.number {
            1 => message.method = text(&field),
            2 => {
                message.payload = bytes(&field);
                message.at = at.saturating_add(field.at);
            }
            3 => message.msg_id = number(&field),
            _ => {}
        }
        Ok(())
    })?;
    Ok(message)
}
