//! Made-up frames of Huya: they hold what their manifest says, read by the readers of the site.

use std::collections::{BTreeMap, HashSet};

use pagewire_live::made::Kind;
use pagewire_live::made::huya::{Frames, MESSAGES_PER_FRAME};
use pagewire_live::{Body, Event, FrameReader, Room, Site, Unit};

fn kind(event: &Event<'_>) -> Kind {
    match event.kind() {
        "chat" => Kind::Chat,
        "gift" => Kind::Gift,
        "enter" => Kind::Enter,
        "stats" => Kind::Stats,
        "rank" => Kind::Rank,
        "room_state" => Kind::RoomState,
        "notice" => Kind::Notice,
        _ => Kind::Unknown,
    }
}

#[test]
fn frames_hold_what_their_manifest_says() {
    let mut frames = Frames::new(5);
    let (mut by_kind, mut ids) = (BTreeMap::new(), HashSet::new());
    let (mut bytes, mut commands) = (0, HashSet::new());
    let mut reader = FrameReader::new(Site::Huya);
    for _ in 0..2_000 {
        let frame = frames.next().expect("it goes on for ever");
        bytes += frame.len() as u64;
        commands.insert(frame[1]);
        let arrival_ms = frames.now_ms() + 30;
        reader.read(&frame, arrival_ms, |event| {
            let event = event.expect("no error");
            assert_eq!(event.room, frames.presenter().to_string());
            assert_eq!(
                (event.time.ms, event.time.source.name()),
                (arrival_ms - 30, "create")
            );
            *by_kind.entry(kind(&event)).or_default() += 1_u64;
            ids.insert(event.id.to_string());
        });
    }
    let manifest = frames.manifest();
    assert_eq!(by_kind, manifest.by_kind);
    assert_eq!(by_kind.len(), 8, "{by_kind:?}");
    assert_eq!(ids.len() as u64, manifest.messages_unique);
    assert_eq!((manifest.frames, manifest.bytes), (2_000, bytes));
    assert_eq!(commands, HashSet::from([4, 7, 22]));
    let average = 2_000 * MESSAGES_PER_FRAME;
    assert!(
        manifest.messages.abs_diff(average) < average / 10,
        "{}",
        manifest.messages
    );
}

#[test]
fn gifts_and_what_they_are_worth_are_together_what_the_manifest_says() {
    for seed in 0..10 {
        let mut frames = Frames::new(seed);
        let (mut room, mut given) = (Room::default(), BTreeMap::new());
        let mut count = |event: Event<'_>| {
            if let Body::GiftDelta(gift) = event.body {
                let sender = event.user.expect("who gives").id.to_string();
                let total: &mut (u64, u64) =
                    given.entry((sender, gift.gift.into_owned())).or_default();
                *total = (total.0 + gift.count, total.1 + gift.value);
                assert_eq!(gift.unit, Some(Unit::YbCent));
            }
        };
        let mut reader = FrameReader::new(Site::Huya);
        for _ in 0..1_500 {
            let frame = frames.next().expect("it goes on for ever");
            let now_ms = frames.now_ms();
            reader.read(&frame, now_ms, |event| {
                room.take(event.expect("no error"), now_ms, &mut count);
            });
        }
        let gifts = &frames.manifest().gifts;
        let expected = gifts.by_sender_and_gift.values();
        let expected: BTreeMap<_, _> = expected
            .map(|given| {
                let key = (given.sender.clone(), given.gift.clone());
                (key, (given.count, given.value))
            })
            .collect();
        assert!(expected.len() > 50);
        assert_eq!(given, expected);
        let value = given.values().map(|(_, value)| value);
        assert_eq!(value.sum::<u64>(), gifts.value);
    }
}

#[test]
fn a_seed_decides_the_bytes() {
    let bytes = |seed| -> Vec<u8> {
        Frames::new(seed)
            .messages_per_frame(2)
            .take(200)
            .flatten()
            .collect()
    };
    assert_eq!(bytes(1), bytes(1));
    assert_ne!(bytes(1), bytes(2));
    // For ever and everywhere: whoever changes what is made up changes this too, and knows that figures cannot be compared with earlier ones.
    let sum = bytes(1)
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
        });
    assert_eq!(sum, 0xaef0_38ed_fb23_c893);
}
