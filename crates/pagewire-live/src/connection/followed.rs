//! What is followed the same way over a socket of one's own, a page's, and polling answers.

use super::dialect::{Heard, Says, hear};
use super::reason::{Reason, cut};
use super::status::Sequence;
use super::{Action, ConnectionId, Do, RoomConnection};
use crate::event::{Body, Control, Event, RoomState, Site, TimeSource};
use crate::signing::Resume;

/// Sockets of a page that are followed at once. Of more the one that was silent longest is forgotten; what comes over it later is that of a new one.
pub const OBSERVED_SOCKETS_MAX: usize = 16;

/// A socket that is open.
#[derive(Debug, Clone, Copy)]
pub(super) struct Socket {
    pub(super) id: ConnectionId,
    pub(super) opened_ms: u64,
    /// When something came last; none before the first.
    pub(super) heard_ms: Option<u64>,
    pub(super) heartbeat_due_ms: u64,
    sequence: Sequence,
}

/// Those that are open: of a connection of one's own it is at most one.
#[derive(Debug, Default)]
pub(super) struct Sockets(Vec<Socket>);

impl Sockets {
    pub(super) fn one(&mut self) -> Option<&mut Socket> {
        self.0.first_mut()
    }

    pub(super) fn first(&self) -> Option<&Socket> {
        self.0.first()
    }

    pub(super) fn of(&mut self, id: ConnectionId) -> Option<&mut Socket> {
        self.0.iter_mut().find(|socket| socket.id == id)
    }

    pub(super) fn remove(&mut self, id: ConnectionId) -> Option<Socket> {
        let at = self.0.iter().position(|socket| socket.id == id)?;
        Some(self.0.remove(at))
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn push(&mut self, socket: Socket) {
        if self.0.len() >= OBSERVED_SOCKETS_MAX {
            let last = |(_, socket): &(usize, &Socket)| socket.heard_ms.unwrap_or(socket.opened_ms);
            let silent = self.0.iter().enumerate().min_by_key(last);
            if let Some((at, _)) = silent {
                self.0.remove(at);
            }
        }
        self.0.push(socket);
    }
}

/// What an event asks of the connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asks {
    Nothing,
    /// The broadcast is over, with what the site says of it.
    End(String),
    /// It has begun, or goes on.
    Live,
    /// To connect elsewhere, or once more.
    Move,
}

impl RoomConnection {
    pub(super) fn opened(&mut self, id: ConnectionId) {
        self.status.connections = self.status.connections.saturating_add(1);
        self.status.unanswered_heartbeats = 0;
        self.heartbeat_ms = self.timing.heartbeat_ms;
        let socket = Socket {
            id,
            opened_ms: self.now_ms,
            heard_ms: None,
            heartbeat_due_ms: self.after(self.heartbeat_ms),
            sequence: Sequence::default(),
        };
        self.sockets.push(socket);
    }

    /// A frame over a socket, or a polling answer. What is to be sent for it is sent before anything else.
    pub(super) fn hear(&mut self, id: Option<ConnectionId>, bytes: &[u8], act: Do<'_>) -> Says {
        let now_ms = self.now_ms;
        let heard = hear(self.format, self.role, bytes, &mut self.scratch);
        if let (Some(bytes), Some(connection), super::Role::Direct) = (heard.ack, id, self.role) {
            act(Action::Send { connection, bytes });
        }
        let Heard {
            says,
            sequence,
            cursor,
            internal_ext,
            now_ms: site_ms,
            heartbeat_ms,
            fetch_interval_ms,
            ..
        } = heard;
        let status = &mut self.status;
        status.frames = status.frames.saturating_add(1);
        status.damaged = status
            .damaged
            .saturating_add(u64::from(says == Says::Damaged));
        status.last_frame_ms = Some(now_ms);
        status.unanswered_heartbeats = 0;
        if let Some(socket) = id.and_then(|id| self.sockets.of(id)) {
            socket.heard_ms = Some(now_ms);
            let missing = sequence.map_or(0, |sequence| socket.sequence.take(sequence));
            status.sequence_gaps = status.sequence_gaps.saturating_add(missing);
        }
        if let Some(site_ms) = site_ms {
            status.delay_ms = Some(difference(now_ms, site_ms));
        }
        if let Some(cursor) = cursor {
            self.resume.cursor = cursor;
        }
        if let Some(ext) = internal_ext {
            self.resume.internal_ext = ext;
        }
        if let Some(ms) = heartbeat_ms {
            self.heartbeat_ms = ms.clamp(HEARTBEAT_LEAST_MS, HEARTBEAT_MOST_MS);
        }
        if let Some(ms) = fetch_interval_ms {
            self.poll_every_ms = ms.clamp(POLL_LEAST_MS, POLL_MOST_MS);
        }
        says
    }

    /// An event, as it was decoded: also one that came before.
    pub(super) fn follow(&mut self, event: &Event<'_>, act: Do<'_>) -> Asks {
        let now_ms = self.now_ms;
        self.rate.count(now_ms);
        let status = &mut self.status;
        status.messages = status.messages.saturating_add(1);
        if event.time.source != TimeSource::Arrival {
            status.message_delay_ms = Some(difference(now_ms, event.time.ms));
        }
        if !status.masked && event.user.as_ref().is_some_and(|user| user.masked) {
            status.masked = true;
            act(Action::Note(Reason::Masked));
        }
        self.asks(event, act)
    }

    fn asks(&mut self, event: &Event<'_>, act: Do<'_>) -> Asks {
        if let Body::Control(control) = &event.body
            && self.moves(control)
        {
            return Asks::Move;
        }
        let Body::RoomState(change) = &event.body else {
            return Asks::Nothing;
        };
        // One socket of Huya tells of other rooms too, by the uids of their presenters.
        let is_other = self.format == Site::Huya
            && !event.room.is_empty()
            && !self.facts.presenter.is_empty()
            && *event.room != *self.facts.presenter;
        if is_other {
            return Asks::Nothing;
        }
        match change.state {
            Some(RoomState::Ended) => Asks::End(cut(change.text.as_deref().unwrap_or_default())),
            Some(RoomState::Paused) => {
                if !std::mem::replace(&mut self.is_paused, true) {
                    act(Action::Note(Reason::Paused));
                }
                Asks::Nothing
            }
            Some(RoomState::Live) => {
                if std::mem::take(&mut self.is_paused) {
                    act(Action::Note(Reason::Resumed));
                }
                Asks::Live
            }
            None => Asks::Nothing,
        }
    }

    /// Huya's redirect, Douyin's change of node and its "ping timeout", whose number is 7.
    fn moves(&self, control: &Control<'_>) -> bool {
        match self.format {
            Site::Huya => control.action == "redirect",
            Site::Douyin | Site::Tiktok => matches!(&*control.action, "change_node" | "7"),
            Site::Bilibili | Site::Douyu => false,
        }
    }

    /// What belongs to a broadcast that is over must not go into the next one.
    pub(super) fn forget_broadcast(&mut self) {
        self.resume = Resume::default();
        self.facts.clone_from(&self.options.facts);
        (self.is_told, self.is_paused, self.fetches_rest) = (false, false, false);
    }
}

fn difference(later_ms: u64, ms: u64) -> i64 {
    let signed = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
    signed(later_ms).saturating_sub(signed(ms))
}

/// What a site says of its heartbeats is believed within these bounds.
const HEARTBEAT_LEAST_MS: u64 = 5_000;
const HEARTBEAT_MOST_MS: u64 = 120_000;
/// And of polling.
const POLL_LEAST_MS: u64 = 500;
const POLL_MOST_MS: u64 = 30_000;
