//! Everything at once for a long time: pages that come and go, programs that call, hang up and miss deadlines, subscribers that read and that
//! do not. No answer is wrong or lost, no value is lost untold, and the hub stays as small as it was.

#[path = "soak/accounts.rs"]
mod accounts;
#[path = "soak/callers.rs"]
mod callers;
#[path = "soak/hub_process.rs"]
mod hub_process;
#[path = "soak/life.rs"]
mod life;
#[path = "soak/pages.rs"]
mod pages;
#[path = "soak/streams.rs"]
mod streams;
#[path = "soak/subscribers.rs"]
mod subscribers;
#[path = "soak/witness.rs"]
mod witness;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use pagewire_testkit::{Http, is_long, soon, until};
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use self::accounts::{Called, Counted, Told};
use self::callers::Caller;
use self::hub_process::{HubProcess, Measure};
use self::life::{TICK_TOPICS, tick_topic};
use self::pages::{Published, Seat};
use self::subscribers::{Goal, Reading, Subscriber};
use self::witness::Witness;
use crate::footprint::{alone_within, check_growth_to};
use crate::{GROUP, GROWTH_KIB_MAX, PROGRAMS};

const PAGES: u64 = 50;
/// Subscribers that read, and those that stop after a while.
const READERS: usize = 15;
const STALLED: usize = 5;
/// Most that the hub's memory may grow in the short form, in KiB, where memory has hardly had the time to settle. In the long form it is
/// [`GROWTH_KIB_MAX`], which a leak of some tens of bytes a call goes past.
const SHORT_GROWTH_KIB_MAX: u64 = 2 * GROWTH_KIB_MAX;

#[test]
fn pages_and_programs_that_come_and_go_lose_nothing_and_leave_nothing_behind() {
    let time = Duration::from_secs(if is_long() { 600 } else { 4 });
    // All that is not the load itself takes seconds.
    alone_within(time + Duration::from_secs(300), soak(time));
}

async fn soak(time: Duration) {
    let mut hub = HubProcess::start().await;
    let idle = idle_measure(&mut hub).await;
    let client = hub.client();
    let (tell_goal, goal) = watch::channel(None);
    let mut subscribers = subscribe(&hub, &goal).await;
    let witness = Arc::new(Witness::default());

    let load = Load::start(&hub, &witness).await;
    let ended = tokio::select! {
        ended = load.run(&mut hub, time) => ended,
        _ = subscribers.join_next() => unreachable!("a subscriber failed"),
    };
    let (callers, calm) = call_in_calm(&hub, &witness, ended.callers).await;
    tell_goal.send_replace(Some(last_values(&client).await));
    let subscribers = soon("the last values", subscribers.join_all()).await;

    let (called, told) = (Called::of(&callers), Told::of(&subscribers));
    let counted = Counted::once_idle(&client, called.made).await;
    tell_figures(&called, &counted, &told, ended.lives);
    counted.check_calls(&called);
    counted.check_values(&told, ended.published + calm);
    let (warm, full) = (ended.warm, ended.full);
    eprintln!("hub idle: {idle:?}, warm: {warm:?}, at the end: {full:?}");
    let growth_kib_max = if is_long() {
        GROWTH_KIB_MAX
    } else {
        SHORT_GROWTH_KIB_MAX
    };
    check_growth_to(warm.memory_kib, full.memory_kib, growth_kib_max);

    drop((callers, subscribers, client));
    until("the end of every task and connection", async || {
        let now = hub.measure().await;
        (now.tasks <= idle.tasks && now.files <= idle.files).then_some(())
    })
    .await;
    hub.stop().await;
}

/// Taken once the hub has answered, because its tasks start when they like.
async fn idle_measure(hub: &mut HubProcess) -> Measure {
    let before = hub.measure().await;
    assert_eq!(hub.client().get("/health").await.status, 200);
    until("the end of the first connection", async || {
        let now = hub.measure().await;
        (now.files <= before.files).then_some(now)
    })
    .await
}

/// Most follow the small values; those that stop reading follow the large ones, of which buffers on the way hold few.
async fn subscribe(hub: &HubProcess, goal: &Goal) -> JoinSet<Subscriber> {
    let mut subscribers = JoinSet::new();
    for index in 0..READERS + STALLED {
        let reading = if index < READERS {
            Reading::Steadily
        } else {
            Reading::Stalling
        };
        // The first reader of each form follows the large ones too.
        let topic = if (3..READERS).contains(&index) {
            tick_topic(index as u64 / 3)
        } else {
            "bulk".to_owned()
        };
        let topic = format!("pages/{GROUP}/{topic}");
        let subscriber = Subscriber::new(&hub.address, index, &topic, reading).await;
        subscribers.spawn(subscriber.follow(goal.clone()));
    }
    subscribers
}

