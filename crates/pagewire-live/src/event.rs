//! One model for what happens in rooms of all sites.
//!
//! An event borrows its texts from the message that it was read from. As JSON it is one object: who, when, where, and the members of its kind.

use std::borrow::Cow;

use serde::{Serialize, Serializer};

/// Something that happened in a room.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Event<'a> {
    /// The site's id of the message, as a text, since it may be longer than JavaScript's numbers are exact. Empty where it has none.
    pub id: Cow<'a, str>,
    /// Where.
    pub site: Site,
    /// The site's id of the room, as a text. Empty where the message does not tell.
    pub room: Cow<'a, str>,
    /// When, and who says so.
    #[serde(flatten)]
    pub time: Time,
    /// Who did it. None where nobody did, as with counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<User<'a>>,
    /// What.
    #[serde(flatten)]
    pub what: What<'a>,
    /// The site's own name of the kind.
    pub method: Cow<'a, str>,
}

/// A site of live rooms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Site {
    /// live.douyin.com
    Douyin,
}

/// A time, in milliseconds of Unix time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Time {
    /// It.
    pub time_ms: u64,
    /// Where it comes from.
    pub time_source: TimeSource,
}

/// Where a time comes from, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeSource {
    /// The site says when it happened.
    Event,
    /// The site says when the message was made.
    Create,
    /// When the frame came.
    Arrival,
}

/// A person, as the site shows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct User<'a> {
    /// The site's id, as a text.
    pub id: Cow<'a, str>,
    /// What they are called.
    pub name: Cow<'a, str>,
    /// How far they have come by paying, where the site tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<u64>,
    /// Marks of clubs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub badges: Vec<Badge<'a>>,
    /// The site hides who they are from those who have not logged in: many people share this id.
    #[serde(skip_serializing_if = "is_false")]
    pub masked: bool,
}

/// A mark of a club.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Badge<'a> {
    /// The club.
    pub name: Cow<'a, str>,
    /// How far in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<u64>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum What<'a> {
    /// Somebody said something.
    Chat {
        /// What. Emoji are in brackets, as the site writes them.
        text: Cow<'a, str>,
    },
    /// Somebody gave something. How many is told by [`GiftLedger`](crate::GiftLedger), not by adding messages up.
    Gift(Gift<'a>),
    /// Somebody pressed the heart.
    Like {
        /// How often, in this message.
        count: u64,
        /// How often all together did, in this broadcast.
        total: u64,
    },
    /// Somebody came in.
    Enter {
        /// How many there are now.
        #[serde(skip_serializing_if = "Option::is_none")]
        viewers: Option<u64>,
    },
    /// Somebody follows the host from now on.
    Follow {
        /// How many do.
        #[serde(skip_serializing_if = "Option::is_none")]
        followers: Option<u64>,
    },
    /// Somebody shared the room.
    Share,
    /// Somebody joined the host's club, or rose in it.
    FanClub {
        /// What the site says of it.
        text: Cow<'a, str>,
    },
    /// How many people there are.
    Stats {
        /// Now.
        #[serde(skip_serializing_if = "Option::is_none")]
        viewers: Option<u64>,
        /// In this broadcast so far.
        #[serde(skip_serializing_if = "Option::is_none")]
        total: Option<u64>,
        /// As the site shows it.
        text: Cow<'a, str>,
    },
    /// Who gave most, the first first.
    Rank {
        /// They.
        users: Vec<Ranked<'a>>,
    },
    /// The broadcast goes on, pauses or ends.
    RoomState {
        /// What it does.
        state: RoomState,
    },
    /// The site says something to all.
    Notice {
        /// What.
        text: Cow<'a, str>,
    },
    /// A kind that is not read.
    Unknown {
        /// Its bytes.
        #[serde(serialize_with = "as_base64")]
        base64: &'a [u8],
    },
}

/// A message about a gift, with all that the site counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gift<'a> {
    /// The site's id of the gift, as a text.
    pub gift: Cow<'a, str>,
    /// What it is called.
    pub name: Cow<'a, str>,
    /// How many are in one press.
    pub group_count: u64,
    /// How often it was repeated.
    pub repeat_count: u64,
    /// Presses so far in this combo.
    pub combo_count: u64,
    /// All of the combo, where the site adds up.
    pub total_count: u64,
    /// What the site tells runs of presses apart by.
    pub combo: Cow<'a, str>,
    /// The site says that this combo has ended.
    pub ends: bool,
    /// What one is worth.
    pub unit_value: u64,
    /// In what.
    pub unit: Unit,
    /// Who gets it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receiver: Option<User<'a>>,
}

/// The smallest money of a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Douyin; ten are commonly sold for one yuan.
    Diamond,
}

/// A place in a ranking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ranked<'a> {
    /// Who.
    pub user: User<'a>,
    /// For how much, as the site shows it.
    pub score: Cow<'a, str>,
}

/// What a broadcast does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RoomState {
    /// It goes on.
    Live,
    /// It pauses.
    Paused,
    /// It has ended.
    Ended,
}

fn as_base64<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    use base64::display::Base64Display;
    use base64::engine::general_purpose::STANDARD;
    serializer.collect_str(&Base64Display::new(bytes, &STANDARD))
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}
