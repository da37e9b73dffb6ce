//! The hub itself: what faces and carriers hold.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use pagewire_rpc::{CallId, Closing, Link, LinkOptions, PageId, Payload, PlainPage, TopicName};
use serde::Serialize;
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

use crate::carrier::Carrier;
use crate::driver::{self, TurnedAway};
use crate::metrics::{Metrics, MetricsSnapshot};
use crate::page::PageInfo;
use crate::registry::{Attachment, GroupPolicy, Registry};
use crate::topic::{PublishError, Published, TopicOptions, Topics};

/// How long pages have to take in the goodbye of a hub that shuts down.
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(2);

/// What a hub allows.
#[derive(Debug, Clone)]
pub struct HubOptions {
    /// Limits and times of each page link.
    pub link: LinkOptions,
    /// How much topics keep.
    pub topics: TopicOptions,
    /// Which origins own which groups.
    pub groups: GroupPolicy,
    /// Pages attached at once. Default 16,384; one more is refused.
    pub pages_max: usize,
    /// Bytes that wait to be written to one page. Default 64 MiB. Above it new calls end as overloaded; above twice that the link is closed.
    pub outbox_bytes_max: usize,
    /// Topics that one page follows. Default 32; one more is refused.
    pub subscriptions_max: usize,
    /// Longest time a caller may ask for. Default 24 h; more is cut to it.
    pub timeout_max: Duration,
}

impl Default for HubOptions {
    fn default() -> Self {
        Self {
            link: LinkOptions::default(),
            topics: TopicOptions::default(),
            groups: GroupPolicy::default(),
            pages_max: 16_384,
            outbox_bytes_max: 64 << 20,
            subscriptions_max: 32,
            timeout_max: Duration::from_secs(24 * 60 * 60),
        }
    }
}

/// What a shutdown cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Calls that had not ended when the grace time was over.
    pub calls_cut: usize,
    /// Pages that were attached.
    pub pages: usize,
}

/// How much a hub holds at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct HubCounts {
    /// Attached pages.
    pub pages: usize,
    /// Different functions, by group and name.
    pub functions: usize,
    /// Topics that keep values or have subscribers.
    pub topics: usize,
    /// Calls that have not ended, streams included.
    pub calls_active: usize,
}

/// The running hub. Cheap to clone; all clones are the same hub.
#[derive(Debug, Clone)]
pub struct Hub {
    pub(crate) shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) options: HubOptions,
    pub(crate) registry: Arc<Mutex<Registry>>,
    pub(crate) topics: Topics,
    next_call: AtomicU64,
    active: ActiveCalls,
    pub(crate) metrics: Metrics,
    draining: AtomicBool,
    drivers: TaskTracker,
}

/// Counts calls under way, so that a shutdown knows when the last one ended.
#[derive(Debug, Default)]
struct ActiveCalls {
    count: AtomicUsize,
    none: Notify,
}

#[derive(Debug)]
pub(crate) struct ActiveCall(Arc<Shared>);

impl Drop for ActiveCall {
    fn drop(&mut self) {
        if self.0.active.count.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.active.none.notify_waiters();
        }
    }
}

