//! A page that comes and goes a thousand times.

use pagewire_testkit::{FakePage, TestHub, soon};

use crate::footprint::{Footprint, alone, check_growth, memory_kib};
use crate::pages::{Reload, answer_properly, attach, come_back, next_call};
use crate::program::{End, Ends, Program};
use crate::{GROUP, GROWTH_KIB_MAX};

const RECONNECTS: u64 = 1_000;
/// Reconnects until memory has its working size.
const WARM_UP: u64 = 200;
/// One reconnect in so many happens with a call under way.
const CUT_OFF_EVERY: u64 = 10;
const FUNCTIONS: &[&str] = &["echo", "hold"];

#[test]
fn a_thousand_reconnects_leave_nothing_behind() {
    alone(reconnect());
}

async fn reconnect() {
    let hub = TestHub::start().await;
    let idle = Footprint::of_idle(&hub).await;
    let mut program = Program::new(&hub, GROUP, 0);
    let mut page = attach(&hub, GROUP, "restless", 0, FUNCTIONS).await;
    let mut warm_kib = None;
    for count in 1..=RECONNECTS {
        // An odd period, so that reconnects with a call under way are of both kinds.
        let reload = if count % 3 == 0 {
            Reload::Unseen
        } else {
            Reload::Racing
        };
        page = if count % CUT_OFF_EVERY == 0 {
            cut_off(&hub, page, reload, &mut program).await
        } else {
            come_back(&hub, page, reload, FUNCTIONS).await
        };
        if count == WARM_UP {
            warm_kib = memory_kib();
        }
    }
    check_growth(warm_kib, GROWTH_KIB_MAX);
    assert_eq!(page.epoch, RECONNECTS + 1);
    assert_eq!(hub.hub.pages().len(), 1);
    let expected = Ends {
        results: RECONNECTS / CUT_OFF_EVERY,
        page_gone: RECONNECTS / CUT_OFF_EVERY,
        ..Ends::default()
    };
    assert_eq!(Ends::of([&program]), expected);
    drop((page, program));
    idle.until_back(&hub).await;
}

/// Reconnects while the page holds a call, which ends with the old link; the next call works.
async fn cut_off(
    hub: &TestHub,
    mut page: FakePage,
    reload: Reload,
    program: &mut Program,
) -> FakePage {
    let leave = async {
        assert_eq!(next_call(&mut page).await.function, "hold");
        come_back(hub, page, reload, FUNCTIONS).await
    };
    let cut_and_left = async { tokio::join!(program.call("hold"), leave) };
    let (cut, mut page) = soon("the end of the old link", cut_and_left).await;
    assert_eq!(cut.end, End::PageGone, "{}", cut.text);
    let answer = async {
        let asked = next_call(&mut page).await;
        answer_properly(&mut page, &asked).await;
    };
    let asked_and_answered = async { tokio::join!(program.expect_result("echo"), answer) };
    soon("an answer of the new link", asked_and_answered).await;
    page
}
