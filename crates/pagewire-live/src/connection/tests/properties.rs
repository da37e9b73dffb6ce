//! Whatever happens in whatever order.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::douyin::PushFrame;

/// Something that happens. Sockets are named from the last one backwards.
#[derive(Debug, Clone)]
enum Happens {
    Start,
    Answered(u8),
    AskFailed,
    Opened(u64),
    Refused(u64, u16),
    Failed(u64),
    Frame(u64, u8),
    Closed(u64, Option<u16>),
    Polled(u8),
    PollFailed,
    Tab(u8),
    TabLost,
    Event(u8),
    /// When something is due.
    Due,
    /// After so many milliseconds, due or not.
    Later(u64),
}

fn happens() -> impl Strategy<Value = Happens> {
    let back = prop_oneof![8 => Just(0_u64), 1 => 1..3_u64];
    let code = prop_oneof![
        Just(None),
        Just(Some(1_000)),
        Just(Some(1_008)),
        Just(Some(1_013)),
        Just(Some(4_000))
    ];
    let status = prop_oneof![Just(200_u16), Just(403), Just(429), Just(502)];
    prop_oneof![
        2 => Just(Happens::Start),
        4 => any::<u8>().prop_map(Happens::Answered),
        1 => Just(Happens::AskFailed),
        6 => back.clone().prop_map(Happens::Opened),
        2 => (back.clone(), status).prop_map(|(back, status)| Happens::Refused(back, status)),
        2 => back.clone().prop_map(Happens::Failed),
        8 => (back.clone(), any::<u8>()).prop_map(|(back, kind)| Happens::Frame(back, kind)),
        3 => (back, code).prop_map(|(back, code)| Happens::Closed(back, code)),
        2 => any::<u8>().prop_map(Happens::Polled),
        1 => Just(Happens::PollFailed),
        3 => any::<u8>().prop_map(Happens::Event),
        2 => any::<u8>().prop_map(Happens::Tab),
        1 => Just(Happens::TabLost),
        10 => Just(Happens::Due),
        2 => (0..70_000_u64).prop_map(Happens::Later),
    ]
}

fn polled(kind: u8) -> Vec<u8> {
    if kind.is_multiple_of(4) {
        vec![0xFF]
    } else {
        response(1, NeedAck::Yes)
    }
}

fn tab_at(kind: u8) -> TabAt {
    match kind % 6 {
        0 => TabAt::Room,
        1 => TabAt::Left,
        2 => TabAt::Gone,
        3 => TabAt::Failed,
        _ => TabAt::Away {
            address: format!("https://login.test/{kind}"),
            is_log_in: kind.is_multiple_of(2),
        },
    }
}

/// What has to be true of what a connection does.
struct Witness {
    rig: Rig,
    role: Role,
    opening: Option<ConnectionId>,
    open: Option<ConnectionId>,
    last: u64,
    connected_ms: Option<u64>,
    log_id: u64,
    all: Vec<Action>,
}

impl Witness {
    fn new(role: Role, options: RoomOptions) -> Self {
        Self {
            rig: Rig::new("douyin", role, options),
            role,
            opening: None,
            open: None,
            last: 0,
            connected_ms: None,
            log_id: 0,
            all: Vec::new(),
        }
    }

    fn id(&self, back: u64) -> ConnectionId {
        ConnectionId(self.last.saturating_sub(back))
    }

