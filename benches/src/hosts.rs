//! The servers of a run, each with its pages.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use tokio::process::Command;

use crate::case::Server;
use crate::process::{Running, part, raise_open_files};
use crate::references::{aiohttp_hub, bring_python};

/// Files that a process needs beside its connections.
const FILES_BESIDE: u64 = 256;

/// All servers that a run wants.
#[derive(Debug)]
pub(crate) struct Hosts {
    hosts: BTreeMap<Server, Host>,
    /// What is not there, and why.
    pub(crate) left_out: Vec<String>,
}

/// A server that listens, and its pages, which are attached.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) address: SocketAddr,
    pub(crate) process: Running,
    /// Resident memory when the last page had attached.
    pub(crate) memory_kib: f64,
    _pages: Running,
}

impl Hosts {
    /// Starts servers and pages, and brings before what that needs. `hub` is the binary to run; without it, it is built.
    pub(crate) async fn start(servers: &BTreeSet<Server>, hub: Option<&Path>) -> Result<Self> {
        allow_open_files(servers)?;
        let own = std::env::current_exe()?;
        let profile = own.parent().context("a binary is in a folder")?;
        let hub = match hub {
            Some(hub) => hub.to_owned(),
            None => build_hub(profile).await?,
        };
        let environment = profile.with_file_name("tools").join("bench-python");
        let is_python = |server: &Server| matches!(server, Server::Aiohttp { .. });
        let mut left_out = Vec::new();
        if servers.iter().any(is_python)
            && let Err(why) = bring_python(&environment).await
        {
            left_out.push(format!("the hub in Python: {why}"));
        }
        let mut hosts = BTreeMap::new();
        for server in servers {
            let command = match server {
                Server::Reference => part("reference")?,
                Server::Hub { .. } | Server::Topic => hub_command(&hub),
                Server::Aiohttp { .. } if !left_out.is_empty() => continue,
                Server::Aiohttp { .. } => aiohttp_hub(&environment),
            };
            let host = Host::start(*server, command).await;
            hosts.insert(*server, host.with_context(|| format!("{server:?}"))?);
        }
        Ok(Self { hosts, left_out })
    }

    /// None when it was left out.
    pub(crate) fn get(&self, server: Server) -> Option<&Host> {
        self.hosts.get(&server)
    }
}

impl Host {
    async fn start(server: Server, command: Command) -> Result<Self> {
        let mut process = Running::start("the server", command)?;
        let listening: Listening = process.hear(Duration::ZERO).await?;
        let address: SocketAddr = listening.http.trim_start_matches("http://").parse()?;
        let (busy, idle) = server.pages();
        let mut command = part("pages")?;
        command.args(["--to", &address.to_string()]);
        command.args(["--busy", &busy.to_string(), "--idle", &idle.to_string()]);
        let mut pages = Running::start("the pages", command)?;
        pages.hear::<String>(Duration::ZERO).await?;
        Ok(Self {
            address,
            memory_kib: process.memory_kib()?,
            process,
            _pages: pages,
        })
    }
}

/// The first line of a server.
#[derive(Deserialize)]
struct Listening {
    http: String,
}

fn allow_open_files(servers: &BTreeSet<Server>) -> Result<()> {
    let pages = servers.iter().map(|server| server.pages());
    let most = pages.map(|(busy, idle)| busy + idle).max();
    let most = most.unwrap_or_default();
    let (needed, allowed) = (most as u64 + FILES_BESIDE, raise_open_files());
    ensure!(
        allowed >= needed,
        "{most} pages need {needed} open files in one process, and the system allows {allowed}: raise the limit \
         (ulimit -Hn), or leave these pages out with --only"
    );
    Ok(())
}

/// The hub as it comes, but for the log, which would tell of thousands of pages.
fn hub_command(hub: &Path) -> Command {
    let mut command = Command::new(hub);
    command.args(["serve", "--json", "--listen", "127.0.0.1:0"]);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PAGEWIRE_") {
            command.env_remove(name);
        }
    }
    command.env("PAGEWIRE_LOG", "error");
    command.env("XDG_CONFIG_HOME", "/nonexistent");
    command
}

/// Builds the binary that stands in the same folder as this one; cargo sees when it is there and fresh.
async fn build_hub(profile: &Path) -> Result<PathBuf> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--locked", "--package", "pagewire"]);
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    cargo.args(["--manifest-path", manifest, "--target-dir"]);
    cargo.arg(profile.with_file_name(""));
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    let status = cargo.status().await.context("cargo does not start")?;
    if !status.success() {
        bail!("the hub was not built; cargo says above why");
    }
    Ok(profile.join("pagewire"))
}
