//! Packing of a chunk's records: raw Deflate (RFC 1951) where that gains something, and a cheap look beforehand at whether it would.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

/// Fewer bytes are not worth the time: to begin anew the packer clears some 200 KB of tables, which takes longer than to write so many bytes.
const LEAST_BYTES: usize = 1_024;
/// The look takes so many runs of so many bytes.
const SAMPLE_RUNS: usize = 16;
const SAMPLE_RUN_BYTES: usize = 128;
/// How fast, from 1 to 9. Higher levels gain a few percent on what rooms send, and take a multiple of the time.
const LEVEL: u32 = 1;

/// Packs chunks. Keeps its state of some 300 KiB from chunk to chunk.
#[derive(Debug)]
pub(crate) struct Packer {
    deflate: Compress,
    packed: Vec<u8>,
}

impl Default for Packer {
    fn default() -> Self {
        Self {
            deflate: Compress::new(Compression::new(LEVEL), false),
            packed: Vec::new(),
        }
    }
}

impl Packer {
    /// `None` where packing gains less than a sixteenth.
    pub(crate) fn pack(&mut self, plain: &[u8]) -> Option<&[u8]> {
        if plain.len() < LEAST_BYTES || looks_packed(plain) {
            return None;
        }
        let most = plain.len() - plain.len() / 16;
        self.packed.clear();
        // Room for the worst case (nine bits a byte): with less, zlib-rs 0.6.8 panics at its fastest level.
        self.packed
            .reserve(plain.len() + plain.len() / 4 + LEAST_BYTES);
        self.deflate.reset();
        let status = self
            .deflate
            .compress_vec(plain, &mut self.packed, FlushCompress::Finish);
        let fits = matches!(status, Ok(Status::StreamEnd)) && self.packed.len() <= most;
        fits.then_some(&self.packed)
    }
}

/// True for what was packed or encrypted before: its bytes are all equally frequent. Two bytes of such data are equal once in 256 times; of
/// anything that Deflate can gain a sixteenth from, they are equal clearly more often.
fn looks_packed(plain: &[u8]) -> bool {
    let mut counts = [0_u32; 256];
    let mut sampled = 0;
    let step = (plain.len() / SAMPLE_RUNS).max(SAMPLE_RUN_BYTES);
    for run in plain.chunks(step) {
        for &byte in run.iter().take(SAMPLE_RUN_BYTES) {
            counts[usize::from(byte)] += 1;
            sampled += 1;
        }
    }
    let equal_pairs: u64 = counts
        .iter()
        .map(|&count| u64::from(count) * u64::from(count))
        .sum();
    let by_chance = sampled + sampled * sampled / 256;
    equal_pairs < by_chance + by_chance / 4
}

/// Unpacks chunks. Keeps its state of some 50 KiB from chunk to chunk.
#[derive(Debug)]
pub(crate) struct Unpacker {
    inflate: Decompress,
}

impl Default for Unpacker {
    fn default() -> Self {
        Self {
            inflate: Decompress::new(false),
        }
    }
}

impl Unpacker {
    /// Unpacks into `plain`, which is emptied before. False where that does not give exactly `plain_bytes`.
    pub(crate) fn unpack(
        &mut self,
        packed: &[u8],
        plain_bytes: usize,
        plain: &mut Vec<u8>,
    ) -> bool {
        plain.clear();
        // One more, as nothing is unpacked into no room at all; it is never grown beyond that.
        plain.reserve_exact(plain_bytes + 1);
        self.inflate.reset(false);
        let status = self
            .inflate
            .decompress_vec(packed, plain, FlushDecompress::Finish);
        matches!(status, Ok(Status::StreamEnd))
            && plain.len() == plain_bytes
            && self.inflate.total_in() == packed.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(bytes: usize) -> Vec<u8> {
        let mut state = 1_u64;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            state.to_be_bytes()[0]
        };
        (0..bytes).map(|_| next()).collect()
    }

    #[test]
    fn text_is_packed_and_comes_back() {
        let text = "type@=chatmsg/nn@=made up/txt@=hello/".repeat(40);
        let mut packer = Packer::default();
        let packed = packer.pack(text.as_bytes()).expect("smaller").to_vec();
        assert!(packed.len() * 4 < text.len());
        let (mut unpacker, mut plain) = (Unpacker::default(), Vec::new());
        assert!(unpacker.unpack(&packed, text.len(), &mut plain));
        assert_eq!(plain, text.as_bytes());
    }

    #[test]
    fn what_does_not_get_smaller_is_kept_as_it_is() {
        let mut packer = Packer::default();
        for bytes in [0, 1_023, 1_024, 1_025, 5_000, 15_000, 100_000] {
            assert_eq!(packer.pack(&noise(bytes)), None, "{bytes}");
        }
        // Noise with a head of text in front, as most frames are.
        let frame = [&[b'a'; 60][..], &noise(15_000)].concat();
        assert_eq!(packer.pack(&frame), None);
    }

    #[test]
    fn what_is_partly_noise_is_packed_or_kept() {
        let mut packer = Packer::default();
        let (mut unpacker, mut plain) = (Unpacker::default(), Vec::new());
        let mut packed_once = 0;
        for text in (0..2_000).step_by(40) {
            for bytes in [0, 100, 300, 1_000, 5_000, 70_000] {
                let mixed = [&vec![b'a'; text][..], &noise(bytes)].concat();
                if let Some(packed) = packer.pack(&mixed) {
                    assert!(unpacker.unpack(packed, mixed.len(), &mut plain));
                    assert_eq!(plain, mixed);
                    packed_once += 1;
                }
            }
        }
        assert!(packed_once > 100, "{packed_once}");
    }

    #[test]
    fn a_wrong_length_or_bytes_behind_the_end_are_seen() {
        let text = "to be or not to be ".repeat(60);
        let mut packed = Packer::default()
            .pack(text.as_bytes())
            .expect("smaller")
            .to_vec();
        let (mut unpacker, mut plain) = (Unpacker::default(), Vec::new());
        for wrong in [0, 1, text.len() - 1, text.len() + 1, text.len() * 2] {
            assert!(!unpacker.unpack(&packed, wrong, &mut plain), "{wrong}");
        }
        assert!(!unpacker.unpack(&packed[..packed.len() - 1], text.len(), &mut plain));
        packed.push(0);
        assert!(!unpacker.unpack(&packed, text.len(), &mut plain));
    }
}
