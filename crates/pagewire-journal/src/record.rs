//! What a journal keeps, and how one record is written (`docs/journal.md` §4).

use std::fmt;

use crate::stamp::Stamp;

/// A record with the time at which it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// When the record was made: a frame came in, a connection was opened.
    pub at: Stamp,
    /// What was made.
    pub record: Record<'a>,
}

/// What a journal keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Record<'a> {
    /// A message of a connection.
    Frame(Frame<'a>),
    /// A connection was opened.
    Opened(Opened<'a>),
    /// A connection was closed.
    Closed(Closed<'a>),
    /// JSON text about what is kept: which site and room, the program's version, what the source has missed. The journal does not read it.
    Note(&'a str),
    /// Records that this journal does not have, as they could not be written.
    Gap(Gap<'a>),
}

/// A message of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The connection that it belongs to.
    pub connection: ConnectionId,
    /// Which way it went.
    pub direction: Direction,
    /// What it was to its transport.
    pub kind: FrameKind,
    /// Its bytes, as the transport gave them: unmasked, and packed as the site has packed them.
    pub payload: &'a [u8],
}

/// A connection was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened<'a> {
    /// The connection, until it is closed.
    pub connection: ConnectionId,
    /// Where to. Whoever opens it has cut secrets out: the journal keeps what it is given.
    pub address: &'a str,
    /// JSON text about it, or nothing.
    pub metadata: &'a str,
}

/// A connection was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed<'a> {
    /// The connection.
    pub connection: ConnectionId,
    /// Close code of a WebSocket (RFC 6455 §7.4), where there was one.
    pub code: Option<u16>,
    /// Why, in the words of whoever closed it.
    pub reason: &'a str,
}

/// Records that a journal does not have, as they could not be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap<'a> {
    /// How many.
    pub records: u64,
    /// When the first of them was made. The last was made before the record behind this one.
    pub since: Stamp,
    /// What the system said.
    pub reason: &'a str,
}

/// Number of a connection; whoever writes the journal gives each its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Which way a frame went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the site.
    In,
    /// To the site.
    Out,
}

/// What a frame was to its transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FrameKind {
    /// A text message of a WebSocket, in UTF-8.
    Text,
    /// A binary message of a WebSocket, or a packet of a stream of bytes.
    Binary,
    /// A close frame of a WebSocket: code and reason (RFC 6455 §5.5.1).
    Close,
    /// A ping of a WebSocket.
    Ping,
    /// A pong of a WebSocket.
    Pong,
    /// The body of an HTTP response to polling.
    Polled,
}

/// Bytes of a record before its body: kind, length of the body, both clocks.
pub(crate) const RECORD_HEAD_BYTES: usize = 1 + 4 + 8 + 8;

const FRAME: u8 = 1;
const OPENED: u8 = 2;
const CLOSED: u8 = 3;
const NOTE: u8 = 4;
const GAP: u8 = 5;

impl Direction {
    const fn code(self) -> u8 {
        match self {
            Self::In => 1,
            Self::Out => 2,
        }
    }

    const fn of_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::In),
            2 => Some(Self::Out),
            _ => None,
        }
    }
}

impl FrameKind {
    /// Opcodes of RFC 6455 §5.2, and one beyond them.
    const fn code(self) -> u8 {
        match self {
            Self::Text => 1,
            Self::Binary => 2,
            Self::Close => 8,
            Self::Ping => 9,
            Self::Pong => 10,
            Self::Polled => 16,
        }
    }

    const fn of_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Text),
            2 => Some(Self::Binary),
            8 => Some(Self::Close),
            9 => Some(Self::Ping),
            10 => Some(Self::Pong),
            16 => Some(Self::Polled),
            _ => None,
        }
    }
}

impl Entry<'_> {
    /// Bytes that it takes in a chunk, before packing.
    pub fn encoded_bytes(&self) -> usize {
        let body = match self.record {
            Record::Frame(frame) => 8 + 1 + 1 + frame.payload.len(),
            Record::Opened(opened) => 8 + 4 + opened.address.len() + opened.metadata.len(),
            Record::Closed(closed) => 8 + 2 + closed.reason.len(),
            Record::Note(json) => json.len(),
            Record::Gap(gap) => 8 + 8 + 8 + gap.reason.len(),
        };
        RECORD_HEAD_BYTES + body
    }

    /// Writes it behind what `out` holds. Its length was checked before.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let kind = match self.record {
            Record::Frame(_) => FRAME,
            Record::Opened(_) => OPENED,
            Record::Closed(_) => CLOSED,
            Record::Note(_) => NOTE,
            Record::Gap(_) => GAP,
        };
        out.push(kind);
        put_length(out, self.encoded_bytes() - RECORD_HEAD_BYTES);
        put_stamp(out, self.at);
        match self.record {
            Record::Frame(frame) => {
                out.extend(frame.connection.0.to_le_bytes());
                out.extend([frame.direction.code(), frame.kind.code()]);
                out.extend_from_slice(frame.payload);
            }
            Record::Opened(opened) => {
                out.extend(opened.connection.0.to_le_bytes());
                put_length(out, opened.address.len());
                out.extend_from_slice(opened.address.as_bytes());
                out.extend_from_slice(opened.metadata.as_bytes());
            }
            Record::Closed(closed) => {
                out.extend(closed.connection.0.to_le_bytes());
                out.extend(closed.code.unwrap_or_default().to_le_bytes());
                out.extend_from_slice(closed.reason.as_bytes());
            }
            Record::Note(json) => out.extend_from_slice(json.as_bytes()),
            Record::Gap(gap) => {
                out.extend(gap.records.to_le_bytes());
                put_stamp(out, gap.since);
                out.extend_from_slice(gap.reason.as_bytes());
            }
        }
    }
}

