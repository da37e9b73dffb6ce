//! The links' drivers, run inside the one task that owns the browser connection.
//!
//! A call passes that task twice, on its way to the page and back. Drivers that were tasks of their own cost it two more wake-ups each time, of
//! which the runtime gives some to another thread.

use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};

/// All drivers that run; dropping it drops them, which takes their pages out of the hub.
#[derive(Debug, Default)]
pub(super) struct Drivers(FuturesUnordered<BoxFuture<'static, ()>>);

impl Drivers {
    pub(super) fn push(&self, driver: impl Future<Output = ()> + Send + 'static) {
        // A panic in one must not take the other pages along; its own page leaves the hub.
        let alone = AssertUnwindSafe(driver).catch_unwind();
        self.0.push(alone.map(drop).boxed());
    }

    /// Runs those that have something to do.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) {
        while let Poll::Ready(Some(())) = self.0.poll_next_unpin(context) {}
    }

    /// Waits for something that may have to wait for a driver.
    pub(super) async fn run_until<T>(&mut self, done: impl Future<Output = T>) -> T {
        let mut done = pin!(done);
        poll_fn(|context| {
            let polled = done.as_mut().poll(context);
            if polled.is_pending() {
                self.poll(context);
            }
            polled
        })
        .await
    }

    /// Runs all to their end.
    pub(super) async fn end(mut self) {
        while self.0.next().await.is_some() {}
    }
}
