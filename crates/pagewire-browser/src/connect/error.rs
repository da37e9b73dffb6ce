//! Why there is no connection to a browser, and what to do about it.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use http::Response;
use tokio_tungstenite::tungstenite;

/// How to make a browser reachable.
const SWITCH_ON: &str = "start the browser with --remote-debugging-port=9222 --user-data-dir=FOLDER (Chrome 136 and newer ignore the port without a folder of its own), \
     or switch on chrome://inspect/#remote-debugging in a running Chrome 144 or newer";
const SWITCH_ON_ZH: &str = "请用 --remote-debugging-port=9222 --user-data-dir=目录 启动浏览器（Chrome 136 起不另给目录则忽略该端口），\
     或在正在运行的 Chrome 144 以上版本中打开 chrome://inspect/#remote-debugging";
/// Characters of a server's own words that are repeated.
const WORDS: usize = 200;

/// Why there is no connection to a browser.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nothing listens at the address.
    #[error("nothing listens at {at}: {SWITCH_ON}")]
    NothingThere {
        /// The address.
        at: String,
    },
    /// The network does not lead there.
    #[error("cannot reach {at}: {error}")]
    Unreachable {
        /// The address.
        at: String,
        /// What the operating system said.
        error: io::Error,
    },
    /// A port of another machine is not asked over HTTP.
    #[error(
        "{address} is not on this machine; forward its port (ssh -L {port}:127.0.0.1:{port} HOST) and attach to 127.0.0.1:{port}, or give the whole ws:// address",
        port = address.port()
    )]
    NotLoopback {
        /// The address.
        address: SocketAddr,
    },
    /// The address of the WebSocket cannot be used.
    #[error("{url} cannot be used: {fault}")]
    Url {
        /// The address.
        url: String,
        /// What is wrong with it.
        fault: UrlFault,
    },
    /// No browser with debugging ever ran on the folder of user data.
    #[error(
        "no browser allows debugging in {folder}, which has no file DevToolsActivePort: {SWITCH_ON}"
    )]
    NoActivePort {
        /// The folder.
        folder: PathBuf,
    },
    /// `DevToolsActivePort` cannot be read.
    #[error("cannot read DevToolsActivePort in {folder}: {why}")]
    ActivePort {
        /// The folder.
        folder: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The browser that wrote `DevToolsActivePort` is gone.
    #[error(
        "the browser that wrote DevToolsActivePort in {folder} is gone (nothing listens at port {port}): {SWITCH_ON}"
    )]
    LeftOver {
        /// The folder.
        folder: PathBuf,
        /// The port in the file.
        port: u16,
    },
    /// Something else listens at the address.
    #[error(
        "what listens at {address} is no browser with debugging (it gave {got}): look up the port in the browser's command line, or {SWITCH_ON}"
    )]
    NotDevTools {
        /// The address.
        address: SocketAddr,
        /// What it gave instead.
        got: String,
    },
    /// A browser whose debugging a person switched on answers only over WebSocket, and its path is not known.
    #[error(
        "{address} does not answer /json/version: if its debugging was switched on in chrome://inspect/#remote-debugging, attach by the folder of its profile, \
         which holds the file DevToolsActivePort (chrome://version shows the folder, without the last part)"
    )]
    OnlyWebSocket {
        /// The address.
        address: SocketAddr,
    },
    /// The browser refused the WebSocket.
    #[error("the browser at {address} refused the connection with HTTP {status}{words}{hint}", hint = hint(*status))]
    Refused {
        /// The address.
        address: SocketAddr,
        /// 403 when a person or a setting refused it, 404 when the path is of another run of the browser.
        status: u16,
        /// Its own words, with a colon before them, or nothing.
        words: String,
    },
    /// The WebSocket did not come about.
    #[error(
        "no DevTools connection to {url}: {error}; if the browser asked whether to allow debugging, it has to be allowed there"
    )]
    NotOpened {
        /// The address.
        url: String,
        /// What happened.
        error: Box<tungstenite::Error>,
    },
    /// It took too long.
    #[error("no DevTools connection to {endpoint} within {timeout:?}: {stage}")]
    TimedOut {
        /// Where to.
        endpoint: String,
        /// The time that it had.
        timeout: Duration,
        /// How far it got.
        stage: Stage,
    },
}

/// What is wrong with the address of a WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlFault {
    /// No address, or of another kind.
    #[error("it has to be like ws://127.0.0.1:9222/devtools/browser/ID")]
    Malformed,
    /// Chromium has no TLS there.
    #[error(
        "Chromium speaks no TLS here, so it has to begin with ws://; for another machine forward the port: ssh -L 9222:127.0.0.1:9222 HOST"
    )]
    Tls,
    /// The address of the port.
    #[error(
        "this is the address of the port, not of the WebSocket: attach by port, or take webSocketDebuggerUrl out of /json/version"
    )]
    Http,
    /// The address of a tab.
    #[error(
        "this is the address of one page; the browser's own is webSocketDebuggerUrl in /json/version"
    )]
    OnePage,
}

