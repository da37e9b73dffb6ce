//! Records to chunks, in memory that is used again.

use crate::chunk::{
    CHUNK_HEAD_BYTES, FORMAT_VERSION, Head, KIND_BEGIN, KIND_RECORDS, PACKING_DEFLATE, PACKING_NONE,
};
use crate::packing::Packer;
use crate::record::Entry;
use crate::stamp::Stamp;

/// What the next chunk goes on from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    pub(super) next_record: u64,
    /// The latest time of the segment.
    pub(super) latest: Stamp,
}

#[derive(Debug)]
pub(super) struct Encoder {
    packer: Packer,
    bytes: Vec<u8>,
    mark: Mark,
    segment: u64,
}

/// Memory that is kept for the next append; one that needed more is an exception.
const KEPT_BYTES: usize = 4 << 20;

impl Encoder {
    pub(super) fn new(mark: Mark) -> Self {
        Self {
            packer: Packer::default(),
            bytes: Vec::new(),
            mark,
            segment: 0,
        }
    }

    /// What is encoded and not yet written.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// It was written.
    pub(super) fn clear(&mut self) -> Mark {
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_BYTES);
        self.mark
    }

    /// It was not written.
    pub(super) fn go_back(&mut self, mark: Mark) {
        self.clear();
        self.mark = mark;
    }

    /// The first chunk of a segment.
    pub(super) fn begin(&mut self, segment: u64, at: Stamp) {
        self.segment = segment;
        self.mark.latest = at;
        let head = self.head(KIND_BEGIN);
        self.bytes.extend(head.encode());
    }

    pub(super) fn chunk(&mut self, entries: &[Entry<'_>]) {
        let begin = self.bytes.len();
        let behind_head = begin + CHUNK_HEAD_BYTES;
        self.bytes.resize(behind_head, 0);
        for entry in entries {
            entry.encode(&mut self.bytes);
            self.mark.latest = self.mark.latest.latest(entry.at);
        }
        let mut head = self.head(KIND_RECORDS);
        head.records = length(entries.len());
        let plain = &self.bytes[behind_head..];
        head.plain_bytes = length(plain.len());
        if let Some(packed) = self.packer.pack(plain) {
            head.packing = PACKING_DEFLATE;
            self.bytes.truncate(behind_head);
            self.bytes.extend_from_slice(packed);
        }
        let stored = &self.bytes[behind_head..];
        head.stored_bytes = length(stored.len());
        head.checksum = crc32fast::hash(stored);
        self.bytes[begin..behind_head].copy_from_slice(&head.encode());
        self.mark.next_record = head.next();
    }

    fn head(&self, kind: u8) -> Head {
        Head {
            version: FORMAT_VERSION,
            kind,
            packing: PACKING_NONE,
            stored_bytes: 0,
            plain_bytes: 0,
            records: 0,
            first: self.mark.next_record,
            segment: self.segment,
            latest: self.mark.latest,
            // Of nothing.
            checksum: 0,
        }
    }
}

fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("a chunk has at most CHUNK_BYTES_MAX")
}
