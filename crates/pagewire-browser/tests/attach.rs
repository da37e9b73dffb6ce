//! Pages of a real Chromium that are attached through DevTools.
#![cfg(unix)]

// The page, its hub and its browser.
#[path = "attach/stage.rs"]
mod stage;

// What holds for a page that attaches by its own WebSocket holds here too.
#[path = "../../pagewire-server/tests/bridge/streams.rs"]
mod streams;
#[path = "../../pagewire-server/tests/bridge/values.rs"]
mod values;
