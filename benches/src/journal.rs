//! What a journal costs: frames of a made-up room appended and read, beside writing and reading the same bytes without one.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, ensure};
use pagewire_journal::{
    ConnectionId, Direction, Entry, Frame, FrameKind, Item, JournalReader, JournalWriter, Options,
    Record, Stamp,
};
use pagewire_live::made::douyin::Frames;

use crate::bars::median;
use crate::process::own_cpu;
use crate::report::table;

const SEED: u64 = 1;
/// As many as a busy room sends while one batch is written.
const BATCH: usize = 32;

#[derive(Debug, clap::Args)]
pub(crate) struct JournalArguments {
    /// Frames that are written and read, of about 15 kB each; and 16 times as many texts of 288 bytes
    #[arg(long, default_value_t = 8_000, value_parser = clap::value_parser!(u32).range(100..))]
    frames: u32,
    /// How often everything is measured; figures are medians over the rounds
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
}

/// CPU time of each frame, the system's included, by what was measured, in the order of the table.
type Round = BTreeMap<(usize, &'static str), Duration>;

/// Measures and reports.
pub(crate) fn run(arguments: &JournalArguments) -> Result<ExitCode> {
    // A few hundred different ones, over and over: making them is much slower than what is measured.
    let made: Vec<Vec<u8>> = Frames::new(SEED).take(400).collect();
    let frames: Vec<&[u8]> = made
        .iter()
        .map(Vec::as_slice)
        .cycle()
        .take(arguments.frames as usize)
        .collect();
    let text = "type@=chatmsg/rid@=1/uid@=2/nn@=made up/txt@=a made-up message/level@=3/".repeat(4);
    let texts: Vec<&[u8]> = vec![text.as_bytes(); arguments.frames as usize * 16];
    let mut rounds = Vec::new();
    for number in 1..=arguments.rounds {
        eprintln!("round {number} of {}", arguments.rounds);
        let mut round = Round::new();
        measure(&frames, &mut round, &FRAMES)?;
        measure(&texts, &mut round, &TEXTS)?;
        rounds.push(round);
    }
    println!(
        "{}",
        markdown(&rounds, [bytes_each(&frames), bytes_each(&texts)])
    );
    Ok(ExitCode::SUCCESS)
}

/// Names of what is measured.
type Names = [(usize, &'static str); 5];
const FRAMES: Names = [
    (0, "write(2) of each frame"),
    (1, "append of each frame"),
    (2, "append of 32 frames at once"),
    (3, "read(2) of the file"),
    (4, "reading the journal"),
];
const TEXTS: Names = [
    (5, "text: write(2) of each"),
    (6, "text: append of each"),
    (7, "text: append of 32 at once"),
    (8, "text: read(2) of the file"),
    (9, "text: reading the journal"),
];

fn measure(frames: &[&[u8]], round: &mut Round, names: &Names) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let count = u32::try_from(frames.len())?;
    let mut took = |index: usize, begun: Duration| -> Result<()> {
        round.insert(names[index], (own_cpu()? - begun) / count);
        Ok(())
    };
    let plain = folder.path().join("plain");
    let begun = own_cpu()?;
    write_plain(&plain, frames)?;
    took(0, begun)?;
    let (each, batched) = (folder.path().join("each"), folder.path().join("batched"));
    let begun = own_cpu()?;
    append(&each, frames, 1)?;
    took(1, begun)?;
    let begun = own_cpu()?;
    append(&batched, frames, BATCH)?;
    took(2, begun)?;
    let begun = own_cpu()?;
    read_plain(&plain)?;
    took(3, begun)?;
    let begun = own_cpu()?;
    ensure!(read(JournalReader::open(&batched)?)? == frames.len());
    took(4, begun)?;
    Ok(())
}

fn write_plain(path: &Path, frames: &[&[u8]]) -> io::Result<()> {
    let mut file = File::create(path)?;
    for frame in frames {
        file.write_all(frame)?;
    }
    Ok(())
}

/// Without the last sync, which [`write_plain`] has not either.
fn append(folder: &Path, frames: &[&[u8]], at_once: usize) -> Result<()> {
    let options = Options {
        sync_wait_max: Duration::from_secs(3600),
        ..Options::default()
    };
    let (mut writer, _) = JournalWriter::open(folder, options, 0)?;
    let mut number = 0;
    let mut entries = Vec::new();
    for batch in frames.chunks(at_once) {
        entries.clear();
        for payload in batch {
            let frame = Frame {
                connection: ConnectionId(1),
                direction: Direction::In,
                kind: FrameKind::Binary,
                payload,
            };
            let at = Stamp {
                mono_us: number,
                unix_us: number,
            };
            number += 1;
            entries.push(Entry {
                at,
                record: Record::Frame(frame),
            });
        }
        writer.append(&entries)?;
    }
    Ok(())
}

fn read_plain(path: &Path) -> io::Result<()> {
    let (mut file, mut buffer) = (File::open(path)?, vec![0; 256 << 10]);
    while file.read(&mut buffer)? > 0 {}
    Ok(())
}

fn read(mut reader: JournalReader) -> Result<usize> {
    let mut records = 0;
    while let Some(item) = reader.read()? {
        match item {
            Item::Record { entry, .. } => {
                std::hint::black_box(entry);
                records += 1;
            }
            Item::Damage(damage) => anyhow::bail!("{damage}"),
        }
    }
    Ok(records)
}

fn bytes_each(frames: &[&[u8]]) -> f64 {
    frames.iter().map(|frame| frame.len()).sum::<usize>() as f64 / frames.len() as f64
}

fn markdown(rounds: &[Round], bytes: [f64; 2]) -> String {
    let cases = rounds.iter().take(1).flat_map(Round::keys);
    let rows = cases.filter_map(|case| {
        let times = rounds.iter().filter_map(|round| round.get(case));
        let each = median(times.map(Duration::as_secs_f64).collect())?;
        let bytes = bytes[usize::from(case.0 >= FRAMES.len())];
        Some([
            case.1.to_owned(),
            format!("{:.2}", each * 1e6),
            format!("{:.0}", bytes / each / 1e6),
        ])
    });
    let rows = table(
        ["what", "CPU, µs a frame", "MB a second of CPU"],
        rows.collect(),
    );
    let [frames, texts] = bytes;
    format!(
        "frames of {frames:.0} bytes, packed by their site; texts of {texts:.0} bytes\n\n{rows}"
    )
}
