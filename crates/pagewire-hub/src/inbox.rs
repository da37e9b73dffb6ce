//! What programs want from one page, until its driver takes it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;
use pagewire_rpc::{Call, CallEnd, CallId, Closing, Departure};

use crate::answer::Caller;

/// New calls that wait for the driver's next turn, before the link's own queue. One more ends as overloaded.
const NEW_CALLS_MAX: usize = 4_096;

#[derive(Debug)]
pub(crate) struct NewCall {
    pub(crate) id: CallId,
    pub(crate) call: Call,
    pub(crate) caller: Caller,
}

/// All that came since the driver's last turn. `cancels` and `grants` are bounded by the calls they belong to.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    pub(crate) calls: Vec<NewCall>,
    pub(crate) cancels: Vec<CallId>,
    pub(crate) grants: Vec<(CallId, u32)>,
    pub(crate) close: Option<Closing>,
}

#[derive(Debug, Default)]
pub(crate) struct Inbox {
    state: Mutex<State>,
    /// Something came since the driver looked.
    rung: AtomicBool,
    driver: AtomicWaker,
}

#[derive(Debug, Default)]
struct State {
    orders: Orders,
    /// Why nothing is taken any more.
    closed: Option<Departure>,
}

impl Inbox {
    pub(crate) fn call(&self, new: NewCall) {
        let mut state = self.lock();
        let end = if let Some(departure) = &state.closed {
            CallEnd::PageGone(departure.clone())
        } else if state.orders.calls.len() >= NEW_CALLS_MAX {
            CallEnd::Overloaded
        } else {
            state.orders.calls.push(new);
            drop(state);
            return self.ring();
        };
        drop(state);
        new.caller.end(end);
    }

    pub(crate) fn cancel(&self, call: CallId) {
        self.order(|orders| orders.cancels.push(call));
    }

    pub(crate) fn grant(&self, call: CallId, more: u32) {
        self.order(|orders| orders.grants.push((call, more)));
    }

    /// Asks the driver to end the link. The first reason stands.
    pub(crate) fn close(&self, closing: Closing) {
        self.order(|orders| {
            orders.close.get_or_insert(closing);
        });
    }

    fn order(&self, add: impl FnOnce(&mut Orders)) {
        let mut state = self.lock();
        if state.closed.is_none() {
            add(&mut state.orders);
            drop(state);
            self.ring();
        }
    }

    fn ring(&self) {
        // Whoever finds the bell rung already knows that the driver has still to look.
        if !self.rung.swap(true, Ordering::AcqRel) {
            self.driver.wake();
        }
    }

    /// Ready when there may be something to take.
    pub(crate) fn poll(&self, context: &Context<'_>) -> Poll<()> {
        // Before looking, so that what comes in between is not missed.
        self.driver.register(context.waker());
        if self.rung.swap(false, Ordering::AcqRel) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    pub(crate) fn take(&self) -> Orders {
        std::mem::take(&mut self.lock().orders)
    }

    /// Takes the last orders; from now on calls end as page gone at once, for this reason.
    pub(crate) fn shut(&self, departure: Departure) -> Orders {
        let mut state = self.lock();
        state.closed = Some(departure);
        std::mem::take(&mut state.orders)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Instant;

    use super::*;
    use crate::answer::First;
    use pagewire_rpc::{FunctionName, JsonText, Payload};
    use tokio::sync::oneshot::Receiver;

    fn new_call(id: u64) -> (NewCall, Receiver<First>) {
        let (caller, receiver) = Caller::new(Instant::now(), Arc::default());
        let call = Call {
            function: FunctionName::new("f").unwrap(),
            arguments: Payload::Json(JsonText::null()),
            deadline: Instant::now(),
            credit: 0,
            traceparent: None,
        };
        (
            NewCall {
                id: CallId(id),
                call,
                caller,
            },
            receiver,
        )
    }

    #[test]
    fn calls_wait_up_to_the_limit_and_one_more_ends_as_overloaded() {
        let inbox = Inbox::default();
        for id in 0..NEW_CALLS_MAX as u64 {
            let (call, mut receiver) = new_call(id);
            inbox.call(call);
            assert!(receiver.try_recv().is_err(), "call {id} waits");
        }
        let (call, mut receiver) = new_call(0);
        inbox.call(call);
        assert!(matches!(
            receiver.try_recv(),
            Ok(First::End(CallEnd::Overloaded, _))
        ));
        assert_eq!(inbox.take().calls.len(), NEW_CALLS_MAX);
    }

    #[test]
    fn a_shut_inbox_ends_calls_and_forgets_orders() {
        let inbox = Inbox::default();
        inbox.close(Closing::Kicked);
        inbox.close(Closing::Shutdown);
        assert_eq!(inbox.shut(Departure::Kicked).close, Some(Closing::Kicked));
        let (call, mut receiver) = new_call(1);
        inbox.call(call);
        inbox.cancel(CallId(1));
        inbox.grant(CallId(1), 1);
        assert!(matches!(
            receiver.try_recv(),
            Ok(First::End(CallEnd::PageGone(Departure::Kicked), _))
        ));
        let orders = inbox.take();
        assert!(orders.cancels.is_empty() && orders.grants.is_empty());
    }
}
