//! How each site's socket is spoken: messages into frames, what clients say, and frames that are meant to hurt.

mod douyin;

use std::borrow::Cow;
use std::io::Write as _;
use std::sync::OnceLock;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use pagewire_codec::{
    BilibiliOperation, BilibiliPacket, TarsReader, TarsWriter, UNPACKED_BYTES_MAX,
};
use pagewire_live::Site;
use pagewire_live::made::{self, Written};

use crate::traffic::Message;

pub(crate) use self::douyin::{Answered, DouyinWire, cursor_of, response};

/// Longer than the messages that readers take: 16 MiB at most.
pub(crate) const HUGE_BYTES: usize = (16 << 20) + 1;

/// A message and its id.
#[derive(Debug, Clone)]
pub(crate) struct Unit<'a> {
    pub(crate) id: u64,
    pub(crate) written: Cow<'a, Written>,
}

impl<'a> From<&'a Message> for Unit<'a> {
    fn from(message: &'a Message) -> Self {
        Self {
            id: message.id,
            written: Cow::Borrowed(&message.written),
        }
    }
}

/// A message by itself, in a frame that a reader of the site reads. `asked_for` is how clients ask for its room.
pub(crate) fn alone(site: Site, asked_for: u64, message: &Message, now_ms: u64) -> Vec<u8> {
    let units = [Unit::from(message)];
    match site {
        Site::Douyin | Site::Tiktok => response(&units, &Answered::alone(asked_for, now_ms)),
        Site::Huya => huya_frame(&units, asked_for, now_ms),
        Site::Bilibili | Site::Douyu => packets(&units),
    }
}

/// One socket's side of the site.
#[derive(Debug)]
pub(crate) enum Wire {
    Douyin(DouyinWire),
    Huya {
        /// Whose groups messages are sent to. 0 before the client has asked for a room.
        presenter: u64,
    },
    Bilibili,
    Douyu,
}

/// What a client said.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// It is there. With what it is answered.
    Heartbeat(Option<Vec<u8>>),
    /// It has got a frame, and repeats what that one told it to.
    Ack { is_right: bool },
    /// Something else, with what it is answered.
    Other(Option<Vec<u8>>),
}

impl Wire {
    /// A frame with these messages; `next` is the number of the one after them.
    pub(crate) fn frame(&mut self, units: &[Unit<'_>], next: u64, now_ms: u64) -> Vec<u8> {
        match self {
            Self::Douyin(wire) => wire.frame(units, next, now_ms),
            Self::Huya { presenter } => huya_frame(units, *presenter, now_ms),
            Self::Bilibili => bilibili_frame(units),
            Self::Douyu => packets(units),
        }
    }

    /// A message that cannot be read, to stand among others.
    pub(crate) fn broken(&self) -> Unit<'static> {
        let written = match self {
            // A message of its common fields that ends before they do.
            Self::Douyin(_) => Written::Douyin {
                method: "WebcastChatMessage".to_owned(),
                payload: vec![0x0a, 0x7f, 0x0a],
            },
            // A struct that begins and does not end.
            Self::Huya { .. } => Written::Huya {
                uri: 1_400,
                body: vec![0x0a, 0x02],
            },
            Self::Bilibili => Written::Packet(bilibili_packet(
                BilibiliOperation::Message,
                0,
                br#"{"cmd":"DANMU_MSG","info":["#,
            )),
            Self::Douyu => Written::Packet(Vec::new()),
        };
        Unit {
            id: 1,
            written: Cow::Owned(written),
        }
    }

    /// A frame that is none.
    pub(crate) fn garbage(&self) -> Vec<u8> {
        vec![0xff; 64]
    }

    /// A frame that is small and unpacks to more than readers take.
    pub(crate) fn bomb(&mut self, now_ms: u64) -> Option<Vec<u8>> {
        let zeros = vec![0; 1 << 20];
        let pieces = UNPACKED_BYTES_MAX / zeros.len() + 1;
        match self {
            Self::Douyin(wire) => {
                let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
                (0..pieces).for_each(|_| gzip.write_all(&zeros).expect(MEMORY));
                Some(wire.push(&gzip.finish().expect(MEMORY), "msg", 0, now_ms))
            }
            Self::Bilibili => {
                let mut zlib = ZlibEncoder::new(Vec::new(), Compression::best());
                (0..pieces).for_each(|_| zlib.write_all(&zeros).expect(MEMORY));
                let packed = zlib.finish().expect(MEMORY);
                Some(bilibili_packet(BilibiliOperation::Message, ZLIB, &packed))
            }
            Self::Huya { .. } | Self::Douyu => None,
        }
    }

    /// What a client said, and what it is told.
    pub(crate) fn said(&self, bytes: &[u8], now_ms: u64) -> Said {
        match self {
            Self::Douyin(wire) => wire.said(bytes),
            Self::Huya { .. } => huya_said(bytes, now_ms),
            Self::Bilibili => bilibili_said(bytes),
            Self::Douyu => {
                let is_heartbeat = bytes.windows(MRKL.len()).any(|part| part == MRKL);
                if is_heartbeat {
                    Said::Heartbeat(None)
                } else {
                    Said::Other(None)
                }
            }
        }
    }
}

