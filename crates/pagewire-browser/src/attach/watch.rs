//! "Why does it not answer?": what the browser knows of a page that says nothing, told to the hub as notes.

use std::time::Instant;

use pagewire_cdp::command::{
    DebuggerEnable, DebuggerResume, PageHandleJavaScriptDialog, PageReload, RuntimeEvaluate,
};
use pagewire_cdp::event::{DebuggerPaused, EntryAdded, JavascriptDialogOpening, TargetKind};
use pagewire_cdp::{RawEvent, SessionId};
use pagewire_rpc::{Frame, Input};

use super::carrier::LinkKey;
use super::options::Dialogs;
use super::page::Greeting;
use super::report::Report;
use super::signs::{BLOCKED_AFTER, CRASH_RELOADS_MAX, PROBE_WAIT_MAX, Stage};
use super::state::{Asked, Effect, State, read};

const PAUSED: &str = "paused";
const BLOCKED: &str = "blocked";
const DIALOG: &str = "dialog";
const SOCKETS_UNSEEN: &str = "sockets_unseen";
const CARRIER_REFUSED: &str = "ws_refused";

impl State {
    pub(super) fn look_after_pages(&mut self, now: Instant) {
        let due: Vec<_> = self
            .sessions
            .iter()
            .filter(|(_, session)| session.watch.due().is_some_and(|due| due <= now))
            .map(|(id, _)| id.clone())
            .collect();
        for session in due {
            self.look_after(now, &session);
        }
    }

    fn look_after(&mut self, now: Instant, id: &SessionId) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        let watch = &mut session.watch;
        match watch.stage {
            Stage::Quiet => {}
            // Nothing to find out, and a promise would wait with the rest.
            Stage::Waiting { .. } if watch.has(PAUSED) || watch.has(DIALOG) => {
                watch.stage = Stage::Waiting {
                    due: now + PROBE_WAIT_MAX,
                    wait: PROBE_WAIT_MAX,
                };
            }
            Stage::Waiting { wait, .. } => {
                watch.stage = Stage::Probing {
                    since: now,
                    due: now + BLOCKED_AFTER,
                    wait,
                };
                let promise = RuntimeEvaluate {
                    expression: "Promise.resolve(0)",
                    context_id: None,
                    silent: true,
                    return_by_value: true,
                    await_promise: true,
                };
                self.command(now, Some(id), &promise, Asked::Probe(id.clone()));
            }
            Stage::Probing { since, .. } => {
                watch.stage = Stage::Suspected {
                    since,
                    due: now + BLOCKED_AFTER,
                };
                self.command(
                    now,
                    Some(id),
                    &DebuggerEnable {},
                    Asked::Suspect(id.clone()),
                );
            }
            Stage::Suspected { since, .. } => {
                let blocked = now.saturating_duration_since(since);
                watch.stage = Stage::Suspected {
                    since,
                    due: now + blocked,
                };
                let text = format!(
                    "the page's main thread has been blocked for {} ms",
                    blocked.as_millis()
                );
                self.note(id, BLOCKED, text, true);
            }
        }
    }

    /// The page carried out a promise: its JavaScript runs, and its function takes its time.
    pub(super) fn probed(&mut self, now: Instant, id: &SessionId) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        if let Stage::Probing { wait, .. } = session.watch.stage {
            let wait = (wait * 2).min(PROBE_WAIT_MAX);
            session.watch.stage = Stage::Waiting {
                due: now + wait,
                wait,
            };
        }
    }

    /// The debugger answered, so the main thread is not blocked; where the page is paused, that was told before.
    pub(super) fn suspect_answered(&mut self, now: Instant, id: &SessionId) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        session.watch.stage = Stage::Waiting {
            due: now + PROBE_WAIT_MAX,
            wait: PROBE_WAIT_MAX,
        };
        self.clear_note(id, BLOCKED);
        if self.options.captures.is_empty() && !self.has_note(id, PAUSED) {
            self.disable_debugger(now, id);
        }
    }

    fn has_note(&self, session: &SessionId, code: &str) -> bool {
        let session = self.sessions.get(session);
        session.is_some_and(|session| session.watch.has(code))
    }

    pub(super) fn paused(&mut self, now: Instant, session: &SessionId, paused: &DebuggerPaused) {
        // With captures the debugger is always on, and would stop at each `debugger` of the page because of us.
        let ours = !self.options.captures.is_empty()
            && paused.hit_breakpoints.is_empty()
            && paused.reason == "other";
        if ours {
            return self.tell(now, session, &DebuggerResume {});
        }
        let known = self.sessions.get(session);
        let frame = known.zip(paused.call_frames.first());
        let place = frame.map_or_else(String::new, |(known, frame)| {
            format!(" at {}", known.scripts.place(frame))
        });
        self.note(
            session,
            PAUSED,
            format!("the page is paused in the debugger{place}"),
            true,
        );
    }

    pub(super) fn resumed(&mut self, now: Instant, session: &SessionId) {
        if self.clear_note(session, PAUSED) && self.options.captures.is_empty() {
            self.disable_debugger(now, session);
        }
    }

    pub(super) fn dialog_opened(
        &mut self,
        now: Instant,
        session: &SessionId,
        event: &RawEvent<'_>,
    ) {
        let Some(dialog) = read::<JavascriptDialogOpening<'_>>(event) else {
            return;
        };
        match self.options.dialogs {
            Dialogs::Answer => {
                let accept = dialog.kind == "beforeunload";
                self.tell(now, session, &PageHandleJavaScriptDialog { accept });
            }
            Dialogs::Leave => {
                let text = format!("the page shows a dialog ({}) and waits", dialog.kind);
                self.note(session, DIALOG, text, true);
            }
        }
    }

    pub(super) fn dialog_closed(&mut self, session: &SessionId) {
        self.clear_note(session, DIALOG);
    }

    /// The page's own page script, where it has one, may be refused by the page's policy or by the browser; the browser writes so to the console.
    /// The script tries again and again, and the words differ between its steps: the first ones stay until the next document.
    pub(super) fn entry_added(&mut self, session: &SessionId, event: &RawEvent<'_>) {
        let Some(EntryAdded { entry }) = read(event) else {
            return;
        };
        let told = self.has_note(session, CARRIER_REFUSED);
        if told || entry.level != "error" || !is_about(&entry.text, &self.options.hub_url) {
            return;
        }
        let text = entry.text.into_owned();
        if self.note(session, CARRIER_REFUSED, text.clone(), false)
            && let Some(page) = self.page_of(session)
        {
            self.report(Report::CarrierRefused { page, text });
        }
    }

    pub(super) fn note_unseen_sockets(&mut self, session: &SessionId) {
        let text = "a WebSocket was opened before Pagewire listened, so its address and its first messages are not known: \
            load the page again (--reload)";
        let new = self.note(session, SOCKETS_UNSEEN, text.to_owned(), false);
        if new && let Some(page) = self.page_of(session) {
            self.report(Report::SocketUnseen { page });
        }
    }

    /// Loads a page that crashed again, a few times.
    pub(super) fn reload_after_crash(&mut self, now: Instant, id: &SessionId) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        if session.target.kind != TargetKind::Page {
            return; // Its tab may make it anew.
        }
        let url = session.target.url.clone();
        if session.watch.crashes.one_more(now) <= CRASH_RELOADS_MAX {
            return self.tell(now, id, &PageReload {});
        }
        let text = format!(
            "{url} crashed {} times in a row and is not loaded again by itself",
            CRASH_RELOADS_MAX + 1
        );
        self.report(Report::Problem { text });
    }

    fn note(&mut self, id: &SessionId, code: &'static str, text: String, blocks: bool) -> bool {
        let Some(session) = self.sessions.get_mut(id) else {
            return false;
        };
        let new = session.watch.note(code, text, blocks);
        if new {
            self.tell_notes(id);
        }
        new
    }

    fn clear_note(&mut self, id: &SessionId, code: &'static str) -> bool {
        let Some(session) = self.sessions.get_mut(id) else {
            return false;
        };
        let was = session.watch.clear(code);
        if was {
            self.tell_notes(id);
        }
        was
    }

    /// Tells the notes of a session on each of its links that said hello.
    fn tell_notes(&mut self, id: &SessionId) {
        let links = self.links.iter();
        let links: Vec<_> = links
            .filter(|(_, link)| link.session == *id && link.greeting != Greeting::Opened)
            .map(|(key, _)| *key)
            .collect();
        for link in links {
            self.tell_notes_on(link);
        }
    }

    /// Tells what is known already on a link that said hello.
    pub(super) fn tell_notes_after_hello(&mut self, key: LinkKey) {
        let session = self
            .links
            .get(&key)
            .and_then(|link| self.sessions.get(&link.session));
        if session.is_some_and(|session| session.watch.has_notes()) {
            self.tell_notes_on(key);
        }
    }

    fn tell_notes_on(&mut self, key: LinkKey) {
        let Some(link) = self.links.get(&key) else {
            return;
        };
        let Some(session) = self.sessions.get(&link.session) else {
            return;
        };
        let frame = Frame::Text(session.watch.message().into());
        let input = Effect::Input(link.inputs.clone(), Input::Frame(frame));
        self.effects.push_back(input);
    }
}

