//! The packets of Bilibili's live socket.
//!
//! A packet is a head of 16 bytes, big-endian, and a body. A body of version 2 (zlib) or 3 (Brotli) unpacks to whole packets one after the other.
//! Source: captured packets and the clients of several people, which agree.

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use crate::cursor::Cursor;
use crate::error::{DecodeError, Fault};
use crate::inflate::{Inflater, Output, Packing};

/// How deep packets may be packed in packets, those of the frame itself being at depth 1. The site packs once; deeper is an error.
pub const BILIBILI_DEPTH_MAX: usize = 4;

/// How many packed packets of a frame are unpacked; one more is an error. Each takes time, however little it holds.
pub const BILIBILI_PACKED_MAX: usize = 1_024;

/// How many packets of a frame are read, those of packed bodies among them. One more is an error, and the rest is left out. A head is 16 bytes, and
/// what is made of it some hundred.
pub const BILIBILI_PACKETS_MAX: usize = 65_536;

/// What a packet is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BilibiliOperation {
    /// 2: the client is there.
    Heartbeat,
    /// 3: the answer, with how popular the room is.
    HeartbeatReply,
    /// 5: something has happened in the room. JSON.
    Message,
    /// 7: which room the client wants, and its token. JSON.
    Auth,
    /// 8: whether it gets it. JSON.
    AuthReply,
    /// Any other number.
    Unknown(u32),
}

impl BilibiliOperation {
    const fn from_wire(number: u32) -> Self {
        match number {
            2 => Self::Heartbeat,
            3 => Self::HeartbeatReply,
            5 => Self::Message,
            7 => Self::Auth,
            8 => Self::AuthReply,
            _ => Self::Unknown(number),
        }
    }

    const fn to_wire(self) -> u32 {
        match self {
            Self::Heartbeat => 2,
            Self::HeartbeatReply => 3,
            Self::Message => 5,
            Self::Auth => 7,
            Self::AuthReply => 8,
            Self::Unknown(number) => number,
        }
    }
}

/// A packet, whose body is what the site means: JSON or a number. Packed bodies are unpacked, and their packets stand in the place of the outer one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BilibiliPacket<'a> {
    /// What it is for.
    pub operation: BilibiliOperation,
    /// 0: JSON. 1: JSON or a number. Others are unknown: their body is given as it is.
    pub version: u16,
    /// Counts what a client sends; mostly 0 or 1.
    pub sequence: u32,
    /// Borrowed from the frame where it was not packed.
    pub body: Cow<'a, [u8]>,
    /// At which byte its body begins: of the frame, or of what was unpacked where it was packed. Of no matter where it is written.
    pub at: usize,
}

impl BilibiliPacket<'_> {
    /// How popular the room is, of a [`BilibiliOperation::HeartbeatReply`].
    pub fn popularity(&self) -> Option<u32> {
        let number = self.body.first_chunk()?;
        (self.operation == BilibiliOperation::HeartbeatReply).then(|| u32::from_be_bytes(*number))
    }

    /// The bytes of the packet. What `body` holds is not packed here: with a version of 2 or 3 it must be already.
    ///
    /// # Panics
    ///
    /// Where it is 4 GiB long, which its head cannot say.
    pub fn encode(&self) -> Vec<u8> {
        let length = self.body.len().saturating_add(HEAD_BYTES);
        let length = u32::try_from(length).expect("a packet is below 4 GiB");
        let head_bytes = u16::try_from(HEAD_BYTES).expect("16 is small");
        [
            &length.to_be_bytes()[..],
            &head_bytes.to_be_bytes(),
            &self.version.to_be_bytes(),
            &self.operation.to_wire().to_be_bytes(),
            &self.sequence.to_be_bytes(),
            &self.body,
        ]
        .concat()
    }
}

/// Bytes of a head.
const HEAD_BYTES: usize = 16;
/// Those of the length of the packet.
const LENGTH_BYTES: u64 = 4;
/// Those behind it.
const HEAD_REST_BYTES: u64 = 12;
/// A body that is packed as zlib.
const ZLIB: u16 = 2;
/// A body that is packed as Brotli.
const BROTLI: u16 = 3;

/// What is in a frame.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BilibiliPackets<'a> {
    /// In their order, those of packed bodies among them.
    pub packets: Vec<BilibiliPacket<'a>>,
    /// What could not be read. The packets before and, where a length tells where they are, behind it are there all the same. The path of what is
    /// wrong inside a packed body names the packet of the frame by its index, and the place is a byte of what was unpacked.
    pub errors: Vec<DecodeError>,
}

/// Reads a frame. All that is unpacked from it has together at most `unpacked_bytes_max` bytes; what would be more is an error.
pub fn bilibili_packets<'a>(
    frame: &'a [u8],
    inflater: &mut Inflater,
    unpacked_bytes_max: usize,
) -> BilibiliPackets<'a> {
    let mut reading = Reading {
        inflater,
        unpacked_bytes_left: unpacked_bytes_max,
        packed_left: BILIBILI_PACKED_MAX,
        packets_left: BILIBILI_PACKETS_MAX,
        errors: Vec::new(),
    };
    let packets = reading.packets(frame, 1);
    BilibiliPackets {
        packets,
        errors: reading.errors,
    }
}

