//! Rankings.

use std::borrow::Cow;

use pagewire_codec::{DecodeError, TarsReader};

use super::fields::{id, number, some_number, some_text, structs, text};
use super::messages::Read;
use super::people::noble;
use crate::event::{Body, EVENT_LIST_MAX, Rank, Ranked, User};

/// `VipBarListRsp`: those who sit in front.
pub(super) fn vip_bar<'a>(fields: &mut TarsReader<'a>) -> Result<Read<'a>, DecodeError> {
    let start = number(fields, 1)?;
    let users = ranked(fields, 4, start, |item, ranked| {
        ranked.user.id = id(item, 0)?.into();
        ranked.user.level = noble(item, 2)?.and_then(|noble| noble.level);
        ranked.user.name = text(item, 5)?;
        ranked.user.avatar = some_text(item, 8)?;
        Ok(())
    })?;
    let mut read = of("vip_bar", users);
    read.presenter = id(fields, 7)?;
    Ok(read)
}

/// `WeekRankListRsp`: who gave most this week.
pub(super) fn week<'a>(fields: &mut TarsReader<'a>) -> Result<Read<'a>, DecodeError> {
    // Where the list starts is told behind it.
    let start = number(&mut fields.clone(), 1)?;
    let users = ranked(fields, 0, start, |item, ranked| {
        ranked.user.id = id(item, 0)?.into();
        ranked.user.name = text(item, 1)?;
        let score = id(item, 2)?;
        ranked.user.level = some_number(item, 4)?;
        ranked.user.avatar = some_text(item, 5)?;
        // The second score has more bits.
        let long_score = id(item, 8)?;
        ranked.score = if long_score.is_empty() {
            score
        } else {
            long_score
        };
        Ok(())
    })?;
    let mut read = of("week", users);
    read.presenter = id(fields, 4)?;
    Ok(read)
}

/// `FansRankListRsp`: who is first in the club.
pub(super) fn fans<'a>(fields: &mut TarsReader<'a>) -> Result<Read<'a>, DecodeError> {
    let users = ranked(fields, 2, 0, |item, ranked| {
        ranked.user.id = id(item, 0)?.into();
        ranked.user.name = text(item, 1)?;
        ranked.score = id(item, 2)?;
        ranked.user.avatar = some_text(item, 4)?;
        Ok(())
    })?;
    Ok(of("fans", users))
}

fn of<'a>(name: &'static str, users: Vec<Ranked<'a>>) -> Read<'a> {
    Read::of(Body::Rank(Rank {
        name: Cow::Borrowed(name),
        users,
        ..Rank::default()
    }))
}

/// The list with this tag, whose first entry is behind `start` others.
fn ranked<'a>(
    fields: &mut TarsReader<'a>,
    tag: u8,
    start: u64,
    fill: impl Fn(&mut TarsReader<'a>, &mut Ranked<'a>) -> Result<(), DecodeError>,
) -> Result<Vec<Ranked<'a>>, DecodeError> {
    let (mut users, mut place) = (Vec::new(), start);
    for item in structs(fields, tag)?.take(EVENT_LIST_MAX) {
        place = place.saturating_add(1);
        let mut ranked = Ranked {
            place,
            user: User::default(),
            score: Cow::default(),
        };
        fill(&mut item?, &mut ranked)?;
        users.push(ranked);
    }
    Ok(users)
}
