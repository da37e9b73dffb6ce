//! `POST /v1/call/{group}/{function}`: one call, one answer, or a stream of them.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::stream;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use pagewire_hub::{CallRequest, CallStream, Reply};
use pagewire_rpc::{FunctionName, GroupName, JsonText, PageId, Payload};
use serde::Deserialize;

use crate::access::Principal;
use crate::problem::Problem;
use crate::query::{duration, parse_query, read_value};
use crate::server::Shared;

/// Deadline of a call that names none.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(30);

const PAGE_HEADER: HeaderName = HeaderName::from_static("pagewire-page");
const CALL_HEADER: HeaderName = HeaderName::from_static("pagewire-call");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CallQuery {
    #[serde(default, deserialize_with = "duration")]
    timeout: Option<Duration>,
    #[serde(default)]
    page: Option<PageId>,
}

pub(crate) async fn call(
    State(shared): State<Arc<Shared>>,
    Extension(principal): Extension<Principal>,
    Path((group, function)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    let group = GroupName::new(&group).map_err(|error| Problem::bad_request(error.to_string()))?;
    let function =
        FunctionName::new(&function).map_err(|error| Problem::bad_request(error.to_string()))?;
    if !principal.scopes.may_call(&group, &function) {
        return Err(Problem::forbidden(format!(
            "the token has no scope call:{group}/{function}"
        )));
    }
    let query: CallQuery = parse_query(request.uri())?;
    let sse = accepts(request.headers(), "text/event-stream");
    let (parts, body) = request.into_parts();
    let bytes_max = shared.hub.options().link.message_bytes_max;
    let arguments = arguments(read_value(&parts.headers, body, bytes_max).await?);
    let timeout = query.timeout.unwrap_or(TIMEOUT_DEFAULT);
    let answer = shared
        .hub
        .call(CallRequest {
            group,
            function,
            page: query.page,
            arguments,
            timeout,
        })
        .await?;
    let mut response = match answer.reply {
        Reply::Value(value) if sse => stream_response(Form::Sse, single_part(&value)),
        Reply::Value(value) => value_response(value),
        Reply::Stream(values) if sse => stream_response(Form::Sse, parts_of(values, Form::Sse)),
        Reply::Stream(values) => stream_response(Form::NdJson, parts_of(values, Form::NdJson)),
    };
    let headers = response.headers_mut();
    headers.insert(CALL_HEADER, answer.call.0.into());
    if let Ok(page) = HeaderValue::from_str(answer.page.as_str()) {
        headers.insert(PAGE_HEADER, page);
    }
    Ok(response)
}

fn arguments(value: Option<Payload>) -> Payload {
    match value {
        None => Payload::Json(JsonText::empty_array()),
        Some(Payload::Json(text)) if !text.is_array() => Payload::Json(text.wrapped_in_array()),
        Some(value) => value,
    }
}

fn value_response(value: Payload) -> Response {
    match value {
        Payload::Json(text) => {
            ([(CONTENT_TYPE, "application/json")], text.into_bytes()).into_response()
        }
        Payload::Bytes(value) => {
            let media_type = HeaderValue::from_str(value.media_type_or_default())
                .unwrap_or(HeaderValue::from_static(pagewire_rpc::MEDIA_TYPE_DEFAULT));
            ([(CONTENT_TYPE, media_type)], value.data).into_response()
        }
    }
}

/// How a stream is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Sse,
    NdJson,
}

impl Form {
    fn media_type(self) -> &'static str {
        match self {
            Self::Sse => "text/event-stream",
            Self::NdJson => "application/x-ndjson",
        }
    }

    fn value(self, json: &[u8]) -> Bytes {
        match self {
            Self::Sse => [b"data: ", json, b"\n\n"].concat().into(),
            Self::NdJson => [json, b"\n"].concat().into(),
        }
    }

    fn end(self) -> Bytes {
        match self {
            Self::Sse => Bytes::from_static(b"event: end\ndata: null\n\n"),
            Self::NdJson => Bytes::new(),
        }
    }

    fn error(self, problem: &Problem) -> Bytes {
        match self {
            Self::Sse => format!("event: error\ndata: {}\n\n", problem.json()).into(),
            Self::NdJson => format!("{{\"pagewire:error\":{}}}\n", problem.json()).into(),
        }
    }
}

/// Ends the connection without the end of the body, so that a reader who ignores the error line still sees a broken answer.
#[derive(Debug, thiserror::Error)]
#[error("the stream broke")]
struct BrokenStream;

type Part = Result<Bytes, BrokenStream>;

/// What a body goes through: values, then the end or an error, then nothing.
enum Progress {
    Values(Box<CallStream>),
    Break,
    Done,
}

fn parts_of(values: CallStream, form: Form) -> impl stream::Stream<Item = Part> {
    stream::unfold(
        Progress::Values(Box::new(values)),
        move |progress| async move {
            match progress {
                Progress::Values(mut values) => match values.next().await {
                    Ok(Some(value)) => Some((
                        Ok(form.value(line(&value).as_bytes())),
                        Progress::Values(values),
                    )),
                    Ok(None) => Some((Ok(form.end()), Progress::Done)),
                    Err(failure) => {
                        let after = if form == Form::NdJson {
                            Progress::Break
                        } else {
                            Progress::Done
                        };
                        Some((Ok(form.error(&failure.into())), after))
                    }
                },
                Progress::Break => {
                    // hyper drops what it has not written when a body fails; a turn in between lets it write the error line.
                    tokio::task::yield_now().await;
                    Some((Err(BrokenStream), Progress::Done))
                }
                Progress::Done => None,
            }
        },
    )
}

/// A stream of the one value of a function that does not stream.
fn single_part(value: &Payload) -> impl stream::Stream<Item = Part> + use<> {
    let parts = [Form::Sse.value(line(value).as_bytes()), Form::Sse.end()];
    stream::iter(parts.map(Ok))
}

/// A value as JSON on one line; bytes as base64.
fn line(value: &Payload) -> JsonText {
    match value {
        Payload::Json(text) => text.on_one_line(),
        Payload::Bytes(value) => JsonText::of(&serde_json::json!({
            "base64": STANDARD.encode(&value.data),
            "type": value.media_type_or_default(),
        }))
        .expect("texts have a JSON form"),
    }
}

fn stream_response(
    form: Form,
    parts: impl stream::Stream<Item = Part> + Send + 'static,
) -> Response {
    let headers = stream_headers(form.media_type());
    (headers, Body::from_stream(parts)).into_response()
}

/// Nobody on the way may keep a stream or hold it back. nginx otherwise may, and reads on for a slow client, which then looks like a fast one.
pub(crate) fn stream_headers(media_type: &'static str) -> [(HeaderName, &'static str); 3] {
    [
        (CONTENT_TYPE, media_type),
        (CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ]
}

/// True when `Accept` names this media type; `*/*` does not.
pub(crate) fn accepts(headers: &HeaderMap, media_type: &str) -> bool {
    let values = headers
        .get_all(ACCEPT)
        .into_iter()
        .filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|part| {
        part.split(';')
            .next()
            .is_some_and(|name| name.trim().eq_ignore_ascii_case(media_type))
    })
}
