//! Page links: opened by the page through its binding, and what goes to and fro on them.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::{Buf as _, Bytes};
use pagewire_cdp::command::RuntimeEvaluate;
use pagewire_cdp::event::{BindingCalled, TargetKind};
use pagewire_cdp::{CommandError, ContextId, RawEvent, SessionId};
use pagewire_hub::{Attachment, Grant, Outbound, Scope, Scopes, fresh_page_id};
use pagewire_rpc::{Frame, Input, PageId};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;

use super::carrier::{LinkKey, carrier};
use super::messages::Messages;
use super::page::{Greeting, Identity, OpenLink, PageKey, UnderWay};
use super::report::Report;
use super::state::{Asked, ContextFacts, Effect, State, read, read_answer};

/// Evaluations under way for one page. What comes meanwhile goes together in the next one, so that a busy page gets large batches and an
/// idle one gets each message at once.
pub(super) const EVALUATIONS_MAX: usize = 2;
/// Bytes of messages that make an evaluation full: above that the browser gains nothing from more in one.
pub(super) const EVALUATION_BYTES: usize = 32 << 10;
/// Evaluations under way where more are full: nothing is gained by waiting then.
pub(super) const EVALUATIONS_FULL_MAX: usize = 8;
/// Messages beside those of the page link that wait for one page. One more is left out: only a page that makes them up has so many.
pub(super) const CONTROLS_MAX: usize = 1_024;
/// Pages of one browser. One more document stays without a link.
pub(super) const LINKS_MAX: usize = 4_096;

