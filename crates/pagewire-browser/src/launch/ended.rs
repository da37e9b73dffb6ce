//! How a browser ended, and what its last words mean.

use std::fmt;
use std::process::ExitStatus;

/// How a browser ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Its exit.
    pub how: How,
    /// What it said last on its error stream, oldest first.
    pub lines: Vec<String>,
}

/// The exit of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// With an exit code; 0 when it was asked to end, or a person closed it.
    Code(i32),
    /// By a signal.
    Signal(i32),
    /// The operating system does not tell.
    Unknown,
}

/// Words of a browser that stopped at once, and what to do about them, in English and Chinese.
const KNOWN: &[(&str, &str, &str)] = &[
    (
        "No usable sandbox",
        "this system gives it no sandbox: allow unprivileged user namespaces, or start it with the flag --no-sandbox if you trust the pages",
        "系统没有为它提供沙箱：请允许非特权用户命名空间；若信任所开的网页，可加参数 --no-sandbox",
    ),
    (
        "Missing X server or $DISPLAY",
        "there is no display for its window: start it without a window",
        "没有可用的显示器：请以无窗口方式启动",
    ),
    (
        "error while loading shared libraries",
        "libraries that it needs are not installed: install the browser from your system's packages",
        "缺少它所需的库：请用系统软件包安装浏览器",
    ),
    (
        "profile appears to be in use",
        "its profile is in use by another browser: close that one first, or take another profile",
        "它的配置正被另一个浏览器使用：请先关闭它，或换一个配置",
    ),
];

/// Chromium's exit code where another browser uses the profile.
const PROFILE_IN_USE: i32 = 21;

impl Ended {
    #[cfg_attr(not(unix), expect(dead_code, reason = "nothing is launched there"))]
    pub(super) fn new(status: Option<ExitStatus>, lines: Vec<String>) -> Self {
        let how = status.map_or(How::Unknown, |status| {
            if let Some(code) = status.code() {
                return How::Code(code);
            }
            signal(status).map_or(How::Unknown, How::Signal)
        });
        Self { how, lines }
    }

    /// What to do about it, in English and Chinese, where its words are known.
    pub fn advice(&self) -> Option<(&'static str, &'static str)> {
        let said = |words: &str| self.lines.iter().any(|line| line.contains(words));
        let in_use = |words: &str| {
            self.how == How::Code(PROFILE_IN_USE) && words == "profile appears to be in use"
        };
        let known = KNOWN
            .iter()
            .find(|(words, ..)| said(words) || in_use(words))?;
        Some((known.1, known.2))
    }

    /// The line that tells most: what it died of, else the last one.
    fn last_words(&self) -> Option<&str> {
        let fatal = self
            .lines
            .iter()
            .rev()
            .find(|line| line.contains(":FATAL:"));
        let words = fatal.or_else(|| self.lines.last())?;
        // [PID:TID:DATE/TIME:LEVEL:FILE] words
        let head = words
            .strip_prefix('[')
            .and_then(|rest| rest.split_once("] "));
        Some(head.map_or(words.as_str(), |(_, words)| words))
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.how {
            How::Code(0) => return f.write_str("the browser was closed"),
            How::Code(code) => write!(f, "the browser ended with exit code {code}")?,
            How::Signal(signal) => write!(f, "the browser was ended by signal {signal}")?,
            How::Unknown => f.write_str("the browser ended")?,
        }
        if let Some(words) = self.last_words() {
            write!(f, ": {words}")?;
        }
        if let Some((advice, _)) = self.advice() {
            write!(f, "; {advice}")?;
        }
        Ok(())
    }
}

#[cfg(unix)]
fn signal(status: ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

#[cfg(not(unix))]
fn signal(_status: ExitStatus) -> Option<i32> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    #[test]
    fn an_end_is_told_with_its_last_words_and_what_to_do() {
        let noise = "[1:1:1122/045711.9:ERROR:dbus/bus.cc:405] Failed to connect to the bus";
        let no_sandbox = "[7:7:1122/045711.9:FATAL:zygote_host_impl_linux.cc(127)] No usable sandbox! If you are running on Ubuntu 23.10+ …";
        let no_library = "chromium: error while loading shared libraries: libnss3.so: cannot open shared object file";
        let aborted = 6;
        let exited = |code: i32| code << 8;
        let cases = [
            (exited(0), vec![noise], "the browser was closed", ""),
            (exited(1), vec![], "the browser ended with exit code 1", ""),
            (
                exited(1),
                vec![noise],
                "the browser ended with exit code 1: Failed to connect to the bus",
                "",
            ),
            (
                aborted,
                vec![no_sandbox, noise],
                "the browser was ended by signal 6: No usable sandbox! ",
                "--no-sandbox",
            ),
            (
                exited(127),
                vec![no_library],
                "the browser ended with exit code 127: chromium: error while loading",
                "install the browser",
            ),
            (
                exited(PROFILE_IN_USE),
                vec![],
                "the browser ended with exit code 21; its profile is in use",
                "take another profile",
            ),
        ];
        for (status, lines, begins, advice) in cases {
            let lines = lines.into_iter().map(str::to_owned).collect();
            let ended = Ended::new(Some(ExitStatus::from_raw(status)), lines);
            let told = ended.to_string();
            assert!(told.starts_with(begins), "{told}");
            assert!(told.contains(advice), "{told}");
            assert_eq!(ended.advice().is_some(), !advice.is_empty(), "{told}");
        }
        assert_eq!(
            Ended::new(None, Vec::new()).to_string(),
            "the browser ended"
        );
    }
}
