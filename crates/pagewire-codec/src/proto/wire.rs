//! The wire format: tags and values.

use crate::cursor::Cursor;
use crate::error::{DecodeError, Fault};

/// Messages inside of each other. One more is an error. Protobuf's own libraries stop at 100.
pub const DEPTH_MAX: usize = 64;
/// Field numbers have 29 bits.
pub(super) const HIGHEST_NUMBER: u32 = (1 << 29) - 1;

/// The fields of one message, in the order in which they were written. Ends after the first error.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    cursor: Cursor<'a>,
    depth: usize,
}

/// One field of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// Which one: 1 to 2^29 - 1.
    pub number: u32,
    /// What it holds.
    pub value: Value<'a>,
    /// Where its value begins, from the first byte of the message.
    pub at: usize,
}

/// What a field holds, as the wire tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// int32, int64, uint32, uint64, sint32, sint64, bool, enum.
    Varint(u64),
    /// fixed64, sfixed64, double: their bits.
    Fixed64(u64),
    /// string, bytes, a message, packed repeated fields.
    Bytes(&'a [u8]),
    /// A group: the fields between its tags.
    Group(&'a [u8]),
    /// fixed32, sfixed32, float: their bits.
    Fixed32(u32),
}

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WireType {
    /// 0
    Varint,
    /// 1
    Fixed64,
    /// 2
    Bytes,
    /// 3 and 4
    Group,
    /// 5
    Fixed32,
}

impl<'a> Fields<'a> {
    /// Of a message that is in no other one.
    #[inline]
    pub const fn new(message: &'a [u8]) -> Self {
        Self::inside(message, 0)
    }

    /// Of a message inside of `depth` others.
    #[inline]
    pub const fn inside(message: &'a [u8], depth: usize) -> Self {
        Self {
            cursor: Cursor::new(message),
            depth,
        }
    }

    /// Numbers and bytes that are whole, which nearly all fields are. None leaves all as it is.
    #[inline(always)]
    fn usual(&mut self) -> Option<Field<'a>> {
        let (tag, rest) = short_varint(self.cursor.rest())?;
        let number = u32::try_from(tag >> 3).ok()?;
        if !(1..=HIGHEST_NUMBER).contains(&number) {
            return None;
        }
        let (value, at, rest) = match tag & 7 {
            0 => {
                let (value, behind) = leading_varint(rest)?;
                (Value::Varint(value), rest, behind)
            }
            2 => {
                let (length, behind) = short_varint(rest)?;
                let (bytes, after) = behind.split_at_checked(usize::try_from(length).ok()?)?;
                (Value::Bytes(bytes), behind, after)
            }
            _ => return None,
        };
        self.cursor.leave(at);
        let at = self.cursor.at();
        self.cursor.leave(rest);
        Some(Field { number, value, at })
    }

    /// Any field. Takes a copy, so that what is here may stay in registers.
    #[cold]
    #[inline(never)]
    fn field(mut self) -> (Result<Field<'a>, DecodeError>, Cursor<'a>) {
        let field = field(&mut self.cursor, self.depth);
        if field.is_err() {
            self.cursor.leave(&[]);
        }
        (field, self.cursor)
    }
}

fn field<'a>(cursor: &mut Cursor<'a>, depth: usize) -> Result<Field<'a>, DecodeError> {
    let (number, wire) = tag(cursor)?;
    let mut at = cursor.at();
    let value = match wire {
        0 => Value::Varint(varint(cursor)?),
        1 => Value::Fixed64(u64::from_le_bytes(cursor.array("a 64-bit number")?)),
        2 => {
            let length = varint(cursor)?;
            at = cursor.at();
            Value::Bytes(cursor.take(length, "a length-delimited value")?)
        }
        3 => Value::Group(group(cursor, number, depth)?),
        4 => return Err(cursor.malformed("a group ends that has not begun")),
        5 => Value::Fixed32(u32::from_le_bytes(cursor.array("a 32-bit number")?)),
        _ => return Err(cursor.malformed("a wire type is 6 or 7")),
    };
    Ok(Field { number, value, at })
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, DecodeError>;

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        if self.cursor.is_empty() {
            return None;
        }
        if let Some(field) = self.usual() {
            return Some(Ok(field));
        }
        let (field, cursor) = self.clone().field();
        self.cursor = cursor;
        Some(field)
    }
}

impl Value<'_> {
    /// How it is written.
    #[inline]
    pub const fn wire_type(&self) -> WireType {
        match self {
            Self::Varint(_) => WireType::Varint,
            Self::Fixed64(_) => WireType::Fixed64,
            Self::Bytes(_) => WireType::Bytes,
            Self::Group(_) => WireType::Group,
            Self::Fixed32(_) => WireType::Fixed32,
        }
    }
}

