//! A hub in another process: each page is relayed over a WebSocket of its own, and the values of taps go over one more.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use http::HeaderValue;
use http::header::AUTHORIZATION;
use pagewire_browser::{PageCarrier, RemoteHub};
use pagewire_dial::tls::{self, Connector, Trust};
use pagewire_dial::{Address, DialError, Header, Offer, Socket, SocketLimits, dial};
use pagewire_hub::{Attachment, Outbound};
use pagewire_rpc::{Frame, GroupName, Input, LinkOptions, Payload, TopicName};
use pagewire_server::Secret;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{self, Message};

use crate::client::{Client, Query};
use crate::exit::{FAILED, Failed, USAGE};

/// The subprotocol of page links and of publishing.
const PROTOCOL: &str = "pagewire.v1";
/// How long the hub may take to answer a handshake.
const DIAL_TIMEOUT: Duration = Duration::from_secs(10);
/// Values of taps that wait for the hub; the browser waits with one more.
const VALUES_MAX: usize = 1_024;
/// What the hub's messages are longer than its `message_bytes_max` at most (`docs/protocol.md` §1.3).
const ENVELOPE_BYTES: usize = 4_096;
/// The page script does not come back after this close code.
const REFUSED: u16 = 4403;
/// It does after this one.
const AWAY: u16 = 1001;

/// The hub at an address.
#[derive(Debug)]
pub(super) struct RunningHub {
    dialer: Arc<Dialer>,
    group: GroupName,
    values: mpsc::Sender<(TopicName, Payload)>,
}

/// What is needed to open a WebSocket to the hub.
struct Dialer {
    base: String,
    token: Option<Secret>,
    connector: Connector,
    /// A hub that cannot be reached is told once.
    told: AtomicBool,
}

impl std::fmt::Debug for Dialer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dialer")
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

/// One value, for `GET /v1/publish`.
#[derive(Serialize)]
struct Publication<'a> {
    topic: &'a TopicName,
    value: &'a RawValue,
}

impl RunningHub {
    /// Does not look whether the hub is there.
    pub(super) fn new(url: &str, token: Option<Secret>, group: &GroupName) -> Result<Self, Failed> {
        let base = url.trim_end_matches('/').to_owned();
        let connector = match base.split_once("://") {
            Some(("http", _)) => tls::plain_connector(),
            Some(("https", _)) => tls::connector(&Trust::Roots(None))?,
            Some(_) | None => {
                let why = format!("--hub {url:?} is no address such as http://127.0.0.1:9999");
                return Err(Failed::new(USAGE, why));
            }
        };
        let dialer = Arc::new(Dialer {
            base,
            token,
            connector,
            told: AtomicBool::new(false),
        });
        let (values, waiting) = mpsc::channel(VALUES_MAX);
        tokio::spawn(publish_all(dialer.clone(), waiting));
        Ok(Self {
            dialer,
            group: group.clone(),
            values,
        })
    }
}

impl Dialer {
    async fn dial(&self, path: &str) -> Result<Socket, DialError> {
        let address = format!("{}{path}", self.base.replacen("http", "ws", 1));
        let address: Address = address.parse().map_err(|why| DialError::BadAnswer {
            address: self.base.clone(),
            why: format!("its address cannot be used: {why}"),
        })?;
        let bearer = self.token.as_ref().and_then(|token| {
            let mut value = HeaderValue::try_from(format!("Bearer {}", token.reveal())).ok()?;
            value.set_sensitive(true);
            Some(value)
        });
        let headers = bearer.map(|value| Header {
            name: AUTHORIZATION,
            value,
        });
        let offer = Offer {
            headers: headers.into_iter().collect(),
            origin: None,
            subprotocols: vec![PROTOCOL.to_owned()],
            timeout: DIAL_TIMEOUT,
        };
        let limits = SocketLimits {
            message_bytes_max: LinkOptions::default().message_bytes_max + ENVELOPE_BYTES,
            unsent_bytes_max: usize::MAX,
        };
        let opened = dial(&self.connector, &address, &offer, limits).await?;
        self.told.store(false, Ordering::Relaxed);
        Ok(opened.socket)
    }

    /// Says once why the hub cannot be reached.
    fn tell(&self, error: &DialError) {
        if !self.told.swap(true, Ordering::Relaxed) {
            tracing::error!(%error, "the hub takes nothing from us");
        }
    }
}

impl RemoteHub for RunningHub {
    fn drive(&self, mut carrier: PageCarrier, attachment: Attachment) -> BoxFuture<'_, ()> {
        async move {
            let mut query = Query::default();
            query.add("carrier", Some(attachment.carrier));
            query.add("group", Some(self.group.as_str()));
            query.add("origin", attachment.origin.as_deref());
            match self.dialer.dial(&format!("/v1/page{query}")).await {
                Ok(socket) => relay(&mut carrier, socket).await,
                Err(error) => {
                    self.dialer.tell(&error);
                    let code = if error.is_transient() { AWAY } else { REFUSED };
                    let reason = error.to_string();
                    // A carrier whose page is gone takes nothing, which is fine.
                    let _ = carrier.send(Outbound::Close { code, reason }).await;
                    while carrier.next().await.is_some() {}
                }
            }
        }
        .boxed()
    }

    fn publish(&self, topic: TopicName, payload: Payload) -> BoxFuture<'_, ()> {
        async move {
            // The receiver lives as long as the process.
            let _ = self.values.send((topic, payload)).await;
        }
        .boxed()
    }
}

