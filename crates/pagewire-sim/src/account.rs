//! What a room has sent, for readers to be compared with.

use std::collections::{BTreeMap, HashSet};

use pagewire_live::made::{self, Happening, Kind, Totals};
use serde::{Serialize, Serializer};

use crate::options::Status;

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
    /// Messages of ids of their own: as many as a reader gives that gives each once.
    pub messages_unique: u64,
    /// These, by their kinds.
    pub by_kind: BTreeMap<Kind, u64>,
    /// Messages that a fault has taken away for good. They are not among the others.
    pub lost: u64,
    /// What was given, each gift counted once.
    pub gifts: Totals,
    /// The ids of [`Manifest::messages_unique`], in the order in which they came. As JSON they are texts, and are left out where there are none.
    #[serde(serialize_with = "as_texts", skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<u64>,
}

fn as_texts<S: Serializer>(ids: &[u64], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(ids.iter().map(u64::to_string))
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
#[derive(Debug, Default)]
pub(crate) struct Account {
    all: made::Manifest,
    by_kind: BTreeMap<Kind, u64>,
    seen: HashSet<u64>,
    ids: Vec<u64>,
    pub(crate) lost: u64,
}

impl Account {
    pub(crate) fn add(&mut self, happening: &Happening) {
        self.all.add(happening);
        if self.seen.insert(happening.id) {
            self.ids.push(happening.id);
            *self.by_kind.entry(happening.what.kind()).or_default() += 1;
        }
    }

    pub(crate) const fn messages(&self) -> u64 {
        self.all.messages
    }

    pub(crate) fn manifest(&self, room: &str, site: &'static str, status: Status) -> Manifest {
        Manifest {
            room: room.to_owned(),
            site,
            status,
            ended: status == Status::Ended,
            messages: self.all.messages,
            messages_unique: self.all.messages_unique,
            by_kind: self.by_kind.clone(),
            lost: self.lost,
            gifts: self.all.gifts.clone(),
            ids: self.ids.clone(),
        }
    }
}
