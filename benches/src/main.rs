//! `cargo run --release -p pagewire-bench`: what the hub costs, beside what the libraries under it cost.
//!
//! Each measurement runs a server and its load as processes of their own, and takes the server's CPU time from `/proc`:
//! on a machine that others use too it is far steadier than requests a second.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command that talks to a terminal, and children that talk to it"
)]

mod bars;
mod case;
mod decoding;
mod devtools;
mod frames;
mod hosts;
mod journal;
mod load;
mod pages;
mod plan;
mod process;
mod publishing;
mod references;
mod report;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::{Parser, Subcommand};
use tokio::runtime::{Builder, Runtime};

use crate::devtools::What;

/// Measure the hub: calls, publishing, idle pages; CPU time beside that of the bare libraries
#[derive(Debug, Parser)]
#[command(name = "pagewire-bench", args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    part: Option<Part>,
}

/// What the person at the command line decides.
#[derive(Debug, clap::Args)]
pub(crate) struct Settings {
    /// Length of one measurement
    #[arg(long, default_value = "0.5", value_parser = seconds)]
    seconds: f64,
    /// How often everything is measured; figures are medians over the rounds
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Measure only what has this text in its name, such as "64 callers, 32 B" or "publishing"; may be repeated
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Print JSON instead of tables
    #[arg(long)]
    json: bool,
    /// Fail when a bar is missed
    #[arg(long, conflicts_with = "quick")]
    check: bool,
    /// Write the tables to this file too, as Markdown
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Small counts: shows that everything works, and nothing about speed
    #[arg(long)]
    quick: bool,
    /// The pagewire binary to measure; by default it is built
    #[arg(long, value_name = "FILE")]
    hub: Option<PathBuf>,
}

/// The processes that a measurement consists of. The command starts itself as each of them.
#[derive(Debug, Subcommand)]
enum Part {
    /// Measure decoding: packed frames of a live room to JSON, beside unpacking alone, prost, and packages of Python
    Decoding(decoding::DecodingArguments),
    /// Measure the journal: appending and reading, beside files without one
    Journal(journal::JournalArguments),
    #[command(hide = true)]
    Load(load::LoadArguments),
    #[command(hide = true)]
    RoundTrips(pages::RoundTripArguments),
    #[command(hide = true)]
    Pages(pages::PagesArguments),
    #[command(hide = true)]
    Publishing(publishing::PublishingArguments),
    #[command(hide = true)]
    Reference,
    #[command(hide = true)]
    Devtools(devtools::DevtoolsArguments),
    #[command(hide = true)]
    Frames,
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse().ok();
    let seconds = seconds.filter(|seconds| (0.01..=3600.0).contains(seconds));
    seconds.ok_or_else(|| "a number from 0.01 to 3600 is wanted".to_owned())
}

fn main() -> ExitCode {
    match start(Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("pagewire-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(cli: Cli) -> Result<ExitCode> {
    let result = match cli.part {
        None => return one_thread()?.block_on(run_until_stopped(&cli.settings)),
        Some(Part::Load(arguments)) => one_thread()?.block_on(load::run(arguments)),
        Some(Part::RoundTrips(arguments)) => {
            one_thread()?.block_on(pages::run_round_trips(arguments))
        }
        Some(Part::Pages(arguments)) => one_thread()?.block_on(pages::run(arguments)),
        // Page and subscriber side by side, so that neither waits for the other's turn.
        Some(Part::Publishing(arguments)) => {
            runtime(Builder::new_multi_thread().worker_threads(2))?
                .block_on(async { tokio::spawn(publishing::run(arguments)).await? })
        }
        // The runtime of the hub.
        Some(Part::Reference) => {
            runtime(&mut Builder::new_multi_thread())?.block_on(references::run())
        }
        // What is compared with gets the runtime that serves it best; a single task gains nothing from threads.
        Some(Part::Devtools(arguments)) => match arguments.what {
            What::Evaluate => one_thread()?.block_on(devtools::run(arguments)),
            What::Calls | What::Taps => {
                runtime(&mut Builder::new_multi_thread())?.block_on(devtools::run(arguments))
            }
        },
        Some(Part::Decoding(arguments)) => {
            return one_thread()?.block_on(decoding::run(&arguments));
        }
        Some(Part::Journal(arguments)) => return journal::run(&arguments),
        Some(Part::Frames) => one_thread()?.block_on(frames::run()),
    };
    result.map(|()| ExitCode::SUCCESS)
}

/// A run that is stopped lets go of its children, which ends them.
async fn run_until_stopped(settings: &Settings) -> Result<ExitCode> {
    tokio::select! {
        result = plan::run(settings) => result,
        () = process::stop_signal() => bail!("stopped"),
    }
}

/// Load takes one core at most, and leaves the others to what is measured.
fn one_thread() -> Result<Runtime> {
    runtime(&mut Builder::new_current_thread())
}

fn runtime(builder: &mut Builder) -> Result<Runtime> {
    builder
        .enable_all()
        .build()
        .context("cannot start the runtime")
}
