//! A source: the user's own tab, whose sockets and answers are tapped.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::future::select_all;
use pagewire_cdp::{
    PatternError, TapBody, TapDirection, TapMessage, TapOpen, TapRecord, TapResponse, TapRule,
    TapRules, TapWhat, UrlPattern,
};
use pagewire_hub::{Hub, Notice, PageInfo, Record, SlowReader, Start, Subscription};
use pagewire_journal::{Direction, FrameKind};
use pagewire_live::{Action, ConnectionId, FailureKind, RoomAddress, SiteEntry, TabAt};
use pagewire_rpc::{GroupName, Payload, TopicName};
use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::WatchedRoom;
use super::direct::{Told, failure};

/// How often is looked for new connections of the page.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A tab whose taps are read: pages of one group of the hub that are the room's by their address.
#[derive(Debug, Clone)]
pub struct TabSource {
    /// The hub that they are attached to.
    pub hub: Hub,
    /// Their group.
    pub group: GroupName,
    /// The room's page among them: [`documents`] of its address.
    pub documents: Vec<UrlPattern>,
    /// Loads it again, as nothing comes.
    pub reload: Reload,
    /// The address of its tab; none where nobody knows, and where there is no tab.
    pub at: watch::Receiver<Option<String>>,
    /// Some when its browser cannot be had any more: why. The receiver is dropped when the tab is read no longer.
    pub lost: watch::Receiver<Option<String>>,
}

impl TabSource {
    /// Pages of this group; nobody loads them again or says where they are, and their browser is never lost.
    pub fn new(hub: Hub, group: GroupName, documents: Vec<UrlPattern>) -> Self {
        Self {
            hub,
            group,
            documents,
            reload: Reload::new(|| {}),
            at: watch::Sender::new(None).subscribe(),
            lost: watch::Sender::new(None).subscribe(),
        }
    }
}

/// Loads the page of a room again. It is called on the task of the room, and must not block.
#[derive(Clone)]
pub struct Reload(Arc<dyn Fn() + Send + Sync>);

impl Reload {
    /// In this way.
    pub fn new(reload: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Arc::new(reload))
    }
}

impl fmt::Debug for Reload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reload")
    }
}

/// What of a room's page is to be tapped: its sockets, its polling answers, the answers that say how the room is, and the page itself, whose status says
/// whether there is such a room. Secrets in addresses are left out.
///
/// # Errors
///
/// The address makes no pattern.
pub fn tap_rules(room: &WatchedRoom) -> Result<TapRules, PatternError> {
    let WatchedRoom { entry, address } = room;
    let sockets = entry.sockets.iter().cloned().map(TapRule::WebSocket);
    let answers = entry.polling.iter().chain(&entry.answers).cloned();
    let answers = answers.chain(documents(address)?);
    Ok(TapRules {
        rules: sockets.chain(answers.map(TapRule::Http)).collect(),
        ..TapRules::default()
    })
}

/// The documents that are the room's page: its address, with any query.
///
/// # Errors
///
/// The address makes no pattern.
pub fn documents(address: &RoomAddress) -> Result<Vec<UrlPattern>, PatternError> {
    let page = &address.page;
    [page.parse(), format!("{page}?*").parse()]
        .into_iter()
        .collect()
}

/// The connections of a tab that are the room's.
pub(super) struct Tab {
    source: TabSource,
    entry: SiteEntry,
    room: RoomAddress,
    look: Interval,
    /// Where the tab is, while that is not the room.
    away: Option<String>,
    topics: HashMap<TopicName, Tapped>,
    /// Topics whose connection is closed.
    closed: HashSet<TopicName>,
    last_connection: u64,
    told: VecDeque<Told>,
    /// The last answer of polling was none.
    poll_fails: bool,
    is_lost: bool,
}

/// One tapped connection.
struct Tapped {
    values: Subscription,
    connection: Seen,
    /// What the browser says of a socket that has failed.
    failed: String,
}

/// What is known of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// Nothing yet.
    Nothing,
    /// It is a socket of the room.
    Room(ConnectionId),
    /// It is another one.
    Other,
}

