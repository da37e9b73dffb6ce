//! Pages that sign, over a real hub.

mod scene;

use std::time::{Duration, Instant};

use pagewire_dial::tls::plain_connector;
use pagewire_room::signers::{SignError, SignerOptions, Signers};
use pagewire_testkit::{FakePage, TestHub};
use scene::{failure, request, signature, signers};

fn signed_by_page(hub: &TestHub, timeout: Duration) -> Signers {
    let mut options = SignerOptions::new(hub.hub.clone(), plain_connector());
    options.page_timeout = timeout;
    signers(&["page:made-up/sign"], &options)
}

fn patient(hub: &TestHub) -> Signers {
    signed_by_page(hub, Duration::from_secs(60))
}

#[tokio::test]
async fn a_pages_function_gets_the_request_as_its_argument() {
    let hub = TestHub::start().await;
    let page = FakePage::attach(&hub, "made-up", &["sign"]).await;
    tokio::spawn(page.serve(|_, arguments| {
        let md5 = arguments[0]["md5"].as_str().expect("an MD5");
        format!("{{\"signature\":\"signed-{md5}\"}}")
    }));
    let expected = format!("signed-{}", request().md5);
    assert_eq!(signature(&patient(&hub)).await, expected);
}

#[tokio::test]
async fn a_page_that_is_not_there_is_told_with_what_to_do() {
    let hub = TestHub::start().await;
    let signers = patient(&hub);
    let error = failure(&signers).await;
    assert!(
        error.to_string().starts_with(
            "no page of group made-up exposes function sign: is the tab open and attached?"
        ),
        "{error}"
    );
    assert!(error.zh().contains("标签页是否已打开"), "{}", error.zh());
    let _page = FakePage::attach(&hub, "made-up", &["signs"]).await;
    let error = failure(&signers).await.to_string();
    assert!(error.contains("did you mean signs?"), "{error}");
}

#[tokio::test]
async fn a_page_that_throws_leaves_or_says_nothing_is_told() {
    let hub = TestHub::start().await;
    let signers = patient(&hub);
    let mut page = FakePage::attach(&hub, "made-up", &["sign"]).await;
    let answering = async {
        let id = page.next_call("sign").await;
        let error = format!(
            r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-32000,"message":"no signer in this page"}}}}"#
        );
        page.send(&error).await;
        let id = page.next_call("sign").await;
        page.answer(id, "7").await;
        page.next_call("sign").await;
        drop(page);
    };
    let asking = async {
        let words = [
            "the page's function threw: no signer in this page",
            "is a number",
            "the page went away while it signed",
        ];
        for words in words {
            let error = failure(&signers).await.to_string();
            assert!(error.contains(words), "{error}");
        }
    };
    tokio::join!(answering, asking);

    let _silent = FakePage::attach(&hub, "made-up", &["sign"]).await;
    let error = failure(&signed_by_page(&hub, Duration::from_millis(200))).await;
    assert!(
        error
            .to_string()
            .starts_with("the page did not answer within 200 ms"),
        "{error}"
    );
}

#[tokio::test]
async fn another_tab_signs_when_the_first_one_leaves() {
    let hub = TestHub::start().await;
    let signers = patient(&hub);
    let mut leaves = FakePage::attach(&hub, "made-up", &["sign"]).await;
    let signing = async { signers.sign(&request(), Instant::now()).await };
    let leaving = async {
        leaves.next_call("sign").await;
        let stays = FakePage::attach(&hub, "made-up", &["sign"]).await;
        tokio::spawn(stays.serve(|_, _| "\"from-the-other-tab\"".to_owned()));
        drop(leaves);
    };
    let (signed, ()) = tokio::join!(signing, leaving);
    assert!(signed.is_ok(), "{signed:?}");
    assert!(
        !matches!(signers.states()[0].rest, Some(ref rest) if matches!(rest.reason, SignError::PageGone(_)))
    );
}
