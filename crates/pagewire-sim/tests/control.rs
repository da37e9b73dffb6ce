//! Addresses beside the push servers: looking rooms up, controlling them, and who may.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod reader;

use http::StatusCode;
use pagewire_live::Site;
use pagewire_sim::{BODY_BYTES_MAX, Options, RoomOptions, Sim, Status, sign};
use pagewire_testkit::{Http, until};
use serde_json::json;

use crate::reader::{Watcher, quick};

fn room(name: &str, status: Status) -> RoomOptions {
    RoomOptions {
        rate: 10_000,
        messages: Some(600),
        status,
        ..RoomOptions::new(name, Site::Douyin)
    }
}

async fn many() -> (Sim, Http) {
    let waiting = RoomOptions {
        live_after: Some(std::time::Duration::from_millis(50)),
        ..room("soon", Status::Waiting)
    };
    let rooms = vec![
        room("r", Status::Live),
        room("waiting", Status::Waiting),
        waiting,
        room("ended", Status::Ended),
        room("login", Status::Login),
        room("captcha", Status::Captcha),
        RoomOptions {
            name: "h".to_owned(),
            ..quick(Site::Huya, &[])
        },
    ];
    let sim = Sim::start(Options {
        rooms,
        ..Options::default()
    })
    .await
    .unwrap();
    let http = Http::new(format!("http://{}", sim.address()));
    (sim, http)
}