impl Tab {
    pub(super) fn new(source: TabSource, entry: SiteEntry, room: RoomAddress) -> Self {
        let mut look = interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            source,
            entry,
            room,
            look,
            away: None,
            topics: HashMap::new(),
            closed: HashSet::new(),
            last_connection: 0,
            told: VecDeque::new(),
            poll_fails: false,
            is_lost: false,
        }
    }

    /// Of a page only this can be done: to load it again.
    pub(super) fn act(&self, action: &Action) {
        if matches!(action, Action::Ask) {
            (self.source.reload.0)();
        }
    }

    /// What happens next.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> Told {
        loop {
            if let Some(told) = self.told.pop_front() {
                return told;
            }
            let (topic, notice) = tokio::select! {
                address = moved(&mut self.source.at) => return Told::TabAt(self.moved(address.as_deref())),
                why = lost(&mut self.source.lost), if !self.is_lost => {
                    self.is_lost = true;
                    return Told::TabLost(why);
                }
                _ = self.look.tick() => {
                    self.look();
                    continue;
                }
                notice = any(&mut self.topics) => notice,
            };
            match notice {
                Some(Notice::Value(record)) => self.value(&topic, &record),
                Some(Notice::Gap { lost, .. }) => self.told.push_back(Told::Lost(lost)),
                None => {
                    self.topics.remove(&topic);
                }
            }
        }
    }

    fn moved(&mut self, address: Option<&str>) -> TabAt {
        let at = self.entry.tab_at(&self.room, self.away.as_deref(), address);
        self.away = match &at {
            TabAt::Away { address, .. } => Some(address.clone()),
            TabAt::Room | TabAt::Left | TabAt::Failed | TabAt::Gone => None,
        };
        at
    }

    /// Finds connections that are new, from their first value that the hub has.
    fn look(&mut self) {
        let pages = self.source.hub.pages();
        let pages = pages.into_iter();
        let of_room = pages.filter(|page| self.is_room(page));
        let taps = of_room.flat_map(|page| page.taps);
        let taps: HashSet<_> = taps.map(|tap| tap.topic).collect();
        self.forget_closed(&taps);
        for topic in taps {
            if self.topics.contains_key(&topic) || self.closed.contains(&topic) {
                continue;
            }
            let topics = self.source.hub.topics();
            match topics.subscribe(&topic, &Start::Last(u64::MAX), SlowReader::Gap) {
                Ok(values) => {
                    let tapped = Tapped {
                        values,
                        connection: Seen::Nothing,
                        failed: String::new(),
                    };
                    self.topics.insert(topic, tapped);
                }
                Err(error) => tracing::warn!(%topic, %error, "a tap cannot be followed"),
            }
        }
    }

    /// The page of the room comes back from elsewhere with the topics that it had: only those that the hub has no more are forgotten.
    fn forget_closed(&mut self, taps: &HashSet<TopicName>) {
        if self.closed.is_subset(taps) {
            return;
        }
        let topics = self.source.hub.topics().list().into_iter();
        let topics: HashSet<_> = topics.map(|info| info.topic).collect();
        self.closed.retain(|topic| topics.contains(topic));
    }

    fn is_room(&self, page: &PageInfo) -> bool {
        let TabSource {
            group, documents, ..
        } = &self.source;
        let mut documents = documents.iter();
        page.group == *group && documents.any(|document| document.matches(&page.url))
    }

    fn value(&mut self, topic: &TopicName, record: &Record) {
        let Payload::Json(json) = &record.value else {
            return;
        };
        // What a newer program may put there is none of ours.
        let Some(tapped) = TapRecord::read(json.as_bytes()) else {
            return;
        };
        match tapped.what {
            TapWhat::Open(open) => self.opened(topic, &open),
            TapWhat::Text(message) => self.message(topic, &message, FrameKind::Text),
            TapWhat::Binary(message) => self.message(topic, &message, FrameKind::Binary),
            TapWhat::Ping(_) | TapWhat::Pong(_) => {}
            TapWhat::Error { text } => {
                if let Some(tapped) = self.topics.get_mut(topic) {
                    tapped.failed = text;
                }
            }
            TapWhat::Close { code, reason } => self.close(topic, code, reason),
            TapWhat::Lost { count } => self.told.push_back(Told::Lost(Some(count))),
            TapWhat::Response(response) => self.response(response),
        }
    }

    fn opened(&mut self, topic: &TopicName, open: &TapOpen) {
        let mut sockets = self.entry.sockets.iter();
        // Of a socket that was open before anybody listened the address is not known: what comes over it shows what it is.
        let is_room = open.url.is_empty() || sockets.any(|socket| socket.matches(&open.url));
        let seen = if is_room {
            let connection = self.fresh();
            let address = open.url.split('?').next().unwrap_or_default().to_owned();
            match open.status {
                Some(status) if status != 101 => self.told.push_back(Told::Refused {
                    connection,
                    status,
                    headers: Vec::new(),
                }),
                Some(_) | None => self.told.push_back(Told::Opened {
                    connection,
                    address,
                }),
            }
            Seen::Room(connection)
        } else {
            Seen::Other
        };
        if let Some(tapped) = self.topics.get_mut(topic) {
            tapped.connection = seen;
        }
    }

    fn fresh(&mut self) -> ConnectionId {
        self.last_connection = self.last_connection.saturating_add(1);
        ConnectionId(self.last_connection)
    }

    fn message(&mut self, topic: &TopicName, message: &TapMessage, kind: FrameKind) {
        if self.seen(topic) == Seen::Nothing {
            // The hub keeps only so much: its opening may be gone.
            self.opened(
                topic,
                &TapOpen {
                    connection: String::new(),
                    url: String::new(),
                    target: String::new(),
                    initiator: String::new(),
                    status: None,
                    seen: None,
                },
            );
        }
        let Seen::Room(connection) = self.seen(topic) else {
            return;
        };
        let Some(bytes) = payload(&message.payload) else {
            return self.told.push_back(Told::Lost(Some(1)));
        };
        let direction = match message.direction {
            TapDirection::Received => Direction::In,
            TapDirection::Sent => Direction::Out,
        };
        self.told.push_back(Told::Frame {
            connection,
            direction,
            kind,
            bytes,
        });
    }

    fn seen(&self, topic: &TopicName) -> Seen {
        let tapped = self.topics.get(topic);
        tapped.map_or(Seen::Other, |tapped| tapped.connection)
    }

    fn close(&mut self, topic: &TopicName, code: Option<u16>, reason: String) {
        let Some(Tapped {
            connection, failed, ..
        }) = self.topics.remove(topic)
        else {
            return;
        };
        self.closed.insert(topic.clone());
        if let Seen::Room(connection) = connection {
            let reason = if reason.is_empty() { failed } else { reason };
            self.told.push_back(Told::Closed {
                connection,
                code,
                reason,
            });
        }
    }

    fn response(&mut self, response: TapResponse) {
        let fits = |patterns: &[UrlPattern]| {
            let mut patterns = patterns.iter();
            patterns.any(|pattern| pattern.matches(&response.url))
        };
        if fits(&self.entry.polling) {
            return self.polled(response);
        }
        let is_document = fits(&self.source.documents);
        let (Some(status), Some(bytes)) = (response.status, payload(&response.payload)) else {
            return;
        };
        if is_document || fits(&self.entry.answers) {
            // What is a sign in an answer may stand in a page for another reason, unless the page is what one asks.
            let is_read = !is_document || self.entry.asks_page();
            let body = String::from_utf8_lossy(if is_read { &bytes } else { &[] });
            let answer = self.entry.ask.read(status, &body);
            self.told.push_back(Told::Answered(answer));
        }
    }

    /// What is no message is told as a failure, and not again before the site answers: pages that poll may ask every second.
    fn polled(&mut self, response: TapResponse) {
        let TapResponse {
            status,
            error,
            payload: body,
            ..
        } = response;
        let fault = match (error, status) {
            (Some(error), _) => Some(error),
            (None, Some(200)) => None,
            (None, Some(status)) => Some(format!("the site answered {status}")),
            (None, None) => Some("no answer came".to_owned()),
        };
        if let Some(fault) = fault {
            if !std::mem::replace(&mut self.poll_fails, true) {
                let failure = failure(FailureKind::Other, fault);
                self.told.push_back(Told::PollFailed(failure));
            }
            return;
        }
        self.poll_fails = false;
        let polled = payload(&body).map_or(Told::Lost(Some(1)), Told::Polled);
        self.told.push_back(polled);
    }
}

