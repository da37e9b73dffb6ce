//! Messages of Bilibili as events: made by these tests themselves, and captured ones where they are at hand.
//!
//! The folder of the captures is named by `PAGEWIRE_FIXTURES`, else it is `shared/fixtures` beside the folder of the repository. What is expected of each file stands
//! in its `expected.json`. An absent folder is a skip that is said, even where everything else is required.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says that it is skipped"
)]

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use pagewire_codec::{BilibiliOperation, BilibiliPacket};
use pagewire_live::bilibili::{Auth, MESSAGE_GIFTS_MAX, auth_packet, heartbeat_packet};
use pagewire_live::{EVENT_LIST_MAX, Event, FrameReader, Site};
use serde_json::{Value, json};

const ARRIVAL_MS: u64 = 1_700_000_000_000;

fn packet(operation: BilibiliOperation, version: u16, body: &[u8]) -> Vec<u8> {
    let packet = BilibiliPacket {
        operation,
        version,
        sequence: 0,
        body: Cow::Borrowed(body),
    };
    packet.encode()
}

fn message(json: &Value) -> Vec<u8> {
    packet(BilibiliOperation::Message, 0, json.to_string().as_bytes())
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
    zlib.write_all(bytes).unwrap();
    zlib.finish().unwrap()
}

fn read(frame: &[u8]) -> (Vec<Event<'static>>, Vec<String>) {
    let (mut events, mut errors) = (Vec::new(), Vec::new());
    FrameReader::new(Site::Bilibili).read(frame, ARRIVAL_MS, |event| match event {
        Ok(event) => events.push(event.into_owned()),
        Err(error) => errors.push(error.to_string()),
    });
    (events, errors)
}

fn as_json(event: &Event<'_>) -> Value {
    let mut line = Vec::new();
    event.write_json(&mut line);
    serde_json::from_slice(&line).unwrap()
}

/// The events of one message, without what is the same of all.
fn events(sent: &Value) -> Vec<Value> {
    let frame = message(sent);
    let (events, errors) = read(&frame);
    assert_eq!(errors, [""; 0]);
    let each = events.iter().map(|event| {
        // The site's part is the message, byte for byte.
        assert_eq!(event.part.bytes.as_ref(), &frame[16..]);
        let mut json = as_json(event);
        let members = json.as_object_mut().unwrap();
        assert_eq!(members.remove("site"), Some(json!("bilibili")));
        let method = members.remove("method").unwrap();
        let command = sent["cmd"].as_str().unwrap_or_default();
        assert_eq!(method, command.split(':').next().unwrap());
        json
    });
    each.collect()
}

/// One message, one event.
fn event(sent: &Value) -> Value {
    let events = events(sent);
    assert_eq!(events.len(), 1, "{sent}");
    events.into_iter().next().unwrap()
}

/// What an event has that says no more than its kind and when it came.
fn told(kind: &str, body: &Value) -> Value {
    json!({
        "room": "", "id": "", "kind": kind, "time_ms": ARRIVAL_MS, "time_source": "arrival", kind.replace('.', "_"): body
    })
}

fn with(mut event: Value, members: Value) -> Value {
    let more = members.as_object().unwrap().clone();
    event.as_object_mut().unwrap().extend(more);
    event
}

fn at_event(seconds: u64) -> Value {
    json!({ "time_ms": seconds * 1_000, "time_source": "event" })
}

// A straightforward writer of Protobuf.

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
        value >>= 7;
    }
    bytes.push(u8::try_from(value).unwrap());
    bytes
}

fn number(field: u64, value: u64) -> Vec<u8> {
    [varint(field << 3), varint(value)].concat()
}

fn bytes(field: u64, value: &[u8]) -> Vec<u8> {
    [
        varint(field << 3 | 2),
        varint(value.len() as u64),
        value.to_vec(),
    ]
    .concat()
}

fn text(field: u64, value: &str) -> Vec<u8> {
    bytes(field, value.as_bytes())
}

fn packed(command: &str, protobuf: &[u8]) -> Value {
    json!({ "cmd": command, "data": { "dmscore": 1, "pb": STANDARD.encode(protobuf) } })
}

