//! Messages as events.

use std::borrow::Cow;

use pagewire_codec::DecodeError;

use super::envelope::Message;
use super::fields::{bytes, each, id, number, text};
use crate::event::{
    Badge, Event, Gift, Ranked, RoomState, Site, Time, TimeSource, Unit, User, What,
};

/// Everybody has this id who is shown to somebody without a log-in.
const MASKED_ID: &str = "111111";

impl<'a> Message<'a> {
    /// The event. A kind that is not known is [`What::Unknown`] with its bytes.
    ///
    /// # Errors
    ///
    /// A message of a known kind that is no Protobuf; the others of its response are not touched.
    pub fn event(&self, arrival_ms: u64) -> Result<Event<'a>, DecodeError> {
        let read = self.read();
        let read = read.map_err(|error| error.shifted(self.at).inside(&*self.method))?;
        let common = read.common;
        Ok(Event {
            id: Cow::Owned(self.msg_id.to_string()),
            site: Site::Douyin,
            room: common.room,
            time: time(read.event_time_s, common.create_ms, arrival_ms),
            user: read.user,
            what: read.what,
            method: self.method.clone(),
        })
    }

    fn read(&self) -> Result<Read<'a>, DecodeError> {
        let payload = self.payload;
        match &*self.method {
            "WebcastChatMessage" => chat(payload),
            "WebcastEmojiChatMessage" => emoji(payload),
            "WebcastGiftMessage" => gift(payload),
            "WebcastLikeMessage" => like(payload),
            "WebcastMemberMessage" => member(payload),
            "WebcastSocialMessage" => social(payload),
            "WebcastFansclubMessage" => fan_club(payload),
            "WebcastRoomUserSeqMessage" => user_seq(payload),
            "WebcastRoomStatsMessage" => stats(payload),
            "WebcastRoomRankMessage" => rank(payload),
            "WebcastControlMessage" => control(payload),
            "WebcastRoomMessage" => notice(payload),
            _ => Ok(unknown(payload)),
        }
    }
}

/// What a message holds.
struct Read<'a> {
    common: Common<'a>,
    user: Option<User<'a>>,
    what: What<'a>,
    event_time_s: u64,
}

/// What all messages have.
#[derive(Default)]
struct Common<'a> {
    room: Cow<'a, str>,
    create_ms: u64,
}

/// Seconds and milliseconds of Unix time; 0 is none.
const fn time(event_s: u64, create_ms: u64, arrival_ms: u64) -> Time {
    let (time_ms, time_source) = if event_s > 0 {
        (event_s.saturating_mul(1_000), TimeSource::Event)
    } else if create_ms > 0 {
        (create_ms, TimeSource::Create)
    } else {
        (arrival_ms, TimeSource::Arrival)
    };
    Time {
        time_ms,
        time_source,
    }
}

fn common(fields: &[u8]) -> Result<Common<'_>, DecodeError> {
    let mut common = Common::default();
    each(fields, |field| {
        match field.number {
            3 => common.room = id(&field),
            4 => common.create_ms = number(&field),
            _ => {}
        }
        Ok(())
    })?;
    Ok(common)
}

fn user(fields: &[u8]) -> Result<User<'_>, DecodeError> {
    let mut user = User {
        id: Cow::default(),
        name: Cow::default(),
        level: None,
        badges: Vec::new(),
        masked: false,
    };
    each(fields, |field| {
        match field.number {
            1 => user.id = id(&field),
            3 => user.name = text(&field),
            23 => user.level = pay_level(bytes(&field))?,
            24 => user.badges.extend(badge(bytes(&field))?),
            _ => {}
        }
        Ok(())
    })?;
    user.masked = user.id == MASKED_ID;
    Ok(user)
}

/// PayGrade.level
fn pay_level(fields: &[u8]) -> Result<Option<u64>, DecodeError> {
    let mut level = None;
    each(fields, |field| {
        if field.number == 6 {
            level = Some(number(&field));
        }
        Ok(())
    })?;
    Ok(level.filter(|level| *level > 0))
}

