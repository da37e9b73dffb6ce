//! A source: sockets and requests of our own.

mod ask;
mod http;
mod open;
mod redirect;

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use pagewire_dial::tls::Connector;
use pagewire_journal::{Direction, FrameKind};
use pagewire_live::{
    Action, ConnectionId, Failure, RoomAddress, RoomAnswer, RoomFacts, SiteEntry, TabAt,
};

pub use self::http::{ASK_BYTES_MAX, REDIRECTS_MAX};
pub(super) use self::http::{Http, failure};
pub(super) use self::open::SignedBy;
use self::open::{NotOpened, Opened};
use crate::direct::{DirectEnd, DirectOptions, DirectSocket, Incoming, QueueFull};
use crate::signers::Signers;

/// What a connection of our own is made with.
#[derive(Debug, Clone)]
pub struct DirectSource {
    /// Opens connections to sites.
    pub connector: Connector,
    /// Who signs, where the site wants that. None are needed for a site whose addresses need no signature, nor for addresses that the user gives.
    pub signers: Option<Arc<Signers>>,
    /// Addresses that the user gives: whole, with their signatures. Empty: those of the table.
    pub addresses: Vec<String>,
    /// What requests are sent with; a browser's by default.
    pub user_agent: String,
    /// The user's cookies, as one header `Cookie`; empty by default, and sent to the site only.
    pub cookie: String,
    /// How sockets are opened.
    pub socket: DirectOptions,
}

/// A browser that is in wide use, as of the end of 2026.
const USER_AGENT: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";

impl DirectSource {
    /// Without signers, addresses and cookies.
    pub fn new(connector: Connector) -> Self {
        Self {
            connector,
            signers: None,
            addresses: Vec::new(),
            user_agent: USER_AGENT.to_owned(),
            cookie: String::new(),
            socket: DirectOptions::default(),
        }
    }
}

/// What a source tells.
#[derive(Debug)]
pub(super) enum Told {
    Answered(RoomAnswer),
    AskFailed(Failure),
    Opened {
        connection: ConnectionId,
        /// Without secrets.
        address: String,
    },
    /// Signers were asked.
    Signed(SignedBy),
    Refused {
        connection: ConnectionId,
        status: u16,
        headers: Vec<(String, String)>,
    },
    Failed {
        connection: ConnectionId,
        failure: Failure,
    },
    Frame {
        connection: ConnectionId,
        direction: Direction,
        kind: FrameKind,
        bytes: Bytes,
    },
    Closed {
        connection: ConnectionId,
        code: Option<u16>,
        reason: String,
    },
    Polled(Bytes),
    PollFailed(Failure),
    /// The tab is at another address.
    TabAt(TabAt),
    /// The browser of the tab cannot be had any more, and why.
    TabLost(String),
    /// Values of a tap; none where nobody knows how many.
    Lost(Option<u64>),
}

type Doing<T> = Option<Pin<Box<dyn Future<Output = T> + Send>>>;

/// What an opening came to.
struct Opening {
    connection: ConnectionId,
    signed: Option<SignedBy>,
    outcome: Result<Opened, NotOpened>,
}

/// The connections of one room. What is given up is dropped, and tells nothing more.
pub(super) struct Direct {
    about: Arc<About>,
    asking: Doing<Told>,
    opening: Doing<Opening>,
    polling: Doing<(SignedBy, Told)>,
    socket: Option<(ConnectionId, DirectSocket)>,
    /// What is told next.
    told: Option<Told>,
}

/// What does not change.
pub(super) struct About {
    source: DirectSource,
    entry: SiteEntry,
    room: RoomAddress,
    http: Http,
    seed: u64,
}

impl Direct {
    pub(super) fn new(
        source: DirectSource,
        entry: SiteEntry,
        room: RoomAddress,
        seed: u64,
    ) -> Self {
        let http = Http::new(&source, entry.timing.open_within_ms);
        let about = Arc::new(About {
            source,
            entry,
            room,
            http,
            seed,
        });
        Self {
            about,
            asking: None,
            opening: None,
            polling: None,
            socket: None,
            told: None,
        }
    }

