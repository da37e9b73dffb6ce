use proptest::prelude::*;

use super::*;
use crate::event::{Body, Chat, GiftCount, Like, Site, SiteFormat, SitePart, Time, User};

fn event(user: &'static str, body: Body<'static>) -> Event<'static> {
    Event {
        site: Site::Bilibili,
        room: "7".into(),
        id: "7590361705692463139".into(),
        time: Time::best(1_795_212_345_678, 0, 0),
        user: Some(User {
            id: "11".into(),
            name: user.into(),
            ..User::default()
        }),
        body,
        method: "MADE_UP".into(),
        part: SitePart {
            format: SiteFormat::Json,
            bytes: br#"{"deep":{"er":[1,5]}}"#.into(),
        },
    }
}

fn chat(text: &'static str) -> Body<'static> {
    Body::Chat(Chat {
        text: text.into(),
        ..Chat::default()
    })
}

fn given(value: u64) -> GiftCount<'static> {
    GiftCount {
        value,
        ..GiftCount::default()
    }
}

fn events() -> Vec<Event<'static>> {
    vec![
        event("夏橘子", chat("hello \"you\"")),
        event("11", chat("HELLO there")),
        event("小橘子", Body::GiftDelta(given(500))),
        event("小橘子", Body::GiftFinal(given(500))),
        event("夏橘子", Body::GiftFinal(given(99))),
        event("n", Body::Like(Like::default())),
    ]
}

fn asked(parts: &FilterParts) -> Vec<usize> {
    let filter = EventFilter::new(parts).unwrap_or_else(|error| panic!("{error}"));
    let events = events();
    let found = events
        .iter()
        .enumerate()
        .filter(|(_, event)| filter.matches(event));
    found.map(|(at, _)| at).collect()
}

fn said(text: &str) -> FilterParts {
    FilterParts {
        said: Some(Said::parse(text)),
        ..FilterParts::default()
    }
}

fn users(users: &[&str]) -> FilterParts {
    FilterParts {
        users: users.iter().map(|user| (*user).to_owned()).collect(),
        ..FilterParts::default()
    }
}

fn kinds(kinds: &[&str]) -> FilterParts {
    FilterParts {
        kinds: kinds.iter().map(|kind| (*kind).to_owned()).collect(),
        ..FilterParts::default()
    }
}

fn min_gift(value: u64) -> FilterParts {
    FilterParts {
        min_gift: Some(value),
        ..FilterParts::default()
    }
}

fn expression(text: &str) -> FilterParts {
    FilterParts {
        expression: Some(text.to_owned()),
        ..FilterParts::default()
    }
}

