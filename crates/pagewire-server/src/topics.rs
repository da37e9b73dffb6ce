//! `GET /v1/topics` and `/v1/topics/{topic}`: one record, four forms (`docs/protocol.md` §3.4).

mod forms;
pub(crate) mod publish;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::HeaderMap;
use pagewire_hub::{Cursor, SlowReader, Start, Subscription, TopicInfo};
use pagewire_rpc::TopicName;
use serde::{Deserialize, Serialize};

use crate::access::Principal;
use crate::calls::accepts;
use crate::problem::Problem;
use crate::query::{duration, parse_query};
use crate::server::Shared;

/// Longest wait of a long poll.
const WAIT_MAX: Duration = Duration::from_secs(60);

#[derive(Serialize)]
pub(crate) struct TopicList {
    topics: Vec<TopicInfo>,
}

pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    Extension(principal): Extension<Principal>,
) -> Result<Json<TopicList>, Problem> {
    if !principal.scopes.may_subscribe_any() {
        return Err(Problem::missing_scope("subscribe"));
    }
    let mut topics = shared.hub.topics().list();
    topics.retain(|info| principal.scopes.may_subscribe(&info.topic));
    Ok(Json(TopicList { topics }))
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct TopicQuery {
    since: Option<String>,
    last: Option<u64>,
    #[serde(default, deserialize_with = "duration")]
    wait: Option<Duration>,
    r#as: Option<As>,
    #[serde(default)]
    slow: Slow,
    filter: Option<String>,
    /// Read by the access layer.
    #[serde(default, rename = "token")]
    _token: Option<serde::de::IgnoredAny>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum As {
    Sse,
    NdJson,
    Json,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Slow {
    #[default]
    Gap,
    Disconnect,
}

pub(crate) async fn subscribe(
    State(shared): State<Arc<Shared>>,
    Extension(principal): Extension<Principal>,
    Path(topic): Path<String>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let topic = parse_topic(&topic)?;
    if !principal.scopes.may_subscribe(&topic) {
        return Err(Problem::missing_scope(&format!("subscribe:{topic}")));
    }
    let query: TopicQuery = parse_query(request.uri())?;
    let form = query.form(request.headers());
    let is_stream = upgrade.is_ok() || form != As::Json;
    if query.wait.is_some() && is_stream {
        return Err(Problem::bad_request(
            "wait is for long polling only (as=json)",
        ));
    }
    let start = query.start(request.headers(), is_stream)?;
    let slow = match query.slow {
        Slow::Gap => SlowReader::Gap,
        Slow::Disconnect => SlowReader::Disconnect,
    };
    let topics = shared.hub.topics();
    let filter = query.filter.as_deref();
    let filter = filter.map(|filter| topics.filter(filter)).transpose()?;
    let mut subscription = topics.subscribe(&topic, &start, slow)?;
    if let Some(filter) = filter {
        subscription = subscription.filtered(filter);
    }
    Ok(match upgrade {
        Ok(upgrade) => forms::web_socket(upgrade, subscription, &shared),
        Err(_) => match form {
            As::Sse => forms::sse(subscription, &shared),
            As::NdJson => forms::nd_json(subscription, &shared),
            As::Json => poll(subscription, query.wait(), &shared).await,
        },
    })
}

impl TopicQuery {
    fn wait(&self) -> Duration {
        self.wait.unwrap_or_default().min(WAIT_MAX)
    }

    fn form(&self, headers: &HeaderMap) -> As {
        self.r#as.unwrap_or_else(|| {
            if accepts(headers, "text/event-stream") {
                As::Sse
            } else if accepts(headers, "application/x-ndjson") {
                As::NdJson
            } else {
                As::Json
            }
        })
    }

    fn start(&self, headers: &HeaderMap, is_stream: bool) -> Result<Start, Problem> {
        let header = || {
            headers
                .get("last-event-id")
                .and_then(|value| value.to_str().ok())
        };
        match (self.since.as_deref().or_else(header), self.last) {
            (Some(since), last) => {
                let cursor = Cursor::parse(since);
                let cursor = cursor.ok_or_else(|| {
                    Problem::bad_request(format!("{since:?} is no cursor or number"))
                })?;
                Ok(Start::Since(cursor, last))
            }
            (None, Some(last)) => Ok(Start::Last(last)),
            (None, None) if is_stream => Ok(Start::Next),
            (None, None) => Ok(Start::Last(u64::MAX)),
        }
    }
}

async fn poll(mut subscription: Subscription, wait: Duration, shared: &Shared) -> Response {
    let mut notices = subscription.take_kept().await;
    if notices.is_empty() && !wait.is_zero() {
        let first = tokio::select! {
            notice = tokio::time::timeout(wait, subscription.next()) => notice.ok().flatten(),
            () = shared.closing.cancelled() => None,
        };
        if let Some(first) = first {
            notices.push(first);
            notices.extend(subscription.take_kept().await);
        }
    }
    let records: Vec<_> = notices.iter().map(forms::json).collect();
    let body = [
        b"{\"records\":[",
        records.join(&b","[..]).as_slice(),
        b"],\"next\":\"",
    ]
    .concat();
    let body = [
        body.as_slice(),
        subscription.cursor().to_string().as_bytes(),
        b"\"}",
    ]
    .concat();
    (
        [
            (http::header::CONTENT_TYPE, "application/json"),
            (http::header::CACHE_CONTROL, "no-store"),
        ],
        body,
    )
        .into_response()
}

fn parse_topic(text: &str) -> Result<TopicName, Problem> {
    TopicName::new(text).map_err(|error| Problem::bad_request(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_over_the_limit_is_cut_to_it() {
        let cases = [(0, 0), (60, 60), (61, 60)];
        for (asked, waits) in cases {
            let query = TopicQuery {
                wait: Some(Duration::from_secs(asked)),
                ..TopicQuery::default()
            };
            assert_eq!(query.wait(), Duration::from_secs(waits));
        }
    }
}
