//! Each kind of message, with the fields of its struct.

use std::sync::Arc;

use pagewire_codec::TarsWriter;

use super::number;
use crate::made::chance::Chance;
use crate::made::gifts::GIFTS;
use crate::made::people::{Club, Gender, Person, person};
use crate::made::room::{Happening, Happens, Room};
use crate::made::{Press, Style};

/// One message that is written.
pub(super) struct Pen<'a> {
    pub(super) room: &'a Room,
    pub(super) chance: &'a mut Chance,
    pub(super) happening: &'a Happening,
}

/// Decorations of these programs are nobles of old, and marks of clubs.
const NOBLE: i64 = 10_200;
const FAN_BADGE: i64 = 10_400;
/// Structs that readers leave alone, as captures have them.
const UNKNOWN: &[i64] = &[3_104, 6_892, 7_708];
const COLOURS: &[i64] = &[-1, -1, -1, 0xff_ff00, 0x00_e5ff];

impl Pen<'_> {
    /// The number of its struct, and its fields.
    pub(super) fn message(&mut self) -> (i64, Vec<u8>) {
        let mut out = TarsWriter::default();
        let uri = match &self.happening.what {
            Happens::Chat { by, text } => self.chat(&mut out, by, text),
            Happens::Emoji { by, emoji } => self.chat(&mut out, by, emoji.text),
            Happens::Gift(press) => self.gift(&mut out, press),
            Happens::Enter { by, .. } => self.enter(&mut out, by),
            Happens::Stats { viewers, .. } => {
                out.integer(0, number(viewers * 11));
                8_006
            }
            Happens::Rank { top } => self.rank(&mut out, top),
            Happens::Resume => self.begin(&mut out),
            Happens::Pause | Happens::End => self.end(&mut out),
            Happens::Notice { .. } => self.banner(&mut out),
            Happens::Unknown {
                number: unknown, ..
            } => {
                out.integer(0, number(*unknown)).text(2, "made up");
                self.chance.pick(UNKNOWN)
            }
            Happens::Like { .. }
            | Happens::Follow { .. }
            | Happens::Share { .. }
            | Happens::FanClub { .. }
            | Happens::Battle { .. } => unreachable!("the site does not tell of it"),
        };
        (uri, out.into_bytes())
    }

    fn presenter(&self) -> i64 {
        number(self.room.host().id)
    }

    /// `MessageNotice`
    fn chat(&mut self, out: &mut TarsWriter, by: &Person, said: &str) -> i64 {
        let mentions = self.chance.percent(6);
        let (host, colour) = (self.room.host().clone(), self.chance.pick(COLOURS));
        out.structure(0, |sender| self::sender(sender, by));
        out.integer(1, self.presenter())
            .integer(2, self.presenter());
        if mentions {
            out.text(3, &format!("@{} {said}", host.name));
        } else {
            out.text(3, said);
        }
        out.integer(4, 0).structure(5, |format| {
            format.integer(0, -1).integer(1, 4).integer(2, 0);
            format.integer(3, -1);
        });
        out.structure(6, |format| {
            format.integer(0, colour).integer(1, 4).integer(2, 0);
            format.integer(3, 1).integer(4, 0);
        });
        out.integer(7, self.chance.pick(&[0, 1, 2]));
        decorations(out, by, &host);
        out.list(9, NONE, nothing);
        out.list(10, mentions.then_some(&host), |list, host| {
            list.structure(0, |someone| {
                someone.integer(0, number(host.id)).text(1, &host.name);
            });
        });
        out.integer(11, self.presenter()).list(12, NONE, nothing);
        out.text(13, "").integer(14, 0).list(15, NONE, nothing);
        1_400
    }

    /// `SendItemSubBroadcastPacket`
    fn gift(&mut self, out: &mut TarsWriter, press: &Press) -> i64 {
        // What is cheap and sent at once has neither a run nor a payment.
        let (pack, presses, run, payment) = match press.style {
            Style::Light => (press.total(), 1, 0, String::new()),
            Style::Run | Style::Batch => {
                let payment = format!("made{}x{}", press.run, press.presses);
                (press.pack, press.presses, press.run * 1_000, payment)
            }
        };
        out.integer(0, number(press.gift.id)).text(1, &payment);
        out.integer(2, number(pack)).integer(3, number(press.to.id));
        out.integer(4, number(press.by.id));
        out.text(5, &press.to.name)
            .text(6, &press.by.name)
            .text(7, "");
        out.integer(8, number(pack)).integer(9, number(presses));
        out.integer(10, 0)
            .integer(11, number(press.total() * press.gift.price));
        out.integer(12, 1).integer(13, 0);
        out.text(14, &avatar(&press.by))
            .text(15, &avatar(&press.to));
        out.integer(16, 0).text(17, "").integer(18, 0);
        out.integer(19, 0).text(20, press.gift.name);
        out.integer(21, 0).integer(22, 0);
        out.integer(24, number(self.room.id() % 10_000_000));
        out.integer(25, self.presenter())
            .integer(27, self.chance.pick(&[0, 4]));
        out.integer(28, noble_level(&press.by));
        out.integer(32, 0).integer(33, 0);
        out.integer(39, number(run))
            .integer(41, number(pack * press.gift.price));
        6_501
    }

    /// `VipEnterBanner`
    fn enter(&self, out: &mut TarsWriter, by: &Person) -> i64 {
        out.integer(0, number(by.id)).text(1, &by.name);
        out.integer(2, self.presenter());
        out.structure(3, |noble| {
            noble.integer(0, number(by.id)).integer(1, self.presenter());
            noble.integer(2, 0).text(3, "");
            noble.integer(4, noble_level(by));
        });
        out.text(6, &avatar(by)).integer(7, 0).text(8, "");
        6_110
    }

    /// `WeekRankListRsp`
    fn rank(&self, out: &mut TarsWriter, top: &[(Arc<Person>, u64)]) -> i64 {
        out.list(0, (1..).zip(top).take(top.len()).collect::<Vec<_>>(), {
            |list, (place, (by, score))| {
                list.structure(0, |item| {
                    item.integer(0, number(by.id)).text(1, &by.name);
                    // The first score has 32 bits.
                    let score_32 = i32::try_from(*score).unwrap_or(i32::MAX);
                    item.integer(2, score_32.into()).integer(3, 0);
                    item.integer(4, noble_level(by)).text(5, &avatar(by));
                    item.integer(6, number(by.level)).integer(7, place);
                    item.integer(8, number(*score));
                });
            }
        });
        let count = number(top.len() as u64);
        out.integer(1, 0).integer(2, count).integer(3, count);
        out.integer(4, self.presenter());
        6_220
    }

    /// `BeginLiveNotice`
    fn begin(&self, out: &mut TarsWriter) -> i64 {
        out.integer(0, self.presenter()).integer(1, 2_168);
        out.text(2, "颜值").integer(7, number(self.room.id()));
        out.text(12, &self.room.host().name)
            .text(18, "今晚也在这里");
        8_000
    }

    /// `EndLiveNotice`
    fn end(&self, out: &mut TarsWriter) -> i64 {
        out.integer(0, self.presenter()).integer(1, 0);
        out.integer(2, number(self.room.id()))
            .text(3, "主播结束直播");
        8_001
    }

    /// `SendItemNoticeWordBroadcastPacket`, of people in another room.
    fn banner(&mut self, out: &mut TarsWriter) -> i64 {
        let gift = self.chance.pick(GIFTS);
        let (by, to) = (person(self.chance, 0), person(self.chance, 0));
        out.integer(0, number(gift.id)).integer(1, 1).integer(2, 0);
        out.integer(3, number(by.id)).text(4, &by.name);
        out.integer(5, number(to.id)).text(6, &to.name);
        out.integer(7, 0)
            .integer(8, 1)
            .integer(9, self.chance.pick(&[1, 10, 66]));
        6_502
    }
}

