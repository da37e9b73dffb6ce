//! Who is attached, who may join a group, and who takes the next call. Pure but for the lock that its owner puts around it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use pagewire_rpc::{Function, FunctionName, GroupName, Hello, PageId, Payload, Refusal};

use crate::arguments::ArgumentCheck;
use crate::page::{Page, PageInfo};
use crate::scope::Scopes;

/// What is known of a page before it says hello.
#[derive(Debug, Clone)]
pub struct Attachment {
    /// The kind of carrier: `ws`, `cdp`.
    pub carrier: &'static str,
    /// The page's origin, where a browser told it.
    pub origin: Option<String>,
    /// Which groups it may join.
    pub grant: Grant,
    /// What else it may do: call and subscribe.
    pub scopes: Scopes,
}

/// Which groups a page may join.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grant {
    /// Any: a program on this machine, or a page of the hub's own.
    Any,
    /// Those that its token's `attach` scopes name.
    Token,
    /// It comes from an allowed origin: the groups that the configuration gives to this origin, and groups that nobody else owns.
    Origin,
    /// It comes from an allowed origin, but only to the groups that the configuration gives to it.
    OriginOfGroup,
}

/// Which origins own a group by configuration.
pub type GroupPolicy = HashMap<GroupName, Vec<String>>;

#[derive(Debug)]
pub(crate) struct Registry {
    groups: HashMap<GroupName, Group>,
    pages: HashMap<PageId, GroupName>,
    policy: GroupPolicy,
    pages_max: usize,
    /// Grows with each assignment; equal loads go to the page that waited longest.
    turn: u64,
}

#[derive(Debug, Default)]
struct Group {
    slots: HashMap<PageId, Slot>,
    /// All pages, the least loaded first.
    order: BTreeMap<(usize, u64), PageId>,
    /// How many pages expose each function.
    functions: HashMap<FunctionName, usize>,
    /// The origin of the pages that came by [`Grant::Origin`].
    origin: Option<String>,
}

#[derive(Debug)]
struct Slot {
    page: Arc<Page>,
    load: usize,
    turn: u64,
    functions: HashMap<FunctionName, Arc<Exposed>>,
}

/// A function with its argument check made ready.
#[derive(Debug)]
pub(crate) struct Exposed {
    function: Function,
    check: Option<ArgumentCheck>,
}

impl Exposed {
    /// Schemas that cannot be compiled are not checked, and the log says so: the function itself works.
    pub(crate) fn new(function: Function, group: &GroupName) -> Self {
        let check = ArgumentCheck::compile(&function).unwrap_or_else(|why| {
            tracing::warn!(%group, function = %function.name, why, "arguments are not checked: bad schema");
            None
        });
        Self { function, check }
    }

    pub(crate) fn streams(&self) -> bool {
        self.function.stream
    }

    pub(crate) fn check(&self, arguments: &Payload) -> Result<(), String> {
        self.check
            .as_ref()
            .map_or(Ok(()), |check| check.check(arguments))
    }
}

/// A call's place at a page; dropping it gives the place back.
#[derive(Debug)]
pub(crate) struct Load {
    registry: Arc<Mutex<Registry>>,
    page: Arc<Page>,
}

impl Drop for Load {
    fn drop(&mut self) {
        self.registry
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .release(&self.page);
    }
}

impl Load {
    pub(crate) fn new(registry: Arc<Mutex<Registry>>, page: Arc<Page>) -> Self {
        Self { registry, page }
    }
}

impl Registry {
    pub(crate) fn new(policy: GroupPolicy, pages_max: usize) -> Self {
        Self {
            groups: HashMap::new(),
            pages: HashMap::new(),
            policy,
            pages_max,
            turn: 0,
        }
    }

