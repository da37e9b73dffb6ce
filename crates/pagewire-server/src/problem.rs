//! Errors as programs see them: one place, one exhaustive match for each source (`docs/protocol.md` §2, RFC 9457).

use std::borrow::Cow;
use std::fmt;

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use pagewire_hub::{Failure, FailureReason, NotFound, PublishError, SubscribeError};
use pagewire_rpc::{CallEnd, CallId, Departure, EndKind, PageError, PageId};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::access::{Denied, Foreign, Sign};

/// An error answer.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    code: &'static str,
    title: Title,
    detail: Words,
    /// Boxed: most answers are no problems, and a result is as large as its larger half.
    call: Option<Box<CallContext>>,
}

/// What kind of thing went wrong, in English and Chinese.
type Title = (&'static str, &'static str);

/// What happened, why, and what to do, in English and Chinese.
#[derive(Debug, Clone)]
pub(crate) struct Words {
    pub(crate) en: String,
    pub(crate) zh: String,
}

impl Words {
    pub(crate) fn new(en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self {
            en: en.into(),
            zh: zh.into(),
        }
    }

    /// For details that are words of a program or of a standard, and the same in every language.
    fn technical(detail: impl Into<String>) -> Self {
        let en = detail.into();
        Self { zh: en.clone(), en }
    }
}

/// Which call, and what its page sent.
#[derive(Debug, Default)]
struct CallContext {
    call: Option<CallId>,
    page: Option<PageId>,
    page_error: Option<PageError>,
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: String,
    title: &'a str,
    title_zh: &'a str,
    status: u16,
    code: &'a str,
    detail: &'a str,
    detail_zh: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    call: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<&'a PageId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorBody<'a>>,
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    code: i64,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a RawValue>,
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, title: Title, detail: Words) -> Self {
        Self {
            status,
            code,
            title,
            detail,
            call: None,
        }
    }

    /// What is wrong is mostly said by a library or names a parameter, so only its frame is translated.
    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        let en = detail.into();
        let zh = format!("请求有误：{en}");
        Self::new(
            StatusCode::BAD_REQUEST,
            "bad_request",
            ("The request is not understood", "无法理解该请求"),
            Words::new(en, zh),
        )
    }

    pub(crate) fn too_large(max: usize) -> Self {
        Self::of_size(Words::new(
            format!("the body is over the limit of {max} bytes (message_bytes_max)"),
            format!("请求正文超过上限 {max} 字节（message_bytes_max）"),
        ))
    }

    pub(crate) fn value_too_large(detail: String) -> Self {
        Self::of_size(Words::technical(detail))
    }

    fn of_size(detail: Words) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            EndKind::TooLarge.name(),
            ("Too large", "数据过大"),
            detail,
        )
    }

    pub(crate) fn not_found(detail: Words) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            EndKind::NotFound.name(),
            ("Not found", "没有找到"),
            detail,
        )
    }

    pub(crate) fn no_such_page(id: &str) -> Self {
        Self::not_found(Words::new(
            format!("no page {id} is attached; GET /v1/pages lists those that are"),
            format!("没有 id 为 {id} 的网页接入；GET /v1/pages 列出已接入的网页"),
        ))
    }

    pub(crate) fn no_such_address(path: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "no_such_address",
            ("No such address", "没有这个地址"),
            Words::new(
                format!("{path} is no address of this hub; docs/protocol.md §3 lists them"),
                format!("{path} 不是本 hub 的地址；全部地址见 docs/protocol.md §3"),
            ),
        )
    }

    pub(crate) fn method_not_allowed(method: &http::Method, path: &str) -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            ("Method not allowed", "不支持该方法"),
            Words::new(
                format!("{method} is not for {path}"),
                format!("{path} 不接受 {method}"),
            ),
        )
    }

    pub(crate) fn forbidden(detail: Words) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "forbidden",
            ("Refused", "已拒绝"),
            detail,
        )
    }

    /// A token that lacks a scope.
    pub(crate) fn missing_scope(scope: &str) -> Self {
        Self::forbidden(Words::new(
            format!(
                "the token has no scope {scope}; give it one: --token 'SECRET={scope}', or scopes in [[tokens]]"
            ),
            format!(
                "该令牌没有权限 {scope}；可在启动 hub 时授予：--token 'SECRET={scope}'，或写入 [[tokens]] 的 scopes"
            ),
        ))
    }

    fn overloaded(detail: Words) -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            EndKind::Overloaded.name(),
            ("Overloaded", "过载"),
            detail,
        )
    }

    fn bad_arguments(detail: String) -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            EndKind::BadArguments.name(),
            ("The arguments do not fit", "参数不符合要求"),
            Words::technical(detail),
        )
    }

    pub(crate) fn shutting_down() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "shutting_down",
            ("Shutting down", "正在关闭"),
            Words::new(
                "the hub shuts down and takes no more calls",
                "hub 正在关闭，不再接受调用",
            ),
        )
    }

    /// What happened, in English.
    pub(crate) fn detail(&self) -> &str {
        &self.detail.en
    }

    /// The problem document.
    pub(crate) fn json(&self) -> String {
        let context = self.call.as_deref();
        let page_error = context.and_then(|context| context.page_error.as_ref());
        let error = page_error.map(|error| ErrorBody {
            code: error.code,
            message: &error.message,
            data: error
                .data
                .as_ref()
                .and_then(|data| serde_json::from_slice(data.as_bytes()).ok()),
        });
        let body = Body {
            r#type: format!("urn:pagewire:error:{}", self.code),
            title: self.title.0,
            title_zh: self.title.1,
            status: self.status.as_u16(),
            code: self.code,
            detail: &self.detail.en,
            detail_zh: &self.detail.zh,
            call: context.and_then(|context| context.call).map(|call| call.0),
            page: context.and_then(|context| context.page.as_ref()),
            error,
        };
        serde_json::to_string(&body).expect("texts and numbers have a JSON form")
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.detail.en)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.json()).into_response();
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if matches!(
            self.status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
        ) {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(
                WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"pagewire\""),
            );
        }
        response
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        let page_error = match &failure.reason {
            FailureReason::Ended(CallEnd::PageError(error)) => Some(error.clone()),
            FailureReason::Ended(_)
            | FailureReason::NotFound(_)
            | FailureReason::Draining(_)
            | FailureReason::BadArguments(_)
            | FailureReason::ShuttingDown => None,
        };
        let context = CallContext {
            call: failure.call,
            page: failure.page,
            page_error,
        };
        let problem = match failure.reason {
            FailureReason::Ended(end) => Self::of_end(end),
            FailureReason::NotFound(why) => Self::not_found(not_found(&why)),
            FailureReason::Draining(group) => Self::overloaded(Words::new(
                format!(
                    "all pages of group {group} are being drained; POST /v1/pages/ID/resume takes one back"
                ),
                format!("分组 {group} 的网页都在排空，不接新调用；POST /v1/pages/ID/resume 可恢复"),
            )),
            FailureReason::BadArguments(why) => Self::bad_arguments(why),
            FailureReason::ShuttingDown => Self::shutting_down(),
        };
        Self {
            call: Some(Box::new(context)),
            ..problem
        }
    }
}

