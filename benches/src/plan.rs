//! Running all of it: rounds, servers, their pages and their clients.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use tokio::process::Command;

use crate::Settings;
use crate::case::{Case, FULL, Load, QUICK, Scale, Server};
use crate::load::{Answer, Latency, Tally};
use crate::process::{Running, raise_open_files};
use crate::references::{aiohttp_hub, bring_python};
use crate::report::Report;

/// Files that a process needs beside its connections.
const FILES_BESIDE: u64 = 256;

/// All that one round gave.
#[derive(Debug, Default)]
pub(crate) struct Round {
    pub(crate) figures: BTreeMap<Case, Figures>,
    /// Resident memory of a hub before any call, by busy and idle pages.
    pub(crate) memory_kib: BTreeMap<(usize, usize), f64>,
}

/// What one measurement gave.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figures {
    pub(crate) per_second: f64,
    /// CPU time of the server for one call, round trip or message.
    pub(crate) cpu_us: f64,
    pub(crate) latency: Option<Latency>,
}

/// Measures, reports, and says whether the bars held.
pub(crate) async fn run(settings: &Settings) -> Result<ExitCode> {
    let scale = if settings.quick { &QUICK } else { &FULL };
    let bench = Bench::prepare(settings, scale).await?;
    let mut rounds = Vec::new();
    for number in 1..=settings.rounds {
        eprintln!("round {number} of {}", settings.rounds);
        rounds.push(bench.round().await?);
    }
    let report = Report::new(scale, &rounds, bench.left_out);
    if let Some(file) = &settings.markdown {
        std::fs::write(file, report.markdown()).with_context(|| file.display().to_string())?;
    }
    if settings.json {
        println!("{}", report.json());
    } else {
        println!("{}", report.markdown());
    }
    let failed = settings.check && !report.all_bars_held();
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

struct Bench<'a> {
    settings: &'a Settings,
    /// The length of a body where there is no choice.
    small: usize,
    wanted: Vec<(Server, Vec<Case>)>,
    own: PathBuf,
    hub: PathBuf,
    python: PathBuf,
    left_out: Vec<String>,
}

impl<'a> Bench<'a> {
    /// Finds out what is wanted, and brings what that needs.
    async fn prepare(settings: &'a Settings, scale: &Scale) -> Result<Self> {
        let mut wanted = wanted(settings, scale)?;
        allow_open_files(&wanted)?;
        let own = std::env::current_exe()?;
        let profile = own.parent().context("a binary is in a folder")?;
        let hub = match &settings.hub {
            Some(hub) => hub.clone(),
            None => build_hub(profile).await?,
        };
        let python = profile.with_file_name("tools").join("bench-python");
        let is_python = |server: Server| matches!(server, Server::Aiohttp { .. });
        let mut left_out = Vec::new();
        if wanted.iter().any(|(server, _)| is_python(*server))
            && let Err(why) = bring_python(&python).await
        {
            wanted.retain(|(server, _)| !is_python(*server));
            left_out.push(format!("the hub in Python: {why}"));
        }
        Ok(Self {
            settings,
            small: scale.bytes[0],
            wanted,
            own,
            hub,
            python,
            left_out,
        })
    }

    async fn round(&self) -> Result<Round> {
        let mut round = Round::default();
        for (server, cases) in &self.wanted {
            let measured = self.measure_server(*server, cases, &mut round).await;
            measured.with_context(|| format!("{server:?}"))?;
        }
        Ok(round)
    }

    async fn measure_server(
        &self,
        server: Server,
        cases: &[Case],
        round: &mut Round,
    ) -> Result<()> {
        let mut running = Running::start("the server", self.server(server))?;
        let to = running.say::<Listening>(Duration::ZERO).await?.address()?;
        let (busy, idle) = server.pages();
        let options = [("busy", busy.to_string()), ("idle", idle.to_string())];
        let mut pages = self.part("pages", to, &options)?;
        pages.say::<String>(Duration::ZERO).await?;
        if let Server::Hub { busy, idle } = server {
            round.memory_kib.insert((busy, idle), running.memory_kib()?);
        }
        for case in cases {
            let measured = self.measure(*case, &running, to).await;
            let figures = measured.with_context(|| case.to_string())?;
            eprintln!(
                "  {case}: {:.1} µs CPU, {:.0}/s",
                figures.cpu_us, figures.per_second
            );
            round.figures.insert(*case, figures);
        }
        // The next server is not measured while the machine still clears up after this one.
        pages.end().await?;
        running.end().await
    }

