//! What made-up messages hold, for whoever reads them to compare with.

use std::collections::{BTreeMap, HashSet};

use serde::{Serialize, Serializer};

use super::combos::Press;
use super::room::{Happening, Happens, Kind, Repeat};

/// What is in a number of frames.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Manifest {
    /// Messages as a site's socket sends them; 0 where only happenings were counted.
    pub frames: u64,
    /// Bytes of all frames.
    pub bytes: u64,
    /// Bytes of what was packed into them.
    pub unpacked_bytes: u64,
    /// Messages, with those that came before.
    pub messages: u64,
    /// Ids of messages.
    pub messages_unique: u64,
    /// Messages by their kinds, with those that came before.
    pub by_kind: BTreeMap<Kind, u64>,
    /// What was given, each gift counted once.
    pub gifts: Totals,
    #[serde(skip)]
    ids: HashSet<u64>,
}

/// Gifts, counted once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// How many.
    pub count: u64,
    /// What they are worth, in the smallest unit of money.
    pub value: u64,
    /// The same, by the ids of senders and gifts. As JSON a list of [`Given`].
    #[serde(serialize_with = "as_list")]
    pub by_sender_and_gift: BTreeMap<(u64, u64), Given>,
}

/// Gifts of one kind that one person gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Given {
    /// Their id, as a text.
    pub sender: String,
    /// The id of the gift, as a text.
    pub gift: String,
    /// What it is called.
    pub name: &'static str,
    /// How many.
    pub count: u64,
    /// What they are worth.
    pub value: u64,
}

impl Manifest {
    /// Of messages that are no frames yet.
    pub fn of<'a>(happenings: impl IntoIterator<Item = &'a Happening>) -> Self {
        let mut manifest = Self::default();
        for happening in happenings {
            manifest.add(happening);
        }
        manifest
    }

    /// Counts a message.
    pub fn add(&mut self, happening: &Happening) {
        self.messages += 1;
        if self.ids.insert(happening.id) {
            self.messages_unique += 1;
        }
        *self.by_kind.entry(happening.what.kind()).or_default() += 1;
        if let (Happens::Gift(press), Repeat::First) = (&happening.what, happening.repeat) {
            self.gifts.add(press);
        }
    }
}

impl Totals {
    fn add(&mut self, press: &Press) {
        let value = press.adds * press.gift.price;
        self.count += press.adds;
        self.value += value;
        let given = self.by_sender_and_gift.entry((press.by.id, press.gift.id));
        let given = given.or_insert_with(|| Given {
            sender: press.by.id.to_string(),
            gift: press.gift.id.to_string(),
            name: press.gift.name,
            count: 0,
            value: 0,
        });
        given.count += press.adds;
        given.value += value;
    }
}

fn as_list<S: Serializer>(
    given: &BTreeMap<(u64, u64), Given>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(given.values())
}