fn danmu() -> Value {
    let extra = json!({
        "id_str": "5a1b2c", "reply_mid": 31, "reply_uname": "林间", "emots": {
            "[dog]": { "emoji": "[dog]", "emoticon_unique": "emoji_208", "url": "https://example.com/dog.png" },
            "[cat]": null
        }
    });
    let mode = json!({
        "mode": 0, "extra": extra.to_string(),
        "user": { "uid": 7001, "base": { "name": "阿青", "face": "https://example.com/face.jpg" }, "medal": { "name": "别的", "level": 2 } }
    });
    json!({
        "cmd": "DANMU_MSG:4:0:2:2:2:0",
        "info": [
            [0, 1, 25, 16777215, 1_700_000_111_222_u64, 1_700_000_000, 0, "ab12", 0, 0, 0, "", 0, "{}", "{}", mode],
            "早[dog]上[nobody] [cat]",
            [7001, "阿青", 1, 0, 0, 10000, 1, ""],
            [21, "星光", "主播", 4321, 12345, "", 0],
            [12, 0, 9868950, ">50000", 0],
            ["", ""], 0, 3, null, { "ts": 1, "ct": "A" }, 0, 0, null, null, 0, 7, [19]
        ],
        "dm_v2": "", "msg_id": "m-1", "send_time": 1_700_000_111_300_u64
    })
}

#[test]
fn a_chat_has_its_sender_its_emoji_and_whom_it_answers() {
    let expected = json!({
        "room": "", "id": "5a1b2c", "kind": "chat", "time_ms": 1_700_000_111_222_u64, "time_source": "event",
        "user": {
            "id": "7001", "name": "阿青", "level": 19, "badges": [{ "name": "星光", "level": 21, "room": "4321" }],
            "avatar": "https://example.com/face.jpg", "admin": true
        },
        "chat": {
            "text": "早[dog]上[nobody] [cat]",
            "pieces": [
                { "kind": "text", "text": "早" },
                { "kind": "emoji", "text": "[dog]", "id": "emoji_208", "image": "https://example.com/dog.png" },
                { "kind": "text", "text": "上[nobody] " },
                { "kind": "emoji", "text": "[cat]" }
            ],
            "reply_to": { "id": "31", "name": "林间" }
        }
    });
    assert_eq!(event(&danmu()), expected);
    // From another room, in the same form.
    let mirror = with(danmu(), json!({ "cmd": "DANMU_MSG_MIRROR" }));
    assert_eq!(event(&mirror), expected);
}

#[test]
fn an_old_chat_has_less_and_one_that_is_a_picture_has_it() {
    let old = json!({ "cmd": "DANMU_MSG", "info": [
        [0, 1, 25, 16777215, 1_500_000_000_000_u64, 1, 0, "a", 0], "hi", [5, "Bo", 0], [], [3, 0], [], 0, 0
    ] });
    let said = with(
        told("chat", &json!({ "text": "hi" })),
        at_event(1_500_000_000),
    );
    let user = json!({ "user": { "id": "5", "name": "Bo", "level": 3 } });
    assert_eq!(event(&old), with(said, user));

    let picture = json!({ "emoticon_unique": "official_13", "url": "https://example.com/13.png" });
    let sent = json!({ "cmd": "DANMU_MSG", "info": [
        [0, 1, 25, 0, 0, 0, 0, "", 0, 0, 0, "", 1, picture, "{}", {}], "赞", [5, "Bo"], [], [], [], 0, 0
    ] });
    let pieces = json!([{ "kind": "emoji", "text": "赞", "id": "official_13", "image": "https://example.com/13.png" }]);
    assert_eq!(
        event(&sent)["chat"],
        json!({ "text": "赞", "pieces": pieces })
    );
}

#[test]
fn names_that_are_hidden_are_said_to_be() {
    for (uid, name, masked) in [
        (0, "林***", true),
        (9, "林***", true),
        (0, "林", true),
        (9, "林*", false),
    ] {
        let sent =
            json!({ "cmd": "INTERACT_WORD", "data": { "uid": uid, "uname": name, "msg_type": 1 } });
        assert_eq!(
            event(&sent)["user"]["masked"],
            if masked { json!(true) } else { Value::Null },
            "{sent}"
        );
        let sent = packed(
            "INTERACT_WORD_V2",
            &[number(1, uid), text(2, name), number(5, 1)].concat(),
        );
        assert_eq!(
            event(&sent)["user"]["masked"],
            if masked { json!(true) } else { Value::Null },
            "{sent}"
        );
    }
    let notice = json!({ "cmd": "LOG_IN_NOTICE", "data": { "notice_msg": "登录后可见" } });
    let control = json!({ "action": "log_in_notice", "text": "登录后可见" });
    assert_eq!(event(&notice), told("control", &control));
}

