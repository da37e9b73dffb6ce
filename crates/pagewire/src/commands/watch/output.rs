//! Lines of many rooms, and a status line below them.
//!
//! A thread writes, so that a terminal that is held (Ctrl-S), or a pipe that is read slowly, does not hold the rooms. What waits is bounded.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::commands::live::Remarks;
use crate::exit::{CANCELLED, FAILED, Failed, SUCCESS};
use crate::terminal::{harmless, stdout_is_terminal};

/// Bytes of lines that wait to be written: some two hundred thousand events. With more, [`Overflow`] decides.
pub(crate) const OUTPUT_BYTES_MAX: usize = 64 << 20;
/// Lines are gathered up to so many bytes before they are written.
const GATHER_BYTES: usize = 64 << 10;
/// How long a command that is to end waits for whoever reads its lines.
const HELD_TIMEOUT: Duration = Duration::from_secs(3);

/// Goes to the beginning of the line and clears it.
const CLEAR_LINE: &str = "\r\x1b[K";

/// What is to be written.
#[derive(Debug)]
enum Job {
    /// Events, on standard output, each with a line feed.
    Events(Vec<u8>),
    /// What is said about rooms, on standard error, without a line feed at the end.
    Said(String),
    /// The line below all others; only on a terminal.
    Status(String),
}

/// Hands lines over. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    jobs: Sender<Job>,
    overflow: Overflow,
    state: Arc<State>,
}

/// What is done where more than [`OUTPUT_BYTES_MAX`] waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Overflow {
    /// Lines are left out, and counted: rooms do not wait.
    LeaveOut,
    /// Whoever has lines waits: a journal does.
    Wait,
}

#[derive(Debug, Default)]
struct State {
    waiting_bytes: Mutex<usize>,
    /// There is room again, or it has ended.
    written: Condvar,
    left_out: AtomicU64,
    has_ended: AtomicBool,
    ended: Notify,
    failure: Mutex<Option<io::Error>>,
    /// The command is to end: nobody waits for room any more.
    stopping: CancellationToken,
}

/// The thread that writes.
#[derive(Debug)]
pub(crate) struct Writing {
    thread: JoinHandle<()>,
    state: Arc<State>,
    /// Who listens for the signal to end, until all is written.
    listening: Option<AbortOnDropHandle<()>>,
}

/// Where lines go.
pub(crate) struct Streams<O, E> {
    pub(crate) out: O,
    pub(crate) err: E,
    /// The two are one terminal, which can have a status line.
    pub(crate) has_status: bool,
}

impl Output {
    /// Begins to write.
    ///
    /// # Errors
    ///
    /// There can be no further thread.
    pub(crate) fn start<O, E>(
        streams: Streams<O, E>,
        overflow: Overflow,
    ) -> io::Result<(Self, Writing)>
    where
        O: Write + Send + 'static,
        E: Write + Send + 'static,
    {
        let (jobs, todo) = channel();
        let state = Arc::new(State::default());
        let page = Page {
            streams,
            status: String::new(),
            gathered: Vec::new(),
        };
        let of_thread = Arc::clone(&state);
        let thread = thread::Builder::new().name("output".to_owned());
        let thread = thread.spawn(move || of_thread.write(page, &todo))?;
        let writing = Writing {
            thread,
            state: Arc::clone(&state),
            listening: None,
        };
        let output = Self {
            jobs,
            overflow,
            state,
        };
        Ok((output, writing))
    }

    /// Events, each with a line feed.
    pub(crate) fn events(&self, lines: Vec<u8>) {
        if !lines.is_empty() {
            self.hand_over(Job::Events(lines));
        }
    }

    /// A line about a room.
    pub(crate) fn say(&self, line: String) {
        self.hand_over(Job::Said(line));
    }

    /// What the status line is now.
    pub(crate) fn status(&self, line: String) {
        self.hand_over(Job::Status(line));
    }

    /// What the command says last: among the lines for people, beside them where programs read. It is not left out.
    pub(crate) fn summary(&self, text: &str, remarks: Remarks) {
        let job = match remarks {
            Remarks::Lines if stdout_is_terminal() => Job::Events(line_of(harmless(text))),
            Remarks::Lines => Job::Events(line_of(text.to_owned())),
            Remarks::Json | Remarks::Aside => Job::Said(harmless(text)),
        };
        self.state.takes_room(job.bytes());
        // As below.
        let _ = self.jobs.send(job);
    }

