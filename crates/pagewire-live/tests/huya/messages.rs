//! What each kind of message becomes.

use serde_json::json;

use crate::tars::Field::{Bytes, Int, List, Struct, Text};
use crate::{ARRIVAL_MS, batch, chat, json, one, push, read, tars};

#[test]
fn a_chat_tells_who_said_what_and_whom_they_meant() {
    let badge = tars::message(&[
        (0, Int(31)),
        (1, Int(5)),
        (2, Text("主播")),
        (3, Text("小船")),
        (4, Int(12)),
    ]);
    let sender = vec![
        (0, Int(1_199_600_000_031)),
        (1, Int(0)),
        (2, Text("芦苇")),
        (3, Int(1)),
        (4, Text("https://picture.example/a.jpg")),
        (5, Int(4)),
        (6, Struct(vec![(0, Int(2)), (1, Int(0))])),
    ];
    let decorations = vec![
        Struct(vec![(0, Int(10_200)), (1, Int(0)), (2, Bytes(vec![0xff]))]),
        Struct(vec![(0, Int(10_400)), (1, Int(0)), (2, Bytes(badge))]),
        // One that cannot be read costs nothing but itself.
        Struct(vec![(0, Int(10_400)), (2, Bytes(vec![0xff]))]),
    ];
    let mentioned = vec![
        Struct(vec![(0, Int(40)), (1, Text("夏天"))]),
        Struct(vec![(0, Int(41)), (1, Text("nobody"))]),
        Struct(vec![(0, Int(42)), (1, Text(""))]),
    ];
    let event = one(
        1_400,
        &[
            (0, Struct(sender)),
            (1, Int(11)),
            (2, Int(12)),
            (3, Text("嗨 @夏天 晚上好@")),
            (4, Int(0)),
            (6, Struct(vec![(0, Int(-1))])),
            (8, List(decorations)),
            (10, List(mentioned)),
            (11, Int(70)),
        ],
    );
    let expected = json!({
        "site": "huya",
        "room": "70",
        "id": "900",
        "kind": "chat",
        "time_ms": ARRIVAL_MS,
        "time_source": "arrival",
        "user": {
            "id": "1199600000031",
            "name": "芦苇",
            "level": 4,
            "badges": [{"name": "小船", "level": 12}],
            "gender": "female",
            "avatar": "https://picture.example/a.jpg",
        },
        "chat": {
            "text": "嗨 @夏天 晚上好@",
            "pieces": [
                {"kind": "text", "text": "嗨 "},
                {"kind": "mention", "text": "@夏天", "id": "40"},
                {"kind": "text", "text": " 晚上好@"},
                {"kind": "mention", "text": "", "id": "41"},
                {"kind": "mention", "text": "", "id": "42"},
            ],
        },
        "method": "MessageNotice",
    });
    assert_eq!(event, expected);
}

#[test]
fn a_chat_of_somebody_plain_has_no_more_than_they_told() {
    let sender = Struct(vec![
        (0, Int(31)),
        (2, Text("芦苇")),
        (3, Int(0)),
        (5, Int(0)),
        (6, Struct(vec![(0, Int(3)), (1, Int(8))])),
    ]);
    let event = one(1_400, &[(0, sender), (3, Text("好"))]);
    assert_eq!(
        event["user"],
        json!({"id": "31", "name": "芦苇", "level": 3})
    );
    assert_eq!(event["chat"], json!({"text": "好"}));
    // The part stays as it was, and is shown by its tags.
    let frame = push(1_400, "live:70", 900, chat("好"));
    let (events, _) = read(&frame);
    assert_eq!(*events[0].part.bytes, chat("好"));
    let mut line = Vec::new();
    events[0].write_json_with_site_fields(&mut line);
    let line: serde_json::Value = serde_json::from_slice(&line).unwrap();
    assert_eq!(
        line["site_fields"],
        json!({"0": {"0": 31, "2": "芦苇"}, "3": "好"})
    );
}

/// One reader takes the name from the fields beside those of the sender, and shows a number of the channel or nothing.
#[test]
fn the_name_is_that_inside_of_the_sender() {
    let sender = Struct(vec![(0, Int(31)), (2, Text("芦苇"))]);
    let event = one(1_400, &[(0, sender), (2, Int(77)), (3, Text("好"))]);
    assert_eq!(event["user"]["name"], "芦苇");
    let nobody = one(1_400, &[(2, Int(77)), (3, Text("好"))]);
    assert_eq!(nobody["user"], json!({"id": "", "name": ""}));
}

