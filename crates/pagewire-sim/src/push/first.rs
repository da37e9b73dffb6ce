//! The first messages of clients that say only then which room they want.

use std::sync::Arc;

use axum::extract::ws::{Message, WebSocket};
use bytes::Bytes;
use pagewire_codec::{
    BilibiliOperation, DouyuSide, Inflater, SttWriter, TarsReader, TarsWriter, bilibili_packets,
    douyu_packet, douyu_packets, stt_value,
};
use pagewire_live::Site;
use pagewire_live::huya::Command;
use serde::Deserialize;
use tokio::time::timeout;

use super::slow;
use crate::fault::Fault;
use crate::feed::INCOMING_BYTES_MAX;
use crate::options::Status;
use crate::room::{Opening, Room, wall_ms};
use crate::site::Shared;
use crate::wire::{Said, Wire, bilibili_packet, command, huya_command};

/// The room that the client asked for and was granted, or none: then it was told so, or took too long.
pub(super) async fn room(
    socket: &mut WebSocket,
    shared: &Shared,
    site: Site,
    faults: &[Fault],
) -> Option<(Arc<Room>, Wire)> {
    let wire = match site {
        Site::Huya => Wire::Huya { presenter: 0 },
        Site::Bilibili => Wire::Bilibili,
        Site::Douyu => Wire::Douyu,
        Site::Douyin | Site::Tiktok => return None,
    };
    let asked = asked(socket, shared, site, &wire);
    let (asked, answers) = timeout(shared.options.auth_timeout, asked).await.ok()??;
    let room = shared.asked_for(site, &asked).cloned();
    let room = room.filter(|room| matches!(room.status(), Status::Live | Status::Ended));
    if let Some(room) = &room {
        slow(room, faults).await;
    }
    let is_open = |room: &Arc<Room>| matches!(room.open(faults), Opening::Granted);
    let Some(room) = room.filter(|_| answers.may).filter(is_open) else {
        say(socket, answers.refused).await?;
        return None;
    };
    say(socket, answers.granted.unwrap_or_default()).await?;
    let wire = match wire {
        Wire::Huya { .. } => Wire::Huya {
            presenter: room.asked_for(),
        },
        other @ (Wire::Bilibili | Wire::Douyu | Wire::Douyin(_)) => other,
    };
    Some((room, wire))
}

/// Which room the client wants, and what it is to be told.
async fn asked(
    socket: &mut WebSocket,
    shared: &Shared,
    site: Site,
    wire: &Wire,
) -> Option<(String, Answers)> {
    loop {
        let bytes = heard(socket).await?;
        let (asked, answers) = match site {
            Site::Huya => registered(&bytes),
            Site::Bilibili => authorised(&bytes, shared),
            Site::Douyu | Site::Douyin | Site::Tiktok => joined(&bytes),
        };
        if let Some(asked) = asked {
            return Some((asked, answers));
        }
        // Not yet, or a heartbeat, or a question that needs no room.
        let answers = [answers.granted, other(wire, &bytes)];
        for answer in answers.into_iter().flatten() {
            say(socket, answer).await?;
        }
    }
}

/// What a client is told.
#[derive(Default)]
struct Answers {
    /// It proved that it may have the room.
    may: bool,
    granted: Option<Vec<u8>>,
    refused: Vec<u8>,
}

async fn heard(socket: &mut WebSocket) -> Option<Bytes> {
    loop {
        match socket.recv().await?.ok()? {
            Message::Binary(bytes) => return Some(bytes),
            Message::Text(text) => return Some(Bytes::from(text)),
            Message::Ping(_) | Message::Pong(_) => {}
            Message::Close(_) => return None,
        }
    }
}

async fn say(socket: &mut WebSocket, bytes: Vec<u8>) -> Option<()> {
    if bytes.is_empty() {
        return Some(());
    }
    socket.send(Message::Binary(bytes.into())).await.ok()
}

