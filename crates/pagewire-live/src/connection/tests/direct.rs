use super::*;
use crate::douyin::{ack_packet, heartbeat_packet};

fn retry_ms(actions: &[Action]) -> u64 {
    let mut last = None;
    for action in actions {
        if let Action::State { again_in_ms, .. } = action {
            last = *again_in_ms;
        }
    }
    last.expect("something is tried again")
}

#[test]
fn a_frame_that_wants_an_acknowledgement_gets_it_before_anything_else() {
    let mut rig = Rig::direct();
    rig.tell(Input::Start);
    rig.tell(Input::Opened { connection: FIRST });
    let first = rig.frame(FIRST, &frame(1, u64::MAX, NeedAck::Yes));
    assert!(
        matches!(&first[..], [Action::Send { connection: FIRST, bytes }, Action::State { state: State::Live, .. }]
        if *bytes == ack_packet(u64::MAX, "header-ext-1")),
        "{first:?}"
    );
    assert_eq!(rig.frame(FIRST, &frame(2, 9, NeedAck::No)), []);
    // A bare response has no headers, and a frame without them has those of its response.
    let mut headless = Writer::default();
    headless
        .varint(2, 3)
        .text(7, "msg")
        .bytes(8, &response(3, NeedAck::Yes));
    assert_eq!(
        sends(&rig.frame(FIRST, &headless.into_bytes())),
        [&*ack_packet(3, "ext-3")]
    );
    assert_eq!(rig.connection.resume.cursor, "cursor-3");
    for other in [bare("hb"), bare("ack"), b"\xFF\xFF".to_vec(), Vec::new()] {
        assert_eq!(rig.frame(FIRST, &other), [], "{other:?}");
    }
    assert_eq!(
        rig.frame(ConnectionId(2), &frame(4, 4, NeedAck::Yes)),
        [],
        "no such socket"
    );
}

#[test]
fn a_frame_that_cannot_be_unpacked_leaves_the_cursor_where_it_was() {
    let mut rig = Rig::direct().live();
    let mut broken = frame(2, 2, NeedAck::Yes);
    let end = broken.len() - 4;
    broken[end] ^= 0x55;
    assert_eq!(rig.frame(FIRST, &broken), []);
    assert_eq!(rig.connection.resume.cursor, "header-cursor-1");
    assert_eq!(
        (
            rig.connection.status().damaged,
            rig.connection.status().frames
        ),
        (1, 2)
    );
}

#[test]
fn heartbeats_come_as_often_as_the_site_says() {
    let mut rig = Rig::direct().live();
    // The table has 10 s, the first frame says 15 s: from the second heartbeat on.
    let mut times = Vec::new();
    for _ in 0..3 {
        let actions = rig.due();
        assert_eq!(sends(&actions), [heartbeat_packet()]);
        times.push(rig.now_ms - START_MS);
        rig.frame(FIRST, &bare("hb"));
    }
    assert_eq!(times, [10_000, 25_000, 40_000]);
    assert_eq!(rig.connection.status().unanswered_heartbeats, 0);
}

#[test]
fn heartbeats_without_any_traffic_end_a_connection() {
    let mut rig = Rig::direct().live();
    assert_eq!(sends(&rig.due()).len(), 1);
    assert_eq!(sends(&rig.due()).len(), 1);
    assert_eq!(rig.connection.status().unanswered_heartbeats, 2);
    let actions = rig.due();
    assert_eq!(actions.first(), Some(&Action::Close { connection: FIRST }));
    assert_eq!(rig.state(), (State::Stalled, "silent"));
    assert_eq!(rig.now_ms - START_MS, 40_000);
    let actions = rig.due();
    let (connection, _, resume) = connects(&actions).expect("once more");
    assert_eq!(
        (connection, &*resume.cursor, &*resume.internal_ext),
        (ConnectionId(2), "header-cursor-1", "header-ext-1")
    );
    // What the old one still says is not heard.
    assert_eq!(rig.closed(FIRST, Some(1_006)), []);
    assert_eq!(rig.frame(FIRST, &frame(2, 2, NeedAck::Yes)), []);
}

