use std::io::Write as _;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use flate2::{Crc, GzBuilder};
use proptest::prelude::*;

use super::*;

fn pack(packing: Packing, bytes: &[u8]) -> Vec<u8> {
    match packing {
        Packing::Gzip => {
            let mut to = GzEncoder::new(Vec::new(), Compression::best());
            to.write_all(bytes).unwrap();
            to.finish().unwrap()
        }
        Packing::Zlib => {
            let mut to = ZlibEncoder::new(Vec::new(), Compression::default());
            to.write_all(bytes).unwrap();
            to.finish().unwrap()
        }
        Packing::Brotli => {
            let mut to = ::brotli::CompressorWriter::new(Vec::new(), 4_096, 5, 22);
            to.write_all(bytes).unwrap();
            to.into_inner()
        }
    }
}

const ALL: [Packing; 3] = [Packing::Gzip, Packing::Zlib, Packing::Brotli];

fn inflate(packing: Packing, packed: &[u8]) -> Result<Vec<u8>, String> {
    let result = Inflater::default().inflate(packing, packed, 1 << 20);
    result.map_err(|error| error.to_string())
}

#[test]
fn what_unpacks_to_the_limit_is_unpacked_and_one_byte_more_is_not() {
    for packing in ALL {
        for max in [0, 1, 1_023, 1_024, 1_025, 16_384, 100_000] {
            let mut inflater = Inflater::default();
            let packed = pack(packing, &vec![7; max]);
            let unpacked = inflater.inflate(packing, &packed, max);
            assert_eq!(unpacked.map(|bytes| bytes.len()), Ok(max), "{packing:?}");
            let packed = pack(packing, &vec![7; max + 1]);
            let error = inflater.inflate(packing, &packed, max).unwrap_err();
            let expected = Fault::Limit {
                what: "the unpacked size in bytes",
                got: max as u64 + 1,
                max: max as u64,
            };
            assert_eq!(error.fault, expected, "{packing:?}");
        }
    }
}

#[test]
fn no_more_memory_is_asked_for_than_may_be_filled() {
    for max in [0, 10, 1_000, 70_000] {
        let mut out = Output::new(1_000_000, max);
        assert_eq!(out.bytes.capacity(), max + 1);
        let mut out_of_little = Output::new(1, max);
        assert!(out_of_little.bytes.capacity() <= max + 1);
        while out_of_little.make_room(0).is_ok() {
            let full = out_of_little.bytes.capacity();
            out_of_little.bytes.resize(full, 0);
        }
        while out.append(&[0; 300], 0).is_ok() {}
        assert_eq!(out.bytes.capacity(), max + 1);
        assert_eq!(out_of_little.bytes.capacity(), max + 1);
    }
}

#[test]
fn a_bomb_within_a_bomb_stops_at_the_limit() {
    let mebibyte = pack(Packing::Gzip, &vec![0; 1 << 20]);
    let gibibyte = mebibyte.repeat(1_024);
    let bomb = pack(Packing::Gzip, &gibibyte);
    assert!(bomb.len() < 10_000, "{}", bomb.len());
    let error = Inflater::default().unpack(&bomb, 2 << 20).unwrap_err();
    assert_eq!(
        error.fault,
        Fault::Limit {
            what: "the unpacked size in bytes",
            got: (2 << 20) + 1,
            max: 2 << 20
        }
    );
    assert!(error.to_string().ends_with(" in gzip"), "{error}");
}

#[test]
fn brotli_with_a_window_of_gigabytes_is_refused() {
    // RFC 7932 §9.1 has no such window; the extension says `00010001`, then six bits of its size.
    assert_eq!(
        inflate(Packing::Brotli, &[0x11, 0x1E, 0, 0]),
        Err("malformed: Brotli data contradict themselves, at byte 1".to_owned())
    );
}

#[test]
fn as_many_layers_as_may_be_are_unpacked_and_one_more_is_not() {
    let mut packed = b"within".to_vec();
    for layer in 0..UNPACK_LAYERS_MAX {
        let packing = [Packing::Gzip, Packing::Zlib][layer % 2];
        packed = pack(packing, &packed);
    }
    let unpacked = Inflater::default().unpack(&packed, 1_000).unwrap();
    assert_eq!(*unpacked.bytes, *b"within");
    let [zlib, gzip] = [Packing::Zlib, Packing::Gzip];
    assert_eq!(unpacked.layers, [zlib, gzip, zlib, gzip]);
    packed = pack(Packing::Gzip, &packed);
    let error = Inflater::default().unpack(&packed, 1_000).unwrap_err();
    assert_eq!(
        error.to_string(),
        "too much: packing within packing is 5, the limit is 4, at byte 0 in gzip.zlib.gzip.zlib"
    );
}

