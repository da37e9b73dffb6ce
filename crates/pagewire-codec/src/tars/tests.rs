use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::error::DecodeError;
use crate::error::Fault;

fn written(write: impl FnOnce(&mut TarsWriter)) -> Vec<u8> {
    let mut to = TarsWriter::default();
    write(&mut to);
    to.into_bytes()
}

fn tree(bytes: &[u8], nested: NestedBytes) -> serde_json::Value {
    serde_json::to_value(TarsValue::decode(bytes, nested).unwrap()).unwrap()
}

#[test]
fn an_integer_takes_the_smallest_type_and_every_type_is_read() {
    let cases: [(i64, &[u8]); 12] = [
        (0, &[0x1C]),
        (1, &[0x10, 1]),
        (-1, &[0x10, 0xFF]),
        (127, &[0x10, 0x7F]),
        (-128, &[0x10, 0x80]),
        (128, &[0x11, 0, 0x80]),
        (-129, &[0x11, 0xFF, 0x7F]),
        (32_767, &[0x11, 0x7F, 0xFF]),
        (32_768, &[0x12, 0, 0, 0x80, 0]),
        (-2_147_483_648, &[0x12, 0x80, 0, 0, 0]),
        (2_147_483_648, &[0x13, 0, 0, 0, 0, 0x80, 0, 0, 0]),
        (i64::MIN, &[0x13, 0x80, 0, 0, 0, 0, 0, 0, 0]),
    ];
    for (value, bytes) in cases {
        assert_eq!(
            written(|to| {
                to.integer(1, value);
            }),
            bytes,
            "{value}"
        );
        assert_eq!(TarsReader::new(bytes).integer(1), Ok(Some(value)));
    }
    // An encoder may also take a larger type.
    let wide = [0x03, 0, 0, 0, 0, 0, 0, 0, 7];
    assert_eq!(TarsReader::new(&wide).integer(0), Ok(Some(7)));
}

#[test]
fn a_tag_of_fifteen_or_more_takes_a_byte() {
    for (tag, bytes) in [
        (0, &[0x0C][..]),
        (14, &[0xEC]),
        (15, &[0xFC, 15]),
        (255, &[0xFC, 255]),
    ] {
        assert_eq!(
            written(|to| {
                to.integer(tag, 0);
            }),
            bytes
        );
        assert_eq!(TarsReader::new(bytes).integer(tag), Ok(Some(0)));
    }
}

#[test]
fn a_string_of_256_bytes_has_a_long_length() {
    for (length, head) in [(255, &[0x06, 255][..]), (256, &[0x07, 0, 0, 1, 0])] {
        let bytes = written(|to| {
            to.text(0, &"x".repeat(length));
        });
        assert!(bytes.starts_with(head));
        let text = TarsReader::new(&bytes).text(0).unwrap().unwrap();
        assert_eq!(text.len(), length);
    }
}

fn message() -> Vec<u8> {
    written(|to| {
        to.integer(0, 1400)
            .structure(1, |to| {
                to.integer(0, 42).text(2, "名字").structure(20, |to| {
                    to.integer(1, 5);
                });
            })
            .list(2, ["a", "b"], |to, item| {
                to.text(0, item);
            })
            .map(3, [("k", 1.5), ("l", 0.0)], |to, (key, value)| {
                to.text(0, key).double(1, value);
            })
            .bytes(4, &[1, 0xFF])
            .bytes(5, b"plain")
            .float(6, 0.5)
            .map(7, [1, 2], |to, n| {
                to.integer(0, n).integer(1, n * n);
            })
            .string(8, &[0xFF])
            .double(9, f64::NAN)
            .bytes(10, &[0x0C, 0x10, 9]);
    })
}