/// One reader knows single messages only, and loses all when the server sends them together. Another drops an equal text within a second.
#[test]
fn batches_are_read_message_by_message_also_where_texts_are_equal() {
    let heat = tars::message(&[(0, Int(52_000))]);
    let messages = [
        (1_400, 1, chat("哈哈")),
        (1_400, 2, chat("哈哈")),
        (8_006, 3, heat),
    ];
    let events = json(&batch("chat:70", &messages));
    let ids: Vec<_> = events.iter().map(|event| event["id"].clone()).collect();
    assert_eq!(ids, ["1", "2", "3"]);
    assert_eq!(events[1]["chat"]["text"], "哈哈");
    assert_eq!(events[2]["stats"], json!({"heat": 52_000}));
    assert!(events.iter().all(|event| event["room"] == "70"));
}

/// One reader has 6052 in its table, which does not exist, and so never shows a banner.
#[test]
fn a_gift_of_another_room_is_a_notice_under_its_right_number() {
    let fields = [
        (0, Int(20_275)),
        (1, Int(10)),
        (2, Int(0)),
        (3, Int(31)),
        (4, Text("芦苇")),
        (5, Int(71)),
        (6, Text("别的主播")),
        (8, Int(10)),
        (9, Int(3)),
    ];
    let event = one(6_502, &fields);
    let text = "芦苇 → 别的主播: 20275 × 30";
    assert_eq!(
        (&event["kind"], &event["notice"]["text"]),
        (&json!("notice"), &json!(text))
    );
    assert_eq!(
        event["notice"]["pieces"][2],
        json!({"kind": "mention", "text": "别的主播", "id": "71"})
    );
    assert_eq!(
        (&event["room"], &event["user"]["id"]),
        (&json!("70"), &json!("31"))
    );
    assert_eq!(one(6_052, &fields)["kind"], "unknown");
}

#[test]
fn those_with_a_rank_come_in_by_name_or_by_id_alone() {
    let noble = Struct(vec![
        (0, Int(31)),
        (1, Int(71)),
        (3, Text("骑士")),
        (4, Int(2)),
    ]);
    let banner = one(
        6_110,
        &[
            (0, Int(31)),
            (1, Text("芦苇")),
            (2, Int(70)),
            (3, noble.clone()),
            (6, Text("https://picture.example/a.jpg")),
        ],
    );
    let user = json!({
        "id": "31",
        "name": "芦苇",
        "level": 2,
        "avatar": "https://picture.example/a.jpg",
    });
    assert_eq!((&banner["kind"], &banner["user"]), (&json!("enter"), &user));
    let frame = push(6_200, "", 0, tars::message(&[(1, noble)]));
    let [entered] = json(&frame).try_into().unwrap();
    assert_eq!(entered["user"], json!({"id": "31", "name": "", "level": 2}));
    // Without a group it is of the room that it tells itself; without an id it has none.
    assert_eq!(
        (&entered["room"], &entered["id"]),
        (&json!("71"), &json!(""))
    );
}

#[test]
fn a_group_that_names_no_presenter_is_no_room() {
    let room = |group| json(&push(1_400, group, 1, chat("好")))[0]["room"].clone();
    assert_eq!(room("live:18446744073709551615"), "18446744073709551615");
    for other in [
        "live:184467440737095516150",
        "live:x",
        "live:",
        "game:70",
        "70",
        "",
    ] {
        assert_eq!(room(other), "", "{other}");
    }
}

