use std::borrow::Cow;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::error::Fault;

fn json(message: &str) -> serde_json::Value {
    serde_json::to_value(SttValue::decode(message.as_bytes()).unwrap()).unwrap()
}

#[test]
fn a_message_becomes_json() {
    let cases = [
        ("", json!([])),
        ("type@=mrkl/", json!({"type": "mrkl"})),
        ("type@=mrkl", json!({"type": "mrkl"})),
        ("a@=/b@=x/", json!({"a": "", "b": "x"})),
        ("txt@=1@S2@A3@@AA/", json!({"txt": "1/2@3@@A"})),
        ("a@Sb@=c/", json!({"a/b": "c"})),
        ("x@/y@=@/", json!({"": "x@", "y": "@"})),
        ("one/two/", json!(["one", "two"])),
        ("//", json!(["", ""])),
        ("rid@=1/n@=2/rid@=3/", json!({"rid": ["1", "3"], "n": "2"})),
        (
            "el@=eid@A=15@Ssc@A=1@S/",
            json!({"el": {"eid": "15", "sc": "1"}}),
        ),
        (
            "list@=lev@AA=4@ASnum@AA=3@AS@Slev@AA=3@AS@S/",
            json!({"list": [{"lev": "4", "num": "3"}, {"lev": "3"}]}),
        ),
        (
            "ic@=avatar@S201902@S2ef/",
            json!({"ic": "avatar/201902/2ef"}),
        ),
        ("url@=https:@S@Sx@S/", json!({"url": "https://x/"})),
        (
            "p@=url@A=https:@AS@ASx@AS@S/",
            json!({"p": {"url": "https://x/"}}),
        ),
        ("c@={\"a\":[\"b@Sc\"]}/", json!({"c": "{\"a\":[\"b/c\"]}"})),
        ("昵称@=小@A/", json!({"昵称": "小@"})),
    ];
    for (message, expected) in cases {
        assert_eq!(json(message), expected, "{message}");
    }
    let ordered = SttValue::decode(b"b@=1/a@=2/b@=3/").unwrap();
    let ordered = serde_json::to_string(&ordered).unwrap();
    assert_eq!(ordered, r#"{"b":["1","3"],"a":"2"}"#);
}

#[test]
fn what_is_not_escaped_is_borrowed_and_every_item_says_where_it_is() {
    let message = "type@=chatmsg/txt@=a@Sb/";
    let items: Vec<_> = stt_items(message).collect();
    assert!(matches!(items[0].value, Cow::Borrowed("chatmsg")));
    assert_eq!((items[1].value.as_ref(), items[1].at), ("a/b", 19));
    assert!(message[items[1].at..].starts_with("a@Sb"));
    assert_eq!(stt_value(message, "txt").as_deref(), Some("a/b"));
    assert_eq!(stt_value(message, "other"), None);
    let tree = SttValue::decode(message.as_bytes()).unwrap();
    assert_eq!(
        tree.get("type").and_then(SttValue::as_text),
        Some("chatmsg")
    );
    assert_eq!(tree.get("a"), None);
    assert_eq!(tree.as_text(), None);
}

#[test]
fn text_that_is_not_utf_8_is_an_error_with_its_byte() {
    let error = SttValue::decode(b"a@=b\xFF/").unwrap_err();
    assert_eq!(
        error.to_string(),
        "malformed: a message is not UTF-8, at byte 4"
    );
}

/// `a@=a@A=…/` with so many levels, the outermost included.
fn nested(levels: usize) -> String {
    // Written from the outside, since escaping the whole at every level would take for ever.
    let mut message = String::new();
    for level in 0..levels {
        message.push_str("a@");
        message.push_str(&"A".repeat(level));
        message.push('=');
    }
    for level in (1..levels).rev() {
        message.push('@');
        message.push_str(&"A".repeat(level - 1));
        message.push('S');
    }
    message + "/"
}

#[test]
fn what_is_nested_to_the_limit_is_read_and_one_deeper_is_not() {
    assert_eq!(nested(3), "a@=a@A=a@AA=@AS@S/");
    assert_eq!(json(&nested(3)), json!({"a": {"a": {"a": ""}}}));
    assert!(SttValue::decode(nested(STT_DEPTH_MAX).as_bytes()).is_ok());
    // 10,000 levels would take 100 MB.
    for levels in [STT_DEPTH_MAX + 1, 2_000] {
        let error = SttValue::decode(nested(levels).as_bytes()).unwrap_err();
        let expected = Fault::Limit {
            what: "the depth of a message",
            got: 17,
            max: 16,
        };
        assert_eq!(error.fault, expected);
        assert_eq!(error.at, 3, "the place of the outermost value");
        assert!(
            error
                .to_string()
                .ends_with(&format!(" in a{}", ".a".repeat(15)))
        );
    }
}

#[test]
fn as_many_values_as_may_be_are_read_and_one_more_is_not() {
    assert!(SttValue::decode("/".repeat(STT_VALUES_MAX).as_bytes()).is_ok());
    let error = SttValue::decode("/".repeat(STT_VALUES_MAX + 1).as_bytes()).unwrap_err();
    assert!(matches!(
        error.fault,
        Fault::Limit {
            what: "the number of values",
            ..
        }
    ));
}

#[test]
fn a_login_is_written_as_its_site_expects_it() {
    let mut to = SttWriter::default();
    to.field("type", "loginreq")
        .field("roomid", "1")
        .nested("x", |to| {
            to.field("k@", "v/").item("w");
        });
    let message = to.into_message();
    assert_eq!(message, "type@=loginreq/roomid@=1/x@=k@AA@A=v@AS@Sw@S/");
    assert_eq!(
        SttValue::decode(message.as_bytes()).unwrap().encode(),
        message
    );
    assert_eq!(SttValue::Text("a/b".into()).encode(), "a@Sb/");
    let packet = douyu_packet(DouyuSide::Client, "type@=mrkl/");
    let expected = b"\x14\0\0\0\x14\0\0\0\xB1\x02\0\0type@=mrkl/\0";
    assert_eq!(packet, expected);
}

#[test]
fn a_frame_may_hold_several_packets_and_a_wrong_one_does_not_hide_the_next() {
    let one = douyu_packet(DouyuSide::Server, "one");
    let two = douyu_packet(DouyuSide::Unknown(7), "two");
    let mut no_zero = one.clone();
    *no_zero.last_mut().unwrap() = 1;
    let mut other_length = one.clone();
    other_length[4] += 1;
    let frame = [&one[..], &no_zero, &other_length, &two].concat();
    let packets: Vec<_> = douyu_packets(&frame).collect();
    let [first, second, third, fourth] = &packets[..] else {
        panic!("{packets:?}");
    };
    let body = |packet: &Result<DouyuPacket<'_>, _>| {
        let packet = packet.as_ref().unwrap();
        (packet.side, packet.body.to_vec(), packet.at)
    };
    assert_eq!(body(first), (DouyuSide::Server, b"one".to_vec(), 0));
    let said =
        |packet: &Result<_, crate::DecodeError>| packet.as_ref().map(drop).unwrap_err().to_string();
    assert_eq!(
        said(second),
        "malformed: a packet of Douyu does not end with a zero, at byte 31"
    );
    assert_eq!(
        said(third),
        "malformed: the two lengths of a packet of Douyu differ, at byte 36"
    );
    assert_eq!(body(fourth), (DouyuSide::Unknown(7), b"two".to_vec(), 48));
}

