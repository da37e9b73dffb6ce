//! Tabs, frames and workers: attaching to them, and what becomes of them.

use std::time::Instant;

use pagewire_cdp::command::{
    LogEnable, NetworkEnable, PageAddScriptToEvaluateOnNewDocument, PageEnable, PageReload,
    RuntimeAddBinding, RuntimeCompileScript, RuntimeEnable, RuntimeRunIfWaitingForDebugger,
    TargetAttachToTarget, TargetDetachFromTarget, TargetFilter, TargetSetAutoAttach,
    TargetSetDiscoverTargets,
};
use pagewire_cdp::event::{
    AttachedToTarget, DetachedFromTarget, Evaluated, ExecutionContextCreated,
    ExecutionContextDestroyed, FrameDetached, TargetInfo, TargetKind, TargetTold,
};
use pagewire_cdp::{CommandError, RawEvent, SessionId};
use serde_json::value::RawValue;

use super::options::{Present, Reach};
use super::page::PageKey;
use super::report::Report;
use super::script;
use super::state::{Asked, ContextFacts, Session, State, read, read_answer};

/// Targets attached to at once. One more is let be.
pub(super) const TARGETS_MAX: usize = 4_096;

/// The kinds of targets that are used, and no others.
fn filter() -> Vec<TargetFilter> {
    let used = TargetKind::USED.into_iter().map(|kind| TargetFilter {
        kind: Some(kind),
        exclude: false,
    });
    let rest = TargetFilter {
        kind: None,
        exclude: true,
    };
    used.chain([rest]).collect()
}

impl State {
    /// Attaches to what is there and to what comes.
    pub(super) fn begin(&mut self, now: Instant) {
        let filter = filter();
        let discover = TargetSetDiscoverTargets {
            discover: true,
            filter: &filter,
        };
        self.command(now, None, &discover, Asked::Nothing);
        let auto_attach = TargetSetAutoAttach {
            auto_attach: true,
            wait_for_debugger_on_start: true,
            flatten: true,
            filter: &filter,
        };
        self.command(now, None, &auto_attach, Asked::Begun);
    }

    pub(super) fn target_event(
        &mut self,
        now: Instant,
        wall_ms: u64,
        session: Option<&SessionId>,
        event: &RawEvent<'_>,
    ) {
        match &*event.method {
            "Target.attachedToTarget" => {
                if let Some(attached) = read(event) {
                    self.attached(now, session, attached);
                }
            }
            "Target.detachedFromTarget" => {
                if let Some(DetachedFromTarget { session_id }) = read(event) {
                    self.detached(now, wall_ms, &session_id);
                }
            }
            "Target.targetInfoChanged" => {
                if let Some(TargetTold { target_info }) = read(event) {
                    self.target_changed(now, target_info);
                }
            }
            _ => {}
        }
    }

    fn attached(&mut self, now: Instant, parent: Option<&SessionId>, attached: AttachedToTarget) {
        let (session, target) = (attached.session_id.clone(), attached.target_info.clone());
        if !self.is_wanted(&attached) {
            if attached.waiting_for_debugger {
                self.tell(now, &session, &RuntimeRunIfWaitingForDebugger {});
            }
            let detach = TargetDetachFromTarget {
                session_id: &session,
            };
            return self.command(now, None, &detach, Asked::Nothing);
        }
        let owner = match (target.kind, parent) {
            (TargetKind::Iframe | TargetKind::Worker, Some(parent)) => self
                .sessions
                .get(parent)
                .map_or_else(|| target.target_id.clone(), |parent| parent.owner.clone()),
            _ => target.target_id.clone(),
        };
        self.targets.insert(target.target_id, session.clone());
        let known = Session::new(&attached, owner);
        self.sessions.insert(session.clone(), known);
        self.tab_changed(&attached.target_info.target_id);
        self.set_up(now, &session, &attached);
        self.start(now, &session);
    }

    /// All is asked for, and is carried out before this: a target that waits goes on.
    fn start(&mut self, now: Instant, id: &SessionId) {
        let Some(session) = self.sessions.get(id) else {
            return;
        };
        let reload = !session.waited
            && session.target.kind == TargetKind::Page
            && self.options.present == Present::Reload;
        if reload {
            self.tell(now, id, &PageReload {});
        }
        self.tell(now, id, &RuntimeRunIfWaitingForDebugger {});
    }