/// Names of this machine. A page script may use another one than we do.
const LOOPBACK: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];

/// Whether a text of the browser names an address of the hub.
fn is_about(text: &str, hub_url: &str) -> bool {
    let rest = hub_url.split("://").nth(1).unwrap_or_default();
    let authority = rest.split('/').next().unwrap_or_default();
    let port = LOOPBACK
        .iter()
        .find_map(|name| authority.strip_prefix(name));
    let names = |authority: &str| {
        let mut found = text.match_indices(authority);
        found.any(|(at, found)| {
            let follows = &text[at + found.len()..];
            text[..at].ends_with("://") && !follows.starts_with(|c: char| c.is_ascii_digit())
        })
    };
    match port {
        Some(port) => LOOPBACK.iter().any(|name| names(&format!("{name}{port}"))),
        None => !authority.is_empty() && names(authority),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_about_the_hub_where_it_names_it() {
        for (text, hub, about) in [
            (
                "to 'ws://127.0.0.1:9999/v1/page'",
                "http://127.0.0.1:9999",
                true,
            ),
            (
                "to 'http://localhost:9999/health'",
                "http://127.0.0.1:9999",
                true,
            ),
            ("to 'ws://[::1]:9999'", "http://localhost:9999", true),
            (
                "to 'ws://127.0.0.1:99990/v1/page'",
                "http://127.0.0.1:9999",
                false,
            ),
            (
                "to 'ws://127.0.0.1:9998/v1/page'",
                "http://127.0.0.1:9999",
                false,
            ),
            ("at 127.0.0.1:9999", "http://127.0.0.1:9999", false),
            (
                "to 'wss://hub.example/pw/v1/page'",
                "https://hub.example/pw",
                true,
            ),
            ("to 'wss://other.example'", "https://hub.example/pw", false),
            ("to 'wss://other.example'", "", false),
        ] {
            assert_eq!(is_about(text, hub), about, "{text} {hub}");
        }
    }
}
