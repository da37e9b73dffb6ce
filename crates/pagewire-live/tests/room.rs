//! What becomes of events of one room: each once, gifts counted, rankings with their changes.

use std::borrow::Cow;
use std::collections::BTreeMap;

use pagewire_live::{
    Badge, Body, Chat, EVENT_LIST_MAX, Event, Gift, IDLE_MS, KEPT_GIFT_BYTES_MAX, REMEMBERED_MS,
    ROOM_IDS_MAX, ROOM_RANKINGS_MAX, Rank, Ranked, Room, Site, SitePart, Time, Unit, User,
};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

fn event(id: &str, body: Body<'static>) -> Event<'static> {
    Event {
        site: Site::Douyin,
        room: "7".into(),
        id: id.to_owned().into(),
        time: Time::best(1_000, 0, 0),
        user: Some(user("11")),
        body,
        method: "M".into(),
        part: SitePart::NONE,
    }
}

fn user(id: &str) -> User<'static> {
    User {
        id: id.to_owned().into(),
        name: Cow::Owned(format!("user {id}")),
        ..User::default()
    }
}

fn chat(id: &str) -> Event<'static> {
    event(id, Body::Chat(Chat::default()))
}

fn gift(id: &str, count: u64, combo: &str) -> Event<'static> {
    let gift = Gift {
        gift: "463".into(),
        name: "rose".into(),
        count,
        combo: Cow::Owned(combo.to_owned()),
        unit_value: Some(5),
        unit: Some(Unit::Diamond),
        ..Gift::default()
    };
    event(id, Body::Gift(gift))
}

fn rank(id: usize, name: &str, users: &[&str]) -> Event<'static> {
    let places = (1..).zip(users).map(|(place, id)| Ranked {
        place,
        user: user(id),
        score: "1".into(),
    });
    let rank = Rank {
        name: Cow::Owned(name.to_owned()),
        users: places.collect(),
        changes: Vec::new(),
    };
    event(&id.to_string(), Body::Rank(rank))
}

fn json(event: &Event<'_>) -> Value {
    let mut line = Vec::new();
    event.write_json(&mut line);
    serde_json::from_slice(&line).expect("a line of JSON")
}

fn take(room: &mut Room, now_ms: u64, event: Event<'_>) -> Vec<Value> {
    let mut given = Vec::new();
    room.take(event, now_ms, |event| given.push(json(&event)));
    given
}

fn kinds(events: &[Value]) -> Vec<&str> {
    let kinds = events.iter().map(|event| event["kind"].as_str());
    kinds.map(|kind| kind.expect("a text")).collect()
}

#[test]
fn an_event_comes_once_however_often_the_site_sends_it() {
    let mut room = Room::default();
    assert_eq!(kinds(&take(&mut room, 0, chat("1"))), ["chat"]);
    assert_eq!(kinds(&take(&mut room, 0, chat("1"))), [""; 0]);
    assert_eq!(
        kinds(&take(&mut room, 0, rank(1, "a", &[]))),
        ["rank"],
        "of another kind"
    );
    assert_eq!(kinds(&take(&mut room, 0, chat(""))), ["chat"]);
    assert_eq!(
        kinds(&take(&mut room, 0, chat(""))),
        ["chat"],
        "without an id"
    );
    assert_eq!(room.repeated(), 1);
}

#[test]
fn ids_are_remembered_up_to_the_limit() {
    let mut room = Room::default();
    let mut is_new = |id: &str| {
        let mut given = 0;
        room.take(chat(id), 0, |_| given += 1);
        given == 1
    };
    for id in 0..ROOM_IDS_MAX {
        assert!(is_new(&id.to_string()));
    }
    assert!(!is_new("0"), "all are remembered");
    assert!(is_new("one more"));
    assert!(!is_new("1"));
    assert!(is_new("0"), "the oldest is not");
}

#[test]
fn gifts_are_followed_by_what_they_add_and_what_they_are_together() {
    let mut room = Room::default();
    let first = take(&mut room, 0, gift("1", 1, "c"));
    assert_eq!(kinds(&first), ["gift", "gift.delta"]);
    assert_eq!(
        first[1],
        json!({
            "site": "douyin", "room": "7", "id": "1", "kind": "gift.delta", "time_ms": 1_000, "time_source": "event",
            "user": {"id": "11", "name": "user 11"}, "method": "M",
            "gift_delta": {"gift": "463", "name": "rose", "count": 1, "value": 5, "unit": "diamond", "combo": "c"},
        })
    );
    let again = take(&mut room, 1, gift("2", 1, "c"));
    assert_eq!(
        kinds(&again),
        ["gift"],
        "the same under another id adds nothing"
    );
    assert_eq!(kinds(&take(&mut room, 2, gift("2", 1, "c"))), [""; 0]);
    let grown = take(&mut room, 3, gift("2", 4, "c"));
    assert_eq!(
        kinds(&grown),
        ["gift.delta"],
        "a known id whose number has grown"
    );
    assert_eq!(grown[0]["gift_delta"]["count"], 3);
    let other = take(&mut room, 3 + IDLE_MS, gift("3", 2, "d"));
    assert_eq!(kinds(&other), ["gift.final", "gift", "gift.delta"]);
    assert_eq!(other[0]["gift_final"]["value"], 20);
    assert_eq!(
        (&other[0]["time_ms"], &other[0]["time_source"]),
        (&json!(3), &json!("arrival"))
    );
    let mut finals = Vec::new();
    assert_eq!(room.next_ms(), Some(3 + 2 * IDLE_MS));
    room.advance(3 + 2 * IDLE_MS, |event| finals.push(json(&event)));
    room.end(|event| finals.push(json(&event)));
    assert_eq!(kinds(&finals), ["gift.final"]);
}

