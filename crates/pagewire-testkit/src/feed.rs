//! WebSockets of a test site: servers that do as told, down to single frames.
//!
//! Frames are made here, since no library makes fragments and compressed messages on demand. RFC 6455 §5, RFC 7692 §7.

use std::pin::pin;

use bytes::{Buf as _, Bytes, BytesMut};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use futures_util::future::{Either, select};
use http::{HeaderMap, StatusCode};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{Frame, FrameHeader};

use crate::carried::{Carried, MessageKind};

/// Bytes that are gathered before they are written.
const WRITE_BYTES: usize = 64 << 10;

/// What a server does with each socket that is opened. Default: it takes the socket, sends nothing, and waits until the page is gone.
#[derive(Debug, Clone)]
pub struct Feed {
    /// Messages that it sends at once.
    pub count: u64,
    /// Bytes of each.
    pub size: usize,
    /// What they are.
    pub kinds: Kinds,
    /// How they go over the wire.
    pub wire: Wire,
    /// Frames that each message is sent in.
    pub fragments: usize,
    /// Messages of the page that it waits for before the end.
    pub replies: u64,
    /// What it does then.
    pub end: End,
    /// Refuses the handshake with this status.
    pub refuse: Option<StatusCode>,
    /// More headers of its answer to the handshake.
    pub headers: Vec<(&'static str, &'static str)>,
}

/// What the messages of a feed are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kinds {
    /// Text, with characters of one to four bytes and some that JSON escapes.
    Text,
    /// Bytes of all values.
    Binary,
    /// In turns.
    Both,
}

/// How messages go over the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// As they are.
    Plain,
    /// By permessage-deflate, with its window kept from message to message.
    Deflate,
}

/// How a feed ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// When the page closes.
    Page,
    /// With a close frame of the server.
    Close(u16, &'static str),
    /// The connection breaks without a close frame.
    Vanish,
}

/// What one socket carried, told when it ended.
#[derive(Debug)]
pub struct Fed {
    /// Path and query of its address.
    pub path: String,
    /// To the page.
    pub sent: Carried,
    /// From the page.
    pub received: Carried,
    /// The code of the page's close frame.
    pub closed_by_page: Option<u16>,
}

impl Default for Feed {
    fn default() -> Self {
        Self {
            count: 0,
            size: 64,
            kinds: Kinds::Both,
            wire: Wire::Plain,
            fragments: 1,
            replies: 0,
            end: End::Page,
            refuse: None,
            headers: Vec::new(),
        }
    }
}

impl Feed {
    /// The message of this number, always the same.
    pub fn message(&self, number: u64) -> (MessageKind, Bytes) {
        let kind = match self.kinds {
            Kinds::Text => MessageKind::Text,
            Kinds::Binary => MessageKind::Binary,
            Kinds::Both if number.is_multiple_of(2) => MessageKind::Text,
            Kinds::Both => MessageKind::Binary,
        };
        let noise: Vec<u8> = noise(number)
            .flat_map(u64::to_le_bytes)
            .take(self.size.min(NOISE_BYTES))
            .collect();
        let noise = noise.iter().copied().cycle();
        let payload = match kind {
            MessageKind::Binary => noise.take(self.size).collect(),
            MessageKind::Text => text(noise, self.size),
        };
        (kind, payload)
    }

    /// All that it sends.
    pub fn all(&self) -> Carried {
        (0..self.count).fold(Carried::default(), |mut carried, number| {
            let (kind, payload) = self.message(number);
            carried.add(kind, &payload);
            carried
        })
    }

