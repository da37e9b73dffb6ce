//! One attached page as the rest of the hub sees it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pagewire_rpc::{
    CallEnd, Closing, EndKind, Error, Function, GroupName, Health, Hello, Link, Note, PageId,
    TopicName,
};
use serde::Serialize;
use tokio::sync::Notify;

use crate::hints::Cause;
use crate::inbox::Inbox;
use crate::metrics::Metrics;
use crate::registry::Attachment;

/// A ping that waits for less may be on its way still.
const BLOCKED_MIN: Duration = Duration::from_millis(200);
/// An event loop that is late by less is as good as any.
const LATE_MIN: Duration = Duration::from_millis(500);

/// One link of one page. A page that reconnects is a new value with the same id and a higher epoch.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) id: PageId,
    pub(crate) group: GroupName,
    pub(crate) epoch: u64,
    pub(crate) inbox: Inbox,
    pub(crate) attachment: Attachment,
    /// Told when a call has given its place at this page back.
    pub(crate) released: Notify,
    about: About,
    attached_at: Instant,
    stats: Stats,
}

#[derive(Debug)]
struct About {
    kind: String,
    url: String,
    title: String,
    agent: String,
}

#[derive(Debug, Default)]
struct Stats {
    in_flight: AtomicUsize,
    queued: AtomicUsize,
    ended: [AtomicU64; EndKind::ALL.len()],
    answers_dropped: AtomicU64,
    /// Refused by the hub.
    values_refused: AtomicU64,
    /// Dropped by the link.
    values_over_limit: AtomicU64,
    published: AtomicU64,
    liveness: Mutex<Liveness>,
}

#[derive(Debug)]
struct Liveness {
    responsive: bool,
    health: Health,
    last_heard: Option<Instant>,
    notes: Vec<Note>,
    /// Since when its JavaScript has not run, as it was known when a call last timed out.
    silent_since: Option<Instant>,
}

impl Default for Liveness {
    fn default() -> Self {
        Self {
            responsive: true,
            health: Health::default(),
            last_heard: None,
            notes: Vec::new(),
            silent_since: None,
        }
    }
}

/// One page, for listings (`docs/protocol.md` §3.2).
#[derive(Debug, Clone, Serialize)]
pub struct PageInfo {
    /// Its id, kept over reloads.
    pub id: PageId,
    /// Grows with each reload or reconnect.
    pub epoch: u64,
    /// Its group.
    pub group: GroupName,
    /// How it is attached.
    pub carrier: &'static str,
    /// What it is, as it says: `tab`, `iframe`, `worker`, `shared_worker`, `service_worker`; empty where it does not.
    pub kind: String,
    /// Its origin, where a browser told it.
    pub origin: Option<String>,
    /// Its address, as it says.
    pub url: String,
    /// Its title, as it says.
    pub title: String,
    /// The page's side of the protocol, as it says.
    pub agent: String,
    /// How long this link lasts, in milliseconds.
    pub attached_ms: u128,
    /// What it exposes.
    pub functions: Vec<Function>,
    /// Its calls.
    pub calls: CallCounts,
    /// Answers that nobody waited for.
    pub answers_dropped: u64,
    /// Published values that were refused without being asked for an answer.
    pub values_dropped: u64,
    /// Values that it published.
    pub published: u64,
    /// It gets no new calls but those that name it.
    pub draining: bool,
    /// How it fares.
    pub health: PageHealth,
    /// What whoever attached it knows of it.
    pub notes: Vec<Note>,
    /// Its connections whose frames are taken.
    pub taps: Vec<TapInfo>,
}

/// One tapped connection of a page: a topic below `taps/{page}/`.
#[derive(Debug, Clone, Serialize)]
pub struct TapInfo {
    /// The topic.
    pub topic: TopicName,
    /// How many values it had so far.
    pub frames: u64,
    /// Bytes of the values that are kept.
    pub kept_bytes: usize,
}

/// The calls of one link.
#[derive(Debug, Clone, Serialize)]
pub struct CallCounts {
    /// With the page now.
    pub in_flight: usize,
    /// Waiting for the page now.
    pub queued: usize,
    /// Ended, by kind of end; kinds that never occurred are left out.
    pub ended: BTreeMap<&'static str, u64>,
}

/// How a page fares.
#[derive(Debug, Clone, Serialize)]
pub struct PageHealth {
    /// Its JavaScript answered the last ping.
    pub responsive: bool,
    /// What it said of itself.
    #[serde(flatten)]
    pub reported: Health,
    /// How long nothing at all has come, in milliseconds.
    pub silent_ms: u128,
    /// Calls in a row that it did not answer before their deadline.
    pub timeouts_in_row: u32,
    /// So many that other pages of its group are asked first.
    pub asked_last: bool,
}

impl Page {
    pub(crate) fn new(
        id: PageId,
        epoch: u64,
        hello: &Hello,
        attachment: Attachment,
        now: Instant,
    ) -> Self {
        Self {
            id,
            group: hello.group.clone(),
            epoch,
            inbox: Inbox::default(),
            attachment,
            released: Notify::new(),
            about: About {
                kind: hello.kind.clone(),
                url: hello.url.clone(),
                title: hello.title.clone(),
                agent: hello.agent.clone(),
            },
            attached_at: now,
            stats: Stats::default(),
        }
    }

