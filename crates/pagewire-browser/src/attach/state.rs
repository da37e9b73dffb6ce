//! What is known of the browser, and what to do next. No I/O: messages come in, commands and effects go out.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use pagewire_cdp::command::Command;
use pagewire_cdp::event::{AttachedToTarget, ScriptParsed, TargetInfo};
use pagewire_cdp::{
    CommandError, Connection, ContextId, FrameId, Incoming, InvocationId, NetworkId, RawEvent,
    Reply, SessionId, TargetId,
};
use pagewire_hub::{Attachment, CarrierError};
use pagewire_rpc::{Input, Payload, TopicName};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::mpsc;

use super::captures::Placed;
use super::carrier::{Doorbell, LinkKey, PageCarrier};
use super::links::Lane;
use super::options::AttachOptions;
use super::page::{Identity, OpenLink, PageKey};
use super::pages::TabOf;
use super::report::Report;
use super::scripts::Scripts;
use super::signs::Watch;
use super::taps::PageTaps;
use super::tools::KnownTool;

/// How long a command that is answered by the browser itself, or by an idle page, may take.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);

/// All that we know. Handlers are in the files beside this one, one for each subject.
#[derive(Debug)]
pub(super) struct State {
    pub(super) options: AttachOptions,
    /// The name of the binding: another one in each run, so that runs do not meet.
    pub(super) binding: String,
    pub(super) connection: Connection<Asked>,
    pub(super) sessions: HashMap<SessionId, Session>,
    pub(super) targets: HashMap<TargetId, SessionId>,
    pub(super) identities: HashMap<PageKey, Identity>,
    pub(super) links: BTreeMap<LinkKey, OpenLink>,
    pub(super) last_link: u64,
    /// What was there before us is attached to.
    pub(super) begun: bool,
    /// What the user wrote was looked at.
    pub(super) scripts_checked: bool,
    /// By places in [`AttachOptions::pages`].
    pub(super) tabs: BTreeMap<usize, TabOf>,
    pub(super) taps: HashMap<TargetId, PageTaps>,
    pub(super) doorbell: Arc<Doorbell>,
    /// Messages for the browser.
    pub(super) commands: VecDeque<Bytes>,
    pub(super) effects: VecDeque<Effect>,
    /// The largest message that a page may send.
    pub(super) message_bytes_max: usize,
}

/// What is not the state's own business.
#[derive(Debug)]
pub(super) enum Effect {
    /// Run a page's link.
    Drive(PageCarrier, Attachment),
    /// A message of a page.
    Input(mpsc::Sender<Result<Input, CarrierError>>, Input),
    /// A message of a page was too large.
    TooLarge(mpsc::Sender<Result<Input, CarrierError>>),
    /// A value of a tap.
    Publish(TopicName, Payload),
    /// Something for people.
    Report(Report),
}

/// What a command was for.
#[derive(Debug)]
pub(super) enum Asked {
    /// Nothing hangs on it.
    Nothing,
    /// What was there before us is attached to.
    Begun,
    /// The script of `--expose`, `--script` is looked at.
    Compiled(String),
    /// A tab for the page at this place of [`AttachOptions::pages`].
    TabOpened(usize),
    /// A tab that was there, for one of these pages.
    TabLoaded,
    /// A document is told that its link is open.
    Opened(LinkKey, SessionId, ContextId),
    /// Messages for a page.
    Delivered(LinkKey, Lane),
    /// A body of a response.
    Body(SessionId, NetworkId),
    /// The debugger of a session takes breakpoints.
    DebuggerOn(SessionId),
    /// Scripts of a session stop before their first line.
    HoldSet(SessionId),
    /// A breakpoint of a capture.
    CaptureSet(SessionId, usize),
    /// A script that may hold the place of a capture.
    ScriptSource(SessionId, ScriptParsed),
    /// A page that says nothing is looked at.
    Probe(SessionId),
    /// One that may be paused or blocked.
    Suspect(SessionId),
    /// A WebMCP tool was called by link, with the call's number in the page.
    ToolInvoked(LinkKey, u64),
    /// Code of a program runs in a page, for link, with the call's number in the page.
    CodeRun(LinkKey, u64),
}

