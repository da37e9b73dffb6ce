//! What pages saw of calls, for the programs that made them.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// Shared by all pages and programs of the soak.
#[derive(Debug, Default)]
pub(super) struct Witness {
    state: Mutex<Witnessed>,
}

#[derive(Debug, Default)]
struct Witnessed {
    /// Calls that came to a page and may not come to another.
    ran: HashSet<u64>,
    /// Who wants to know when its call has come to a page.
    awaited: HashMap<u64, oneshot::Sender<()>>,
}

impl Witness {
    /// Tells once the call of this number is with a page.
    pub(super) fn arrival(&self, number: u64) -> oneshot::Receiver<()> {
        let (tell, arrived) = oneshot::channel();
        self.lock().awaited.insert(number, tell);
        arrived
    }

    /// The call of this number ended before it came to a page.
    pub(super) fn forget(&self, number: u64) {
        self.lock().awaited.remove(&number);
    }

    /// A page was given the call of this number.
    pub(super) fn came(&self, number: u64, may_run_twice: bool) {
        let mut state = self.lock();
        let is_first = may_run_twice || state.ran.insert(number);
        assert!(is_first, "call {number} came to a page twice");
        if let Some(tell) = state.awaited.remove(&number) {
            // A caller whose call was answered meanwhile no longer listens.
            let _ = tell.send(());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Witnessed> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
