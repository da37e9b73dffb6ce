//! A client that reads a room to its end, over as many connections as that takes, and counts as a manifest does.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::StreamExt as _;
use pagewire_live::douyin::{PushFrame, Response};
use pagewire_live::{FrameReader, Room, Site};
use pagewire_sim::{Manifest, Options, RoomOptions, Sim};
use pagewire_testkit::soon;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

pub(crate) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A room that ends after some hundred messages, which come at once.
pub(crate) fn quick(site: Site, faults: &[&str]) -> RoomOptions {
    RoomOptions {
        rate: 10_000,
        messages: Some(600),
        faults: faults.iter().map(|fault| fault.parse().unwrap()).collect(),
        ..RoomOptions::new("r", site)
    }
}

pub(crate) async fn sim(room: RoomOptions) -> Sim {
    Sim::start(Options {
        rooms: vec![room],
        ..Options::default()
    })
    .await
    .unwrap()
}

pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}

/// How a connection ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    Close(u16),
    /// Without a close frame, or with a message that is too long.
    Lost,
    Silent,
}

/// What was read so far.
#[derive(Debug)]
pub(crate) struct Found {
    site: Site,
    reader: FrameReader,
    room: Room,
    pub(crate) by_kind: BTreeMap<String, u64>,
    pub(crate) ids: HashSet<String>,
    pub(crate) events: u64,
    /// By sender and gift: how many, and what they are worth.
    pub(crate) gifts: BTreeMap<(String, String), (u64, u64)>,
    pub(crate) errors: u64,
    pub(crate) masked: u64,
    pub(crate) frames: u64,
    pub(crate) ended: bool,
}

impl Found {
    pub(crate) fn new(site: Site) -> Self {
        Self {
            site,
            reader: FrameReader::new(site),
            room: Room::default(),
            by_kind: BTreeMap::new(),
            ids: HashSet::new(),
            events: 0,
            gifts: BTreeMap::new(),
            errors: 0,
            masked: 0,
            frames: 0,
            ended: false,
        }
    }

    pub(crate) fn read(&mut self, frame: &[u8]) {
        self.frames += 1;
        let now_ms = now_ms();
        let (mut events, mut errors) = (Vec::<Value>::new(), 0);
        self.reader.read(frame, now_ms, |event| match event {
            Ok(event) => self.room.take(event, now_ms, |event| {
                let mut json = Vec::new();
                event.write_json(&mut json);
                events.push(serde_json::from_slice(&json).unwrap());
            }),
            Err(_) => errors += 1,
        });
        self.errors += errors;
        for event in events {
            self.add(&event);
        }
    }

    pub(crate) fn add(&mut self, event: &Value) {
        let kind = event["kind"].as_str().unwrap();
        match kind {
            "gift.delta" => {
                let of = |name: &str| event["gift_delta"][name].clone();
                let sender = event["user"]["id"].as_str().unwrap().to_owned();
                let gift = of("gift").as_str().unwrap().to_owned();
                let sum = self.gifts.entry((sender, gift)).or_default();
                sum.0 += of("count").as_u64().unwrap();
                sum.1 += of("value").as_u64().unwrap_or_default();
                return;
            }
            "gift.final" => return,
            // A second event of the same message: who gave most, beside how many there are.
            "rank" if event["method"] == "WebcastRoomUserSeqMessage" => return,
            "room_state" => self.ended |= event["room_state"]["state"] == "ended",
            _ => {}
        }
        self.events += 1;
        self.masked += u64::from(event["user"]["masked"] == true);
        *self.by_kind.entry(kind.to_owned()).or_default() += 1;
        self.ids
            .insert(event["id"].as_str().unwrap_or_default().to_owned());
    }

    pub(crate) fn count(&self) -> u64 {
        self.gifts.values().map(|sum| sum.0).sum()
    }

    /// Each message was read once, and each gift counted once.
    pub(crate) fn check(&self, manifest: &Manifest) {
        assert!(manifest.ended && self.ended);
        assert_eq!(json!(self.by_kind), json!(manifest.by_kind));
        assert_eq!(self.events, manifest.messages_unique);
        let ids: HashSet<_> = manifest.ids.iter().cloned().collect();
        if self.site != Site::Douyu {
            assert_eq!(self.ids, ids);
        }
        let given = manifest.gifts.by_sender_and_gift.values();
        let given = given.map(|given| ((given.sender.clone(), given.gift.clone()), given.count));
        let found = self.gifts.iter().map(|(key, sum)| (key.clone(), sum.0));
        assert_eq!(found.collect::<BTreeMap<_, _>>(), given.collect());
        assert!(manifest.gifts.count > 100, "{}", manifest.gifts.count);
    }

