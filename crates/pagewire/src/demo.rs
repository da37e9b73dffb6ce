//! `pagewire demo`: one command that shows a program calling real pages in a real browser, and reading a live room through one of them.

mod next;
mod report;
mod room;
mod site;
mod tour;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pagewire_browser::{
    AttachOptions, Browser, HOW_TO_GET_ONE, HubPort, LaunchOptions, Transport, UserScript,
    WantedPage, Window, attach,
};
use pagewire_hub::{GroupPolicy, Hub, HubOptions};
use pagewire_rpc::{FunctionName, GroupName};
use pagewire_server::{Access, AllowedOrigin, Server, ServerOptions};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

use self::next::Next;
use self::report::Report;
use self::room::LiveRoom;
use crate::cli::DemoArguments;
use crate::client::Client;
use crate::exit::{CANCELLED, FAILED, Failed, NO_BROWSER};
use crate::serve::stop_signal;
use crate::terminal;

/// The group of the sample page and of the room's.
const GROUP: &str = "demo";
/// As `pagewire attach --tap` takes it.
const TAP: &str = "ws:*/prices";
/// As `pagewire attach --capture` takes it: the decoder that the page keeps in a closure, where the page uses it.
const CAPTURE: &str = r#"readPrice=*:"const price = readPrice(data)":readPrice"#;
/// How long a browser may take from its start to the attached page. Slow machines with a cold disk need many seconds.
const ATTACH_TIMEOUT: Duration = Duration::from_secs(60);
/// How often the hub is asked whether the page is there.
const ATTACH_POLL: Duration = Duration::from_millis(50);
/// Time for calls to end when the demo stops.
const GRACE: Duration = Duration::from_secs(2);

/// What the demo runs on.
struct Stage<'a> {
    report: &'a Report,
    hub: Hub,
    /// `http://…` of the hub.
    hub_url: String,
    /// `http://…` of the sample site.
    site: String,
    room: LiveRoom,
}

pub(crate) async fn run(arguments: &DemoArguments) -> Result<(), Failed> {
    let report = Report::new(arguments.json);
    let site = site::bind().await?;
    let origin = format!("http://{}", site.address());
    let (hub, server) = bind_hub(&origin).await?;
    let address = *server
        .addresses()
        .first()
        .ok_or_else(|| Failed::new(FAILED, "no address"))?;
    let stage = Stage {
        report: &report,
        hub,
        hub_url: format!("http://{address}"),
        site: origin,
        room: LiveRoom::start().await?,
    };
    report.started(&stage.hub_url, &stage.site)?;
    let site = tokio::spawn(site.serve(stage.hub_url.clone()));
    let (stop, stopped) = oneshot::channel::<()>();
    // A dropped sender means stop as well.
    let server = tokio::spawn(server.run(async { drop(stopped.await) }, GRACE));
    let result = stage.show(arguments).await;
    drop(stop);
    let _ = server.await;
    site.abort();
    stage.room.end().await;
    result
}

/// Port 9999 as in all examples, or a free one when it is taken. The site's origin may attach, for a browser without DevTools.
async fn bind_hub(site: &str) -> Result<(Hub, Server), Failed> {
    let origin = site
        .parse()
        .map_err(|error| Failed::new(FAILED, format!("{error}")))?;
    let groups = GroupPolicy::of_owners([(group()?, vec![site.to_owned()])]);
    let hub = Hub::new(HubOptions {
        groups,
        ..HubOptions::default()
    });
    let access = Access {
        origins: vec![AllowedOrigin {
            origin,
            free_groups: false,
        }],
        ..Access::default()
    };
    let options = ServerOptions {
        access,
        ..ServerOptions::default()
    };
    let any_port = ServerOptions {
        listen: vec![SocketAddr::from(([127, 0, 0, 1], 0))],
        ..options.clone()
    };
    let server = match Server::bind(hub.clone(), options).await {
        Ok(server) => server,
        Err(_) => Server::bind(hub.clone(), any_port)
            .await
            .map_err(|error| Failed::new(FAILED, error.to_string()))?,
    };
    Ok((hub, server))
}

fn group() -> Result<GroupName, Failed> {
    GroupName::new(GROUP).map_err(|error| Failed::new(FAILED, error.to_string()))
}

