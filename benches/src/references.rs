//! What the hub is compared with: the bare libraries that it stands on, and the same job in Python.

use std::future::IntoFuture as _;
use std::path::Path;

use anyhow::Result;
use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::routing::{any, post};
use axum::serve::ListenerExt as _;
use bytes::Bytes;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::process::Command;

use crate::load::PATH;
use crate::process::{say, until_let_go};

const AIOHTTP_HUB: &str = include_str!("../aiohttp_hub.py");
/// The interpreter in an environment.
pub(crate) const PYTHON: &str = "bin/python";
/// What the hub in Python needs.
pub(crate) const AIOHTTP: &str = "aiohttp==3.14.5";
/// Whether packages are there, in the versions that are asked for.
const PROBE: &str = "import sys, importlib.metadata as m; assert all(m.version(p.split('==')[0]) == p.split('==')[1] for p in sys.argv[1:])";
/// Read buffer of a WebSocket: small as that of the hub, not the library's 128 KiB.
const READ_BUFFER_BYTES: usize = 8 << 10;

/// Serves an HTTP echo and a WebSocket echo, with the libraries, the runtime and the socket options of the hub.
pub(crate) async fn run() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let listener = listener.tap_io(|stream| {
        // The echo is slower then, but not wrong.
        let _ = stream.set_nodelay(true);
    });
    let router = Router::new()
        .route(PATH, post(async |body: Bytes| body))
        .route("/socket", any(web_socket));
    let serving = tokio::spawn(axum::serve(listener, router).into_future());
    say(&json!({ "http": format!("http://{address}") }))?;
    until_let_go().await?;
    serving.abort();
    Ok(())
}

async fn web_socket(upgrade: WebSocketUpgrade) -> axum::response::Response {
    let upgrade = upgrade
        .protocols(["pagewire.v1"])
        .read_buffer_size(READ_BUFFER_BYTES);
    upgrade.on_upgrade(echo)
}

async fn echo(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        if let Message::Text(_) = message
            && socket.send(message).await.is_err()
        {
            return;
        }
    }
}

/// The hub in Python, which [`bring_python`] made possible.
pub(crate) fn aiohttp_hub(environment: &Path) -> Command {
    let mut command = Command::new(environment.join(PYTHON));
    command.args(["-c", AIOHTTP_HUB]);
    command
}

/// Sets up a Python environment with these packages in this folder, unless they are there; the error says why it cannot be.
pub(crate) async fn bring_python(environment: &Path, packages: &[&str]) -> Result<(), String> {
    let python = environment.join(PYTHON);
    let mut probe = Command::new(&python);
    probe.args(["-c", PROBE]).args(packages);
    if succeeds(&mut probe).await.is_ok() {
        return Ok(());
    }
    if succeeds(Command::new(&python).arg("--version"))
        .await
        .is_err()
    {
        let mut venv = Command::new("python3");
        venv.args(["-m", "venv", "--clear"]).arg(environment);
        succeeds(&mut venv).await.map_err(|why| {
            format!(
                "no python3 with venv ({why}); Debian: sudo apt-get install -y python3 python3-venv"
            )
        })?;
    }
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--disable-pip-version-check"]);
    install.args(["--retries", "1"]).args(packages);
    let installed = succeeds(&mut install).await;
    installed.map_err(|why| format!("pip cannot install {}: {why}", packages.join(" ")))
}

/// Runs a command to its end; the error is the last line that it said.
async fn succeeds(command: &mut Command) -> Result<(), String> {
    let output = command.output().await.map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(said.lines().last().unwrap_or("it failed").to_owned())
}
