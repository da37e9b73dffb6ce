//! Rooms of the simulator from their sources to their listeners, over real sockets.
#![allow(
    clippy::unwrap_used,
    reason = "a test helper fails the test by panicking"
)]

mod watched;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use pagewire_hub::{Hub, HubOptions, Notice, SlowReader, Start};
use pagewire_live::{Fallback, Site, State};
use pagewire_room::watch::{Listeners, RoomTopic, Source, WatchError, Watched, watch};
use pagewire_sim::{RoomOptions, Sim, Status, sign};
use pagewire_testkit::{FakePage, TestHub, is_long, soon};
use tokio::sync::Notify;
use watched::reader::{quick, sim};
use watched::{Heard, Scene, replayed, signers};

/// A room whose broadcast lasts some seconds, so that it can be lost and found again.
fn slow(faults: &[&str]) -> RoomOptions {
    RoomOptions {
        rate: 500,
        messages: Some(1_500),
        ..quick(Site::Douyin, faults)
    }
}

/// Keeps what comes of a room, until so many events were told.
async fn stopped_after(events: u64, sim: &Sim, path: &Path) -> (Watched, Heard) {
    let mut heard = Heard::new(Site::Douyin);
    let stop = Arc::new(Notify::new());
    let stops = stop.clone();
    heard.on_event = Box::new(move |count| {
        if count == events {
            stops.notify_one();
        }
    });
    let scene = Scene::of(sim, "r").kept_in(path);
    let watching = scene.watch_until(&mut heard, stop.notified());
    let watched = soon("the stop", watching).await;
    (watched, heard)
}

#[tokio::test]
async fn all_that_happens_is_told_once_over_a_socket_of_our_own() {
    let sim = sim(quick(Site::Douyin, &[])).await;
    let mut heard = Heard::new(Site::Douyin);
    let watched = Scene::of(&sim, "r").watch(&mut heard).await;
    heard.found.check(&sim.manifest("r").unwrap());
    assert_eq!(watched.status.state, State::Ended);
    assert_eq!((heard.unread, watched.status.damaged), (0, 0));
    let counters = sim.counters("r").unwrap();
    assert_eq!((counters.opened, counters.acks_wrong), (1, 0));
    assert!(counters.acks > 0);
    assert!(heard.has_note("signed") && heard.has_note("opened"));
}

#[tokio::test]
async fn drops_doubled_gifts_and_missing_ends_lose_nothing_and_the_journal_tells_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let sim = sim(slow(&["drop=25", "doubled-gifts", "missing-ends"])).await;
    let mut heard = Heard::new(Site::Douyin);
    let scene = Scene::of(&sim, "r").kept_in(&path);
    let watched = scene.watch(&mut heard).await;
    heard.found.check(&sim.manifest("r").unwrap());
    assert!(watched.status.reconnects() > 0 && watched.repeated > 0);
    let (first, tally) = replayed(&path, Site::Douyin).await;
    assert_eq!(first.events, heard.events);
    assert_eq!((tally.damaged, first.frames), (0, heard.frames));
    let (second, again) = replayed(&path, Site::Douyin).await;
    assert_eq!((second.events, again), (first.events, tally));
}

#[tokio::test]
async fn a_page_of_the_hub_signs() {
    let sim = sim(quick(Site::Douyin, &[])).await;
    let hub = TestHub::start().await;
    let page = FakePage::attach(&hub, "sim", &["sign"]).await;
    let secret = sim.secret().to_owned();
    tokio::spawn(page.serve(move |_, arguments| {
        let md5 = arguments[0]["md5"].as_str().expect("an MD5");
        format!("{{\"X-Bogus\":\"{}\"}}", sign(&secret, md5))
    }));
    let mut scene = Scene::of(&sim, "r");
    scene.source.signers = Some(signers("page:sim/sign", hub.hub.clone()));
    let mut heard = Heard::new(Site::Douyin);
    scene.watch(&mut heard).await;
    heard.found.check(&sim.manifest("r").unwrap());
}

