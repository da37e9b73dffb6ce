//! Made-up frames of Douyin: they are read by the schema, and hold what their manifest says.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, HashSet};

use pagewire_codec::proto::{Fields, Value as FieldValue};
use pagewire_codec::{Inflater, UNPACKED_BYTES_MAX};
use pagewire_live::douyin::{PushFrame, Response, message_of, schema};
use pagewire_live::made::Kind;
use pagewire_live::made::douyin::{Frames, MESSAGES_PER_FRAME};
use pagewire_live::{Body, Event, FrameReader, GiftCount, Room, Site};
use serde_json::Value;

/// The kind that a method stands for.
fn kind(method: &str, json: &Value) -> Kind {
    match method {
        "WebcastChatMessage" | "WebcastEmojiChatMessage" => Kind::Chat,
        "WebcastGiftMessage" | "WebcastLightGiftMessage" => Kind::Gift,
        "WebcastLikeMessage" => Kind::Like,
        "WebcastMemberMessage" => Kind::Enter,
        "WebcastSocialMessage" if json["action"] == "1" => Kind::Follow,
        "WebcastSocialMessage" => Kind::Share,
        "WebcastFansclubMessage" => Kind::FanClub,
        "WebcastRoomUserSeqMessage" | "WebcastRoomStatsMessage" => Kind::Stats,
        "WebcastRoomRankMessage" => Kind::Rank,
        "WebcastControlMessage" => Kind::RoomState,
        "WebcastRoomMessage" => Kind::Notice,
        "WebcastLinkerContributeMessage" => Kind::Link,
        _ => Kind::Unknown,
    }
}

/// Writers write fields in the order of their numbers, and readers are made for that.
fn is_in_order(message: &[u8]) -> bool {
    let fields: Vec<_> = Fields::new(message).collect::<Result<_, _>>().unwrap();
    fields.is_sorted_by_key(|field| field.number)
}

#[test]
fn frames_hold_what_their_manifest_says() {
    let mut frames = Frames::new(5);
    let made: Vec<_> = frames.by_ref().take(80).collect();
    let manifest = frames.manifest();
    let (mut by_kind, mut ids) = (BTreeMap::new(), HashSet::new());
    let (mut unpacked_bytes, mut inflater) = (0, Inflater::default());
    let mut left_out = HashSet::new();
    for (number, frame) in (1..).zip(&made) {
        let push = PushFrame::read(frame).unwrap();
        assert_eq!((push.seq_id, &*push.payload_type), (number, "msg"));
        assert_eq!(push.header("compress_type"), Some("gzip"));
        let unpacked = inflater.unpack(push.payload, UNPACKED_BYTES_MAX).unwrap();
        let unpacked = unpacked.bytes;
        unpacked_bytes += unpacked.len() as u64;
        let response = Response::read(&unpacked);
        assert_eq!(response.errors, []);
        assert!(response.need_ack && response.heartbeat_s == 15);
        assert_eq!(
            push.header("im-internal_ext"),
            Some(&*response.internal_ext)
        );
        for message in &response.messages {
            ids.insert(message.msg_id);
            assert!(is_in_order(message.payload), "{}", message.method);
            let parts: &[u32] = match &*message.method {
                "WebcastGiftMessage" => &[1, 7, 8, 15],
                "WebcastLightGiftMessage" => &[1, 13],
                "WebcastChatMessage" | "WebcastMemberMessage" => &[1, 2],
                _ => &[1],
            };
            for part in Fields::new(message.payload).map(Result::unwrap) {
                if let (true, FieldValue::Bytes(of)) = (parts.contains(&part.number), part.value) {
                    assert!(is_in_order(of), "{} {}", message.method, part.number);
                }
            }
            let Some(id) = message_of(&message.method) else {
                *by_kind.entry(Kind::Unknown).or_default() += 1;
                continue;
            };
            let mut json = Vec::new();
            schema().to_json(id, message.payload, &mut json).unwrap();
            let json: Value = serde_json::from_slice(&json).unwrap();
            assert_eq!(json["common"]["method"], *message.method);
            *by_kind.entry(kind(&message.method, &json)).or_default() += 1_u64;
            let unknown = schema().unknown_fields(id, message.payload);
            left_out.extend(unknown.into_iter().map(|field| field.path));
        }
    }
    assert_eq!(by_kind, manifest.by_kind);
    assert_eq!(ids.len() as u64, manifest.messages_unique);
    assert_eq!(unpacked_bytes, manifest.unpacked_bytes);
    assert_eq!(made.len() as u64, manifest.frames);
    assert_eq!(
        made.iter().map(Vec::len).sum::<usize>() as u64,
        manifest.bytes
    );
    // The tray of gifts, whose fields nobody has described.
    assert_eq!(left_out, HashSet::from(["21".to_owned()]));
}