#[test]
fn what_does_not_look_packed_is_given_back() {
    for plain in [&b""[..], b"x", b"{\"a\":1}", &[0x1F, 0x8B, 8, 0x80]] {
        let unpacked = Inflater::default().unpack(plain, 0).unwrap();
        assert_eq!((&*unpacked.bytes, unpacked.layers.len()), (plain, 0));
    }
}

#[test]
fn a_gzip_stream_may_have_several_members_and_every_part_of_a_header() {
    let mut packed = GzBuilder::new()
        .filename("name")
        .comment("comment")
        .extra(*b"extra")
        .write(Vec::new(), Compression::fast());
    packed.write_all(b"one ").unwrap();
    let mut packed = packed.finish().unwrap();
    packed.extend(pack(Packing::Gzip, b""));

    let mut head = vec![0x1F, 0x8B, 8, gzip::HEAD_CRC, 0, 0, 0, 0, 0, 255];
    let mut crc = Crc::new();
    crc.update(&head);
    head.extend(&crc.sum().to_le_bytes()[..2]);
    let whole = pack(Packing::Gzip, b"two");
    packed.extend(&head);
    packed.extend(&whole[10..]);
    assert_eq!(inflate(Packing::Gzip, &packed), Ok(b"one two".to_vec()));
}

/// A stream with another byte in one place, counted from its end where that is negative.
fn with_byte(packing: Packing, at: isize, to: u8) -> Vec<u8> {
    let mut packed = pack(packing, b"hello hello hello");
    let at = at.rem_euclid(packed.len() as isize).unsigned_abs();
    packed[at] = to;
    packed
}

fn check_error(packing: Packing, packed: &[u8], expected: &str) {
    let error = inflate(packing, packed).unwrap_err();
    assert!(error.contains(expected), "{error:?} is not {expected:?}");
}

#[test]
fn what_is_wrong_with_gzip_is_said() {
    let head = |flags, rest: &[u8]| [&[0x1F, 0x8B, 8, flags, 0, 0, 0, 0, 0, 0], rest].concat();
    let with_byte = |at, to| with_byte(Packing::Gzip, at, to);
    for (packed, expected) in [
        (with_byte(1, 0), "begins with the bytes 1f 8b, at byte 0"),
        (with_byte(2, 7), "method other than deflate (8), at byte 0"),
        (
            with_byte(3, 0x20),
            "flags that nobody has defined, at byte 0",
        ),
        (with_byte(-5, 0), "the checksum (CRC-32) of a gzip member"),
        (with_byte(-1, 1), "the size (ISIZE) of a gzip member"),
        (with_byte(10, 0xFF), "deflated data contradict themselves"),
        (
            head(gzip::HEAD_CRC, &[9, 9]),
            "of a gzip header does not fit",
        ),
        (
            head(gzip::EXTRA, &[255, 255]),
            "field of gzip needs 65535 more",
        ),
        (
            head(gzip::NAME, b"name"),
            "the file name of gzip needs 5 more",
        ),
    ] {
        check_error(Packing::Gzip, &packed, expected);
    }
}

#[test]
fn what_is_wrong_with_zlib_is_said() {
    let with_byte = |at, to| with_byte(Packing::Zlib, at, to);
    for (packed, expected) in [
        (with_byte(0, 0x79), "two bytes that do not fit, at byte 2"),
        (with_byte(-1, 0), "the checksum (Adler-32) of a zlib stream"),
        (vec![0x78, 0xBB, 0, 0, 0, 1, 3, 0], "needs a dictionary"),
        (vec![0x77, 0x85], "a method other than deflate (8)"),
    ] {
        check_error(Packing::Zlib, &packed, expected);
    }
}

#[test]
fn what_follows_a_stream_is_an_error() {
    for packing in ALL {
        let packed = [&pack(packing, b"x")[..], b"more"].concat();
        check_error(
            packing,
            &packed,
            "bytes follow the end of the packed stream",
        );
    }
}

