//! Who is first.

use std::borrow::Cow;

use pagewire_codec::stt_items;

use super::members::{each, number};
use crate::event::{Badge, Body, EVENT_LIST_MAX, Rank, Ranked};

/// A list of people, each a message within it. They are copied, since they were escaped.
pub(super) fn rank(name: &str, list: &str, club: Option<&str>) -> Body<'static> {
    let items = stt_items(list).take(EVENT_LIST_MAX);
    let places = items.zip(1_u64..);
    Body::Rank(Rank {
        name: Cow::Owned(name.to_owned()),
        users: places
            .map(|(item, place)| ranked(&item.value, place, club))
            .collect(),
        changes: Vec::new(),
    })
}

fn ranked(message: &str, place: u64, club: Option<&str>) -> Ranked<'static> {
    let mut ranked = Ranked {
        place,
        ..Ranked::default()
    };
    let (user, mut club_level) = (&mut ranked.user, None);
    each(message, |key, value| match key {
        "uid" => user.id = owned(&value).into(),
        "nn" | "nickname" => user.name = owned(&value),
        "level" | "lev" => user.level = number(&value),
        "bl" => club_level = number(&value),
        "crk" => ranked.place = number(&value).filter(|place| *place > 0).unwrap_or(place),
        "gold" | "fim" => ranked.score = owned(&value),
        _ => {}
    });
    if let Some(club) = club {
        user.badges.push(Badge {
            name: owned(club),
            level: club_level,
            room: None,
        });
    }
    ranked
}

fn owned(text: &str) -> Cow<'static, str> {
    Cow::Owned(text.to_owned())
}
