//! Made-up rooms, and how sites write what happens in them: for tests, fuzz seeds and benchmarks.
//!
//! [`Room`] is what happens, and is of no site. A module such as [`douyin`] writes it as that site does. The same seed gives the same bytes before they are
//! packed, on all machines and for ever; all people, texts, gifts and pictures are made up.
//!
//! ```
//! use pagewire_live::made::{Manifest, Room};
//!
//! let mut room = Room::new(7);
//! let happenings: Vec<_> = room.by_ref().take(1_000).collect();
//! let manifest = Manifest::of(&happenings);
//! assert_eq!(manifest.messages, 1_000);
//! assert!(manifest.gifts.value > 0);
//! ```
#![allow(
    clippy::arithmetic_side_effects,
    reason = "what is made up here is small, and nothing of it comes from outside"
)]

pub mod bilibili;
pub(crate) mod chance;
mod combos;
mod course;
pub mod douyin;
pub mod douyu;
mod frames;
mod gifts;
pub mod huya;
mod manifest;
mod people;
mod room;
mod words;

pub use combos::{Press, Style};
pub use frames::{Frames, Written, frames};
pub use gifts::{GIFTS, GiftKind};
pub use manifest::{Given, Manifest, Totals};
pub use people::{Club, Gender, Person};
pub use room::{Happening, Happens, Kind, Repeat, Room};
pub use words::{EMOJIS, Emoji};
