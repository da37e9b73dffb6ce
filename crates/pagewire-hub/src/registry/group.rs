//! The pages of one group, and which of them takes the next call.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pagewire_rpc::{EndKind, FunctionName, PageId};

use super::class::{Class, Names, Rank, hash};
use super::{Exposed, Routing};
use crate::FastMap;
use crate::page::{Page, PageInfo};

/// A page that did not answer so many calls in a row before their deadline is asked last.
const TIMEOUTS_TO_SUSPECT: u32 = 3;
/// After so long such a page gets one more chance.
const PAUSE: Duration = Duration::from_secs(30);

/// Which page a call asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wanted<'a> {
    /// Whichever the group's [`Routing`] gives, but none of these: they were tried.
    Any(&'a [PageId]),
    /// The page that this key belongs to, or the next one that can take it, but none of these.
    Key(&'a str, &'a [PageId]),
    /// Exactly this one.
    Page(&'a PageId),
}

/// What is known of a call that gives its place back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The page answered, if only with an error.
    Answered,
    /// It did not answer before the deadline.
    TimedOut(Instant),
    /// Neither: the caller left, or the page did.
    Unknown,
}

impl Outcome {
    /// What the end of a call says about its page.
    pub(crate) fn of(kind: EndKind) -> Self {
        match kind {
            EndKind::Result | EndKind::BadArguments | EndKind::PageError | EndKind::TooLarge => {
                Self::Answered
            }
            EndKind::Timeout => Self::TimedOut(Instant::now()),
            EndKind::NotFound | EndKind::PageGone | EndKind::Overloaded | EndKind::Cancelled => {
                Self::Unknown
            }
        }
    }
}

/// Whether a page is asked at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Duty {
    Normal,
    /// It is asked last, for it did not answer.
    Suspect,
    /// It gets no new calls.
    Draining,
}

/// Pages with the same functions, by number: see [`Class`].
type ClassId = u64;

#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) slots: FastMap<PageId, Slot>,
    /// The origin of the pages that came by [`super::Grant::Origin`].
    pub(super) origin: Option<String>,
    routing: Routing,
    classes: FastMap<ClassId, Class>,
    class_of: FastMap<Names, ClassId>,
    classes_with: FastMap<FunctionName, Vec<ClassId>>,
    next_class: ClassId,
    /// Suspects, and when each gets its next chance; the earliest first.
    pauses: VecDeque<(Instant, PageId)>,
}

#[derive(Debug)]
pub(super) struct Slot {
    pub(super) page: Arc<Page>,
    pub(super) functions: FastMap<FunctionName, Arc<Exposed>>,
    duty: Duty,
    load: usize,
    turn: u64,
    timeouts_in_row: u32,
    /// Its next chance stands in `pauses`.
    paused: bool,
    /// Where it is in line; nowhere while it drains or exposes nothing.
    class: Option<ClassId>,
}

impl Group {
    pub(super) fn new(routing: Routing) -> Self {
        Self {
            routing,
            ..Self::default()
        }
    }

    pub(super) fn add(&mut self, page: Arc<Page>, turn: u64) {
        let slot = Slot {
            page: page.clone(),
            functions: FastMap::default(),
            duty: Duty::Normal,
            load: 0,
            turn,
            timeouts_in_row: 0,
            paused: false,
            class: None,
        };
        self.slots.insert(page.id.clone(), slot);
    }

    /// Takes the page out, if it is this link that holds its place.
    pub(super) fn remove(&mut self, page: &Arc<Page>) -> bool {
        if self.own(page).is_none() {
            return false;
        }
        self.leave_line(&page.id);
        self.slots.remove(&page.id).is_some()
    }

    /// The slot of a link that is still the current one.
    fn own(&mut self, page: &Arc<Page>) -> Option<&mut Slot> {
        self.slots
            .get_mut(&page.id)
            .filter(|slot| Arc::ptr_eq(&slot.page, page))
    }

    pub(super) fn expose(&mut self, page: &Arc<Page>, functions: Vec<Arc<Exposed>>) {
        let Some(slot) = self.own(page) else { return };
        let known = slot.functions.len();
        let named = functions
            .into_iter()
            .map(|exposed| (exposed.function.name.clone(), exposed));
        slot.functions.extend(named);
        if slot.functions.len() != known {
            self.stand_in_line(&page.id);
        }
    }

