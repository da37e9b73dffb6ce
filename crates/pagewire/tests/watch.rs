//! `pagewire watch` and `pagewire replay` as somebody types them, at rooms of the simulator.
#![cfg(feature = "watch")]

mod binary;
#[path = "watch/ends.rs"]
mod ends;
#[path = "watch/held.rs"]
mod held;
#[path = "watch/instead.rs"]
mod instead;
#[path = "watch/log_in.rs"]
mod log_in;
#[path = "watch/many.rs"]
mod many;
#[path = "watch/programs.rs"]
mod programs;
#[path = "../../pagewire-sim/tests/reader/mod.rs"]
mod reader;
#[path = "watch/signed.rs"]
mod signed;
#[path = "watch/tab.rs"]
mod tab;
#[path = "watch/watching.rs"]
mod watching;
