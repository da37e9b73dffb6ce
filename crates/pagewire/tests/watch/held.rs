//! Readers that do not read, and those that are gone.

use std::path::Path;
use std::process::Stdio;

use pagewire_live::Site;
use pagewire_sim::{RoomOptions, Sim};
use pagewire_testkit::soon;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::binary::{command, lines};
use crate::reader::{quick, sim};
use crate::watching::{watch, watching};

/// More lines than a pipe takes.
const MESSAGES: u64 = 400;

async fn busy(messages: Option<u64>) -> Sim {
    sim(RoomOptions {
        rate: 2_000,
        messages,
        ..quick(Site::Douyin, &[])
    })
    .await
}

/// A journal of a whole broadcast.
pub(crate) async fn kept(folder: &TempDir) -> std::path::PathBuf {
    let sim = busy(Some(MESSAGES)).await;
    let (room, address) = (
        sim.room_url("r").expect("a room"),
        sim.push_url("r").expect("a room"),
    );
    let journals = folder.path().to_str().expect("UTF-8");
    let watched = watch(&[
        &*room,
        "--address",
        &address,
        "--journal",
        journals,
        "--json",
    ])
    .await;
    assert_eq!(watched.code, 0, "{}", watched.stderr);
    assert!(watched.stdout.len() > 128 << 10, "more than a pipe takes");
    folder.path().join("sim-r")
}

fn replaying(journal: &Path) -> Command {
    command(&["replay", journal.to_str().expect("UTF-8"), "--json"])
}

/// Waits until a pipe that always gets more gets no more.
async fn pipe_is_full(child: &Child) {
    let stdout = child.stdout.as_ref().expect("piped");
    let (mut before, mut times_the_same) = (0, 0);
    pagewire_testkit::until("a full pipe", async || {
        let bytes = rustix::io::ioctl_fionread(stdout).expect("a pipe");
        times_the_same = if bytes == before {
            times_the_same + 1
        } else {
            0
        };
        before = bytes;
        (bytes > 32 << 10 && times_the_same > 50).then_some(())
    })
    .await;
}

async fn ends_by_one_signal(child: Child) {
    let mut child = child;
    let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
    let pid = pid.and_then(Pid::from_raw).expect("it runs");
    kill_process(pid, Signal::TERM).expect("it runs");
    let status = soon("the end", child.wait()).await.expect("ended");
    assert_eq!(status.code(), Some(130));
}

#[tokio::test]
async fn one_signal_ends_a_replay_that_nobody_reads() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = kept(&folder).await;
    let child = replaying(&journal).spawn().expect("started");
    pipe_is_full(&child).await;
    ends_by_one_signal(child).await;
}

#[tokio::test]
async fn one_signal_ends_rooms_that_nobody_reads() {
    let sim = busy(None).await;
    let (room, address) = (
        sim.room_url("r").expect("a room"),
        sim.push_url("r").expect("a room"),
    );
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = watching(&folder, &[&room, "--address", &address, "--json"]);
    let child = command.spawn().expect("started");
    pipe_is_full(&child).await;
    ends_by_one_signal(child).await;
}

#[tokio::test]
async fn nobody_needs_to_read_what_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = kept(&folder).await;
    for (mut command, code) in [
        (replaying(&journal), 0),
        (replaying(Path::new("/nonexistent")), 1),
        (command(&["watch", "--sites", "/nonexistent", "huya:1"]), 2),
        (command(&["watch"]), 2),
        (command(&["tail", "t", "--hub", "http://127.0.0.1:9"]), 1),
    ] {
        let mut child = command.stdout(Stdio::null()).spawn().expect("started");
        drop(child.stderr.take());
        let status = soon("the end", child.wait()).await.expect("ended");
        assert_eq!(status.code(), Some(code), "{command:?}");
    }
}

#[tokio::test]
async fn a_room_that_cannot_be_begun_is_told_while_the_others_go_on() {
    let sim = busy(None).await;
    let room = sim.room_url("r").expect("a room");
    let folder = tempfile::tempdir().expect("a folder");
    let journals = folder.path().join("journals");
    std::fs::create_dir(&journals).expect("a folder");
    for room in ["huya-1", "huya-2"] {
        std::fs::write(journals.join(room), "no journal").expect("written");
    }
    let journals = journals.to_str().expect("UTF-8");
    let arguments = ["--journal", journals, "--source", "direct", "--signer"];
    // Whoever signs does not answer, so that the room goes on.
    let arguments = [
        &["huya:1", &*room, "huya:2"],
        &arguments[..],
        &["http://127.0.0.1:9/none"],
    ];
    let mut command = watching(&folder, &arguments.concat());
    let mut child = command.spawn().expect("started");
    let mut said = lines(child.stderr.take().expect("piped"));
    for room in ["[huya/1] ", "[huya/2] "] {
        let told = async {
            loop {
                let line = said.next_line().await.expect("read").expect("a line");
                if line.starts_with(room) && line.contains("is no journal") {
                    return;
                }
            }
        };
        soon(room, told).await;
    }
    crate::binary::interrupt(&child);
    let status = soon("the end", child.wait()).await.expect("ended");
    assert_eq!(status.code(), Some(1));
}
