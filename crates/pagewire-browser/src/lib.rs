//! Finding a Chromium on this machine and running one with a profile of its own.

mod find;
mod launch;

pub use find::{HOW_TO_GET_ONE, find};
pub use launch::{Browser, LaunchError, LaunchOptions};