#[tokio::test]
async fn an_address_of_the_user_goes_on_after_drops() {
    let sim = sim(slow(&["drop=15"])).await;
    let mut scene = Scene::of(&sim, "r");
    scene.source.signers = None;
    scene.source.addresses = vec![sim.push_url("r").unwrap()];
    let mut heard = Heard::new(Site::Douyin);
    let watched = scene.watch(&mut heard).await;
    heard.found.check(&sim.manifest("r").unwrap());
    assert!(watched.status.reconnects() > 0);
}

#[tokio::test]
async fn handshakes_that_are_refused_are_tried_again() {
    let sim = sim(quick(Site::Douyin, &["refuse=2"])).await;
    let mut heard = Heard::new(Site::Douyin);
    Scene::of(&sim, "r").watch(&mut heard).await;
    heard.found.check(&sim.manifest("r").unwrap());
    let refused = heard
        .states
        .iter()
        .filter(|(_, reason)| reason == "handshake");
    assert_eq!(refused.count(), 2);
}

#[tokio::test]
async fn where_there_is_no_socket_messages_are_polled_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let sim = sim(quick(Site::Douyin, &["polling"])).await;
    let mut scene = Scene::of(&sim, "r").kept_in(&path);
    scene.options.connection.fallback = Fallback::Poll;
    let mut heard = Heard::new(Site::Douyin);
    scene.watch(&mut heard).await;
    heard.found.check(&sim.manifest("r").unwrap());
    assert!(
        heard
            .states
            .iter()
            .any(|(state, _)| *state == State::Polling)
    );
    assert_eq!(replayed(&path, Site::Douyin).await.0.events, heard.events);
}

#[tokio::test]
async fn a_room_is_waited_for_and_watched_when_it_goes_live() {
    let room = RoomOptions {
        status: Status::Waiting,
        ..quick(Site::Douyin, &[])
    };
    let sim = sim(room).await;
    let mut heard = Heard::new(Site::Douyin);
    let (told, goes_live) = tokio::sync::oneshot::channel();
    let mut told = Some(told);
    heard.on_state = Box::new(move |_, reason| {
        if reason == "not_live"
            && let Some(told) = told.take()
        {
            told.send(()).unwrap();
        }
    });
    let watching = Scene::of(&sim, "r").watch(&mut heard);
    let going = async {
        soon("the waiting", goes_live).await.unwrap();
        sim.fault("r", "go-live".parse().unwrap()).unwrap();
    };
    tokio::join!(watching, going);
    heard.found.check(&sim.manifest("r").unwrap());
    assert_eq!(
        heard
            .states
            .iter()
            .filter(|(_, reason)| reason == "not_live")
            .count(),
        1
    );
}

#[tokio::test]
async fn rooms_that_cannot_be_watched_are_said_in_words() {
    for (name, status, state, reason) in [
        ("r", Status::Login, State::Refused, "log_in"),
        ("missing", Status::Live, State::Refused, "missing"),
        ("r", Status::Ended, State::Waiting, "not_live"),
        ("r", Status::Captcha, State::Waiting, "unclear"),
    ] {
        let room = RoomOptions {
            status,
            ..quick(Site::Douyin, &[])
        };
        let sim = sim(room).await;
        let mut heard = Heard::new(Site::Douyin);
        let (stop, stopped) = (Arc::new(Notify::new()), reason.to_owned());
        let stops = stop.clone();
        heard.on_state = Box::new(move |_, reason| {
            if reason == stopped {
                stops.notify_one();
            }
        });
        let watching = Scene::of(&sim, name).watch_until(&mut heard, stop.notified());
        let watched = soon(&format!("{state:?} of {name}"), watching).await;
        assert_eq!(
            (watched.status.state, watched.status.reason.name()),
            (state, reason)
        );
    }
}

#[tokio::test]
async fn other_sites_are_watched_without_a_signer() {
    for site in [Site::Huya, Site::Bilibili, Site::Douyu] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let sim = sim(quick(site, &[])).await;
        let mut heard = Heard::new(site);
        let scene = Scene::of_site(&sim, "r", site).kept_in(&path);
        scene.watch(&mut heard).await;
        heard.found.check(&sim.manifest("r").unwrap());
        assert_eq!(
            replayed(&path, site).await.0.events,
            heard.events,
            "{site:?}"
        );
    }
}