    /// Begins with what is to be done. `facts` are those of the connection.
    ///
    /// # Errors
    ///
    /// What was to be sent was not, as the site does not read.
    pub(super) fn act(&mut self, action: Action, facts: &RoomFacts) -> Result<(), QueueFull> {
        let about = Arc::clone(&self.about);
        match action {
            Action::Ask => self.asking = Some(Box::pin(async move { about.ask().await })),
            Action::Connect {
                connection,
                address,
                resume,
                facts,
            } => {
                (self.socket, self.told) = (None, None);
                self.opening = Some(Box::pin(async move {
                    let (signed, outcome) = about.open(&address, &resume, &facts).await;
                    Opening {
                        connection,
                        signed,
                        outcome,
                    }
                }));
            }
            Action::Send { connection, bytes } => {
                if let Some((open, socket)) = &mut self.socket
                    && *open == connection
                {
                    return socket.send(bytes.into());
                }
            }
            Action::Close { connection } => {
                (self.opening, self.told) = (None, None);
                self.socket.take_if(|(open, _)| *open == connection);
            }
            Action::Poll { resume } => {
                let facts = facts.clone();
                self.polling = Some(Box::pin(async move { about.poll(&resume, &facts).await }));
            }
            Action::State { .. } | Action::Note(_) => {}
        }
        Ok(())
    }

    /// What happens next. Pending for ever where nothing was begun.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> Told {
        let Self {
            asking,
            opening,
            polling,
            socket,
            told,
            ..
        } = self;
        if let Some(told) = told.take() {
            return told;
        }
        tokio::select! {
            told = done(asking) => told,
            (signed, polled) = done(polling) => {
                if signed.failed.is_empty() {
                    return polled;
                }
                *told = Some(polled);
                Told::Signed(signed)
            }
            Opening { connection, signed, outcome } = done(opening) => {
                let outcome = match outcome {
                    Ok(opened) => {
                        *socket = Some((connection, opened.socket));
                        Told::Opened { connection, address: opened.address }
                    }
                    Err(NotOpened::Refused { status, headers }) => Told::Refused { connection, status, headers },
                    Err(NotOpened::Failed(failure)) => Told::Failed { connection, failure },
                };
                match signed {
                    Some(signed) => {
                        *told = Some(outcome);
                        Told::Signed(signed)
                    }
                    None => outcome,
                }
            },
            (connection, incoming) = received(socket) => match incoming {
                Incoming::Binary(bytes) => Told::Frame { connection, direction: Direction::In, kind: FrameKind::Binary, bytes },
                Incoming::Text(text) => Told::Frame { connection, direction: Direction::In, kind: FrameKind::Text, bytes: text.into() },
                Incoming::End(end) => {
                    *socket = None;
                    let code = match &end {
                        DirectEnd::Dropped(_) => None,
                        DirectEnd::Closed { .. } | DirectEnd::Broken { .. } => Some(end.code()),
                    };
                    let reason = match end {
                        DirectEnd::Dropped(why) | DirectEnd::Broken { why, .. } => why,
                        DirectEnd::Closed { reason, .. } => reason,
                    };
                    Told::Closed { connection, code, reason }
                }
            },
        }
    }

    /// Gives everything up, and says goodbye to the site.
    pub(super) async fn end(&mut self) {
        (self.asking, self.opening, self.polling) = (None, None, None);
        if let Some((_, socket)) = self.socket.take() {
            socket.close().await;
        }
    }
}

/// What was begun, when it is done. Pending for ever where nothing was.
async fn done<T>(doing: &mut Doing<T>) -> T {
    let Some(future) = doing else {
        return std::future::pending().await;
    };
    let outcome = future.await;
    *doing = None;
    outcome
}

async fn received(socket: &mut Option<(ConnectionId, DirectSocket)>) -> (ConnectionId, Incoming) {
    match socket {
        Some((connection, socket)) => (*connection, socket.next().await),
        None => std::future::pending().await,
    }
}
