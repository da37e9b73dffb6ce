//! Rounds of measurements, one after the other.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tokio::process::Command;

use crate::Settings;
use crate::case::{Case, FULL, Load, QUICK, Scale, Server};
use crate::hosts::{Host, Hosts};
use crate::load::{Answer, Latency, Tally};
use crate::process::{Running, part};
use crate::report::Report;

/// All that a run gave.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) rounds: Vec<Round>,
    /// Resident memory of each server before any call.
    pub(crate) memory_kib: BTreeMap<Server, f64>,
    pub(crate) left_out: Vec<String>,
}

/// All that one round gave.
pub(crate) type Round = BTreeMap<Case, Figures>;

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
    let measured = measure_all(settings, scale).await?;
    let report = Report::new(scale, measured);
    if let Some(file) = &settings.markdown {
        std::fs::write(file, report.markdown()).with_context(|| file.display().to_string())?;
    }
    if settings.json {
        println!("{}", report.json());
    } else {
        println!("{}", report.markdown());
    }
    let failed = settings.check && !report.all_bars_held();
    Ok(ExitCode::from(u8::from(failed)))
}

async fn measure_all(settings: &Settings, scale: &Scale) -> Result<Measured> {
    let cases = wanted(settings, scale)?;
    let servers: BTreeSet<_> = cases.iter().map(|case| case.server()).collect();
    let hosts = Hosts::start(&servers, settings.hub.as_deref()).await?;
    let mut rounds = Vec::new();
    for number in 1..=settings.rounds {
        eprintln!("round {number} of {}", settings.rounds);
        rounds.push(measure_round(&cases, &hosts, settings, scale).await?);
    }
    let memory = |server: &Server| Some((*server, hosts.get(*server)?.memory_kib));
    Ok(Measured {
        rounds,
        memory_kib: servers.iter().filter_map(memory).collect(),
        left_out: hosts.left_out,
    })
}

fn wanted(settings: &Settings, scale: &Scale) -> Result<Vec<Case>> {
    let is_wanted = |case: &Case| {
        let name = case.to_string();
        settings.only.is_empty() || settings.only.iter().any(|part| name.contains(part))
    };
    let cases: Vec<_> = scale.cases().into_iter().filter(is_wanted).collect();
    ensure!(
        !cases.is_empty(),
        "--only {:?} is part of no name; names are such as \"{}\"",
        settings.only,
        scale.cases()[2]
    );
    Ok(cases)
}

async fn measure_round(
    cases: &[Case],
    hosts: &Hosts,
    settings: &Settings,
    scale: &Scale,
) -> Result<Round> {
    let mut round = Round::new();
    for case in cases {
        let Some(host) = hosts.get(case.server()) else {
            continue;
        };
        let client = client(*case, host, settings.seconds, scale)?;
        let measured = measure(client, host, settings.seconds).await;
        let figures = measured.with_context(|| case.to_string())?;
        let Figures {
            cpu_us, per_second, ..
        } = figures;
        eprintln!("  {case}: {cpu_us:.1} µs CPU, {per_second:.0}/s");
        round.insert(*case, figures);
    }
    Ok(round)
}

async fn measure(client: Command, host: &Host, seconds: f64) -> Result<Figures> {
    let work = Duration::from_secs_f64(seconds);
    let mut client = Running::start("the client", client)?;
    client.hear::<String>(work).await?;
    let before = host.process.cpu()?;
    client.begin().await?;
    let tally: Tally = client.hear(work).await?;
    let cpu = host.process.cpu()? - before;
    // What comes next is not measured while this still ends.
    client.end().await?;
    let count = tally.count as f64;
    Ok(Figures {
        per_second: count / tally.seconds,
        cpu_us: cpu.as_secs_f64() * 1e6 / count,
        latency: tally.latency,
    })
}

/// The process that makes the load of a case.
fn client(case: Case, host: &Host, seconds: f64, scale: &Scale) -> Result<Command> {
    let (name, options) = match case {
        Case::HttpEcho(load) => ("load", calls(load, Answer::Body)),
        Case::Hub { load, .. } | Case::Aiohttp { load, .. } => {
            ("load", calls(load, Answer::Argument))
        }
        Case::WebSocketEcho { connections } => {
            let bytes = scale.bytes[0];
            (
                "round-trips",
                format!("--connections={connections} --bytes={bytes}"),
            )
        }
        Case::Publishing(form) => ("publishing", format!("--form={form}")),
    };
    let mut command = part(name)?;
    command.args(options.split(' '));
    command.arg(format!("--to={}", host.address));
    command.arg(format!("--seconds={seconds}"));
    Ok(command)
}

fn calls(Load { callers, bytes }: Load, answer: Answer) -> String {
    format!("--callers={callers} --bytes={bytes} --answer={answer}")
}
