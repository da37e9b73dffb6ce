//! The task of a room.

mod instead;

use std::time::Duration;

use bytes::Bytes;
use pagewire_journal::{Direction, FrameKind, Stamp};
use pagewire_live::{Action, ConnectionId, Input, RoomConnection, RoomOptions};
use serde_json::json;
use tokio::time::{MissedTickBehavior, interval, sleep};

use self::instead::Instead;
use super::direct::{SignedBy, Told};
use super::keeper::{Back, Clock, Faring, Keeper};
use super::kept::{Kept, What};
use super::listener::{CLOSED_HERE, Listener, Note, StateChange, Tick};
use super::reads::Reads;
use super::telling::{Telling, unix_ms};
use super::{Source, WatchError, WatchOptions, Watched, WatchedRoom};

/// Watches a room until its connection is over, or `stop` is done: then sockets and journal are closed, what is kept is told, and what is open ends.
///
/// # Errors
///
/// It cannot be watched at all. What goes wrong later is told to the listener.
///
/// # Cancel safety
///
/// Dropping the future drops the connection without a goodbye; the journal takes what it was given and is closed soon after. The listener is told nothing
/// more. Let `stop` end it instead.
pub async fn watch(
    room: WatchedRoom,
    source: Source,
    options: WatchOptions,
    listener: &mut dyn Listener,
    stop: impl Future<Output = ()>,
) -> Result<Watched, WatchError> {
    let mut run = Run::start(room, source, options, listener).await?;
    tokio::pin!(stop);
    let mut ticks = interval(run.tick_every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.reset();
    while let Some(wait) = run.wait() {
        tokio::select! {
            () = &mut stop => break,
            told = run.source.next(), if run.keeper.has_room() => run.told(told),
            back = run.keeper.next() => run.back(back),
            () = sleep(wait) => run.time(),
            _ = ticks.tick() => run.tick(),
        }
    }
    Ok(run.end().await)
}

struct Run<'l> {
    about: String,
    connection: RoomConnection,
    source: Reads,
    /// What takes its place.
    instead: Option<Instead>,
    /// Sockets that are open: of a page there may be several.
    open: Vec<ConnectionId>,
    keeper: Keeper,
    clock: Clock,
    telling: Telling,
    listener: &'l mut dyn Listener,
    tick_every: Duration,
    /// What is to be done, where that is not done yet.
    actions: Vec<Action>,
    /// Time waits in the line.
    time_waits: bool,
    journal: Faring,
}

impl<'l> Run<'l> {
    async fn start(
        room: WatchedRoom,
        source: Source,
        options: WatchOptions,
        listener: &'l mut dyn Listener,
    ) -> Result<Self, WatchError> {
        if let Source::Direct(source) = &source
            && room.entry.signing.is_some()
            && source.signers.is_none()
            && source.addresses.is_empty()
        {
            let site = room.entry.name;
            return Err(WatchError::NoSigner { site });
        }
        let (keeper, clock, recovered) = Keeper::start(options.journal).await?;
        let instead = Instead::of(&source, &room, &options.connection, options.seed);
        let connection = connection(&source, &room, options.connection, options.seed);
        let mut run = Self {
            about: about(&source, &room, false),
            connection,
            telling: Telling::new(room.entry.format),
            source: Reads::new(source, room.entry, room.address, options.seed),
            instead,
            open: Vec::new(),
            keeper,
            clock,
            listener,
            tick_every: options.tick_every,
            actions: Vec::new(),
            time_waits: false,
            journal: Faring::default(),
        };
        if let Some(cut) = recovered.and_then(|recovered| recovered.cut) {
            run.listener.note(&Note::JournalCut(&cut));
        }
        let at = run.clock.now();
        run.keep(at, What::Note(run.about.clone()));
        run.handle(Input::Start);
        run.act();
        Ok(run)
    }

    /// How long until time brings something about; none when the connection is over.
    fn wait(&mut self) -> Option<Duration> {
        let next_ms = self.connection.next_ms()?;
        let wait_ms = next_ms.saturating_sub(self.clock.timers_ms());
        // Combos end by the times of frames.
        let combos_ms = self.telling.next_ms().filter(|_| !self.time_waits);
        let combos_wait_ms =
            combos_ms.map(|next_ms| next_ms.saturating_sub(unix_ms(self.clock.now())));
        let wait_ms = combos_wait_ms.map_or(wait_ms, |combos_ms| combos_ms.min(wait_ms));
        Some(Duration::from_millis(wait_ms))
    }

