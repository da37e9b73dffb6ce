//! What happens in a room, as Huya's socket sends it.
//!
//! The site tells of no likes, followers, shares, clubs and battles in a form that is known, so of those there is nothing.

mod kinds;

use pagewire_codec::{TarsWriter, WupPacket};

use super::course::Course;
use super::frames::Written;
use super::gifts::GIFTS;
use super::room::{Happening, Happens};

/// Messages of a frame, if not told otherwise. Most frames of captures have one.
pub const MESSAGES_PER_FRAME: u64 = 3;

/// `WSPushMessage` and `WSPushMessage_V2`.
const PUSH: i64 = 7;
const BATCH: i64 = 22;
const CALL_ANSWERED: i64 = 4;
/// What `ePushType` is in captures.
const PUSH_TYPE: i64 = 5;

/// Frames of one made-up room: what gifts cost, then pushes of one message, and batches. As an iterator it goes on for ever.
#[derive(Debug)]
pub struct Frames {
    pub(super) course: Course,
    has_told_prices: bool,
}

impl Frames {
    pub(super) fn of(course: Course) -> Self {
        Self {
            course,
            has_told_prices: false,
        }
    }

    /// The uid of the presenter, which events have as their room.
    pub fn presenter(&self) -> u64 {
        self.course.room.host().id
    }

    /// When the last frame was sent, in milliseconds of Unix time.
    pub const fn now_ms(&self) -> u64 {
        self.course.room.now_ms() + 80
    }

    /// A frame with what the gifts cost, as the site answers a client that asks for it.
    pub fn price_list(&self) -> Vec<u8> {
        let mut list = TarsWriter::default();
        list.structure(0, |list| {
            list.list(1, GIFTS, |list, gift| {
                list.structure(0, |item| {
                    item.integer(1, number(gift.id)).text(2, gift.name);
                    item.integer(3, number(gift.price));
                });
            });
            list.text(2, "made-up");
        });
        let list = list.into_bytes();
        let answer = WupPacket::call(1, "PropsUIServer", "getPropsList", &[("tRsp", &list)]);
        self.command(CALL_ANSWERED, &answer.encode())
    }

    /// The next thing that happens of which the site tells.
    fn happening(&mut self) -> Happening {
        let found = self.course.room.find(is_told);
        found.expect("it goes on for ever")
    }

    /// The number of its struct, and its fields.
    fn fields(&mut self, happening: &Happening) -> (i64, Vec<u8>) {
        let mut pen = kinds::Pen {
            room: &self.course.room,
            chance: &mut self.course.chance,
            happening,
        };
        pen.message()
    }

    pub(super) fn written(&mut self, happening: &Happening) -> Option<Written> {
        is_told(happening).then(|| {
            let (uri, body) = self.fields(happening);
            Written::Huya { uri, body }
        })
    }

    /// The number of a struct, the id of the message, and its fields.
    fn message(&mut self) -> (i64, i64, Vec<u8>) {
        let happening = self.happening();
        self.course.manifest.add(&happening);
        let (uri, body) = self.fields(&happening);
        (uri, number(happening.id), body)
    }

    fn group(&mut self) -> String {
        let presenter = self.course.room.host().id;
        let kind = if self.course.chance.percent(70) {
            "live"
        } else {
            "chat"
        };
        format!("{kind}:{presenter}")
    }

    fn push(&mut self) -> Vec<u8> {
        let group = self.group();
        let (uri, id, body) = self.message();
        let mut to = TarsWriter::default();
        to.integer(0, PUSH_TYPE).integer(1, uri).bytes(2, &body);
        to.integer(3, 0).text(4, &group).integer(5, id);
        self.command(PUSH, &to.into_bytes())
    }

    fn batch(&mut self, messages: u64) -> Vec<u8> {
        let group = self.group();
        let messages: Vec<_> = (0..messages).map(|_| self.message()).collect();
        let mut to = TarsWriter::default();
        to.text(0, &group);
        to.list(1, messages, |to, (uri, id, body)| {
            to.structure(0, |item| {
                item.integer(0, uri).bytes(1, &body).integer(2, id);
            });
        });
        self.command(BATCH, &to.into_bytes())
    }

    fn command(&self, kind: i64, data: &[u8]) -> Vec<u8> {
        let mut to = TarsWriter::default();
        to.integer(0, kind).bytes(1, data).integer(2, 0).text(3, "");
        let time_ms = number(self.now_ms());
        to.integer(4, 0).integer(5, time_ms).text(6, "");
        to.into_bytes()
    }
}

impl Iterator for Frames {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        if !std::mem::replace(&mut self.has_told_prices, true) {
            let frame = self.price_list();
            self.course.count(&frame);
            return Some(frame);
        }
        let most = (2 * self.course.messages_per_frame)
            .saturating_sub(1)
            .max(1);
        let frame = match self.course.chance.between(1, most) {
            1 => self.push(),
            messages => self.batch(messages),
        };
        self.course.count(&frame);
        Some(frame)
    }
}

/// Whether the site tells of it.
const fn is_told(happening: &Happening) -> bool {
    match happening.what {
        Happens::Like { .. }
        | Happens::Follow { .. }
        | Happens::Share { .. }
        | Happens::FanClub { .. }
        | Happens::Battle { .. } => false,
        Happens::Chat { .. }
        | Happens::Emoji { .. }
        | Happens::Gift(_)
        | Happens::Enter { .. }
        | Happens::Stats { .. }
        | Happens::Rank { .. }
        | Happens::Pause
        | Happens::Resume
        | Happens::End
        | Happens::Notice { .. }
        | Happens::Unknown { .. } => true,
    }
}

/// All that is made up here is below what Tars can say.
fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