#[test]
fn a_dropped_connection_goes_on_where_it_was_after_a_wait_by_its_code() {
    let cases = [
        (None, 1_500),
        (Some(1_006), 1_500),
        (Some(1_001), 2_000),
        (Some(1_012), 3_000),
        (Some(1_013), 5_000),
    ];
    for (code, least_ms) in cases {
        let mut rig = Rig::direct().live();
        let actions = rig.closed(FIRST, code);
        assert_eq!(rig.state(), (State::Connecting, "dropped"));
        let wait_ms = retry_ms(&actions);
        assert!(
            (least_ms..=least_ms.max(2_250)).contains(&wait_ms),
            "{code:?}: {wait_ms}"
        );
        let actions = rig.due();
        assert_eq!(rig.now_ms, START_MS + wait_ms);
        let (connection, address, resume) = connects(&actions).expect("once more");
        assert_eq!(
            (connection, address),
            (ConnectionId(2), "wss://one.example/")
        );
        assert_eq!(resume.cursor, "header-cursor-1");
        rig.tell(Input::Opened { connection });
        assert_eq!(rig.connection.status().reconnects(), 1);
    }
}

#[test]
fn a_site_that_ends_the_connection_or_moves_it_is_left_and_entered_again() {
    let closes = |rig: &mut Rig| rig.frame(FIRST, &bare("close"));
    let moves = |rig: &mut Rig| rig.event(control("change_node"));
    let times_out = |rig: &mut Rig| rig.event(control("7"));
    type Told = fn(&mut Rig) -> Vec<Action>;
    let cases: [(Told, &str, &str); 3] = [
        (closes, "site_closes", "wss://one.example/"),
        (moves, "moved", "wss://two.example/"),
        (times_out, "moved", "wss://two.example/"),
    ];
    for (told, reason, address) in cases {
        let mut rig = Rig::direct().live();
        let actions = told(&mut rig);
        assert_eq!(actions.first(), Some(&Action::Close { connection: FIRST }));
        assert_eq!(rig.state(), (State::Connecting, reason));
        assert_eq!(connects(&rig.due()).expect(reason).1, address);
    }
}

#[test]
fn waits_grow_to_the_longest_and_begin_anew_after_a_steady_connection() {
    let mut rig = Rig::direct();
    rig.tell(Input::Start);
    let mut waits = Vec::new();
    for number in 1..=12 {
        let failure = Failure {
            kind: FailureKind::NoHost,
            text: "made.example".into(),
        };
        let connection = ConnectionId(number);
        waits.push(retry_ms(&rig.tell(Input::Failed {
            connection,
            failure,
        })));
        assert_eq!(rig.state(), (State::Connecting, "unreachable"));
        assert!(connects(&rig.due()).is_some());
    }
    for (drops, wait) in waits.iter().enumerate() {
        let most = (1_500_u64 << drops).clamp(2_250, 60_000);
        assert!(
            (1_500..=most).contains(wait) && *wait >= most / 3,
            "{waits:?}"
        );
    }
    assert!(waits[11] >= 30_000);
    let connection = ConnectionId(13);
    rig.tell(Input::Opened { connection });
    rig.frame(connection, &frame(1, 1, NeedAck::No));
    rig.now_ms += 9_999;
    rig.frame(connection, &frame(2, 1, NeedAck::No));
    let mut short = Rig {
        connection: rig.connection,
        ..rig
    };
    let before = short.connection.drops;
    assert_eq!(before, 12, "not steady yet");
    short.now_ms += 1;
    short.frame(connection, &frame(3, 1, NeedAck::No));
    assert!(retry_ms(&short.closed(connection, None)) <= 2_250);
}