    fn see(&mut self, happens: &Happens) {
        let was_over = self.rig.connection.next_ms().is_none();
        let failure = || Failure {
            kind: FailureKind::Other,
            text: String::new(),
        };
        let actions = match happens {
            Happens::Start => {
                if was_over {
                    self.connected_ms = None;
                }
                self.rig.tell(Input::Start)
            }
            Happens::Answered(kind) => self.rig.tell(Input::Answered(answer(*kind))),
            Happens::AskFailed => self.rig.tell(Input::AskFailed(failure())),
            Happens::Opened(back) => {
                let connection = self.id(*back);
                if self.opening == Some(connection) {
                    self.open = self.opening.take();
                }
                self.rig.tell(Input::Opened { connection })
            }
            Happens::Refused(back, status) => {
                let connection = self.id(*back);
                self.opening = self.opening.filter(|id| *id != connection);
                self.rig.tell(Input::Refused {
                    connection,
                    status: *status,
                    headers: &[],
                })
            }
            Happens::Failed(back) => {
                let connection = self.id(*back);
                self.opening = self.opening.filter(|id| *id != connection);
                self.rig.tell(Input::Failed {
                    connection,
                    failure: failure(),
                })
            }
            Happens::Closed(back, code) => {
                let connection = self.id(*back);
                self.opening = self.opening.filter(|id| *id != connection);
                self.open = self.open.filter(|id| *id != connection);
                self.rig.closed(connection, *code)
            }
            Happens::Frame(back, kind) => return self.see_frame(self.id(*back), *kind),
            Happens::Polled(kind) => self.rig.tell(Input::Polled(&polled(*kind))),
            Happens::PollFailed => self.rig.tell(Input::PollFailed(failure())),
            Happens::Tab(kind) => self.rig.tell(Input::TabAt(tab_at(*kind))),
            Happens::TabLost => self.rig.tell(Input::TabLost("gone")),
            Happens::Event(kind) => self.rig.event(body(*kind)),
            Happens::Due => {
                self.rig.now_ms = self.rig.connection.next_ms().unwrap_or(self.rig.now_ms);
                self.see_time()
            }
            Happens::Later(ms) => {
                self.rig.now_ms += ms;
                self.see_time()
            }
        };
        let is_start = matches!(happens, Happens::Start);
        assert!(
            !was_over || is_start || actions.is_empty(),
            "after the end: {actions:?}"
        );
        self.check(actions);
    }

    fn see_time(&mut self) -> Vec<Action> {
        let actions = self.rig.tell(Input::Time);
        let next_ms = self.rig.connection.next_ms();
        assert!(
            next_ms.is_none_or(|next_ms| next_ms > self.rig.now_ms),
            "{next_ms:?} is not in the future"
        );
        actions
    }

    /// What wants an acknowledgement gets it, once and first, over the socket that it came from.
    fn see_frame(&mut self, connection: ConnectionId, kind: u8) {
        self.log_id += 1;
        let (bytes, wants_ack) = match kind % 8 {
            0 => (bare("close"), false),
            1 => (bare("hb"), false),
            2 => (vec![0xFF, kind], false),
            3 => (frame(self.log_id, self.log_id, NeedAck::No), false),
            _ => (frame(self.log_id, self.log_id, NeedAck::Yes), true),
        };
        let is_heard = self.role == Role::Direct && self.open == Some(connection);
        let actions = self.rig.frame(connection, &bytes);
        let acks: Vec<_> = sends(&actions)
            .into_iter()
            .map(|bytes| PushFrame::read(bytes).unwrap().log_id)
            .collect();
        if is_heard && wants_ack {
            assert_eq!(acks, [self.log_id]);
            assert!(matches!(actions[0], Action::Send { .. }), "{actions:?}");
        } else {
            assert!(acks.is_empty(), "{actions:?}");
        }
        self.check(actions);
    }

