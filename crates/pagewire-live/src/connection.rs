//! The connection to a room as a state machine, without a socket and without a clock.
//!
//! A driver tells what happens ([`Input`]) and does what it is told ([`Action`]), for a socket of its own ([`Role::Direct`]) as for the sockets of a page
//! of the user ([`Role::Observed`]):
//!
//! ```
//! use pagewire_live::{Action, ConnectionId, Input, Role, RoomConnection, RoomOptions, SiteTable, State};
//!
//! let table = SiteTable::shipped();
//! let room = table.parse_room("https://live.douyin.com/123")?;
//! let entry = table.get(&room.site).expect("it is of the table");
//! let mut connection = RoomConnection::new(entry, Role::Observed, RoomOptions::default(), 7);
//!
//! let mut do_it = |action| match action {
//!     // Of a page: load it again, and look.
//!     Action::Ask => {}
//!     Action::State { state, reason, .. } => println!("{}: {reason} ({})", state.name(), reason.zh()),
//!     Action::Note(reason) => println!("{reason}"),
//!     // Only for sockets of one's own.
//!     Action::Connect { .. } | Action::Send { .. } | Action::Close { .. } | Action::Poll { .. } => {}
//! };
//! let now_ms = 1_700_000_000_000;
//! connection.handle(Input::Start, now_ms, &mut do_it);
//! let socket = ConnectionId(1);
//! connection.handle(Input::Opened { connection: socket }, now_ms, &mut do_it);
//! // First this, then the frame is decoded: so nothing that is to be sent waits for that.
//! let bytes = &[0x3A, 0x02, 0x68, 0x62];
//! connection.handle(Input::Frame { connection: socket, bytes }, now_ms, &mut do_it);
//! assert_eq!(connection.status().state, State::Live);
//! // At the latest at `next_ms`, where nothing else happens:
//! let next_ms = connection.next_ms().expect("silence is noticed");
//! connection.handle(Input::Time, next_ms, &mut do_it);
//! # Ok::<(), pagewire_live::AddressError>(())
//! ```
//!
//! Which site says what in which words is in `connection/dialect/`; everything else is the same for all.

mod asking;
mod away;
mod dialect;
mod direct;
mod followed;
mod leaving;
mod observed;
mod options;
mod polling;
pub(crate) mod reason;
mod status;
#[cfg(test)]
mod tests;

pub use leaving::goes_direct;
pub use options::{AfterEnd, AskFirst, Credentials, Fallback, Role, RoomOptions};
pub use reason::{Failure, FailureKind, Handshake, REASON_TEXT_BYTES_MAX, Reason};
pub use status::{State, Status};

use crate::event::{Event, Site};
use crate::made::chance::Chance;
use crate::reader::Scratch;
use crate::signing::Resume;
use crate::sites::{RoomAnswer, RoomFacts, SiteEntry, TabAt, Timing};

pub use dialect::RESUME_BYTES_MAX;

use followed::Sockets;
use status::Rate;

pub use followed::OBSERVED_SOCKETS_MAX;

