use super::words::every_reason;
use super::*;

const STATES: [State; 7] = [
    State::Waiting,
    State::Connecting,
    State::Live,
    State::Stalled,
    State::Polling,
    State::Ended,
    State::Refused,
];

#[test]
fn a_room_leaves_its_tab_for_what_is_the_tabs_fault_and_for_nothing_else() {
    let table = SiteTable::shipped();
    let huya = table.get("huya").expect("a site");
    let mut leaves = Vec::new();
    for reason in every_reason() {
        for state in STATES {
            if goes_direct(huya, &Credentials::default(), state, &reason) {
                leaves.push(format!("{} {}", state.name(), reason.name()));
            }
        }
    }
    leaves.sort_unstable();
    let expected = ["no_socket", "no_tab"];
    let expected = ["refused", "waiting"]
        .iter()
        .flat_map(|state| expected.map(|reason| format!("{state} {reason}")));
    assert!(leaves.iter().cloned().eq(expected), "{leaves:?}");
}

#[test]
fn a_room_leaves_its_tab_only_where_a_socket_needs_nothing_that_was_not_given() {
    let table = SiteTable::shipped();
    let token = Credentials {
        token: "t".into(),
        ..Credentials::default()
    };
    let none = Credentials::default();
    for (site, given, goes) in [
        ("huya", &none, true),
        ("douyu", &none, true),
        ("bilibili", &none, false),
        ("bilibili", &token, true),
        // Their addresses are signed.
        ("douyin", &token, false),
        ("sim", &token, false),
        // Nobody knows where its sockets are.
        ("tiktok", &token, false),
    ] {
        let entry = table.get(site).expect(site);
        let leaves = goes_direct(entry, given, State::Waiting, &Reason::NoSocket);
        assert_eq!(leaves, goes, "{site}");
    }
}

#[test]
fn a_page_whose_browser_is_gone_for_good_is_over_and_says_why() {
    let mut rig = Rig::observed("douyin");
    rig.tell(Input::Start);
    let why = "x".repeat(REASON_TEXT_BYTES_MAX + 1);
    rig.tell(Input::TabLost(&why));
    assert_eq!(rig.state(), (State::Refused, "no_tab"));
    assert_eq!(rig.connection.next_ms(), None);
    let text = why[1..].to_owned();
    assert_eq!(rig.connection.status().reason, Reason::NoTab { text });
    // A socket of one's own has no browser to lose.
    let mut rig = Rig::direct().live();
    assert_eq!(rig.tell(Input::TabLost("gone")), []);
}
