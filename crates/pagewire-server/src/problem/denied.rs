//! Requests that the access layer turned away, in words.

use http::StatusCode;

use super::{Problem, Words};
use crate::access::{Denied, Foreign, Sign};

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::WrongHost(host) => Self::new(
                StatusCode::MISDIRECTED_REQUEST,
                "wrong_host",
                ("Unknown host name", "未知的主机名"),
                Words::new(
                    format!(
                        "Host {host:?} is not a name of this hub; start it with --allow-host NAME to add one"
                    ),
                    format!("Host {host:?} 不是本 hub 的主机名；启动时可用 --allow-host NAME 添加"),
                ),
            ),
            Denied::UnknownToken => Self::new(
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                ("Unknown token", "未知的令牌"),
                Words::new("the token is not known to this hub", "本 hub 不认识该令牌"),
            ),
            Denied::TokenRequired => Self::new(
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                ("A token is required", "需要令牌"),
                Words::new(
                    "this hub takes no request without a token: send Authorization: Bearer …",
                    "本 hub 不接受没有令牌的请求：请发送 Authorization: Bearer …",
                ),
            ),
            Denied::Outside(sign) => {
                let (en, zh) = sign.words();
                Self::new(
                    StatusCode::UNAUTHORIZED,
                    "unauthorized",
                    ("A token is required", "需要令牌"),
                    Words::new(
                        format!(
                            "{en}, so it counts as one from another machine: send Authorization: Bearer …"
                        ),
                        format!(
                            "{zh}，因此按来自其他机器的请求处理：请发送 Authorization: Bearer …"
                        ),
                    ),
                )
            }
            Denied::Foreign(foreign) => Self::forbidden(foreign_words(&foreign)),
        }
    }
}

fn foreign_words(foreign: &Foreign) -> Words {
    match foreign {
        Foreign::Stranger(origin) => Words::new(
            format!(
                "a web page of another origin ({origin}) may not do this; to let its pages attach, start the hub with \
                 --allow-origin {origin}; to let them call or subscribe, give them a token"
            ),
            format!(
                "其他来源的网页（{origin}）不允许这样做；要让它的网页接入，请用 --allow-origin {origin} 启动 hub；\
                 要让它调用或订阅，请给它令牌"
            ),
        ),
        Foreign::AttachOnly(origin) => Words::new(
            format!(
                "pages of {origin} may attach and nothing else; to let them call or subscribe, give them a token with \
                 scope call or subscribe"
            ),
            format!(
                "{origin} 的网页只允许接入；要让它调用或订阅，请给它带有 call 或 subscribe 权限的令牌"
            ),
        ),
        Foreign::NotPlain(origin) => Words::new(
            format!(
                "pages of {origin} may not open a plain WebSocket here; to let them, start the hub with --plain-page {origin}"
            ),
            format!(
                "{origin} 的网页不允许在此打开普通 WebSocket；要允许，请用 --plain-page {origin} 启动 hub"
            ),
        ),
        Foreign::Nameless(origin) => Words::new(
            format!(
                "the page has no origin that could be allowed (Origin: {origin:?}), as sandboxed frames, data: and file: pages \
                 have none; give the page a token, or serve a file over http: python3 -m http.server 8000 --bind 127.0.0.1"
            ),
            format!(
                "该网页没有可以被允许的来源（Origin: {origin:?}），沙箱框架、data: 与 file: 网页都是如此；请给它令牌，\
                 或通过 http 提供该文件：python3 -m http.server 8000 --bind 127.0.0.1"
            ),
        ),
        Foreign::Untold => Words::new(
            "another web page asked for this through a link, an image or a frame, and the browser does not say which; \
             type the address, or send a token",
            "这是其他网页通过链接、图片或框架发出的请求，浏览器没有说明是哪个网页；请直接输入地址，或发送令牌",
        ),
    }
}

impl Sign {
    /// What makes the request one from elsewhere, in English and Chinese.
    pub(crate) fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::UntrustedProxy => (
                "the request has headers of a proxy (X-Forwarded-…, X-Real-IP, Forwarded or Via) that the hub was not told to trust (--trust-proxy)",
                "请求带有代理的头部（X-Forwarded-…、X-Real-IP、Forwarded 或 Via），而 hub 没有被告知信任该代理（--trust-proxy）",
            ),
            Self::RemoteClient => (
                "the proxy says that the request is from another machine",
                "代理说明该请求来自其他机器",
            ),
            Self::OtherName => (
                "the proxy does not say in X-Forwarded-Host that the request names this machine as localhost or 127.0.0.1",
                "代理没有在 X-Forwarded-Host 中说明请求以 localhost 或 127.0.0.1 称呼本机",
            ),
            Self::UnknownClient => (
                "the proxy does not say in X-Forwarded-For whom the request is from, or says it in Forwarded, which is not read",
                "代理没有在 X-Forwarded-For 中说明请求来自哪里，或只写在不被读取的 Forwarded 中",
            ),
            Self::PublicHost => (
                "the request names the public address",
                "请求使用的是公开地址",
            ),
            Self::OldHttp => (
                "the request is of HTTP/1.0, as proxies send it",
                "请求使用 HTTP/1.0，这是代理的常见做法",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_advises_what_helps_and_nothing_else() {
        let origin = || "https://shop.example".parse().expect("an origin");
        let cases = [
            (
                Foreign::Stranger(origin()),
                "--allow-origin https://shop.example;",
                "scope",
            ),
            (
                Foreign::AttachOnly(origin()),
                "token with scope call or subscribe",
                "--allow-origin",
            ),
            (
                Foreign::Nameless("null".into()),
                "give the page a token",
                "--allow-origin",
            ),
            (Foreign::Untold, "send a token", "--allow-origin"),
        ];
        for (foreign, words, others) in cases {
            let problem = Problem::from(Denied::Foreign(foreign.clone()));
            assert_eq!(
                (problem.status, problem.code),
                (StatusCode::FORBIDDEN, "forbidden")
            );
            assert!(
                problem.detail.en.contains(words),
                "{foreign:?}: {}",
                problem.detail.en
            );
            assert!(
                !problem.detail.en.contains(others),
                "{foreign:?}: {}",
                problem.detail.en
            );
        }
    }
}
