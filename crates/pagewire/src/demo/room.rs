//! The live room of the demo: a page of the simulator, watched through its own socket.

use std::collections::HashMap;
use std::fmt::Display;
use std::time::{Duration, Instant};

use pagewire_cdp::{TapRules, UrlPattern};
use pagewire_hub::Hub;
use pagewire_live::{
    AfterEnd, Event, RoomAddress, RoomOptions as ConnectionOptions, SiteTable, State, Tally,
};
use pagewire_room::watch::{
    Listener, Listeners, RoomTopic, Source, TabSource, WatchOptions, Watched, WatchedRoom,
    documents, tap_rules, watch,
};
use pagewire_sim::{Options, RoomOptions, Sim, Site, signed_text, stub};
use serde::Serialize;
use serde_json::json;

use super::report::Report;
use super::{expect, group, tour};
use crate::client::Client;
use crate::exit::{FAILED, Failed};

/// What runs in the room's page for Pagewire.
pub(super) const SCRIPT: &str = include_str!("../../../../web/demo/room.js");
/// Its name in addresses.
const NAME: &str = "1001";
/// After so many messages the broadcast ends.
const MESSAGES: u64 = 400;
/// A second: it takes five seconds, which can be followed and is not long.
const RATE: u32 = 80;
/// As a reader that adds up what it is told would count wrong: gifts are told twice, and messages come again on a new connection.
const FAULTS: [&str; 2] = ["doubled-gifts", "drop=50"];
/// A browser on a slow machine may need many seconds until the room's page runs.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Of each kind of event so many are shown,
const SHOWN_OF_A_KIND: u64 = 3;
/// and no two within this time: they are to be read as they come.
const SHOWN_EVERY: Duration = Duration::from_millis(250);
/// Kinds that say little to somebody who sees a room for the first time.
const NOT_SHOWN: [&str; 2] = ["gift", "unknown"];

/// A simulated site with one room.
#[derive(Debug)]
pub(super) struct LiveRoom {
    sim: Sim,
    room: WatchedRoom,
}

/// Gifts, counted once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Gifts {
    pub(super) count: u64,
    /// In diamonds.
    pub(super) value: u64,
}

impl LiveRoom {
    pub(super) async fn start() -> Result<Self, Failed> {
        let faults = FAULTS.iter().map(|fault| fault.parse().map_err(failed));
        let room = RoomOptions {
            rate: RATE,
            messages: Some(MESSAGES),
            faults: faults.collect::<Result<_, _>>()?,
            ..RoomOptions::new(NAME, Site::Douyin)
        };
        let options = Options {
            rooms: vec![room],
            ..Options::default()
        };
        let sim = Sim::start(options).await.map_err(failed)?;
        let table = SiteTable::shipped();
        let page = sim.room_url(NAME).map_err(failed)?;
        let address = table.parse_room(&page).map_err(failed)?;
        let entry = table.get(&address.site).cloned();
        let entry = entry.ok_or_else(|| failed("the table has no site of the simulator"))?;
        Ok(Self {
            sim,
            room: WatchedRoom { entry, address },
        })
    }

    pub(super) async fn end(self) {
        self.sim.shut_down().await;
    }

    fn address(&self) -> &RoomAddress {
        &self.room.address
    }

    /// `http://…` of the site.
    pub(super) fn origin(&self) -> String {
        format!("http://{}", self.sim.address())
    }

    pub(super) fn page(&self) -> &str {
        &self.address().page
    }

    /// Where the site's account of what it sent is.
    pub(super) fn manifest_url(&self) -> String {
        format!("{}/sim/rooms/{NAME}/manifest", self.origin())
    }

    pub(super) fn documents(&self) -> Result<Vec<UrlPattern>, Failed> {
        documents(self.address()).map_err(failed)
    }

    pub(super) fn tap_rules(&self) -> Result<TapRules, Failed> {
        tap_rules(&self.room).map_err(failed)
    }

    /// Where its events are published.
    pub(super) fn topic(&self, hub: &Hub) -> Result<RoomTopic, Failed> {
        RoomTopic::new(hub.clone(), self.address()).map_err(failed)
    }

    /// What is signed for the room's socket, as `sign` takes it: a list of one argument.
    pub(super) fn to_be_signed(&self) -> Result<String, Failed> {
        let id = self.sim.asked_for(NAME).map_err(failed)?.to_string();
        let text = signed_text(|name| (name == "room_id").then_some(id.as_str()));
        Ok(json!([{ "X-MS-STUB": stub(&text) }]).to_string())
    }

