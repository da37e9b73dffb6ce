//! Whose topics they are, and who gives way where there are too many.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use pagewire_rpc::TopicName;

use super::history::Room;
use super::record::Record;
use super::{PublishError, Topic, Topics};
use crate::FastMap;

type TopicMap = FastMap<TopicName, Arc<Topic>>;

/// What made room, to be freed when no lock is held.
#[derive(Debug, Default)]
pub(super) struct Leftovers {
    topics: Vec<Arc<Topic>>,
    records: Vec<VecDeque<Arc<Record>>>,
}

/// Who makes topics, by their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner<'a> {
    Others,
    /// The pages of this group: `pages/{group}/…`.
    Group(&'a str),
    /// The connections of this page: `taps/{page}/…`.
    Page(&'a str),
}

impl<'a> Owner<'a> {
    pub(super) fn of(name: &'a TopicName) -> Self {
        let group = || name.as_str().strip_prefix("pages/")?.split_once('/');
        match (name.tapped_page(), group()) {
            (Some(page), _) => Self::Page(page),
            (None, Some((group, _))) => Self::Group(group),
            (None, None) => Self::Others,
        }
    }
}

impl Topics {
    /// Sees to it that there may be one more topic of this owner.
    pub(super) fn make_room(
        &self,
        owner: Owner<'_>,
        topics: &mut TopicMap,
    ) -> Result<Leftovers, PublishError> {
        let mut leftovers = Leftovers::default();
        let max = self.options.topics_per_group_max;
        let is_own = |name: &TopicName| Owner::of(name) == owner;
        // One group or page must not push out what belongs to others.
        let is_full = || topics.keys().filter(|name| is_own(name)).count() >= max;
        match owner {
            Owner::Group(_) if is_full() => return Err(PublishError::TooManyTopicsInGroup(max)),
            Owner::Page(_) if is_full() => {
                let evicted = evict_quietest(topics, is_own);
                let evicted = evicted.ok_or(PublishError::TooManyTapsOfPage(max))?;
                leftovers.topics.push(evicted);
            }
            Owner::Others | Owner::Group(_) | Owner::Page(_) => {}
        }
        let max = self.options.topics_max;
        if topics.len() >= max {
            let evicted = evict_quietest(topics, |_| true);
            let evicted = evicted.ok_or(PublishError::TooManyTopics(max))?;
            leftovers.topics.push(evicted);
        }
        if matches!(owner, Owner::Page(_)) {
            leftovers.records = self.make_room_for_tap(topics);
        }
        Ok(leftovers)
    }

    /// Lets the taps that were quiet longest and that nobody follows keep only their newest value, until there is room for a whole new one.
    /// What closed connections left behind would otherwise be in the way of those that live.
    fn make_room_for_tap(&self, topics: &TopicMap) -> Vec<VecDeque<Arc<Record>>> {
        let is_idle_tap = |(name, topic): &(&TopicName, &Arc<Topic>)| {
            name.tapped_page().is_some() && topic.head.receiver_count() == 0
        };
        let idle = topics.iter().filter(is_idle_tap).map(|(_, topic)| topic);
        let mut idle: Vec<_> = idle.collect();
        idle.sort_by_key(|topic| topic.last_published.load(Ordering::Relaxed));
        let wanted = self.options.tap_bytes_max;
        let has_room = || self.bytes.of_taps() + wanted <= self.options.tap_bytes_total_max;
        let mut idle = idle.into_iter();
        std::iter::from_fn(|| {
            let quietest = if has_room() { None } else { idle.next() };
            quietest.map(|topic| topic.state().keep_newest())
        })
        .collect()
    }

    /// How much a topic of this owner may keep.
    pub(super) fn room(&self, owner: Owner<'_>) -> Room {
        let options = &self.options;
        match owner {
            Owner::Others | Owner::Group(_) => Room {
                values_max: options.values_max,
                bytes_max: options.bytes_max,
                tap_bytes_total_max: None,
                bytes_total_max: options.bytes_total_max,
            },
            Owner::Page(_) => Room {
                values_max: options.tap_values_max,
                bytes_max: options.tap_bytes_max,
                tap_bytes_total_max: Some(options.tap_bytes_total_max),
                bytes_total_max: options.bytes_total_max,
            },
        }
    }
}

/// Takes out the topic that was published to longest ago, among those without subscribers that `may_go` allows.
fn evict_quietest(
    topics: &mut TopicMap,
    may_go: impl Fn(&TopicName) -> bool,
) -> Option<Arc<Topic>> {
    let idle = topics
        .iter()
        .filter(|(name, topic)| topic.head.receiver_count() == 0 && may_go(name));
    let quietest = idle.min_by_key(|(_, topic)| topic.last_published.load(Ordering::Relaxed));
    let name = quietest.map(|(name, _)| name.clone())?;
    topics.remove(&name)
}
