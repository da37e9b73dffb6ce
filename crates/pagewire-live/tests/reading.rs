//! Frames of Douyin as events: what a person reads off them, and what hostile ones cost.

use pagewire_codec::proto::Writer;
use pagewire_live::douyin::{FRAME_HEADERS_MAX, FRAME_MESSAGES_MAX, PushFrame};
use pagewire_live::{Body, EVENT_LIST_MAX, FrameReader, PIECES_BYTES_MAX, RoomAccount, Site};
use proptest::prelude::*;
use serde_json::{Value, json};

fn message(method: &str, id: u64, write: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut payload = Writer::default();
    write(&mut payload);
    let mut message = Writer::default();
    message
        .text(1, method)
        .bytes(2, &payload.into_bytes())
        .varint(3, id);
    message.into_bytes()
}

fn response(messages: &[Vec<u8>]) -> Vec<u8> {
    let mut response = Writer::default();
    for message in messages {
        response.bytes(1, message);
    }
    response.text(2, "t-1_r-1_d-1_u-1");
    response.into_bytes()
}

fn read_as(site: Site, frame: &[u8]) -> (Vec<Value>, Vec<String>) {
    let (mut events, mut errors) = (Vec::new(), Vec::new());
    FrameReader::new(site).read(frame, 9, |event| match event {
        Ok(event) => {
            let mut line = Vec::new();
            event.write_json(&mut line);
            events.push(serde_json::from_slice(&line).expect("a line of JSON"));
        }
        Err(error) => errors.push(error.to_string()),
    });
    (events, errors)
}

fn read(frame: &[u8]) -> (Vec<Value>, Vec<String>) {
    read_as(Site::Douyin, frame)
}

/// The one event of a message.
fn event(method: &str, write: impl FnOnce(&mut Writer)) -> Value {
    let (mut events, errors) = read(&response(&[message(method, 1, write)]));
    assert_eq!(errors, [""; 0]);
    assert_eq!(events.len(), 1, "{events:?}");
    events.remove(0)
}

fn user(writer: &mut Writer, id: u64, name: &str) {
    writer.varint(1, id).text(3, name);
}

fn chat(id: u64, text: &str) -> Vec<u8> {
    message("WebcastChatMessage", id, |chat| {
        chat.text(3, text);
    })
}

/// Presses and packs, as the site sends them, and how many gifts that are: the rules of docs/sites/douyin.md.
#[test]
fn the_four_numbers_of_a_gift_make_one_count() {
    // send_type, group_count, repeat_count, combo_count, total_count, count
    let cases = [
        (4, 1, 1, 1, 0, 1),
        (4, 1, 3, 3, 0, 3),
        (4, 10, 1, 1, 0, 10),
        (4, 10, 3, 3, 0, 30),
        (4, 520, 1, 1, 520, 520),
        (4, 1, 0, 6, 0, 6),
        (4, 1, 6, 0, 0, 6),
        (1, 66, 1, 1, 0, 66),
        (66, 188, 9, 9, 0, 188),
        (0, 0, 0, 0, 0, 1),
        (4, u64::MAX, 2, 2, 0, u64::MAX),
    ];
    for (send_type, group, repeat, combo, total, count) in cases {
        let write = |gift: &mut Writer| {
            gift.varint(4, group).varint(5, repeat).varint(6, combo);
            gift.varint(17, send_type).varint(29, total);
        };
        let gift = event("WebcastGiftMessage", write);
        let raw = ["group_count", "repeat_count", "combo_count", "total_count"];
        let raw = raw.map(|name| gift["gift"][name].as_u64().expect("a number"));
        assert_eq!(raw, [group, repeat, combo, total]);
        assert_eq!(gift["gift"]["count"], count, "{raw:?} of type {send_type}");
    }
}

/// What messages of a room add, one after the other.
fn given(messages: &[Vec<u8>]) -> Vec<u64> {
    let mut room = RoomAccount::new(Site::Douyin);
    let each = messages.iter().map(|message| {
        let mut given = 0;
        room.read(&response(std::slice::from_ref(message)), 9, |event| {
            if let Body::GiftDelta(gift) = event.expect("an event").body {
                given += gift.count;
            }
        });
        given
    });
    each.collect()
}