    /// Has the sample page open the room, shows what happens there until the broadcast ends, has the room's page sign, and compares the gifts.
    pub(super) async fn show(
        &self,
        report: &Report,
        client: &Client,
        hub: &Hub,
    ) -> Result<(), Failed> {
        let mut topic = self.topic(hub)?;
        report.room(self.page(), topic.topic().as_str())?;
        let mut shown = Shown::new(report);
        let mut listeners = Listeners(vec![&mut topic, &mut shown]);
        let (watched, ()) = tokio::try_join!(
            self.watch(hub, &mut listeners),
            tour::open(client, self.page())
        )?;
        shown.failed.map_or(Ok(()), Err)?;
        check_end(&watched)?;
        self.sign(report, client).await?;
        let read = shown.tally.given();
        let read = Gifts {
            count: read.count,
            value: read.values.values().sum(),
        };
        let sent = self.sim.manifest(NAME).map_err(failed)?.gifts;
        let sent = Gifts {
            count: sent.count,
            value: sent.value,
        };
        report.gifts(read, sent, watched.status.connections)?;
        expect(
            read == sent,
            "the gifts that were read are not those that were sent; with `pagewire tail` of the room's topic you see what was read",
        )
    }

    /// Until the broadcast ends, or has not ended in time.
    async fn watch(&self, hub: &Hub, listener: &mut dyn Listener) -> Result<Watched, Failed> {
        // Its site is in this process: a page that does not connect would not do so when it is loaded again.
        let source = TabSource::new(hub.clone(), group()?, self.documents()?);
        let options = WatchOptions {
            connection: ConnectionOptions {
                after_end: AfterEnd::Stop,
                ..ConnectionOptions::default()
            },
            ..WatchOptions::default()
        };
        let too_long = tokio::time::sleep(TIMEOUT);
        watch(
            self.room.clone(),
            Source::Tab(source),
            options,
            listener,
            too_long,
        )
        .await
        .map_err(failed)
    }

    async fn sign(&self, report: &Report, client: &Client) -> Result<(), Failed> {
        report.signing()?;
        let what = [
            "the page's own roomSigner.frontierSign",
            "网页自己的 roomSigner.frontierSign",
        ];
        let signed = tour::call(report, client, "sign", &self.to_be_signed()?, what).await?;
        expect(
            signed["X-Bogus"].as_str().is_some_and(is_signature),
            "demo/sign gave no signature",
        )
    }
}

fn check_end(watched: &Watched) -> Result<(), Failed> {
    if watched.status.state == State::Ended {
        return Ok(());
    }
    Err(failed(format!(
        "the broadcast has not ended after {} s; the room is {}: {}. PAGEWIRE_LOG=debug shows what the browser said",
        TIMEOUT.as_secs(),
        watched.status.state.name(),
        watched.status.reason,
    )))
}

/// `PW` and a hash of 64 bits.
fn is_signature(text: &str) -> bool {
    let hash = text.strip_prefix("PW");
    hash.is_some_and(|hash| hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn failed(error: impl Display) -> Failed {
    Failed::new(FAILED, error.to_string())
}

/// Counts what happens, and shows some of it.
struct Shown<'r> {
    report: &'r Report,
    tally: Tally,
    kinds: HashMap<&'static str, u64>,
    last: Option<Instant>,
    /// Why nothing more is shown.
    failed: Option<Failed>,
}

impl<'r> Shown<'r> {
    fn new(report: &'r Report) -> Self {
        Self {
            report,
            tally: Tally::default(),
            kinds: HashMap::new(),
            last: None,
            failed: None,
        }
    }
}

impl Listener for Shown<'_> {
    fn event(&mut self, event: &Event<'_>) {
        self.tally.add(event);
        let is_early = self.last.is_some_and(|last| last.elapsed() < SHOWN_EVERY);
        if is_early || NOT_SHOWN.contains(&event.kind()) || self.failed.is_some() {
            return;
        }
        let of_kind = self.kinds.entry(event.kind()).or_default();
        if *of_kind < SHOWN_OF_A_KIND {
            *of_kind += 1;
            self.last = Some(Instant::now());
            self.failed = self.report.event(event).err();
        }
    }
}
