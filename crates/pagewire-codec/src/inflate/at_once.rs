//! Unpacking in one go, by libdeflate, which is half as fast again as what reads a stream piece by piece.
//!
//! It wants the size of the output before it begins, and of an error it says neither where nor why. So it is for what is whole and says its own
//! size; everything else, and every error, is left to the other way.

use std::fmt;

use libdeflater::{Decompressor, crc32};
use memchr::memmem;

use super::gzip;
use crate::cursor::Cursor;

/// Deflate makes at most so many bytes of one. A stream that says that it is larger does not get the memory.
const GROWTH: usize = 1_032;
/// How a member begins. Within a stream this is rare, and costs no more than time.
const MEMBER: &[u8] = &[0x1F, 0x8B, gzip::DEFLATE];

pub(super) struct AtOnce(Decompressor);

impl fmt::Debug for AtOnce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AtOnce")
    }
}

impl Default for AtOnce {
    fn default() -> Self {
        Self(Decompressor::new())
    }
}

impl AtOnce {
    /// Unpacks one gzip member into `out`, whatever is in that before, and says whether it could. Where not, what is in `out` means nothing.
    pub(super) fn gzip(&mut self, packed: &[u8], max: usize, out: &mut Vec<u8>) -> bool {
        let mut cursor = Cursor::new(packed);
        if gzip::head(&mut cursor).is_err() {
            return false;
        }
        let Some((deflated, end)) = cursor.rest().split_last_chunk::<8>() else {
            return false;
        };
        let [sum @ .., s0, s1, s2, s3] = end;
        let size = u32::from_le_bytes([*s0, *s1, *s2, *s3]) as usize;
        if size > max || size > deflated.len().saturating_mul(GROWTH) {
            return false;
        }
        // Where the stream ends is not told, so what stands between it and a sum and size that fit goes unseen. Of two equal members the end of the
        // second would do for the first.
        if memmem::find(deflated, MEMBER).is_some() {
            return false;
        }
        out.resize(size, 0);
        let unpacked = self.0.deflate_decompress(deflated, out);
        unpacked.is_ok_and(|bytes| bytes == size) && sum == &crc32(out).to_le_bytes()
    }
}
