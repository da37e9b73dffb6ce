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

/// The clock of the stamps, whose monotonic part never goes back, and goes on from what the journal has; and that of timers.
#[derive(Debug)]
pub(super) struct Clock {
    began: Instant,
    began_us: u64,
    /// Unix time at the beginning, as far as timers know.
    timers_began_us: u64,
}

/// A clock that is set forward by less changes no timer.
const SET_FORWARD_US: u64 = 1_000_000;

impl Clock {
    fn new(began_us: u64) -> Self {
        Self {
            began: Instant::now(),
            began_us,
            timers_began_us: unix_us(),
        }
    }

    pub(super) fn now(&self) -> Stamp {
        Stamp {
            mono_us: self.began_us.saturating_add(self.elapsed_us()),
            unix_us: unix_us(),
        }
    }

    /// Unix time for timers, in milliseconds.
    pub(super) fn timers_ms(&mut self) -> u64 {
        self.timers_us(self.elapsed_us(), unix_us()) / 1_000
    }

    /// It goes on where the wall's clock is set back, or nothing would be due before that has caught up; and forward with it, as while a machine sleeps only
    /// that one goes.
    fn timers_us(&mut self, elapsed_us: u64, unix_us: u64) -> u64 {
        let began_us = unix_us.saturating_sub(elapsed_us);
        if began_us > self.timers_began_us.saturating_add(SET_FORWARD_US) {
            self.timers_began_us = began_us;
        }
        self.timers_began_us.saturating_add(elapsed_us)
    }

    fn elapsed_us(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

/// How the journal fares, for people: told when it fails, and when it has been written again for a while.
#[derive(Debug, Default)]
pub(super) struct Faring {
    fails: Option<Failing>,
    missing: u64,
}

/// Since it was told that it fails.
#[derive(Debug, Default)]
struct Failing {
    missed: u64,
    /// It is written again since then.
    well_since_us: Option<u64>,
}

/// What is short finds room where a disk is full, so that one record kept says little.
const WELL_AGAIN_US: u64 = 10_000_000;

impl Faring {
    /// It was not written: true where that is to be told.
    pub(super) fn fails(&mut self) -> bool {
        let is_new = self.fails.is_none();
        self.fails.get_or_insert_default().well_since_us = None;
        is_new
    }

    /// It was written, and so many records before are missing.
    pub(super) fn resumed(&mut self, missed: u64, mono_us: u64) {
        self.missing = self.missing.saturating_add(missed);
        if let Some(fails) = &mut self.fails {
            fails.missed = fails.missed.saturating_add(missed);
            fails.well_since_us.get_or_insert(mono_us);
        }
    }

    /// How many records are missing, where it has been written again for a while, and that was not told.
    pub(super) fn well_again(&mut self, mono_us: u64) -> Option<u64> {
        let since_us = self.fails.as_ref()?.well_since_us?;
        if mono_us.saturating_sub(since_us) < WELL_AGAIN_US {
            return None;
        }
        self.fails.take().map(|fails| fails.missed)
    }

    /// As [`Faring::well_again`], where nothing more is written.
    pub(super) fn end(&mut self) -> Option<u64> {
        self.well_again(u64::MAX)
    }

    /// Of all that was to be written.
    pub(super) const fn missing(&self) -> u64 {
        self.missing
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
    /// What does not go through the journal, and how many go through it before that.
    line: VecDeque<(u64, Kept)>,
    /// Is told next.
    fails: Option<&'static str>,
    /// So many went to the journal.
    sent: u64,
    /// So many came back.
    came: u64,
    waiting: usize,
    waiting_bytes: usize,
    /// What the journal had no room for, and does not know of yet.
    missed: Option<Missed>,
    unresumed: u64,
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
    /// How many records are missing that no gap has told of.
    ends: JoinHandle<u64>,
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
        let (mut journal_thread, mut began_us, mut found) = (None, 0, None);
        if let Some(JournalOptions { path, options }) = journal {
            let open = move || JournalWriter::open(path, options, unix_us());
            let opened = tokio::task::spawn_blocking(open).await;
            let (writer, recovered) = opened.expect("opening does not panic")?;
            began_us = recovered.resume_us;
            found = Some(recovered);
            journal_thread = Some(Thread::start(move |incoming, outgoing| {
                write(writer, incoming, &outgoing)
            }));
        }
        Ok((Self::with(journal_thread), Clock::new(began_us), found))
    }

    const fn with(journal: Option<Thread>) -> Self {
        Self {
            journal,
            line: VecDeque::new(),
            fails: None,
            sent: 0,
            came: 0,
            waiting: 0,
            waiting_bytes: 0,
            missed: None,
            unresumed: 0,
        }
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
            (None, _) => return self.pass(kept),
        };
        match sent {
            Ok(()) => self.sent = self.sent.saturating_add(1),
            Err(TrySendError::Full(kept)) => self.miss(kept, BEHIND),
            Err(TrySendError::Closed(kept)) => self.miss(kept, THREAD_FAILED),
        }
    }

    /// It comes back behind what waits at the journal, without being in it.
    fn pass(&mut self, kept: Kept) {
        self.line.push_back((self.sent, kept));
    }

    /// Not in the journal, and not lost: the room goes on.
    fn miss(&mut self, kept: Kept, why: &'static str) {
        if kept.record().is_some() {
            if self.missed.is_none() {
                self.fails = Some(why);
            }
            let missed = self.missed.get_or_insert(Missed {
                records: 0,
                since: kept.at,
            });
            missed.records = missed.records.saturating_add(1);
        }
        self.pass(kept);
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
            self.sent = self.sent.saturating_add(1);
            self.waiting = self.waiting.saturating_add(1);
        }
    }