pub(crate) const MEMORY: &str = "memory takes all";
/// A body that is packed as zlib.
const ZLIB: u16 = 2;
const MRKL: &[u8] = b"type@=mrkl/";

/// Commands of Huya.
pub(crate) mod command {
    pub(crate) const REGISTER_USER: i64 = 1;
    pub(crate) const USER_REGISTERED: i64 = 2;
    pub(crate) const CALL: i64 = 3;
    pub(crate) const PUSH: i64 = 7;
    pub(crate) const REGISTER_GROUPS: i64 = 16;
    pub(crate) const GROUPS_REGISTERED: i64 = 17;
    pub(crate) const HEARTBEAT: i64 = 20;
    pub(crate) const HEARTBEAT_ANSWERED: i64 = 21;
    pub(crate) const BATCH: i64 = 22;
}

/// A `WebSocketCommand`.
pub(crate) fn huya_command(kind: i64, data: &[u8], now_ms: u64) -> Vec<u8> {
    let mut to = TarsWriter::default();
    to.integer(0, kind).bytes(1, data).integer(2, 0).text(3, "");
    to.integer(4, 0).integer(5, signed(now_ms)).text(6, "");
    to.into_bytes()
}

/// Times here are below 2^63.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// One message is a push, several are a batch.
fn huya_frame(units: &[Unit<'_>], presenter: u64, now_ms: u64) -> Vec<u8> {
    let group = format!("live:{presenter}");
    let written: Vec<_> = units
        .iter()
        .filter_map(|unit| match &*unit.written {
            Written::Huya { uri, body } => Some((*uri, body, unit.id.cast_signed())),
            Written::Douyin { .. } | Written::Packet(_) => None,
        })
        .collect();
    let mut to = TarsWriter::default();
    if let [(uri, body, id)] = written[..] {
        to.integer(0, 5).integer(1, uri).bytes(2, body);
        to.integer(3, 0).text(4, &group).integer(5, id);
        return huya_command(command::PUSH, &to.into_bytes(), now_ms);
    }
    to.text(0, &group);
    to.list(1, written, |to, (uri, body, id)| {
        to.structure(0, |item| {
            item.integer(0, uri).bytes(1, body).integer(2, id);
        });
    });
    huya_command(command::BATCH, &to.into_bytes(), now_ms)
}

fn huya_said(bytes: &[u8], now_ms: u64) -> Said {
    match TarsReader::new(bytes).integer(0) {
        Ok(Some(command::HEARTBEAT)) => {
            Said::Heartbeat(Some(huya_command(command::HEARTBEAT_ANSWERED, &[], now_ms)))
        }
        // The only call that is answered: what gifts cost.
        Ok(Some(command::CALL)) => Said::Other(Some(prices().to_vec())),
        Ok(_) | Err(_) => Said::Other(None),
    }
}

fn prices() -> &'static [u8] {
    static PRICES: OnceLock<Vec<u8>> = OnceLock::new();
    PRICES.get_or_init(|| made::huya::Frames::new(0).price_list())
}

fn packets(units: &[Unit<'_>]) -> Vec<u8> {
    let packets = units.iter().filter_map(|unit| match &*unit.written {
        Written::Packet(packet) => Some(&packet[..]),
        Written::Douyin { .. } | Written::Huya { .. } => None,
    });
    packets.collect::<Vec<_>>().concat()
}

pub(crate) fn bilibili_packet(operation: BilibiliOperation, version: u16, body: &[u8]) -> Vec<u8> {
    BilibiliPacket {
        operation,
        version,
        sequence: 0,
        body: Cow::Borrowed(body),
        at: 0,
    }
    .encode()
}

/// Several packets are packed into one; the site leaves single ones as they are.
fn bilibili_frame(units: &[Unit<'_>]) -> Vec<u8> {
    let plain = packets(units);
    if units.len() == 1 {
        return plain;
    }
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
    zlib.write_all(&plain).expect(MEMORY);
    bilibili_packet(
        BilibiliOperation::Message,
        ZLIB,
        &zlib.finish().expect(MEMORY),
    )
}

fn bilibili_said(bytes: &[u8]) -> Said {
    // The operation stands at byte 8; a heartbeat may have any body.
    match bytes.get(8..12) {
        Some([0, 0, 0, 2]) => {
            let popular = 1_234_u32.to_be_bytes();
            let answer = bilibili_packet(BilibiliOperation::HeartbeatReply, 1, &popular);
            Said::Heartbeat(Some(answer))
        }
        Some(_) | None => Said::Other(None),
    }
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(bytes).expect(MEMORY);
    gzip.finish().expect(MEMORY)
}
