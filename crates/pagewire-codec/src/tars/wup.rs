//! Calls and their answers, as Huya sends them.

use std::borrow::Cow;

use super::{TarsReader, TarsWriter};
use crate::error::{DecodeError, Fault};

/// A WUP packet (also called TUP): a function of a servant, and its arguments by name or what it gave back.
///
/// Source: `RequestPacket` of the TarsCloud project, and a captured answer of Huya.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WupPacket<'a> {
    /// 3: arguments are byte lists. 2: they stand under the names of their types as well.
    pub version: i64,
    /// 0 in ordinary calls.
    pub packet_type: i64,
    /// 0 in ordinary calls.
    pub message_type: i64,
    /// Which call this is, or answers.
    pub request_id: i64,
    /// The object that is called, as `liveui`.
    pub servant: &'a str,
    /// Its function, as `getLivingInfo`.
    pub function: &'a str,
    /// Names and byte lists, each of which holds one field with the tag 0. See [`arguments`](Self::arguments).
    pub buffer: Cow<'a, [u8]>,
    /// How long the caller waits.
    pub timeout_ms: i64,
    /// What goes with the call.
    pub context: Vec<(&'a str, &'a str)>,
    /// What goes with the answer.
    pub status: Vec<(&'a str, &'a str)>,
}

/// Bytes of the length in front.
const LENGTH_BYTES: usize = 4;

impl<'a> WupPacket<'a> {
    /// A call, version 3. The arguments are encoded already, each as one field with the tag 0.
    pub fn call(
        request_id: i64,
        servant: &'a str,
        function: &'a str,
        arguments: &[(&str, &[u8])],
    ) -> Self {
        let mut buffer = TarsWriter::default();
        buffer.map(0, arguments, |to, (name, value)| {
            to.text(0, name).bytes(1, value);
        });
        Self {
            version: 3,
            packet_type: 0,
            message_type: 0,
            request_id,
            servant,
            function,
            buffer: Cow::Owned(buffer.into_bytes()),
            timeout_ms: 0,
            context: Vec::new(),
            status: Vec::new(),
        }
    }

    /// Reads one packet, which must be the whole input: its length in four bytes, those included, then its fields. Fields that are absent are
    /// zero or empty.
    ///
    /// # Errors
    ///
    /// A length that is not that of the input, and bytes that are no Tars or of another type.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        check_length(bytes)?;
        let mut fields = TarsReader::new(bytes).after(LENGTH_BYTES as u64)?;
        Ok(Self {
            version: fields.integer(1)?.unwrap_or_default(),
            packet_type: fields.integer(2)?.unwrap_or_default(),
            message_type: fields.integer(3)?.unwrap_or_default(),
            request_id: fields.integer(4)?.unwrap_or_default(),
            servant: fields.text(5)?.unwrap_or_default(),
            function: fields.text(6)?.unwrap_or_default(),
            buffer: Cow::Borrowed(fields.bytes(7)?.unwrap_or_default()),
            timeout_ms: fields.integer(8)?.unwrap_or_default(),
            context: texts(&mut fields, 9)?,
            status: texts(&mut fields, 10)?,
        })
    }

    /// The bytes of the packet, its length in front.
    ///
    /// # Panics
    ///
    /// Where it is 4 GiB long, which its head cannot say.
    pub fn encode(&self) -> Vec<u8> {
        let mut to = TarsWriter::default();
        to.integer(1, self.version)
            .integer(2, self.packet_type)
            .integer(3, self.message_type)
            .integer(4, self.request_id)
            .text(5, self.servant)
            .text(6, self.function)
            .bytes(7, &self.buffer)
            .integer(8, self.timeout_ms);
        for (tag, texts) in [(9, &self.context), (10, &self.status)] {
            to.map(tag, texts, |to, (key, value)| {
                to.text(0, key).text(1, value);
            });
        }
        let fields = to.into_bytes();
        let length = u32::try_from(fields.len().saturating_add(LENGTH_BYTES));
        let length = length.expect("a packet is below 4 GiB");
        [&length.to_be_bytes()[..], &fields].concat()
    }

    /// The names and byte lists of [`buffer`](Self::buffer). What one holds is read by `TarsReader::new(bytes).structure(0)` and the like.
    ///
    /// # Errors
    ///
    /// A buffer that is something else. The place counts from its first byte.
    pub fn arguments(&self) -> Result<Vec<(&str, &[u8])>, DecodeError> {
        let arguments = TarsReader::new(&self.buffer).map(0)?;
        let arguments = arguments.into_iter().flatten().map(|pair| {
            let mut pair = pair?;
            let name = pair.text(0)?.unwrap_or_default();
            let value = if self.version == 2 {
                typed(&mut pair)?
            } else {
                pair.bytes(1)?
            };
            Ok((name, value.unwrap_or_default()))
        });
        arguments.collect()
    }
}

/// Version 2: a map of one pair, whose key is the name of the type.
fn typed<'a>(pair: &mut TarsReader<'a>) -> Result<Option<&'a [u8]>, DecodeError> {
    let types = pair.map(1)?;
    let first = types.and_then(|mut types| types.next()).transpose()?;
    first.map_or(Ok(None), |mut first| first.bytes(1))
}

fn check_length(bytes: &[u8]) -> Result<(), DecodeError> {
    let head = bytes.first_chunk::<LENGTH_BYTES>();
    let length = head.map(|head| u64::from(u32::from_be_bytes(*head)));
    let (got, wanted) = (bytes.len() as u64, length.unwrap_or(LENGTH_BYTES as u64));
    if got < wanted {
        let fault = Fault::Truncated {
            what: "a WUP packet",
            needed: wanted,
            left: bytes.len(),
        };
        return Err(DecodeError::at(0, fault));
    }
    if got > wanted {
        let why = "the length in front of a WUP packet is less than its bytes";
        return Err(DecodeError::at(0, Fault::Malformed(why)));
    }
    Ok(())
}

fn texts<'a>(fields: &mut TarsReader<'a>, tag: u8) -> Result<Vec<(&'a str, &'a str)>, DecodeError> {
    let pairs = fields.map(tag)?.into_iter().flatten().map(|pair| {
        let mut pair = pair?;
        let key = pair.text(0)?.unwrap_or_default();
        Ok((key, pair.text(1)?.unwrap_or_default()))
    });
    pairs.collect()
}
