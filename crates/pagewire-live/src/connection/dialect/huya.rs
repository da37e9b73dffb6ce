//! Huya: what gifts cost, which no gift tells, and registration by the groups of the presenter, which needs no log-in.

use super::Heard;
use crate::huya::{Answer, ask_for_prices, register_groups};
use crate::sites::RoomFacts;

pub(super) fn enter(facts: &RoomFacts) -> Result<Vec<Vec<u8>>, &'static str> {
    let presenter = facts.presenter.parse().map_err(|_| "presenter")?;
    // In this order: what comes after registration is to find the prices there.
    Ok(vec![
        ask_for_prices(PRICES_REQUEST),
        register_groups(presenter),
    ])
}

pub(super) fn hear(frame: &[u8]) -> Heard {
    match Answer::read(frame) {
        Ok(Some(Answer::Registered { code, .. } | Answer::GroupsRegistered { code }))
            if code != 0 =>
        {
            Heard::denied(code)
        }
        Ok(_) => Heard::default(),
        Err(_) => Heard::damaged(),
    }
}

/// The one question of a connection.
const PRICES_REQUEST: i64 = 1;