    /// What is kept, in its order. Pending for ever where nothing waits.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> Back {
        match self.come().await {
            Some(back) => back,
            None => std::future::pending().await,
        }
    }

    /// None where nothing waits, and nothing more comes from the journal.
    async fn come(&mut self) -> Option<Back> {
        loop {
            if let Some(why) = self.fails.take() {
                return Some(Back::Fails(why.to_owned()));
            }
            if let Some((_, kept)) = self.line.pop_front_if(|(behind, _)| *behind <= self.came) {
                return Some(self.taken(Back::Kept(kept)));
            }
            match self.journal.as_mut()?.from.recv().await {
                Some(back) => {
                    let is_kept = matches!(back, Back::Kept(_));
                    self.came = self.came.saturating_add(u64::from(is_kept));
                    return Some(self.taken(back));
                }
                // What is still there was lost with the thread.
                None if self.line.is_empty() => return None,
                None => self.came = u64::MAX,
            }
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
        // Where what is missing could not be told before: there is room as soon as the thread gave something back.
        self.no_more();
        if let Some(back) = self.come().await {
            return Some(back);
        }
        let thread = self.journal.take()?;
        let untold = self.missed.take().map_or(0, |missed| missed.records);
        match thread.ends.await {
            Ok(missing) => self.unresumed = missing.saturating_add(untold),
            Err(_) => {
                let lost = u64::try_from(self.waiting).unwrap_or(u64::MAX);
                self.unresumed = untold.saturating_add(lost);
                return Some(Back::Fails(THREAD_FAILED.to_owned()));
            }
        }
        None
    }

    /// Records that are missing at the end, of which no [`Back::GoesOn`] and no [`What::Missed`] has told.
    pub(super) const fn unresumed(&self) -> u64 {
        self.unresumed
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
    fn start(run: impl FnOnce(Receiver<Kept>, Sender<Back>) -> u64 + Send + 'static) -> Self {
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

/// Appends all that waits at once, and gives it on. Ends with the line, and gives how many records are missing that it has not told of; whoever drops the
/// room leaves a journal that is closed.
fn write(mut writer: JournalWriter, mut incoming: Receiver<Kept>, outgoing: &Sender<Back>) -> u64 {
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
    let missing = writer.missed();
    if let Err(error) = writer.close() {
        let _ = outgoing.blocking_send(Back::Fails(error.to_string()));
    }
    missing
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

    fn time() -> Kept {
        Kept {
            at: Stamp::default(),
            what: What::Time,
        }
    }

    #[test]
    fn timers_go_on_where_the_clock_is_set_back_and_forward_where_the_machine_slept() {
        let (second, hour) = (1_000_000, 3_600_000_000);
        let began = 500 * hour;
        let mut clock = Clock {
            began: Instant::now(),
            began_us: 0,
            timers_began_us: began,
        };
        for (elapsed, unix, timers) in [
            (0, began, began),
            (second, began + second, began + second),
            // Set back by an hour, and right again.
            (2 * second, began + 2 * second - hour, began + 2 * second),
            (3 * second, began + 3 * second - hour, began + 3 * second),
            (4 * second, began + 4 * second, began + 4 * second),
            // Clocks are not quite even.
            (5 * second, began + 6 * second, began + 5 * second),
            // An hour of sleep.
            (
                6 * second,
                began + 6 * second + hour,
                began + 6 * second + hour,
            ),
            (7 * second, began, began + 7 * second + hour),
        ] {
            assert_eq!(clock.timers_us(elapsed, unix), timers, "{elapsed} {unix}");
        }
    }

    #[test]
    fn a_journal_that_fails_again_and_again_is_told_once_and_is_well_after_a_while() {
        let mut faring = Faring::default();
        assert!(faring.fails());
        assert_eq!(faring.well_again(u64::MAX), None);
        for round in 1..=5 {
            faring.resumed(2, round);
            faring.resumed(1, round + 1);
            assert_eq!(faring.well_again(round + WELL_AGAIN_US - 1), None);
            assert!(!faring.fails());
            assert_eq!(faring.well_again(u64::MAX), None);
        }
        faring.resumed(4, 7);
        assert_eq!(faring.well_again(6 + WELL_AGAIN_US), None);
        assert_eq!(faring.well_again(7 + WELL_AGAIN_US), Some(19));
        assert_eq!(faring.well_again(u64::MAX), None);
        assert!(faring.fails(), "it is news again");
        assert_eq!(faring.end(), None);
        faring.resumed(1, 0);
        assert_eq!((faring.end(), faring.missing()), (Some(1), 20));
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
            write(writer, incoming, &outgoing)
        });
        (Keeper::with(Some(thread)), go)
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
            for bytes in 0..KEEP_QUEUE_MAX + beyond {
                keeper.keep(frame(bytes));
            }
            // Time is no record.
            keeper.keep(time());
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
                    Back::Kept(Kept {
                        what: What::Time, ..
                    }) => assert_eq!(kept, most + beyond),
                    // In their order, whichever way they went.
                    Back::Kept(back) => {
                        assert!(kept == most + beyond || back.bytes() as u64 == kept);
                        kept += 1;
                    }
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
