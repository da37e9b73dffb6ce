//! `docs/events.md` shows an event of each kind as it is written, made up by the frames that anybody can make.

use std::env;
use std::fs;
use std::path::Path;

use pagewire_live::made::douyin::Frames;
use pagewire_live::{
    Body, Control, Event, FrameReader, Gift, GiftCount, Room, Site, SitePart, Time, User,
    event_json_schema,
};

/// When the frames came: a second after the first of their messages.
const ARRIVAL_MS: u64 = 1_767_268_801_000;

/// What happened in the room of seed 1.
fn happened() -> Vec<Event<'static>> {
    let (mut reader, mut room) = (FrameReader::new(Site::Douyin), Room::default());
    let mut events = vec![mute()];
    for (frame, now_ms) in Frames::new(1).take(40).zip(ARRIVAL_MS..) {
        reader.read(&frame, ARRIVAL_MS, |event| {
            let event = event.expect("what is made up can be read");
            room.take(event, now_ms, |event| events.push(event.into_owned()));
        });
    }
    room.end(|event| events.push(event.into_owned()));
    events
}

/// No frame that is made up keeps order.
fn mute() -> Event<'static> {
    let person = |id: &'static str, name: &'static str| User {
        id: id.into(),
        name: name.into(),
        ..User::default()
    };
    Event {
        site: Site::Douyin,
        room: "7253216855122957202".into(),
        id: "7590361702416318465".into(),
        time: Time::best(0, ARRIVAL_MS, 0),
        user: Some(person("112035886804", "青橘子汽水")),
        body: Body::Control(Control {
            action: "mute".into(),
            by: Some(Box::new(person("3905581172", "月间小屋"))),
            ..Control::default()
        }),
        method: "WebcastNotifyEffectMessage".into(),
        part: SitePart::NONE,
    }
}

/// Of kinds with much in them the page shows one that has it.
fn is_telling(event: &Event<'_>) -> bool {
    if let Body::Chat(chat) = &event.body {
        return !chat.pieces.is_empty();
    }
    if let Body::Gift(gift) = &event.body {
        return gift.group_count > 1 && gift.combo_count > 1;
    }
    if let Body::GiftDelta(count) | Body::GiftFinal(count) = &event.body {
        return count.count > 1;
    }
    if let Body::Rank(rank) = &event.body {
        return rank.users.len() < 4 && !rank.changes.is_empty();
    }
    true
}

/// People are shown whole in the first example only: what they have besides their names is long.
fn without_details(mut event: Event<'static>) -> Event<'static> {
    let strip = |user: &mut User<'static>| {
        user.avatar = None;
        user.badges.clear();
    };
    event.user.iter_mut().for_each(strip);
    if let Body::Gift(Gift { receiver, .. })
    | Body::GiftDelta(GiftCount { receiver, .. })
    | Body::GiftFinal(GiftCount { receiver, .. }) = &mut event.body
    {
        receiver.iter_mut().for_each(|user| strip(user));
    }
    if let Body::Rank(rank) = &mut event.body {
        rank.users.iter_mut().for_each(|one| strip(&mut one.user));
        rank.changes.iter_mut().for_each(|one| strip(&mut one.user));
    }
    event
}

/// A member a line, in the order of the line that the program writes.
fn pretty(event: &Event<'_>) -> String {
    let mut line = Vec::new();
    event.write_json(&mut line);
    let (mut out, mut depth, mut in_text) = (String::new(), 0, false);
    let broken = |depth: usize| format!("\n{}", "  ".repeat(depth));
    // No text of what is made up has a quotation mark.
    for c in String::from_utf8(line).expect("UTF-8").chars() {
        in_text ^= c == '"';
        match c {
            '{' | '[' if !in_text => {
                depth += 1;
                out += &format!("{c}{}", broken(depth));
            }
            '}' | ']' if !in_text => {
                depth -= 1;
                out += &format!("{}{c}", broken(depth));
            }
            ',' if !in_text => out += &format!(",{}", broken(depth)),
            ':' if !in_text => out += ": ",
            _ => out.push(c),
        }
    }
    out.replace("{\n  \n  }", "{}")
}

/// The page with the examples that are made now, each behind its mark.
fn with_examples(page: &str, events: &[Event<'static>]) -> String {
    let mut parts = page.split("<!-- example: ");
    let mut made = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (kind, rest) = part.split_once(" -->").expect("a mark has an end");
        let mut of_kind = events.iter().filter(|event| event.kind() == kind);
        let event = of_kind.find(|event| is_telling(event)).expect(kind);
        let event = match kind {
            "chat" => event.clone(),
            _ => without_details(event.clone()),
        };
        let json = pretty(&event);
        let after = rest.split_once("\n```\n").expect("an example has an end").1;
        made += &format!("<!-- example: {kind} -->\n```json\n{json}\n```\n{after}");
    }
    made
}

/// `PAGEWIRE_REGENERATE=1` writes them.
#[test]
fn the_page_shows_an_event_of_each_kind_as_it_is_made() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/events.md");
    let stands = fs::read_to_string(&file).expect("the page is there");
    let made = with_examples(&stands, &happened());
    if env::var_os("PAGEWIRE_REGENERATE").is_some_and(|value| value == "1") {
        fs::write(&file, &made).expect("it can be written");
    } else {
        let file = file.display();
        assert!(
            stands == made,
            "{file} is old; PAGEWIRE_REGENERATE=1 writes it"
        );
    }
    let schema = jsonschema::validator_for(&event_json_schema()).expect("a schema");
    let examples = made.split("```json\n").skip(1);
    let kinds = examples.map(|example| {
        let (json, _) = example.split_once("\n```\n").expect("it has an end");
        let event: serde_json::Value = serde_json::from_str(json).expect("JSON");
        schema.validate(&event).expect("an event");
        event["kind"].as_str().expect("a text").to_owned()
    });
    assert!(kinds.eq(Event::kinds()));
}
