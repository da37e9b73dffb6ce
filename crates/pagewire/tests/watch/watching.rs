//! A run of the command, and what it wrote.

use std::path::Path;
use std::time::Duration;

use pagewire_live::Site;
use pagewire_sim::Sim;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::binary::{Finished, command, run_with};
use crate::reader::Found;

/// Waits that a test can wait for. The simulator's page waits as long as it likes.
pub(crate) const QUICK: &str = "
[sim.timing]
backoff_first_ms = 100
backoff_longest_ms = 200
steady_ms = 0
ask_every_ms = 1000
";

/// A run is given up after so long: the longest test lasts for a minute by itself.
pub(crate) const LIMIT: Duration = Duration::from_secs(180);

/// `pagewire watch` with a hub of its own at a free port, not started yet.
pub(crate) fn watching(sites: &TempDir, arguments: &[&str]) -> Command {
    let file = sites.path().join("sites.toml");
    std::fs::write(&file, QUICK).expect("written");
    let usual = ["watch", "--listen", "127.0.0.1:0"];
    let mut command = command(&[&usual, arguments].concat());
    command.arg("--sites").arg(file).env("LC_ALL", "C.UTF-8");
    command
}

/// `pagewire watch`, to its end.
pub(crate) async fn watch(arguments: &[&str]) -> Finished {
    let folder = tempfile::tempdir().expect("a folder");
    finished(&mut watching(&folder, arguments)).await
}

/// Runs a command to its end.
pub(crate) async fn finished(command: &mut Command) -> Finished {
    let output = tokio::time::timeout(LIMIT, command.output()).await;
    let output = output.expect("it ends").expect("it starts");
    Finished {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

/// The address of the hub in the first line that `watch` says.
pub(crate) fn hub_of(greeting: &str) -> String {
    let hub = greeting
        .split_whitespace()
        .find(|word| word.starts_with("http://"));
    hub.expect("an address").trim_end_matches('.').to_owned()
}

/// `pagewire replay`.
pub(crate) async fn replay(journal: &Path, arguments: &[&str]) -> Finished {
    let journal = journal.to_str().expect("UTF-8");
    run_with(
        &[&["replay", journal], arguments].concat(),
        &[("LC_ALL", "C.UTF-8")],
    )
    .await
}

/// The events of a run with `--json`, without the name of the topic.
pub(crate) fn events(finished: &Finished) -> Vec<Value> {
    let lines = finished.stdout.lines();
    let event = |line| {
        let mut event: Value = serde_json::from_str(line).expect("JSON");
        let members = event.as_object_mut().expect("an object");
        members.remove("topic");
        event
    };
    lines.map(event).collect()
}

/// What was shown is what the simulator says it sent: nothing is missing, nothing is there twice, gifts are right.
pub(crate) fn check(finished: &Finished, sim: &Sim, room: &str) {
    check_site(finished, sim, room, Site::Douyin);
}

pub(crate) fn check_site(finished: &Finished, sim: &Sim, room: &str, site: Site) {
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    let mut found = Found::new(site);
    // That it let us in is told by a site besides what happened in the room.
    let is_of_room = |event: &Value| site == Site::Douyin || event["kind"] != "control";
    for event in events(finished).iter().filter(|event| is_of_room(event)) {
        found.add(event);
    }
    found.check(&sim.manifest(room).expect("a room"));
}
