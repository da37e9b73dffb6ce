//! Made-up frames of Bilibili and Douyu are read as what their manifest says they hold.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, HashSet};

use pagewire_live::made::{Manifest, bilibili, douyu};
use pagewire_live::{Body, Event, FrameReader, Room, Site, TimeSource};
use serde_json::{Value, json};

/// What was read, counted as a manifest counts.
#[derive(Debug, Default)]
struct Found {
    messages: u64,
    by_kind: BTreeMap<String, u64>,
    ids: HashSet<String>,
    /// By sender and gift: how many, and what they are worth.
    gifts: BTreeMap<(String, String), (u64, u64)>,
    with_time: u64,
    badges: usize,
    pieces: usize,
}

impl Found {
    fn of(site: Site, frames: &[Vec<u8>]) -> Self {
        let (mut found, mut room) = (Self::default(), Room::default());
        let mut reader = FrameReader::new(site);
        for (at_ms, frame) in (1_800_000_000_000..).zip(frames) {
            reader.read(frame, at_ms, |event| {
                let event = event.unwrap();
                found.add(&event);
                room.take(event, at_ms, |event| found.add_delta(&event));
            });
        }
        found
    }

    fn add_delta(&mut self, event: &Event<'_>) {
        if let Body::GiftDelta(delta) = &event.body {
            let sender = event.user.as_ref().unwrap().id.to_string();
            let sum = self
                .gifts
                .entry((sender, delta.gift.to_string()))
                .or_default();
            *sum = (sum.0 + delta.count, sum.1 + delta.value);
        }
    }

    fn add(&mut self, event: &Event<'_>) {
        self.messages += 1;
        *self.by_kind.entry(event.kind().to_owned()).or_default() += 1;
        if !event.id.is_empty() {
            self.ids.insert(event.id.to_string());
        }
        self.with_time += u64::from(event.time.source != TimeSource::Arrival);
        self.badges += event.user.as_ref().map_or(0, |user| user.badges.len());
        if let Body::Chat(chat) = &event.body {
            self.pieces += chat.pieces.len();
            let together: String = chat.pieces.iter().map(|piece| &*piece.text).collect();
            assert!(chat.pieces.is_empty() || together == chat.text);
        }
    }

    fn check(&self, manifest: &Manifest) {
        assert_eq!(self.messages, manifest.messages);
        assert_eq!(json!(self.by_kind), json!(manifest.by_kind));
        let given = manifest.gifts.by_sender_and_gift.values();
        let given = given.map(|given| ((given.sender.clone(), given.gift.clone()), given.count));
        let found = self.gifts.iter().map(|(key, sum)| (key.clone(), sum.0));
        assert_eq!(found.collect::<BTreeMap<_, _>>(), given.collect());
        let seen = (self.gifts.len(), self.badges, self.pieces);
        assert!(seen.0 > 20 && seen.1 > 100 && seen.2 > 20, "{seen:?}");
    }
}

#[test]
fn made_up_frames_of_bilibili_are_what_their_manifest_says() {
    for seed in [1, 2] {
        let mut frames = bilibili::Frames::new(seed);
        let made: Vec<_> = frames.by_ref().take(300).collect();
        let manifest = frames.manifest();
        assert_eq!(manifest.by_kind.len(), 13, "all that happens has a message");
        assert!(
            manifest.messages_unique < manifest.messages,
            "some come again"
        );
        let found = Found::of(Site::Bilibili, &made);
        found.check(manifest);
        assert_eq!(found.ids.len() as u64, manifest.messages_unique);
        assert_eq!(found.with_time, manifest.messages);
        let value: u64 = found.gifts.values().map(|sum| sum.1).sum();
        assert_eq!(value, manifest.gifts.value);
        let bytes: usize = made.iter().map(Vec::len).sum();
        assert_eq!(bytes as u64, manifest.bytes);
        assert!(manifest.bytes < manifest.unpacked_bytes);
    }
}

#[test]
fn made_up_frames_of_douyu_are_what_their_manifest_says() {
    for seed in [1, 2] {
        let mut frames = douyu::Frames::new(seed).messages_per_frame(5);
        let made: Vec<_> = frames.by_ref().take(300).collect();
        let manifest = frames.manifest();
        let kinds = json!(manifest.by_kind);
        assert_eq!(
            (&kinds["like"], &kinds["follow"]),
            (&Value::Null, &Value::Null)
        );
        let found = Found::of(Site::Douyu, &made);
        found.check(manifest);
        let bytes: usize = made.iter().map(Vec::len).sum();
        assert_eq!(bytes as u64, manifest.bytes);
    }
}

#[test]
fn a_seed_decides_the_bytes() {
    let of_bilibili = |seed| bilibili::Frames::new(seed).take(50).collect::<Vec<_>>();
    let of_douyu = |seed| douyu::Frames::new(seed).take(50).collect::<Vec<_>>();
    assert_eq!(of_bilibili(1), of_bilibili(1));
    assert_eq!(of_douyu(1), of_douyu(1));
    assert_ne!(of_bilibili(1), of_bilibili(2));
    assert_ne!(of_douyu(1), of_douyu(2));
}