proptest! {
    #[test]
    fn whatever_is_packed_is_unpacked(bytes: Vec<u8>, times in 1_usize..300) {
        let bytes = bytes.repeat(times);
        // Bytes that begin as zlib does are taken for it, whatever they are.
        prop_assume!(Packing::detect(&bytes).is_none());
        let mut inflater = Inflater::default();
        for packing in ALL {
            let packed = pack(packing, &bytes);
            prop_assert_eq!(&inflater.inflate(packing, &packed, bytes.len()), &Ok(bytes.clone()));
        }
        let packed = pack(Packing::Gzip, &pack(Packing::Zlib, &bytes));
        let unpacked = inflater.unpack(&packed, 1 << 20).unwrap();
        prop_assert!(unpacked.layers.len() >= 2);
    }

    #[test]
    fn a_stream_cut_anywhere_is_an_error(bytes: Vec<u8>, cut: prop::sample::Index) {
        let mut inflater = Inflater::default();
        for packing in ALL {
            let packed = pack(packing, &bytes);
            let cut = cut.index(packed.len());
            let error = inflater.inflate(packing, &packed[..cut], 1 << 20).unwrap_err();
            prop_assert!(matches!(error.fault, Fault::Truncated { .. }), "{}", error);
            // The state is as good as new.
            prop_assert!(inflater.inflate(packing, &packed, 1 << 20).is_ok());
        }
    }

    #[test]
    fn random_bytes_end(bytes: Vec<u8>) {
        let mut inflater = Inflater::default();
        for packing in ALL {
            let _ = inflater.inflate(packing, &bytes, 10_000);
            let mut begun = pack(packing, b"a beginning that is right");
            begun.truncate(15);
            begun.extend(&bytes);
            let _ = inflater.inflate(packing, &begun, 10_000);
        }
        let _ = inflater.unpack(&bytes, 10_000);
    }
}

#[test]
fn memory_is_used_again_and_holds_the_last_stream_only() {
    let mut inflater = Inflater::default();
    let mut into = b"what was there before".to_vec();
    for size in [100_000, 10, 0, 300_000] {
        let bytes: Vec<u8> = (0..=250).cycle().take(size).collect();
        for packing in ALL {
            let packed = pack(packing, &bytes);
            let result = inflater.inflate_into(packing, &packed, size, &mut into);
            assert_eq!((result, &into), (Ok(()), &bytes));
        }
    }
    let capacity = into.capacity();
    let packed = pack(Packing::Gzip, &[7; 1_000]);
    let result = inflater.inflate_into(Packing::Gzip, &packed, 1 << 20, &mut into);
    assert_eq!((result, into.capacity()), (Ok(()), capacity));
    // A limit holds for memory that is larger than it, too.
    let error = inflater.inflate_into(Packing::Gzip, &packed, 999, &mut into);
    let error = error.unwrap_err().to_string();
    assert!(error.contains("is 1000, the limit is 999"), "{error}");
}

/// As fuzzing found it: a reader that looks at the last eight bytes alone takes this for one stream.
#[test]
fn bytes_between_a_stream_and_a_second_copy_of_its_end_are_an_error() {
    let packed = pack(Packing::Gzip, b"once");
    let end = &packed[packed.len() - 8..];
    for between in [&b""[..], b"x", &packed[10..packed.len() - 8]] {
        let doubled = [&packed[..], between, end].concat();
        let error = Inflater::default().inflate(Packing::Gzip, &doubled, 100);
        let expected = "malformed: bytes follow the end of the packed stream, at byte";
        assert!(error.unwrap_err().to_string().starts_with(expected));
        let stretched = [&packed[..packed.len() - 8], b"x", between, end].concat();
        assert!(
            Inflater::default()
                .inflate(Packing::Gzip, &stretched, 100)
                .is_err()
        );
    }
}

#[test]
fn a_size_that_gzip_tells_wrong_takes_no_memory() {
    let mut packed = pack(Packing::Gzip, &[7; 1_000]);
    let end = packed.len();
    packed[end - 4..].copy_from_slice(&u32::MAX.to_le_bytes());
    let mut into = Vec::new();
    let result = Inflater::default().inflate_into(Packing::Gzip, &packed, usize::MAX, &mut into);
    assert!(result.unwrap_err().to_string().contains("ISIZE"));
    assert!(into.capacity() < 10_000, "{}", into.capacity());
}
