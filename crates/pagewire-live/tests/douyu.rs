//! Messages of Douyu as events: made by these tests themselves, and captured ones where they are at hand.
//!
//! The folder of the captures is named by `PAGEWIRE_FIXTURES`, else it is `shared/fixtures` beside the folder of the repository. What is expected of each file stands
//! in its `expected.json`. An absent folder is a skip that is said, even where everything else is required.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says that it is skipped"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pagewire_live::douyu::{heartbeat_packet, join_packet, login_packet};
use pagewire_live::{Body, EVENT_LIST_MAX, Event, FrameReader, RoomAccount, Site};
use serde_json::{Value, json};

const ARRIVAL_MS: u64 = 1_700_000_000_000;

/// A straightforward writer of packets.
fn packet(side: u16, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 9).unwrap().to_le_bytes();
    [
        &length[..],
        &length,
        &side.to_le_bytes(),
        &[0, 0],
        body,
        &[0],
    ]
    .concat()
}

fn message(stt: &str) -> Vec<u8> {
    packet(690, stt.as_bytes())
}

/// And of STT: keys and values, `/` and `@` escaped.
fn stt(fields: &[(&str, &str)]) -> String {
    let fields = fields.iter().map(|(key, value)| {
        let value = value.replace('@', "@A").replace('/', "@S");
        format!("{key}@={value}/")
    });
    fields.collect()
}

fn list(entries: &[String]) -> String {
    let entries = entries
        .iter()
        .map(|entry| entry.replace('@', "@A").replace('/', "@S") + "/");
    entries.collect()
}