fn put_length(out: &mut Vec<u8>, bytes: usize) {
    let bytes = u32::try_from(bytes).expect("a record is no longer than a chunk");
    out.extend(bytes.to_le_bytes());
}

fn put_stamp(out: &mut Vec<u8>, stamp: Stamp) {
    out.extend(stamp.mono_us.to_le_bytes());
    out.extend(stamp.unix_us.to_le_bytes());
}

/// A record as it stands in a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Raw<'a> {
    kind: u8,
    pub(crate) at: Stamp,
    body: &'a [u8],
}

/// What a record's bytes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decoded<'a> {
    Known(Record<'a>),
    /// Of a newer version.
    Unknown,
    /// Its checksum fits, and its body is none of its kind.
    Malformed,
}

impl<'a> Raw<'a> {
    /// The record at the beginning of `bytes`, and how many bytes it takes. `None` where it is longer than what is there.
    pub(crate) fn take(bytes: &'a [u8]) -> Option<(Self, usize)> {
        let mut fields = Fields(bytes);
        let [kind] = fields.array()?;
        let length = fields.length()?;
        let at = fields.stamp()?;
        let body = fields.0.get(..length)?;
        Some((Self { kind, at, body }, RECORD_HEAD_BYTES + length))
    }

    pub(crate) fn decode(&self) -> Decoded<'a> {
        let mut fields = Fields(self.body);
        let record = match self.kind {
            FRAME => match fields.frame() {
                Some(None) => return Decoded::Unknown,
                Some(Some(frame)) => Some(Record::Frame(frame)),
                None => None,
            },
            OPENED => fields.opened().map(Record::Opened),
            CLOSED => fields.closed().map(Record::Closed),
            NOTE => fields.text().map(Record::Note),
            GAP => fields.gap().map(Record::Gap),
            _ => return Decoded::Unknown,
        };
        record.map_or(Decoded::Malformed, Decoded::Known)
    }
}

/// What is left of a record. Each method takes from its front, or gives `None` where too little is there.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    fn number(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn length(&mut self) -> Option<usize> {
        usize::try_from(u32::from_le_bytes(self.array()?)).ok()
    }

    fn stamp(&mut self) -> Option<Stamp> {
        Some(Stamp {
            mono_us: self.number()?,
            unix_us: self.number()?,
        })
    }

    fn connection(&mut self) -> Option<ConnectionId> {
        self.number().map(ConnectionId)
    }

    /// All that is left.
    fn text(&mut self) -> Option<&'a str> {
        str::from_utf8(std::mem::take(&mut self.0)).ok()
    }

    /// `Some(None)` where the direction or the kind is of a newer version.
    fn frame(&mut self) -> Option<Option<Frame<'a>>> {
        let connection = self.connection()?;
        let [direction, kind] = self.array()?;
        let (direction, kind) = (Direction::of_code(direction), FrameKind::of_code(kind));
        Some(direction.zip(kind).map(|(direction, kind)| Frame {
            connection,
            direction,
            kind,
            payload: self.0,
        }))
    }

    fn opened(&mut self) -> Option<Opened<'a>> {
        let connection = self.connection()?;
        let length = self.length()?;
        let (address, metadata) = self.0.split_at_checked(length)?;
        Some(Opened {
            connection,
            address: str::from_utf8(address).ok()?,
            metadata: str::from_utf8(metadata).ok()?,
        })
    }

    fn closed(&mut self) -> Option<Closed<'a>> {
        let connection = self.connection()?;
        let code = u16::from_le_bytes(self.array()?);
        Some(Closed {
            connection,
            code: (code != 0).then_some(code),
            reason: self.text()?,
        })
    }

    fn gap(&mut self) -> Option<Gap<'a>> {
        Some(Gap {
            records: self.number()?,
            since: self.stamp()?,
            reason: self.text()?,
        })
    }
}
