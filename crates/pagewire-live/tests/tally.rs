//! A room in numbers.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::borrow::Cow;
use std::collections::BTreeMap;

use pagewire_live::made::douyin::Frames;
use pagewire_live::{
    Body, Chat, Event, FrameReader, GiftCount, Peak, Room, Site, SitePart, Stats, TALLY_GIVERS_MAX,
    Tally, Time, Unit, User,
};

fn event(at_ms: u64, user: Option<User<'static>>, body: Body<'static>) -> Event<'static> {
    Event {
        site: Site::Douyin,
        room: "7".into(),
        id: "1".into(),
        time: Time::best(at_ms, 0, 0),
        user,
        body,
        method: "M".into(),
        part: SitePart::NONE,
    }
}

fn user(id: u64, name: &str) -> User<'static> {
    User {
        id: id.into(),
        name: Cow::Owned(name.to_owned()),
        ..User::default()
    }
}

fn delta(user: User<'static>, count: u64, value: u64, unit: Option<Unit>) -> Event<'static> {
    let gift = GiftCount {
        count,
        value,
        unit,
        ..GiftCount::default()
    };
    event(5, Some(user), Body::GiftDelta(gift))
}

fn tally(events: impl IntoIterator<Item = Event<'static>>) -> Tally {
    let mut tally = Tally::default();
    events.into_iter().for_each(|event| tally.add(&event));
    tally
}

#[test]
fn a_made_up_room_is_counted_as_its_manifest_says() {
    let mut frames = Frames::new(11);
    let (mut reader, mut room) = (FrameReader::new(Site::Douyin), Room::default());
    let mut tally = Tally::default();
    for frame in frames.by_ref().take(120) {
        reader.read(&frame, 1, |read| {
            room.take(read.unwrap(), 1, |event| tally.add(&event));
        });
    }
    let gifts = &frames.manifest().gifts;
    let value = BTreeMap::from([("diamond", gifts.value)]);
    assert_eq!(
        (tally.given().count, &tally.given().values),
        (gifts.count, &value)
    );
    let mut of_givers: BTreeMap<String, u64> = BTreeMap::new();
    for given in gifts.by_sender_and_gift.values() {
        *of_givers.entry(given.sender.clone()).or_default() += given.count;
    }
    let givers = tally.givers(usize::MAX);
    let counted = givers.iter().map(|giver| (&*giver.id, giver.given.count));
    let expected = of_givers.iter().map(|(id, count)| (id.as_str(), *count));
    assert_eq!(counted.collect::<BTreeMap<_, _>>(), expected.collect());
    let worth = |giver: &&pagewire_live::Giver| giver.given.values["diamond"];
    assert!(givers.iter().map(worth).is_sorted_by(|a, b| a >= b));
    assert!(tally.kinds()["chat"] > 0 && tally.peak_viewers().is_some());
}

#[test]
fn the_most_viewers_are_told_with_the_first_time_when_so_many_were_there() {
    let stats = |at_ms, viewers| {
        let stats = Stats {
            viewers,
            ..Stats::default()
        };
        event(at_ms, None, Body::Stats(stats))
    };
    let none = tally([stats(1, None)]);
    assert_eq!((none.peak_viewers(), none.span_ms()), (None, Some((1, 1))));
    let some = [(2, Some(7)), (4, Some(9)), (6, Some(9)), (8, Some(3))];
    let tally = tally(some.map(|(at_ms, viewers)| stats(at_ms, viewers)));
    let peak = Peak {
        viewers: 9,
        time_ms: 4,
    };
    assert_eq!(tally.peak_viewers(), Some(peak));
    assert_eq!(tally.span_ms(), Some((2, 8)));
    assert_eq!(Tally::default().span_ms(), None);
}

#[test]
fn who_paid_most_is_first_and_what_is_free_counts_for_nothing() {
    let tally = tally([
        delta(user(1, "free"), 900, 90_000, Some(Unit::SilverSeed)),
        delta(user(2, "paid"), 1, 100, Some(Unit::GoldSeed)),
        delta(user(3, "no price"), 1_000, 0, None),
        delta(user(2, "renamed"), 2, 200, Some(Unit::GoldSeed)),
    ]);
    let givers = tally.givers(2);
    let told: Vec<_> = givers
        .iter()
        .map(|giver| (&*giver.name, giver.given.count))
        .collect();
    assert_eq!(told, [("paid", 3), ("no price", 1_000)]);
    let values = BTreeMap::from([("gold_seed", 300), ("silver_seed", 90_000)]);
    assert_eq!(tally.given().values, values);
}

#[test]
fn people_behind_one_mask_are_told_apart_by_their_names() {
    let masked = |name| User {
        masked: true,
        ..user(111_111, name)
    };
    let tally = tally([
        delta(masked("a***"), 1, 1, Some(Unit::Diamond)),
        delta(masked("b***"), 1, 1, Some(Unit::Diamond)),
        delta(masked("a***"), 1, 1, Some(Unit::Diamond)),
    ]);
    let counts: Vec<_> = tally
        .givers(9)
        .iter()
        .map(|giver| giver.given.count)
        .collect();
    assert_eq!(counts, [2, 1]);
}

#[test]
fn more_givers_than_are_told_apart_are_counted_together() {
    let most = TALLY_GIVERS_MAX as u64;
    let mut tally = tally((0..most).map(|id| delta(user(id, ""), 1, 1, Some(Unit::Diamond))));
    assert_eq!(tally.other_givers().count, 0);
    tally.add(&delta(user(most, ""), 2, 4, Some(Unit::Diamond)));
    tally.add(&delta(user(0, ""), 1, 1, Some(Unit::Diamond)));
    assert_eq!(tally.givers(usize::MAX).len(), TALLY_GIVERS_MAX);
    assert_eq!(tally.other_givers().count, 2);
    assert_eq!(tally.given().count, most + 3);
}

#[test]
fn events_are_counted_by_their_kinds() {
    let chat = || event(5, None, Body::Chat(Chat::default()));
    let tally = tally([chat(), delta(user(1, "a"), 1, 1, None), chat()]);
    assert_eq!(
        *tally.kinds(),
        BTreeMap::from([("chat", 2), ("gift.delta", 1)])
    );
}