    /// The extension that it agrees to, where the page offers it.
    pub(crate) fn extension(&self, offered: &HeaderMap) -> Option<&'static str> {
        let offered = offered.get("sec-websocket-extensions")?.to_str().ok()?;
        (self.wire == Wire::Deflate && offered.contains("permessage-deflate"))
            .then_some("permessage-deflate")
    }

    /// Serves one socket until it ends.
    pub(crate) async fn serve(&self, upgraded: Upgraded, path: String) -> Fed {
        let (from_page, to_page) = tokio::io::split(TokioIo::new(upgraded));
        let mut reader = Reader::new(from_page);
        let mut fed = Fed {
            path,
            sent: Carried::default(),
            received: Carried::default(),
            closed_by_page: None,
        };
        let mut writer = Writer {
            to_page,
            waiting: Vec::new(),
            deflate: Compress::new(Compression::fast(), false),
        };
        let closed = self.exchange(&mut writer, &mut reader, &mut fed).await;
        fed.closed_by_page = match (closed, self.end) {
            (Some(close), _) => close,
            (None, End::Vanish) => None,
            (None, End::Close(code, reason)) => {
                writer.close(Some(code), reason).await;
                reader.receive(u64::MAX, &mut fed.received).await.flatten()
            }
            (None, End::Page) => {
                let close = reader.receive(u64::MAX, &mut fed.received).await.flatten();
                writer.close(close, "").await;
                close
            }
        };
        fed
    }

    /// Sends and receives at once, since a page that sends while we do would fill the wire otherwise. Gives what [`Reader::receive`] does.
    async fn exchange(
        &self,
        writer: &mut Writer,
        reader: &mut Reader,
        fed: &mut Fed,
    ) -> Option<Option<u16>> {
        let sending = pin!(self.send_all(writer, &mut fed.sent));
        let replies = if self.end == End::Page && self.replies == 0 {
            u64::MAX
        } else {
            self.replies
        };
        let receiving = pin!(reader.receive(replies, &mut fed.received));
        match select(sending, receiving).await {
            Either::Left(((), _)) if replies == u64::MAX => None,
            Either::Left(((), receiving)) => receiving.await,
            Either::Right((Some(closed), _)) => Some(closed),
            Either::Right((None, sending)) => {
                sending.await;
                None
            }
        }
    }

    async fn send_all(&self, writer: &mut Writer, sent: &mut Carried) {
        for number in 0..self.count {
            let (kind, payload) = self.message(number);
            if !writer.message(self, kind, &payload).await {
                return;
            }
            sent.add(kind, &payload);
        }
        // A page that is gone has nothing to say about it here.
        let _ = writer.flush().await;
    }
}

/// Messages repeat after so many bytes. A prime number, so that no piece of a length that computers like begins as another one does.
const NOISE_BYTES: usize = 4_093;

/// Endless numbers that look random (SplitMix64), the same for the same seed.
fn noise(seed: u64) -> impl Iterator<Item = u64> {
    let mut state = seed.wrapping_mul(0xBF58_476D_1CE4_E5B9);
    std::iter::from_fn(move || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        Some(z ^ (z >> 31))
    })
}

/// Characters that are written in JSON, in UTF-8 and in UTF-16 in different ways.
const CHARACTERS: [char; 16] = [
    'a',
    'Z',
    '0',
    ' ',
    '"',
    '\\',
    '\n',
    '\0',
    '\u{1f}',
    '<',
    'é',
    '价',
    '\u{2028}',
    '\u{feff}',
    '🦀',
    '\u{10ffff}',
];

fn text(noise: impl Iterator<Item = u8>, size: usize) -> Bytes {
    let mut text = String::with_capacity(size + 3);
    for byte in noise {
        if text.len() >= size {
            break;
        }
        text.push(CHARACTERS[usize::from(byte % 16)]);
    }
    while text.len() > size {
        text.pop();
    }
    text.extend(std::iter::repeat_n('x', size - text.len()));
    text.into()
}

struct Writer {
    to_page: WriteHalf<TokioIo<Upgraded>>,
    waiting: Vec<u8>,
    deflate: Compress,
}

impl Writer {
    /// False when the page is gone.
    async fn message(&mut self, feed: &Feed, kind: MessageKind, payload: &Bytes) -> bool {
        let payload = match feed.wire {
            Wire::Plain => payload.clone(),
            Wire::Deflate => self.deflated(payload),
        };
        let data = match kind {
            MessageKind::Text => Data::Text,
            MessageKind::Binary => Data::Binary,
        };
        let bytes = payload.len().div_ceil(feed.fragments).max(1);
        let mut rest = payload;
        let mut opcode = OpCode::Data(data);
        for left in (0..feed.fragments).rev() {
            let part = rest.split_to(bytes.min(rest.len()));
            let mut frame = Frame::message(part, opcode, left == 0);
            frame.header_mut().rsv1 =
                feed.wire == Wire::Deflate && opcode != OpCode::Data(Data::Continue);
            frame.format(&mut self.waiting).expect("memory takes it");
            opcode = OpCode::Data(Data::Continue);
        }
        self.waiting.len() < WRITE_BYTES || self.flush().await.is_ok()
    }

    /// RFC 7692 §7.2.1: the four last bytes of a flush are left out.
    fn deflated(&mut self, payload: &[u8]) -> Bytes {
        if payload.is_empty() {
            // RFC 7692 §7.2.3.6: zlib flushes nothing where nothing has come.
            return Bytes::from_static(&[0]);
        }
        let mut out = Vec::with_capacity(payload.len() + 64);
        let begin = self.deflate.total_in();
        loop {
            let done = usize::try_from(self.deflate.total_in() - begin).expect("it is in memory");
            self.deflate
                .compress_vec(&payload[done..], &mut out, FlushCompress::Sync)
                .expect("it compresses");
            if out.len() < out.capacity() {
                break;
            }
            out.reserve(1024);
        }
        out.truncate(out.len() - 4);
        out.into()
    }

