//! What web pages that nobody invited can do to a hub, tried from a real Chromium: nothing. And those that are
//! invited: what they were invited to.

mod relay;

// The hub to protect, and what it says.
#[path = "hostile_page/refusals.rs"]
mod refusals;
#[path = "hostile_page/stage.rs"]
mod stage;

// The tests.
#[path = "hostile_page/invited.rs"]
mod invited;
#[path = "hostile_page/uninvited.rs"]
mod uninvited;

/// What only programs may get at: the answer of the victim's function `secret`, and the value of its topic.
const SECRET: &str = r#""the secret""#;
const PRICE: &str = "1250";

const CALL: &str = "/v1/call/victim/secret";
const TOPIC: &str = "/v1/topics/pages/victim/price";