#[inline]
fn tag(cursor: &mut Cursor<'_>) -> Result<(u32, u64), DecodeError> {
    let at = cursor.at();
    let tag = varint(cursor)?;
    match u32::try_from(tag >> 3) {
        Ok(number @ 1..=HIGHEST_NUMBER) => Ok((number, tag & 7)),
        _ => Err(no_number(at, tag >> 3)),
    }
}

#[cold]
fn no_number(at: usize, number: u64) -> DecodeError {
    let why = if number == 0 {
        "a field has the number 0"
    } else {
        "a field number has more than 29 bits"
    };
    DecodeError::at(at, Fault::Malformed(why))
}

/// A tag or a length, and what is behind it: nearly all are of one byte.
#[inline(always)]
pub(super) fn short_varint(rest: &[u8]) -> Option<(u64, &[u8])> {
    match *rest {
        [first, ref behind @ ..] if first < 0x80 => Some((u64::from(first), behind)),
        _ => leading_varint(rest),
    }
}

/// A varint, and what is behind it. Whether it has one byte or two nobody can foresee: those go the same way, without a branch.
#[inline(always)]
pub(super) fn leading_varint(rest: &[u8]) -> Option<(u64, &[u8])> {
    match *rest {
        [first, second, ..] if first & second < 0x80 => {
            let more = first >> 7;
            let value = u64::from(first & 0x7f) | u64::from(second & more.wrapping_neg()) << 7;
            Some((value, rest.get(usize::from(more).saturating_add(1)..)?))
        }
        [only] if only < 0x80 => Some((u64::from(only), &[])),
        _ => long_varint(rest),
    }
}

/// One of any length.
#[inline(never)]
fn long_varint(rest: &[u8]) -> Option<(u64, &[u8])> {
    if let Some((word, behind)) = rest.split_first_chunk::<8>() {
        return word_varint(u64::from_le_bytes(*word), rest, behind);
    }
    let mut value = 0;
    for (index, byte) in (0_u32..8).zip(rest) {
        value |= u64::from(byte & 0x7f) << index.saturating_mul(7);
        if *byte < 0x80 {
            return Some((value, rest.get(index.saturating_add(1) as usize..)?));
        }
    }
    None
}

/// One that begins with these eight bytes: the seven bits of all of them are moved together at once.
#[inline]
fn word_varint<'a>(word: u64, rest: &'a [u8], behind: &'a [u8]) -> Option<(u64, &'a [u8])> {
    const LAST: u64 = 0x8080_8080_8080_8080;
    let last = !word & LAST;
    // All bits up to the mark of the last byte; all, where there is none.
    let bits = word & (last ^ last.wrapping_sub(1)) & !LAST;
    let bits = bits & 0x007f_007f_007f_007f | (bits & 0x7f00_7f00_7f00_7f00) >> 1;
    let bits = bits & 0x0000_3fff_0000_3fff | (bits & 0x3fff_0000_3fff_0000) >> 2;
    let bits = bits & 0x0fff_ffff | (bits & 0x0fff_ffff_0000_0000) >> 4;
    if last != 0 {
        let length = (last.trailing_zeros() >> 3).saturating_add(1);
        return Some((bits, rest.get(length as usize..)?));
    }
    match *behind {
        [ninth, ref behind @ ..] if ninth < 0x80 => Some((bits | u64::from(ninth) << 56, behind)),
        [ninth, tenth @ (0 | 1), ref behind @ ..] => Some((
            bits | u64::from(ninth & 0x7f) << 56 | u64::from(tenth) << 63,
            behind,
        )),
        _ => None,
    }
}

/// Seven bits a byte, the lowest first; ten bytes at most.
#[inline]
pub(super) fn varint(cursor: &mut Cursor<'_>) -> Result<u64, DecodeError> {
    let Some((value, rest)) = leading_varint(cursor.rest()) else {
        return Err(no_varint(cursor));
    };
    cursor.leave(rest);
    Ok(value)
}

#[cold]
fn no_varint(cursor: &Cursor<'_>) -> DecodeError {
    let rest = cursor.rest();
    if rest.len() >= 10 {
        return cursor.malformed("a varint has more than 64 bits");
    }
    let fault = Fault::Truncated {
        what: "a varint",
        needed: 1,
        left: 0,
    };
    DecodeError::at(cursor.at().saturating_add(rest.len()), fault)
}