#[test]
fn presses_without_a_group_are_one_combo_until_it_ends() {
    let press = |id, presses, ends| {
        message("WebcastGiftMessage", id, |gift| {
            gift.varint(2, 463)
                .varint(4, 1)
                .varint(5, presses)
                .varint(6, presses);
            gift.message(7, |from| user(from, 11, "甲"));
            gift.varint(9, ends).varint(17, 4);
        })
    };
    let presses = [
        (1, 1, 0),
        (2, 2, 0),
        (3, 3, 0),
        (4, 3, 1),
        (5, 1, 0),
        (2, 2, 0),
    ];
    let presses = presses.map(|(id, presses, ends)| press(id, presses, ends));
    assert_eq!(given(&presses), [1, 1, 1, 0, 1, 0]);
    let light = |send_type, presses| {
        move |id| {
            message("WebcastLightGiftMessage", id, |gift| {
                gift.varint(2, 1).varint(4, presses).varint(9, send_type);
            })
        }
    };
    let run = [
        light(4, 1)(1),
        light(4, 2)(2),
        light(4, 2)(3),
        light(4, 3)(4),
    ];
    assert_eq!(given(&run), [1, 1, 0, 1]);
    // What is sent at once, and what has no number that goes on, is by itself. Messages without an id are told apart by nothing.
    for by_itself in [light(1, 3), light(4, 0), light(0, 0)] {
        assert_eq!(given(&[1, 2, 2, 0, 0].map(by_itself)), [1, 1, 0, 1, 1]);
    }
}

#[test]
fn an_id_stands_around_a_message_or_in_it_or_nowhere() {
    for (around, inside, id) in [(7, 8, "7"), (0, 8, "8"), (0, 0, "")] {
        let message = message("WebcastChatMessage", around, |chat| {
            chat.message(1, |common| {
                common.varint(2, inside);
            });
        });
        let (events, _) = read(&response(&[message]));
        assert_eq!(events[0]["id"], id);
    }
}

#[test]
fn a_gift_says_who_gave_what_to_whom() {
    let gift = event("WebcastGiftMessage", |gift| {
        gift.message(1, |common| {
            common.varint(3, 77).varint(4, 1_000);
        });
        gift.varint(2, 463).varint(4, 1).varint(5, 1).varint(6, 2);
        gift.message(7, |from| user(from, 11, "甲"));
        gift.message(8, |to| user(to, 12, "乙"));
        gift.varint(9, 1).varint(11, 1_700_000_000).varint(17, 4);
        gift.message(15, |of| {
            of.varint(5, 463).varint(12, 99).text(16, "玫瑰");
        });
    });
    let expected = json!({
        "site": "douyin", "room": "77", "id": "1", "kind": "gift", "time_ms": 1_000, "time_source": "create",
        "method": "WebcastGiftMessage",
        "user": {"id": "11", "name": "甲"},
        "gift": {
            "gift": "463", "name": "玫瑰", "group_count": 1, "repeat_count": 1, "combo_count": 2, "total_count": 0,
            "count": 2, "combo": "1700000000", "ends": true, "unit_value": 99, "unit": "diamond",
            "receiver": {"id": "12", "name": "乙"},
        },
    });
    assert_eq!(gift, expected);
}

#[test]
fn masked_people_are_marked_and_left_masked() {
    for (id, masked) in [(111_111, json!(true)), (111_112, Value::Null)] {
        let chat = event("WebcastChatMessage", |chat| {
            chat.message(2, |from| user(from, id, "某***"));
        });
        assert_eq!(chat["user"]["masked"], masked);
        assert_eq!(chat["user"]["name"], "某***");
    }
}