#[test]
fn a_paid_chat_has_its_price_in_hundredths_of_a_yuan_and_can_be_taken_back() {
    let sent = json!({ "cmd": "SUPER_CHAT_MESSAGE", "roomid": "1001", "data": {
        "id": 887766, "uid": 41, "price": 30, "message": "加油", "ts": 1_650_000_001, "start_time": 1_650_000_000,
        "medal_info": { "medal_name": "星光", "medal_level": 4, "anchor_roomid": 55, "target_id": 6 },
        "user_info": { "uname": "Ada", "face": "https://example.com/a.jpg", "user_level": 8, "manager": 1 }
    } });
    let user = json!({
        "id": "41", "name": "Ada", "level": 8, "badges": [{ "name": "星光", "level": 4, "room": "55" }],
        "avatar": "https://example.com/a.jpg", "admin": true
    });
    let expected = with(
        told(
            "chat",
            &json!({ "text": "加油", "paid": 3_000, "unit": "fen" }),
        ),
        json!({ "room": "1001", "id": "887766", "user": user }),
    );
    assert_eq!(event(&sent), with(expected, at_event(1_650_000_000)));

    let sent = json!({ "cmd": "SUPER_CHAT_MESSAGE_DELETE", "data": { "ids": [887766, "887767"] } });
    let control = json!({ "action": "delete", "ids": ["887766", "887767"] });
    assert_eq!(event(&sent), told("control", &control));
    let ids: Vec<u64> = (0..=EVENT_LIST_MAX as u64).collect();
    let sent = json!({ "cmd": "SUPER_CHAT_MESSAGE_DELETE", "data": { "ids": ids } });
    assert_eq!(
        event(&sent)["control"]["ids"].as_array().unwrap().len(),
        EVENT_LIST_MAX
    );
}

fn gift() -> Value {
    json!({ "cmd": "SEND_GIFT", "data": {
        "giftId": 31036, "giftName": "小花花", "num": 3, "price": 100, "total_coin": 300, "coin_type": "gold",
        "tid": "4462435941977491968", "rnd": "9", "super_gift_num": 8, "super_batch_gift_num": 2, "timestamp": 1_704_872_067,
        "uid": 77, "uname": "阿青", "face": "https://example.com/f.jpg", "wealth_level": 6,
        "medal_info": { "medal_name": "", "medal_level": 0, "anchor_roomid": 0 },
        "receive_user_info": { "uid": 99, "uname": "主播" }
    } })
}

#[test]
fn a_gift_is_a_send_of_its_own_with_all_that_the_site_counts() {
    let body = json!({
        "gift": "31036", "name": "小花花", "group_count": 3, "repeat_count": 0, "combo_count": 2, "total_count": 8, "count": 3,
        "combo": "4462435941977491968", "ends": true, "unit_value": 100, "unit": "gold_seed", "receiver": { "id": "99", "name": "主播" }
    });
    let expected = with(
        with(told("gift", &body), at_event(1_704_872_067)),
        json!({
            "id": "4462435941977491968",
            "user": { "id": "77", "name": "阿青", "level": 6, "avatar": "https://example.com/f.jpg" }
        }),
    );
    assert_eq!(event(&gift()), expected);

    let change = |members: Value| {
        let mut sent = gift();
        sent["data"] = with(sent["data"].take(), members);
        event(&sent)["gift"].take()
    };
    assert_eq!(
        change(json!({ "coin_type": "silver" }))["unit"],
        "silver_seed"
    );
    assert_eq!(
        change(json!({ "coin_type": "copper" }))["unit"],
        Value::Null
    );
    assert_eq!(change(json!({ "num": "12" }))["count"], 12);
    assert_eq!(change(json!({ "num": null }))["count"], 1);
    assert_eq!(change(json!({ "tid": "" }))["combo"], "9");
    assert_eq!(
        change(json!({ "tid": "", "rnd": "" }))["combo"],
        ARRIVAL_MS.to_string()
    );
}

#[test]
fn a_sum_of_gifts_is_no_gift() {
    let sent = json!({ "cmd": "COMBO_SEND", "data": {
        "uid": 77, "uname": "阿青", "action": "投喂", "gift_id": 31036, "gift_name": "小花花", "combo_num": 5, "total_num": 8
    } });
    let notice = told("notice", &json!({ "text": "投喂小花花 x8" }));
    assert_eq!(
        event(&sent),
        with(notice, json!({ "user": { "id": "77", "name": "阿青" } }))
    );
}

#[test]
fn a_rank_of_the_fleet_is_a_gift_once_and_what_is_shown_of_it_is_none() {
    let sent = json!({ "cmd": "GUARD_BUY", "data": {
        "uid": 77, "username": "阿青", "guard_level": 3, "num": 2, "price": 198_000, "gift_id": 10003, "gift_name": "舰长",
        "start_time": 1_650_000_000, "end_time": 1_650_000_000
    } });
    let body = json!({
        "gift": "10003", "name": "舰长", "group_count": 2, "repeat_count": 0, "combo_count": 0, "total_count": 0, "count": 2,
        "combo": "1650000000", "ends": true, "unit_value": 198_000, "unit": "gold_seed"
    });
    let user = json!({ "user": { "id": "77", "name": "阿青" } });
    assert_eq!(
        event(&sent),
        with(
            with(told("gift", &body), at_event(1_650_000_000)),
            user.clone()
        )
    );

    for (number, action) in [(1, "joined"), (2, "2")] {
        let sent = json!({ "cmd": "USER_TOAST_MSG", "data": {
            "uid": 77, "username": "阿青", "op_type": number, "price": 198_000, "toast_msg": "<%阿青%> 开通了舰长"
        } });
        let club = json!({ "text": "阿青 开通了舰长", "action": action });
        assert_eq!(event(&sent), with(told("fan_club", &club), user.clone()));
    }
}