#[test]
fn known_fields_are_read_and_unknown_ones_passed_over() {
    let bytes = message();
    let mut reader = TarsReader::new(&bytes);
    let mut user = reader.structure(1).unwrap().unwrap();
    assert_eq!(user.text(1), Ok(None));
    assert_eq!(user.text(2), Ok(Some("名字")));
    let mut level = user.structure(20).unwrap().unwrap();
    assert_eq!(level.integer(1), Ok(Some(5)));
    assert_eq!(level.integer(2), Ok(None));
    assert_eq!(user.integer(21), Ok(None));
    let list = reader.list(2).unwrap().unwrap();
    let items: Vec<_> = list.map(|item| item.unwrap().text(0).unwrap()).collect();
    assert_eq!(items, [Some("a"), Some("b")]);
    let map = reader.map(3).unwrap().unwrap();
    let pairs: Vec<_> = map
        .map(|pair| {
            let mut pair = pair.unwrap();
            (pair.text(0).unwrap().unwrap(), pair.float(1).unwrap())
        })
        .collect();
    assert_eq!(pairs, [("k", Some(1.5)), ("l", Some(0.0))]);
    assert_eq!(reader.bytes(4), Ok(Some(&[1, 0xFF][..])));
    assert_eq!(reader.float(6), Ok(Some(0.5)));
    assert_eq!(reader.integer(0), Ok(None), "it was passed over");
    assert_eq!(reader.integer(200), Ok(None));
}

#[test]
fn a_tree_says_how_it_shows_bytes() {
    let mut expected = json!({
        "0": 1400,
        "1": {"0": 42, "2": "名字", "20": {"1": 5}},
        "2": ["a", "b"],
        "3": {"k": 1.5, "l": 0.0},
        "4": {"base64": "Af8="},
        "5": {"text": "plain"},
        "6": 0.5,
        "7": [[1, 1], [2, 4]],
        "8": {"base64": "/w=="},
        "9": "NaN",
        "10": {"base64": "DBAJ"},
    });
    assert_eq!(tree(&message(), NestedBytes::Keep), expected);
    expected["10"] = json!({"tars": {"0": 0, "1": 9}});
    assert_eq!(tree(&message(), NestedBytes::Guess), expected);
}

#[test]
fn a_map_whose_keys_repeat_is_a_list_of_pairs() {
    let bytes = written(|to| {
        to.map(0, [1, 2], |to, n| {
            to.text(0, "same").integer(1, n);
        });
    });
    let expected = json!({"0": [["same", 1], ["same", 2]]});
    assert_eq!(tree(&bytes, NestedBytes::Keep), expected);
    let empty: [u8; 2] = [0x08, 0x0C];
    assert_eq!(tree(&empty, NestedBytes::Keep), json!({"0": {}}));
}

#[test]
fn what_is_wrong_is_said_with_its_field() {
    let inside = |wrong: &[u8]| {
        // List 3, its item 1, field 2.
        let mut bytes = vec![0x39, 0x00, 2, 0x0A, 0x0B, 0x0A];
        bytes.extend(wrong);
        bytes
    };
    let cases: [(&[u8], &str); 9] = [
        (
            &[0x20],
            "an integer needs 1 more bytes, and 0 are left, at byte 7 in 3.1.2",
        ),
        (
            &[0x26, 5, b'x'],
            "a string needs 5 more bytes, and 1 are left, at byte 8 in 3.1.2",
        ),
        (
            &[0x2E],
            "malformed: Tars has no type 14 or 15, at byte 6 in 3.1",
        ),
        (
            &[0xF0],
            "the tag of a field needs 1 more bytes, and 0 are left, at byte 7 in 3.1",
        ),
        (
            &[0x29, 0x00, 0xFF],
            "malformed: a negative number of items, at byte 9 in 3.1.2",
        ),
        (
            &[0x29, 0x00, 9, 0x0C],
            "a list needs 9 more bytes, and 1 are left, at byte 9 in 3.1.2",
        ),
        (
            &[0x28, 0x00, 2, 0x0C],
            "a map needs 4 more bytes, and 1 are left, at byte 9 in 3.1.2",
        ),
        (
            &[0x2D, 0x06],
            "malformed: the items of a byte list have a type other than 0, at byte 8 in 3.1.2",
        ),
        (
            &[0x2C],
            "the head of a field needs 1 more bytes, and 0 are left, at byte 7 in 3.1",
        ),
    ];
    for (wrong, expected) in cases {
        let bytes = inside(wrong);
        let error = TarsValue::decode(&bytes, NestedBytes::Keep).unwrap_err();
        assert_eq!(error.to_string(), expected);
        let error = TarsReader::new(&bytes).integer(9).unwrap_err();
        assert_eq!(error.to_string(), expected, "passed over");
    }
    let error = TarsValue::decode(&[0x1C, 0x1C], NestedBytes::Keep).unwrap_err();
    assert!(error.to_string().contains("do not ascend, at byte 1"));
    let error = TarsValue::decode(&[0x0B], NestedBytes::Keep).unwrap_err();
    assert!(error.to_string().contains("ends that has not begun"));
}