#[tokio::test]
async fn who_cannot_sign_is_told_before_anything_is_asked() {
    let sim = sim(quick(Site::Douyin, &[])).await;
    let mut scene = Scene::of(&sim, "r");
    scene.source.signers = None;
    let source = Source::Direct(Box::new(scene.source));
    let mut heard = Heard::new(Site::Douyin);
    let watching = watch(
        scene.room,
        source,
        scene.options,
        &mut heard,
        std::future::pending(),
    );
    let error = watching.await.expect_err("nobody signs");
    assert!(matches!(error, WatchError::NoSigner { .. }), "{error}");
}

/// The files of a journal, as bytes.
fn segments(path: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let files = fs::read_dir(path).unwrap().map(|file| file.unwrap().path());
    let segments = files.filter(|path| path.extension().is_some_and(|end| end == "pwj"));
    segments
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect()
}

#[tokio::test]
async fn a_changed_byte_costs_the_records_of_one_chunk_and_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let sim = sim(slow(&[])).await;
    Scene::of(&sim, "r")
        .kept_in(&path)
        .watch(&mut Heard::new(Site::Douyin))
        .await;
    let (whole, tally) = replayed(&path, Site::Douyin).await;
    let mut tried = 0;
    for (file, bytes) in segments(&path) {
        for at in (0..bytes.len()).step_by(bytes.len() / 23) {
            let mut changed = bytes.clone();
            changed[at] ^= 0x40;
            fs::write(&file, changed).unwrap();
            let (heard, replayed) = replayed(&path, Site::Douyin).await;
            assert!(
                replayed.damaged > 0 && heard.has_note("damaged"),
                "byte {at}"
            );
            let lost: Option<u64> = heard.lost.iter().copied().sum();
            if let Some(lost) = lost {
                assert_eq!(replayed.records + lost, tally.records, "byte {at}");
            }
            assert!(
                heard.frames * 2 > whole.frames,
                "byte {at}: {} frames",
                heard.frames
            );
            tried += 1;
        }
        fs::write(&file, bytes).unwrap();
    }
    assert!(tried > 20);
    assert_eq!(replayed(&path, Site::Douyin).await.0.events, whole.events);
}

#[tokio::test]
async fn whoever_stops_it_closes_the_journal_and_ends_what_is_open() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let room = RoomOptions {
        messages: None,
        ..slow(&["missing-ends"])
    };
    let sim = sim(room).await;
    let (watched, heard) = stopped_after(800, &sim, &path).await;
    assert_eq!(watched.status.state, State::Live);
    assert!(heard.events.last().unwrap().contains("gift.final"));
    assert_eq!(replayed(&path, Site::Douyin).await.0.events, heard.events);
    let closed = async || (sim.counters("r").unwrap().open == 0).then_some(());
    pagewire_testkit::until("the goodbye", closed).await;
}

#[tokio::test]
async fn a_journal_that_cannot_be_written_is_told_once_and_the_room_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let sim = sim(slow(&[])).await;
    let mut heard = Heard::new(Site::Douyin);
    let gone = path.clone();
    heard.on_event = Box::new(move |count| {
        if count == 100 {
            fs::rename(&gone, gone.with_extension("away")).unwrap();
        }
    });
    let mut scene = Scene::of(&sim, "r").kept_in(&path);
    let journal = scene.options.journal.as_mut().unwrap();
    journal.options.segment_bytes_max = 1;
    let watched = scene.watch(&mut heard).await;
    heard.found.check(&sim.manifest("r").unwrap());
    let fails = heard.notes.iter().filter(|note| *note == "journal_fails");
    assert_eq!(fails.count(), 1);
    assert!(!heard.has_note("journal_goes_on") && watched.missing > 0);
}

#[tokio::test]
async fn a_journal_that_fails_again_and_again_is_told_once_with_all_that_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let sim = sim(slow(&[])).await;
    let mut heard = Heard::new(Site::Douyin);
    let (here, away) = (path.clone(), path.with_extension("away"));
    heard.on_event = Box::new(move |count| match count % 200 {
        100 => fs::rename(&here, &away).unwrap(),
        0 => fs::rename(&away, &here).unwrap(),
        _ => {}
    });
    let mut scene = Scene::of(&sim, "r").kept_in(&path);
    let journal = scene.options.journal.as_mut().unwrap();
    journal.options.segment_bytes_max = 1;
    let watched = scene.watch(&mut heard).await;
    heard.found.check(&sim.manifest("r").unwrap());
    let journal = |note: &&String| note.starts_with("journal");
    let notes: Vec<_> = heard.notes.iter().filter(journal).collect();
    assert!(watched.missing > 0);
    assert_eq!(
        notes
            .iter()
            .filter(|note| **note == "journal_fails")
            .count(),
        1
    );
    // At the end, where it is there again then.
    assert!(notes.len() <= 2, "{notes:?}");
}

