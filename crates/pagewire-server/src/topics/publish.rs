//! What programs publish: one value by `POST /v1/topics/{topic}`, or many over the WebSocket `GET /v1/publish` (`docs/protocol.md` §3.3).

use std::sync::Arc;

use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::{Extension, Json};
use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use pagewire_hub::{PublishError, Published, Scopes};
use pagewire_rpc::{
    CODE_REFUSED, EndKind, Frame, JsonText, Payload, Publication, RequestId, TopicName,
};
use serde::{Deserialize, Serialize};

use super::parse_topic;
use crate::access::Principal;
use crate::problem::{Problem, Words};
use crate::query::{parse_query, read_value};
use crate::server::Shared;
use crate::socket::{close_message, is_too_large, select_protocol, sized};

/// What programs publish below, beside taps.
const PROGRAMS: &str = "programs/";

/// Why a value is not taken.
#[derive(Debug)]
enum Refused {
    /// The name breaks the rule of topics.
    Name(pagewire_rpc::Error),
    /// Programs do not publish there.
    Elsewhere(TopicName),
    NoScope(TopicName),
    /// Longer than a value of that topic may be.
    TooLarge(pagewire_rpc::Error),
    Hub(PublishError),
}

impl Refused {
    /// The JSON-RPC code (`docs/protocol.md` §2).
    fn code(&self) -> i64 {
        match self {
            Self::Name(_) => EndKind::BadArguments.code(),
            Self::Elsewhere(_) | Self::NoScope(_) => CODE_REFUSED,
            Self::TooLarge(_) => EndKind::TooLarge.code(),
            Self::Hub(_) => EndKind::Overloaded.code(),
        }
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Name(error) => Self::bad_request(error.to_string()),
            Refused::Elsewhere(topic) => Self::forbidden(Words::new(
                format!(
                    "programs publish below {PROGRAMS}, and what they take from pages below taps/PAGE/: {PROGRAMS}{topic}"
                ),
                format!(
                    "程序只能发布到 {PROGRAMS} 之下，从网页取得的数据发布到 taps/PAGE/ 之下：{PROGRAMS}{topic}"
                ),
            )),
            Refused::NoScope(topic) => Self::missing_scope(&format!("publish:{topic}")),
            Refused::TooLarge(error) => Self::value_too_large(error.to_string()),
            Refused::Hub(error) => error.into(),
        }
    }
}

/// Whether a program with these scopes publishes to this topic.
fn allow(scopes: &Scopes, topic: &TopicName) -> Result<(), Refused> {
    if !topic.as_str().starts_with(PROGRAMS) && topic.tapped_page().is_none() {
        return Err(Refused::Elsewhere(topic.clone()));
    }
    if !scopes.may_publish(topic) {
        return Err(Refused::NoScope(topic.clone()));
    }
    Ok(())
}

/// Longest value of a topic, and what the limit is called. A frame that a page received may be as long as any message, and base64 makes it
/// longer.
fn value_limit(shared: &Shared, topic: &TopicName) -> (&'static str, usize) {
    let link = &shared.hub.options().link;
    match topic.tapped_page() {
        Some(_) => ("message_bytes_max", link.message_bytes_max),
        None => ("topic_value_bytes_max", link.topic_value_bytes_max),
    }
}

