//! A connection to a room, whatever happens in whatever order. Each input is a list of happenings: a byte for what, one for how much, and for frames so many
//! bytes that the site sends.
#![no_main]

use std::sync::OnceLock;

use pagewire_live::made::frames;
use pagewire_live::{
    Action, AfterEnd, AskFirst, ConnectionId, Failure, FailureKind, Fallback, FrameReader, Input,
    Role, RoomAnswer, RoomConnection, RoomFacts, RoomOptions, Site, SiteTable, TabAt,
};

pagewire_fuzz::target!(check, seeds: seeds());

const SITES: [&str; 4] = ["douyin", "huya", "bilibili", "douyu"];

/// The one socket that there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Socket {
    None,
    Opening(ConnectionId),
    Open(ConnectionId),
}

fn check(bytes: &[u8]) {
    let [how, seed, happenings @ ..] = bytes else {
        return;
    };
    let (mut connection, format) = connection(*how, *seed);
    let mut reader = FrameReader::new(format);
    let (mut now_ms, mut socket, mut last) = (1_u64, Socket::None, 0);
    let mut rest = happenings;
    tell(
        &mut connection,
        Input::Start,
        now_ms,
        &mut socket,
        &mut last,
    );
    while let [what, much, behind @ ..] = rest {
        let (payload, behind) = behind.split_at(usize::from(*much).min(behind.len()));
        let named = match socket {
            Socket::Opening(id) | Socket::Open(id) => id,
            Socket::None => ConnectionId(u64::from(*much)),
        };
        let is_frame = (9..12).contains(&(what % 14));
        rest = if is_frame {
            behind
        } else {
            rest.get(2..).unwrap_or_default()
        };
        let failure = || Failure {
            kind: FailureKind::Other,
            text: String::new(),
        };
        let input = match what % 14 {
            0 => Input::Answered(answer(*much)),
            1 => Input::Opened { connection: named },
            2 => Input::Refused {
                connection: named,
                status: u16::from(*much) * 3,
                headers: &[],
            },
            3 => Input::Failed {
                connection: named,
                failure: failure(),
            },
            4 => Input::Closed {
                connection: named,
                code: Some(1_000 + u16::from(*much % 16)),
                reason: "",
            },
            5 => Input::PollFailed(failure()),
            6 => Input::Start,
            7 | 8 => {
                now_ms = connection.next_ms().unwrap_or(now_ms).max(now_ms);
                Input::Time
            }
            9 => Input::Polled(payload),
            12 => Input::TabAt(tab_at(*much)),
            13 => Input::TabLost("gone"),
            _ => Input::Frame {
                connection: named,
                bytes: payload,
            },
        };
        match (&input, socket) {
            (Input::Opened { .. }, Socket::Opening(id)) => socket = Socket::Open(id),
            (Input::Refused { .. } | Input::Failed { .. }, Socket::Opening(_))
            | (Input::Closed { .. }, _) => {
                socket = Socket::None;
            }
            _ => {}
        }
        let is_time = matches!(input, Input::Time);
        tell(&mut connection, input, now_ms, &mut socket, &mut last);
        assert!(!is_time || connection.next_ms().is_none_or(|next_ms| next_ms > now_ms));
        if is_frame {
            reader.read(payload, now_ms, |event| {
                if let Ok(event) = event {
                    tell(
                        &mut connection,
                        Input::Event(&event),
                        now_ms,
                        &mut socket,
                        &mut last,
                    );
                }
            });
        }
    }
}

/// What is done fits the one socket that there may be.
fn tell(
    connection: &mut RoomConnection,
    input: Input<'_>,
    now_ms: u64,
    socket: &mut Socket,
    last: &mut u64,
) {
    let mut act = |action| match action {
        Action::Connect { connection, .. } => {
            assert!(*socket == Socket::None && connection.0 > *last);
            (*socket, *last) = (Socket::Opening(connection), connection.0);
        }
        Action::Send { connection, .. } => assert_eq!(*socket, Socket::Open(connection)),
        Action::Close { connection } => {
            assert!([Socket::Open(connection), Socket::Opening(connection)].contains(socket));
            *socket = Socket::None;
        }
        Action::State { reason, .. } | Action::Note(reason) => {
            assert!(!reason.to_string().is_empty() && !reason.zh().is_empty());
        }
        Action::Ask | Action::Poll { .. } => assert_eq!(*socket, Socket::None),
    };
    connection.handle(input, now_ms, &mut act);
}

fn connection(how: u8, seed: u8) -> (RoomConnection, Site) {
    static TABLE: OnceLock<SiteTable> = OnceLock::new();
    let table = TABLE.get_or_init(SiteTable::shipped);
    let entry = table
        .get(SITES[usize::from(how) % SITES.len()])
        .expect("it is of the table");
    let is = |bit: u8| how & (1 << bit) != 0;
    let options = RoomOptions {
        addresses: vec!["wss://one.example/".into()],
        facts: RoomFacts {
            room_id: "1".into(),
            presenter: "1".into(),
            ..RoomFacts::default()
        },
        ask_first: if is(2) { AskFirst::Yes } else { AskFirst::No },
        after_end: if is(3) {
            AfterEnd::Stop
        } else {
            AfterEnd::WaitForNext
        },
        fallback: if is(4) {
            Fallback::Poll
        } else {
            Fallback::None
        },
        ..RoomOptions::default()
    };
    let role = if is(5) { Role::Observed } else { Role::Direct };
    (
        RoomConnection::new(entry, role, options, u64::from(seed)),
        entry.format,
    )
}

fn tab_at(kind: u8) -> TabAt {
    match kind {
        0 => TabAt::Room,
        1 => TabAt::Left,
        2 => TabAt::Gone,
        3 => TabAt::Failed,
        _ => TabAt::Away {
            address: format!("https://login.example/{kind}"),
            is_log_in: kind.is_multiple_of(2),
        },
    }
}

fn answer(kind: u8) -> RoomAnswer {
    match kind {
        0 => RoomAnswer::Missing,
        1 => RoomAnswer::LogIn,
        2 => RoomAnswer::Captcha,
        3 => RoomAnswer::Unknown { status: 200 },
        4..32 => RoomAnswer::NotLive,
        _ => RoomAnswer::Live(RoomFacts::default()),
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let sites = [Site::Douyin, Site::Huya, Site::Bilibili, Site::Douyu];
    let of_site = |(how, site): (u8, &Site)| {
        let mut seed = vec![how, 1, 1, 0];
        for frame in frames(*site, 1, Some(1)).into_iter().flatten().take(3) {
            // As much of a frame as a byte can count.
            let much = u8::try_from(frame.len()).unwrap_or(u8::MAX);
            seed.extend([10, much]);
            seed.extend(&frame[..usize::from(much)]);
            seed.extend([7, 0]);
        }
        seed.extend([4, 6, 7, 0, 1, 0]);
        seed
    };
    (0..).zip(&sites).map(of_site).collect()
}