/// An empty list.
const NONE: [(); 0] = [];

fn nothing(_: &mut TarsWriter, (): ()) {}

/// `SenderInfo`
fn sender(out: &mut TarsWriter, by: &Person) {
    // Men, and those who do not tell, are 0.
    let gender = i64::from(by.gender == Gender::Female);
    out.integer(0, number(by.id))
        .integer(1, 0)
        .text(2, &by.name);
    out.integer(3, gender).text(4, &avatar(by));
    out.integer(5, noble_level(by)).structure(6, |noble| {
        noble.integer(0, noble_level(by)).integer(1, 0);
    });
}

/// `DecorationInfo`s: of nobles, and the mark of a club.
fn decorations(out: &mut TarsWriter, by: &Person, host: &Person) {
    let noble = (noble_level(by) > 0).then(|| {
        let mut noble = TarsWriter::default();
        noble.integer(0, number(by.id)).integer(2, noble_level(by));
        (NOBLE, noble.into_bytes())
    });
    let badge = by.club.as_ref();
    let badge = badge.map(|club| (FAN_BADGE, badge_info(by, club, host)));
    let shown: Vec<_> = noble.into_iter().chain(badge).collect();
    out.list(8, shown, |list, (program, data)| {
        list.structure(0, |decoration| {
            decoration.integer(0, program).integer(1, 0).bytes(2, &data);
        });
    });
}

/// `BadgeInfo`
fn badge_info(by: &Person, club: &Club, host: &Person) -> Vec<u8> {
    let mut badge = TarsWriter::default();
    badge
        .integer(0, number(by.id))
        .integer(1, number(club.host));
    badge.text(2, &host.name).text(3, club.name);
    badge.integer(4, number(club.level));
    badge.into_bytes()
}

/// 0 to 6.
fn noble_level(by: &Person) -> i64 {
    number(by.level / 10)
}

fn avatar(by: &Person) -> String {
    format!("https://picture.example/{}_180_135.jpg", by.picture)
}