#[test]
fn a_packet_whose_length_is_wrong_takes_the_rest_with_it() {
    for (frame, expected) in [
        (
            &[8, 0, 0, 0, 8, 0, 0, 0, 1][..],
            "malformed: the length of a packet of Douyu is below 9, at byte 0",
        ),
        (
            &[255, 255, 255, 255, 0],
            "a packet of Douyu needs 4294967295 more bytes, and 1 are left, at byte 4",
        ),
        (
            &[1, 2],
            "the length of a packet of Douyu needs 4 more bytes, and 2 are left, at byte 0",
        ),
    ] {
        let packets: Vec<_> = douyu_packets(frame).collect();
        let [Err(error)] = &packets[..] else {
            panic!("{packets:?}");
        };
        assert_eq!(error.to_string(), expected);
    }
}

/// Trees that the guess reads back as they are: no text ends with a slash, and nothing that is nested is empty.
fn trees() -> impl Strategy<Value = SttValue<'static>> {
    let text = "[a@=/S A字]{0,9}[a@=S字]|";
    let leaf = text.prop_map(|text: String| SttValue::Text(text.into()));
    let values = leaf.prop_recursive(4, 30, 5, |inner| {
        let key = prop::option::of("[a@/S字]{0,5}");
        prop::collection::vec((key, inner), 1..5).prop_map(items)
    });
    let key = prop::option::of("[a@/S字]{0,5}");
    prop::collection::vec((key, values), 0..5).prop_map(items)
}

fn items(items: Vec<(Option<String>, SttValue<'static>)>) -> SttValue<'static> {
    let items = items
        .into_iter()
        .map(|(key, value)| (key.map(Cow::Owned), value));
    SttValue::Items(items.collect())
}

proptest! {
    #[test]
    fn whatever_is_written_is_read(tree in trees()) {
        let message = tree.encode();
        prop_assert_eq!(&SttValue::decode(message.as_bytes()).unwrap(), &tree, "{}", message);
    }

    #[test]
    fn a_message_cut_anywhere_has_fewer_values_or_a_shorter_last_one(tree in trees(), cut: prop::sample::Index) {
        let message = tree.encode();
        let cut = message.floor_char_boundary(cut.index(message.len() + 1));
        let (whole, short) = (stt_items(&message).collect::<Vec<_>>(), stt_items(&message[..cut]).collect::<Vec<_>>());
        prop_assert!(short.len() <= whole.len());
        let same = short.len().saturating_sub(1);
        prop_assert_eq!(&short[..same], &whole[..same]);
        prop_assert!(SttValue::decode(&message.as_bytes()[..cut]).is_ok());
    }

    #[test]
    fn packets_are_read_as_they_were_written(messages in prop::collection::vec(".{0,20}", 0..6), cut: prop::sample::Index) {
        let frame: Vec<u8> = messages.iter().flat_map(|message| douyu_packet(DouyuSide::Client, message)).collect();
        let bodies: Vec<_> = douyu_packets(&frame).map(|packet| packet.unwrap().body.to_vec()).collect();
        prop_assert_eq!(bodies, messages.iter().map(|message| message.as_bytes().to_vec()).collect::<Vec<_>>());
        let cut = cut.index(frame.len() + 1);
        let packets: Vec<_> = douyu_packets(&frame[..cut]).collect();
        prop_assert!(packets.iter().filter(|packet| packet.is_err()).count() <= 1);
        let whole = packets.iter().flatten().count();
        prop_assert!(whole < messages.len() || cut == frame.len());
    }

    #[test]
    fn random_bytes_end(bytes: Vec<u8>, text in "[a@=/AS]{0,60}") {
        let _ = SttValue::decode(&bytes);
        let _ = douyu_packets(&bytes).count();
        let tree = SttValue::decode(text.as_bytes()).unwrap();
        prop_assert!(serde_json::to_string(&tree).is_ok());
    }
}
