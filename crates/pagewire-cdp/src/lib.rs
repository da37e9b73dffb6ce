//! The DevTools protocol as a state machine: no socket, no process, no clock.
#![cfg_attr(
    not(test),
    warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)
)]

pub mod pipe;