/// Our attachment to one target.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) target: TargetInfo,
    /// The target that its taps are listed under: its tab, or itself.
    pub(super) owner: TargetId,
    /// It waited for us before its first script.
    pub(super) waited: bool,
    pub(super) contexts: HashMap<ContextId, ContextFacts>,
    pub(super) placed: Vec<Placed>,
    /// While the debugger is on.
    pub(super) scripts: Scripts,
    /// What breakpoints of captures wait for: that the debugger is on, and texts of scripts.
    pub(super) answers_due: usize,
    /// A script waits before its first line until they came.
    pub(super) holds_script: bool,
    /// What stops scripts before their first line, where that is needed no more once all breakpoints are set.
    pub(super) hold_to_end: Option<String>,
    pub(super) watch: Watch,
    /// WebMCP tools of all its frames.
    pub(super) tools: Vec<KnownTool>,
    pub(super) invocations: HashMap<InvocationId, (LinkKey, u64)>,
    /// It is a worker that stops before its first script, for ours.
    pub(super) scripts_due: bool,
    /// It crashed and was not loaded again since.
    pub(super) crashed: bool,
    /// Its main frame shows an error page of the browser's, though its target has the address that was asked for.
    pub(super) failed: bool,
}

/// What the browser says of a context.
#[derive(Debug, Clone)]
pub(super) struct ContextFacts {
    pub(super) origin: String,
    pub(super) frame: Option<FrameId>,
    /// Its page link, while it has one.
    pub(super) link: Option<LinkKey>,
    /// It asked for a link and was not told yet that it has one.
    pub(super) opening: bool,
}

impl State {
    pub(super) fn new(
        options: AttachOptions,
        binding: String,
        doorbell: Arc<Doorbell>,
        message_bytes_max: usize,
    ) -> Self {
        Self {
            options,
            binding,
            connection: Connection::default(),
            sessions: HashMap::new(),
            targets: HashMap::new(),
            identities: HashMap::new(),
            links: BTreeMap::new(),
            last_link: 0,
            begun: false,
            scripts_checked: false,
            tabs: BTreeMap::new(),
            taps: HashMap::new(),
            doorbell,
            commands: VecDeque::new(),
            effects: VecDeque::new(),
            message_bytes_max,
        }
    }

    /// Sends a command to a session, or to the browser itself.
    pub(super) fn command<C: Command>(
        &mut self,
        now: Instant,
        session: Option<&SessionId>,
        command: &C,
        asked: Asked,
    ) {
        // What runs in a page takes as long as the page.
        let timeout = match asked {
            Asked::Opened(..)
            | Asked::Delivered(..)
            | Asked::Probe(_)
            | Asked::Suspect(_)
            | Asked::ToolInvoked(..)
            | Asked::CodeRun(..) => None,
            Asked::Nothing
            | Asked::Begun
            | Asked::Compiled(_)
            | Asked::TabOpened(_)
            | Asked::TabLoaded
            | Asked::Body(..)
            | Asked::DebuggerOn(_)
            | Asked::HoldSet(_)
            | Asked::CaptureSet(..)
            | Asked::ScriptSource(..) => Some(COMMAND_TIMEOUT),
        };
        let made = self
            .connection
            .command(now, session, command, timeout, asked);
        match made {
            Ok(message) => self.commands.push_back(message),
            Err((asked, error)) => {
                tracing::warn!(method = C::METHOD, ?asked, %error, "a command was not sent")
            }
        }
    }

    /// Sends a command whose answer nobody waits for.
    pub(super) fn tell<C: Command>(&mut self, now: Instant, session: &SessionId, command: &C) {
        self.command(now, Some(session), command, Asked::Nothing);
    }

    /// Reads one message of the browser.
    pub(super) fn handle_message(&mut self, now: Instant, wall_ms: u64, message: &[u8]) {
        match self.connection.handle_message(message) {
            Ok(Incoming::Event(event)) => self.handle_event(now, wall_ms, &event),
            Ok(Incoming::Reply(reply)) => self.handle_reply(now, reply),
            Ok(Incoming::Late(id)) => tracing::debug!(id = id.0, "an answer came late"),
            Err(error) => tracing::warn!(%error, "a message of the browser was passed over"),
        }
    }

