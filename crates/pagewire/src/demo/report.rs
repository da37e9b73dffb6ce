//! What the demo prints: for people, or one JSON object a line.

use std::time::Duration;

use serde_json::{Value, json};

use crate::exit::Failed;
use crate::terminal::{print_json, print_text};

#[derive(Debug)]
pub(crate) struct Report {
    json: bool,
}

impl Report {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    fn say(&self, event: &str, value: Value, text: &str) -> Result<(), Failed> {
        if self.json {
            print_json(&super::step(event, &value).to_string())
        } else {
            print_text(text)
        }
    }

    pub(crate) fn started(&self, hub: &str, site: &str) -> Result<(), Failed> {
        let text = format!(
            "Pagewire demo\n\n  hub          {hub}\n  sample page  {site}   (of another origin, with a strict Content-Security-Policy; it knows nothing of Pagewire)"
        );
        self.say("started", json!({ "hub": hub, "site": site }), &text)
    }

    pub(crate) fn attached(&self, page: &Value, headless: bool) -> Result<(), Failed> {
        let how = if headless {
            "in Chromium, headless: this machine has no display"
        } else {
            "in the browser"
        };
        let functions = page["functions"].as_array().map_or(0, Vec::len);
        let text = format!(
            "  attached     {} to group {}, with {functions} functions   ({how})\n\nA program calls the page's own JavaScript functions:\n",
            page["id"].as_str().unwrap_or_default(),
            page["group"].as_str().unwrap_or_default(),
        );
        self.say("attached", page.clone(), &text)
    }

    pub(crate) fn call(
        &self,
        function: &str,
        arguments: &str,
        answer: &str,
        took: Duration,
        what: &str,
    ) -> Result<(), Failed> {
        let took_ms = took.as_secs_f64() * 1_000.0;
        let arguments_shown = arguments.trim_start_matches('[').trim_end_matches(']');
        let call = format!("{function}({arguments_shown})");
        let text = format!(
            "  {call:<20} → {answer}\n  {:<20}   {what}, {took_ms:.1} ms\n",
            ""
        );
        let value = json!({ "function": function, "arguments": arguments, "answer": answer, "ms": took_ms });
        self.say("call", value, &text)
    }

    pub(crate) fn tap(&self, topic: &str) -> Result<(), Failed> {
        self.say(
            "topic",
            json!({ "topic": topic }),
            &format!("And it listens to the page's own WebSocket, topic {topic}:\n"),
        )
    }

    pub(crate) fn decoded(&self, topic: &str) -> Result<(), Failed> {
        self.say(
            "topic",
            json!({ "topic": topic }),
            &format!(
                "\nThe page's own decoder, taken out of a closure, reads the same bytes, topic {topic}:\n"
            ),
        )
    }

    pub(crate) fn record(&self, line: &str) -> Result<(), Failed> {
        let record: Value = serde_json::from_str(line).unwrap_or_default();
        self.say("record", record, &format!("  {line}"))
    }

    pub(crate) fn no_browser(&self, site: &str, how: &str) -> Result<(), Failed> {
        let text = format!(
            "\nNo Chromium, Chrome or Edge was found on this machine. To get one:\n  {how}\n\n\
             Or open the sample page, with the page script in it, in the browser that you have:\n  {site}\n"
        );
        self.say("no_browser", json!({ "open": site, "get": how }), &text)
    }

    pub(crate) fn stays(&self, hub: &str, site: &str) -> Result<(), Failed> {
        let text = format!(
            "\nNow you. The hub and the page stay until Ctrl-C:\n\n  \
             curl -d '[2,3]' {hub}/v1/call/demo/add\n  \
             curl -N -d '[5]' {hub}/v1/call/demo/countdown\n  \
             curl -d '[320,200]' {hub}/v1/call/demo/draw -o picture.png\n  \
             curl {hub}/v1/pages\n  \
             curl {hub}/v1/topics\n\n  \
             The page itself: {site}\n"
        );
        self.say("stays", json!({ "hub": hub, "site": site }), &text)
    }

    pub(crate) fn ended(&self, well: bool) -> Result<(), Failed> {
        let text = if well {
            "\nAll of it worked."
        } else {
            "\nNot all of it worked:"
        };
        self.say("ended", json!({ "ok": well }), text)
    }
}
