//! Douyin: a Protobuf envelope, gzip in it, and messages by method names.
//!
//! Field numbers: `docs/sites/douyin.md`. [`PushFrame`] is one WebSocket frame; its payload, unpacked, is a [`Response`], which is also what polling
//! answers with.

mod envelope;
mod fields;
mod messages;
mod schema;

pub use envelope::{Message, PushFrame, Response};
pub use schema::{message_of, schema};
