//! What happened: what only one kind of event has.

use std::borrow::Cow;

use super::User;
use crate::model::{Bytes, Described, IntoOwned, Member, Names, names, record, write_member};

/// The kinds of events: a variant, its name, its member, its number in Protobuf.
macro_rules! kinds {
    (
        $(#[doc = $doc:literal])*
        pub enum $name:ident {
            $( $(#[doc = $kind_doc:literal])* $number:literal $kind:ident($record:ty) = $text:literal, $member:literal; )*
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum $name<'a> {
            $( $(#[doc = $kind_doc])* $kind($record), )*
        }

        impl<'a> $name<'a> {
            /// All kinds.
            pub(crate) const KINDS: Names = Names(&[$(($text, &[$($kind_doc),*])),*]);

            /// `chat`, `gift.delta`, …
            pub const fn kind(&self) -> &'static str {
                match self { $(Self::$kind(_) => $text,)* }
            }

            /// With texts of its own.
            pub fn into_owned(self) -> $name<'static> {
                match self { $(Self::$kind(record) => $name::$kind(IntoOwned::into_owned(record)),)* }
            }

            pub(super) fn write_member(&self, out: &mut Vec<u8>) {
                match self {
                    $(Self::$kind(record) => write_member(out, concat!(",\"", $member, "\":"), record),)*
                }
            }

            pub(super) fn members() -> Vec<Member> {
                vec![$(
                    Member {
                        number: $number,
                        name: $member,
                        doc: &[$($kind_doc),*],
                        shape: Option::<$record>::shape(),
                    },
                )*]
            }
        }
    };
}

kinds! {
    /// What happened.
    pub enum Body {
        /// Somebody said something.
        16 Chat(Chat<'a>) = "chat", "chat";
        /// Somebody gave something, as one message of the site tells it. How many is told by `gift.delta`, not by adding these up.
        17 Gift(Gift<'a>) = "gift", "gift";
        /// So many more gifts of a combo, counted once whatever the site repeats.
        18 GiftDelta(GiftCount<'a>) = "gift.delta", "gift_delta";
        /// A combo has ended. Its deltas since it began, or ended before, are together this one.
        19 GiftFinal(GiftCount<'a>) = "gift.final", "gift_final";
        /// Somebody pressed the heart.
        20 Like(Like) = "like", "like";
        /// Somebody came in.
        21 Enter(Enter<'a>) = "enter", "enter";
        /// Somebody follows the host from now on.
        22 Follow(Follow) = "follow", "follow";
        /// Somebody shared the room.
        23 Share(Share<'a>) = "share", "share";
        /// Somebody joined the host's club, or rose in it.
        24 FanClub(FanClub<'a>) = "fan_club", "fan_club";
        /// How many people there are.
        25 Stats(Stats<'a>) = "stats", "stats";
        /// Who is first.
        26 Rank(Rank<'a>) = "rank", "rank";
        /// The broadcast begins, goes on, pauses or ends, or has another title.
        27 RoomState(RoomStateChange<'a>) = "room_state", "room_state";
        /// The site says something to all.
        28 Notice(Notice<'a>) = "notice", "notice";
        /// Hosts talk or compete over a link between their rooms.
        29 Link(Link<'a>) = "link", "link";
        /// Order is kept: somebody is muted, made admin; a message is taken back; the client is to do something.
        30 Control(Control<'a>) = "control", "control";
        /// A kind that is not read.
        31 Unknown(Unknown<'a>) = "unknown", "unknown";
    }
}

record! {
    /// What somebody said.
    pub struct Chat<'a> {
        /// All of it as one text. Emoji are as the site writes them, mostly in brackets.
        1 text: Cow<'a, str>,
        /// Its parts, where the site tells them apart.
        2 pieces: Vec<Piece<'a>>,
        /// Whom they answer.
        3 reply_to: Option<Box<User<'a>>>,
        /// What they paid for it, in the unit.
        4 paid: Option<u64>,
        /// Of `paid`.
        5 unit: Option<Unit>,
    }
}

record! {
    /// A part of a rich text.
    pub struct Piece<'a> {
        /// What it is.
        1 kind: PieceKind,
        /// What stands for it in plain text.
        2 text: Cow<'a, str>,
        /// Of a mention: whom. Of a gift or an emoji: which.
        3 id: Option<Cow<'a, str>>,
        /// The address of its picture.
        4 image: Option<Cow<'a, str>>,
    }
}

impl Piece<'_> {
    pub(crate) fn bytes(&self) -> usize {
        let of = |text: &Option<Cow<'_, str>>| text.as_ref().map_or(0, |text| text.len());
        let named = of(&self.id).saturating_add(of(&self.image));
        self.text.len().saturating_add(named)
    }
}

names! {
    /// What a part of a rich text is.
    pub enum PieceKind {
        /// Plain text.
        Text = "text",
        /// A small picture with a meaning.
        Emoji = "emoji",
        /// Somebody who is named.
        Mention = "mention",
        /// A gift that is named.
        Gift = "gift",
        /// Another picture.
        Image = "image",
    }
}

#[allow(clippy::derivable_impls, reason = "the macro makes the enum")]
impl Default for PieceKind {
    fn default() -> Self {
        Self::Text
    }
}

record! {
    /// A message about a gift, with all that the site counts.
    pub struct Gift<'a> {
        /// The site's id of the gift, as a text.
        1 gift: Cow<'a, str>,
        /// What it is called. Empty where the site does not tell.
        2 name: Cow<'a, str>,
        /// How many are in one press, as the site says; 0 where it does not.
        3 group_count: u64,
        /// How often it was repeated, as the site says.
        4 repeat_count: u64,
        /// Presses so far in this combo, as the site says.
        5 combo_count: u64,
        /// All of the combo, where the site adds up.
        6 total_count: u64,
        /// How many were given in this combo so far, by the rule of the site (`docs/sites/`).
        7 count: u64,
        /// What the site tells runs of presses apart by.
        8 combo: Cow<'a, str>,
        /// The site says that this combo has ended.
        9 ends: bool,
        /// What one is worth, in the unit.
        10 unit_value: Option<u64>,
        /// Of `unit_value`.
        11 unit: Option<Unit>,
        /// Who gets it.
        12 receiver: Option<Box<User<'a>>>,
    }
}

names! {
    /// The smallest money of a site.
    pub enum Unit {
        /// Douyin and TikTok. On Douyin ten are commonly sold for one yuan.
        Diamond = "diamond",
        /// Huya: a hundredth of a Y coin.
        YbCent = "yb_cent",
        /// Bilibili, paid for: a thousand for one yuan.
        GoldSeed = "gold_seed",
        /// Bilibili, not paid for.
        SilverSeed = "silver_seed",
        /// Chinese money, in hundredths of a yuan.
        Fen = "fen",
    }
}

record! {
    /// A number of gifts of one combo.
    pub struct GiftCount<'a> {
        /// The site's id of the gift, as a text.
        1 gift: Cow<'a, str>,
        /// What it is called. Empty where the site does not tell.
        2 name: Cow<'a, str>,
        /// How many.
        3 count: u64,
        /// What they are worth together, in the unit. 0 where the site does not tell.
        4 value: u64,
        /// Of `value`.
        5 unit: Option<Unit>,
        /// What the site tells runs of presses apart by.
        6 combo: Cow<'a, str>,
        /// Who gets it.
        7 receiver: Option<Box<User<'a>>>,
    }
}

record! {
    /// Hearts.
    pub struct Like {
        /// How often, in this message.
        1 count: u64,
        /// How often all together did, in this broadcast.
        2 total: Option<u64>,
    }
}

record! {
    /// Somebody came in.
    pub struct Enter<'a> {
        /// How many there are now.
        1 viewers: Option<u64>,
        /// What the site says of it.
        2 text: Option<Cow<'a, str>>,
    }
}

record! {
    /// A new follower.
    pub struct Follow {
        /// How many follow now.
        1 followers: Option<u64>,
    }
}

record! {
    /// The room was shared.
    pub struct Share<'a> {
        /// Where to, as the site says.
        1 target: Option<Cow<'a, str>>,
    }
}

record! {
    /// Something of the host's club.
    pub struct FanClub<'a> {
        /// What the site says of it.
        1 text: Cow<'a, str>,
        /// `joined`, `level_up`, or the site's number.
        2 action: Cow<'a, str>,
    }
}

record! {
    /// Numbers of people.
    pub struct Stats<'a> {
        /// How many there are now.
        1 viewers: Option<u64>,
        /// How many there were in this broadcast so far.
        2 total: Option<u64>,
        /// How hot the room is, by a rule of the site; no number of people.
        3 heat: Option<u64>,
        /// Hearts in this broadcast so far.
        4 likes: Option<u64>,
        /// As the site shows it.
        5 text: Option<Cow<'a, str>>,
        /// How many of those who are there now have a rank by what they pay.
        6 ranked: Option<u64>,
    }
}

record! {
    /// A ranking, whole.
    pub struct Rank<'a> {
        /// Which one, as the site calls it.
        1 name: Cow<'a, str>,
        /// They, the first first.
        2 users: Vec<Ranked<'a>>,
        /// What is different from the ranking of this name that came before it in this room. Empty for the first one.
        3 changes: Vec<RankChange<'a>>,
    }
}

record! {
    /// A place in a ranking.
    pub struct Ranked<'a> {
        /// Which: 1 is the first.
        1 place: u64,
        /// Who.
        2 user: User<'a>,
        /// For how much, as the site shows it.
        3 score: Cow<'a, str>,
    }
}

record! {
    /// Somebody has another place than before.
    pub struct RankChange<'a> {
        /// Who.
        1 user: User<'a>,
        /// Where they were; absent where they are new.
        2 from: Option<u64>,
        /// Where they are; absent where they are gone.
        3 to: Option<u64>,
    }
}

record! {
    /// What became of the broadcast.
    pub struct RoomStateChange<'a> {
        /// How it is now; absent where only the title is another one.
        1 state: Option<RoomState>,
        /// What it is called.
        2 title: Option<Cow<'a, str>>,
        /// Why, as the site says.
        3 text: Option<Cow<'a, str>>,
    }
}

names! {
    /// How a broadcast is.
    pub enum RoomState {
        /// It goes on.
        Live = "live",
        /// It pauses.
        Paused = "paused",
        /// It has ended.
        Ended = "ended",
    }
}

record! {
    /// Something the site says.
    pub struct Notice<'a> {
        /// What.
        1 text: Cow<'a, str>,
        /// Its parts, where the site tells them apart.
        2 pieces: Vec<Piece<'a>>,
    }
}

record! {
    /// Rooms that are linked.
    pub struct Link<'a> {
        /// What happens, as the site calls it.
        1 action: Cow<'a, str>,
        /// They compete for gifts.
        2 battle: bool,
        /// Those who take part, where the site tells.
        3 sides: Vec<LinkSide<'a>>,
    }
}

record! {
    /// One of linked rooms.
    pub struct LinkSide<'a> {
        /// The site's id of the room or its host.
        1 id: Cow<'a, str>,
        /// What they are called.
        2 name: Option<Cow<'a, str>>,
        /// What they have in a battle.
        3 score: Option<u64>,
    }
}

record! {
    /// Something of order and technique.
    pub struct Control<'a> {
        /// `leave`, `mute`, `unmute`, `admin`, `unadmin`, `kick`, `block`, `delete`, or the site's own name or number.
        1 action: Cow<'a, str>,
        /// What the site says of it.
        2 text: Option<Cow<'a, str>>,
        /// Ids of messages that are meant.
        3 ids: Vec<Cow<'a, str>>,
        /// Who did it to the user of the event.
        4 by: Option<Box<User<'a>>>,
    }
}

record! {
    /// What is not read.
    pub struct Unknown<'a> {
        /// Its bytes, without what is around them.
        1 bytes: Bytes<'a>,
    }
}
