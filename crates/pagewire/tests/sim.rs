//! `pagewire sim` as somebody types it.
#![cfg(feature = "sim")]

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
        (&["sim", "--rooms", "300"], "there can be 256 rooms"),
        (&["sim", "--messages", "0"], "at least one message"),
        (&["sim", "--rate", "10001"], "10001"),
    ] {
        let ended = run(arguments).await;
        assert_eq!((ended.code, &*ended.stdout), (2, ""), "{arguments:?}");
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
    }
}
