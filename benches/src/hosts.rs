//! The servers of a run, each with its pages.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use tokio::process::Command;

use crate::case::{Need, Server};
use crate::devtools::chromium;
use crate::process::{Running, part, raise_open_files};
use crate::references::{AIOHTTP, aiohttp_hub, bring_python};

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
        let is_hub = |server: &Server| matches!(server, Server::Hub { .. } | Server::Topic);
        let hub = match hub {
            Some(hub) => hub.to_owned(),
            None if servers.iter().any(is_hub) => build_hub(profile).await?,
            None => PathBuf::new(),
        };
        let environment = profile.with_file_name("tools").join("bench-python");
        let missing = missing(servers, &environment).await;
        let mut hosts = BTreeMap::new();
        for server in servers {
            if server
                .need()
                .is_some_and(|need| missing.contains_key(&need))
            {
                continue;
            }
            let command = match server {
                Server::Reference => part("reference")?,
                Server::Hub { .. } | Server::Topic => hub_command(&hub),
                Server::Aiohttp { .. } => aiohttp_hub(&environment),
                Server::Devtools(what) => {
                    let mut command = part("devtools")?;
                    command.arg(what.name());
                    command
                }
            };
            let host = Host::start(*server, command).await;
            hosts.insert(*server, host.with_context(|| format!("{server:?}"))?);
        }
        Ok(Self {
            hosts,
            left_out: missing.into_values().collect(),
        })
    }

    /// None when it was left out.
    pub(crate) fn get(&mut self, server: Server) -> Option<&mut Host> {
        self.hosts.get_mut(&server)
    }

    /// Resident memory of each before any call.
    pub(crate) fn memory_kib(&self) -> BTreeMap<Server, f64> {
        let hosts = self.hosts.iter();
        hosts
            .map(|(server, host)| (*server, host.memory_kib))
            .collect()
    }

    /// Ends all of them. Browsers delete their profiles, which those that are killed leave behind.
    pub(crate) async fn end(self) -> Result<()> {
        for (server, Host { process, .. }) in self.hosts {
            match server {
                Server::Devtools(_) => process.let_go().await?,
                Server::Reference | Server::Hub { .. } | Server::Topic | Server::Aiohttp { .. } => {
                    process.end().await?;
                }
            }
        }
        Ok(())
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

/// What cannot be had of what these servers need, and why; what can be brought is brought.
async fn missing(servers: &BTreeSet<Server>, environment: &Path) -> BTreeMap<Need, String> {
    let needs: BTreeSet<_> = servers.iter().filter_map(|server| server.need()).collect();
    let mut missing = BTreeMap::new();
    for need in needs {
        let (what, there) = match need {
            Need::Python => (
                "the hub in Python",
                bring_python(environment, &[AIOHTTP]).await,
            ),
            Need::Chromium => ("devtools", chromium().map(drop)),
        };
        if let Err(why) = there {
            missing.insert(need, format!("{what}: {why}"));
        }
    }
    missing
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
