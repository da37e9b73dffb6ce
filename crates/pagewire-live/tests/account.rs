//! The account of a room: time is that of its frames.

use pagewire_live::{IDLE_MS, REMEMBERED_MS, RoomAccount, Site, made};
use proptest::collection::vec;
use proptest::prelude::*;

const BEGAN_MS: u64 = 1_700_000_000_000;
const SITES: [Site; 4] = [Site::Douyin, Site::Huya, Site::Bilibili, Site::Douyu];

fn json(event: &pagewire_live::Event<'_>) -> String {
    let mut json = Vec::new();
    event.write_json(&mut json);
    String::from_utf8(json).expect("JSON is UTF-8")
}

/// The events of frames with these milliseconds before each; in each of these pauses time is told of so often.
fn events(site: Site, seed: u64, pauses_ms: &[u64], advances: &[Vec<f64>]) -> Vec<String> {
    let mut account = RoomAccount::new(site);
    let mut now_ms = BEGAN_MS;
    let mut out = Vec::new();
    let frames = made::frames(site, seed, Some(6)).expect("it is made up");
    for ((frame, pause_ms), advances) in frames.zip(pauses_ms).zip(advances) {
        let mut parts = advances.clone();
        parts.sort_by(f64::total_cmp);
        for part in parts {
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss,
                reason = "a part of a pause"
            )]
            let later_ms = (*pause_ms as f64 * part) as u64;
            account.advance(now_ms + later_ms, |event| out.push(json(&event)));
        }
        now_ms += pause_ms;
        account.read(&frame, now_ms, |read| {
            out.push(read.map_or_else(|error| error.to_string(), |event| json(&event)));
        });
    }
    account.end(|event| out.push(json(&event)));
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn timers_between_frames_change_nothing(
        site in 0..SITES.len(),
        seed in 0_u64..1_000,
        pauses_ms in vec(prop_oneof![0..200_u64, 0..2 * IDLE_MS, Just(IDLE_MS), Just(2 * REMEMBERED_MS)], 1..30),
        advances in vec(vec(0.0..=1.0, 0..4), 30),
    ) {
        let none = vec![Vec::new(); pauses_ms.len()];
        let site = SITES[site];
        prop_assert_eq!(
            events(site, seed, &pauses_ms, &advances),
            events(site, seed, &pauses_ms, &none)
        );
    }
}
