//! How gifts are counted.

use pagewire_live::{Body, Event, Room};
use serde_json::json;

use crate::tars::Field::{Int, Text};
use crate::{ARRIVAL_MS, one, push, read, tars};

/// A message about a gift: how many in a press, presses so far, the run and the payment.
#[derive(Clone, Copy)]
struct Told {
    pack: i64,
    presses: i64,
    run: i64,
    payment: &'static str,
    id: i64,
}

fn body(told: Told) -> Vec<u8> {
    tars::message(&[
        (0, Int(4)),
        (1, Text(told.payment)),
        (2, Int(told.pack)),
        (3, Int(70)),
        (4, Int(31)),
        (5, Text("主播")),
        (6, Text("芦苇")),
        (8, Int(told.pack)),
        (9, Int(told.presses)),
        (20, Text("萤火虫")),
        (39, Int(told.run)),
    ])
}

/// How many gifts these messages are together.
fn total(messages: &[Told]) -> u64 {
    let (mut deltas, mut finals) = (0, 0);
    let mut count = |event: Event<'_>| {
        if let Body::GiftDelta(gift) = &event.body {
            deltas += gift.count;
        }
        if let Body::GiftFinal(gift) = &event.body {
            finals += gift.count;
        }
    };
    let mut room = Room::default();
    for told in messages {
        let (events, errors) = read(&push(6_501, "live:70", told.id, body(*told)));
        assert_eq!((events.len(), errors), (1, Vec::new()));
        for event in events {
            room.take(event, ARRIVAL_MS, &mut count);
        }
    }
    room.end(&mut count);
    assert_eq!(deltas, finals);
    deltas
}

#[test]
fn a_gift_tells_who_gave_what_to_whom() {
    let event = one(
        6_501,
        &[
            (0, Int(20_275)),
            (1, Text("pay-1")),
            (2, Int(10)),
            (3, Int(71)),
            (4, Int(31)),
            (5, Text("别的主播")),
            (6, Text("芦苇")),
            (7, Text("")),
            (8, Int(10)),
            (9, Int(3)),
            (11, Int(99)),
            (14, Text("https://picture.example/a.jpg")),
            (15, Text("https://picture.example/b.jpg")),
            (20, Text("萤火虫")),
            (24, Int(1_995)),
            (28, Int(6)),
            (39, Int(1_790_812_799_000)),
        ],
    );
    let gift = json!({
        "gift": "20275",
        "name": "萤火虫",
        "group_count": 10,
        "repeat_count": 0,
        "combo_count": 3,
        "total_count": 0,
        "count": 30,
        "combo": "1790812799000",
        "receiver": {
            "id": "71",
            "name": "别的主播",
            "avatar": "https://picture.example/b.jpg",
        },
    });
    assert_eq!(event["gift"], gift);
    let user = json!({
        "id": "31",
        "name": "芦苇",
        "level": 6,
        "avatar": "https://picture.example/a.jpg",
    });
    assert_eq!(event["user"], user);
    // It was sent to this room, and given in another one: that is how to tell.
    assert_eq!(event["room"], "70");
    assert_ne!(event["gift"]["receiver"]["id"], event["room"]);
}

#[test]
fn a_gift_without_a_group_is_of_the_room_of_who_gets_it() {
    let told = Told {
        pack: 0,
        presses: 0,
        run: 0,
        payment: "",
        id: 900,
    };
    let (events, _) = read(&push(6_501, "", told.id, body(told)));
    assert_eq!(events[0].room, "70");
    let Body::Gift(gift) = &events[0].body else {
        panic!("no gift");
    };
    assert_eq!((gift.count, &*gift.combo, gift.ends), (1, "", true));
}

#[test]
fn presses_of_a_run_are_counted_by_the_highest_number() {
    let run: Vec<_> = (1..=19)
        .filter(|presses| *presses != 18)
        .map(|presses| Told {
            pack: 1,
            presses,
            run: 1_790_812_799_000,
            payment: "",
            id: 900 + presses,
        })
        .collect();
    assert_eq!(total(&run), 19);
    let again: Vec<_> = run.iter().chain(&run[3..9]).copied().collect();
    assert_eq!(total(&again), 19);
    let packs: Vec<_> = run.iter().map(|told| Told { pack: 10, ..*told }).collect();
    assert_eq!(total(&packs), 190);
}

#[test]
fn gifts_without_a_run_are_told_apart_by_their_payment_or_their_message() {
    let ten = |payment, id| Told {
        pack: 10,
        presses: 1,
        run: 0,
        payment,
        id,
    };
    assert_eq!(total(&[ten("", 1), ten("", 2)]), 20);
    assert_eq!(total(&[ten("", 1), ten("", 1)]), 10);
    assert_eq!(total(&[ten("a", 1), ten("a", 2), ten("b", 3)]), 20);
}