impl Stage<'_> {
    async fn show(&self, arguments: &DemoArguments) -> Result<(), Failed> {
        let Some(program) = arguments.browser.clone().or_else(pagewire_browser::find) else {
            return self.show_elsewhere(arguments).await;
        };
        let (mut browser, transport) = launch(program)?;
        // Reports are for `pagewire attach`; a receiver that is gone takes none.
        let (reports, _) = mpsc::channel(1);
        let attached = tokio::spawn(attach(
            transport,
            HubPort::Local(self.hub.clone()),
            self.attach_options()?,
            reports,
        ));
        let toured = tokio::select! {
            toured = self.tour(&mut browser) => toured,
            () = stop_signal() => Err(Failed::silent(CANCELLED)),
        };
        let stays = toured.is_ok() && !arguments.once;
        if stays {
            let next = Next::of_site(&self.hub_url, &self.site);
            let next = next.with_room(&self.hub, &self.room)?;
            self.report.stays(&self.site, next)?;
            stop_signal().await;
        }
        browser.close().await;
        let _ = attached.await;
        if !matches!(&toured, Err(failed) if failed.code == CANCELLED) {
            self.report.ended(toured.is_ok())?;
        }
        toured
    }

    /// What the flags of `pagewire attach` would say.
    fn attach_options(&self) -> Result<AttachOptions, Failed> {
        let wrong = |error: &dyn std::fmt::Display| Failed::new(FAILED, error.to_string());
        let decode = FunctionName::new("readPrice").map_err(|error| wrong(&error))?;
        let mut documents = self.room.documents()?;
        documents.push(self.site.parse().map_err(|error| wrong(&error))?);
        let mut taps = self.room.tap_rules()?;
        taps.rules.push(TAP.parse().map_err(|error| wrong(&error))?);
        Ok(AttachOptions {
            documents,
            scripts: vec![
                script_of("attach.js", &self.site, site::SCRIPT),
                script_of("room.js", &self.room.origin(), room::SCRIPT),
            ],
            captures: vec![CAPTURE.parse().map_err(|error| wrong(&error))?],
            taps: Arc::new(taps),
            decode: Some(decode),
            pages: vec![WantedPage::new(&self.site)],
            ..AttachOptions::new(group()?, &self.hub_url)
        })
    }

    async fn tour(&self, browser: &mut Browser) -> Result<(), Failed> {
        let client = Client::at(&self.hub_url, None);
        let page = wait_for_page(&client, Some(browser)).await?;
        self.report.attached(&page, !terminal::has_display())?;
        tour::run(self.report, &client).await?;
        let id = page["id"].as_str().unwrap_or_default();
        tour::through_devtools(self.report, &client, id).await?;
        self.room.show(self.report, &client, &self.hub).await
    }

    /// In a browser that a person opens: through the page script.
    async fn show_elsewhere(&self, arguments: &DemoArguments) -> Result<(), Failed> {
        let page = format!("{}{}", self.site, site::OPEN_PATH);
        self.report.no_browser(&page, HOW_TO_GET_ONE)?;
        if arguments.once {
            return Err(Failed::silent(NO_BROWSER));
        }
        let client = Client::at(&self.hub_url, None);
        tokio::select! {
            toured = async {
                let page = wait_for_page(&client, None).await?;
                self.report.attached(&page, false)?;
                tour::run(self.report, &client).await?;
                let next = Next::of_site(&self.hub_url, &self.site);
                self.report.stays(&self.site, next)?;
                std::future::pending().await
            } => toured,
            () = stop_signal() => Ok(()),
        }
    }
}

/// A script for the pages of one site: all pages of one browser get all scripts.
fn script_of(name: &str, origin: &str, source: &str) -> UserScript {
    UserScript {
        name: name.to_owned(),
        source: format!(
            "if (location.origin !== {}) return;\n{source}",
            json!(origin)
        ),
    }
}

fn expect(holds: bool, otherwise: &str) -> Result<(), Failed> {
    if holds {
        Ok(())
    } else {
        Err(Failed::new(FAILED, otherwise))
    }
}

fn launch(program: PathBuf) -> Result<(Browser, Transport), Failed> {
    let window = if terminal::has_display() {
        Window::Shown
    } else {
        Window::Headless
    };
    let options = LaunchOptions {
        window,
        // The sample page opens the room, and nobody clicks.
        flags: vec!["--disable-popup-blocking".to_owned()],
        ..LaunchOptions::new(program)
    };
    Browser::launch(&options).map_err(|error| Failed::new(FAILED, error.to_string()))
}

/// Asks the hub until the sample page is there, or its browser is not.
async fn wait_for_page(
    client: &Client,
    mut browser: Option<&mut Browser>,
) -> Result<Value, Failed> {
    let begun = Instant::now();
    loop {
        let listing = client.get("/v1/pages").await?.text().await?;
        let listing: Value = serde_json::from_str(&listing).unwrap_or_default();
        if let Some(page) = listing["pages"].as_array().and_then(|pages| pages.first()) {
            return Ok(page.clone());
        }
        if let Some(browser) = browser.as_mut() {
            if browser.has_ended() {
                return Err(Failed::new(
                    FAILED,
                    "the browser ended before its page attached; PAGEWIRE_LOG=debug shows what it said",
                ));
            }
            if begun.elapsed() > ATTACH_TIMEOUT {
                return Err(Failed::new(
                    FAILED,
                    "the page did not attach in time; PAGEWIRE_LOG=debug shows what the browser said",
                ));
            }
        }
        tokio::time::sleep(ATTACH_POLL).await;
    }
}

/// Turns a piece of the tour into JSON for `--json`.
pub(crate) fn step(name: &str, value: &Value) -> Value {
    json!({ "event": name, "value": value })
}