/// FansClub.data
fn badge(fields: &[u8]) -> Result<Option<Badge<'_>>, DecodeError> {
    let mut badge = Badge {
        name: Cow::default(),
        level: None,
    };
    each(fields, |field| {
        if field.number != 1 {
            return Ok(());
        }
        each(bytes(&field), |data| {
            match data.number {
                1 => badge.name = text(&data),
                2 => badge.level = Some(number(&data)),
                _ => {}
            }
            Ok(())
        })
    })?;
    Ok((!badge.name.is_empty()).then_some(badge))
}

fn chat(payload: &[u8]) -> Result<Read<'_>, DecodeError> {
    let (mut common_part, mut who) = (Common::default(), None);
    let (mut said, mut event_time_s) = (Cow::default(), 0);
    each(payload, |field| {
        match field.number {
            1 => common_part = common(bytes(&field))?,
            2 => who = Some(user(bytes(&field))?),
            3 => said = text(&field),
            15 => event_time_s = number(&field),
            _ => {}
        }
        Ok(())
    })?;
    Ok(Read {
        common: common_part,
        user: who,
        what: What::Chat { text: said },
        event_time_s,
    })
}

/// An emoji alone is a chat of what stands for it.
fn emoji(payload: &[u8]) -> Result<Read<'_>, DecodeError> {
    let (mut common_part, mut who, mut said) = (Common::default(), None, Cow::default());
    each(payload, |field| {
        match field.number {
            1 => common_part = common(bytes(&field))?,
            2 => who = Some(user(bytes(&field))?),
            5 => said = text(&field),
            _ => {}
        }
        Ok(())
    })?;
    Ok(by(common_part, who, What::Chat { text: said }))
}

fn gift(payload: &[u8]) -> Result<Read<'_>, DecodeError> {
    let (mut common_part, mut who) = (Common::default(), None);
    let mut gift = Gift {
        gift: Cow::default(),
        name: Cow::default(),
        group_count: 0,
        repeat_count: 0,
        combo_count: 0,
        total_count: 0,
        combo: Cow::default(),
        ends: false,
        unit_value: 0,
        unit: Unit::Diamond,
        receiver: None,
    };
    each(payload, |field| {
        match field.number {
            1 => common_part = common(bytes(&field))?,
            2 => gift.gift = id(&field),
            4 => gift.group_count = number(&field),
            5 => gift.repeat_count = number(&field),
            6 => gift.combo_count = number(&field),
            7 => who = Some(user(bytes(&field))?),
            8 => gift.receiver = Some(user(bytes(&field))?),
            9 => gift.ends = number(&field) == 1,
            11 => gift.combo = id(&field),
            15 => each(bytes(&field), |of_gift| {
                match of_gift.number {
                    12 => gift.unit_value = number(&of_gift),
                    16 => gift.name = text(&of_gift),
                    _ => {}
                }
                Ok(())
            })?,
            29 => gift.total_count = number(&field),
            _ => {}
        }
        Ok(())
    })?;
    Ok(by(common_part, who, What::Gift(gift)))
}

fn like(payload: &[u8]) -> Result<Read<'_>, DecodeError> {
    let (mut common_part, mut who, mut count, mut total) = (Common::default(), None, 0, 0);
    each(payload, |field| {
        match field.number {
            1 => common_part = common(bytes(&field))?,
            2 => count = number(&field),
            3 => total = number(&field),
            5 => who = Some(user(bytes(&field))?),
            _ => {}
        }
        Ok(())
    })?;
    Ok(by(common_part, who, What::Like { count, total }))
}

/// Somebody comes in; the other actions of this kind are not read yet.
fn member(payload: &[u8]) -> Result<Read<'_>, DecodeError> {
    let (mut common_part, mut who, mut viewers, mut action) = (Common::default(), None, None, 0);
    each(payload, |field| {
        match field.number {
            1 => common_part = common(bytes(&field))?,
            2 => who = Some(user(bytes(&field))?),
            3 => viewers = Some(number(&field)),
            10 => action = number(&field),
            _ => {}
        }
        Ok(())
    })?;
    let what = match action {
        8 => What::Share,
        20 => What::Follow { followers: None },
        0 | 1 => What::Enter { viewers },
        _ => What::Unknown { base64: payload },
    };
    Ok(by(common_part, who, what))
}

