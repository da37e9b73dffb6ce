//! What programs have of rooms: topics of the hub, and journals.

use pagewire_live::Site;
use pagewire_sim::RoomOptions;
use pagewire_testkit::{Http, soon};
use serde_json::Value;

use crate::binary::{command, interrupt, lines};
use crate::reader::{quick, sim};
use crate::watching::{check_site, events, finished, hub_of, replay, watch, watching};

#[tokio::test]
async fn a_room_is_a_topic_that_programs_follow_with_filters() {
    let sim = sim(RoomOptions {
        rate: 100,
        messages: None,
        ..quick(Site::Douyin, &[])
    })
    .await;
    let address = sim.push_url("r").expect("a room");
    let room = sim.room_url("r").expect("a room");
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = watching(&folder, &[&room, "--address", &address]);
    let mut child = command.spawn().expect("started");
    let mut said = lines(child.stderr.take().expect("piped"));
    let greeting = soon("the greeting", said.next_line()).await.expect("read");
    let greeting = greeting.expect("a line");
    assert!(greeting.contains("topic rooms/sim/r "), "{greeting}");
    let http = Http::new(hub_of(&greeting));
    let path = "/v1/topics/rooms/sim/r?as=ndjson&last=100&filter=kind%20%3D%3D%20%22chat%22";
    let mut records = http.get(path).await;
    let mut read = String::new();
    while read.lines().count() < 10 {
        let chunk = soon("values", records.chunk()).await.expect("a chunk");
        read += &chunk.expect("read");
    }
    // The last line may be cut.
    let (whole, _) = read.rsplit_once('\n').expect("lines");
    let values = whole.lines().filter_map(|line| {
        let record: Value = serde_json::from_str(line).ok()?;
        record.get("value").cloned()
    });
    let kinds: Vec<_> = values.map(|value| value["kind"].clone()).collect();
    assert!(kinds.len() > 3, "{read}");
    assert!(kinds.iter().all(|kind| kind == "chat"), "{read}");
    interrupt(&child);
    let ended = soon("the end", child.wait_with_output())
        .await
        .expect("ended");
    assert_eq!(ended.status.code(), Some(0));
}

#[tokio::test]
async fn a_journal_is_replayed_in_part_at_its_own_speed_and_with_its_damage_told() {
    let sim = sim(RoomOptions {
        rate: 200,
        messages: Some(400),
        ..quick(Site::Douyin, &[])
    })
    .await;
    let address = sim.push_url("r").expect("a room");
    let room = sim.room_url("r").expect("a room");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("sim-r");
    let journals = folder.path().to_str().expect("UTF-8");
    let watched = watch(&[
        &room,
        "--address",
        &address,
        "--journal",
        journals,
        "--json",
    ])
    .await;
    crate::watching::check(&watched, &sim, "r");
    let all = events(&watched);
    assert_eq!(events(&replay(&path, &["--json"]).await), all);

    // Its two seconds take half a second.
    let began = std::time::Instant::now();
    let quicker = replay(&path, &["--json", "--speed", "4"]).await;
    assert!(began.elapsed().as_millis() >= 400, "{:?}", began.elapsed());
    assert_eq!(events(&quicker), all);

    let chats_of = async |part: &[&str]| {
        let arguments = [part, &["--json", "--kind", "chat"]].concat();
        events(&replay(&path, &arguments).await)
    };
    let (first, rest) = (
        chats_of(&["--to", "1s"]).await,
        chats_of(&["--from", "1s"]).await,
    );
    assert!(!first.is_empty() && !rest.is_empty());
    let chats: Vec<_> = all
        .iter()
        .filter(|event| event["kind"] == "chat")
        .cloned()
        .collect();
    assert_eq!([first, rest].concat(), chats);

    let segment = std::fs::read_dir(&path).expect("a folder");
    let mut segments = segment.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    let segment = segments.find(|path| path.extension().is_some_and(|name| name == "pwj"));
    let segment = segment.expect("a segment");
    let mut bytes = std::fs::read(&segment).expect("read");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&segment, bytes).expect("written");
    let damaged = replay(&path, &["--json"]).await;
    assert_eq!(damaged.code, 1);
    let words = "a part of the journal cannot be read";
    assert!(damaged.stderr.contains(words), "{}", damaged.stderr);
    let chats = |events: Vec<Value>| {
        let chats = events.into_iter().filter(|event| event["kind"] == "chat");
        chats.map(|chat| chat["id"].clone()).collect::<Vec<_>>()
    };
    let (left, all) = (chats(events(&damaged)), chats(all));
    assert!(left.len() <= all.len() && left.iter().all(|id| all.contains(id)));
}

