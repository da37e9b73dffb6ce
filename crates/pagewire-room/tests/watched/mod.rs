//! Rooms of the simulator that are watched: by sockets of our own, and from the journals that are written.
#![allow(dead_code, reason = "each test file uses its part")]

#[path = "../../../pagewire-sim/tests/reader/mod.rs"]
pub(crate) mod reader;

use std::path::Path;
use std::sync::Arc;

use pagewire_dial::tls::plain_connector;
use pagewire_hub::{Hub, HubOptions};
use pagewire_live::{
    AfterEnd, AskFirst, Credentials, Event, RoomFacts, RoomOptions, Site, SiteTable, State,
};
use pagewire_room::signers::{SignerOptions, Signers};
use pagewire_room::watch::{
    DirectSource, FrameSeen, JournalOptions, Listener, Note, ReplayOptions, Replayed, Source,
    StateChange, Unread, WatchOptions, Watched, WatchedRoom, replay, watch,
};
use pagewire_sim::Sim;
use pagewire_testkit::soon;
use reader::Found;

/// Waits that a test can wait for.
const QUICK: &str = "
[sim.timing]
backoff_first_ms = 100
backoff_longest_ms = 200
steady_ms = 0
ask_every_ms = 1000
";

/// Is told a state and the name of its reason.
type OnState = Box<dyn FnMut(State, &str) + Send>;

/// What a listener was told.
pub(crate) struct Heard {
    pub(crate) found: Found,
    /// Events as JSON, in their order.
    pub(crate) events: Vec<String>,
    pub(crate) states: Vec<(State, String)>,
    pub(crate) notes: Vec<String>,
    /// Of each note the words, in English and Chinese.
    pub(crate) words: Vec<[String; 2]>,
    /// Of each damage the records that are lost.
    pub(crate) lost: Vec<Option<u64>>,
    pub(crate) unread: u64,
    pub(crate) frames: u64,
    /// Told of each event.
    pub(crate) on_event: Box<dyn FnMut(u64) + Send>,
    /// Told of each state.
    pub(crate) on_state: OnState,
}

impl Heard {
    pub(crate) fn new(site: Site) -> Self {
        Self {
            found: Found::new(site),
            events: Vec::new(),
            states: Vec::new(),
            notes: Vec::new(),
            words: Vec::new(),
            lost: Vec::new(),
            unread: 0,
            frames: 0,
            on_event: Box::new(|_| {}),
            on_state: Box::new(|_, _| {}),
        }
    }

    pub(crate) fn has_note(&self, name: &str) -> bool {
        self.notes.iter().any(|note| note == name)
    }
}

impl Listener for Heard {
    fn event(&mut self, event: &Event<'_>) {
        let mut json = Vec::new();
        event.write_json(&mut json);
        let value: serde_json::Value = serde_json::from_slice(&json).expect("an event is JSON");
        // That it let us in is told by a site besides what happened in the room.
        if value["kind"] != "control" || event.site == Site::Douyin {
            self.found.add(&value);
        }
        self.events
            .push(String::from_utf8(json).expect("JSON is UTF-8"));
        (self.on_event)(self.events.len() as u64);
    }

    fn unread(&mut self, _: &Unread<'_>) {
        self.unread += 1;
    }

    fn frame(&mut self, _: FrameSeen) {
        self.frames += 1;
    }

    fn state(&mut self, change: &StateChange<'_>) {
        let reason = change.reason.name();
        self.states.push((change.state, reason.to_owned()));
        (self.on_state)(change.state, reason);
    }

    fn note(&mut self, note: &Note<'_>) {
        let words = [note.to_string(), note.zh()];
        assert!(words.iter().all(|words| !words.is_empty()));
        self.words.push(words);
        self.notes.push(note.name().to_owned());
        if let Note::Damaged(damage) = note {
            self.lost.push(damage.records);
        }
    }
}

/// A room of the simulator, and how it is watched.
pub(crate) struct Scene {
    pub(crate) room: WatchedRoom,
    pub(crate) source: DirectSource,
    pub(crate) options: WatchOptions,
}

impl Scene {
    /// Of a room with a page, whose address the simulator's own server signs.
    pub(crate) fn of(sim: &Sim, room: &str) -> Self {
        let url = format!("http://{}/live/{room}", sim.address());
        let table = SiteTable::shipped().with(QUICK).expect("a table");
        let address = table.parse_room(&url).expect("a room");
        let entry = table.get("sim").expect("the simulator").clone();
        let signer = format!("http://{}/sim/sign", sim.address());
        let mut source = DirectSource::new(plain_connector());
        source.signers = Some(signers(&signer, Hub::new(HubOptions::default())));
        Self {
            room: WatchedRoom { entry, address },
            source,
            options: WatchOptions {
                connection: RoomOptions {
                    after_end: AfterEnd::Stop,
                    ..RoomOptions::default()
                },
                ..WatchOptions::default()
            },
        }
    }

    /// Of a room of another site.
    pub(crate) fn of_site(sim: &Sim, room: &str, site: Site) -> Self {
        let table = SiteTable::shipped();
        let entry = table.get(site.name()).expect("a site").clone();
        let address = table
            .parse_room(&format!("{}:1001", site.name()))
            .expect("a room");
        let mut source = DirectSource::new(plain_connector());
        source.addresses = vec![sim.push_url(room).expect("a room")];
        let id = sim.asked_for(room).expect("a room").to_string();
        let connection = RoomOptions {
            facts: RoomFacts {
                room_id: id.clone(),
                presenter: id,
                ..RoomFacts::default()
            },
            credentials: Credentials {
                token: sim.token(room).expect("a room"),
                ..Credentials::default()
            },
            ask_first: AskFirst::No,
            after_end: AfterEnd::Stop,
            ..RoomOptions::default()
        };
        Self {
            room: WatchedRoom { entry, address },
            source,
            options: WatchOptions {
                connection,
                ..WatchOptions::default()
            },
        }
    }

    /// Keeps frames there.
    pub(crate) fn kept_in(mut self, path: &Path) -> Self {
        self.options.journal = Some(JournalOptions {
            path: path.to_owned(),
            options: pagewire_journal::Options::default(),
        });
        self
    }

    pub(crate) async fn watch_until(
        self,
        heard: &mut Heard,
        stop: impl Future<Output = ()>,
    ) -> Watched {
        let source = Source::Direct(Box::new(self.source));
        let watching = watch(self.room, source, self.options, heard, stop);
        watching.await.expect("it can be watched")
    }

    /// Watches to the end of the broadcast.
    pub(crate) async fn watch(self, heard: &mut Heard) -> Watched {
        let watching = self.watch_until(heard, std::future::pending());
        soon("the end of the broadcast", watching).await
    }
}

pub(crate) fn signers(signer: &str, hub: Hub) -> Arc<Signers> {
    let options = SignerOptions::new(hub, plain_connector());
    let address = signer.parse().expect("a signer");
    Arc::new(Signers::new(vec![address], &options).expect("signers"))
}

pub(crate) async fn replayed(path: &Path, site: Site) -> (Heard, Replayed) {
    let mut heard = Heard::new(site);
    let replay = replay(
        path,
        ReplayOptions::default(),
        &mut heard,
        std::future::pending(),
    );
    let replayed = replay.await.expect("it can be replayed");
    (heard, replayed)
}
