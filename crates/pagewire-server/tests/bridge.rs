//! The page script in a real Chromium: what a page's function does, and what the program that called it gets.

mod relay;

// The page and its hub.
#[path = "bridge/stage.rs"]
mod stage;

// The tests.
#[path = "bridge/links.rs"]
mod links;
#[path = "bridge/requests.rs"]
mod requests;
#[path = "bridge/streams.rs"]
mod streams;
#[path = "bridge/values.rs"]
mod values;
