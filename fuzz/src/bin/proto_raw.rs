//! Protobuf without a schema: the wire format, and the likeliest reading of it.
#![no_main]

use pagewire_codec::proto::{Field, Fields, RAW_FIELDS_MAX, RawMessage, Reading, Value};
use pagewire_fuzz::{check_error, json_of, proto};

pagewire_fuzz::target!(check, seeds: seeds());

fn check(bytes: &[u8]) {
    check_wire(bytes);
    match RawMessage::read(bytes) {
        Err(error) => check_error(&error, bytes.len()),
        Ok(message) => {
            let mut room = RAW_FIELDS_MAX;
            check_message(&message, 0, bytes.len(), &mut room);
            assert!(json_of(&message)["fields"].is_array());
        }
    }
}

/// What is read is the same when it is written in the fewest bytes.
fn check_wire(bytes: &[u8]) {
    let fields: Result<Vec<_>, _> = Fields::new(bytes).collect();
    match fields {
        Err(error) => check_error(&error, bytes.len()),
        Ok(fields) => {
            let written: Vec<u8> = fields.iter().flat_map(write).collect();
            assert!(written.len() <= bytes.len());
            let values = |field: Field<'_>| (field.number, format!("{:?}", field.value));
            let again = Fields::new(&written).map(|field| values(field.expect("a field")));
            assert!(again.eq(fields.into_iter().map(values)));
        }
    }
}

fn write(field: &Field<'_>) -> Vec<u8> {
    let tag = |wire: u64| varint(u64::from(field.number) << 3 | wire);
    match field.value {
        Value::Varint(number) => [tag(0), varint(number)].concat(),
        Value::Fixed64(bits) => [tag(1), bits.to_le_bytes().to_vec()].concat(),
        Value::Bytes(bytes) => [tag(2), varint(bytes.len() as u64), bytes.to_vec()].concat(),
        Value::Group(bytes) => [tag(3), bytes.to_vec(), tag(4)].concat(),
        Value::Fixed32(bits) => [tag(5), bits.to_le_bytes().to_vec()].concat(),
    }
}

fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// Fields are inside of their message, one behind the other, and not too many.
fn check_message(message: &RawMessage, from: usize, to: usize, room: &mut usize) {
    let mut from = from;
    for field in &message.fields {
        *room = room.checked_sub(1).expect("no more fields than the limit");
        assert!(field.at > from && field.at <= to, "{field:?}");
        assert!((1..=100).contains(&field.confidence));
        from = match &field.reading {
            Reading::Fixed64 { .. } => field.at + 8,
            Reading::Fixed32 { .. } => field.at + 4,
            Reading::String { value } => field.at + value.len(),
            Reading::Bytes { size, .. } => field.at + size,
            Reading::Varint { .. } => field.at + 1,
            Reading::Packed { value } => field.at + value.len(),
            Reading::Message { value } | Reading::Group { value } => {
                // Its first tag stands at its first byte.
                check_message(value, field.at, to, room);
                field.at
            }
        };
        assert!(from <= to, "{field:?}");
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let of_schema = proto::JSON_SEEDS.map(|(place, json)| {
        let bytes = proto::schema().to_bytes(proto::message(place), json);
        bytes.expect("a seed is a message")
    });
    let user = b"\x0a\x06\xe5\xbc\xa0\xe4\xb8\x89\x10\xf8\x06\x1a\x0d\x08\x07\x12\x09\xe7\xb2\x89\xe4\xb8\x9d\xe5\x9b\xa2\x20\xce\xbe\x94\xd2\x9f\x34\x2a\x06\x03\x8e\x02\x9e\xa7\x05\x35\x00\x00\x00\x3f\x3a\x03\xff\x00\xfe";
    of_schema.into_iter().chain([user.to_vec()]).collect()
}