#[test]
fn gifts_in_protobuf_come_out_one_by_one() {
    let gift = |id, name: &str, count, price, sent_s| {
        [
            number(1, id),
            text(2, name),
            number(3, count),
            number(4, 5),
            number(5, price),
            number(7, count * price),
        ]
        .concat()
        .into_iter()
        .chain([text(8, "gold"), text(9, "t-77"), number(10, sent_s)].concat())
        .collect::<Vec<u8>>()
    };
    let medal = [
        number(1, 6),
        number(4, 4321),
        number(5, 21),
        text(6, "星光"),
    ]
    .concat();
    let protobuf = [
        [
            number(1, 77),
            text(2, "阿青"),
            text(3, "https://example.com/f.jpg"),
            number(5, 3),
        ]
        .concat(),
        bytes(8, &medal),
        bytes(9, &text(3, "盲盒")),
        bytes(10, &gift(32, "电影票", 2, 2_000, 1_785_000_000)),
        bytes(10, &gift(33, "棉花糖", 1, 9_000, 1_785_000_001)),
    ]
    .concat();
    let events = events(&packed("SEND_GIFT_V2", &protobuf));
    let expected = [("t-77", "32", "电影票", 2, 2_000), ("t-77-2", "33", "棉花糖", 1, 9_000)].map(|(id, gift, name, count, price)| {
        let body = json!({
            "gift": gift, "name": name, "group_count": count, "repeat_count": 0, "combo_count": 0, "total_count": 0, "count": count,
            "combo": "t-77", "ends": true, "unit_value": price, "unit": "gold_seed"
        });
        let user = json!({
            "id": "77", "name": "阿青", "avatar": "https://example.com/f.jpg", "badges": [{ "name": "星光", "level": 21, "room": "4321" }]
        });
        with(with(told("gift", &body), at_event(1_785_000_001)), json!({ "id": id, "user": user }))
    });
    assert_eq!(events, expected);
}

#[test]
fn so_many_gifts_are_in_one_message_and_no_more() {
    let gifts = |count: usize| {
        message(&packed(
            "SEND_GIFT_V2",
            &bytes(10, &number(3, 2)).repeat(count),
        ))
    };
    let (events, errors) = read(&gifts(MESSAGE_GIFTS_MAX));
    assert_eq!((events.len(), errors.len()), (MESSAGE_GIFTS_MAX, 0));
    let (events, errors) = read(&gifts(MESSAGE_GIFTS_MAX + 1));
    assert!(events.is_empty());
    assert!(
        errors[0].starts_with("too much: gifts in a message is 1025, the limit is 1024"),
        "{errors:?}"
    );
    let (_, errors) = read(&gifts(0));
    assert!(
        errors[0].contains("a message about gifts has none"),
        "{errors:?}"
    );
}

#[test]
fn who_comes_follows_and_shares_is_told_by_a_number() {
    let bodies = [
        (1, "enter"),
        (2, "follow"),
        (3, "share"),
        (4, "follow"),
        (5, "follow"),
        (6, "unknown"),
        (0, "unknown"),
    ];
    for (kind, expected) in bodies {
        let sent = json!({ "cmd": "INTERACT_WORD", "data": {
            "uid": 4, "uname": "Bo", "msg_type": kind, "roomid": 88, "timestamp": 1_600_000_000, "score": 1_600_000_012_345_u64,
            "fans_medal": { "target_id": 1, "medal_level": 13, "medal_name": "米粒", "anchor_roomid": 0 }
        } });
        let event_of = event(&sent);
        assert_eq!(event_of["kind"], expected);
        assert_eq!(event_of["room"], "88");
        assert_eq!(
            (&event_of["time_ms"], &event_of["time_source"]),
            (&json!(1_600_000_000_000_u64), &json!("event"))
        );
        assert_eq!(
            event_of["user"],
            json!({ "id": "4", "name": "Bo", "badges": [{ "name": "米粒", "level": 13 }] })
        );

        let medal = [
            number(1, 1),
            number(2, 13),
            text(3, "米粒"),
            number(12, 1_234),
        ]
        .concat();
        let detail = [
            number(1, 4),
            bytes(
                2,
                &[text(1, "Bo"), text(2, "https://example.com/b.jpg")].concat(),
            ),
        ]
        .concat();
        let protobuf = [
            [
                number(1, 4),
                text(2, "Bo"),
                number(5, kind),
                number(6, 88),
                number(7, 1_600_000_000),
            ]
            .concat(),
            [bytes(9, &medal), bytes(22, &detail)].concat(),
        ]
        .concat();
        let packed_event = event(&packed("INTERACT_WORD_V2", &protobuf));
        let user = json!({
            "id": "4", "name": "Bo", "avatar": "https://example.com/b.jpg", "badges": [{ "name": "米粒", "level": 13, "room": "1234" }]
        });
        for member in ["kind", "room", "time_ms", "time_source"] {
            assert_eq!(packed_event[member], event_of[member], "{member}");
        }
        assert_eq!(packed_event["user"], user);
    }
}

