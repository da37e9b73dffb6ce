//! Profiles that stay, with a real Chromium.
#![cfg(unix)]

mod devtools;

use std::path::Path;
use std::process::Stdio;

use pagewire_browser::{
    Browser, LaunchError, LaunchOptions, Profile, ProfileError, ProfileUser, Transport,
};
use pagewire_testkit::{chromium, soon, until};
use serde_json::json;

use self::devtools::command;

fn launch(program: &Path, profile: &Path) -> Result<(Browser, Transport), LaunchError> {
    Browser::launch(&LaunchOptions {
        profile: Profile::Named(profile.to_owned()),
        ..LaunchOptions::new(program)
    })
}

fn user_of(refused: Result<(Browser, Transport), LaunchError>) -> ProfileUser {
    let error = refused.expect_err("refused");
    let LaunchError::Profile(ProfileError::InUse { user, .. }) = error else {
        unreachable!("{error}");
    };
    user
}

#[tokio::test]
async fn a_named_profile_keeps_a_log_in_over_closing_and_over_a_dropped_transport() {
    let Some(chromium) = chromium() else { return };
    let below = tempfile::tempdir().unwrap();
    let profile = below.path().join("shop");
    let (browser, mut transport) = launch(&chromium, &profile).unwrap();
    assert_eq!(user_of(launch(&chromium, &profile)), ProfileUser::Pagewire);
    let cookie = json!({"name": "login", "value": "1", "url": "https://shop.example/", "expires": 4_102_444_800_u64});
    let set = command(
        &mut transport,
        "Storage.setCookies",
        json!({"cookies": [cookie]}),
    )
    .await;
    assert_eq!(set["result"], json!({}), "{set}");
    soon("the end of the browser", browser.close()).await;

    for _ in 0..2 {
        let (mut browser, mut transport) = launch(&chromium, &profile).unwrap();
        let cookies = command(&mut transport, "Storage.getCookies", json!({})).await;
        assert_eq!(
            cookies["result"]["cookies"][0]["name"], "login",
            "{cookies}"
        );
        drop(transport);
        soon("the end of the browser", browser.wait()).await;
    }
    assert!(profile.is_dir());
}

#[tokio::test]
async fn a_profile_that_another_browser_has_is_refused() {
    let Some(chromium) = chromium() else { return };
    let profile = tempfile::tempdir().unwrap();
    let mut other = tokio::process::Command::new(&chromium)
        .args(["--headless", "--no-sandbox", "--remote-debugging-port=0"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let runs = profile.path().join("DevToolsActivePort");
    until("the other browser", async || runs.exists().then_some(())).await;
    assert_eq!(
        user_of(launch(&chromium, profile.path())),
        ProfileUser::Browser
    );
    other.kill().await.unwrap();
    // What it left is no obstacle.
    let (browser, mut transport) = launch(&chromium, profile.path()).unwrap();
    let version = command(&mut transport, "Browser.getVersion", json!({})).await;
    assert!(version["result"]["product"].is_string(), "{version}");
    browser.close().await;
}
