//! The packets of Douyu's socket.
#![no_main]

use pagewire_codec::{DouyuSide, douyu_packet, douyu_packets};
use pagewire_fuzz::check_error;

pagewire_fuzz::target!(check, seeds: seeds());

/// Counted besides the body, with both lengths.
const AROUND_BYTES: usize = 13;

fn check(frame: &[u8]) {
    let mut behind = 0;
    let mut errors = 0;
    for packet in douyu_packets(frame) {
        let packet = match packet {
            Err(error) => {
                errors += 1;
                check_error(&error, frame.len());
                continue;
            }
            Ok(packet) => packet,
        };
        assert!(packet.at >= behind, "packets do not overlap");
        behind = packet.at + packet.body.len() + AROUND_BYTES;
        let whole = &frame[packet.at..behind];
        if let (0, 0, Ok(text)) = (
            packet.encryption,
            packet.reserved,
            str::from_utf8(packet.body),
        ) {
            assert_eq!(douyu_packet(packet.side, text), whole);
        }
    }
    // Each takes its length with it.
    assert!(errors <= frame.len() / AROUND_BYTES + 1);
    assert!(behind <= frame.len() && (errors > 0 || behind == frame.len()));
}

fn seeds() -> Vec<Vec<u8>> {
    let one = douyu_packet(DouyuSide::Server, "type@=loginres/");
    let two = douyu_packet(DouyuSide::Client, "type@=mrkl/");
    let mut other_length = one.clone();
    other_length[4] += 1;
    vec![
        [&one[..], &two].concat(),
        [&other_length[..], &two].concat(),
        one,
    ]
}