    fn time(&mut self) {
        let at = self.clock.now();
        self.handle(Input::Time);
        self.act();
        let is_due = self
            .telling
            .next_ms()
            .is_some_and(|due_ms| due_ms <= unix_ms(at));
        if is_due && !self.time_waits {
            self.time_waits = true;
            self.keep(at, What::Time);
        }
    }

    fn tick(&mut self) {
        if let Some(missed) = self.journal.well_again(self.clock.now().mono_us) {
            self.listener.note(&Note::JournalGoesOn { missed });
        }
        let time_ms = self.clock.timers_ms();
        self.listener.tick(&Tick {
            status: self.connection.status(),
            messages_per_s: self.connection.messages_per_s(time_ms),
            time_ms,
        });
    }

    /// What the source tells goes to the connection, which may want something sent; then into the line.
    fn told(&mut self, told: Told) {
        let at = self.clock.now();
        match told {
            Told::Answered(answer) => self.handle(Input::Answered(answer)),
            Told::AskFailed(failure) => self.handle(Input::AskFailed(failure)),
            Told::Opened {
                connection,
                address,
            } => self.opened(at, connection, address),
            Told::Signed(signed) => self.signed(&signed),
            Told::Refused {
                connection,
                status,
                headers,
            } => self.refused(connection, status, &headers),
            Told::Failed {
                connection,
                failure,
            } => {
                let failed = Input::Failed {
                    connection,
                    failure,
                };
                self.handle(failed);
            }
            Told::Frame {
                connection,
                direction,
                kind,
                bytes,
            } => {
                if direction == Direction::In {
                    let bytes = &bytes;
                    self.handle(Input::Frame { connection, bytes });
                }
                self.keep_frame(at, connection, direction, kind, bytes);
            }
            Told::Closed {
                connection,
                code,
                reason,
            } => {
                self.closed(at, connection, code, &reason);
                let reason = &reason;
                let closed = Input::Closed {
                    connection,
                    code,
                    reason,
                };
                self.handle(closed);
            }
            Told::Polled(bytes) => {
                self.handle(Input::Polled(&bytes));
                self.keep_frame(at, POLLED, Direction::In, FrameKind::Polled, bytes);
            }
            Told::PollFailed(failure) => self.handle(Input::PollFailed(failure)),
            Told::TabAt(tab) => self.handle(Input::TabAt(tab)),
            Told::TabLost(why) => self.handle(Input::TabLost(&why)),
            Told::Lost(count) => self.keep(at, What::Lost(count.unwrap_or_default())),
        }
        self.act();
    }

    fn signed(&mut self, signed: &SignedBy) {
        for (signer, why) in &signed.failed {
            let signer = &signer.to_string();
            self.listener.note(&Note::SignerFails { signer, why });
        }
        if let Some(signer) = &signed.signer {
            let signer = &signer.to_string();
            self.listener.note(&Note::Signed { signer });
        }
    }

    fn opened(&mut self, at: Stamp, connection: ConnectionId, address: String) {
        self.open.push(connection);
        let opened = What::Opened {
            connection: connection.0,
            address,
            metadata: self.about.clone(),
        };
        self.keep(at, opened);
        self.handle(Input::Opened { connection });
    }

    fn refused(&mut self, connection: ConnectionId, status: u16, headers: &[(String, String)]) {
        let headers = headers.iter();
        let headers = headers.map(|(name, value)| (name.as_str(), value.as_str()));
        let refused = Input::Refused {
            connection,
            status,
            headers: &headers.collect::<Vec<_>>(),
        };
        self.handle(refused);
    }

    /// What is kept is decoded and told.
    fn back(&mut self, back: Back) {
        match back {
            Back::Kept(kept) => self.kept(&kept),
            Back::Fails(why) => {
                if self.journal.fails() {
                    self.listener.note(&Note::JournalFails { why: &why });
                }
            }
            Back::GoesOn { missed } => self.journal.resumed(missed, self.clock.now().mono_us),
        }
    }

    fn kept(&mut self, kept: &Kept) {
        if let What::Missed { records, .. } = kept.what {
            return self.back(Back::GoesOn { missed: records });
        }
        let Some(record) = kept.record() else {
            self.time_waits = false;
            return self.telling.time(kept.at, self.listener);
        };
        let now_ms = self.clock.timers_ms();
        let (connection, actions) = (&mut self.connection, &mut self.actions);
        self.telling
            .record(kept.at, record, self.listener, |event| {
                let event = Input::Event(event);
                connection.handle(event, now_ms, &mut |action| actions.push(action));
            });
        self.act();
    }

    fn handle(&mut self, input: Input<'_>) {
        let (now_ms, actions) = (self.clock.timers_ms(), &mut self.actions);
        self.connection
            .handle(input, now_ms, &mut |action| actions.push(action));
    }