#[test]
fn events_are_what_the_manifest_says() {
    let mut frames = Frames::new(6);
    let made: Vec<_> = frames.by_ref().take(200).collect();
    let manifest = frames.manifest();
    let (mut reader, mut room) = (FrameReader::new(Site::Douyin), Room::default());
    let (mut kinds, mut deltas, mut finals) = (BTreeMap::new(), Gifts::new(), Gifts::new());
    let mut note = |event: Event<'_>| {
        if let Body::GiftDelta(gift) = &event.body {
            add(&mut deltas, &event, gift);
        } else if let Body::GiftFinal(gift) = &event.body {
            add(&mut finals, &event, gift);
        }
    };
    for (now_ms, frame) in (0..).zip(&made) {
        reader.read(frame, now_ms, |event| {
            let event = event.unwrap();
            // The best givers stand in messages of counts.
            if !matches!(&event.body, Body::Rank(rank) if rank.name == "contributors") {
                *kinds.entry(event.kind().to_owned()).or_default() += 1_u64;
            }
            room.take(event, now_ms, &mut note);
        });
    }
    room.end(&mut note);
    let of_manifest = manifest.by_kind.iter();
    let of_manifest: BTreeMap<_, _> = of_manifest
        .map(|(kind, count)| (kind.name().to_owned(), *count))
        .collect();
    assert_eq!(kinds, of_manifest);
    let given = manifest.gifts.by_sender_and_gift.values();
    let given: Gifts = given
        .map(|one| {
            (
                (one.sender.clone(), one.gift.clone()),
                (one.count, one.value),
            )
        })
        .collect();
    assert!(given.len() > 20);
    assert_eq!(deltas, given);
    assert_eq!(finals, given);
}

/// Counts and values by sender and gift.
type Gifts = BTreeMap<(String, String), (u64, u64)>;

fn add(gifts: &mut Gifts, event: &Event<'_>, gift: &GiftCount<'_>) {
    let sender = event.user.as_ref().unwrap().id.to_string();
    let sum = gifts.entry((sender, gift.gift.to_string())).or_default();
    *sum = (sum.0 + gift.count, sum.1 + gift.value);
}

#[test]
fn frames_are_as_large_as_those_of_busy_rooms() {
    let mut frames = Frames::new(8);
    let count = 80;
    assert_eq!(frames.by_ref().take(count).count(), count);
    let manifest = frames.manifest();
    let (frames, messages) = (manifest.frames, manifest.messages);
    assert!(
        messages.abs_diff(frames * MESSAGES_PER_FRAME) < frames * 2,
        "{messages}"
    );
    let unpacked_kb = manifest.unpacked_bytes / frames / 1_000;
    assert!((65..85).contains(&unpacked_kb), "{unpacked_kb} kB a frame");
    // A captured response half as large packs to a seventh.
    let ratio = manifest.unpacked_bytes as f64 / manifest.bytes as f64;
    assert!((7.0..11.0).contains(&ratio), "packs to 1 / {ratio}");
}

#[test]
fn a_seed_decides_the_bytes() {
    let responses = |seed| {
        let mut frames = Frames::new(seed).messages_per_frame(3);
        let bytes: Vec<_> = (0..50).flat_map(|_| frames.response()).collect();
        (bytes, frames.manifest().clone())
    };
    let (bytes, manifest) = responses(1);
    assert_eq!(responses(1), (bytes.clone(), manifest.clone()));
    assert_ne!(responses(2).0, bytes);
    assert!((50..=200).contains(&manifest.messages));
    // For ever and everywhere: whoever changes what is made up changes this too, and knows that figures cannot be compared with earlier ones.
    let sum = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
    });
    assert_eq!(sum, 0xac60_f725_163a_0c29);
}
