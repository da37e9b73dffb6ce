//! Errors as programs see them: one place, one exhaustive match for each source (`docs/protocol.md` §2, RFC 9457).

mod denied;
mod failed;

use std::fmt;

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use pagewire_hub::{FilterRefused, PublishError, SubscribeError};
use pagewire_rpc::{CallId, EndKind, PageError, PageId};
use serde::Serialize;
use serde_json::value::RawValue;

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

/// Which call, what its page sent, and what else is known.
#[derive(Debug, Default)]
struct CallContext {
    call: Option<CallId>,
    page: Option<PageId>,
    page_error: Option<PageError>,
    nearest: Vec<String>,
    cause: Option<String>,
    /// Which character of an expression is meant, from 1.
    character: Option<usize>,
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
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    nearest: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    character: Option<usize>,
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
            nearest: context.map_or(&[], |context| &context.nearest),
            cause: context.and_then(|context| context.cause.as_deref()),
            character: context.and_then(|context| context.character),
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

impl From<FilterRefused> for Problem {
    fn from(refused: FilterRefused) -> Self {
        match &refused {
            FilterRefused::Expression { expression, error } => Self {
                call: Some(Box::new(CallContext {
                    character: Some(error.character(expression)),
                    ..CallContext::default()
                })),
                ..Self::bad_request(refused.to_string())
            },
            FilterRefused::TooManyFilters(max) => Self::overloaded(Words::new(
                refused.to_string(),
                format!("不同过滤器的数量已达上限（{max}）"),
            )),
        }
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
