//! Who comes, how many there are, what the site says.

use super::*;

/// Each message is one event.
fn check(cases: &[(Value, Value)]) {
    for (sent, expected) in cases {
        assert_eq!(event(sent), *expected, "{sent}");
    }
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
