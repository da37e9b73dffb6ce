//! `pagewire demo`: one command that shows a program calling a real page in a real browser.

mod report;
mod site;
mod tour;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use pagewire_browser::{Browser, HOW_TO_GET_ONE, LaunchOptions, Transport, Window};
use pagewire_hub::{GroupPolicy, Hub, HubOptions};
use pagewire_rpc::GroupName;
use pagewire_server::{Access, AllowedOrigin, Server, ServerOptions};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use self::report::Report;
use crate::cli::DemoArguments;
use crate::client::Client;
use crate::exit::{CANCELLED, FAILED, Failed, NO_BROWSER};
use crate::serve::stop_signal;
use crate::terminal;

/// The group of the sample page.
const GROUP: &str = "demo";
/// How long a browser may take from its start to the attached page. Slow machines with a cold disk need many seconds.
const ATTACH_TIMEOUT: Duration = Duration::from_secs(60);
/// How often the hub is asked whether the page is there.
const ATTACH_POLL: Duration = Duration::from_millis(50);
/// Time for calls to end when the demo stops.
const GRACE: Duration = Duration::from_secs(2);

pub(crate) async fn run(arguments: &DemoArguments) -> Result<(), Failed> {
    let report = Report::new(arguments.json);
    let site = site::bind().await?;
    let site_origin = format!("http://{}", site.address());
    let server = bind_hub(&site_origin).await?;
    let address = *server
        .addresses()
        .first()
        .ok_or_else(|| Failed::new(FAILED, "no address"))?;
    let hub = format!("http://{address}");
    report.started(&hub, &site_origin)?;
    let site = tokio::spawn(site.serve(hub.clone()));
    let (stop, stopped) = oneshot::channel::<()>();
    // A dropped sender means stop as well.
    let server = tokio::spawn(server.run(async { drop(stopped.await) }, GRACE));
    let result = show(arguments, &report, &hub, &site_origin).await;
    drop(stop);
    let _ = server.await;
    site.abort();
    result
}

/// Port 9999 as in all examples, or a free one when it is taken.
async fn bind_hub(site_origin: &str) -> Result<Server, Failed> {
    let origin = site_origin
        .parse()
        .map_err(|error| Failed::new(FAILED, format!("{error}")))?;
    let group = GroupName::new(GROUP).map_err(|error| Failed::new(FAILED, error.to_string()))?;
    let groups = GroupPolicy::of_owners([(group, vec![site_origin.to_owned()])]);
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
    match Server::bind(hub.clone(), options).await {
        Ok(server) => Ok(server),
        Err(_) => Server::bind(hub, any_port)
            .await
            .map_err(|error| Failed::new(FAILED, error.to_string())),
    }
}

async fn show(
    arguments: &DemoArguments,
    report: &Report,
    hub: &str,
    site: &str,
) -> Result<(), Failed> {
    let Some(program) = arguments.browser.clone().or_else(pagewire_browser::find) else {
        return without_browser(arguments, report, hub, site).await;
    };
    // The browser ends with its transport.
    let (mut browser, _transport) = launch(program, site)?;
    let client = Client::at(hub, None);
    let toured = tokio::select! {
        toured = tour(report, &client, &mut browser) => toured,
        () = stop_signal() => Err(Failed::silent(CANCELLED)),
    };
    let stays = toured.is_ok() && !arguments.once;
    if stays {
        report.stays(hub, site)?;
        stop_signal().await;
    }
    browser.close().await;
    if !matches!(&toured, Err(failed) if failed.code == CANCELLED) {
        report.ended(toured.is_ok())?;
    }
    toured
}

fn launch(program: PathBuf, site: &str) -> Result<(Browser, Transport), Failed> {
    let window = if terminal::has_display() {
        Window::Shown
    } else {
        Window::Headless
    };
    let options = LaunchOptions {
        url: Some(site.to_owned()),
        window,
        ..LaunchOptions::new(program)
    };
    Browser::launch(&options).map_err(|error| Failed::new(FAILED, error.to_string()))
}

async fn tour(report: &Report, client: &Client, browser: &mut Browser) -> Result<(), Failed> {
    let page = wait_for_page(client, Some(browser)).await?;
    report.attached(&page, !terminal::has_display())?;
    tour::run(report, client).await
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

async fn without_browser(
    arguments: &DemoArguments,
    report: &Report,
    hub: &str,
    site: &str,
) -> Result<(), Failed> {
    report.no_browser(site, HOW_TO_GET_ONE)?;
    if arguments.once {
        return Err(Failed::silent(NO_BROWSER));
    }
    let client = Client::at(hub, None);
    tokio::select! {
        toured = async {
            let page = wait_for_page(&client, None).await?;
            report.attached(&page, false)?;
            tour::run(report, &client).await?;
            report.stays(hub, site)?;
            std::future::pending().await
        } => toured,
        () = stop_signal() => Ok(()),
    }
}

/// Turns a piece of the tour into JSON for `--json`.
pub(crate) fn step(name: &str, value: &Value) -> Value {
    json!({ "event": name, "value": value })
}