fn other(wire: &Wire, bytes: &[u8]) -> Option<Vec<u8>> {
    match wire.said(bytes, wall_ms()) {
        Said::Heartbeat(answer) | Said::Other(answer) => answer,
        Said::Ack { .. } => None,
    }
}

/// Huya: the presenter, by either way to register.
fn registered(bytes: &[u8]) -> (Option<String>, Answers) {
    let Ok(asked) = Command::read(bytes) else {
        return Default::default();
    };
    let mut fields = TarsReader::new(asked.data);
    let (presenter, answered) = match asked.kind {
        command::REGISTER_USER => {
            let presenter = fields.integer(6).ok().flatten();
            (
                presenter.map(|uid| uid.to_string()),
                command::USER_REGISTERED,
            )
        }
        command::REGISTER_GROUPS => (group(&mut fields), command::GROUPS_REGISTERED),
        _ => return Default::default(),
    };
    let answer = |code: i64| {
        let mut to = TarsWriter::default();
        to.integer(0, code);
        if answered == command::USER_REGISTERED {
            to.integer(1, 0)
                .text(2, if code == 0 { "" } else { "no such room" });
        }
        huya_command(answered, &to.into_bytes(), wall_ms())
    };
    let answers = Answers {
        may: true,
        granted: Some(answer(0)),
        refused: answer(1),
    };
    (presenter, answers)
}

/// The presenter of the first group: `live:UID`.
fn group(fields: &mut TarsReader<'_>) -> Option<String> {
    let mut groups = fields.list(0).ok()??;
    let mut first = groups.next()?.ok()?;
    let text = first.text(0).ok()??;
    Some(text.split_once(':')?.1.to_owned())
}

#[derive(Deserialize)]
struct Auth {
    roomid: u64,
    #[serde(default)]
    key: String,
}

/// Bilibili: the room, where the token is the one that its address gives.
fn authorised(bytes: &[u8], shared: &Shared) -> (Option<String>, Answers) {
    let packets = bilibili_packets(bytes, &mut Inflater::default(), INCOMING_BYTES_MAX);
    let mut auths = packets
        .packets
        .iter()
        .filter(|packet| packet.operation == BilibiliOperation::Auth);
    let auth = auths
        .next()
        .and_then(|packet| serde_json::from_slice::<Auth>(&packet.body).ok());
    let Some(auth) = auth else {
        return Default::default();
    };
    let asked = auth.roomid.to_string();
    let room = shared.asked_for(Site::Bilibili, &asked);
    let may = room.is_some_and(|room| shared.token(room) == auth.key);
    let answer = |body: &[u8]| bilibili_packet(BilibiliOperation::AuthReply, 1, body);
    let answers = Answers {
        may,
        granted: Some(answer(br#"{"code":0}"#)),
        refused: answer(br#"{"code":-101}"#),
    };
    (Some(asked), answers)
}

/// Douyu: `loginreq` is answered, `joingroup` names the room.
fn joined(bytes: &[u8]) -> (Option<String>, Answers) {
    let (mut asked, mut answers) = (
        None,
        Answers {
            may: true,
            ..Answers::default()
        },
    );
    for packet in douyu_packets(bytes).flatten() {
        let message = str::from_utf8(packet.body).unwrap_or_default();
        let value = |key| stt_value(message, key).unwrap_or_default();
        match &*value("type") {
            "loginreq" => answers.granted = Some(server("loginres", &[("userid", "0")])),
            "joingroup" => {
                asked = Some(value("rid").into_owned());
                answers.refused = server("error", &[("code", "51")]);
            }
            _ => {}
        }
    }
    (asked, answers)
}

fn server(kind: &str, fields: &[(&str, &str)]) -> Vec<u8> {
    let mut message = SttWriter::default();
    message.field("type", kind);
    for (name, value) in fields {
        message.field(name, value);
    }
    douyu_packet(DouyuSide::Server, &message.into_message())
}
