//! Broadcasts that were recorded and are played by the simulator as a site, to be watched again.
#![allow(
    clippy::unwrap_used,
    reason = "a test helper fails the test by panicking"
)]

mod watched;

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use pagewire_journal::{Entry, JournalWriter, Record, Stamp};
use pagewire_live::{Site, State};
use pagewire_sim::{Manifest, Options, OptionsError, Recording, RoomOptions, Sim, SimError, Speed};
use pagewire_testkit::soon;
use tokio::sync::Notify;
use watched::reader::{quick, sim};
use watched::{Heard, Scene, replayed};

fn scene(sim: &Sim, room: &str, site: Site) -> Scene {
    if site == Site::Douyin {
        return Scene::of(sim, room);
    }
    Scene::of_site(sim, room, site)
}

/// Watches a room to its end, and keeps its frames.
async fn recorded(room: RoomOptions, path: &Path) -> Manifest {
    let site = room.site;
    let sim = sim(room).await;
    let mut heard = Heard::new(site);
    scene(&sim, "r", site).kept_in(path).watch(&mut heard).await;
    let manifest = sim.manifest("r").unwrap();
    heard.found.check(&manifest);
    manifest
}

/// A site that plays the journal, and the name of its room.
async fn playing(path: &Path, faults: &[&str]) -> (Sim, String) {
    let room = RoomOptions {
        faults: faults.iter().map(|fault| fault.parse().unwrap()).collect(),
        ..RoomOptions::of_journal(path, Speed::Max).unwrap()
    };
    let name = room.name.clone();
    (sim(room).await, name)
}

#[tokio::test]
async fn a_recorded_broadcast_is_watched_with_drops_and_nothing_is_missing_or_twice() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    // With reconnects in the journal too: what came again is sent again, as it was.
    let faults = &["drop=8", "doubled-gifts", "missing-ends"];
    let first = recorded(quick(Site::Douyin, faults), &path).await;
    let (sim, name) = playing(&path, &["drop=7", "doubled-gifts", "reordered=5"]).await;
    assert_eq!(name, "r", "as in the journal");
    let masked = sim.fault(&name, "masked".parse().unwrap()).unwrap_err();
    assert!(matches!(masked, SimError::Fault(_)), "{masked}");
    let mut heard = Heard::new(Site::Douyin);
    let watched = Scene::of(&sim, &name).watch(&mut heard).await;
    heard.found.check(&first);
    let second = sim.manifest(&name).unwrap();
    heard.found.check(&second);
    assert!(watched.status.reconnects() > 0 && watched.repeated > 0);
    assert_eq!(heard.unread, 0);
    assert_eq!(second.gifts.value, first.gifts.value);
    let played = second.journal.unwrap();
    assert!(played.frames > 30 && played.damaged == 0 && played.failed.is_none());
    assert_eq!((played.frames_unread, played.messages_unread), (0, 0));
    assert!(sim.counters(&name).unwrap().resumed > 0);
}

#[tokio::test]
async fn broadcasts_of_other_sites_are_played_too() {
    for site in [Site::Huya, Site::Bilibili, Site::Douyu] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let first = recorded(quick(site, &[]), &path).await;
        let (sim, name) = playing(&path, &[]).await;
        assert_eq!(name, "1001", "as in the journal");
        let mut heard = Heard::new(site);
        Scene::of_site(&sim, &name, site).watch(&mut heard).await;
        heard.found.check(&first);
        heard.found.check(&sim.manifest(&name).unwrap());
    }
}

#[tokio::test]
async fn whoever_watches_the_same_room_sees_the_same_course() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let first = recorded(quick(Site::Douyin, &[]), &path).await;
    let (sim, name) = playing(&path, &["drop=9"]).await;
    let (mut one, mut other) = (Heard::new(Site::Douyin), Heard::new(Site::Douyin));
    tokio::join!(
        Scene::of(&sim, &name).watch(&mut one),
        Scene::of(&sim, &name).watch(&mut other)
    );
    let manifest = sim.manifest(&name).unwrap();
    assert_eq!(manifest.messages, first.messages, "it was played once");
    assert!(one.found.ended && other.found.ended);
    // Who comes later is given some of what was before, and nothing else than the other.
    let (one, other) = (one.found.ids, other.found.ids);
    let all: HashSet<_> = manifest.ids.into_iter().collect();
    assert_eq!(one.union(&other).cloned().collect::<HashSet<_>>(), all);
    assert!(one.intersection(&other).count() > 0);
}

