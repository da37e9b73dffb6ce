use super::*;
use crate::event::Site;

#[test]
fn every_address_of_the_shipped_sites_leads_to_its_room() {
    let table = SiteTable::shipped();
    let cases = [
        ("https://live.douyin.com/123456", "douyin", "123456"),
        (
            "http://LIVE.douyin.com/host_name?enter_from=web#x",
            "douyin",
            "host_name",
        ),
        ("live.douyin.com/123/", "douyin", "123"),
        ("https://www.douyin.com/root/live/123", "douyin", "123"),
        (" https://www.huya.com/kpl ", "huya", "kpl"),
        ("https://m.huya.com/11336726", "huya", "11336726"),
        (
            "https://live.bilibili.com/21452505?spm=1",
            "bilibili",
            "21452505",
        ),
        ("https://live.bilibili.com/blanc/7", "bilibili", "7"),
        ("https://www.douyu.com/9999", "douyu", "9999"),
        (
            "https://www.douyu.com/topic/spring?a=1&rid=288016&b=2",
            "douyu",
            "288016",
        ),
        (
            "https://www.tiktok.com/@a.b_c/live?lang=en",
            "tiktok",
            "a.b_c",
        ),
        ("http://127.0.0.1:8123/live/one", "sim", "one"),
        ("localhost:8123/live/one", "sim", "one"),
        ("douyin:123", "douyin", "123"),
        ("tiktok:a.b_c", "tiktok", "a.b_c"),
    ];
    for (address, site, room) in cases {
        let read = table.parse_room(address).expect(address);
        assert_eq!((&*read.site, &*read.room), (site, room), "{address}");
        assert!(
            read.page.contains(room) && !read.page.contains('{'),
            "{read:?}"
        );
        // The page of a room is one of its addresses.
        assert_eq!(
            table.parse_room(&read.page).as_ref(),
            Ok(&RoomAddress {
                origin: origin(&read.page),
                ..read.clone()
            })
        );
    }
    let sim = table.parse_room("http://127.0.0.1:8123/live/one").unwrap();
    assert_eq!(sim.page, "http://127.0.0.1:8123/live/one");
    let entry = table.get("sim").unwrap();
    assert_eq!(
        entry.push_addresses(&sim),
        ["ws://127.0.0.1:8123/webcast/im/push/v2/"]
    );
    assert_eq!(
        entry.headers_for(&sim),
        [("Origin".to_owned(), "http://127.0.0.1:8123".to_owned())]
    );
    assert_eq!(entry.format, Site::Douyin);
    assert!(entry.signing.is_some() && entry.unseen.is_empty());
}

fn origin(address: &str) -> String {
    address.split('/').nth(2).unwrap_or_default().to_owned()
}

