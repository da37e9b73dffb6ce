//! How far a site that says how often it wants to hear of us is believed.
#![allow(
    clippy::unwrap_used,
    reason = "a test helper fails the test by panicking"
)]

use pagewire_codec::proto::Writer;
use pagewire_live::{
    Action, AskFirst, ConnectionId, Fallback, Input, Role, RoomAnswer, RoomConnection, RoomOptions,
    SiteTable,
};

const FIRST: ConnectionId = ConnectionId(1);

/// A connection of our own to a room of Douyin, and its clock.
struct Rig {
    connection: RoomConnection,
    now_ms: u64,
}

impl Rig {
    fn start(ask_first: AskFirst) -> Self {
        let table = SiteTable::shipped();
        let options = RoomOptions {
            addresses: vec!["wss://push.test/".to_owned()],
            fallback: Fallback::Poll,
            ask_first,
            ..RoomOptions::default()
        };
        let entry = table.get("douyin").unwrap();
        let mut rig = Self {
            connection: RoomConnection::new(entry, Role::Direct, options, 7),
            now_ms: 1_700_000_000_000,
        };
        rig.tell(Input::Start);
        rig
    }

    fn tell(&mut self, input: Input<'_>) -> Vec<Action> {
        let mut actions = Vec::new();
        self.connection
            .handle(input, self.now_ms, &mut |action| actions.push(action));
        actions
    }

    /// How long until something is due.
    fn wait_ms(&self) -> u64 {
        self.connection.next_ms().unwrap() - self.now_ms
    }

    fn due(&mut self) -> Vec<Action> {
        self.now_ms += self.wait_ms();
        self.tell(Input::Time)
    }
}

/// Of Douyin: what comes from polling, and in frames.
fn response(fetch_interval_ms: u64, heartbeat_s: u64) -> Vec<u8> {
    let mut response = Writer::default();
    response.message(1, |message| {
        message.text(1, "WebcastMadeMessage").varint(3, 1);
    });
    response.text(2, "cursor").varint(3, fetch_interval_ms);
    response.varint(8, heartbeat_s);
    response.into_bytes()
}

#[test]
fn a_site_that_says_nothing_is_asked_after_ten_periods_at_the_longest() {
    let period_ms = SiteTable::shipped()
        .get("douyin")
        .unwrap()
        .timing
        .ask_every_ms;
    let mut rig = Rig::start(AskFirst::Yes);
    for times in [1, 2, 4, 8, 10, 10, 10, 10] {
        rig.tell(Input::Answered(RoomAnswer::Unknown { status: 500 }));
        let fifth_ms = times * period_ms / 5;
        let bounds = times * period_ms - fifth_ms..=times * period_ms + fifth_ms;
        assert!(
            bounds.contains(&rig.wait_ms()),
            "{times}: {}",
            rig.wait_ms()
        );
        assert_eq!(rig.due(), [Action::Ask]);
    }
}

#[test]
fn heartbeats_are_two_minutes_apart_at_the_most() {
    for (said_s, seconds) in [(119, 119), (120, 120), (121, 120), (u64::MAX, 120)] {
        let mut rig = Rig::start(AskFirst::No);
        rig.tell(Input::Opened { connection: FIRST });
        let mut frame = Writer::default();
        frame.text(7, "msg").bytes(8, &response(0, said_s));
        let bytes = &frame.into_bytes();
        let mut beats_s = Vec::new();
        for second in 0..300 {
            rig.now_ms += 1_000;
            rig.tell(Input::Frame {
                connection: FIRST,
                bytes,
            });
            let actions = rig.tell(Input::Time);
            if actions.iter().any(|it| matches!(it, Action::Send { .. })) {
                beats_s.push(second);
            }
        }
        assert_eq!(beats_s[1] - beats_s[0], seconds, "{said_s}: {beats_s:?}");
    }
}

#[test]
fn polls_are_half_a_minute_apart_at_the_most() {
    for (said_ms, wait_ms) in [(29_999, 29_999), (30_000, 30_000), (30_001, 30_000)] {
        let mut rig = Rig::start(AskFirst::No);
        let mut refused = 0;
        while !rig
            .tell(Input::Refused {
                connection: ConnectionId(refused),
                status: 403,
                headers: &[],
            })
            .iter()
            .any(|action| matches!(action, Action::Poll { .. }))
        {
            refused += 1;
            rig.due();
            rig.tell(Input::Answered(RoomAnswer::Unknown { status: 500 }));
            assert!(refused < 100);
        }
        rig.tell(Input::Polled(&response(said_ms, 0)));
        assert_eq!(rig.wait_ms(), wait_ms);
    }
}
