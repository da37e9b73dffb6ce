//! What keeps a connection from being made.

use std::fmt;

use super::{LESS_OFTEN, LOG_IN, cut, in_brackets, in_brackets_zh};

/// A site that wants to be left alone for longer is asked after so long all the same.
const RETRY_AFTER_LONGEST_MS: u64 = 15 * 60 * 1_000;

/// Why something could not be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What failed.
    pub kind: FailureKind,
    /// What the system or the signer says of it.
    pub text: String,
}

/// What failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// The name of the host is not known.
    NoHost,
    /// Nobody listens there, or no way leads there.
    Unreachable,
    /// Nothing came in time.
    TimedOut,
    /// The certificate, or encryption.
    Tls,
    /// No signer gave a signature.
    Signer,
    /// Something else.
    Other,
}

/// How the site refused to open a socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handshake {
    /// The status of its answer.
    pub status: u16,
    /// What it says of it, such as `DEVICE_BLOCKED`. Empty where it says nothing.
    pub said: String,
    /// It wants nothing for so many milliseconds.
    pub retry_after_ms: Option<u64>,
}

impl Handshake {
    /// Of an answer that was no 101.
    pub(in crate::connection) fn read(status: u16, headers: &[(&str, &str)]) -> Self {
        let header = |wanted: &str| {
            let mut headers = headers.iter();
            let found = headers.find(|(name, _)| name.eq_ignore_ascii_case(wanted));
            found.map(|(_, value)| value.trim())
        };
        let retry_after_s: Option<u64> = header("retry-after").and_then(|value| value.parse().ok());
        let said = [header("handshake-msg"), header("handshake-status")];
        let said: Vec<_> = said.into_iter().flatten().collect();
        Self {
            status,
            said: cut(&said.join(" ")),
            retry_after_ms: retry_after_s
                .map(|seconds| seconds.saturating_mul(1_000).min(RETRY_AFTER_LONGEST_MS)),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.words()[0])?;
        f.write_str(&in_brackets(&self.text))
    }
}

impl Failure {
    /// The site answered, and does not give what is asked for. Nobody who was not answered is refused.
    pub(in crate::connection) const fn is_answer(&self) -> bool {
        match self.kind {
            FailureKind::Other => true,
            FailureKind::NoHost
            | FailureKind::Unreachable
            | FailureKind::TimedOut
            | FailureKind::Tls
            | FailureKind::Signer => false,
        }
    }

    pub(in crate::connection) fn cut(self) -> Self {
        Self {
            text: cut(&self.text),
            ..self
        }
    }

    pub(super) fn zh(&self) -> String {
        format!("{}{}", self.kind.words()[1], in_brackets_zh(&self.text))
    }

    pub(super) fn next_step(&self) -> Option<[&'static str; 2]> {
        match self.kind {
            FailureKind::NoHost | FailureKind::Unreachable | FailureKind::TimedOut => Some([
                "Check the network and the proxy; it is tried again by itself.",
                "请检查网络和代理；程序会自动重试。",
            ]),
            FailureKind::Tls => Some([
                "Check the clock of this machine, and whether something between it and the site replaces certificates.",
                "请检查本机时间，以及是否有程序替换了证书。",
            ]),
            FailureKind::Signer => Some([
                "Check that the tab or the script that signs is there and works; it is tried again by itself.",
                "请检查负责签名的标签页或脚本是否可用；程序会自动重试。",
            ]),
            FailureKind::Other => None,
        }
    }
}

impl FailureKind {
    const fn words(self) -> [&'static str; 2] {
        match self {
            Self::NoHost => [
                "the name of the host is not known (DNS)",
                "找不到主机名（DNS）",
            ],
            Self::Unreachable => ["the host cannot be reached", "无法访问主机"],
            Self::TimedOut => ["nothing came in time", "超时"],
            Self::Tls => ["no secure connection", "无法建立安全连接"],
            Self::Signer => ["no signer gave a signature", "没有得到签名"],
            Self::Other => ["it failed", "失败"],
        }
    }
}

impl fmt::Display for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the site refused to open the socket with {}{}: ",
            self.status,
            in_brackets(&self.said)
        )?;
        f.write_str(self.words()[0])
    }
}

impl Handshake {
    pub(super) fn zh(&self) -> String {
        format!(
            "网站拒绝建立连接（{}）{}：{}",
            self.status,
            in_brackets_zh(&self.said),
            self.words()[1]
        )
    }

    /// Signs of 200 instead of 101: the site's own way to say that it does not believe the client.
    fn words(&self) -> [&'static str; 2] {
        match self.status {
            200 => [
                "the signature or the description of the browser was refused",
                "签名或浏览器信息被拒绝",
            ],
            401 => ["it wants a log-in", "需要登录"],
            403 => [
                "it does not want this address, browser or account",
                "不接受该地址、浏览器或账号",
            ],
            404 | 410 => ["there is nothing at this address any more", "该地址已失效"],
            429 => ["too many connections from here", "来自此处的连接过多"],
            502 => [
                "a bad signature, or a fault of the site",
                "签名有误，或网站故障",
            ],
            500.. => ["a fault of the site", "网站故障"],
            _ => ["it does not say why", "没有说明原因"],
        }
    }

    pub(super) fn next_step(&self) -> Option<[&'static str; 2]> {
        match self.status {
            200 | 502 => Some([
                "Have the signer sign with the user agent and the cookies of the connection, or watch through your own tab.",
                "请让签名程序使用与连接相同的 User-Agent 和 Cookie，或通过自己的标签页观看。",
            ]),
            401 | 403 => Some(LOG_IN),
            404 | 410 => Some([
                "The site has changed: put its new push address into a table of sites of your own.",
                "网站有改动：请在自己的站点表中写入新的推送地址。",
            ]),
            429 => Some(LESS_OFTEN),
            _ => None,
        }
    }
}
