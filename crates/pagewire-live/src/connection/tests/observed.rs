use super::*;

const ONE: ConnectionId = ConnectionId(501);
const TWO: ConnectionId = ConnectionId(502);

#[test]
fn a_page_is_followed_from_its_load_to_its_messages() {
    let mut rig = Rig::observed("douyin");
    rig.tell(Input::Start);
    assert_eq!(rig.state(), (State::Connecting, "page_loads"));
    rig.tell(Input::Opened { connection: ONE });
    assert_eq!(rig.state(), (State::Connecting, "entered"));
    assert_eq!(rig.connection.status().since_ms, START_MS);
    rig.now_ms += 5;
    // Nothing is sent, whatever the frame wants.
    let actions = rig.frame(ONE, &frame(1, 1, NeedAck::Yes));
    assert!(
        matches!(
            &actions[..],
            [Action::State {
                state: State::Live,
                ..
            }]
        ),
        "{actions:?}"
    );
    assert_eq!(rig.connection.resume.cursor, "header-cursor-1");
    let status = rig.connection.status();
    assert_eq!(
        (status.delay_ms, status.since_ms),
        (Some(155), START_MS + 5)
    );
}

#[test]
fn sockets_of_a_page_may_be_there_at_once_or_one_after_the_other() {
    let mut rig = Rig::observed("douyin");
    rig.tell(Input::Start);
    // The tap began after the page did.
    rig.frame(ONE, &frame(1, 1, NeedAck::Yes));
    rig.frame(TWO, &frame(900, 1, NeedAck::Yes));
    for number in 2..6 {
        rig.frame(ONE, &frame(number, 1, NeedAck::Yes));
        rig.frame(TWO, &frame(900 + number, 1, NeedAck::Yes));
    }
    assert_eq!(
        rig.connection.status().sequence_gaps,
        0,
        "each counts for itself"
    );
    assert_eq!(rig.closed(ONE, Some(1_006)), [], "the other one is there");
    rig.closed(TWO, None);
    assert_eq!(rig.state(), (State::Connecting, "dropped"));
    rig.tell(Input::Opened {
        connection: ConnectionId(503),
    });
    rig.frame(ConnectionId(503), &frame(1, 1, NeedAck::Yes));
    assert_eq!(rig.state(), (State::Live, "messages"));
    assert_eq!(rig.connection.status().reconnects(), 2);
}

#[test]
fn only_so_many_sockets_of_a_page_are_followed_at_once() {
    let count = |sockets: usize| {
        let mut rig = Rig::observed("douyin");
        rig.tell(Input::Start);
        for number in 0..sockets as u64 {
            rig.now_ms += 1;
            rig.frame(ConnectionId(number), &frame(1, 1, NeedAck::No));
        }
        let before = rig.connection.status().connections;
        rig.frame(ConnectionId(0), &frame(2, 1, NeedAck::No));
        rig.connection.status().connections - before
    };
    assert_eq!(count(OBSERVED_SOCKETS_MAX), 0);
    assert_eq!(
        count(OBSERVED_SOCKETS_MAX + 1),
        1,
        "the one that was silent longest was forgotten"
    );
}

#[test]
fn a_page_that_polls_is_polling_and_one_that_does_both_is_live() {
    let mut rig = Rig::observed("douyin");
    rig.tell(Input::Start);
    // Pages fetch once before they open their socket.
    rig.tell(Input::Polled(&response(1, NeedAck::No)));
    assert_eq!(rig.state(), (State::Connecting, "page_loads"));
    assert_eq!(rig.connection.resume.cursor, "cursor-1");
    rig.tell(Input::Polled(&response(1, NeedAck::No)));
    assert_eq!(rig.state(), (State::Polling, "polling"));
    rig.frame(ONE, &frame(2, 1, NeedAck::No));
    assert_eq!(rig.state(), (State::Live, "messages"));
    assert_eq!(rig.tell(Input::Polled(&response(3, NeedAck::No))), []);
    rig.closed(ONE, None);
    rig.tell(Input::Polled(&response(4, NeedAck::No)));
    assert_eq!(rig.state(), (State::Polling, "polling"));
}

#[test]
fn a_silent_page_is_stalled_and_then_loaded_again() {
    let mut rig = Rig::observed("douyin");
    rig.tell(Input::Start);
    rig.frame(ONE, &frame(1, 1, NeedAck::No));
    rig.pass(44_999);
    assert_eq!(rig.state(), (State::Live, "messages"));
    rig.pass(1);
    assert_eq!(rig.state(), (State::Stalled, "silent"));
    assert_eq!(rig.due(), [Action::Ask]);
    rig.frame(ONE, &frame(2, 1, NeedAck::No));
    assert_eq!(rig.state(), (State::Live, "messages"));
}

#[test]
fn a_page_without_a_socket_is_loaded_again_less_and_less() {
    let mut rig = Rig::observed("huya");
    rig.tell(Input::Start);
    let actions = rig.due();
    assert_eq!(
        (rig.state(), actions.last()),
        ((State::Waiting, "no_socket"), Some(&Action::Ask))
    );
    let hour = rig.pass(3_600_000);
    let asks = hour.iter().filter(|action| **action == Action::Ask).count();
    assert!((10..=20).contains(&asks), "{asks}");
}

