//! From packed frames of a made-up room to JSON, on one core: what unpacking alone costs, what we do with every field, and what others do.

mod jobs;
mod python;
mod types;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use pagewire_live::made::douyin::Frames;
use pagewire_live::made::{Kind, Manifest};
use serde_json::json;

use self::jobs::{Done, Job, Worker};
use self::python::Python;
use crate::bars::{Bar, Limit, median};
use crate::report::{bar_cells, bar_json, table};

/// The room that is made up.
const SEED: u64 = 1;
/// Times the fastest unpacking.
const EVENTS_LIMIT: Limit = Limit::AtMost(2.0);
const EVERY_FIELD_LIMIT: Limit = Limit::AtMost(5.0);
/// Times as fast as others, which write every field, as they have no other way.
const PROST_LIMIT: Limit = Limit::AtLeast(3.0);
const UPB_LIMIT: Limit = Limit::AtLeast(25.0);
const BETTERPROTO_LIMIT: Limit = Limit::AtLeast(500.0);

#[derive(Debug, clap::Args)]
pub(crate) struct DecodingArguments {
    /// Frames that are made up, of about 20 messages and 75 kB unpacked each
    #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u32).range(1..))]
    frames: u32,
    /// CPU time of each measurement; those of the slowest in Python take one frame at least
    #[arg(long, default_value = "0.3", value_parser = crate::seconds)]
    seconds: f64,
    /// How often everything is measured; figures are medians over the rounds
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Print JSON instead of tables
    #[arg(long)]
    json: bool,
    /// Fail when a bar is missed
    #[arg(long)]
    check: bool,
    /// Write the tables to this file too, as Markdown
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
}

/// What is measured: here, or by Python.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Case {
    Here(Job),
    Python(python::Job),
}

/// CPU time of each frame, by what was measured.
type Round = BTreeMap<Case, Duration>;

/// All that a run gave.
#[derive(Debug)]
struct Measured {
    manifest: Manifest,
    rounds: Vec<Round>,
    left_out: Option<String>,
}

/// Measures, reports, and says whether the bars held.
pub(crate) async fn run(arguments: &DecodingArguments) -> Result<ExitCode> {
    let measured = measure(arguments).await?;
    let bars = bars(&measured);
    let markdown = markdown(&measured, &bars);
    if let Some(file) = &arguments.markdown {
        std::fs::write(file, &markdown).with_context(|| file.display().to_string())?;
    }
    if arguments.json {
        println!("{}", as_json(&measured, &bars));
    } else {
        println!("{markdown}");
    }
    let failed = arguments.check && !bars.iter().all(Bar::holds);
    Ok(ExitCode::from(u8::from(failed)))
}

async fn measure(arguments: &DecodingArguments) -> Result<Measured> {
    let mut frames = Frames::new(SEED);
    let made: Vec<Vec<u8>> = frames.by_ref().take(arguments.frames as usize).collect();
    let manifest = frames.manifest().clone();
    for job in Job::ALL {
        check(job, &made, &manifest).with_context(|| job.to_string())?;
    }
    let python = Python::new(&made).await;
    let mut rounds = Vec::new();
    for number in 1..=arguments.rounds {
        eprintln!("round {number} of {}", arguments.rounds);
        let mut round = Round::new();
        for job in Job::ALL {
            round.insert(Case::Here(job), measure_job(job, &made, arguments.seconds)?);
        }
        if let Ok(python) = &python {
            for job in python::Job::ALL {
                let each = python.measure(job, arguments.seconds).await?;
                round.insert(Case::Python(job), each);
            }
        }
        for (case, each) in &round {
            eprintln!("  {case}: {:.1} µs CPU", each.as_secs_f64() * 1e6);
        }
        rounds.push(round);
    }
    Ok(Measured {
        manifest,
        rounds,
        left_out: python.err().map(|why| format!("Python: {why:#}")),
    })
}

/// All frames once, so that whoever is fast because of a mistake is found.
fn check(job: Job, made: &[Vec<u8>], manifest: &Manifest) -> Result<()> {
    let mut worker = Worker::new(job);
    let mut done = Done::default();
    for frame in made {
        done += worker.work(frame)?;
    }
    if job == Job::Events {
        ensure!(done.messages == manifest.messages, "{done:?}");
        return Ok(());
    }
    ensure!(done.unpacked_bytes == manifest.unpacked_bytes, "{done:?}");
    if !Job::UNGZIP.contains(&job) {
        let unknown = manifest.by_kind.get(&Kind::Unknown).copied();
        let known = manifest.messages - unknown.unwrap_or_default();
        ensure!(done.messages == known, "{done:?} of {known} messages");
    }
    Ok(())
}

fn measure_job(job: Job, made: &[Vec<u8>], seconds: f64) -> Result<Duration> {
    let mut worker = Worker::new(job);
    let work = Duration::from_secs_f64(seconds);
    let (begun, mut frames) = (crate::process::own_cpu()?, 0);
    loop {
        for frame in made {
            std::hint::black_box(worker.work(frame)?);
        }
        frames += u32::try_from(made.len())?;
        let took = crate::process::own_cpu()? - begun;
        if took >= work {
            return Ok(took / frames);
        }
    }
}

