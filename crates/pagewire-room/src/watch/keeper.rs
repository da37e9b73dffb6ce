//! Keeps what came in a journal, on a thread of its own, and gives it back when it is kept.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use pagewire_journal::{Appended, JournalWriter, Recovered, Stamp};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;

use super::kept::{Kept, What};

/// Frames and records of a room that wait for its journal. Where there are as many, nothing more is read from the source.
pub const KEEP_QUEUE_MAX: usize = 4_096;
/// Bytes of them.
pub const KEEP_QUEUE_BYTES_MAX: usize = 64 << 20;

/// Where a journal is, and how it is written.
#[derive(Debug, Clone)]
pub struct JournalOptions {
    /// Its folder, which is made where it is not there.
    pub path: PathBuf,
    /// Sizes and times of its segments.
    pub options: pagewire_journal::Options,
}

/// What comes back from the keeper.
#[derive(Debug)]
pub(super) enum Back {
    Kept(Kept),
    Fails(String),
    GoesOn { missed: u64 },
}

/// The clock of the stamps: its monotonic part never goes back, and goes on from what the journal has.
#[derive(Debug)]
pub(super) struct Clock {
    began: Instant,
    began_us: u64,
}

impl Clock {
    pub(super) fn now(&self) -> Stamp {
        let since = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX);
        Stamp {
            mono_us: self.began_us.saturating_add(since),
            unix_us: unix_us(),
        }
    }
}

pub(super) fn unix_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
    })
}

/// A line of what waits to be kept, and of what is kept and waits to be decoded.
#[derive(Debug)]
pub(super) struct Keeper {
    journal: Option<Thread>,
    /// Without a journal, or where it is not there any more.
    line: VecDeque<Back>,
    waiting: usize,
    waiting_bytes: usize,
    /// What the journal had no room for, and does not know of yet.
    missed: Option<Missed>,
}

/// Records that are missing in the journal.
#[derive(Debug, Clone, Copy)]
struct Missed {
    records: u64,
    since: Stamp,
}

#[derive(Debug)]
struct Thread {
    /// None when nothing more comes.
    to: Option<Sender<Kept>>,
    from: Receiver<Back>,
    ends: JoinHandle<()>,
}

impl Keeper {
    /// Opens the journal, where there is to be one.
    ///
    /// # Errors
    ///
    /// The journal cannot be written.
    pub(super) async fn start(
        journal: Option<JournalOptions>,
    ) -> Result<(Self, Clock, Option<Recovered>), pagewire_journal::Error> {
        let mut keeper = Self {
            journal: None,
            line: VecDeque::new(),
            waiting: 0,
            waiting_bytes: 0,
            missed: None,
        };
        let (began, mut began_us, mut found) = (Instant::now(), 0, None);
        if let Some(JournalOptions { path, options }) = journal {
            let open = move || JournalWriter::open(path, options, unix_us());
            let opened = tokio::task::spawn_blocking(open).await;
            let (writer, recovered) = opened.expect("opening does not panic")?;
            began_us = recovered.resume_us;
            found = Some(recovered);
            keeper.journal = Some(Thread::start(move |incoming, outgoing| {
                write(writer, incoming, &outgoing);
            }));
        }
        Ok((keeper, Clock { began, began_us }, found))
    }

    /// False where so much waits that nothing more should be read.
    pub(super) fn has_room(&self) -> bool {
        self.waiting < KEEP_QUEUE_MAX / 2 && self.waiting_bytes < KEEP_QUEUE_BYTES_MAX
    }

    /// Puts it into the line. Whoever reads a source asks [`Keeper::has_room`] before; what is sent has the other half of the line for itself.
    pub(super) fn keep(&mut self, kept: Kept) {
        self.waiting = self.waiting.saturating_add(1);
        self.waiting_bytes = self.waiting_bytes.saturating_add(kept.bytes());
        self.tell_missed(kept.at);
        let to = self.journal.as_ref().and_then(|thread| thread.to.as_ref());
        let sent = match (to, &self.missed) {
            (Some(to), None) => to.try_send(kept),
            // What is missing is told first.
            (Some(_), Some(_)) => Err(TrySendError::Full(kept)),
            (None, _) => return self.line.push_back(Back::Kept(kept)),
        };
        match sent {
            Ok(()) => {}
            Err(TrySendError::Full(kept)) => self.miss(kept, BEHIND),
            Err(TrySendError::Closed(kept)) => self.miss(kept, THREAD_FAILED),
        }
    }

    /// Not in the journal, and not lost: the room goes on.
    fn miss(&mut self, kept: Kept, why: &str) {
        if self.missed.is_none() {
            self.line.push_back(Back::Fails(why.to_owned()));
        }
        let missed = self.missed.get_or_insert(Missed {
            records: 0,
            since: kept.at,
        });
        missed.records = missed.records.saturating_add(1);
        self.line.push_back(Back::Kept(kept));
    }

