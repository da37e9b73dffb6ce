//! Makes what was written last: a thread that waits for the disk, so that whoever appends does not.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::error::Error;

/// Owns the thread, and waits for its end when dropped.
#[derive(Debug)]
pub(super) struct Syncer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Was written, and may not be on the disk.
    dirty: Option<(Arc<File>, PathBuf)>,
    failure: Option<(PathBuf, io::Error)>,
    ends: bool,
}

impl Syncer {
    pub(super) fn start(wait: Duration) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let of_thread = Arc::clone(&shared);
        let thread = thread::Builder::new().name("journal-sync".to_owned());
        let thread = thread.spawn(move || of_thread.run(wait))?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// This file was written. A file that was written before it is synced by whoever has ended it.
    pub(super) fn touch(&self, file: &Arc<File>, path: &Path) {
        let mut state = self.shared.lock();
        let is_known = matches!(&state.dirty, Some((known, _)) if Arc::ptr_eq(known, file));
        if !is_known {
            let idle = state.dirty.is_none();
            state.dirty = Some((Arc::clone(file), path.to_owned()));
            if idle {
                self.shared.changed.notify_one();
            }
        }
    }

    /// How syncing went that was done elsewhere.
    pub(super) fn note(&self, path: &Path, result: io::Result<()>) {
        if let Err(error) = result {
            self.shared.lock().failure = Some((path.to_owned(), error));
        }
    }

    /// What failed since the last time.
    pub(super) fn check(&self) -> Result<(), Error> {
        match self.shared.lock().failure.take() {
            Some((path, source)) => Err(Error::NotSynced { path, source }),
            None => Ok(()),
        }
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        self.shared.lock().ends = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // It does not panic; if it did, there is nobody here to tell.
            drop(thread.join());
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whatever is dirty is so for `wait` at most, and synced before the end.
    fn run(&self, wait: Duration) {
        loop {
            let state = self.lock();
            let state = self
                .changed
                .wait_while(state, |state| state.dirty.is_none() && !state.ends)
                .unwrap_or_else(PoisonError::into_inner);
            let (mut state, _) = self
                .changed
                .wait_timeout_while(state, wait, |state| !state.ends)
                .unwrap_or_else(PoisonError::into_inner);
            let Some((file, path)) = state.dirty.take() else {
                return;
            };
            drop(state);
            if let Err(error) = file.sync_data() {
                self.lock().failure = Some((path, error));
            }
        }
    }
}
