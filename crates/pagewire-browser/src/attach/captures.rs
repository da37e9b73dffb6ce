//! Values out of closures: a breakpoint whose condition stores a value and is never true, so that nothing stops.

use std::time::Instant;

use pagewire_cdp::command::{
    DebuggerEnable, DebuggerGetScriptSource, DebuggerRemoveBreakpoint, DebuggerResume,
    DebuggerSetBreakpointByUrl, DebuggerSetInstrumentationBreakpoint,
};
use pagewire_cdp::event::{BreakpointSet, DebuggerPaused, Location, ScriptParsed, ScriptSource};
use pagewire_cdp::{Capture, CommandError, Place, RawEvent, SessionId};
use serde_json::value::RawValue;

use super::report::Report;
use super::script;
use super::state::{Asked, State, read, read_answer};

/// How far a capture has come in one session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Placed {
    /// Its script was not seen.
    Sought,
    /// Its place is known, and the breakpoint is on its way.
    Found,
    /// Its breakpoint waits for the place to be run.
    Set,
}

impl State {
    pub(super) fn set_captures(&mut self, now: Instant, id: &SessionId) {
        let captures = self.options.captures.clone();
        if captures.is_empty() {
            return;
        }
        if let Some(session) = self.sessions.get_mut(id) {
            session.placed = vec![Placed::Sought; captures.len()];
            session.answers_due += 1;
        }
        // Chromium carries breakpoints out ahead of other commands, and refuses them where the debugger is not on yet.
        let on = Asked::DebuggerOn(id.clone());
        self.command(now, Some(id), &DebuggerEnable {}, on);
        // A tab without an opener answers when it goes on and no sooner, and a place that is told by a text is known when its script is there; so scripts
        // are held before their first line until the breakpoints are set.
        let hold = DebuggerSetInstrumentationBreakpoint {
            instrumentation: "beforeScriptExecution",
        };
        self.command(now, Some(id), &hold, Asked::HoldSet(id.clone()));
    }

    pub(super) fn hold_set(&mut self, id: &SessionId, result: Result<&RawValue, CommandError>) {
        let needs_source = self.options.captures.iter().any(is_near);
        if let Ok(BreakpointSet { breakpoint_id }) = read_answer(result)
            && let Some(session) = self.sessions.get_mut(id)
            && !needs_source
        {
            session.hold_to_end = Some(breakpoint_id);
        }
    }

    pub(super) fn debugger_on(&mut self, now: Instant, id: &SessionId) {
        let captures = self.options.captures.clone();
        for (index, capture) in captures.iter().enumerate() {
            // A line and a column need no source.
            if !is_near(capture)
                && let Some(place) = capture.place.find("")
            {
                self.set_breakpoint(now, id, index, &place);
            }
        }
        self.answer_came(now, id);
    }

    fn set_breakpoint(&mut self, now: Instant, id: &SessionId, index: usize, place: &Location) {
        let Some(capture) = self.options.captures.get(index) else {
            return;
        };
        let capture = capture.clone();
        if let Some(placed) = self.placed(id, index) {
            *placed = Placed::Found;
        }
        let name = serde_json::to_string(&capture.name).expect("a text is JSON");
        let condition = format!(
            "(() => {{ try {{ globalThis.{}?.capture({name}, (\n{}\n)); }} catch {{}} return false; }})()",
            self.binding, capture.expression
        );
        let url_regex = capture.url.to_regex();
        let set = DebuggerSetBreakpointByUrl {
            url_regex: &url_regex,
            line_number: place.line_number,
            column_number: place.column_number,
            condition: &condition,
        };
        self.command(now, Some(id), &set, Asked::CaptureSet(id.clone(), index));
    }

    pub(super) fn capture_set(
        &mut self,
        id: &SessionId,
        index: usize,
        result: Result<&RawValue, CommandError>,
    ) {
        let Some(capture) = self.options.captures.get(index).cloned() else {
            return;
        };
        match read_answer::<BreakpointSet>(result) {
            Ok(BreakpointSet { .. }) => {
                if let Some(placed) = self.placed(id, index) {
                    *placed = Placed::Set;
                }
                self.report(Report::CaptureSet {
                    place: place_in_words(&capture),
                    name: capture.name,
                });
            }
            Err(why) => {
                let text = format!("--capture {}: {why}", capture.name);
                self.report(Report::Problem { text });
            }
        }
    }

    fn placed(&mut self, id: &SessionId, index: usize) -> Option<&mut Placed> {
        self.sessions.get_mut(id)?.placed.get_mut(index)
    }