/// Carries messages between a page and the hub until one of them ends.
async fn relay(carrier: &mut PageCarrier, socket: Socket) {
    let (mut to_hub, mut from_hub) = socket.split();
    loop {
        tokio::select! {
            input = carrier.next() => {
                let message = match input {
                    Some(Ok(Input::Frame(Frame::Text(text)))) => {
                        let Ok(text) = text.try_into() else { continue };
                        Message::Text(text)
                    }
                    Some(Ok(Input::Frame(Frame::Binary(bytes)))) => Message::Binary(bytes),
                    Some(Ok(Input::Alive)) => continue,
                    Some(Ok(Input::Closed) | Err(_)) | None => break,
                };
                if to_hub.send(message).await.is_err() {
                    break;
                }
            }
            message = from_hub.next() => {
                let outbound = match message {
                    Some(Ok(Message::Text(text))) => Outbound::Frame(Frame::Text(text.into())),
                    Some(Ok(Message::Binary(bytes))) => Outbound::Frame(Frame::Binary(bytes)),
                    Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {
                        // The library answers Pings with the next flush.
                        if to_hub.flush().await.is_err() {
                            break;
                        }
                        continue;
                    }
                    Some(Ok(Message::Close(frame))) => closed(frame),
                    Some(Err(_)) | None => closed(None),
                };
                let ends = matches!(outbound, Outbound::Close { .. });
                let _ = carrier.send(outbound).await;
                if ends {
                    return;
                }
            }
        }
    }
    let _ = to_hub.close().await;
}

fn closed(frame: Option<CloseFrame>) -> Outbound {
    let (code, reason) = frame.map_or((AWAY, String::new()), |frame| {
        (frame.code.into(), frame.reason.to_string())
    });
    Outbound::Close { code, reason }
}

/// Publishes values one after the other; opens the connection again when it is lost. A value that cannot be sent is lost.
async fn publish_all(dialer: Arc<Dialer>, mut values: mpsc::Receiver<(TopicName, Payload)>) {
    while let Some((topic, payload)) = values.recv().await {
        match dialer.dial("/v1/publish").await {
            Ok(mut socket) => {
                if publish_one(&mut socket, &topic, &payload, &values)
                    .await
                    .is_ok()
                {
                    publish_on(socket, &mut values).await;
                }
            }
            Err(error) => dialer.tell(&error),
        }
    }
}

/// Publishes until the connection or the browser is gone.
async fn publish_on(mut socket: Socket, values: &mut mpsc::Receiver<(TopicName, Payload)>) {
    loop {
        tokio::select! {
            value = values.recv() => {
                let Some((topic, payload)) = value else { return };
                if let Err(error) = publish_one(&mut socket, &topic, &payload, values).await {
                    return tracing::warn!(%error, "the hub is gone; values of taps are lost until it is back");
                }
            }
            // Nothing but Pings comes, which the library answers.
            message = socket.next() => if !matches!(message, Some(Ok(_))) {
                return;
            },
        }
    }
}

/// What is waiting already goes out in one write.
async fn publish_one(
    socket: &mut Socket,
    topic: &TopicName,
    payload: &Payload,
    waiting: &mpsc::Receiver<(TopicName, Payload)>,
) -> Result<(), tungstenite::Error> {
    let message = publication(topic, payload)?;
    if waiting.is_empty() {
        socket.send(message).await
    } else {
        socket.feed(message).await
    }
}

fn publication(topic: &TopicName, payload: &Payload) -> io::Result<Message> {
    let base64;
    let value = match payload {
        Payload::Json(text) => serde_json::from_slice(text.as_bytes())?,
        Payload::Bytes(bytes) => {
            base64 = serde_json::value::to_raw_value(&BASE64.encode(&bytes.data))?;
            &*base64
        }
    };
    let text = serde_json::to_string(&Publication { topic, value })?;
    Ok(Message::Text(text.into()))
}

/// Looks whether a Pagewire hub answers at an address.
pub(super) async fn answers(url: &str) -> bool {
    let client = Client::at(url, None);
    let Ok(answer) = client.get("/health").await else {
        return false;
    };
    answer
        .text()
        .await
        .is_ok_and(|text| text.contains("\"ok\":true"))
}

/// No hub where one was named.
pub(super) fn no_hub(url: &str) -> Failed {
    Failed::new(
        FAILED,
        format!(
            "no hub answers at {url}. Start one with `pagewire serve`, or leave --hub out: this command then runs its own"
        ),
    )
}
