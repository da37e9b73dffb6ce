//! Who is told what happens in a room.

use std::fmt;

use pagewire_codec::DecodeError;
use pagewire_journal::{Damage, Direction};
use pagewire_live::{Event, Reason, State, Status};
use serde_json::{Value, json};

use crate::signers::SignError;

/// What is told of a connection's state.
#[derive(Debug, Clone, Copy)]
pub struct StateChange<'a> {
    /// What it is now.
    pub state: State,
    /// Why.
    pub reason: &'a Reason,
    /// When it is tried again, in milliseconds from now; none where nothing is waited for.
    pub again_in_ms: Option<u64>,
    /// When it became so, in milliseconds of Unix time.
    pub time_ms: u64,
}

/// What happened beside the events and states of a room.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Note<'a> {
    /// It is so on the room's connection, and changes no state.
    Connection(&'a Reason),
    /// The tab is at fault: the room goes on with a socket of our own.
    GoesDirect {
        /// What the tab's fault is.
        why: &'a Reason,
    },
    /// A socket is open, or the journal says that one was.
    Opened {
        /// Its address without secrets.
        address: &'a str,
    },
    /// A socket is closed.
    Closed {
        /// Its code; none where it just ended.
        code: Option<u16>,
        /// Why.
        reason: &'a str,
    },
    /// Somebody signed.
    Signed {
        /// Who.
        signer: &'a str,
    },
    /// Somebody who was asked before gave no signature, and rests.
    SignerFails {
        /// Who.
        signer: &'a str,
        /// Why.
        why: &'a SignError,
    },
    /// Frames are lost on the way from the page, or were when the journal was written.
    Lost {
        /// How many; none where nobody knows.
        count: Option<u64>,
    },
    /// A message could not be sent: the site does not read.
    Unsent {
        /// Why.
        why: &'a str,
    },
    /// An earlier run did not write its last records to the end. That end is cut off, and the journal goes on behind what is before it.
    JournalCut(&'a Damage),
    /// The journal does not take what it is given. Told once; the room goes on, and each further frame is tried again.
    JournalFails {
        /// Why.
        why: &'a str,
    },
    /// The journal has taken frames for a while again.
    JournalGoesOn {
        /// So many records are missing in it.
        missed: u64,
    },
    /// A part of the journal that is replayed cannot be read. All the rest is given.
    Damaged(&'a Damage),
}

/// Why a connection is closed that we closed.
pub(super) const CLOSED_HERE: &str = "closed here";

impl Note<'_> {
    /// A short name that does not change, for programs.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Connection(reason) => reason.name(),
            Self::GoesDirect { .. } => "goes_direct",
            Self::Opened { .. } => "opened",
            Self::Closed { .. } => "closed",
            Self::Signed { .. } => "signed",
            Self::SignerFails { .. } => "signer_fails",
            Self::Lost { .. } => "lost",
            Self::Unsent { .. } => "unsent",
            Self::JournalCut(_) => "journal_cut",
            Self::JournalFails { .. } => "journal_fails",
            Self::JournalGoesOn { .. } => "journal_goes_on",
            Self::Damaged(_) => "damaged",
        }
    }

    /// Its name as `note`, words in English and Chinese as `text` and `text_zh`, and the numbers that it has.
    pub fn json(&self) -> Value {
        let mut json = json!({
            "note": self.name(),
            "text": self.to_string(),
            "text_zh": self.zh(),
        });
        let more = match self {
            Self::GoesDirect { why } => Some(("reason", json!(why.name()))),
            Self::Opened { address } => Some(("address", json!(address))),
            Self::Closed { code, .. } => code.map(|code| ("code", json!(code))),
            Self::Lost { count } => count.map(|count| ("count", json!(count))),
            Self::JournalGoesOn { missed } => Some(("count", json!(missed))),
            Self::Damaged(damage) | Self::JournalCut(damage) => {
                damage.records.map(|count| ("count", json!(count)))
            }
            Self::Connection(_)
            | Self::Signed { .. }
            | Self::SignerFails { .. }
            | Self::Unsent { .. }
            | Self::JournalFails { .. } => None,
        };
        if let (Some((name, value)), Some(members)) = (more, json.as_object_mut()) {
            members.insert(name.to_owned(), value);
        }
        json
    }

    /// In Chinese.
    pub fn zh(&self) -> String {
        match self {
            Self::Connection(reason) => reason.zh(),
            Self::GoesDirect { why } => {
                format!("标签页无法使用（{}），改用直接连接继续", why.zh())
            }
            Self::Opened { address } => format!("已打开 {address}"),
            Self::Closed { code, reason } => match code {
                Some(code) => format!("连接已关闭（代码 {code}）{reason}"),
                None if *reason == CLOSED_HERE => "连接由本机关闭".into(),
                None if reason.is_empty() => "连接已关闭".into(),
                None => format!("连接已关闭：{reason}"),
            },
            Self::Signed { signer } => format!("由 {signer} 签名"),
            Self::SignerFails { signer, why } => {
                format!("签名器 {signer} 失败，暂停使用：{}", why.zh())
            }
            Self::Lost { count: Some(count) } => format!("丢失了 {count} 帧"),
            Self::Lost { count: None } => "丢失了若干帧".into(),
            Self::Unsent { why } => format!("有一条消息未能发送：{why}"),
            Self::JournalFails { why } => format!("日志无法写入，直播间继续接收：{why}"),
            Self::JournalGoesOn { missed } => format!("日志恢复写入，缺少 {missed} 条记录"),
            Self::JournalCut(damage) => format!("日志末尾有未写完的记录，已截去：{damage}"),
            Self::Damaged(damage) => format!("日志的一部分已损坏：{damage}"),
        }
    }
}

