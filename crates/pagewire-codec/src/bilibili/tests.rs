use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use proptest::prelude::*;

use super::*;

fn of(operation: BilibiliOperation, version: u16, body: &[u8]) -> BilibiliPacket<'_> {
    BilibiliPacket {
        operation,
        version,
        sequence: 1,
        body: Cow::Borrowed(body),
        at: 0,
    }
}

fn message(body: &[u8]) -> Vec<u8> {
    of(BilibiliOperation::Message, 0, body).encode()
}

fn zlib(inner: &[u8]) -> Vec<u8> {
    let mut to = ZlibEncoder::new(Vec::new(), Compression::fast());
    to.write_all(inner).unwrap();
    of(BilibiliOperation::Message, ZLIB, &to.finish().unwrap()).encode()
}

fn brotli(inner: &[u8]) -> Vec<u8> {
    let mut to = ::brotli::CompressorWriter::new(Vec::new(), 4_096, 1, 18);
    to.write_all(inner).unwrap();
    of(BilibiliOperation::Message, BROTLI, &to.into_inner()).encode()
}

fn read(frame: &[u8]) -> BilibiliPackets<'_> {
    bilibili_packets(frame, &mut Inflater::default(), 1 << 20)
}

fn bodies(read: &BilibiliPackets<'_>) -> Vec<String> {
    let texts = read
        .packets
        .iter()
        .map(|packet| String::from_utf8_lossy(&packet.body).into());
    texts.collect()
}

fn errors(read: &BilibiliPackets<'_>) -> Vec<String> {
    read.errors.iter().map(ToString::to_string).collect()
}

#[test]
fn a_packet_is_a_head_of_16_bytes_and_a_body() {
    use BilibiliOperation::{Auth, AuthReply, Heartbeat, HeartbeatReply, Message, Unknown};
    let bytes = of(Auth, 1, b"{}").encode();
    assert_eq!(bytes, *b"\0\0\0\x12\0\x10\0\x01\0\0\0\x07\0\0\0\x01{}");
    let numbers: [u32; 6] = [2, 3, 5, 7, 8, 99];
    let operations = numbers.map(BilibiliOperation::from_wire);
    assert_eq!(
        operations,
        [
            Heartbeat,
            HeartbeatReply,
            Message,
            Auth,
            AuthReply,
            Unknown(99)
        ]
    );
    assert_eq!(operations.map(BilibiliOperation::to_wire), numbers);
}

#[test]
fn popularity_is_the_number_of_a_heartbeat_reply() {
    let reply = of(
        BilibiliOperation::HeartbeatReply,
        1,
        &[0, 1, 0, 0, b'{', b'}'],
    );
    assert_eq!(reply.popularity(), Some(65_536));
    assert_eq!(
        of(BilibiliOperation::HeartbeatReply, 1, &[0, 1]).popularity(),
        None
    );
    assert_eq!(
        of(BilibiliOperation::Message, 0, b"{\"a\":1}").popularity(),
        None
    );
}

#[test]
fn packed_packets_stand_where_the_outer_one_stood() {
    let inner = [message(b"two"), message(b"three")].concat();
    let frame = [
        message(b"one"),
        zlib(&inner),
        brotli(&zlib(&message(b"four"))),
        message(b"five"),
    ]
    .concat();
    let read = read(&frame);
    assert_eq!(bodies(&read), ["one", "two", "three", "four", "five"]);
    assert_eq!(read.errors, []);
    assert!(matches!(read.packets[0].body, Cow::Borrowed(_)));
    // Bodies are found where they say, in the frame or in what was unpacked.
    let at: Vec<_> = read.packets.iter().map(|packet| packet.at).collect();
    let last_at = frame.len() - "five".len();
    assert_eq!(at, [16, 16, 16 + 3 + 16, 16, last_at]);
}

#[test]
fn a_longer_head_is_passed_over() {
    let frame = b"\0\0\0\x14\0\x12\0\0\0\0\0\x05\0\0\0\x01??{}";
    let read = read(frame);
    assert_eq!(
        (&*bodies(&read), read.packets[0].at),
        (&["{}".to_owned()][..], 18)
    );
}

#[test]
fn what_is_wrong_with_one_packet_does_not_hide_the_others() {
    let bad = of(BilibiliOperation::Message, ZLIB, b"\x78\x9Cgarbage").encode();
    let bad_inside = zlib(&[message(b"one"), vec![0, 0, 0, 9, 0, 16]].concat());
    let mut short_head = message(b"x");
    short_head[5] = 15;
    let mut long_head = message(b"x");
    long_head[5] = 18;
    let frame = [
        bad,
        bad_inside,
        short_head,
        long_head,
        message(b"two"),
        vec![0; 3],
    ]
    .concat();
    let read = read(&frame);
    assert_eq!(bodies(&read), ["one", "two"]);
    let expected = [
        "malformed: deflated data contradict themselves, at byte 19 in 0",
        "malformed: the length of a packet is below 16, at byte 19 in 1.1",
        "malformed: the length of a head is below 16, at byte ",
        "the head of a packet needs 2 more bytes, and 1 are left, at byte ",
        "the length of a packet of Bilibili needs 4 more bytes, and 3 are left, at byte ",
    ];
    let errors = errors(&read);
    assert_eq!(errors.len(), expected.len(), "{errors:?}");
    for (error, expected) in errors.iter().zip(expected) {
        assert!(error.starts_with(expected), "{error:?} is not {expected:?}");
    }
}

