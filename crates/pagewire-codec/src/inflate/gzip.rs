//! The header of a gzip member.

use flate2::Crc;

use crate::cursor::Cursor;
use crate::error::DecodeError;

/// The one method.
pub(super) const DEFLATE: u8 = 8;
pub(super) const MAGIC: [u8; 2] = [0x1F, 0x8B];
pub(super) const HEAD_CRC: u8 = 1 << 1;
pub(super) const EXTRA: u8 = 1 << 2;
pub(super) const NAME: u8 = 1 << 3;
const COMMENT: u8 = 1 << 4;
/// Flags that nobody has defined.
pub(super) const RESERVED: u8 = 0b1110_0000;

/// RFC 1952 §2.3.
pub(super) fn head(packed: &mut Cursor<'_>) -> Result<(), DecodeError> {
    let start = *packed;
    let [magic_0, magic_1, method, flags, ..] = packed.array::<10>("a gzip header")?;
    if [magic_0, magic_1] != MAGIC {
        return Err(start.malformed("a gzip stream begins with the bytes 1f 8b"));
    }
    if method != DEFLATE {
        return Err(start.malformed("a gzip stream has a method other than deflate (8)"));
    }
    if flags & RESERVED != 0 {
        return Err(start.malformed("a gzip header sets flags that nobody has defined"));
    }
    if flags & EXTRA != 0 {
        let length = u16::from_le_bytes(packed.array("an extra field of gzip")?);
        packed.take(u64::from(length), "an extra field of gzip")?;
    }
    if flags & NAME != 0 {
        zero_terminated(packed, "the file name of gzip")?;
    }
    if flags & COMMENT != 0 {
        zero_terminated(packed, "the comment of gzip")?;
    }
    if flags & HEAD_CRC != 0 {
        let length = packed.at().saturating_sub(start.at());
        let mut crc = Crc::new();
        crc.update(start.rest().get(..length).unwrap_or_default());
        let given = u16::from_le_bytes(packed.array("the checksum of a gzip header")?);
        if u32::from(given) != crc.sum() & u32::from(u16::MAX) {
            return Err(packed.malformed("the checksum of a gzip header does not fit"));
        }
    }
    Ok(())
}

fn zero_terminated(packed: &mut Cursor<'_>, what: &'static str) -> Result<(), DecodeError> {
    let text = packed.rest().split_inclusive(|byte| *byte == 0).next();
    let text = text.filter(|text| text.ends_with(&[0]));
    let bytes = text.map_or_else(|| packed.rest().len().saturating_add(1), <[u8]>::len);
    packed.take(bytes as u64, what).map(|_| ())
}
