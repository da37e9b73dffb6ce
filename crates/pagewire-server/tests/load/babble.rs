//! A page that answers every call five times over, answers calls that have ended, and answers calls that never were.

use std::time::Duration;

use pagewire_testkit::TestHub;
use tokio::task::JoinSet;

use crate::PROGRAMS;
use crate::footprint::{Footprint, alone};
use crate::pages::{COPIES, JUNK, attach, babble, idle_pages, serve};
use crate::program::{End, Ends, Program};

#[test]
fn answers_that_nobody_waits_for_harm_no_call() {
    alone(hear_babble());
}

/// Rounds of each program, and the programs of each kind.
const BABBLE_ROUNDS: u64 = 20;
const BABBLED_AT: usize = 32;
const KEPT_WAITING: usize = 8;
const LATE_DEADLINE: Duration = Duration::from_millis(10);

async fn hear_babble() {
    let hub = TestHub::start().await;
    let idle = Footprint::of_idle(&hub).await;
    let mut pages = JoinSet::new();
    pages.spawn(babble(
        attach(&hub, "babble", "babbler", 0, &["echo", "late", "plain"]).await,
    ));
    pages.spawn(serve(attach(&hub, "calm", "calm", 0, &["echo"]).await));

    let mut programs = Program::several(&hub, "babble", BABBLED_AT + KEPT_WAITING);
    let late = programs.split_off(BABBLED_AT);
    let calm =
        (programs.len() + late.len()..PROGRAMS).map(|index| Program::new(&hub, "calm", index));
    let calling: JoinSet<_> = programs.into_iter().chain(calm).map(call_echo).collect();
    let waiting: JoinSet<_> = late.into_iter().map(wait_in_vain).collect();
    let mut programs = calling.join_all().await;
    programs.extend(waiting.join_all().await);

    let late_calls = KEPT_WAITING as u64 * BABBLE_ROUNDS;
    let echo_calls = (PROGRAMS - KEPT_WAITING) as u64 * BABBLE_ROUNDS;
    let expected = Ends {
        results: echo_calls,
        timeouts: late_calls,
        ..Ends::default()
    };
    assert_eq!(Ends::of(&programs), expected);
    check_babble(&hub, late_calls).await;
    drop(programs);
    pages.shutdown().await;
    idle.until_back(&hub).await;
}

async fn call_echo(mut program: Program) -> Program {
    for _ in 0..BABBLE_ROUNDS {
        program.expect_result("echo").await;
    }
    program
}

async fn wait_in_vain(mut program: Program) -> Program {
    for _ in 0..BABBLE_ROUNDS {
        let answer = program.call_within("late", LATE_DEADLINE).await;
        assert_eq!(answer.end, End::Timeout, "{}", answer.text);
    }
    program
}

/// Every answer too many was counted, and nothing else.
async fn check_babble(hub: &TestHub, late_calls: u64) {
    // What the babbler sent before this answer has been heard: a link keeps its order.
    let mut last = Program::new(hub, "babble", PROGRAMS);
    last.expect_result("plain").await;
    let echo_calls = BABBLED_AT as u64 * BABBLE_ROUNDS;
    let pages = idle_pages(hub).await;
    let [babbler, calm] = &*pages else {
        unreachable!("two pages, not {}", pages.len())
    };
    let dropped = echo_calls * (JUNK + COPIES - 1) + late_calls;
    assert_eq!(
        (babbler.answers_dropped, calm.answers_dropped),
        (dropped, 0)
    );
    let ended = [("result", echo_calls + 1), ("timeout", late_calls)];
    assert_eq!(babbler.calls.ended, ended.into());
}
