//! Protobuf: by schema, and without one.
//!
//! [`Fields`] reads the wire format (<https://protobuf.dev/programming-guides/encoding/>), and [`Writer`] writes it. `Schema` compiles `.proto` files at run time and turns
//! messages into canonical JSON and back, where the feature `schema` is on: its compiler is a third of all that a build of this crate builds. [`guess`](fn@guess) and
//! [`RawMessage`] make the best of bytes of which nothing is known.

#[cfg(feature = "schema")]
mod encode;
mod guess;
#[cfg(feature = "schema")]
mod in_order;
#[cfg(feature = "schema")]
mod json;
mod packed;
mod raw;
#[cfg(feature = "schema")]
mod scalar;
#[cfg(feature = "schema")]
mod schema;
#[cfg(feature = "schema")]
mod table;
#[cfg(feature = "schema")]
mod unknown;
mod wire;
mod writer;

#[cfg(feature = "schema")]
pub use encode::EncodeError;
pub use guess::{GUESS_FIELDS_MAX, Guess, guess};
#[cfg(feature = "schema")]
pub use json::{JSON_BYTES_MAX, JSON_FIELDS_MAX};
pub use packed::Packed;
pub use raw::{RAW_FIELDS_MAX, RawField, RawMessage, Reading};
#[cfg(feature = "schema")]
pub use schema::{MessageId, Schema, SchemaError, SchemaSource};
#[cfg(feature = "schema")]
pub use unknown::{UNKNOWN_PLACES_MAX, UnknownField};
pub use wire::{DEPTH_MAX, Field, Fields, Value, WireType};
pub use writer::Writer;
