//! Each kind of message, with the fields that captures have.

use pagewire_codec::proto::Writer;

use super::parts::{gift, image_piece, public_area, text, text_piece, user, user_piece};
use crate::made::chance::Chance;
use crate::made::people::Person;
use crate::made::room::{Happening, Happens, Room};
use crate::made::{Press, Style};

/// One message that is written.
pub(super) struct Pen<'a> {
    pub(super) room: &'a Room,
    pub(super) chance: &'a mut Chance,
    pub(super) happening: &'a Happening,
}

/// Applications that people have.
const APPS: &[(u64, u64)] = &[(70, 1_128), (15, 2_329), (15, 6_383)];
const ENTERS: &str = "{0:user} 来了";
const GIVES: &str = "{0:user} 送出了 {1:string} × {2:string}";

impl Pen<'_> {
    /// Its method and its fields.
    pub(super) fn message(&mut self) -> (String, Vec<u8>) {
        let happening = self.happening;
        let mut out = Writer::default();
        let kind = match &happening.what {
            Happens::Chat { by, text } => self.chat(&mut out, by, text),
            Happens::Emoji { by, emoji } => self.emoji(&mut out, by, emoji),
            Happens::Gift(press) if press.style == Style::Light => self.light_gift(&mut out, press),
            Happens::Gift(press) => self.gift(&mut out, press),
            Happens::Like { by, count, total } => self.like(&mut out, by, [*count, *total]),
            Happens::Enter { by, viewers } => self.enter(&mut out, by, *viewers),
            Happens::Follow { by, followers } => self.social(&mut out, by, 1, *followers),
            Happens::Share { by } => self.social(&mut out, by, 3, 0),
            Happens::FanClub { by, level } => self.fan_club(&mut out, by, *level),
            Happens::Stats {
                viewers,
                visitors,
                top,
            } if happening.id.is_multiple_of(2) => {
                self.user_seq(&mut out, [*viewers, *visitors], top)
            }
            Happens::Stats { viewers, .. } => self.stats(&mut out, *viewers),
            Happens::Rank { top } => self.rank(&mut out, top),
            Happens::Pause => self.control(&mut out, 1, "主播暂时离开一下，马上回来"),
            Happens::Resume => self.control(&mut out, 2, ""),
            Happens::End => self.control(&mut out, 3, "直播已结束"),
            Happens::Notice { text } => self.notice(&mut out, text),
            Happens::Battle { rival, ours, .. } => self.battle(&mut out, rival, *ours),
            Happens::Unknown { name, number } => self.unknown(&mut out, name, *number),
        };
        (format!("Webcast{kind}Message"), out.into_bytes())
    }

    /// What all messages have; `more` writes what only some have in it.
    fn common(&mut self, out: &mut Writer, kind: &str, more: impl FnOnce(&mut Writer)) {
        self.common_of(out, kind, more, None);
    }

    fn common_of(
        &mut self,
        out: &mut Writer,
        kind: &str,
        more: impl FnOnce(&mut Writer),
        of: Option<&Person>,
    ) {
        let app = self.chance.weighted(APPS);
        let score = self.chance.between(10_000, 40_000);
        out.message(1, |common| {
            common.text(1, &format!("Webcast{kind}Message"));
            common
                .varint(2, self.happening.id)
                .varint(3, self.room.id());
            more(common);
            common.varint(11, score);
            if let Some(person) = of {
                common.message(15, |inner| user(inner, person));
            }
            common.varint(24, app);
        });
    }

    /// Kinds that tell when they were made do so in milliseconds.
    fn create_time(&self) -> impl FnOnce(&mut Writer) + use<> {
        let at_ms = self.happening.at_ms;
        move |common| {
            common.varint(4, at_ms).varint(6, 1);
        }
    }

    fn chat(&mut self, out: &mut Writer, by: &Person, said: &str) -> &'static str {
        let at_s = self.happening.at_ms / 1_000;
        self.common(out, "Chat", shown_in_chat);
        out.message(2, |inner| user(inner, by)).text(3, said);
        out.message(9, |area| public_area(area, by.level * 37));
        out.varint(15, at_s).varint(21, self.chance.below(4));
        if said.contains('[') {
            out.message(40, |rich| {
                text(rich, "rtf", "{0:string}", |pieces| text_piece(pieces, said));
            });
        }
        "Chat"
    }

    fn emoji(&mut self, out: &mut Writer, by: &Person, emoji: &crate::made::Emoji) -> &'static str {
        self.common(out, "EmojiChat", shown_in_chat);
        out.message(2, |inner| user(inner, by)).varint(3, emoji.id);
        let path = format!("img/webcast/emoji_made_up_{}.webp", emoji.id);
        out.message(4, |content| {
            text(content, "webcast_emoji", "{0:image}", |pieces| {
                image_piece(pieces, &path)
            });
        });
        out.text(5, emoji.text);
        out.message(9, |area| public_area(area, by.level * 37));
        "EmojiChat"
    }

    fn gift(&mut self, out: &mut Writer, press: &Press) -> &'static str {
        let is_run = press.style == Style::Run;
        self.common(out, "Gift", self.create_time());
        out.varint(2, press.gift.id)
            .varint(3, press.total() * press.gift.price);
        out.varint(4, press.pack)
            .varint(5, press.presses)
            .varint(6, press.presses);
        out.message(7, |inner| user(inner, &press.by));
        out.message(8, |inner| user(inner, &press.to));
        if press.ends {
            out.varint(9, 1);
        }
        out.varint(11, press.run);
        out.message(14, |priority| {
            priority.packed(1, [8, 8, 8]).varint(3, press.gift.price);
        });
        out.message(15, |inner| gift(inner, &press.gift, is_run));
        out.varint(17, if is_run { 4 } else { 1 });
        out.message(18, |area| public_area(area, press.total()));
        out.message(19, |tray| {
            text(tray, "webcast_gift_tray", GIVES, |pieces| {
                user_piece(pieces, &press.by);
                text_piece(pieces, press.gift.name);
                text_piece(pieces, &press.total().to_string());
            });
        });
        // What the tray shows, of which the field numbers are not known.
        out.message(21, |tray| {
            tray.varint(1, press.gift.id).varint(2, press.total());
            tray.text(3, "gift_tray_default");
        });
        if is_run && press.run.is_multiple_of(4) {
            out.varint(29, press.total());
        }
        out.varint(30, 1);
        out.text(35, &format!("{:032x}", u128::from(self.happening.id) << 50));
        "Gift"
    }

    /// The sender stands in what all messages have.
    fn light_gift(&mut self, out: &mut Writer, press: &Press) -> &'static str {
        self.common_of(out, "LightGift", self.create_time(), Some(&press.by));
        out.varint(2, press.pack)
            .varint(3, press.presses)
            .varint(4, press.presses);
        out.varint(5, press.to.id)
            .varint(9, 1)
            .varint(10, press.total());
        out.message(13, |inner| gift(inner, &press.gift, false));
        "LightGift"
    }

    fn like(&mut self, out: &mut Writer, by: &Person, [count, total]: [u64; 2]) -> &'static str {
        self.common(out, "Like", shown_in_chat);
        out.varint(2, count).varint(3, total);
        out.message(5, |inner| user(inner, by));
        out.message(8, |shown| {
            shown.varint(1, 1).varint(2, 1);
        });
        "Like"
    }

    fn enter(&mut self, out: &mut Writer, by: &Person, viewers: u64) -> &'static str {
        let toast = |shown: &mut Writer| {
            text(shown, "live_room_enter_toast", ENTERS, |pieces| {
                user_piece(pieces, by)
            });
        };
        self.common(out, "Member", |common| {
            common.varint(6, 1).message(8, toast);
        });
        out.message(2, |inner| user(inner, by)).varint(3, viewers);
        out.varint(10, 1).message(18, toast);
        out.message(19, |area| public_area(area, 0));
        "Member"
    }

    fn social(
        &mut self,
        out: &mut Writer,
        by: &Person,
        action: u64,
        followers: u64,
    ) -> &'static str {
        self.common(out, "Social", self.create_time());
        out.message(2, |inner| user(inner, by));
        if action == 3 {
            out.varint(3, 1).varint(4, action).text(5, "112");
        } else {
            out.varint(4, action).varint(6, followers);
        }
        out.message(7, |area| public_area(area, 0));
        "Social"
    }

    fn fan_club(&mut self, out: &mut Writer, by: &Person, level: u64) -> &'static str {
        self.common(out, "Fansclub", self.create_time());
        let (action, said) = if level == 1 {
            (2, format!("恭喜 {} 成为粉丝团成员", by.name))
        } else {
            (1, format!("恭喜 {} 粉丝团等级升至{level}级", by.name))
        };
        out.varint(2, action).text(3, &said);
        out.message(4, |inner| user(inner, by));
        "Fansclub"
    }

    fn user_seq(
        &mut self,
        out: &mut Writer,
        [viewers, visitors]: [u64; 2],
        top: &[(std::sync::Arc<Person>, u64)],
    ) -> &'static str {
        self.common(out, "RoomUserSeq", self.create_time());
        for (rank, (person, value)) in (1..).zip(top) {
            out.message(2, |contributor| {
                contributor.varint(1, *value);
                contributor.message(2, |inner| user(inner, person));
                contributor.varint(3, rank).text(7, &value.to_string());
            });
        }
        out.varint(3, viewers)
            .varint(6, viewers * 3)
            .varint(7, visitors);
        out.text(8, &shown(visitors)).text(9, &shown(viewers));
        out.text(10, &viewers.to_string())
            .text(11, &shown(visitors));
        "RoomUserSeq"
    }

    fn stats(&mut self, out: &mut Writer, viewers: u64) -> &'static str {
        self.common(out, "RoomStats", self.create_time());
        out.text(2, &shown(viewers)).text(3, &shown(viewers));
        out.text(4, &format!("{}在线观众", shown(viewers)));
        out.varint(5, viewers).varint(6, self.happening.at_ms);
        out.varint(9, viewers).varint(10, 1);
        "RoomStats"
    }

    fn rank(&mut self, out: &mut Writer, top: &[(std::sync::Arc<Person>, u64)]) -> &'static str {
        self.common(out, "RoomRank", self.create_time());
        for (person, value) in top {
            out.message(2, |rank| {
                rank.message(1, |inner| user(inner, person));
                rank.text(2, &shown(*value));
            });
        }
        "RoomRank"
    }

    fn control(&mut self, out: &mut Writer, action: u64, tips: &str) -> &'static str {
        self.common(out, "Control", self.create_time());
        out.varint(2, action).text(3, tips);
        "Control"
    }

    fn notice(&mut self, out: &mut Writer, said: &str) -> &'static str {
        self.common(out, "Room", self.create_time());
        out.text(2, said).varint(4, 1).text(20, "default");
        "Room"
    }

    fn battle(&mut self, out: &mut Writer, rival: &Person, ours: u64) -> &'static str {
        self.common(out, "LinkerContribute", self.create_time());
        out.varint(2, rival.id).varint(3, ours).varint(6, 1);
        out.text(7, &ours.to_string()).text(8, &shown(ours));
        "LinkerContribute"
    }

    fn unknown(&mut self, out: &mut Writer, name: &'static str, number: u64) -> &'static str {
        self.common(out, name, self.create_time());
        out.varint(2, number)
            .fixed64(3, number)
            .text(7, "还没有人认识的消息");
        out.message(100, |inner| {
            inner.text(1, "made up").bytes(2, &number.to_be_bytes());
        });
        name
    }
}

fn shown_in_chat(common: &mut Writer) {
    common.varint(6, 1);
}

/// As sites show large numbers: `13.3万`.
fn shown(number: u64) -> String {
    if number < 10_000 {
        return number.to_string();
    }
    format!("{}.{}万", number / 10_000, number / 1_000 % 10)
}
