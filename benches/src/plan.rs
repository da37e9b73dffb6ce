//! Rounds of measurements, one after the other.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tokio::process::Command;

use crate::Settings;
use crate::case::{Case, FULL, Load, QUICK, Ramp, Scale, Server};
use crate::devtools::{CallOrder, TapOrder, TapTally};
use crate::frames::Frames;
use crate::hosts::{Host, Hosts};
use crate::load::{Answer, Latency, Tally, WARM_UP};
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
    let mut hosts = Hosts::start(&servers, settings.hub.as_deref()).await?;
    let mut rounds = Vec::new();
    for number in 1..=settings.rounds {
        eprintln!("round {number} of {}", settings.rounds);
        let cases = cases.iter().filter(|case| case.is_in_round(number));
        rounds.push(measure_round(cases, &mut hosts, settings, scale).await?);
    }
    let measured = Measured {
        rounds,
        memory_kib: hosts.memory_kib(),
        left_out: std::mem::take(&mut hosts.left_out),
    };
    hosts.end().await?;
    Ok(measured)
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
    cases: impl Iterator<Item = &Case>,
    hosts: &mut Hosts,
    settings: &Settings,
    scale: &Scale,
) -> Result<Round> {
    let mut round = Round::new();
    for case in cases {
        let Some(host) = hosts.get(case.server()) else {
            continue;
        };
        let measured = measure_case(*case, host, settings.seconds, scale).await;
        let figures = measured.with_context(|| case.to_string())?;
        let Figures {
            cpu_us, per_second, ..
        } = figures;
        eprintln!("  {case}: {cpu_us:.1} µs CPU, {per_second:.0}/s");
        round.insert(*case, figures);
    }
    Ok(round)
}

async fn measure_case(case: Case, host: &mut Host, seconds: f64, scale: &Scale) -> Result<Figures> {
    let command = match case {
        Case::HttpEcho(load) => client("load", &calls(load, Answer::Body)),
        Case::Hub { load, .. } | Case::Aiohttp { load, .. } => {
            client("load", &calls(load, Answer::Argument))
        }
        Case::WebSocketEcho { connections } => {
            let bytes = scale.bytes[0];
            let options = format!("--connections={connections} --bytes={bytes}");
            client("round-trips", &options)
        }
        Case::Publishing(form) => client("publishing", &format!("--form={form}")),
        Case::Evaluate(load) | Case::DevtoolsCall(load) => {
            return measure_calls(load, host, seconds).await;
        }
        Case::Tap(frames) => return measure_tap(frames, host, &scale.taps).await,
    };
    measure(command?, host, seconds).await
}

/// Calls that are made in the process that is measured.
async fn measure_calls(load: Load, host: &mut Host, seconds: f64) -> Result<Figures> {
    let Load { callers, bytes } = load;
    let order = |seconds| CallOrder {
        callers,
        bytes,
        seconds,
    };
    let work = Duration::from_secs_f64(seconds);
    let warm_up = order(seconds * WARM_UP);
    host.process.order::<Tally>(&warm_up, work).await?;
    let before = host.process.cpu()?;
    let tally = host.process.order(&order(seconds), work).await?;
    Ok(Figures::new(tally, host.process.cpu()? - before))
}

/// Gives a tap more and more, and tells of the most that it kept up with.
async fn measure_tap(frames: Frames, host: &mut Host, ramp: &Ramp) -> Result<Figures> {
    let (seconds, work) = (ramp.seconds, Duration::from_secs_f64(ramp.seconds));
    let mut most = None;
    for &rate in ramp.rates {
        let order = TapOrder {
            frames,
            rate,
            seconds,
        };
        let before = host.process.cpu()?;
        let told: TapTally = host.process.order(&order, work).await?;
        let figures = Figures::new(told.tally, host.process.cpu()? - before);
        let (longest, lost) = (told.longest, told.lost);
        let Figures {
            cpu_us, per_second, ..
        } = figures;
        eprintln!(
            "    {rate}/s: {per_second:.0}/s came, at most {longest:.1?} late, {lost} lost, {cpu_us:.1} µs CPU"
        );
        if longest > ramp.longest_delay || lost > 0 {
            break;
        }
        most = Some(figures);
    }
    most.with_context(|| format!("it does not keep up with {:?}/s", ramp.rates.first()))
}

async fn measure(mut client: Command, host: &Host, seconds: f64) -> Result<Figures> {
    let work = Duration::from_secs_f64(seconds);
    client.arg(format!("--to={}", host.address));
    client.arg(format!("--seconds={seconds}"));
    let mut client = Running::start("the client", client)?;
    client.hear::<String>(work).await?;
    let before = host.process.cpu()?;
    client.begin().await?;
    let tally: Tally = client.hear(work).await?;
    let cpu = host.process.cpu()? - before;
    // What comes next is not measured while this still ends.
    client.end().await?;
    Ok(Figures::new(tally, cpu))
}

impl Figures {
    fn new(tally: Tally, cpu: Duration) -> Self {
        let count = tally.count as f64;
        Self {
            per_second: count / tally.seconds,
            cpu_us: cpu.as_secs_f64() * 1e6 / count,
            latency: tally.latency,
        }
    }
}

/// The process that makes the load of a case.
fn client(name: &str, options: &str) -> Result<Command> {
    let mut command = part(name)?;
    command.args(options.split(' '));
    Ok(command)
}

fn calls(Load { callers, bytes }: Load, answer: Answer) -> String {
    format!("--callers={callers} --bytes={bytes} --answer={answer}")
}