#[test]
fn rankings_have_places_and_what_they_are_for() {
    let noble = Struct(vec![(0, Int(31)), (4, Int(5))]);
    let item = Struct(vec![(0, Int(31)), (2, noble), (5, Text("芦苇"))]);
    let bar = one(6_210, &[(1, Int(0)), (2, Int(1)), (4, List(vec![item]))]);
    let expected = json!({
        "name": "vip_bar",
        "users": [{"place": 1, "user": {"id": "31", "name": "芦苇", "level": 5}, "score": ""}],
    });
    assert_eq!(bar["rank"], expected);

    let item = |id, score, long| {
        Struct(vec![
            (0, Int(id)),
            (1, Text("芦苇")),
            (2, Int(score)),
            (8, Int(long)),
        ])
    };
    let items = vec![item(31, 9, 0), item(32, 8, 1 << 40)];
    let week = one(6_220, &[(0, List(items)), (1, Int(10)), (4, Int(70))]);
    assert_eq!(week["rank"]["users"][0]["place"], 11);
    assert_eq!(week["rank"]["users"][0]["score"], "9");
    assert_eq!(week["rank"]["users"][1]["score"], "1099511627776");

    let item = Struct(vec![
        (0, Int(31)),
        (1, Text("芦苇")),
        (2, Int(7)),
        (3, Int(20)),
    ]);
    let fans = one(
        6_230,
        &[(0, Int(1)), (1, Text("小船")), (2, List(vec![item]))],
    );
    let expected = json!({"place": 1, "user": {"id": "31", "name": "芦苇"}, "score": "7"});
    assert_eq!(fans["rank"]["users"], json!([expected]));
}

#[test]
fn the_broadcast_begins_ends_and_changes_its_title() {
    let begins = one(8_000, &[(0, Int(70)), (18, Text("新的一天"))]);
    assert_eq!(
        begins["room_state"],
        json!({"state": "live", "title": "新的一天"})
    );
    let ends = one(
        8_001,
        &[(0, Int(70)), (1, Int(0)), (2, Int(5)), (3, Text("结束了"))],
    );
    assert_eq!(
        ends["room_state"],
        json!({"state": "ended", "text": "结束了"})
    );
    let changes = one(
        8_004,
        &[(0, Int(70)), (2, Text("游戏")), (4, Text("另一个标题"))],
    );
    assert_eq!(changes["room_state"], json!({"title": "另一个标题"}));
}

#[test]
fn what_is_not_read_keeps_its_bytes_under_its_name_or_number() {
    let redirect = one(1_025_305, &[(0, Text("elsewhere"))]);
    assert_eq!(redirect["control"], json!({"action": "redirect"}));
    let noble = one(1_001, &[(0, Int(1))]);
    assert_eq!(noble["method"], "NobleNotice");
    assert_eq!(noble["unknown"], json!({"bytes": "AAE="}));
    assert_eq!(one(3_104, &[])["method"], "3104");
}

#[test]
fn requests_and_answers_are_no_events_and_other_commands_are_unknown() {
    // 1 registers and 3 calls: one reader has them as heartbeat and registration.
    for kind in (0..=25).filter(|kind| ![7, 22].contains(kind)) {
        let frame = tars::message(&[(0, Int(kind)), (1, Bytes(vec![0xff]))]);
        assert_eq!(json(&frame), [] as [serde_json::Value; 0], "{kind}");
    }
    for (kind, method) in [
        (26, "WSHistoryMsgRsp"),
        (27, "EnterP2P"),
        (99, "WebSocketCommand 99"),
    ] {
        let frame = tars::message(&[(0, Int(kind)), (1, Bytes(vec![1, 2, 3]))]);
        let [event] = json(&frame).try_into().unwrap();
        assert_eq!(event["method"], method);
        assert_eq!(event["unknown"], json!({"bytes": "AQID"}));
    }
    let encrypted = tars::message(&[(0, Int(7)), (1, Bytes(vec![1, 2, 3])), (4, Int(1))]);
    let [event] = json(&encrypted).try_into().unwrap();
    assert_eq!(
        (&event["kind"], &event["method"]),
        (&json!("unknown"), &json!("MsgPushReq"))
    );
}

#[test]
fn the_time_of_a_command_is_taken_where_it_can_be_one() {
    let now = i64::try_from(ARRIVAL_MS).unwrap();
    let day = 24 * 60 * 60 * 1_000;
    let at = |time: i64| {
        let body = tars::message(&[(1, Int(8_006)), (2, Bytes(Vec::new()))]);
        let frame = tars::message(&[(0, Int(7)), (1, Bytes(body)), (4, Int(0)), (5, Int(time))]);
        let [event] = json(&frame).try_into().unwrap();
        (
            event["time_ms"].as_i64().unwrap(),
            event["time_source"].clone(),
        )
    };
    assert_eq!(at(now - 1_500), (now - 1_500, json!("create")));
    assert_eq!(at(now + day), (now + day, json!("create")));
    // Seconds, microseconds, nothing.
    for other in [now + day + 1, now / 1_000, now * 1_000, 0, -1, i64::MIN] {
        assert_eq!(at(other), (now, json!("arrival")), "{other}");
    }
}
