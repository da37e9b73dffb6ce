//! `script:FILE#FUNCTION`: a JavaScript file, run by QuickJS in a child process with limits.
//!
//! The child is this program again, with [`CHILD_ARGUMENT`]; what is said with it is in `wire.rs`, one JSON text a line.
//! It lives on between calls, and is killed at the first thing that goes wrong, or when the file changed.

#[cfg(feature = "script")]
mod confine;
#[cfg(feature = "script")]
mod engine;
mod runner;
mod source;
mod wire;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use pagewire_live::SignRequest;
use tokio::process::Command;
use tokio::sync::Semaphore;
use tokio::time::timeout;

#[cfg(feature = "script")]
pub use self::engine::child_main;
use self::runner::{Runner, Stop};
pub use self::source::SCRIPT_BYTES_MAX;
use self::source::{Source, Stamp};
use self::wire::Setup;
pub use self::wire::{ScriptFault, ScriptPlace};
use super::error::SignError;
use super::process::{Process, describe};

/// The one argument of the child process. Nobody types it.
pub const CHILD_ARGUMENT: &str = "script-signer-child";
/// What a script may allocate by default, in bytes.
pub const SCRIPT_MEMORY_BYTES_MAX: usize = 64 << 20;
/// What the child is given beyond the time of a call to say that it is over, before it is killed from outside.
const GRACE: Duration = Duration::from_millis(500);
/// What starting the process may take beyond that, on a machine that is busy.
const START: Duration = Duration::from_secs(10);

/// How scripts are run.
#[derive(Debug, Clone)]
pub struct ScriptOptions {
    /// A program that calls `child_main` first thing; none: this one, which has to do so.
    pub program: Option<PathBuf>,
    /// What a script may allocate, in bytes; [`SCRIPT_MEMORY_BYTES_MAX`] by default. Its process may take 128 MiB more.
    pub memory_bytes_max: usize,
    /// How long loading the file may take, and each call; 2 s by default.
    pub timeout: Duration,
}

impl Default for ScriptOptions {
    fn default() -> Self {
        Self {
            program: None,
            memory_bytes_max: SCRIPT_MEMORY_BYTES_MAX,
            timeout: Duration::from_secs(2),
        }
    }
}

/// A script, and its process while there is one.
#[derive(Debug)]
pub(super) struct ScriptSigner {
    file: PathBuf,
    function: String,
    program: PathBuf,
    options: ScriptOptions,
    /// One call at a time: a script is one thread.
    turn: Semaphore,
    kept: Mutex<Kept>,
}

/// What stays between calls.
#[derive(Debug)]
struct Kept {
    source: Source,
    /// Runs that source.
    runner: Option<Runner>,
}

impl ScriptSigner {
    /// Reads the file.
    pub(super) fn new(
        file: PathBuf,
        function: String,
        options: ScriptOptions,
    ) -> Result<Self, SignError> {
        if cfg!(not(feature = "script")) {
            return Err(SignError::NoScripts);
        }
        let unread = |why: String| SignError::ScriptUnread {
            file: file.clone(),
            why,
        };
        let source = Source::read(&file).map_err(unread)?;
        let program = match options.program.clone() {
            Some(program) => program,
            None => std::env::current_exe()
                .map_err(|error| unread(format!("its process has no program: {error}")))?,
        };
        Ok(Self {
            file,
            function,
            program,
            options,
            turn: Semaphore::new(1),
            kept: Mutex::new(Kept {
                source,
                runner: None,
            }),
        })
    }

    /// # Cancel safety
    ///
    /// Dropping the future kills the process of the script; the next call has a new one.
    pub(super) async fn ask(&self, request: &SignRequest) -> Result<Bytes, SignError> {
        let _turn = self.turn.acquire().await;
        let (source, kept) = self.current()?;
        if let Some(runner) = kept {
            match self.call(runner, request).await {
                // It may have died in its sleep, which is no fault of this call.
                Err((Stop::Broken, _)) => {}
                done => return self.told(done).await,
            }
        }
        let runner = self.start(&source).await?;
        let done = self.call(runner, request).await;
        self.told(done).await
    }

