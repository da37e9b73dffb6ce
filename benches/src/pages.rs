//! Stand-ins for pages, by `docs/protocol.md` §1, and the same connections as plain WebSocket clients.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use futures_util::future::try_join_all;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use futures_util::{SinkExt as _, future::poll_immediate};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::load::{argument, measure};
use crate::process::{say, until_let_go};

/// Pages that say hello at the same time.
const ATTACHING: usize = 64;
/// The library's own read buffer would cost 128 KiB for each of thousands of pages.
const READ_BUFFER_BYTES: usize = 8 << 10;

/// Which pages attach where. All are of group `bench`.
#[derive(Debug, Args)]
pub(crate) struct PagesArguments {
    #[arg(long)]
    to: SocketAddr,
    /// Pages that expose `echo`.
    #[arg(long)]
    busy: usize,
    /// Pages that expose `idle`, which nobody calls.
    #[arg(long)]
    idle: usize,
}

/// Which WebSocket echo is asked how often.
#[derive(Debug, Args)]
pub(crate) struct RoundTripArguments {
    #[arg(long)]
    to: SocketAddr,
    #[arg(long)]
    connections: usize,
    #[arg(long)]
    bytes: usize,
    #[arg(long)]
    seconds: f64,
}

/// Attaches pages, says so, and answers until it is let go.
pub(crate) async fn run(arguments: PagesArguments) -> Result<()> {
    let PagesArguments { to, busy, idle } = arguments;
    let functions = (0..busy + idle).map(|index| if index < busy { "echo" } else { "idle" });
    let attaching = stream::iter(functions.map(|function| Page::attach(to, function)));
    let pages: Vec<_> = attaching.buffer_unordered(ATTACHING).try_collect().await?;
    let mut serving: JoinSet<_> = pages.into_iter().map(Page::serve).collect();
    say(&"ready")?;
    tokio::select! {
        Some(ended) = serving.join_next() => ended?.context("a page lost its link"),
        result = until_let_go() => result,
    }
}

/// Sends texts and waits for each to come back.
pub(crate) async fn run_round_trips(arguments: RoundTripArguments) -> Result<()> {
    let RoundTripArguments {
        to,
        connections,
        bytes,
        seconds,
    } = arguments;
    let connecting = (0..connections).map(|_| connect(to, "/socket"));
    let sockets = try_join_all(connecting).await?;
    measure(sockets, seconds, async |socket, end| {
        let mut times = Vec::new();
        let mut now = Instant::now();
        while now < end {
            let sent = argument(times.len() as u64, bytes);
            socket.send(Message::text(&sent)).await?;
            let back = next_text(socket).await?;
            ensure!(back == sent.as_str(), "{back} came back for {sent}");
            let asked = std::mem::replace(&mut now, Instant::now());
            times.push(now - asked);
        }
        Ok::<Vec<Duration>, anyhow::Error>(times)
    })
    .await
}

pub(crate) type Socket = WebSocketStream<TcpStream>;

/// Opens a WebSocket that offers the subprotocol of pages.
pub(crate) async fn connect(to: SocketAddr, path: &str) -> Result<Socket> {
    let stream = TcpStream::connect(to).await?;
    stream.set_nodelay(true)?;
    let mut request = format!("ws://{to}{path}").into_client_request()?;
    let protocol = "pagewire.v1".parse()?;
    request
        .headers_mut()
        .insert("sec-websocket-protocol", protocol);
    let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER_BYTES);
    let (socket, _) = client_async_with_config(request, stream, Some(config)).await?;
    Ok(socket)
}

/// The next text message. Pings are answered by the library.
pub(crate) async fn next_text(socket: &mut Socket) -> Result<Utf8Bytes> {
    loop {
        match socket.next().await.context("the connection ended")?? {
            Message::Text(text) => return Ok(text),
            Message::Ping(_) | Message::Pong(_) => {}
            Message::Binary(_) | Message::Frame(_) | Message::Close(_) => {
                bail!("the server sent something else than a text")
            }
        }
    }
}

/// One attached page.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) socket: Socket,
}

/// A message of the hub: a call, `$/ping`, or a notification.
#[derive(Deserialize)]
struct Envelope<'a> {
    id: Option<u64>,
    method: &'a str,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

impl Page {
    pub(crate) async fn attach(to: SocketAddr, function: &str) -> Result<Self> {
        let mut socket = connect(to, "/v1/page").await?;
        let hello = format!(
            r#"{{"jsonrpc":"2.0","id":0,"method":"$/hello","params":{{"group":"bench","functions":[{{"name":"{function}"}}]}}}}"#
        );
        socket.send(Message::text(hello)).await?;
        let welcome = next_text(&mut socket).await?;
        ensure!(
            welcome.contains(r#""result""#),
            "the hub refused: {welcome}"
        );
        Ok(Self { socket })
    }

    /// Answers every call with its first argument until the link ends, which is an error here.
    ///
    /// Answers to calls that came together go out together: a page that is slower than it must be would hide the hub.
    async fn serve(mut self) -> Result<()> {
        loop {
            let text = match poll_immediate(next_text(&mut self.socket)).await {
                Some(text) => text?,
                None => {
                    self.socket.flush().await?;
                    next_text(&mut self.socket).await?
                }
            };
            if let Some(answer) = answer(&text)? {
                self.socket.feed(Message::text(answer)).await?;
            }
        }
    }
}

fn answer(text: &str) -> Result<Option<String>> {
    let envelope: Envelope<'_> = serde_json::from_str(text).with_context(|| text.to_owned())?;
    let Some(id) = envelope.id else {
        return Ok(None);
    };
    let result = match envelope.method {
        "echo" => {
            let params = envelope.params.map_or("", RawValue::get).trim();
            let argument = params
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'));
            argument.with_context(|| format!("echo wants one argument, not {params}"))?
        }
        "$/ping" => r#"{"lag_ms":0}"#,
        other => bail!("nobody should call {other}"),
    };
    Ok(Some(format!(
        r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#
    )))
}
