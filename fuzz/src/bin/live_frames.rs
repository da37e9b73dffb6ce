//! Frames of live rooms: events, and what a room makes of them. The first byte says which site it is.
#![no_main]

use pagewire_live::made::douyin;
use pagewire_live::made::frames;
use pagewire_live::{Body, Event, FrameReader, Room, Site};
use serde_json::Value;

pagewire_fuzz::target!(check, seeds: seeds());

fn check(bytes: &[u8]) {
    let Some((site, frame)) = bytes.split_first() else {
        return;
    };
    let site = Site::ALL[usize::from(*site) % Site::ALL.len()];
    let (mut reader, mut room) = (FrameReader::new(site), Room::default());
    let (mut deltas, mut finals) = (0_u128, 0_u128);
    let mut count = |event: &Event<'_>| {
        check_line(event);
        if let Body::GiftDelta(gift) = &event.body {
            deltas += u128::from(gift.count);
        } else if let Body::GiftFinal(gift) = &event.body {
            finals += u128::from(gift.count);
        }
    };
    // The second time everything is known.
    for now_ms in [1, 2] {
        reader.read(frame, now_ms, |event| match event {
            Ok(event) => room.take(event, now_ms, |event| count(&event)),
            Err(error) => assert!(!error.to_string().is_empty()),
        });
    }
    room.end(|event| count(&event));
    // A combo whose counts are more than a number holds stops at the highest.
    assert!(deltas == finals || deltas > u128::from(u64::MAX));
}

fn check_line(event: &Event<'_>) {
    let mut line = Vec::new();
    event.write_json(&mut line);
    let json: Value = serde_json::from_slice(&line).expect("a line is JSON");
    assert_eq!(json["kind"], event.kind());
    assert!(!line.contains(&b'\n'));
    line.clear();
    event.write_json_with_site_fields(&mut line);
    serde_json::from_slice::<Value>(&line).expect("with what the site sent, too");
    assert!(!line.contains(&b'\n'));
}

fn seeds() -> Vec<Vec<u8>> {
    let of_site = |(index, site): (u8, &Site)| {
        let frames = frames(*site, 1, Some(3)).into_iter().flatten().take(4);
        frames.map(move |frame| [vec![index], frame].concat())
    };
    let mut bare = douyin::Frames::new(2).messages_per_frame(3);
    let bare = (0..4).map(|_| [vec![0], bare.response()].concat());
    (0..).zip(Site::ALL).flat_map(of_site).chain(bare).collect()
}
