//! The parent's side of the process that runs a script.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use pagewire_live::SIGN_ANSWER_BYTES_MAX;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::time::timeout;

use super::wire::{Said, ScriptFault};
use crate::signers::process::{Pipes, Process};

/// Longest line of the child, in bytes: an answer, and what is around it.
const SCRIPT_LINE_BYTES_MAX: u64 = SIGN_ANSWER_BYTES_MAX as u64 + 4_096;

/// A child process that has loaded the script.
#[derive(Debug)]
pub(super) struct Runner {
    pub(super) process: Process,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

/// Why a runner gave no answer.
pub(super) enum Stop {
    Fault(ScriptFault),
    /// It said nothing in time, not even that.
    Silent,
    /// Its output ended, or is none of ours.
    Broken,
}

impl Runner {
    pub(super) fn new(process: Process, Pipes { stdin, stdout }: Pipes) -> Self {
        Self {
            process,
            stdin,
            stdout: BufReader::new(stdout),
        }
    }

    /// Sends one line and waits for its answer; what the script logs on the way goes to our log.
    pub(super) async fn call(
        &mut self,
        line: &str,
        patience: Duration,
        file: &Path,
    ) -> Result<Bytes, Stop> {
        let exchange = async {
            // A process that is gone says so by the end of its output.
            let _ = self.stdin.write_all(line.as_bytes()).await;
            let _ = self.stdin.write_all(b"\n").await;
            loop {
                match self.said().await.ok_or(Stop::Broken)? {
                    Said::Log { level, text } => {
                        tracing::info!(script = %file.display(), %level, "{text}");
                    }
                    Said::Ready => return Ok(Bytes::new()),
                    Said::Answer(json) => return Ok(String::from(Box::<str>::from(json)).into()),
                    Said::Fault(fault) => return Err(Stop::Fault(fault)),
                }
            }
        };
        timeout(patience, exchange)
            .await
            .unwrap_or(Err(Stop::Silent))
    }

    /// The next line; none when there is no more, or when it is none of ours.
    async fn said(&mut self) -> Option<Said> {
        let mut line = Vec::new();
        let mut limited = (&mut self.stdout).take(SCRIPT_LINE_BYTES_MAX);
        limited.read_until(b'\n', &mut line).await.ok()?;
        serde_json::from_slice(&line).ok()
    }
}