/// The tab's next address. Pending for ever where nobody will say it.
async fn moved(at: &mut watch::Receiver<Option<String>>) -> Option<String> {
    match at.changed().await {
        Ok(()) => at.borrow_and_update().clone(),
        Err(_) => std::future::pending().await,
    }
}

/// Why the browser is lost, when it is. Pending for ever where nobody will say so.
async fn lost(lost: &mut watch::Receiver<Option<String>>) -> String {
    let why = match lost.wait_for(Option::is_some).await {
        Ok(why) => why.clone(),
        Err(_) => None,
    };
    match why {
        Some(why) => why,
        None => std::future::pending().await,
    }
}

/// The next value of any of them. Pending for ever where there is none.
async fn any(topics: &mut HashMap<TopicName, Tapped>) -> (TopicName, Option<Notice>) {
    if topics.is_empty() {
        return std::future::pending().await;
    }
    let next = topics.iter_mut().map(|(topic, tapped)| {
        Box::pin(async move { (topic.clone(), tapped.values.next().await) })
    });
    select_all(next).await.0
}

fn payload(payload: &TapBody) -> Option<Bytes> {
    match (&payload.text, &payload.base64) {
        (Some(text), _) => Some(Bytes::copy_from_slice(text.as_bytes())),
        (None, Some(base64)) => Some(STANDARD.decode(base64).ok()?.into()),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests;
