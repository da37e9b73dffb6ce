//! What a hub leaves behind, measured on the process that it shares with its test.

use std::fs;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use pagewire_testkit::{TestHub, need, until};
use tokio::runtime::{Builder, Handle};
use tokio::time::timeout;

/// Longest that a test of this file may take unless it says otherwise: several times what it needs under `PAGEWIRE_TEST_LONG`.
const TEST_TIME_MAX: Duration = Duration::from_secs(300);

/// Runs a test on a runtime of its own while no other of this file runs: they measure the process that they share.
pub(crate) fn alone(test: impl Future<Output = ()>) {
    alone_within(TEST_TIME_MAX, test);
}

/// The same for a test that may take so long.
pub(crate) fn alone_within(time_max: Duration, test: impl Future<Output = ()>) {
    static TURN: Mutex<()> = Mutex::new(());
    // A test that failed before leaves nothing broken behind: its runtime is gone.
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut runtime = Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).enable_all().build();
    let ended = runtime
        .expect("a runtime")
        .block_on(async { timeout(time_max, test).await });
    ended.expect("a test ends, even when a program or page of it failed");
}

/// Live things of a hub that listens and knows nobody.
#[derive(Debug)]
pub(crate) struct Footprint {
    tasks: usize,
    files: Option<usize>,
}

impl Footprint {
    /// Taken once the hub has answered, because its tasks start when they like.
    pub(crate) async fn of_idle(hub: &TestHub) -> Self {
        let files = open_files();
        assert_eq!(hub.client().get("/health").await.status, 200);
        until("the end of the first connection", async || {
            (open_files() <= files).then_some(())
        })
        .await;
        Self {
            tasks: live_tasks(),
            files,
        }
    }

    /// Waits until all pages are gone, and with them every task and connection.
    pub(crate) async fn until_back(&self, hub: &TestHub) {
        until("the end of the last page", async || {
            hub.hub.pages().is_empty().then_some(())
        })
        .await;
        until("the end of every task and connection", async || {
            (live_tasks() <= self.tasks && open_files() <= self.files).then_some(())
        })
        .await;
    }
}

/// Asserts that resident memory has grown by at most `growth_kib_max` since it was `before_kib`.
pub(crate) fn check_growth(before_kib: Option<u64>, growth_kib_max: u64) {
    check_growth_to(before_kib, memory_kib(), growth_kib_max);
}

/// The same of a process that was measured at both times.
pub(crate) fn check_growth_to(before_kib: Option<u64>, now_kib: Option<u64>, growth_kib_max: u64) {
    let (Some(before), Some(now)) = (before_kib, now_kib) else {
        return;
    };
    let growth = now.saturating_sub(before);
    assert!(
        growth <= growth_kib_max,
        "memory grew by {growth} KiB, from {before} to {now}"
    );
}

/// Resident memory of this process. A skip where the system does not say.
pub(crate) fn memory_kib() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok();
    let resident = status.and_then(|status| {
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok())
    });
    need("/proc/self/status (memory of a process)", resident)
}

/// Tasks of the runtime that this is called in.
pub(crate) fn live_tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

/// Files and sockets of this process, where the system says.
pub(crate) fn open_files() -> Option<usize> {
    fs::read_dir("/proc/self/fd").ok().map(Iterator::count)
}
