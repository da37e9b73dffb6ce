//! Which values somebody wants: an expression over JSON.
//!
//! ```
//! use pagewire_filter::Filter;
//!
//! let filter = Filter::parse(r#"kind == "gift.final" && gift_final.value >= 100"#)?;
//! assert!(filter.matches_json(br#"{"kind":"gift.final","gift_final":{"value":250}}"#));
//! assert!(!filter.matches_json(br#"{"kind":"chat","chat":{"text":"250"}}"#));
//! # Ok::<_, pagewire_filter::FilterError>(())
//! ```
//!
//! The language is a part of CEL (Common Expression Language), so what is written here means the same there; `docs/filters.md` tells it for its users.
//! It is the part whose cost can be told before it is run: no variables, no macros, no arithmetic, patterns without backtracking. What an expression may
//! be is limited, and so is the work on one value, so both may come from anybody.
//!
//! Three rules differ from CEL, because values of topics have no schema. What is missing is no error: comparisons with it and tests of it are false, and `!` of
//! that is true. A member of a list is that member of each of its entries, and it is enough that one of them fits. A number and a text that is
//! the same whole number are equal, for ids are longer than numbers of JavaScript are exact.
#![cfg_attr(
    not(test),
    warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)
)]

mod error;
mod expression;
mod filter;
mod lexer;
mod number;
mod parser;
mod value;
mod verdict;

pub use error::{Fault, FilterError, nearest};
pub use filter::{Filter, Member, OnlyThis, Role, quoted};
pub use lexer::FILTER_BYTES_MAX;
pub use parser::{FILTER_DEPTH_MAX, FILTER_PATTERN_BYTES_MAX, FILTER_PATTERNS_MAX};
pub use value::FILTER_VALUES_MAX;
pub use verdict::FILTER_STEPS_MAX;
