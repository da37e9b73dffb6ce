//! Pages that answer properly, and one that does not.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pagewire_hub::PageInfo;
use pagewire_testkit::{FakePage, TestHub, soon, until};
use serde_json::json;
use tokio_tungstenite::MaybeTlsStream;

use crate::program::{fresh_name, proper_answer};

/// Copies that a babbling page sends of each answer, the right one included.
pub(crate) const COPIES: u64 = 5;
/// Pieces of junk that it sends before each right answer.
pub(crate) const JUNK: u64 = 4;
/// An id that the hub has not given to any call, and will not before the test ends.
const UNKNOWN_ID: u64 = 1 << 50;

/// A call that a page was asked.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) id: u64,
    pub(crate) function: String,
    pub(crate) number: u64,
}

/// What the hub wants of a page.
#[derive(Debug)]
pub(crate) enum Order {
    Call(Asked),
    /// `$/cancel` of this call.
    Cancel(u64),
}

/// Attaches a page with this id, as one that comes back and was at `epoch`; a new one begins with 0.
pub(crate) async fn attach(
    hub: &TestHub,
    group: &str,
    id: &str,
    epoch: u64,
    functions: &[&str],
) -> FakePage {
    attach_at(&hub.ws_url(), group, Some((id, epoch)), functions).await
}

/// The same at a hub that may be another process; a page without an id is given one.
pub(crate) async fn attach_at(
    hub_url: &str,
    group: &str,
    known: Option<(&str, u64)>,
    functions: &[&str],
) -> FakePage {
    let functions: Vec<_> = functions
        .iter()
        .map(|name| json!({ "name": name }))
        .collect();
    let mut hello = json!({ "group": group, "functions": functions });
    if let Some((id, epoch)) = known {
        hello["page"] = id.into();
        hello["epoch"] = epoch.into();
    }
    let page = FakePage::attach_at(hub_url, hello).await;
    // As browsers do. Else an answer right behind `$/expose` waits for the other side's delayed ACK.
    if let MaybeTlsStream::Plain(connection) = page.socket.get_ref() {
        connection.set_nodelay(true).expect("a TCP option");
    }
    page
}

pub(crate) async fn next_order(page: &mut FakePage) -> Order {
    let message = page.next().await;
    let number = |value: &serde_json::Value| value.as_u64().expect("a number");
    let method = message["method"].as_str().expect("an order");
    if method == "$/cancel" {
        return Order::Cancel(number(&message["params"]["id"]));
    }
    Order::Call(Asked {
        id: number(&message["id"]),
        function: method.to_owned(),
        number: number(&message["params"][0]),
    })
}

/// The next call; for pages whose calls nobody takes back.
pub(crate) async fn next_call(page: &mut FakePage) -> Asked {
    match next_order(page).await {
        Order::Call(asked) => asked,
        Order::Cancel(id) => unreachable!("nobody cancels here, but the hub cancelled {id}"),
    }
}

pub(crate) async fn answer_properly(page: &mut FakePage, asked: &Asked) {
    let text = proper_answer(&page.id, &asked.function, asked.number);
    page.answer(asked.id, &text).await;
}

/// Answers every call.
pub(crate) async fn serve(mut page: FakePage) {
    loop {
        let asked = next_call(&mut page).await;
        answer_properly(&mut page, &asked).await;
    }
}

/// Answers every call. `grow` exposes a function of a fresh name, which is gone with its first call.
///
/// The link keeps its order, so a program that has its answer finds the function there, or gone.
pub(crate) async fn serve_growing(mut page: FakePage, answered: Arc<AtomicU64>) {
    loop {
        let asked = next_call(&mut page).await;
        match asked.function.as_str() {
            "echo" => {}
            "grow" => {
                let functions = json!([{ "name": fresh_name("fresh", asked.number) }]);
                notify(&mut page, "$/expose", &json!({ "functions": functions })).await;
            }
            fresh => {
                let names = json!([fresh]);
                notify(&mut page, "$/retract", &json!({ "names": names })).await;
            }
        }
        answer_properly(&mut page, &asked).await;
        answered.fetch_add(1, Ordering::Relaxed);
    }
}

/// Answers each call [`COPIES`] times with [`JUNK`] before it, each call of `late` once it has ended, and `plain` as it should.
pub(crate) async fn babble(mut page: FakePage) {
    loop {
        match next_order(&mut page).await {
            Order::Cancel(id) => page.answer(id, r#""too late""#).await,
            Order::Call(asked) if asked.function == "late" => {}
            Order::Call(asked) if asked.function == "plain" => {
                answer_properly(&mut page, &asked).await;
            }
            Order::Call(asked) => {
                send_junk(&mut page).await;
                answer_properly(&mut page, &asked).await;
                for _ in 1..COPIES {
                    page.answer(asked.id, r#""a copy that is not even right""#)
                        .await;
                }
            }
        }
    }
}

/// Four kinds of answers that belong to no call.
async fn send_junk(page: &mut FakePage) {
    page.answer(UNKNOWN_ID, r#""of no call""#).await;
    page.item(UNKNOWN_ID, r#""of no stream""#).await;
    page.send(r#"{"jsonrpc":"2.0","id":"a text","result":null}"#)
        .await;
    page.send(r#"{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"of nothing"}}"#)
        .await;
}

async fn notify(page: &mut FakePage, method: &str, params: &serde_json::Value) {
    let message = json!({ "jsonrpc": "2.0", "method": method, "params": params });
    page.send(&message.to_string()).await;
}

/// How a page comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reload {
    /// The hub still believes in the old link: its socket is open until the hub closes it.
    Unseen,
    /// The old socket closes right before the new one opens; which of the two the hub sees first is open.
    Racing,
}

/// Attaches the page anew, as the browser does: no goodbye, the same id, the last epoch.
pub(crate) async fn come_back(
    hub: &TestHub,
    old: FakePage,
    reload: Reload,
    functions: &[&str],
) -> FakePage {
    come_back_at(&hub.ws_url(), old, reload, functions).await
}

/// The same at a hub that may be another process.
pub(crate) async fn come_back_at(
    hub_url: &str,
    mut old: FakePage,
    reload: Reload,
    functions: &[&str],
) -> FakePage {
    let (id, epoch) = (old.id.clone(), old.epoch);
    let attach = async || attach_at(hub_url, crate::GROUP, Some((&id, epoch)), functions).await;
    let new = match reload {
        Reload::Unseen => {
            let new = attach().await;
            let closed = soon("the close of the old link", old.closed()).await;
            assert_eq!(closed, Some((4409, "replaced".to_owned())));
            new
        }
        Reload::Racing => {
            drop(old);
            attach().await
        }
    };
    assert_eq!((&new.id, new.epoch), (&id, epoch + 1));
    new
}

/// The pages once none has a call: their figures come after the answers.
pub(crate) async fn idle_pages(hub: &TestHub) -> Vec<PageInfo> {
    until("the end of all calls", async || {
        let pages = hub.hub.pages();
        let idle = |page: &PageInfo| page.calls.in_flight + page.calls.queued == 0;
        pages.iter().all(idle).then_some(pages)
    })
    .await
}
