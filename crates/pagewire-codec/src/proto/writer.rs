//! Writing the wire format.

use super::wire::HIGHEST_NUMBER;

/// Writes the fields of one message, in the order in which they are given. Values are written even where they are the default of their type; proto3
/// leaves those out, and readers take both alike.
///
/// All functions panic where the number of a field is not from 1 to 2^29 - 1.
#[derive(Debug, Clone, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// What was written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// int32, int64, uint32, uint64, bool and enum. Negative numbers are written as the 64-bit numbers of the same bits: `-1_i64 as u64`.
    pub fn varint(&mut self, number: u32, value: u64) -> &mut Self {
        self.tag(number, 0).raw_varint(value)
    }

    /// sint32 and sint64.
    pub fn zigzag(&mut self, number: u32, value: i64) -> &mut Self {
        self.varint(number, (value << 1 ^ value >> 63).cast_unsigned())
    }

    /// fixed64, sfixed64 and double, by their bits.
    pub fn fixed64(&mut self, number: u32, bits: u64) -> &mut Self {
        self.tag(number, 1).raw(&bits.to_le_bytes())
    }

    /// fixed32, sfixed32 and float, by their bits.
    pub fn fixed32(&mut self, number: u32, bits: u32) -> &mut Self {
        self.tag(number, 5).raw(&bits.to_le_bytes())
    }

    /// bytes, and messages that are bytes already.
    pub fn bytes(&mut self, number: u32, bytes: &[u8]) -> &mut Self {
        self.tag(number, 2);
        self.raw_varint(bytes.len() as u64).raw(bytes)
    }

    /// string.
    pub fn text(&mut self, number: u32, text: &str) -> &mut Self {
        self.bytes(number, text.as_bytes())
    }

    /// A message, whose fields `write` writes.
    pub fn message(&mut self, number: u32, write: impl FnOnce(&mut Self)) -> &mut Self {
        self.tag(number, 2);
        let begin = self.bytes.len();
        write(self);
        // The length stands in front, and is known now.
        let length = self.bytes.len().saturating_sub(begin) as u64;
        let end = self.bytes.len();
        self.raw_varint(length);
        let length_bytes = self.bytes.len().saturating_sub(end);
        if let Some(message) = self.bytes.get_mut(begin..) {
            message.rotate_right(length_bytes);
        }
        self
    }

    /// Many varints in one field, as proto3 writes repeated numbers.
    pub fn packed(&mut self, number: u32, values: impl IntoIterator<Item = u64>) -> &mut Self {
        self.message(number, |inner| {
            for value in values {
                inner.raw_varint(value);
            }
        })
    }

    fn tag(&mut self, number: u32, wire: u64) -> &mut Self {
        assert!(
            (1..=HIGHEST_NUMBER).contains(&number),
            "the number of a field is from 1 to 2^29 - 1"
        );
        self.raw_varint(u64::from(number) << 3 | wire)
    }

    /// Seven bits a byte, the lowest first.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "the lowest bits are what is written"
    )]
    fn raw_varint(&mut self, mut value: u64) -> &mut Self {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
        self
    }

    fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        self
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::proto::wire::unzigzag;
    use crate::proto::{Field, Fields, Value};

    #[derive(Debug, Clone)]
    enum Written {
        Varint(u64),
        Zigzag(i64),
        Fixed64(u64),
        Fixed32(u32),
        Bytes(Vec<u8>),
        Message(Vec<(u32, Self)>),
    }

    fn written() -> impl Strategy<Value = (u32, Written)> {
        let value = prop_oneof![
            prop_oneof![0..300_u64, any::<u64>()].prop_map(Written::Varint),
            any::<i64>().prop_map(Written::Zigzag),
            any::<u64>().prop_map(Written::Fixed64),
            any::<u32>().prop_map(Written::Fixed32),
            vec(any::<u8>(), 0..200).prop_map(Written::Bytes),
        ];
        let number = || prop_oneof![1..40_u32, 1..=(1_u32 << 29) - 1];
        let value = value.prop_recursive(4, 40, 5, move |inner| {
            vec((number(), inner), 0..5).prop_map(Written::Message)
        });
        (number(), value)
    }

    fn write(writer: &mut Writer, fields: &[(u32, Written)]) {
        for (number, value) in fields {
            let number = *number;
            match value {
                Written::Varint(value) => writer.varint(number, *value),
                Written::Zigzag(value) => writer.zigzag(number, *value),
                Written::Fixed64(bits) => writer.fixed64(number, *bits),
                Written::Fixed32(bits) => writer.fixed32(number, *bits),
                Written::Bytes(bytes) => writer.bytes(number, bytes),
                Written::Message(fields) => writer.message(number, |inner| write(inner, fields)),
            };
        }
    }

    fn check(bytes: &[u8], fields: &[(u32, Written)]) {
        let read: Vec<Field<'_>> = Fields::new(bytes).collect::<Result<_, _>>().unwrap();
        assert_eq!(read.len(), fields.len());
        for (read, (number, value)) in read.iter().zip(fields) {
            assert_eq!(read.number, *number);
            match (read.value, value) {
                (Value::Varint(read), Written::Varint(value)) => assert_eq!(read, *value),
                (Value::Varint(read), Written::Zigzag(value)) => assert_eq!(unzigzag(read), *value),
                (Value::Fixed64(read), Written::Fixed64(bits)) => {
                    assert_eq!(read, *bits);
                }
                (Value::Fixed32(read), Written::Fixed32(bits)) => {
                    assert_eq!(read, *bits);
                }
                (Value::Bytes(read), Written::Bytes(bytes)) => assert_eq!(read, bytes),
                (Value::Bytes(read), Written::Message(fields)) => check(read, fields),
                other => panic!("{other:?}"),
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(fields in vec(written(), 0..8)) {
            let mut writer = Writer::default();
            write(&mut writer, &fields);
            check(&writer.into_bytes(), &fields);
        }
    }

    #[test]
    fn the_bytes_are_those_of_the_encoding_guide() {
        let mut writer = Writer::default();
        writer
            .varint(1, 150)
            .text(2, "testing")
            .packed(6, [3, 270, 86_942]);
        writer.message(3, |inner| {
            inner.varint(1, 150);
        });
        let expected =
            b"\x08\x96\x01\x12\x07testing\x32\x06\x03\x8e\x02\x9e\xa7\x05\x1a\x03\x08\x96\x01";
        assert_eq!(writer.into_bytes(), expected);
    }

    #[test]
    #[should_panic(expected = "from 1 to 2^29 - 1")]
    fn a_field_that_no_reader_takes_is_not_written() {
        Writer::default().varint(1 << 29, 1);
    }
}
