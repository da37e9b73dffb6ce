//! What is measured, in which order, with which processes.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use tokio::process::Command;

use crate::Settings;
use crate::load::Tally;
use crate::process::{Running, raise_open_files};
use crate::publishing::Form;
use crate::references::{aiohttp_hub, bring_python};
use crate::report::Report;

/// Files that a process needs beside its connections.
const FILES_BESIDE: u64 = 256;

/// How many of what. Ratios between the parts are what the bars are about.
#[derive(Debug)]
pub(crate) struct Scale {
    pub(crate) callers: [usize; 3],
    /// Lengths of a call's body.
    pub(crate) bytes: [usize; 2],
    /// Pages that answer.
    pub(crate) busy: [usize; 2],
    /// Further pages that only are there.
    pub(crate) idle: [usize; 3],
}

const FULL: Scale = Scale {
    callers: [1, 16, 64],
    bytes: [32, 8 << 10],
    busy: [1, 64],
    idle: [0, 100, 8_000],
};
const QUICK: Scale = Scale {
    callers: [1, 2, 4],
    bytes: [32, 8 << 10],
    busy: [1, 4],
    idle: [0, 4, 32],
};

/// One measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Case {
    HttpEcho(Load),
    WebSocketEcho {
        connections: usize,
    },
    Hub {
        busy: usize,
        idle: usize,
        load: Load,
    },
    Aiohttp {
        busy: usize,
        load: Load,
    },
    Publishing(Form),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Load {
    pub(crate) callers: usize,
    pub(crate) bytes: usize,
}

/// What one measurement gave.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figures {
    pub(crate) per_second: f64,
    /// CPU time of the server for one call, round trip or message.
    pub(crate) cpu_us: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
}

/// All that one round gave.
#[derive(Debug, Default)]
pub(crate) struct Round {
    pub(crate) figures: BTreeMap<Case, Figures>,
    /// Resident memory of a hub before any call, by busy and idle pages.
    pub(crate) memory_kib: BTreeMap<(usize, usize), f64>,
}

/// The servers, in the order in which a round starts them. References stand beside what they are compared with, so that a
/// machine that grows slower or faster does so for both.
#[derive(Debug, Clone, Copy)]
enum Server {
    Reference,
    Hub { busy: usize, idle: usize },
    Topic,
    Aiohttp { busy: usize },
}

