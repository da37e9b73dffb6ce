//! A place in a topic's history that moves forward.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::watch;

use super::Topic;
use super::record::{Cursor, Record};

/// Values taken from the history at once; the lock is held only that long.
const BATCH_VALUES: usize = 64;

/// Where a subscription begins.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Start {
    /// With the next value.
    #[default]
    Next,
    /// With at most so many kept values.
    Last(u64),
    /// After this place; at most so many kept values if a number is given.
    Since(Cursor, Option<u64>),
}

/// What to do when a subscriber falls behind what is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SlowReader {
    /// Tell it how many values it lost, and go on.
    #[default]
    Gap,
    /// Tell it, and end the subscription.
    Disconnect,
}

/// What a subscriber gets.
#[derive(Debug, Clone)]
pub enum Notice {
    /// One value.
    Value(Arc<Record>),
    /// Values are lost to this subscriber.
    Gap {
        /// How many; none when the cursor was of another run, so that nobody knows.
        lost: Option<u64>,
        /// The number that comes next.
        next_seq: u64,
    },
}

/// One subscriber of one topic. Dropping it ends the subscription.
#[derive(Debug)]
pub struct Subscription {
    topic: Arc<Topic>,
    head: watch::Receiver<u64>,
    after: u64,
    slow: SlowReader,
    ready: VecDeque<Notice>,
    ended: bool,
}

impl Subscription {
    pub(super) fn new(topic: Arc<Topic>, start: &Start, slow: SlowReader) -> Self {
        let head = topic.head.subscribe();
        let state = topic.state();
        let oldest_after = state.oldest() - 1;
        let mut ready = VecDeque::new();
        let mut since = |cursor: &Cursor| match cursor.seq_in(&topic.run) {
            Some(seq) if (oldest_after..=state.head()).contains(&seq) => seq,
            Some(seq) if seq < oldest_after => {
                ready.push_back(Notice::Gap {
                    lost: Some(oldest_after - seq),
                    next_seq: oldest_after + 1,
                });
                oldest_after
            }
            Some(_) | None => {
                ready.push_back(Notice::Gap {
                    lost: None,
                    next_seq: oldest_after + 1,
                });
                oldest_after
            }
        };
        let last = |count: u64| state.head().saturating_sub(count).max(oldest_after);
        let after = match start {
            Start::Next => state.head(),
            Start::Last(count) => last(*count),
            Start::Since(cursor, None) => since(cursor),
            Start::Since(cursor, Some(count)) => since(cursor).max(last(*count)),
        };
        // Who asks for the newest few only does not miss what lies before them.
        ready
            .retain(|notice| !matches!(notice, Notice::Gap { next_seq, .. } if *next_seq <= after));
        drop(state);
        Self {
            topic,
            head,
            after,
            slow,
            ready,
            ended: false,
        }
    }

    /// The next value or gap, waiting for it; `None` after the end that [`SlowReader::Disconnect`] makes.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Notice> {
        loop {
            if let Some(notice) = self.next_ready() {
                return Some(notice);
            }
            if self.ended {
                return None;
            }
            // Marks the head as seen before it is read, so that no publication between reading and waiting is missed.
            if self.head.changed().await.is_err() {
                return None;
            }
        }
    }

    /// The next value or gap, if there is one now.
    pub fn next_ready(&mut self) -> Option<Notice> {
        if self.ready.is_empty() && !self.ended {
            self.refill();
        }
        self.ready.pop_front()
    }

    /// What resumes after all that was taken from this subscription.
    pub fn cursor(&self) -> Cursor {
        let waiting = self.ready.iter().find_map(|notice| match notice {
            Notice::Value(record) => Some(record.seq - 1),
            Notice::Gap { .. } => None,
        });
        Cursor::new(&self.topic.run, waiting.unwrap_or(self.after))
    }

    fn refill(&mut self) {
        self.head.mark_unchanged();
        let read = self.topic.state().read_after(self.after, BATCH_VALUES);
        if read.lost > 0 {
            self.topic
                .values_lost
                .fetch_add(read.lost, Ordering::Relaxed);
            self.after += read.lost;
            self.ready.push_back(Notice::Gap {
                lost: Some(read.lost),
                next_seq: self.after + 1,
            });
            if self.slow == SlowReader::Disconnect {
                self.ended = true;
                return;
            }
        }
        if let Some(last) = read.records.last() {
            self.after = last.seq;
        }
        self.ready
            .extend(read.records.into_iter().map(Notice::Value));
    }
}
