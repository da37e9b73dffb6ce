//! Why a connection is in its state, for people, in English and in Chinese.

use std::fmt;

mod failure;

pub use failure::{Failure, FailureKind, Handshake};

/// Longest text of others in a reason, in bytes. The rest is cut.
pub const REASON_TEXT_BYTES_MAX: usize = 256;

/// Why a connection is in its state, or what happened that does not change it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The site is asked whether the room is live.
    Asking,
    /// Nobody broadcasts.
    NotLive,
    /// The site could not be asked.
    NoAnswer(Failure),
    /// There is no such room.
    Missing,
    /// The site shows the room only to those who have logged in.
    LogIn,
    /// The site wants to see a person.
    Captcha,
    /// The site wants to be asked less often.
    TooOften,
    /// The site answered something that says neither live nor not live.
    Unclear {
        /// The status of the answer.
        status: u16,
    },
    /// A socket is being opened.
    Opening,
    /// The socket is open, and nothing came yet.
    Entered,
    /// Messages come.
    Messages,
    /// The page is to open its socket.
    PageLoads,
    /// The page opened no socket that is a room's.
    NoSocket,
    /// The browser could not load the page.
    NoPage,
    /// The site sent the tab elsewhere, mostly to a log-in.
    Sent {
        /// Where to, without the query.
        address: String,
    },
    /// There is no browser for the room's tab, and none is to be had.
    NoTab {
        /// Why.
        text: String,
    },
    /// The site did not open the socket.
    Handshake(Handshake),
    /// The site opened the socket and did not let us in.
    Denied {
        /// Its code for why.
        code: String,
    },
    /// The socket was closed before anything came.
    ClosedEarly {
        /// The code; none where the connection just ended.
        code: Option<u16>,
        /// What the site says of it.
        text: String,
    },
    /// There is no way there.
    Unreachable(Failure),
    /// The connection ended.
    Dropped {
        /// The code; none where it just ended.
        code: Option<u16>,
        /// What the site says of it.
        text: String,
    },
    /// The site said that it ends this connection.
    SiteCloses,
    /// The site wants us to connect elsewhere.
    Moved,
    /// Nothing came for a long time.
    Silent {
        /// For so many milliseconds.
        ms: u64,
    },
    /// Messages are fetched, as there is no socket.
    Polling,
    /// The broadcast is over.
    Ended {
        /// What the site says of it.
        text: String,
    },
    /// The broadcast pauses.
    Paused,
    /// It goes on.
    Resumed,
    /// The site hides who people are.
    Masked,
    /// No address is known to open a socket at.
    NoAddress,
    /// Something has to be known of the room to enter it.
    NoFact {
        /// What: `room_id`, `presenter`.
        what: &'static str,
    },
    /// It was tried often enough.
    GivenUp {
        /// So many times.
        tries: u32,
        /// What happened the last time.
        last: Box<Self>,
    },
}

