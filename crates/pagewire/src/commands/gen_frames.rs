//! `pagewire gen-frames`: frames of a live room that never was.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use pagewire_live::Site;
use pagewire_live::made::{Frames, Manifest, frames};

use crate::commands::live::site;
use crate::exit::{FAILED, Failed, USAGE};
use crate::terminal::print_text;

#[derive(Debug, Args)]
pub(crate) struct GenFramesArguments {
    /// The site whose frames they are like
    #[arg(long, value_name = "SITE", value_parser = site())]
    site: Site,
    /// Which room: the same number gives the same people, texts and gifts, everywhere
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How many frames
    #[arg(long, value_name = "N", default_value_t = 100)]
    frames: u64,
    /// About how many messages in each [default: as many as the site sends]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=MESSAGES_MAX))]
    messages: Option<u64>,
    /// Write them to this folder, as 000001.bin and so on, with manifest.json; without it they go to standard output, one a line, in base64
    #[arg(long, short, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Lines in hexadecimal, not in base64
    #[arg(long, conflicts_with = "out")]
    hex: bool,
    /// Write what they hold to this file, as JSON: messages by kind, and gifts, each counted once
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
}

/// Messages of a frame that can be asked for. One of them unpacks to some megabytes.
const MESSAGES_MAX: u64 = 1_000;

pub(crate) fn run(arguments: &GenFramesArguments) -> Result<(), Failed> {
    let GenFramesArguments {
        site,
        seed,
        messages,
        ..
    } = arguments;
    let mut frames = frames(*site, *seed, *messages).ok_or_else(|| no_frames(*site))?;
    match &arguments.out {
        Some(folder) => write_folder(folder, &mut *frames, arguments.frames)?,
        None => print_lines(&mut *frames, arguments)?,
    }
    if let Some(file) = &arguments.manifest {
        write_manifest(file, frames.manifest())?;
    }
    Ok(())
}

fn no_frames(site: Site) -> Failed {
    let has_frames = |site: &&Site| frames(**site, 0, None).is_some();
    let sites = Site::ALL.iter().filter(has_frames).map(|site| site.name());
    let sites: Vec<_> = sites.collect();
    Failed::new(
        USAGE,
        format!(
            "frames of {} are not made up; there are those of {}",
            site.name(),
            sites.join(", ")
        ),
    )
}

/// One folder holds one room: frames of another one among them would be read as if they belonged to it.
fn write_folder(folder: &Path, frames: &mut dyn Frames, count: u64) -> Result<(), Failed> {
    fs::create_dir_all(folder).map_err(|error| not_written(folder, &error))?;
    let mut entries = fs::read_dir(folder).map_err(|error| not_written(folder, &error))?;
    if entries.next().is_some() {
        let folder = folder.display();
        let words = format!("{folder} is not empty; name a new folder, or empty that one");
        return Err(Failed::new(USAGE, words));
    }
    for number in 1..=count {
        let file = folder.join(format!("{number:06}.bin"));
        let frame = frames.next().unwrap_or_default();
        fs::write(&file, frame).map_err(|error| not_written(&file, &error))?;
    }
    write_manifest(&folder.join("manifest.json"), frames.manifest())
}

fn print_lines(frames: &mut dyn Frames, arguments: &GenFramesArguments) -> Result<(), Failed> {
    for _ in 0..arguments.frames {
        let frame = frames.next().unwrap_or_default();
        let line = if arguments.hex {
            hex(&frame)
        } else {
            STANDARD.encode(frame)
        };
        print_text(&line)?;
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        // Writing to a String does not fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn write_manifest(file: &Path, manifest: &Manifest) -> Result<(), Failed> {
    let json = serde_json::to_string_pretty(manifest).expect("all its keys are texts");
    fs::write(file, json + "\n").map_err(|error| not_written(file, &error))
}

fn not_written(path: &Path, error: &std::io::Error) -> Failed {
    Failed::new(FAILED, format!("cannot write {}: {error}", path.display()))
}