#[tokio::test]
async fn each_room_is_found_as_it_is() {
    let (sim, http) = many().await;
    let enter = async |name: &str| {
        http.get(&format!("/webcast/room/web/enter/?web_rid={name}"))
            .await
    };
    for (name, status, room_status) in [("r", 2, 0), ("waiting", 1, 2), ("ended", 4, 2)] {
        let told = enter(name).await.json().await;
        let data = &told["data"];
        assert_eq!(
            (&data["data"][0]["status"], &data["room_status"]),
            (&json!(status), &json!(room_status))
        );
        assert_eq!(
            data["data"][0]["id_str"],
            sim.asked_for(name).unwrap().to_string()
        );
        assert!(!data["user"]["nickname"].as_str().unwrap().is_empty());
    }
    assert_eq!(enter("login").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(enter("nobody").await.json().await["status_code"], 4_001_038);
    assert_eq!(enter("captcha").await.text().await, "");
    let page = async |name: &str| http.get(&format!("/live/{name}")).await;
    assert_eq!(page("nobody").await.status, StatusCode::NOT_FOUND);
    assert_eq!(page("h").await.status, StatusCode::NOT_FOUND);
    let login = page("login").await;
    assert_eq!(
        (login.status, login.header("location")),
        (StatusCode::SEE_OTHER, "/login")
    );
    let captcha = page("captcha").await;
    assert_eq!(captcha.status, StatusCode::OK);
    assert!(!captcha.text().await.contains("roomId"));
    let live = page("r").await;
    assert!(
        live.header("content-security-policy")
            .starts_with("default-src 'none'; script-src 'self';")
    );
    let html = live.text().await;
    let id = sim.asked_for("r").unwrap();
    assert!(
        html.contains(&format!(r#"roomId\":\"{id}\""#)) && html.contains(r#"user_unique_id\":\"7"#),
        "{html}"
    );
}

#[tokio::test]
async fn a_room_that_waits_goes_live_when_told_and_after_its_time() {
    let (sim, http) = many().await;
    let mut refused = Watcher::new(sim.push_url("waiting").unwrap());
    assert!(refused.connect().await.is_none());
    assert_eq!(refused.refused[0].status(), StatusCode::NOT_FOUND);
    let answer = http.post("/sim/rooms/waiting/faults", r#""go-live""#).await;
    assert_eq!(answer.status, StatusCode::OK);
    for name in ["waiting", "soon"] {
        until("the room is live", async || {
            (sim.manifest(name).unwrap().status == Status::Live).then_some(())
        })
        .await;
        let mut watcher = Watcher::new(sim.push_url(name).unwrap());
        watcher.read_all().await;
        watcher.found.check(&sim.manifest(name).unwrap());
    }
}

#[tokio::test]
async fn what_was_sent_and_what_stands_is_told() {
    let (sim, http) = many().await;
    let faults = http
        .post("/sim/rooms/r/faults", r#"["doubled-gifts", "drop=20"]"#)
        .await;
    assert_eq!(faults.json().await, json!(["doubled-gifts", "drop=20"]));
    let refused = http
        .post("/sim/rooms/r/faults", r#"["masked", "dorp"]"#)
        .await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text().await.contains("drop[=N]"));
    assert_eq!(
        http.get("/sim/rooms/r/faults").await.json().await,
        json!(["doubled-gifts", "drop=20"])
    );
    assert_eq!(
        http.post("/sim/rooms/r/faults", "drop").await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(
        http.post("/sim/rooms/x/faults", r#""drop""#).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        http.post("/sim/rooms/h/faults", r#""polling""#)
            .await
            .status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    let mut watcher = Watcher::new(sim.push_url("r").unwrap());
    watcher.read_all().await;
    let manifest = http
        .get("/sim/rooms/r/manifest?ids=true")
        .await
        .json()
        .await;
    assert_eq!(manifest["ended"], true);
    assert_eq!(
        manifest["ids"].as_array().unwrap().len() as u64,
        watcher.found.events
    );
    assert_eq!(manifest["gifts"]["count"], watcher.found.count());
    assert_eq!(manifest["by_kind"], json!(watcher.found.by_kind));
    let short = http.get("/sim/rooms/r/manifest").await.json().await;
    assert_eq!(short.get("ids"), None);
    let listed = http.get("/sim/rooms").await.json().await;
    let rooms = listed.as_array().unwrap();
    assert_eq!(rooms.len(), 7);
    let of_room = http.get("/sim/rooms/r").await.json().await;
    assert_eq!(of_room, rooms[0]);
    assert_eq!(
        (&of_room["status"], &of_room["connections"]["refused"]),
        (&json!("ended"), &json!(0))
    );
}

#[tokio::test]
async fn faults_of_an_address_are_of_its_connection_alone() {
    let (sim, _) = many().await;
    let url = sim.push_url("r").unwrap();
    let mut with_fault = Watcher::new(format!("{url}&fault=drop=2"));
    with_fault.read_all().await;
    assert!(with_fault.ends.len() > 5);
    with_fault.found.check(&sim.manifest("r").unwrap());
    let mut always = Watcher::new(format!("{url}&fault=refuse"));
    assert!(always.connect().await.is_none());
    for (fault, words) in [
        ("masked", "of a whole room"),
        ("drop", "after how many frames"),
        ("refuse=2", "refuse=always"),
        ("nothing", "it is no fault"),
    ] {
        let mut wrong = Watcher::new(format!("{url}&fault={fault}"));
        assert!(wrong.connect().await.is_none());
        assert_eq!(wrong.refused[0].status(), StatusCode::BAD_REQUEST);
        let body = wrong.refused[0].body().clone().unwrap_or_default();
        let body = String::from_utf8(body).unwrap();
        assert!(body.is_empty() || body.contains(words), "{body}");
    }
}

#[tokio::test]
async fn signers_that_are_no_page_are_given_a_signature() {
    let (sim, http) = many().await;
    for name in ["stub", "md5", "X-MS-STUB"] {
        let answer = http
            .post("/sim/sign", json!({ name: "abc" }).to_string())
            .await
            .json()
            .await;
        let signature = sign(sim.secret(), "abc");
        assert_eq!(
            answer,
            json!({ "signature": signature, "X-Bogus": signature })
        );
    }
    assert_eq!(
        http.post("/sim/sign", "{}").await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
}

#[tokio::test]
async fn names_of_elsewhere_and_pages_of_other_sites_reach_no_room() {
    let (_sim, http) = many().await;
    for path in [
        "/sim/rooms",
        "/live/r",
        "/webcast/room/web/enter/?web_rid=r",
    ] {
        let foreign = http.with("host", "evil.example").get(path).await;
        assert_eq!(foreign.status, StatusCode::FORBIDDEN, "{path}");
    }
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "same-site"),
        ("sec-fetch-site", "cross-site"),
    ] {
        let page = http.with(name, value);
        for path in ["/sim/rooms", "/sim/rooms/r/manifest", "/sim/rooms/r/faults"] {
            assert_eq!(
                page.get(path).await.status,
                StatusCode::FORBIDDEN,
                "{path} {value}"
            );
        }
        let faults = page.post("/sim/rooms/r/faults", r#""end""#).await;
        assert_eq!(faults.status, StatusCode::FORBIDDEN);
        assert_eq!(
            page.post("/sim/sign", r#"{"md5":"a"}"#).await.status,
            StatusCode::FORBIDDEN
        );
    }
    assert_eq!(
        http.with("sec-fetch-site", "none")
            .get("/sim/rooms")
            .await
            .status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_body_may_be_so_long_and_not_longer() {
    let (_sim, http) = many().await;
    for (bytes, status) in [
        (BODY_BYTES_MAX, StatusCode::UNPROCESSABLE_ENTITY),
        (BODY_BYTES_MAX + 1, StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let answer = http.post("/sim/rooms/r/faults", " ".repeat(bytes)).await;
        assert_eq!(answer.status, status, "{bytes}");
    }
}

#[tokio::test]
async fn a_port_that_is_taken_is_said() {
    let (sim, _) = many().await;
    let port = sim.address().port();
    let error = Sim::start(Options {
        port,
        ..Options::default()
    })
    .await
    .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with(&format!("cannot open port {port} of 127.0.0.1")),
        "{error}"
    );
}