impl Reason {
    /// A short name that does not change, for programs.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Asking => "asking",
            Self::NotLive => "not_live",
            Self::NoAnswer(_) => "no_answer",
            Self::Missing => "missing",
            Self::LogIn => "log_in",
            Self::Captcha => "captcha",
            Self::TooOften => "too_often",
            Self::Unclear { .. } => "unclear",
            Self::Opening => "opening",
            Self::Entered => "entered",
            Self::Messages => "messages",
            Self::PageLoads => "page_loads",
            Self::NoSocket => "no_socket",
            Self::NoPage => "no_page",
            Self::Sent { .. } => "sent",
            Self::NoTab { .. } => "no_tab",
            Self::Handshake(_) => "handshake",
            Self::Denied { .. } => "denied",
            Self::ClosedEarly { .. } => "closed_early",
            Self::Unreachable(_) => "unreachable",
            Self::Dropped { .. } => "dropped",
            Self::SiteCloses => "site_closes",
            Self::Moved => "moved",
            Self::Silent { .. } => "silent",
            Self::Polling => "polling",
            Self::Ended { .. } => "ended",
            Self::Paused => "paused",
            Self::Resumed => "resumed",
            Self::Masked => "masked",
            Self::NoAddress => "no_address",
            Self::NoFact { .. } => "no_fact",
            Self::GivenUp { .. } => "given_up",
        }
    }

    /// In Chinese.
    pub fn zh(&self) -> String {
        match self {
            Self::Asking => "正在询问直播间是否开播".into(),
            Self::NotLive => "还没有开播".into(),
            Self::NoAnswer(failure) => format!("无法询问直播间状态：{}", failure.zh()),
            Self::Missing => "直播间不存在".into(),
            Self::LogIn => "网站要求登录后才能看这个直播间".into(),
            Self::Captcha => "网站要求完成人机验证".into(),
            Self::TooOften => "网站要求降低请求频率".into(),
            Self::Unclear { status } => format!("网站的回答（{status}）没有说明是否开播"),
            Self::Opening => "正在连接".into(),
            Self::Entered => "已连接，等待第一条消息".into(),
            Self::Messages => "正在接收消息".into(),
            Self::PageLoads => "等待页面建立连接".into(),
            Self::NoSocket => "页面没有建立直播间的连接".into(),
            Self::NoPage => "浏览器无法打开直播间页面".into(),
            Self::Sent { address } => {
                format!("网站把标签页转到了 {address}")
            }
            Self::NoTab { text } => format!("没有可用的浏览器：{text}"),
            Self::Handshake(handshake) => handshake.zh(),
            Self::Denied { code } => format!("网站拒绝进入直播间（代码 {code}）"),
            Self::ClosedEarly { code, text } => {
                format!("连接在收到任何消息之前就被关闭{}", closed_zh(*code, text))
            }
            Self::Unreachable(failure) => format!("无法连接：{}", failure.zh()),
            Self::Dropped { code, text } => format!("连接中断{}", closed_zh(*code, text)),
            Self::SiteCloses => "网站结束了这个连接".into(),
            Self::Moved => "网站要求连接到另一个地址".into(),
            Self::Silent { ms } => format!("已有 {} 秒没有收到任何数据", ms / 1_000),
            Self::Polling => "没有长连接，改用轮询接收消息".into(),
            Self::Ended { text } => format!("直播已结束{}", in_brackets_zh(text)),
            Self::Paused => "主播暂时离开".into(),
            Self::Resumed => "主播回来了".into(),
            Self::Masked => "网站隐藏了用户的身份（未登录）".into(),
            Self::NoAddress => "不知道这个网站的长连接地址".into(),
            Self::NoFact { what } => format!("缺少进入直播间所需的 {what}"),
            Self::GivenUp { tries, last } => format!("尝试了 {tries} 次后放弃：{}", last.zh()),
        }
    }

    /// What a person can do about it, in English and in Chinese; none where there is nothing to do.
    pub fn next_step(&self) -> Option<[&'static str; 2]> {
        match self {
            Self::Missing => Some(["Check the address of the room.", "请检查直播间地址。"]),
            Self::LogIn => Some(LOG_IN),
            Self::Captcha => Some([
                "Open the room in your browser, solve what it asks, and watch it through that tab or with its cookies.",
                "请在浏览器中打开直播间并完成验证，然后通过该标签页或使用它的 Cookie 观看。",
            ]),
            Self::TooOften => Some(LESS_OFTEN),
            Self::Unclear { .. } | Self::NoSocket => Some([
                "Open the room in your browser to see what it shows; if it is live there, the site has changed: put the new patterns into a table of sites of your own.",
                "请在浏览器中打开直播间查看；如果那里正在直播，说明网站有改动：请在自己的站点表中写入新的规则。",
            ]),
            Self::Handshake(handshake) => handshake.next_step(),
            Self::Denied { .. } => Some([
                "The token or the cookie may be old: get a new one, or watch through your own tab.",
                "令牌或 Cookie 可能已过期：请重新获取，或通过自己的标签页观看。",
            ]),
            Self::ClosedEarly { .. } => Some([
                "The user agent, the parameters and the cookies have to be of one browser; or watch through your own tab.",
                "User-Agent、参数与 Cookie 必须来自同一个浏览器；或通过自己的标签页观看。",
            ]),
            Self::NoAnswer(failure) | Self::Unreachable(failure) => failure.next_step(),
            Self::Masked => Some([
                "Names are shown where your own tab is logged in, or where you give its cookies.",
                "在自己的标签页登录，或提供其 Cookie 后可看到名字。",
            ]),
            Self::Sent { .. } => Some([
                "Log in there, then the room goes on. Without a window that shows it, start with --profile NAME where there is a display, or with --running; where it is no log-in, give the address that the room has in your browser.",
                "请在那里登录，之后会自动继续。没有窗口时，请在有显示器的环境用 --profile NAME 或 --running 运行；如果那不是登录页，请改用直播间在浏览器中的地址。",
            ]),
            Self::NoPage => Some([
                "Open the address in your browser to see why: there may be no such host, or no way to it. It is tried again by itself.",
                "请在浏览器中打开该地址查看原因：可能主机不存在，或网络不通。程序会自动重试。",
            ]),
            Self::NoTab { .. } => Some([
                "Check the browser; or watch without one, with --source direct.",
                "请检查浏览器；或使用 --source direct，不经过浏览器观看。",
            ]),
            Self::NoAddress => Some([
                "Watch through your own tab, or give an address.",
                "请通过自己的标签页观看，或提供一个地址。",
            ]),
            Self::NoFact { .. } => Some([
                "Give it, or watch through your own tab.",
                "请提供该信息，或通过自己的标签页观看。",
            ]),
            Self::GivenUp { last, .. } => last.next_step(),
            Self::Asking
            | Self::NotLive
            | Self::Opening
            | Self::Entered
            | Self::Messages
            | Self::PageLoads
            | Self::Dropped { .. }
            | Self::SiteCloses
            | Self::Moved
            | Self::Silent { .. }
            | Self::Polling
            | Self::Ended { .. }
            | Self::Paused
            | Self::Resumed => None,
        }
    }
}

