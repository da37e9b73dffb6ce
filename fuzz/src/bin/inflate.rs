//! gzip, zlib and Brotli, within a small limit.
#![no_main]

use pagewire_codec::{Fault, Inflater, Packing, UNPACK_LAYERS_MAX};
use pagewire_fuzz::check_error;
use pagewire_fuzz::pack::{PACKINGS, pack, unpack};

pagewire_fuzz::target!(check, seeds: seeds());

const UNPACKED_BYTES: usize = 1 << 14;

/// The first byte chooses the packing, and whether the rest is packed or is to be.
fn check(input: &[u8]) {
    let Some((&how, bytes)) = input.split_first() else {
        return;
    };
    let mut inflater = Inflater::default();
    let packing = PACKINGS[usize::from(how) % PACKINGS.len()];
    if how < 128 {
        check_packed(&mut inflater, packing, bytes);
        check_layers(&mut inflater, bytes);
    } else {
        let packed = pack(packing, bytes);
        assert_eq!(
            inflater.inflate(packing, &packed, bytes.len()).as_deref(),
            Ok(bytes)
        );
    }
}

fn check_packed(inflater: &mut Inflater, packing: Packing, packed: &[u8]) {
    let bytes = match inflater.inflate(packing, packed, UNPACKED_BYTES) {
        Err(error) => return check_error(&error, packed.len()),
        Ok(bytes) => bytes,
    };
    assert!(bytes.len() <= UNPACKED_BYTES);
    let reference = unpack(packing, packed, UNPACKED_BYTES as u64 + 1);
    assert_eq!(reference.ok().as_ref(), Some(&bytes), "{packing:?}");
    // The limit is exact, and what came before is forgotten.
    assert_eq!(
        inflater.inflate(packing, packed, bytes.len()).as_ref(),
        Ok(&bytes)
    );
    if let Some(less) = bytes.len().checked_sub(1) {
        let error = inflater
            .inflate(packing, packed, less)
            .expect_err("too much");
        assert!(matches!(error.fault, Fault::Limit { .. }), "{error}");
        check_error(&error, packed.len());
    }
}

fn check_layers(inflater: &mut Inflater, input: &[u8]) {
    match inflater.unpack(input, UNPACKED_BYTES) {
        Err(error) => check_error(&error, input.len().max(UNPACKED_BYTES)),
        Ok(unpacked) => {
            assert!(unpacked.layers.len() <= UNPACK_LAYERS_MAX);
            assert_eq!(Packing::detect(&unpacked.bytes), None);
            assert!(!unpacked.layers.is_empty() || unpacked.bytes == input);
        }
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let text = "主播好！主播好！主播好！".as_bytes();
    let all = [&b""[..], text, &[0; 20_000]];
    let packed = (0..).zip(PACKINGS).flat_map(|(how, packing)| {
        let once = all.map(|bytes| pack(packing, bytes));
        let twice = pack(packing, &pack(Packing::Gzip, text));
        let members = [&once[1][..], &once[1]].concat();
        let packed = once.into_iter().chain([twice, members]);
        packed.map(move |packed| [&[how], &packed[..]].concat())
    });
    packed.chain([[&[200], text].concat()]).collect()
}
