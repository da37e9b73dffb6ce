use std::borrow::Cow;

use pagewire_live::{
    Body, Bytes, Chat, Control, Enter, FanClub, Follow, Gift, GiftCount, Like, Link, LinkSide,
    Notice, Rank, RankChange, Ranked, RoomState, RoomStateChange, Share, Site, SitePart, Stats,
    Time, Unit, Unknown,
};

use super::*;

fn user(name: &'static str) -> User<'static> {
    User {
        id: "11".into(),
        name: name.into(),
        ..User::default()
    }
}

fn event(user: Option<User<'static>>, body: Body<'static>) -> Event<'static> {
    Event {
        site: Site::Douyin,
        room: "7".into(),
        id: "1".into(),
        time: Time::best(1_795_212_345_678, 0, 0),
        user,
        body,
        method: "WebcastMadeUpMessage".into(),
        part: SitePart::NONE,
    }
}

/// What is behind the time.
fn shown(event: &Event<'_>) -> String {
    let line = line(event, Paint::Plain);
    let rest = line.strip_prefix("22:05:45  ");
    rest.expect("it begins with the time").to_owned()
}

fn chat(text: impl Into<Cow<'static, str>>) -> Body<'static> {
    Body::Chat(Chat {
        text: text.into(),
        ..Chat::default()
    })
}

fn count(value: u64) -> GiftCount<'static> {
    GiftCount {
        gift: "463".into(),
        name: "rose".into(),
        count: 10,
        value,
        unit: Some(Unit::Diamond),
        ..GiftCount::default()
    }
}

fn rank() -> Rank<'static> {
    let names = ["a", "b", "c", "d"];
    let places = (1..).zip(names).map(|(place, name)| Ranked {
        place,
        user: user(name),
        score: "1.2万".into(),
    });
    let changes = [
        ("a", Some(2), Some(1)),
        ("b", None, Some(2)),
        ("e", Some(4), None),
    ];
    let changes = changes.map(|(name, from, to)| RankChange {
        user: user(name),
        from,
        to,
    });
    Rank {
        name: "room".into(),
        users: places.collect(),
        changes: changes.into(),
    }
}

type Case = (Body<'static>, &'static str);

fn said_and_given() -> Vec<Case> {
    let answer = Chat {
        text: "hi".into(),
        reply_to: Some(Box::new(user("李四"))),
        paid: Some(3_000),
        unit: Some(Unit::GoldSeed),
        ..Chat::default()
    };
    let gift = Gift {
        gift: "463".into(),
        count: 10,
        ends: true,
        receiver: Some(Box::new(user("host"))),
        ..Gift::default()
    };
    vec![
        (chat("hello"), "chat        hello"),
        (
            Body::Chat(answer),
            "chat        @李四 hi (paid 3,000 gold seed)",
        ),
        (
            Body::Gift(gift),
            "gift        ×10 gift 463 so far to host, the last",
        ),
        (
            Body::GiftDelta(count(50)),
            "gift.delta  ×10 rose, 50 diamond",
        ),
        (Body::GiftDelta(count(0)), "gift.delta  ×10 rose"),
        (
            Body::GiftFinal(count(1_234_567)),
            "gift.final  ×10 rose in all, 1,234,567 diamond",
        ),
    ]
}

fn done() -> Vec<Case> {
    let (count, total) = (3, Some(999));
    let (viewers, text) = (Some(1_000), None);
    let risen = FanClub {
        text: "2级".into(),
        action: "level_up".into(),
    };
    let target = Some("112".into());
    vec![
        (
            Body::Like(Like { count, total }),
            "like        ×3, 999 in all",
        ),
        (
            Body::Enter(Enter { viewers, text }),
            "enter       came in, 1,000 viewers",
        ),
        (
            Body::Follow(Follow { followers: Some(5) }),
            "follow      follows, 5 followers",
        ),
        (
            Body::Share(Share { target: None }),
            "share       shared the room",
        ),
        (Body::Share(Share { target }), "share       shared to 112"),
        (Body::FanClub(risen), "fan_club    level up: 2级"),
    ]
}

fn told() -> Vec<Case> {
    let stats = Stats {
        viewers: Some(1),
        total: Some(2),
        heat: Some(3),
        likes: Some(4),
        text: Some("1.9万".into()),
        ranked: None,
    };
    let paused = RoomStateChange {
        state: Some(RoomState::Paused),
        title: Some("t".into()),
        text: Some("back soon".into()),
    };
    let nobody = Rank {
        name: "room".into(),
        ..Rank::default()
    };
    vec![
        (
            Body::Stats(stats),
            "stats       1 viewers, 2 so far, 3 hot, 4 likes, 1.9万",
        ),
        (
            Body::Rank(rank()),
            "rank        room: 1 a (1.2万), 2 b (1.2万), 3 c (1.2万), and 1 more · a 2→1, b is new at 2, e is gone from 4",
        ),
        (Body::Rank(nobody), "rank        room: nobody"),
        (
            Body::RoomState(paused),
            "room_state  paused, title t, back soon",
        ),
        (
            Body::Notice(Notice {
                text: "welcome".into(),
                pieces: Vec::new(),
            }),
            "notice      welcome",
        ),
    ]
}

