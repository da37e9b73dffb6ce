//! Addresses of scripts, for places in them: where JavaScript is paused, the browser says which script it is by its id only.

use std::collections::HashMap;
use std::time::Instant;

use pagewire_cdp::command::DebuggerDisable;
use pagewire_cdp::event::{PausedFrame, ScriptParsed};
use pagewire_cdp::{ScriptId, SessionId};

use super::state::State;

/// Scripts of one document whose addresses are known. Places in one more are told by their line only.
const SCRIPTS_MAX: usize = 4_096;
/// Longest address that is kept; of a script with a longer one, such as `data:`, the line is told.
const SCRIPT_URL_BYTES_MAX: usize = 2_048;

/// Addresses by script, while the debugger is on.
#[derive(Debug, Default)]
pub(super) struct Scripts {
    urls: HashMap<ScriptId, String>,
}

impl Scripts {
    pub(super) fn learn(&mut self, script: &ScriptParsed) {
        // What programs and we evaluate has no address.
        let told = 1..=SCRIPT_URL_BYTES_MAX;
        if told.contains(&script.url.len()) && self.urls.len() < SCRIPTS_MAX {
            let url = script.url.clone();
            self.urls.insert(script.script_id.clone(), url);
        }
    }

    pub(super) fn forget(&mut self) {
        self.urls.clear();
    }

    /// `https://shop.example/app.js:10`, or what there is of it.
    pub(super) fn place(&self, frame: &PausedFrame) -> String {
        let line = frame.location.line_number + 1;
        match self.urls.get(&frame.location.script_id) {
            Some(url) => format!("{url}:{line}"),
            None => format!("line {line}"),
        }
    }
}

impl State {
    /// The page runs at its full speed again, and scripts are not told of any more.
    pub(super) fn disable_debugger(&mut self, now: Instant, id: &SessionId) {
        if let Some(session) = self.sessions.get_mut(id) {
            session.scripts.forget();
        }
        self.tell(now, id, &DebuggerDisable {});
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::*;

    fn script(id: usize, url: &str) -> ScriptParsed {
        from_value(json!({ "scriptId": id.to_string(), "url": url })).expect("a script")
    }

    fn place(scripts: &Scripts, id: usize) -> String {
        let location = json!({ "scriptId": id.to_string(), "lineNumber": 9 });
        scripts.place(&from_value(json!({ "location": location })).expect("a frame"))
    }

    #[test]
    fn as_many_scripts_are_known_as_there_may_be_and_of_one_more_the_line() {
        let mut scripts = Scripts::default();
        for id in 0..=SCRIPTS_MAX {
            scripts.learn(&script(id, "app.js"));
        }
        assert_eq!(place(&scripts, SCRIPTS_MAX - 1), "app.js:10");
        assert_eq!(place(&scripts, SCRIPTS_MAX), "line 10");
        scripts.forget();
        assert_eq!(place(&scripts, 0), "line 10");
    }

    #[test]
    fn an_address_at_the_limit_is_told_and_none_that_is_longer_or_empty() {
        let mut scripts = Scripts::default();
        let longest = "a".repeat(SCRIPT_URL_BYTES_MAX);
        scripts.learn(&script(1, &longest));
        scripts.learn(&script(2, &format!("{longest}a")));
        scripts.learn(&script(3, ""));
        assert_eq!(place(&scripts, 1), format!("{longest}:10"));
        assert_eq!(place(&scripts, 2), "line 10");
        assert_eq!(place(&scripts, 3), "line 10");
    }
}
