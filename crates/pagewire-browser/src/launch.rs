//! One running browser: started with a throw-away profile, and ended with us.

use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::timeout;

/// Time for the browser to end by itself before it is killed.
const END_TIMEOUT: Duration = Duration::from_secs(5);

/// No first-run pages, no updates, no calls home: the browser is there for one page.
const FLAGS: &[&str] = &[
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--password-store=basic",
    "--use-mock-keychain",
];

/// How to start a browser.
#[derive(Debug, Clone)]
pub struct LaunchOptions {
    /// The program, as from [`find`](crate::find).
    pub program: PathBuf,
    /// The page to open.
    pub url: String,
    /// Without a window.
    pub headless: bool,
    /// More flags.
    pub flags: Vec<String>,
}

/// Why a browser does not run.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// The throw-away profile could not be made.
    #[error("cannot make a folder for the browser's profile: {0}")]
    Profile(io::Error),
    /// The program could not be started.
    #[error("cannot start {program}: {error}")]
    Start {
        /// The program.
        program: PathBuf,
        /// What the operating system said.
        error: io::Error,
    },
}

/// A running browser. Dropping it kills it; [`Browser::close`] is kinder.
#[derive(Debug)]
pub struct Browser {
    child: Child,
    profile: TempDir,
}

impl Browser {
    /// Starts a browser with a profile of its own (readable by this user only) that is deleted afterwards.
    ///
    /// # Errors
    ///
    /// When the profile cannot be made or the program not be started. A browser that starts and ends at once is seen by [`Browser::has_ended`].
    pub fn launch(options: &LaunchOptions) -> Result<Self, LaunchError> {
        let profile = tempfile::Builder::new()
            .prefix("pagewire-")
            .tempdir()
            .map_err(LaunchError::Profile)?;
        let mut command = Command::new(&options.program);
        command
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .args(FLAGS);
        if options.headless {
            command.args(["--headless", "--disable-gpu"]);
        }
        if runs_as_root() {
            // Chromium refuses to run as root with its sandbox; in a container there is often no other user.
            command.arg("--no-sandbox");
        }
        command.args(&options.flags).arg(&options.url);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        // A group of its own: Ctrl-C reaches us alone, and ending the group ends every process of the browser.
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn().map_err(|error| LaunchError::Start {
            program: options.program.clone(),
            error,
        })?;
        if let Some(stderr) = child.stderr.take() {
            tokio::spawn(log_lines(stderr));
        }
        Ok(Self { child, profile })
    }

    /// True when the browser has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Ends the browser: asks first, kills after 5 s, deletes the profile.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future kills the browser.
    pub async fn close(mut self) {
        self.signal_group(Ending::Ask);
        if timeout(END_TIMEOUT, self.child.wait()).await.is_err() {
            self.signal_group(Ending::Kill);
            // An error here means that the process is gone already.
            let _ = self.child.kill().await;
        }
        if let Err(error) = self.profile.close() {
            tracing::debug!(%error, "the browser's profile is not deleted");
        }
    }

    #[cfg(unix)]
    fn signal_group(&self, ending: Ending) {
        use rustix::process::{Pid, Signal, kill_process_group};
        let signal = match ending {
            Ending::Ask => Signal::TERM,
            Ending::Kill => Signal::KILL,
        };
        let pid = self
            .child
            .id()
            .and_then(|pid| i32::try_from(pid).ok())
            .and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // An error here means that the group is gone already.
            let _ = kill_process_group(pid, signal);
        }
    }

    #[cfg(not(unix))]
    fn signal_group(&mut self, _ending: Ending) {
        // Without process groups there is no asking.
        let _ = self.child.start_kill();
    }
}

#[derive(Debug, Clone, Copy)]
enum Ending {
    Ask,
    Kill,
}

/// Ends by itself when the browser closes its end.
async fn log_lines(stderr: ChildStderr) {
    let mut lines = BufReader::new(stderr).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        tracing::debug!(target: "pagewire_browser::stderr", "{line}");
    }
}

#[cfg(target_os = "linux")]
fn runs_as_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
}

#[cfg(not(target_os = "linux"))]
fn runs_as_root() -> bool {
    false
}
