//! `GET /v1/status`: how the hub runs, who may reach it, and what it refused (`docs/protocol.md` §3.6).

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::extract::State;
use axum::{Extension, Json};
use pagewire_hub::{Grant, HubCounts, Scopes, TurnedAway};
use serde::Serialize;
use tokio::sync::Semaphore;

use crate::access::{Access, Origin, Principal, TrustedProxy};
use crate::problem::Problem;
use crate::public_url::PublicUrl;
use crate::refusals::{RefusalList, Refusals, Refused};
use crate::server::{PlainPattern, Shared};

/// What a status tells beside what the hub itself knows.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) build: Build,
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) connections: Connections,
    pub(crate) open_files_max: Option<u64>,
    pub(crate) began: Began,
    pub(crate) refusals: RefusalLog,
}

/// Which program it is.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Build {
    pub(crate) version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) commit: Option<String>,
}

/// When a run began.
#[derive(Debug)]
pub(crate) struct Began {
    at: Instant,
    unix_ms: u64,
}

impl Began {
    pub(crate) fn now() -> Self {
        Self {
            at: Instant::now(),
            unix_ms: unix_ms(),
        }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.at.elapsed()
    }
}

/// The places for connections.
#[derive(Debug)]
pub(crate) struct Connections {
    pub(crate) free: Arc<Semaphore>,
    pub(crate) max: usize,
}

/// The refusals of this run, stamped with the time of now.
#[derive(Debug, Default)]
pub(crate) struct RefusalLog(Mutex<Refusals>);

impl RefusalLog {
    pub(crate) fn record(&self, refused: Refused, asked: &str) {
        self.lock().record(refused, asked, unix_ms());
    }

    /// Remembers a page that said hello and was not let in, if it was not.
    pub(crate) fn record_hello(
        &self,
        turned_away: Option<TurnedAway>,
        origin: Option<String>,
        grant: Grant,
        asked: &str,
    ) {
        if let Some(why) = turned_away {
            self.record(Refused::Hello { origin, grant, why }, asked);
        }
    }

    /// All of them, the newest first.
    pub(crate) fn list(&self) -> RefusalList {
        self.lock().list()
    }

    fn lock(&self) -> MutexGuard<'_, Refusals> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The time of now, in milliseconds.
pub(crate) fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    millis(since.unwrap_or_default())
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[derive(Serialize)]
pub(crate) struct Status {
    #[serde(flatten)]
    build: Build,
    started_ms: u64,
    uptime_ms: u64,
    /// The hub's clock, so that times can be told from it.
    now_ms: u64,
    listen: Vec<SocketAddr>,
    #[serde(flatten)]
    counts: HubCounts,
    connections: usize,
    connections_max: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    open_files_max: Option<u64>,
    access: AccessStatus,
    /// What whoever asks may do.
    scopes: Scopes,
    #[serde(flatten)]
    refusals: RefusalList,
}

#[derive(Serialize)]
struct AccessStatus {
    hosts: Vec<String>,
    origins: Vec<String>,
    require_token: bool,
    /// The plain pattern is on: for programs on this machine, and for pages of these origins.
    plain: bool,
    plain_pages: Vec<Origin>,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_url: Option<PublicUrl>,
    trusted_proxies: Vec<TrustedProxy>,
}

impl AccessStatus {
    fn new(access: &Access, plain: Option<&PlainPattern>) -> Self {
        let origins = access.origins.iter();
        Self {
            hosts: access.hosts.clone(),
            origins: origins.map(|allowed| allowed.origin.to_string()).collect(),
            require_token: access.require_token,
            plain: plain.is_some(),
            plain_pages: access.plain_pages.clone(),
            public_url: access.public_url.clone(),
            trusted_proxies: access.trusted_proxies.clone(),
        }
    }
}

pub(crate) async fn show(
    State(shared): State<Arc<Shared>>,
    Extension(principal): Extension<Principal>,
) -> Result<Json<Status>, Problem> {
    if !principal.scopes.may_administer() {
        return Err(Problem::missing_scope("admin"));
    }
    let facts = &shared.facts;
    let Connections { free, max } = &facts.connections;
    Ok(Json(Status {
        build: facts.build.clone(),
        started_ms: facts.began.unix_ms,
        uptime_ms: millis(facts.began.elapsed()),
        now_ms: unix_ms(),
        listen: facts.addresses.clone(),
        counts: shared.hub.counts(),
        connections: max.saturating_sub(free.available_permits()),
        connections_max: *max,
        open_files_max: facts.open_files_max,
        access: AccessStatus::new(&shared.access, shared.plain.as_ref()),
        scopes: principal.scopes,
        refusals: facts.refusals.list(),
    }))
}