    /// One call. What gave an answer is kept for the next one.
    async fn call(
        &self,
        mut runner: Runner,
        request: &SignRequest,
    ) -> Result<Bytes, (Stop, Runner)> {
        let line = request.json();
        match runner.call(&line, self.patience(), &self.file).await {
            Ok(answer) => {
                self.kept().runner = Some(runner);
                Ok(answer)
            }
            Err(stop) => Err((stop, runner)),
        }
    }

    async fn told(&self, done: Result<Bytes, (Stop, Runner)>) -> Result<Bytes, SignError> {
        match done {
            Ok(answer) => Ok(answer),
            Err((stop, runner)) => Err(self.stopped(stop, runner).await),
        }
    }

    /// The script as it is in the file now, and what runs it if something does.
    fn current(&self) -> Result<(Source, Option<Runner>), SignError> {
        let unread = |why: String| SignError::ScriptUnread {
            file: self.file.clone(),
            why,
        };
        let stamp = Stamp::of(&self.file).map_err(unread)?;
        let mut kept = self.kept();
        if kept.source.stamp != stamp {
            tracing::info!(file = %self.file.display(), "the script changed and is read again");
            kept.runner = None;
            kept.source = Source::read(&self.file).map_err(unread)?;
        }
        Ok((kept.source.clone(), kept.runner.take()))
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call that breaks off, a new process, and the call once more; without the calls of others before it.
    pub(super) fn longest(&self) -> Duration {
        START + 3 * self.patience()
    }

    fn patience(&self) -> Duration {
        self.options.timeout + GRACE
    }

    async fn start(&self, source: &Source) -> Result<Runner, SignError> {
        let mut command = Command::new(&self.program);
        command.arg(OsString::from(CHILD_ARGUMENT)).env_clear();
        let (process, pipes) = Process::start(command)
            .map_err(|error| self.process(format!("cannot be started: {error}"), String::new()))?;
        let mut runner = Runner::new(process, pipes);
        let setup = Setup {
            file: self.file.display().to_string(),
            source: source.text.to_string(),
            function: self.function.clone(),
            memory_bytes: self.options.memory_bytes_max,
            time_ms: u64::try_from(self.options.timeout.as_millis()).unwrap_or(u64::MAX),
        };
        let setup = serde_json::to_string(&setup).expect("texts and numbers have a JSON");
        match runner
            .call(&setup, self.patience() + START, &self.file)
            .await
        {
            Ok(_) => Ok(runner),
            Err(stop) => Err(self.stopped(stop, runner).await),
        }
    }

    async fn stopped(&self, stop: Stop, mut runner: Runner) -> SignError {
        match stop {
            Stop::Fault(fault) => SignError::Script {
                file: self.file.clone(),
                function: self.function.clone(),
                fault,
            },
            // A native loop, such as a sort, that nothing interrupts.
            Stop::Silent => SignError::Script {
                file: self.file.clone(),
                function: self.function.clone(),
                fault: ScriptFault::Slow {
                    after_ms: u64::try_from(self.options.timeout.as_millis()).unwrap_or(u64::MAX),
                    at: None,
                },
            },
            Stop::Broken => {
                // It ended by itself, or says things that are none of ours; then it is killed.
                let how = match timeout(GRACE, runner.process.wait()).await {
                    Ok(Ok(status)) => describe(status),
                    Ok(Err(_)) | Err(_) => "says what it should not".to_owned(),
                };
                self.process(how, runner.process.kill().await)
            }
        }
    }

    fn process(&self, how: String, stderr: String) -> SignError {
        SignError::ScriptProcess {
            file: self.file.clone(),
            function: self.function.clone(),
            how,
            stderr,
        }
    }
}