impl fmt::Display for Note<'_> {
    /// In English.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection(reason) => reason.fmt(f),
            Self::GoesDirect { why } => write!(
                f,
                "the tab does not work ({why}), so the room goes on with a socket of our own"
            ),
            Self::Opened { address } => write!(f, "opened {address}"),
            Self::Closed { code, reason } => {
                f.write_str("the connection is closed")?;
                if let Some(code) = code {
                    write!(f, " with code {code}")?;
                }
                match *reason {
                    "" => Ok(()),
                    reason => write!(f, ": {reason}"),
                }
            }
            Self::Signed { signer } => write!(f, "signed by {signer}"),
            Self::SignerFails { signer, why } => write!(f, "{signer} failed, and rests: {why}"),
            Self::Lost { count: Some(1) } => f.write_str("a frame is lost"),
            Self::Lost { count: Some(count) } => write!(f, "{count} frames are lost"),
            Self::Lost { count: None } => f.write_str("frames are lost"),
            Self::Unsent { why } => write!(f, "a message was not sent: {why}"),
            Self::JournalFails { why } => {
                write!(
                    f,
                    "the journal cannot be written, and the room goes on: {why}"
                )
            }
            Self::JournalGoesOn { missed: 1 } => {
                f.write_str("the journal is written again; a record is missing in it")
            }
            Self::JournalGoesOn { missed } => {
                write!(
                    f,
                    "the journal is written again; {missed} records are missing in it"
                )
            }
            Self::JournalCut(damage) => write!(
                f,
                "the end of the journal was not written whole, and is cut off: {damage}"
            ),
            Self::Damaged(damage) => write!(f, "a part of the journal cannot be read: {damage}"),
        }
    }
}

/// A frame or polling answer that could not be read, or a part of one.
#[derive(Debug)]
pub struct Unread<'a> {
    /// Why.
    pub error: &'a DecodeError,
    /// Bytes of the frame.
    pub frame_bytes: usize,
}

/// A frame as it is decoded, for counts.
#[derive(Debug, Clone, Copy)]
pub struct FrameSeen {
    /// Which way it went.
    pub direction: Direction,
    /// Its bytes.
    pub bytes: usize,
    /// When it came, in milliseconds of Unix time.
    pub time_ms: u64,
}

/// How a room fares, told now and then.
#[derive(Debug, Clone, Copy)]
pub struct Tick<'a> {
    /// Of its connection.
    pub status: &'a Status,
    /// Events a second, over the last ten seconds.
    pub messages_per_s: f64,
    /// Now, in milliseconds of Unix time, by the clock of the status: it is not set back.
    pub time_ms: u64,
}

/// Is told what happens in a room, in its order. What is told is borrowed: whoever needs it longer copies what they need.
///
/// All of it is called on the task of the room, and frames wait meanwhile: it must not block.
pub trait Listener: Send {
    /// Something happened in the room.
    fn event(&mut self, event: &Event<'_>);

    /// A part of a frame could not be read.
    fn unread(&mut self, unread: &Unread<'_>) {
        let _ = unread;
    }

    /// A frame is going to be decoded.
    fn frame(&mut self, frame: FrameSeen) {
        let _ = frame;
    }

    /// The connection's state is another one, or has another reason.
    fn state(&mut self, change: &StateChange<'_>) {
        let _ = change;
    }

    /// Something happened beside.
    fn note(&mut self, note: &Note<'_>) {
        let _ = note;
    }

    /// How it fares, as often as the options say.
    fn tick(&mut self, tick: &Tick<'_>) {
        let _ = tick;
    }
}

/// Each is told, in their order.
#[derive(Default)]
pub struct Listeners<'l>(pub Vec<&'l mut dyn Listener>);

impl fmt::Debug for Listeners<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Listeners({})", self.0.len())
    }
}

impl Listener for Listeners<'_> {
    fn event(&mut self, event: &Event<'_>) {
        self.0.iter_mut().for_each(|listener| listener.event(event));
    }

    fn unread(&mut self, unread: &Unread<'_>) {
        self.0
            .iter_mut()
            .for_each(|listener| listener.unread(unread));
    }

    fn frame(&mut self, frame: FrameSeen) {
        self.0.iter_mut().for_each(|listener| listener.frame(frame));
    }

    fn state(&mut self, change: &StateChange<'_>) {
        self.0
            .iter_mut()
            .for_each(|listener| listener.state(change));
    }

    fn note(&mut self, note: &Note<'_>) {
        self.0.iter_mut().for_each(|listener| listener.note(note));
    }

    fn tick(&mut self, tick: &Tick<'_>) {
        self.0.iter_mut().for_each(|listener| listener.tick(tick));
    }
}
