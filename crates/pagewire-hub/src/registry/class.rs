//! Pages of one group that expose the same functions, in the order in which they are asked.
//!
//! Most groups have one class. A group whose pages differ has one for each set of functions, so that finding a page never walks over pages that
//! lack the function.

use std::collections::BTreeMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher as _};
use std::sync::Arc;

use pagewire_rpc::{FunctionName, PageId};

use crate::FastMap;

/// Points of one page on the ring of keys: enough that shares differ by about a quarter, few enough for thousands of pages.
const RING_POINTS: u64 = 16;
/// Random draws before the order decides.
const DRAWS: u64 = 8;

/// The names of all functions of a page, sorted.
pub(super) type Names = Arc<[FunctionName]>;

/// The place of a page in the order: the lowest is asked next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    /// It did not answer, so it stands behind all that did.
    pub(super) suspect: bool,
    /// Calls under way, where they count.
    pub(super) load: usize,
    /// When it was asked last.
    pub(super) turn: u64,
}

/// A page of a class that can take a call, and its distance from what was asked for: the lowest of all classes wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Candidate<'a, D> {
    pub(super) distance: D,
    pub(super) page: &'a PageId,
}

/// Holds only pages that take new calls: draining ones are in no class.
#[derive(Debug, Default)]
pub(super) struct Class {
    order: BTreeMap<Rank, PageId>,
    /// The same pages as a list, for random draws.
    members: Vec<(PageId, Rank)>,
    places: FastMap<PageId, usize>,
    /// Which page each key belongs to; made with the first call that has a key.
    ring: Option<BTreeMap<u64, PageId>>,
}

impl Class {
    pub(super) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    pub(super) fn add(&mut self, id: PageId, rank: Rank) {
        if let Some(ring) = &mut self.ring {
            ring.extend(ring_points(&id));
        }
        self.order.insert(rank, id.clone());
        self.places.insert(id.clone(), self.members.len());
        self.members.push((id, rank));
    }

    pub(super) fn remove(&mut self, id: &PageId) {
        let Some(place) = self.places.remove(id) else {
            return;
        };
        let (_, rank) = self.members.swap_remove(place);
        self.order.remove(&rank);
        if let Some((moved, _)) = self.members.get(place) {
            self.places.insert(moved.clone(), place);
        }
        if let Some(ring) = &mut self.ring {
            for (point, _) in ring_points(id) {
                ring.remove(&point);
            }
        }
    }

    /// Moves a page to another place in the order.
    pub(super) fn set_rank(&mut self, id: &PageId, rank: Rank) {
        let place = self.places.get(id).copied();
        if let Some((_, old)) = place.and_then(|place| self.members.get_mut(place)) {
            if let Some(id) = self.order.remove(old) {
                self.order.insert(rank, id);
            }
            *old = rank;
        }
    }

    /// The page that is asked next, but none of `tried`.
    pub(super) fn first(&self, tried: &[PageId]) -> Option<Candidate<'_, Rank>> {
        let mut order = self.order.iter();
        order
            .find(|(_, id)| !tried.contains(id))
            .map(|(rank, page)| Candidate {
                distance: *rank,
                page,
            })
    }

    /// Any page that answers, but none of `tried`. `None` after a few draws without luck.
    pub(super) fn draw(&self, tried: &[PageId], random: u64) -> Option<&PageId> {
        let draws = (0..DRAWS).filter_map(|draw| {
            let index = hash(&(random, draw)) % self.members.len().max(1) as u64;
            self.members.get(usize::try_from(index).ok()?)
        });
        let lucky = |(id, rank): &&(PageId, Rank)| !rank.suspect && !tried.contains(id);
        draws.into_iter().find(lucky).map(|(id, _)| id)
    }

    /// The page that a key belongs to, or the next one on the ring: pages that answer come first, and none of `tried`.
    pub(super) fn owner(
        &mut self,
        key: &str,
        tried: &[PageId],
    ) -> Option<Candidate<'_, (bool, u64)>> {
        let members = &self.members;
        let ring = self
            .ring
            .get_or_insert_with(|| members.iter().flat_map(|(id, _)| ring_points(id)).collect());
        let start = hash(&key);
        let around = || ring.range(start..).chain(ring.range(..start));
        let suspect = |id: &PageId| {
            let place = self.places.get(id).copied();
            place
                .and_then(|place| members.get(place))
                .is_some_and(|(_, rank)| rank.suspect)
        };
        let free = |(_, id): &(&u64, &PageId)| !tried.contains(id);
        around()
            .filter(free)
            .find(|(_, id)| !suspect(id))
            .or_else(|| around().find(free))
            .map(|(point, page)| Candidate {
                distance: (suspect(page), point.wrapping_sub(start)),
                page,
            })
    }
}

fn ring_points(id: &PageId) -> impl Iterator<Item = (u64, PageId)> {
    (0..RING_POINTS).map(move |point| (hash(&(id, point)), id.clone()))
}

/// The same in every run of one build, so that a key keeps its page over a restart of the hub.
pub(super) fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
