//! `pagewire`: arguments, configuration, wiring, signals, exit codes.
mod cli;
mod client;
mod clock;
mod close_code;
mod commands;
mod demo;
#[cfg(all(test, feature = "watch"))]
mod examples;
mod exit;
mod nofile;
mod preview;
mod serve;
mod settings;
mod terminal;
mod version;

use std::process::ExitCode;

use clap::Parser as _;
use tracing_subscriber::EnvFilter;

use crate::cli::{Cli, Command};
use crate::exit::Failed;

fn main() -> ExitCode {
    #[cfg(feature = "watch")]
    if let Some(code) = pagewire_room::signers::script::child_main() {
        return code;
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Nothing can be done when even this cannot be printed.
            let _ = error.print();
            return if error.use_stderr() {
                exit::USAGE.into()
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    set_up_logging(&cli);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let result = match runtime {
        Ok(runtime) => {
            let result = runtime.block_on(run(cli));
            // Reading standard input may hang in a thread of its own; nothing waits for it.
            runtime.shutdown_background();
            result
        }
        Err(error) => Err(Failed::from(
            anyhow::Error::from(error).context("cannot start the runtime"),
        )),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            if let Some(message) = &failed.message {
                terminal::say(&format!("pagewire: {}", terminal::harmless(message)));
            }
            ExitCode::from(failed.code)
        }
    }
}

async fn run(cli: Cli) -> Result<(), Failed> {
    match cli.command {
        Command::Serve(arguments) => serve::run(&arguments).await,
        Command::Attach(arguments) => commands::attach::run(&arguments).await,
        Command::Call(arguments) => commands::call::run(&arguments).await,
        Command::Pages(arguments) => commands::pages::run(&arguments).await,
        Command::Tail(arguments) => commands::tail::run(&arguments).await,
        Command::Publish(arguments) => commands::publish::run(&arguments).await,
        Command::Send(arguments) => commands::send::run(&arguments).await,
        Command::Connect(arguments) => commands::connect::run(&arguments).await,
        #[cfg(feature = "watch")]
        Command::Watch(arguments) => commands::watch::run(&arguments).await,
        #[cfg(feature = "watch")]
        Command::Replay(arguments) => commands::replay::run(&arguments).await,
        #[cfg(feature = "decode")]
        Command::Decode(arguments) => commands::decode::decode(&arguments),
        #[cfg(feature = "decode")]
        Command::Encode(arguments) => commands::decode::encode(&arguments),
        #[cfg(feature = "decode")]
        Command::GenFrames(arguments) => commands::gen_frames::run(&arguments),
        Command::Sim(arguments) => commands::sim::run(&arguments).await,
        Command::Config(arguments) => commands::config::run(&arguments),
        Command::Demo(arguments) => demo::run(&arguments).await,
        Command::Doctor(arguments) => commands::doctor::run(&arguments).await,
        Command::Completions(arguments) => commands::completions::completions(&arguments),
        Command::Man(arguments) => commands::completions::man(&arguments),
    }
}

fn set_up_logging(cli: &Cli) {
    let default = match &cli.command {
        Command::Serve(_) => "info",
        Command::Call(_)
        | Command::Attach(_)
        | Command::Pages(_)
        | Command::Tail(_)
        | Command::Publish(_)
        | Command::Send(_)
        | Command::Connect(_)
        | Command::Config(_)
        | Command::Demo(_)
        | Command::Doctor(_)
        | Command::Completions(_)
        | Command::Man(_) => "error",
        #[cfg(feature = "decode")]
        Command::Decode(_) | Command::Encode(_) | Command::GenFrames(_) => "error",
        Command::Sim(_) => "error",
        #[cfg(feature = "watch")]
        Command::Watch(_) | Command::Replay(_) => "error",
    };
    let filter =
        EnvFilter::try_from_env("PAGEWIRE_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_ansi(terminal::stderr_is_terminal())
        .with_writer(std::io::stderr)
        // It would tell standard error of what standard error did not take, and panic.
        .log_internal_errors(false)
        .init();
}
