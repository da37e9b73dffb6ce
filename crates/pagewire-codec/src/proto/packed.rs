//! Numbers that are written as one value.

use super::wire::{Value, WireType, varint};
use crate::cursor::Cursor;
use crate::error::DecodeError;

/// Numbers packed into one value, with the byte where each begins. Ends after the first error.
#[derive(Debug)]
pub struct Packed<'a> {
    wire: WireType,
    cursor: Cursor<'a>,
    failed: bool,
}

impl<'a> Packed<'a> {
    /// Those of a repeated field whose numbers are written so when they stand alone.
    pub const fn new(wire: WireType, bytes: &'a [u8]) -> Self {
        Self {
            wire,
            cursor: Cursor::new(bytes),
            failed: false,
        }
    }
}

impl<'a> Iterator for Packed<'a> {
    type Item = Result<(Value<'a>, usize), DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.cursor.is_empty() {
            return None;
        }
        let at = self.cursor.at();
        let cursor = &mut self.cursor;
        let value = match self.wire {
            WireType::Fixed64 => {
                let bytes = cursor.array("a 64-bit number");
                bytes.map(|bytes| Value::Fixed64(u64::from_le_bytes(bytes)))
            }
            WireType::Fixed32 => {
                let bytes = cursor.array("a 32-bit number");
                bytes.map(|bytes| Value::Fixed32(u32::from_le_bytes(bytes)))
            }
            WireType::Varint | WireType::Bytes | WireType::Group => {
                varint(cursor).map(Value::Varint)
            }
        };
        self.failed = value.is_err();
        Some(value.map(|value| (value, at)))
    }
}
