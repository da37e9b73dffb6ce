//! A place in a topic's history that moves forward.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use pagewire_filter::Filter;
use pagewire_rpc::Payload;
use tokio::sync::watch;

use super::Topic;
use super::record::{Cursor, Record};

/// Values taken from the history at once; the lock is held only that long.
const BATCH_VALUES: usize = 64;
/// Bytes of values that a filter looks through before others have a turn.
const LOOKED_THROUGH_BYTES: usize = 256 << 10;

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
    filter: Option<Arc<Filter>>,
    passed_over: u64,
}

/// Values that a filter did not want, since the last one that it did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedOver {
    /// How many.
    pub count: u64,
    /// What resumes after them.
    pub cursor: Cursor,
}

/// What a look at the topic found.
enum Look {
    Notice(Notice),
    /// Nothing that is wanted so far, and there is more to look at.
    GoOn,
    Nothing,
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
            filter: None,
            passed_over: 0,
        }
    }

    /// Passes over values that the filter does not want. Gaps are told all the same; [`Start::Last`] counts values before they are filtered.
    #[must_use]
    pub fn filtered(mut self, filter: Arc<Filter>) -> Self {
        self.filter = Some(filter);
        self
    }

    /// The next value or gap, waiting for it; `None` after the end that [`SlowReader::Disconnect`] makes.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Notice> {
        loop {
            match self.look() {
                Look::Notice(notice) => return Some(notice),
                Look::GoOn => {
                    tokio::task::yield_now().await;
                    continue;
                }
                Look::Nothing if self.ended => return None,
                Look::Nothing => {}
            }
            // Marks the head as seen before it is read, so that no publication between reading and waiting is missed.
            if self.head.changed().await.is_err() {
                return None;
            }
        }
    }

    /// The values and gaps of those that are there now: not of what is published meanwhile, which may never end.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses what it has gathered.
    pub async fn take_kept(&mut self) -> Vec<Notice> {
        let until = *self.head.borrow();
        let mut kept = Vec::new();
        loop {
            match self.look() {
                Look::Notice(notice) => kept.push(notice),
                Look::GoOn => tokio::task::yield_now().await,
                Look::Nothing => return kept,
            }
            if self.ready.is_empty() && self.after >= until {
                return kept;
            }
        }
    }

    /// The next value or gap, if there is one at hand. With a filter there may be more that take a while to look through; [`next`](Self::next) does.
    pub fn next_ready(&mut self) -> Option<Notice> {
        match self.look() {
            Look::Notice(notice) => Some(notice),
            Look::GoOn | Look::Nothing => None,
        }
    }

    /// Values that the filter passed over since the last notice, or since this was asked last; none where there were none.
    pub fn take_passed_over(&mut self) -> Option<PassedOver> {
        let count = std::mem::take(&mut self.passed_over);
        let cursor = self.cursor();
        (count > 0).then_some(PassedOver { count, cursor })
    }

    fn look(&mut self) -> Look {
        let mut looked_through = 0;
        loop {
            if self.ready.is_empty() {
                // A filter looks at one batch at a time.
                if looked_through > 0 {
                    return Look::GoOn;
                }
                if !self.ended {
                    self.refill();
                }
            }
            let Some(notice) = self.ready.pop_front() else {
                return Look::Nothing;
            };
            let Some(unwanted) = self.unwanted_bytes(&notice) else {
                self.passed_over = 0;
                return Look::Notice(notice);
            };
            self.passed_over += 1;
            looked_through += unwanted.max(1);
            if looked_through >= LOOKED_THROUGH_BYTES {
                return Look::GoOn;
            }
        }
    }

    /// How many bytes were looked through in vain; `None` for what is wanted.
    fn unwanted_bytes(&self, notice: &Notice) -> Option<usize> {
        let (Some(filter), Notice::Value(record)) = (&self.filter, notice) else {
            return None;
        };
        // Bytes have no members; an expression that asks for none takes them too.
        let json = match &record.value {
            Payload::Json(text) => text.as_bytes(),
            Payload::Bytes(_) => &[],
        };
        (!filter.matches_json(json)).then_some(json.len())
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
