//! Pages that attach, answer, publish and are gone again, all the time.

use std::iter::Sum;
use std::ops::Add;
use std::sync::Arc;
use std::time::Duration;

use pagewire_testkit::FakePage;
use tokio_util::sync::CancellationToken;

use super::life::Life;
use super::witness::Witness;
use crate::GROUP;
use crate::pages::{Reload, attach_at, come_back_at};

/// What every page of the soak exposes.
const FUNCTIONS: &[&str] = &["echo", "late", "stream", "throw", "never", "hold"];
/// Large values that a page publishes one behind the other at the end: 16 MiB of them.
const BURST: u64 = 512;

/// How the lives of a page end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Departure {
    /// The connection is gone with calls under way.
    Vanish,
    /// `$/bye`.
    Leave,
    /// It comes back with its id, and takes over from the link before.
    Return,
}

impl Departure {
    fn of(index: u64) -> Self {
        match index % 3 {
            0 => Self::Return,
            1 => Self::Vanish,
            _ => Self::Leave,
        }
    }
}

/// Values that a page published.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Published {
    /// All that it sent.
    pub(super) sent: u64,
    /// Those that the hub must have taken: it heard the goodbye behind them.
    pub(super) heard: u64,
}

impl Published {
    /// Of a page that said goodbye.
    fn all_heard(sent: u64) -> Self {
        Self { sent, heard: sent }
    }
}

impl Add for Published {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            sent: self.sent + other.sent,
            heard: self.heard + other.heard,
        }
    }
}

impl Sum for Published {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), Self::add)
    }
}

/// One place of the soak that always has a page, but not the same for long.
pub(super) struct Seat {
    hub_url: String,
    index: u64,
    witness: Arc<Witness>,
    stop: CancellationToken,
}

/// The id of a page that comes back under it.
pub(super) fn returning_id(index: u64) -> Option<String> {
    (Departure::of(index) == Departure::Return).then(|| format!("returning-{index}"))
}

impl Seat {
    pub(super) fn new(
        hub_url: &str,
        index: u64,
        witness: &Arc<Witness>,
        stop: &CancellationToken,
    ) -> Self {
        Self {
            hub_url: hub_url.to_owned(),
            index,
            witness: witness.clone(),
            stop: stop.clone(),
        }
    }

    pub(super) async fn attach(&self) -> FakePage {
        let id = returning_id(self.index);
        let known = id.as_deref().map(|id| (id, 0));
        attach_at(&self.hub_url, GROUP, known, FUNCTIONS).await
    }

    /// One life after the other until the soak stops; the last one leaves politely. How many lives, and what they published.
    pub(super) async fn be_restless(self, mut page: FakePage) -> (u64, Published) {
        let mut published = Published::default();
        for number in 1.. {
            let mut life = Life::new(page, self.index, number, self.witness.clone());
            let is_last = tokio::select! {
                () = life.run(self.life_time(number), self.calls_max(number)) => false,
                () = self.stop.cancelled() => true,
            };
            published.sent += life.published();
            if is_last {
                published.heard += life.leave().await;
                return (number, published);
            }
            page = match Departure::of(self.index) {
                Departure::Vanish => {
                    drop(life);
                    self.attach().await
                }
                Departure::Leave => {
                    published.heard += life.leave().await;
                    self.attach().await
                }
                Departure::Return => {
                    let reload = if number % 2 == 0 {
                        Reload::Unseen
                    } else {
                        Reload::Racing
                    };
                    come_back_at(&self.hub_url, life.page, reload, FUNCTIONS).await
                }
            };
        }
        unreachable!("numbers do not run out")
    }

    /// Answers whatever comes until the soak stops, then leaves.
    pub(super) async fn be_steady(self, page: FakePage) -> Published {
        let mut life = Life::new(page, self.index, 0, self.witness.clone());
        tokio::select! {
            () = life.run(Duration::MAX, u64::MAX) => unreachable!("a steady page stays"),
            () = self.stop.cancelled() => {}
        }
        Published::all_heard(life.leave().await)
    }

    /// Publishes more large values than a topic keeps and buffers on the way usually hold, so that who does not read loses some.
    pub(super) async fn publish_much(&self) -> Published {
        let mut life = Life::new(self.attach().await, self.index, 0, self.witness.clone());
        for _ in 0..BURST {
            life.publish_bulk().await;
        }
        Published::all_heard(life.leave().await)
    }

    /// Spread over 0.2 to 2 seconds, so that pages do not go in step.
    fn life_time(&self, number: u64) -> Duration {
        Duration::from_millis(200 + (self.index * 379 + number * 733) % 1_800)
    }

    /// A page goes right after the call that reaches this number.
    fn calls_max(&self, number: u64) -> u64 {
        20 + (self.index * 31 + number * 17) % 60
    }
}
