//! Tars, also called JCE: the struct encoding of Huya and of much of Tencent.
//!
//! A head byte holds a tag and a type; a tag of 15 or more stands in a byte of its own. Numbers are big-endian, integers take the smallest type
//! that holds them, zero takes none. A struct's fields come in ascending order of their tags, and nothing in the bytes says what a struct is
//! called or how many fields it has. Source: the readers and writers of the TarsCloud project, and a captured answer of Huya.
//!
//! [`TarsReader`] reads fields that are known, [`TarsValue`] shows bytes that are not, [`TarsWriter`] writes, [`WupPacket`] is a call or its answer.

mod head;
mod json;
mod reader;
#[cfg(test)]
mod tests;
mod value;
mod writer;
mod wup;

pub use reader::{TarsItems, TarsReader};
pub use value::{NestedBytes, TarsValue};
pub use writer::TarsWriter;
pub use wup::WupPacket;

/// How deep structs, lists and maps may be nested, the outermost fields being at depth 1. Deeper is an error.
pub const TARS_DEPTH_MAX: usize = 64;

/// How many values a [`TarsValue`] may have in all, items and fields counted. More is an error: a byte can be a value, which takes 32.
pub const TARS_VALUES_MAX: usize = 1 << 20;
