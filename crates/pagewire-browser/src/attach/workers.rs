//! Scripts of ours in workers. A worker that waits has no address and hardly any functions yet, and Chromium crashes where a script asks for them; so the
//! scripts run when the worker's own first script is about to.

use std::time::Instant;

use pagewire_cdp::SessionId;
use pagewire_cdp::command::{
    DebuggerEnable, DebuggerSetInstrumentationBreakpoint, RuntimeEvaluate,
};

use super::state::State;

impl State {
    /// Has a worker that waits stop once more before its first script.
    pub(super) fn hold_worker(&mut self, now: Instant, id: &SessionId) {
        if let Some(session) = self.sessions.get_mut(id) {
            session.scripts_due = true;
        }
        if !self.options.captures.is_empty() {
            // They have it stop there too.
            return;
        }
        self.tell(now, id, &DebuggerEnable {});
        let hold = DebuggerSetInstrumentationBreakpoint {
            instrumentation: "beforeScriptExecution",
        };
        self.tell(now, id, &hold);
    }

    /// A worker's first script is about to run: ours go first.
    pub(super) fn run_due_scripts(&mut self, now: Instant, id: &SessionId) {
        let session = self.sessions.get_mut(id);
        if session.is_some_and(|session| std::mem::take(&mut session.scripts_due)) {
            self.run_in_worker(now, id);
        }
    }

    pub(super) fn run_in_worker(&mut self, now: Instant, id: &SessionId) {
        for source in self.scripts() {
            let script = RuntimeEvaluate {
                expression: &source,
                context_id: None,
                silent: true,
                return_by_value: false,
                await_promise: false,
            };
            self.tell(now, id, &script);
        }
    }
}
