//! What a room was, in numbers: what people want to know when they stop watching.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use crate::event::{Body, Event, GiftCount, Unit, User};
use crate::room::person;

/// People who gave and are told apart. What more of them give is counted together.
pub const TALLY_GIVERS_MAX: usize = 65_536;

/// Counts events as a [`Room`](crate::Room) gives them.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    kinds: BTreeMap<&'static str, u64>,
    first_ms: Option<u64>,
    last_ms: u64,
    peak_viewers: Option<Peak>,
    given: Given,
    givers: HashMap<Box<str>, Giver>,
    other_givers: Given,
}

/// The most viewers that the site told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Peak {
    /// How many.
    pub viewers: u64,
    /// When, in milliseconds of Unix time.
    pub time_ms: u64,
}

/// Gifts together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Given {
    /// How many.
    pub count: u64,
    /// What they are worth, by the names of units. Empty where the site does not tell.
    pub values: BTreeMap<&'static str, u64>,
}

/// Somebody who gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Giver {
    /// The site's id.
    pub id: Box<str>,
    /// What they were called first.
    pub name: Box<str>,
    /// Who they are is hidden.
    pub masked: bool,
    /// All of it.
    #[serde(flatten)]
    pub given: Given,
}

impl Given {
    fn add(&mut self, gift: &GiftCount<'_>) {
        self.count = self.count.saturating_add(gift.count);
        if let Some(unit) = gift.unit {
            let value = self.values.entry(unit.name()).or_default();
            *value = value.saturating_add(gift.value);
        }
    }

    /// The most valuable first. Units cannot be compared, so the one that is paid for most often, [`Unit::SilverSeed`], counts for nothing.
    fn rank(&self) -> (u64, u64) {
        let paid = self.values.iter();
        let paid = paid.filter(|(unit, _)| **unit != Unit::SilverSeed.name());
        let value = paid.fold(0_u64, |sum, (_, value)| sum.saturating_add(*value));
        (value, self.count)
    }
}

impl Tally {
    /// Counts an event. Gifts are counted by `gift.delta`, so that the sum is right at any moment.
    pub fn add(&mut self, event: &Event<'_>) {
        let count = self.kinds.entry(event.kind()).or_default();
        *count = count.saturating_add(1);
        let time_ms = event.time.ms;
        self.first_ms = Some(self.first_ms.map_or(time_ms, |first| first.min(time_ms)));
        self.last_ms = self.last_ms.max(time_ms);
        match &event.body {
            Body::Stats(stats) => self.viewers(stats.viewers, time_ms),
            Body::GiftDelta(gift) => self.gift(event.user.as_ref(), gift),
            Body::Chat(_)
            | Body::Gift(_)
            | Body::GiftFinal(_)
            | Body::Like(_)
            | Body::Enter(_)
            | Body::Follow(_)
            | Body::Share(_)
            | Body::FanClub(_)
            | Body::Rank(_)
            | Body::RoomState(_)
            | Body::Notice(_)
            | Body::Link(_)
            | Body::Control(_)
            | Body::Unknown(_) => {}
        }
    }

    fn viewers(&mut self, viewers: Option<u64>, time_ms: u64) {
        let known = self.peak_viewers.map(|peak| peak.viewers);
        if let Some(viewers) = viewers
            && known.is_none_or(|known| viewers > known)
        {
            self.peak_viewers = Some(Peak { viewers, time_ms });
        }
    }

    fn gift(&mut self, user: Option<&User<'_>>, gift: &GiftCount<'_>) {
        self.given.add(gift);
        let key = person(user);
        if let Some(giver) = self.givers.get_mut(&key) {
            return giver.given.add(gift);
        }
        if self.givers.len() >= TALLY_GIVERS_MAX {
            return self.other_givers.add(gift);
        }
        let mut giver = Giver {
            id: user.map(|user| (*user.id).into()).unwrap_or_default(),
            name: user.map(|user| (*user.name).into()).unwrap_or_default(),
            masked: user.is_some_and(|user| user.masked),
            given: Given::default(),
        };
        giver.given.add(gift);
        self.givers.insert(key, giver);
    }

    /// Events by kind, those that there were.
    pub const fn kinds(&self) -> &BTreeMap<&'static str, u64> {
        &self.kinds
    }

    /// When the first and the last event happened, in milliseconds of Unix time. None without any.
    pub fn span_ms(&self) -> Option<(u64, u64)> {
        self.first_ms.map(|first| (first, self.last_ms))
    }

    /// None where the site told of none.
    pub const fn peak_viewers(&self) -> Option<Peak> {
        self.peak_viewers
    }

    /// All gifts.
    pub const fn given(&self) -> &Given {
        &self.given
    }

    /// Who gave, those who gave most first, at most so many.
    pub fn givers(&self, most: usize) -> Vec<&Giver> {
        let mut givers: Vec<_> = self.givers.values().collect();
        givers.sort_by(|a, b| {
            let order = b.given.rank().cmp(&a.given.rank());
            order.then_with(|| (&a.name, &a.id).cmp(&(&b.name, &b.id)))
        });
        givers.truncate(most);
        givers
    }

    /// What those gave together who are not told apart, as there were more than [`TALLY_GIVERS_MAX`].
    pub const fn other_givers(&self) -> &Given {
        &self.other_givers
    }
}
