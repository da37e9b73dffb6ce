//! The browser of a command: started or found, and found again when it is lost.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use pagewire_browser::{
    AttachOptions, Browser, Detached, Endpoint, HOW_TO_GET_ONE, How, HubPort, LaunchOptions,
    Profile, Report, Transport, Window, attach, connect, find, find_active_port, named_profile,
};
use serde_json::{Value, json};
use tokio::sync::mpsc;

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

/// Which browser is attached to.
#[derive(Debug, Args)]
pub(crate) struct BrowserArguments {
    #[command(flatten)]
    running: RunningBrowser,
    #[command(flatten)]
    own: OwnBrowser,
}

/// A browser that runs already.
#[derive(Debug, Args)]
#[group(multiple = false)]
struct RunningBrowser {
    /// A browser that runs with --remote-debugging-port=N
    #[arg(long, value_name = "N")]
    port: Option<u16>,
    /// A browser at this DevTools address: ws://HOST:PORT/devtools/browser/ID
    #[arg(long, value_name = "URL")]
    ws_endpoint: Option<String>,
    /// The browser that runs and where remote debugging was switched on in chrome://inspect/#remote-debugging; it asks you
    #[arg(long)]
    running: bool,
}

/// A browser that this command starts, and ends.
#[derive(Debug, Args)]
struct OwnBrowser {
    /// The browser to start instead of the first one found
    #[arg(long, value_name = "FILE", env = "PAGEWIRE_CHROMIUM")]
    browser: Option<PathBuf>,
    /// Keep cookies and log-ins under this name, for the next time; without it the browser's profile is thrown away
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Without a window [default: with one where there is a display]
    #[arg(long)]
    headless: bool,
    /// Proxy of the browser, such as socks5://127.0.0.1:1080
    #[arg(long, value_name = "URL")]
    proxy: Option<String>,
    /// One more flag for the browser; may be repeated
    #[arg(long, value_name = "FLAG", allow_hyphen_values = true)]
    browser_flag: Vec<String>,
}

/// Whom it is told what becomes of the browser and its pages.
pub(crate) trait Told {
    /// Something that happened, for machines and for people.
    fn say(&mut self, event: &str, value: Value, text: &str) -> Result<(), Failed>;

    /// What happened in the browser.
    fn report(&mut self, report: &Report) -> Result<(), Failed>;
}

/// Which browser is wanted.
#[derive(Debug)]
pub(crate) enum Wanted {
    Own(Box<LaunchOptions>),
    Running(Endpoint),
}

impl BrowserArguments {
    /// True where the command starts its own.
    pub(crate) fn is_own(&self) -> bool {
        let running = &self.running;
        running.port.is_none() && running.ws_endpoint.is_none() && !running.running
    }

    /// Its traffic is to go another way than ours.
    #[cfg(feature = "watch")]
    pub(crate) fn has_proxy(&self) -> bool {
        self.own.proxy.is_some()
    }

    /// A browser of the command's own has no window.
    pub(crate) fn is_headless(&self) -> bool {
        self.own.headless || !crate::terminal::has_display()
    }

    /// The browser that these options name.
    pub(crate) fn wanted(&self) -> Result<Wanted, Failed> {
        let running = &self.running;
        if let Some(port) = running.port {
            return Ok(Wanted::Running(Endpoint::port(port)));
        }
        if let Some(url) = &running.ws_endpoint {
            return Ok(Wanted::Running(Endpoint::WebSocket(url.clone())));
        }
        if running.running {
            let folder = find_active_port().into_iter().next();
            let folder = folder.ok_or_else(|| Failed::new(FAILED, NONE_RUNNING))?;
            return Ok(Wanted::Running(Endpoint::ActivePort(folder)));
        }
        self.launch_options()
            .map(|options| Wanted::Own(Box::new(options)))
    }

    fn launch_options(&self) -> Result<LaunchOptions, Failed> {
        let own = &self.own;
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
            window: if self.is_headless() {
                Window::Headless
            } else {
                Window::Shown
            },
            proxy: own.proxy.clone(),
            flags: own.browser_flag.clone(),
            ..LaunchOptions::new(program)
        })
    }
}

const NONE_RUNNING: &str = "no browser that runs lets itself be attached to. Open chrome://inspect/#remote-debugging in Chrome 144 or newer and switch it on, \
    or start the browser with --remote-debugging-port=9222 --user-data-dir=FOLDER and use --port 9222\n\
    没有找到允许调试的浏览器：在 Chrome 144+ 打开 chrome://inspect/#remote-debugging 并开启，或用上述参数启动浏览器后使用 --port 9222";

/// Stays attached until the browser is closed by its user, or cannot be had any more.
pub(crate) async fn keep_attached(
    wanted: &Wanted,
    port: &HubPort,
    options: &AttachOptions,
    told: &mut impl Told,
) -> Result<(), Failed> {
    match wanted {
        Wanted::Own(launch) => keep_own(launch, port, options, told).await,
        Wanted::Running(endpoint) => keep_running(endpoint, port, options, told).await,
    }
}

/// A browser of our own is started again when it crashes, and not when its user closes it.
async fn keep_own(
    launch: &LaunchOptions,
    port: &HubPort,
    options: &AttachOptions,
    told: &mut impl Told,
) -> Result<(), Failed> {
    let mut failed_starts = 0;
    loop {
        let begun = Instant::now();
        let (mut browser, transport) =
            Browser::launch(launch).map_err(|error| in_both(&error, &error.zh()))?;
        told.say(
            "browser",
            json!({ "pid": browser.pid() }),
            "browser    started, and ends with this command",
        )?;
        let detached = attach_with_words(transport, port, options, told).await?;
        tracing::info!(?detached, "detached");
        let ended = browser.wait().await;
        // What ends at once without a word was no browser that its user closed.
        let was_there = !matches!(detached, Detached::NeverAnswered);
        if was_there && ended.how == How::Code(0) {
            return told.say("closed", json!({}), "closed     the browser was closed");
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
        told.say(
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
    told: &mut impl Told,
) -> Result<(), Failed> {
    let (mut attached_before, mut wait) = (false, RETRY_WAIT);
    loop {
        match connect(endpoint, CONNECT_TIMEOUT).await {
            Ok(transport) => {
                let text = format!("browser    connected at {endpoint}");
                told.say(
                    "browser",
                    json!({ "endpoint": endpoint.to_string() }),
                    &text,
                )?;
                (attached_before, wait) = (true, RETRY_WAIT);
                let detached = attach_with_words(transport, port, options, told).await?;
                tracing::info!(?detached, "detached");
                let text =
                    "lost       the browser is gone; Pagewire attaches again when it is back";
                told.say("browser_lost", json!({}), text)?;
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
    told: &mut impl Told,
) -> Result<Detached, Failed> {
    let (sender, mut reports) = mpsc::channel::<Report>(REPORTS_MAX);
    let mut attached = std::pin::pin!(attach(transport, port.clone(), options.clone(), sender));
    loop {
        tokio::select! {
            detached = &mut attached => {
                while let Ok(report) = reports.try_recv() {
                    told.report(&report)?;
                }
                return Ok(detached);
            }
            Some(report) = reports.recv() => told.report(&report)?,
        }
    }
}

/// What went wrong, in English and in Chinese.
fn in_both(error: &dyn std::error::Error, zh: &str) -> Failed {
    Failed::new(FAILED, format!("{error}\n{zh}"))
}
