//! Pages of a real Chromium that are attached through DevTools.
#![cfg(unix)]
#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a test looks for one kind of report"
)]

// The page, its hub, its browser and who sits before it.
#[path = "attach/driver.rs"]
mod driver;
#[path = "attach/stage.rs"]
mod stage;

// The tests.
#[path = "attach/calls.rs"]
mod calls;
#[path = "attach/contexts.rs"]
mod contexts;
#[path = "attach/ends.rs"]
mod ends;
#[path = "attach/expose.rs"]
mod expose;
#[path = "attach/hostile.rs"]
mod hostile;
#[path = "attach/injection.rs"]
mod injection;
#[path = "attach/navigation.rs"]
mod navigation;
#[path = "attach/pages.rs"]
mod pages;
#[path = "attach/refused.rs"]
mod refused;
#[path = "attach/silent.rs"]
mod silent;
#[path = "attach/webmcp.rs"]
mod webmcp;

// What holds for a page that attaches by its own WebSocket holds here too.
#[path = "../../pagewire-server/tests/bridge/streams.rs"]
mod streams;
#[path = "../../pagewire-server/tests/bridge/values.rs"]
mod values;
