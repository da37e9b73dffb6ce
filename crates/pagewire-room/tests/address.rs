//! Servers that sign, over real sockets.

mod scene;

use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect};
use axum::routing::{any, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pagewire_live::SIGN_ANSWER_BYTES_MAX;
use pagewire_room::signers::{SignError, Signers};
use scene::{failure, options, request, signature, signers};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// A server whose answers are at paths; its base.
async fn serve() -> String {
    let of_length =
        |length: usize| move || async move { format!("\"s\"{}", " ".repeat(length - 3)) };
    let routes = Router::new()
        .route(
            "/sign",
            post(async |Json(request): Json<Value>| {
                Json(json!({"signature": STANDARD.encode(request.to_string())}))
            }),
        )
        .route("/limit", post(of_length(SIGN_ANSWER_BYTES_MAX)))
        .route("/long", post(of_length(SIGN_ANSWER_BYTES_MAX + 1)))
        .route("/away", post(async || Redirect::temporary("/sign")))
        .route(
            "/key",
            post(async || (StatusCode::UNAUTHORIZED, "no such key").into_response()),
        )
        .route(
            "/broken",
            post(async || (StatusCode::INTERNAL_SERVER_ERROR, "x".repeat(1_000)).into_response()),
        )
        .route("/empty", post(async || StatusCode::NO_CONTENT))
        .route("/page", any(async || "<html>"))
        .route(
            "/never",
            post(async || std::future::pending::<String>().await),
        );
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async { axum::serve(listener, routes).await });
    format!("http://{address}")
}

fn at(address: &str) -> Signers {
    let mut options = options();
    options.address_timeout = Duration::from_secs(60);
    signers(&[address], &options)
}

#[tokio::test]
async fn a_server_gets_the_request_and_its_answer_counts() {
    let base = serve().await;
    let said = signature(&at(&format!("{base}/sign?key=k"))).await;
    let said = STANDARD.decode(said).expect("what the server encoded");
    let said: Value = serde_json::from_slice(&said).expect("JSON");
    let sent = serde_json::to_value(request()).expect("JSON");
    assert_eq!(said, sent);
}

#[tokio::test]
async fn an_answer_may_be_as_long_as_the_limit_and_not_longer() {
    let base = serve().await;
    assert_eq!(signature(&at(&format!("{base}/limit"))).await, "s");
    let limit = SIGN_ANSWER_BYTES_MAX;
    assert_eq!(
        failure(&at(&format!("{base}/long"))).await,
        SignError::TooLong { limit }
    );
}

#[tokio::test]
async fn whatever_is_not_200_is_told_with_what_may_help() {
    let base = serve().await;
    let cases = [
        (
            "/away",
            "it answered 307 Temporary Redirect: redirections are not followed",
        ),
        (
            "/key",
            "it answered 401 Unauthorized (no such key): does it want a key",
        ),
        ("/broken", "xxx…): something is wrong at its end"),
        ("/empty", "204 No Content: a signer answers 200"),
        ("/nothing", "404 Not Found: is the path right"),
        ("/page", "no signature has"),
    ];
    for (path, words) in cases {
        let error = failure(&at(&format!("{base}{path}"))).await.to_string();
        assert!(error.contains(words), "{path}: {error}");
        assert!(error.len() < 400, "{path}: {error}");
    }
}

#[tokio::test]
async fn a_server_that_is_silent_or_not_there_is_told() {
    let base = serve().await;
    let mut options = options();
    options.address_timeout = Duration::from_millis(300);
    let slow = signers(&[&format!("{base}/never")], &options);
    assert_eq!(
        failure(&slow).await,
        SignError::Slow(Duration::from_millis(300))
    );

    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let free = listener.local_addr().expect("an address");
    drop(listener);
    let error = failure(&at(&format!("http://{free}"))).await.to_string();
    assert!(
        error.starts_with("cannot reach it: ") && error.contains("refused"),
        "{error}"
    );
    // It speaks no TLS.
    let error = failure(&at(&base.replace("http:", "https:")))
        .await
        .to_string();
    assert!(error.contains("does not speak TLS"), "{error}");
}
