//! What goes through the journal on its way to being decoded.

use bytes::Bytes;
use pagewire_journal::{
    CHUNK_BYTES_MAX, Closed, ConnectionId, Direction, Entry, Frame, FrameKind, Gap, Opened, Record,
    Stamp,
};

/// Something that is kept before it is decoded.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) at: Stamp,
    pub(super) what: What,
}

#[derive(Debug, Clone)]
pub(super) enum What {
    Frame {
        connection: u64,
        direction: Direction,
        kind: FrameKind,
        payload: Bytes,
    },
    Opened {
        connection: u64,
        address: String,
        /// JSON.
        metadata: String,
    },
    Closed {
        connection: u64,
        code: Option<u16>,
        reason: String,
    },
    /// So many frames are lost on the way; 0 where nobody knows.
    Lost(u64),
    /// So many records are not in the journal, as more was sent than it took.
    Missed { records: u64, since: Stamp },
    /// JSON.
    Note(String),
    /// Only time, which waits in line like all others: so it never overtakes a frame that came before it.
    Time,
}

impl Kept {
    /// Bytes of it that count for how much waits.
    pub(super) fn bytes(&self) -> usize {
        match &self.what {
            What::Frame { payload, .. } => payload.len(),
            What::Opened { address: text, .. }
            | What::Closed { reason: text, .. }
            | What::Note(text) => text.len(),
            What::Lost(_) | What::Missed { .. } | What::Time => 0,
        }
    }

    /// As the journal keeps it; none for what is longer than a journal takes, and for time.
    pub(super) fn entry(&self) -> Option<Entry<'_>> {
        let entry = Entry {
            at: self.at,
            record: self.record()?,
        };
        (entry.encoded_bytes() <= CHUNK_BYTES_MAX).then_some(entry)
    }

    /// None for time.
    pub(super) fn record(&self) -> Option<Record<'_>> {
        Some(match &self.what {
            What::Frame {
                connection,
                direction,
                kind,
                payload,
            } => Record::Frame(Frame {
                connection: ConnectionId(*connection),
                direction: *direction,
                kind: *kind,
                payload,
            }),
            What::Opened {
                connection,
                address,
                metadata,
            } => Record::Opened(Opened {
                connection: ConnectionId(*connection),
                address,
                metadata,
            }),
            What::Closed {
                connection,
                code,
                reason,
            } => Record::Closed(Closed {
                connection: ConnectionId(*connection),
                code: *code,
                reason,
            }),
            What::Lost(records) => Record::Gap(Gap {
                records: *records,
                since: self.at,
                reason: "lost on the way from the page",
            }),
            What::Missed { records, since } => Record::Gap(Gap {
                records: *records,
                since: *since,
                reason: "sent faster than the journal was written",
            }),
            What::Note(json) => Record::Note(json),
            What::Time => return None,
        })
    }
}
