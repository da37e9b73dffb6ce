//! `POST /v1/call/{group}/{function}`: one call, one answer, or a stream of them.

use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::stream;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use pagewire_hub::{Answer, CallRequest, CallStream, Reply, Target};
use pagewire_rpc::{
    FUNCTION_EVAL, FunctionName, GroupName, JsonText, PageId, Payload, TraceParent,
};
use percent_encoding::percent_decode_str;
use serde::Deserialize;

use crate::access::Principal;
use crate::problem::Problem;
use crate::query::{duration, parse_query, read_value};
use crate::server::Shared;

/// Deadline of a call that names none.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(30);

/// Headers of an answer, those that the access layer and the HTTP library add included.
const HEADERS: usize = 12;

const PAGE_HEADER: HeaderName = HeaderName::from_static("pagewire-page");
const CALL_HEADER: HeaderName = HeaderName::from_static("pagewire-call");
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct CallQuery {
    #[serde(default, deserialize_with = "duration")]
    timeout: Option<Duration>,
    #[serde(default)]
    page: Option<PageId>,
    #[serde(default)]
    key: Option<String>,
    #[serde(default)]
    idempotent: bool,
}

impl CallQuery {
    fn target(&mut self) -> Result<Target, Problem> {
        match (self.page.take(), self.key.take()) {
            (None, None) => Ok(Target::Any),
            (Some(page), None) => Ok(Target::Page(page)),
            (None, Some(key)) => Ok(Target::Key(key)),
            (Some(_), Some(_)) => Err(Problem::bad_request(
                "page and key exclude each other: page names one page, key lets the hub choose the same one each time",
            )),
        }
    }
}

/// The path of every call: `/v1/call/{group}/{function}`.
const PATH: &str = "/v1/call/";

/// True for what [`call`] answers.
pub(crate) fn is_call(request: &Request) -> bool {
    request.method() == Method::POST && request.uri().path().starts_with(PATH)
}

fn missing_scope(group: &GroupName, function: &FunctionName) -> Problem {
    let call = format!("call:{group}/{function}");
    if function.as_str() == FUNCTION_EVAL {
        Problem::missing_scope(&format!("run-code,{call}"))
    } else {
        Problem::missing_scope(&call)
    }
}

/// Answers a call. Not one of the router's routes: it is the hot path, and half of its work would be the router's.
pub(crate) async fn call(
    shared: &Shared,
    principal: Principal,
    request: Request,
) -> Result<Response, Problem> {
    let (group, function) = names(request.uri().path())?;
    if !principal.scopes.may_call(&group, &function) {
        return Err(missing_scope(&group, &function));
    }
    let began = Instant::now();
    let mut query = match request.uri().query() {
        None => CallQuery::default(),
        Some(_) => parse_query(request.uri())?,
    };
    let form = if accepts(request.headers(), "text/event-stream") {
        Form::Sse
    } else {
        Form::Whole
    };
    let (parts, body) = request.into_parts();
    let bytes_max = shared.hub.options().link.message_bytes_max;
    let arguments = arguments(read_value(&parts.headers, body, bytes_max).await?);
    let request = CallRequest {
        group,
        function,
        target: query.target()?,
        arguments,
        timeout: query.timeout.unwrap_or(TIMEOUT_DEFAULT),
        idempotent: query.idempotent,
        traceparent: traceparent(&parts.headers),
    };
    let answer = shared.hub.call(request).await;
    let answer = answer.map_err(|failure| failure.seen_by(&principal.scopes))?;
    Ok(respond(answer, form, began))
}

fn names(path: &str) -> Result<(GroupName, FunctionName), Problem> {
    let names = path
        .strip_prefix(PATH)
        .and_then(|rest| rest.split_once('/'));
    let (group, function) = names.ok_or_else(|| Problem::no_such_address(path))?;
    let decoded = |text| {
        percent_decode_str(text)
            .decode_utf8()
            .map_err(|_| Problem::bad_request("the address is not UTF-8"))
    };
    let bad_name = |error: pagewire_rpc::Error| Problem::bad_request(error.to_string());
    Ok((
        GroupName::new(&decoded(group)?).map_err(bad_name)?,
        FunctionName::new(&decoded(function)?).map_err(bad_name)?,
    ))
}

