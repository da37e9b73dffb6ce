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

/// What is behind the time, in English.
fn shown(event: &Event<'_>) -> String {
    shown_in(event, Language::English)
}

fn shown_in(event: &Event<'_>, language: Language) -> String {
    let line = line(event, language, Paint::Plain);
    let rest = line.strip_prefix(&(time_of_day(1_795_212_345_678) + "  "));
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

fn to_host(count: GiftCount<'static>) -> GiftCount<'static> {
    GiftCount {
        receiver: Some(Box::new(user("host"))),
        ..count
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

/// A line in English and in Chinese, without who did it.
type Case = (Body<'static>, &'static str, &'static str);

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
        (chat("hello"), "chat        hello", "聊天      hello"),
        (
            Body::Chat(answer),
            "chat        @李四 hi (paid 3,000 gold seeds)",
            "聊天      @李四 hi（付费 3,000 金瓜子）",
        ),
        (
            Body::Gift(gift),
            "gift        ×10 gift 463 so far to host, the last",
            "礼物消息  礼物 463 累计 ×10，送给 host，连击结束",
        ),
        (
            Body::GiftDelta(count(50)),
            "gift.delta  ×10 rose, 50 diamonds",
            "送礼      送出 rose ×10，共 50 钻石",
        ),
        (
            Body::GiftDelta(count(0)),
            "gift.delta  ×10 rose",
            "送礼      送出 rose ×10",
        ),
        (
            Body::GiftDelta(to_host(count(1))),
            "gift.delta  ×10 rose, 1 diamond to host",
            "送礼      送给 host rose ×10，共 1 钻石",
        ),
        (
            Body::GiftFinal(count(1_234_567)),
            "gift.final  ×10 rose in all, 1,234,567 diamonds",
            "送礼合计  合计送出 rose ×10，共 1,234,567 钻石",
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
            "点赞      点了 3 个赞，累计 999",
        ),
        (
            Body::Enter(Enter { viewers, text }),
            "enter       came in, 1,000 viewers",
            "进场      进入直播间，在线 1,000 人",
        ),
        (
            Body::Follow(Follow { followers: Some(5) }),
            "follow      follows, 5 followers",
            "关注      关注了主播，粉丝 5",
        ),
        (
            Body::Share(Share { target: None }),
            "share       shared the room",
            "分享      分享了直播间",
        ),
        (
            Body::Share(Share { target }),
            "share       shared to 112",
            "分享      分享到 112",
        ),
        (
            Body::FanClub(risen),
            "fan_club    level up: 2级",
            "粉丝团    粉丝团升级：2级",
        ),
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
    let only_ranked = Stats {
        ranked: Some(5),
        ..Stats::default()
    };
    let nobody = Rank {
        name: "room".into(),
        ..Rank::default()
    };
    vec![
        (
            Body::Stats(stats),
            "stats       1 viewers, 2 so far, 3 hot, 4 likes, 1.9万",
            "人数      在线 1 人，累计 2 人，热度 3，点赞 4，1.9万",
        ),
        (
            Body::Stats(only_ranked),
            "stats       5 with a rank",
            "人数      上榜 5 人",
        ),
        (
            Body::Rank(rank()),
            "rank        room: 1 a (1.2万), 2 b (1.2万), 3 c (1.2万), and 1 more · a 2→1, b is new at 2, e is gone from 4",
            "榜单      房间榜：1 a（1.2万），2 b（1.2万），3 c（1.2万），另有 1 位 · a 2→1，b 新上榜第 2，e 掉出第 4",
        ),
        (
            Body::Rank(nobody),
            "rank        room: nobody",
            "榜单      房间榜：暂无",
        ),
        (
            Body::RoomState(paused),
            "room_state  paused, title t, back soon",
            "直播间    直播暂停，标题 t，back soon",
        ),
        (
            Body::Notice(Notice {
                text: "welcome".into(),
                pieces: Vec::new(),
            }),
            "notice      welcome",
            "通知      welcome",
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
        (
            Body::Link(battle),
            "link        battle score: 7 1,200, 8",
            "连线      PK score：7 1,200，8",
        ),
        (
            Body::Control(mute),
            "control     mute by admin: why",
            "管理      被禁言，由 admin 操作：why",
        ),
        (
            Body::Control(delete),
            "control     delete of 2 messages",
            "管理      撤回 2 条消息",
        ),
        (
            Body::Unknown(unknown),
            "unknown     WebcastMadeUpMessage, 1,500 bytes",
            "未知      WebcastMadeUpMessage，1,500 字节",
        ),
    ]
}

#[test]
fn every_kind_is_a_line_of_words_in_both_languages() {
    let cases = [said_and_given(), done(), told(), ordered()].concat();
    let mut kinds: Vec<_> = cases.iter().map(|(body, ..)| body.kind()).collect();
    kinds.dedup();
    assert!(kinds.iter().copied().eq(Event::kinds()));
    for (body, english, chinese) in cases {
        let event = event(Some(user("张三")), body);
        for (language, expected) in [(Language::English, english), (Language::Chinese, chinese)] {
            let (kind, what) = at_column(expected, kind_columns(language) + 2);
            let expected = format!("{kind}张三                  {what}");
            assert_eq!(shown_in(&event, language), expected);
        }
    }
}

/// What takes so many columns, and the rest.
fn at_column(text: &str, columns: usize) -> (&str, &str) {
    let ends = text.char_indices().map(|(at, _)| at);
    let mut ends = ends.filter(|at| text[..*at].width() == columns);
    text.split_at(ends.next().expect("a character begins there"))
}

#[test]
fn clubs_orders_and_states_have_their_chinese_names() {
    let control = |action: &'static str| {
        Body::Control(Control {
            action: action.into(),
            ..Control::default()
        })
    };
    let club = |action: &'static str| {
        Body::FanClub(FanClub {
            action: action.into(),
            ..FanClub::default()
        })
    };
    let state = |state| {
        Body::RoomState(RoomStateChange {
            state: Some(state),
            ..RoomStateChange::default()
        })
    };
    let cases = [
        (club("joined"), "加入粉丝团"),
        (club("7"), "7"),
        (
            Body::FanClub(FanClub {
                action: "2".into(),
                text: "开通了舰长".into(),
            }),
            "-                     开通了舰长",
        ),
        (control("leave"), "离开直播间"),
        (control("unmute"), "解除禁言"),
        (control("admin"), "成为房管"),
        (control("unadmin"), "取消房管"),
        (control("kick"), "被踢出直播间"),
        (control("block"), "被拉黑"),
        (control("auth_reply"), "auth_reply"),
        (state(RoomState::Live), "直播中"),
        (state(RoomState::Ended), "直播已结束"),
    ];
    for (body, expected) in cases {
        let line = shown_in(&event(None, body), Language::Chinese);
        assert!(line.ends_with(&format!(" {expected}")), "{line}");
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
    let masked = User {
        masked: true,
        admin: true,
        ..user("张***")
    };
    assert_eq!(
        shown_in(&event(Some(masked), chat("x")), Language::Chinese),
        "聊天      张***（房管）（已脱敏）  x"
    );
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
    let painted = super::line(&evil, Language::English, Paint::Colours);
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
    let past = event(None, chat("x".repeat(EVENT_TEXT_BYTES_MAX + 1)));
    let past = shown_in(&past, Language::Chinese);
    assert!(
        past.ends_with("x … 还有 1 字节（--json 显示全文）"),
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
