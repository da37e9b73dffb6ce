//! `pagewire sim` as somebody types it.

mod binary;

use pagewire_testkit::{Http, soon};
use serde_json::{Value, json};

use crate::binary::{command, interrupt, lines, run};

#[tokio::test]
async fn rooms_are_served_until_ctrl_c() {
    let arguments = [
        "sim", "--json", "--rooms", "1", "--fault", "drop=20", "--fault", "masked", "--fault",
        "polling",
    ];
    let mut sim = command(&arguments).spawn().expect("started");
    let mut stdout = lines(sim.stdout.take().expect("piped"));
    let line = soon("the first line", stdout.next_line())
        .await
        .expect("read")
        .expect("a line");
    let listening: Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(listening["event"], "listening");
    let rooms = listening["rooms"].as_array().expect("rooms");
    let names: Vec<_> = rooms
        .iter()
        .map(|room| room["room"].as_str().expect("a name"))
        .collect();
    assert_eq!(
        names,
        [
            "1001", "huya", "bilibili", "douyu", "waiting", "ended", "login", "captcha"
        ]
    );
    let http = Http::new(listening["url"].as_str().expect("an address").to_owned());
    assert!(http.get("/live/1001").await.text().await.contains("roomId"));
    assert_eq!(
        http.get("/sim/rooms/1001/faults").await.json().await,
        json!(["drop=20", "masked", "polling"])
    );
    let of_huya = http.get("/sim/rooms/huya/faults").await.json().await;
    assert_eq!(of_huya, json!(["drop=20", "masked"]), "polling is Douyin's");
    interrupt(&sim);
    let last = soon("the last line", stdout.next_line())
        .await
        .expect("read");
    assert_eq!(last.as_deref(), Some(r#"{"event":"stopped"}"#));
    assert_eq!(
        soon("the end", sim.wait()).await.expect("ended").code(),
        Some(0)
    );
}

/// The first line of a simulator, as JSON.
async fn started(arguments: &[&str]) -> (tokio::process::Child, Value) {
    let mut sim = command(&[&["sim", "--json"], arguments].concat())
        .spawn()
        .expect("started");
    let mut stdout = lines(sim.stdout.take().expect("piped"));
    let line = soon("the first line", stdout.next_line()).await;
    let line = line.expect("read").expect("a line");
    (sim, serde_json::from_str(&line).expect("JSON"))
}

#[cfg(feature = "watch")]
async fn watched(listening: &Value, room: &Value, more: &[&str]) -> String {
    let url = listening["url"].as_str().expect("an address");
    let signer = format!("{url}/sim/sign");
    let room = room["url"].as_str().expect("an address");
    let arguments = ["watch", room, "--signer", &signer, "--json", "--lang", "en"];
    let ended = run(&[&arguments, more].concat()).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    ended.stdout
}

#[cfg(feature = "watch")]
async fn manifest(listening: &Value, room: &Value) -> Value {
    let http = Http::new(listening["url"].as_str().expect("an address").to_owned());
    let name = room["room"].as_str().expect("a name");
    let path = format!("/sim/rooms/{name}/manifest");
    http.get(&path).await.json().await
}

#[cfg(feature = "watch")]
#[tokio::test]
async fn a_journal_of_watch_is_a_room_to_be_watched_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let kept = folder.path().to_str().expect("UTF-8");
    let quick = ["--rooms", "1", "--rate", "2000", "--messages", "800"];
    let (_sim, listening) = started(&quick).await;
    let room = &listening["rooms"][0];
    watched(&listening, room, &["--journal", kept]).await;
    let first = manifest(&listening, room).await;

    let journal = format!("{kept}/sim-1001");
    let (_again, listening) = started(&[
        "--rooms",
        "2",
        "--journal",
        &journal,
        "--speed",
        "max",
        "--fault",
        "drop=15",
        "--fault",
        "masked",
    ])
    .await;
    let room = &listening["rooms"][0];
    assert_eq!(room["room"], "1001", "as in the journal");
    let names: Vec<_> = listening["rooms"]
        .as_array()
        .expect("rooms")
        .iter()
        .collect();
    let named = |name: &str| names.iter().filter(|room| room["room"] == name).count();
    assert_eq!((named("1001"), named("1002")), (1, 1));
    let http = Http::new(listening["url"].as_str().expect("an address").to_owned());
    let faults = http.get("/sim/rooms/1001/faults").await.json().await;
    assert_eq!(
        faults,
        json!(["drop=15"]),
        "what is recorded cannot be masked"
    );
    let events = watched(&listening, room, &[]).await;
    let second = manifest(&listening, room).await;
    for member in ["messages_unique", "messages", "gifts", "ended"] {
        assert_eq!(first[member], second[member], "{member}");
    }
    assert_eq!(second["journal"]["damaged"], 0);
    let ended = events
        .lines()
        .filter(|line| line.contains(r#""state":"ended""#));
    assert!(ended.count() > 0);
}

#[tokio::test]
async fn people_are_told_addresses_and_lines_to_copy() {
    let mut sim = command(&["sim"]).spawn().expect("started");
    let mut stdout = lines(sim.stdout.take().expect("piped"));
    let mut words = String::new();
    while !words.contains("Ctrl-C") {
        let line = soon("a line", stdout.next_line()).await.expect("read");
        words += &(line.expect("a line") + "\n");
    }
    for part in [
        "/live/1002",
        "/live/captcha",
        "&signature=PW",
        "/huya  presenter ",
        "/bilibili/sub  room ",
        "/douyu  room ",
        "curl -d '\"drop\"' http://127.0.0.1:",
    ] {
        assert!(words.contains(part), "{part}\n{words}");
    }
    interrupt(&sim);
    assert_eq!(
        soon("the end", sim.wait()).await.expect("ended").code(),
        Some(0)
    );
}

#[tokio::test]
async fn what_cannot_be_is_said_before_anything_is_served() {
    for (arguments, words) in [
        (&["sim", "--fault", "dorp"][..], "Faults are drop[=N]"),
        (&["sim", "--fault", "drop"], "at the start nobody is there"),
        (&["sim", "--rooms", "250"], "250 is not in 0..=249"),
        (&["sim", "--messages", "0"], "at least one message"),
        (&["sim", "--rate", "10001"], "10001"),
        (&["sim", "--speed", "2"], "--journal"),
        (&["sim", "--journal", ".", "--speed", "0"], "above 0"),
    ] {
        let ended = run(arguments).await;
        assert_eq!((ended.code, &*ended.stdout), (2, ""), "{arguments:?}");
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
    }
}
