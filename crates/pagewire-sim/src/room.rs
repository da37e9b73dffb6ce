//! One room: what happens in it, who watches, what goes wrong.

mod pace;

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pagewire_live::Site;
use pagewire_live::made::Person;
use serde::Serialize;
use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, MissedTickBehavior, interval};

use self::pace::Pace;
use crate::account::{Account, Counters, Manifest};
use crate::backlog::{Backlog, Batch};
use crate::fault::{self, Fault, FaultError, Order, Refusal, Times, When};
use crate::options::{RATE_MAX, ROOM_MESSAGES_MAX, RoomOptions, Status};
use crate::server::SimError;
use crate::traffic::{Next, Now, Traffic};

/// Messages that whoever comes is given of what was before.
pub(crate) const HISTORY: u64 = 15;
/// Messages that whoever comes back is given again, as servers do.
const REPEATED: u64 = 3;
/// How often a room lets something happen.
const TICK: Duration = Duration::from_millis(20);
/// Orders that wait for a connection. One that is further behind misses the oldest.
const ORDERS: usize = 16;

/// What several tasks have to do with.
#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) options: RoomOptions,
    /// The id of the broadcast.
    pub(crate) id: u64,
    pub(crate) host: Arc<Person>,
    inner: Mutex<Inner>,
    /// Rung whenever there is something new.
    news: watch::Sender<()>,
    orders: broadcast::Sender<Order>,
}

#[derive(Debug)]
struct Inner {
    status: Status,
    /// Somebody watches, or has.
    is_watched: bool,
    traffic: Traffic,
    backlog: Backlog,
    account: Account,
    counters: Counters,
    faults: Vec<Fault>,
    /// How often opening a connection is still refused.
    refusals: u64,
}

/// A room as it stands in lists.
#[derive(Debug, Serialize)]
pub(crate) struct Listed {
    name: String,
    site: &'static str,
    /// By which clients ask push servers for it.
    id: String,
    host: String,
    status: Status,
    messages: u64,
    faults: Vec<String>,
    connections: Counters,
}

/// What a new connection is told.
#[derive(Debug)]
pub(crate) enum Opening {
    /// It may open.
    Granted,
    /// It may not.
    Refused(Refusal),
}

impl Room {
    /// # Errors
    ///
    /// A site of which nothing is made up, and a journal that cannot be read.
    pub(crate) fn new(options: RoomOptions, backlog_bytes: usize) -> Result<Self, SimError> {
        let traffic = Traffic::of(&options)?;
        let (id, host) = (traffic.id(), traffic.host().clone());
        let account = match traffic {
            Traffic::Made(_) => Account::of_made(),
            Traffic::Recorded(_) => Account::of_recorded(options.site, id),
        };
        let mut inner = Inner {
            status: options.status,
            is_watched: false,
            backlog: Backlog::new(backlog_bytes),
            account,
            counters: Counters::default(),
            faults: Vec::new(),
            refusals: 0,
            traffic,
        };
        for fault in &options.faults {
            // The options have been checked.
            let _ = inner.stand(*fault);
        }
        Ok(Self {
            id,
            host,
            options,
            inner: Mutex::new(inner),
            news: watch::Sender::new(()),
            orders: broadcast::Sender::new(ORDERS),
        })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("nothing that holds it panics")
    }

    /// By what clients of the site ask for it: the presenter at Huya, else the broadcast.
    pub(crate) fn asked_for(&self) -> u64 {
        match self.options.site {
            Site::Huya => self.host.id,
            Site::Douyin | Site::Bilibili | Site::Douyu | Site::Tiktok => self.id,
        }
    }

    pub(crate) fn status(&self) -> Status {
        self.inner().status
    }

    pub(crate) fn listed(&self) -> Listed {
        let inner = self.inner();
        Listed {
            name: self.options.name.clone(),
            site: self.options.site.name(),
            id: self.asked_for().to_string(),
            host: self.host.name.clone(),
            status: inner.status,
            messages: inner.account.messages(),
            faults: inner.faults.iter().map(Fault::to_string).collect(),
            connections: inner.counters,
        }
    }

    pub(crate) fn manifest(&self) -> Manifest {
        let inner = self.inner();
        let options = &self.options;
        let (site, played) = (options.site.name(), inner.traffic.played());
        inner
            .account
            .manifest(&options.name, site, inner.status, played)
    }