fn ordered() -> Vec<Case> {
    let side = |id: &'static str, score| LinkSide {
        id: id.into(),
        name: None,
        score,
    };
    let battle = Link {
        action: "score".into(),
        battle: true,
        sides: vec![side("7", Some(1_200)), side("8", None)],
    };
    let mute = Control {
        action: "mute".into(),
        text: Some("why".into()),
        by: Some(Box::new(user("admin"))),
        ..Control::default()
    };
    let delete = Control {
        action: "delete".into(),
        ids: vec!["1".into(), "2".into()],
        ..Control::default()
    };
    let unknown = Unknown {
        bytes: Bytes(vec![0; 1_500].into()),
    };
    vec![
        (Body::Link(battle), "link        battle score: 7 1,200, 8"),
        (Body::Control(mute), "control     mute by admin: why"),
        (Body::Control(delete), "control     delete of 2 messages"),
        (
            Body::Unknown(unknown),
            "unknown     WebcastMadeUpMessage, 1,500 bytes",
        ),
    ]
}

#[test]
fn every_kind_is_a_line_of_words() {
    let cases = [said_and_given(), done(), told(), ordered()].concat();
    let mut kinds: Vec<_> = cases.iter().map(|(body, _)| body.kind()).collect();
    kinds.dedup();
    assert!(kinds.iter().copied().eq(Event::kinds()));
    for (body, expected) in cases {
        let (kind, what) = expected.split_at(KIND_COLUMNS + 2);
        let expected = format!("{kind}张三                  {what}");
        assert_eq!(shown(&event(Some(user("张三")), body)), expected);
    }
}

#[test]
fn people_are_marked_and_nobody_is_a_dash() {
    let masked = User {
        masked: true,
        admin: true,
        ..user("张***")
    };
    for (user, who) in [
        (Some(masked), "张*** (admin) (masked)"),
        (Some(user(" ")), "11                  "),
        (None, "-                   "),
    ] {
        assert_eq!(
            shown(&event(user, chat("x"))),
            format!("chat        {who}  x")
        );
    }
}

#[test]
fn what_a_site_sends_can_neither_change_the_terminal_nor_look_like_another_line() {
    let name = "\u{1b}[2J\u{202e}a";
    let evil = event(Some(user(name)), chat("x\n22:05:45  gift\u{9b}\r"));
    let line = shown(&evil);
    assert_eq!(
        line,
        "chat        \\u{1b}[2J\\u{202e}a    x 22:05:45  gift\\u{9b}"
    );
    let painted = super::line(&evil, Paint::Colours);
    let escapes: Vec<_> = painted.split('\u{1b}').skip(1).collect();
    assert!(
        escapes.len() == 6 && escapes.iter().all(|rest| rest.starts_with('[')),
        "{painted:?}"
    );
}

#[test]
fn long_names_and_texts_are_cut_at_their_limits() {
    let wide = |columns: usize| -> &'static str { "价".repeat(columns / 2).leak() };
    let at = wide(NAME_COLUMNS_MAX);
    assert!(shown(&event(Some(user(at)), chat("x"))).contains(&format!(" {at}  x")));
    let past = shown(&event(Some(user(wide(NAME_COLUMNS_MAX + 2))), chat("x")));
    let cut = wide(NAME_COLUMNS_MAX - 2);
    assert!(past.contains(&format!(" {cut}…  x")), "{past}");
    let without_width = shown(&event(
        Some(user("\u{301}".repeat(9_999).leak())),
        chat("x"),
    ));
    assert_eq!(
        without_width.matches('\u{301}').count(),
        4 * NAME_COLUMNS_MAX
    );

    let at = "x".repeat(EVENT_TEXT_BYTES_MAX);
    assert!(shown(&event(None, chat(at.clone()))).ends_with(&format!(" {at}")));
    let past = shown(&event(None, chat(at + "x")));
    assert!(
        past.ends_with("x … 1 more bytes (--json shows all of them)"),
        "{past}"
    );
}

#[test]
fn rankings_are_cut_at_their_limit() {
    let mut rank = rank();
    let shown_of = |rank: &Rank<'static>| shown(&event(None, Body::Rank(rank.clone())));
    assert!(shown_of(&rank).contains("and 1 more"));
    rank.users.pop();
    assert!(!shown_of(&rank).contains("more"));
}
