//! `pagewire connect` against real servers: Python `websockets`, npm `ws`, our own hub, and TLS.

mod binary;

// What is connected to.
#[path = "connect/peers.rs"]
mod peers;

// The tests.
#[path = "connect/ends.rs"]
mod ends;
#[path = "connect/messages.rs"]
mod messages;
#[path = "connect/tls.rs"]
mod tls;

use serde_json::Value;

use self::binary::{Finished, run};
use self::peers::Peer;

/// `pagewire connect` to a path of this server.
async fn connect(peer: &Peer, path: &str, options: &[&str]) -> Finished {
    run(&[&["connect", &peer.url(path)][..], options].concat()).await
}

/// The lines of `--json`.
fn events(finished: &Finished) -> Vec<Value> {
    let lines = finished.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}