/// Measures, reports, and says whether the bars held.
pub(crate) async fn run(settings: &Settings) -> Result<ExitCode> {
    let scale = if settings.quick { QUICK } else { FULL };
    let files = raise_open_files();
    let files_needed = (scale.busy[1] + scale.idle[2]) as u64 + FILES_BESIDE;
    ensure!(
        files >= files_needed,
        "{files_needed} open files are needed in one process, and the system allows {files}: raise the limit (ulimit -Hn)"
    );
    let mut bench = Bench::prepare(settings, scale).await?;
    let mut rounds = Vec::new();
    for number in 1..=settings.rounds {
        eprintln!("round {number} of {}", settings.rounds);
        rounds.push(bench.round().await?);
    }
    let report = Report::new(&bench.scale, &rounds, bench.left_out);
    if let Some(file) = &settings.markdown {
        std::fs::write(file, report.markdown()).with_context(|| file.display().to_string())?;
    }
    if settings.json {
        println!("{}", report.json());
    } else {
        println!("{}", report.markdown());
    }
    let held = settings.quick || report.all_bars_held();
    Ok(if held || !settings.check {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

struct Bench<'a> {
    settings: &'a Settings,
    scale: Scale,
    own: PathBuf,
    hub: PathBuf,
    python: Option<PathBuf>,
    left_out: Vec<String>,
}

impl<'a> Bench<'a> {
    async fn prepare(settings: &'a Settings, scale: Scale) -> Result<Self> {
        let own = std::env::current_exe()?;
        let profile = own.parent().context("a binary is in a folder")?;
        let hub = match &settings.hub {
            Some(hub) => hub.clone(),
            None => build_hub(profile).await?,
        };
        let mut bench = Self {
            settings,
            scale,
            hub,
            python: None,
            left_out: Vec::new(),
            own: own.clone(),
        };
        let wants_python = bench.servers().any(|server| {
            matches!(server, Server::Aiohttp { .. }) && !bench.cases(server).is_empty()
        });
        if wants_python {
            match bring_python(&profile.with_file_name("tools").join("bench-python")).await {
                Ok(python) => bench.python = Some(python),
                Err(why) => bench.left_out.push(format!("the hub in Python: {why}")),
            }
        }
        Ok(bench)
    }

    fn servers(&self) -> impl Iterator<Item = Server> + use<> {
        let Scale { busy, idle, .. } = self.scale;
        let hubs = idle
            .into_iter()
            .flat_map(move |idle| busy.map(|busy| Server::Hub { busy, idle }));
        let aiohttp = busy.map(|busy| Server::Aiohttp { busy });
        [Server::Reference]
            .into_iter()
            .chain(hubs)
            .chain([Server::Topic])
            .chain(aiohttp)
    }

    /// What is to be measured of a server.
    fn cases(&self, server: Server) -> Vec<Case> {
        let Scale {
            callers,
            bytes,
            busy,
            ..
        } = self.scale;
        let loads = callers
            .into_iter()
            .flat_map(|callers| bytes.map(|bytes| Load { callers, bytes }));
        let cases: Vec<Case> = match server {
            Server::Reference => {
                let round_trips = busy.map(|connections| Case::WebSocketEcho { connections });
                loads.map(Case::HttpEcho).chain(round_trips).collect()
            }
            Server::Hub { busy, idle } => {
                loads.map(|load| Case::Hub { busy, idle, load }).collect()
            }
            Server::Topic => [Form::NdJson, Form::WebSocket]
                .map(Case::Publishing)
                .to_vec(),
            Server::Aiohttp { busy } => loads.map(|load| Case::Aiohttp { busy, load }).collect(),
        };
        let only = self.settings.only.as_deref().unwrap_or_default();
        cases
            .into_iter()
            .filter(|case| case.to_string().contains(only))
            .collect()
    }

    async fn round(&mut self) -> Result<Round> {
        let mut round = Round::default();
        for server in self.servers() {
            let cases = self.cases(server);
            if !cases.is_empty() {
                self.measure_server(server, &cases, &mut round)
                    .await
                    .with_context(|| format!("{server:?}"))?;
            }
        }
        Ok(round)
    }

    async fn measure_server(
        &self,
        server: Server,
        cases: &[Case],
        round: &mut Round,
    ) -> Result<()> {
        let Some(command) = self.command(server) else {
            return Ok(());
        };
        let mut running = Running::start("the server", command)?;
        let to = running.say::<Listening>(Duration::ZERO).await?.address()?;
        let (busy, idle) = match server {
            Server::Hub { busy, idle } => (busy, idle),
            Server::Aiohttp { busy } => (busy, 0),
            Server::Reference | Server::Topic => (0, 0),
        };
        let mut pages = self.part(
            "pages",
            to,
            &[("busy", busy.to_string()), ("idle", idle.to_string())],
        )?;
        pages.say::<String>(Duration::ZERO).await?;
        if let Server::Hub { .. } = server {
            round.memory_kib.insert((busy, idle), running.memory_kib()?);
        }
        for case in cases {
            let figures = self
                .measure(*case, &running, to)
                .await
                .with_context(|| case.to_string())?;
            eprintln!(
                "  {case}: {:.1} µs CPU, {:.0}/s",
                figures.cpu_us, figures.per_second
            );
            round.figures.insert(*case, figures);
        }
        Ok(())
    }

    async fn measure(&self, case: Case, server: &Running, to: SocketAddr) -> Result<Figures> {
        let mut client = self.client(case, to)?;
        let work = Duration::from_secs_f64(self.settings.seconds);
        client.say::<String>(work).await?;
        let before = server.cpu()?;
        client.begin().await?;
        let tally: Tally = client.say(work).await?;
        let cpu = server.cpu()? - before;
        Ok(Figures {
            per_second: tally.count as f64 / tally.seconds,
            cpu_us: cpu.as_secs_f64() * 1e6 / tally.count as f64,
            p50_us: tally.p50_us,
            p99_us: tally.p99_us,
        })
    }

    fn client(&self, case: Case, to: SocketAddr) -> Result<Running> {
        let seconds = ("seconds", self.settings.seconds.to_string());
        let bytes = self.scale.bytes[0].to_string();
        let load = |load: Load, answer: &str| {
            let (callers, bytes) = (load.callers.to_string(), load.bytes.to_string());
            [
                ("callers", callers),
                ("bytes", bytes),
                ("answer", answer.to_owned()),
                seconds.clone(),
            ]
        };
        match case {
            Case::HttpEcho(calls) => self.part("load", to, &load(calls, "body")),
            Case::Hub { load: calls, .. } | Case::Aiohttp { load: calls, .. } => {
                self.part("load", to, &load(calls, "argument"))
            }
            Case::WebSocketEcho { connections } => {
                let options = [
                    ("connections", connections.to_string()),
                    ("bytes", bytes),
                    seconds,
                ];
                self.part("round-trips", to, &options)
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

    /// Nothing where the server is left out.
    fn command(&self, server: Server) -> Option<Command> {
        match server {
            Server::Reference => {
                let mut command = Command::new(&self.own);
                command.arg("reference");
                Some(command)
            }
            Server::Hub { .. } | Server::Topic => Some(hub_command(&self.hub)),
            Server::Aiohttp { .. } => self.python.as_deref().map(aiohttp_hub),
        }
    }
}

/// The hub as it comes, but for the log, which would tell of thousands of pages.
fn hub_command(hub: &Path) -> Command {
    let mut command = Command::new(hub);
    command.args(["serve", "--json", "--listen", "127.0.0.1:0"]);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("PAGEWIRE_")) {
        command.env_remove(name);
    }
    command
        .env("PAGEWIRE_LOG", "error")
        .env("XDG_CONFIG_HOME", "/nonexistent");
    command
}

/// Builds the binary that stands in the same folder as this one, which takes no time when it is there and fresh.
async fn build_hub(profile: &Path) -> Result<PathBuf> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--package", "pagewire", "--manifest-path"]);
    cargo.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"));
    cargo
        .arg("--target-dir")
        .arg(profile.parent().context("a profile is in a folder")?);
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
    Ok(profile.join(format!("pagewire{}", std::env::consts::EXE_SUFFIX)))
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

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HttpEcho(load) => write!(f, "bare HTTP echo, {load}"),
            Self::WebSocketEcho { connections } => {
                write!(f, "bare WebSocket echo, {connections} connections")
            }
            Self::Hub {
                busy,
                idle: 0,
                load,
            } => write!(f, "hub, {busy} pages, {load}"),
            Self::Hub { busy, idle, load } => {
                write!(f, "hub, {busy} pages and {idle} idle, {load}")
            }
            Self::Aiohttp { busy, load } => write!(f, "hub in Python, {busy} pages, {load}"),
            Self::Publishing(form) => write!(f, "publishing, {form}"),
        }
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} callers, {} B", self.callers, self.bytes)
    }
}