#[test]
fn a_rich_text_is_told_piece_by_piece() {
    let chat = event("WebcastChatMessage", |chat| {
        chat.text(3, "@甲 好[微笑]").varint(15, 5);
        chat.message(40, |text| {
            text.text(2, "{0:user} 好{9:gone}{{1:image}{");
            text.message(4, |piece| {
                piece.varint(1, 11);
                piece.message(21, |of| {
                    of.message(1, |who| user(who, 11, "甲"));
                });
            });
            text.message(4, |piece| {
                piece.varint(1, 15);
                piece.message(25, |of| {
                    of.message(1, |image| {
                        image.text(1, "https://example.com/smile.webp");
                        image.message(8, |content| {
                            content.text(1, "smile").text(4, "[微笑]");
                        });
                    });
                });
            });
        });
    });
    assert_eq!(
        (&chat["time_ms"], &chat["time_source"]),
        (&json!(5_000), &json!("event"))
    );
    assert_eq!(
        chat["chat"],
        json!({"text": "@甲 好[微笑]", "pieces": [
            {"kind": "mention", "text": "甲", "id": "11"},
            {"kind": "text", "text": " 好{9:gone}{"},
            {"kind": "emoji", "text": "[微笑]", "image": "https://example.com/smile.webp"},
            {"kind": "text", "text": "{"},
        ]})
    );
}

#[test]
fn chats_of_all_kinds_have_their_text_their_time_and_their_pieces() {
    // A method, the fields of its text and time, and those of its rich text, of which the second takes the place of the first.
    for (method, text_at, time_at, [first, second]) in [
        ("WebcastChatMessage", 3, Some(15), [40, 41]),
        ("WebcastScreenChatMessage", 4, Some(12), [30, 32]),
        ("WebcastPrivilegeScreenChatMessage", 3, None, [7, 8]),
    ] {
        let chat = event(method, |chat| {
            chat.text(text_at, "hi");
            if let Some(number) = time_at {
                chat.varint(number, 5);
            }
            for (number, pattern) in [(first, "a"), (second, "b")] {
                chat.message(number, |text| {
                    text.text(2, pattern);
                });
            }
        });
        let pieces = json!([{"kind": "text", "text": "b"}]);
        assert_eq!(chat["chat"], json!({"text": "hi", "pieces": pieces}));
        let time_ms = if time_at.is_some() { 5_000 } else { 9 };
        assert_eq!(chat["time_ms"], time_ms, "{method}");
    }
}

#[test]
fn what_has_no_text_of_its_own_says_what_the_site_shows() {
    let notice = event("WebcastRoomMessage", |notice| {
        notice.message(1, |common| {
            common.message(8, |text| {
                text.text(1, "a_key").text(2, "欢迎 {0:string}!");
                text.message(4, |piece| {
                    piece.varint(1, 1).text(11, "你");
                });
            });
        });
    });
    assert_eq!(notice["notice"]["text"], "欢迎 你!");
}

/// A method without `Webcast`, the field of its action and the action; the kind, a place in the event and what stands there.
const ACTIONS: &str = r#"
MemberMessage 10 1 enter /enter {}
MemberMessage 10 2 control /control/action "leave"
MemberMessage 10 3 control /control/action "mute"
MemberMessage 10 4 control /control/action "unmute"
MemberMessage 10 5 control /control/action "admin"
MemberMessage 10 6 control /control/action "unadmin"
MemberMessage 10 7 control /control/action "kick"
MemberMessage 10 8 share /share {}
MemberMessage 10 9 control /control/action "mute"
MemberMessage 10 10 control /control/action "unmute"
MemberMessage 10 11 control /control/action "block"
MemberMessage 10 20 follow /follow {}
MemberMessage 10 99 control /control/action "99"
SocialMessage 4 1 follow /follow {}
SocialMessage 4 3 share /share {}
SocialMessage 4 9 unknown /unknown/bytes "IAk="
FansclubMessage 2 1 fan_club /fan_club/action "level_up"
FansclubMessage 2 2 fan_club /fan_club/action "joined"
FansclubMessage 2 3 fan_club /fan_club/action "3"
ControlMessage 2 1 room_state /room_state/state "paused"
ControlMessage 2 2 room_state /room_state/state "live"
ControlMessage 2 3 room_state /room_state/state "ended"
ControlMessage 2 4 room_state /room_state/state "ended"
ControlMessage 2 5 control /control/action "change_node"
ControlMessage 2 6 room_state /room_state/state "ended"
ControlMessage 2 7 control /control/action "7"
LinkMicBattleMessage 9 1 link /link {"action":"LinkMicBattle","battle":true}
LinkMessage 9 1 link /link {"action":"Link"}
NeverSeenMessage 9 1 unknown /unknown/bytes "SAE="
"#;

