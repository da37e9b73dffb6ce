//! Topics: what was published is kept for a while and handed to any number of subscribers.
//!
//! A subscriber holds no values of its own: it is a place in the topic's history. Its buffer is therefore the history itself, and
//! falling behind it is the one way to lose values; that is always told, with the number.

mod history;
mod record;
mod subscription;

use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pagewire_rpc::{Payload, TopicName};
use serde::Serialize;
use tokio::sync::watch;

use self::history::History;
pub use self::record::{Cursor, Record};
pub use self::subscription::{Notice, SlowReader, Start, Subscription};
use crate::FastMap;

/// How much is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicOptions {
    /// Values kept in each topic. Default 1,024, at least 1.
    pub values_max: usize,
    /// Bytes of values kept in each topic. Default 4 MiB; the newest value is kept even if it is larger.
    pub bytes_max: usize,
    /// Bytes of values kept in all topics together. Default 256 MiB; above it a topic keeps only its newest value.
    pub bytes_total_max: usize,
    /// Topics. Default 1,024. One more takes the place of the topic without subscribers that was published to longest ago.
    pub topics_max: usize,
    /// Topics of one page group. Default 64; one more is refused.
    pub topics_per_group_max: usize,
    /// Subscribers of one topic. Default 4,096; one more is refused.
    pub subscribers_max: usize,
}

impl Default for TopicOptions {
    fn default() -> Self {
        Self {
            values_max: 1_024,
            bytes_max: 4 << 20,
            bytes_total_max: 256 << 20,
            topics_max: 1_024,
            topics_per_group_max: 64,
            subscribers_max: 4_096,
        }
    }
}

/// All topics of one hub.
#[derive(Debug)]
pub struct Topics {
    options: TopicOptions,
    topics: Mutex<FastMap<TopicName, Arc<Topic>>>,
    bytes_total: Arc<AtomicUsize>,
    /// Begins every cursor of this run of the hub, so that a cursor of another run is known as such.
    run: String,
    runs: AtomicU64,
    publications: AtomicU64,
    values_lost: Arc<AtomicU64>,
}

#[derive(Debug)]
struct Topic {
    run: Box<str>,
    state: Mutex<History>,
    head: watch::Sender<u64>,
    /// The hub-wide number of the last publication, to find the topic that has been quiet longest.
    last_published: AtomicU64,
    /// Of all topics together.
    values_lost: Arc<AtomicU64>,
}

impl Topic {
    fn state(&self) -> MutexGuard<'_, History> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The answer to a publication.
#[derive(Debug, Clone, Serialize)]
pub struct Published {
    /// The full name of the topic.
    pub topic: TopicName,
    /// The value's number in it.
    pub seq: u64,
    /// What resumes after this value.
    pub cursor: Cursor,
}

/// Why a value was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// The hub has as many topics as it may, each with subscribers.
    #[error("the hub has as many topics as it may ({0})")]
    TooManyTopics(usize),
    /// The group has as many topics as it may.
    #[error("the group has as many topics as it may ({0})")]
    TooManyTopicsInGroup(usize),
}

/// Why a subscription was not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SubscribeError {
    /// No room for one more topic.
    #[error(transparent)]
    Topics(#[from] PublishError),
    /// The topic has as many subscribers as it may.
    #[error("the topic has as many subscribers as it may ({0})")]
    TooManySubscribers(usize),
}

/// One topic, for listings.
#[derive(Debug, Clone, Serialize)]
pub struct TopicInfo {
    /// Its full name.
    pub topic: TopicName,
    /// The number of the newest value; 0 when nothing was published.
    pub seq: u64,
    /// The number of the oldest value that is kept.
    pub oldest_seq: u64,
    /// How many subscribers it has now.
    pub subscribers: usize,
    /// How many values are kept.
    pub kept: usize,
    /// Their size in bytes.
    pub kept_bytes: usize,
}

impl Topics {
    /// No topics yet. `run` is a short text that differs from run to run.
    pub fn new(options: TopicOptions, run: String) -> Self {
        Self {
            options,
            topics: Mutex::default(),
            bytes_total: Arc::default(),
            run,
            runs: AtomicU64::new(0),
            publications: AtomicU64::new(0),
            values_lost: Arc::default(),
        }
    }

