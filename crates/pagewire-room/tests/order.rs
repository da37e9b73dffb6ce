//! Several signers in order.

mod scene;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::post;
use pagewire_room::signers::order::SIGNER_REST_FIRST;
use pagewire_room::signers::{Opening, SIGNERS_MAX, SignError, Signers};
use scene::{options, request, signers};
use tokio::net::TcpListener;

/// A server that refuses the first so many requests, and counts them.
async fn moody(refusals: usize) -> (String, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&asked);
    let answer = async move || match counts.fetch_add(1, Ordering::SeqCst) {
        before if before < refusals => "in a mood",
        _ => "\"signed\"",
    };
    let routes = Router::new().route("/", post(answer));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}/", listener.local_addr().expect("an address"));
    tokio::spawn(async { axum::serve(listener, routes).await });
    (address, asked)
}

#[tokio::test]
async fn the_first_that_works_signs_and_the_one_that_failed_is_left_alone_for_a_while() {
    let (first, asked_first) = moody(1).await;
    let (second, asked_second) = moody(0).await;
    let signers = signers(&[&first, &second], &options());
    let asked = || {
        (
            asked_first.load(Ordering::SeqCst),
            asked_second.load(Ordering::SeqCst),
        )
    };
    let now = Instant::now();
    let by = async |now| {
        signers
            .sign(&request(), now)
            .await
            .map(|signed| signed.signer.to_string())
    };

    assert_eq!(by(now).await, Ok(second.clone()));
    assert_eq!(asked(), (1, 1));
    let state = signers.states().remove(0);
    let rest = state.rest.expect("the first rests");
    assert!(rest.until >= now + SIGNER_REST_FIRST);
    assert!(
        matches!(rest.reason, SignError::Answer(_)),
        "{}",
        rest.reason
    );

    assert_eq!(by(now + Duration::from_secs(1)).await, Ok(second.clone()));
    assert_eq!(asked(), (1, 2));
    assert_eq!(by(rest.until).await, Ok(first.clone()));
    assert_eq!(asked(), (2, 2));
    assert_eq!(signers.states().remove(0).rest, None);
}

#[tokio::test]
async fn when_all_fail_each_is_told_with_its_reason() {
    let signers = signers(
        &["page:made-up/sign", "command:/no/such/program x"],
        &options(),
    );
    let now = Instant::now();
    let failed = signers
        .sign(&request(), now)
        .await
        .expect_err("nobody signs");
    assert_eq!(failed.to_string(), "none of 2 signers signed");
    for ((signer, error), [by, words, zh]) in failed.failures.iter().zip([
        [
            "page:made-up/sign",
            "no page of group made-up exposes function sign: is the tab open",
            "组 made-up 中没有页面",
        ],
        [
            "command:/no/such/program …",
            "cannot start /no/such/program: ",
            "/no/such/program",
        ],
    ]) {
        assert_eq!(signer.to_string(), by);
        assert!(error.to_string().starts_with(words), "{error}");
        assert!(error.zh().contains(zh), "{}", error.zh());
    }
    // Nobody is asked while all rest, and the reasons stay.
    let again = signers
        .sign(&request(), now + Duration::from_secs(1))
        .await
        .expect_err("all rest");
    assert_eq!(again.failures, failed.failures);
    assert_eq!(
        signers.states()[0].rest.clone().expect("it rests").failures,
        1
    );
}

#[test]
fn each_signer_of_a_list_has_its_own_time() {
    let longest = |texts: &[&str]| signers(texts, &options()).longest().as_secs();
    assert_eq!(longest(&[]), 0);
    assert_eq!(longest(&["page:made-up/sign"]), 5);
    assert_eq!(longest(&["command:x", "http://127.0.0.1:1/"]), 20);
}

#[test]
fn a_list_may_be_as_long_as_the_limit_and_not_longer() {
    let list = |length: usize| {
        let addresses = vec!["page:made-up/sign".parse().expect("an address"); length];
        Signers::new(addresses, &options())
    };
    assert!(list(SIGNERS_MAX).is_ok());
    let unusable = list(SIGNERS_MAX + 1).expect_err("too many");
    assert_eq!(*unusable.why, SignError::TooMany { limit: SIGNERS_MAX });
}

#[cfg(not(feature = "script"))]
#[test]
fn a_build_without_scripts_says_so() {
    let address = "script:x.js#sign".parse().expect("an address");
    let unusable = Signers::new(vec![address], &options()).expect_err("no scripts");
    assert_eq!(*unusable.why, SignError::NoScripts);
    assert!(unusable.to_string().contains("`full`"));
}

#[tokio::test]
async fn an_address_of_a_signer_is_taken_whole() {
    let routes = Router::new().route(
        "/",
        post(async || r#"{"url":"wss://push.example/x?signature=s","headers":{"Cookie":"a=b"}}"#),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}/", listener.local_addr().expect("an address"));
    tokio::spawn(async { axum::serve(listener, routes).await });
    let signed = signers(&[&address], &options())
        .sign(&request(), Instant::now())
        .await
        .expect("signed");
    assert_eq!(signed.signer.to_string(), address);
    let Opening::Address { address, headers } = signed.opening else {
        panic!("{:?}", signed.opening);
    };
    assert_eq!(
        (
            address.http().to_string().as_str(),
            headers[0].value.to_str().ok()
        ),
        ("https://push.example/x?signature=s", Some("a=b"))
    );
}