/// With the mark of the end.
fn last(id: &str, count: u64, combo: &str) -> Event<'static> {
    let mut event = gift(id, count, combo);
    if let Body::Gift(gift) = &mut event.body {
        gift.ends = true;
    }
    event
}

fn added(events: &[Value]) -> u64 {
    let deltas = events
        .iter()
        .filter_map(|event| event["gift_delta"]["count"].as_u64());
    deltas.sum()
}

#[test]
fn of_a_gift_with_long_texts_a_part_is_kept() {
    // Room, method, gift, its name, combo, id, and the id of who gives.
    let texts = "7 M 463 rose c 1 11".replace(' ', "").len();
    for (name_bytes, expected) in [
        (KEPT_GIFT_BYTES_MAX - texts, KEPT_GIFT_BYTES_MAX - texts),
        (KEPT_GIFT_BYTES_MAX - texts + 1, 256),
    ] {
        let mut room = Room::default();
        let mut event = gift("1", 3, "c");
        event.user = Some(User {
            name: "x".repeat(name_bytes).into(),
            ..user("11")
        });
        let given = take(&mut room, 0, event);
        assert_eq!(kinds(&given), ["gift", "gift.delta"]);
        let names = [&given[0], &given[1]].map(|event| event["user"]["name"].as_str());
        let names = names.map(|name| name.expect("a name").len());
        assert_eq!(names, [name_bytes, expected]);
    }
    // Badges count, empty ones too; what is cut is still counted together, and ends within a character nowhere.
    let mut room = Room::default();
    let mut long = |id: &str, count| {
        let mut event = gift(id, count, &"好".repeat(KEPT_GIFT_BYTES_MAX));
        event.user = Some(User {
            badges: vec![Badge::default(); EVENT_LIST_MAX],
            ..user("11")
        });
        take(&mut room, 0, event)
    };
    assert_eq!(added(&long("1", 2)), 2);
    let grown = long("2", 5);
    assert_eq!(added(&grown), 3);
    assert_eq!(grown[1]["gift_delta"]["combo"], "好".repeat(85));
    assert_eq!(grown[1]["user"], json!({"id": "11", "name": "user 11"}));
}

#[test]
fn a_gift_by_itself_counts_each_time_unless_its_message_came_before() {
    let mut room = Room::default();
    for id in ["", "", "1", "2", ""] {
        let one = take(&mut room, 0, last(id, 2, ""));
        assert_eq!(kinds(&one), ["gift", "gift.delta", "gift.final"], "{id}");
        assert_eq!(added(&one), 2);
    }
    for now_ms in [0, REMEMBERED_MS, 2 * REMEMBERED_MS] {
        assert_eq!(kinds(&take(&mut room, now_ms, last("1", 2, ""))), [""; 0]);
    }
    assert_eq!(room.next_ms(), None, "nothing is open");
}

#[test]
fn a_gift_that_comes_again_when_its_combo_is_forgotten_was_counted() {
    let mut room = Room::default();
    for (at_ms, id, expected) in [
        (0, "1", 3),
        (REMEMBERED_MS - 1, "1", 0),
        (2 * REMEMBERED_MS, "1", 0),
        (2 * REMEMBERED_MS + 1, "1", 0),
        (2 * REMEMBERED_MS + 2, "2", 3),
    ] {
        let given = take(&mut room, at_ms, gift(id, 3, "c"));
        assert_eq!(added(&given), expected, "{id} at {at_ms}");
    }
}

#[test]
fn without_a_mark_there_is_one_combo_at_a_time() {
    let mut room = Room::default();
    let mut add = |now_ms, event| added(&take(&mut room, now_ms, event));
    let presses = [
        gift("1", 1, ""),
        gift("2", 2, ""),
        gift("3", 3, ""),
        last("4", 3, ""),
    ];
    let counted = presses.clone().map(|press| add(0, press));
    assert_eq!(counted, [1, 1, 1, 0]);
    // It has ended: the next one begins anew, and what came before adds nothing to it.
    assert_eq!(add(1, gift("5", 1, "")), 1);
    assert_eq!(presses.map(|press| add(1, press)), [0; 4]);
    assert_eq!(add(IDLE_MS, gift("6", 1, "")), 0);
    // So does the one after a pause.
    assert_eq!(add(2 * IDLE_MS, gift("7", 1, "")), 1);
    assert_eq!(add(2 * IDLE_MS, gift("8", 4, "")), 3);
}