#[tokio::test]
async fn of_a_damaged_journal_everything_else_is_played() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let first = recorded(quick(Site::Douyin, &[]), &path).await;
    let files = fs::read_dir(&path)
        .unwrap()
        .map(|file| file.unwrap().path());
    let largest = files.max_by_key(|path| path.metadata().unwrap().len());
    let largest = largest.unwrap();
    let mut bytes = fs::read(&largest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x40;
    fs::write(&largest, bytes).unwrap();
    let (told, _) = replayed(&path, Site::Douyin).await;
    let (sim, name) = playing(&path, &["drop=7"]).await;
    let mut heard = Heard::new(Site::Douyin);
    Scene::of(&sim, &name).watch(&mut heard).await;
    assert_eq!(heard.found.ids, told.found.ids);
    assert_eq!(heard.found.by_kind, told.found.by_kind);
    assert_eq!(heard.found.gifts, told.found.gifts);
    let manifest = sim.manifest(&name).unwrap();
    assert_eq!(manifest.journal.unwrap().damaged, 1);
    let ids: HashSet<_> = manifest.ids.into_iter().collect();
    assert_eq!(ids, heard.found.ids);
    assert!(manifest.messages < first.messages && manifest.messages > first.messages / 2);
}

#[tokio::test]
async fn a_recording_that_was_stopped_ends_as_a_broadcast_does() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let endless = RoomOptions {
        messages: None,
        rate: 500,
        ..quick(Site::Douyin, &[])
    };
    let live = sim(endless).await;
    let mut heard = Heard::new(Site::Douyin);
    let stop = Arc::new(Notify::new());
    let stops = stop.clone();
    heard.on_event = Box::new(move |count| {
        if count == 400 {
            stops.notify_one();
        }
    });
    let recording = Scene::of(&live, "r").kept_in(&path);
    soon(
        "the stop",
        recording.watch_until(&mut heard, stop.notified()),
    )
    .await;
    assert!(!heard.found.ended);
    let (sim, name) = playing(&path, &[]).await;
    let mut again = Heard::new(Site::Douyin);
    let watched = Scene::of(&sim, &name).watch(&mut again).await;
    assert_eq!(watched.status.state, State::Ended);
    assert!(again.found.ended && sim.manifest(&name).unwrap().ended);
    assert_eq!(again.found.events, heard.found.events + 1, "the end");
    assert!(heard.found.ids.is_subset(&again.found.ids));
}

#[tokio::test]
async fn what_cannot_be_played_is_said_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let about = |name: &str, json: &str| {
        let path = folder.path().join(name);
        let options = pagewire_journal::Options::default();
        let (mut writer, _) = JournalWriter::open(&path, options, 1).unwrap();
        let entry = Entry {
            at: Stamp::default(),
            record: Record::Note(json),
        };
        writer.append(&[entry]).unwrap();
        writer.close().unwrap();
        path
    };
    let nowhere = about("nowhere", r#"{"kind":"room"}"#);
    let error = RoomOptions::of_journal(&nowhere, Speed::Max).unwrap_err();
    assert!(matches!(error, SimError::NoSite(_)), "{error}");
    assert!(error.to_string().contains("does not say of which site"));
    let none = RoomOptions::of_journal(&folder.path().join("none"), Speed::Max);
    assert!(matches!(none, Err(SimError::Journal(_))), "{none:?}");

    let named = about("named", r#"{"format":"huya","room":"lck_2"}"#);
    let room = RoomOptions::of_journal(&named, Speed::Max).unwrap();
    assert_eq!((room.site, &*room.name), (Site::Huya, "lck-2"));
    let start = async |room| {
        let rooms = vec![room];
        let options = Options {
            rooms,
            ..Options::default()
        };
        Sim::start(options).await.unwrap_err()
    };
    for fault in ["masked", "missing-ends"] {
        let faults = vec![fault.parse().unwrap()];
        let error = start(RoomOptions {
            faults,
            ..room.clone()
        });
        let error = error.await.to_string();
        assert!(error.contains("sent as they were recorded"), "{error}");
    }
    for times in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let recording = Recording {
            path: named.clone(),
            speed: Speed::Times(times),
        };
        let error = start(RoomOptions {
            recording: Some(recording),
            ..room.clone()
        });
        let error = error.await;
        assert!(
            matches!(error, SimError::Options(OptionsError::Range(_))),
            "{error}"
        );
    }
    let tiktok = about("tiktok", r#"{"format":"tiktok","room":"1"}"#);
    let error = start(RoomOptions::of_journal(&tiktok, Speed::Max).unwrap()).await;
    assert!(error.to_string().contains("cannot be simulated"), "{error}");
}

#[tokio::test]
async fn a_recorded_room_and_the_room_that_it_was_recorded_from_are_not_on_one_site() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    recorded(quick(Site::Douyin, &[]), &path).await;
    let again = RoomOptions {
        name: "again".to_owned(),
        ..RoomOptions::of_journal(&path, Speed::Max).unwrap()
    };
    let options = Options {
        rooms: vec![
            RoomOptions {
                seed: quick(Site::Douyin, &[]).seed,
                ..RoomOptions::new("other", Site::Douyin)
            },
            again,
        ],
        ..Options::default()
    };
    let error = Sim::start(options).await.unwrap_err();
    assert!(
        matches!(error, SimError::Options(OptionsError::SameRoom { .. })),
        "{error}"
    );
}
