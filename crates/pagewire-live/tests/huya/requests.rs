//! What a client sends, and what is answered.
#![allow(clippy::print_stderr, reason = "a test that is skipped says so")]

use std::path::{Path, PathBuf};
use std::{env, fs};

use pagewire_codec::{Fault, WupPacket};
use pagewire_live::huya::{
    Answer, PRICES_MAX, Price, UserInfo, ask_for_prices, heartbeat, prices, register_groups,
    register_user,
};
use pagewire_live::{Body, FrameReader, Site, Unit};

use crate::tars::Field::{Bytes, Int, List, Struct, Text};
use crate::tars::{self, Field};
use crate::{ARRIVAL_MS, push};

#[test]
fn a_heartbeat_is_empty() {
    assert_eq!(heartbeat(), [0x00, 20, 0x1d, 0x00, 0x0c]);
}

#[test]
fn groups_are_registered_by_the_presenter() {
    let mut data = vec![0x09, 0x00, 2];
    data.extend(b"\x06\x0elive:294636272");
    data.extend(b"\x06\x0echat:294636272");
    data.extend([0x16, 0]);
    let length = u8::try_from(data.len()).unwrap();
    let frame = [&[0x00, 16, 0x1d, 0x00, 0x00, length][..], &data].concat();
    assert_eq!(register_groups(294_636_272), frame);
}

#[test]
fn a_user_is_registered_with_the_numbers_of_the_page() {
    let nobody = UserInfo {
        channel: 0x0102_0304,
        sub_channel: 0x0506,
        presenter: 7,
        ..UserInfo::default()
    };
    let mut data = vec![0x0c, 0x10, 1, 0x26, 0, 0x36, 0];
    data.extend([
        0x42, 1, 2, 3, 4, 0x51, 5, 6, 0x60, 7, 0x70, 3, 0x86, 0, 0x96, 0,
    ]);
    let length = u8::try_from(data.len()).unwrap();
    let frame = [&[0x00, 1, 0x1d, 0x00, 0x00, length][..], &data].concat();
    assert_eq!(register_user(&nobody), frame);

    let somebody = UserInfo {
        uid: 9,
        guid: "g",
        token: "t",
        ..nobody
    };
    let frame = register_user(&somebody);
    assert_eq!(
        frame[6..16],
        [0x00, 9, 0x1c, 0x26, 1, b'g', 0x36, 1, b't', 0x42]
    );
}

#[test]
fn prices_are_asked_for_with_a_call() {
    let frame = ask_for_prices(5);
    let user = Struct(vec![
        (0, Int(0)),
        (1, Text("")),
        (2, Text("")),
        (3, Text("webh5&1.0.0&websocket")),
        (4, Text("")),
    ]);
    let request = Struct(vec![(1, user), (2, Text("")), (3, Int(1)), (4, Text(""))]);
    let request = tars::message(&[(0, request)]);
    // A map with one pair: head, count, key, value.
    let mut buffer = vec![0x08, 0x00, 1];
    buffer.extend(tars::message(&[(0, Text("tReq")), (1, Bytes(request))]));
    let mut call = tars::message(&[
        (1, Int(3)),
        (2, Int(0)),
        (3, Int(0)),
        (4, Int(5)),
        (5, Text("PropsUIServer")),
        (6, Text("getPropsList")),
        (7, Bytes(buffer)),
        (8, Int(0)),
    ]);
    call.extend([0x98, 0x0c, 0xa8, 0x0c]);
    let length = u32::try_from(call.len() + 4).unwrap();
    let call = [&length.to_be_bytes()[..], &call].concat();
    assert_eq!(frame, tars::message(&[(0, Int(3)), (1, Bytes(call))]));
}

