//! What people say.

use super::*;

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

#[test]
fn a_text_may_name_a_long_emoji_so_often_and_no_more() {
    let emoji = |url_bytes: usize, times: usize| {
        let extra = json!({ "emots": { "[a]": { "url": "x".repeat(url_bytes) } } }).to_string();
        let mut sent = danmu();
        sent["info"][1] = json!("[a]".repeat(times));
        sent["info"][0][15] = json!({ "extra": extra });
        let pieces = event(&sent)["chat"]["pieces"].take();
        let pieces = pieces.as_array().map_or(&[][..], |pieces| pieces);
        let named = pieces.iter().filter(|piece| piece["kind"] == "emoji");
        (named.count(), pieces.len())
    };
    let at_the_limit = PIECES_BYTES_MAX / 16;
    assert_eq!(emoji(at_the_limit, 16), (16, 16));
    assert_eq!(emoji(at_the_limit + 1, 16), (15, 16));
    assert_eq!(emoji(PIECES_BYTES_MAX + 1, 1_000), (0, 0));
}
