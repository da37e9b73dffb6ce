//! `pagewire connect` against real servers: Python `websockets`, npm `ws`, our own hub, and TLS.

mod binary;
mod tls_peer;

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

/// `pagewire connect` to a path of this server. Nothing but the options ends it: a slow machine is no reason to close.
async fn connect(peer: &Peer, path: &str, options: &[&str]) -> Finished {
    let url = peer.url(path);
    let mut arguments = [&["connect", &url][..], options].concat();
    if !options.contains(&"--drain") {
        arguments.push("--no-stdin");
    }
    run(&arguments).await
}

/// The lines of `--json`.
fn events(finished: &Finished) -> Vec<Value> {
    let lines = finished.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}
