use std::borrow::Cow;
use std::io::Write as _;
use std::sync::OnceLock;

use flate2::Compression;
use flate2::write::GzEncoder;
use pagewire_codec::proto::Writer;

use super::*;
use crate::event::{
    Body, Chat, Control, Id, RoomState, RoomStateChange, SitePart, Time, TimeSource, User,
};
use crate::sites::SiteTable;

mod away;
mod direct;
mod entering;
mod leaving;
mod observed;
mod properties;
mod words;

const START_MS: u64 = 1_700_000_000_000;
static TABLE: OnceLock<SiteTable> = OnceLock::new();
const FIRST: ConnectionId = ConnectionId(1);

/// A connection, its clock, and what it did.
struct Rig {
    connection: RoomConnection,
    now_ms: u64,
}

impl Rig {
    fn new(site: &str, role: Role, options: RoomOptions) -> Self {
        let table = TABLE.get_or_init(SiteTable::shipped);
        let connection = RoomConnection::new(table.get(site).expect(site), role, options, 7);
        Self {
            connection,
            now_ms: START_MS,
        }
    }

    /// A direct connection to Douyin that is told nothing but by the options.
    fn direct() -> Self {
        Self::new("douyin", Role::Direct, direct_options())
    }

    fn observed(site: &str) -> Self {
        Self::new(site, Role::Observed, RoomOptions::default())
    }

    fn tell(&mut self, input: Input<'_>) -> Vec<Action> {
        let mut actions = Vec::new();
        self.connection
            .handle(input, self.now_ms, &mut |action| actions.push(action));
        actions
    }

    /// Goes to when something is due, and gives what is done then.
    fn due(&mut self) -> Vec<Action> {
        self.now_ms = self.connection.next_ms().expect("something is due");
        self.tell(Input::Time)
    }

    /// Goes on for so long, doing what is due on the way.
    fn pass(&mut self, ms: u64) -> Vec<Action> {
        let until_ms = self.now_ms + ms;
        let mut actions = Vec::new();
        while let Some(next_ms) = self
            .connection
            .next_ms()
            .filter(|next_ms| *next_ms <= until_ms)
        {
            self.now_ms = next_ms;
            actions.extend(self.tell(Input::Time));
        }
        self.now_ms = until_ms;
        actions
    }

    fn frame(&mut self, connection: ConnectionId, bytes: &[u8]) -> Vec<Action> {
        self.tell(Input::Frame { connection, bytes })
    }

    fn closed(&mut self, connection: ConnectionId, code: Option<u16>) -> Vec<Action> {
        self.tell(Input::Closed {
            connection,
            code,
            reason: "",
        })
    }

    fn event(&mut self, body: Body<'_>) -> Vec<Action> {
        let event = event(body);
        self.tell(Input::Event(&event))
    }

    fn state(&self) -> (State, &'static str) {
        let status = self.connection.status();
        (status.state, status.reason.name())
    }

    /// Connects, and hears a first frame.
    fn live(mut self) -> Self {
        let actions = self.tell(Input::Start);
        assert!(connects(&actions).is_some(), "{actions:?}");
        self.tell(Input::Opened { connection: FIRST });
        self.frame(FIRST, &frame(1, 1, NeedAck::No));
        assert_eq!(self.state(), (State::Live, "messages"));
        self
    }
}

fn direct_options() -> RoomOptions {
    RoomOptions {
        addresses: vec!["wss://one.example/".into(), "wss://two.example/".into()],
        facts: RoomFacts {
            room_id: "73".into(),
            presenter: "42".into(),
            ..RoomFacts::default()
        },
        ask_first: AskFirst::No,
        ..RoomOptions::default()
    }
}

fn event(body: Body<'_>) -> Event<'_> {
    Event {
        site: Site::Douyin,
        room: Id::default(),
        id: Id::default(),
        time: Time {
            ms: START_MS,
            source: TimeSource::Arrival,
        },
        user: None,
        body,
        method: Cow::Borrowed(""),
        part: SitePart::NONE,
    }
}

fn room_state(state: RoomState) -> Body<'static> {
    Body::RoomState(RoomStateChange {
        state: Some(state),
        ..RoomStateChange::default()
    })
}

fn control(action: &'static str) -> Body<'static> {
    Body::Control(Control {
        action: Cow::Borrowed(action),
        ..Control::default()
    })
}

fn connects(actions: &[Action]) -> Option<(ConnectionId, &str, &Resume)> {
    for action in actions {
        if let Action::Connect {
            connection,
            address,
            resume,
            ..
        } = action
        {
            return Some((*connection, address, resume));
        }
    }
    None
}

fn sends(actions: &[Action]) -> Vec<&[u8]> {
    let mut sends = Vec::new();
    for action in actions {
        if let Action::Send { bytes, .. } = action {
            sends.push(&**bytes);
        }
    }
    sends
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NeedAck {
    Yes,
    No,
}

/// A frame of Douyin, packed, whose headers are newer than its response.
fn frame(sequence: u64, log_id: u64, need_ack: NeedAck) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(&response(sequence, need_ack)).unwrap();
    let mut frame = Writer::default();
    frame.varint(1, sequence).varint(2, log_id);
    let headers = [
        ("compress_type", "gzip".to_owned()),
        ("im-internal_ext", format!("header-ext-{sequence}")),
        ("im-cursor", format!("header-cursor-{sequence}")),
        ("im-now", (START_MS - 150).to_string()),
    ];
    for (name, value) in headers {
        frame.message(5, |header| {
            header.text(1, name).text(2, &value);
        });
    }
    frame.text(7, "msg").bytes(8, &gzip.finish().unwrap());
    frame.into_bytes()
}

fn response(sequence: u64, need_ack: NeedAck) -> Vec<u8> {
    let mut response = Writer::default();
    response.message(1, |message| {
        message.text(1, "WebcastMadeMessage").varint(3, sequence);
    });
    response
        .text(2, &format!("cursor-{sequence}"))
        .varint(3, 800);
    response
        .varint(4, START_MS)
        .text(5, &format!("ext-{sequence}"));
    response.varint(8, 15);
    if need_ack == NeedAck::Yes {
        response.varint(9, 1);
    }
    response.into_bytes()
}

/// A frame of this type with nothing in it.
fn bare(payload_type: &str) -> Vec<u8> {
    let mut frame = Writer::default();
    frame.varint(2, 5).text(7, payload_type);
    frame.into_bytes()
}