#[test]
fn refusals_are_tried_with_the_next_address_and_then_given_up() {
    type Told = fn(&mut Rig, ConnectionId) -> Vec<Action>;
    let handshake: Told = |rig, connection| {
        let headers = [
            ("Handshake-Msg", "DEVICE_BLOCKED"),
            ("handshake-status", "415"),
        ];
        rig.tell(Input::Refused {
            connection,
            status: 200,
            headers: &headers,
        })
    };
    let early: Told = |rig, connection| {
        rig.tell(Input::Opened { connection });
        rig.closed(connection, None)
    };
    let policy: Told = |rig, connection| {
        rig.tell(Input::Opened { connection });
        rig.frame(connection, &frame(1, 1, NeedAck::No));
        rig.closed(connection, Some(1_008))
    };
    let at_once: Told = |rig, connection| rig.closed(connection, Some(1_002));
    for (told, reason) in [
        (handshake, "handshake"),
        (early, "closed_early"),
        (policy, "dropped"),
        (at_once, "closed_early"),
    ] {
        let mut rig = Rig::direct();
        let mut actions = rig.tell(Input::Start);
        for number in 1..=5 {
            let (connection, address, _) = connects(&actions).expect(reason);
            assert_eq!(connection, ConnectionId(number));
            assert_eq!(
                address,
                ["wss://two.example/", "wss://one.example/"][usize::from(number % 2 == 1)]
            );
            told(&mut rig, connection);
            assert_eq!(rig.state(), (State::Connecting, reason));
            actions = rig.due();
        }
        told(&mut rig, ConnectionId(6));
        assert_eq!(rig.state(), (State::Refused, "given_up"));
        assert_eq!(rig.connection.next_ms(), None);
        assert_eq!(rig.tell(Input::Time), []);
        // Until somebody wants it again.
        assert!(connects(&rig.tell(Input::Start)).is_some());
    }
}

#[test]
fn a_log_in_that_the_handshake_wants_is_not_tried_again() {
    let mut rig = Rig::direct();
    rig.tell(Input::Start);
    rig.tell(Input::Refused {
        connection: FIRST,
        status: 401,
        headers: &[],
    });
    assert_eq!(rig.state(), (State::Refused, "handshake"));
    assert_eq!(rig.connection.next_ms(), None);
    // Polling may do without, where there is such a thing.
    for (site, state) in [("douyin", State::Connecting), ("huya", State::Refused)] {
        let options = RoomOptions {
            fallback: Fallback::Poll,
            ..direct_options()
        };
        let mut rig = Rig::new(site, Role::Direct, options);
        rig.tell(Input::Start);
        rig.tell(Input::Refused {
            connection: FIRST,
            status: 401,
            headers: &[],
        });
        assert_eq!(rig.state(), (state, "handshake"), "{site}");
    }
}

#[test]
fn a_site_that_has_too_many_is_left_alone_for_as_long_as_it_says() {
    for (said, wait_ms) in [
        ("90", 90_000),
        ("99999999999999999999", 1_500),
        ("999999999", 900_000),
    ] {
        let mut rig = Rig::direct();
        rig.tell(Input::Start);
        let headers = [("Retry-After", said)];
        let actions = rig.tell(Input::Refused {
            connection: FIRST,
            status: 429,
            headers: &headers,
        });
        assert!(
            (wait_ms..=wait_ms.max(2_250)).contains(&retry_ms(&actions)),
            "{said}"
        );
    }
}

#[test]
fn a_socket_that_does_not_open_in_time_is_given_up() {
    let mut rig = Rig::direct();
    rig.tell(Input::Start);
    let actions = rig.due();
    assert_eq!(rig.now_ms - START_MS, 20_000);
    assert_eq!(actions.first(), Some(&Action::Close { connection: FIRST }));
    assert_eq!(rig.state(), (State::Connecting, "unreachable"));
    assert_eq!(
        rig.tell(Input::Opened { connection: FIRST }),
        [],
        "too late"
    );
}

