//! Answers to what a client sends.

use std::borrow::Cow;
use std::collections::HashMap;

use pagewire_codec::{DecodeError, Fault, TarsReader, WupPacket};

use super::envelope::{
    CALL_ANSWERED, Command, GROUPS_REGISTERED, HEARTBEAT_ANSWERED, USER_REGISTERED,
};
use super::fields::{id, number, structs, text};
use super::requests::PRICE_LIST;
use crate::event::{Gift, Unit};

/// Entries of a price list that are read. One more is an error. The site has some hundreds.
pub const PRICES_MAX: usize = 16_384;

/// An answer of the site.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer<'a> {
    /// To [`register_user`](super::register_user).
    Registered {
        /// 0 is well; what others mean is not known.
        code: i64,
        /// What the site says of it.
        message: Cow<'a, str>,
    },
    /// To [`register_groups`](super::register_groups).
    GroupsRegistered {
        /// 0 is well; what others mean is not known.
        code: i64,
    },
    /// To [`heartbeat`](super::heartbeat).
    Heartbeat,
    /// To a call such as [`ask_for_prices`](super::ask_for_prices).
    Call(WupPacket<'a>),
}

impl<'a> Answer<'a> {
    /// Reads a WebSocket message; one that is no such answer is none.
    ///
    /// # Errors
    ///
    /// Bytes that are no Tars, or are something else than their command says.
    pub fn read(frame: &'a [u8]) -> Result<Option<Self>, DecodeError> {
        let command = Command::read(frame)?;
        let mut fields = TarsReader::new(command.data);
        let answer = match command.kind {
            USER_REGISTERED => registered(&mut fields),
            GROUPS_REGISTERED => groups_registered(&mut fields),
            HEARTBEAT_ANSWERED => Ok(Self::Heartbeat),
            CALL_ANSWERED => WupPacket::decode(command.data).map(Self::Call),
            _ => return Ok(None),
        };
        answer
            .map(Some)
            .map_err(|error| error.shifted(command.at).inside("1"))
    }
}

fn registered<'a>(fields: &mut TarsReader<'a>) -> Result<Answer<'a>, DecodeError> {
    Ok(Answer::Registered {
        code: fields.integer(0)?.unwrap_or_default(),
        message: text(fields, 2)?,
    })
}

fn groups_registered<'a>(fields: &mut TarsReader<'a>) -> Result<Answer<'a>, DecodeError> {
    Ok(Answer::GroupsRegistered {
        code: fields.integer(0)?.unwrap_or_default(),
    })
}

/// What a gift is called, and what one is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    /// The site's id of the gift, as events have it.
    pub gift: String,
    /// What it is called.
    pub name: String,
    /// In hundredths of a Y coin, [`Unit::YbCent`](crate::Unit::YbCent); 0 for what is free.
    pub yb_cents: u64,
}

/// Reads the answer of `PropsUIServer.getPropsList`. An answer without a list has none.
///
/// # Errors
///
/// An answer that is something else, and more than [`PRICES_MAX`] gifts. Places count from the first byte of the list's struct.
pub fn prices(answer: &WupPacket<'_>) -> Result<Vec<Price>, DecodeError> {
    let arguments = answer.arguments()?;
    let list = arguments.iter().find(|(name, _)| *name == "tRsp");
    let list = list.map(|(_, bytes)| TarsReader::new(bytes).structure(0));
    let Some(mut list) = list.transpose()?.flatten() else {
        return Ok(Vec::new());
    };
    let mut prices = Vec::new();
    for item in structs(&mut list, 1)? {
        if prices.len() >= PRICES_MAX {
            return Err(DecodeError::at(0, TOO_MANY));
        }
        let mut item = item?;
        prices.push(Price {
            gift: id(&mut item, 1)?.into_owned(),
            name: text(&mut item, 2)?.into_owned(),
            yb_cents: number(&mut item, 3)?,
        });
    }
    Ok(prices)
}

/// What the gifts of a room cost, by their ids, once the site has said so.
#[derive(Debug, Default)]
pub(crate) struct Prices(HashMap<String, u64>);

impl Prices {
    /// Takes in the answer to a call. One that is no price list is none of ours: pages call much, in ways that are not known.
    pub(super) fn learn(&mut self, frame: &[u8]) -> Result<(), DecodeError> {
        if let Ok(Some(Answer::Call(answer))) = Answer::read(frame)
            && answer.function == PRICE_LIST
        {
            let prices = prices(&answer)?.into_iter();
            self.0 = prices.map(|price| (price.gift, price.yb_cents)).collect();
        }
        Ok(())
    }

    pub(super) fn tell(&self, gift: &mut Gift<'_>) {
        if let Some(yb_cents) = self.0.get(&*gift.gift) {
            (gift.unit_value, gift.unit) = (Some(*yb_cents), Some(Unit::YbCent));
        }
    }
}

const TOO_MANY: Fault = Fault::Limit {
    what: "gifts in a price list",
    got: (PRICES_MAX as u64).saturating_add(1),
    max: PRICES_MAX as u64,
};