#[test]
fn a_field_of_another_type_is_an_error_and_the_next_can_be_read() {
    let bytes = message();
    let mut reader = TarsReader::new(&bytes);
    let mut user = reader.structure(1).unwrap().unwrap();
    let error = user.integer(2).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a string where an integer was expected, at byte 6 in 1.2"
    );
    assert!(user.structure(20).unwrap().is_some());
    let mut item = reader.list(2).unwrap().unwrap().nth(1).unwrap().unwrap();
    let error = item.map(0).unwrap_err();
    assert!(error.to_string().ends_with("in 2.1.0"), "{error}");
    let error = reader.text(8).unwrap_err();
    assert!(error.to_string().contains("not UTF-8"), "{error}");
    assert!(reader.bytes(8).unwrap().is_some());
    assert!(TarsReader::new(&[0x0C]).bytes(0).is_err());
    assert!(TarsReader::new(&[0x06, 0]).float(0).is_err());
    assert!(TarsReader::new(&[0x0C]).list(0).is_err());
    assert!(TarsReader::new(&[0x0B]).integer(0).is_err());
}

#[test]
fn items_in_front_of_a_broken_one_can_be_read() {
    let whole = written(|to| {
        to.integer(0, 7).list(1, ["a", "b", "c"], |to, item| {
            to.text(0, item);
        });
    });
    // The items end at 8, 11 and 14.
    for end in 8..whole.len() {
        let cut = &whole[..end];
        let reader = TarsReader::new(cut);
        let items: Vec<_> = reader.list_while_whole(1).unwrap().unwrap().collect();
        let (last, read) = items.split_last().unwrap();
        assert_eq!(read.len(), (end - 5) / 3, "cut at {end}");
        let error = last.clone().unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with(&format!(" in 1.{}", read.len())),
            "{error}"
        );
    }
    let mut reader = TarsReader::new(&whole);
    assert_eq!(reader.list_while_whole(1).unwrap().unwrap().count(), 3);
    assert_eq!(reader.at(), 0, "it stays in front");
    assert_eq!(reader.integer(0), Ok(Some(7)));
    assert_eq!(reader.at(), 2);
    assert!(reader.list_while_whole(0).unwrap().is_none());
    let error = TarsReader::new(&whole).list_while_whole(0).unwrap_err();
    assert_eq!(
        error.to_string(),
        "an integer where a list was expected, at byte 0 in 0"
    );
}

fn is_depth(error: &DecodeError) -> bool {
    matches!(
        error.fault,
        Fault::Limit {
            what: "the depth of structs, lists and maps",
            got: 65,
            max: 64
        }
    )
}