impl fmt::Display for Reason {
    /// In English.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asking => f.write_str("asking whether the room is live"),
            Self::NotLive => f.write_str("the room is not live yet"),
            Self::NoAnswer(failure) => write!(f, "the site could not be asked: {failure}"),
            Self::Missing => f.write_str("there is no such room"),
            Self::LogIn => f.write_str("the site shows this room only to those who have logged in"),
            Self::Captcha => f.write_str("the site wants to see a person (a captcha)"),
            Self::TooOften => f.write_str("the site wants to be asked less often"),
            Self::Unclear { status } => write!(
                f,
                "the answer of the site ({status}) does not say whether the room is live"
            ),
            Self::Opening => f.write_str("connecting"),
            Self::Entered => f.write_str("connected; nothing came yet"),
            Self::Messages => f.write_str("messages come"),
            Self::PageLoads => f.write_str("waiting for the page to connect"),
            Self::NoSocket => f.write_str("the page opened no socket of a room"),
            Self::NoPage => f.write_str("the browser could not load the room's page"),
            Self::Sent { address } => write!(f, "the site sent the tab to {address}"),
            Self::NoTab { text } => write!(f, "there is no browser for its tab: {text}"),
            Self::Handshake(handshake) => write!(f, "{handshake}"),
            Self::Denied { code } => {
                write!(f, "the site did not let us into the room (code {code})")
            }
            Self::ClosedEarly { code, text } => {
                write!(
                    f,
                    "the connection was closed before anything came{}",
                    closed(*code, text)
                )
            }
            Self::Unreachable(failure) => write!(f, "no connection: {failure}"),
            Self::Dropped { code, text } => {
                write!(f, "the connection ended{}", closed(*code, text))
            }
            Self::SiteCloses => f.write_str("the site ended this connection"),
            Self::Moved => f.write_str("the site wants us to connect elsewhere"),
            Self::Silent { ms } => write!(f, "nothing came for {} s", ms / 1_000),
            Self::Polling => f.write_str("there is no socket; messages are fetched by polling"),
            Self::Ended { text } => write!(f, "the broadcast has ended{}", in_brackets(text)),
            Self::Paused => f.write_str("the broadcast pauses"),
            Self::Resumed => f.write_str("the broadcast goes on"),
            Self::Masked => f.write_str("the site hides who people are (nobody is logged in)"),
            Self::NoAddress => f.write_str("no address is known to connect to this site directly"),
            Self::NoFact { what } => {
                write!(f, "entering the room needs its {what}, which is not known")
            }
            Self::GivenUp { tries, last } => write!(f, "given up after {tries} tries: {last}"),
        }
    }
}

const LOG_IN: [&str; 2] = [
    "Log in in your browser and watch through that tab, or give its cookies.",
    "请在浏览器中登录并通过该标签页观看，或提供其 Cookie。",
];
const LESS_OFTEN: [&str; 2] = [
    "Watch fewer rooms at once from this address, or wait.",
    "请减少同时观看的直播间，或稍后再试。",
];

fn closed(code: Option<u16>, text: &str) -> String {
    let code = code.map_or_else(
        || " without a word".to_owned(),
        |code| format!(" with code {code}"),
    );
    format!("{code}{}", in_brackets(text))
}

fn closed_zh(code: Option<u16>, text: &str) -> String {
    let code = code.map_or_else(
        || "（没有说明）".to_owned(),
        |code| format!("（代码 {code}）"),
    );
    format!("{code}{}", in_brackets_zh(text))
}

fn in_brackets(text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!(" ({text})")
    }
}

fn in_brackets_zh(text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!("（{text}）")
    }
}

/// At most [`REASON_TEXT_BYTES_MAX`] of a text of others.
pub(crate) fn cut(text: &str) -> String {
    let mut end = text.len().min(REASON_TEXT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    text.get(..end).unwrap_or_default().to_owned()
}