    fn act(&mut self) {
        for action in std::mem::take(&mut self.actions) {
            match &action {
                // What else the tab was to do is done no more.
                Action::State { state, reason, .. } if self.leaves_tab(*state, reason) => {
                    return self.go_direct(reason);
                }
                Action::State {
                    state,
                    reason,
                    again_in_ms,
                } => {
                    let time_ms = unix_ms(self.clock.now());
                    let (state, again_in_ms) = (*state, *again_in_ms);
                    self.listener.state(&StateChange {
                        state,
                        reason,
                        again_in_ms,
                        time_ms,
                    });
                }
                Action::Note(reason) => self.listener.note(&Note::Connection(reason)),
                Action::Close { connection } => {
                    let at = self.clock.now();
                    self.closed(at, *connection, None, CLOSED_HERE);
                }
                Action::Send { connection, bytes } => {
                    let (at, bytes) = (self.clock.now(), Bytes::copy_from_slice(bytes));
                    let kind = FrameKind::Binary;
                    self.keep_frame(at, *connection, Direction::Out, kind, bytes);
                }
                Action::Ask | Action::Connect { .. } | Action::Poll { .. } => {}
            }
            if let Err(full) = self.source.act(action, self.connection.facts()) {
                let why = &full.to_string();
                self.listener.note(&Note::Unsent { why });
            }
        }
    }

    fn closed(&mut self, at: Stamp, connection: ConnectionId, code: Option<u16>, reason: &str) {
        let Some(open) = self.open.iter().position(|open| *open == connection) else {
            return;
        };
        self.open.swap_remove(open);
        let closed = What::Closed {
            connection: connection.0,
            code,
            reason: reason.to_owned(),
        };
        self.keep(at, closed);
    }

    fn keep_frame(
        &mut self,
        at: Stamp,
        connection: ConnectionId,
        direction: Direction,
        kind: FrameKind,
        payload: Bytes,
    ) {
        let frame = What::Frame {
            connection: connection.0,
            direction,
            kind,
            payload,
        };
        self.keep(at, frame);
    }

    fn keep(&mut self, at: Stamp, what: What) {
        self.keeper.keep(Kept { at, what });
    }

    async fn end(mut self) -> Watched {
        let at = self.clock.now();
        for open in self.open.clone() {
            self.closed(at, open, None, CLOSED_HERE);
        }
        self.keep(at, What::Note(json!({"kind": "end"}).to_string()));
        // What the connection still wants is not done any more: the socket says goodbye while the line empties.
        self.keeper.no_more();
        self.source.end().await;
        while let Some(back) = self.keeper.last().await {
            self.back(back);
        }
        if let Some(missed) = self.journal.end() {
            self.listener.note(&Note::JournalGoesOn { missed });
        }
        self.telling.end(self.listener);
        let unresumed = self.keeper.unresumed();
        Watched {
            status: self.connection.status().clone(),
            repeated: self.telling.repeated(),
            missing: self.journal.missing().saturating_add(unresumed),
        }
    }
}

/// Whose frames are those of no socket.
const POLLED: ConnectionId = ConnectionId(0);

fn connection(
    source: &Source,
    room: &WatchedRoom,
    mut options: RoomOptions,
    seed: u64,
) -> RoomConnection {
    let WatchedRoom { entry, address } = room;
    let mut entry = entry.clone();
    if let Source::Direct(source) = source {
        if options.addresses.is_empty() {
            options.addresses.clone_from(&source.addresses);
        }
        if options.addresses.is_empty() {
            options.addresses = entry.push_addresses(address);
        }
        // The table's time is for connecting: each signer before that has its own.
        if source.addresses.is_empty()
            && let (Some(_), Some(signers)) = (&entry.signing, &source.signers)
        {
            let longest_ms = u64::try_from(signers.longest().as_millis()).unwrap_or(u64::MAX);
            let within_ms = &mut entry.timing.open_within_ms;
            *within_ms = within_ms.saturating_add(longest_ms);
        }
    }
    RoomConnection::new(&entry, source.role(), options, seed)
}

/// A member of a note about a room: the run goes on, with another source.
pub(super) const GOES_ON: &str = "goes_on";

/// What a journal says of the frames in it, as JSON.
fn about(source: &Source, room: &WatchedRoom, goes_on: bool) -> String {
    let WatchedRoom { entry, address } = room;
    let mut about = json!({
        "kind": "room",
        "pagewire": env!("CARGO_PKG_VERSION"),
        "site": entry.name,
        "format": entry.format.name(),
        "room": address.room,
        "page": address.page,
        "source": source.name(),
    });
    if goes_on {
        about[GOES_ON] = true.into();
    }
    about.to_string()
}
