//! What `prost` makes of the schema.
#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    clippy::use_self,
    reason = "the generator writes so"
)]

/// As a user of `serde` has it first: every field is written.
pub(super) mod plain {
    include!(concat!(env!("OUT_DIR"), "/plain/pagewire.douyin.rs"));
}

/// With the attribute that leaves default values out, as Protobuf's JSON does.
pub(super) mod short {
    include!(concat!(env!("OUT_DIR"), "/short/pagewire.douyin.rs"));
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