/// Each message is one event.
fn check(cases: &[(Value, Value)]) {
    for (sent, expected) in cases {
        assert_eq!(event(sent), *expected, "{sent}");
    }
}

#[test]
fn each_kind_about_people_and_their_number_is_its_event() {
    check(&[
        (
            json!({ "cmd": "ENTRY_EFFECT", "data": { "uid": 4, "copy_writing": "欢迎舰长 <%阿青%> 进入直播间" } }),
            with(
                told("enter", &json!({ "text": "欢迎舰长 阿青 进入直播间" })),
                json!({ "user": { "id": "4", "name": "阿青" } }),
            ),
        ),
        (
            json!({ "cmd": "LIKE_INFO_V3_CLICK", "data": { "uid": 4, "uname": "Bo", "like_text": "点赞了", "msg_type": 6 } }),
            with(
                told("like", &json!({ "count": 1 })),
                json!({ "user": { "id": "4", "name": "Bo" } }),
            ),
        ),
        (
            json!({ "cmd": "LIKE_INFO_V3_UPDATE", "data": { "click_count": 5_000 } }),
            told("stats", &json!({ "likes": 5_000 })),
        ),
        (
            json!({ "cmd": "WATCHED_CHANGE", "data": { "num": 12_345, "text_small": "1.2万", "text_large": "1.2万人看过" } }),
            told("stats", &json!({ "total": 12_345, "text": "1.2万人看过" })),
        ),
        (
            json!({ "cmd": "ONLINE_RANK_COUNT", "data": { "count": 40, "count_text": "40", "online_count": 2_000, "online_count_text": "2000" } }),
            told(
                "stats",
                &json!({ "viewers": 2_000, "text": "2000", "ranked": 40 }),
            ),
        ),
        (
            json!({ "cmd": "ONLINE_RANK_V2", "data": { "rank_type": "online_rank", "online_list": [
                { "uid": 4, "uname": "Bo", "score": "700", "rank": 1, "face": "https://example.com/b.jpg", "guard_level": 0 },
                { "uid": 5, "uname": "Cy", "score": 3 }
            ] } }),
            told(
                "rank",
                &json!({ "name": "online_rank", "users": [
                { "place": 1, "user": { "id": "4", "name": "Bo", "avatar": "https://example.com/b.jpg" }, "score": "700" },
                { "place": 2, "user": { "id": "5", "name": "Cy" }, "score": "3" }
            ] }),
            ),
        ),
    ]);
}

#[test]
fn each_kind_about_the_broadcast_and_its_order_is_its_event() {
    check(&[
        (
            json!({ "cmd": "ROOM_CHANGE", "data": { "title": "夜聊", "area_name": "聊天室" } }),
            told("room_state", &json!({ "title": "夜聊", "text": "聊天室" })),
        ),
        (
            json!({ "cmd": "LIVE", "roomid": 88, "live_time": 1_600_000_000 }),
            with(
                with(
                    told("room_state", &json!({ "state": "live" })),
                    at_event(1_600_000_000),
                ),
                json!({ "room": "88" }),
            ),
        ),
        (
            json!({ "cmd": "PREPARING", "roomid": "88", "send_time": 1_600_000_000_500_u64, "msg_id": "m-2" }),
            with(
                told("room_state", &json!({ "state": "ended" })),
                json!({ "room": "88", "id": "m-2", "time_ms": 1_600_000_000_500_u64, "time_source": "create" }),
            ),
        ),
        (
            json!({ "cmd": "CUT_OFF", "msg": "违反直播规范", "roomid": 88 }),
            with(
                told(
                    "room_state",
                    &json!({ "state": "ended", "text": "违反直播规范" }),
                ),
                json!({ "room": "88" }),
            ),
        ),
        (
            json!({ "cmd": "WARNING", "msg": "请注意", "roomid": 88 }),
            with(
                told("control", &json!({ "action": "warning", "text": "请注意" })),
                json!({ "room": "88" }),
            ),
        ),
        (
            json!({ "cmd": "ROOM_BLOCK_MSG", "uid": 4, "uname": "Bo", "data": { "uid": 4, "uname": "Bo", "operator": 1 } }),
            with(
                told("control", &json!({ "action": "mute" })),
                json!({ "user": { "id": "4", "name": "Bo" } }),
            ),
        ),
        (
            json!({ "cmd": "ROOM_BLOCK_MSG", "data": { "uid": "4", "uname": "Bo" } }),
            with(
                told("control", &json!({ "action": "mute" })),
                json!({ "user": { "id": "4", "name": "Bo" } }),
            ),
        ),
    ]);
}