    pub(super) fn retract(&mut self, page: &Arc<Page>, names: &[FunctionName]) {
        let Some(slot) = self.own(page) else { return };
        slot.functions.retain(|name, _| !names.contains(name));
        self.stand_in_line(&page.id);
    }

    /// The page that takes a call of this function next; draining pages take none that do not name them.
    pub(super) fn pick(
        &mut self,
        function: &FunctionName,
        wanted: Wanted<'_>,
        random: u64,
        now: Instant,
    ) -> Option<PageId> {
        self.end_pauses(now);
        match wanted {
            Wanted::Page(id) => Some(id.clone()),
            Wanted::Key(key, tried) => self.owner_of(key, function, tried),
            Wanted::Any(tried) => {
                let drawn = match self.routing {
                    Routing::Random => self.draw(function, tried, random),
                    Routing::FewestCalls | Routing::RoundRobin => None,
                };
                drawn.or_else(|| self.first_in_line(function, tried))
            }
        }
    }

    fn first_in_line(&self, function: &FunctionName, tried: &[PageId]) -> Option<PageId> {
        let candidates = self
            .classes(function)
            .filter_map(|class| class.first(tried));
        candidates.min().map(|candidate| candidate.page.clone())
    }

    /// Classes are drawn by their size, so that each page has the same chance.
    fn draw(&self, function: &FunctionName, tried: &[PageId], random: u64) -> Option<PageId> {
        let total: usize = self.classes(function).map(Class::len).sum();
        let mut index = usize::try_from(hash(&random) % total.max(1) as u64).ok()?;
        let class = self.classes(function).find(|class| {
            let found = index < class.len();
            index = index.saturating_sub(class.len());
            found
        })?;
        class.draw(tried, random).cloned()
    }

    fn owner_of(&mut self, key: &str, function: &FunctionName, tried: &[PageId]) -> Option<PageId> {
        let mut nearest = None;
        for id in self.classes_with.get(function)? {
            let class = self.classes.get_mut(id)?;
            if let Some(candidate) = class.owner(key, tried) {
                let candidate = (candidate.distance, candidate.page.clone());
                nearest = nearest.into_iter().chain([candidate]).min();
            }
        }
        nearest.map(|(_, page)| page)
    }

    fn classes(&self, function: &FunctionName) -> impl Iterator<Item = &Class> {
        let ids = self.classes_with.get(function).into_iter().flatten();
        ids.filter_map(|id| self.classes.get(id))
    }

    /// Functions that programs may call without naming a page.
    pub(super) fn functions(&self) -> impl Iterator<Item = &FunctionName> {
        self.classes_with.keys()
    }

    /// How many functions programs may call without naming a page.
    pub(super) fn functions_count(&self) -> usize {
        self.classes_with.len()
    }

    /// True when there are pages with this function, but all of them are draining.
    pub(super) fn drains(&self, function: &FunctionName) -> bool {
        let mut able = self
            .slots
            .values()
            .filter(|slot| slot.functions.contains_key(function))
            .peekable();
        able.peek().is_some() && able.all(|slot| slot.duty == Duty::Draining)
    }

    /// Takes a place at a page for one call.
    pub(super) fn take(&mut self, id: &PageId, turn: u64) {
        if let Some(slot) = self.slots.get_mut(id) {
            slot.load += 1;
            slot.turn = turn;
        }
        self.move_in_line(id);
    }

    /// Gives the place of a call back.
    pub(super) fn release(&mut self, page: &Arc<Page>, outcome: Outcome) {
        let Some(slot) = self.own(page) else { return };
        slot.load = slot.load.saturating_sub(1);
        match outcome {
            Outcome::Unknown => {}
            Outcome::Answered => slot.answered(),
            Outcome::TimedOut(now) => {
                if slot.timed_out() && !std::mem::replace(&mut slot.paused, true) {
                    self.pauses.push_back((now + PAUSE, page.id.clone()));
                }
            }
        }
        self.move_in_line(&page.id);
    }

    pub(super) fn load_of(&self, page: &Arc<Page>) -> usize {
        let slot = self.slots.get(&page.id);
        slot.filter(|slot| Arc::ptr_eq(&slot.page, page))
            .map_or(0, |slot| slot.load)
    }

