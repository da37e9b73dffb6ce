//! 64 programs call functions that stay, functions that come and go, and functions that never were.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use pagewire_hub::PageInfo;
use pagewire_testkit::{TestHub, is_long};
use tokio::task::JoinSet;

use crate::footprint::{Footprint, alone, check_growth, memory_kib};
use crate::pages::{attach, idle_pages, serve_growing};
use crate::program::{Ends, Program, fresh_name};
use crate::{GROUP, GROWTH_KIB_MAX, PROGRAMS};

#[test]
fn one_page_answers_64_programs() {
    alone(bear_load(1));
}

#[test]
fn a_hundred_pages_answer_64_programs() {
    alone(bear_load(100));
}

/// Calls of one [`round`], and how many of them a page answers.
const ROUND_CALLS: u64 = 5;
const ROUND_RESULTS: u64 = 3;

/// How much each program calls: at least `rounds_min`, at most `rounds_max`, and between them until the time is over.
#[derive(Debug, Clone, Copy)]
struct Load {
    rounds_min: u64,
    rounds_max: u64,
    time: Duration,
}

impl Load {
    /// What memory needs to reach its working size.
    fn warm_up() -> Self {
        Self::exactly(if is_long() { 50 } else { 3 })
    }

    fn full() -> Self {
        if !is_long() {
            return Self::exactly(5);
        }
        Self {
            rounds_min: 100,
            rounds_max: 1_000_000,
            time: Duration::from_secs(60),
        }
    }

    fn exactly(rounds: u64) -> Self {
        Self {
            rounds_min: rounds,
            rounds_max: rounds,
            time: Duration::ZERO,
        }
    }
}

async fn bear_load(page_count: usize) {
    let hub = TestHub::start().await;
    let idle = Footprint::of_idle(&hub).await;
    let answered = Arc::new(AtomicU64::new(0));
    let mut pages = attach_pages(&hub, page_count, &answered).await;

    let programs = Program::several(&hub, GROUP, PROGRAMS);
    let (programs, warm_up_rounds) = run_rounds(programs, Load::warm_up()).await;
    let (warm_kib, started) = (memory_kib(), Instant::now());
    let (programs, rounds) = run_rounds(programs, Load::full()).await;
    tell_speed(page_count, rounds, started.elapsed(), warm_kib);
    check_growth(warm_kib, GROWTH_KIB_MAX);

    let results = (warm_up_rounds + rounds) * ROUND_RESULTS;
    check_programs(&programs, warm_up_rounds + rounds);
    assert_eq!(answered.load(Ordering::Relaxed), results);
    check_pages(&hub, page_count, results).await;
    drop(programs);
    pages.shutdown().await;
    idle.until_back(&hub).await;
}

async fn attach_pages(hub: &TestHub, count: usize, answered: &Arc<AtomicU64>) -> JoinSet<()> {
    let mut pages = JoinSet::new();
    for number in 0..count {
        let id = format!("page-{number}");
        let page = attach(hub, GROUP, &id, 0, &["echo", "grow"]).await;
        pages.spawn(serve_growing(page, answered.clone()));
    }
    pages
}

/// Lets all programs call at once. Gives them back with their connections open, and how many rounds they made together.
async fn run_rounds(programs: Vec<Program>, load: Load) -> (Vec<Program>, u64) {
    let running = programs.into_iter().map(|program| run(program, load));
    let ran = running.collect::<JoinSet<_>>().join_all().await;
    let (programs, rounds): (_, Vec<u64>) = ran.into_iter().unzip();
    (programs, rounds.iter().sum())
}

async fn run(mut program: Program, load: Load) -> (Program, u64) {
    let end = Instant::now() + load.time;
    let mut rounds = 0;
    while rounds < load.rounds_min || (rounds < load.rounds_max && Instant::now() < end) {
        round(&mut program).await;
        rounds += 1;
    }
    (program, rounds)
}

/// A function that is always there, one that is there for one call, and one that never is.
async fn round(program: &mut Program) {
    program.expect_result("echo").await;
    let number = program.expect_result("grow").await;
    let fresh = fresh_name("fresh", number);
    program.expect_result(&fresh).await;
    program.expect_not_found(&fresh).await;
    program
        .expect_not_found(&fresh_name("nobody", number))
        .await;
}

/// No call is lost, none ended in another way.
fn check_programs(programs: &[Program], rounds: u64) {
    let expected = Ends {
        results: rounds * ROUND_RESULTS,
        not_found: rounds * (ROUND_CALLS - ROUND_RESULTS),
        ..Ends::default()
    };
    assert_eq!(Ends::of(programs), expected);
}

/// The hub agrees with what programs saw, and has nothing under way.
async fn check_pages(hub: &TestHub, page_count: usize, results: u64) {
    let pages = idle_pages(hub).await;
    assert_eq!(pages.len(), page_count);
    assert_eq!(sum_of_ends(&pages), [("result", results)].into());
    for page in &pages {
        assert_eq!(page.functions.len(), 2, "fresh functions are gone");
        assert_eq!(page.answers_dropped, 0);
        let share = page.calls.ended["result"];
        assert!(share > 0, "{} got none of the calls", page.id);
    }
}

fn sum_of_ends(pages: &[PageInfo]) -> BTreeMap<&'static str, u64> {
    let mut sum = BTreeMap::new();
    for (kind, count) in pages.iter().flat_map(|page| &page.calls.ended) {
        *sum.entry(*kind).or_default() += count;
    }
    sum
}

fn tell_speed(page_count: usize, rounds: u64, took: Duration, warm_kib: Option<u64>) {
    let calls = rounds * ROUND_CALLS;
    eprintln!(
        "{calls} calls of {page_count} pages in {took:.1?}: {:.0} calls/s; {warm_kib:?} KiB before, {:?} KiB after",
        calls as f64 / took.as_secs_f64(),
        memory_kib(),
    );
}
