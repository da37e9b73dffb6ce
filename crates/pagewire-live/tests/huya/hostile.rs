//! Bytes that are cut, wrong, endless or too many.

use pagewire_codec::{DecodeError, Fault};
use pagewire_live::huya::{Answer, BATCH_MESSAGES_MAX, MENTIONS_MAX};
use pagewire_live::{Body, EVENT_LIST_MAX, FrameReader, Site};
use proptest::prelude::*;

use crate::tars::Field::{Bytes, Int, List, Struct, Text};
use crate::{batch, chat, push, read, tars};

fn gift() -> Vec<u8> {
    tars::message(&[(0, Int(4)), (3, Int(70)), (4, Int(31)), (9, Int(2))])
}

/// The texts of chats.
fn texts(events: &[pagewire_live::Event<'_>]) -> Vec<String> {
    let texts = events.iter().filter_map(|event| {
        if let Body::Chat(chat) = &event.body {
            return Some(chat.text.to_string());
        }
        None
    });
    texts.collect()
}

fn place(frame: &[u8], of: &[u8]) -> usize {
    let mut places = frame.windows(of.len());
    places.position(|part| part == of).expect("it is in there")
}

#[test]
fn a_frame_that_is_cut_anywhere_is_an_error_and_nothing_else() {
    let frames = [
        push(1_400, "live:70", 900, chat("你好")),
        batch("live:70", &[(1_400, 1, chat("你好")), (6_501, 2, gift())]),
    ];
    for frame in &frames {
        assert_eq!(read(frame).1, []);
        for end in 0..frame.len() {
            let (events, errors) = read(&frame[..end]);
            assert_eq!((events.len(), errors.len()), (0, 1), "cut at {end}");
            assert!(errors[0].at <= end, "cut at {end}: {}", errors[0]);
        }
    }
}

#[test]
fn messages_beside_a_broken_one_come_out() {
    let whole = tars::message(&[
        (0, Struct(vec![(0, Int(31)), (2, Text("芦苇"))])),
        (3, Text("中间")),
        (
            10,
            List(vec![Struct(vec![(0, Int(40)), (1, Text("夏天"))])]),
        ),
        (11, Int(70)),
    ]);
    let around = |middle: &[u8]| {
        batch(
            "live:70",
            &[
                (1_400, 1, chat("前")),
                (1_400, 2, middle.to_vec()),
                (1_400, 3, chat("后")),
            ],
        )
    };
    assert_eq!(texts(&read(&around(&whole)).0), ["前", "中间", "后"]);
    let mut broken = 0;
    for end in 0..whole.len() {
        let (events, errors) = read(&around(&whole[..end]));
        let texts = texts(&events);
        assert_eq!(
            (&*texts[0], texts.last().map(String::as_str)),
            ("前", Some("后"))
        );
        // Where it is cut between two fields, those behind it are absent, which is nothing wrong.
        assert_eq!(texts.len() + errors.len(), 3, "cut at {end}");
        broken += errors.len();
    }
    assert!(broken > whole.len() / 2, "{broken} of {}", whole.len());
    // A place in a message is one of the frame.
    let frame = around(&[0x36, 9, b'?']);
    let (_, errors) = read(&frame);
    let at = place(&frame, &[0x36, 9, b'?']);
    assert_eq!(
        errors[0].to_string(),
        format!(
            "a string needs 9 more bytes, and 1 are left, at byte {} in MessageNotice.3",
            at + 2
        )
    );
}

#[test]
fn messages_in_front_of_a_cut_come_out() {
    let heat = |id| {
        Struct(vec![
            (0, Int(8_006)),
            (1, Bytes(vec![0x00, 1])),
            (2, Int(id)),
        ])
    };
    let group = tars::message(&[(0, Text("live:70"))]).len();
    let batch = |ids| {
        let items = (1..=ids).map(heat).collect();
        tars::message(&[(0, Text("live:70")), (1, List(items))])
    };
    let ends: Vec<_> = (0..=3).map(|ids| batch(ids).len()).collect();
    let whole = batch(3);
    for end in group..whole.len() {
        let data = whole[..end].to_vec();
        let (events, errors) = read(&tars::message(&[(0, Int(22)), (1, Bytes(data))]));
        let expected = ends[1..].iter().filter(|item| **item <= end).count();
        assert_eq!((events.len(), errors.len()), (expected, 1), "cut at {end}");
    }
}

#[test]
fn an_item_of_another_shape_costs_itself() {
    let item = |uri| Struct(vec![(0, uri), (1, Bytes(chat("好"))), (2, Int(5))]);
    let no_uri = Struct(vec![(1, Bytes(chat("好")))]);
    let items = vec![
        item(Int(1_400)),
        item(Text("1400")),
        Int(5),
        no_uri,
        item(Int(1_400)),
    ];
    let data = tars::message(&[(0, Int(70)), (1, List(items))]);
    let frame = tars::message(&[(0, Int(22)), (1, Bytes(data))]);
    let (events, errors) = read(&frame);
    assert_eq!(texts(&events), ["好", "好"]);
    let text = place(&frame, b"\x06\x041400");
    let number = place(&frame, &[0x0b, 0x00, 5, 0x0a]) + 1;
    let errors: Vec<_> = errors.iter().map(DecodeError::to_string).collect();
    let expected = [
        "an integer where a string or byte list was expected, at byte 6 in WSPushMessage_V2.0",
        &format!(
            "a string where an integer was expected, at byte {text} in WSPushMessage_V2.1.1.0.0"
        ),
        &format!(
            "an integer where a struct was expected, at byte {number} in WSPushMessage_V2.1.2.0"
        ),
        &format!(
            "malformed: a push without the number of its struct, at byte {} in WSPushMessage_V2",
            number + 3
        ),
    ];
    assert_eq!(errors, expected);
}

#[test]
fn structs_within_structs_without_end_are_an_error_of_their_message() {
    for nested in [vec![0x7a_u8; 10_000], [0x79, 0x00, 0x01].repeat(10_000)] {
        let frame = batch("live:70", &[(1_400, 1, nested), (1_400, 2, chat("后"))]);
        let (events, errors) = read(&frame);
        assert_eq!((texts(&events), errors.len()), (vec!["后".to_owned()], 1));
        assert!(
            matches!(errors[0].fault, Fault::Limit { .. }),
            "{}",
            errors[0]
        );
    }
}

#[test]
fn lengths_that_cannot_be_are_errors_before_memory_is_taken() {
    let huge = [0x02, 0x7f, 0xff, 0xff, 0xff];
    let text = [&[0x37][..], &[0xff; 4]].concat();
    let list = [&[0xa9][..], &huge].concat();
    let map = [&[0x18][..], &huge].concat();
    let bytes = [&[0x1d, 0x00][..], &huge].concat();
    for body in [text, list, map, bytes] {
        let frame = batch("live:70", &[(1_400, 1, body), (1_400, 2, chat("后"))]);
        let (events, errors) = read(&frame);
        assert_eq!((texts(&events), errors.len()), (vec!["后".to_owned()], 1));
        assert!(
            matches!(errors[0].fault, Fault::Truncated { .. }),
            "{}",
            errors[0]
        );
    }
}

#[test]
fn as_many_messages_of_a_batch_are_read_as_the_limit_says_and_no_more() {
    let heat = |id: usize| (8_006, i64::try_from(id).unwrap(), vec![0x00, 1]);
    let mut messages: Vec<_> = (1..=BATCH_MESSAGES_MAX).map(heat).collect();
    let (events, errors) = read(&batch("live:70", &messages));
    assert_eq!((events.len(), errors.len()), (BATCH_MESSAGES_MAX, 0));
    messages.extend([heat(1), heat(2)]);
    let (events, errors) = read(&batch("live:70", &messages));
    assert_eq!((events.len(), errors.len()), (BATCH_MESSAGES_MAX, 1));
    assert!(
        matches!(errors[0].fault, Fault::Limit { .. }),
        "{}",
        errors[0]
    );
}

#[test]
fn as_many_mentions_are_looked_for_as_the_limit_says_and_no_more() {
    for (mentioned, told) in [
        (MENTIONS_MAX, MENTIONS_MAX),
        (MENTIONS_MAX + 1, MENTIONS_MAX),
    ] {
        let someone = Struct(vec![(0, Int(40)), (1, Text("夏天"))]);
        let body = tars::message(&[(3, Text("好")), (10, List(vec![someone; mentioned]))]);
        let (events, errors) = read(&push(1_400, "live:70", 1, body));
        assert_eq!(errors, []);
        let Body::Chat(chat) = &events[0].body else {
            panic!("no chat");
        };
        // The text itself is a piece too.
        assert_eq!(chat.pieces.len(), told + 1);
    }
}

#[test]
fn a_ranking_ends_where_lists_of_events_do() {
    for (sent, told) in [
        (EVENT_LIST_MAX, EVENT_LIST_MAX),
        (EVENT_LIST_MAX + 1, EVENT_LIST_MAX),
    ] {
        let item = Struct(vec![(0, Int(31))]);
        let body = tars::message(&[(0, List(vec![item; sent]))]);
        let (events, _) = read(&push(6_220, "live:70", 1, body));
        let Body::Rank(rank) = &events[0].body else {
            panic!("no ranking");
        };
        assert_eq!(rank.users.len(), told);
    }
}

proptest! {
    #[test]
    fn no_bytes_are_a_panic(frame: Vec<u8>, uri in prop::sample::select(&[1_400, 6_110, 6_200, 6_210, 6_220, 6_230, 6_501, 6_502, 8_000, 8_001, 8_004, 8_006][..])) {
        let mut reader = FrameReader::new(Site::Huya);
        reader.read(&frame, 0, |_| ());
        _ = Answer::read(&frame);
        let mut given = 0;
        reader.read(&push(uri, "live:70", 1, frame.clone()), 0, |_| given += 1);
        prop_assert_eq!(given, 1);
    }

    #[test]
    fn a_changed_byte_is_no_panic(at: prop::sample::Index, byte: u8) {
        let mut frame = batch("live:70", &[(1_400, 1, chat("你好")), (6_501, 2, gift())]);
        let at = at.index(frame.len());
        frame[at] = byte;
        FrameReader::new(Site::Huya).read(&frame, u64::MAX, |_| ());
    }
}
