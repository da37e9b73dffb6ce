//! The hub itself: what faces and carriers hold.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use pagewire_rpc::{
    Call, CallEnd, CallId, Closing, FunctionName, GroupName, LinkOptions, PageId, Payload,
    TopicName,
};
use serde::Serialize;
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

use crate::answer::{
    Answer, CallStream, Caller, Failure, FailureReason, First, Reply, STREAM_CREDIT, Ticket,
};
use crate::carrier::Carrier;
use crate::driver::{self, TurnedAway};
use crate::inbox::NewCall;
use crate::page::PageInfo;
use crate::registry::{Attachment, GroupPolicy, Load, Registry};
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
            groups: GroupPolicy::new(),
            pages_max: 16_384,
            outbox_bytes_max: 64 << 20,
            subscriptions_max: 32,
            timeout_max: Duration::from_secs(24 * 60 * 60),
        }
    }
}

/// What a program wants called.
#[derive(Debug, Clone)]
pub struct CallRequest {
    /// The group.
    pub group: GroupName,
    /// The function.
    pub function: FunctionName,
    /// Exactly this page, or whichever has the fewest calls under way.
    pub page: Option<PageId>,
    /// The text of a JSON array, or bytes as the one argument.
    pub arguments: Payload,
    /// How long the whole call may take, waiting and streaming included.
    pub timeout: Duration,
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
        let registry = Registry::new(options.groups.clone(), options.pages_max);
        let shared = Shared {
            registry: Arc::new(Mutex::new(registry)),
            topics: Topics::new(options.topics.clone(), run_name()),
            next_call: AtomicU64::new(1),
            active: ActiveCalls::default(),
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

    /// What this hub allows.
    pub fn options(&self) -> &HubOptions {
        &self.shared.options
    }

    /// Calls a function: finds a page, asks it and waits for its answer or the first value of its stream.
    ///
    /// # Errors
    ///
    /// The end of the call where it is not a result. Only *overloaded*, *page gone* and a hub that shuts down are worth another try.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future takes the call back: the page is told.
    pub async fn call(&self, request: CallRequest) -> Result<Answer, Failure> {
        let active = self.begin()?;
        let (page, exposed, load) = self.route(&request)?;
        if let Err(why) = exposed.check(&request.arguments) {
            return Err(Failure::before_the_page(FailureReason::BadArguments(why)));
        }
        let call = CallId(self.shared.next_call.fetch_add(1, Ordering::Relaxed));
        let timeout = request.timeout.min(self.shared.options.timeout_max);
        let (caller, first) = Caller::new();
        let mut ticket = Ticket {
            call,
            page: page.clone(),
            ended: false,
            _load: load,
            _active: active,
        };
        page.inbox.call(NewCall {
            id: call,
            call: Call {
                function: request.function,
                arguments: request.arguments,
                deadline: Instant::now() + timeout,
                credit: STREAM_CREDIT,
            },
            caller,
        });
        // The driver answers every call it took; if it vanished, so did the page.
        match first.await.unwrap_or(First::End(CallEnd::PageGone)) {
            First::Item(value, rest) => {
                let reply = Reply::Stream(CallStream::new(value, rest, ticket));
                Ok(Answer {
                    call,
                    page: page.id.clone(),
                    reply,
                })
            }
            First::End(end) => {
                ticket.ended = true;
                let CallEnd::Result(value) = end else {
                    return Err(ticket.failure(end));
                };
                // A declared stream that ends before its first value is an empty one.
                let reply = if exposed.streams() && value.is_json_null() {
                    Reply::Stream(CallStream::empty(ticket))
                } else {
                    Reply::Value(value)
                };
                Ok(Answer {
                    call,
                    page: page.id.clone(),
                    reply,
                })
            }
        }
    }

    fn begin(&self) -> Result<ActiveCall, Failure> {
        self.shared.active.count.fetch_add(1, Ordering::AcqRel);
        let active = ActiveCall(self.shared.clone());
        if self.shared.draining.load(Ordering::Acquire) {
            return Err(Failure::before_the_page(FailureReason::ShuttingDown));
        }
        Ok(active)
    }

    fn route(
        &self,
        request: &CallRequest,
    ) -> Result<(Arc<crate::page::Page>, Arc<crate::registry::Exposed>, Load), Failure> {
        let (page, exposed) = self
            .registry()
            .route(&request.group, &request.function, request.page.as_ref())
            .map_err(|why| Failure::before_the_page(FailureReason::NotFound(why)))?;
        let load = Load::new(self.shared.registry.clone(), page.clone());
        Ok((page, exposed, load))
    }

    /// Runs one page until it is gone or told to go. Gives why it was not let in, where its hello was refused.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future detaches the page at once: its calls end as page gone.
    pub async fn drive(&self, carrier: impl Carrier, attachment: Attachment) -> Option<TurnedAway> {
        self.shared
            .drivers
            .track_future(driver::drive(self.clone(), carrier, attachment))
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
        self.registry().infos(Instant::now())
    }

    /// One page.
    pub fn page(&self, id: &PageId) -> Option<PageInfo> {
        self.registry().info(id, Instant::now())
    }

    /// Detaches a page and tells it not to come back. False when there is no such page.
    pub fn detach(&self, id: &PageId) -> bool {
        let page = self.registry().page(id);
        page.is_some_and(|page| {
            page.close(Closing::Kicked);
            true
        })
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
pub(crate) fn fresh_page_id() -> PageId {
    PageId::new(&format!("p_{}", random_text(16))).expect("letters and digits make a page id")
}

/// A text that differs from run to run: 30 random bits, told apart by a subscriber that saw the run before.
fn run_name() -> String {
    random_text(6)
}

/// `length` characters of 5 random bits each.
fn random_text(length: usize) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bytes = vec![0; length];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
        .iter()
        .map(|byte| char::from(ALPHABET[usize::from(byte % 32)]))
        .collect()
}