/// Pages and programs under way.
struct Load {
    callers: JoinSet<Caller>,
    pages: JoinSet<(u64, Published)>,
    calls_over: CancellationToken,
    pages_over: CancellationToken,
}

/// What a load leaves.
struct Ended {
    /// Once memory had its working size, and right before the end.
    warm: Measure,
    full: Measure,
    callers: Vec<Caller>,
    /// Pages that there were, one after the other.
    lives: u64,
    published: Published,
}

impl Load {
    async fn start(hub: &HubProcess, witness: &Arc<Witness>) -> Self {
        let (calls_over, pages_over) = (CancellationToken::new(), CancellationToken::new());
        let mut pages = JoinSet::new();
        for index in 0..PAGES {
            let seat = Seat::new(&hub.ws_url(), index, witness, &pages_over);
            let page = seat.attach().await;
            pages.spawn(seat.be_restless(page));
        }
        let callers = (0..PROGRAMS as u64)
            .map(|index| Caller::new(hub.client(), index, witness).call_until(calls_over.clone()))
            .collect();
        Self {
            callers,
            pages,
            calls_over,
            pages_over,
        }
    }

    async fn run(mut self, hub: &mut HubProcess, time: Duration) -> Ended {
        let (warm, full) = tokio::select! {
            measured = measure_twice(hub, time) => measured,
            // Without these a failure would show only when all is over.
            _ = self.callers.join_next() => unreachable!("a caller failed"),
            _ = self.pages.join_next() => unreachable!("a page failed"),
        };
        self.calls_over.cancel();
        let callers = soon("the last answers", self.callers.join_all()).await;
        self.pages_over.cancel();
        let pages = soon("the pages' goodbye", self.pages.join_all()).await;
        Ended {
            warm,
            full,
            callers,
            lives: pages.iter().map(|(lives, _)| lives).sum(),
            published: pages.iter().map(|(_, published)| *published).sum(),
        }
    }
}

/// Measures the hub under load when it is warm, and when the load is over: a sixth of the time for one, the rest for the other.
async fn measure_twice(hub: &mut HubProcess, time: Duration) -> (Measure, Measure) {
    let client = hub.client();
    let warm_up = time / 6;
    sleep(warm_up).await;
    // A history that drops its oldest value has its full size.
    until("full histories", async || {
        let topics = topics(&client).await;
        let full = |topic: &Value| topic["oldest_seq"].as_u64() > Some(1);
        topics.iter().all(full).then_some(())
    })
    .await;
    let warm = hub.measure().await;
    sleep(time - warm_up).await;
    (warm, hub.measure().await)
}

/// With pages that stay, each call must end as its function says. Gives the programs back, and what the pages published.
async fn call_in_calm(
    hub: &HubProcess,
    witness: &Arc<Witness>,
    callers: Vec<Caller>,
) -> (Vec<Caller>, Published) {
    let over = CancellationToken::new();
    let mut pages = JoinSet::new();
    for index in 0..PAGES {
        let seat = Seat::new(&hub.ws_url(), index, witness, &over);
        let page = seat.attach().await;
        pages.spawn(seat.be_steady(page));
    }
    let calling: JoinSet<_> = callers.into_iter().map(Caller::call_in_calm).collect();
    let callers = tokio::select! {
        callers = soon("the answers of pages that stay", calling.join_all()) => callers,
        _ = pages.join_next() => unreachable!("a page failed"),
    };
    over.cancel();
    let published = soon("the pages' goodbye", pages.join_all()).await;
    let one_more = Seat::new(&hub.ws_url(), PAGES, witness, &over);
    let burst = soon("a burst of values", one_more.publish_much()).await;
    (callers, published.into_iter().sum::<Published>() + burst)
}

/// The last number of each topic, once no page is left that could publish.
async fn last_values(client: &Http) -> BTreeMap<String, u64> {
    until("the end of the last page", async || {
        let status = client.get("/v1/status").await.json().await;
        (status["pages"] == 0).then_some(())
    })
    .await;
    let topics = topics(client).await;
    assert_eq!(topics.len() as u64, TICK_TOPICS + 1);
    let last = |topic: &Value| {
        let name = topic["topic"].as_str().expect("a name");
        (name.to_owned(), topic["seq"].as_u64().expect("a number"))
    };
    topics.iter().map(last).collect()
}

async fn topics(client: &Http) -> Vec<Value> {
    let list = client.get("/v1/topics").await.json().await;
    list["topics"].as_array().expect("topics").clone()
}

fn tell_figures(called: &Called, counted: &Counted, told: &Told, lives: u64) {
    eprintln!("programs: {called:?}\nhub: {counted:?}");
    eprintln!("subscribers: {told:?}\npages: {PAGES} at once, {lives} lives");
}