    fn is_wanted(&self, attached: &AttachedToTarget) -> bool {
        let target = &attached.target_info;
        let known = self.targets.contains_key(&target.target_id);
        let reached = match self.options.reach {
            Reach::All => true,
            // A new tab has no address yet; what belongs to a tab of ours is ours.
            Reach::Fitting => {
                attached.waiting_for_debugger
                    || matches!(target.kind, TargetKind::Iframe | TargetKind::Worker)
                    || self.fits(&target.url)
            }
        };
        target.kind != TargetKind::Other && !known && reached && self.sessions.len() < TARGETS_MAX
    }

    pub(super) fn fits(&self, url: &str) -> bool {
        self.options
            .documents
            .iter()
            .any(|pattern| pattern.matches(url))
    }

    /// Everything that a session needs, in one go; a target that waits starts after it.
    fn set_up(&mut self, now: Instant, session: &SessionId, attached: &AttachedToTarget) {
        let target = &attached.target_info;
        let auto_attach = TargetSetAutoAttach {
            auto_attach: true,
            wait_for_debugger_on_start: true,
            flatten: true,
            filter: &filter(),
        };
        self.tell(now, session, &auto_attach);
        let has_documents = matches!(target.kind, TargetKind::Page | TargetKind::Iframe);
        if has_documents {
            self.tell(now, session, &PageEnable {});
        }
        self.tell(now, session, &RuntimeEnable {});
        if !self.options.taps.rules.is_empty() {
            self.tell(now, session, &network_enable());
        }
        if self.becomes_page(target.kind) {
            if !std::mem::replace(&mut self.scripts_checked, true) {
                self.check_scripts(now, session);
            }
            self.tell(now, session, &LogEnable {});
            self.inject(now, session, attached);
            self.set_captures(now, session);
            if has_documents {
                self.watch_tools(now, session);
            }
        }
    }

    fn becomes_page(&self, kind: TargetKind) -> bool {
        let kinds = &self.options.kinds;
        // A tab holds the frames of its own site.
        kinds.contains(&kind) || (kind == TargetKind::Page && kinds.contains(&TargetKind::Iframe))
    }

    fn inject(&mut self, now: Instant, session: &SessionId, attached: &AttachedToTarget) {
        let name = self.binding.clone();
        self.tell(now, session, &RuntimeAddBinding { name: &name });
        match attached.target_info.kind {
            TargetKind::Page | TargetKind::Iframe | TargetKind::Other => {
                for source in self.scripts() {
                    let script = PageAddScriptToEvaluateOnNewDocument {
                        source: &source,
                        // A target that waits may have its document already, before its first script.
                        run_immediately: true,
                    };
                    self.tell(now, session, &script);
                }
            }
            TargetKind::Worker | TargetKind::SharedWorker | TargetKind::ServiceWorker => {
                if attached.waiting_for_debugger {
                    self.hold_worker(now, session);
                } else {
                    self.run_in_worker(now, session);
                }
            }
        }
    }

    /// The scripts of each document, in their order.
    pub(super) fn scripts(&self) -> Vec<String> {
        let (binding, options) = (&self.binding, &self.options);
        let link = script::link_script(binding, options);
        let exposed = options
            .expose
            .iter()
            .map(|expose| script::expose_script(binding, expose));
        let own = options
            .scripts
            .iter()
            .map(|own| script::user_script(binding, own));
        [link].into_iter().chain(exposed).chain(own).collect()
    }

    /// Looks whether what the user wrote can be parsed. Any session will do.
    fn check_scripts(&mut self, now: Instant, session: &SessionId) {
        let exposed = self.options.expose.iter().map(|expose| {
            (
                format!("--expose {}", expose.name),
                script::expose_script(&self.binding, expose),
            )
        });
        let own = self.options.scripts.iter().map(|own| {
            (
                format!("--script {}", own.name),
                script::user_script(&self.binding, own),
            )
        });
        for (what, source) in exposed.chain(own).collect::<Vec<_>>() {
            let compile = RuntimeCompileScript {
                expression: &source,
                source_url: &what,
                persist_script: false,
            };
            self.command(now, Some(session), &compile, Asked::Compiled(what.clone()));
        }
    }

    pub(super) fn script_compiled(&mut self, what: &str, result: Result<&RawValue, CommandError>) {
        let Ok(Evaluated {
            exception_details: Some(details),
            ..
        }) = read_answer(result)
        else {
            return;
        };
        let why = details
            .exception
            .and_then(|exception| exception.description)
            .unwrap_or(details.text);
        let text = format!("{what} cannot be parsed, so it does nothing: {why}");
        self.report(Report::Problem { text });
    }