#[test]
fn what_is_nested_to_the_limit_is_read_and_one_deeper_is_not() {
    // 63 structs in each other put the innermost field at depth 64.
    let structs = |count: usize| [vec![0x0A_u8; count], vec![0x0C], vec![0x0B; count]].concat();
    let lists = |count: usize| [[0x09, 0x00, 1].repeat(count), vec![0x0C]].concat();
    let maps = |count: usize| {
        let mut bytes = [0x08, 0x00, 1, 0x0C].repeat(count);
        bytes.push(0x1C);
        bytes
    };
    for nest in [&structs as &dyn Fn(usize) -> Vec<u8>, &lists, &maps] {
        let fits = nest(TARS_DEPTH_MAX - 1);
        let deeper = nest(TARS_DEPTH_MAX);
        assert!(TarsValue::decode(&fits, NestedBytes::Guess).is_ok());
        assert!(is_depth(
            &TarsValue::decode(&deeper, NestedBytes::Guess).unwrap_err()
        ));
        assert_eq!(TarsReader::new(&fits).integer(9), Ok(None));
        assert!(is_depth(&TarsReader::new(&deeper).integer(9).unwrap_err()));
        let hostile = nest(10_000);
        assert!(is_depth(
            &TarsValue::decode(&hostile, NestedBytes::Guess).unwrap_err()
        ));
        assert!(is_depth(
            &TarsReader::new(&hostile).structure(9).unwrap_err()
        ));
    }
    // Byte lists in byte lists are guesses; too deep they stay bytes.
    let mut bytes = vec![0x0C];
    for _ in 0..100 {
        bytes = written(|to| {
            to.bytes(0, &bytes);
        });
    }
    let json = serde_json::to_string(&TarsValue::decode(&bytes, NestedBytes::Guess).unwrap());
    assert_eq!(
        json.unwrap().matches("\"tars\"").count(),
        TARS_DEPTH_MAX - 1
    );
}

#[test]
fn as_many_values_as_may_be_are_read_and_one_more_is_not() {
    // The list counts as well.
    let list = |items: usize| {
        written(|to| {
            to.list(0, vec![(); items], |to, ()| {
                to.integer(0, 0);
            });
        })
    };
    assert!(TarsValue::decode(&list(TARS_VALUES_MAX - 1), NestedBytes::Keep).is_ok());
    let error = TarsValue::decode(&list(TARS_VALUES_MAX), NestedBytes::Keep).unwrap_err();
    let expected = Fault::Limit {
        what: "the number of values",
        got: TARS_VALUES_MAX as u64 + 1,
        max: TARS_VALUES_MAX as u64,
    };
    assert_eq!(error.fault, expected);
}

#[test]
fn a_call_is_read_as_it_was_written() {
    let argument = written(|to| {
        to.structure(0, |to| {
            to.integer(1, 7);
        });
    });
    let mut call = WupPacket::call(9, "liveui", "getLivingInfo", &[("tReq", &argument)]);
    call.timeout_ms = 3_000;
    call.context = vec![("trace", "1")];
    call.status = vec![("STATUS_RESULT_CODE", "0")];
    let bytes = call.encode();
    let read = WupPacket::decode(&bytes).unwrap();
    assert_eq!(read, call);
    let arguments = read.arguments().unwrap();
    assert_eq!(arguments, [("tReq", &argument[..])]);
    let mut request = TarsReader::new(arguments[0].1)
        .structure(0)
        .unwrap()
        .unwrap();
    assert_eq!(request.integer(1), Ok(Some(7)));
    for cut in 0..bytes.len() {
        assert!(WupPacket::decode(&bytes[..cut]).is_err());
    }
    let error = WupPacket::decode(&[&bytes[..], &[0]].concat()).unwrap_err();
    assert!(error.to_string().contains("is less than its bytes"));
}

#[test]
fn arguments_of_version_2_stand_under_their_types() {
    let mut call = WupPacket::call(1, "s", "f", &[]);
    call.version = 2;
    call.buffer = written(|to| {
        to.map(0, ["tReq"], |to, name| {
            to.text(0, name).map(1, ["HUYA.Req"], |to, kind| {
                to.text(0, kind).bytes(1, &[0x0C]);
            });
        });
    })
    .into();
    assert_eq!(call.arguments(), Ok(vec![("tReq", &[0x0C][..])]));
    call.buffer = (&[0x0C][..]).into();
    assert!(call.arguments().is_err());
}

/// What a tree of borrowed bytes is made of.
#[derive(Debug, Clone)]
enum Plan {
    Integer(i64),
    Float(f32),
    Double(f64),
    String(Vec<u8>),
    Bytes(Vec<u8>),
    Map(Vec<(Self, Self)>),
    List(Vec<Self>),
    Struct(std::collections::BTreeMap<u8, Self>),
}

