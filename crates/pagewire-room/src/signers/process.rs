//! A child process with its own group, which is killed as a whole, and bounded reading of what it writes.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Of what a process writes to standard error the end is kept, so many bytes.
pub const STDERR_BYTES_MAX: usize = 4 << 10;
/// How long the rest of it is waited for when the process has ended: a grandchild that goes on may hold it open.
const REST_WAIT: Duration = Duration::from_millis(200);

/// A running process and its children. Dropping it kills them all.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    stderr: Arc<Mutex<Vec<u8>>>,
    reading: JoinHandle<()>,
}

/// Both ends of what is said with a process.
#[derive(Debug)]
pub(super) struct Pipes {
    pub(super) stdin: ChildStdin,
    pub(super) stdout: ChildStdout,
}

impl Process {
    /// Starts it with all three standard streams as pipes.
    pub(super) fn start(mut command: Command) -> io::Result<(Self, Pipes)> {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        // Ctrl-C at the terminal is not for it, and what it starts is killed with it.
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn()?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let ((stdin, stdout), from) = pipes
            .zip(child.stderr.take())
            .ok_or_else(|| io::Error::other("it has no pipes"))?;
        let stderr = Arc::default();
        let reading = tokio::spawn(tail(from, Arc::clone(&stderr)));
        let process = Self {
            child,
            stderr,
            reading,
        };
        Ok((process, Pipes { stdin, stdout }))
    }

    /// Waits until it ended.
    pub(super) async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Kills what is left of it, and gives the end of its standard error.
    pub(super) async fn kill(mut self) -> String {
        self.kill_group();
        let _ = self.child.wait().await;
        let _ = timeout(REST_WAIT, &mut self.reading).await;
        let said = self.stderr.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&said).into_owned()
    }

    fn kill_group(&mut self) {
        #[cfg(unix)]
        if let Some(group) = self.group() {
            // It is gone already: nothing to do.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.child.start_kill();
    }

    /// Its group, as long as its number cannot have become somebody else's.
    #[cfg(unix)]
    fn group(&self) -> Option<rustix::process::Pid> {
        let id = i32::try_from(self.child.id()?).ok()?;
        rustix::process::Pid::from_raw(id)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill_group();
        self.reading.abort();
    }
}

/// Reads on to the end, so that the writer never waits, and keeps the end of it.
async fn tail(mut from: impl AsyncRead + Unpin, kept: Arc<Mutex<Vec<u8>>>) {
    let mut buffer = [0; 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend(buffer.iter().take(length));
        let surplus = kept.len().saturating_sub(STDERR_BYTES_MAX);
        kept.drain(..surplus);
    }
}

/// How it ended: `ended with exit code 3`, `was ended by signal 9 (SIGKILL)`.
pub(super) fn describe(status: ExitStatus) -> String {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt as _;
        if let Some(signal) = status.signal() {
            let name = match signal {
                4 => " (SIGILL)",
                6 => " (SIGABRT)",
                9 => " (SIGKILL)",
                11 => " (SIGSEGV)",
                15 => " (SIGTERM)",
                _ => "",
            };
            return format!("was ended by signal {signal}{name}");
        }
    }
    match status.code() {
        Some(code) => format!("ended with exit code {code}"),
        None => "ended".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn of_standard_error_the_end_is_kept() {
        let text: String = ('a'..='z').cycle().take(STDERR_BYTES_MAX).collect();
        for text_and_more in [text.clone(), format!("X{text}")] {
            let kept = Arc::default();
            tail(text_and_more.as_bytes(), Arc::clone(&kept)).await;
            assert_eq!(*kept.lock().unwrap(), text.as_bytes());
        }
    }
}
