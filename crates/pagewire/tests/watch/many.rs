//! Many rooms at once on one hub, with programs that read and programs that do not.

use std::collections::BTreeMap;

use pagewire_live::Site;
use pagewire_sim::{Options, RoomOptions, Sim};
use pagewire_testkit::{Http, Response, is_long, soon};
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::binary::lines;
use crate::reader::Found;
use crate::signed::SigningServer;
use crate::watching::{LIMIT, hub_of, watching};

const ROOMS: u64 = 20;
/// Messages a second of each.
const RATE: u32 = 100;
/// Programs that subscribe to each of the first rooms, and stop reading.
const STALLED: usize = 5;

/// 20 rooms of 100 messages a second.
async fn rooms(seconds: u64) -> Sim {
    let rooms = (0..ROOMS).map(|at| RoomOptions {
        seed: at,
        rate: RATE,
        messages: Some(u64::from(RATE) * seconds),
        ..RoomOptions::new(&at.to_string(), Site::Douyin)
    });
    let options = Options {
        rooms: rooms.collect(),
        ..Options::default()
    };
    Sim::start(options).await.expect("it starts")
}

/// Subscribes to a topic, and reads nothing.
async fn stalled(hub: &str, room: u64) -> TcpStream {
    let address = hub.strip_prefix("http://").expect("an address");
    let mut stream = TcpStream::connect(address).await.expect("connected");
    let request =
        format!("GET /v1/topics/rooms/sim/{room}?as=ndjson HTTP/1.1\r\nHost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    stream
}

/// The events of a topic that is followed from its first value, to the end of the broadcast.
async fn followed(mut records: Response) -> Vec<Value> {
    let (mut read, mut events) = (String::new(), Vec::new());
    loop {
        let chunk = soon("values", records.chunk()).await.expect("a chunk");
        read += &chunk.expect("read");
        while let Some((line, rest)) = read.split_once('\n') {
            let line = line.to_owned();
            read = rest.to_owned();
            if line.is_empty() {
                continue;
            }
            let record: Value = serde_json::from_str(&line).expect("JSON");
            assert!(record.get("gap").is_none(), "{record}");
            match record["value"]["kind"].as_str() {
                Some("state") if record["value"]["state"] == "ended" => return events,
                Some("state" | "note" | "unread") | None => {}
                Some(_) => events.push(record["value"].clone()),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_rooms_lose_nothing_and_a_program_that_stops_reading_disturbs_nobody() {
    let seconds = if is_long() { 60 } else { 8 };
    let sim = rooms(seconds).await;
    let folder = tempfile::tempdir().expect("a folder");
    let (open, gate) = tokio::sync::watch::channel(false);
    let signer = SigningServer::start(&sim, gate).await;
    let addresses: Vec<_> = (0..ROOMS)
        .map(|room| sim.room_url(&room.to_string()).expect("a room"))
        .collect();
    let mut arguments: Vec<_> = addresses.iter().map(String::as_str).collect();
    arguments.extend(["--json", "--signer", &signer.url]);
    let mut child = watching(&folder, &arguments).spawn().expect("started");
    let mut said = lines(child.stderr.take().expect("piped"));
    let greeting = soon("the greeting", said.next_line()).await.expect("read");
    let hub = hub_of(&greeting.expect("a line"));
    tokio::spawn(async move { while let Ok(Some(_)) = said.next_line().await {} });
    let mut asleep = Vec::new();
    for room in 0..STALLED as u64 {
        asleep.push(stalled(&hub, room).await);
    }
    let records = Http::new(hub).get("/v1/topics/rooms/sim/0?as=ndjson").await;
    // The hub keeps some values of a topic; who came later than that would miss the first.
    open.send(true).expect("the signer waits");
    let reader = tokio::spawn(followed(records));
    let ended = tokio::time::timeout(LIMIT, child.wait_with_output()).await;
    let ended = ended.expect("it ends").expect("ended");
    assert_eq!(ended.status.code(), Some(0));
    drop(asleep);

    let mut found = BTreeMap::<String, (Found, Vec<Value>)>::new();
    for line in String::from_utf8(ended.stdout).expect("UTF-8").lines() {
        let mut event: Value = serde_json::from_str(line).expect("JSON");
        let topic = event["topic"].as_str().expect("a topic").to_owned();
        event.as_object_mut().expect("an object").remove("topic");
        let entry = || (Found::new(Site::Douyin), Vec::new());
        let (room, events) = found.entry(topic).or_insert_with(entry);
        room.add(&event);
        events.push(event);
    }
    for room in 0..ROOMS {
        let (found, _) = &found[&format!("rooms/sim/{room}")];
        found.check(&sim.manifest(&room.to_string()).expect("a room"));
    }
    let (_, shown) = &found["rooms/sim/0"];
    let followed = reader.await.expect("no gap");
    // What is open at the end ends behind the state, when the reader has left.
    assert_eq!(followed[..], shown[..followed.len()]);
    assert!(followed.len() as u64 >= u64::from(RATE) * seconds);
}
