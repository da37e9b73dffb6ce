use super::*;

const SOCKET: ConnectionId = ConnectionId(501);
const LOGIN: &str = "https://www.huya.com/login";

fn sent() -> Input<'static> {
    away(true)
}

fn away(is_log_in: bool) -> Input<'static> {
    Input::TabAt(TabAt::Away {
        address: LOGIN.to_owned(),
        is_log_in,
    })
}

#[test]
fn a_tab_that_is_sent_to_a_log_in_is_waited_for_and_then_loaded_at_once() {
    let mut rig = Rig::observed("huya");
    rig.tell(Input::Start);
    rig.now_ms += 300;
    let actions = rig.tell(sent());
    let reason = Reason::Sent {
        address: LOGIN.to_owned(),
    };
    let waiting = Action::State {
        state: State::Waiting,
        reason,
        again_in_ms: None,
    };
    assert_eq!(actions, [waiting]);
    // However long it takes, the page is left alone.
    assert_eq!(rig.pass(3_600_000), []);
    assert_eq!(rig.tell(sent()), []);
    let actions = rig.tell(Input::TabAt(TabAt::Left));
    assert!(
        matches!(&actions[..], [Action::State { .. }, Action::Ask]),
        "{actions:?}"
    );
    assert_eq!(rig.state(), (State::Connecting, "page_loads"));
    rig.tell(Input::Opened { connection: SOCKET });
    rig.frame(SOCKET, b"");
    assert_eq!(rig.state(), (State::Live, "messages"));
}

#[test]
fn a_tab_that_comes_back_to_its_room_by_itself_is_not_loaded_again() {
    let mut rig = Rig::observed("huya");
    rig.tell(Input::Start);
    rig.tell(sent());
    let actions = rig.tell(Input::TabAt(TabAt::Room));
    assert!(!actions.contains(&Action::Ask), "{actions:?}");
    assert_eq!(rig.state(), (State::Connecting, "page_loads"));
    assert_eq!(rig.tell(Input::TabAt(TabAt::Room)), []);
}

#[test]
fn a_site_that_sends_the_tab_round_and_round_is_asked_less_and_less() {
    let mut rig = Rig::observed("huya");
    rig.tell(Input::Start);
    let (began_ms, mut asked) = (rig.now_ms, 0);
    for _ in 0..50 {
        rig.tell(sent());
        rig.now_ms += 100;
        let actions = rig.tell(Input::TabAt(TabAt::Left));
        asked += usize::from(actions.contains(&Action::Ask));
        if !actions.contains(&Action::Ask) {
            assert!(rig.due().contains(&Action::Ask));
            asked += 1;
        }
    }
    // The first at once, the last of them five minutes apart.
    assert_eq!(asked, 50);
    assert!(
        rig.now_ms - began_ms > 45 * 240_000,
        "{}",
        rig.now_ms - began_ms
    );
}

#[test]
fn what_a_tab_brings_counts_wherever_it_is() {
    let mut rig = Rig::observed("huya");
    rig.tell(Input::Start);
    rig.frame(SOCKET, b"");
    assert_eq!(rig.tell(sent()), []);
    assert_eq!(rig.state(), (State::Live, "messages"));
    // When its socket is closed, where it is says why.
    rig.closed(SOCKET, None);
    assert_eq!(rig.state(), (State::Waiting, "sent"));
    // A tab that is closed is not opened again at once.
    assert_eq!(rig.tell(Input::TabAt(TabAt::Gone)), []);
    assert_eq!(rig.due(), [Action::Ask]);
}

#[test]
fn a_room_that_is_not_live_stays_so_wherever_its_tab_is_but_at_a_log_in() {
    let mut rig = Rig::observed("douyin");
    rig.tell(Input::Start);
    rig.tell(Input::Answered(RoomAnswer::NotLive));
    assert_eq!(rig.tell(away(false)), []);
    assert_eq!(rig.state(), (State::Waiting, "not_live"));
    rig.tell(away(true));
    assert_eq!(rig.state(), (State::Waiting, "sent"));
    assert_eq!(rig.pass(3_600_000), [], "nobody is disturbed there");
    rig.tell(Input::TabAt(TabAt::Room));
    rig.tell(Input::Answered(RoomAnswer::NotLive));
    assert_eq!(rig.state(), (State::Waiting, "not_live"));
}

#[test]
fn a_page_has_its_time_from_when_it_is_there() {
    let mut rig = Rig::observed("huya");
    rig.tell(Input::Start);
    let open_within_ms = rig.connection.next_ms().unwrap() - rig.now_ms;
    rig.pass(open_within_ms - 1);
    // The browser had to be started.
    assert_eq!(rig.tell(Input::TabAt(TabAt::Room)), []);
    assert_eq!(rig.pass(open_within_ms - 1), []);
    // That its address changes gives it no more.
    assert_eq!(rig.tell(Input::TabAt(TabAt::Room)), []);
    rig.pass(1);
    assert_eq!(rig.state(), (State::Waiting, "no_socket"));
}