#[test]
fn an_end_stops_or_waits_for_the_next_broadcast() {
    let options = RoomOptions {
        after_end: AfterEnd::Stop,
        ..direct_options()
    };
    let mut rig = Rig::new("douyin", Role::Direct, options).live();
    let actions = rig.event(room_state(RoomState::Ended));
    assert_eq!(actions.first(), Some(&Action::Close { connection: FIRST }));
    assert_eq!(
        (rig.state(), rig.connection.next_ms()),
        ((State::Ended, "ended"), None)
    );
    assert_eq!(rig.event(room_state(RoomState::Ended)), []);
    assert_eq!(
        connects(&rig.tell(Input::Start)).expect("the next one").2,
        &Resume::default()
    );

    let options = RoomOptions {
        ask_first: AskFirst::Yes,
        ..direct_options()
    };
    let mut rig = Rig::new("douyin", Role::Direct, options);
    assert!(rig.tell(Input::Start).contains(&Action::Ask));
    rig.tell(Input::Answered(RoomAnswer::Live(RoomFacts {
        room_id: "74".into(),
        ..RoomFacts::default()
    })));
    rig.tell(Input::Opened { connection: FIRST });
    rig.frame(FIRST, &frame(1, 1, NeedAck::No));
    assert_eq!(rig.connection.facts().room_id, "74");
    let actions = rig.event(room_state(RoomState::Ended));
    assert_eq!(rig.state(), (State::Ended, "ended"));
    assert!((24_000..=36_000).contains(&retry_ms(&actions)));
    assert_eq!(
        rig.connection.resume,
        Resume::default(),
        "of the one that is over"
    );
    assert!(rig.due().contains(&Action::Ask));
    rig.tell(Input::Answered(RoomAnswer::NotLive));
    assert_eq!(rig.state(), (State::Waiting, "not_live"));
    assert_eq!(rig.due(), [Action::Ask], "people were told that it waits");
    let actions = rig.tell(Input::Answered(RoomAnswer::Live(RoomFacts::default())));
    assert_eq!(connects(&actions).expect("the next one").0, ConnectionId(2));
}

#[test]
fn pauses_and_masks_are_told_and_change_no_state() {
    let mut rig = Rig::direct().live();
    assert_eq!(
        rig.event(room_state(RoomState::Paused)),
        [Action::Note(Reason::Paused)]
    );
    assert_eq!(rig.event(room_state(RoomState::Paused)), [], "once");
    assert_eq!(
        rig.event(room_state(RoomState::Live)),
        [Action::Note(Reason::Resumed)]
    );
    assert_eq!(rig.event(room_state(RoomState::Live)), []);
    let mut chat = event(Body::Chat(Chat::default()));
    chat.user = Some(User {
        masked: true,
        ..User::default()
    });
    chat.time = Time {
        ms: START_MS - 40,
        source: TimeSource::Create,
    };
    assert_eq!(
        rig.tell(Input::Event(&chat)),
        [Action::Note(Reason::Masked)]
    );
    assert_eq!(rig.tell(Input::Event(&chat)), [], "once");
    let status = rig.connection.status();
    assert!(status.masked && status.state == State::Live);
    assert_eq!((status.messages, status.message_delay_ms), (6, Some(40)));
    assert_eq!(
        (status.delay_ms, status.last_frame_ms),
        (Some(150), Some(START_MS))
    );
    assert!((rig.connection.messages_per_s(START_MS + 9_000) - 0.6).abs() < 1e-9);
    assert!(rig.connection.messages_per_s(START_MS + 10_000) < 1e-9);
}

#[test]
fn a_counter_that_jumps_is_a_gap_once_it_was_seen_to_count() {
    let gaps = |numbers: &[u64]| {
        let mut rig = Rig::direct().live();
        for number in numbers {
            rig.frame(FIRST, &frame(*number, 1, NeedAck::No));
        }
        rig.connection.status().sequence_gaps
    };
    assert_eq!(gaps(&[10, 20, 30, 40]), 0, "it may count by tens");
    assert_eq!(gaps(&[2, 3, 4, 5, 8, 9]), 2);
    assert_eq!(gaps(&[2, 3, 4, 5, 3, 6, 7]), 0, "an old one is no gap");
}

