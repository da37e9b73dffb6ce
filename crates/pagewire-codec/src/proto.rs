//! Protobuf: by schema, and without one.
//!
//! [`Fields`] reads the wire format (<https://protobuf.dev/programming-guides/encoding/>), and [`Writer`] writes it. [`Schema`] compiles `.proto` files at run time and turns
//! messages into canonical JSON and back. [`guess`](fn@guess) and [`RawMessage`] make the best of bytes of which nothing is known.

mod encode;
mod guess;
mod in_order;
mod json;
mod raw;
mod scalar;
mod schema;
mod table;
mod unknown;
mod wire;
mod writer;

pub use encode::EncodeError;
pub use guess::{GUESS_FIELDS_MAX, Guess, guess};
pub use json::JSON_BYTES_MAX;
pub use raw::{RAW_FIELDS_MAX, RawField, RawMessage, Reading};
pub use scalar::Packed;
pub use schema::{MessageId, Schema, SchemaError, SchemaSource};
pub use unknown::{UNKNOWN_PLACES_MAX, UnknownField};
pub use wire::{DEPTH_MAX, Field, Fields, Value, WireType};
pub use writer::Writer;
