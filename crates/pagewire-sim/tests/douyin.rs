//! A client reads rooms of Douyin over a socket and by polling, and has in the end what the room says it has sent, whatever went wrong.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod reader;

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use pagewire_live::Site;
use pagewire_sim::{Fault, Options, Order, RoomOptions, Sim};
use pagewire_testkit::{PATIENCE, is_long, soon, until};
use tokio_tungstenite::tungstenite::Message;

use crate::reader::{End, Watcher, quick, sim};

#[tokio::test]
async fn a_room_is_read_as_what_it_has_sent() {
    let sim = sim(quick(Site::Douyin, &[])).await;
    let mut watcher = Watcher::new(sim.push_url("r").unwrap());
    watcher.read_all().await;
    let manifest = sim.manifest("r").unwrap();
    watcher.found.check(&manifest);
    assert_eq!(manifest.messages, 601);
    assert_eq!(manifest.by_kind.len(), 13, "all that happens");
    assert_eq!(watcher.ends, [End::Close(1000)]);
    assert_eq!(watcher.found.errors, 0);
    let counters = sim.counters("r").unwrap();
    assert_eq!((counters.opened, counters.missed), (1, 0));
    sim.shut_down().await;
}

#[tokio::test]
async fn a_minute_of_500_messages_a_second_with_drops_is_read_as_what_was_sent() {
    // A second of it where there is no time for more.
    let seconds = if is_long() { 60 } else { 1 };
    let room = RoomOptions {
        rate: 500,
        messages: Some(seconds * 500),
        ..quick(Site::Douyin, &["drop=40", "doubled-gifts", "missing-ends"])
    };
    let sim = sim(room).await;
    let mut watcher = Watcher::new(sim.push_url("r").unwrap());
    watcher.read_all().await;
    let manifest = sim.manifest("r").unwrap();
    watcher.found.check(&manifest);
    assert_eq!(manifest.messages, seconds * 500 + 1);
    assert!(watcher.ends.len() > 1 && sim.counters("r").unwrap().missed == 0);
}

#[tokio::test]
async fn what_is_lost_with_a_connection_comes_back_on_the_next_one() {
    for (fault, end) in [
        ("drop=3", End::Lost),
        ("close=1000/3", End::Close(1000)),
        ("close=1001/3", End::Close(1001)),
        ("close=1006/3", End::Lost),
        ("close=1008/3", End::Close(1008)),
        ("close=1012/3", End::Close(1012)),
        ("close=1013/3", End::Close(1013)),
        ("say-close=3", End::Close(1000)),
        ("huge=5", End::Lost),
    ] {
        let sim = sim(quick(Site::Douyin, &[fault])).await;
        let mut watcher = Watcher::new(sim.push_url("r").unwrap());
        watcher.read_all().await;
        watcher.found.check(&sim.manifest("r").unwrap());
        assert!(
            watcher.ends.len() > 5 && watcher.ends[0] == end,
            "{fault}: {:?}",
            watcher.ends
        );
        let counters = sim.counters("r").unwrap();
        assert_eq!(counters.opened, watcher.ends.len() as u64);
        assert_eq!(counters.resumed, counters.opened - 1, "{fault}");
        assert_eq!(counters.missed, 0);
    }
}

#[tokio::test]
async fn what_cannot_be_read_takes_nothing_with_it() {
    for fault in ["garbage=2", "broken=2", "bomb=10"] {
        let sim = sim(quick(Site::Douyin, &[fault])).await;
        let mut watcher = Watcher::new(sim.push_url("r").unwrap());
        watcher.read_all().await;
        watcher.found.check(&sim.manifest("r").unwrap());
        let found = &watcher.found;
        assert!(
            found.errors >= 3 && watcher.ends.len() == 1,
            "{fault}: {}",
            found.errors
        );
    }
}

#[tokio::test]
async fn totals_are_right_however_the_room_tells_of_them() {
    for faults in [
        &["doubled-gifts"][..],
        &["missing-ends"],
        &["reordered=8"],
        &["masked"],
        &[
            "doubled-gifts",
            "missing-ends",
            "reordered=5",
            "masked",
            "drop=4",
            "garbage=7",
        ],
    ] {
        let sim = sim(quick(Site::Douyin, faults)).await;
        let mut watcher = Watcher::new(sim.push_url("r").unwrap());
        watcher.read_all().await;
        watcher.found.check(&sim.manifest("r").unwrap());
        assert_eq!(
            watcher.found.masked > 0,
            faults.contains(&"masked"),
            "{faults:?}"
        );
    }
}