fn read(frame: &[u8]) -> (Vec<Event<'static>>, Vec<String>) {
    let (mut events, mut errors) = (Vec::new(), Vec::new());
    FrameReader::new(Site::Douyu).read(frame, ARRIVAL_MS, |event| match event {
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
fn events(fields: &[(&str, &str)]) -> Vec<Value> {
    let body = stt(fields);
    let (events, errors) = read(&message(&body));
    assert_eq!(errors, [""; 0]);
    let each = events.iter().map(|event| {
        assert_eq!(event.part.bytes.as_ref(), body.as_bytes());
        let mut json = as_json(event);
        let members = json.as_object_mut().unwrap();
        assert_eq!(members.remove("site"), Some(json!("douyu")));
        let kind = fields
            .iter()
            .find(|(key, _)| *key == "type")
            .map(|(_, kind)| json!(kind));
        assert_eq!(
            members.remove("method"),
            Some(kind.unwrap_or_else(|| json!("")))
        );
        json
    });
    each.collect()
}

fn event(fields: &[(&str, &str)]) -> Value {
    let events = events(fields);
    assert_eq!(events.len(), 1, "{fields:?}");
    events.into_iter().next().unwrap()
}

/// What an event of room 88 has that says no more than its kind and when it came.
fn told(kind: &str, body: &Value) -> Value {
    json!({
        "room": "88", "id": "", "kind": kind, "time_ms": ARRIVAL_MS, "time_source": "arrival", kind: body
    })
}

fn with(mut event: Value, members: Value) -> Value {
    let more = members.as_object().unwrap().clone();
    event.as_object_mut().unwrap().extend(more);
    event
}

fn bo() -> Value {
    json!({ "user": { "id": "4", "name": "Bo", "level": 38 } })
}

const BO: [(&str, &str); 4] = [("rid", "88"), ("uid", "4"), ("nn", "Bo"), ("level", "38")];

fn of_bo<'a>(kind: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [&[("type", kind)][..], &BO, more].concat()
}

#[test]
fn a_chat_has_its_sender_their_badge_and_its_emoji() {
    let sent = of_bo(
        "chatmsg",
        &[
            ("txt", "早/@[emot:dy101]上"),
            ("cid", "00bd35"),
            ("cst", "1609614129227"),
            ("col", "1"),
            ("bnn", "米粒"),
            ("bl", "21"),
            ("brid", "102"),
            ("rg", "4"),
        ],
    );
    let expected = json!({
        "room": "88", "id": "00bd35", "kind": "chat", "time_ms": 1_609_614_129_227_u64, "time_source": "event",
        "user": { "id": "4", "name": "Bo", "level": 38, "badges": [{ "name": "米粒", "level": 21, "room": "102" }], "admin": true },
        "chat": { "text": "早/@[emot:dy101]上", "pieces": [
            { "kind": "text", "text": "早/@" }, { "kind": "emoji", "text": "[emot:dy101]", "id": "dy101" }, { "kind": "text", "text": "上" }
        ] }
    });
    assert_eq!(event(&sent), expected);
    let plain = event(&of_bo(
        "chatmsg",
        &[
            ("txt", "[emot:] [x]"),
            ("cst", "soon"),
            ("bl", "0"),
            ("bnn", ""),
        ],
    ));
    let body = json!({ "text": "[emot:] [x]" });
    assert_eq!(plain, with(told("chat", &body), bo()));
}

#[test]
fn each_message_about_a_gift_is_a_send_of_its_own() {
    let sent = of_bo(
        "dgb",
        &[
            ("gfid", "824"),
            ("gfn", "荧光棒"),
            ("gfcnt", "10"),
            ("hits", "30"),
            ("bcnt", "3"),
            ("receive_uid", "99"),
            ("receive_nn", "主播"),
        ],
    );
    let body = json!({
        "gift": "824", "name": "荧光棒", "group_count": 10, "repeat_count": 0, "combo_count": 3, "total_count": 30, "count": 10,
        "combo": "", "ends": true, "receiver": { "id": "99", "name": "主播" }
    });
    assert_eq!(event(&sent), with(told("gift", &body), bo()));
    let one = event(&of_bo("dgb", &[("gfid", "824")]));
    assert_eq!(
        (&one["gift"]["count"], &one["gift"]["group_count"]),
        (&json!(1), &json!(0))
    );

    // Two that are alike, in one frame or at one time, are two gifts: nothing in them says that they are one.
    for more in [&[][..], &[("hits", "1")]] {
        let same = message(&stt(&[&of_bo("dgb", &[("gfid", "824")])[..], more].concat()));
        let mut given = 0;
        let mut room = RoomAccount::new(Site::Douyu);
        for frame in [[same.clone(), same.clone()].concat(), same] {
            room.read(&frame, ARRIVAL_MS, |event| {
                if let Body::GiftDelta(gift) = event.unwrap().body {
                    given += gift.count;
                }
            });
        }
        assert_eq!(given, 3);
    }
}

/// A message, and the one event that it is.
type Case<'a> = (Vec<(&'a str, &'a str)>, Value);

fn check(cases: &[Case<'_>]) {
    for (sent, expected) in cases {
        assert_eq!(event(sent), *expected, "{sent:?}");
    }
}

#[test]
fn who_comes_and_who_is_muted_and_whether_it_is_live_are_their_events() {
    check(&[
        (of_bo("uenter", &[]), with(told("enter", &json!({})), bo())),
        (
            vec![("type", "rss"), ("rid", "88"), ("ss", "1")],
            told("room_state", &json!({ "state": "live" })),
        ),
        (
            vec![("type", "rss"), ("rid", "88"), ("ss", "0")],
            told("room_state", &json!({ "state": "ended" })),
        ),
        (
            vec![("type", "rss"), ("rid", "88"), ("ss", "7")],
            told("room_state", &json!({})),
        ),
        (
            vec![
                ("type", "newblackres"),
                ("rid", "88"),
                ("ret", "0"),
                ("otype", "2"),
                ("sid", "1"),
                ("did", "4"),
                ("snic", "Ada"),
                ("dnic", "Bo"),
            ],
            with(
                told(
                    "control",
                    &json!({ "action": "mute", "by": { "id": "1", "name": "Ada" } }),
                ),
                json!({ "user": { "id": "4", "name": "Bo" } }),
            ),
        ),
    ]);
}

#[test]
fn what_people_reach_and_share_is_its_event() {
    check(&[
        (
            of_bo("blab", &[("lbl", "0"), ("bl", "1"), ("bnn", "米粒")]),
            with(
                told("fan_club", &json!({ "text": "米粒", "action": "joined" })),
                json!({ "user": { "id": "4", "name": "Bo", "level": 38, "badges": [{ "name": "米粒", "level": 1 }] } }),
            ),
        ),
        (
            vec![
                ("type", "blab"),
                ("rid", "88"),
                ("uid", "4"),
                ("lbl", "6"),
                ("bl", "7"),
                ("bnn", "米粒"),
            ],
            with(
                told("fan_club", &json!({ "text": "米粒", "action": "level_up" })),
                json!({ "user": { "id": "4", "name": "", "badges": [{ "name": "米粒", "level": 7 }] } }),
            ),
        ),
        (
            vec![
                ("type", "srres"),
                ("rid", "88"),
                ("uid", "4"),
                ("nickname", "Bo"),
                ("exp", "3"),
            ],
            with(
                told("share", &json!({})),
                json!({ "user": { "id": "4", "name": "Bo" } }),
            ),
        ),
        (
            of_bo("upgrade", &[]),
            with(told("notice", &json!({ "text": "Lv.38" })), bo()),
        ),
    ]);
}

#[test]
fn numbers_and_notices_are_their_events() {
    check(&[
        (
            vec![
                ("type", "noble_num_info"),
                ("rid", "88"),
                ("sum", "23"),
                ("vn", "567"),
            ],
            told("stats", &json!({ "ranked": 567 })),
        ),
        (
            vec![("type", "oni"), ("rid", "88"), ("vn", "5")],
            told("stats", &json!({ "ranked": 5 })),
        ),
        (
            vec![("type", "ssd"), ("rid", "88"), ("content", "快来看")],
            told("notice", &json!({ "text": "快来看" })),
        ),
        (
            vec![
                ("type", "gbroadcast"),
                ("rid", "88"),
                ("gbcc", r#"{"idx":1,"a":"/"}"#),
            ],
            told("notice", &json!({ "text": r#"{"idx":1,"a":"/"}"# })),
        ),
        (
            vec![
                ("type", "cthn"),
                ("rid", "0"),
                ("drid", "88"),
                ("uid", "4"),
                ("unk", "Bo"),
                ("chatmsg", "大家好"),
                ("ts", "1609614129"),
            ],
            with(
                told("notice", &json!({ "text": "大家好" })),
                json!({ "user": { "id": "4", "name": "Bo" }, "time_ms": 1_609_614_129_000_u64, "time_source": "event" }),
            ),
        ),
    ]);
}

#[test]
fn gifts_elsewhere_and_battles_are_their_events() {
    check(&[
        (
            vec![
                ("type", "spbc"),
                ("rid", "0"),
                ("drid", "88"),
                ("sn", "Bo"),
                ("dn", "主播"),
                ("gn", "火箭"),
                ("gc", "2"),
            ],
            told("notice", &json!({ "text": "Bo → 主播: 火箭 x2" })),
        ),
        (
            vec![
                ("idb", "nn@=对面/rid@=89/sc@=7/"),
                ("rida", "nn@=主播/rid@=88/sc@=x/"),
                ("type", "nlkstatus"),
                ("rid", "88"),
            ],
            told(
                "link",
                &json!({ "action": "nlkstatus", "battle": true, "sides": [
                { "id": "89", "name": "对面", "score": 7 }, { "id": "88", "name": "主播" }
            ] }),
            ),
        ),
    ]);
}

#[test]
fn what_only_the_client_has_to_do_with_is_order() {
    let controls = [
        ("error", "error", Some("51")),
        ("loginres", "loginres", None),
        ("mrkl", "heartbeat_reply", None),
        ("keeplive", "heartbeat_reply", None),
        ("pingreq", "ping", None),
    ];
    for (kind, action, text) in controls {
        let event = event(&[("type", kind), ("code", "51")]);
        assert_eq!(event["control"]["action"], action);
        assert_eq!(event["control"]["text"].as_str(), text);
    }
}

#[test]
fn a_message_with_several_rankings_is_several_events() {
    let entry = |id: &str, place: &str, gold: &str| {
        stt(&[
            ("uid", id),
            ("crk", place),
            ("nickname", "N/@"),
            ("gold", gold),
            ("level", "63"),
        ])
    };
    let (day, all) = (
        list(&[entry("4", "1", "700")]),
        list(&[entry("5", "0", "9"), entry("4", "x", "8")]),
    );
    let sent = [
        ("type", "ranklist"),
        ("rid", "88"),
        ("list_all", &*all),
        ("list_day", &*day),
    ];
    let user = |id: &str| json!({ "id": id, "name": "N/@", "level": 63 });
    let expected = [
        told(
            "rank",
            &json!({ "name": "list_all", "users": [
            { "place": 1, "user": user("5"), "score": "9" }, { "place": 2, "user": user("4"), "score": "8" }
        ] }),
        ),
        told(
            "rank",
            &json!({ "name": "list_day", "users": [{ "place": 1, "user": user("4"), "score": "700" }] }),
        ),
    ];
    assert_eq!(events(&sent), expected);
    assert_eq!(
        event(&[("type", "ranklist"), ("rid", "88")])["kind"],
        "unknown"
    );

    let club = list(&[stt(&[
        ("uid", "4"),
        ("nn", "Bo"),
        ("fim", "12"),
        ("bl", "23"),
        ("lev", "48"),
    ])]);
    for kind in ["frank", "fswrank"] {
        let ranking = json!({ "name": kind, "users": [{ "place": 1, "user": {
            "id": "4", "name": "Bo", "level": 48, "badges": [{ "name": "米粒", "level": 23 }]
        }, "score": "12" }] });
        assert_eq!(
            event(&[
                ("type", kind),
                ("bnn", "米粒"),
                ("list", &club),
                ("rid", "88")
            ]),
            told("rank", &ranking)
        );
    }
    let long = list(&vec![stt(&[("uid", "4")]); EVENT_LIST_MAX + 1]);
    let event = event(&[("type", "frank"), ("list", &long)]);
    assert_eq!(
        event["rank"]["users"].as_array().unwrap().len(),
        EVENT_LIST_MAX
    );
}

#[test]
fn what_is_not_known_is_unknown_with_all_its_bytes() {
    let failed = [("type", "newblackres"), ("ret", "208"), ("did", "4")];
    let other = [
        ("uid", "4"),
        ("rid", "88"),
        ("rid", "-1"),
        ("type", "rri"),
        ("sc", "3"),
    ];
    for fields in [&failed[..], &other, &[("txt", "no type")], &[]] {
        let event = event(fields);
        assert_eq!(event["kind"], "unknown");
        assert_eq!(event["user"], Value::Null);
        assert_eq!(event["unknown"]["bytes"], STANDARD.encode(stt(fields)));
        let is_room = fields.contains(&("rid", "88"));
        assert_eq!(event["room"], if is_room { "88" } else { "" });
    }
    let (events, _) = read(&message(&stt(&other)));
    let mut line = Vec::new();
    events[0].write_json_with_site_fields(&mut line);
    let line: Value = serde_json::from_slice(&line).unwrap();
    assert_eq!(line["site_fields"]["rid"], json!(["88", "-1"]));

    // Encrypted: nobody knows what is in it.
    let mut encrypted = message("type@=chatmsg/");
    encrypted[10] = 1;
    let (events, _) = read(&encrypted);
    assert_eq!((events[0].kind(), &*events[0].method), ("unknown", ""));
}

#[test]
fn neighbours_of_a_broken_packet_come_out_and_bytes_that_are_no_text_cost_nothing() {
    let good = message("type@=uenter/rid@=88/");
    let mut lengths_differ = good.clone();
    lengths_differ[4] += 1;
    let mut no_zero = good.clone();
    *no_zero.last_mut().unwrap() = b'x';
    for (broken, expected) in [
        (lengths_differ, "the two lengths of a packet"),
        (no_zero, "does not end with a zero"),
    ] {
        let (events, errors) = read(&[good.clone(), broken, good.clone()].concat());
        assert_eq!(events.len(), 2);
        assert!(
            errors.len() == 1 && errors[0].contains(expected),
            "{errors:?}"
        );
    }
    let (events, errors) = read(&packet(690, b"type@=chatmsg/nn@=\xff/txt@=hi/"));
    assert!(errors.is_empty());
    assert_eq!(as_json(&events[0])["user"]["name"], "\u{fffd}");
    assert_eq!(as_json(&events[0])["chat"]["text"], "hi");
}

#[test]
fn a_frame_that_is_cut_at_any_byte_is_no_panic() {
    let first = message(&stt(&of_bo("dgb", &[("gfid", "1"), ("hits", "2")])));
    let all = [
        first.clone(),
        message("type@=chatmsg/txt@=a@Ab@Sc/bnn@=n/bl@=1/"),
    ]
    .concat();
    for end in 1..all.len() {
        let (events, errors) = read(&all[..end]);
        assert_eq!(events.len(), usize::from(end >= first.len()), "{end}");
        assert_eq!(errors.len(), usize::from(end != first.len()), "{end}");
    }
    // The same of the messages within.
    let list = list(&[stt(&[("uid", "4"), ("crk", "1"), ("nickname", "a/@b")])]);
    for body in [
        stt(&[("type", "ranklist"), ("list", &list)]),
        stt(&of_bo("chatmsg", &[("txt", "[emot:dy1]@/")])),
    ] {
        for end in 0..=body.len() {
            let (events, errors) = read(&packet(690, &body.as_bytes()[..end]));
            assert_eq!((events.len(), errors.len()), (1, 0), "{end}");
        }
    }
}

#[test]
fn a_client_says_which_room_it_wants_and_that_it_is_there() {
    let expected = [
        (login_packet("88"), "type@=loginreq/roomid@=88/"),
        (join_packet("8/8"), "type@=joingroup/rid@=8@S8/gid@=-9999/"),
        (heartbeat_packet(), "type@=mrkl/"),
    ];
    for (own, body) in expected {
        assert_eq!(own, packet(689, body.as_bytes()));
        assert_eq!(
            read(&own),
            (Vec::new(), Vec::new()),
            "what a client sends is no event"
        );
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
        .filter(|(name, _)| name.starts_with("douyu/"));
    let files =
        of_site.map(|(name, expected)| (fs::read(folder.join(&name)).expect(&name), expected));
    let files: Vec<_> = files.collect();
    assert!(!files.is_empty(), "no file of douyu");
    Some(files)
}

#[test]
fn captured_messages_are_events() {
    let Some(files) = captured() else {
        return;
    };
    for (lines, expected) in files {
        let lines = String::from_utf8(lines).expect("UTF-8");
        let mut frame = Vec::new();
        let (mut messages, mut kinds) = (0_u64, BTreeMap::new());
        for line in lines.lines() {
            let line: Value = serde_json::from_str(line).expect("JSON");
            let body = line["stt"].as_str().expect("a message");
            frame.extend(message(body));
            messages += 1;
            let (events, errors) = read(&message(body));
            assert_eq!(errors, [""; 0]);
            assert!(!events.is_empty());
            for event in events {
                assert_ne!(event.method, "");
                let kind = event.kind();
                let is_of_somebody = matches!(kind, "chat" | "gift" | "enter" | "fan_club");
                assert!(
                    !is_of_somebody || event.user.as_ref().is_some_and(|user| !user.id.is_empty())
                );
                if let Some(rank) = as_json(&event)["rank"]["users"].as_array() {
                    // In the longest one an editor has put blanks into the keys of the last people.
                    let whole =
                        |ranked: &&Value| ranked["score"] != "" && ranked["user"]["name"] != "";
                    assert!(
                        rank.iter().take_while(whole).count() >= 10,
                        "{}",
                        event.method
                    );
                }
                // Keys that come again are all there.
                let mut line = Vec::new();
                event.write_json_with_site_fields(&mut line);
                let line: Value = serde_json::from_slice(&line).unwrap();
                let twice = expected["duplicate_keys"]
                    .get(&*event.method)
                    .and_then(Value::as_array);
                for key in twice.into_iter().flatten() {
                    assert_eq!(
                        line["site_fields"][key.as_str().unwrap()]
                            .as_array()
                            .unwrap()
                            .len(),
                        2
                    );
                }
                *kinds.entry(kind).or_insert(0_u64) += 1;
            }
        }
        assert_eq!(messages, expected["messages"]);
        let known = [
            "chat", "enter", "gift", "fan_club", "rank", "stats", "notice", "link", "control",
        ];
        assert!(
            known.iter().all(|kind| kinds.contains_key(kind)),
            "{kinds:?}"
        );
        // All in one frame are the same.
        let (events, errors) = read(&frame);
        assert_eq!(
            (events.len() as u64, errors.len()),
            (kinds.values().sum(), 0)
        );
    }
}