    /// Sets whether a page gets new calls.
    pub(super) fn set_draining(&mut self, id: &PageId, draining: bool) {
        if let Some(slot) = self.slots.get_mut(id) {
            slot.duty = if draining {
                Duty::Draining
            } else {
                Duty::Normal
            };
            slot.timeouts_in_row = 0;
        }
        self.stand_in_line(id);
    }

    /// Gives suspects whose pause is over one more chance: another timeout makes them suspects again at once.
    fn end_pauses(&mut self, now: Instant) {
        while let Some((_, id)) = self.pauses.pop_front_if(|(until, _)| *until <= now) {
            if let Some(slot) = self.slots.get_mut(&id) {
                slot.paused = false;
                if slot.duty == Duty::Suspect {
                    slot.duty = Duty::Normal;
                    slot.timeouts_in_row = TIMEOUTS_TO_SUSPECT - 1;
                }
            }
            self.move_in_line(&id);
        }
    }

    /// Puts a page into the line that its functions and duty ask for.
    fn stand_in_line(&mut self, id: &PageId) {
        self.leave_line(id);
        let Some(slot) = self.slots.get(id) else {
            return;
        };
        if slot.functions.is_empty() || slot.duty == Duty::Draining {
            return;
        }
        let rank = slot.rank(self.routing);
        let mut names: Vec<_> = slot.functions.keys().cloned().collect();
        names.sort_unstable();
        let class_id = self.class_id(names.into());
        let class = self.classes.entry(class_id).or_default();
        class.add(id.clone(), rank);
        if let Some(slot) = self.slots.get_mut(id) {
            slot.class = Some(class_id);
        }
    }

    fn class_id(&mut self, names: Names) -> ClassId {
        if let Some(id) = self.class_of.get(&names) {
            return *id;
        }
        let id = self.next_class;
        self.next_class += 1;
        for name in names.iter() {
            self.classes_with.entry(name.clone()).or_default().push(id);
        }
        self.class_of.insert(names, id);
        id
    }

    fn leave_line(&mut self, id: &PageId) {
        let Some(class_id) = self.slots.get_mut(id).and_then(|slot| slot.class.take()) else {
            return;
        };
        let Some(class) = self.classes.get_mut(&class_id) else {
            return;
        };
        class.remove(id);
        if class.is_empty() {
            self.classes.remove(&class_id);
            self.class_of.retain(|_, other| *other != class_id);
            self.classes_with.retain(|_, ids| {
                ids.retain(|other| *other != class_id);
                !ids.is_empty()
            });
        }
    }

    fn move_in_line(&mut self, id: &PageId) {
        if let Some(slot) = self.slots.get(id)
            && let Some(class) = slot.class.and_then(|class| self.classes.get_mut(&class))
        {
            class.set_rank(id, slot.rank(self.routing));
        }
    }
}

impl Slot {
    pub(super) fn info(&self, now: Instant) -> PageInfo {
        let mut functions: Vec<_> = self
            .functions
            .values()
            .map(|exposed| exposed.function.clone())
            .collect();
        functions.sort_by(|a, b| a.name.cmp(&b.name));
        let mut info = self.page.info(functions, now);
        info.draining = self.duty == Duty::Draining;
        info.health.timeouts_in_row = self.timeouts_in_row;
        info.health.asked_last = self.duty == Duty::Suspect;
        info
    }

    fn rank(&self, routing: Routing) -> Rank {
        Rank {
            suspect: self.duty == Duty::Suspect,
            load: match routing {
                Routing::FewestCalls => self.load,
                Routing::RoundRobin | Routing::Random => 0,
            },
            turn: self.turn,
        }
    }

    fn answered(&mut self) {
        self.timeouts_in_row = 0;
        if self.duty == Duty::Suspect {
            self.duty = Duty::Normal;
        }
    }

    /// True when this timeout makes the page a suspect.
    fn timed_out(&mut self) -> bool {
        self.timeouts_in_row = self.timeouts_in_row.saturating_add(1);
        let is_new = self.duty == Duty::Normal && self.timeouts_in_row >= TIMEOUTS_TO_SUSPECT;
        if is_new {
            self.duty = Duty::Suspect;
        }
        is_new
    }
}