/// What a bar is about, of one round.
type Figure<'a> = dyn Fn(&Round) -> Option<f64> + 'a;

/// What was measured within the same seconds is compared; the median of the rounds counts.
fn bars(measured: &Measured) -> Vec<Bar> {
    let every = |round: &Round| time(round, Case::Here(Job::EveryField));
    let versus = |case| move |round: &Round| Some(time(round, case)? / every(round)?);
    let events = |round: &Round| time(round, Case::Here(Job::Events));
    let events_versus = |case| move |round: &Round| Some(time(round, case)? / events(round)?);
    let all: [(&str, Limit, &Figure<'_>); 9] = [
        (
            "events to JSON lines: CPU ÷ the fastest ungzip",
            EVENTS_LIMIT,
            &|round| Some(events(round)? / floor(round)?),
        ),
        (
            "events to JSON lines: times as fast as prost + serde_json",
            PROST_LIMIT,
            &events_versus(Case::Here(Job::Prost)),
        ),
        (
            "events to JSON lines: times as fast as upb to JSON",
            UPB_LIMIT,
            &events_versus(Case::Python(python::Job::ProtobufJson)),
        ),
        (
            "events to JSON lines: times as fast as betterproto to JSON",
            BETTERPROTO_LIMIT,
            &events_versus(Case::Python(python::Job::Betterproto)),
        ),
        (
            "every field to JSON: CPU ÷ the fastest ungzip",
            EVERY_FIELD_LIMIT,
            &|round| Some(every(round)? / floor(round)?),
        ),
        (
            "every field to JSON: times as fast as upb to JSON",
            UPB_LIMIT,
            &versus(Case::Python(python::Job::ProtobufJson)),
        ),
        (
            "every field to JSON: times as fast as betterproto to JSON",
            BETTERPROTO_LIMIT,
            &versus(Case::Python(python::Job::Betterproto)),
        ),
        (
            "every field to JSON: times as fast as prost + serde_json",
            Limit::None,
            &versus(Case::Here(Job::Prost)),
        ),
        (
            "ungzip by pagewire-codec: CPU ÷ the fastest ungzip",
            Limit::None,
            &|round| Some(time(round, Case::Here(Job::Inflater))? / floor(round)?),
        ),
    ];
    let bars = all.into_iter().filter_map(|(name, limit, figure)| {
        let measured = median(measured.rounds.iter().filter_map(figure).collect())?;
        let name = name.to_owned();
        Some(Bar {
            name,
            limit,
            measured,
        })
    });
    bars.collect()
}

fn time(round: &Round, case: Case) -> Option<f64> {
    round.get(&case).map(Duration::as_secs_f64)
}

fn floor(round: &Round) -> Option<f64> {
    let times = Job::UNGZIP
        .into_iter()
        .filter_map(|job| time(round, Case::Here(job)));
    times.reduce(f64::min)
}

/// A case, and its CPU time for each frame: the median of the rounds, and the lowest.
fn rows(measured: &Measured) -> impl Iterator<Item = (Case, f64, f64)> {
    let cases = measured
        .rounds
        .iter()
        .take(1)
        .flat_map(Round::keys)
        .copied();
    cases.filter_map(|case| {
        let times = measured.rounds.iter().filter_map(|round| time(round, case));
        let times: Vec<f64> = times.collect();
        let lowest = times.iter().copied().reduce(f64::min)?;
        Some((case, median(times)?, lowest))
    })
}

fn markdown(measured: &Measured, bars: &[Bar]) -> String {
    let Manifest {
        frames,
        messages,
        unpacked_bytes,
        bytes,
        ..
    } = &measured.manifest;
    let per_frame = *messages as f64 / *frames as f64;
    let rows = rows(measured).map(|(case, median, lowest)| {
        [
            case.to_string(),
            format!("{:.1}", median * 1e6),
            format!("{:.1}", lowest * 1e6),
            format!("{:.0}", 1.0 / median),
            format!("{:.0}", per_frame / median),
        ]
    });
    let head = [
        "what",
        "CPU, µs a frame",
        "lowest",
        "frames a second",
        "messages a second",
    ];
    let rows = table(head, rows.collect());
    let bars = table(
        ["bar", "limit", "measured", ""],
        bars.iter().map(bar_cells).collect(),
    );
    let left_out = measured
        .left_out
        .iter()
        .map(|what| format!("\nLeft out: {what}\n"));
    format!(
        "{frames} frames, of {per_frame:.1} messages, {} bytes packed and {} unpacked each on average\n\n{rows}\n{bars}{}",
        bytes / frames,
        unpacked_bytes / frames,
        left_out.collect::<String>()
    )
}

fn as_json(measured: &Measured, bars: &[Bar]) -> serde_json::Value {
    let rows = rows(measured).map(|(case, median, lowest)| {
        json!({ "name": case.to_string(), "cpu_us": median * 1e6, "cpu_us_lowest": lowest * 1e6, "frames_per_second": 1.0 / median })
    });
    let bars = bars.iter().map(bar_json);
    json!({ "measured": rows.collect::<Vec<_>>(), "bars": bars.collect::<Vec<_>>(), "left_out": measured.left_out })
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Here(job) => job.fmt(f),
            Self::Python(job) => job.fmt(f),
        }
    }
}
