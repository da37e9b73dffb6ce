//! Is there a browser, and does it start?

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use pagewire_browser::{Browser, HOW_TO_GET_ONE, LaunchOptions};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::time::timeout;

use super::report::{Check, State};

/// Time for `--version`. The first start after a boot reads the whole program from the disk.
const VERSION_TIMEOUT: Duration = Duration::from_secs(10);
/// Time from the start to the first request of the page.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// What the page says.
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";

/// Whether it is only looked for or started, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trial {
    Find,
    Start,
}

pub(crate) async fn check(trial: Trial) -> Vec<Check> {
    let named = std::env::var_os("PAGEWIRE_CHROMIUM").map(PathBuf::from);
    let Some(program) = named.or_else(pagewire_browser::find) else {
        let none = Check::new(
            "browser",
            State::Warn,
            "no Chromium, Chrome or Edge was found",
            "没有找到 Chromium、Chrome 或 Edge",
        )
        .why("pages of your own browser attach without it; the demo and headless pages need one")
        .todo(HOW_TO_GET_ONE);
        return vec![none];
    };
    let mut checks = vec![found(&program).await];
    checks.extend(confinement());
    if trial == Trial::Start {
        checks.push(start(program).await);
    }
    checks
}

async fn found(program: &Path) -> Check {
    let shown = program.display();
    let output = Command::new(program)
        .arg("--version")
        .kill_on_drop(true)
        .output();
    match timeout(VERSION_TIMEOUT, output).await {
        Ok(Ok(output)) if output.status.success() => {
            let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            Check::new(
                "browser",
                State::Ok,
                format!("{shown}: {version}"),
                format!("浏览器：{version}"),
            )
        }
        Ok(Ok(output)) => unusable(program, &String::from_utf8_lossy(&output.stderr)),
        Ok(Err(error)) => unusable(program, &error.to_string()),
        Err(_) => unusable(program, "it did not tell its version within 10 s"),
    }
}

fn unusable(program: &Path, why: &str) -> Check {
    let shown = program.display();
    let last = why.lines().last().unwrap_or_default();
    Check::new(
        "browser",
        State::Warn,
        format!("{shown} does not run"),
        format!("浏览器 {shown} 无法运行"),
    )
    .why(last)
    .todo(HOW_TO_GET_ONE)
}

/// What keeps Chromium from using its sandbox.
fn confinement() -> Option<Check> {
    let in_container = ["/.dockerenv", "/run/.containerenv"]
        .iter()
        .any(|file| Path::new(file).exists());
    let place = match (runs_as_root(), in_container) {
        (true, true) => "as root in a container",
        (true, false) => "as root",
        (false, true) => "in a container",
        (false, false) => return None,
    };
    let check = Check::new(
        "sandbox",
        State::Warn,
        format!("this runs {place}, where Chromium has no sandbox"),
        "以 root 或在容器中运行：Chromium 没有沙箱",
    );
    Some(if runs_as_root() {
        check.why("as root Pagewire starts it with --no-sandbox by itself: show it only pages that you trust").todo("run as another user")
    } else {
        check.why("a container often forbids the namespaces that the sandbox is made of").todo("if Chromium ends at once: allow user namespaces to the container, or run as root in it")
    })
}

#[cfg(unix)]
fn runs_as_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(not(unix))]
fn runs_as_root() -> bool {
    false
}

/// Starts it without a window and waits until it asks for a page of ours.
async fn start(program: PathBuf) -> Check {
    let began = Instant::now();
    match timeout(START_TIMEOUT, visit(program)).await {
        Ok(Ok(())) => {
            let took = began.elapsed().as_millis();
            Check::new(
                "start",
                State::Ok,
                format!(
                    "it started without a window and loaded a page of this machine in {took} ms"
                ),
                format!("无头启动并打开网页用时 {took} 毫秒"),
            )
        }
        Ok(Err(why)) => cannot_start(&why),
        Err(_) => cannot_start("no page was loaded within 30 s"),
    }
}

fn cannot_start(why: &str) -> Check {
    Check::new(
        "start",
        State::Bad,
        "the browser does not start without a window",
        "浏览器无法以无头方式启动",
    )
    .why(why)
    .todo("PAGEWIRE_LOG=debug pagewire doctor --browser   shows what it says")
}

async fn visit(program: PathBuf) -> Result<(), String> {
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let options = LaunchOptions {
        url: Some(format!("http://{address}/")),
        ..LaunchOptions::new(program)
    };
    let (mut browser, _transport) = Browser::launch(&options).map_err(|error| error.to_string())?;
    let served = async {
        let (mut stream, _) = listener.accept().await?;
        let mut head = [0; 1_024];
        let read = stream.read(&mut head).await?;
        stream.write_all(ANSWER).await?;
        Ok::<_, std::io::Error>(read)
    };
    let result = tokio::select! {
        served = served => served.map(|_| ()).map_err(|error| error.to_string()),
        ended = browser.wait() => Err(ended.to_string()),
    };
    browser.close().await;
    result
}
