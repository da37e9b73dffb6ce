//! The JSON of events, its schema and its `.proto` say the same, and the files of the documentation are those that are made.

use std::env;
use std::fs;
use std::path::Path;

use pagewire_codec::proto::Schema;
use pagewire_live::{
    Badge, Body, Bytes, Chat, Control, Enter, Event, FanClub, Follow, Gender, Gift, GiftCount,
    Like, Link, LinkSide, Notice, Piece, PieceKind, Rank, RankChange, Ranked, RoomState,
    RoomStateChange, Share, Site, SiteFormat, SitePart, Stats, Time, Unit, Unknown, User,
    event_json_schema, event_proto,
};
use serde_json::{Value, json};

fn user() -> User<'static> {
    User {
        id: "9007199254740993".into(),
        name: "\u{202e}张 \"三\"\n".into(),
        level: Some(12),
        badges: vec![Badge {
            name: "club".into(),
            level: None,
            room: Some("4".into()),
        }],
        masked: true,
        gender: Some(Gender::Female),
        avatar: Some("https://example.com/a.webp".into()),
        admin: true,
    }
}

fn piece() -> Piece<'static> {
    Piece {
        kind: PieceKind::Emoji,
        text: "[smile]".into(),
        id: Some("1".into()),
        image: Some("https://example.com/e.webp".into()),
    }
}

/// One of each kind of what people do, with everything in it.
fn of_people() -> Vec<Body<'static>> {
    let count = GiftCount {
        gift: "1".into(),
        name: "rose".into(),
        count: u64::MAX,
        value: 2,
        unit: Some(Unit::YbCent),
        combo: "c".into(),
        receiver: Some(Box::new(user())),
    };
    let gift = Gift {
        gift: "1".into(),
        name: "rose".into(),
        group_count: 1,
        repeat_count: 2,
        combo_count: 3,
        total_count: 4,
        count: 5,
        combo: "c".into(),
        ends: true,
        unit_value: Some(6),
        unit: Some(Unit::Diamond),
        receiver: Some(Box::new(user())),
    };
    let text = || Some("text".into());
    vec![
        Body::Chat(Chat {
            text: "hi".into(),
            pieces: vec![piece()],
            reply_to: Some(Box::new(user())),
            paid: Some(1),
            unit: Some(Unit::Fen),
        }),
        Body::Gift(gift),
        Body::GiftDelta(count.clone()),
        Body::GiftFinal(count),
        Body::Like(Like {
            count: 1,
            total: Some(2),
        }),
        Body::Enter(Enter {
            viewers: Some(1),
            text: text(),
        }),
        Body::Follow(Follow { followers: Some(1) }),
        Body::Share(Share { target: text() }),
        Body::FanClub(FanClub {
            text: "t".into(),
            action: "joined".into(),
        }),
        Body::Stats(Stats {
            viewers: Some(1),
            total: Some(2),
            heat: Some(3),
            likes: Some(4),
            text: text(),
            ranked: Some(5),
        }),
    ]
}

/// One of each kind of what is said of the room.
fn of_the_room() -> Vec<Body<'static>> {
    let ranked = Ranked {
        place: 1,
        user: user(),
        score: "1.2万".into(),
    };
    let change = RankChange {
        user: user(),
        from: Some(2),
        to: None,
    };
    let side = LinkSide {
        id: "1".into(),
        name: Some("a".into()),
        score: Some(2),
    };
    let text = || Some("text".into());
    vec![
        Body::Rank(Rank {
            name: "room".into(),
            users: vec![ranked],
            changes: vec![change],
        }),
        Body::RoomState(RoomStateChange {
            state: Some(RoomState::Ended),
            title: text(),
            text: text(),
        }),
        Body::Notice(Notice {
            text: "t".into(),
            pieces: vec![piece()],
        }),
        Body::Link(Link {
            action: "PK".into(),
            battle: true,
            sides: vec![side],
        }),
        Body::Control(Control {
            action: "mute".into(),
            text: text(),
            ids: vec!["1".into()],
            by: Some(Box::new(user())),
        }),
        Body::Unknown(Unknown {
            bytes: Bytes(b"\0\xff".as_slice().into()),
        }),
    ]
}

fn bodies() -> Vec<Body<'static>> {
    [of_people(), of_the_room()].concat()
}