#[test]
fn where_polling_is_allowed_it_takes_over_and_tries_a_socket_now_and_then() {
    let options = RoomOptions {
        fallback: Fallback::Poll,
        ..direct_options()
    };
    let mut rig = Rig::new("douyin", Role::Direct, options);
    rig.tell(Input::Start);
    let mut actions = Vec::new();
    for number in 1..=6 {
        let connection = ConnectionId(number);
        actions = rig.tell(Input::Refused {
            connection,
            status: 502,
            headers: &[],
        });
        if number < 6 {
            rig.due();
        }
    }
    assert_eq!(
        actions.last(),
        Some(&Action::Poll {
            resume: Resume::default()
        })
    );
    rig.tell(Input::Polled(&response(1, NeedAck::Yes)));
    assert_eq!(rig.state(), (State::Polling, "polling"));
    let began_ms = rig.now_ms;
    let mut polls = 0_u64;
    let retried = loop {
        let actions = rig.due();
        if connects(&actions).is_some() {
            break actions;
        }
        let resume = Resume {
            cursor: "cursor-1".into(),
            internal_ext: "ext-1".into(),
        };
        assert_eq!(actions, [Action::Poll { resume }]);
        polls += 1;
        rig.tell(Input::Polled(&response(1, NeedAck::Yes)));
    };
    // Every 800 ms, as the answers say, for five minutes.
    assert_eq!((polls, rig.now_ms - began_ms), (374, 300_000));
    let connection = connects(&retried).expect("a socket").0;
    let failure = Failure {
        kind: FailureKind::Unreachable,
        text: String::new(),
    };
    let actions = rig.tell(Input::Failed {
        connection,
        failure,
    });
    assert!(
        matches!(actions.last(), Some(Action::Poll { .. })),
        "{actions:?}"
    );
    // Answers that fail are tried again, and given up in the end.
    let mut failures = 0;
    while rig.connection.next_ms().is_some() {
        failures += 1;
        let failure = Failure {
            kind: FailureKind::Other,
            text: String::new(),
        };
        rig.tell(Input::PollFailed(failure));
        if rig.connection.next_ms().is_some() {
            rig.due();
        }
    }
    assert_eq!((failures, rig.state()), (10, (State::Refused, "given_up")));
}

#[test]
fn who_is_not_answered_while_polling_tries_on() {
    let options = RoomOptions {
        fallback: Fallback::Poll,
        ..direct_options()
    };
    for kind in [
        FailureKind::NoHost,
        FailureKind::Unreachable,
        FailureKind::TimedOut,
        FailureKind::Tls,
        FailureKind::Signer,
    ] {
        let failure = || Failure {
            kind,
            text: String::new(),
        };
        let mut rig = Rig::new("douyin", Role::Direct, options.clone());
        let mut actions = rig.tell(Input::Start);
        let (began_ms, mut tries) = (rig.now_ms, 0);
        // Neither the network nor a signer is there for an hour.
        while rig.now_ms - began_ms < 3_600_000 {
            tries += 1;
            actions = match connects(&actions) {
                Some((connection, ..)) => rig.tell(Input::Failed {
                    connection,
                    failure: failure(),
                }),
                None => rig.tell(Input::PollFailed(failure())),
            };
            let polls = matches!(actions.last(), Some(Action::Poll { .. }));
            if !polls {
                actions = rig.due();
            }
        }
        assert_ne!(rig.state().0, State::Refused, "{kind:?}");
        assert!((60..200).contains(&tries), "{kind:?}: {tries} in an hour");
    }
}

#[test]
fn a_cursor_that_is_too_long_is_none() {
    let cursor = |bytes: usize| {
        let mut rig = Rig::direct().live();
        let mut response = Writer::default();
        response
            .text(2, &"c".repeat(bytes))
            .text(5, &"e".repeat(bytes))
            .varint(9, 1);
        let mut frame = Writer::default();
        frame
            .varint(2, 3)
            .text(7, "msg")
            .bytes(8, &response.into_bytes());
        let actions = rig.frame(FIRST, &frame.into_bytes());
        (rig.connection.resume.cursor.len(), sends(&actions)[0].len())
    };
    let ack_bytes = |bytes: usize| ack_packet(3, &"e".repeat(bytes)).len();
    assert_eq!(
        cursor(RESUME_BYTES_MAX),
        (RESUME_BYTES_MAX, ack_bytes(RESUME_BYTES_MAX))
    );
    assert_eq!(
        cursor(RESUME_BYTES_MAX + 1),
        ("header-cursor-1".len(), ack_bytes(0))
    );
}