#[test]
fn actions_say_what_kind_of_event_it_is() {
    for line in ACTIONS.trim().lines() {
        let [method, number, action, kind, pointer, expected] = line
            .splitn(6, ' ')
            .collect::<Vec<_>>()
            .try_into()
            .expect("six");
        let number_of = |text: &str| text.parse::<u32>().expect("a number");
        let event = event(&format!("Webcast{method}"), |message| {
            message.varint(number_of(number), number_of(action).into());
        });
        assert_eq!(event["kind"], kind, "{line}");
        let expected: Value = serde_json::from_str(expected).expect("JSON");
        assert_eq!(event.pointer(pointer), Some(&expected), "{line}");
    }
}

#[test]
fn ids_that_are_taken_back_may_be_packed() {
    let packed = event("WebcastImDeleteMessage", |delete| {
        delete.packed(2, [7, 1 << 60]);
    });
    let single = event("WebcastImDeleteMessage", |delete| {
        delete.varint(2, 7).varint(2, 1 << 60);
    });
    assert_eq!(packed, single);
    assert_eq!(
        packed["control"],
        json!({"action": "delete", "ids": ["7", "1152921504606846976"]})
    );
}

#[test]
fn counts_and_the_best_givers_of_one_message_are_two_events() {
    let message = message("WebcastRoomUserSeqMessage", 5, |seq| {
        seq.message(2, |best| {
            best.varint(1, 500).varint(3, 1);
            best.message(2, |who| user(who, 11, "甲"));
        });
        seq.varint(3, 165).varint(7, 133_339).text(8, "10万+");
    });
    let (events, errors) = read(&response(&[message]));
    assert_eq!(errors, [""; 0]);
    assert_eq!(
        events[0]["stats"],
        json!({"viewers": 165, "total": 133_339, "text": "10万+"})
    );
    assert_eq!(
        events[1]["rank"],
        json!({"name": "contributors", "users": [{"place": 1, "user": {"id": "11", "name": "甲"}, "score": "500"}]})
    );
    assert_eq!(
        (&events[0]["id"], &events[1]["id"]),
        (&json!("5"), &json!("5"))
    );
}