    /// Puts into the journal how much is missing, where it has room for that now.
    fn tell_missed(&mut self, at: Stamp) {
        let to = self.journal.as_ref().and_then(|thread| thread.to.as_ref());
        let (Some(to), Some(Missed { records, since })) = (to, self.missed) else {
            return;
        };
        let what = What::Missed { records, since };
        if to.try_send(Kept { at, what }).is_ok() {
            self.missed = None;
            self.waiting = self.waiting.saturating_add(1);
        }
    }

    /// What is kept, in its order. Pending for ever where nothing waits.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> Back {
        let back = match (self.line.pop_front(), &mut self.journal) {
            (Some(back), _) => Some(back),
            (None, Some(thread)) => thread.from.recv().await,
            (None, None) => None,
        };
        match back {
            Some(back) => self.taken(back),
            None => std::future::pending().await,
        }
    }

    /// Nothing more goes into the line, so the journal is closed when all of it is kept.
    pub(super) fn no_more(&mut self) {
        if let Some(Missed { since, .. }) = self.missed {
            self.tell_missed(since);
        }
        if let Some(thread) = &mut self.journal
            && (self.missed.is_none() || thread.is_gone())
        {
            thread.to = None;
        }
    }

    /// What is still in the line, after [`Keeper::no_more`]; none when the journal is closed.
    pub(super) async fn last(&mut self) -> Option<Back> {
        if let Some(back) = self.line.pop_front() {
            return Some(back);
        }
        // Where what is missing could not be told before: there is room as soon as the thread gave something back.
        self.no_more();
        let thread = self.journal.as_mut()?;
        if let Some(back) = thread.from.recv().await {
            return Some(back);
        }
        let thread = self.journal.take()?;
        let failed = thread.ends.await.is_err();
        failed.then(|| Back::Fails(THREAD_FAILED.to_owned()))
    }

    fn taken(&mut self, back: Back) -> Back {
        if let Back::Kept(kept) = &back {
            self.waiting = self.waiting.saturating_sub(1);
            self.waiting_bytes = self.waiting_bytes.saturating_sub(kept.bytes());
        }
        back
    }
}

/// Why something is not in the journal.
const BEHIND: &str = "more is sent than it takes in time";
const THREAD_FAILED: &str = "the thread that wrote it has failed";

impl Thread {
    fn start(run: impl FnOnce(Receiver<Kept>, Sender<Back>) + Send + 'static) -> Self {
        let (to, incoming) = channel(KEEP_QUEUE_MAX);
        let (outgoing, from) = channel(KEEP_QUEUE_MAX);
        let ends = tokio::task::spawn_blocking(move || run(incoming, outgoing));
        let to = Some(to);
        Self { to, from, ends }
    }

    fn is_gone(&self) -> bool {
        self.to.as_ref().is_none_or(Sender::is_closed)
    }
}

