//! What a room has sent, for readers to be compared with.

use std::collections::{BTreeMap, HashSet};

use pagewire_live::made::{Happening, Happens, Press, Repeat};
use pagewire_live::{Body, Event, GiftCount, RoomAccount, Site, Unit};
use serde::{Serialize, Serializer};

use crate::options::Status;
use crate::traffic::{Message, Played};
use crate::wire;

/// What a room has sent so far. A message counts when it happened, once, however many connections it goes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Manifest {
    /// The name of the room.
    pub room: String,
    /// Whose push server it is on: `douyin`, ….
    pub site: &'static str,
    /// How whoever asks finds it.
    pub status: Status,
    /// Nothing more comes.
    pub ended: bool,
    /// Messages, with those that the room sends again.
    pub messages: u64,
    /// Messages of ids of their own: as many as a reader gives that gives each once. Of a journal, those without an id are all among them.
    pub messages_unique: u64,
    /// These, by their kinds, which are those of [`Event`].
    pub by_kind: BTreeMap<&'static str, u64>,
    /// Messages that a fault has taken away for good. They are not among the others.
    pub lost: u64,
    /// What was given, each gift counted once.
    pub gifts: Gifts,
    /// What of its journal was played. None in a made-up room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub journal: Option<Played>,
    /// The ids of [`Manifest::messages_unique`], in the order in which they came. As JSON they are left out where there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<String>,
}

/// Gifts, counted once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Gifts {
    /// How many.
    pub count: u64,
    /// What they are worth, in the smallest unit of money. What was not paid for, [`Unit::SilverSeed`], is worth nothing.
    pub value: u64,
    /// The same, by the ids of senders and gifts. As JSON a list of [`Given`].
    #[serde(serialize_with = "as_list")]
    pub by_sender_and_gift: BTreeMap<(String, String), Given>,
}

/// Gifts of one kind that one person gave.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Given {
    /// Their id.
    pub sender: String,
    /// The id of the gift.
    pub gift: String,
    /// What it is called.
    pub name: String,
    /// How many.
    pub count: u64,
    /// What they are worth.
    pub value: u64,
}

fn as_list<S: Serializer>(
    given: &BTreeMap<(String, String), Given>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(given.values())
}

/// What happened on the connections of a room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Sockets that are open.
    pub open: u64,
    /// Sockets that were opened.
    pub opened: u64,
    /// Of these, those that went on from a cursor.
    pub resumed: u64,
    /// Openings that were refused.
    pub refused: u64,
    /// Frames that were sent.
    pub frames: u64,
    /// Frames that clients acknowledged.
    pub acks: u64,
    /// Acknowledgements that did not repeat what the frame said.
    pub acks_wrong: u64,
    /// How often clients said that they are there.
    pub heartbeats: u64,
    /// Answers to polling.
    pub polls: u64,
    /// Messages that a client did not get, for it came back or read too late.
    pub missed: u64,
}

/// Counts.
#[derive(Debug)]
pub(crate) struct Account {
    messages: u64,
    unique: u64,
    by_kind: BTreeMap<&'static str, u64>,
    gifts: Gifts,
    ids: Ids,
    pub(crate) lost: u64,
}

#[derive(Debug)]
enum Ids {
    /// Of messages that were made up, which say what they are.
    Made { seen: HashSet<u64>, all: Vec<u64> },
    /// Of messages that have to be read, as whoever watches the room does.
    Read {
        site: Site,
        asked_for: u64,
        account: Box<RoomAccount>,
        all: Vec<Box<str>>,
    },
}

impl Account {
    pub(crate) fn of_made() -> Self {
        let (seen, all) = (HashSet::new(), Vec::new());
        Self::of(Ids::Made { seen, all })
    }

    pub(crate) fn of_recorded(site: Site, asked_for: u64) -> Self {
        Self::of(Ids::Read {
            site,
            asked_for,
            account: Box::new(RoomAccount::new(site)),
            all: Vec::new(),
        })
    }

