//! A journal as a source: the same frames at the same times, so the same events.

use std::path::Path;
use std::time::Duration;

pub use pagewire_journal::Speed;
use pagewire_journal::{Item, JournalReader, Moment, Record, Skipped, Stamp, find_note};
use pagewire_live::{About, Site};
use serde_json::Value;
use tokio::time::{Instant, sleep_until};

use super::listener::{Listener, Note};
use super::run::GOES_ON;
use super::telling::Telling;

/// What of a journal is replayed, and how.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ReplayOptions {
    /// Whose frames they are. None: as the journal says.
    pub site: Option<Site>,
    /// How fast.
    pub speed: Speed,
    /// From the first record that is not before this moment.
    pub from: Option<Moment>,
    /// Up to the last that is not behind this one.
    pub to: Option<Moment>,
}

/// What came of a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Replayed {
    /// Records.
    pub records: u64,
    /// Parts that cannot be read.
    pub damaged: u64,
    /// Events that came again, and were left out.
    pub repeated: u64,
    /// What newer versions wrote, and this one has no word for.
    pub skipped: Skipped,
    /// The first record and the last one.
    pub span: Option<(Stamp, Stamp)>,
}

/// Why a journal cannot be replayed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// It cannot be read at all.
    #[error(transparent)]
    Journal(#[from] pagewire_journal::Error),
    /// It has frames, and does not say of which site.
    #[error("the journal does not say of which site its frames are; say it with --site")]
    NoSite,
}

/// Replays a journal: damage is told, and all the rest given. The same journal gives the same events, which are those that were told when it was written: of
/// several runs those of each, where a later one begins without what an earlier one knew. `stop` ends it between two records.
///
/// Files are read on the task that calls it, a chunk at a time.
///
/// # Errors
///
/// The journal cannot be read, or does not say of which site it is.
///
/// # Cancel safety
///
/// Dropping the future ends it; what is open is not told.
pub async fn replay(
    path: &Path,
    options: ReplayOptions,
    listener: &mut dyn Listener,
    stop: impl Future<Output = ()>,
) -> Result<Replayed, ReplayError> {
    let site = match options.site {
        Some(site) => Some(site),
        None => find_note(path, About::read)?.map(|about| about.site),
    };
    let mut reader = JournalReader::open(path)?;
    if let Some(from) = options.from {
        reader = reader.from(from);
    }
    if let Some(to) = options.to {
        reader = reader.to(to);
    }
    let (mut telling, mut replayed) = (site.map(Telling::new), Replayed::default());
    let mut pace = Pace::new(options.speed);
    tokio::pin!(stop);
    while let Some(item) = reader.read()? {
        match item {
            Item::Damage(damage) => {
                replayed.damaged += 1;
                listener.note(&Note::Damaged(&damage));
            }
            Item::Record { entry, .. } => {
                tokio::select! {
                    biased;
                    () = &mut stop => break,
                    () = pace.wait(entry.at) => {}
                }
                replayed.count(entry.at);
                match (&mut telling, entry.record) {
                    (Some(telling), record) => {
                        if begins_run(&record) {
                            telling.begin_again(listener);
                        }
                        telling.record(entry.at, record, listener, |_| {});
                    }
                    (None, Record::Frame(_)) => return Err(ReplayError::NoSite),
                    (None, _) => {}
                }
            }
        }
    }
    if let Some(damage) = reader.unfinished() {
        replayed.damaged += 1;
        listener.note(&Note::Damaged(damage));
    }
    if let Some(telling) = &mut telling {
        telling.end(listener);
        replayed.repeated = telling.repeated();
    }
    replayed.skipped = reader.skipped();
    Ok(replayed)
}

/// A run begins with a note about its room. One that went from the tab to a socket of its own has a second, which says so.
fn begins_run(record: &Record<'_>) -> bool {
    let Record::Note(json) = record else {
        return false;
    };
    let note: Value = serde_json::from_str(json).unwrap_or_default();
    note["kind"] == "room" && note[GOES_ON].is_null()
}

impl Replayed {
    fn count(&mut self, at: Stamp) {
        self.records += 1;
        let (first, _) = self.span.unwrap_or((at, at));
        self.span = Some((first, at));
    }
}

/// When the next record is due.
struct Pace {
    speed: Speed,
    /// The first record, and when it was given.
    began: Option<(Stamp, Instant)>,
    given: u32,
}

/// Other tasks get their turn after so many records.
const RECORDS_A_TURN: u32 = 256;

impl Pace {
    const fn new(speed: Speed) -> Self {
        Self {
            speed,
            began: None,
            given: 0,
        }
    }

    async fn wait(&mut self, at: Stamp) {
        self.given = self.given.wrapping_add(1);
        let (first, began) = *self.began.get_or_insert_with(|| (at, Instant::now()));
        match self.speed {
            Speed::Times(times) if times > 0.0 => {
                let since_us = at.mono_us.saturating_sub(first.mono_us);
                let since = Duration::from_micros(since_us).as_secs_f64() / times;
                if let Some(due) = Duration::try_from_secs_f64(since)
                    .ok()
                    .and_then(|since| began.checked_add(since))
                {
                    sleep_until(due).await;
                }
            }
            Speed::Max | Speed::Times(_) => {
                if self.given.is_multiple_of(RECORDS_A_TURN) {
                    tokio::task::yield_now().await;
                }
            }
        }
    }
}