impl Hub {
    /// A hub without pages.
    pub fn new(options: HubOptions) -> Self {
        let registry = Registry::new(options.groups.clone(), options.pages_max, random_u64());
        let shared = Shared {
            registry: Arc::new(Mutex::new(registry)),
            topics: Topics::new(options.topics.clone(), run_name()),
            next_call: AtomicU64::new(1),
            active: ActiveCalls::default(),
            metrics: Metrics::default(),
            draining: AtomicBool::new(false),
            drivers: TaskTracker::new(),
            options,
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// The topics of this hub.
    pub fn topics(&self) -> &Topics {
        &self.shared.topics
    }

    /// Publishes a value of a program, stamped with the time of now.
    ///
    /// # Errors
    ///
    /// As [`Topics::publish`].
    pub fn publish(&self, topic: &TopicName, value: &Payload) -> Result<Published, PublishError> {
        self.shared.topics.publish(topic, value, unix_ms())
    }

    /// Counts a value of a program that was not taken and whose program wants no answer.
    pub fn count_value_dropped(&self) {
        self.shared.metrics.count_values_dropped(1);
    }

    /// What this hub allows.
    pub fn options(&self) -> &HubOptions {
        &self.shared.options
    }

    /// A place among the calls under way; none when the hub takes no more.
    pub(crate) fn begin_call(&self) -> Option<ActiveCall> {
        self.shared.active.count.fetch_add(1, Ordering::AcqRel);
        let active = ActiveCall(self.shared.clone());
        (!self.shared.draining.load(Ordering::Acquire)).then_some(active)
    }

    pub(crate) fn next_call_id(&self) -> CallId {
        CallId(self.shared.next_call.fetch_add(1, Ordering::Relaxed))
    }

    /// Runs one page until it is gone or told to go. Gives why it was not let in, where its hello was refused.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future detaches the page at once: its calls end as page gone.
    pub async fn drive(&self, carrier: impl Carrier, attachment: Attachment) -> Option<TurnedAway> {
        let link = Link::new(Instant::now(), self.shared.options.link.clone());
        self.drive_link(link, carrier, attachment).await
    }

    /// As [`Hub::drive`], for a page that knows nothing of Pagewire.
    ///
    /// # Cancel safety
    ///
    /// As [`Hub::drive`].
    pub async fn drive_plain(
        &self,
        carrier: impl Carrier,
        attachment: Attachment,
        page: PlainPage,
    ) -> Option<TurnedAway> {
        let link = Link::plain(Instant::now(), self.shared.options.link.clone(), page);
        self.drive_link(link, carrier, attachment).await
    }

    async fn drive_link(
        &self,
        link: Link,
        carrier: impl Carrier,
        attachment: Attachment,
    ) -> Option<TurnedAway> {
        self.shared
            .drivers
            .track_future(driver::drive(self.clone(), link, carrier, attachment))
            .await
    }

    /// How much there is of everything, without listing it.
    pub fn counts(&self) -> HubCounts {
        let (pages, functions) = self.registry().counts();
        HubCounts {
            pages,
            functions,
            topics: self.shared.topics.count(),
            calls_active: self.shared.active.count.load(Ordering::Acquire),
        }
    }

    /// All pages, by group and id.
    pub fn pages(&self) -> Vec<PageInfo> {
        let mut pages = self.registry().infos(Instant::now());
        let mut taps = self.shared.topics.taps(|_| true);
        for page in &mut pages {
            page.taps = taps.remove(page.id.as_str()).unwrap_or_default();
        }
        pages
    }

    /// One page.
    pub fn page(&self, id: &PageId) -> Option<PageInfo> {
        let mut page = self.registry().info(id, Instant::now())?;
        let mut taps = self.shared.topics.taps(|tapped| tapped == id.as_str());
        page.taps = taps.remove(id.as_str()).unwrap_or_default();
        Some(page)
    }

    /// Detaches a page and tells it not to come back. False when there is no such page.
    pub fn detach(&self, id: &PageId) -> bool {
        let page = self.registry().page(id);
        page.is_some_and(|page| {
            page.close(Closing::Kicked);
            true
        })
    }

    /// Sets whether a page gets new calls that do not name it; those under way go on. False when there is no such page.
    pub fn set_draining(&self, id: &PageId, draining: bool) -> bool {
        self.registry().set_draining(id, draining)
    }

    /// Gives a page no new calls that do not name it, and waits until it has none, for at most `grace`. The page stays so.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the page draining.
    pub async fn drain(&self, id: &PageId, grace: Duration) {
        if !self.set_draining(id, true) {
            return;
        }
        let Some(page) = self.registry().page(id) else {
            return;
        };
        let idle = async {
            loop {
                let released = page.released.notified();
                if self.registry().load_of(&page) == 0 {
                    return;
                }
                released.await;
            }
        };
        let _ = tokio::time::timeout(grace, idle).await;
    }

    /// What was counted so far.
    pub fn metrics(&self) -> MetricsSnapshot {
        let active = self.shared.active.count.load(Ordering::Acquire);
        let values_lost = self.shared.topics.values_lost();
        self.shared.metrics.snapshot(active, values_lost)
    }

    /// Stops: refuses new calls, waits up to `grace` for those under way, then tells every page goodbye.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the hub draining; calling again goes on.
    pub async fn shut_down(&self, grace: Duration) -> Drained {
        self.shared.draining.store(true, Ordering::Release);
        let _ = tokio::time::timeout(grace, self.idle()).await;
        let calls_cut = self.shared.active.count.load(Ordering::Acquire);
        let pages = self.registry().pages();
        pages.iter().for_each(|page| page.close(Closing::Shutdown));
        self.shared.drivers.close();
        let _ = tokio::time::timeout(GOODBYE_TIMEOUT, self.shared.drivers.wait()).await;
        Drained {
            calls_cut,
            pages: pages.len(),
        }
    }

    async fn idle(&self) {
        loop {
            let none = self.shared.active.none.notified();
            if self.shared.active.count.load(Ordering::Acquire) == 0 {
                return;
            }
            none.await;
        }
    }

    pub(crate) fn registry(&self) -> MutexGuard<'_, Registry> {
        self.shared
            .registry
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Unix time in milliseconds.
pub(crate) fn unix_ms() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A fresh page id: 80 random bits, so that nobody guesses another page's.
/// An id for a page that brings none: as unlikely to meet another one as 16 random letters and digits are.
///
/// # Panics
///
/// When the operating system gives no random bytes.
pub fn fresh_page_id() -> PageId {
    PageId::new(&format!("p_{}", random_text(16))).expect("letters and digits make a page id")
}

fn random_u64() -> u64 {
    getrandom::u64().expect("the operating system gives random bytes")
}

/// A text that differs from run to run: 30 random bits, told apart by a subscriber that saw the run before.
fn run_name() -> String {
    random_text(6)
}

/// `length` characters of 5 random bits each, small letters and digits.
///
/// # Panics
///
/// When the operating system gives no random bytes.
pub fn random_text(length: usize) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bytes = vec![0; length];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
        .iter()
        .map(|byte| char::from(ALPHABET[usize::from(byte % 32)]))
        .collect()
}