#[tokio::test]
async fn a_journal_is_told_in_the_time_of_the_readers_zone() {
    let sim = sim(quick(Site::Douyin, &[])).await;
    let address = sim.push_url("r").expect("a room");
    let room = sim.room_url("r").expect("a room");
    let folder = tempfile::tempdir().expect("a folder");
    let journals = folder.path().to_str().expect("UTF-8");
    let arguments = [&*room, "--address", &address, "--journal", journals];
    let watched = watch(&arguments).await;
    assert_eq!(watched.code, 0, "{}", watched.stderr);
    let journal = folder.path().join("sim-r");
    let told = async |zone: &str| {
        let mut replay = command(&["replay", journal.to_str().expect("UTF-8")]);
        let told = finished(replay.env("TZ", zone)).await;
        assert_eq!(told.code, 0, "{}", told.stderr);
        told.stdout
    };
    let (here, there) = (told("UTC").await, told("CST-8").await);
    // Of an event, of the summary's span, and of when the most viewers were there.
    let times = |told: &str| {
        let words = told.split([' ', '\n']);
        let times = words.filter_map(|word| {
            let (hour, rest) = word.split_once(':')?;
            let is_time = hour.len() == 2 && rest.len() == 5;
            let hour: u32 = hour.parse().ok().filter(|_| is_time)?;
            Some((hour, rest.to_owned()))
        });
        times.collect::<Vec<_>>()
    };
    let later = times(&here).into_iter();
    let later = later.map(|(hour, rest)| ((hour + 8) % 24, rest));
    assert_eq!(times(&there), later.collect::<Vec<_>>());
    assert!(times(&here).len() > 20, "{here}");
    let span = here.lines().find(|line| line.starts_with("time "));
    assert_eq!(times(span.expect("a span")).len(), 2, "{here}");
}

#[tokio::test]
async fn other_sites_need_no_signature() {
    for site in [Site::Huya, Site::Bilibili, Site::Douyu] {
        let sim = sim(quick(site, &[])).await;
        let (address, id) = (
            sim.push_url("r").expect("a room"),
            sim.asked_for("r").expect("an id").to_string(),
        );
        let room = format!("{}:7", site.name());
        let folder = tempfile::tempdir().expect("a folder");
        let arguments = [&*room, "--json", "--address", &address, "--id", &id];
        let mut command = watching(&folder, &arguments);
        let token = sim.token("r").expect("a room");
        let watched = finished(command.env("PAGEWIRE_ROOM_TOKEN", token)).await;
        check_site(&watched, &sim, "r", site);
    }
}

/// A limit of the system takes the place of a full disk: what is short still fits.
#[cfg(unix)]
#[tokio::test]
async fn a_journal_that_is_full_is_told_once_and_by_the_exit_code() {
    let sim = sim(quick(Site::Douyin, &[])).await;
    let address = sim.push_url("r").expect("a room");
    let room = sim.room_url("r").expect("a room");
    let folder = tempfile::tempdir().expect("a folder");
    let journals = folder.path().to_str().expect("UTF-8");
    let arguments = [
        &*room,
        "--address",
        &address,
        "--json",
        "--journal",
        journals,
    ];
    let watching = watching(&folder, &arguments);
    let watching = watching.as_std();
    let mut command = tokio::process::Command::new("sh");
    let limited = "trap '' XFSZ; ulimit -f 16; exec \"$0\" \"$@\"";
    command
        .args(["-c", limited])
        .arg(watching.get_program())
        .args(watching.get_args())
        .env("LC_ALL", "C.UTF-8")
        .kill_on_drop(true);
    let watched = finished(&mut command).await;
    assert_eq!(watched.code, 1, "{}", watched.stderr);
    let count = |words: &str| watched.stderr.matches(words).count();
    assert_eq!(
        count("the journal cannot be written"),
        1,
        "{}",
        watched.stderr
    );
    assert!(
        count("the journal is written again") <= 1,
        "{}",
        watched.stderr
    );
    let watched = crate::binary::Finished { code: 0, ..watched };
    crate::watching::check(&watched, &sim, "r");
}

#[tokio::test]
async fn what_a_replay_is_asked_in_vain_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = crate::held::kept(&folder).await;
    let journals = folder.path().to_str().expect("UTF-8");
    let backward = replay(&path, &["--from", "3s", "--to", "1s"]).await;
    assert_eq!((backward.code, &*backward.stdout), (2, ""));
    assert!(
        backward.stderr.contains("--from is behind --to"),
        "{}",
        backward.stderr
    );
    let whole = replay(&path, &[]).await;
    let last = whole.stdout.lines().last().expect("a summary");
    assert!(
        last.ends_with(" that came again, 0 unread messages"),
        "{last}"
    );
    // Whose frames they are not.
    let unread = replay(&path, &["--site", "huya"]).await;
    let last = unread.stdout.lines().last().expect("a summary");
    assert!(
        last.ends_with(" unread messages") && !last.ends_with(" 0 unread messages"),
        "{last}"
    );

    // The folder of all is easily named in its place.
    let others = replay(folder.path(), &[]).await;
    assert_eq!(others.code, 1);
    let words = format!(
        "pagewire: {journals} is no journal: a folder without segments. In it are the journals {journals}/sim-r; name one of them\n"
    );
    assert_eq!(others.stderr, words);
    let none = replay(&folder.path().join("none"), &["--lang", "zh"]).await;
    let words = format!("pagewire: 无法读取 {journals}/none：");
    assert!(none.stderr.starts_with(&words), "{}", none.stderr);
    assert_eq!(none.stderr.matches("/none").count(), 1, "{}", none.stderr);
}
