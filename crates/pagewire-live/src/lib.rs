//! Live rooms, without a socket, a file or a clock.
//!
//! [`Event`] is what happens in a room of any site. A [`FrameReader`] reads events out of the frames of a site; a [`Room`] makes one account of them:
//! each once, gifts counted, rankings with their changes; a [`RoomAccount`] is both. A [`RoomConnection`] is how one comes to the frames.
#![cfg_attr(
    not(test),
    warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)
)]

mod about;
mod account;
pub mod bilibili;
mod bracketed;
mod compat;
mod connection;
pub mod douyin;
pub mod douyu;
mod event;
mod filter;
pub mod huya;
mod ledger;
pub mod made;
mod model;
mod reader;
mod room;
mod signing;
mod sites;
mod tally;
mod template;

pub use about::About;
pub use account::RoomAccount;
pub use compat::compat_line;
pub use connection::{
    Action, AfterEnd, AskFirst, ConnectionId, Credentials, Failure, FailureKind, Fallback,
    Handshake, Input, OBSERVED_SOCKETS_MAX, REASON_TEXT_BYTES_MAX, RESUME_BYTES_MAX, Reason, Role,
    RoomConnection, RoomOptions, State, Status, goes_direct,
};
pub use event::*;
pub use filter::{EventFilter, EventFilterError, FilterParts, Said};
pub use ledger::{
    Combo, Count, GiftLedger, IDLE_MS, LEDGER_COMBOS_MAX, Ledgered, Press, REMEMBERED_MS,
};
pub use model::{Bytes, event_json_schema, event_proto};
pub use reader::FrameReader;
pub use room::{KEPT_GIFT_BYTES_MAX, ROOM_IDS_MAX, ROOM_RANKINGS_MAX, Room};
pub use signing::{
    Browser, Ignored, Resume, SIGN_ANSWER_BYTES_MAX, SIGN_HEADER_BYTES_MAX, SIGN_HEADERS_MAX,
    SIGN_URL_BYTES_MAX, SIGNATURE_BYTES_MAX, SignAnswer, SignAnswerError, SignAnswerFault,
    SignRequest, Signing,
};
pub use sites::{
    AddressError, Ask, FACT_BYTES_MAX, ROOM_NAME_BYTES_MAX, RoomAddress, RoomAnswer, RoomFacts,
    SITES_BYTES_MAX, SiteEntry, SiteTable, SiteTableError, TabAt, Timing,
};
pub use tally::{Given, Giver, Peak, TALLY_GIVERS_MAX, Tally};
pub use template::{TEMPLATE_BYTES_MAX, Template, TemplateError, TemplateFault};