#[tokio::test]
async fn what_a_fault_loses_for_good_is_neither_read_nor_counted() {
    let sim = sim(quick(Site::Douyin, &["lost=10"])).await;
    let mut watcher = Watcher::new(sim.push_url("r").unwrap());
    watcher.read_all().await;
    let manifest = sim.manifest("r").unwrap();
    watcher.found.check(&manifest);
    assert!((40..=60).contains(&manifest.lost), "{}", manifest.lost);
    assert_eq!(manifest.messages + manifest.lost, 601);
}

#[tokio::test]
async fn a_broadcast_ends_early_where_a_fault_says_so() {
    let sim = sim(quick(Site::Douyin, &["end=200"])).await;
    let mut watcher = Watcher::new(sim.push_url("r").unwrap());
    watcher.read_all().await;
    assert_eq!(sim.manifest("r").unwrap().messages, 201);
    assert_eq!(watcher.ends, [End::Close(1000)]);
}

#[tokio::test]
async fn openings_are_refused_as_often_as_told_and_in_the_way_told() {
    for (fault, status, message) in [
        ("refuse=3", 200, Some("DEVICE_BLOCKED")),
        ("refuse=3/502", 502, None),
        ("refuse=3/403", 403, None),
    ] {
        let sim = sim(quick(Site::Douyin, &[fault])).await;
        let mut watcher = Watcher::new(sim.push_url("r").unwrap());
        watcher.read_all().await;
        watcher.found.check(&sim.manifest("r").unwrap());
        assert_eq!(watcher.refused.len(), 3);
        let first = &watcher.refused[0];
        let header = |name: &str| {
            first
                .headers()
                .get(name)
                .map(|value| value.to_str().unwrap())
        };
        assert_eq!(first.status().as_u16(), status);
        assert_eq!(header("handshake-msg"), message);
        assert_eq!(header("handshake-status"), message.map(|_| "415"));
        assert_eq!(sim.counters("r").unwrap().refused, 3);
    }
}

#[tokio::test]
async fn a_signature_that_does_not_fit_is_refused() {
    let sim = sim(quick(Site::Douyin, &[])).await;
    let good = sim.push_url("r").unwrap();
    for bad in [
        good.replace("signature=PW", "signature=PX"),
        good.replace("user_unique_id=7", "user_unique_id=8"),
        good.replace("version_code=180800", "version_code=180801"),
        good.split("&signature").next().unwrap().to_owned(),
    ] {
        let mut watcher = Watcher::new(bad);
        assert!(watcher.connect().await.is_none());
        assert_eq!(
            watcher.refused[0].headers()["handshake-msg"],
            "DEVICE_BLOCKED"
        );
    }
    let mut other = Watcher::new(good.replace("cursor=&", "cursor=&webcast_other=1&"));
    assert!(
        other.connect().await.is_some(),
        "what is not signed may be anything"
    );
}