    pub(crate) fn counters(&self) -> Counters {
        self.inner().counters
    }

    pub(crate) fn count(&self, change: impl FnOnce(&mut Counters)) {
        change(&mut self.inner().counters);
    }

    /// Whether a connection may open, with these faults of its address.
    pub(crate) fn open(&self, of_address: &[Fault]) -> Opening {
        let mut inner = self.inner();
        let of_address = of_address.iter().find_map(refusal);
        let of_room = inner.faults.iter().find_map(refusal);
        let refusal = match (of_address, of_room) {
            (Some((_, how)), _) | (None, Some((Times::Always, how))) => Some(how),
            (None, Some((Times::Count(_), how))) if inner.refusals > 0 => {
                inner.refusals -= 1;
                Some(how)
            }
            (None, Some((Times::Count(_), _)) | None) => None,
        };
        match refusal {
            Some(how) => {
                inner.counters.refused += 1;
                Opening::Refused(how)
            }
            None => Opening::Granted,
        }
    }

    pub(crate) fn faults(&self) -> Vec<Fault> {
        self.inner().faults.clone()
    }

    /// From where whoever comes without a cursor is served: some of what was before.
    pub(crate) fn present(&self) -> u64 {
        self.watch();
        self.inner().backlog.next().saturating_sub(HISTORY)
    }

    /// From where whoever comes back is served, by the number of the message that comes next.
    pub(crate) fn resume(&self, number: u64) -> u64 {
        self.watch();
        number
            .min(self.inner().backlog.next())
            .saturating_sub(REPEATED)
    }

    fn watch(&self) {
        self.inner().is_watched = true;
        self.news.send_replace(());
    }

    /// Messages from this number on, and whether that was all for ever.
    pub(crate) fn after(&self, number: u64, at_most: usize) -> (Batch, bool) {
        let inner = self.inner();
        let batch = inner.backlog.after(number, at_most);
        let is_over = inner.status == Status::Ended && batch.next == inner.backlog.next();
        (batch, is_over)
    }

    pub(crate) fn news(&self) -> watch::Receiver<()> {
        self.news.subscribe()
    }

    pub(crate) fn orders(&self) -> broadcast::Receiver<Order> {
        self.orders.subscribe()
    }

    /// Lets something go wrong.
    pub(crate) fn fault(&self, fault: Fault) -> Result<(), FaultError> {
        self.options.check_fault(fault)?;
        match fault {
            // Nobody may listen.
            Fault::Connection(order, When::Now) => {
                let _ = self.orders.send(order);
            }
            Fault::End(None) => self.end(wall_ms()),
            Fault::GoLive => self.go_live(),
            Fault::None => {
                let mut inner = self.inner();
                inner.faults.clear();
                inner.refusals = 0;
            }
            Fault::Connection(_, When::Every(_))
            | Fault::Refuse { .. }
            | Fault::SlowHandshake(_)
            | Fault::Polling
            | Fault::Traffic(_)
            | Fault::End(Some(_)) => self.inner().stand(fault)?,
        }
        if fault == Fault::Polling {
            // Whoever has a socket is sent to polling by its end.
            let _ = self.orders.send(Order::SayClose);
        }
        self.news.send_replace(());
        Ok(())
    }

    fn go_live(&self) {
        let mut inner = self.inner();
        if inner.status == Status::Waiting {
            inner.status = Status::Live;
        }
    }

    fn end(&self, now_ms: u64) {
        self.inner().end(now_ms);
        self.news.send_replace(());
    }

    /// Lets at most so many things happen, and says whether the broadcast goes on.
    fn happen(&self, messages: u64, now: Now) -> bool {
        let mut inner = self.inner();
        let mut happened = 0;
        while happened < messages && inner.happen(self.options.messages, now) {
            happened += 1;
        }
        let goes_on = inner.status != Status::Ended;
        drop(inner);
        if happened > 0 || !goes_on {
            self.news.send_replace(());
        }
        goes_on
    }

    /// Messages a second, at most.
    const fn rate(&self) -> u32 {
        if self.options.recording.is_some() {
            RATE_MAX
        } else {
            self.options.rate
        }
    }

