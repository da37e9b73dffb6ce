//! Topics: what was published is kept for a while and handed to any number of subscribers.
//!
//! A subscriber holds no values of its own: it is a place in the topic's history. Its buffer is therefore the history itself, and
//! falling behind it is the one way to lose values; that is always told, with the number.

mod filters;
mod history;
mod options;
mod record;
mod room;
mod subscription;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pagewire_filter::Filter;
use pagewire_rpc::{Payload, TopicName};
use serde::Serialize;
use tokio::sync::watch;

pub use self::filters::FilterRefused;
use self::filters::Filters;
use self::history::{Bytes, History};
pub use self::options::TopicOptions;
pub use self::record::{Cursor, Record};
use self::room::Owner;
pub use self::subscription::{Notice, PassedOver, SlowReader, Start, Subscription};
use crate::FastMap;
use crate::page::TapInfo;

/// All topics of one hub.
#[derive(Debug)]
pub struct Topics {
    options: TopicOptions,
    topics: Mutex<FastMap<TopicName, Arc<Topic>>>,
    bytes: Arc<Bytes>,
    filters: Filters,
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
    /// The page has as many taps as it may, each with subscribers.
    #[error("the page has as many taps as it may ({0})")]
    TooManyTapsOfPage(usize),
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
            bytes: Arc::default(),
            filters: Filters::default(),
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
        // Copied before the lock is taken: a value may be long.
        let value = value.detached();
        let mut state = topic.state();
        let seq = state.push(value, time_ms);
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

    /// The filter of this expression, for [`Subscription::filtered`]. Subscribers who ask for the same share it.
    ///
    /// # Errors
    ///
    /// The expression is not understood, or there are too many different ones.
    pub fn filter(&self, expression: &str) -> Result<Arc<Filter>, FilterRefused> {
        self.filters.get(expression, self.options.filters_max)
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

    /// The topics `taps/{page}/…` of the pages that are wanted, by page.
    pub(crate) fn taps(&self, wanted: impl Fn(&str) -> bool) -> HashMap<String, Vec<TapInfo>> {
        let mut taps = HashMap::<_, Vec<_>>::new();
        for (name, topic) in self.lock().iter() {
            if let Some(page) = name.tapped_page().filter(|page| wanted(page)) {
                let (frames, kept_bytes) = {
                    let state = topic.state();
                    (state.head(), state.bytes())
                };
                // A subscriber of whatever name makes a topic, but no tap.
                if frames == 0 {
                    continue;
                }
                let info = TapInfo {
                    topic: name.clone(),
                    frames,
                    kept_bytes,
                };
                taps.entry(page.to_owned()).or_default().push(info);
            }
        }
        for list in taps.values_mut() {
            list.sort_by(|a, b| a.topic.cmp(&b.topic));
        }
        taps
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
        let owner = Owner::of(name);
        let leftovers = self.make_room(owner, &mut topics)?;
        let topic = Arc::new(self.new_topic(owner));
        topics.insert(name.clone(), topic.clone());
        drop(topics);
        // A hundred thousand values take a while to be freed: not while everybody waits for the lock.
        drop(leftovers);
        Ok(topic)
    }

    fn new_topic(&self, owner: Owner<'_>) -> Topic {
        // A topic that was evicted and comes back begins at 1 again, so it is another run too.
        let run = format!("{}{}", self.run, self.runs.fetch_add(1, Ordering::Relaxed));
        Topic {
            run: run.as_str().into(),
            state: Mutex::new(History::new(
                run.into(),
                self.room(owner),
                self.bytes.clone(),
            )),
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

#[cfg(test)]
mod tests;