#[test]
fn notices_and_battles_are_their_events() {
    check(&[
        (
            json!({ "cmd": "NOTICE_MSG", "msg_common": "", "msg_self": "<%Bo%>投喂<%主播%>一个热气球", "real_roomid": 99 }),
            with(
                told("notice", &json!({ "text": "Bo投喂主播一个热气球" })),
                json!({ "room": "99" }),
            ),
        ),
        (
            json!({ "cmd": "PK_BATTLE_PROCESS", "pk_id": 1, "pk_status": 201, "timestamp": 1_600_000_000, "data": {
                "init_info": { "room_id": 88, "votes": 7, "best_uname": "Bo" }, "match_info": { "room_id": 89, "votes": 0 }
            } }),
            told(
                "link",
                &json!({ "action": "PK_BATTLE_PROCESS", "battle": true, "sides": [
                { "id": "88", "score": 7 }, { "id": "89", "score": 0 }
            ] }),
            ),
        ),
        (
            json!({ "cmd": "PK_BATTLE_PRE_NEW", "data": { "uname": "对面", "uid": 3, "room_id": 89 } }),
            told(
                "link",
                &json!({ "action": "PK_BATTLE_PRE_NEW", "battle": true, "sides": [{ "id": "89", "name": "对面" }] }),
            ),
        ),
        (
            json!({ "cmd": "PK_BATTLE_END" }),
            told(
                "link",
                &json!({ "action": "PK_BATTLE_END", "battle": true }),
            ),
        ),
    ]);
}

#[test]
fn what_is_not_known_is_unknown_with_all_its_bytes() {
    for sent in [
        json!({ "cmd": "WIDGET_BANNER", "data": { "timestamp": 1 } }),
        json!({ "cmd": "DANMU_MSG", "info": { "not": "a list" } }),
        json!({ "cmd": "SEND_GIFT", "data": [1] }),
        json!({ "cmd": 7 }),
        json!({}),
        json!([1, 2]),
        json!("text"),
        json!(null),
    ] {
        let frame = packet(BilibiliOperation::Message, 0, sent.to_string().as_bytes());
        let (events, errors) = read(&frame);
        assert_eq!(errors, [""; 0], "{sent}");
        assert_eq!((events.len(), events[0].kind()), (1, "unknown"), "{sent}");
        let bytes = STANDARD.encode(sent.to_string());
        assert_eq!(as_json(&events[0])["unknown"]["bytes"], bytes);
        let mut line = Vec::new();
        events[0].write_json_with_site_fields(&mut line);
        let line: Value = serde_json::from_slice(&line).unwrap();
        assert_eq!(line["site_fields"], sent);
    }
}

#[test]
fn packets_that_are_no_messages_are_told_too() {
    let heartbeat = packet(BilibiliOperation::HeartbeatReply, 1, &[0, 1, 0, 2]);
    let (events, _) = read(&heartbeat);
    assert_eq!(as_json(&events[0])["stats"], json!({ "heat": 65_538 }));
    assert_eq!(events[0].method, "heartbeat_reply");
    let short = packet(BilibiliOperation::HeartbeatReply, 1, &[0, 1]);
    assert_eq!(as_json(&read(&short).0[0])["stats"], json!({}));

    let refused = packet(BilibiliOperation::AuthReply, 1, br#"{"code":-101}"#);
    let (events, _) = read(&refused);
    assert_eq!(
        as_json(&events[0])["control"],
        json!({ "action": "auth_reply", "text": "-101" })
    );

    let (events, _) = read(&packet(BilibiliOperation::Unknown(19), 0, b"x"));
    assert_eq!((events[0].kind(), &*events[0].method), ("unknown", "19"));

    // A token is nobody's business.
    let own = [heartbeat_packet(), auth_packet(&auth())].concat();
    assert_eq!(read(&own), (Vec::new(), Vec::new()));
}

const fn auth() -> Auth<'static> {
    Auth {
        user: 0,
        room: 1_234,
        token: "tok\"en",
        buvid: "B-1",
    }
}

