//! Live rooms, without a socket, a file or a clock.
//!
//! [`Event`] is what happens in a room of any site; modules such as [`douyin`] read it out of a site's messages. [`GiftLedger`] counts gifts.
#![cfg_attr(
    not(test),
    warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)
)]

pub mod bilibili;
mod bracketed;
pub mod douyin;
pub mod douyu;
mod event;
mod ledger;
pub mod made;
mod model;
mod reader;

pub use event::*;
pub use ledger::{
    Combo, Count, GiftLedger, IDLE_MS, LEDGER_COMBOS_MAX, Ledgered, Press, REMEMBERED_MS,
};
pub use model::{Bytes, event_json_schema, event_proto};
pub use reader::FrameReader;
