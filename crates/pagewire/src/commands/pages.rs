//! `pagewire pages`.

use http::Method;
use pagewire_rpc::Note;
use serde::Deserialize;

use crate::cli::{PageChange, PagesArguments};
use crate::client::Client;
use crate::exit::{FAILED, Failed};
use crate::terminal::{one_line, print_json, print_text};

/// The part of `GET /v1/pages` that is shown.
#[derive(Deserialize)]
struct Listing {
    pages: Vec<Page>,
}

#[derive(Deserialize)]
struct Page {
    id: String,
    epoch: u64,
    group: String,
    carrier: String,
    #[serde(default)]
    kind: String,
    url: String,
    functions: Vec<Function>,
    calls: Calls,
    #[serde(default)]
    draining: bool,
    health: Health,
    #[serde(default)]
    notes: Vec<Note>,
    #[serde(default)]
    taps: Vec<Tap>,
}

#[derive(Deserialize)]
struct Tap {
    topic: String,
    frames: u64,
    kept_bytes: u64,
}

#[derive(Deserialize)]
struct Function {
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    params: Option<Vec<Parameter>>,
    stream: bool,
}

#[derive(Deserialize)]
struct Parameter {
    name: String,
    required: bool,
}

#[derive(Deserialize)]
struct Calls {
    in_flight: usize,
    queued: usize,
}

#[derive(Deserialize)]
struct Health {
    responsive: bool,
    #[serde(default)]
    lag_ms: Option<u64>,
    #[serde(default)]
    hidden: Option<bool>,
    #[serde(default)]
    asked_last: bool,
}

pub(crate) async fn run(arguments: &PagesArguments) -> Result<(), Failed> {
    let client = Client::new(&arguments.hub)?;
    if let Some((method, path)) = arguments.change.request() {
        client.order(method, &path).await?;
        return Ok(());
    }
    let text = client.get("/v1/pages").await?.text().await?;
    if arguments.json {
        return print_json(&text);
    }
    let listing: Listing = serde_json::from_str(&text).map_err(|error| {
        Failed::new(
            FAILED,
            format!("the hub's answer is not understood: {error}"),
        )
    })?;
    if listing.pages.is_empty() {
        return print_text(
            "No page is attached. `pagewire serve` prints the snippet to paste into a page.",
        );
    }
    listing
        .pages
        .iter()
        .try_for_each(|page| print_text(page.shown().trim_end()))
}

impl PageChange {
    /// The request that does it; none when nothing is to be done.
    fn request(&self) -> Option<(Method, String)> {
        let path = |id: &String, rest: &str| format!("/v1/pages/{}{rest}", Client::encode(id));
        let drain = self
            .drain
            .as_ref()
            .map(|id| (Method::POST, path(id, "/drain")));
        let resume = || {
            let id = self.resume.as_ref()?;
            Some((Method::POST, path(id, "/resume")))
        };
        let detach = || {
            let id = self.detach.as_ref()?;
            Some((Method::DELETE, path(id, "")))
        };
        drain.or_else(resume).or_else(detach)
    }
}

impl Page {
    fn shown(&self) -> String {
        let mut text = format!(
            "{}  {}  epoch {}  {}{}{}  {} in flight, {} queued  {}{}\n  {}\n",
            self.group,
            self.id,
            self.epoch,
            self.carrier,
            if self.kind.is_empty() { "" } else { " " },
            self.kind,
            self.calls.in_flight,
            self.calls.queued,
            self.health.shown(),
            if self.draining { ", draining" } else { "" },
            one_line(&self.url),
        );
        for note in &self.notes {
            let blocks = if note.blocks {
                " (keeps it from answering)"
            } else {
                ""
            };
            text.push_str(&format!("  ! {}{blocks}\n", one_line(note.words())));
        }
        for tap in &self.taps {
            let Tap {
                topic,
                frames,
                kept_bytes,
            } = tap;
            let plural = if *frames == 1 { "" } else { "s" };
            text.push_str(&format!(
                "  ~ {topic}  {frames} frame{plural}, {kept_bytes} bytes kept\n"
            ));
        }
        for function in &self.functions {
            text.push_str(&format!("    {}/{}\n", self.group, function.shown()));
        }
        text
    }
}

impl Function {
    fn shown(&self) -> String {
        let parameters = match &self.params {
            None => "…".to_owned(),
            Some(params) => {
                let names = params.iter().map(|p| {
                    if p.required {
                        p.name.clone()
                    } else {
                        format!("[{}]", p.name)
                    }
                });
                names.collect::<Vec<_>>().join(", ")
            }
        };
        let kind = if self.stream { "  (stream)" } else { "" };
        let description = if self.description.is_empty() {
            String::new()
        } else {
            format!("  {}", one_line(&self.description))
        };
        format!("{}({parameters}){kind}{description}", self.name)
    }
}

impl Health {
    fn shown(&self) -> String {
        let mut words = vec![
            if self.responsive {
                "responsive"
            } else {
                "NOT RESPONSIVE (main thread blocked or paused)"
            }
            .to_owned(),
        ];
        words.extend(self.lag_ms.map(|lag| format!("lag {lag} ms")));
        words.extend(
            self.hidden
                .filter(|hidden| *hidden)
                .map(|_| "hidden".to_owned()),
        );
        if self.asked_last {
            words.push("timed out, asked last".to_owned());
        }
        words.join(", ")
    }
}