/// Appends all that waits at once, and gives it on. Ends with the line; whoever drops the room leaves a journal that is closed.
fn write(mut writer: JournalWriter, mut incoming: Receiver<Kept>, outgoing: &Sender<Back>) {
    let mut batch = Vec::new();
    while incoming.blocking_recv_many(&mut batch, KEEP_QUEUE_MAX) > 0 {
        let entries: Vec<_> = batch.iter().filter_map(Kept::entry).collect();
        let told = match writer.append(&entries) {
            Ok(Appended::Kept | Appended::Missed { .. }) => None,
            Ok(Appended::Resumed { missed }) => Some(Back::GoesOn { missed }),
            Err(error) => Some(Back::Fails(error.to_string())),
        };
        let kept = batch.drain(..).map(Back::Kept);
        for back in told.into_iter().chain(kept) {
            // Nobody waits for it where the room was dropped: what is in the line is kept all the same.
            let _ = outgoing.blocking_send(back);
        }
    }
    if let Err(error) = writer.close() {
        let _ = outgoing.blocking_send(Back::Fails(error.to_string()));
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::mpsc;

    use pagewire_journal::{Direction, FrameKind, Item, JournalReader, Record};

    use super::*;

    fn frame(bytes: usize) -> Kept {
        Kept {
            at: Stamp::default(),
            what: What::Frame {
                connection: 1,
                direction: Direction::In,
                kind: FrameKind::Binary,
                payload: vec![7; bytes].into(),
            },
        }
    }

    async fn keeper(path: Option<PathBuf>) -> Keeper {
        let options = pagewire_journal::Options::default();
        let journal = path.map(|path| JournalOptions { path, options });
        Keeper::start(journal).await.expect("a journal").0
    }

    #[tokio::test]
    async fn nothing_more_is_read_where_as_much_waits_as_may() {
        let folder = tempfile::tempdir().expect("a folder");
        for path in [None, Some(folder.path().join("many"))] {
            let mut keeper = keeper(path).await;
            for _ in 1..KEEP_QUEUE_MAX / 2 {
                keeper.keep(frame(1));
            }
            assert!(keeper.has_room());
            keeper.keep(frame(1));
            assert!(!keeper.has_room());
            keeper.next().await;
            assert!(keeper.has_room());
        }
        let mut keeper = keeper(None).await;
        keeper.keep(frame(KEEP_QUEUE_BYTES_MAX - 1));
        assert!(keeper.has_room());
        keeper.keep(frame(1));
        assert!(!keeper.has_room());
    }

    #[tokio::test]
    async fn what_is_kept_comes_back_in_its_order_and_the_rest_at_the_end() {
        let folder = tempfile::tempdir().expect("a folder");
        for path in [None, Some(folder.path().join("order"))] {
            let mut keeper = keeper(path).await;
            for bytes in 0..3_000 {
                keeper.keep(frame(bytes));
            }
            let mut found = Vec::new();
            for _ in 0..1_000 {
                found.push(keeper.next().await);
            }
            keeper.no_more();
            while let Some(back) = keeper.last().await {
                found.push(back);
            }
            let found = found.iter().map(|back| match back {
                Back::Kept(kept) => kept.bytes(),
                other @ (Back::Fails(_) | Back::GoesOn { .. }) => panic!("{other:?}"),
            });
            assert!(found.eq(0..3_000));
        }
        let mut reader = JournalReader::open(folder.path().join("order")).expect("a journal");
        let mut records = 0;
        while reader.read().expect("a record").is_some() {
            records += 1;
        }
        assert_eq!(records, 3_000);
    }

    /// A journal that takes nothing before it is told to.
    fn held(path: &Path) -> (Keeper, mpsc::Sender<()>) {
        let options = pagewire_journal::Options::default();
        let (writer, _) = JournalWriter::open(path, options, unix_us()).expect("a journal");
        let (go, gate) = mpsc::channel();
        let thread = Thread::start(move |incoming, outgoing| {
            gate.recv().expect("it is told");
            write(writer, incoming, &outgoing);
        });
        let keeper = Keeper {
            journal: Some(thread),
            line: VecDeque::new(),
            waiting: 0,
            waiting_bytes: 0,
            missed: None,
        };
        (keeper, go)
    }

    /// Of a journal the numbers of frames, and of records that it says are missing.
    fn found(path: &Path) -> (u64, u64) {
        let mut reader = JournalReader::open(path).expect("a journal");
        let (mut frames, mut missing) = (0, 0);
        while let Some(read) = reader.read().expect("a record") {
            let Item::Record { entry, .. } = read else {
                panic!("{read:?}");
            };
            match entry.record {
                Record::Frame(_) => frames += 1,
                Record::Gap(gap) => missing += gap.records,
                Record::Opened(_) | Record::Closed(_) | Record::Note(_) => {}
            }
        }
        (frames, missing)
    }

    #[tokio::test]
    async fn what_is_sent_beyond_the_line_is_counted_told_and_missing_in_the_journal_by_number() {
        let folder = tempfile::tempdir().expect("a folder");
        for (beyond, goes_on) in [(0, false), (1, false), (3, true)] {
            let path = folder.path().join(format!("{beyond}"));
            let (mut keeper, go) = held(&path);
            for _ in 0..KEEP_QUEUE_MAX + beyond {
                keeper.keep(frame(1));
            }
            let most = KEEP_QUEUE_MAX as u64;
            let beyond = beyond as u64;
            let mut backs = Vec::new();
            go.send(()).expect("it waits");
            if goes_on {
                // There is room again: what comes now is kept, behind what is missing.
                while backs.len() < KEEP_QUEUE_MAX {
                    backs.push(keeper.next().await);
                }
                keeper.keep(frame(1));
            }
            keeper.no_more();
            while let Some(back) = keeper.last().await {
                backs.push(back);
            }
            let (mut kept, mut missed, mut fails) = (0, 0, 0);
            for back in &backs {
                match back {
                    Back::Kept(Kept {
                        what: What::Missed { records, .. },
                        ..
                    }) => missed += records,
                    Back::Kept(_) => kept += 1,
                    Back::Fails(why) => {
                        assert_eq!(why, BEHIND);
                        fails += 1;
                    }
                    Back::GoesOn { .. } => panic!("no disk was full"),
                }
            }
            let more = u64::from(goes_on);
            // Nothing is lost for whoever watches.
            assert_eq!(kept, most + beyond + more);
            assert_eq!((missed, fails), (beyond, u64::from(beyond > 0)));
            assert_eq!(found(&path), (most + more, beyond));
        }
    }
}
