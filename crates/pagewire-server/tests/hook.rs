//! The in-page hook in a real Chromium, with a real WebSocket server: what the page sees, and what the hub is told.

mod push;
mod relay;

// The page and its hub.
#[path = "hook/stage.rs"]
mod stage;

// The tests.
#[path = "hook/frames.rs"]
mod frames;
#[path = "hook/losses.rs"]
mod losses;
#[path = "hook/sockets.rs"]
mod sockets;