    fn hand_over(&self, job: Job) {
        if self.state.has_room(job.bytes(), self.overflow) {
            // Without a thread that writes, the command ends anyway.
            let _ = self.jobs.send(job);
        } else {
            self.state.left_out.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Returns when nothing can be written any more: mostly as nobody reads, which is an end like any other.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub(crate) async fn ended(&self) {
        self.state.ended().await;
    }

    /// Returns when the command is told to end.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub(crate) async fn stopped(&self) {
        self.state.stopping.cancelled().await;
    }
}

fn line_of(text: String) -> Vec<u8> {
    (text + "\n").into_bytes()
}

impl Job {
    fn bytes(&self) -> usize {
        match self {
            Self::Events(lines) => lines.len(),
            Self::Said(line) | Self::Status(line) => line.len(),
        }
    }
}

impl Writing {
    /// Lets this end the command. A task of its own waits for it, so that it is heard too where the command waits for a reader.
    pub(crate) fn stopped_by(&mut self, stop: impl Future<Output = ()> + Send + 'static) {
        let state = Arc::clone(&self.state);
        let listening = tokio::spawn(async move {
            stop.await;
            state.stop();
        });
        self.listening = Some(AbortOnDropHandle::new(listening));
    }

    /// Ends a command that has handed over all. A reader that has seen enough (`| head`) wants nothing more, which is an end like any other.
    ///
    /// One that does not read, and is not gone, holds a command that is to end for [`HELD_TIMEOUT`]: then the thread is left to itself. It may hold standard
    /// error too, so that nothing can be said of it; the exit code does.
    ///
    /// # Cancel safety
    ///
    /// The thread goes on.
    pub(crate) async fn finish(self) -> Result<(), Failed> {
        let held = async {
            self.state.stopping.cancelled().await;
            sleep(HELD_TIMEOUT).await;
        };
        tokio::select! {
            biased;
            () = self.state.ended() => {}
            () = held => return Err(Failed::silent(CANCELLED)),
        }
        self.end().map_err(|error| {
            if error.kind() == io::ErrorKind::BrokenPipe {
                Failed::silent(SUCCESS)
            } else {
                Failed::new(FAILED, format!("cannot write: {error}"))
            }
        })
    }

    /// Waits until all is written, and gives why that failed. To be called when all that hand lines over are gone.
    pub(crate) fn end(self) -> io::Result<()> {
        // It does not panic; if it did, there is nobody here to tell.
        let _ = self.thread.join();
        match lock(&self.state.failure).take() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}

impl State {
    async fn ended(&self) {
        let ended = self.ended.notified();
        if !self.has_ended.load(Ordering::Acquire) {
            ended.await;
        }
    }

    /// The command is to end; whoever waits for room is let go.
    fn stop(&self) {
        self.stopping.cancel();
        self.gave_room(0);
    }

    fn takes_room(&self, bytes: usize) {
        let mut waiting = lock(&self.waiting_bytes);
        *waiting = waiting.saturating_add(bytes);
    }

