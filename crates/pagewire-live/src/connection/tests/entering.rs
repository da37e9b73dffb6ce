use super::*;
use crate::{bilibili, douyu, huya};

fn entered(site: &str) -> (Rig, Vec<Action>) {
    let mut rig = Rig::new(site, Role::Direct, direct_options());
    rig.tell(Input::Start);
    let actions = rig.tell(Input::Opened { connection: FIRST });
    (rig, actions)
}

#[test]
fn each_site_gets_its_first_packets_when_the_socket_is_open() {
    let auth = bilibili::Auth {
        user: 0,
        room: 73,
        token: "",
        buvid: "",
    };
    let cases = [
        ("douyin", vec![]),
        ("sim", vec![]),
        (
            "huya",
            vec![huya::ask_for_prices(1), huya::register_groups(42)],
        ),
        ("bilibili", vec![bilibili::auth_packet(&auth)]),
        (
            "douyu",
            vec![douyu::login_packet("73"), douyu::join_packet("73")],
        ),
    ];
    for (site, packets) in cases {
        let (rig, actions) = entered(site);
        assert_eq!(sends(&actions), packets, "{site}");
        assert_eq!(rig.state(), (State::Connecting, "entered"));
    }
}

#[test]
fn each_site_gets_its_heartbeats() {
    let cases = [
        ("huya", 60_000, huya::heartbeat()),
        ("bilibili", 30_000, bilibili::heartbeat_packet()),
        ("douyu", 45_000, douyu::heartbeat_packet()),
    ];
    for (site, period_ms, packet) in cases {
        let (mut rig, _) = entered(site);
        assert_eq!(sends(&rig.due()), [&*packet], "{site}");
        assert_eq!(rig.now_ms - START_MS, period_ms, "{site}");
    }
}

/// A packet of Bilibili: its operation, and JSON.
fn bilibili_packet(operation: u32, body: &str) -> Vec<u8> {
    let length = u32::try_from(16 + body.len()).unwrap();
    let numbers = [
        length.to_be_bytes(),
        [0, 16, 0, 0],
        operation.to_be_bytes(),
        [0; 4],
    ];
    [numbers.concat(), body.as_bytes().to_vec()].concat()
}

