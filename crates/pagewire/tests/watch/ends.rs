//! How watching ends, and what is said of rooms that cannot be watched.

use pagewire_live::Site;
use pagewire_sim::{Options, RoomOptions, Sim, Status};
use pagewire_testkit::soon;
use tokio::io::AsyncBufReadExt as _;

use crate::binary::{interrupt, lines};
use crate::reader::{quick, sim};
use crate::watching::{finished, watch, watching};

/// Where a signature does not matter, as nobody gets so far.
const NO_SIGNER: [&str; 4] = ["--source", "direct", "--signer", "http://127.0.0.1:9/none"];

async fn of_status(status: Status) -> Sim {
    sim(RoomOptions {
        status,
        ..quick(Site::Douyin, &[])
    })
    .await
}

#[tokio::test]
async fn rooms_that_cannot_be_watched_are_said_in_words_and_by_the_exit_code() {
    for (status, name, code, words) in [
        (Status::Login, "r", 7, "only to those who have logged in"),
        (Status::Live, "other", 5, "there is no such room"),
    ] {
        let sim = of_status(status).await;
        let room = sim.room_url("r").expect("a room");
        let room = room.replace("/live/r", &format!("/live/{name}"));
        let ended = watch(&[&[&*room], &NO_SIGNER[..]].concat()).await;
        assert_eq!(ended.code, code, "{}", ended.stderr);
        assert!(ended.stderr.contains("refused: "), "{}", ended.stderr);
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
    }
}

#[tokio::test]
async fn a_room_that_is_not_live_yet_is_waited_for() {
    let sim = sim(RoomOptions {
        status: Status::Waiting,
        live_after: Some(std::time::Duration::from_millis(1_500)),
        ..quick(Site::Douyin, &[])
    })
    .await;
    let address = sim.push_url("r").expect("a room");
    let room = sim.room_url("r").expect("a room");
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = watching(&folder, &[&room, "--json", "--source", "direct"]);
    // Whoever signs is asked when the room is live.
    command.args([
        "--signer",
        &format!("command:[\"echo\",{}]", serde_json::json!(address)),
    ]);
    let watched = finished(&mut command).await;
    assert!(
        watched.stderr.contains("waiting: the room is not live yet"),
        "{}",
        watched.stderr
    );
    crate::watching::check(&watched, &sim, "r");
}

#[tokio::test]
async fn ctrl_c_ends_it_with_a_summary_in_the_language_of_the_user() {
    for (locale, words, gifts) in [
        ("C.UTF-8", "live: messages come", "gifts "),
        ("zh_CN.UTF-8", "直播中：正在接收消息", "礼物 "),
    ] {
        let sim = sim(RoomOptions {
            rate: 200,
            messages: None,
            ..quick(Site::Douyin, &[])
        })
        .await;
        let address = sim.push_url("r").expect("a room");
        let folder = tempfile::tempdir().expect("a folder");
        let room = sim.room_url("r").expect("a room");
        let mut command = watching(&folder, &[&room, "--address", &address]);
        let mut child = command.env("LC_ALL", locale).spawn().expect("started");
        let mut said = lines(child.stderr.take().expect("piped"));
        while let Some(line) = soon("a state", said.next_line()).await.expect("read") {
            if line.contains(words) {
                break;
            }
        }
        interrupt(&child);
        let ended = soon("the end", child.wait_with_output())
            .await
            .expect("ended");
        assert_eq!(ended.status.code(), Some(0));
        let shown = String::from_utf8(ended.stdout).expect("UTF-8");
        assert!(shown.contains("── sim/r ──"), "{shown}");
        assert!(shown.contains(gifts), "{shown}");
    }
}

#[tokio::test]
async fn a_reader_that_has_seen_enough_is_no_failure() {
    let sim = sim(RoomOptions {
        rate: 500,
        messages: None,
        ..quick(Site::Douyin, &[])
    })
    .await;
    let (room, address) = (
        sim.room_url("r").expect("a room"),
        sim.push_url("r").expect("a room"),
    );
    let folder = tempfile::tempdir().expect("a folder");
    let arguments = [&*room, "--format", "json", "--address", &address];
    let mut child = watching(&folder, &arguments).spawn().expect("started");
    // `| head -n 3`
    let mut head = tokio::io::BufReader::new(child.stdout.take().expect("piped"));
    for _ in 0..3 {
        let mut line = String::new();
        soon("a line", head.read_line(&mut line))
            .await
            .expect("read");
        assert!(line.starts_with('{') && line.ends_with("}\n"), "{line}");
    }
    drop(head);
    let ended = soon("the end", child.wait_with_output())
        .await
        .expect("ended");
    let said = String::from_utf8(ended.stderr).expect("UTF-8");
    assert_eq!(ended.status.code(), Some(0), "{said}");
    assert!(!said.contains("roken pipe"), "{said}");
}

#[tokio::test]
async fn what_is_wrong_is_said_before_anything_begins() {
    for (arguments, code, words) in [
        (&["http://example.com/"][..], 2, "no site is known"),
        (&["dooyin:1"], 2, "did you mean \"douyin\"?"),
        (&["."], 2, "pagewire replay ."),
        (&["huya:1", "huya:2", "--id", "7"], 2, "--id is of one room"),
        (&["huya:1", "--signer", "me"], 2, "names no kind of signer"),
        (
            &["huya:1", "--filter", "kind =="],
            2,
            "no such events can be shown",
        ),
        (
            &["huya:1", "--sites", "/nonexistent"],
            2,
            "--sites /nonexistent",
        ),
        (
            &["douyin:1", "--source", "direct"],
            1,
            "name one with --signer",
        ),
    ] {
        let arguments = [&["watch", "--listen", "127.0.0.1:0"], arguments].concat();
        let ended = crate::binary::run(&arguments).await;
        assert_eq!(
            (ended.code, &*ended.stdout),
            (code, ""),
            "{arguments:?} {}",
            ended.stderr
        );
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
    }
}

#[tokio::test]
async fn rooms_at_once_are_told_apart() {
    let rooms = ["a", "b"]
        .into_iter()
        .zip(7..)
        .map(|(name, seed)| RoomOptions {
            name: name.to_owned(),
            seed,
            ..quick(Site::Douyin, &[])
        });
    let sim = Sim::start(Options {
        rooms: rooms.collect(),
        ..Options::default()
    })
    .await
    .expect("it starts");
    let rooms = ["a", "b"].map(|room| sim.room_url(room).expect("a room"));
    let folder = tempfile::tempdir().expect("a folder");
    let script = folder.path().join("sign.js");
    std::fs::write(&script, crate::signed::script(&sim)).expect("written");
    let signer = format!("script:{}#sign", script.display());
    let watched = watch(&[&*rooms[0], &rooms[1], "--signer", &signer, "--json"]).await;
    assert_eq!(watched.code, 0, "{}", watched.stderr);
    for room in ["a", "b"] {
        let mut found = crate::reader::Found::new(Site::Douyin);
        let topic = format!("rooms/sim/{room}");
        for line in watched.stdout.lines() {
            let event: serde_json::Value = serde_json::from_str(line).expect("JSON");
            if event["topic"] == topic {
                found.add(&event);
            }
        }
        found.check(&sim.manifest(room).expect("a room"));
    }
    for words in ["[sim/a] ", "[sim/b] ", "── sim/a ──", "── sim/b ──"] {
        assert!(
            watched.stderr.contains(words),
            "{words}: {}",
            watched.stderr
        );
    }
}
