//! Errors as programs see them: one place, one exhaustive match for each source (`docs/protocol.md` §2, RFC 9457).

use std::fmt;

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use pagewire_hub::{Failure, FailureReason, PublishError, SubscribeError};
use pagewire_rpc::{CallEnd, CallId, EndKind, PageError, PageId};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::access::{Denied, Foreign};

/// An error answer.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    code: &'static str,
    title: &'static str,
    detail: String,
    /// Boxed: most answers are no problems, and a result is as large as its larger half.
    call: Option<Box<CallContext>>,
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
    status: u16,
    code: &'a str,
    detail: &'a str,
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
    fn new(
        status: StatusCode,
        code: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            status,
            code,
            title,
            detail: detail.into(),
            call: None,
        }
    }

    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "bad_request",
            "The request is not understood",
            detail,
        )
    }

    pub(crate) fn too_large(max: usize) -> Self {
        let detail = format!("the body is over the limit of {max} bytes (message_bytes_max)");
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            EndKind::TooLarge.name(),
            "Too large",
            detail,
        )
    }

    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            EndKind::NotFound.name(),
            "Not found",
            detail,
        )
    }

    pub(crate) fn no_such_address(path: &str) -> Self {
        let detail = format!("{path} is no address of this hub; docs/protocol.md §3 lists them");
        Self::new(
            StatusCode::NOT_FOUND,
            "no_such_address",
            "No such address",
            detail,
        )
    }

    pub(crate) fn method_not_allowed(method: &http::Method, path: &str) -> Self {
        let detail = format!("{method} is not for {path}");
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "Method not allowed",
            detail,
        )
    }

    pub(crate) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "Refused", detail)
    }

    pub(crate) fn overloaded(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            EndKind::Overloaded.name(),
            "Overloaded",
            detail,
        )
    }

    fn bad_arguments(detail: String) -> Self {
        let code = EndKind::BadArguments.name();
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            code,
            "The arguments do not fit",
            detail,
        )
    }

    pub(crate) fn shutting_down() -> Self {
        let detail = "the hub shuts down and takes no more calls";
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "shutting_down",
            "Shutting down",
            detail,
        )
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
            title: self.title,
            status: self.status.as_u16(),
            code: self.code,
            detail: &self.detail,
            call: context.and_then(|context| context.call).map(|call| call.0),
            page: context.and_then(|context| context.page.as_ref()),
            error,
        };
        serde_json::to_string(&body).expect("texts and numbers have a JSON form")
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)
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
            FailureReason::NotFound(why) => Self::not_found(why),
            FailureReason::BadArguments(why) => Self::bad_arguments(why),
            FailureReason::ShuttingDown => Self::shutting_down(),
        };
        Self {
            call: Some(Box::new(context)),
            ..problem
        }
    }
}

impl Problem {
    fn of_end(end: CallEnd) -> Self {
        let code = end.kind().name();
        match end {
            CallEnd::BadArguments(error) => Self::bad_arguments(error.message),
            CallEnd::PageError(error) => Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                code,
                "The function threw",
                error.summary(),
            ),
            CallEnd::Timeout => Self::new(
                StatusCode::GATEWAY_TIMEOUT,
                code,
                "No answer in time",
                "the page did not answer before the deadline; ?timeout= sets a longer one, GET /v1/pages tells how the page fares",
            ),
            CallEnd::NotFound => Self::not_found("the page does not expose this function any more"),
            CallEnd::PageGone => Self::new(
                StatusCode::BAD_GATEWAY,
                code,
                "The page is gone",
                "the page closed, reloaded or lost its connection before it answered",
            ),
            CallEnd::Overloaded => {
                Self::overloaded("the page has as many calls waiting as it may; try again later")
            }
            CallEnd::TooLarge(error) => Self::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                code,
                "Too large",
                error.message,
            ),
            // The caller is gone: this answer is for the log.
            CallEnd::Cancelled | CallEnd::Result(_) => Self::new(
                StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST),
                EndKind::Cancelled.name(),
                "Cancelled",
                "the caller took the call back",
            ),
        }
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::WrongHost(host) => Self::new(
                StatusCode::MISDIRECTED_REQUEST,
                "wrong_host",
                "Unknown host name",
                format!(
                    "Host {host:?} is not a name of this hub; start it with --allow-host NAME to add one"
                ),
            ),
            Denied::UnknownToken => Self::new(
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "Unknown token",
                "the token is not known to this hub",
            ),
            Denied::TokenRequired => Self::new(
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "A token is required",
                "this hub takes no request without a token: send Authorization: Bearer …",
            ),
            Denied::Foreign(foreign) => Self::forbidden(foreign.to_string()),
        }
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stranger(origin) => write!(
                f,
                "a web page of another origin ({origin}) may not do this; to let its pages attach, start the hub with \
                 --allow-origin {origin}; to let them call or subscribe, give them a token"
            ),
            Self::AttachOnly(origin) => write!(
                f,
                "pages of {origin} may attach and nothing else; to let them call or subscribe, give them a token with \
                 scope call or subscribe"
            ),
            Self::Nameless(origin) => write!(
                f,
                "the page has no origin that could be allowed (Origin: {origin:?}), as sandboxed frames, data: and file: pages \
                 have none; give the page a token"
            ),
            Self::Untold => f.write_str(
                "another web page asked for this through a link, an image or a frame, and the browser does not say which; \
                 type the address, or send a token",
            ),
        }
    }
}

impl From<PublishError> for Problem {
    fn from(error: PublishError) -> Self {
        Self::overloaded(error.to_string())
    }
}

impl From<SubscribeError> for Problem {
    fn from(error: SubscribeError) -> Self {
        Self::overloaded(error.to_string())
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
                problem.detail.contains(words),
                "{foreign:?}: {}",
                problem.detail
            );
            assert!(
                !problem.detail.contains(others),
                "{foreign:?}: {}",
                problem.detail
            );
        }
    }
}