    /// Takes room for so many bytes, where there is some.
    fn has_room(&self, bytes: usize, overflow: Overflow) -> bool {
        let mut waiting = lock(&self.waiting_bytes);
        while *waiting > OUTPUT_BYTES_MAX && !self.has_ended.load(Ordering::Acquire) {
            match overflow {
                Overflow::LeaveOut => return false,
                // What is under way, a record at most, is told whole.
                Overflow::Wait if self.stopping.is_cancelled() => break,
                Overflow::Wait => {
                    let woken = self.written.wait(waiting);
                    waiting = woken.unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
        *waiting = waiting.saturating_add(bytes);
        true
    }

    fn gave_room(&self, bytes: usize) {
        let mut waiting = lock(&self.waiting_bytes);
        *waiting = waiting.saturating_sub(bytes);
        drop(waiting);
        self.written.notify_all();
    }

    fn write<O: Write, E: Write>(&self, mut page: Page<O, E>, todo: &Receiver<Job>) {
        let written = self.write_all(&mut page, todo);
        if let Err(error) = written.and_then(|()| page.end()) {
            *lock(&self.failure) = Some(error);
        }
        self.has_ended.store(true, Ordering::Release);
        self.ended.notify_waiters();
        self.gave_room(0);
    }

    fn write_all<O: Write, E: Write>(
        &self,
        page: &mut Page<O, E>,
        todo: &Receiver<Job>,
    ) -> io::Result<()> {
        while let Ok(first) = todo.recv() {
            let mut next = Some(first);
            while let Some(job) = next {
                let bytes = job.bytes();
                page.take(job)?;
                self.gave_room(bytes);
                next = todo.try_recv().ok();
            }
            match self.left_out.swap(0, Ordering::Relaxed) {
                0 => {}
                left_out => page.take(Job::Said(left_out_words(left_out)))?,
            }
            page.flush()?;
        }
        Ok(())
    }
}

fn left_out_words(left_out: u64) -> String {
    format!(
        "pagewire: {left_out} lines were left out, as what waits to be read is more than {} MiB · 输出未被及时读取，略去 {left_out} 行",
        OUTPUT_BYTES_MAX >> 20
    )
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is on the terminal.
struct Page<O, E> {
    streams: Streams<O, E>,
    /// The line below all others, where it is drawn.
    status: String,
    /// Events that go out together.
    gathered: Vec<u8>,
}

impl<O: Write, E: Write> Page<O, E> {
    fn take(&mut self, job: Job) -> io::Result<()> {
        match job {
            Job::Events(lines) => {
                self.gathered.extend_from_slice(&lines);
                if self.gathered.len() >= GATHER_BYTES {
                    self.flush()?;
                }
                Ok(())
            }
            Job::Said(line) => {
                self.flush()?;
                self.clear()?;
                writeln!(self.streams.err, "{line}")?;
                self.draw()
            }
            Job::Status(line) if self.streams.has_status => {
                self.flush()?;
                self.clear()?;
                self.status = line;
                self.draw()
            }
            Job::Status(_) => Ok(()),
        }
    }

    /// Events that were gathered, above the status line.
    fn flush(&mut self) -> io::Result<()> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        self.clear()?;
        self.streams.out.write_all(&self.gathered)?;
        self.streams.out.flush()?;
        self.gathered.clear();
        self.draw()
    }

    fn clear(&mut self) -> io::Result<()> {
        if self.status.is_empty() {
            return Ok(());
        }
        self.streams.err.write_all(CLEAR_LINE.as_bytes())?;
        self.streams.err.flush()
    }

    fn draw(&mut self) -> io::Result<()> {
        if self.status.is_empty() {
            return Ok(());
        }
        self.streams.err.write_all(self.status.as_bytes())?;
        self.streams.err.flush()
    }

    /// The status is no part of what was said.
    fn end(&mut self) -> io::Result<()> {
        self.flush()?;
        self.clear()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;

    /// Takes what is written once it may.
    struct Held {
        may: Receiver<()>,
        written: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Held {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // Whoever is gone holds nothing any more.
            let _ = self.may.recv();
            lock(&self.written).extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Takes all.
    #[derive(Clone, Default)]
    struct Taken(Arc<Mutex<Vec<u8>>>);

    impl Taken {
        fn text(&self) -> String {
            String::from_utf8(lock(&self.0).clone()).expect("UTF-8")
        }
    }

    impl Write for Taken {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            lock(&self.0).extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Nobody reads.
    struct Broken;

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_is_more_than_may_wait_is_left_out_and_counted_and_nobody_waits() {
        const LINE: usize = 1 << 20;
        let (go, may) = sync_channel(0);
        let (written, err) = (Arc::default(), Taken::default());
        let streams = Streams {
            out: Held {
                may,
                written: Arc::clone(&written),
            },
            err: err.clone(),
            has_status: false,
        };
        let (output, writing) = Output::start(streams, Overflow::LeaveOut).expect("a thread");
        let fit = OUTPUT_BYTES_MAX / LINE;
        // The last one that fits begins where the limit is reached, and not where it is passed.
        for _ in 0..fit + 3 {
            output.events(vec![b'x'; LINE]);
        }
        drop((go, output));
        writing.end().expect("all is written");
        let lines = lock(&written).len() / LINE;
        // One line may be taken out before the others are handed over.
        assert!((fit + 1..=fit + 2).contains(&lines), "{lines}");
        let left_out = fit + 3 - lines;
        assert!(
            err.text()
                .contains(&format!("{left_out} lines were left out")),
            "{}",
            err.text()
        );
    }

    #[test]
    fn whoever_may_wait_loses_nothing() {
        const LINE: usize = 1 << 20;
        let out = Taken::default();
        let streams = Streams {
            out: out.clone(),
            err: Taken::default(),
            has_status: false,
        };
        let (output, writing) = Output::start(streams, Overflow::Wait).expect("a thread");
        for _ in 0..OUTPUT_BYTES_MAX / LINE + 8 {
            output.events(vec![b'x'; LINE]);
        }
        drop(output);
        writing.end().expect("all is written");
        assert_eq!(lock(&out.0).len(), OUTPUT_BYTES_MAX + 8 * LINE);
    }

    #[tokio::test]
    async fn whoever_waits_for_a_reader_that_does_not_read_is_let_go_when_the_command_is_to_end() {
        let (go, may) = sync_channel(0);
        let streams = Streams {
            out: Held {
                may,
                written: Arc::default(),
            },
            err: Taken::default(),
            has_status: false,
        };
        let (output, mut writing) = Output::start(streams, Overflow::Wait).expect("a thread");
        let (stop, stopped) = tokio::sync::oneshot::channel();
        writing.stopped_by(async {
            let _ = stopped.await;
        });
        let (handed_over, one_more) = sync_channel(0);
        let telling = thread::spawn(move || {
            output.events(vec![b'x'; OUTPUT_BYTES_MAX + 1]);
            handed_over.send(()).expect("it waits for this");
            output.events(b"one more".to_vec());
        });
        one_more.recv().expect("it goes on");
        stop.send(()).expect("it listens");
        let told = tokio::task::spawn_blocking(move || telling.join());
        told.await.expect("it ends").expect("it does not panic");
        let failed = writing.finish().await.expect_err("nobody has read");
        assert_eq!((failed.code, failed.message), (CANCELLED, None));
        drop(go);
    }

    #[tokio::test]
    async fn what_is_said_last_is_not_left_out() {
        let (go, may) = sync_channel(0);
        let err = Taken::default();
        let streams = Streams {
            out: Held {
                may,
                written: Arc::default(),
            },
            err: err.clone(),
            has_status: false,
        };
        let (output, writing) = Output::start(streams, Overflow::LeaveOut).expect("a thread");
        output.events(vec![b'x'; OUTPUT_BYTES_MAX + 1]);
        output.summary("what it was", Remarks::Aside);
        drop((go, output));
        writing.finish().await.expect("all is written");
        assert_eq!(err.text(), "what it was\n");
    }

    #[test]
    fn the_status_is_below_all_lines_and_gone_at_the_end() {
        let terminal = Taken::default();
        let streams = Streams {
            out: terminal.clone(),
            err: terminal.clone(),
            has_status: true,
        };
        let (output, writing) = Output::start(streams, Overflow::LeaveOut).expect("a thread");
        output.status("1".to_owned());
        output.say("said".to_owned());
        output.status("2".to_owned());
        output.events(b"event\n".to_vec());
        drop(output);
        writing.end().expect("all is written");
        // What a terminal shows: what stands before a cleared line's beginning is gone.
        let text = terminal.text();
        let shown = text.split('\n').map(|line| {
            let cleared = line.rsplit(CLEAR_LINE).next();
            cleared.unwrap_or_default()
        });
        assert_eq!(shown.collect::<Vec<_>>(), ["said", "event", ""], "{text:?}");
    }

    #[tokio::test]
    async fn a_reader_that_is_gone_is_told() {
        let streams = Streams {
            out: Broken,
            err: Taken::default(),
            has_status: false,
        };
        let (output, writing) = Output::start(streams, Overflow::Wait).expect("a thread");
        output.events(b"event\n".to_vec());
        output.ended().await;
        // Nothing holds whoever goes on for a while.
        output.events(vec![b'x'; 2 * OUTPUT_BYTES_MAX]);
        output.events(b"event\n".to_vec());
        drop(output);
        let error = writing.end().expect_err("it is broken");
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }
}
