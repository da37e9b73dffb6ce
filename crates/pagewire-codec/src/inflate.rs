//! Unpacking gzip, zlib and Brotli, in memory that the caller limits.
//!
//! RFC 1952 (gzip), RFC 1950 (zlib), RFC 7932 (Brotli). Deflate itself and Brotli are libraries; the frame of gzip is read here, so that an error
//! points at its byte and one state serves all streams.

#[cfg(feature = "libdeflate")]
mod at_once;
mod brotli;
mod gzip;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use flate2::{Crc, Decompress, DecompressError, FlushDecompress, Status};

use crate::cursor::Cursor;
use crate::error::{DecodeError, Fault};

/// What callers without a reason for another number pass as `unpacked_bytes_max`: 64 MiB.
pub const UNPACKED_BYTES_MAX: usize = 64 << 20;

/// How often [`Inflater::unpack`] unpacks what it has unpacked.
pub const UNPACK_LAYERS_MAX: usize = 4;

/// How bytes are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// RFC 1952, with one member or more.
    Gzip,
    /// RFC 1950.
    Zlib,
    /// RFC 7932, with a window of at most 16 MiB.
    Brotli,
}

impl Packing {
    /// Of bytes that begin as gzip or zlib do. Brotli has no mark of its own and is never found.
    pub fn detect(packed: &[u8]) -> Option<Self> {
        match *packed {
            [0x1F, 0x8B, gzip::DEFLATE, flags, ..] if flags & gzip::RESERVED == 0 => {
                Some(Self::Gzip)
            }
            // A window of 32 KiB, as everybody writes, at each of the four levels; the second byte makes it a multiple of 31.
            [0x78, 0x01 | 0x5E | 0x9C | 0xDA, ..] => Some(Self::Zlib),
            _ => None,
        }
    }

    /// `gzip`, `zlib` or `br`, as HTTP calls them but for zlib.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zlib => "zlib",
            Self::Brotli => "br",
        }
    }
}

/// What [`Inflater::unpack`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpacked<'a> {
    /// What no longer looks packed.
    pub bytes: Cow<'a, [u8]>,
    /// How it was packed, from the outside to the inside; empty where it was not.
    pub layers: Vec<Packing>,
}

/// Unpacks. Keeps its state of about 50 KiB for the next input, which for small inputs is most of the work.
#[derive(Debug)]
pub struct Inflater {
    deflate: Decompress,
    #[cfg(feature = "libdeflate")]
    at_once: at_once::AtOnce,
}

impl Default for Inflater {
    fn default() -> Self {
        Self {
            deflate: Decompress::new(false),
            #[cfg(feature = "libdeflate")]
            at_once: at_once::AtOnce::default(),
        }
    }
}

impl Inflater {
    /// Unpacks one stream, which must be the whole input. What does not fit into `unpacked_bytes_max` is an error as soon as that is full. Memory
    /// grows by doubling up to it; Brotli takes its window besides, which the input may choose, up to 16 MiB.
    ///
    /// # Errors
    ///
    /// Input that is cut, contradicts itself or its checksum, has bytes behind its end, or unpacks to more. The place is a byte of the packed input.
    pub fn inflate(
        &mut self,
        packing: Packing,
        packed: &[u8],
        unpacked_bytes_max: usize,
    ) -> Result<Vec<u8>, DecodeError> {
        let mut bytes = Vec::new();
        self.inflate_into(packing, packed, unpacked_bytes_max, &mut bytes)?;
        Ok(bytes)
    }

    /// As [`inflate`](Self::inflate), into memory that is used again: `into` is emptied first, and grows where it is too small. After an error it holds
    /// what was unpacked before.
    ///
    /// # Errors
    ///
    /// As of [`inflate`](Self::inflate).
    pub fn inflate_into(
        &mut self,
        packing: Packing,
        packed: &[u8],
        unpacked_bytes_max: usize,
        into: &mut Vec<u8>,
    ) -> Result<(), DecodeError> {
        #[cfg(feature = "libdeflate")]
        if packing == Packing::Gzip && self.at_once.gzip(packed, unpacked_bytes_max, into) {
            return Ok(());
        }
        let guess = guess(packing, packed);
        let mut out = Output::within(std::mem::take(into), guess, unpacked_bytes_max);
        let result = self.inflate_to(packing, packed, &mut out);
        *into = out.bytes;
        result
    }