    pub(super) fn debugger_event(&mut self, now: Instant, id: &SessionId, event: &RawEvent<'_>) {
        match &*event.method {
            "Debugger.paused" => {
                if let Some(paused) = read::<DebuggerPaused>(event) {
                    self.debugger_paused(now, id, &paused);
                }
            }
            "Debugger.resumed" => self.resumed(now, id),
            "Debugger.scriptParsed" => {
                if let Some(script) = read(event) {
                    if let Some(session) = self.sessions.get_mut(id) {
                        session.scripts.learn(&script);
                    }
                    self.seek(now, id, script);
                }
            }
            _ => {}
        }
    }

    fn debugger_paused(&mut self, now: Instant, id: &SessionId, paused: &DebuggerPaused) {
        if paused.reason != "instrumentation" {
            return self.paused(now, id, paused);
        }
        self.run_due_scripts(now, id);
        // The script was told of before; where it holds a place, it waits until the breakpoint is set.
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        if session.answers_due > 0 {
            session.holds_script = true;
            return;
        }
        // All are set, for the documents to come too.
        if let Some(hold) = session.hold_to_end.take() {
            let remove = DebuggerRemoveBreakpoint {
                breakpoint_id: &hold,
            };
            self.tell(now, id, &remove);
        }
        self.tell(now, id, &DebuggerResume {});
        if self.options.captures.is_empty() {
            self.disable_debugger(now, id);
        }
    }

    fn is_sought_in(&self, url: &str) -> bool {
        // Our own script names the places that it is to find.
        if url.is_empty() || url.starts_with(script::OWN) {
            return false;
        }
        let mut captures = self.options.captures.iter();
        captures.any(|capture| is_near(capture) && capture.url.matches(url))
    }

    /// Asks for the text of a script that may hold a place. One that was there before us is not held; its place may have been run already.
    fn seek(&mut self, now: Instant, id: &SessionId, parsed: ScriptParsed) {
        if !self.is_sought_in(&parsed.url) {
            return;
        }
        if let Some(session) = self.sessions.get_mut(id) {
            session.answers_due += 1;
        }
        let source = DebuggerGetScriptSource {
            script_id: &parsed.script_id.clone(),
        };
        let asked = Asked::ScriptSource(id.clone(), parsed);
        self.command(now, Some(id), &source, asked);
    }

    pub(super) fn source_came(
        &mut self,
        now: Instant,
        id: &SessionId,
        script: &ScriptParsed,
        result: Result<&RawValue, CommandError>,
    ) {
        match read_answer::<ScriptSource>(result) {
            Ok(ScriptSource { script_source }) => self.place_in(now, id, script, &script_source),
            Err(error) => tracing::debug!(error, "the text of a script did not come"),
        }
        self.answer_came(now, id);
    }

    /// A script that waits runs after the last answer.
    fn answer_came(&mut self, now: Instant, id: &SessionId) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        session.answers_due = session.answers_due.saturating_sub(1);
        if session.answers_due == 0 && std::mem::take(&mut session.holds_script) {
            // Commands are carried out in their order, so the breakpoint is set before this.
            self.tell(now, id, &DebuggerResume {});
        }
    }

    fn place_in(&mut self, now: Instant, id: &SessionId, script: &ScriptParsed, source: &str) {
        let captures = self.options.captures.clone();
        for (index, capture) in captures.iter().enumerate() {
            let sought = self
                .placed(id, index)
                .is_some_and(|placed| *placed == Placed::Sought);
            if !sought || !is_near(capture) || !capture.url.matches(&script.url) {
                continue;
            }
            if let Some(place) = capture.place.find(source) {
                self.set_breakpoint(now, id, index, &in_resource(&place, script));
            }
        }
    }
}

/// A place in a script as a place in what it is a part of.
fn in_resource(place: &Location, script: &ScriptParsed) -> Location {
    let first_line = place.line_number == 0;
    Location {
        line_number: place.line_number + script.start_line,
        column_number: place.column_number + if first_line { script.start_column } else { 0 },
    }
}

fn is_near(capture: &Capture) -> bool {
    matches!(capture.place, Place::Near(_))
}

/// Where a capture is taken.
pub(super) fn place_in_words(capture: &Capture) -> String {
    match &capture.place {
        Place::At { line, column } => format!("{}:{line}:{column}", capture.url),
        Place::Near(text) => format!("{} near {text:?}", capture.url),
    }
}
