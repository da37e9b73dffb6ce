//! The pages that left lately, for those who miss them.

use std::collections::VecDeque;
use std::time::Instant;

use pagewire_rpc::{Departure, GroupName, PageId};

use crate::hints::Left;

/// Departures that are remembered; one more takes the place of the oldest.
const DEPARTURES_MAX: usize = 64;

/// The newest last.
#[derive(Debug, Default)]
pub(super) struct Departures(VecDeque<Gone>);

#[derive(Debug)]
struct Gone {
    page: PageId,
    group: GroupName,
    at: Instant,
    why: Departure,
}

impl Departures {
    pub(super) fn add(&mut self, page: PageId, group: GroupName, why: Departure, at: Instant) {
        if self.0.len() >= DEPARTURES_MAX {
            self.0.pop_front();
        }
        self.0.push_back(Gone {
            page,
            group,
            at,
            why,
        });
    }

    /// The last page that left the group, or the last time that this page of it did.
    pub(super) fn last(
        &self,
        group: &GroupName,
        page: Option<&PageId>,
        now: Instant,
    ) -> Option<Left> {
        let is_wanted =
            |gone: &&Gone| gone.group == *group && page.is_none_or(|page| gone.page == *page);
        let gone = self.0.iter().rev().find(is_wanted)?;
        Some(Left {
            page: gone.page.clone(),
            ago: now.saturating_duration_since(gone.at),
            why: gone.why.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_newest_departures_are_remembered_up_to_the_limit() {
        let began = Instant::now();
        let group = |n: usize| GroupName::new(&format!("g{}", n % 2)).expect("a name");
        let page = |n: usize| PageId::new(&format!("p{n}")).expect("an id");
        let mut departures = Departures::default();
        for n in 0..DEPARTURES_MAX {
            let at = began + Duration::from_secs(n as u64);
            departures.add(page(n), group(n), Departure::Lost, at);
        }
        let now = began + Duration::from_secs(DEPARTURES_MAX as u64);
        let last = |departures: &Departures, n, page| {
            let left = departures.last(&group(n), page, now)?;
            Some((left.page, left.ago.as_secs()))
        };
        let first = page(0);
        assert_eq!(last(&departures, 0, Some(&first)), Some((page(0), 64)));
        assert_eq!(last(&departures, 1, Some(&first)), None, "of another group");
        assert_eq!(last(&departures, 0, None), Some((page(62), 2)));
        departures.add(page(64), group(1), Departure::Kicked, now);
        assert_eq!(
            last(&departures, 0, Some(&first)),
            None,
            "one past the limit"
        );
        assert_eq!(last(&departures, 1, None), Some((page(64), 0)));
    }
}
