//! What happens in a room, as Douyu's socket sends it.
//!
//! The site has no hearts, tells of no followers, and sends no gift again: these are left out here, and so is what only says that a run has ended.

mod kinds;

use pagewire_codec::{DouyuSide, douyu_packet};

use super::chance::Chance;
use super::frames::Written;
use super::manifest::Manifest;
use super::room::{Happening, Happens, Repeat, Room};

/// Messages of a frame, if not told otherwise.
pub const MESSAGES_PER_FRAME: u64 = 2;

/// Frames of one made-up room: packets with an STT message each. As an iterator it goes on for ever.
#[derive(Debug)]
pub struct Frames {
    pub(super) room: Room,
    chance: Chance,
    messages_per_frame: u64,
    manifest: Manifest,
}

impl Frames {
    /// Those of the room of this seed.
    pub fn new(seed: u64) -> Self {
        Self {
            room: Room::new(seed),
            // What happens is not changed by how it is written.
            chance: Chance::new(!seed),
            messages_per_frame: MESSAGES_PER_FRAME,
            manifest: Manifest::default(),
        }
    }

    /// With so many messages a frame on average; a frame has from half to one and a half times as many, and at least one.
    #[must_use]
    pub const fn messages_per_frame(mut self, messages: u64) -> Self {
        self.messages_per_frame = messages;
        self
    }

    /// What the frames so far hold.
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The packet of a happening; none for what has no message.
    fn packet(&self, happening: &Happening) -> Option<Vec<u8>> {
        is_sent(happening).then(|| {
            let message = kinds::message(&self.room, happening);
            douyu_packet(DouyuSide::Server, &message)
        })
    }

    pub(super) fn written(&self, happening: &Happening) -> Option<Written> {
        self.packet(happening).map(Written::Packet)
    }
}

/// Whether the site has a message for it.
fn is_sent(happening: &Happening) -> bool {
    match &happening.what {
        Happens::Gift(press) => happening.repeat == Repeat::First && press.adds > 0,
        Happens::Like { .. } | Happens::Follow { .. } => false,
        Happens::Chat { .. }
        | Happens::Emoji { .. }
        | Happens::Enter { .. }
        | Happens::Share { .. }
        | Happens::FanClub { .. }
        | Happens::Stats { .. }
        | Happens::Rank { .. }
        | Happens::Pause
        | Happens::Resume
        | Happens::End
        | Happens::Notice { .. }
        | Happens::Battle { .. }
        | Happens::Unknown { .. } => true,
    }
}

impl Iterator for Frames {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let half = self.messages_per_frame / 2;
        let least = (self.messages_per_frame - half).max(1);
        let mut left = self.chance.between(least, least + 2 * half);
        let mut frame = Vec::new();
        while left > 0 {
            let happening = self.room.next().expect("it goes on for ever");
            if let Some(packet) = self.packet(&happening) {
                self.manifest.add(&happening);
                frame.extend(packet);
                left -= 1;
            }
        }
        self.manifest.frames += 1;
        self.manifest.bytes += frame.len() as u64;
        self.manifest.unpacked_bytes += frame.len() as u64;
        Some(frame)
    }
}