    fn target_changed(&mut self, now: Instant, target: TargetInfo) {
        if let Some(session) = self.targets.get(&target.target_id) {
            let id = target.target_id.clone();
            if let Some(session) = self.sessions.get_mut(session) {
                session.target = target;
            }
            return self.tab_changed(&id);
        }
        let comes_into_reach = self.options.reach == Reach::Fitting
            && target.kind == TargetKind::Page
            && self.fits(&target.url);
        if comes_into_reach {
            let attach = TargetAttachToTarget {
                target_id: &target.target_id,
                flatten: true,
            };
            self.command(now, None, &attach, Asked::Nothing);
        }
    }

    fn detached(&mut self, now: Instant, wall_ms: u64, session: &SessionId) {
        let kind = self.sessions.get(session).map(|gone| gone.target.kind);
        let why = match kind {
            None => return,
            Some(TargetKind::Page) => "the tab was closed",
            Some(TargetKind::Iframe) => "the frame is gone",
            Some(TargetKind::Worker | TargetKind::SharedWorker | TargetKind::ServiceWorker) => {
                "the worker ended"
            }
            Some(TargetKind::Other) => "it is gone",
        };
        self.end_session(now, wall_ms, session, why);
    }

    pub(super) fn end_session(
        &mut self,
        now: Instant,
        wall_ms: u64,
        session: &SessionId,
        why: &str,
    ) {
        self.end_links(session, why);
        let Some(gone) = self.sessions.remove(session) else {
            return;
        };
        self.targets.remove(&gone.target.target_id);
        self.tab_changed(&gone.target.target_id);
        self.forget_taps(now, wall_ms, session, &gone, why);
        self.identities
            .retain(|key, _| key.target != gone.target.target_id);
    }

    pub(super) fn context_created(&mut self, session: &SessionId, event: &RawEvent<'_>) {
        let Some(ExecutionContextCreated { context }) = read(event) else {
            return;
        };
        if context.aux_data.is_default == Some(false) {
            return;
        }
        if let Some(session) = self.sessions.get_mut(session) {
            let facts = ContextFacts {
                origin: origin_of(&context.origin),
                frame: context.aux_data.frame_id,
                link: session.contexts.get(&context.id).and_then(|it| it.link),
                opening: false,
            };
            session.contexts.insert(context.id, facts);
        }
    }

    pub(super) fn context_destroyed(&mut self, session: &SessionId, event: &RawEvent<'_>) {
        let Some(ExecutionContextDestroyed {
            execution_context_id: context,
        }) = read(event)
        else {
            return;
        };
        let session = self.sessions.get_mut(session);
        let facts = session.and_then(|session| {
            let facts = session.contexts.remove(&context)?;
            session.forget_tools(facts.frame.as_ref());
            Some(facts)
        });
        if let Some(link) = facts.and_then(|facts| facts.link) {
            self.end_link(link, "the page navigated");
        }
    }

    /// A frame is gone for good. One that is swapped goes on, in a target of its own.
    pub(super) fn frame_detached(&mut self, session: &SessionId, event: &RawEvent<'_>) {
        let Some(FrameDetached { frame_id, reason }) = read(event) else {
            return;
        };
        if reason == "remove"
            && let Some(session) = self.sessions.get(session)
        {
            let target = session.target.target_id.clone();
            let frame = Some(frame_id);
            self.identities.remove(&PageKey { target, frame });
        }
    }

    pub(super) fn contexts_cleared(&mut self, session: &SessionId) {
        if let Some(session) = self.sessions.get_mut(session) {
            session.contexts.clear();
            session.tools.clear();
            session.scripts.forget();
            session.watch = session.watch.renewed();
            session.crashed = false;
        }
        self.end_links(session, "the page navigated");
    }

    pub(super) fn target_crashed(&mut self, now: Instant, session: &SessionId) {
        if let Some(session) = self.sessions.get_mut(session) {
            session.contexts.clear();
            session.crashed = true;
        }
        self.end_links(session, "the page crashed");
        self.reload_after_crash(now, session);
    }
}

/// An origin as browsers send it. Contexts of workers have their whole address, and opaque ones `://`.
fn origin_of(told: &str) -> String {
    let address = told.strip_prefix("blob:").unwrap_or(told);
    match address.split_once("://") {
        Some((scheme, rest)) if !scheme.is_empty() => {
            let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
            format!("{scheme}://{}", &rest[..end])
        }
        Some(_) | None => "null".to_owned(),
    }
}

fn network_enable() -> NetworkEnable {
    NetworkEnable {
        max_total_buffer_size: Some(TAP_BODIES_BYTES),
        max_resource_buffer_size: Some(TAP_BODY_BYTES),
    }
}

/// What the browser is asked to keep of response bodies until we fetched them.
const TAP_BODIES_BYTES: u64 = 256 << 20;
/// Of one body.
const TAP_BODY_BYTES: u64 = 64 << 20;
