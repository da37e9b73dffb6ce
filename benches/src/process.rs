//! Children, and what they cost: CPU time and memory, read from `/proc`.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// Longest wait for a line of a child beyond the time that its measurement takes. A call whose answer is lost ends here.
const PATIENCE: Duration = Duration::from_secs(60);

const NEEDS_PROC: &str = "CPU time and memory are read from /proc/PID (schedstat, status), which this system does not give: run the benchmark on Linux";

/// A child that says what it has to say as JSON, a value a line. Dropping this kills it; when this process is killed, a part of
/// this program ends with its standard input.
#[derive(Debug)]
pub(crate) struct Running {
    name: String,
    child: Child,
    stdin: ChildStdin,
    stdout: Lines<BufReader<ChildStdout>>,
}

impl Running {
    pub(crate) fn start(name: &str, mut command: Command) -> Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{name} does not start"))?;
        Ok(Self {
            name: name.to_owned(),
            stdin: child.stdin.take().context("it was piped")?,
            stdout: BufReader::new(child.stdout.take().context("it was piped")?).lines(),
            child,
        })
    }

    /// The child's next line, for which it works at most `work`.
    pub(crate) async fn hear<T: DeserializeOwned>(&mut self, work: Duration) -> Result<T> {
        let line = timeout(work + PATIENCE, self.stdout.next_line()).await;
        let name = &self.name;
        let line = line.with_context(|| {
            format!("{name} said nothing for too long: was an answer lost, or is the machine overloaded?")
        })??;
        match line {
            Some(line) => {
                serde_json::from_str(&line).with_context(|| format!("{name} said {line:?}"))
            }
            None => bail!(
                "{name} failed ({}); its own message stands above",
                self.child.wait().await?
            ),
        }
    }

    /// Tells a child that is ready to begin.
    pub(crate) async fn begin(&mut self) -> Result<()> {
        self.stdin.write_all(b"\n").await?;
        Ok(())
    }

    /// Gives an order to a child that takes [`orders`], which works on it at most `work`, and hears what came of it.
    pub(crate) async fn order<T: DeserializeOwned>(
        &mut self,
        order: &impl Serialize,
        work: Duration,
    ) -> Result<T> {
        let line = serde_json::to_string(order)? + "\n";
        self.stdin.write_all(line.as_bytes()).await?;
        self.hear(work).await
    }

    /// Lets go of a child that ends by itself then, and waits until it has.
    pub(crate) async fn let_go(self) -> Result<()> {
        let Self {
            mut child, stdin, ..
        } = self;
        drop(stdin);
        timeout(PATIENCE, child.wait()).await??;
        Ok(())
    }

    /// Ends the child, where it has not ended by itself, and waits until nothing is left of it.
    pub(crate) async fn end(mut self) -> Result<()> {
        self.child.kill().await?;
        Ok(())
    }

    /// CPU time of all threads so far. Exact when the process is idle, else late by up to a tick of the scheduler.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        let mut nanoseconds = 0;
        for task in fs::read_dir(self.proc("task")?).context(NEEDS_PROC)? {
            let text = fs::read_to_string(task?.path().join("schedstat")).context(NEEDS_PROC)?;
            let run = text.split_whitespace().next().context(NEEDS_PROC)?;
            nanoseconds += run.parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    /// Resident memory now.
    pub(crate) fn memory_kib(&self) -> Result<f64> {
        let status = fs::read_to_string(self.proc("status")?).context(NEEDS_PROC)?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.trim().strip_suffix("kB"));
        Ok(number.context(NEEDS_PROC)?.trim().parse()?)
    }

    fn proc(&self, file: &str) -> Result<PathBuf> {
        let Some(id) = self.child.id() else {
            bail!("{} has ended", self.name);
        };
        Ok(format!("/proc/{id}/{file}").into())
    }
}

/// CPU time of the thread that asks.
pub(crate) fn own_cpu() -> Result<Duration> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").context(NEEDS_PROC)?;
    let run = text.split_whitespace().next().context(NEEDS_PROC)?;
    Ok(Duration::from_nanos(run.parse()?))
}

/// The command that starts this program as one of its parts.
pub(crate) fn part(name: &str) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(name);
    Ok(command)
}

/// For a child: says that it is ready, and waits until it may begin.
pub(crate) async fn ready() -> Result<()> {
    say(&"ready")?;
    let begin = BufReader::new(tokio::io::stdin())
        .lines()
        .next_line()
        .await?;
    begin.context("the benchmark has ended")?;
    Ok(())
}

/// For a child: ends when whoever started it lets go of it.
pub(crate) async fn until_let_go() -> Result<()> {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while lines.next_line().await?.is_some() {}
    Ok(())
}

/// For a child: does what it is told, a line each, and says what came of it, until whoever started it lets go of it.
pub(crate) async fn orders<O: DeserializeOwned, T: Serialize>(
    mut obey: impl AsyncFnMut(O) -> Result<T>,
) -> Result<()> {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        say(&obey(serde_json::from_str(&line)?).await?)?;
    }
    Ok(())
}

/// For a child: says a value.
pub(crate) fn say(value: &impl Serialize) -> Result<()> {
    println!("{}", serde_json::to_string(value)?);
    Ok(())
}

/// Ends with Ctrl-C or SIGTERM.
#[cfg(unix)]
pub(crate) async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

/// Ends with Ctrl-C.
#[cfg(not(unix))]
pub(crate) async fn stop_signal() {
    let _ = tokio::signal::ctrl_c().await;
}

/// Lets this process and its children have as many open files as the system allows, and tells how many that are.
#[cfg(unix)]
pub(crate) fn raise_open_files() -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    let reached = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    reached.unwrap_or(u64::MAX)
}

/// Other systems have no such limit.
#[cfg(not(unix))]
pub(crate) fn raise_open_files() -> u64 {
    u64::MAX
}
