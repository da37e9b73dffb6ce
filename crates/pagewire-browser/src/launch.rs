//! Starting a browser that ends with us.

mod ended;
#[cfg(not(unix))]
mod nowhere;
#[cfg(unix)]
mod process;
#[cfg(unix)]
mod stderr;

use std::io;
use std::path::PathBuf;

pub use self::ended::{Ended, How};
#[cfg(not(unix))]
pub use self::nowhere::Browser;
#[cfg(unix)]
pub use self::process::Browser;
use crate::profile::{Profile, ProfileError};

/// No first-run pages, no updates, no calls home: the browser is there for the pages that it is given. A tab in the background answers like one in
/// the foreground.
const FLAGS: &[&str] = &[
    "--no-first-run",
    "--no-default-browser-check",
    "--hide-crash-restore-bubble",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--password-store=basic",
    "--use-mock-keychain",
];
/// Nobody sees a browser without a window, nor its address bar: the popups of that are pages of their own, and load more than most pages (two thirds of
/// the CPU time of a start in Chromium 156).
const HEADLESS_FLAGS: &[&str] = &[
    "--headless",
    "--disable-gpu",
    "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup",
];
/// Flags that Pagewire sets itself, and what to use instead.
const OURS: &[(&str, &str)] = &[
    ("--user-data-dir", "the option for the profile"),
    ("--remote-debugging-pipe", "nothing, it is always on"),
    (
        "--remote-debugging-io-pipes",
        "nothing, the pipe is always on",
    ),
    ("--headless", "the option for the window"),
];

/// How to start a browser.
#[derive(Debug, Clone)]
pub struct LaunchOptions {
    /// The program, as from [`find`](crate::find()).
    pub program: PathBuf,
    /// Where it keeps cookies and log-ins. Default: a throw-away folder.
    pub profile: Profile,
    /// Default: without one.
    pub window: Window,
    /// As Chromium's `--proxy-server` takes it, such as `socks5://127.0.0.1:1080`. Addresses of this machine are reached without it. Default: the
    /// system's setting.
    pub proxy: Option<String>,
    /// More flags, after Pagewire's own, so that the last word is theirs. Default: none.
    pub flags: Vec<String>,
    /// A page to open at once. Default: none without a window, and an empty one in a window, since a browser in a window ends when a person closes the last page.
    pub url: Option<String>,
}

/// Whether a person sees the browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Window {
    /// Nobody does; it needs no display.
    #[default]
    Headless,
    /// It has windows, and a person can work in them.
    Shown,
}

impl LaunchOptions {
    /// With the defaults of each field.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            profile: Profile::default(),
            window: Window::default(),
            proxy: None,
            flags: Vec::new(),
            url: None,
        }
    }

    /// All arguments except those that depend on the machine.
    #[cfg_attr(not(unix), expect(dead_code, reason = "nothing is launched there"))]
    fn arguments(&self) -> Result<Vec<String>, LaunchError> {
        let mut arguments = vec!["--remote-debugging-pipe".to_owned()];
        arguments.extend(FLAGS.iter().map(|flag| (*flag).to_owned()));
        if self.window == Window::Headless {
            arguments.extend(HEADLESS_FLAGS.iter().map(|flag| (*flag).to_owned()));
        }
        if let Some(proxy) = &self.proxy {
            if proxy.contains('@') {
                return Err(LaunchError::ProxyCredentials);
            }
            arguments.push(format!("--proxy-server={proxy}"));
        }
        for flag in &self.flags {
            let name = flag.split('=').next().unwrap_or_default();
            if let Some((_, instead)) = OURS.iter().find(|(ours, _)| *ours == name) {
                return Err(LaunchError::Flag {
                    flag: flag.clone(),
                    instead,
                });
            }
            if name == "--remote-debugging-port" {
                tracing::warn!("{flag} gives the whole browser to every user of this machine");
            }
        }
        arguments.extend(self.flags.iter().cloned());
        arguments.push(match (&self.url, self.window) {
            (Some(url), _) => url.clone(),
            (None, Window::Headless) => "--no-startup-window".to_owned(),
            // Started without a window Chromium does not end with the last one, and would go on where nobody sees it.
            (None, Window::Shown) => "about:blank".to_owned(),
        });
        Ok(arguments)
    }
}

/// Why a browser does not run.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// The profile cannot be used.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// A flag is Pagewire's to set.
    #[error("the flag {flag} cannot be given: use {instead}")]
    Flag {
        /// The flag.
        flag: String,
        /// What to use.
        instead: &'static str,
    },
    /// Chromium takes no name and password of a proxy.
    #[error(
        "Chromium takes no user name and password in the address of a proxy; use a proxy on this machine that adds them"
    )]
    ProxyCredentials,
    /// The operating system has no file descriptors left.
    #[error("cannot make the pipe to the browser: {0}")]
    Pipe(io::Error),
    /// The program could not be started.
    #[error("cannot start {program}: {error}")]
    Start {
        /// The program.
        program: PathBuf,
        /// What the operating system said.
        error: io::Error,
    },
    /// Windows passes pipes to programs in a way that Pagewire does not use.
    #[error(
        "on Windows Pagewire cannot start a browser itself; start it with --remote-debugging-port=9222 --user-data-dir=FOLDER and attach to port 9222, \
         or switch on chrome://inspect/#remote-debugging in a running Chrome 144 or newer and attach to that"
    )]
    NotOnThisSystem,
}

impl LaunchError {
    /// The same in Chinese.
    pub fn zh(&self) -> String {
        match self {
            Self::Profile(error) => error.zh(),
            Self::Flag { flag, .. } => format!("不能使用参数 {flag}：它由 Pagewire 自己设置"),
            Self::ProxyCredentials => {
                "Chromium 的代理地址不能带用户名和密码：请在本机另设一个代为认证的代理".to_owned()
            }
            Self::Pipe(error) => format!("无法建立到浏览器的管道：{error}"),
            Self::Start { program, error } => format!("无法启动 {}：{error}", program.display()),
            Self::NotOnThisSystem => "在 Windows 上 Pagewire 不能自己启动浏览器：请用 --remote-debugging-port=9222 --user-data-dir=目录 启动浏览器再连接该端口，或在 Chrome 144 以上版本中打开 chrome://inspect/#remote-debugging 后连接".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_in_a_window_begins_with_a_page_so_that_it_ends_with_the_last_one() {
        let mut options = LaunchOptions::new("chromium");
        let headless = options.arguments().unwrap();
        assert!(headless.iter().any(|flag| flag == "--headless"));
        assert_eq!(headless.last().unwrap(), "--no-startup-window");
        options.window = Window::Shown;
        let shown = options.arguments().unwrap();
        assert!(!shown.iter().any(|flag| flag == "--headless"));
        assert_eq!(shown.last().unwrap(), "about:blank");
        options.url = Some("http://shop.example/".to_owned());
        assert_eq!(options.arguments().unwrap().last(), options.url.as_ref());
    }

    #[test]
    fn nothing_says_that_the_browser_is_automated_and_no_port_is_opened() {
        let arguments = LaunchOptions::new("chromium").arguments().unwrap();
        assert!(
            arguments
                .iter()
                .any(|flag| flag == "--remote-debugging-pipe")
        );
        for flag in [
            "--enable-automation",
            "--remote-debugging-port",
            "--disable-web-security",
        ] {
            assert!(
                !arguments.iter().any(|argument| argument.starts_with(flag)),
                "{flag}"
            );
        }
    }
}
