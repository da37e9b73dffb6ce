//! One page link as a carrier of the hub: a queue in each direction, between the link's driver and the one task that owns the browser connection.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_util::task::AtomicWaker;
use futures_util::{Sink, Stream};
use pagewire_hub::{CarrierError, Outbound};
use pagewire_rpc::Input;
use tokio::sync::mpsc;

use super::links::EVALUATION_BYTES;

/// Messages of a page that wait for its driver. One more makes the browser connection wait.
pub(super) const INPUTS_MAX: usize = 256;
/// Bytes that wait to go to one page. Above it the page's driver keeps them, and counts them in its own limit.
pub(super) const OUTBOX_BYTES_MAX: usize = 1 << 20;

/// A link, unique in one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct LinkKey(pub(super) u64);

/// The link of one page: what the page sends, and what it is sent. Dropping it takes the page out of the hub.
#[derive(Debug)]
pub struct PageCarrier {
    inputs: mpsc::Receiver<Result<Input, CarrierError>>,
    outbox: Arc<Outbox>,
}

/// What goes to one page, and waits for its turn.
#[derive(Debug)]
pub(super) struct Outbox {
    link: LinkKey,
    doorbell: Arc<Doorbell>,
    state: Mutex<OutboxState>,
}

#[derive(Debug, Default)]
struct OutboxState {
    waiting: VecDeque<Outbound>,
    bytes: usize,
    /// The driver, where it waits for room.
    driver: Option<Waker>,
    gone: bool,
}

/// Tells the owner of the browser connection whose outbox has something, and whose has enough for one more evaluation.
#[derive(Debug, Default)]
pub(super) struct Doorbell {
    /// At most a few times each.
    rung: Mutex<Vec<LinkKey>>,
    owner: AtomicWaker,
}

/// A carrier with its other ends.
pub(super) fn carrier(
    link: LinkKey,
    doorbell: &Arc<Doorbell>,
) -> (
    PageCarrier,
    mpsc::Sender<Result<Input, CarrierError>>,
    Arc<Outbox>,
) {
    let (sender, inputs) = mpsc::channel(INPUTS_MAX);
    let outbox = Arc::new(Outbox {
        link,
        doorbell: doorbell.clone(),
        state: Mutex::default(),
    });
    let carrier = PageCarrier {
        inputs,
        outbox: outbox.clone(),
    };
    (carrier, sender, outbox)
}

impl Doorbell {
    fn ring(&self, link: LinkKey) {
        let mut rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        rung.push(link);
        drop(rung);
        self.owner.wake();
    }

    /// The links that rang since the last call.
    pub(super) fn poll(&self, context: &Context<'_>) -> Poll<Vec<LinkKey>> {
        self.owner.register(context.waker());
        let mut rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        if rung.is_empty() {
            return Poll::Pending;
        }
        Poll::Ready(std::mem::take(&mut rung))
    }
}

impl Outbox {
    /// Bytes that wait.
    pub(super) fn bytes(&self) -> usize {
        self.state().bytes
    }

    /// Takes out what waits, or of more than so many bytes the first messages until there are as many.
    pub(super) fn take(&self, bytes: usize) -> VecDeque<Outbound> {
        let mut state = self.state();
        let mut taken = VecDeque::new();
        if state.bytes <= bytes {
            state.bytes = 0;
            std::mem::swap(&mut taken, &mut state.waiting);
        }
        let rest = state.bytes.saturating_sub(bytes);
        while state.bytes > rest
            && let Some(outbound) = state.waiting.pop_front()
        {
            state.bytes -= bytes_of(&outbound);
            taken.push_back(outbound);
        }
        if state.bytes < OUTBOX_BYTES_MAX
            && let Some(driver) = state.driver.take()
        {
            driver.wake();
        }
        taken
    }

    /// The page is gone: what comes is thrown away.
    pub(super) fn shut(&self) {
        let mut state = self.state();
        state.gone = true;
        state.waiting.clear();
        if let Some(driver) = state.driver.take() {
            driver.wake();
        }
    }

    fn state(&self) -> MutexGuard<'_, OutboxState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn bytes_of(outbound: &Outbound) -> usize {
    match outbound {
        Outbound::Frame(frame) => frame.len(),
        Outbound::Ping | Outbound::Close { .. } => 0,
    }
}

impl Stream for PageCarrier {
    type Item = Result<Input, CarrierError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.inputs.poll_recv(context)
    }
}

impl Sink<Outbound> for PageCarrier {
    type Error = CarrierError;

    fn poll_ready(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), CarrierError>> {
        let mut state = self.outbox.state();
        if state.bytes < OUTBOX_BYTES_MAX || state.gone {
            return Poll::Ready(Ok(()));
        }
        state.driver = Some(context.waker().clone());
        Poll::Pending
    }

    fn start_send(self: Pin<&mut Self>, outbound: Outbound) -> Result<(), CarrierError> {
        let mut state = self.outbox.state();
        if state.gone {
            return Ok(());
        }
        let full = |bytes| bytes / EVALUATION_BYTES;
        let before = full(state.bytes);
        state.bytes += bytes_of(&outbound);
        state.waiting.push_back(outbound);
        let news = state.waiting.len() == 1 || full(state.bytes) > before;
        drop(state);
        if news {
            self.outbox.doorbell.ring(self.outbox.link);
        }
        Ok(())
    }

    /// What is in the outbox is written by somebody else.
    fn poll_flush(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Result<(), CarrierError>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), CarrierError>> {
        self.poll_flush(context)
    }
}

impl Drop for PageCarrier {
    /// The owner of the connection finds the outbox of a driver that is gone by its ring.
    fn drop(&mut self) {
        self.outbox.doorbell.ring(self.outbox.link);
    }
}
