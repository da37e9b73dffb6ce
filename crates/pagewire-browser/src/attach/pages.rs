//! Pages that are to be open: opened where no tab has them, loaded again when somebody asks for it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use futures_util::task::AtomicWaker;
use pagewire_cdp::command::{PageNavigate, PageReload, TargetCreateTarget};
use pagewire_cdp::event::TargetKind;
use pagewire_cdp::{CommandError, SessionId, UrlPattern};
use serde_json::value::RawValue;

use super::options::Reach;
use super::report::Report;
use super::state::{Asked, State};

/// A page that is to be open.
#[derive(Debug, Clone)]
pub struct WantedPage {
    /// Its address.
    pub url: String,
    /// Tabs whose address fits one of these have it. None: those that fit [`AttachOptions::documents`](super::AttachOptions::documents).
    pub documents: Vec<UrlPattern>,
}

impl WantedPage {
    /// The page of this address, which any tab has that is attached to.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            documents: Vec::new(),
        }
    }
}

/// Asks for pages to be loaded again, from anywhere in the program. Cheap to clone; all clones are one.
#[derive(Debug, Clone, Default)]
pub struct Reloads(Arc<Asking>);

#[derive(Debug, Default)]
struct Asking {
    /// Places in [`AttachOptions::pages`](super::AttachOptions::pages).
    pages: Mutex<BTreeSet<usize>>,
    owner: AtomicWaker,
}

impl Reloads {
    /// The page at this place of [`AttachOptions::pages`](super::AttachOptions::pages) is to be loaded again, or opened where no tab has it any more.
    /// Asking twice before it is done is asking once.
    pub fn ask(&self, page: usize) {
        self.pages().insert(page);
        self.0.owner.wake();
    }

    /// The pages that were asked for since the last call.
    pub(super) fn poll(&self, context: &Context<'_>) -> Poll<BTreeSet<usize>> {
        self.0.owner.register(context.waker());
        let pages = std::mem::take(&mut *self.pages());
        if pages.is_empty() {
            return Poll::Pending;
        }
        Poll::Ready(pages)
    }

    fn pages(&self) -> MutexGuard<'_, BTreeSet<usize>> {
        self.0.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// All that was there is attached to: pages that are wanted are opened, unless they are there.
    pub(super) fn begun(&mut self, now: Instant) {
        self.begun = true;
        // A browser in a window comes with an empty tab.
        let mut sessions = self.sessions.iter();
        let empty = sessions.find(|(_, session)| {
            session.target.kind == TargetKind::Page && session.target.url == "about:blank"
        });
        let mut empty = empty
            .map(|(id, _)| id.clone())
            .filter(|_| self.options.reach == Reach::All);
        for page in self.options.pages.clone() {
            if self.tab_of(&page).is_none() {
                self.open(now, &page, empty.take());
            }
        }
    }

    /// Loads a page again, or opens it.
    pub(super) fn load_again(&mut self, now: Instant, page: usize) {
        let Some(page) = self.options.pages.get(page).cloned() else {
            return;
        };
        match self.tab_of(&page) {
            Some(tab) => self.tell(now, &tab, &PageReload {}),
            // Before the beginning nobody knows what is there, and it is opened then.
            None if self.begun => self.open(now, &page, None),
            None => {}
        }
    }

    fn tab_of(&self, page: &WantedPage) -> Option<SessionId> {
        let fits = |url: &str| match &page.documents[..] {
            [] => self.fits(url),
            documents => documents.iter().any(|pattern| pattern.matches(url)),
        };
        let mut sessions = self.sessions.iter();
        let tab = sessions.find(|(_, session)| {
            session.target.kind == TargetKind::Page && fits(&session.target.url)
        });
        tab.map(|(id, _)| id.clone())
    }

    fn open(&mut self, now: Instant, page: &WantedPage, empty: Option<SessionId>) {
        let url = &page.url;
        match empty {
            Some(tab) => {
                let navigate = PageNavigate { url };
                self.command(now, Some(&tab), &navigate, Asked::TabOpened);
            }
            None => {
                let create = TargetCreateTarget { url };
                self.command(now, None, &create, Asked::TabOpened);
            }
        }
    }

    pub(super) fn tab_opened(&mut self, result: Result<&RawValue, CommandError>) {
        if let Err(error) = result {
            let text = format!("the tab could not be opened: {error}");
            self.report(Report::Problem { text });
        }
    }
}
