//! Packing, by the libraries alone.

use std::io::{self, Read, Write as _};

use flate2::Compression;
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use flate2::write::{GzEncoder, ZlibEncoder};
use pagewire_codec::Packing;

/// Each of them.
pub const PACKINGS: [Packing; 3] = [Packing::Gzip, Packing::Zlib, Packing::Brotli];

/// Packs with little effort.
pub fn pack(packing: Packing, bytes: &[u8]) -> Vec<u8> {
    let packed = match packing {
        Packing::Gzip => {
            let mut to = GzEncoder::new(Vec::new(), Compression::fast());
            to.write_all(bytes).and_then(|()| to.finish())
        }
        Packing::Zlib => {
            let mut to = ZlibEncoder::new(Vec::new(), Compression::fast());
            to.write_all(bytes).and_then(|()| to.finish())
        }
        Packing::Brotli => {
            let mut packed = Vec::new();
            let window_bits = 16;
            let mut to = brotli::CompressorWriter::new(&mut packed, 4_096, 1, window_bits);
            to.write_all(bytes)
                .expect("writing to memory does not fail");
            drop(to);
            Ok(packed)
        }
    };
    packed.expect("writing to memory does not fail")
}

/// Unpacks, or gives the first `bytes_most` bytes.
pub fn unpack(packing: Packing, packed: &[u8], bytes_most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match packing {
        Packing::Gzip => MultiGzDecoder::new(packed)
            .take(bytes_most)
            .read_to_end(&mut bytes),
        Packing::Zlib => ZlibDecoder::new(packed)
            .take(bytes_most)
            .read_to_end(&mut bytes),
        Packing::Brotli => brotli::Decompressor::new(packed, 4_096)
            .take(bytes_most)
            .read_to_end(&mut bytes),
    }?;
    Ok(bytes)
}
