//! Messages on the browser's debugging pipe: each is followed by a zero byte.

use bytes::{Bytes, BytesMut};

/// Longest message that is taken from a browser, in bytes. A tapped frame of 64 MiB of bytes is 86 MiB of base64.
pub const PIPE_MESSAGE_BYTES_MAX: usize = 256 << 20;
/// Unused room above this is given back after a message, so that one of 100 MiB is not paid for by all that follow.
const SLACK_BYTES: usize = 1 << 20;
/// What ends a message; JSON text never holds it.
const END: u8 = 0;

/// A message of the browser was longer than [`PIPE_MESSAGE_BYTES_MAX`]; the pipe cannot be read any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a message of the browser is longer than {max} bytes")]
pub struct TooLong {
    /// The limit.
    pub max: usize,
}

/// Cuts what comes out of the pipe into messages. Bytes go into [`Messages::buffer`], messages come out of [`Messages::next`].
#[derive(Debug)]
pub struct Messages {
    buffer: BytesMut,
    /// How much of the buffer holds no end.
    searched: usize,
    max: usize,
}

impl Default for Messages {
    fn default() -> Self {
        Self::with_limit(PIPE_MESSAGE_BYTES_MAX)
    }
}

impl Messages {
    /// With another limit than [`PIPE_MESSAGE_BYTES_MAX`].
    pub fn with_limit(max: usize) -> Self {
        Self {
            buffer: BytesMut::new(),
            searched: 0,
            max,
        }
    }

    /// Where the bytes that were read are appended.
    pub fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// The next whole message, without its end.
    ///
    /// # Errors
    ///
    /// [`TooLong`] when more than the limit came without an end.
    #[expect(
        clippy::should_implement_trait,
        reason = "it gives a Result of an Option"
    )]
    pub fn next(&mut self) -> Result<Option<Bytes>, TooLong> {
        let rest = self.buffer.get(self.searched..).unwrap_or_default();
        let Some(at) = memchr::memchr(END, rest) else {
            self.searched = self.buffer.len();
            if self.searched > self.max {
                return Err(TooLong { max: self.max });
            }
            return Ok(None);
        };
        let length = self.searched.saturating_add(at);
        self.searched = 0;
        if length > self.max {
            return Err(TooLong { max: self.max });
        }
        let message = self.buffer.split_to(length).freeze();
        bytes::Buf::advance(&mut self.buffer, 1);
        let unused = self.buffer.capacity().saturating_sub(self.buffer.len());
        if unused > SLACK_BYTES {
            self.buffer = BytesMut::from(self.buffer.as_ref());
        }
        Ok(Some(message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[&[u8]], max: usize) -> Result<Vec<String>, TooLong> {
        let mut messages = Messages::with_limit(max);
        let mut read = Vec::new();
        for piece in pieces {
            messages.buffer().extend_from_slice(piece);
            while let Some(message) = messages.next()? {
                read.push(String::from_utf8(message.to_vec()).unwrap());
            }
        }
        Ok(read)
    }

    #[test]
    fn any_split_gives_the_same_messages() {
        let whole = b"{\"id\":1}\0{}\0\0{\"id\":2}\0rest";
        let expected = ["{\"id\":1}", "{}", "", "{\"id\":2}"];
        for at in 0..=whole.len() {
            let (left, right) = whole.split_at(at);
            assert_eq!(read(&[left, right], 64).unwrap(), expected, "split at {at}");
        }
        let bytes: Vec<_> = whole.chunks(1).collect();
        assert_eq!(read(&bytes, 64).unwrap(), expected);
    }

    #[test]
    fn the_memory_of_a_long_message_is_not_kept() {
        let mut messages = Messages::default();
        let long = vec![b'x'; 16 << 20];
        for piece in long.chunks(64 << 10) {
            messages.buffer().extend_from_slice(piece);
            assert_eq!(messages.next(), Ok(None));
        }
        messages.buffer().extend_from_slice(b"\0next\0begi");
        assert_eq!(messages.next().unwrap().unwrap().len(), long.len());
        assert!(messages.buffer().capacity() <= SLACK_BYTES);
        assert_eq!(messages.next().unwrap().unwrap(), "next");
        messages.buffer().extend_from_slice(b"n\0");
        assert_eq!(messages.next().unwrap().unwrap(), "begin");
    }

    #[test]
    fn a_message_at_the_limit_passes_and_one_byte_more_is_too_long() {
        assert_eq!(read(&[b"12345678\0"], 8).unwrap(), ["12345678"]);
        assert_eq!(read(&[b"123456789\0"], 8), Err(TooLong { max: 8 }));
        // Without waiting for an end that may never come.
        assert_eq!(read(&[b"123456789"], 8), Err(TooLong { max: 8 }));
    }
}
