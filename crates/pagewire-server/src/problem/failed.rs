//! Calls without a result, in words.

use std::borrow::Cow;

use http::StatusCode;
use pagewire_hub::{Cause, Failure, FailureReason, Hints, NotFound, show_duration};
use pagewire_rpc::{CallEnd, Departure, EndKind};

use super::{CallContext, Problem, Words};

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        let page_error = match &failure.reason {
            FailureReason::Ended(CallEnd::PageError(error)) => Some(error.clone()),
            FailureReason::Ended(_)
            | FailureReason::NotFound(..)
            | FailureReason::Draining(_)
            | FailureReason::BadArguments(_)
            | FailureReason::ShuttingDown => None,
        };
        let context = CallContext {
            call: failure.call,
            page: failure.page,
            page_error,
            nearest: nearest(&failure.reason),
            cause: failure.cause.as_ref().map(|cause| cause.code().to_owned()),
            character: None,
        };
        let problem = match failure.reason {
            FailureReason::Ended(CallEnd::Timeout) => Self::timeout(failure.cause.as_deref()),
            FailureReason::Ended(end) => Self::of_end(end),
            FailureReason::NotFound(why, hints) => Self::not_found(not_found(&why, &hints)),
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

fn nearest(reason: &FailureReason) -> Vec<String> {
    match reason {
        FailureReason::NotFound(_, hints) => hints.names().into_iter().map(String::from).collect(),
        FailureReason::Ended(_)
        | FailureReason::Draining(_)
        | FailureReason::BadArguments(_)
        | FailureReason::ShuttingDown => Vec::new(),
    }
}

fn not_found(why: &NotFound, hints: &Hints) -> Words {
    let mut zh = match why {
        NotFound::Group(group) => {
            format!("没有网页接入分组 {group}；`pagewire pages` 列出已接入的网页")
        }
        NotFound::Page(group, page) => format!("分组 {group} 中没有网页 {page}"),
        NotFound::Function(group, function) => {
            format!("分组 {group} 中没有网页提供函数 {function}")
        }
        NotFound::FunctionOfPage(page, function) => format!("网页 {page} 没有提供函数 {function}"),
    };
    if let Some(left) = &hints.left {
        let (ago, why) = (show_duration(left.ago), departure_zh(&left.why));
        zh += &format!("；网页 {} 在 {ago} 前离开：{why}", left.page);
    }
    let names = hints.names();
    if !names.is_empty() {
        zh += &format!("；名称相近的有：{}", names.join("、"));
    }
    Words::new(why.explain(hints), zh)
}

/// What [`Cause`] says, in Chinese.
fn cause_zh(cause: &Cause) -> Cow<'_, str> {
    match cause {
        // The words of whoever attached the page.
        Cause::Noted(note) => note.words().into(),
        Cause::Blocked(time) => format!(
            "它的脚本已有 {:.1} 秒没有运行：主线程被阻塞，或网页停在调试器的断点上",
            time.as_secs_f64()
        )
        .into(),
        Cause::Hidden => "标签页在后台，浏览器会减慢这样的网页".into(),
        Cause::Late(lag) => format!(
            "上次询问时它的事件循环晚了 {} 毫秒：主线程繁忙",
            lag.as_millis()
        )
        .into(),
    }
}

impl Problem {
    fn timeout(cause: Option<&Cause>) -> Self {
        let words = match cause {
            Some(cause) => Words::new(
                format!("the page did not answer before the deadline: {cause}"),
                format!("网页没有在期限内应答：{}", cause_zh(cause)),
            ),
            None => Words::new(
                "the page did not answer before the deadline; ?timeout= sets a longer one, GET /v1/pages tells how the page fares",
                "网页没有在期限内应答；可用 ?timeout= 延长期限，GET /v1/pages 可查看网页状态",
            ),
        };
        Self::new(
            StatusCode::GATEWAY_TIMEOUT,
            EndKind::Timeout.name(),
            ("No answer in time", "没有及时应答"),
            words,
        )
    }

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
            CallEnd::Timeout => Self::timeout(None),
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
