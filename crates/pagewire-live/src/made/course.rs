//! A room and what its frames have told so far, which is the same for all sites.

use super::chance::Chance;
use super::manifest::Manifest;
use super::room::Room;

/// What frames of any site are made of.
#[derive(Debug)]
pub(super) struct Course {
    pub(super) room: Room,
    pub(super) chance: Chance,
    pub(super) messages_per_frame: u64,
    pub(super) manifest: Manifest,
}

impl Course {
    pub(super) fn new(seed: u64, messages_per_frame: u64) -> Self {
        Self {
            room: Room::new(seed),
            // What happens is not changed by how it is written.
            chance: Chance::new(!seed),
            messages_per_frame,
            manifest: Manifest::default(),
        }
    }

    /// Of the next frame: from half to one and a half times as many as on average, and at least one.
    pub(super) fn messages(&mut self) -> u64 {
        let half = self.messages_per_frame / 2;
        let least = (self.messages_per_frame - half).max(1);
        self.chance.between(least, least + 2 * half)
    }

    /// Counts a frame in which nothing is packed.
    pub(super) fn count(&mut self, frame: &[u8]) {
        self.manifest.frames += 1;
        self.manifest.bytes += frame.len() as u64;
        self.manifest.unpacked_bytes += frame.len() as u64;
    }
}
