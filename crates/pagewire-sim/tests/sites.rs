//! Clients of Huya, Bilibili and Douyu ask for their room as the sites want it, and read what it has sent.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod reader;

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use pagewire_live::bilibili::{self, Auth};
use pagewire_live::huya::{self, Answer, UserInfo};
use pagewire_live::{Site, douyu};
use pagewire_sim::{Options, RoomOptions, Sim};
use pagewire_testkit::{Http, PATIENCE, soon};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

use crate::reader::{End, Found, Socket, quick, sim};

async fn socket(sim: &Sim) -> Socket {
    let url = sim.push_url("r").unwrap();
    soon("the socket", connect_async(url)).await.unwrap().0
}

async fn say(socket: &mut Socket, bytes: Vec<u8>) {
    socket.send(Message::Binary(bytes.into())).await.unwrap();
}

async fn heard(socket: &mut Socket) -> Vec<u8> {
    let message = soon("an answer", socket.next()).await.unwrap().unwrap();
    message.into_data().to_vec()
}

fn presenter(sim: &Sim) -> i64 {
    i64::try_from(sim.asked_for("r").unwrap()).unwrap()
}

fn auth(sim: &Sim, token: &str) -> Vec<u8> {
    let room = sim.asked_for("r").unwrap();
    bilibili::auth_packet(&Auth {
        user: 0,
        room,
        token,
        buvid: "",
    })
}

async fn to_the_end(sim: &Sim, site: Site, mut socket: Socket) -> Found {
    let mut found = Found::new(site);
    assert_eq!(found.listen(&mut socket, PATIENCE).await, End::Close(1000));
    found.check(&sim.manifest("r").unwrap());
    found
}

#[tokio::test]
async fn a_room_of_huya_is_read_after_either_way_to_register() {
    for is_user in [false, true] {
        let sim = sim(quick(Site::Huya, &[])).await;
        let mut socket = socket(&sim).await;
        say(&mut socket, huya::heartbeat()).await;
        assert_eq!(
            Answer::read(&heard(&mut socket).await),
            Ok(Some(Answer::Heartbeat))
        );
        let presenter = presenter(&sim);
        let request = if is_user {
            huya::register_user(&UserInfo {
                presenter,
                ..UserInfo::default()
            })
        } else {
            huya::register_groups(presenter)
        };
        say(&mut socket, request).await;
        let answer = heard(&mut socket).await;
        let answer = Answer::read(&answer).unwrap().unwrap();
        let is_granted = matches!(
            answer,
            Answer::Registered { code: 0, .. } | Answer::GroupsRegistered { code: 0 }
        );
        assert!(is_granted, "{answer:?}");
        let found = to_the_end(&sim, Site::Huya, socket).await;
        assert_eq!((found.errors, sim.counters("r").unwrap().opened), (0, 1));
    }
}

#[tokio::test]
async fn huya_tells_what_gifts_cost() {
    let sim = sim(quick(Site::Huya, &[])).await;
    let mut socket = socket(&sim).await;
    say(&mut socket, huya::ask_for_prices(1)).await;
    let answer = heard(&mut socket).await;
    let Some(Answer::Call(call)) = Answer::read(&answer).unwrap() else {
        panic!("no answer to a call");
    };
    let prices = huya::prices(&call).unwrap();
    assert_eq!(prices.len(), pagewire_live::made::GIFTS.len());
}

#[tokio::test]
async fn a_presenter_who_is_not_there_is_refused() {
    let sim = sim(quick(Site::Huya, &[])).await;
    let mut socket = socket(&sim).await;
    say(&mut socket, huya::register_groups(1)).await;
    let answer = heard(&mut socket).await;
    assert_eq!(
        Answer::read(&answer),
        Ok(Some(Answer::GroupsRegistered { code: 1 }))
    );
    assert!(
        soon("the end", socket.next())
            .await
            .is_none_or(|end| end.is_err())
    );
}