/// The trace of the program, passed on as it is; a malformed one is ignored, as the standard asks.
fn traceparent(headers: &HeaderMap) -> Option<TraceParent> {
    let value = headers.get("traceparent")?;
    value.to_str().ok().and_then(TraceParent::parse)
}

/// The answer of a call that came in at `began`.
pub(crate) fn respond(answer: Answer, form: Form, began: Instant) -> Response {
    let mut response = match (answer.reply, form) {
        (Reply::Value(value), Form::Whole) => value_response(value),
        (Reply::Value(value), Form::Sse) => stream_response(Lines::Sse, single_part(&value)),
        (Reply::Stream(values), Form::Whole) => {
            stream_response(Lines::NdJson, parts_of(values, Lines::NdJson))
        }
        (Reply::Stream(values), Form::Sse) => {
            stream_response(Lines::Sse, parts_of(values, Lines::Sse))
        }
    };
    let headers = response.headers_mut();
    headers.insert(CALL_HEADER, answer.call.0.into());
    if let Ok(page) = HeaderValue::from_str(answer.page.as_str()) {
        headers.insert(PAGE_HEADER, page);
    }
    let hub = began.elapsed().saturating_sub(answer.took);
    if let Ok(timing) = HeaderValue::try_from(server_timing(answer.took, hub)) {
        headers.insert(SERVER_TIMING, timing);
    }
    response
}

/// Milliseconds with the page and in the hub (W3C Server Timing §2).
fn server_timing(page: Duration, hub: Duration) -> String {
    let (page, hub) = (page.as_micros(), hub.as_micros());
    format!(
        "page;dur={}.{:03}, hub;dur={}.{:03}",
        page / 1_000,
        page % 1_000,
        hub / 1_000,
        hub % 1_000
    )
}

fn arguments(value: Option<Payload>) -> Payload {
    match value {
        None => Payload::Json(JsonText::empty_array()),
        Some(Payload::Json(text)) if !text.is_array() => Payload::Json(text.wrapped_in_array()),
        Some(value) => value,
    }
}

fn value_response(value: Payload) -> Response {
    let (media_type, body) = match value {
        Payload::Json(text) => (
            HeaderValue::from_static("application/json"),
            text.into_bytes(),
        ),
        Payload::Bytes(value) => {
            let media_type = HeaderValue::from_str(value.media_type_or_default())
                .unwrap_or(HeaderValue::from_static(pagewire_rpc::MEDIA_TYPE_DEFAULT));
            (media_type, value.data)
        }
    };
    let mut response = Response::new(body.into());
    // Room for all headers of an answer at once.
    response.headers_mut().reserve(HEADERS);
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    response
}

/// How the program wants its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// One value as it is; a stream as lines.
    Whole,
    /// Server-Sent Events.
    Sse,
}

/// How a stream is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lines {
    Sse,
    NdJson,
}

impl Lines {
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

fn parts_of(values: CallStream, lines: Lines) -> impl stream::Stream<Item = Part> {
    stream::unfold(
        Progress::Values(Box::new(values)),
        move |progress| async move {
            match progress {
                Progress::Values(mut values) => match values.next().await {
                    Ok(Some(value)) => Some((
                        Ok(lines.value(line(&value).as_bytes())),
                        Progress::Values(values),
                    )),
                    Ok(None) => Some((Ok(lines.end()), Progress::Done)),
                    Err(failure) => {
                        let after = if lines == Lines::NdJson {
                            Progress::Break
                        } else {
                            Progress::Done
                        };
                        Some((Ok(lines.error(&failure.into())), after))
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
    let parts = [Lines::Sse.value(line(value).as_bytes()), Lines::Sse.end()];
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
        .expect("texts have a JSON lines"),
    }
}

fn stream_response(
    lines: Lines,
    parts: impl stream::Stream<Item = Part> + Send + 'static,
) -> Response {
    let headers = stream_headers(lines.media_type());
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
