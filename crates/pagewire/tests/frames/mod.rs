//! Frames of live rooms through the binary.
#![allow(dead_code, reason = "each test file uses its part")]

use std::process::Stdio;

use pagewire_testkit::soon;
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::binary::{Finished, command};

pub(crate) async fn with_input(arguments: &[&str], input: &[u8]) -> Finished {
    feed(command(arguments), input).await
}

/// Runs it with this on standard input, which it may read while it writes.
pub(crate) async fn feed(mut command: Command, input: &[u8]) -> Finished {
    let mut child = command.stdin(Stdio::piped()).spawn().expect("started");
    let mut stdin = child.stdin.take().expect("piped");
    let write = async move {
        // One that ends before it has read all tells why.
        let _ = stdin.write_all(input).await;
    };
    let (_, output) = soon("the end", async {
        tokio::join!(write, child.wait_with_output())
    })
    .await;
    let output = output.expect("ended");
    Finished {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Frames, one a line, through `decode frame`.
pub(crate) async fn decode_lines(site: &str, more: &[&str], lines: &[u8]) -> Finished {
    let arguments = ["decode", "frame", "--site", site, "--lines"];
    with_input(&[&arguments[..], more].concat(), lines).await
}

pub(crate) fn events(finished: &Finished) -> Vec<Value> {
    let lines = finished.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect()
}