#[derive(Debug)]
struct Reading<'i> {
    inflater: &'i mut Inflater,
    unpacked_bytes_left: usize,
    packed_left: usize,
    packets_left: usize,
    errors: Vec<DecodeError>,
}

impl Reading<'_> {
    fn packets<'a>(&mut self, bytes: &'a [u8], depth: usize) -> Vec<BilibiliPacket<'a>> {
        let mut input = Cursor::new(bytes);
        let mut packets = Vec::new();
        for index in 0_usize.. {
            if input.is_empty() {
                break;
            }
            let Some(left) = self.packets_left.checked_sub(1) else {
                let error = limit("the number of packets", BILIBILI_PACKETS_MAX);
                self.errors.push(error.shifted(input.at()));
                break;
            };
            self.packets_left = left;
            let errors_before = self.errors.len();
            match whole(&mut input).and_then(packet) {
                Ok(packet) => match packing(packet.version) {
                    None => packets.push(packet),
                    Some(packing) => {
                        let unpacked = self.unpacked(&packet.body, packing, depth);
                        let unpacked = unpacked.map_err(|error| error.shifted(packet.at));
                        self.keep(unpacked, &mut packets);
                    }
                },
                Err(error) => self.errors.push(error),
            }
            let here = self.errors.split_off(errors_before);
            let here = here
                .into_iter()
                .map(|error| error.inside(index.to_string()));
            self.errors.extend(here);
        }
        packets
    }

    fn keep<'a>(
        &mut self,
        unpacked: Result<Vec<BilibiliPacket<'a>>, DecodeError>,
        packets: &mut Vec<BilibiliPacket<'a>>,
    ) {
        match unpacked {
            Ok(unpacked) => packets.extend(unpacked),
            Err(error) => self.errors.push(error),
        }
    }

    fn unpacked(
        &mut self,
        body: &[u8],
        packing: Packing,
        depth: usize,
    ) -> Result<Vec<BilibiliPacket<'static>>, DecodeError> {
        if depth >= BILIBILI_DEPTH_MAX {
            let what = "the depth of packets in packets";
            return Err(limit(what, BILIBILI_DEPTH_MAX));
        }
        let left = self.packed_left.checked_sub(1);
        let what = "the number of packed packets";
        self.packed_left = left.ok_or_else(|| limit(what, BILIBILI_PACKED_MAX))?;
        let mut out = Output::new(body.len(), self.unpacked_bytes_left);
        let result = self.inflater.inflate_to(packing, body, &mut out);
        let bytes = out.into_bytes();
        // Also what was unpacked in vain has taken its time.
        self.unpacked_bytes_left = self.unpacked_bytes_left.saturating_sub(bytes.len());
        result?;
        let packets = self.packets(&bytes, depth.saturating_add(1));
        Ok(packets.into_iter().map(owned).collect())
    }
}

const fn packing(version: u16) -> Option<Packing> {
    match version {
        ZLIB => Some(Packing::Zlib),
        BROTLI => Some(Packing::Brotli),
        _ => None,
    }
}

/// One packet with its head. Where its length is none, nothing behind it can be found, and all the rest is taken.
fn whole<'a>(input: &mut Cursor<'a>) -> Result<Cursor<'a>, DecodeError> {
    let start = input.at();
    let found = rest_bytes(input).and_then(|bytes| input.take(bytes, "a packet of Bilibili"));
    if found.is_err() {
        input.take(input.rest().len() as u64, "the rest")?;
    }
    found.map(|_| input.since(start))
}

/// How many bytes follow the length of a packet.
fn rest_bytes(input: &mut Cursor<'_>) -> Result<u64, DecodeError> {
    let start = *input;
    let whole = u32::from_be_bytes(input.array("the length of a packet of Bilibili")?);
    let rest = u64::from(whole).checked_sub(LENGTH_BYTES);
    let rest = rest.filter(|rest| *rest >= HEAD_REST_BYTES);
    rest.ok_or_else(|| start.malformed("the length of a packet is below 16"))
}

fn packet(mut inside: Cursor<'_>) -> Result<BilibiliPacket<'_>, DecodeError> {
    let start = inside;
    inside.take(LENGTH_BYTES, "the length")?;
    let head_bytes = u16::from_be_bytes(inside.array("the length of a head")?);
    let more = usize::from(head_bytes).checked_sub(HEAD_BYTES);
    let more = more.ok_or_else(|| start.malformed("the length of a head is below 16"))?;
    let version = u16::from_be_bytes(inside.array("the version")?);
    let operation = u32::from_be_bytes(inside.array("the operation")?);
    let sequence = u32::from_be_bytes(inside.array("the sequence")?);
    inside.take(more as u64, "the head of a packet")?;
    Ok(BilibiliPacket {
        operation: BilibiliOperation::from_wire(operation),
        version,
        sequence,
        body: Cow::Borrowed(inside.rest()),
        at: inside.at(),
    })
}

fn owned(packet: BilibiliPacket<'_>) -> BilibiliPacket<'static> {
    BilibiliPacket {
        body: Cow::Owned(packet.body.into_owned()),
        ..packet
    }
}

fn limit(what: &'static str, max: usize) -> DecodeError {
    let max = max as u64;
    let got = max.saturating_add(1);
    DecodeError::at(0, Fault::Limit { what, got, max })
}