    /// Does what is due.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        while let Some(reply) = self.connection.handle_timeout(now) {
            self.handle_reply(now, reply);
        }
        self.look_after_pages(now);
    }

    /// When [`State::handle_timeout`] is due.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let watches = self
            .sessions
            .values()
            .filter_map(|session| session.watch.due());
        watches.chain(self.connection.poll_timeout()).min()
    }

    fn handle_event(&mut self, now: Instant, wall_ms: u64, event: &RawEvent<'_>) {
        let session = event.session.as_deref().map(SessionId::from);
        let Some(session) = session else {
            return self.handle_browser_event(now, wall_ms, event);
        };
        match &*event.method {
            "Runtime.bindingCalled" => self.binding_called(now, &session, event),
            "Runtime.executionContextCreated" => self.context_created(&session, event),
            "Runtime.executionContextDestroyed" => self.context_destroyed(&session, event),
            "Runtime.executionContextsCleared" => self.contexts_cleared(&session),
            "Page.frameDetached" => self.frame_detached(&session, event),
            "Page.frameNavigated" => self.frame_navigated(now, wall_ms, &session, event),
            "Inspector.targetCrashed" => self.target_crashed(now, &session),
            "Page.javascriptDialogOpening" => self.dialog_opened(now, &session, event),
            "Page.javascriptDialogClosed" => self.dialog_closed(&session),
            "Log.entryAdded" => self.entry_added(&session, event),
            method if method.starts_with("Network.") => {
                self.network_event(now, wall_ms, &session, event)
            }
            method if method.starts_with("Debugger.") => self.debugger_event(now, &session, event),
            method if method.starts_with("WebMCP.") => self.tool_event(now, &session, event),
            method if method.starts_with("Target.") => {
                self.target_event(now, wall_ms, Some(&session), event)
            }
            _ => {}
        }
    }

    fn handle_browser_event(&mut self, now: Instant, wall_ms: u64, event: &RawEvent<'_>) {
        if event.method.starts_with("Target.") {
            self.target_event(now, wall_ms, None, event);
        }
    }

    fn handle_reply(&mut self, now: Instant, reply: Reply<'_, Asked>) {
        let Reply { tag, result } = reply;
        match tag {
            Asked::Nothing => {
                if let Err(error) = result {
                    tracing::debug!(%error, "a command failed");
                }
            }
            Asked::Begun => self.begun(now),
            Asked::Compiled(what) => self.script_compiled(&what, result),
            Asked::TabOpened(place) => self.tab_opened(place, result),
            Asked::TabLoaded => self.tab_loaded(result),
            Asked::Opened(link, session, context) => {
                self.opened(&session, context);
                self.delivered(now, link, Lane::Messages, result);
            }
            Asked::Delivered(link, lane) => self.delivered(now, link, lane, result),
            Asked::Body(session, request) => self.body_came(now, &session, &request, result),
            Asked::DebuggerOn(session) => self.debugger_on(now, &session),
            Asked::HoldSet(session) => self.hold_set(&session, result),
            Asked::CaptureSet(session, index) => self.capture_set(&session, index, result),
            Asked::ScriptSource(session, script) => {
                self.source_came(now, &session, &script, result)
            }
            Asked::Probe(session) => self.probed(now, &session),
            Asked::Suspect(session) => self.suspect_answered(now, &session),
            Asked::ToolInvoked(link, id) => self.tool_invoked(now, link, id, result),
            Asked::CodeRun(link, id) => self.code_run(now, link, id, result),
        }
    }

    /// The connection is lost: everything on it ends.
    pub(super) fn lose_browser(&mut self, now: Instant, wall_ms: u64, why: &str) {
        for _ in self.connection.drain() {}
        let sessions: Vec<_> = self.sessions.keys().cloned().collect();
        for session in sessions {
            self.end_session(now, wall_ms, &session, why);
        }
    }

    pub(super) fn report(&mut self, report: Report) {
        self.effects.push_back(Effect::Report(report));
    }
}

impl Session {
    pub(super) fn new(attached: &AttachedToTarget, owner: TargetId) -> Self {
        Self {
            target: attached.target_info.clone(),
            owner,
            waited: attached.waiting_for_debugger,
            contexts: HashMap::new(),
            placed: Vec::new(),
            scripts: Scripts::default(),
            answers_due: 0,
            holds_script: false,
            hold_to_end: None,
            watch: Watch::default(),
            tools: Vec::new(),
            invocations: HashMap::new(),
            scripts_due: false,
            crashed: false,
            failed: false,
        }
    }
}

/// Reads an event, or says in the log that it was passed over.
pub(super) fn read<'a, P: Deserialize<'a>>(event: &'a RawEvent<'_>) -> Option<P> {
    match event.read() {
        Ok(parameters) => Some(parameters),
        Err(error) => {
            tracing::warn!(method = %event.method, %error, "an event was passed over");
            None
        }
    }
}

/// Reads an answer, or gives why there is none.
pub(super) fn read_answer<'a, P: Deserialize<'a>>(
    result: Result<&'a RawValue, CommandError>,
) -> Result<P, String> {
    let answer = result.map_err(|error| error.to_string())?;
    serde_json::from_str(answer.get()).map_err(|error| error.to_string())
}
