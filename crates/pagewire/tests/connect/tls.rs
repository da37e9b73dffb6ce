//! TLS, of `connect` and of every command that takes `--hub`.

use pagewire_testkit::TestHub;

use crate::binary::run;
use crate::tls_peer::TlsPeer;

#[tokio::test]
async fn a_certificate_of_nobody_known_is_refused_with_advice() {
    let peer = TlsPeer::echo().await;
    let finished = run(&[
        "connect",
        &format!("wss://localhost:{}/", peer.port),
        "--reconnect",
    ])
    .await;
    assert_eq!(finished.code, 1, "a retry would not help");
    assert!(
        finished
            .stderr
            .contains("leads to no root that this machine trusts"),
        "{}",
        finished.stderr
    );
    assert!(finished.stderr.contains("--ca FILE"), "{}", finished.stderr);
    assert!(
        finished.stderr.contains("--insecure"),
        "{}",
        finished.stderr
    );
}

#[tokio::test]
async fn a_named_root_is_trusted_for_its_names_only() {
    let peer = TlsPeer::echo().await;
    let url = format!("wss://localhost:{}/", peer.port);
    let finished = run(&[
        "connect",
        &url,
        "--ca",
        peer.ca(),
        "--send",
        "secret",
        "--once",
    ])
    .await;
    assert_eq!(
        (finished.code, finished.stdout.as_str()),
        (0, "secret\n"),
        "{}",
        finished.stderr
    );
    assert!(!finished.stderr.contains("WARNING"), "{}", finished.stderr);
    let url = format!("wss://127.0.0.1:{}/", peer.port);
    let finished = run(&["connect", &url, "--ca", peer.ca()]).await;
    assert_eq!(finished.code, 1);
    assert!(
        finished.stderr.contains("is for another name") && finished.stderr.contains("localhost"),
        "{}",
        finished.stderr
    );
}

#[tokio::test]
async fn insecure_takes_any_certificate_and_says_so() {
    let peer = TlsPeer::echo().await;
    let url = format!("wss://127.0.0.1:{}/", peer.port);
    let finished = run(&[
        "connect",
        &url,
        "--insecure",
        "--send",
        "x",
        "--once",
        "--json",
    ])
    .await;
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert!(
        finished.stderr.contains("WARNING: --insecure"),
        "{}",
        finished.stderr
    );
    assert!(finished.stderr.contains("警告"), "{}", finished.stderr);
}

#[tokio::test]
async fn tls_and_no_tls_are_told_apart() {
    let hub = TestHub::start().await;
    let finished = run(&["connect", &format!("wss://{}/", hub.address)]).await;
    assert_eq!(finished.code, 1);
    assert!(
        finished.stderr.contains("write the address without the s"),
        "{}",
        finished.stderr
    );
    let finished = run(&["pages", "--hub", &format!("https://{}", hub.address)]).await;
    assert_eq!(finished.code, 1);
    assert!(
        finished.stderr.contains("write the address without the s"),
        "{}",
        finished.stderr
    );
}

#[tokio::test]
async fn a_hub_behind_tls_is_reached_by_every_command() {
    let hub = TestHub::start().await;
    let front = TlsPeer::in_front_of(&hub.address).await;
    let url = format!("https://localhost:{}", front.port);
    let finished = run(&[
        "publish",
        "programs/x",
        "1",
        "--hub",
        &url,
        "--ca",
        front.ca(),
    ])
    .await;
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    let finished = run(&["pages", "--hub", &url, "--ca", front.ca()]).await;
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert!(
        finished.stdout.contains("No page is attached"),
        "{}",
        finished.stdout
    );
    let finished = run(&["pages", "--hub", &url]).await;
    assert_eq!(finished.code, 1);
    assert!(
        finished
            .stderr
            .contains("leads to no root that this machine trusts"),
        "{}",
        finished.stderr
    );
}