#[test]
fn a_client_says_which_room_it_wants_and_that_it_is_there() {
    let packet = auth_packet(&auth());
    assert_eq!(packet[4..16], [0, 16, 0, 1, 0, 0, 0, 7, 0, 0, 0, 1]);
    assert_eq!(
        u32::from_be_bytes(packet[..4].try_into().unwrap()) as usize,
        packet.len()
    );
    let json: Value = serde_json::from_slice(&packet[16..]).unwrap();
    let expected = json!({
        "uid": 0, "roomid": 1_234, "protover": 3, "platform": "web", "type": 2, "key": "tok\"en", "buvid": "B-1"
    });
    assert_eq!(json, expected);
    assert_eq!(
        heartbeat_packet(),
        [0, 0, 0, 16, 0, 16, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1]
    );
}

#[test]
fn neighbours_of_a_broken_message_come_out() {
    let good = || message(&json!({ "cmd": "LIVE" }));
    let cut = br#"{"cmd":"DANMU_MSG","info":[[0,"#;
    let broken: [(&[u8], &str); 7] = [
        (
            b"{\"cmd\":nonsense}",
            "malformed: a message is not JSON, at byte",
        ),
        (b"{}{}", "malformed: a message is not JSON, at byte"),
        (cut, "malformed: a message ends within its JSON, at byte"),
        (
            b"",
            "malformed: a message ends within its JSON, at byte 0 in message 1",
        ),
        (
            b"{\"cmd\":\"\xff\"}",
            "malformed: a message is not UTF-8, at byte 8 in message 1",
        ),
        (
            br#"{"cmd":"SEND_GIFT_V2","data":{"pb":"not base64"}}"#,
            "malformed: the member `data.pb` is not base64, at byte 0 in message 1.SEND_GIFT_V2",
        ),
        (
            br#"{"cmd":"INTERACT_WORD_V2","data":{}}"#,
            "malformed: a message of a packed kind has no member `data.pb`, at byte 0 in message 1.INTERACT_WORD_V2",
        ),
    ];
    for (body, expected) in broken {
        let all = [good(), packet(BilibiliOperation::Message, 0, body), good()].concat();
        for frame in [
            all.clone(),
            packet(BilibiliOperation::Message, 2, &zlib(&all)),
        ] {
            let (events, errors) = read(&frame);
            assert_eq!(events.len(), 2, "{expected}");
            assert!(
                errors.len() == 1 && errors[0].starts_with(expected),
                "{errors:?}"
            );
        }
    }
    let truncated = packed(
        "INTERACT_WORD_V2",
        &[number(1, 5), bytes(22, &[0x12, 9])].concat(),
    );
    let (events, errors) = read(&[good(), message(&truncated), good()].concat());
    assert_eq!(events.len(), 2);
    assert!(
        errors[0].contains(" in message 1.INTERACT_WORD_V2.data.pb.22"),
        "{errors:?}"
    );
}

#[test]
fn members_of_other_types_cost_themselves_alone() {
    let wrong = [
        json!(null),
        json!(true),
        json!([1]),
        json!({ "a": 1 }),
        json!("x"),
        json!(-1),
        json!(1.5),
        json!(1e99),
    ];
    let samples = [
        danmu(),
        gift(),
        json!({ "cmd": "INTERACT_WORD", "data": {
            "uid": 4, "uname": "Bo", "msg_type": 1, "roomid": 88, "timestamp": 1, "fans_medal": { "medal_name": "a", "medal_level": 1 },
            "uinfo": { "uid": 4, "base": { "name": "Bo", "face": "f" }, "medal": {}, "wealth": { "level": 3 } }
        } }),
        json!({ "cmd": "SUPER_CHAT_MESSAGE", "data": { "id": 1, "uid": 2, "price": 30, "message": "m", "user_info": { "uname": "n" } } }),
        json!({ "cmd": "ONLINE_RANK_V2", "data": { "rank_type": "r", "online_list": [{ "uid": 1, "rank": 1, "score": "1" }] } }),
        json!({ "cmd": "PK_BATTLE_PROCESS", "data": { "init_info": { "room_id": 1, "votes": 1 } } }),
    ];
    let mut tried = 0;
    for sample in &samples {
        let kind = event(sample)["kind"].clone();
        for path in paths(sample) {
            for wrong in &wrong {
                let mut sent = sample.clone();
                *sent.pointer_mut(&path).unwrap() = wrong.clone();
                let (events, errors) = read(&message(&sent));
                assert_eq!((events.len(), errors.len()), (1, 0), "{path} {wrong}");
                // What the kind hangs on is the whole list or object, and who comes in by which number.
                let is_needed = ["/cmd", "/data", "/info", "/data/msg_type"].contains(&&*path);
                assert!(is_needed || events[0].kind() == kind, "{path} {wrong}");
                tried += 1;
            }
        }
    }
    assert!(tried > 500, "{tried}");
}

