//! What `pagewire attach` prints.

use pagewire_browser::Report;
use serde_json::{Value, json};

use crate::commands::browser::Told;
use crate::exit::Failed;
use crate::terminal::{harmless, print_json, print_text};

/// For people, or one JSON object a line.
#[derive(Debug, Clone, Copy)]
pub(super) enum Words {
    People,
    Json,
}

impl Told for Words {
    fn say(&mut self, event: &str, value: Value, text: &str) -> Result<(), Failed> {
        match self {
            Self::People => print_text(&harmless(text)),
            Self::Json => {
                let mut line = value;
                line["event"] = json!(event);
                print_json(&line.to_string())
            }
        }
    }

    fn report(&mut self, report: &Report) -> Result<(), Failed> {
        let (event, value, text) = words(report);
        self.say(event, value, &text)
    }
}

fn words(report: &Report) -> (&'static str, Value, String) {
    match report {
        Report::PageAttached {
            page,
            kind,
            url,
            epoch,
        } => (
            "attached",
            json!({ "page": page, "kind": kind, "url": url, "epoch": epoch }),
            format!("attached   {page}  {kind}  {url}"),
        ),
        Report::PageLeft { page, why } => (
            "left",
            json!({ "page": page, "why": why }),
            format!("left       {page}  {why}"),
        ),
        Report::TapOpened { topic } => (
            "tap",
            json!({ "topic": topic }),
            format!("tap        {topic}"),
        ),
        Report::SocketUnseen { page } => (
            "socket_unseen",
            json!({ "page": page }),
            format!(
                "not seen   a WebSocket of {page} was opened before: its address and first messages are not known. Load the page again, or attach with --reload\n           该网页的 WebSocket 在接入前已打开，请刷新网页或使用 --reload"
            ),
        ),
        Report::CarrierRefused { page, text } => (
            "ws_refused",
            json!({ "page": page, "text": text }),
            format!(
                "refused    the page script of {page} cannot open its WebSocket to the hub. It need not: the page is attached through DevTools. The browser says: {text}"
            ),
        ),
        Report::CaptureSet { name, place } => (
            "capture",
            json!({ "name": name, "place": place }),
            format!("capture    {name} waits for {place} to be run"),
        ),
        Report::Problem { text } => (
            "problem",
            json!({ "text": text }),
            format!("problem    {text}"),
        ),
        other => ("report", json!({}), format!("{other:?}")),
    }
}