    async fn flush(&mut self) -> std::io::Result<()> {
        self.to_page.write_all(&self.waiting).await?;
        self.waiting.clear();
        self.to_page.flush().await
    }

    /// Without a code it answers a close frame that had none.
    async fn close(&mut self, code: Option<u16>, reason: &'static str) {
        let close = code.map(|code| CloseFrame {
            code: code.into(),
            reason: reason.into(),
        });
        let frame = Frame::close(close);
        frame.format(&mut self.waiting).expect("memory takes it");
        // Nobody minds if the page is gone already.
        let _ = self.flush().await;
    }
}

struct Reader {
    from_page: ReadHalf<TokioIo<Upgraded>>,
    buffer: BytesMut,
    message: BytesMut,
    /// What the message that is coming is, and whether it is compressed.
    coming: (MessageKind, bool),
    inflate: Decompress,
}

impl Reader {
    fn new(from_page: ReadHalf<TokioIo<Upgraded>>) -> Self {
        Self {
            from_page,
            buffer: BytesMut::new(),
            message: BytesMut::new(),
            coming: (MessageKind::Text, false),
            inflate: Decompress::new(false),
        }
    }

    /// Takes so many messages. Gives the end if that came before: the code of the page's close frame, if there was one.
    async fn receive(&mut self, count: u64, received: &mut Carried) -> Option<Option<u16>> {
        while received.count < count {
            let Some((header, payload)) = self.frame().await else {
                return Some(None);
            };
            if let Some(closed) = self.take(&header, &payload, received) {
                return Some(closed);
            }
        }
        None
    }

    /// Takes a frame; gives what a close frame says.
    fn take(
        &mut self,
        header: &FrameHeader,
        payload: &[u8],
        received: &mut Carried,
    ) -> Option<Option<u16>> {
        match header.opcode {
            OpCode::Control(Control::Close) => {
                let code = payload.first_chunk().copied().map(u16::from_be_bytes);
                return Some(code);
            }
            OpCode::Control(_) => return None,
            OpCode::Data(Data::Text) => self.coming = (MessageKind::Text, header.rsv1),
            OpCode::Data(Data::Binary) => self.coming = (MessageKind::Binary, header.rsv1),
            OpCode::Data(_) => {}
        }
        self.message.extend_from_slice(payload);
        if header.is_final {
            let message = self.message.split().freeze();
            let (kind, compressed) = self.coming;
            let message = if compressed {
                self.inflated(&message)
            } else {
                message
            };
            received.add(kind, &message);
        }
        None
    }

    fn inflated(&mut self, message: &[u8]) -> Bytes {
        let message = [message, &[0, 0, 0xFF, 0xFF]].concat();
        let mut out = Vec::with_capacity(message.len() * 4 + 64);
        let begin = self.inflate.total_in();
        loop {
            let done = usize::try_from(self.inflate.total_in() - begin).expect("it is in memory");
            // It may leave room in `out` while there is more to read.
            if done == message.len() && out.len() < out.capacity() {
                return out.into();
            }
            if out.len() == out.capacity() {
                out.reserve(out.len());
            }
            self.inflate
                .decompress_vec(&message[done..], &mut out, FlushDecompress::Sync)
                .expect("the browser compresses well");
        }
    }

    /// The next frame, unmasked; none when the page is gone.
    async fn frame(&mut self) -> Option<(FrameHeader, Bytes)> {
        loop {
            let mut cursor = std::io::Cursor::new(&self.buffer);
            let header = FrameHeader::parse(&mut cursor).expect("the browser keeps the rules");
            let at = usize::try_from(cursor.position()).expect("it is in memory");
            if let Some((header, length)) = header {
                let length = usize::try_from(length).expect("it fits in memory");
                if self.buffer.len() - at >= length {
                    self.buffer.advance(at);
                    let mut payload = self.buffer.split_to(length);
                    let mask = header.mask.expect("a browser masks (RFC 6455 §5.3)");
                    for (byte, mask) in payload.iter_mut().zip(mask.iter().cycle()) {
                        *byte ^= mask;
                    }
                    return Some((header, payload.freeze()));
                }
            }
            if self.from_page.read_buf(&mut self.buffer).await.ok()? == 0 {
                return None;
            }
        }
    }
}