fn event(body: Body<'static>) -> Event<'static> {
    Event {
        site: Site::Douyin,
        room: "1".into(),
        id: "2".into(),
        time: Time::best(0, 1, 2),
        user: Some(user()),
        body,
        method: "WebcastChatMessage".into(),
        part: SitePart {
            format: SiteFormat::Douyin,
            bytes: b"\x1a\x02hi\xf8\x01\x07".as_slice().into(),
        },
    }
}

fn line(event: &Event<'_>) -> String {
    let mut line = Vec::new();
    event.write_json(&mut line);
    String::from_utf8(line).expect("UTF-8")
}

#[test]
fn every_kind_is_as_its_json_schema_says() {
    let schema = event_json_schema();
    let validator = jsonschema::validator_for(&schema).expect("a JSON Schema");
    jsonschema::meta::validate(&schema).expect("a JSON Schema");
    for body in bodies() {
        let kind = body.kind();
        let event: Value = serde_json::from_str(&line(&event(body))).expect("JSON");
        let wrong: Vec<_> = validator
            .iter_errors(&event)
            .map(|error| error.to_string())
            .collect();
        assert_eq!(wrong, [""; 0], "{event:#}");
        // A schema that forgot what a kind needs would take this as well.
        let mut without = event.clone();
        without
            .as_object_mut()
            .expect("an object")
            .remove(&kind.replace('.', "_"));
        assert!(!validator.is_valid(&without), "{kind}");
    }
    let kinds = schema["oneOf"].as_array().expect("one of the kinds").len();
    assert_eq!(kinds, bodies().len(), "a kind is missing in this test");
}

#[test]
fn every_kind_is_a_message_of_its_proto_file() {
    let text = event_proto();
    let source = move |name: &str| (name == "event.proto").then(|| text.clone());
    let schema = Schema::compile("event.proto", source).expect("it compiles");
    let message = schema
        .message("pagewire.live.v1.Event")
        .expect("it is there");
    for body in bodies() {
        let json = line(&event(body));
        let bytes = schema.to_bytes(message, &json).expect(&json);
        assert_eq!(schema.unknown_fields(message, &bytes), []);
        let mut again = Vec::new();
        schema.to_json(message, &bytes, &mut again).expect("JSON");
        assert_eq!(
            schema
                .to_bytes(message, str::from_utf8(&again).expect("UTF-8"))
                .expect("bytes"),
            bytes
        );
    }
}

#[test]
fn what_says_nothing_is_left_out() {
    let bare = Event {
        user: None,
        ..event(Body::Chat(Chat {
            text: "hi".into(),
            ..Chat::default()
        }))
    };
    assert_eq!(
        line(&bare),
        r#"{"site":"douyin","room":"1","id":"2","kind":"chat","time_ms":1,"time_source":"create","chat":{"text":"hi"},"method":"WebcastChatMessage"}"#
    );
    let mut with_site_fields = Vec::new();
    bare.write_json_with_site_fields(&mut with_site_fields);
    let json: Value = serde_json::from_slice(&with_site_fields).expect("JSON");
    assert_eq!(json["site_fields"], json!({"content": "hi"}));
    let broken = Event {
        part: SitePart {
            bytes: b"\x1a\x09hi".as_slice().into(),
            ..bare.part.clone()
        },
        ..bare
    };
    with_site_fields.clear();
    broken.write_json_with_site_fields(&mut with_site_fields);
    assert_eq!(
        with_site_fields,
        line(&broken).into_bytes(),
        "fields that cannot be read"
    );
    let deep = |lists: usize| format!("{}1{}", "[".repeat(lists), "]".repeat(lists));
    for (json, is_told) in [
        ("{\"a\":1e300}", true),
        ("{\"a\":1e999}", false),
        (&*deep(126), true),
        (&*deep(127), false),
        (&*deep(1_000), false),
        ("1,2", false),
    ] {
        let of_site = Event {
            part: SitePart {
                format: SiteFormat::Json,
                bytes: json.as_bytes().into(),
            },
            ..broken.clone()
        };
        with_site_fields.clear();
        of_site.write_json_with_site_fields(&mut with_site_fields);
        let line: Value = serde_json::from_slice(&with_site_fields).expect("JSON");
        assert_eq!(line.get("site_fields").is_some(), is_told, "{json}");
    }
}

/// `PAGEWIRE_REGENERATE=1` writes them.
#[test]
fn the_files_of_the_documentation_are_those_that_are_made() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let schema = serde_json::to_string_pretty(&event_json_schema()).expect("JSON") + "\n";
    for (name, made) in [
        ("event.schema.json", schema),
        ("event.proto", event_proto()),
    ] {
        let file = docs.join(name);
        if env::var_os("PAGEWIRE_REGENERATE").is_some_and(|value| value == "1") {
            fs::write(&file, &made).expect("it can be written");
        }
        let stands = fs::read_to_string(&file).unwrap_or_default();
        assert!(
            stands == made,
            "{} is old; PAGEWIRE_REGENERATE=1 writes it",
            file.display()
        );
    }
}