fn not_found(why: &NotFound) -> Words {
    let zh = match why {
        NotFound::Group(group) => {
            format!("没有网页接入分组 {group}；`pagewire pages` 列出已接入的网页")
        }
        NotFound::Page(group, page) => format!("分组 {group} 中没有网页 {page}"),
        NotFound::Function(group, function) => {
            format!("分组 {group} 中没有网页提供函数 {function}")
        }
        NotFound::FunctionOfPage(page, function) => format!("网页 {page} 没有提供函数 {function}"),
    };
    Words::new(why.to_string(), zh)
}

impl Problem {
    fn of_end(end: CallEnd) -> Self {
        let code = end.kind().name();
        match end {
            CallEnd::BadArguments(error) => Self::bad_arguments(error.message),
            CallEnd::PageError(error) => Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                code,
                ("The function threw", "网页函数抛出了错误"),
                Words::technical(error.summary()),
            ),
            CallEnd::Timeout => Self::new(
                StatusCode::GATEWAY_TIMEOUT,
                code,
                ("No answer in time", "没有及时应答"),
                Words::new(
                    "the page did not answer before the deadline; ?timeout= sets a longer one, GET /v1/pages tells how the page fares",
                    "网页没有在期限内应答；可用 ?timeout= 延长期限，GET /v1/pages 可查看网页状态",
                ),
            ),
            CallEnd::NotFound => Self::not_found(Words::new(
                "the page does not expose this function any more",
                "网页已不再提供该函数",
            )),
            CallEnd::PageGone(departure) => Self::new(
                StatusCode::BAD_GATEWAY,
                code,
                ("The page is gone", "网页已离开"),
                Words::new(
                    format!("the page is gone: {departure}"),
                    format!("网页已离开：{}", departure_zh(&departure)),
                ),
            ),
            CallEnd::Overloaded => Self::overloaded(Words::new(
                "the page has as many calls waiting as it may; try again later",
                "网页上排队的调用已达上限，请稍后再试",
            )),
            CallEnd::TooLarge(error) => Self::of_size(Words::technical(error.message)),
            // The caller is gone: this answer is for the log.
            CallEnd::Cancelled | CallEnd::Result(_) => Self::new(
                StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST),
                EndKind::Cancelled.name(),
                ("Cancelled", "已取消"),
                Words::new("the caller took the call back", "调用方取消了调用"),
            ),
        }
    }
}

/// What [`Departure`] says, in Chinese.
fn departure_zh(departure: &Departure) -> Cow<'_, str> {
    match departure {
        Departure::Bye(Some(reason)) => match &**reason {
            "the page navigated" => "网页跳转到了其他地址".into(),
            "the page crashed" => "网页崩溃了".into(),
            "the tab was closed" => "标签页已关闭".into(),
            "the browser is gone" => "浏览器已退出".into(),
            // A page's own words.
            reason => reason.into(),
        },
        Departure::Bye(None) => "网页主动断开".into(),
        Departure::Lost => "网页已关闭、刷新或断开连接".into(),
        Departure::Replaced => "网页已刷新，或以新的连接接入".into(),
        Departure::Kicked => "有人断开了它".into(),
        Departure::Shutdown => "hub 正在关闭".into(),
        Departure::Silent => "两个心跳周期内没有任何消息".into(),
        Departure::Violation(how) => format!("它违反了协议：{how}").into(),
    }
}

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

impl From<PublishError> for Problem {
    fn from(error: PublishError) -> Self {
        let zh = match error {
            PublishError::TooManyTopics(max) => format!("主题数已达上限（{max}）"),
            PublishError::TooManyTopicsInGroup(max) => format!("该分组的主题数已达上限（{max}）"),
            PublishError::TooManyTapsOfPage(max) => {
                format!("该网页被监听的连接数已达上限（{max}）")
            }
        };
        Self::overloaded(Words::new(error.to_string(), zh))
    }
}

impl From<SubscribeError> for Problem {
    fn from(error: SubscribeError) -> Self {
        match error {
            SubscribeError::Topics(error) => error.into(),
            SubscribeError::TooManySubscribers(max) => Self::overloaded(Words::new(
                error.to_string(),
                format!("该主题的订阅者已达上限（{max}）"),
            )),
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