#[test]
fn packets_packed_to_the_limit_are_read_and_one_deeper_is_an_error() {
    let mut frame = message(b"deep");
    for _ in 1..BILIBILI_DEPTH_MAX {
        frame = zlib(&frame);
    }
    assert_eq!(bodies(&read(&frame)), ["deep"]);
    let frame = [zlib(&frame), message(b"beside")].concat();
    let read = read(&frame);
    assert_eq!(bodies(&read), ["beside"]);
    let expected =
        "too much: the depth of packets in packets is 5, the limit is 4, at byte 16 in 0.0.0.0";
    assert_eq!(errors(&read), [expected]);
}

#[test]
fn packed_packets_up_to_the_limit_are_read_and_one_more_is_an_error() {
    let one = zlib(&message(b"x"));
    let frame = one.repeat(BILIBILI_PACKED_MAX);
    assert_eq!(read(&frame).packets.len(), BILIBILI_PACKED_MAX);
    let frame = [one.repeat(BILIBILI_PACKED_MAX + 1), message(b"beside")].concat();
    let read = read(&frame);
    assert_eq!(read.packets.len(), BILIBILI_PACKED_MAX + 1);
    assert_eq!(
        errors(&read),
        [format!(
            "too much: the number of packed packets is 1025, the limit is 1024, at byte {} in 1024",
            one.len() * BILIBILI_PACKED_MAX + 16
        )]
    );
}

#[test]
fn packets_up_to_the_limit_are_read_and_the_rest_is_left_out() {
    let one = message(b"");
    let frame = one.repeat(BILIBILI_PACKETS_MAX);
    assert_eq!(read(&frame).packets.len(), BILIBILI_PACKETS_MAX);
    let frame = one.repeat(BILIBILI_PACKETS_MAX + 2);
    let of_frame = read(&frame);
    assert_eq!(of_frame.packets.len(), BILIBILI_PACKETS_MAX);
    assert_eq!(
        errors(&of_frame),
        ["too much: the number of packets is 65537, the limit is 65536, at byte 1048576"]
    );
    // Packed ones count as well, and what packs them.
    let packed = zlib(&frame);
    let mut inflater = Inflater::default();
    let packed = bilibili_packets(&packed, &mut inflater, frame.len());
    assert_eq!(packed.packets.len(), BILIBILI_PACKETS_MAX - 1);
    assert_eq!(packed.errors.len(), 1);
}

#[test]
fn the_limit_of_unpacked_bytes_is_for_all_of_a_frame() {
    let one = zlib(&message(&[b' '; 984]));
    let frame = one.repeat(3);
    let mut inflater = Inflater::default();
    let read = bilibili_packets(&frame, &mut inflater, 3_000);
    assert_eq!((read.packets.len(), read.errors.len()), (3, 0));
    let read = bilibili_packets(&frame, &mut inflater, 2_999);
    assert_eq!(read.packets.len(), 2);
    assert!(
        errors(&read)[0]
            .starts_with("too much: the unpacked size in bytes is 1000, the limit is 999")
    );
    // A bomb uses up what is left, so that a frame of bombs costs no more than one.
    let bomb = zlib(&vec![0; 100_000]);
    let frame = [&bomb[..], &bomb, &one, &message(b"plain")].concat();
    let read = bilibili_packets(&frame, &mut inflater, 10_000);
    assert_eq!(bodies(&read), ["plain"]);
    assert!(
        errors(&read)[1].contains("the limit is 0"),
        "{:?}",
        errors(&read)
    );
}

fn frames() -> impl Strategy<Value = (Vec<u8>, usize)> {
    let one = ".{0,30}".prop_map(|body| (message(body.as_bytes()), 1));
    let packet = one.prop_recursive(2, 12, 4, |inner| {
        (prop::collection::vec(inner, 0..4), any::<bool>()).prop_map(|(inner, is_zlib)| {
            let count = inner.iter().map(|(_, count)| count).sum();
            let inner = inner
                .into_iter()
                .map(|(bytes, _)| bytes)
                .collect::<Vec<_>>()
                .concat();
            (
                if is_zlib {
                    zlib(&inner)
                } else {
                    brotli(&inner)
                },
                count,
            )
        })
    });
    prop::collection::vec(packet, 0..4).prop_map(|packets| {
        let count = packets.iter().map(|(_, count)| count).sum();
        (
            packets
                .into_iter()
                .map(|(bytes, _)| bytes)
                .collect::<Vec<_>>()
                .concat(),
            count,
        )
    })
}

proptest! {
    #[test]
    fn whatever_is_written_is_read((frame, count) in frames()) {
        let read = read(&frame);
        prop_assert_eq!(&read.errors, &[]);
        prop_assert_eq!(read.packets.len(), count);
    }

    #[test]
    fn a_frame_cut_anywhere_has_fewer_packets((frame, count) in frames(), cut: prop::sample::Index) {
        let cut = cut.index(frame.len() + 1);
        let read = read(&frame[..cut]);
        prop_assert!(read.errors.len() <= 1);
        prop_assert!(read.packets.len() <= count);
        prop_assert!(read.errors.iter().all(|error| error.at <= cut));
    }

    #[test]
    fn random_bytes_end(bytes: Vec<u8>, version in 0_u16..4) {
        let _ = read(&bytes);
        let _ = read(&of(BilibiliOperation::Unknown(0), version, &bytes).encode());
        let _ = read(&zlib(&bytes));
    }
}
