//! The head of a chunk, which says all that is needed to read the chunk and to find the next (`docs/journal.md` §3).

use memchr::memmem;

use crate::stamp::Stamp;

/// How every chunk begins. No text, no UTF-8, and broken by whatever rewrites the ends of lines.
pub(crate) const MARKER: [u8; 8] = *b"\xF1PWJ\r\n\x1A\x8D";

/// Bytes of a chunk before its records.
pub const CHUNK_HEAD_BYTES: usize = 64;

/// The version of the format that is written here, and the newest that is read.
pub const FORMAT_VERSION: u8 = 1;

/// Most bytes that the records of a chunk take, packed or not: 32 MiB. So it is also the most of one record.
pub const CHUNK_BYTES_MAX: usize = 32 << 20;

/// The head of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) version: u8,
    pub(crate) kind: u8,
    pub(crate) packing: u8,
    /// Of the records as they are stored.
    pub(crate) stored_bytes: u32,
    /// Of the records unpacked.
    pub(crate) plain_bytes: u32,
    pub(crate) records: u32,
    /// How many records the journal had before this chunk.
    pub(crate) first: u64,
    /// Random, and the same in all chunks of a segment: no payload can hold a chunk of the segment that it is going to be in.
    pub(crate) segment: u64,
    /// The latest time of any record of the segment up to and with this chunk, so it never goes back within a segment.
    pub(crate) latest: Stamp,
    /// CRC-32 of what is stored.
    pub(crate) checksum: u32,
}

/// The first chunk of a segment, which has no records.
pub(crate) const KIND_BEGIN: u8 = 1;
/// A chunk with records.
pub(crate) const KIND_RECORDS: u8 = 2;

pub(crate) const PACKING_NONE: u8 = 0;
pub(crate) const PACKING_DEFLATE: u8 = 1;

const CHECKED_BYTES: usize = CHUNK_HEAD_BYTES - 4;

impl Head {
    pub(crate) fn encode(&self) -> [u8; CHUNK_HEAD_BYTES] {
        let mut bytes = [0; CHUNK_HEAD_BYTES];
        let mut at = 0;
        let mut put = |field: &[u8]| {
            bytes[at..at + field.len()].copy_from_slice(field);
            at += field.len();
        };
        put(&MARKER);
        put(&[self.version, self.kind, self.packing, 0]);
        put(&self.stored_bytes.to_le_bytes());
        put(&self.plain_bytes.to_le_bytes());
        put(&self.records.to_le_bytes());
        put(&self.first.to_le_bytes());
        put(&self.segment.to_le_bytes());
        put(&self.latest.mono_us.to_le_bytes());
        put(&self.latest.unix_us.to_le_bytes());
        put(&self.checksum.to_le_bytes());
        let checksum = crc32fast::hash(&bytes[..CHECKED_BYTES]);
        bytes[CHECKED_BYTES..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// `None` where no head stands at the beginning of `bytes`, or one that its checksum does not fit.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; CHUNK_HEAD_BYTES] = bytes.first_chunk()?;
        let (checked, checksum) = bytes.split_last_chunk()?;
        if !checked.starts_with(&MARKER)
            || crc32fast::hash(checked) != u32::from_le_bytes(*checksum)
        {
            return None;
        }
        let number = |at: usize| u32::from_le_bytes(std::array::from_fn(|index| bytes[at + index]));
        let long = |at: usize| u64::from_le_bytes(std::array::from_fn(|index| bytes[at + index]));
        Some(Self {
            version: bytes[8],
            kind: bytes[9],
            packing: bytes[10],
            stored_bytes: number(12),
            plain_bytes: number(16),
            records: number(20),
            first: long(24),
            segment: long(32),
            latest: Stamp {
                mono_us: long(40),
                unix_us: long(48),
            },
            checksum: number(56),
        })
    }

    /// Bytes of the chunk with its head.
    pub(crate) fn chunk_bytes(&self) -> u64 {
        CHUNK_HEAD_BYTES as u64 + u64::from(self.stored_bytes)
    }

    /// The number that the record behind this chunk has.
    pub(crate) fn next(&self) -> u64 {
        self.first.saturating_add(u64::from(self.records))
    }

    /// False where it asks for more memory than any chunk may.
    pub(crate) fn is_within_limits(&self) -> bool {
        [self.stored_bytes, self.plain_bytes]
            .iter()
            .all(|&bytes| bytes as usize <= CHUNK_BYTES_MAX)
    }
}

/// Where in `bytes` the first head stands, of the segment that is known, or of any where none is.
pub(crate) fn find_head(bytes: &[u8], segment: Option<u64>) -> Option<(usize, Head)> {
    memmem::find_iter(bytes, &MARKER).find_map(|at| {
        let head = Head::decode(&bytes[at..])?;
        segment
            .is_none_or(|segment| head.segment == segment)
            .then_some((at, head))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head() -> Head {
        Head {
            version: FORMAT_VERSION,
            kind: KIND_RECORDS,
            packing: PACKING_DEFLATE,
            stored_bytes: 11,
            plain_bytes: 22,
            records: 3,
            first: 44,
            segment: 55,
            latest: Stamp {
                mono_us: 66,
                unix_us: 77,
            },
            checksum: 88,
        }
    }

    #[test]
    fn a_head_comes_back_as_it_was() {
        assert_eq!(Head::decode(&head().encode()), Some(head()));
    }

    #[test]
    fn no_flipped_bit_of_a_head_goes_unseen() {
        for bit in 0..CHUNK_HEAD_BYTES * 8 {
            let mut bytes = head().encode();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Head::decode(&bytes), None, "bit {bit}");
        }
    }

    #[test]
    fn a_head_is_found_between_markers_that_are_none() {
        let bytes = [&MARKER[..], b"x", &MARKER, &head().encode(), b"y"].concat();
        assert_eq!(find_head(&bytes, None), Some((17, head())));
        assert_eq!(find_head(&bytes, Some(55)), Some((17, head())));
        assert_eq!(find_head(&bytes, Some(54)), None);
        assert_eq!(find_head(&bytes[..80], None), None);
    }
}