/// One socket. Of [`Role::Direct`] it is named by [`Action::Connect`], of [`Role::Observed`] by whoever observes; none is ever named again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// What happened.
#[derive(Debug, Clone)]
pub enum Input<'a> {
    /// The room is to be watched: for the first time, or again after [`State::Ended`] or [`State::Refused`].
    Start,
    /// What the site says of the room ([`Ask::read`](crate::Ask::read)).
    Answered(RoomAnswer),
    /// It could not be asked.
    AskFailed(Failure),
    /// A socket is open.
    Opened {
        /// Which.
        connection: ConnectionId,
    },
    /// The site answered the request for a socket with something else.
    Refused {
        /// Which.
        connection: ConnectionId,
        /// The status of the answer.
        status: u16,
        /// Its headers.
        headers: &'a [(&'a str, &'a str)],
    },
    /// The socket could not be asked for, or not signed.
    Failed {
        /// Which.
        connection: ConnectionId,
        /// Why.
        failure: Failure,
    },
    /// A message of the site. To be told before it is decoded.
    Frame {
        /// Over which socket.
        connection: ConnectionId,
        /// All of it.
        bytes: &'a [u8],
    },
    /// A socket is closed.
    Closed {
        /// Which.
        connection: ConnectionId,
        /// The code; none where the connection just ended.
        code: Option<u16>,
        /// What the site says of it.
        reason: &'a str,
    },
    /// An answer of the polling address. To be told before it is decoded.
    Polled(&'a [u8]),
    /// It did not answer.
    PollFailed(Failure),
    /// Of [`Role::Observed`]: the tab of the page is at another address.
    TabAt(TabAt),
    /// Of [`Role::Observed`]: the browser of the page cannot be had any more, and why.
    TabLost(&'a str),
    /// An event of this room, as [`FrameReader`](crate::FrameReader) gives it.
    Event(&'a Event<'a>),
    /// Nothing but time.
    Time,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Ask whether the room is live, and tell by [`Input::Answered`] or [`Input::AskFailed`]. Of [`Role::Observed`]: load the page again.
    Ask,
    /// Open a socket, with a signature where the site wants one.
    Connect {
        /// What it is called from now on.
        connection: ConnectionId,
        /// Where: one of [`RoomOptions::addresses`].
        address: String,
        /// From where to go on.
        resume: Resume,
        /// What is known of the room.
        facts: RoomFacts,
    },
    /// Send a binary message.
    Send {
        /// Over which socket.
        connection: ConnectionId,
        /// All of it.
        bytes: Vec<u8>,
    },
    /// Close the socket, or stop opening it. What it still tells is not heard.
    Close {
        /// Which.
        connection: ConnectionId,
    },
    /// Fetch messages from the polling address, and tell by [`Input::Polled`] or [`Input::PollFailed`].
    Poll {
        /// From where to go on.
        resume: Resume,
    },
    /// Tell people that it is so now.
    State {
        /// What it is.
        state: State,
        /// Why.
        reason: Reason,
        /// When it is tried again, in milliseconds from now; none where nothing is waited for.
        again_in_ms: Option<u64>,
    },
    /// Tell people that this happened, which changes no state.
    Note(Reason),
}

/// Whom actions are given.
type Do<'d> = &'d mut dyn FnMut(Action);

/// The connection to one room.
#[derive(Debug)]
pub struct RoomConnection {
    format: Site,
    timing: Timing,
    can_ask: bool,
    role: Role,
    options: RoomOptions,
    chance: Chance,
    scratch: Scratch,
    phase: Phase,
    now_ms: u64,
    facts: RoomFacts,
    /// The site told them, of this broadcast.
    is_told: bool,
    /// The broadcast pauses.
    is_paused: bool,
    /// The site says that the broadcast is over, and what was missed of it is asked for.
    fetches_rest: bool,
    resume: Resume,
    sockets: Sockets,
    status: Status,
    rate: Rate,
    /// Counts the sockets that were asked for.
    last_connection: u64,
    /// Drops and failures in a row.
    drops: u32,
    /// Refusals in a row, and while it is polled those of polling.
    refusals: u32,
    /// Answers in a row that said nothing.
    unclear: u32,
    /// Where the tab is, while that is not the room.
    away: Option<String>,
    /// How often it came back in a row without any message.
    returns: u32,
    /// Somebody said that the tab is at the room, since the page was last to be loaded.
    is_at_room: bool,
    /// Answers of polling since the page opened a socket.
    page_polls: u32,
    /// Which of the addresses is next.
    address: usize,
    heartbeat_ms: u64,
    poll_every_ms: u64,
    /// When a connection that polls tries a socket again.
    socket_again_ms: u64,
}

/// What is waited for. The times are when it is waited for no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// [`Input::Start`]
    Idle,
    /// An answer.
    Asking { until_ms: u64 },
    /// Only time.
    Resting { until_ms: u64, then: Then },
    /// A socket of ours.
    Opening {
        connection: ConnectionId,
        until_ms: u64,
    },
    /// Frames over it.
    Open,
    /// A polling answer.
    Polling { until_ms: u64 },
    /// What a page does.
    Watching { until_ms: u64 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Ask,
    Connect,
    Poll,
}

impl RoomConnection {
    /// To a room of this site. `seed` decides how long is waited where chance has a part in it.
    pub fn new(entry: &SiteEntry, role: Role, mut options: RoomOptions, seed: u64) -> Self {
        if entry.polling.is_empty() {
            options.fallback = Fallback::None;
        }
        Self {
            format: entry.format,
            timing: entry.timing,
            can_ask: entry.asks() && options.ask_first == AskFirst::Yes,
            role,
            facts: options.facts.clone(),
            options,
            chance: Chance::new(seed),
            scratch: Scratch::default(),
            phase: Phase::Idle,
            now_ms: 0,
            is_told: false,
            is_paused: false,
            fetches_rest: false,
            resume: Resume::default(),
            sockets: Sockets::default(),
            status: Status::new(),
            rate: Rate::default(),
            last_connection: 0,
            drops: 0,
            refusals: 0,
            unclear: 0,
            away: None,
            returns: 0,
            is_at_room: false,
            page_polls: 0,
            address: 0,
            heartbeat_ms: entry.timing.heartbeat_ms,
            poll_every_ms: POLL_EVERY_MS,
            socket_again_ms: 0,
        }
    }

    /// Takes in what happened, and gives what is to be done. `now_ms` is when, in milliseconds of Unix time; it does not go back, and an older one counts
    /// as the last one.
    pub fn handle(&mut self, input: Input<'_>, now_ms: u64, act: &mut impl FnMut(Action)) {
        self.now_ms = self.now_ms.max(now_ms);
        let act: Do<'_> = act;
        if matches!(input, Input::Start) {
            return self.start(act);
        }
        if self.phase == Phase::Idle {
            return;
        }
        match self.role {
            Role::Direct => self.handle_direct(input, act),
            Role::Observed => self.handle_observed(input, act),
        }
    }

    /// When [`Input::Time`] is to be told at the latest, in milliseconds of Unix time. None before the start and after the end.
    pub fn next_ms(&self) -> Option<u64> {
        match self.phase {
            Phase::Idle => None,
            Phase::Open => Some(self.open_until_ms()),
            Phase::Asking { until_ms }
            | Phase::Resting { until_ms, .. }
            | Phase::Opening { until_ms, .. }
            | Phase::Polling { until_ms }
            | Phase::Watching { until_ms } => Some(until_ms),
        }
    }

    /// How it fares.
    pub const fn status(&self) -> &Status {
        &self.status
    }

    /// Events a second, over the last ten.
    pub fn messages_per_s(&self, now_ms: u64) -> f64 {
        self.rate.per_second(now_ms)
    }

    /// What is known of the room.
    pub const fn facts(&self) -> &RoomFacts {
        &self.facts
    }

    fn start(&mut self, act: Do<'_>) {
        if self.phase != Phase::Idle {
            return;
        }
        (self.drops, self.refusals, self.unclear) = (0, 0, 0);
        self.status.masked = false;
        self.status.since_ms = self.now_ms;
        match self.role {
            Role::Direct => {
                if self.can_ask {
                    self.set(State::Connecting, Reason::Asking, None, act);
                }
                self.ask(act);
            }
            Role::Observed => self.watch_page(act),
        }
    }

    fn set(&mut self, state: State, reason: Reason, again_in_ms: Option<u64>, act: Do<'_>) {
        if self.status.state != state {
            self.status.since_ms = self.now_ms;
        }
        self.status.state = state;
        self.status.reason = reason.clone();
        act(Action::State {
            state,
            reason,
            again_in_ms,
        });
    }

    /// As [`set`](Self::set), where it is not so already.
    fn become_state(&mut self, state: State, reason: Reason, act: Do<'_>) {
        if self.status.state != state {
            self.set(state, reason, None, act);
        }
    }

    /// Nothing more is done until the next start.
    fn over(&mut self, state: State, reason: Reason, act: Do<'_>) {
        self.close(act);
        self.phase = Phase::Idle;
        self.set(state, reason, None, act);
    }

    fn after(&self, ms: u64) -> u64 {
        self.now_ms.saturating_add(ms)
    }

    /// How long is waited before asking again: the period of the table, up to ten times as long where answers say nothing, give or take a fifth.
    fn ask_wait_ms(&mut self) -> u64 {
        let times = 1_u64
            .checked_shl(self.unclear)
            .unwrap_or(ASK_LONGER_TIMES)
            .min(ASK_LONGER_TIMES);
        let period = self.timing.ask_every_ms.saturating_mul(times);
        let fifth = period / 5;
        self.chance
            .between(period.saturating_sub(fifth), period.saturating_add(fifth))
    }

    /// How long is waited after so many drops in a row: twice as long each time, by chance between a half and all of it.
    fn backoff_ms(&mut self) -> u64 {
        let Timing {
            backoff_first_ms: first,
            backoff_longest_ms: longest,
            ..
        } = self.timing;
        let times = 1_u64
            .checked_shl(self.drops.saturating_sub(1))
            .unwrap_or(u64::MAX);
        let most = first.saturating_mul(times).clamp(first, longest);
        let least = (most / 2).max(first);
        // The first wait has a chance part too, or all rooms of one program come back at once.
        let most = most.max(first.saturating_add(first / 2)).min(longest);
        self.chance.between(least.min(most), most)
    }
}

/// Where the site does not say how often to poll.
const POLL_EVERY_MS: u64 = 1_000;
/// The times of a period after which a site that says nothing is asked at the longest.
const ASK_LONGER_TIMES: u64 = 10;