    pub(crate) fn close(&self, closing: Closing) {
        self.inbox.close(closing);
    }

    pub(crate) fn count_end(&self, end: &CallEnd) {
        let kind = end.kind();
        if let Some(index) = EndKind::ALL.iter().position(|other| *other == kind) {
            self.stats.ended[index].fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn count_published(&self) {
        self.stats.published.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_value_dropped(&self) {
        self.stats.values_refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn heard(&self, now: Instant) {
        self.liveness().last_heard = Some(now);
    }

    pub(crate) fn set_health(&self, health: Option<Health>) {
        let mut liveness = self.liveness();
        liveness.responsive = health.is_some();
        if let Some(health) = health {
            liveness.health = health;
        }
    }

    pub(crate) fn set_notes(&self, notes: Vec<Note>) {
        self.liveness().notes = notes;
    }

    /// Keeps, for a call that has just timed out, since when the page's JavaScript has not run.
    pub(crate) fn set_silent_since(&self, since: Option<Instant>) {
        self.liveness().silent_since = since;
    }

    /// What keeps the page from answering, after a call that timed out; the surest cause first.
    pub(crate) fn cause_of_silence(&self, now: Instant) -> Option<Cause> {
        let liveness = self.liveness();
        let blocking = liveness.notes.iter().find(|note| note.blocks);
        let silent = liveness.silent_since;
        let silent = silent.map(|since| now.saturating_duration_since(since));
        let lag = liveness.health.lag_ms.map(Duration::from_millis);
        let noted = blocking.cloned().map(Cause::Noted);
        let blocked = || {
            silent
                .filter(|time| *time >= BLOCKED_MIN)
                .map(Cause::Blocked)
        };
        let hidden = || (liveness.health.hidden == Some(true)).then_some(Cause::Hidden);
        let late = || lag.filter(|lag| *lag >= LATE_MIN).map(Cause::Late);
        noted.or_else(blocked).or_else(hidden).or_else(late)
    }

    /// The topic that the page means by `name`.
    pub(crate) fn topic(&self, name: &str) -> Result<TopicName, Error> {
        match &self.attachment.topic {
            Some(topic) => Ok(topic.clone()),
            None => TopicName::of_page(&self.group, name),
        }
    }

    /// Copies the figures of the link for those who ask from outside its driver.
    pub(crate) fn sync(&self, link: &Link, metrics: &Metrics) {
        let (counters, stats) = (link.counters(), &self.stats);
        stats.in_flight.store(link.in_flight(), Ordering::Relaxed);
        stats.queued.store(link.queued(), Ordering::Relaxed);
        // Only the driver writes these, so what grew since is what the link says less what stands here.
        let more = counters.answers_dropped - stats.answers_dropped.load(Ordering::Relaxed);
        if more > 0 {
            stats.answers_dropped.fetch_add(more, Ordering::Relaxed);
            metrics.count_answers_dropped(more);
        }
        let more = counters.values_dropped - stats.values_over_limit.load(Ordering::Relaxed);
        if more > 0 {
            stats.values_over_limit.fetch_add(more, Ordering::Relaxed);
            metrics.count_values_dropped(more);
        }
    }

    pub(crate) fn info(&self, functions: Vec<Function>, now: Instant) -> PageInfo {
        let stats = &self.stats;
        let liveness = self.liveness();
        let ended = EndKind::ALL
            .iter()
            .zip(&stats.ended)
            .map(|(kind, count)| (kind.name(), count.load(Ordering::Relaxed)));
        PageInfo {
            id: self.id.clone(),
            epoch: self.epoch,
            group: self.group.clone(),
            carrier: self.attachment.carrier,
            kind: self.about.kind.clone(),
            origin: self.attachment.origin.clone(),
            url: self.about.url.clone(),
            title: self.about.title.clone(),
            agent: self.about.agent.clone(),
            attached_ms: now.saturating_duration_since(self.attached_at).as_millis(),
            functions,
            calls: CallCounts {
                in_flight: stats.in_flight.load(Ordering::Relaxed),
                queued: stats.queued.load(Ordering::Relaxed),
                ended: ended.filter(|(_, count)| *count > 0).collect(),
            },
            answers_dropped: stats.answers_dropped.load(Ordering::Relaxed),
            values_dropped: stats.values_refused.load(Ordering::Relaxed)
                + stats.values_over_limit.load(Ordering::Relaxed),
            published: stats.published.load(Ordering::Relaxed),
            draining: false,
            health: PageHealth {
                responsive: liveness.responsive,
                reported: liveness.health,
                silent_ms: now
                    .saturating_duration_since(liveness.last_heard.unwrap_or(self.attached_at))
                    .as_millis(),
                timeouts_in_row: 0,
                asked_last: false,
            },
            notes: liveness.notes.clone(),
            taps: Vec::new(),
        }
    }

    fn liveness(&self) -> MutexGuard<'_, Liveness> {
        self.stats
            .liveness
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
