//! Unpacking in one go, by libdeflate, which is half as fast again as what reads a stream piece by piece.
//!
//! It wants the size of the output before it begins, and of an error it says neither where nor why. So it is for what is whole and says its own
//! size; everything else, and every error, is left to the other way.

use std::fmt;

use libdeflater::Decompressor;
use memchr::memmem;

use super::gzip;
use crate::cursor::Cursor;

/// Deflate makes at most so many bytes of one. A stream that says that it is larger does not get the memory.
const GROWTH: usize = 1_032;

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
    /// Unpacks one gzip member, which is the whole input, into `out`, whatever is in that before, and says whether it could. Where not, what is in
    /// `out` means nothing.
    pub(super) fn gzip(&mut self, packed: &[u8], max: usize, out: &mut Vec<u8>) -> bool {
        let mut cursor = Cursor::new(packed);
        if gzip::head(&mut cursor).is_err() {
            return false;
        }
        let stream = cursor.rest();
        let Some((before, size_told)) = stream.split_last_chunk::<4>() else {
            return false;
        };
        let size = u32::from_le_bytes(*size_told) as usize;
        if size > max || size > before.len().saturating_mul(GROWTH) {
            return false;
        }
        // Where the stream ends is not told, only that a checksum and this size stand there: so it ends where the input does, if the size stands
        // nowhere else.
        if memmem::find(stream, size_told) != Some(before.len()) {
            return false;
        }
        out.resize(size, 0);
        self.0.gzip_decompress(packed, out) == Ok(size)
    }
}