#[tokio::test]
async fn of_several_runs_each_is_told_as_it_was_and_what_one_did_not_write_whole_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let room = RoomOptions {
        messages: None,
        ..slow(&["missing-ends"])
    };
    let sim = sim(room).await;
    let mut told = Vec::new();
    for run in 0..3 {
        let (watched, mut heard) = stopped_after(300, &sim, &path).await;
        assert_eq!(watched.missing, 0);
        assert_eq!(heard.has_note("journal_cut"), run == 2);
        if run < 2 {
            told.append(&mut heard.events);
        }
        if run == 1 {
            assert_eq!(replayed(&path, Site::Douyin).await.0.events, told);
            // The note about the end of the run, as a kill in the middle of its writing leaves it.
            let (last, mut bytes) = segments(&path).into_iter().max().unwrap();
            bytes.pop();
            fs::write(last, bytes).unwrap();
        }
    }
}

#[tokio::test]
async fn a_room_is_a_topic_of_the_hub() {
    let sim = sim(quick(Site::Douyin, &[])).await;
    let hub = Hub::new(HubOptions::default());
    let scene = Scene::of(&sim, "r");
    let mut topic = RoomTopic::new(hub.clone(), &scene.room.address).unwrap();
    assert_eq!(topic.topic().to_string(), "rooms/sim/r");
    let start = Start::Next;
    let topics = hub.topics();
    let mut values = topics
        .subscribe(topic.topic(), &start, SlowReader::Gap)
        .unwrap();
    let mut heard = Heard::new(Site::Douyin);
    let mut both = Listeners(vec![&mut heard, &mut topic]);
    let source = Source::Direct(Box::new(scene.source));
    let never = std::future::pending();
    let watching = watch(scene.room, source, scene.options, &mut both, never);
    let reading = async {
        let (mut events, mut states) = (Vec::new(), Vec::new());
        loop {
            let Some(Notice::Value(record)) = values.next().await else {
                panic!("values are lost");
            };
            let record: serde_json::Value = serde_json::from_slice(&record.json()).unwrap();
            let value = &record["value"];
            match value["kind"].as_str().unwrap() {
                "state" => states.push(value["state"].as_str().unwrap().to_owned()),
                "note" | "unread" => assert!(value["text"].is_string()),
                _ => events.push(value.clone()),
            }
            if states.last().is_some_and(|state| state == "ended") {
                return (events, states);
            }
        }
    };
    let (watched, (events, states)) =
        tokio::join!(soon("the end", watching), soon("the values", reading));
    watched.unwrap();
    assert!(states.contains(&"live".to_owned()), "{states:?}");
    let told: Vec<serde_json::Value> = heard
        .events
        .iter()
        .map(|json| serde_json::from_str(json).unwrap())
        .collect();
    // What ends at the end is told behind the state.
    assert_eq!(events[..], told[..events.len()]);
    assert!(events.len() > 600);
}

#[tokio::test]
async fn five_hundred_a_second_with_drops_for_long() {
    let seconds = if is_long() { 60 } else { 4 };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let room = RoomOptions {
        messages: Some(500 * seconds),
        ..slow(&["drop=150", "doubled-gifts"])
    };
    let sim = sim(room).await;
    let mut heard = Heard::new(Site::Douyin);
    let scene = Scene::of(&sim, "r").kept_in(&path);
    let watching = scene.watch_until(&mut heard, std::future::pending());
    let limit = Duration::from_secs(60 + 2 * seconds);
    tokio::time::timeout(limit, watching)
        .await
        .expect("it ends");
    heard.found.check(&sim.manifest("r").unwrap());
    assert_eq!(replayed(&path, Site::Douyin).await.0.events, heard.events);
}