impl State {
    pub(super) fn binding_called(
        &mut self,
        now: Instant,
        session: &SessionId,
        event: &RawEvent<'_>,
    ) {
        let Some(call) = read::<BindingCalled<'_>>(event) else {
            return;
        };
        if call.name != self.binding {
            return;
        }
        let payload = call.payload.into_owned();
        self.take_lines(now, session, call.execution_context_id, payload);
    }

    fn take_lines(
        &mut self,
        now: Instant,
        session: &SessionId,
        context: ContextId,
        payload: String,
    ) {
        if let Some(session) = self.sessions.get_mut(session) {
            session.watch.heard(now);
        }
        let mut rest = Bytes::from(payload);
        while let Some(end) = memchr::memchr(b'\n', &rest) {
            self.take_line(now, session, context, &rest.split_to(end));
            rest.advance(1);
        }
        self.take_line(now, session, context, &rest);
    }

    /// One message of a page; the first character says what it is (`devtools.js`).
    fn take_line(&mut self, now: Instant, session: &SessionId, context: ContextId, line: &Bytes) {
        if line.first() == Some(&b'+') {
            return self.open_link(now, session, context);
        }
        let Some(key) = self.link_at(session, context) else {
            return;
        };
        match line.first() {
            Some(b'{') => self.take_frame(key, Frame::Text(line.clone())),
            Some(b'b') => match BASE64.decode(line.slice(1..)) {
                Ok(bytes) => self.take_frame(key, Frame::Binary(bytes.into())),
                Err(error) => tracing::warn!(%error, "a page sent bytes that are no base64"),
            },
            Some(b'-') => self.end_link(key, "the page closed its link"),
            Some(b'd') => self.decoded(key, &line.slice(1..)),
            Some(b't') => self.tool_called(now, key, &line.slice(1..)),
            Some(_) | None => tracing::debug!("a page sent something unknown"),
        }
    }

    fn take_frame(&mut self, key: LinkKey, frame: Frame) {
        let Some(link) = self.links.get_mut(&key) else {
            return;
        };
        let inputs = link.inputs.clone();
        let first = link.greeting == Greeting::Opened;
        if first && !is_hello_of(&frame, &link.page) {
            tracing::warn!(page = %link.page, "a page said hello as another one");
            return self.end_link(key, "the page said hello as another one");
        }
        if first {
            link.greeting = Greeting::Hello;
        }
        self.effects
            .push_back(if frame.len() > self.message_bytes_max {
                Effect::TooLarge(inputs)
            } else {
                Effect::Input(inputs, Input::Frame(frame))
            });
        if first {
            self.tell_notes_after_hello(key);
        }
    }

    pub(super) fn link_at(&self, session: &SessionId, context: ContextId) -> Option<LinkKey> {
        self.sessions.get(session)?.contexts.get(&context)?.link
    }

    /// A document wants a link. What it is, is taken from what the browser says of its context, not from the page.
    fn open_link(&mut self, now: Instant, session: &SessionId, context: ContextId) {
        // One link in a round trip, however often a page asks.
        if self.is_opening(session, context) {
            return;
        }
        if let Some(old) = self.link_at(session, context) {
            self.drop_link(old);
        }
        let Some((key, kind, origin)) = self.who_is(session, context) else {
            return;
        };
        if self.links.len() >= LINKS_MAX {
            tracing::warn!(max = LINKS_MAX, "one more document stays without a link");
            return;
        }
        self.set_opening(session, context, true);
        let identity = self.identity(&key);
        let (page, epoch) = (identity.page.clone(), identity.epoch);
        identity.epoch += 1;
        self.last_link += 1;
        let link = LinkKey(self.last_link);
        let (carrier, inputs, outbox) = carrier(link, &self.doorbell);
        self.links.insert(
            link,
            OpenLink {
                page: page.clone(),
                session: session.clone(),
                context,
                inputs,
                outbox,
                controls: Vec::new(),
                tool_calls: 0,
                under_way: UnderWay::default(),
                epoch: epoch + 1,
                kind,
                greeting: Greeting::Opened,
            },
        );
        if let Some(facts) = self.facts(session, context) {
            facts.link = Some(link);
        }
        let attachment = self.attachment(origin);
        self.effects.push_back(Effect::Drive(carrier, attachment));
        let hello = json!({ "page": page, "epoch": epoch, "kind": kind.name() });
        let mut messages = Messages::new(&self.binding);
        messages.push("+", &hello.to_string());
        let asked = Asked::Opened(link, session.clone(), context);
        self.evaluate_as(now, link, messages, Lane::Messages, asked);
        self.offer_code(now, link);
        self.offer_tools(now, link);
    }

    fn is_opening(&self, session: &SessionId, context: ContextId) -> bool {
        let contexts = self.sessions.get(session).map(|session| &session.contexts);
        contexts.is_some_and(|contexts| contexts.get(&context).is_some_and(|facts| facts.opening))
    }

    fn set_opening(&mut self, session: &SessionId, context: ContextId, opening: bool) {
        let session = self.sessions.get_mut(session);
        if let Some(facts) = session.and_then(|session| session.contexts.get_mut(&context)) {
            facts.opening = opening;
        }
    }

    /// A document was told that its link is open.
    pub(super) fn opened(&mut self, session: &SessionId, context: ContextId) {
        self.set_opening(session, context, false);
    }

    /// Its group is ours to give; it may answer, expose and publish under its prefix, and nothing else.
    fn attachment(&self, origin: String) -> Attachment {
        Attachment {
            carrier: "cdp",
            // An opaque origin, such as that of a `data:` document, is written without a host.
            origin: origin
                .split_once("://")
                .is_some_and(|(_, host)| !host.is_empty())
                .then_some(origin),
            grant: Grant::Token,
            scopes: Scopes::new(vec![Scope::attach(&self.options.group)]),
            topic: None,
        }
    }

    fn who_is(
        &self,
        session: &SessionId,
        context: ContextId,
    ) -> Option<(PageKey, TargetKind, String)> {
        let attached = self.sessions.get(session)?;
        let facts = attached.contexts.get(&context)?;
        let target = &attached.target;
        let inner = facts
            .frame
            .as_ref()
            .filter(|frame| frame.as_str() != target.target_id.as_str());
        let kind = if inner.is_some() {
            TargetKind::Iframe
        } else {
            target.kind
        };
        let allowed = self.options.kinds.contains(&kind)
            && self
                .options
                .documents
                .iter()
                .any(|pattern| pattern.may_be_of_origin(&facts.origin));
        let key = PageKey {
            target: target.target_id.clone(),
            frame: inner.cloned(),
        };
        allowed.then(|| (key, kind, facts.origin.clone()))
    }

    pub(super) fn identity(&mut self, key: &PageKey) -> &mut Identity {
        self.identities
            .entry(key.clone())
            .or_insert_with(|| Identity {
                page: fresh_page_id(),
                epoch: 0,
            })
    }

    /// The page that a session's own document is.
    pub(super) fn page_of(&mut self, session: &SessionId) -> Option<PageId> {
        let target = self.sessions.get(session)?.target.target_id.clone();
        let key = PageKey {
            target,
            frame: None,
        };
        Some(self.identity(&key).page.clone())
    }

    fn url_of(&self, session: &SessionId) -> String {
        let session = self.sessions.get(session);
        session.map_or_else(String::new, |session| session.target.url.clone())
    }

    /// Sends what waits for a page, as far as the page keeps up.
    pub(super) fn deliver(&mut self, now: Instant, key: LinkKey) {
        while let Some(link) = self.links.get_mut(&key) {
            let evaluations = if link.outbox.bytes() < EVALUATION_BYTES {
                EVALUATIONS_MAX
            } else {
                EVALUATIONS_FULL_MAX
            };
            if link.under_way.messages >= evaluations {
                return;
            }
            let controls = std::mem::take(&mut link.controls);
            let some = link.outbox.take(EVALUATION_BYTES);
            if controls.is_empty() && some.is_empty() {
                // A driver that has ended may have left a reason, which goes first.
                if link.inputs.is_closed() {
                    self.drop_link(key);
                }
                return;
            }
            self.deliver_some(now, key, controls, some);
        }
    }

    fn deliver_some(
        &mut self,
        now: Instant,
        key: LinkKey,
        controls: Vec<String>,
        some: VecDeque<Outbound>,
    ) {
        let mut messages = Messages::new(&self.binding);
        for control in controls {
            messages.push("", &control);
        }
        let (mut alive, mut closed) = (false, None);
        let mut answered = false;
        for outbound in some {
            match outbound {
                Outbound::Frame(Frame::Text(text)) => {
                    answered = true;
                    messages.push("", std::str::from_utf8(&text).unwrap_or_default());
                }
                Outbound::Frame(Frame::Binary(bytes)) => messages.push("b", &BASE64.encode(bytes)),
                // The tab is there as long as the browser says so; whether its JavaScript runs is what `$/ping` asks.
                Outbound::Ping => alive = true,
                Outbound::Close { code, reason } => {
                    let how = json!({ "code": code, "reason": reason });
                    messages.push("-", &how.to_string());
                    closed = Some(reason);
                }
            }
        }
        if alive && let Some(link) = self.links.get(&key) {
            let inputs = link.inputs.clone();
            self.effects.push_back(Effect::Input(inputs, Input::Alive));
        }
        if !messages.is_empty() {
            self.evaluate(now, key, messages, Lane::Messages);
        }
        match closed {
            Some(why) => self.closed_by_hub(key, &why),
            // The hub's first message answers the hello; a refusal is followed by the close.
            None if answered => self.welcomed(key),
            None => {}
        }
    }

    /// From here on programs can call the page.
    fn welcomed(&mut self, key: LinkKey) {
        let Some(link) = self.links.get_mut(&key) else {
            return;
        };
        if std::mem::replace(&mut link.greeting, Greeting::Welcome) == Greeting::Welcome {
            return;
        }
        let (page, kind, epoch) = (link.page.clone(), link.kind.name(), link.epoch);
        let session = link.session.clone();
        let url = self.url_of(&session);
        self.report(Report::PageAttached {
            page,
            kind,
            url,
            epoch,
        });
    }

    fn closed_by_hub(&mut self, key: LinkKey, why: &str) {
        if let Some(link) = self.links.get(&key) {
            let (page, session) = (link.page.clone(), link.session.clone());
            let report = if link.greeting == Greeting::Welcome {
                let why = format!("the hub closed its link: {why}");
                Report::PageLeft { page, why }
            } else {
                let url = self.url_of(&session);
                let text = format!("the hub does not take {url} as a page: {why}");
                Report::Problem { text }
            };
            self.report(report);
        }
        self.drop_link(key);
    }

    /// Sends one message that is not of the page link.
    pub(super) fn send_control(
        &mut self,
        now: Instant,
        key: LinkKey,
        kind: char,
        body: &impl Serialize,
    ) {
        let Some(link) = self.links.get_mut(&key) else {
            return;
        };
        if link.controls.len() >= CONTROLS_MAX {
            return tracing::warn!(max = CONTROLS_MAX, "one more message to a page is left out");
        }
        let body = serde_json::to_string(body).expect("it is JSON");
        link.controls.push(format!("{kind}{body}"));
        self.deliver(now, key);
    }

    pub(super) fn evaluate(&mut self, now: Instant, key: LinkKey, messages: Messages, lane: Lane) {
        let asked = Asked::Delivered(key, lane);
        self.evaluate_as(now, key, messages, lane, asked);
    }

    fn evaluate_as(
        &mut self,
        now: Instant,
        key: LinkKey,
        messages: Messages,
        lane: Lane,
        asked: Asked,
    ) {
        let Some(link) = self.links.get_mut(&key) else {
            return;
        };
        *link.under_way.of(lane) += 1;
        let (session, context) = (link.session.clone(), link.context);
        if let Some(session) = self.sessions.get_mut(&session) {
            session.watch.asked(now);
        }
        let expression = messages.into_expression();
        let evaluate = RuntimeEvaluate {
            expression: &expression,
            context_id: Some(context),
            silent: true,
            // What the page says at once comes with the answer.
            return_by_value: true,
            await_promise: true,
        };
        self.command(now, Some(&session), &evaluate, asked);
    }

    pub(super) fn delivered(
        &mut self,
        now: Instant,
        key: LinkKey,
        lane: Lane,
        result: Result<&RawValue, CommandError>,
    ) {
        let Some(link) = self.links.get_mut(&key) else {
            return;
        };
        *link.under_way.of(lane) -= 1;
        let (session, context) = (link.session.clone(), link.context);
        if let Some(session) = self.sessions.get_mut(&session) {
            session.watch.answered(1);
        }
        match read_answer::<Delivered>(result) {
            Ok(Delivered {
                result,
                exception_details: None,
            }) => {
                if let Some(said) = result.value {
                    self.take_lines(now, &session, context, said);
                }
                match lane {
                    Lane::Messages => self.deliver(now, key),
                    Lane::Frames => self.deliver_frames(now, key),
                }
            }
            Ok(_) => self.end_link(key, "the page removed Pagewire's script"),
            Err(error) => {
                tracing::debug!(%error, "a message did not reach the page");
                self.end_link(key, "the page navigated");
            }
        }
    }

    /// Ends all links of a session.
    pub(super) fn end_links(&mut self, session: &SessionId, why: &str) {
        let links = self.links.iter();
        let ended: Vec<_> = links
            .filter(|(_, link)| link.session == *session)
            .map(|(key, _)| *key)
            .collect();
        for link in ended {
            self.end_link(link, why);
        }
    }

    /// Ends a link on the page's behalf, and says why: its calls end as page gone with these words.
    pub(super) fn end_link(&mut self, key: LinkKey, why: &str) {
        let Some(link) = self.links.get(&key) else {
            return;
        };
        let bye = json!({ "jsonrpc": "2.0", "method": "$/bye", "params": { "reason": why } });
        let frame = Frame::Text(bye.to_string().into());
        let inputs = link.inputs.clone();
        self.effects
            .push_back(Effect::Input(inputs, Input::Frame(frame)));
        let page = link.page.clone();
        self.report(Report::PageLeft {
            page,
            why: why.to_owned(),
        });
        self.drop_link(key);
    }

    /// Forgets a link; its driver sees the carrier end.
    fn drop_link(&mut self, key: LinkKey) {
        let Some(link) = self.links.remove(&key) else {
            return;
        };
        link.outbox.shut();
        if let Some(facts) = self.facts(&link.session, link.context) {
            facts.link = None;
        }
        if let Some(session) = self.sessions.get_mut(&link.session) {
            session.invocations.retain(|_, (by, _)| *by != key);
            session.watch.answered(link.under_way.all());
        }
        self.end_decoder(&link);
    }

    fn facts(&mut self, session: &SessionId, context: ContextId) -> Option<&mut ContextFacts> {
        self.sessions.get_mut(session)?.contexts.get_mut(&context)
    }
}

/// The answer to an evaluation that hands messages over.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Delivered {
    #[serde(default)]
    result: Said,
    #[serde(default)]
    exception_details: Option<IgnoredAny>,
}

#[derive(Default, Deserialize)]
struct Said {
    /// Messages of the page, a line each.
    #[serde(default)]
    value: Option<String>,
}

/// What goes to a page in turns of its own, so that neither of them waits for the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    /// Of its link.
    Messages,
    /// For its decoder.
    Frames,
}

/// What is looked at in the first message of a page. The rest is the hub's business.
#[derive(Deserialize)]
struct Hello<'a> {
    #[serde(borrow)]
    params: HelloParams<'a>,
}

#[derive(Deserialize)]
struct HelloParams<'a> {
    #[serde(borrow)]
    page: Cow<'a, str>,
}

/// A page id is not the page's to choose: pages with opaque origins could take one another's.
fn is_hello_of(frame: &Frame, page: &PageId) -> bool {
    let Frame::Text(text) = frame else {
        return false;
    };
    serde_json::from_slice::<Hello<'_>>(text).is_ok_and(|hello| hello.params.page == page.as_str())
}