    /// Registers the page of `hello` with its functions, and takes it over from an older link that holds its id, all in one step: no call
    /// finds the page half-way. `fresh_id` is used when the page brings none.
    pub(crate) fn attach(
        &mut self,
        hello: &Hello,
        attachment: Attachment,
        fresh_id: PageId,
        functions: Vec<Arc<Exposed>>,
        now: Instant,
    ) -> Result<(Arc<Page>, Option<Arc<Page>>), Refusal> {
        self.may_join(&hello.group, &attachment)
            .map_err(Refusal::Access)?;
        let id = hello.page.clone().unwrap_or(fresh_id);
        let old = self.holder(&id).cloned();
        if let Some(old) = &old {
            if old.group != hello.group || old.attachment.origin != attachment.origin {
                return Err(Refusal::Access(
                    "this page id belongs to a page of another group or origin".into(),
                ));
            }
            self.remove(old);
        } else if self.pages.len() >= self.pages_max {
            return Err(Refusal::TooManyPages);
        }
        let epoch = hello
            .epoch
            .max(old.as_ref().map_or(0, |old| old.epoch))
            .saturating_add(1);
        let origin = (attachment.grant == Grant::Origin)
            .then(|| attachment.origin.clone())
            .flatten();
        let page = Arc::new(Page::new(id.clone(), epoch, hello, attachment, now));
        self.turn += 1;
        let group = self.groups.entry(hello.group.clone()).or_default();
        group.origin = group.origin.take().or(origin);
        let slot = Slot {
            page: page.clone(),
            load: 0,
            turn: self.turn,
            functions: HashMap::new(),
        };
        group.order.insert((0, self.turn), id.clone());
        group.slots.insert(id.clone(), slot);
        self.pages.insert(id, hello.group.clone());
        self.expose(&page, functions);
        Ok((page, old))
    }

    fn may_join(&self, group: &GroupName, attachment: &Attachment) -> Result<(), String> {
        let origin = attachment.origin.as_deref().unwrap_or("(none)");
        match attachment.grant {
            Grant::Any => Ok(()),
            Grant::Token if attachment.scopes.may_attach(group) => Ok(()),
            Grant::Token => Err(format!("the token has no scope attach:{group}")),
            Grant::Origin | Grant::OriginOfGroup => {
                let configured = self.policy.get(group);
                let bound = self
                    .groups
                    .get(group)
                    .filter(|group| !group.slots.is_empty());
                match (configured, bound.and_then(|group| group.origin.as_deref())) {
                    (Some(origins), _) if origins.iter().any(|own| own == origin) => Ok(()),
                    (Some(_), _) => Err(format!(
                        "group {group} belongs to other origins than {origin}"
                    )),
                    (None, _) if attachment.grant == Grant::OriginOfGroup => Err(format!(
                        "{origin} may join only the groups that the configuration gives it, not {group}"
                    )),
                    (None, Some(owner)) if owner != origin => Err(format!(
                        "group {group} belongs to pages of {owner}, not of {origin}"
                    )),
                    (None, None) if bound.is_some() => Err(format!(
                        "group {group} belongs to pages that attached with a token or from this machine"
                    )),
                    (None, _) => Ok(()),
                }
            }
        }
    }

    /// Takes a link out. Another link of the same page id stays.
    pub(crate) fn remove(&mut self, page: &Arc<Page>) {
        let Some(group) = self.groups.get_mut(&page.group) else {
            return;
        };
        if !group
            .slots
            .get(&page.id)
            .is_some_and(|slot| Arc::ptr_eq(&slot.page, page))
        {
            return;
        }
        if let Some(slot) = group.slots.remove(&page.id) {
            group.order.remove(&(slot.load, slot.turn));
            slot.functions.keys().for_each(|name| group.forget(name));
        }
        self.pages.remove(&page.id);
        if group.slots.is_empty() {
            self.groups.remove(&page.group);
        }
    }

    pub(crate) fn expose(&mut self, page: &Arc<Page>, functions: Vec<Arc<Exposed>>) {
        let Some((group, _)) = self.own(page) else {
            return;
        };
        for exposed in functions {
            let name = exposed.function.name.clone();
            let slot = group.slots.get_mut(&page.id).expect("own() found the slot");
            if slot.functions.insert(name.clone(), exposed).is_none() {
                *group.functions.entry(name).or_default() += 1;
            }
        }
    }

    pub(crate) fn retract(&mut self, page: &Arc<Page>, names: &[FunctionName]) {
        let Some((group, _)) = self.own(page) else {
            return;
        };
        for name in names {
            let slot = group.slots.get_mut(&page.id).expect("own() found the slot");
            if slot.functions.remove(name).is_some() {
                group.forget(name);
            }
        }
    }

