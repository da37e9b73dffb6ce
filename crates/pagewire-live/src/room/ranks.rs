//! Rankings, and who moved in them.

use std::collections::HashMap;

use crate::event::{EVENT_LIST_MAX, Rank, RankChange, Ranked, User};
use crate::model::IntoOwned as _;

/// Rankings of a room, by name, that are remembered. Of more there are no changes.
pub const ROOM_RANKINGS_MAX: usize = 16;

/// The last ranking of each name.
#[derive(Debug, Default)]
pub(super) struct Ranks {
    last: HashMap<String, Vec<Ranked<'static>>>,
}

impl Ranks {
    /// Fills in what is different from the last ranking of this name, and remembers this one.
    pub(super) fn compare(&mut self, rank: &mut Rank<'_>) {
        let known = self.last.contains_key(&*rank.name);
        if !known && self.last.len() >= ROOM_RANKINGS_MAX {
            return;
        }
        let now: Vec<_> = rank.users.clone().into_owned();
        if let Some(before) = self.last.insert(rank.name.clone().into_owned(), now) {
            rank.changes = changes(&before, &rank.users).into_owned();
        }
    }
}

/// Those who moved or are new by where they are now, then those who are gone.
fn changes<'a>(before: &[Ranked<'a>], now: &[Ranked<'a>]) -> Vec<RankChange<'a>> {
    let places = |ranking: &[Ranked<'_>]| -> HashMap<_, _> {
        ranking
            .iter()
            .map(|ranked| (key(&ranked.user), ranked.place))
            .collect()
    };
    let (were, are) = (places(before), places(now));
    let moved = now.iter().filter_map(|ranked| {
        let from = were.get(&key(&ranked.user)).copied();
        (from != Some(ranked.place)).then(|| RankChange {
            user: ranked.user.clone(),
            from,
            to: Some(ranked.place),
        })
    });
    let gone = before.iter().filter_map(|ranked| {
        let is_gone = !are.contains_key(&key(&ranked.user));
        is_gone.then(|| RankChange {
            user: ranked.user.clone(),
            from: Some(ranked.place),
            to: None,
        })
    });
    moved.chain(gone).take(EVENT_LIST_MAX).collect()
}

/// Masked people share an id.
fn key(user: &User<'_>) -> (String, String) {
    let name = if user.masked || user.id.is_empty() {
        &*user.name
    } else {
        ""
    };
    (user.id.to_string(), name.to_owned())
}
