//! What happens in a room, as Douyu's socket sends it.
//!
//! The site has no hearts, tells of no followers, and sends no gift again: these are left out here, and so is what only says that a run has ended.

mod kinds;

use pagewire_codec::{DouyuSide, douyu_packet};

use super::course::Course;
use super::frames::Written;
use super::room::{Happening, Happens, Repeat};

/// Messages of a frame, if not told otherwise.
pub const MESSAGES_PER_FRAME: u64 = 2;

/// Frames of one made-up room: packets with an STT message each. As an iterator it goes on for ever.
#[derive(Debug)]
pub struct Frames {
    pub(super) course: Course,
}

impl Frames {
    pub(super) fn of(course: Course) -> Self {
        Self { course }
    }

    /// The packet of a happening; none for what has no message.
    fn packet(&self, happening: &Happening) -> Option<Vec<u8>> {
        is_sent(happening).then(|| {
            let message = kinds::message(&self.course.room, happening);
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
        let mut left = self.course.messages();
        let mut frame = Vec::new();
        while left > 0 {
            let happening = self.course.room.next().expect("it goes on for ever");
            if let Some(packet) = self.packet(&happening) {
                self.course.manifest.add(&happening);
                frame.extend(packet);
                left -= 1;
            }
        }
        self.course.count(&frame);
        Some(frame)
    }
}