fn social(payload: &[u8]) -> Result<Read<'_>, DecodeError> {
    let (mut common_part, mut who, mut action, mut followers) = (Common::default(), None, 0, None);
    each(payload, |field| {
        match field.number {
            1 => common_part = common(bytes(&field))?,
            2 => who = Some(user(bytes(&field))?),
            4 => action = number(&field),
            6 => followers = Some(number(&field)),
            _ => {}
        }
        Ok(())
    })?;
    let what = match action {
        1 => What::Follow { followers },
        3 => What::Share,
        _ => What::Unknown { base64: payload },
    };
    Ok(by(common_part, who, what))
}

fn fan_club(payload: &[u8]) -> Result<Read<'_>, DecodeError> {
    let (mut common_part, mut who, mut said) = (Common::default(), None, Cow::default());
    each(payload, |field| {
        match field.number {
            1 => common_part = common(bytes(&field))?,
            3 => said = text(&field),
            4 => who = Some(user(bytes(&field))?),
            _ => {}
        }
        Ok(())
    })?;
    Ok(by(common_part, who, What::FanClub { text: said }))
}

fn user_seq(payload: &[u8]) -> Result<Read<'_>, DecodeError> {
    let mut common_part = Common::default();
    let (mut viewers, mut total, mut shown) = (None, None, Cow::default());
    each(payload, |field| {
        match field.number {
            1 => common_part = common(bytes(&field))?,
            3 => viewers = Some(number(&field)),
            7 => total = Some(number(&field)),
            8 => shown = text(&field),
            _ => {}
        }
        Ok(())
    })?;
    let what = What::Stats {
        viewers,
        total,
        text: shown,
    };
    Ok(by(common_part, None, what))
}

fn stats(payload: &[u8]) -> Result<Read<'_>, DecodeError> {
    let mut common_part = Common::default();
    let (mut total, mut shown) = (None, Cow::default());
    each(payload, |field| {
        match field.number {
            1 => common_part = common(bytes(&field))?,
            4 => shown = text(&field),
            9 => total = Some(number(&field)),
            _ => {}
        }
        Ok(())
    })?;
    let what = What::Stats {
        viewers: None,
        total,
        text: shown,
    };
    Ok(by(common_part, None, what))
}

fn rank(payload: &[u8]) -> Result<Read<'_>, DecodeError> {
    let (mut common_part, mut users) = (Common::default(), Vec::new());
    each(payload, |field| {
        match field.number {
            1 => common_part = common(bytes(&field))?,
            2 => users.extend(ranked(bytes(&field))?),
            _ => {}
        }
        Ok(())
    })?;
    Ok(by(common_part, None, What::Rank { users }))
}

fn ranked(fields: &[u8]) -> Result<Option<Ranked<'_>>, DecodeError> {
    let (mut who, mut score) = (None, Cow::default());
    each(fields, |field| {
        match field.number {
            1 => who = Some(user(bytes(&field))?),
            2 => score = text(&field),
            _ => {}
        }
        Ok(())
    })?;
    Ok(who.map(|user| Ranked { user, score }))
}

fn control(payload: &[u8]) -> Result<Read<'_>, DecodeError> {
    let (mut common_part, mut action) = (Common::default(), 0);
    each(payload, |field| {
        match field.number {
            1 => common_part = common(bytes(&field))?,
            2 => action = number(&field),
            _ => {}
        }
        Ok(())
    })?;
    let what = match action {
        1 => What::RoomState {
            state: RoomState::Paused,
        },
        2 => What::RoomState {
            state: RoomState::Live,
        },
        3 | 4 | 6 => What::RoomState {
            state: RoomState::Ended,
        },
        _ => What::Unknown { base64: payload },
    };
    Ok(by(common_part, None, what))
}

fn notice(payload: &[u8]) -> Result<Read<'_>, DecodeError> {
    let (mut common_part, mut said) = (Common::default(), Cow::default());
    each(payload, |field| {
        match field.number {
            1 => common_part = common(bytes(&field))?,
            2 => said = text(&field),
            _ => {}
        }
        Ok(())
    })?;
    Ok(by(common_part, None, What::Notice { text: said }))
}

fn unknown(payload: &[u8]) -> Read<'_> {
    by(Common::default(), None, What::Unknown { base64: payload })
}

fn by<'a>(common: Common<'a>, user: Option<User<'a>>, what: What<'a>) -> Read<'a> {
    Read {
        common,
        user,
        what,
        event_time_s: 0,
    }
}
