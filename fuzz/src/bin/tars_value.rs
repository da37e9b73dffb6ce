//! Tars of which nothing is known, as a tree, and the reader of known fields beside it.
#![no_main]

use pagewire_codec::{NestedBytes, TARS_DEPTH_MAX, TarsReader, TarsValue, TarsWriter};
use pagewire_fuzz::{check_error, json_of};

pagewire_fuzz::target!(check, seeds: seeds());

fn check(bytes: &[u8]) {
    match TarsValue::decode(bytes, NestedBytes::Keep) {
        Err(error) => check_error(&error, bytes.len()),
        Ok(tree) => {
            check_depth(&tree, 0);
            let TarsValue::Struct(fields) = &tree else {
                panic!("a message is fields: {tree:?}");
            };
            let written = tree.encode();
            check_reader(TarsReader::new(&written), fields);
            assert!(written.len() <= bytes.len(), "no encoder writes less");
            let again = TarsValue::decode(&written, NestedBytes::Keep).expect("it was written");
            // Not the trees: a float may be no number, which equals nothing.
            assert_eq!(again.encode(), written);
            assert_eq!(json_of(&again), json_of(&tree));
        }
    }
    let guessed = TarsValue::decode(bytes, NestedBytes::Guess);
    let kept = TarsValue::decode(bytes, NestedBytes::Keep);
    // A guess that was wrong is bytes again, and no error.
    assert_eq!(guessed.as_ref().err(), kept.as_ref().err());
    if let Ok(guessed) = guessed {
        check_depth(&guessed, 0);
        json_of(&guessed);
        let written = guessed.encode();
        assert!(TarsValue::decode(&written, NestedBytes::Keep).is_ok());
    }
}

fn check_depth(value: &TarsValue<'_>, depth: usize) {
    let inner = depth + 1;
    match value {
        TarsValue::Struct(fields) | TarsValue::Nested(fields) => {
            fields
                .iter()
                .for_each(|(_, value)| check_depth(value, inner));
        }
        TarsValue::List(items) => items.iter().for_each(|item| check_depth(item, inner)),
        TarsValue::Map(pairs) => {
            let values = pairs.iter().flat_map(|(key, value)| [key, value]);
            values.for_each(|value| check_depth(value, inner));
        }
        TarsValue::Integer(_)
        | TarsValue::Float(_)
        | TarsValue::Double(_)
        | TarsValue::String(_)
        | TarsValue::Bytes(_) => assert!(depth <= TARS_DEPTH_MAX),
    }
}

/// What the tree has, the reader finds, when it is asked for what stands there.
fn check_reader(mut reader: TarsReader<'_>, fields: &[(u8, TarsValue<'_>)]) {
    for (tag, value) in fields {
        check_field(&mut reader, *tag, value);
    }
}

fn check_field(reader: &mut TarsReader<'_>, tag: u8, value: &TarsValue<'_>) {
    match value {
        TarsValue::Integer(value) => assert_eq!(reader.integer(tag), Ok(Some(*value))),
        TarsValue::Float(value) => check_float(reader, tag, f64::from(*value)),
        TarsValue::Double(value) => check_float(reader, tag, *value),
        TarsValue::String(value) | TarsValue::Bytes(value) => {
            let text = reader.clone().text(tag);
            assert_eq!(text.is_ok(), str::from_utf8(value).is_ok());
            assert_eq!(reader.bytes(tag), Ok(Some(*value)));
        }
        TarsValue::Nested(_) => panic!("nothing was guessed"),
        TarsValue::Struct(fields) => {
            check_reader(
                reader.structure(tag).expect("a struct").expect("there"),
                fields,
            );
        }
        TarsValue::List(values) => {
            let items = reader.list(tag).expect("a list").expect("there");
            let items: Vec<_> = items.map(|item| item.expect("an item")).collect();
            assert_eq!(items.len(), values.len());
            for (mut item, value) in items.into_iter().zip(values) {
                check_field(&mut item, 0, value);
            }
        }
        TarsValue::Map(values) => {
            let pairs = reader.map(tag).expect("a map").expect("there");
            let pairs: Vec<_> = pairs.map(|pair| pair.expect("a pair")).collect();
            assert_eq!(pairs.len(), values.len());
            for (mut pair, (key, value)) in pairs.into_iter().zip(values) {
                check_field(&mut pair, 0, key);
                check_field(&mut pair, 1, value);
            }
        }
    }
}

fn check_float(reader: &mut TarsReader<'_>, tag: u8, value: f64) {
    let found = reader.float(tag).expect("a float").expect("there");
    assert!(found == value || found.is_nan() && value.is_nan());
}

fn seeds() -> Vec<Vec<u8>> {
    let mut to = TarsWriter::default();
    to.integer(0, 1_400).structure(1, |to| {
        to.integer(0, 42).text(2, "名字").structure(20, |to| {
            to.integer(1, -5_000_000_000);
        });
    });
    to.list(2, ["a", "b"], |to, item| {
        to.text(0, item);
    });
    to.map(3, [("k", 1.5), ("l", 0.0)], |to, (key, value)| {
        to.text(0, key).double(1, value);
    });
    to.bytes(4, &[1, 0xFF]).bytes(5, b"plain").float(6, 0.5);
    to.map(7, [1, 2], |to, n| {
        to.integer(0, n).integer(1, n * 70_000);
    });
    to.string(8, &[0xFF])
        .double(9, f64::NAN)
        .bytes(10, &[0x0C, 0x10, 9])
        .text(200, &"x".repeat(300));
    let nested = (0..4).fold(vec![0x0C], |inner, tag| {
        let mut to = TarsWriter::default();
        to.structure(tag, |to| {
            to.bytes(tag, &inner);
        });
        to.into_bytes()
    });
    vec![to.into_bytes(), nested]
}