fn answer(kind: i64, data: &[(u8, Field<'_>)]) -> Vec<u8> {
    tars::message(&[(0, Int(kind)), (1, Bytes(tars::message(data)))])
}

#[test]
fn answers_are_told_apart() {
    let frame = answer(2, &[(0, Int(0)), (1, Int(8)), (2, Text("好"))]);
    let registered = Answer::Registered {
        code: 0,
        message: "好".into(),
    };
    assert_eq!(Answer::read(&frame), Ok(Some(registered)));
    let frame = answer(17, &[(0, Int(-4)), (1, List(Vec::new()))]);
    assert_eq!(
        Answer::read(&frame),
        Ok(Some(Answer::GroupsRegistered { code: -4 }))
    );
    assert_eq!(Answer::read(&answer(21, &[])), Ok(Some(Answer::Heartbeat)));
    assert_eq!(Answer::read(&answer(7, &[(1, Int(1))])), Ok(None));
    let error = Answer::read(&answer(17, &[(0, Text("?"))])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a string where an integer was expected, at byte 6 in 1.0"
    );
}

/// The answer with this many gifts.
fn price_list(gifts: usize) -> Vec<u8> {
    let gifts = (1..=gifts).map(|gift| {
        Struct(vec![
            (1, Int(i64::try_from(gift).expect("a small number"))),
            (2, Text("萤火虫")),
            (3, Int(150)),
        ])
    });
    let answer = tars::message(&[(
        0,
        Struct(vec![(1, List(gifts.collect())), (2, Text("md5"))]),
    )]);
    let call = WupPacket::call(5, "PropsUIServer", "getPropsList", &[("tRsp", &answer)]);
    tars::message(&[(0, Int(4)), (1, Bytes(call.encode()))])
}

fn prices_of(frame: &[u8]) -> Result<Vec<Price>, pagewire_codec::DecodeError> {
    match Answer::read(frame).expect("Tars") {
        Some(Answer::Call(call)) => prices(&call),
        other => unreachable!("{other:?} is no answer to a call"),
    }
}

#[test]
fn prices_are_in_hundredths_of_a_y_coin() {
    let price = Price {
        gift: "1".to_owned(),
        name: "萤火虫".to_owned(),
        yb_cents: 150,
    };
    assert_eq!(prices_of(&price_list(1)), Ok(vec![price]));
    let nothing = WupPacket::call(5, "PropsUIServer", "getPropsList", &[]);
    assert_eq!(prices(&nothing), Ok(Vec::new()));
}

#[test]
fn as_many_prices_are_read_as_the_limit_says_and_no_more() {
    let all = prices_of(&price_list(PRICES_MAX)).unwrap();
    assert_eq!(all.len(), PRICES_MAX);
    let error = prices_of(&price_list(PRICES_MAX + 1)).unwrap_err();
    assert!(matches!(error.fault, Fault::Limit { .. }), "{error}");
}

#[test]
fn gifts_are_worth_what_the_site_said_last() {
    let mut reader = FrameReader::new(Site::Huya);
    // A gift of the second kind in the list.
    let gift = push(
        6_501,
        "live:70",
        1,
        tars::message(&[(0, Int(2)), (2, Int(1))]),
    );
    let mut worth = |before: &[u8], errors: usize| {
        let mut failed = 0;
        reader.read(before, ARRIVAL_MS, |event| {
            failed += usize::from(event.is_err())
        });
        assert_eq!(failed, errors);
        let mut worth = None;
        reader.read(&gift, ARRIVAL_MS, |event| {
            if let Body::Gift(gift) = event.expect("a gift").body {
                worth = Some((gift.unit_value, gift.unit));
            }
        });
        worth.expect("a gift")
    };
    let known = (Some(150), Some(Unit::YbCent));
    assert_eq!(worth(&heartbeat(), 0), (None, None));
    assert_eq!(worth(&price_list(2), 0), known);
    // What cannot be read says nothing new, and other answers are no list.
    assert_eq!(worth(&price_list(PRICES_MAX + 1), 1), known);
    let other = WupPacket::call(5, "liveui", "doLaunch", &[("tRsp", b"?")]);
    let other = tars::message(&[(0, Int(4)), (1, Bytes(other.encode()))]);
    assert_eq!(worth(&other, 0), known);
    let unread = tars::message(&[(0, Int(4)), (1, Bytes(vec![0]))]);
    assert_eq!(worth(&unread, 0), known);
    assert_eq!(worth(&price_list(1), 0), (None, None));
}

/// Captured messages are named by `PAGEWIRE_FIXTURES`, else they are beside the folder of the repository. They are no part of it.
#[test]
fn a_captured_answer_to_a_call_is_read_as_what_it_is() {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures");
    let folder = env::var_os("PAGEWIRE_FIXTURES").map_or(beside, PathBuf::from);
    let Ok(expected) = fs::read(folder.join("expected.json")) else {
        eprintln!("SKIPPED: captured messages (PAGEWIRE_FIXTURES) are missing");
        return;
    };
    let expected: serde_json::Value = serde_json::from_slice(&expected).unwrap();
    let files = expected.as_object().unwrap().iter();
    let mut read = 0;
    for (name, expected) in files.filter(|(name, _)| name.starts_with("huya/")) {
        let call = fs::read(folder.join(name)).expect(name);
        let frame = tars::message(&[(0, Int(4)), (1, Bytes(call))]);
        let Ok(Some(Answer::Call(call))) = Answer::read(&frame) else {
            panic!("{name} is no answer to a call");
        };
        assert_eq!(call.version, expected["version"]);
        assert!(name.contains(call.function), "{name}: {}", call.function);
        assert_eq!(crate::json(&frame), [] as [serde_json::Value; 0]);
        read += 1;
    }
    assert!(read > 0, "no file of huya");
}
