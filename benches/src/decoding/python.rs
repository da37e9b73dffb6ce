//! The same with packages of Python, in a process of its own, on fewer frames.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use tempfile::TempDir;
use tokio::process::Command;

use crate::references::{PYTHON, bring_python};

const PROGRAM: &str = include_str!("../../decoding.py");
const SCHEMA: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/douyin.fds"));
const PACKAGES: [&str; 2] = ["betterproto==1.2.5", "protobuf==7.36.2"];
/// Frames that it gets: the slowest takes some seconds for them.
const FRAMES: usize = 40;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Job {
    /// Decoding alone.
    Protobuf,
    /// And to JSON.
    ProtobufJson,
    /// Decoding and to JSON.
    Betterproto,
}

impl Job {
    pub(crate) const ALL: [Self; 3] = [Self::Protobuf, Self::ProtobufJson, Self::Betterproto];

    const fn name(self) -> &'static str {
        match self {
            Self::Protobuf => "protobuf",
            Self::ProtobufJson => "protobuf-json",
            Self::Betterproto => "betterproto",
        }
    }
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Protobuf => "decoding alone, Python protobuf (upb)",
            Self::ProtobufJson => "every field to JSON, Python protobuf (upb)",
            Self::Betterproto => "every field to JSON, Python betterproto",
        })
    }
}

/// An interpreter that has the packages, and what it reads.
#[derive(Debug)]
pub(crate) struct Python {
    interpreter: PathBuf,
    files: TempDir,
}

/// What the program says at its end.
#[derive(Debug, Deserialize)]
struct Told {
    frames: u32,
    messages: u32,
    seconds: f64,
}

impl Python {
    /// The error says why there is none.
    pub(crate) async fn new(made: &[Vec<u8>]) -> Result<Self> {
        let own = std::env::current_exe()?;
        let profile = own.parent().context("a binary is in a folder")?;
        let environment = profile.with_file_name("tools").join("bench-python");
        let brought = bring_python(&environment, &PACKAGES).await;
        brought.map_err(anyhow::Error::msg)?;
        let files = tempfile::tempdir()?;
        std::fs::write(files.path().join("schema"), SCHEMA)?;
        let mut frames = Vec::new();
        for frame in made.iter().take(FRAMES) {
            frames.extend(u32::try_from(frame.len())?.to_le_bytes());
            frames.extend(frame);
        }
        std::fs::write(files.path().join("frames"), frames)?;
        let interpreter = environment.join(PYTHON);
        Ok(Self { interpreter, files })
    }

    /// CPU time of each frame.
    pub(crate) async fn measure(&self, job: Job, seconds: f64) -> Result<Duration> {
        let file = |name: &str| -> PathBuf { Path::join(self.files.path(), name) };
        let mut command = Command::new(&self.interpreter);
        command.args(["-c", PROGRAM, job.name(), &seconds.to_string()]);
        command
            .arg(file("schema"))
            .arg(file("frames"))
            .kill_on_drop(true);
        let output = command.output().await?;
        if !output.status.success() {
            bail!("{job}: {}", String::from_utf8_lossy(&output.stderr));
        }
        let told: Told = serde_json::from_slice(&output.stdout)?;
        ensure!(told.messages > told.frames, "{job}: {told:?}");
        Ok(Duration::from_secs_f64(told.seconds) / told.frames)
    }
}