    async fn measure(&self, case: Case, server: &Running, to: SocketAddr) -> Result<Figures> {
        let work = Duration::from_secs_f64(self.settings.seconds);
        let mut client = self.client(case, to)?;
        client.say::<String>(work).await?;
        let before = server.cpu()?;
        client.begin().await?;
        let tally: Tally = client.say(work).await?;
        let cpu = server.cpu()? - before;
        client.end().await?;
        let count = tally.count as f64;
        Ok(Figures {
            per_second: count / tally.seconds,
            cpu_us: cpu.as_secs_f64() * 1e6 / count,
            latency: tally.latency,
        })
    }

    fn client(&self, case: Case, to: SocketAddr) -> Result<Running> {
        let seconds = ("seconds", self.settings.seconds.to_string());
        let load = |Load { callers, bytes }, answer: Answer| {
            let counts = [
                ("callers", callers.to_string()),
                ("bytes", bytes.to_string()),
            ];
            let options = [
                &counts[..],
                &[("answer", answer.to_string()), seconds.clone()],
            ];
            self.part("load", to, &options.concat())
        };
        match case {
            Case::HttpEcho(calls) => load(calls, Answer::Body),
            Case::Hub { load: calls, .. } | Case::Aiohttp { load: calls, .. } => {
                load(calls, Answer::Argument)
            }
            Case::WebSocketEcho { connections } => {
                let counts = [
                    ("connections", connections.to_string()),
                    ("bytes", self.small.to_string()),
                ];
                self.part("round-trips", to, &[&counts[..], &[seconds]].concat())
            }
            Case::Publishing(form) => {
                self.part("publishing", to, &[("form", form.to_string()), seconds])
            }
        }
    }

    /// Starts this program as one of its parts.
    fn part(&self, name: &str, to: SocketAddr, options: &[(&str, String)]) -> Result<Running> {
        let mut command = Command::new(&self.own);
        command.args([name, "--to", &to.to_string()]);
        for (option, value) in options {
            command.args([format!("--{option}"), value.clone()]);
        }
        Running::start(name, command)
    }

    fn server(&self, server: Server) -> Command {
        match server {
            Server::Reference => {
                let mut command = Command::new(&self.own);
                command.arg("reference");
                command
            }
            Server::Hub { .. } | Server::Topic => hub_command(&self.hub),
            Server::Aiohttp { .. } => aiohttp_hub(&self.python),
        }
    }
}

fn wanted(settings: &Settings, scale: &Scale) -> Result<Vec<(Server, Vec<Case>)>> {
    let is_wanted = |case: &Case| {
        let name = case.to_string();
        settings.only.is_empty() || settings.only.iter().any(|part| name.contains(part))
    };
    let all = scale.servers().map(|server| (server, scale.cases(server)));
    let wanted = all.map(|(server, cases)| (server, cases.into_iter().filter(is_wanted).collect()));
    let wanted: Vec<(_, Vec<_>)> = wanted
        .filter(|(_, cases): &(_, Vec<_>)| !cases.is_empty())
        .collect();
    ensure!(
        !wanted.is_empty(),
        "--only {:?} is part of no name; names are such as \"hub, 64 pages, 16 callers, 32 B\"",
        settings.only
    );
    Ok(wanted)
}

fn allow_open_files(wanted: &[(Server, Vec<Case>)]) -> Result<()> {
    let pages = wanted.iter().map(|(server, _)| server.pages());
    let most = pages
        .map(|(busy, idle)| busy + idle)
        .max()
        .unwrap_or_default();
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
    command
        .env("PAGEWIRE_LOG", "error")
        .env("XDG_CONFIG_HOME", "/nonexistent");
    command
}

/// Builds the binary that stands in the same folder as this one; cargo sees when it is there and fresh.
async fn build_hub(profile: &Path) -> Result<PathBuf> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args([
        "build",
        "--locked",
        "--package",
        "pagewire",
        "--manifest-path",
    ]);
    cargo.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"));
    cargo.arg("--target-dir").arg(profile.with_file_name(""));
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    if !cargo
        .status()
        .await
        .context("cargo does not start")?
        .success()
    {
        bail!("the hub was not built; cargo says above why");
    }
    Ok(profile.join("pagewire"))
}

/// The first line of a server.
#[derive(Deserialize)]
struct Listening {
    http: String,
}

impl Listening {
    fn address(&self) -> Result<SocketAddr> {
        Ok(self.http.trim_start_matches("http://").parse()?)
    }
}
