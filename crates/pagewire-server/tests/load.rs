//! Many programs at once against one hub, over real sockets: every answer is its caller's own, none is lost, nothing is left behind.
//!
//! Counts are small by default; with `PAGEWIRE_TEST_LONG` the rounds of `load/rounds.rs` go on for a minute each, and `load/soak.rs` for ten.
//! Figures go to standard error (`--nocapture`).
#![allow(
    clippy::print_stderr,
    reason = "how fast it went is for people; what must hold is asserted"
)]

// Programs, pages and measures.
#[path = "load/footprint.rs"]
mod footprint;
#[path = "load/pages.rs"]
mod pages;
#[path = "load/program.rs"]
mod program;

// The tests.
#[path = "load/babble.rs"]
mod babble;
#[path = "load/reconnects.rs"]
mod reconnects;
#[path = "load/reloads.rs"]
mod reloads;
#[path = "load/rounds.rs"]
mod rounds;
#[path = "load/soak.rs"]
mod soak;

/// Programs that call at once.
const PROGRAMS: usize = 64;
/// The group of the pages that they call.
const GROUP: &str = "load";
/// Most that resident memory may grow under load after the warm-up, in KiB: what the allocator's own habits cost, with room to spare.
const GROWTH_KIB_MAX: u64 = 4 << 10;