    fn of(ids: Ids) -> Self {
        Self {
            messages: 0,
            unique: 0,
            by_kind: BTreeMap::new(),
            gifts: Gifts::default(),
            ids,
            lost: 0,
        }
    }

    /// Counts a message that is told now.
    pub(crate) fn add(&mut self, message: &Message, now_ms: u64) {
        self.messages += 1;
        let gifts = &mut self.gifts;
        let kind = match (&mut self.ids, &message.happening) {
            (Ids::Made { seen, all }, Some(happening)) => {
                gifts.made(happening);
                seen.insert(message.id).then(|| {
                    all.push(message.id);
                    happening.what.kind().name()
                })
            }
            (Ids::Made { .. }, None) => None,
            (
                Ids::Read {
                    site,
                    asked_for,
                    account,
                    all,
                },
                _,
            ) => {
                let frame = wire::alone(*site, *asked_for, message, now_ms);
                let mut first = None;
                account.read(&frame, now_ms, |read| {
                    if let Ok(event) = read {
                        gifts.read(&event, &mut first);
                    }
                });
                first.map(|(kind, id)| {
                    all.push(id);
                    kind
                })
            }
        };
        if let Some(kind) = kind {
            self.unique += 1;
            *self.by_kind.entry(kind).or_default() += 1;
        }
    }

    pub(crate) const fn messages(&self) -> u64 {
        self.messages
    }

    pub(crate) fn manifest(
        &self,
        room: &str,
        site: &'static str,
        status: Status,
        journal: Option<Played>,
    ) -> Manifest {
        let ids = match &self.ids {
            Ids::Made { all, .. } => all.iter().map(u64::to_string).collect(),
            Ids::Read { all, .. } => all.iter().map(|id| id.to_string()).collect(),
        };
        Manifest {
            room: room.to_owned(),
            site,
            status,
            ended: status == Status::Ended,
            messages: self.messages,
            messages_unique: self.unique,
            by_kind: self.by_kind.clone(),
            lost: self.lost,
            gifts: self.gifts.clone(),
            journal,
            ids,
        }
    }
}

impl Gifts {
    fn made(&mut self, happening: &Happening) {
        if let (Happens::Gift(press), Repeat::First) = (&happening.what, happening.repeat) {
            self.press(press);
        }
    }

    fn press(&mut self, press: &Press) {
        let value = press.adds * press.gift.price;
        let (sender, gift) = (press.by.id.to_string(), press.gift.id.to_string());
        self.add(sender, gift, press.gift.name, press.adds, value);
    }

    /// Counts an event of a message; `first` is what the message is above all.
    fn read(&mut self, event: &Event<'_>, first: &mut Option<(&'static str, Box<str>)>) {
        if let Body::GiftDelta(gift) = &event.body {
            let sender = event.user.as_ref().map(|user| user.id.to_string());
            let (sender, id) = (sender.unwrap_or_default(), gift.gift.to_string());
            self.add(sender, id, &gift.name, gift.count, worth(gift));
        } else if !matches!(event.body, Body::GiftFinal(_)) {
            first.get_or_insert_with(|| (event.kind(), (*event.id).into()));
        }
    }

    fn add(&mut self, sender: String, gift: String, name: &str, count: u64, value: u64) {
        self.count = self.count.saturating_add(count);
        self.value = self.value.saturating_add(value);
        let key = (sender.clone(), gift.clone());
        let given = self.by_sender_and_gift.entry(key);
        let given = given.or_insert_with(|| Given {
            sender,
            gift,
            name: name.to_owned(),
            ..Given::default()
        });
        given.count = given.count.saturating_add(count);
        given.value = given.value.saturating_add(value);
    }
}

const fn worth(gift: &GiftCount<'_>) -> u64 {
    match gift.unit {
        Some(Unit::Diamond | Unit::YbCent | Unit::GoldSeed | Unit::Fen) => gift.value,
        Some(Unit::SilverSeed) | None => 0,
    }
}
