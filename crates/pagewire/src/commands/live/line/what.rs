//! What happened, in words.

use pagewire_live::{
    Body, Chat, Control, Enter, Event, FanClub, Gift, GiftCount, Like, Link, Rank, RankChange,
    RoomStateChange, Stats, Unit, User,
};

use super::{name, short, text};

/// Places of a ranking, and sides of a link, that are shown; the others are counted.
const PLACES_SHOWN_MAX: usize = 3;

pub(super) fn what(event: &Event<'_>) -> String {
    match &event.body {
        Body::Chat(chat) => said(chat),
        Body::Gift(gift) => pressed(gift),
        Body::GiftDelta(count) => given(count, ""),
        Body::GiftFinal(count) => given(count, " in all"),
        Body::Like(like) => liked(like),
        Body::Enter(enter) => entered(enter),
        Body::Follow(follow) => listed([Some("follows".into()), of(follow.followers, "followers")]),
        Body::Share(share) => match &share.target {
            Some(target) => format!("shared to {}", text(target)),
            None => "shared the room".to_owned(),
        },
        Body::FanClub(club) => risen(club),
        Body::Stats(stats) => counted(stats),
        Body::Rank(rank) => ranked(rank),
        Body::RoomState(change) => changed(change),
        Body::Notice(notice) => text(&notice.text),
        Body::Link(link) => linked(link),
        Body::Control(control) => ordered(control),
        Body::Unknown(unknown) => {
            let (method, size) = (text(&event.method), number(unknown.bytes.0.len() as u64));
            format!("{method}, {size} bytes")
        }
        _ => String::new(),
    }
}

fn said(chat: &Chat<'_>) -> String {
    let mut said = String::new();
    if let Some(user) = &chat.reply_to {
        said += &format!("@{} ", name(user));
    }
    said += &text(&chat.text);
    if let Some(paid) = chat.paid {
        said += &format!(" (paid {})", money(paid, chat.unit));
    }
    said
}

/// What one message tells: not how many more there are.
fn pressed(gift: &Gift<'_>) -> String {
    let gift_name = gift_name(&gift.name, &gift.gift);
    let count = number(gift.count);
    let end = if gift.ends { ", the last" } else { "" };
    format!(
        "×{count} {gift_name} so far{}{end}",
        to(gift.receiver.as_deref())
    )
}

fn given(count: &GiftCount<'_>, of_what: &str) -> String {
    let gift_name = gift_name(&count.name, &count.gift);
    let worth = match (count.value, count.unit) {
        (0, _) => String::new(),
        (value, unit) => format!(", {}", money(value, unit)),
    };
    let receiver = to(count.receiver.as_deref());
    let count = number(count.count);
    format!("×{count} {gift_name}{of_what}{worth}{receiver}")
}

fn gift_name(name: &str, id: &str) -> String {
    if name.is_empty() {
        return format!("gift {}", short(id));
    }
    short(name)
}

fn to(receiver: Option<&User<'_>>) -> String {
    let known = receiver.filter(|user| !user.name.is_empty());
    known.map_or_else(String::new, |user| format!(" to {}", name(user)))
}

fn money(value: u64, unit: Option<Unit>) -> String {
    let unit = unit.map_or_else(String::new, |unit| {
        format!(" {}", unit.name().replace('_', " "))
    });
    number(value) + &unit
}

fn liked(like: &Like) -> String {
    listed([
        Some(format!("×{}", number(like.count))),
        of(like.total, "in all"),
    ])
}

fn entered(enter: &Enter<'_>) -> String {
    let came = enter
        .text
        .as_ref()
        .map_or_else(|| "came in".to_owned(), |said| text(said));
    listed([Some(came), of(enter.viewers, "viewers")])
}

fn risen(club: &FanClub<'_>) -> String {
    let action = short(&club.action).replace('_', " ");
    let said = (!club.text.is_empty()).then(|| text(&club.text));
    let action = (!action.is_empty()).then_some(action);
    joined(": ", [action, said])
}

fn counted(stats: &Stats<'_>) -> String {
    let said = stats.text.as_ref().map(|said| text(said));
    listed([
        of(stats.viewers, "viewers"),
        of(stats.total, "so far"),
        of(stats.heat, "hot"),
        of(stats.likes, "likes"),
        said,
    ])
}

fn ranked(rank: &Rank<'_>) -> String {
    let places = rank.users.iter().map(|ranked| {
        let score = match &*ranked.score {
            "" => String::new(),
            score => format!(" ({})", short(score)),
        };
        format!("{} {}{score}", ranked.place, name(&ranked.user))
    });
    let changes = rank.changes.iter().map(moved);
    let changes = first(changes).map(|changes| format!("· {changes}"));
    let places = first(places).unwrap_or_else(|| "nobody".to_owned());
    joined(
        " ",
        [Some(format!("{}: {places}", short(&rank.name))), changes],
    )
}

fn moved(change: &RankChange<'_>) -> String {
    let name = name(&change.user);
    match (change.from, change.to) {
        (None, None) => name,
        (None, Some(to)) => format!("{name} is new at {to}"),
        (Some(from), None) => format!("{name} is gone from {from}"),
        (Some(from), Some(to)) => format!("{name} {from}→{to}"),
    }
}

fn changed(change: &RoomStateChange<'_>) -> String {
    let state = change.state.map(|state| state.name().to_owned());
    let title = change.title.as_ref();
    let title = title.map(|title| format!("title {}", text(title)));
    listed([state, title, change.text.as_ref().map(|said| text(said))])
}

fn linked(link: &Link<'_>) -> String {
    let sides = link.sides.iter().map(|side| {
        let name = short(side.name.as_ref().unwrap_or(&side.id));
        match side.score {
            Some(score) => format!("{name} {}", number(score)),
            None => name,
        }
    });
    let battle = link.battle.then(|| "battle".to_owned());
    let action = (!link.action.is_empty()).then(|| short(&link.action));
    joined(": ", [joined_some(" ", [battle, action]), first(sides)])
}

fn ordered(control: &Control<'_>) -> String {
    let said = control.text.as_ref().map(|said| text(said));
    let by = control.by.as_ref().map(|by| format!("by {}", name(by)));
    let meant = match control.ids.len() {
        0 => None,
        1 => Some("of 1 message".to_owned()),
        count => Some(format!("of {count} messages")),
    };
    let action = joined(" ", [Some(short(&control.action)), meant, by]);
    joined(": ", [Some(action), said])
}

/// The first few, and how many there are besides.
fn first(entries: impl ExactSizeIterator<Item = String>) -> Option<String> {
    let more = entries.len().saturating_sub(PLACES_SHOWN_MAX);
    let shown: Vec<_> = entries.take(PLACES_SHOWN_MAX).collect();
    let more = (more > 0).then(|| format!(", and {more} more"));
    (!shown.is_empty()).then(|| shown.join(", ") + &more.unwrap_or_default())
}

fn of(count: Option<u64>, what: &str) -> Option<String> {
    count.map(|count| format!("{} {what}", number(count)))
}

fn listed<const N: usize>(parts: [Option<String>; N]) -> String {
    joined(", ", parts)
}

fn joined<const N: usize>(between: &str, parts: [Option<String>; N]) -> String {
    joined_some(between, parts).unwrap_or_default()
}

fn joined_some<const N: usize>(between: &str, parts: [Option<String>; N]) -> Option<String> {
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(between))
}

/// With its thousands apart.
pub(in super::super) fn number(count: u64) -> String {
    let digits = count.to_string();
    let mut shown = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}
