//! The process of a browser that was launched by us, and the pipe to it.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use command_fds::{CommandFdExt as _, FdMapping};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::net::unix::pipe::{Receiver, Sender};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::stderr::LastWords;
use super::{Ended, LaunchError, LaunchOptions};
use crate::profile::held::{self, Held};
use crate::transport::{CommandEnd, Transport};

/// Where Chromium reads commands with `--remote-debugging-pipe`.
const COMMANDS_FD: i32 = 3;
/// Where it writes answers.
const ANSWERS_FD: i32 = 4;
/// Time for the browser to end by itself before it is killed.
const END_TIMEOUT: Duration = Duration::from_secs(5);
/// Renderers share memory here; with less, as in containers, they crash on large pages, and files do instead.
const SHARED_MEMORY: &str = "/dev/shm";
const SHARED_MEMORY_BYTES_MIN: u64 = 512 << 20;

/// A browser that was launched by us.
///
/// It ends when its [`Transport`] is closed or dropped, when this is dropped (it is killed then; [`Browser::close`] is kinder), and when our process ends in any way,
/// `kill -9` included: Chromium ends when the pipe does. What remains is a browser process that is itself stopped or hung at that moment; it
/// ends when it goes on.
#[derive(Debug)]
pub struct Browser {
    process: Process,
    /// Shared with the transport.
    commands: CommandEnd,
    last_words: LastWords,
    /// Comes last: a throw-away profile is deleted when the process is dead.
    profile: Held,
}

impl Browser {
    /// Starts a browser, and connects to it by a pipe, so that no other user of the machine can.
    ///
    /// Left-over throw-away profiles are swept away beside it.
    ///
    /// # Errors
    ///
    /// When an option or the profile cannot be used, or the program cannot be started. A browser that starts and ends at once ends its transport;
    /// [`Browser::wait`] says how it did.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub fn launch(options: &LaunchOptions) -> Result<(Self, Transport), LaunchError> {
        let arguments = options.arguments()?;
        // Nobody waits for it: it touches only what is nobody's any more, and a runtime that ends waits for its blocking tasks.
        drop(tokio::task::spawn_blocking(held::sweep));
        let profile = Held::new(&options.profile)?;
        let (pipes, from_browser, commands) = open_pipes().map_err(LaunchError::Pipe)?;
        let mut command = Command::new(&options.program);
        command
            .arg(user_data_dir(profile.path()))
            .args(for_this_machine())
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            // A group of its own: Ctrl-C reaches us alone, and ending the group ends every process of the browser.
            .process_group(0)
            .fd_mappings(pipes)
            .expect("the two numbers differ");
        let mut child = command.spawn().map_err(|error| LaunchError::Start {
            program: options.program.clone(),
            error,
        })?;
        let stderr = child.stderr.take().expect("it is piped");
        tracing::info!(program = %options.program.display(), pid = child.id(), profile = %profile.path().display(), "started the browser");
        let browser = Self {
            process: Process(child),
            commands: commands.clone(),
            last_words: LastWords::read(stderr),
            profile,
        };
        Ok((browser, Transport::pipe(from_browser, commands)))
    }

    /// The browser's main process; `None` when it ended and [`Browser::has_ended`] or [`Browser::wait`] saw it.
    pub fn pid(&self) -> Option<u32> {
        self.process.0.id()
    }

    /// Where it keeps its data.
    pub fn profile(&self) -> &Path {
        self.profile.path()
    }

    /// True when the browser has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.process.0.try_wait(), Ok(None))
    }

    /// Waits until the browser ends, and says how it did.
    ///
    /// # Cancel safety
    ///
    /// Safe: a later call waits on.
    pub async fn wait(&mut self) -> Ended {
        let status = self.process.0.wait().await.ok();
        Ended::new(status, self.last_words.take().await)
    }

    /// Ends the browser: closes its pipe, so that it writes log-ins to a named profile, kills it after 5 s, and deletes a throw-away profile.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future kills the browser.
    pub async fn close(self) {
        let Self {
            mut process,
            commands,
            last_words,
            profile,
        } = self;
        commands.close();
        process.end().await;
        drop(last_words);
        let deleted = tokio::task::spawn_blocking(|| profile.close()).await;
        if let Ok(Err(error)) = deleted {
            tracing::debug!(%error, "the browser's profile is not deleted");
        }
    }
}

/// The main process of a browser; dropping it kills the whole group.
#[derive(Debug)]
struct Process(Child);

impl Process {
    /// Waits for its end, and kills it when that takes too long.
    async fn end(&mut self) {
        if timeout(END_TIMEOUT, self.0.wait()).await.is_err() {
            self.kill();
            // An error means that it was waited for already.
            let _ = self.0.wait().await;
        }
    }

    /// `None` when its end was seen: then its number may be another's.
    fn running(&self) -> Option<Pid> {
        Pid::from_raw(i32::try_from(self.0.id()?).ok()?)
    }

    fn kill(&self) {
        if let Some(pid) = self.running() {
            // An error means that the group is gone.
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Paths need not be UTF-8.
fn user_data_dir(profile: &Path) -> OsString {
    let mut argument = OsString::from("--user-data-dir=");
    argument.push(profile);
    argument
}

/// The browser's ends with the numbers that it looks for them under, and ours. The four take the lowest free numbers, so 3 and 4 are in use in this process from now on, and
/// putting the browser's ends there after the fork cannot overwrite what the standard library opens for starting a program.
fn open_pipes() -> io::Result<(Vec<FdMapping>, Receiver, CommandEnd)> {
    let (commands, to_browser) = io::pipe()?;
    let (from_browser, answers) = io::pipe()?;
    // Only our ends do not block: Chromium has threads that wait on its own.
    let from_browser = Receiver::from_owned_fd(from_browser.into())?;
    let to_browser = Sender::from_owned_fd(to_browser.into())?;
    let mapping = |parent_fd: OwnedFd, child_fd| FdMapping {
        parent_fd,
        child_fd,
    };
    let pipes = vec![
        mapping(commands.into(), COMMANDS_FD),
        mapping(answers.into(), ANSWERS_FD),
    ];
    Ok((pipes, from_browser, CommandEnd::new(to_browser)))
}

/// What root and containers need.
fn for_this_machine() -> Vec<String> {
    let mut flags = Vec::new();
    if !cfg!(target_os = "linux") {
        return flags;
    }
    if rustix::process::geteuid().is_root() {
        // Chromium refuses to run as root with its sandbox; in a container there is often no other user.
        tracing::warn!(
            "running as root: the browser is started with --no-sandbox, so open only pages that you trust"
        );
        flags.push("--no-sandbox".to_owned());
    }
    let is_small = rustix::fs::statvfs(SHARED_MEMORY).map_or(true, |memory| {
        memory.f_bavail.saturating_mul(memory.f_frsize) < SHARED_MEMORY_BYTES_MIN
    });
    if is_small {
        tracing::debug!("{SHARED_MEMORY} is small: the browser shares memory by files");
        flags.push("--disable-dev-shm-usage".to_owned());
    }
    flags
}
