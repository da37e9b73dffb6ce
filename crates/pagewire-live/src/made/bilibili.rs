//! What happens in a room, as Bilibili's socket sends it.
//!
//! Each send of a gift has a message of its own, so what only says that a run has ended, or comes again under another number, is left out here.

mod kinds;

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use pagewire_codec::{BilibiliOperation, BilibiliPacket};

use super::course::Course;
use super::frames::Written;
use super::room::{Happening, Happens, Repeat};

/// Messages of a frame, if not told otherwise.
pub const MESSAGES_PER_FRAME: u64 = 6;

/// A body as it is.
const PLAIN: u16 = 0;
/// A body that is packed as zlib.
const ZLIB: u16 = 2;
/// Of a hundred frames so many are packed; the site leaves small ones as they are.
const PACKED_PERCENT: u64 = 70;

/// Frames of one made-up room: packets, several in a frame, most of them packed. As an iterator it goes on for ever.
#[derive(Debug)]
pub struct Frames {
    pub(super) course: Course,
    /// How many each send gave: a message that comes again says the same.
    sends: HashMap<u64, u64>,
}

impl Frames {
    pub(super) fn of(course: Course) -> Self {
        Self {
            course,
            sends: HashMap::new(),
        }
    }

    fn unpacked(&mut self) -> Vec<u8> {
        let mut left = self.course.messages();
        let mut packets = Vec::new();
        while left > 0 {
            let happening = self.course.room.next().expect("it goes on for ever");
            if let Some(packet) = self.packet(&happening) {
                self.course.manifest.add(&happening);
                packets.extend(packet);
                left -= 1;
            }
        }
        self.course.manifest.frames += 1;
        self.course.manifest.unpacked_bytes += packets.len() as u64;
        packets
    }

    /// The packet of a happening; none for what has no message.
    fn packet(&mut self, happening: &Happening) -> Option<Vec<u8>> {
        let count = self.sent(happening)?;
        let body = kinds::message(&self.course.room, happening, count).to_string();
        Some(packet(PLAIN, body.as_bytes()))
    }

    pub(super) fn written(&mut self, happening: &Happening) -> Option<Written> {
        self.packet(happening).map(Written::Packet)
    }

    /// How many gifts the message of a happening gives; 0 of what is none, and nothing of what has no message.
    fn sent(&mut self, happening: &Happening) -> Option<u64> {
        let Happens::Gift(press) = &happening.what else {
            return Some(0);
        };
        match happening.repeat {
            Repeat::First if press.adds > 0 => {
                self.sends.insert(happening.id, press.adds);
                Some(press.adds)
            }
            Repeat::SameId => self.sends.get(&happening.id).copied(),
            Repeat::First | Repeat::OtherId => None,
        }
    }
}

impl Iterator for Frames {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let packets = self.unpacked();
        let frame = if self.course.chance.percent(PACKED_PERCENT) {
            packet(ZLIB, &packed(&packets))
        } else {
            packets
        };
        self.course.manifest.bytes += frame.len() as u64;
        Some(frame)
    }
}

fn packet(version: u16, body: &[u8]) -> Vec<u8> {
    let packet = BilibiliPacket {
        operation: BilibiliOperation::Message,
        version,
        sequence: 0,
        body: Cow::Borrowed(body),
        at: 0,
    };
    packet.encode()
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
    zlib.write_all(bytes).expect("memory takes all");
    zlib.finish().expect("memory takes all")
}
