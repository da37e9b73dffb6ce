//! A live-room site to try things on and to test against, on one loopback port.
//!
//! It has pages whose scripts keep their socket, their decoder and their key to themselves, push servers that speak as four sites do, made-up people and
//! texts, and [faults](Fault) on demand. What it has sent is accounted for: a [`Manifest`] says what a reader must have in the end. What is served at
//! which address, and each fault: `docs/sim.md`.
//!
//! ```no_run
//! use pagewire_live::Site;
//! use pagewire_sim::{Order, Fault, Options, RoomOptions, Sim};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let room = RoomOptions { messages: Some(500), ..RoomOptions::new("1001", Site::Douyin) };
//! let sim = Sim::start(Options { rooms: vec![room], ..Options::default() }).await?;
//! let push_address = sim.push_url("1001")?;
//! // … a client reads from there …
//! sim.fault("1001", Fault::now(Order::Drop))?;
//! assert!(sim.manifest("1001")?.messages <= 501);
//! sim.shut_down().await;
//! # Ok(())
//! # }
//! ```

mod access;
mod account;
mod backlog;
mod control;
mod fault;
mod feed;
mod load;
mod lookup;
mod options;
mod page;
mod push;
mod room;
mod server;
mod signature;
mod site;
mod traffic;
mod wire;

pub use account::{Counters, Gifts, Given, Manifest};
pub use backlog::BACKLOG_BYTES_MAX;
pub use control::BODY_BYTES_MAX;
pub use fault::{FAULTS_MAX, Fault, FaultError, Order, Refusal, Times, TrafficFault, When};
pub use feed::INCOMING_BYTES_MAX;
pub use load::LOADS_MAX;
pub use options::{
    CONNECTIONS_MAX, Options, OptionsError, RATE_MAX, ROOM_MESSAGES_MAX, ROOM_NAME_CHARS_MAX,
    ROOMS_MAX, Recording, RoomOptions, Speed, Status,
};
pub use pagewire_live::Site;
pub use server::{Sim, SimError};
pub use signature::{sign, signed_text, stub};
pub use traffic::{NUMBER_FRAMES_MAX, Played};