    /// As [`inflate`](Self::inflate), and after an error `out` tells what it took.
    pub(crate) fn inflate_to(
        &mut self,
        packing: Packing,
        packed: &[u8],
        out: &mut Output,
    ) -> Result<(), DecodeError> {
        let mut cursor = Cursor::new(packed);
        match packing {
            Packing::Gzip => self.members(&mut cursor, out)?,
            Packing::Zlib => self.stream(Wrapping::Zlib, &mut cursor, out)?,
            Packing::Brotli => brotli::stream(&mut cursor, out)?,
        }
        if cursor.is_empty() {
            Ok(())
        } else {
            Err(cursor.malformed("bytes follow the end of the packed stream"))
        }
    }

    /// Unpacks what looks packed by [`Packing::detect`], then what that holds, and so on. Input that does not look packed is given back as it is.
    ///
    /// # Errors
    ///
    /// As of [`inflate`](Self::inflate), each layer under its own `unpacked_bytes_max`; and what is packed more than [`UNPACK_LAYERS_MAX`] times.
    /// The path names the layers around the place.
    pub fn unpack<'a>(
        &mut self,
        input: &'a [u8],
        unpacked_bytes_max: usize,
    ) -> Result<Unpacked<'a>, DecodeError> {
        let mut bytes = Cow::Borrowed(input);
        let mut layers = Vec::new();
        while let Some(packing) = Packing::detect(&bytes) {
            let inner = if layers.len() < UNPACK_LAYERS_MAX {
                self.inflate(packing, &bytes, unpacked_bytes_max)
            } else {
                Err(DecodeError::at(0, too_deep()))
            };
            let inner = inner.map_err(|error| {
                let around = layers.iter().rev().copied().map(Packing::name);
                around.fold(error, DecodeError::inside)
            })?;
            bytes = Cow::Owned(inner);
            layers.push(packing);
        }
        Ok(Unpacked { bytes, layers })
    }

    /// As [`unpack`](Self::unpack), into memory that is used again: gives `input`, or what `into` then holds.
    ///
    /// # Errors
    ///
    /// As of [`unpack`](Self::unpack).
    pub fn unpack_into<'a>(
        &mut self,
        input: &'a [u8],
        unpacked_bytes_max: usize,
        into: &'a mut Vec<u8>,
    ) -> Result<&'a [u8], DecodeError> {
        let Some(packing) = Packing::detect(input) else {
            return Ok(input);
        };
        self.inflate_into(packing, input, unpacked_bytes_max, into)?;
        if Packing::detect(into).is_some() {
            *into = self.unpack(input, unpacked_bytes_max)?.bytes.into_owned();
        }
        Ok(into)
    }

    /// RFC 1952 §2.2: one member after the other, to the end.
    fn members(&mut self, packed: &mut Cursor<'_>, out: &mut Output) -> Result<(), DecodeError> {
        loop {
            gzip::head(packed)?;
            let before = out.bytes.len();
            self.stream(Wrapping::None, packed, out)?;
            let member = out.bytes.get(before..).unwrap_or_default();
            let mut crc = Crc::new();
            crc.update(member);
            if u32::from_le_bytes(packed.array("the checksum of a gzip member")?) != crc.sum() {
                return Err(packed.malformed("the checksum (CRC-32) of a gzip member does not fit"));
            }
            let size = packed.array("the size of a gzip member")?;
            if u64::from(u32::from_le_bytes(size)) != member.len() as u64 & u64::from(u32::MAX) {
                return Err(packed.malformed("the size (ISIZE) of a gzip member does not fit"));
            }
            if !packed.rest().starts_with(&gzip::MAGIC) {
                return Ok(());
            }
        }
    }

    fn stream(
        &mut self,
        wrapping: Wrapping,
        packed: &mut Cursor<'_>,
        out: &mut Output,
    ) -> Result<(), DecodeError> {
        let Self { deflate, .. } = self;
        // With `Finish` what was unpacked is copied to a window only where more room is needed.
        deflate.reset(wrapping == Wrapping::Zlib);
        loop {
            out.make_room(packed.at())?;
            let before = (deflate.total_in(), deflate.total_out());
            let result =
                deflate.decompress_vec(packed.rest(), &mut out.bytes, FlushDecompress::Finish);
            packed.take(deflate.total_in().saturating_sub(before.0), STREAM)?;
            let status = result.map_err(|error| packed.malformed(deflate_fault(&error)))?;
            out.check(packed.at())?;
            match status {
                Status::StreamEnd => return Ok(()),
                Status::Ok | Status::BufError => {
                    if before == (deflate.total_in(), deflate.total_out()) {
                        return Err(cut(packed));
                    }
                }
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrapping {
    None,
    Zlib,
}

/// What is unpacked so far, never longer than it may be but for the one byte that tells that it would be.
#[derive(Debug)]
pub(crate) struct Output {
    bytes: Vec<u8>,
    max: usize,
}

impl Output {
    pub(crate) fn new(packed_bytes: usize, max: usize) -> Self {
        Self::within(Vec::new(), packed_bytes.saturating_mul(USUAL_RATIO), max)
    }

    /// In memory that may be there, with room for as much as there will be by guess.
    fn within(mut bytes: Vec<u8>, guess: usize, max: usize) -> Self {
        bytes.clear();
        let most = max.saturating_add(1);
        if bytes.capacity() > most {
            bytes = Vec::new();
        }
        bytes.reserve_exact(guess.max(LEAST_ROOM).min(most));
        Self { bytes, max }
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Room for at least one more byte, where there may be one.
    fn make_room(&mut self, at: usize) -> Result<(), DecodeError> {
        self.check(at)?;
        if self.bytes.len() == self.bytes.capacity() {
            self.grow_to(self.bytes.capacity().saturating_mul(2));
        }
        Ok(())
    }

    fn append(&mut self, more: &[u8], at: usize) -> Result<(), DecodeError> {
        let wanted = self.bytes.len().saturating_add(more.len());
        if wanted > self.bytes.capacity() {
            self.grow_to(wanted.max(self.bytes.capacity().saturating_mul(2)));
        }
        let room = self.bytes.capacity().saturating_sub(self.bytes.len());
        self.bytes.extend(more.iter().take(room));
        self.check(at)
    }

    fn grow_to(&mut self, bytes: usize) {
        let bytes = bytes.min(self.max.saturating_add(1));
        let more = bytes.saturating_sub(self.bytes.len());
        self.bytes.reserve_exact(more);
    }

    fn check(&self, at: usize) -> Result<(), DecodeError> {
        if self.bytes.len() <= self.max {
            return Ok(());
        }
        let fault = Fault::Limit {
            what: "the unpacked size in bytes",
            got: self.bytes.len() as u64,
            max: self.max as u64,
        };
        Err(DecodeError::at(at, fault))
    }
}

/// JSON packs to about a quarter; what is denser grows by doubling.
const USUAL_RATIO: usize = 4;
/// What gzip tells of its own size is believed up to so many times the packed size.
const TOLD_RATIO: usize = 64;
const LEAST_ROOM: usize = 1_024;
/// Room behind the end, without which the last bytes are unpacked one by one.
const SLACK: usize = 512;

/// How much there will be. The last four bytes of gzip tell the size of its last member, and nearly always there is only one.
fn guess(packing: Packing, packed: &[u8]) -> usize {
    let told = match packing {
        Packing::Gzip => packed.last_chunk().copied().map(u32::from_le_bytes),
        Packing::Zlib | Packing::Brotli => None,
    };
    let told = told.and_then(|size| usize::try_from(size).ok());
    let told = told.filter(|size| *size <= packed.len().saturating_mul(TOLD_RATIO));
    match told {
        Some(size) => size.saturating_add(SLACK),
        None => packed.len().saturating_mul(USUAL_RATIO),
    }
}

const STREAM: &str = "a packed stream";

fn cut(packed: &Cursor<'_>) -> DecodeError {
    let fault = Fault::Truncated {
        what: STREAM,
        needed: 1,
        left: 0,
    };
    DecodeError::at(packed.at(), fault)
}

fn too_deep() -> Fault {
    Fault::Limit {
        what: "packing within packing",
        got: (UNPACK_LAYERS_MAX as u64).saturating_add(1),
        max: UNPACK_LAYERS_MAX as u64,
    }
}

fn deflate_fault(error: &DecompressError) -> &'static str {
    if error.needs_dictionary().is_some() {
        return "a zlib stream needs a dictionary that it does not hold";
    }
    match error.message() {
        Some("incorrect header check") => "a zlib stream begins with two bytes that do not fit",
        Some("unknown compression method") => "a zlib stream has a method other than deflate (8)",
        Some("incorrect data check") => "the checksum (Adler-32) of a zlib stream does not fit",
        _ => "deflated data contradict themselves",
    }
}
