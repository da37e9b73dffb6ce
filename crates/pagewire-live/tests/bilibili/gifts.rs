//! What people give.

use super::*;

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
    assert_eq!(change(json!({ "tid": "", "rnd": "" }))["combo"], "");
}

#[test]
fn a_gift_without_a_number_of_its_send_is_one_of_its_own_unless_its_message_came_before() {
    let counted = |members: Value| {
        let mut sent = with(gift(), members);
        sent["data"] = with(sent["data"].take(), json!({ "tid": "", "rnd": "" }));
        let (mut room, mut given) = (RoomAccount::new(Site::Bilibili), 0);
        for _ in 0..2 {
            room.read(&message(&sent), ARRIVAL_MS, |event| {
                if let Body::GiftDelta(gift) = event.unwrap().body {
                    given += gift.count;
                }
            });
        }
        given
    };
    assert_eq!(counted(json!({})), 6);
    assert_eq!(counted(json!({ "msg_id": "m" })), 3);
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
fn gifts_of_a_long_message_are_few() {
    const GIFTS: usize = 512;
    let sent = |pad: usize| {
        let mut sent = packed("SEND_GIFT_V2", &bytes(10, &number(3, 2)).repeat(GIFTS));
        sent["pad"] = json!("x".repeat(pad));
        sent.to_string()
    };
    let pad = MESSAGE_EVENTS_BYTES_MAX / GIFTS - sent(0).len();
    let read = |pad| read(&packet(BilibiliOperation::Message, 0, sent(pad).as_bytes()));
    let (events, errors) = read(pad);
    assert_eq!((events.len(), errors.len()), (GIFTS, 0));
    let (events, errors) = read(pad + 1);
    assert_eq!(events, []);
    let expected =
        "too much: bytes of a message times its gifts is 67109376, the limit is 67108864";
    assert!(errors[0].starts_with(expected), "{errors:?}");
}