#[test]
fn a_site_that_does_not_let_us_in_says_so() {
    let douyu_error =
        pagewire_codec::douyu_packet(pagewire_codec::DouyuSide::Server, "type@=error/code@=204/");
    let mut groups = pagewire_codec::TarsWriter::default();
    groups.integer(0, 5);
    let mut command = pagewire_codec::TarsWriter::default();
    command.integer(0, 17).bytes(1, &groups.into_bytes());
    let cases = [
        ("huya", command.into_bytes(), "5"),
        ("bilibili", bilibili_packet(8, r#"{"code":-101}"#), "-101"),
        ("douyu", douyu_error, "204"),
    ];
    for (site, frame, code) in cases {
        let (mut rig, _) = entered(site);
        let actions = rig.frame(FIRST, &frame);
        assert_eq!(
            actions.first(),
            Some(&Action::Close { connection: FIRST }),
            "{site}"
        );
        let denied = Reason::Denied {
            code: code.to_owned(),
        };
        assert_eq!(
            (
                rig.connection.status().state,
                &rig.connection.status().reason
            ),
            (State::Connecting, &denied)
        );
    }
}

#[test]
fn a_site_that_lets_us_in_is_live() {
    let cases = [
        ("bilibili", bilibili_packet(8, r#"{"code":0}"#)),
        ("bilibili", bilibili_packet(5, "{}")),
        (
            "douyu",
            pagewire_codec::douyu_packet(pagewire_codec::DouyuSide::Server, "type@=loginres/"),
        ),
        ("huya", crate::made::huya::Frames::new(1).next().unwrap()),
    ];
    for (site, frame) in cases {
        let (mut rig, _) = entered(site);
        rig.frame(FIRST, &frame);
        assert_eq!(rig.state(), (State::Live, "messages"), "{site}");
        assert_eq!(rig.connection.status().damaged, 0);
    }
}

#[test]
fn bytes_that_are_no_frame_are_counted_and_cost_nothing() {
    for site in ["douyin", "huya", "bilibili", "douyu"] {
        let (mut rig, _) = entered(site);
        rig.frame(FIRST, &[0xFF; 7]);
        assert_eq!(rig.connection.status().damaged, 1, "{site}");
        assert_eq!(rig.state(), (State::Live, "messages"), "{site}");
    }
}

#[test]
fn what_has_to_be_known_to_enter_is_said_before_a_socket_is_opened() {
    for (site, what) in [
        ("huya", "presenter"),
        ("bilibili", "room_id"),
        ("douyu", "room_id"),
    ] {
        let options = RoomOptions {
            facts: RoomFacts::default(),
            ..direct_options()
        };
        let mut rig = Rig::new(site, Role::Direct, options);
        let actions = rig.tell(Input::Start);
        assert!(connects(&actions).is_none());
        assert_eq!(rig.connection.status().reason, Reason::NoFact { what });
    }
    let options = RoomOptions {
        addresses: Vec::new(),
        ..direct_options()
    };
    let mut rig = Rig::new("tiktok", Role::Direct, options);
    rig.tell(Input::Start);
    assert_eq!(rig.state(), (State::Refused, "no_address"));
}

#[test]
fn an_end_in_another_room_of_huya_is_not_ours() {
    let (mut rig, _) = entered("huya");
    let mut ended = event(room_state(RoomState::Ended));
    ended.room = Cow::<str>::Borrowed("43").into();
    assert_eq!(rig.tell(Input::Event(&ended)), []);
    ended.room = Cow::<str>::Borrowed("42").into();
    rig.tell(Input::Event(&ended));
    assert_eq!(rig.state(), (State::Ended, "ended"));
    let (mut rig, _) = entered("huya");
    rig.event(control("redirect"));
    assert_eq!(rig.state(), (State::Connecting, "moved"));
}

#[test]
fn what_a_site_says_of_a_room_leads_on() {
    let cases = [
        (RoomAnswer::NotLive, State::Waiting, "not_live"),
        (RoomAnswer::Captcha, State::Waiting, "captcha"),
        (RoomAnswer::TooOften, State::Waiting, "too_often"),
        (
            RoomAnswer::Unknown { status: 200 },
            State::Waiting,
            "unclear",
        ),
        (RoomAnswer::Missing, State::Refused, "missing"),
        (RoomAnswer::LogIn, State::Refused, "log_in"),
        (
            RoomAnswer::Live(RoomFacts::default()),
            State::Connecting,
            "opening",
        ),
    ];
    for (answer, state, reason) in cases {
        let options = RoomOptions {
            ask_first: AskFirst::Yes,
            ..direct_options()
        };
        let mut rig = Rig::new("douyin", Role::Direct, options);
        let actions = rig.tell(Input::Start);
        assert_eq!(
            (rig.state(), actions.last()),
            ((State::Connecting, "asking"), Some(&Action::Ask))
        );
        rig.tell(Input::Answered(answer));
        assert_eq!(rig.state(), (state, reason));
        assert_eq!(rig.connection.next_ms().is_none(), state == State::Refused);
    }
}

#[test]
fn a_site_that_says_nothing_is_asked_less_and_less() {
    let options = RoomOptions {
        ask_first: AskFirst::Yes,
        ..direct_options()
    };
    let mut rig = Rig::new("douyin", Role::Direct, options);
    rig.tell(Input::Start);
    let mut waits = Vec::new();
    for _ in 0..8 {
        // Nobody answers in time.
        rig.due();
        let began_ms = rig.now_ms;
        assert_eq!(rig.state(), (State::Waiting, "no_answer"));
        assert_eq!(rig.due().last(), Some(&Action::Ask));
        waits.push(rig.now_ms - began_ms);
    }
    let fits = waits
        .iter()
        .zip([1, 2, 4, 8, 10, 10, 10, 10])
        .all(|(wait, times)| (24_000 * times..=36_000 * times).contains(wait));
    assert!(fits, "{waits:?}");
}

/// A direct connection that the site has told is live, heard a frame, and asks again after a refusal.
fn asking_again(site: &str, first: &[u8], after_end: AfterEnd) -> Rig {
    let options = RoomOptions {
        ask_first: AskFirst::Yes,
        after_end,
        ..direct_options()
    };
    let mut rig = Rig::new(site, Role::Direct, options);
    rig.tell(Input::Start);
    let facts = RoomFacts {
        room_id: "74".into(),
        ..RoomFacts::default()
    };
    rig.tell(Input::Answered(RoomAnswer::Live(facts)));
    rig.tell(Input::Opened { connection: FIRST });
    rig.frame(FIRST, first);
    rig.closed(FIRST, Some(1_000));
    let asks = rig.due();
    assert_eq!(asks.last(), Some(&Action::Ask));
    rig
}

#[test]
fn a_broadcast_that_ends_while_there_is_no_connection_has_ended() {
    for (after_end, asks_again) in [(AfterEnd::Stop, false), (AfterEnd::WaitForNext, true)] {
        let first = crate::made::huya::Frames::new(1).next().unwrap();
        let mut rig = asking_again("huya", &first, after_end);
        rig.tell(Input::Answered(RoomAnswer::NotLive));
        assert_eq!(rig.state(), (State::Ended, "ended"));
        assert_eq!(rig.connection.next_ms().is_some(), asks_again);
    }
}

#[test]
fn a_broadcast_that_is_over_after_an_answer_that_said_nothing_has_ended_too() {
    let first = crate::made::huya::Frames::new(1).next().unwrap();
    let mut rig = asking_again("huya", &first, AfterEnd::WaitForNext);
    rig.tell(Input::Answered(RoomAnswer::TooOften));
    assert_eq!(rig.state(), (State::Waiting, "too_often"));
    assert_eq!(rig.due(), [Action::Ask]);
    rig.tell(Input::Answered(RoomAnswer::NotLive));
    assert_eq!(rig.state(), (State::Ended, "ended"));
    assert_eq!(
        rig.due().last(),
        Some(&Action::Ask),
        "the next one is waited for"
    );
}

#[test]
fn what_was_missed_of_a_broadcast_that_is_over_is_asked_for_once() {
    let missed = || {
        let mut rig = asking_again("douyin", &frame(1, 1, NeedAck::No), AfterEnd::Stop);
        let actions = rig.tell(Input::Answered(RoomAnswer::NotLive));
        let (connection, _, resume) = connects(&actions).expect("the rest is fetched");
        assert_eq!(resume.cursor, "header-cursor-1");
        rig.tell(Input::Opened { connection });
        rig.frame(connection, &frame(2, 1, NeedAck::No));
        (rig, connection)
    };
    // It says how it ended.
    let (mut rig, _) = missed();
    rig.event(room_state(RoomState::Ended));
    assert_eq!(rig.state(), (State::Ended, "ended"));
    // It does not.
    let (mut rig, connection) = missed();
    rig.closed(connection, Some(1_000));
    assert_eq!(rig.due().last(), Some(&Action::Ask));
    rig.tell(Input::Answered(RoomAnswer::NotLive));
    assert_eq!(rig.state(), (State::Ended, "ended"));
    // It is not to be had.
    let mut rig = asking_again("douyin", &frame(1, 1, NeedAck::No), AfterEnd::Stop);
    let actions = rig.tell(Input::Answered(RoomAnswer::NotLive));
    let (connection, ..) = connects(&actions).expect("the rest is fetched");
    rig.tell(Input::Refused {
        connection,
        status: 404,
        headers: &[],
    });
    assert_eq!(rig.due().last(), Some(&Action::Ask));
    rig.tell(Input::Answered(RoomAnswer::NotLive));
    assert_eq!(rig.state(), (State::Ended, "ended"));
}

#[test]
fn a_site_that_says_nothing_after_a_drop_does_not_keep_us_from_a_room_that_it_told_of() {
    let options = RoomOptions {
        ask_first: AskFirst::Yes,
        ..direct_options()
    };
    let mut rig = Rig::new("douyin", Role::Direct, options);
    rig.tell(Input::Start);
    rig.tell(Input::Answered(RoomAnswer::Live(RoomFacts {
        room_id: "74".into(),
        ..RoomFacts::default()
    })));
    let refused = |rig: &mut Rig, number| {
        let connection = ConnectionId(number);
        rig.tell(Input::Refused {
            connection,
            status: 502,
            headers: &[],
        });
        assert_eq!(rig.due(), [Action::Ask]);
    };
    refused(&mut rig, 1);
    let actions = rig.tell(Input::Answered(RoomAnswer::Captcha));
    assert!(connects(&actions).is_some(), "{actions:?}");
    refused(&mut rig, 2);
    rig.tell(Input::Answered(RoomAnswer::NotLive));
    assert_eq!(rig.state(), (State::Ended, "ended"));
    assert_eq!(rig.due().last(), Some(&Action::Ask));
    rig.tell(Input::Answered(RoomAnswer::Captcha));
    assert_eq!(
        rig.state(),
        (State::Waiting, "captcha"),
        "of the next broadcast nothing is known"
    );
}