#[test]
fn what_is_no_room_says_which_forms_are_known() {
    let table = SiteTable::shipped();
    let long = format!("douyin:{}", "1".repeat(ROOM_NAME_BYTES_MAX + 1));
    let cases = [
        ("https://example.com/123", "https://live.douyin.com/{room}"),
        (
            "https://live.bilibili.com/p/eden",
            "short form such as douyin:123",
        ),
        ("https://live.douyin.com/", "no site is known"),
        (
            "https://www.douyu.com/topic/spring?rid=x",
            "no site is known",
        ),
        ("ftp://live.douyin.com/1", "no site is known"),
        ("example.com:80", "no site is known"),
        ("", "no site is known"),
        ("doyin:1", r#"did you mean "douyin"?"#),
        ("douyin:", "is no name of a room of douyin"),
        ("douyin:..", "is no name of a room of douyin"),
        ("huya:a b", "1 to 64 letters"),
        (&long, "1 to 64 letters"),
        ("sim:one", "http://127.0.0.1/live/{room}"),
    ];
    for (address, said) in cases {
        let error = table.parse_room(address).expect_err(address).to_string();
        assert!(error.contains(said), "{address}: {error}");
    }
    let longest = format!("douyin:{}", "1".repeat(ROOM_NAME_BYTES_MAX));
    assert!(table.parse_room(&longest).is_ok());
}

#[test]
fn a_short_link_is_known_by_its_host() {
    let table = SiteTable::shipped();
    for (link, site) in [
        ("https://v.douyin.com/iAbC123/", Some("douyin")),
        (" http://v.douyin.com/iAbC123 ", Some("douyin")),
        ("b23.tv/AbC", Some("bilibili")),
        ("https://vm.tiktok.com/ZM1/", Some("tiktok")),
        ("https://b23.tv.evil.test/AbC", None),
        ("https://evil.test/?b23.tv/AbC", None),
        ("douyin:1", None),
    ] {
        let found = table.short_link(link);
        let found = found.map(|(entry, address)| (entry.name.as_str(), address));
        assert_eq!(found.as_ref().map(|(name, _)| *name), site, "{link}");
        assert!(found.is_none_or(|(_, address)| address.starts_with("http")));
    }
    let unseen = |site: &str| {
        table
            .get(site)
            .expect(site)
            .unseen
            .contains(&"short".to_owned())
    };
    assert!(["douyin", "bilibili", "tiktok"].into_iter().all(unseen));
}

#[test]
fn a_sites_own_hosts_are_those_of_its_rooms_sockets_and_answers() {
    let table = SiteTable::shipped();
    for (site, address, is_own) in [
        ("douyin", "https://live.douyin.com/1", true),
        ("douyin", "https://WWW.douyin.com:443/x", true),
        ("douyin", "https://webcast100-ws-web-lq.douyin.com/", true),
        ("douyin", "https://douyin.com.evil.test/", false),
        ("douyin", "https://live.douyin.com@evil.test/", false),
        ("douyin", "https://evil.test/live.douyin.com", false),
        ("huya", "https://mp.huya.com/cache.php", true),
        ("huya", "https://live.douyin.com/", false),
        ("bilibili", "https://api.live.bilibili.com/x", true),
        // Nobody's cookies go to a host that shortens links.
        ("bilibili", "https://b23.tv/x", false),
        ("sim", "http://127.0.0.1:8123/x", true),
        ("sim", "http://[::1]:8123/x", false),
        ("sim", "", false),
    ] {
        let entry = table.get(site).expect(site);
        assert_eq!(entry.has_host_of(address), is_own, "{site} {address}");
    }
}

#[test]
fn the_sockets_of_the_facts_fit_their_patterns() {
    let table = SiteTable::shipped();
    let cases = [
        (
            "douyin",
            "wss://webcast5-ws-web-lf.douyin.com/webcast/im/push/v2/?aid=6383",
        ),
        ("huya", "wss://cdnws.api.huya.com/"),
        ("bilibili", "wss://zj-cn-live-comet.chat.bilibili.com/sub"),
        ("douyu", "wss://danmuproxy.douyu.com:8506/"),
        ("sim", "ws://127.0.0.1:8123/webcast/im/push/v2/?x=1"),
    ];
    for (site, address) in cases {
        let entry = table.get(site).expect(site);
        assert!(
            entry.sockets.iter().any(|socket| socket.matches(address)),
            "{address}"
        );
        assert!(
            !entry
                .sockets
                .iter()
                .any(|socket| socket.matches("wss://evil.test/sub")),
            "{site}"
        );
    }
    let polling = &table.get("douyin").unwrap().polling;
    assert!(
        polling
            .iter()
            .any(|pattern| pattern.matches("https://live.douyin.com/webcast/im/fetch/?cursor=1"))
    );
}

#[test]
fn a_table_of_the_user_goes_over_the_shipped_one_key_by_key() {
    let table = SiteTable::shipped();
    let mine = "[douyin]\npush = [\"wss://push.example/\"]\n[douyin.timing]\nheartbeat_ms = 5_000\n\
                [mine]\nlike = \"huya\"\nrooms = [\"https://rooms.example/{number}\"]\npage = \"https://rooms.example/{room}\"\n";
    let with = table.with(mine).expect("it does");
    let (before, after) = (table.get("douyin").unwrap(), with.get("douyin").unwrap());
    assert_eq!(after.push, ["wss://push.example/"]);
    assert_eq!(after.timing.heartbeat_ms, 5_000);
    assert_eq!(after.timing.silence_ms, before.timing.silence_ms);
    assert_eq!(
        after
            .ask_address(&with.parse_room("douyin:1").unwrap())
            .unwrap(),
        "https://live.douyin.com/1"
    );
    assert!(
        before.unseen.contains(&"push".to_owned()) && !after.unseen.contains(&"push".to_owned())
    );
    assert!(after.unseen.contains(&"sockets".to_owned()));
    let mine = with.get("mine").unwrap();
    assert_eq!(
        (mine.format, mine.timing.heartbeat_ms),
        (Site::Huya, 60_000)
    );
    assert!(!mine.unseen.contains(&"rooms".to_owned()) && mine.unseen.contains(&"push".to_owned()));
    assert_eq!(
        with.parse_room("https://rooms.example/77").unwrap().site,
        "mine"
    );
    // What the site calls itself is looked up among the new ones as among the old ones.
    assert_eq!(
        with.parse_room("mine:77").unwrap().page,
        "https://rooms.example/77"
    );
}

const BROKEN: &[(&str, &str)] = &[
    (
        "[douyin]\n\nsokets = []",
        "line 3: there is no key \"sokets\" (did you mean \"sockets\"?)",
    ),
    (
        "[douyin.timing]\nhartbeat_ms = 1",
        "line 2: there is no key \"hartbeat_ms\" (did you mean \"heartbeat_ms\"?)",
    ),
    (
        "[douyin]\nsomething = 1",
        "line 2: there is no key \"something\"",
    ),
    ("[douyin]\nsockets = 1", "line 2: invalid type"),
    ("[douyin", "line 1: "),
    ("douyin = 1", "line 1: "),
    (
        "[douyin]\nsockets = [\"a b\"]",
        "[douyin] sockets: a pattern of addresses has the character ' '",
    ),
    (
        "[douyin]\nrooms = [\"https://x.test/a\"]",
        "[douyin] rooms: \"https://x.test/a\": it needs one {room}",
    ),
    (
        "[douyin]\nrooms = [\"x.test/{room}\"]",
        "it needs http:// or https://",
    ),
    (
        "[douyin]\nrooms = [\"https://*.test/{room}\"]",
        "it needs the name of a host",
    ),
    (
        "[douyin]\npage = \"https://x.test/\"",
        "[douyin] page: it needs",
    ),
    ("[douyin]\npush = [\"https://x.test/\"]", "[douyin] push: "),
    (
        "[douyin]\nformat = \"quic\"",
        "[douyin] format: it needs to be one of douyin, huya",
    ),
    ("[douyin]\nunseen = [\"all\"]", "[douyin] unseen: "),
    (
        "[douyin.timing]\nheartbeat_ms = 999",
        "[douyin] timing: 999 ms is less than 1000",
    ),
    (
        "[douyin.ask]\nstate = [\"status\"]",
        "[douyin] ask: \"status\" is neither",
    ),
    (
        "[douyin.ask]\nsigns = [{ means = \"missing\", text = \"\" }]",
        "[douyin] ask: a sign",
    ),
    (
        "[douyin.ask]\nsigns = [{ means = \"gone\", text = \"x\" }]",
        "unknown variant",
    ),
    (
        "[douyin.sign]\ncursor = \"{rand}\"",
        "[douyin] sign: {rand} stands for nothing",
    ),
    ("[new]\nrooms = []", "[new] format: "),
    (
        "[new]\nlike = \"nothing\"",
        "[new] like: \"nothing\" is no site",
    ),
    (
        "[new]\nlike = \"sim\"",
        "[new] like: \"sim\" is no site that has all its keys itself",
    ),
    ("[\"a b\"]\nlike = \"douyin\"", "a site's name has letters"),
];

#[test]
fn a_table_that_does_not_do_says_where() {
    for (toml, said) in BROKEN {
        let error = SiteTable::shipped().with(toml).expect_err(toml).to_string();
        assert!(error.contains(said), "{toml:?}: {error}");
    }
    let most = " ".repeat(SITES_BYTES_MAX);
    assert!(SiteTable::shipped().with(&most).is_ok());
    let error = SiteTable::shipped().with(&(most + " "));
    assert_eq!(
        error.err(),
        Some(SiteTableError::TooLong {
            got: SITES_BYTES_MAX + 1
        })
    );
}

/// Answers, and what they say.
const ANSWERS: &[(&str, &str, &str)] = &[
    (
        "douyin",
        r#"{"data":{"data":[{"id_str":"7345","status":2,"title":"tea"}],"user":{"nickname":"Ann"}}}"#,
        "live 7345||Ann|tea|",
    ),
    (
        "douyin",
        r#"<script>self.__pace_f.push([1,"{\"roomId\":\"7345\",\"user_unique_id\":\"99\",\"status_str\":\"2\"}"])</script>"#,
        "live 7345||||99",
    ),
    (
        "douyin",
        r#"{"data":{"data":[{"id_str":"7345","status":4}]}}"#,
        "NotLive",
    ),
    ("douyin", "", "Unknown { status: 200 }"),
    ("douyin", "<title>验证码中间页</title>", "Captcha"),
    (
        "huya",
        r#"{"status":200,"data":{"realLiveStatus":"ON","profileInfo":{"uid":294636272,"nick":"Bo","profileRoom":7}}}"#,
        "live 7|294636272|Bo||",
    ),
    (
        "huya",
        r#"<script>{"lUid":42,"x":1}</script>"#,
        "live |42|||",
    ),
    (
        "huya",
        r#"{"status":200,"data":{"liveStatus":"OFF"}}"#,
        "NotLive",
    ),
    ("huya", r#"{"status":422,"message":"x"}"#, "Missing"),
    (
        "bilibili",
        r#"{"code":0,"data":{"room_id":21452505,"uid":5,"live_status":1,"title":"t"}}"#,
        "live 21452505|5||t|",
    ),
    (
        "bilibili",
        r#"{"code":0,"data":{"room_id":1,"live_status":2}}"#,
        "NotLive",
    ),
    ("bilibili", r#"{"code":1,"msg":"未找到该房间"}"#, "Missing"),
    ("bilibili", r#"{"code":-101}"#, "LogIn"),
    ("bilibili", r#"{"code":-352}"#, "Captcha"),
    (
        "douyu",
        r#"{"room":{"room_id":9999,"show_status":1}}"#,
        "live 9999||||",
    ),
    (
        "douyu",
        r#"{"room":{"room_id":9999,"show_status":2}}"#,
        "NotLive",
    ),
    ("tiktok", r#"{"roomId":"712"}"#, "live 712||||"),
];

#[test]
fn answers_of_sites_say_how_a_room_is() {
    let table = SiteTable::shipped();
    for (site, body, said) in ANSWERS {
        let answer = table.get(site).expect(site).ask.read(200, body);
        let mut told = format!("{answer:?}");
        if let RoomAnswer::Live(facts) = answer {
            let RoomFacts {
                room_id,
                presenter,
                host,
                title,
                viewer,
            } = facts;
            told = format!(
                "live {}",
                [room_id, presenter, host, title, viewer].join("|")
            );
        }
        assert_eq!(told, *said, "{site} {body}");
    }
    let ask = &table.get("douyu").unwrap().ask;
    let by_status = [
        (404, RoomAnswer::Missing),
        (401, RoomAnswer::LogIn),
        (429, RoomAnswer::TooOften),
        (503, RoomAnswer::Unknown { status: 503 }),
    ];
    for (status, expected) in by_status {
        assert_eq!(
            ask.read(status, r#"{"room":{"room_id":9999,"show_status":1}}"#),
            expected
        );
    }
}

#[test]
fn a_value_that_is_too_long_is_none() {
    let ask = &SiteTable::shipped().get("tiktok").unwrap().ask.clone();
    let body = |bytes| format!(r#"{{"roomId":"{}"}}"#, "1".repeat(bytes));
    assert!(matches!(
        ask.read(200, &body(FACT_BYTES_MAX)),
        RoomAnswer::Live(_)
    ));
    assert_eq!(
        ask.read(200, &body(FACT_BYTES_MAX + 1)),
        RoomAnswer::Unknown { status: 200 }
    );
}