fn plans() -> impl Strategy<Value = Plan> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(Plan::Integer),
        any::<i16>().prop_map(|value| Plan::Integer(value.into())),
        any::<f32>().prop_map(Plan::Float),
        any::<f64>().prop_map(Plan::Double),
        any::<Vec<u8>>().prop_map(Plan::String),
        any::<Vec<u8>>().prop_map(Plan::Bytes),
        any::<String>().prop_map(|text| Plan::String(text.into())),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec((inner.clone(), inner.clone()), 0..5).prop_map(Plan::Map),
            prop::collection::vec(inner.clone(), 0..6).prop_map(Plan::List),
            prop::collection::btree_map(any::<u8>(), inner, 0..6).prop_map(Plan::Struct),
        ]
    })
}

fn planned(plan: &Plan) -> TarsValue<'_> {
    match plan {
        Plan::Integer(value) => TarsValue::Integer(*value),
        Plan::Float(value) => TarsValue::Float(*value),
        Plan::Double(value) => TarsValue::Double(*value),
        Plan::String(bytes) => TarsValue::String(bytes),
        Plan::Bytes(bytes) => TarsValue::Bytes(bytes),
        Plan::Map(pairs) => TarsValue::Map(
            pairs
                .iter()
                .map(|(key, value)| (planned(key), planned(value)))
                .collect(),
        ),
        Plan::List(items) => TarsValue::List(items.iter().map(planned).collect()),
        Plan::Struct(fields) => TarsValue::Struct(
            fields
                .iter()
                .map(|(tag, value)| (*tag, planned(value)))
                .collect(),
        ),
    }
}

proptest! {
    #[test]
    fn whatever_is_written_is_read(plan in plans()) {
        let value = TarsValue::Struct(vec![(3, planned(&plan)), (200, TarsValue::Integer(1))]);
        let bytes = value.encode();
        let read = TarsValue::decode(&bytes, NestedBytes::Keep).unwrap();
        prop_assert_eq!(&read, &value);
        let guessed = TarsValue::decode(&bytes, NestedBytes::Guess).unwrap();
        prop_assert!(serde_json::to_string(&guessed).is_ok());
        prop_assert_eq!(TarsReader::new(&bytes).integer(200), Ok(Some(1)));
    }

    #[test]
    fn a_message_cut_anywhere_is_an_error_or_has_fewer_values(plan in plans(), cut: prop::sample::Index) {
        let value = TarsValue::Struct(vec![(3, planned(&plan)), (200, TarsValue::Integer(1))]);
        let bytes = value.encode();
        let cut = cut.index(bytes.len());
        match TarsValue::decode(&bytes[..cut], NestedBytes::Guess) {
            Ok(TarsValue::Struct(fields)) => prop_assert!(fields.len() < 2),
            Ok(other) => prop_assert!(false, "{:?}", other),
            Err(error) => prop_assert!(error.at <= cut, "{}", error),
        }
        let found = TarsReader::new(&bytes[..cut]).integer(200);
        prop_assert!(!matches!(found, Ok(Some(_))));
    }

    #[test]
    fn random_bytes_end(bytes: Vec<u8>) {
        for nested in [NestedBytes::Keep, NestedBytes::Guess] {
            if let Ok(value) = TarsValue::decode(&bytes, nested) {
                prop_assert!(serde_json::to_string(&value).is_ok());
                let again = value.encode();
                prop_assert!(TarsValue::decode(&again, NestedBytes::Keep).is_ok());
            }
        }
        let mut reader = TarsReader::new(&bytes);
        for tag in 0..20 {
            let _ = reader.integer(tag);
            let _ = reader.text(tag);
            let _ = reader.list(tag).map(|items| items.into_iter().flatten().count());
            let _ = reader.structure(tag);
        }
        let length = u32::try_from(bytes.len() + 4).unwrap().to_be_bytes();
        if let Ok(packet) = WupPacket::decode(&[&length[..], &bytes].concat()) {
            let _ = packet.arguments();
        }
    }
}