/// `POST /v1/topics/{topic}`.
pub(crate) async fn publish(
    State(shared): State<Arc<Shared>>,
    Extension(principal): Extension<Principal>,
    Path(topic): Path<String>,
    request: Request,
) -> Result<Json<Published>, Problem> {
    let topic = parse_topic(&topic)?;
    allow(&principal.scopes, &topic)?;
    parse_query::<NoQuery>(request.uri())?;
    let (parts, body) = request.into_parts();
    let (_, bytes_max) = value_limit(&shared, &topic);
    let value = read_value(&parts.headers, body, bytes_max).await?;
    let value = value.unwrap_or_else(|| Payload::Json(JsonText::null()));
    Ok(Json(shared.hub.publish(&topic, &value)?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoQuery {}

/// `GET /v1/publish`.
pub(crate) async fn stream(
    State(shared): State<Arc<Shared>>,
    Extension(principal): Extension<Principal>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    request: Request,
) -> Result<Response, Problem> {
    if !principal.scopes.may_publish_any() {
        return Err(Problem::missing_scope("publish"));
    }
    parse_query::<NoQuery>(request.uri())?;
    let mut upgrade = upgrade.map_err(|rejection| {
        Problem::bad_request(format!(
            "this address takes WebSocket connections of programs that publish: {}",
            rejection.body_text()
        ))
    })?;
    select_protocol(&mut upgrade)?;
    let upgrade = sized(upgrade, shared.hub.options().link.message_bytes_max);
    let publisher = Publisher {
        shared,
        scopes: principal.scopes,
        last_topic: None,
    };
    Ok(upgrade.on_upgrade(|socket| publisher.serve(socket)))
}

/// One program that publishes.
struct Publisher {
    shared: Arc<Shared>,
    scopes: Scopes,
    /// The topic that it published to last, which it may: programs publish to one again and again.
    last_topic: Option<TopicName>,
}

/// What ends a publisher's connection, as a close frame says it.
type Closing = (u16, String);

impl Publisher {
    async fn serve(mut self, mut socket: WebSocket) {
        // The peer may be gone already, which ends the connection just as well.
        if let Some((code, reason)) = self.take_all(&mut socket).await {
            tracing::debug!(code, reason, "a publisher's connection is closed");
            let _ = socket.send(close_message(code, &reason)).await;
        }
    }

    /// Takes one message after the other. A program that does not read its answers is not read any more.
    async fn take_all(&mut self, socket: &mut WebSocket) -> Option<Closing> {
        loop {
            let frame = match self.next(socket).await {
                Ok(Message::Text(text)) => Frame::Text(text.into()),
                Ok(Message::Binary(bytes)) => Frame::Binary(bytes),
                Ok(Message::Ping(_) | Message::Pong(_)) => continue,
                Ok(Message::Close(_)) => return None,
                Err(end) => return end,
            };
            match self.take(&frame) {
                Ok(None) => {}
                Ok(Some(answer)) => socket.feed(Message::text(answer)).await.ok()?,
                Err(violation) => return Some((4400, violation.to_string())),
            }
        }
    }

    /// The next message, or what ends the connection: nothing where the program is gone. One that gives no sign of life for two heartbeats is.
    async fn next(&self, socket: &mut WebSocket) -> Result<Message, Option<Closing>> {
        let (closing, link) = (&self.shared.closing, &self.shared.hub.options().link);
        let shutdown = || Some((1001, "shutdown".to_owned()));
        if closing.is_cancelled() {
            return Err(shutdown());
        }
        let mut next = socket.next().now_or_never();
        let mut is_asked = false;
        while next.is_none() {
            // Answers go out in one write for all messages that came in one read.
            socket.flush().await.map_err(|_| None)?;
            let waited = tokio::select! {
                waited = tokio::time::timeout(link.heartbeat, socket.next()) => waited,
                () = closing.cancelled() => return Err(shutdown()),
            };
            match waited {
                Ok(message) => next = Some(message),
                Err(_) if is_asked => return Err(Some((4408, "silent".into()))),
                Err(_) => {
                    is_asked = true;
                    let ping = Message::Ping(bytes::Bytes::new());
                    socket.send(ping).await.map_err(|_| None)?;
                }
            }
        }
        let message = next.flatten().ok_or(None)?;
        message.map_err(|error| {
            is_too_large(&error).then(|| (1009, "a message is over message_bytes_max".to_owned()))
        })
    }

    /// Publishes what a message says. Its answer, where it wants one.
    fn take(&mut self, frame: &Frame) -> Result<Option<String>, pagewire_rpc::Error> {
        let Publication { topic, value, id } = Publication::parse(frame)?;
        let taken = self.publish(&topic, &value);
        let Some(id) = id else {
            if let Err(refused) = taken {
                self.shared.hub.count_value_dropped();
                let why = Problem::from(refused).to_string();
                tracing::debug!(why, "a published value was dropped");
            }
            return Ok(None);
        };
        let answer = match taken {
            Ok(published) => Answer {
                id,
                published: Some(published),
                error: None,
            },
            Err(refused) => Answer {
                id,
                published: None,
                error: Some(ErrorBody {
                    code: refused.code(),
                    message: Problem::from(refused).detail().to_owned(),
                }),
            },
        };
        let answer = serde_json::to_string(&answer).expect("texts and numbers have a JSON form");
        Ok(Some(answer))
    }

    fn publish(&mut self, topic: &str, value: &Payload) -> Result<Published, Refused> {
        let known = self.last_topic.take_if(|known| known.as_str() == topic);
        let topic = match known {
            Some(topic) => topic,
            None => {
                let topic = TopicName::new(topic).map_err(Refused::Name)?;
                allow(&self.scopes, &topic)?;
                topic
            }
        };
        let (got, (what, max)) = (value.len(), value_limit(&self.shared, &topic));
        let taken = if got > max {
            let error = pagewire_rpc::Error::Limit { what, got, max };
            Err(Refused::TooLarge(error))
        } else {
            self.shared.hub.publish(&topic, value).map_err(Refused::Hub)
        };
        self.last_topic = Some(topic);
        taken
    }
}

#[derive(Serialize)]
struct Answer {
    id: RequestId,
    #[serde(flatten)]
    published: Option<Published>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorBody>,
}

#[derive(Serialize)]
struct ErrorBody {
    code: i64,
    message: String,
}
