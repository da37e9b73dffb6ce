//! Pages that are to be open: opened where no tab has them, loaded again when somebody asks for it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use futures_util::task::AtomicWaker;
use pagewire_cdp::command::{PageNavigate, PageReload, TargetCreateTarget};
use pagewire_cdp::event::TargetKind;
use pagewire_cdp::{CommandError, SessionId, TargetId, UrlPattern};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::watch;

use super::options::Reach;
use super::report::Report;
use super::state::{Asked, State, read_answer};

/// The address of the page that Chromium shows where it cannot load one.
const ERROR_PAGE: &str = "chrome-error://chromewebdata/";

/// A page that is to be open.
#[derive(Debug, Clone)]
pub struct WantedPage {
    /// Its address.
    pub url: String,
    /// Tabs whose address fits one of these have it. None: those that fit [`AttachOptions::documents`](super::AttachOptions::documents).
    pub documents: Vec<UrlPattern>,
    /// Is told the address of its tab, whenever that changes: a site may send the tab elsewhere, such as to a log-in. `chrome-error://…` while the
    /// browser shows that it could not load it, none where it has no tab.
    pub at: watch::Sender<Option<String>>,
}

impl WantedPage {
    /// The page of this address, which any tab has that is attached to.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            documents: Vec::new(),
            at: watch::Sender::new(None),
        }
    }

    fn is_at(&self, url: Option<&str>) {
        self.at.send_if_modified(|at| {
            let is_new = at.as_deref() != url;
            if is_new {
                *at = url.map(str::to_owned);
            }
            is_new
        });
    }
}

/// The tab of a page that is to be open, wherever it is now.
#[derive(Debug)]
pub(super) struct TabOf {
    target: TargetId,
    opened_by: OpenedBy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OpenedBy {
    Us,
    User,
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
        for (place, page) in self.options.pages.clone().iter().enumerate() {
            match self.tab_of(page) {
                Some(tab) => self.has_tab(place, &tab, OpenedBy::User),
                None => self.open(now, place, page, empty.take()),
            }
        }
    }

    /// Loads a page again, or opens it.
    pub(super) fn load_again(&mut self, now: Instant, place: usize) {
        let Some(page) = self.options.pages.get(place).cloned() else {
            return;
        };
        match self.tab_of(&page) {
            Some(tab) => {
                self.has_tab(place, &tab, OpenedBy::User);
                self.tell(now, &tab, &PageReload {});
            }
            // Before the beginning nobody knows what is there, and it is opened then.
            None if self.begun => {
                let own = self.own_tab(place);
                self.open(now, place, &page, own);
            }
            None => {}
        }
    }

    /// The tab that was opened for it, wherever it went since.
    fn own_tab(&self, place: usize) -> Option<SessionId> {
        let tab = self.tabs.get(&place)?;
        let session = self.targets.get(&tab.target)?;
        (tab.opened_by == OpenedBy::Us).then(|| session.clone())
    }

    fn has_tab(&mut self, place: usize, session: &SessionId, opened_by: OpenedBy) {
        let Some(session) = self.sessions.get(session) else {
            return;
        };
        let target = session.target.target_id.clone();
        let known = self.tabs.get(&place);
        if known.is_none_or(|known| known.target != target) {
            let tab = TabOf { target, opened_by };
            self.tabs.insert(place, tab);
        }
        self.tell_address(place);
    }

    fn tell_address(&self, place: usize) {
        let tab = self.tabs.get(&place);
        let session = tab.and_then(|tab| self.targets.get(&tab.target));
        let session = session.and_then(|session| self.sessions.get(session));
        if let Some(page) = self.options.pages.get(place) {
            page.is_at(session.map(|session| {
                if session.failed {
                    ERROR_PAGE
                } else {
                    session.target.url.as_str()
                }
            }));
        }
    }

    /// A tab is at another address, or is gone.
    pub(super) fn tab_changed(&self, target: &TargetId) {
        let tabs = self.tabs.iter().filter(|(_, tab)| tab.target == *target);
        tabs.for_each(|(place, _)| self.tell_address(*place));
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

    fn open(&mut self, now: Instant, place: usize, page: &WantedPage, tab: Option<SessionId>) {
        let url = &page.url;
        match tab {
            Some(tab) => {
                let navigate = PageNavigate { url };
                self.command(now, Some(&tab), &navigate, Asked::TabLoaded);
                self.has_tab(place, &tab, OpenedBy::Us);
            }
            None => {
                let create = TargetCreateTarget { url };
                self.command(now, None, &create, Asked::TabOpened(place));
            }
        }
    }

    pub(super) fn tab_opened(&mut self, place: usize, result: Result<&RawValue, CommandError>) {
        match read_answer::<TargetCreated>(result) {
            Ok(TargetCreated { target_id: target }) => {
                let opened_by = OpenedBy::Us;
                self.tabs.insert(place, TabOf { target, opened_by });
                self.tell_address(place);
            }
            Err(why) => self.tab_failed(&why),
        }
    }

    pub(super) fn tab_loaded(&mut self, result: Result<&RawValue, CommandError>) {
        if let Err(error) = result {
            self.tab_failed(&error.to_string());
        }
    }

    fn tab_failed(&mut self, why: &str) {
        let text = format!("the tab could not be opened: {why}");
        self.report(Report::Problem { text });
    }
}

/// The answer to `Target.createTarget`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TargetCreated {
    target_id: TargetId,
}