#[tokio::test]
async fn a_room_of_bilibili_is_read_with_the_token_that_its_address_gives() {
    let sim = sim(quick(Site::Bilibili, &[])).await;
    let http = Http::new(format!("http://{}", sim.address()));
    let id = sim.asked_for("r").unwrap();
    let path = format!("/bilibili/xlive/web-room/v1/index/getDanmuInfo?id={id}");
    let info = http.get(&path).await.json().await;
    let token = info["data"]["token"].as_str().unwrap().to_owned();
    let mut socket = socket(&sim).await;
    say(&mut socket, auth(&sim, &token)).await;
    assert!(heard(&mut socket).await.ends_with(br#"{"code":0}"#));
    to_the_end(&sim, Site::Bilibili, socket).await;
}

#[tokio::test]
async fn a_token_of_bilibili_that_does_not_fit_is_refused() {
    let sim = sim(quick(Site::Bilibili, &[])).await;
    let mut socket = socket(&sim).await;
    say(&mut socket, auth(&sim, "another")).await;
    assert!(heard(&mut socket).await.ends_with(br#"{"code":-101}"#));
    assert!(
        soon("the end", socket.next())
            .await
            .is_none_or(|end| end.is_err())
    );
}

#[tokio::test]
async fn who_does_not_say_in_time_which_room_he_wants_is_gone() {
    let auth_timeout = Duration::from_millis(100);
    let rooms = vec![quick(Site::Bilibili, &[])];
    let sim = Sim::start(Options {
        auth_timeout,
        rooms,
        ..Options::default()
    })
    .await
    .unwrap();
    let mut socket = socket(&sim).await;
    assert!(
        soon("the end", socket.next())
            .await
            .is_none_or(|end| end.is_err())
    );
    assert_eq!(sim.counters("r").unwrap().opened, 0);
}

#[tokio::test]
async fn a_room_of_douyu_is_read_after_joining() {
    let sim = sim(quick(Site::Douyu, &[])).await;
    let room = sim.asked_for("r").unwrap().to_string();
    let mut socket = socket(&sim).await;
    say(&mut socket, douyu::login_packet(&room)).await;
    assert!(String::from_utf8_lossy(&heard(&mut socket).await).contains("type@=loginres/"));
    say(&mut socket, douyu::join_packet(&room)).await;
    say(&mut socket, douyu::heartbeat_packet()).await;
    to_the_end(&sim, Site::Douyu, socket).await;
    assert_eq!(sim.counters("r").unwrap().heartbeats, 1);
}

#[tokio::test]
async fn what_goes_wrong_on_these_sites_takes_nothing_with_it() {
    for (site, fault) in [
        (Site::Huya, "broken=2"),
        (Site::Huya, "garbage=2"),
        (Site::Bilibili, "broken=2"),
        (Site::Bilibili, "bomb=10"),
        (Site::Bilibili, "garbage=2"),
        (Site::Douyu, "garbage=2"),
        (Site::Huya, "doubled-gifts"),
        (Site::Huya, "missing-ends"),
        (Site::Bilibili, "reordered=8"),
    ] {
        let sim = sim(quick(site, &[fault])).await;
        let mut socket = socket(&sim).await;
        let request = match site {
            Site::Huya => huya::register_groups(presenter(&sim)),
            Site::Bilibili => auth(&sim, &sim.token("r").unwrap()),
            Site::Douyu | Site::Douyin | Site::Tiktok => {
                douyu::join_packet(&sim.asked_for("r").unwrap().to_string())
            }
        };
        say(&mut socket, request).await;
        if site != Site::Douyu {
            heard(&mut socket).await;
        }
        let found = to_the_end(&sim, site, socket).await;
        let is_bytes = !matches!(fault, "doubled-gifts" | "missing-ends" | "reordered=8");
        assert_eq!(
            found.errors >= 3,
            is_bytes,
            "{site:?} {fault}: {}",
            found.errors
        );
    }
}

#[tokio::test]
async fn refusing_is_told_in_the_way_of_the_site() {
    let sim = sim(RoomOptions {
        ..quick(Site::Bilibili, &["refuse=1"])
    })
    .await;
    let token = sim.token("r").unwrap();
    let mut refused = socket(&sim).await;
    say(&mut refused, auth(&sim, &token)).await;
    assert!(heard(&mut refused).await.ends_with(br#"{"code":-101}"#));
    let mut granted = socket(&sim).await;
    say(&mut granted, auth(&sim, &token)).await;
    assert!(heard(&mut granted).await.ends_with(br#"{"code":0}"#));
}

#[tokio::test]
async fn who_says_to_bilibili_that_it_is_there_is_told_how_popular_the_room_is() {
    let room = RoomOptions {
        rate: 1,
        ..quick(Site::Bilibili, &[])
    };
    let sim = sim(room).await;
    let mut socket = socket(&sim).await;
    say(&mut socket, auth(&sim, &sim.token("r").unwrap())).await;
    say(&mut socket, bilibili::heartbeat_packet()).await;
    let popular = async {
        // The operation of an answer is 3.
        while heard(&mut socket).await.get(11) != Some(&3) {}
    };
    soon("the answer", popular).await;
    assert_eq!(sim.counters("r").unwrap().heartbeats, 1);
}
