//! Rooms through tabs of a real Chromium.

use std::path::Path;
use std::time::Duration;

use pagewire_live::Site;
use pagewire_sim::{Options, RoomOptions, Sim, Status};
use pagewire_testkit::{chromium, is_long, soon};

use crate::binary::{Finished, command, lines};
use crate::reader::{quick, sim};
use crate::watching::{LIMIT, check, events, hub_of, replay, watch, watching};

/// Watches through a browser of the command's own.
fn tab<'a>(chromium: &'a Path, arguments: &[&'a str]) -> Vec<&'a str> {
    let browser = chromium.to_str().expect("UTF-8");
    let tab = ["--source", "tab", "--headless", "--browser", browser];
    [&tab, arguments].concat()
}

#[tokio::test]
async fn five_hundred_a_second_with_drops_are_all_told_and_kept() {
    let Some(chromium) = chromium() else {
        return;
    };
    let seconds = if is_long() { 60 } else { 4 };
    let faults = ["drop=150", "doubled-gifts", "missing-ends"];
    let sim = sim(RoomOptions {
        rate: 500,
        messages: Some(500 * seconds),
        ..quick(Site::Douyin, &faults)
    })
    .await;
    let folder = tempfile::tempdir().expect("a folder");
    let journals = folder.path().to_str().expect("UTF-8");
    let room = sim.room_url("r").expect("a room");
    let arguments = tab(&chromium, &[&room, "--json", "--journal", journals]);
    let watched = watch(&arguments).await;
    check(&watched, &sim, "r");
    assert!(
        watched.stderr.contains("the connection ended"),
        "{}",
        watched.stderr
    );
    let again = replay(&folder.path().join("sim-r"), &["--json"]).await;
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert_eq!(events(&again), events(&watched));
}

#[tokio::test]
async fn a_room_that_does_not_exist_is_said_in_words() {
    let Some(chromium) = chromium() else {
        return;
    };
    let sim = sim(quick(Site::Douyin, &[])).await;
    let room = sim.room_url("r").expect("a room");
    let other = room.replace("/live/r", "/live/other");
    let watched = watch(&tab(&chromium, &[&other])).await;
    assert_eq!(watched.code, 5, "{}", watched.stderr);
    let words = "refused: there is no such room";
    assert!(watched.stderr.contains(words), "{}", watched.stderr);
}

#[tokio::test]
async fn a_page_that_polls_is_read_too() {
    let Some(chromium) = chromium() else {
        return;
    };
    let sim = sim(quick(Site::Douyin, &["polling"])).await;
    let room = sim.room_url("r").expect("a room");
    let watched = watch(&tab(&chromium, &[&room, "--json"])).await;
    check(&watched, &sim, "r");
    assert!(watched.stderr.contains("polling: "), "{}", watched.stderr);
}

#[tokio::test]
async fn the_page_of_a_room_signs_for_a_connection_of_our_own() {
    let Some(chromium) = chromium() else {
        return;
    };
    // Long enough to be under way still when the page is there, has signed, and the second connection opens.
    let long = RoomOptions {
        rate: 100,
        messages: Some(1_000),
        ..quick(Site::Douyin, &["drop=100"])
    };
    let sim = sim(long).await;
    let room = sim.room_url("r").expect("a room");
    let browser = chromium.to_str().expect("UTF-8");
    let signer = ["--signer", "page:rooms/sign", "--expose", EXPOSED];
    let arguments = [&*room, "--json", "--headless", "--browser", browser];
    let watched = watch(&[&arguments[..], &signer].concat()).await;
    assert_eq!(watched.code, 0, "{}", watched.stderr);
    assert!(
        watched.stderr.contains("signed by page:rooms/sign"),
        "{}",
        watched.stderr
    );
    // The page itself was there first, and began the broadcast.
    assert!(!events(&watched).is_empty());
}

/// The page of a broadcast that is over signs, and takes nothing of the room.
#[tokio::test]
async fn a_page_signs_for_five_hundred_a_second_with_drops_which_are_all_told_and_kept() {
    let Some(chromium) = chromium() else {
        return;
    };
    let seconds = if is_long() { 60 } else { 4 };
    let room = RoomOptions {
        rate: 500,
        messages: Some(500 * seconds),
        status: Status::Waiting,
        live_after: Some(Duration::from_secs(4)),
        ..quick(Site::Douyin, &["drop=150", "doubled-gifts", "missing-ends"])
    };
    let over = RoomOptions {
        status: Status::Ended,
        seed: 9,
        ..RoomOptions::new("over", Site::Douyin)
    };
    let options = Options {
        rooms: vec![room, over],
        ..Options::default()
    };
    let sim = Sim::start(options).await.expect("it starts");
    let (room, over) = ["r", "over"]
        .map(|room| sim.room_url(room).expect("a room"))
        .into();
    let folder = tempfile::tempdir().expect("a folder");
    let journals = folder.path().to_str().expect("UTF-8");
    let arguments = [
        &*room,
        "--json",
        "--signer",
        "page:signing/sign",
        "--journal",
        journals,
    ];
    let mut watching = watching(&folder, &arguments).spawn().expect("started");
    let mut said = lines(watching.stderr.take().expect("piped"));
    let greeting = soon("the greeting", said.next_line()).await.expect("read");
    let hub = hub_of(&greeting.expect("a line"));
    let browser = chromium.to_str().expect("UTF-8");
    let attach = [
        "attach", &over, "--hub", &hub, "--group", "signing", "--expose", EXPOSED,
    ];
    let browser = ["--headless", "--browser", browser];
    let mut attach = command(&[&attach[..], &browser].concat())
        .spawn()
        .expect("started");
    let said = tokio::spawn(async move {
        let mut all = String::new();
        while let Ok(Some(line)) = said.next_line().await {
            all += &(line + "\n");
        }
        all
    });
    let ended = tokio::time::timeout(LIMIT, watching.wait_with_output()).await;
    let ended = ended.expect("it ends").expect("ended");
    attach.start_kill().expect("it runs");
    let _ = attach.wait().await;
    let watched = Finished {
        code: ended.status.code().unwrap_or(-1),
        stdout: String::from_utf8(ended.stdout).expect("UTF-8"),
        stderr: said.await.expect("read"),
    };
    check(&watched, &sim, "r");
    let again = replay(&folder.path().join("sim-r"), &["--json"]).await;
    assert_eq!(events(&again), events(&watched));
}

/// What a page is asked, in the words of its own function.
const EXPOSED: &str = "sign=(request) => roomSigner.frontierSign({ 'X-MS-STUB': request.md5 })";

#[tokio::test]
async fn a_page_that_cannot_be_loaded_is_said_in_words_and_loaded_when_it_can_be() {
    let Some(chromium) = chromium() else {
        return;
    };
    let port = {
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        free.local_addr().expect("bound").port()
    };
    let room = format!("http://127.0.0.1:{port}/live/r");
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = watching(&folder, &tab(&chromium, &[&room, "--json"]));
    let mut child = command.spawn().expect("started");
    let mut said = lines(child.stderr.take().expect("piped"));
    let wanted = "waiting: the browser could not load the room's page";
    loop {
        let line = soon("a state", said.next_line()).await.expect("read");
        if line.expect("it says why").contains(wanted) {
            break;
        }
    }
    let sim = Sim::start(Options {
        port,
        rooms: vec![quick(Site::Douyin, &[])],
        ..Options::default()
    })
    .await
    .expect("a simulator");
    let ended = tokio::time::timeout(LIMIT, child.wait_with_output());
    let ended = ended.await.expect("it ends").expect("ended");
    let watched = Finished {
        code: ended.status.code().expect("a code"),
        stdout: String::from_utf8(ended.stdout).expect("UTF-8"),
        stderr: String::new(),
    };
    check(&watched, &sim, "r");
}
