//! The values of taps and of the hook as they are read again (`docs/protocol.md` §1.12).

use serde::Deserialize;

/// One value of a tap.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TapRecord {
    /// The browser's wall time, in milliseconds of Unix time.
    #[serde(default)]
    pub time_ms: Option<u64>,
    /// What happened.
    #[serde(flatten)]
    pub what: TapWhat,
}

/// What happened on a connection.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum TapWhat {
    /// A socket is open, or will never be.
    Open(TapOpen),
    /// A text message.
    Text(TapMessage),
    /// A binary message.
    Binary(TapMessage),
    /// A ping.
    Ping(TapMessage),
    /// A pong.
    Pong(TapMessage),
    /// A socket has failed.
    Error {
        /// What the browser says.
        text: String,
    },
    /// A socket has closed.
    Close {
        /// Its code, where the browser tells it.
        #[serde(default)]
        code: Option<u16>,
        /// Why, where the browser tells it.
        #[serde(default)]
        reason: String,
    },
    /// What a page could not tell.
    Lost {
        /// How many values.
        count: u64,
    },
    /// An answer to a request.
    Response(TapResponse),
}

/// How a socket was opened.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TapOpen {
    /// Its name, the last part of the topic.
    pub connection: String,
    /// Empty for a socket that was open before it was tapped.
    #[serde(default)]
    pub url: String,
    /// The kind of context that opened it.
    #[serde(default)]
    pub target: String,
    /// The place in a script.
    #[serde(default)]
    pub initiator: String,
    /// The status of the answer: 101 where it is open.
    #[serde(default)]
    pub status: Option<u16>,
    /// When it was seen, where that was not at its opening.
    #[serde(default)]
    pub seen: Option<TapSeen>,
}

/// When a socket was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TapSeen {
    /// It was open before anybody listened.
    Late,
}

/// A message of a socket.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TapMessage {
    /// Which way it went.
    pub direction: TapDirection,
    /// Its bytes.
    pub size: u64,
    /// Where it is another one than its kind says.
    #[serde(default)]
    pub opcode: Option<u8>,
    /// What it holds.
    #[serde(flatten)]
    pub payload: TapBody,
}

/// Which way a message went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TapDirection {
    /// From the site.
    Received,
    /// To the site.
    Sent,
}

/// An answer to a request, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TapResponse {
    /// Without secrets, where they are not to be kept.
    pub url: String,
    /// How it was asked for; empty where that was before anybody could listen.
    #[serde(default)]
    pub method: String,
    /// Its status; none where no answer came.
    #[serde(default)]
    pub status: Option<u16>,
    /// Of its body.
    #[serde(default)]
    pub mime: String,
    /// Bytes of its body; none where that did not come.
    #[serde(default)]
    pub size: Option<u64>,
    /// What the browser says where the body did not come.
    #[serde(default)]
    pub error: Option<String>,
    /// Its body.
    #[serde(flatten)]
    pub payload: TapBody,
}

/// Text, or bytes as base64.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct TapBody {
    /// Of a text.
    #[serde(default)]
    pub text: Option<String>,
    /// Of anything else.
    #[serde(default)]
    pub base64: Option<String>,
}

impl TapRecord {
    /// None for what a newer program may put there.
    pub fn read(json: &[u8]) -> Option<Self> {
        serde_json::from_slice(json).ok()
    }
}
