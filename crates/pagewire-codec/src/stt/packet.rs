//! The packets of Douyu's socket. One frame of a WebSocket can hold several.

use crate::cursor::Cursor;
use crate::error::{DecodeError, Fault};

/// Who sent a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DouyuSide {
    /// 689.
    Client,
    /// 690.
    Server,
    /// Any other number.
    Unknown(u16),
}

impl DouyuSide {
    const fn from_wire(number: u16) -> Self {
        match number {
            689 => Self::Client,
            690 => Self::Server,
            _ => Self::Unknown(number),
        }
    }

    const fn to_wire(self) -> u16 {
        match self {
            Self::Client => 689,
            Self::Server => 690,
            Self::Unknown(number) => number,
        }
    }
}

/// A packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DouyuPacket<'a> {
    /// Who sent it.
    pub side: DouyuSide,
    /// How it is encrypted. 0, not at all, is all that was seen.
    pub encryption: u8,
    /// 0.
    pub reserved: u8,
    /// One STT message in UTF-8, without the zero behind it.
    pub body: &'a [u8],
    /// At which byte of the frame the packet begins.
    pub at: usize,
}

/// Bytes of a length.
const LENGTH_BYTES: usize = 4;
/// Counted by a length besides the body: the second length, side, encryption, the reserved byte, and the zero.
const AROUND_BYTES: usize = 9;

/// The packets of a frame. After a packet in error comes the next, where its length tells where that is.
#[derive(Debug, Clone)]
pub struct DouyuPackets<'a> {
    input: Cursor<'a>,
}

/// Reads the packets of a frame.
pub const fn douyu_packets(frame: &[u8]) -> DouyuPackets<'_> {
    DouyuPackets {
        input: Cursor::new(frame),
    }
}

impl<'a> Iterator for DouyuPackets<'a> {
    type Item = Result<DouyuPacket<'a>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.input.is_empty() {
            return None;
        }
        let packet = whole(&mut self.input).and_then(packet);
        Some(packet)
    }
}

/// One packet with its two lengths. Where the first is no length, nothing behind it can be found, and all the rest is taken.
fn whole<'a>(input: &mut Cursor<'a>) -> Result<Cursor<'a>, DecodeError> {
    let start = input.at();
    let found = length(input).and_then(|length| input.take(length, "a packet of Douyu"));
    if found.is_err() {
        input.take(input.rest().len() as u64, "the rest")?;
    }
    found.map(|_| input.since(start))
}

fn length(input: &mut Cursor<'_>) -> Result<u64, DecodeError> {
    let start = *input;
    let length = u32::from_le_bytes(input.array("the length of a packet of Douyu")?);
    if (length as usize) < AROUND_BYTES {
        return Err(start.malformed("the length of a packet of Douyu is below 9"));
    }
    Ok(u64::from(length))
}

fn packet(mut input: Cursor<'_>) -> Result<DouyuPacket<'_>, DecodeError> {
    let at = input.at();
    let length: [u8; LENGTH_BYTES] = input.array("a length")?;
    let second = input;
    if input.array("the second length")? != length {
        return Err(second.malformed("the two lengths of a packet of Douyu differ"));
    }
    let side = DouyuSide::from_wire(u16::from_le_bytes(input.array("the side")?));
    let [encryption, reserved] = input.array("the encryption")?;
    match input.rest().split_last() {
        Some((0, body)) => Ok(DouyuPacket {
            side,
            encryption,
            reserved,
            body,
            at,
        }),
        Some(_) | None => {
            let end = input.at().saturating_add(input.rest().len());
            let why = "a packet of Douyu does not end with a zero";
            Err(DecodeError::at(
                end.saturating_sub(1),
                Fault::Malformed(why),
            ))
        }
    }
}

/// A packet with this message.
///
/// # Panics
///
/// Where it is 4 GiB long, which its head cannot say.
pub fn douyu_packet(side: DouyuSide, message: &str) -> Vec<u8> {
    let length = message.len().saturating_add(AROUND_BYTES);
    let length = u32::try_from(length).expect("a packet is below 4 GiB");
    let length = length.to_le_bytes();
    let side = side.to_wire().to_le_bytes();
    [
        &length[..],
        &length,
        &side,
        &[0, 0],
        message.as_bytes(),
        &[0],
    ]
    .concat()
}