proptest! {
    /// Any order, any loss, any repetition under the same id or others (which are of one combo each), packs of all sizes, marks of the end anywhere or nowhere, pauses.
    #[test]
    fn deltas_and_finals_are_what_was_given_whatever_comes_of_the_messages(
        messages in vec((0..4_u64, 1..2_000_u64, any::<bool>(), 0..30_u32, 0..2 * IDLE_MS), 0..100),
    ) {
        let mut room = Room::default();
        let (mut highest, mut deltas, mut finals) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let mut note = |event: Event<'_>| {
            let (sums, gift) = if let Body::GiftDelta(gift) = event.body {
                (&mut deltas, gift)
            } else if let Body::GiftFinal(gift) = event.body {
                (&mut finals, gift)
            } else {
                return;
            };
            assert_eq!(gift.value, gift.count * 5);
            *sums.entry(gift.combo.to_string()).or_default() += gift.count;
        };
        let mut now_ms = 0;
        for (combo, count, ends, id, pause_ms) in messages {
            // Shorter than what would make a new combo of it, for all of them.
            now_ms = (now_ms + pause_ms).min(REMEMBERED_MS - 1);
            let mut event = gift(&format!("{combo}-{id}"), count, &combo.to_string());
            if let Body::Gift(gift) = &mut event.body {
                gift.ends = ends;
            }
            let highest: &mut u64 = highest.entry(combo.to_string()).or_default();
            *highest = count.max(*highest);
            room.take(event, now_ms, &mut note);
        }
        room.end(&mut note);
        prop_assert_eq!(&deltas, &highest);
        prop_assert_eq!(&finals, &highest);
    }
}

proptest! {
    /// Combos without a mark, one after the other: any loss but of the last number, any repetition of what came before, ends that are told or that only time
    /// tells.
    #[test]
    fn combos_without_a_mark_are_counted_one_after_the_other(
        combos in vec((vec(1..5_u64, 1..9), any::<bool>()), 0..20),
        repeats in vec(any::<prop::sample::Index>(), 1..20),
    ) {
        let (mut room, mut came, mut now_ms) = (Room::default(), Vec::new(), 0);
        let (mut deltas, mut finals, mut expected) = (0, 0, 0);
        let mut note = |event: Event<'_>| {
            if let Body::GiftDelta(gift) = event.body {
                deltas += gift.count;
            } else if let Body::GiftFinal(gift) = event.body {
                finals += gift.count;
            }
        };
        for (steps, is_ended) in combos {
            let mut count = 0;
            for step in steps {
                count += step;
                came.push((count, false));
                room.take(gift(&came.len().to_string(), count, ""), now_ms, &mut note);
                for repeat in &repeats {
                    let at = repeat.index(came.len());
                    let (count, ends) = came[at];
                    let id = (at + 1).to_string();
                    room.take(if ends { last(&id, count, "") } else { gift(&id, count, "") }, now_ms, &mut note);
                }
            }
            expected += count;
            if is_ended {
                came.push((count, true));
                room.take(last(&came.len().to_string(), count, ""), now_ms, &mut note);
            } else {
                now_ms += IDLE_MS;
            }
        }
        room.end(&mut note);
        prop_assert_eq!((deltas, finals), (expected, expected));
    }
}

#[test]
fn masked_people_are_told_apart_by_their_names() {
    let mut room = Room::default();
    let from = |name: &'static str, id: &str| {
        let mut event = gift(id, 3, "c");
        event.user = Some(User {
            name: name.into(),
            masked: true,
            ..user("111111")
        });
        event
    };
    assert_eq!(take(&mut room, 0, from("A***", "1")).len(), 2);
    assert_eq!(take(&mut room, 0, from("B***", "2")).len(), 2);
    assert_eq!(take(&mut room, 0, from("A***", "3")).len(), 1);
}

#[test]
fn a_ranking_tells_what_changed() {
    let mut room = Room::default();
    let mut changes = |id, name: &str, users: &[&str]| {
        let events = take(&mut room, 0, rank(id, name, users));
        let changes = events[0]["rank"]["changes"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let told = changes.iter().map(|change| {
            format!(
                "{} {}→{}",
                change["user"]["id"].as_str().expect("an id"),
                change["from"],
                change["to"]
            )
        });
        told.collect::<Vec<_>>()
    };
    assert_eq!(
        changes(1, "a", &["1", "2", "3"]),
        [""; 0],
        "the first has nothing before it"
    );
    assert_eq!(changes(2, "a", &["1", "2", "3"]), [""; 0]);
    assert_eq!(
        changes(3, "a", &["2", "1", "4"]),
        ["2 2→1", "1 1→2", "4 null→3", "3 3→null"]
    );
    assert_eq!(changes(4, "b", &["9"]), [""; 0], "another ranking");
    // Those of more names are not remembered.
    for name in 2..ROOM_RANKINGS_MAX {
        assert_eq!(changes(10 + name, &name.to_string(), &["1"]), [""; 0]);
    }
    assert_eq!(changes(100, "2", &["2"]), ["2 null→1", "1 1→null"]);
    assert_eq!(changes(101, "one more", &["1"]), [""; 0]);
    assert_eq!(changes(102, "one more", &["2"]), [""; 0]);
}