/// The bytes up to the end tag of a group whose start tag was read.
fn group<'a>(cursor: &mut Cursor<'a>, number: u32, depth: usize) -> Result<&'a [u8], DecodeError> {
    let begin = cursor.rest();
    let begun_at = cursor.at();
    let mut open = vec![number];
    while let Some(&innermost) = open.last() {
        let at = cursor.at();
        if cursor.is_empty() {
            let fault = Fault::Malformed("a group has no end");
            return Err(DecodeError::at(begun_at, fault));
        }
        let (number, wire) = tag(cursor)?;
        match wire {
            0 => drop(varint(cursor)?),
            1 => drop(cursor.take(8, "a 64-bit number")?),
            2 => {
                let length = varint(cursor)?;
                cursor.take(length, "a length-delimited value")?;
            }
            3 => {
                open.push(number);
                too_deep(depth.saturating_add(open.len()), at)?;
            }
            4 if number == innermost => {
                open.pop();
                if open.is_empty() {
                    let length = at.saturating_sub(begun_at);
                    return Ok(begin.get(..length).unwrap_or_default());
                }
            }
            4 => {
                return Err(DecodeError::at(
                    at,
                    Fault::Malformed("a group ends inside of another one"),
                ));
            }
            5 => drop(cursor.take(4, "a 32-bit number")?),
            _ => {
                return Err(DecodeError::at(
                    at,
                    Fault::Malformed("a wire type is 6 or 7"),
                ));
            }
        }
    }
    Ok(begin)
}

/// 0, -1, 1, -2, …
#[allow(
    clippy::cast_possible_wrap,
    reason = "half of a 64-bit number has no sign"
)]
pub(super) const fn unzigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ ((number & 1) as i64).wrapping_neg()
}

/// An error where a message is inside of too many others.
pub(super) fn too_deep(depth: usize, at: usize) -> Result<(), DecodeError> {
    if depth <= DEPTH_MAX {
        return Ok(());
    }
    let fault = Fault::Limit {
        what: "depth of messages",
        got: depth as u64,
        max: DEPTH_MAX as u64,
    };
    Err(DecodeError::at(at, fault))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8]) -> Result<Vec<Field<'_>>, String> {
        let fields: Result<Vec<_>, _> = Fields::new(bytes).collect();
        fields.map_err(|error| error.to_string())
    }

    #[test]
    fn each_wire_type_is_read() {
        let bytes = b"\x08\x96\x01\x11\x01\x02\x03\x04\x05\x06\x07\x08\x1a\x02hi\x23\x08\x05\x24\x2d\x01\x02\x03\x04";
        let fields = all(bytes).unwrap();
        let expected = [
            (1, Value::Varint(150), 1),
            (2, Value::Fixed64(0x0807_0605_0403_0201), 4),
            (3, Value::Bytes(b"hi"), 14),
            (4, Value::Group(b"\x08\x05"), 17),
            (5, Value::Fixed32(0x0403_0201), 21),
        ];
        let expected = expected.map(|(number, value, at)| Field { number, value, at });
        assert_eq!(fields, expected);
    }

    #[test]
    fn varints_have_up_to_ten_bytes() {
        let max = b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
        assert_eq!(all(max).unwrap()[0].value, Value::Varint(u64::MAX));
        assert_eq!(all(b"\x08\x80\x00").unwrap()[0].value, Value::Varint(0));
        let cases: [(&[u8], &str); 9] = [
            (
                b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
                "malformed: a varint has more than 64 bits, at byte 1",
            ),
            (
                b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
                "malformed: a varint has more than 64 bits, at byte 1",
            ),
            (
                b"\x08\xff",
                "a varint needs 1 more bytes, and 0 are left, at byte 2",
            ),
            (
                b"\x00\x01",
                "malformed: a field has the number 0, at byte 0",
            ),
            (
                b"\x80\x80\x80\x80\x10\x01",
                "malformed: a field number has more than 29 bits, at byte 0",
            ),
            (b"\x0f", "malformed: a wire type is 6 or 7, at byte 1"),
            (
                b"\x0c",
                "malformed: a group ends that has not begun, at byte 1",
            ),
            (b"\x0b\x08\x01", "malformed: a group has no end, at byte 1"),
            (
                b"\x0a\xff\xff\xff\xff\x0f",
                "a length-delimited value needs 4294967295 more bytes, and 0 are left, at byte 6",
            ),
        ];
        for (bytes, expected) in cases {
            assert_eq!(all(bytes).unwrap_err(), expected, "{bytes:x?}");
        }
    }

    #[test]
    fn groups_are_as_deep_as_messages_at_most() {
        let nested = |depth: usize| [vec![0x0b; depth], vec![0x0c; depth]].concat();
        assert!(all(&nested(DEPTH_MAX)).is_ok());
        assert_eq!(
            all(&nested(DEPTH_MAX + 1)).unwrap_err(),
            "too much: depth of messages is 65, the limit is 64, at byte 64"
        );
        let crossed = b"\x0b\x13\x0c\x14";
        let error = all(crossed).unwrap_err();
        assert_eq!(
            error,
            "malformed: a group ends inside of another one, at byte 2"
        );
    }
}