#[test]
fn each_shortcut_is_one_expression() {
    check([
        (FilterParts::default(), None, vec![0, 1, 2, 3, 4, 5]),
        (kinds(&["chat"]), Some(r#"kind == "chat""#), vec![0, 1]),
        (
            kinds(&["chat", "gift.final"]),
            Some(r#"kind in ["chat", "gift.final"]"#),
            vec![0, 1, 3, 4],
        ),
        (
            users(&["夏橘子"]),
            Some(r#"(user.id == "夏橘子" || user.name == "夏橘子")"#),
            vec![0, 4],
        ),
        (
            users(&["n", "小橘子"]),
            Some(
                r#"(user.id == "n" || user.name == "n" || user.id == "小橘子" || user.name == "小橘子")"#,
            ),
            vec![2, 3, 5],
        ),
        (
            users(&["11"]),
            Some(r#"(user.id == "11" || user.name == "11")"#),
            vec![0, 1, 2, 3, 4, 5],
        ),
        (
            said(r#""you""#),
            Some(r#"kind == "chat" && chat.text.contains("\"you\"")"#),
            vec![0],
        ),
        (
            said(r"/^hello\b/"),
            Some(r#"kind == "chat" && chat.text.matches("^hello\\b")"#),
            vec![0],
        ),
        (
            said(r"/^hello\b/i"),
            Some(r#"kind == "chat" && chat.text.matches("(?i)^hello\\b")"#),
            vec![0, 1],
        ),
        (
            said("/"),
            Some(r#"kind == "chat" && chat.text.contains("/")"#),
            vec![],
        ),
        (
            min_gift(100),
            Some(r#"kind == "gift.final" && gift_final.value >= 100"#),
            vec![3],
        ),
        (
            expression("user.id == 11 && !has(chat)"),
            Some("(user.id == 11 && !has(chat))"),
            vec![2, 3, 4, 5],
        ),
        (
            expression("site_fields.deep.er > 4"),
            Some("(site_fields.deep.er > 4)"),
            vec![0, 1, 2, 3, 4, 5],
        ),
        (
            expression("site_fields.deep.er > 5"),
            Some("(site_fields.deep.er > 5)"),
            vec![],
        ),
    ]);
}

fn check(cases: impl IntoIterator<Item = (FilterParts, Option<&'static str>, Vec<usize>)>) {
    for (parts, text, found) in cases {
        assert_eq!(parts.expression().as_deref(), text);
        assert_eq!(asked(&parts), found, "{text:?}");
        let filter = EventFilter::new(&parts).unwrap();
        assert_eq!(filter.expression(), text);
    }
}

#[test]
fn what_events_do_not_have_is_an_error_with_what_they_have() {
    for (text, says) in [
        (
            "user.nmae == 1",
            "at character 1: there is no member nmae; there is name",
        ),
        (
            "yes || gifts.value > 1",
            "at character 1: there is no member yes, in yes || gifts.value > 1",
        ),
        ("gift.final > 1", "at character 1: there is no member final"),
        (
            "user.name.first == 1",
            "at character 1: there is no member first, in user.name.first == 1",
        ),
        (
            r#"kind == "chta""#,
            "at character 1: there is no such value of kind: chta; there is chat",
        ),
        (
            r#"site in ["douyin", "huja"]"#,
            "at character 1: there is no such value of site: huja; there is huya",
        ),
        (
            r#"room_state.state == "end""#,
            "at character 1: there is no such value of state: end; there is ended",
        ),
        (
            "kind == ",
            "at character 9: expected a member, a value, ! or (, found the end",
        ),
        (
            r#"kind == "chat" && gift_final.value > 1 && kind == "like""#,
            "no event can be all of this: (kind == \"chat\"",
        ),
    ] {
        let error = EventFilter::new(&expression(text))
            .expect_err(text)
            .to_string();
        assert!(error.starts_with(says), "{error}");
    }
    let both = FilterParts {
        min_gift: Some(1),
        ..said("x")
    };
    let error = EventFilter::new(&both).unwrap_err().to_string();
    assert!(
        error.starts_with("no event can be all of this: kind == \"chat\""),
        "{error}"
    );
    let error = EventFilter::new(&said("/(/")).unwrap_err().to_string();
    assert!(
        error.contains("the pattern is not understood: unclosed group"),
        "{error}"
    );
    let error = EventFilter::new(&kinds(&["chta"])).unwrap_err().to_string();
    assert!(error.contains("there is chat"), "{error}");
}

#[test]
fn every_member_of_an_event_may_be_named() {
    let schema = crate::event_json_schema();
    let members = schema["properties"].as_object().expect("properties");
    assert!(members.len() > 20, "{}", members.len());
    for member in members.keys() {
        let known = EventFilter::new(&expression(&format!("has({member})")));
        assert!(known.is_ok(), "{member}");
    }
}

#[test]
fn what_is_true_of_no_event_is_refused_and_what_may_be_is_not() {
    for (text, words) in [
        (
            "kind == chat",
            r#"at character 9: chat without quotes is a member, which is an object and equal to nothing; write "chat""#,
        ),
        (
            r#"has(chat) && chat != "hi""#,
            "chat is an object, and equal to nothing; name one of its members, such as chat.text",
        ),
        (r#"user in ["a"]"#, "such as user.id"),
        (
            "kind",
            "at character 1: kind is no true or false; write has(kind) to ask whether it is there",
        ),
        (
            "has(user) && !user.name",
            "at character 15: user.name is no true or false",
        ),
    ] {
        let error = EventFilter::new(&expression(text)).expect_err(text);
        assert!(error.to_string().contains(words), "{text}: {error}");
    }
    for text in [
        "user.masked",
        "!user.masked",
        "user.masked == true",
        "user.id == user.name",
        "size(chat.pieces) > 1",
        "has(chat)",
        "site_fields.deep",
        "site_fields.deep == site_fields.other",
    ] {
        let filter = EventFilter::new(&expression(text));
        assert!(filter.is_ok(), "{text}: {filter:?}");
    }
}

fn parts() -> impl Strategy<Value = FilterParts> {
    let kind = prop::sample::select(vec!["chat", "gift.delta", "gift.final", "like"]);
    let user = prop::sample::select(vec!["夏橘子", "小橘子", "11", "\"", "\\"]);
    let said = prop::sample::select(vec!["hello", "/(?i)hello/", "\"you\"", "/o$/"]);
    let own = prop::sample::select(vec![
        "user.id == 11",
        r#"kind != "like""#,
        "gift_final.value > 100 || has(chat)",
    ]);
    (
        prop::collection::vec(kind.prop_map(str::to_owned), 0..3),
        prop::collection::vec(user.prop_map(str::to_owned), 0..3),
        prop::option::of(said.prop_map(Said::parse)),
        prop::option::of(0..600_u64),
        prop::option::of(own.prop_map(str::to_owned)),
    )
        .prop_map(|(kinds, users, said, min_gift, expression)| FilterParts {
            kinds,
            users,
            said,
            min_gift,
            expression,
        })
}

/// The parts by themselves, without an expression.
fn is_wanted(parts: &FilterParts, event: &Event<'_>) -> bool {
    let user = event.user.as_ref();
    let is_user =
        |wanted: &String| user.is_some_and(|user| user.id == *wanted || user.name == *wanted);
    let says = |said: &Said| match (&event.body, said) {
        (Body::Chat(chat), Said::Text(text)) => chat.text.contains(text.as_str()),
        (Body::Chat(chat), Said::Pattern(pattern)) => match pattern.as_str() {
            "(?i)hello" => chat.text.to_lowercase().contains("hello"),
            _ => chat.text.ends_with('o'),
        },
        _ => false,
    };
    let is_worth = |min: u64| matches!(&event.body, Body::GiftFinal(gift) if gift.value >= min);
    let own = parts.expression.as_deref().map(expression);
    let own = own.map(|own| EventFilter::new(&own).unwrap().matches(event));
    (parts.kinds.is_empty() || parts.kinds.iter().any(|kind| kind == event.kind()))
        && (parts.users.is_empty() || parts.users.iter().any(is_user))
        && parts.said.as_ref().is_none_or(says)
        && parts.min_gift.is_none_or(is_worth)
        && own.unwrap_or(true)
}

proptest! {
    #[test]
    fn parts_together_are_their_expression(parts in parts()) {
        let events = events();
        match EventFilter::new(&parts) {
            Err(EventFilterError::Nothing(_)) => {
                prop_assert!(!events.iter().any(|event| is_wanted(&parts, event)));
            }
            Err(error) => prop_assert!(false, "{}", error),
            Ok(filter) => for event in &events {
                prop_assert_eq!(filter.matches(event), is_wanted(&parts, event));
                // The same where nothing is known beforehand.
                let Some(text) = filter.expression() else { continue };
                let mut json = Vec::new();
                event.write_json(&mut json);
                prop_assert_eq!(filter.matches(event), Filter::parse(text).unwrap().matches_json(&json));
            }
        }
    }
}