    /// Runs until the broadcast ends.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops what happens in the room.
    pub(crate) async fn run(&self) {
        if let (Status::Waiting, Some(after)) = (self.status(), self.options.live_after) {
            let told = self.until(|inner| inner.status != Status::Waiting);
            // Told or not, it is live then.
            let _ = tokio::time::timeout(after, told).await;
            self.go_live();
            self.news.send_replace(());
        }
        self.until(|inner| inner.status == Status::Live && inner.is_watched)
            .await;
        let mut pace = Pace::new(self.rate());
        let begin = Instant::now();
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            let now = Now {
                unix_ms: wall_ms(),
                since_begin: begin.elapsed(),
            };
            if !self.happen(pace.due(now.since_begin), now) {
                return;
            }
        }
    }

    async fn until(&self, is_so: impl Fn(&Inner) -> bool) {
        let mut news = self.news();
        // The sender is in this room, so it does not end before.
        let _ = news.wait_for(|()| is_so(&self.inner())).await;
    }
}

fn refusal(fault: &Fault) -> Option<(Times, Refusal)> {
    if let Fault::Refuse { times, how } = fault {
        return Some((*times, *how));
    }
    None
}

impl Inner {
    fn stand(&mut self, fault: Fault) -> Result<(), FaultError> {
        fault::stand(&mut self.faults, fault)?;
        if let Fault::Refuse {
            times: Times::Count(count),
            ..
        } = fault
        {
            self.refusals = count;
        }
        Ok(())
    }

    /// False where nothing more happens now.
    fn happen(&mut self, messages: Option<u64>, now: Now) -> bool {
        if self.status != Status::Live {
            return false;
        }
        match self.traffic.next(now, &self.faults) {
            Next::Message(message) => {
                self.account.add(&message, now.unix_ms);
                self.backlog.push(message);
            }
            Next::Lost => self.account.lost += 1,
            Next::Later => return false,
            Next::Over => self.end(now.unix_ms),
        }
        let mut told = self.faults.iter().filter_map(|fault| {
            if let Fault::End(after) = fault {
                *after
            } else {
                None
            }
        });
        let told = told.next();
        let last = told.or(messages).unwrap_or(ROOM_MESSAGES_MAX);
        if self.account.messages() + self.account.lost >= last.min(ROOM_MESSAGES_MAX) {
            self.end(now.unix_ms);
        }
        true
    }

    fn end(&mut self, now_ms: u64) {
        if self.status == Status::Ended {
            return;
        }
        for message in self.traffic.end(now_ms) {
            self.account.add(&message, now_ms);
            self.backlog.push(message);
        }
        self.status = Status::Ended;
    }
}

pub(crate) fn wall_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_ends_after_its_messages_and_what_happens_then_is_nothing() {
        let options = RoomOptions {
            messages: Some(100),
            ..RoomOptions::new("r", Site::Douyin)
        };
        let room = Room::new(options, 1 << 20).expect("it is made up");
        let now = Now {
            unix_ms: 1,
            since_begin: Duration::ZERO,
        };
        assert!(room.happen(99, now));
        assert!(!room.happen(1, now));
        assert!(!room.happen(5, now));
        let manifest = room.manifest();
        assert!(manifest.ended);
        assert_eq!(manifest.messages, 101, "with the one that says so");
        room.end(4);
        assert_eq!(room.manifest(), manifest);
    }

    #[test]
    fn openings_are_refused_so_often_and_no_more() {
        let room = Room::new(RoomOptions::new("r", Site::Douyin), 1 << 20).expect("made up");
        room.fault("refuse=2/502".parse().expect("a fault"))
            .expect("it can be");
        let refused = || matches!(room.open(&[]), Opening::Refused(Refusal::Status(502)));
        assert!(refused() && refused() && !refused());
        let always: Fault = "refuse".parse().expect("a fault");
        assert!(matches!(
            room.open(&[always]),
            Opening::Refused(Refusal::Blocked)
        ));
        room.fault(always).expect("it can be");
        assert!(!refused() && matches!(room.open(&[]), Opening::Refused(Refusal::Blocked)));
        room.fault(Fault::None).expect("it can be");
        assert!(matches!(room.open(&[]), Opening::Granted));
        assert_eq!(room.counters().refused, 5);
    }
}