    /// Finds the page for a call and takes a place there: the page with the fewest calls under way, or exactly `page`.
    pub(crate) fn route(
        &mut self,
        group_name: &GroupName,
        function: &FunctionName,
        page: Option<&PageId>,
    ) -> Result<(Arc<Page>, Arc<Exposed>), String> {
        let Some(group) = self.groups.get_mut(group_name) else {
            return Err(format!("no page is attached to group {group_name}"));
        };
        let missing = || format!("no page of group {group_name} exposes {function}");
        let id = match page {
            Some(id) if !group.slots.contains_key(id) => {
                return Err(format!("group {group_name} has no page {id}"));
            }
            Some(id) => id.clone(),
            None if !group.functions.contains_key(function) => return Err(missing()),
            None => group.least_loaded(function).ok_or_else(missing)?,
        };
        self.turn += 1;
        let slot = group.slots.get_mut(&id).ok_or_else(missing)?;
        let Some(exposed) = slot.functions.get(function).cloned() else {
            return Err(format!("page {id} does not expose {function}"));
        };
        group.order.remove(&(slot.load, slot.turn));
        slot.load += 1;
        slot.turn = self.turn;
        group.order.insert((slot.load, slot.turn), id);
        Ok((slot.page.clone(), exposed))
    }

    fn release(&mut self, page: &Arc<Page>) {
        let Some((group, slot_key)) = self.own(page) else {
            return;
        };
        let slot = group.slots.get_mut(&page.id).expect("own() found the slot");
        slot.load = slot.load.saturating_sub(1);
        let key = (slot.load, slot.turn);
        group.order.remove(&slot_key);
        group.order.insert(key, page.id.clone());
    }

    /// The group of a link that is still the current one, and its place in the order.
    fn own(&mut self, page: &Arc<Page>) -> Option<(&mut Group, (usize, u64))> {
        let group = self.groups.get_mut(&page.group)?;
        let slot = group
            .slots
            .get(&page.id)
            .filter(|slot| Arc::ptr_eq(&slot.page, page))?;
        let key = (slot.load, slot.turn);
        Some((group, key))
    }

    fn holder(&self, id: &PageId) -> Option<&Arc<Page>> {
        let group = self.groups.get(self.pages.get(id)?)?;
        group.slots.get(id).map(|slot| &slot.page)
    }

    pub(crate) fn page(&self, id: &PageId) -> Option<Arc<Page>> {
        self.holder(id).cloned()
    }

    pub(crate) fn pages(&self) -> Vec<Arc<Page>> {
        self.slots().map(|slot| slot.page.clone()).collect()
    }

    pub(crate) fn infos(&self, now: Instant) -> Vec<PageInfo> {
        let mut infos: Vec<_> = self.slots().map(|slot| slot.info(now)).collect();
        infos.sort_by(|a, b| (&a.group, &a.id).cmp(&(&b.group, &b.id)));
        infos
    }

    pub(crate) fn info(&self, id: &PageId, now: Instant) -> Option<PageInfo> {
        let group = self.groups.get(self.pages.get(id)?)?;
        group.slots.get(id).map(|slot| slot.info(now))
    }

    /// Pages, and different functions of all groups.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let functions = self.groups.values().map(|group| group.functions.len());
        (self.pages.len(), functions.sum())
    }

    fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.groups.values().flat_map(|group| group.slots.values())
    }
}

impl Group {
    fn forget(&mut self, name: &FunctionName) {
        if let Some(count) = self.functions.get_mut(name) {
            *count -= 1;
            if *count == 0 {
                self.functions.remove(name);
            }
        }
    }

    /// Pages of a group can stand in for one another, so the first in the order has the function nearly always; pages without it are passed over.
    fn least_loaded(&self, function: &FunctionName) -> Option<PageId> {
        let exposes = |id: &&PageId| {
            self.slots
                .get(*id)
                .is_some_and(|slot| slot.functions.contains_key(function))
        };
        self.order.values().find(exposes).cloned()
    }
}

impl Slot {
    fn info(&self, now: Instant) -> PageInfo {
        let mut functions: Vec<_> = self
            .functions
            .values()
            .map(|exposed| exposed.function.clone())
            .collect();
        functions.sort_by(|a, b| a.name.cmp(&b.name));
        self.page.info(functions, now)
    }
}

#[cfg(test)]
mod tests;
