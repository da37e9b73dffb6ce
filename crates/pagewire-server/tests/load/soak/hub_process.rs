//! The hub of the soak in a process of its own, so that its memory, files and tasks are its own too.
//!
//! The process is this test binary once more, asked for the one test at the bottom. It says where it listens, answers each line of standard
//! input with a measure, and stops at its end.

use std::env;
use std::io::{self, Write as _};
use std::process::Stdio;

use pagewire_hub::{Drained, HubOptions, TopicOptions};
use pagewire_testkit::{Http, TestHub, soon, until};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::runtime::Builder;

use crate::footprint::{live_tasks, memory_kib, open_files};

/// Set where the test at the bottom is to be the hub.
const ROLE: &str = "PAGEWIRE_TEST_SOAK_HUB";
/// Begins each line that is meant for the soak; the test harness writes others.
const MARK: &str = "soak-hub:";
/// Values kept in each topic: few, so that memory has its working size early.
const VALUES_MAX: usize = 64;

/// What the hub's process holds at one moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measure {
    /// Tasks of its runtime, which runs nothing else.
    pub(super) tasks: usize,
    pub(super) files: Option<usize>,
    pub(super) memory_kib: Option<u64>,
}

impl Measure {
    fn of_this_process() -> Self {
        Self {
            tasks: live_tasks(),
            files: open_files(),
            memory_kib: memory_kib(),
        }
    }

    fn write(self) -> String {
        let known = |number: Option<u64>| {
            number.map_or_else(|| "-".to_owned(), |number| number.to_string())
        };
        let files = known(self.files.map(|files| files as u64));
        format!("{} {files} {}", self.tasks, known(self.memory_kib))
    }

    fn read(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        Some(Self {
            tasks: words.next()?.parse().ok()?,
            files: words.next()?.parse().ok(),
            memory_kib: words.next()?.parse().ok(),
        })
    }
}

/// A hub that runs until it is stopped or dropped.
#[derive(Debug)]
pub(super) struct HubProcess {
    /// `127.0.0.1:PORT`.
    pub(super) address: String,
    process: Child,
    ask: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl HubProcess {
    pub(super) async fn start() -> Self {
        let module = module_path!().split_once("::").expect("a module").1;
        let mut process = Command::new(env::current_exe().expect("the path of this test"))
            .args([&format!("{module}::be_the_hub_of_the_soak"), "--exact"])
            .args(["--ignored", "--nocapture"])
            .env(ROLE, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("this test runs once more");
        let ask = process.stdin.take().expect("a pipe");
        let output = process.stdout.take().expect("a pipe");
        let mut lines = BufReader::new(output).lines();
        let address = next_line(&mut lines).await;
        Self {
            address,
            process,
            ask,
            lines,
        }
    }

    /// A client with connections of its own.
    pub(super) fn client(&self) -> Http {
        Http::new(format!("http://{}", self.address))
    }

    pub(super) fn ws_url(&self) -> String {
        format!("ws://{}", self.address)
    }

    pub(super) async fn measure(&mut self) -> Measure {
        let asked = self.ask.write_all(b"\n").await;
        asked.expect("the hub runs");
        let line = next_line(&mut self.lines).await;
        Measure::read(&line).unwrap_or_else(|| unreachable!("a measure, not {line}"))
    }

    /// Stops it as Ctrl-C does, and sees that it had nothing left to cut off.
    pub(super) async fn stop(self) {
        let Self {
            mut process,
            ask,
            lines: _lines,
            ..
        } = self;
        drop(ask);
        let status = soon("the end of the hub", process.wait()).await;
        assert!(status.expect("a status").success(), "the hub failed");
    }
}

async fn next_line(lines: &mut Lines<BufReader<ChildStdout>>) -> String {
    loop {
        let line = soon("a line of the hub", lines.next_line()).await;
        let line = line.expect("text").expect("the hub runs");
        if let Some(text) = line.strip_prefix(MARK) {
            return text.trim().to_owned();
        }
    }
}

#[test]
#[ignore = "is the hub that the soak starts as a process of its own; by itself it has nothing to do"]
fn be_the_hub_of_the_soak() {
    if env::var_os(ROLE).is_none() {
        return;
    }
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let runtime = runtime.expect("a runtime");
    let topics = TopicOptions {
        values_max: VALUES_MAX,
        ..TopicOptions::default()
    };
    let options = HubOptions {
        topics,
        ..HubOptions::default()
    };
    let hub = runtime.block_on(TestHub::with_options(options));
    let _entered = runtime.enter();
    say(&hub.address);
    for line in io::stdin().lines() {
        line.expect("a line");
        say(&Measure::of_this_process().write());
    }
    let nothing_left = Drained {
        calls_cut: 0,
        pages: 0,
    };
    assert_eq!(runtime.block_on(hub.stop()), nothing_left);
    // A task is counted until a moment after whoever waits for it has its result.
    runtime.block_on(until("the end of every task", async || {
        (live_tasks() == 0).then_some(())
    }));
}

/// Past the test harness, which would keep it, and on a line of its own.
fn say(text: &str) {
    let mut output = io::stdout().lock();
    let said = writeln!(output, "\n{MARK} {text}").and_then(|()| output.flush());
    said.expect("the soak listens");
}
