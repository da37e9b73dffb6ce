//! Frames of a site taken apart to messages.

use pagewire_codec::{
    BilibiliOperation, DecodeError, DouyuSide, Inflater, UNPACKED_BYTES_MAX, bilibili_packets,
    douyu_packet, douyu_packets, stt_value,
};
use pagewire_journal::{Frame, FrameKind};
use pagewire_live::douyin::{PushFrame, Response};
use pagewire_live::huya::{Command, Push};
use pagewire_live::made::Written;
use pagewire_live::{Body, FrameReader, RoomState, Site};

use crate::traffic::Message;
use crate::wire::{self, command};

/// A message of a frame.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) message: Message,
    pub(super) tells: Tells,
}

/// What a message tells, as far as it matters to how it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tells {
    Gift,
    /// That the broadcast is over.
    End,
    Other,
}

/// What a frame held.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub(super) parts: Vec<Part>,
    pub(super) messages_unread: u64,
    /// It cannot be read as a frame, or not to its end.
    pub(super) is_unread: bool,
}

/// Takes frames apart. Keeps its buffers for the next one.
#[derive(Debug)]
pub(super) struct Apart {
    site: Site,
    /// By which clients ask for it.
    room: u64,
    reader: FrameReader,
    inflater: Inflater,
    unpacked: Vec<u8>,
}

impl Apart {
    pub(super) fn new(site: Site, room: u64) -> Self {
        Self {
            site,
            room,
            reader: FrameReader::new(site),
            inflater: Inflater::default(),
            unpacked: Vec::new(),
        }
    }

    /// The messages of a frame, without what only answers the client that was there: the simulator answers its own.
    pub(super) fn take(&mut self, frame: Frame<'_>) -> Taken {
        let mut messages = Vec::new();
        let read = match self.site {
            Site::Douyin | Site::Tiktok => self.douyin(frame, &mut messages),
            Site::Huya => huya(frame.payload, &mut messages),
            Site::Bilibili => self.bilibili(frame.payload, &mut messages),
            Site::Douyu => douyu(frame.payload, &mut messages),
        };
        let mut taken = Taken {
            is_unread: read.is_err(),
            ..Taken::default()
        };
        for (id, written) in messages {
            let message = Message {
                id,
                written,
                happening: None,
            };
            let tells = self.look(&message, &mut taken.messages_unread);
            taken.parts.push(Part { message, tells });
        }
        taken
    }

    /// What a message tells.
    fn look(&mut self, message: &Message, unread: &mut u64) -> Tells {
        let frame = wire::alone(self.site, self.room, message, 0);
        let (mut tells, mut is_read) = (Tells::Other, true);
        self.reader.read(&frame, 0, |read| match read {
            Ok(event) if matches!(event.body, Body::Gift(_)) => tells = Tells::Gift,
            Ok(event) if is_end(&event.body) => tells = Tells::End,
            Ok(_) => {}
            Err(_) => is_read = false,
        });
        *unread += u64::from(!is_read);
        tells
    }

    fn douyin(&mut self, frame: Frame<'_>, messages: &mut Messages) -> Result<(), Unread> {
        let packed = if frame.kind == FrameKind::Polled {
            frame.payload
        } else {
            let push = PushFrame::read(frame.payload)?;
            if push.payload.is_empty() || matches!(&*push.payload_type, "ack" | "hb" | "close") {
                return Ok(());
            }
            push.payload
        };
        let (inflater, unpacked) = (&mut self.inflater, &mut self.unpacked);
        let response = inflater.unpack_into(packed, UNPACKED_BYTES_MAX, unpacked)?;
        let response = Response::read(response);
        messages.extend(response.messages.iter().map(|message| {
            let written = Written::Douyin {
                method: message.method.clone().into_owned(),
                payload: message.payload.to_vec(),
            };
            (message.msg_id, written)
        }));
        whole(response.errors.is_empty())
    }

    fn bilibili(&mut self, frame: &[u8], messages: &mut Messages) -> Result<(), Unread> {
        let read = bilibili_packets(frame, &mut self.inflater, UNPACKED_BYTES_MAX);
        let of_room = read.packets.iter().filter(|packet| match packet.operation {
            BilibiliOperation::Message | BilibiliOperation::Unknown(_) => true,
            BilibiliOperation::Heartbeat
            | BilibiliOperation::HeartbeatReply
            | BilibiliOperation::Auth
            | BilibiliOperation::AuthReply => false,
        });
        messages.extend(of_room.map(|packet| (0, Written::Packet(packet.encode()))));
        whole(read.errors.is_empty())
    }
}

fn is_end(body: &Body<'_>) -> bool {
    if let Body::RoomState(change) = body {
        return change.state == Some(RoomState::Ended);
    }
    false
}

/// Ids of messages, 0 where they have none, and what stands in a frame.
type Messages = Vec<(u64, Written)>;

/// A frame, or a part of it, that cannot be read.
struct Unread;

impl From<DecodeError> for Unread {
    fn from(_: DecodeError) -> Self {
        Self
    }
}

const fn whole(is_whole: bool) -> Result<(), Unread> {
    if is_whole { Ok(()) } else { Err(Unread) }
}

fn huya(frame: &[u8], messages: &mut Messages) -> Result<(), Unread> {
    let asked = Command::read(frame)?;
    if asked.encryption != 0 {
        return Err(Unread);
    }
    let mut is_whole = true;
    let mut add = |push: Push<'_>| {
        let body = push.body.to_vec();
        messages.push((
            push.id.cast_unsigned(),
            Written::Huya {
                uri: push.uri,
                body,
            },
        ));
    };
    match asked.kind {
        command::PUSH => add(asked.push()?),
        command::BATCH => asked.batch(&mut |push| match push {
            Ok(push) => add(push),
            Err(_) => is_whole = false,
        }),
        _ => {}
    }
    whole(is_whole)
}

/// What the server says to the client that has just come.
const DOUYU_ANSWERS: [&str; 3] = ["loginres", "mrkl", "keeplive"];

fn douyu(frame: &[u8], messages: &mut Messages) -> Result<(), Unread> {
    let mut is_whole = true;
    for packet in douyu_packets(frame) {
        let packet = match packet {
            Ok(packet) if packet.encryption == 0 => packet,
            Ok(_) | Err(_) => {
                is_whole = false;
                continue;
            }
        };
        let message = String::from_utf8_lossy(packet.body);
        let kind = stt_value(&message, "type").unwrap_or_default();
        if packet.side == DouyuSide::Server && !DOUYU_ANSWERS.contains(&&*kind) {
            let packet = douyu_packet(DouyuSide::Server, &message);
            messages.push((0, Written::Packet(packet)));
        }
    }
    whole(is_whole)
}