    fn check(&mut self, actions: Vec<Action>) {
        for action in &actions {
            let is_direct = self.role == Role::Direct;
            match action {
                Action::Connect { connection, .. } => {
                    assert!(
                        is_direct && self.opening.is_none() && self.open.is_none(),
                        "{actions:?}"
                    );
                    assert!(connection.0 > self.last, "none is named twice");
                    let gap = self.connected_ms.map(|before| self.rig.now_ms - before);
                    assert!(gap.is_none_or(|gap| gap >= 1_500), "after {gap:?} ms");
                    (self.opening, self.last) = (Some(*connection), connection.0);
                    self.connected_ms = Some(self.rig.now_ms);
                }
                Action::Send { connection, .. } => {
                    assert!(is_direct && self.open == Some(*connection), "{actions:?}");
                }
                Action::Close { connection } => {
                    let known = self.open.take().or_else(|| self.opening.take());
                    assert!(is_direct && known == Some(*connection), "{actions:?}");
                }
                Action::Poll { .. } => {
                    assert!(is_direct && self.opening.is_none() && self.open.is_none())
                }
                Action::Ask => assert!(self.opening.is_none() && self.open.is_none()),
                Action::State {
                    state, again_in_ms, ..
                } => {
                    let is_over = matches!(state, State::Refused);
                    assert!(
                        !is_over
                            || (again_in_ms.is_none() && self.rig.connection.next_ms().is_none())
                    );
                }
                Action::Note(_) => {}
            }
        }
        self.all.extend(actions);
    }
}

fn answer(kind: u8) -> RoomAnswer {
    match kind % 12 {
        0 => RoomAnswer::NotLive,
        1 => RoomAnswer::Captcha,
        2 => RoomAnswer::Unknown { status: 503 },
        3 => RoomAnswer::TooOften,
        4 if kind > 128 => RoomAnswer::Missing,
        5 if kind > 128 => RoomAnswer::LogIn,
        _ => RoomAnswer::Live(RoomFacts::default()),
    }
}

fn body(kind: u8) -> Body<'static> {
    match kind % 8 {
        0 => room_state(RoomState::Ended),
        1 => room_state(RoomState::Live),
        2 => room_state(RoomState::Paused),
        3 => control("change_node"),
        _ => Body::Chat(Chat::default()),
    }
}

fn options() -> impl Strategy<Value = RoomOptions> {
    let ask = prop_oneof![Just(AskFirst::Yes), Just(AskFirst::No)];
    let end = prop_oneof![Just(AfterEnd::Stop), Just(AfterEnd::WaitForNext)];
    let fallback = prop_oneof![Just(Fallback::None), Just(Fallback::Poll)];
    (ask, end, fallback).prop_map(|(ask_first, after_end, fallback)| RoomOptions {
        ask_first,
        after_end,
        fallback,
        ..direct_options()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_connection_keeps_its_rules_whatever_happens(
        role in prop_oneof![3 => Just(Role::Direct), 1 => Just(Role::Observed)],
        options in options(),
        all in vec(happens(), 1..120),
    ) {
        let run = || {
            let mut witness = Witness::new(role, options.clone());
            witness.see(&Happens::Start);
            for happens in &all {
                witness.see(happens);
            }
            witness.all
        };
        // A seed decides: the same happens, the same is done.
        prop_assert_eq!(run(), run());
    }

    #[test]
    fn a_site_that_is_never_there_is_asked_a_bounded_number_of_times(seed in any::<u64>(), refused in any::<bool>()) {
        let entry = TABLE.get_or_init(SiteTable::shipped).get("douyin").unwrap();
        let mut connection = RoomConnection::new(entry, Role::Direct, direct_options(), seed);
        let (mut now_ms, mut connects) = (START_MS, 0_u32);
        let mut input = Some(Input::Start);
        while now_ms < START_MS + 3_600_000 {
            let mut opening = None;
            let given = input.take().unwrap_or(Input::Time);
            connection.handle(given, now_ms, &mut |action| {
                if let Action::Connect { connection, .. } = action {
                    opening = Some(connection);
                }
            });
            if let Some(connection) = opening {
                connects += 1;
                let failure = Failure { kind: FailureKind::Unreachable, text: String::new() };
                input = Some(if refused {
                    Input::Refused { connection, status: 403, headers: &[] }
                } else {
                    Input::Failed { connection, failure }
                });
                continue;
            }
            let Some(next_ms) = connection.next_ms() else {
                break;
            };
            now_ms = next_ms;
        }
        // Six by the refusals; else about one a minute, when they are as far apart as they get.
        if refused { prop_assert_eq!(connects, 6) } else { prop_assert!((60..=126).contains(&connects), "{}", connects) }
    }
}