#[tokio::test]
async fn a_handshake_takes_as_long_as_told() {
    let sim = sim(quick(Site::Douyin, &["slow-handshake=300"])).await;
    let begin = std::time::Instant::now();
    let mut watcher = Watcher::new(sim.push_url("r").unwrap());
    assert!(watcher.connect().await.is_some());
    assert!(begin.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn a_stalled_socket_stays_open_and_says_nothing_and_a_new_one_has_the_rest() {
    let sim = sim(quick(Site::Douyin, &["stall=3"])).await;
    let mut watcher = Watcher::new(sim.push_url("r").unwrap());
    let mut stalled = watcher.connect().await.unwrap();
    let end = watcher
        .listen(&mut stalled, Duration::from_millis(300))
        .await;
    assert_eq!((end, watcher.found.frames), (End::Silent, 3));
    stalled
        .send(Message::Binary(vec![0x3a, 2, b'h', b'b'].into()))
        .await
        .unwrap();
    until("the heartbeat is heard", async || {
        (sim.counters("r").unwrap().heartbeats == 1).then_some(())
    })
    .await;
    assert_eq!(sim.counters("r").unwrap().open, 1);
    sim.fault("r", Fault::None).unwrap();
    watcher.read_all().await;
    watcher.found.check(&sim.manifest("r").unwrap());
}

#[tokio::test]
async fn who_says_that_it_is_there_is_answered_and_acknowledgements_are_counted() {
    let room = RoomOptions {
        rate: 50,
        messages: None,
        ..quick(Site::Douyin, &[])
    };
    let sim = sim(room).await;
    let mut socket = Watcher::new(sim.push_url("r").unwrap())
        .connect()
        .await
        .unwrap();
    socket
        .send(Message::Binary(vec![0x3a, 2, b'h', b'b'].into()))
        .await
        .unwrap();
    let (mut answered, mut acked) = (false, 0);
    while !answered || acked < 3 {
        let frame = soon("a frame", socket.next())
            .await
            .unwrap()
            .unwrap()
            .into_data();
        let push = pagewire_live::douyin::PushFrame::read(&frame).unwrap();
        if push.payload_type == "hb" {
            answered = true;
            continue;
        }
        let mut ack = pagewire_codec::proto::Writer::default();
        ack.varint(2, push.log_id).text(7, "ack");
        ack.text(8, push.header("im-internal_ext").unwrap());
        socket
            .send(Message::Binary(ack.into_bytes().into()))
            .await
            .unwrap();
        acked += 1;
    }
    until("acks are counted", async || {
        let counters = sim.counters("r").unwrap();
        (counters.acks == 3 && counters.acks_wrong == 0 && counters.heartbeats == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_room_without_a_socket_is_read_by_asking() {
    let sim = sim(quick(Site::Douyin, &["polling"])).await;
    let mut watcher = Watcher::new(sim.push_url("r").unwrap());
    assert!(watcher.connect().await.is_none());
    assert_eq!(watcher.refused[0].status(), 503);
    while !watcher.found.ended {
        assert_eq!(watcher.poll(&sim).await, Some(500), "how often to ask");
    }
    watcher.found.check(&sim.manifest("r").unwrap());
    assert!(sim.counters("r").unwrap().polls > 1);
}

#[tokio::test]
async fn a_room_that_moves_to_polling_goes_on_there_from_the_same_cursor() {
    let room = RoomOptions {
        rate: 500,
        ..quick(Site::Douyin, &[])
    };
    let sim = sim(room).await;
    let mut watcher = Watcher::new(sim.push_url("r").unwrap());
    assert_eq!(watcher.poll(&sim).await, None, "there is a socket");
    let mut socket = watcher.connect().await.unwrap();
    let first = soon("a frame", socket.next())
        .await
        .unwrap()
        .unwrap()
        .into_data();
    watcher.found.read(&first);
    sim.fault("r", Fault::Polling).unwrap();
    assert_eq!(
        watcher.listen(&mut socket, PATIENCE).await,
        End::Close(1000)
    );
    while !watcher.found.ended {
        watcher
            .poll(&sim)
            .await
            .expect("there is no socket any more");
    }
    watcher.found.check(&sim.manifest("r").unwrap());
}

#[tokio::test]
async fn who_comes_without_a_cursor_has_the_present_and_some_of_what_was_before() {
    let sim = sim(quick(Site::Douyin, &[])).await;
    Watcher::new(sim.push_url("r").unwrap()).read_all().await;
    let mut late = Watcher::new(sim.push_url("r").unwrap());
    late.read_all().await;
    // The last 15 messages, of which some may be the same.
    assert!(
        (8..=15).contains(&late.found.events),
        "{}",
        late.found.events
    );
    assert_eq!(late.ends, [End::Close(1000)]);
}

#[tokio::test]
async fn orders_at_once_reach_all_who_are_connected() {
    let room = RoomOptions {
        rate: 100,
        messages: None,
        ..quick(Site::Douyin, &[])
    };
    let sim = sim(room).await;
    let mut watchers = [(); 3].map(|()| Watcher::new(sim.push_url("r").unwrap()));
    let mut sockets = Vec::new();
    for watcher in &mut watchers {
        let mut socket = watcher.connect().await.unwrap();
        soon("a frame", socket.next()).await.unwrap().unwrap();
        sockets.push(socket);
    }
    for (order, end) in [
        (Order::Garbage, None),
        (Order::Close(1013), Some(End::Close(1013))),
    ] {
        sim.fault("r", Fault::now(order)).unwrap();
        for (watcher, socket) in watchers.iter_mut().zip(&mut sockets) {
            let silence = Duration::from_millis(if end.is_some() { 60_000 } else { 5 });
            let ended = watcher.listen(socket, silence).await;
            assert!(end.as_ref().is_none_or(|end| *end == ended));
        }
    }
    assert!(
        watchers.iter().all(|watcher| watcher.found.errors == 1),
        "one frame was garbage"
    );
    sim.fault("r", Fault::End(None)).unwrap();
    watchers[0].read_all().await;
    assert!(sim.manifest("r").unwrap().by_kind["room_state"] > 0);
}

#[tokio::test]
async fn as_many_connections_are_served_as_can_be_and_one_more_waits() {
    let options = Options {
        connections: 2,
        rooms: vec![quick(Site::Douyin, &[])],
        ..Options::default()
    };
    let sim = Sim::start(options).await.unwrap();
    sim.fault("r", Fault::every(Order::Stall, 1)).unwrap();
    let url = sim.push_url("r").unwrap();
    let one = Watcher::new(url.clone()).connect().await.unwrap();
    let two = Watcher::new(url.clone()).connect().await.unwrap();
    let mut watcher = Watcher::new(url);
    let mut three = Box::pin(watcher.connect());
    tokio::time::timeout(Duration::from_millis(200), &mut three)
        .await
        .expect_err("no place");
    drop(one);
    assert!(three.await.is_some());
    drop(two);
}

#[tokio::test]
async fn a_client_that_says_too_much_at_once_is_gone() {
    for (bytes, is_gone) in [
        (pagewire_sim::INCOMING_BYTES_MAX, false),
        (pagewire_sim::INCOMING_BYTES_MAX + 1, true),
    ] {
        let room = RoomOptions {
            rate: 1,
            messages: None,
            ..quick(Site::Douyin, &[])
        };
        let sim = sim(room).await;
        let mut watcher = Watcher::new(sim.push_url("r").unwrap());
        let mut socket = watcher.connect().await.unwrap();
        socket
            .send(Message::Binary(vec![0; bytes].into()))
            .await
            .unwrap();
        socket
            .send(Message::Binary(vec![0x3a, 2, b'h', b'b'].into()))
            .await
            .unwrap_or_default();
        if is_gone {
            watcher.listen(&mut socket, PATIENCE).await;
        } else {
            until("a heartbeat", async || {
                (sim.counters("r").unwrap().heartbeats == 1).then_some(())
            })
            .await;
        }
    }
}

#[tokio::test]
async fn who_is_too_late_is_told_so_by_the_account() {
    let options = Options {
        backlog_bytes: 200_000,
        rooms: vec![quick(Site::Douyin, &[])],
        ..Options::default()
    };
    let sim = Sim::start(options).await.unwrap();
    let mut watcher = Watcher::new(sim.push_url("r").unwrap());
    watcher.poll(&sim).await;
    until("the end", async || {
        sim.manifest("r").unwrap().ended.then_some(())
    })
    .await;
    watcher.read_all().await;
    let (manifest, counters) = (sim.manifest("r").unwrap(), sim.counters("r").unwrap());
    assert!(counters.missed > 100, "{counters:?}");
    assert!(watcher.found.events < manifest.messages_unique);
}

#[tokio::test]
async fn shutting_down_says_goodbye_to_all() {
    let room = RoomOptions {
        rate: 100,
        messages: None,
        ..quick(Site::Douyin, &[])
    };
    let sim = sim(room).await;
    let mut watcher = Watcher::new(sim.push_url("r").unwrap());
    let mut socket = watcher.connect().await.unwrap();
    // The client knows of the open socket before the site does.
    until("the open socket", async || {
        (sim.counters("r").unwrap().open == 1).then_some(())
    })
    .await;
    let listening = tokio::spawn(async move { watcher.listen(&mut socket, PATIENCE).await });
    soon("the end", sim.shut_down()).await;
    assert_eq!(listening.await.unwrap(), End::Close(1001));
}
