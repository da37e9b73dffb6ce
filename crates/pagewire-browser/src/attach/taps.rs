//! Taps: from what the browser tells of sockets and responses to values of topics.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use pagewire_cdp::command::NetworkGetResponseBody;
use pagewire_cdp::event::{FrameNavigated, ResponseBody};
use pagewire_cdp::{
    CommandError, Error, NetworkId, RawEvent, SessionId, TapRules, TapValue, Tapped, Taps, TargetId,
};
use pagewire_rpc::{JsonText, PageId, Payload, TopicName};
use serde_json::value::RawValue;

use super::decode::Decoder;
use super::page::PageKey;
use super::report::Report;
use super::state::{Asked, Effect, Session, State, read, read_answer};

/// The taps of one page.
#[derive(Debug)]
pub(super) struct PageTaps {
    pub(super) page: PageId,
    taps: Taps,
    /// By connection.
    topics: HashMap<String, TopicName>,
    pub(super) decoder: Decoder,
}

impl PageTaps {
    fn new(page: PageId, rules: Arc<TapRules>) -> Self {
        Self {
            page,
            taps: Taps::new(rules),
            topics: HashMap::new(),
            decoder: Decoder::default(),
        }
    }

    /// The topic of a connection, and whether it is new.
    fn topic(&mut self, value: &TapValue) -> Option<(TopicName, bool)> {
        let name = value.connection.as_str();
        if let Some(topic) = self.topics.get(name) {
            return Some((topic.clone(), false));
        }
        let topic = TopicName::of_tap(&self.page, name).ok()?;
        self.topics.insert(name.to_owned(), topic.clone());
        Some((topic, true))
    }

    fn publish(&mut self, value: TapValue, effects: &mut VecDeque<Effect>) -> Option<TopicName> {
        let (topic, new) = self.topic(&value)?;
        if value.is_last() {
            self.topics.remove(value.connection.as_str());
            self.decoder.forget(&topic);
        }
        if new {
            effects.push_back(Effect::Report(Report::TapOpened {
                topic: topic.clone(),
            }));
        }
        let payload = Payload::Json(JsonText::of_checked(value.json));
        effects.push_back(Effect::Publish(topic.clone(), payload));
        Some(topic)
    }
}

impl State {
    pub(super) fn network_event(
        &mut self,
        now: Instant,
        wall_ms: u64,
        id: &SessionId,
        event: &RawEvent<'_>,
    ) {
        let Some((kind, owner)) = self
            .sessions
            .get(id)
            .map(|session| (session.target.kind, session.owner.clone()))
        else {
            return;
        };
        if !self.taps.contains_key(&owner) {
            let key = PageKey {
                target: owner.clone(),
                frame: None,
            };
            let page = self.identity(&key).page.clone();
            let taps = PageTaps::new(page, self.options.taps.clone());
            self.taps.insert(owner.clone(), taps);
        }
        let Some(page) = self.taps.get_mut(&owner) else {
            return;
        };
        match page.taps.handle_event(id, kind, event, wall_ms) {
            Ok(()) => {}
            Err(error @ Error::Limit { .. }) => {
                let text = format!("{error}; what is over it is not tapped");
                self.report(Report::Problem { text });
            }
            Err(error) => {
                tracing::warn!(method = %event.method, %error, "an event was not tapped");
            }
        }
        self.take_tapped(now, &owner);
    }

    /// Carries out what came of the last call.
    fn take_tapped(&mut self, now: Instant, owner: &TargetId) {
        while let Some(page) = self.taps.get_mut(owner)
            && let Some(tapped) = page.taps.poll_tapped()
        {
            match tapped {
                Tapped::Value(value) => {
                    let decodes = self.options.decode.is_some();
                    let payload = value.payload().filter(|_| decodes);
                    let topic = page.publish(value, &mut self.effects);
                    if let (Some(topic), Some(payload)) = (topic, payload) {
                        self.decode(now, owner, &topic, payload);
                    }
                }
                Tapped::WantBody { session, request } => {
                    let get = NetworkGetResponseBody {
                        request_id: &request,
                    };
                    let asked = Asked::Body(session.clone(), request.clone());
                    self.command(now, Some(&session), &get, asked);
                }
                Tapped::Unseen { session, .. } => self.note_unseen_sockets(&session),
            }
        }
    }

    pub(super) fn body_came(
        &mut self,
        now: Instant,
        id: &SessionId,
        request: &NetworkId,
        result: Result<&RawValue, CommandError>,
    ) {
        let Some(owner) = self.sessions.get(id).map(|session| session.owner.clone()) else {
            return;
        };
        let Some(page) = self.taps.get_mut(&owner) else {
            return;
        };
        let body = read_answer::<ResponseBody<'_>>(result);
        let body = body.as_ref().map_err(String::as_str);
        page.taps.handle_body(id, request, body);
        self.take_tapped(now, &owner);
    }

    /// The main frame of a session has a new document; the browser does not tell that the sockets of the old one ended.
    pub(super) fn frame_navigated(
        &mut self,
        now: Instant,
        wall_ms: u64,
        id: &SessionId,
        event: &RawEvent<'_>,
    ) {
        let Some(FrameNavigated { frame }) = read(event) else {
            return;
        };
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        let (owner, target) = (session.owner.clone(), session.target.target_id.clone());
        // The frame of another site is a target of its own, with a frame around it.
        let is_main = frame.parent_id.is_none() || frame.id.as_str() == target.as_str();
        if is_main {
            session.failed = frame.unreachable_url.is_some();
            self.tab_changed(&target);
        }
        if is_main && let Some(page) = self.taps.get_mut(&owner) {
            let document = frame.loader_id.as_ref();
            page.taps
                .handle_navigation(id, document, "the page navigated", wall_ms);
            self.take_tapped(now, &owner);
        }
    }

    /// A session ended: so did its sockets.
    pub(super) fn forget_taps(
        &mut self,
        now: Instant,
        wall_ms: u64,
        id: &SessionId,
        gone: &Session,
        why: &str,
    ) {
        let Some(page) = self.taps.get_mut(&gone.owner) else {
            return;
        };
        page.taps.forget_session(id, why, wall_ms);
        self.take_tapped(now, &gone.owner);
        if gone.owner == gone.target.target_id {
            self.taps.remove(&gone.owner);
        }
    }
}