/// Where values are, as JSON pointers.
fn paths(json: &Value) -> Vec<String> {
    let inner: Vec<(String, &Value)> = match json {
        Value::Object(members) => members
            .iter()
            .map(|(key, value)| (key.clone(), value))
            .collect(),
        Value::Array(entries) => entries
            .iter()
            .enumerate()
            .map(|(at, value)| (at.to_string(), value))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    let each = inner.into_iter().flat_map(|(key, value)| {
        let below = paths(value)
            .into_iter()
            .map(|path| format!("/{key}{path}"))
            .collect::<Vec<_>>();
        std::iter::once(format!("/{key}")).chain(below)
    });
    each.collect()
}

#[test]
fn a_frame_that_is_cut_at_any_byte_is_no_panic() {
    let all = [
        message(&danmu()),
        message(&gift()),
        message(&packed("INTERACT_WORD_V2", &number(5, 1))),
    ]
    .concat();
    for frame in [
        all.clone(),
        packet(BilibiliOperation::Message, 2, &zlib(&all)),
    ] {
        for end in 1..frame.len() {
            let (events, errors) = read(&frame[..end]);
            assert!(events.len() < 3, "{end}");
            let is_between = [
                message(&danmu()).len(),
                message(&danmu()).len() + message(&gift()).len(),
            ]
            .contains(&end);
            assert_eq!(errors.is_empty(), is_between && frame == all, "{end}");
        }
    }
    // The same of the JSON and the Protobuf within.
    let body = danmu().to_string();
    for end in 0..body.len() {
        let frame = packet(BilibiliOperation::Message, 0, &body.as_bytes()[..end]);
        let (events, errors) = read(&frame);
        assert_eq!((events.len(), errors.len()), (0, 1), "{end}");
    }
    let protobuf = [
        number(1, 4),
        text(2, "Bo"),
        bytes(22, &bytes(2, &text(1, "Bo"))),
    ]
    .concat();
    for end in 0..protobuf.len() {
        let (events, errors) = read(&message(&packed("INTERACT_WORD_V2", &protobuf[..end])));
        assert_eq!(events.len() + errors.len(), 1, "{end}");
    }
}

#[test]
fn deep_json_and_long_texts_are_read_in_time_that_grows_with_them() {
    let deep = format!(
        r#"{{"cmd":"X","data":{}{}}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let (events, errors) = read(&packet(BilibiliOperation::Message, 0, deep.as_bytes()));
    assert_eq!(
        (events.len(), events[0].kind(), errors.len()),
        (1, "unknown", 0)
    );
    for said in [
        "[".repeat(300_000) + &"]".repeat(300_000),
        "[dog]".repeat(100_000),
    ] {
        let mut sent = danmu();
        sent["info"][1] = json!(said);
        let chat = event(&sent)["chat"].take();
        assert_eq!(chat["text"], said);
        let pieces = chat["pieces"].as_array().map_or(&[][..], |pieces| pieces);
        assert!(pieces.len() <= EVENT_LIST_MAX);
        let together: String = pieces
            .iter()
            .map(|piece| piece["text"].as_str().unwrap())
            .collect();
        assert!(pieces.is_empty() || together == said);
    }
}

/// The captures, each with what is expected of it.
fn captured() -> Option<Vec<(Vec<u8>, Value)>> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures");
    let folder = env::var_os("PAGEWIRE_FIXTURES").map_or(beside, PathBuf::from);
    let Ok(expected) = fs::read(folder.join("expected.json")) else {
        eprintln!("SKIPPED: captured messages (PAGEWIRE_FIXTURES) are missing");
        return None;
    };
    let all: BTreeMap<String, Value> = serde_json::from_slice(&expected).expect("JSON by file");
    let of_site = all
        .into_iter()
        .filter(|(name, _)| name.starts_with("bilibili/"));
    let files =
        of_site.map(|(name, expected)| (fs::read(folder.join(&name)).expect(&name), expected));
    let files: Vec<_> = files.collect();
    assert!(!files.is_empty(), "no file of bilibili");
    Some(files)
}

#[test]
fn captured_messages_are_events_with_the_values_that_are_known() {
    let Some(files) = captured() else {
        return;
    };
    for (frame, expected) in files {
        let (events, errors) = read(&frame);
        assert_eq!(errors, [""; 0]);
        let methods: Vec<_> = events.iter().map(|event| event.method.clone()).collect();
        assert_eq!(json!(methods), expected["cmds"]);
        let event = &events[0];
        assert_ne!(event.kind(), "unknown");
        let user = event.user.as_ref().expect("somebody");
        assert_eq!(user.id, expected["uid"].to_string());
        assert!(!user.name.is_empty() && !user.masked);
        if let Some(room) = expected.get("roomid") {
            assert_eq!(event.room, room.to_string());
        }
        if let Some(sent_ms) = expected.get("sent_ms") {
            assert_eq!(
                (event.kind(), json!(event.time.ms)),
                ("chat", sent_ms.clone())
            );
            assert_ne!(as_json(event)["chat"]["text"], "");
        }
    }
}