#[test]
fn a_frame_may_be_a_heartbeat_or_a_bare_response_packed_or_not() {
    assert_eq!(read(b"\x3a\x02hb"), (vec![], vec![]));
    assert_eq!(read(b""), (vec![], vec![]));
    let bare = response(&[chat(1, "hi")]);
    let (expected, errors) = read(&bare);
    assert_eq!((expected.len(), errors.len()), (1, 0));
    for packed in [gzip(&bare), gzip(&gzip(&bare))] {
        assert_eq!(read(&packed), (expected.clone(), vec![]));
        let mut push = Writer::default();
        push.varint(1, 3).text(7, "msg").bytes(8, &packed);
        assert_eq!(read(&push.into_bytes()), (expected.clone(), vec![]));
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(bytes).expect("memory takes all");
    gzip.finish().expect("memory takes all")
}

#[test]
fn the_messages_around_a_broken_one_come_out() {
    let broken = message("WebcastGiftMessage", 2, |gift| {
        gift.bytes(7, b"\x1a\x09cut");
    });
    let broken = response(&[
        chat(1, "a"),
        b"\x1a\xff".to_vec(),
        broken,
        b"\x1a\xff".to_vec(),
        chat(3, "b"),
    ]);
    let (events, errors) = read(&broken);
    let texts: Vec<_> = events.iter().map(|event| &event["chat"]["text"]).collect();
    assert_eq!(texts, ["a", "b"]);
    assert_eq!(
        errors,
        [
            "a length-delimited value needs 9 more bytes, and 3 are left, at byte 61 in messages.2.GiftMessage.7",
            "a varint needs 1 more bytes, and 0 are left, at byte 33 in messages.1",
            "a varint needs 1 more bytes, and 0 are left, at byte 70 in messages.3",
        ]
    );
    // Places are those of the frame, or of what was unpacked, and the path says which.
    let framed = |payload: &[u8]| {
        let mut push = Writer::default();
        push.varint(1, 300).text(7, "msg").bytes(8, payload);
        read(&push.into_bytes()).1
    };
    let [plain, packed] = [framed(&broken), framed(&gzip(&broken))];
    assert!(
        plain[0].ends_with("at byte 71 in messages.2.GiftMessage.7"),
        "{plain:?}"
    );
    assert!(
        packed[0].ends_with("at byte 61 in gzip.messages.2.GiftMessage.7"),
        "{packed:?}"
    );
    assert!(
        packed[1].ends_with("at byte 33 in gzip.messages.1"),
        "{packed:?}"
    );
    let mut cut = gzip(&broken);
    cut.truncate(20);
    let (bare, framed) = (read(&cut).1, framed(&cut));
    assert!(bare[0].ends_with("at byte 20"), "{bare:?}");
    assert!(framed[0].ends_with("at byte 30"), "{framed:?}");
    // A response that is cut loses what is behind the cut.
    let whole = response(&[chat(1, "a"), chat(2, "b")]);
    for length in 0..whole.len() {
        let (events, errors) = read(&whole[..length]);
        assert!(
            events.len() <= 2 && errors.len() <= 1,
            "{length}: {events:?} {errors:?}"
        );
    }
    let (events, errors) = read(&whole[..whole.len() - 20]);
    assert_eq!((events.len(), errors.len()), (1, 1));
}

#[test]
fn a_bomb_costs_an_error() {
    // Members of gzip that follow one another are one stream.
    let bomb = gzip(&vec![0; 1 << 20]).repeat(1_024);
    for bomb in [gzip(&bomb), bomb] {
        let (events, errors) = read(&bomb);
        assert!(events.is_empty());
        assert!(
            errors[0].contains("the unpacked size in bytes is 67108865, the limit is 67108864"),
            "{errors:?}"
        );
    }
}

#[test]
fn messages_of_a_frame_are_read_up_to_the_limit() {
    let read = |frame: &[u8]| {
        let (mut events, mut errors) = (0, Vec::new());
        FrameReader::new(Site::Douyin).read(frame, 9, |event| match event {
            Ok(_) => events += 1,
            Err(error) => errors.push(error.to_string()),
        });
        (events, errors)
    };
    let at_the_limit = [0x0a, 0].repeat(FRAME_MESSAGES_MAX);
    assert_eq!(read(&at_the_limit), (FRAME_MESSAGES_MAX, vec![]));
    let (events, errors) = read(&[&at_the_limit[..], &[0x0a, 0]].concat());
    assert_eq!(events, FRAME_MESSAGES_MAX);
    assert_eq!(
        errors,
        ["too much: messages in a frame is 65537, the limit is 65536, at byte 131074"]
    );
}

#[test]
fn headers_of_a_frame_are_kept_up_to_the_limit() {
    for (headers, kept) in [
        (FRAME_HEADERS_MAX, FRAME_HEADERS_MAX),
        (FRAME_HEADERS_MAX + 1, FRAME_HEADERS_MAX),
    ] {
        let mut frame = Writer::default();
        for _ in 0..headers {
            frame.bytes(5, &[]);
        }
        frame.varint(1, 7);
        let frame = frame.into_bytes();
        let read = PushFrame::read(&frame).expect("a frame");
        assert_eq!((read.headers.len(), read.seq_id), (kept, 7));
    }
}

#[test]
fn lists_of_an_event_are_kept_up_to_the_limit() {
    for (entries, kept) in [
        (EVENT_LIST_MAX, EVENT_LIST_MAX),
        (EVENT_LIST_MAX + 1, EVENT_LIST_MAX),
    ] {
        let rank = event("WebcastRoomRankMessage", |rank| {
            for id in 1..=entries as u64 {
                rank.message(2, |place| {
                    place.message(1, |who| user(who, id, "甲"));
                });
            }
        });
        assert_eq!(
            rank["rank"]["users"].as_array().expect("places").len(),
            kept
        );
        let chat = event("WebcastChatMessage", |chat| {
            chat.message(2, |who| {
                for _ in 0..entries {
                    who.message(24, |club| {
                        club.message(1, |data| {
                            data.text(1, "c");
                        });
                    });
                }
            });
            chat.message(40, |text| {
                for _ in 0..entries {
                    text.message(4, |piece| {
                        piece.text(11, "p");
                    });
                }
            });
        });
        assert_eq!(
            chat["user"]["badges"].as_array().expect("badges").len(),
            kept
        );
        assert_eq!(
            chat["chat"]["pieces"].as_array().expect("pieces").len(),
            kept
        );
        let delete = event("WebcastImDeleteMessage", |delete| {
            delete.packed(2, (1..=entries as u64).collect::<Vec<_>>());
        });
        assert_eq!(
            delete["control"]["ids"].as_array().expect("ids").len(),
            kept
        );
    }
    // A pattern that names a long piece again and again.
    let chat = event("WebcastChatMessage", |chat| {
        chat.message(40, |text| {
            text.text(2, &"a{0:string}".repeat(EVENT_LIST_MAX));
            text.message(4, |piece| {
                piece.text(11, "long");
            });
        });
    });
    assert!(chat["chat"]["pieces"].as_array().expect("pieces").len() <= EVENT_LIST_MAX);
}

#[test]
fn a_pattern_is_filled_up_to_the_limit() {
    // A pattern of some hundred bytes that names a piece of so many.
    let notice = |piece_bytes: usize, times: usize| {
        let notice = event("WebcastRoomMessage", |notice| {
            notice.message(1, |common| {
                common.message(8, |text| {
                    text.text(2, &"{0:string}".repeat(times));
                    text.message(4, |piece| {
                        piece.text(11, &"x".repeat(piece_bytes));
                    });
                });
            });
        });
        let text = notice["notice"]["text"].as_str().expect("a text");
        (text.matches('x').count(), text.matches('{').count())
    };
    let times = 16;
    let at_the_limit = PIECES_BYTES_MAX / times;
    assert_eq!(notice(at_the_limit, times), (PIECES_BYTES_MAX, 0));
    let past = at_the_limit + 1;
    assert_eq!(notice(past, times), (past * (times - 1), 1));
    assert_eq!(notice(PIECES_BYTES_MAX, 1), (PIECES_BYTES_MAX, 0));
    assert_eq!(notice(PIECES_BYTES_MAX + 1, 1_000), (0, 1_000));
}

#[test]
fn of_tiktok_the_envelope_is_read() {
    let (events, errors) = read_as(Site::Tiktok, &response(&[chat(1, "hi")]));
    assert_eq!(errors, [""; 0]);
    assert_eq!(
        events,
        [json!({
            "site": "tiktok", "room": "", "id": "1", "kind": "unknown", "time_ms": 9, "time_source": "arrival",
            "unknown": {"bytes": "GgJoaQ=="}, "method": "WebcastChatMessage",
        })]
    );
}

proptest! {
    /// Bytes of all kinds, and messages of known kinds with whatever is in them.
    #[test]
    fn whatever_comes_is_events_and_errors(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        kind in prop::sample::select(&[
            "ChatMessage", "GiftMessage", "LightGiftMessage", "LikeMessage", "MemberMessage", "SocialMessage",
            "FansclubMessage", "RoomUserSeqMessage", "RoomStatsMessage", "RoomRankMessage", "ControlMessage",
            "RoomMessage", "ImDeleteMessage", "EmojiChatMessage", "LinkMessage", "X",
        ][..]),
    ) {
        read(&bytes);
        let mut message = Writer::default();
        message.text(1, &format!("Webcast{kind}")).bytes(2, &bytes).varint(3, 1);
        let (events, errors) = read(&response(&[message.into_bytes(), chat(2, "behind")]));
        prop_assert!(events.iter().any(|event| event["chat"]["text"] == "behind"));
        prop_assert!((2..=3).contains(&(events.len() + errors.len())));
    }
}