    /// Adds a value. `time_ms` is Unix time in milliseconds.
    ///
    /// # Errors
    ///
    /// When there is no room for one more topic. A topic that exists takes every value.
    pub fn publish(
        &self,
        name: &TopicName,
        value: &Payload,
        time_ms: u64,
    ) -> Result<Published, PublishError> {
        let topic = self.topic(name)?;
        topic.last_published.store(
            self.publications.fetch_add(1, Ordering::Relaxed),
            Ordering::Relaxed,
        );
        let mut state = topic.state();
        let seq = state.push(value.detached(), time_ms, &self.options);
        // Inside the lock, so that heads are told in their order.
        topic.head.send_replace(seq);
        drop(state);
        Ok(Published {
            topic: name.clone(),
            seq,
            cursor: Cursor::new(&topic.run, seq),
        })
    }

    /// Follows a topic, which need not exist yet.
    ///
    /// # Errors
    ///
    /// When a limit of topics or subscribers is reached.
    pub fn subscribe(
        &self,
        name: &TopicName,
        start: &Start,
        slow: SlowReader,
    ) -> Result<Subscription, SubscribeError> {
        let topic = self.topic(name)?;
        if topic.head.receiver_count() >= self.options.subscribers_max {
            return Err(SubscribeError::TooManySubscribers(
                self.options.subscribers_max,
            ));
        }
        Ok(Subscription::new(topic, start, slow))
    }

    /// All topics by name.
    pub fn list(&self) -> Vec<TopicInfo> {
        let mut list: Vec<_> = self
            .lock()
            .iter()
            .map(|(name, topic)| topic.info(name))
            .collect();
        list.sort_by(|a, b| a.topic.cmp(&b.topic));
        list
    }

    /// Values that were taken so far.
    pub fn values_published(&self) -> u64 {
        self.publications.load(Ordering::Relaxed)
    }

    /// Values that subscribers lost so far because they were too slow.
    pub fn values_lost(&self) -> u64 {
        self.values_lost.load(Ordering::Relaxed)
    }

    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }

    fn topic(&self, name: &TopicName) -> Result<Arc<Topic>, PublishError> {
        let mut topics = self.lock();
        if let Some(topic) = topics.get(name) {
            return Ok(topic.clone());
        }
        if let Some(group) = group_prefix(name) {
            let in_group = topics
                .keys()
                .filter(|other| group_prefix(other) == Some(group))
                .count();
            if in_group >= self.options.topics_per_group_max {
                return Err(PublishError::TooManyTopicsInGroup(
                    self.options.topics_per_group_max,
                ));
            }
        }
        if topics.len() >= self.options.topics_max && !evict_quietest(&mut topics) {
            return Err(PublishError::TooManyTopics(self.options.topics_max));
        }
        match topics.entry(name.clone()) {
            Entry::Occupied(entry) => Ok(entry.get().clone()),
            Entry::Vacant(entry) => Ok(entry.insert(Arc::new(self.new_topic())).clone()),
        }
    }

    fn new_topic(&self) -> Topic {
        // A topic that was evicted and comes back begins at 1 again, so it is another run too.
        let run = format!("{}{}", self.run, self.runs.fetch_add(1, Ordering::Relaxed));
        Topic {
            run: run.as_str().into(),
            state: Mutex::new(History::new(run.into(), self.bytes_total.clone())),
            head: watch::Sender::new(0),
            last_published: AtomicU64::new(self.publications.load(Ordering::Relaxed)),
            values_lost: self.values_lost.clone(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, FastMap<TopicName, Arc<Topic>>> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Topic {
    fn info(&self, name: &TopicName) -> TopicInfo {
        let state = self.state();
        TopicInfo {
            topic: name.clone(),
            seq: state.head(),
            oldest_seq: state.oldest(),
            subscribers: self.head.receiver_count(),
            kept: state.len(),
            kept_bytes: state.bytes(),
        }
    }
}

/// `pages/{group}` of a page's topic.
fn group_prefix(name: &TopicName) -> Option<&str> {
    let group = name.as_str().strip_prefix("pages/")?;
    group.split_once('/').map(|(group, _)| group)
}

fn evict_quietest(topics: &mut FastMap<TopicName, Arc<Topic>>) -> bool {
    let quietest = topics
        .iter()
        .filter(|(_, topic)| topic.head.receiver_count() == 0)
        .min_by_key(|(_, topic)| topic.last_published.load(Ordering::Relaxed))
        .map(|(name, _)| name.clone());
    quietest.is_some_and(|name| topics.remove(&name).is_some())
}

#[cfg(test)]
mod tests;
