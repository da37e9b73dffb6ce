//! The packets of Bilibili's socket, packed ones too.
#![no_main]

use std::borrow::Cow;

use pagewire_codec::{BilibiliOperation, BilibiliPacket, Inflater, Packing, bilibili_packets};
use pagewire_fuzz::check_error;
use pagewire_fuzz::pack::pack;

pagewire_fuzz::target!(check, seeds: seeds());

const UNPACKED_BYTES: usize = 1 << 16;

/// The first byte says how the rest is packed into a packet first: fuzzing alone does not make valid streams of changed packets.
fn check(input: &[u8]) {
    let Some((how, bytes)) = input.split_first() else {
        return;
    };
    match how % 3 {
        0 => check_frame(bytes),
        1 => check_frame(&packed(Packing::Zlib, bytes)),
        _ => check_frame(&packed(Packing::Brotli, bytes)),
    }
}

fn check_frame(frame: &[u8]) {
    let found = bilibili_packets(frame, &mut Inflater::default(), UNPACKED_BYTES);
    for error in &found.errors {
        assert!(!error.path.is_empty(), "{error}");
        check_error(error, frame.len().max(UNPACKED_BYTES));
    }
    let (mut borrowed, mut owned) = (0, 0);
    for packet in &found.packets {
        let kind = if matches!(packet.body, Cow::Owned(_)) {
            &mut owned
        } else {
            &mut borrowed
        };
        *kind += packet.body.len() + 16;
    }
    assert!(borrowed <= frame.len());
    assert!(owned <= UNPACKED_BYTES, "{owned} bytes unpacked");
    // Unpacked, they are a frame of the same packets.
    let written: Vec<u8> = found
        .packets
        .iter()
        .flat_map(BilibiliPacket::encode)
        .collect();
    let again = bilibili_packets(&written, &mut Inflater::default(), 0);
    assert_eq!(again.errors, []);
    let again = again.packets.into_iter().map(anywhere);
    assert!(again.eq(found.packets.iter().cloned().map(anywhere)));
}

fn anywhere(packet: BilibiliPacket<'_>) -> BilibiliPacket<'_> {
    BilibiliPacket { at: 0, ..packet }
}

fn packet(version: u16, body: &[u8]) -> Vec<u8> {
    let packet = BilibiliPacket {
        operation: BilibiliOperation::Message,
        version,
        sequence: 1,
        body: body.into(),
        at: 0,
    };
    packet.encode()
}

fn packed(packing: Packing, bytes: &[u8]) -> Vec<u8> {
    let version = if packing == Packing::Zlib { 2 } else { 3 };
    packet(version, &pack(packing, bytes))
}

fn seeds() -> Vec<Vec<u8>> {
    let reply = BilibiliPacket {
        operation: BilibiliOperation::HeartbeatReply,
        version: 1,
        sequence: 1,
        body: vec![0, 1, 0x86, 0xA0].into(),
        at: 0,
    };
    let plain = [packet(0, "{\"cmd\":\"弹幕\"}".as_bytes()), reply.encode()].concat();
    let zlib = packed(Packing::Zlib, &plain);
    let brotli = packed(Packing::Brotli, &[&plain[..], &zlib].concat());
    let frames = [&plain, &zlib, &brotli, &packed(Packing::Zlib, &brotli)];
    let how = [0, 1, 2].into_iter();
    how.flat_map(|how| frames.map(|frame| [&[how], &frame[..]].concat()))
        .collect()
}
