//! A page that reloads again and again under callers that never wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pagewire_hub::PageInfo;
use pagewire_testkit::{FakePage, TestHub, soon};
use tokio::task::JoinSet;

use crate::footprint::{Footprint, alone};
use crate::pages::{Reload, answer_properly, attach, come_back, idle_pages, next_call, serve};
use crate::program::{Answer, End, Ends, Program};
use crate::{GROUP, PROGRAMS};

const RELOADS: u64 = 25;
/// Programs whose calls are with the page at each reload. The others go on calling all the time.
const HOLDERS: usize = 16;
/// Answers that the others get between two reloads, at least.
const ANSWERS_BETWEEN: usize = 32;
const RELOADED: &[&str] = &["echo", "hold"];

#[test]
fn reloads_that_the_hub_cannot_see_lose_no_call() {
    alone(async {
        let (holders, others) = reload_under_callers(Reload::Unseen).await;
        // The new link takes over at once, so there is always a page.
        assert_eq!((holders.not_found, others.not_found), (0, 0));
        assert_eq!(holders.page_gone, RELOADS * HOLDERS as u64);
    });
}

#[test]
fn reloads_that_race_with_their_end_lose_no_call() {
    alone(async {
        let (holders, _) = reload_under_callers(Reload::Racing).await;
        assert!(holders.page_gone >= RELOADS * HOLDERS as u64, "{holders:?}");
    });
}

/// Reloads a page under callers that never wait. How their calls ended: of those who are always held, and of the others.
async fn reload_under_callers(reload: Reload) -> (Ends, Ends) {
    let hub = TestHub::start().await;
    let idle = Footprint::of_idle(&hub).await;
    let settled = Arc::new(AtomicBool::new(false));
    let page = attach(&hub, GROUP, "reloaded", 0, RELOADED).await;
    let mut programs = Program::several(&hub, GROUP, PROGRAMS);
    let mut others = start_calling("echo", programs.split_off(HOLDERS), &settled);
    let mut holders = start_calling("hold", programs, &settled);
    let page = tokio::select! {
        page = reload_often(&hub, page, reload) => page,
        // Without this the page would wait for calls that nobody makes any more.
        _ = others.join_next() => unreachable!("a caller failed"),
        _ = holders.join_next() => unreachable!("a caller that is held failed"),
    };
    settled.store(true, Ordering::Relaxed);
    let serving = tokio::spawn(serve(page));
    let holders = soon("the end of the held calls", holders.join_all()).await;
    let others = soon("the end of the other calls", others.join_all()).await;

    check_reloaded(&idle_pages(&hub).await);
    serving.abort();
    let ends = (Ends::of(&holders), Ends::of(&others));
    drop((holders, others));
    idle.until_back(&hub).await;
    eprintln!("{reload:?}: held {:?}, others {:?}", ends.0, ends.1);
    ends
}

/// Lets programs call until the last reload is over, and then once more, which must work.
fn start_calling(
    function: &'static str,
    programs: Vec<Program>,
    settled: &Arc<AtomicBool>,
) -> JoinSet<Program> {
    let call_on = async move |mut program: Program, settled: Arc<AtomicBool>| {
        while !settled.load(Ordering::Relaxed) {
            let Answer { end, text, .. } = program.call(function).await;
            assert_ne!(end, End::Timeout, "{text}");
        }
        program.expect_result(function).await;
        program
    };
    programs
        .into_iter()
        .map(|program| call_on(program, settled.clone()))
        .collect()
}

async fn reload_often(hub: &TestHub, mut page: FakePage, reload: Reload) -> FakePage {
    for _ in 0..RELOADS {
        soon("the held calls", serve_until_held(&mut page)).await;
        page = come_back(hub, page, reload, RELOADED).await;
    }
    page
}

/// Answers the others for a while, until every holder's call is here too.
async fn serve_until_held(page: &mut FakePage) {
    let (mut held, mut answered) = (0, 0);
    while held < HOLDERS || answered < ANSWERS_BETWEEN {
        let asked = next_call(page).await;
        if asked.function == "hold" {
            held += 1;
        } else {
            answer_properly(page, &asked).await;
            answered += 1;
        }
    }
}

fn check_reloaded(pages: &[PageInfo]) {
    let [page] = pages else {
        unreachable!("one page, not {}", pages.len())
    };
    assert_eq!(page.id.as_str(), "reloaded");
    assert_eq!(page.epoch, RELOADS + 1);
    assert_eq!(page.functions.len(), RELOADED.len());
}
