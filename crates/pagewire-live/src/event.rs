//! One model for what happens in rooms of all sites.
//!
//! An event borrows its texts from the message that it was read from. As JSON it is one object: who, when, where, its `kind`, and a member of that
//! name (`gift.delta`: `gift_delta`) with what only this kind has.

mod body;
mod id;
mod site_part;

use std::borrow::Cow;

pub use body::{
    Body, Chat, Control, Enter, FanClub, Follow, Gift, GiftCount, Like, Link, LinkSide, Notice,
    Piece, PieceKind, Rank, RankChange, Ranked, RoomState, RoomStateChange, Share, Stats, Unit,
    Unknown,
};
pub use id::Id;
pub use site_part::{SiteFormat, SitePart};

use crate::model::{Described, IntoOwned, Member, Record, Shape, names, record, write_member};

/// Entries of one list in an event (badges, places, pieces, …). Of more the rest is left out; the site's part has all.
pub const EVENT_LIST_MAX: usize = 1_024;

/// Bytes of the pieces that stand in one text for its marks: a text may name a long one again and again. Behind so many the rest of the text stands as it
/// is; the site's part has all.
pub const PIECES_BYTES_MAX: usize = 64 * 1_024;

pub(crate) fn push<T>(list: &mut Vec<T>, entry: T) {
    if list.len() < EVENT_LIST_MAX {
        list.push(entry);
    }
}

pub(crate) fn push_some<T>(list: &mut Vec<T>, entry: Option<T>) {
    if let Some(entry) = entry {
        push(list, entry);
    }
}

/// Something that happened in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event<'a> {
    /// Where.
    pub site: Site,
    /// The site's id of the room, as a text. Empty where the message does not tell.
    pub room: Id<'a>,
    /// The site's id of the message, as a text, since it may be longer than JavaScript's numbers are exact. Empty where it has none. A message that
    /// tells of several things becomes several events with the same id; where they are of the same kind, a number stands behind that of the second one, and
    /// so on.
    pub id: Id<'a>,
    /// When, and who says so.
    pub time: Time,
    /// Who did it. None where nobody did, as with counts.
    pub user: Option<User<'a>>,
    /// What.
    pub body: Body<'a>,
    /// The site's own name of the kind.
    pub method: Cow<'a, str>,
    /// The message as the site sent it, without what is around it.
    pub part: SitePart<'a>,
}

names! {
    /// A site of live rooms.
    pub enum Site {
        /// live.douyin.com
        Douyin = "douyin",
        /// www.huya.com
        Huya = "huya",
        /// live.bilibili.com
        Bilibili = "bilibili",
        /// www.douyu.com
        Douyu = "douyu",
        /// www.tiktok.com
        Tiktok = "tiktok",
    }
}

/// A time, in milliseconds of Unix time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time {
    /// It.
    pub ms: u64,
    /// Where it comes from.
    pub source: TimeSource,
}

impl Time {
    /// The best of what there is; 0 is none.
    pub const fn best(event_ms: u64, create_ms: u64, arrival_ms: u64) -> Self {
        let (ms, source) = match (event_ms, create_ms) {
            (0, 0) => (arrival_ms, TimeSource::Arrival),
            (0, _) => (create_ms, TimeSource::Create),
            _ => (event_ms, TimeSource::Event),
        };
        Self { ms, source }
    }
}

names! {
    /// Where a time comes from, the best first.
    pub enum TimeSource {
        /// The site says when it happened.
        Event = "event",
        /// The site says when the message was made.
        Create = "create",
        /// When the frame came.
        Arrival = "arrival",
    }
}

record! {
    /// A person, as the site shows them.
    pub struct User<'a> {
        /// The site's id, as a text.
        1 id: Id<'a>,
        /// What they are called.
        2 name: Cow<'a, str>,
        /// How far they have come by paying, where the site tells.
        3 level: Option<u64>,
        /// Marks of clubs.
        4 badges: Vec<Badge<'a>>,
        /// The site hides who they are from those who have not logged in: many people share this id or this name.
        5 masked: bool,
        /// Where the site tells.
        6 gender: Option<Gender>,
        /// The address of a small picture.
        7 avatar: Option<Cow<'a, str>>,
        /// They keep order in this room.
        8 admin: bool,
    }
}