#[test]
fn a_room_that_is_not_live_stays_so_until_it_is_said() {
    let mut rig = Rig::observed("bilibili");
    rig.tell(Input::Start);
    rig.tell(Input::Answered(RoomAnswer::NotLive));
    assert_eq!(rig.state(), (State::Waiting, "not_live"));
    // Those who wait chat.
    let chat = crate::made::bilibili::Frames::new(1).next().unwrap();
    assert_eq!(rig.frame(ONE, &chat), []);
    rig.event(room_state(RoomState::Live));
    assert_eq!(rig.state(), (State::Connecting, "page_loads"));
    rig.frame(ONE, &chat);
    assert_eq!(rig.state(), (State::Live, "messages"));
    rig.event(room_state(RoomState::Ended));
    assert_eq!(rig.state(), (State::Ended, "ended"));
    rig.frame(ONE, &chat);
    assert_eq!(rig.state(), (State::Ended, "ended"));
    assert_eq!(rig.due(), [Action::Ask]);
    rig.tell(Input::Answered(RoomAnswer::Live(RoomFacts::default())));
    rig.frame(ONE, &chat);
    assert_eq!(rig.state(), (State::Live, "messages"));
}

#[test]
fn what_a_user_can_still_do_in_the_tab_is_waited_for() {
    let cases = [
        (RoomAnswer::LogIn, State::Waiting, "log_in"),
        (RoomAnswer::Captcha, State::Waiting, "captcha"),
        (RoomAnswer::Missing, State::Refused, "missing"),
        (
            RoomAnswer::Unknown { status: 200 },
            State::Connecting,
            "page_loads",
        ),
    ];
    for (answer, state, reason) in cases {
        let mut rig = Rig::observed("douyin");
        rig.tell(Input::Start);
        rig.tell(Input::Answered(answer));
        assert_eq!(rig.state(), (state, reason));
    }
}

#[test]
fn whoever_is_at_a_log_in_or_a_captcha_is_given_minutes() {
    for answer in [RoomAnswer::LogIn, RoomAnswer::Captcha] {
        let mut rig = Rig::observed("douyin");
        rig.tell(Input::Start);
        rig.tell(Input::Answered(answer));
        assert_eq!(rig.pass(4 * 60_000 - 1), []);
        assert_eq!(rig.due(), [Action::Ask]);
        // A room that is only not live is asked for as often as any.
        rig.tell(Input::Answered(RoomAnswer::NotLive));
        let began_ms = rig.now_ms;
        assert_eq!(rig.due(), [Action::Ask]);
        assert!((24_000..=36_000).contains(&(rig.now_ms - began_ms)));
    }
}

#[test]
fn a_broadcast_that_a_page_finds_over_when_it_is_loaded_again_has_ended() {
    let live = || RoomAnswer::Live(RoomFacts::default());
    for (after_end, asks_again) in [(AfterEnd::Stop, false), (AfterEnd::WaitForNext, true)] {
        let options = RoomOptions {
            after_end,
            ..RoomOptions::default()
        };
        let mut rig = Rig::new("douyin", Role::Observed, options);
        rig.tell(Input::Start);
        rig.tell(Input::Answered(live()));
        rig.frame(ONE, &frame(1, 1, NeedAck::No));
        rig.tell(Input::Answered(RoomAnswer::NotLive));
        assert_eq!(rig.state(), (State::Ended, "ended"));
        assert_eq!(rig.connection.next_ms().is_some(), asks_again);
    }
    // Of a room that was not told to be live, frames are of those who wait.
    let mut rig = Rig::observed("douyin");
    rig.tell(Input::Start);
    rig.frame(ONE, &frame(1, 1, NeedAck::No));
    rig.tell(Input::Answered(RoomAnswer::NotLive));
    assert_eq!(rig.state(), (State::Waiting, "not_live"));
}

#[test]
fn a_page_that_cannot_be_loaded_is_told_and_tried_again() {
    let mut rig = Rig::observed("sim");
    rig.tell(Input::Start);
    rig.tell(Input::TabAt(TabAt::Room));
    rig.tell(Input::TabAt(TabAt::Failed));
    assert_eq!(rig.state(), (State::Waiting, "no_page"));
    assert_eq!(rig.due(), [Action::Ask]);
    assert_eq!(rig.due(), [Action::Ask], "said once");
    rig.tell(Input::TabAt(TabAt::Room));
    assert_eq!(rig.state(), (State::Connecting, "page_loads"));
    rig.frame(ONE, &frame(1, 1, NeedAck::No));
    assert_eq!(rig.state(), (State::Live, "messages"));
    // Of a room that is not live it is known why nothing comes.
    rig.tell(Input::Answered(RoomAnswer::NotLive));
    assert_eq!(rig.tell(Input::TabAt(TabAt::Failed)), []);
    assert_eq!(rig.state(), (State::Waiting, "not_live"));
}

#[test]
fn what_goes_wrong_between_page_and_site_is_told() {
    let mut rig = Rig::observed("douyin");
    rig.tell(Input::Start);
    let headers = [("handshake-msg", "DEVICE_BLOCKED")];
    let actions = rig.tell(Input::Refused {
        connection: ONE,
        status: 200,
        headers: &headers,
    });
    assert!(
        matches!(&actions[..], [Action::Note(Reason::Handshake(_))]),
        "{actions:?}"
    );
    rig.frame(ONE, &frame(1, 1, NeedAck::No));
    assert_eq!(
        rig.frame(ONE, &bare("close")),
        [Action::Note(Reason::SiteCloses)]
    );
    assert_eq!(
        rig.event(control("change_node")),
        [Action::Note(Reason::Moved)]
    );
}