    /// Reads a socket to its end.
    pub(crate) async fn listen(&mut self, socket: &mut Socket, silence: Duration) -> End {
        loop {
            match tokio::time::timeout(silence, socket.next()).await {
                Err(_) => return End::Silent,
                Ok(Some(Ok(Message::Binary(frame)))) => self.read(&frame),
                Ok(Some(Ok(Message::Close(Some(close))))) => return End::Close(close.code.into()),
                Ok(Some(Ok(_))) => {}
                Ok(Some(Err(_)) | None) => return End::Lost,
            }
        }
    }
}

/// Douyin: goes on from its cursor until the broadcast ends.
#[derive(Debug)]
pub(crate) struct Watcher {
    url: String,
    pub(crate) cursor: String,
    pub(crate) found: Found,
    pub(crate) ends: Vec<End>,
    pub(crate) refused: Vec<http::Response<Option<Vec<u8>>>>,
}

impl Watcher {
    pub(crate) fn new(url: String) -> Self {
        Self {
            url,
            cursor: String::new(),
            found: Found::new(Site::Douyin),
            ends: Vec::new(),
            refused: Vec::new(),
        }
    }

    pub(crate) async fn connect(&mut self) -> Option<Socket> {
        let url = self
            .url
            .replace("&cursor=&", &format!("&cursor={}&", self.cursor));
        match soon("the socket", connect_async(url)).await {
            Ok((socket, _)) => Some(socket),
            Err(tungstenite::Error::Http(response)) => {
                self.refused.push(*response);
                None
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// Reads one connection to its end; a frame at a time, for the cursor of each.
    pub(crate) async fn listen(&mut self, socket: &mut Socket, silence: Duration) -> End {
        loop {
            match tokio::time::timeout(silence, socket.next()).await {
                Err(_) => return End::Silent,
                Ok(Some(Ok(Message::Binary(frame)))) => {
                    if let Ok(push) = PushFrame::read(&frame)
                        && let Some(cursor) = push.header("im-cursor")
                        && push.payload_type == "msg"
                        && frame.len() < 1 << 20
                    {
                        // A bomb has a cursor too: that of nothing.
                        if !cursor.contains("r-7000000000000000000_") {
                            self.cursor = cursor.to_owned();
                        }
                    }
                    self.found.read(&frame);
                }
                Ok(Some(Ok(Message::Close(Some(close))))) => return End::Close(close.code.into()),
                Ok(Some(Ok(_))) => {}
                Ok(Some(Err(_)) | None) => return End::Lost,
            }
        }
    }

    pub(crate) async fn read_all(&mut self) {
        for _ in 0..2_000 {
            if let Some(mut socket) = self.connect().await {
                let end = self.listen(&mut socket, pagewire_testkit::PATIENCE).await;
                self.ends.push(end);
            }
            if self.found.ended {
                return;
            }
        }
        panic!("{} events after 2,000 connections", self.found.events);
    }

    /// Asks as polling does, and gives how often to ask again where there is no socket.
    pub(crate) async fn poll(&mut self, sim: &Sim) -> Option<u64> {
        let id = sim.asked_for("r").unwrap();
        let http = pagewire_testkit::Http::new(format!("http://{}", sim.address()));
        let path = format!("/webcast/im/fetch/?room_id={id}&cursor={}", self.cursor);
        let bytes = http.get(&path).await.bytes().await;
        self.found.read(&bytes);
        let response = Response::read(&bytes);
        self.cursor = response.cursor.into_owned();
        let fields = pagewire_codec::proto::Fields::new(&bytes).map(Result::unwrap);
        let numbers: BTreeMap<_, _> = fields
            .filter_map(|field| {
                let pagewire_codec::proto::Value::Varint(value) = field.value else {
                    return None;
                };
                Some((field.number, value))
            })
            .collect();
        (numbers[&6] == 2).then(|| numbers[&3])
    }
}