record! {
    /// A mark of a club.
    pub struct Badge<'a> {
        /// The club.
        1 name: Cow<'a, str>,
        /// How far in it.
        2 level: Option<u64>,
        /// The site's id of the room that it is of.
        3 room: Option<Cow<'a, str>>,
    }
}

names! {
    /// As the site says.
    pub enum Gender {
        /// Male.
        Male = "male",
        /// Female.
        Female = "female",
    }
}

impl Event<'_> {
    /// The names of all kinds: `chat`, `gift`, …
    pub fn kinds() -> impl Iterator<Item = &'static str> {
        Body::KINDS.0.iter().map(|(kind, _)| *kind)
    }

    /// `chat`, `gift.delta`, …
    pub const fn kind(&self) -> &'static str {
        self.body.kind()
    }

    /// With texts of its own.
    pub fn into_owned(self) -> Event<'static> {
        Event {
            site: self.site,
            room: IntoOwned::into_owned(self.room),
            id: IntoOwned::into_owned(self.id),
            time: self.time,
            user: IntoOwned::into_owned(self.user),
            body: self.body.into_owned(),
            method: IntoOwned::into_owned(self.method),
            part: self.part.into_owned(),
        }
    }

    /// Appends the event as one line of JSON, without a line feed.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"site\":");
        self.site.write_json(out);
        write_member(out, ",\"room\":", &self.room);
        write_member(out, ",\"id\":", &self.id);
        out.extend_from_slice(b",\"kind\":\"");
        out.extend_from_slice(self.kind().as_bytes());
        out.push(b'"');
        write_member(out, ",\"time_ms\":", &self.time.ms);
        write_member(out, ",\"time_source\":", &self.time.source);
        write_member(out, ",\"user\":", &self.user);
        self.body.write_member(out);
        write_member(out, ",\"method\":", &self.method);
        out.push(b'}');
    }

    /// As [`write_json`](Self::write_json), with a member `site_fields`: all that the site sent, as JSON, by the names of our schema where there is
    /// one. What cannot be read is left out. Without the feature `schema` there is none for Douyin, and its fields are as they look
    /// ([`RawMessage`](pagewire_codec::proto::RawMessage)).
    pub fn write_json_with_site_fields(&self, out: &mut Vec<u8>) {
        self.write_json(out);
        let end = out.len().saturating_sub(1);
        out.truncate(end);
        out.extend_from_slice(b",\"site_fields\":");
        if !self.part.write_json(&self.method, out) {
            out.truncate(end);
        }
        out.push(b'}');
    }
}

/// Numbers of members that only one kind has are not below this.
pub(crate) const KIND_MEMBERS_FROM: u32 = 16;

/// The shape of an event, with a member for each kind.
pub(crate) fn event_record() -> Record {
    let member = |number, name, doc, shape| Member {
        number,
        name,
        doc,
        shape,
    };
    let mut members = vec![
        member(1, "site", &["Where."], Site::shape()),
        member(
            2,
            "room",
            &["The site's id of the room. Empty where the message does not tell."],
            Shape::Text,
        ),
        member(
            3,
            "id",
            &["The site's id of the message. Empty where it has none."],
            Shape::Text,
        ),
        member(4, "kind", &["What happened."], Shape::Name(Body::KINDS)),
        member(
            5,
            "time_ms",
            &["When, in milliseconds of Unix time."],
            Shape::Count,
        ),
        member(6, "time_source", &["Who says so."], TimeSource::shape()),
        member(7, "user", &["Who did it."], Option::<User<'_>>::shape()),
        member(
            8,
            "method",
            &["The site's own name of the kind."],
            Shape::Text,
        ),
    ];
    members.extend(Body::members());
    Record {
        name: "Event",
        doc: &["Something that happened in a room."],
        members,
    }
}
