//! Running the binary in tests.
#![allow(dead_code, reason = "each test file uses its part")]

use std::path::PathBuf;
use std::process::Stdio;

use pagewire_testkit::{need, soon};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// A run that has ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The binary with pipes and without the settings and the time zone of whoever runs the tests.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pagewire"));
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("PAGEWIRE_")) {
        command.env_remove(name);
    }
    // Without these, what is for people is in English.
    for name in ["LC_ALL", "LC_MESSAGES", "LANG"] {
        command.env_remove(name);
    }
    command.env("TZ", "UTC");
    command.env("XDG_CONFIG_HOME", "/nonexistent");
    command
}

pub(crate) async fn run(arguments: &[&str]) -> Finished {
    run_with(arguments, &[]).await
}

pub(crate) async fn run_with(arguments: &[&str], environment: &[(&str, &str)]) -> Finished {
    let output = command(arguments)
        .envs(environment.iter().copied())
        .output();
    let output = soon("the end of the command", output)
        .await
        .expect("started");
    Finished {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

pub(crate) fn lines<R: AsyncRead + Unpin>(stream: R) -> Lines<BufReader<R>> {
    BufReader::new(stream).lines()
}

/// The number of a line of `tail`, and what is behind its time.
pub(crate) fn numbered(line: &str) -> (&str, &str) {
    let (number, rest) = line.split_once(' ').expect("a number");
    let (time, rest) = rest.split_once(' ').expect("a time");
    let is_time = time.len() == "22:05:45.678".len() && time.contains(':');
    assert!(number.starts_with('#') && is_time, "{line}");
    (number, rest)
}

/// A Python that has the `websockets` package, or a skip.
pub(crate) async fn python() -> Option<PathBuf> {
    let python = pagewire_testkit::program("PAGEWIRE_TEST_PYTHON", "python3")?;
    let probe = Command::new(&python)
        .args(["-c", "import websockets.asyncio.client"])
        .output()
        .await;
    let has_package = probe.is_ok_and(|output| output.status.success());
    need(
        "the Python package websockets (pip install websockets)",
        has_package.then_some(python),
    )
}

/// Ctrl-C.
pub(crate) fn interrupt(child: &Child) {
    let pid = child
        .id()
        .and_then(|pid| i32::try_from(pid).ok())
        .and_then(Pid::from_raw)
        .expect("it runs");
    kill_process(pid, Signal::INT).expect("it runs");
}

/// What `pagewire serve` on a free port prints for people, up to its last line.
pub(crate) async fn serve_words(arguments: &[&str]) -> String {
    let mut serve = command(&[&["serve", "--listen", "127.0.0.1:0"], arguments].concat())
        .spawn()
        .expect("started");
    let mut lines = lines(serve.stdout.take().expect("piped"));
    let mut words = String::new();
    while !words.contains("Ctrl-C") {
        let line = soon("a line", lines.next_line()).await.expect("read");
        words += &(line.expect("a line") + "\n");
    }
    interrupt(&serve);
    soon("the end", serve.wait()).await.expect("ended");
    words
}

/// A running `pagewire serve --json`.
#[derive(Debug)]
pub(crate) struct Serve {
    child: Child,
    stdout: Lines<BufReader<ChildStdout>>,
    pub(crate) listening: Value,
}

impl Serve {
    pub(crate) async fn start(arguments: &[&str]) -> Self {
        Self::start_with(arguments, &[]).await
    }

    pub(crate) async fn start_with(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut child = command(&[&["serve", "--json"], arguments].concat())
            .envs(environment.iter().copied())
            .spawn()
            .expect("started");
        let mut stdout = lines(child.stdout.take().expect("piped"));
        let line = soon("the first line", stdout.next_line())
            .await
            .expect("read")
            .expect("a line");
        let listening: Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(listening["event"], "listening");
        Self {
            child,
            stdout,
            listening,
        }
    }

    pub(crate) async fn stop(mut self) -> (Value, Option<i32>) {
        interrupt(&self.child);
        let line = soon("the last line", self.stdout.next_line())
            .await
            .expect("read")
            .expect("a line");
        let status = soon("the end", self.child.wait()).await.expect("ended");
        (serde_json::from_str(&line).expect("JSON"), status.code())
    }

    pub(crate) async fn stop_and_log(mut self) -> String {
        interrupt(&self.child);
        let mut log = String::new();
        let mut stderr = self.child.stderr.take().expect("piped");
        soon("the log", stderr.read_to_string(&mut log))
            .await
            .expect("read");
        log
    }
}
