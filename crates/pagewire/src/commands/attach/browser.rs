//! The browser of `pagewire attach`: started or found, and found again when it is lost.

use std::time::{Duration, Instant};

use pagewire_browser::{
    AttachOptions, Browser, Detached, Endpoint, HOW_TO_GET_ONE, How, HubPort, LaunchOptions,
    Profile, Report, Transport, Window, attach, connect, find, find_active_port, named_profile,
};
use serde_json::json;
use tokio::sync::mpsc;

use super::arguments::AttachArguments;
use super::words::Words;
use crate::exit::{FAILED, Failed, NO_BROWSER, USAGE};

/// How long connecting to a browser that runs may take; a person may have to allow it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(60);
/// A browser that lived so long was no failed start.
const LIVED: Duration = Duration::from_secs(30);
/// Starts in a row that failed. After one more the command ends.
const STARTS_MAX: u32 = 5;
/// Waits between attempts grow no longer.
const RETRY_WAIT_MAX: Duration = Duration::from_secs(10);
/// The first of them.
const RETRY_WAIT: Duration = Duration::from_millis(500);
/// Reports that wait to be printed; more are left out.
const REPORTS_MAX: usize = 256;

/// Which browser is wanted.
#[derive(Debug)]
pub(super) enum Wanted {
    Own(Box<LaunchOptions>),
    Running(Endpoint),
}

/// True where this command starts its own.
pub(super) fn is_own(arguments: &AttachArguments) -> bool {
    let running = &arguments.where_to;
    running.port.is_none() && running.ws_endpoint.is_none() && !running.running
}

pub(super) fn is_headless(arguments: &AttachArguments) -> bool {
    arguments.own.headless || !crate::terminal::has_display()
}

impl Wanted {
    pub(super) fn of(arguments: &AttachArguments) -> Result<Self, Failed> {
        let running = &arguments.where_to;
        if let Some(port) = running.port {
            return Ok(Self::Running(Endpoint::port(port)));
        }
        if let Some(url) = &running.ws_endpoint {
            return Ok(Self::Running(Endpoint::WebSocket(url.clone())));
        }
        if running.running {
            let folder = find_active_port().into_iter().next();
            let folder = folder.ok_or_else(|| Failed::new(FAILED, NONE_RUNNING))?;
            return Ok(Self::Running(Endpoint::ActivePort(folder)));
        }
        launch_options(arguments).map(|options| Self::Own(Box::new(options)))
    }
}

const NONE_RUNNING: &str = "no browser that runs lets itself be attached to. Open chrome://inspect/#remote-debugging in Chrome 144 or newer and switch it on, \
    or start the browser with --remote-debugging-port=9222 --user-data-dir=FOLDER and use --port 9222\n\
    没有找到允许调试的浏览器：在 Chrome 144+ 打开 chrome://inspect/#remote-debugging 并开启，或用上述参数启动浏览器后使用 --port 9222";

fn launch_options(arguments: &AttachArguments) -> Result<LaunchOptions, Failed> {
    let own = &arguments.own;
    let Some(program) = own.browser.clone().or_else(find) else {
        return Err(Failed::new(
            NO_BROWSER,
            format!("no Chromium, Chrome or Edge was found. To get one:  {HOW_TO_GET_ONE}"),
        ));
    };
    let profile = match &own.profile {
        None => Profile::ThrowAway,
        Some(name) => named_profile(name).map_err(|error| Failed {
            code: USAGE,
            ..in_both(&error, &error.zh())
        })?,
    };
    Ok(LaunchOptions {
        profile,
        window: if is_headless(arguments) {
            Window::Headless
        } else {
            Window::Shown
        },
        proxy: own.proxy.clone(),
        flags: own.browser_flag.clone(),
        ..LaunchOptions::new(program)
    })
}

/// Stays attached until the browser is closed by its user, or cannot be had any more.
pub(super) async fn keep_attached(
    wanted: &Wanted,
    port: &HubPort,
    options: &AttachOptions,
    words: Words,
) -> Result<(), Failed> {
    match wanted {
        Wanted::Own(launch) => keep_own(launch, port, options, words).await,
        Wanted::Running(endpoint) => keep_running(endpoint, port, options, words).await,
    }
}

/// A browser of our own is started again when it crashes, and not when its user closes it.
async fn keep_own(
    launch: &LaunchOptions,
    port: &HubPort,
    options: &AttachOptions,
    words: Words,
) -> Result<(), Failed> {
    let mut failed_starts = 0;
    loop {
        let begun = Instant::now();
        let (mut browser, transport) =
            Browser::launch(launch).map_err(|error| in_both(&error, &error.zh()))?;
        words.say(
            "browser",
            json!({ "pid": browser.pid() }),
            "browser    started, and ends with this command",
        )?;
        let detached = attach_with_words(transport, port, options, words).await?;
        tracing::info!(?detached, "detached");
        let ended = browser.wait().await;
        if ended.how == How::Code(0) {
            return words.say("closed", json!({}), "closed     the browser was closed");
        }
        failed_starts = if begun.elapsed() > LIVED {
            1
        } else {
            failed_starts + 1
        };
        let why = ended.to_string();
        if failed_starts > STARTS_MAX {
            return Err(Failed::new(
                FAILED,
                format!("the browser does not stay: {why}"),
            ));
        }
        words.say(
            "browser_lost",
            json!({ "why": why }),
            &format!("lost       {why}; it is started again"),
        )?;
        tokio::time::sleep(RETRY_WAIT * failed_starts).await;
    }
}

/// A browser of the user's is waited for.
async fn keep_running(
    endpoint: &Endpoint,
    port: &HubPort,
    options: &AttachOptions,
    words: Words,
) -> Result<(), Failed> {
    let (mut attached_before, mut wait) = (false, RETRY_WAIT);
    loop {
        match connect(endpoint, CONNECT_TIMEOUT).await {
            Ok(transport) => {
                let text = format!("browser    connected at {endpoint}");
                words.say(
                    "browser",
                    json!({ "endpoint": endpoint.to_string() }),
                    &text,
                )?;
                (attached_before, wait) = (true, RETRY_WAIT);
                let detached = attach_with_words(transport, port, options, words).await?;
                tracing::info!(?detached, "detached");
                let text =
                    "lost       the browser is gone; Pagewire attaches again when it is back";
                words.say("browser_lost", json!({}), text)?;
            }
            Err(error) if !attached_before || !error.is_transient() => {
                return Err(in_both(&error, &error.zh()));
            }
            Err(error) => tracing::debug!(%error, "the browser is not back"),
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(RETRY_WAIT_MAX);
    }
}

/// Attaches until the browser is gone, and prints what happens.
async fn attach_with_words(
    transport: Transport,
    port: &HubPort,
    options: &AttachOptions,
    words: Words,
) -> Result<Detached, Failed> {
    let (sender, mut reports) = mpsc::channel::<Report>(REPORTS_MAX);
    let mut attached = std::pin::pin!(attach(transport, port.clone(), options.clone(), sender));
    loop {
        tokio::select! {
            detached = &mut attached => {
                while let Ok(report) = reports.try_recv() {
                    words.report(&report)?;
                }
                return Ok(detached);
            }
            Some(report) = reports.recv() => words.report(&report)?,
        }
    }
}

/// What went wrong, in English and in Chinese.
fn in_both(error: &dyn std::error::Error, zh: &str) -> Failed {
    Failed::new(FAILED, format!("{error}\n{zh}"))
}
