//! `command:PROGRAM ARGUMENT…`: a program that reads the request from standard input and writes its answer to standard output.

use std::ffi::OsStr;
use std::process::ExitStatus;
use std::time::Duration;

use bytes::Bytes;
use pagewire_live::{SIGN_ANSWER_BYTES_MAX, SignRequest};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;
use tokio::time::timeout;

use super::error::SignError;
use super::process::{Pipes, Process, describe};

/// Variables of our environment that a program does not get: they hold tokens of the hub.
const KEPT_BACK: &str = "PAGEWIRE_";

/// Starts the program once for each request, without a shell.
#[derive(Debug)]
pub(super) struct CommandSigner {
    pub(super) program: String,
    pub(super) arguments: Vec<String>,
    pub(super) timeout: Duration,
}

impl CommandSigner {
    /// # Cancel safety
    ///
    /// Dropping the future kills the program and its children.
    pub(super) async fn ask(&self, request: &SignRequest) -> Result<Bytes, SignError> {
        let (mut process, pipes) =
            Process::start(self.command()).map_err(|error| SignError::CommandUnstarted {
                program: self.program.clone(),
                why: error.to_string(),
            })?;
        match timeout(self.timeout, talk(&mut process, pipes, request.json())).await {
            Err(_) => Err(SignError::CommandSlow {
                program: self.program.clone(),
                after: self.timeout,
                stderr: process.kill().await,
            }),
            Ok(Talk::TooLong) => Err(SignError::TooLong {
                limit: SIGN_ANSWER_BYTES_MAX,
            }),
            Ok(Talk::Ended(status, answer)) if status.success() => Ok(answer),
            Ok(Talk::Ended(status, _)) => Err(self.failed(describe(status), process).await),
            Ok(Talk::Lost(why)) => Err(self.failed(format!("was lost: {why}"), process).await),
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments);
        let names = std::env::vars_os().map(|(name, _)| name);
        for name in names.filter(|name| is_kept_back(name)) {
            command.env_remove(name);
        }
        command
    }

    async fn failed(&self, how: String, process: Process) -> SignError {
        SignError::CommandFailed {
            program: self.program.clone(),
            how,
            stderr: process.kill().await,
        }
    }
}

fn is_kept_back(name: &OsStr) -> bool {
    name.to_string_lossy().starts_with(KEPT_BACK)
}

enum Talk {
    Ended(ExitStatus, Bytes),
    TooLong,
    Lost(String),
}

async fn talk(process: &mut Process, pipes: Pipes, request: String) -> Talk {
    let Pipes { mut stdin, stdout } = pipes;
    let writing = async move {
        // A program that does not read its input does not need it.
        let _ = stdin.write_all(request.as_bytes()).await;
        let _ = stdin.write_all(b"\n").await;
        let _ = stdin.shutdown().await;
    };
    let mut answer = Vec::new();
    let mut limited = stdout.take(SIGN_ANSWER_BYTES_MAX as u64 + 1);
    let reading = limited.read_to_end(&mut answer);
    let (read, ()) = tokio::join!(reading, writing);
    if answer.len() > SIGN_ANSWER_BYTES_MAX {
        return Talk::TooLong;
    }
    let ended = match read {
        Ok(_) => process.wait().await,
        Err(error) => Err(error),
    };
    match ended {
        Ok(status) => Talk::Ended(status, answer.into()),
        Err(error) => Talk::Lost(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_variables_are_kept_back() {
        let cases = [
            ("PAGEWIRE_TOKEN", true),
            ("PAGEWIRE_", true),
            ("PATH", false),
            ("MY_PAGEWIRE_KEY", false),
        ];
        for (name, kept_back) in cases {
            assert_eq!(is_kept_back(OsStr::new(name)), kept_back, "{name}");
        }
    }
}
