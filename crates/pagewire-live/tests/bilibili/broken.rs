//! What is not as it should be.

use super::*;

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
fn an_event_is_one_line_however_the_site_breaks_its_json() {
    let sent = "{\r\n  \"cmd\": \"WIDGET_BANNER\",\n\n  \"data\": [\"a\\nb\", 1.50\r]\n}\n";
    let (events, errors) = read(&packet(BilibiliOperation::Message, 0, sent.as_bytes()));
    assert_eq!(errors, [""; 0]);
    let mut line = Vec::new();
    events[0].write_json_with_site_fields(&mut line);
    let line = String::from_utf8(line).unwrap();
    assert!(!line.contains(['\n', '\r']), "{line}");
    assert!(line.contains(r#""data": ["a\nb", 1.50]"#), "{line}");
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(
        line["site_fields"],
        serde_json::from_str::<Value>(sent).unwrap()
    );
}

#[test]
fn neighbours_of_a_broken_message_come_out() {
    let good = || message(&json!({ "cmd": "LIVE" }));
    let cut = br#"{"cmd":"DANMU_MSG","info":[[0,"#;
    let broken: [(&[u8], &str); 8] = [
        (
            b"[1]x",
            "malformed: a message is not JSON, at byte 49 in message 1",
        ),
        (
            b"{\"cmd\":nonsense}",
            "malformed: a message is not JSON, at byte",
        ),
        (b"{}{}", "malformed: a message is not JSON, at byte"),
        (cut, "malformed: a message ends within its JSON, at byte"),
        (
            b"",
            "malformed: a message ends within its JSON, at byte 46 in message 1",
        ),
        (
            b"{\"cmd\":\"\xff\"}",
            "malformed: a message is not UTF-8, at byte 54 in message 1",
        ),
        (
            br#"{"cmd":"SEND_GIFT_V2","data":{"pb":"not base64"}}"#,
            "malformed: the member `data.pb` is not base64, at byte 46 in message 1.SEND_GIFT_V2",
        ),
        (
            br#"{"cmd":"INTERACT_WORD_V2","data":{}}"#,
            "malformed: a message of a packed kind has no member `data.pb`, at byte 46 in message 1.INTERACT_WORD_V2",
        ),
    ];
    // Places are those of the frame, or of what was unpacked: behind a packet of 30 bytes and a head of 16.
    for (body, expected) in broken {
        let all = [good(), packet(BilibiliOperation::Message, 0, body), good()].concat();
        let frames = [
            all.clone(),
            packet(BilibiliOperation::Message, 2, &zlib(&all)),
            packet(BilibiliOperation::Message, 3, &brotli(&all)),
        ];
        for frame in frames {
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