/// How far a connection got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Stage {
    /// The network did not lead there.
    #[error("the address does not answer")]
    Connecting,
    /// `/json/version` was not answered.
    #[error(
        "something listens there, but does not answer /json/version; it may be no browser, or one that hangs"
    )]
    Asking,
    /// The WebSocket was not opened.
    #[error(
        "the browser has not opened the connection; if it asks whether to allow debugging, it has to be allowed there (without a window it cannot ask)"
    )]
    Opening,
}

impl ConnectError {
    pub(super) fn not_reached(at: String, error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::ConnectionRefused {
            Self::NothingThere { at }
        } else {
            Self::Unreachable { at, error }
        }
    }

    pub(super) fn refused(address: SocketAddr, response: &Response<Option<Vec<u8>>>) -> Self {
        let body = response.body().as_deref().unwrap_or_default();
        let body = String::from_utf8_lossy(body);
        let words: String = body.trim().chars().take(WORDS).collect();
        Self::Refused {
            address,
            status: response.status().as_u16(),
            words: if words.is_empty() {
                words
            } else {
                format!(": {words}")
            },
        }
    }

    /// True when a later try can succeed without anybody changing what was asked for: the browser is not there (yet), or slow.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::NothingThere { .. }
            | Self::Unreachable { .. }
            | Self::NoActivePort { .. }
            | Self::LeftOver { .. }
            | Self::NotOpened { .. }
            | Self::TimedOut { .. } => true,
            Self::NotLoopback { .. }
            | Self::Url { .. }
            | Self::ActivePort { .. }
            | Self::NotDevTools { .. }
            | Self::OnlyWebSocket { .. }
            | Self::Refused { .. } => false,
        }
    }

    /// The same in Chinese.
    pub fn zh(&self) -> String {
        match self {
            Self::NothingThere { at } => format!("{at} 没有程序在监听：{SWITCH_ON_ZH}"),
            Self::Unreachable { at, error } => format!("无法连到 {at}：{error}"),
            Self::NotLoopback { address } => format!(
                "{address} 不在本机：请先转发端口（ssh -L {port}:127.0.0.1:{port} HOST）再连接 127.0.0.1:{port}，或给出完整的 ws:// 地址",
                port = address.port()
            ),
            Self::Url { url, fault } => format!("地址 {url} 不可用：{}", fault.zh()),
            Self::NoActivePort { folder } => format!(
                "{} 中没有 DevToolsActivePort，即没有允许调试的浏览器：{SWITCH_ON_ZH}",
                folder.display()
            ),
            Self::ActivePort { folder, why } => {
                format!(
                    "无法读取 {} 中的 DevToolsActivePort：{why}",
                    folder.display()
                )
            }
            Self::LeftOver { folder, port } => format!(
                "{} 中的 DevToolsActivePort 是已退出的浏览器留下的（端口 {port} 没有程序在监听）：{SWITCH_ON_ZH}",
                folder.display()
            ),
            Self::NotDevTools { address, got } => {
                format!("{address} 上的不是开启调试的浏览器（返回：{got}）：{SWITCH_ON_ZH}")
            }
            Self::OnlyWebSocket { address } => format!(
                "{address} 不回答 /json/version：若调试是在 chrome://inspect/#remote-debugging 中打开的，请按含有 DevToolsActivePort 的配置目录连接（chrome://version 可查到该目录，去掉最后一段）"
            ),
            Self::Refused {
                address, status, ..
            } => {
                format!("{address} 上的浏览器拒绝了连接（HTTP {status}）")
            }
            Self::NotOpened { url, error } => {
                format!(
                    "未能与 {url} 建立调试连接：{error}；若浏览器询问是否允许调试，请在其中允许"
                )
            }
            Self::TimedOut {
                endpoint,
                timeout,
                stage,
            } => {
                format!(
                    "{timeout:?} 内未能与 {endpoint} 建立调试连接：{}",
                    stage.zh()
                )
            }
        }
    }
}

impl UrlFault {
    fn zh(self) -> &'static str {
        match self {
            Self::Malformed => "应形如 ws://127.0.0.1:9222/devtools/browser/ID",
            Self::Tls => {
                "Chromium 此处没有 TLS，须以 ws:// 开头；其他机器请转发端口：ssh -L 9222:127.0.0.1:9222 HOST"
            }
            Self::Http => {
                "这是端口的地址：请按端口连接，或取 /json/version 中的 webSocketDebuggerUrl"
            }
            Self::OnePage => {
                "这是单个网页的地址；浏览器的地址是 /json/version 中的 webSocketDebuggerUrl"
            }
        }
    }
}

impl Stage {
    fn zh(self) -> &'static str {
        match self {
            Self::Connecting => "该地址没有回应",
            Self::Asking => "有程序在监听，但不回答 /json/version；可能不是浏览器，或浏览器已卡住",
            Self::Opening => {
                "浏览器没有接受连接；若它询问是否允许调试，请在其中允许（无窗口的浏览器无法询问）"
            }
        }
    }
}

fn hint(status: u16) -> &'static str {
    match status {
        403 => "; debugging was not allowed in the browser",
        404 => {
            "; the path is of another run of the browser: take the present one out of /json/version or DevToolsActivePort"
        }
        _ => "",
    }
}
